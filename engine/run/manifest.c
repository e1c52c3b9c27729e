/* engine/run/manifest.c - run.json: what a run was asked for. */
#include "run/manifest.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/uuid.h"

/* Settings that are text: where they are in struct settings and what they are called. */
static const struct {
    const char *name;
    size_t offset;
    bool is_path; /* of a file: another process may have another working folder */
} texts[] = {{"profile", offsetof(struct settings, profile), false},
             {"endpoint", offsetof(struct settings, endpoint), false},
             {"cloud", offsetof(struct settings, cloud), false},
             {"authority_host", offsetof(struct settings, authority_host), false},
             {"arm_endpoint", offsetof(struct settings, arm_endpoint), false},
             {"graph_endpoint", offsetof(struct settings, graph_endpoint), false},
             {"arm_audience", offsetof(struct settings, arm_audience), false},
             {"graph_audience", offsetof(struct settings, graph_audience), false},
             {"subscription", offsetof(struct settings, subscription), false},
             {"resource_group", offsetof(struct settings, resource_group), false},
             {"service", offsetof(struct settings, service), false},
             {"ca_file", offsetof(struct settings, ca_file), true},
             {"sim_file", offsetof(struct settings, sim_file), true},
             {"sim_world", offsetof(struct settings, sim_world), true},
             {"sim_faults", offsetof(struct settings, sim_faults), false}};

enum { TEXT_COUNT = sizeof texts / sizeof texts[0] };

static const char **text_of(struct settings *settings, size_t index)
{
    return (const char **)(void *)((char *)settings + texts[index].offset);
}

/* The same file for a process with another working folder. Owned by the caller. */
static char *make_absolute(const char *path)
{
    char folder[PATH_MAX];

    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL)
        return memory_copy_string(path);
    return memory_format("%s/%s", folder, path);
}

static void add_texts(cJSON *to, const struct settings *settings)
{
    struct settings copy = *settings;

    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const char *text = *text_of(&copy, i);
        char *path = text != NULL && texts[i].is_path ? make_absolute(text) : NULL;

        if (text != NULL)
            cJSON_AddStringToObject(to, texts[i].name, path != NULL ? path : text);
        free(path);
    }
}

static void add_list(cJSON *to, const char *name, const char *const *items, size_t count)
{
    cJSON *list;

    if (count == 0)
        return;
    list = cJSON_AddArrayToObject(to, name);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(items[i]));
}

static void add_limit(cJSON *to, const char *name, const struct guard_limit *limit)
{
    if (limit->is_set)
        cJSON_AddNumberToObject(to, name, (double)limit->most);
}

static cJSON *describe_settings(const struct settings *settings)
{
    cJSON *to = cJSON_CreateObject();
    char seed[24];

    add_texts(to, settings);
    add_list(to, "allowed_hosts", settings->allowed_hosts, settings->allowed_host_count);
    if (settings->may_register_providers)
        cJSON_AddTrueToObject(to, "registers_providers");
    if (settings->guard.read_only)
        cJSON_AddTrueToObject(to, "read_only");
    add_list(to, "within", settings->guard.within, settings->guard.within_count);
    add_limit(to, "max_writes", &settings->guard.max_writes);
    add_limit(to, "max_deletes", &settings->guard.max_deletes);
    if (settings->concurrency != 0)
        cJSON_AddNumberToObject(to, "concurrency", settings->concurrency);
    if (settings->sim) {
        cJSON_AddTrueToObject(to, "sim");
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)settings->sim_seed);
        cJSON_AddStringToObject(to, "sim_seed",
                                seed); /* 64 bits are more than a double's */
        cJSON_AddNumberToObject(to, "clock_mode", settings->clock_mode);
        cJSON_AddNumberToObject(to, "clock_factor", settings->clock_factor);
    }
    return to;
}

cJSON *manifest_new(const char *id, const struct settings *settings,
                    const struct run_request *request, int64_t wall_ms)
{
    cJSON *manifest = cJSON_CreateObject();
    char started[CLOCK_TEXT_SIZE], slot[CLOCK_TEXT_SIZE], host[256] = "",
                                                          folder[PATH_MAX];

    gethostname(host, sizeof host - 1);
    clock_format_utc(wall_ms, started);
    cJSON_AddNumberToObject(manifest, "version", MANIFEST_VERSION);
    cJSON_AddStringToObject(manifest, "id", id);
    cJSON_AddStringToObject(manifest, "script",
                            request->script != NULL ? request->script : "-e");
    cJSON *arguments = cJSON_AddArrayToObject(manifest, "arguments");

    for (int i = 0; i < request->argument_count; i++)
        cJSON_AddItemToArray(arguments, cJSON_CreateString(request->arguments[i]));
    if (getcwd(folder, sizeof folder) != NULL)
        cJSON_AddStringToObject(manifest, "folder", folder);
    cJSON_AddStringToObject(manifest, "started", started);
    if (request->slot_ms != 0) {
        clock_format_utc(request->slot_ms, slot);
        cJSON_AddStringToObject(manifest, "slot", slot);
    }
    cJSON_AddStringToObject(manifest, "host", host);
    cJSON_AddStringToObject(manifest, "moongate", MOONGATE_VERSION);
    cJSON_AddItemToObject(manifest, "settings", describe_settings(settings));
    return manifest;
}

static size_t fill_list(const cJSON *from, const char **to, size_t most)
{
    const cJSON *item;
    size_t count = 0;

    cJSON_ArrayForEach (item, from) {
        if (count < most && cJSON_IsString(item))
            to[count++] = item->valuestring;
    }
    return count;
}

static void fill_limit(const cJSON *from, const char *name, struct guard_limit *limit)
{
    const double most = json_number_at(from, name, -1.0);

    if (limit->is_set || most < 0)
        return;
    *limit = (struct guard_limit){.is_set = true, .most = (uint64_t)most};
}

void manifest_fill_settings(const cJSON *manifest, struct settings *settings)
{
    const cJSON *from = json_at(manifest, "settings");
    struct guard_settings *guard = &settings->guard;
    const char *seed = json_string_at(from, "sim_seed");

    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const char **text = text_of(settings, i);

        if (*text == NULL)
            *text = json_string_at(from, texts[i].name);
    }
    if (settings->allowed_host_count == 0)
        settings->allowed_host_count = fill_list(json_at(from, "allowed_hosts"),
                                                 settings->allowed_hosts, MOST_HOSTS);
    if (guard->within_count == 0)
        guard->within_count =
            fill_list(json_at(from, "within"), guard->within, GUARD_SCOPES);
    guard->read_only = guard->read_only || cJSON_IsTrue(json_at(from, "read_only"));
    fill_limit(from, "max_writes", &guard->max_writes);
    fill_limit(from, "max_deletes", &guard->max_deletes);
    settings->may_register_providers = settings->may_register_providers ||
                                       cJSON_IsTrue(json_at(from, "registers_providers"));
    if (settings->concurrency == 0)
        settings->concurrency = (unsigned)json_number_at(from, "concurrency", 0);
    if (!cJSON_IsTrue(json_at(from, "sim")))
        return;
    settings->sim = true;
    settings->sim_seed = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    settings->clock_mode =
        (enum clock_mode)json_number_at(from, "clock_mode", CLOCK_VIRTUAL);
    settings->clock_factor = json_number_at(from, "clock_factor", 0.0);
}

char **manifest_arguments(const cJSON *manifest, int *count)
{
    const cJSON *list = json_at(manifest, "arguments"), *item;
    char **arguments =
        memory_new(((size_t)cJSON_GetArraySize(list) + 1) * sizeof(char *));

    *count = 0;
    cJSON_ArrayForEach (item, list) {
        if (cJSON_IsString(item))
            arguments[(*count)++] = item->valuestring;
    }
    return arguments;
}

int64_t manifest_slot(const cJSON *manifest)
{
    const char *text = json_string_at(manifest, "slot");
    int64_t slot_ms = 0;

    return text != NULL && clock_parse_utc(text, &slot_ms) == 0 ? slot_ms : 0;
}

struct failure *manifest_check(const cJSON *manifest)
{
    const double version = json_number_at(manifest, "version", 0);

    if (version > MANIFEST_VERSION)
        return failure_set_cure(
            failure_new(
                "JournalTooNew",
                "run.json has the form %.0f of a newer moongate, and this one knows "
                "%d",
                version, MANIFEST_VERSION),
            "carry the run on with the moongate that began it, or a newer one");
    if (version < 1 || json_string_at(manifest, "script") == NULL)
        return failure_new("JournalDamaged",
                           "run.json is not what moongate writes there");
    return NULL;
}

char *manifest_fingerprint(const cJSON *manifest)
{
    char uuid[UUID_TEXT_SIZE];
    char *arguments = json_print(json_at(manifest, "arguments"));
    char *settings = json_print(json_at(manifest, "settings"));
    const char *slot = json_string_at(manifest, "slot");
    char *all =
        memory_format("%s %s %s%s%s", json_string_at(manifest, "script"), arguments,
                      settings, slot != NULL ? " " : "", slot != NULL ? slot : "");

    uuid_from_name(all, uuid);
    free(arguments);
    free(settings);
    free(all);
    return memory_copy_string(uuid);
}
