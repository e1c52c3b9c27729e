/* engine/sim/provider.c - which resource providers the subscription may use.
 *
 * The table has a row for each that was not registered when the world was made. */
#include "sim/provider.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/api_version.h"
#include "sim/call.h"
#include "sim/chance.h"
#include "sim/database.h"
#include "sim/item.h"
#include "sim/region.h"
#include "sim/target.h"
#include "sim/world.h"

enum {
    REGISTRATION_LEAST_MS = 30 * 1000,
    REGISTRATION_MOST_MS = 120 * 1000,
    REMEMBERED_REFUSALS = 1000
};

struct provider {
    const char *name;
    bool is_optional;
};

/* Those that have no kind in the model have no resource types here. */
static const struct provider providers[] = {
    {"Microsoft.ApiManagement", true}, {"Microsoft.Network", true},
    {"Microsoft.Resources", false},    {"Microsoft.Authorization", false},
    {"Microsoft.Storage", true},       {"Microsoft.Web", true},
    {"Microsoft.KeyVault", true},      {"Microsoft.Insights", true}};

enum { PROVIDER_COUNT = sizeof providers / sizeof providers[0] };

static const struct provider *find(const char *namespace)
{
    for (size_t i = 0; i < PROVIDER_COUNT; i++) {
        if (text_equal_nocase(providers[i].name, namespace))
            return &providers[i];
    }
    return NULL;
}

bool provider_is_known(const char *namespace)
{
    return find(namespace) != NULL;
}

bool provider_is_optional(const char *namespace)
{
    const struct provider *provider = find(namespace);

    return provider != NULL && provider->is_optional;
}

void provider_withdraw(struct world *world, const char *namespace)
{
    database_run(world->database, "INSERT OR IGNORE INTO provider VALUES (?, ?, ?)",
                 "tii", find(namespace)->name, INT64_MAX, INT64_MAX);
}

/* `name` is spelled properly. */
static const char *find_state(struct world *world, const char *name)
{
    const int64_t registered_ms = database_number(
        world->database, 0, "SELECT registered_ms FROM provider WHERE namespace = ?", "t",
        name);
    const int64_t unregistered_ms = database_number(
        world->database, INT64_MAX,
        "SELECT unregistered_ms FROM provider WHERE namespace = ?", "t", name);

    if (unregistered_ms < INT64_MAX)
        return unregistered_ms <= world->now_ms ? "Unregistered" : "Unregistering";
    if (registered_ms <= world->now_ms)
        return "Registered";
    return registered_ms < INT64_MAX ? "Registering" : "NotRegistered";
}

bool provider_is_registered(struct world *world, const char *namespace)
{
    return strcmp(find_state(world, namespace), "Registered") == 0;
}

/* When a change that begins now is over. */
static int64_t find_end(const struct world *world, const char *name, const char *action)
{
    const double fraction = chance_fraction(chance_draw(world->seed, name, action, 0));

    return world->now_ms + REGISTRATION_LEAST_MS +
           (int64_t)(fraction * (REGISTRATION_MOST_MS - REGISTRATION_LEAST_MS));
}

static void start_registration(struct world *world, const char *name)
{
    const char *state = find_state(world, name);

    if (strcmp(state, "Registered") == 0 || strcmp(state, "Registering") == 0)
        return;
    database_begin(world->database);
    database_run(world->database, "REPLACE INTO provider VALUES (?, ?, ?)", "tii", name,
                 find_end(world, name, "register"), INT64_MAX);
    world_save_time(world);
    database_commit(world->database);
}

/* The first resource of a namespace, owned by the caller, or NULL. */
static char *find_resource(struct world *world, const char *name)
{
    char *first = memory_format("%s/", name), *end = memory_format("%s0", name);
    char *id = database_text(world->database,
                             "SELECT id FROM entity WHERE type >= ? AND type < ? LIMIT 1",
                             "tt", first, end);

    free(first);
    free(end);
    return id;
}

static bool end_registration(struct world *world, const char *name, struct answer *answer)
{
    char *resource = find_resource(world, name);

    if (resource != NULL)
        answer_refuse(answer, REFUSE_PROVIDER_IN_USE,
                      "The namespace '%s' cannot be unregistered: the subscription has "
                      "resources of it, such as '%s'.",
                      name, resource);
    if (resource == NULL && provider_is_registered(world, name)) {
        database_begin(world->database);
        database_run(world->database, "REPLACE INTO provider VALUES (?, 0, ?)", "ti",
                     name, find_end(world, name, "unregister"));
        world_save_time(world);
        database_commit(world->database);
    }
    free(resource);
    return resource == NULL;
}

static cJSON *describe_types(const char *name)
{
    const size_t length = strlen(name);
    cJSON *types = cJSON_CreateArray();

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if (!text_has_prefix_nocase((*kind)->arm_type, name) ||
            (*kind)->arm_type[length] != '/')
            continue;

        cJSON *type = cJSON_CreateObject(), *locations;
        const bool is_regional = field_find((*kind)->fields, "location") != NULL;

        cJSON_AddStringToObject(type, "resourceType", (*kind)->arm_type + length + 1);
        locations = cJSON_AddArrayToObject(type, "locations");
        for (const struct region *region = regions; is_regional && region->name != NULL;
             region++) {
            if (*kind != &gateway_kind || region->has_workspace_gateways)
                cJSON_AddItemToArray(locations, cJSON_CreateString(region->display_name));
        }
        cJSON_AddItemToObject(type, "apiVersions", api_version_list((*kind)->arm_type));
        cJSON_AddStringToObject(type, "defaultApiVersion", (*kind)->api_version);
        cJSON_AddStringToObject(type, "capabilities",
                                is_regional && kind_has_tags(*kind)
                                    ? "SupportsTags, SupportsLocation"
                                    : "None");
        cJSON_AddItemToArray(types, type);
    }
    return types;
}

static cJSON *describe(struct world *world, const char *name)
{
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("%s/providers/%s", world->subscription_id, name);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "namespace", name);
    cJSON_AddStringToObject(body, "registrationPolicy", "RegistrationRequired");
    cJSON_AddItemToObject(body, "resourceTypes", describe_types(name));
    cJSON_AddStringToObject(body, "registrationState", find_state(world, name));
    free(id);
    return body;
}

static void answer_all(struct world *world, const struct call *call,
                       struct answer *answer)
{
    const char *after = call_parameter(call, "$skiptoken");
    struct page page;
    struct buffer next = {0};
    size_t i = after != NULL ? strtoul(after, NULL, 10) : 0;

    if (!page_open(&page, call, answer))
        return;
    for (; i < PROVIDER_COUNT && page.count < page.limit; i++) {
        cJSON *body = describe(world, providers[i].name);
        char *text = json_print(body);

        page_add(&page, text);
        free(text);
        cJSON_Delete(body);
    }
    if (i < PROVIDER_COUNT)
        buffer_printf(&next, "$skiptoken=%zu", i);
    page_close(&page, call, answer, -1, next.data);
    buffer_deinit(&next);
}

static void answer_one(struct world *world, const char *name, struct answer *answer)
{
    cJSON *body = describe(world, name);

    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static void act(struct world *world, const char *name, const char *action,
                struct answer *answer)
{
    if (text_equal_nocase(action, "register"))
        start_registration(world, name);
    else if (!text_equal_nocase(action, "unregister")) {
        answer_refuse(answer, REFUSE_ACTION, "The action '%s' is not known for '%s'.",
                      action, name);
        return;
    } else if (!end_registration(world, name, answer)) {
        return;
    }
    answer_one(world, name, answer);
}

void provider_answer(struct world *world, const struct call *call,
                     const struct target *target, struct answer *answer)
{
    const struct provider *provider = target->name != NULL ? find(target->name) : NULL;

    if (target->name == NULL)
        answer_all(world, call, answer);
    else if (provider == NULL)
        answer_refuse(answer, REFUSE_NAMESPACE, "The resource namespace '%s' is invalid.",
                      target->name);
    else if (target->action != NULL)
        act(world, provider->name, target->action, answer);
    else if (call->method == CALL_POST)
        answer_refuse(answer, REFUSE_METHOD, "The method is not allowed on '%s'.",
                      call->path);
    else
        answer_one(world, provider->name, answer);
}

/* What a refusal is remembered by, owned by the caller. */
static char *format_memory(const struct call *call, const char *name)
{
    const char *id = call->client_request_id;

    return id != NULL ? memory_format("%s %s", id, name) : NULL;
}

static void remember(struct world *world, const char *memory)
{
    if (memory == NULL)
        return;
    if (world->unregistered.count >= REMEMBERED_REFUSALS) {
        map_deinit(&world->unregistered, NULL);
        world->unregistered = (struct map){0};
    }
    map_set(&world->unregistered, memory, world); /* any value will do */
}

bool provider_check_write(struct world *world, const struct call *call,
                          const struct target *target, struct answer *answer)
{
    if (target->kind == NULL || call_find_class(call) == CLASS_READS)
        return true;

    char *namespace =
        memory_copy_text(target->kind->arm_type, strcspn(target->kind->arm_type, "/"));
    char *memory = format_memory(call, namespace);
    const bool is_good =
        (memory == NULL || map_find(&world->unregistered, memory) == NULL) &&
        provider_is_registered(world, namespace);

    if (!is_good) {
        answer_refuse(answer, REFUSE_NOT_REGISTERED,
                      "The subscription is not registered to use namespace '%s'. See "
                      "https://aka.ms/rps-not-found for how to register subscriptions.",
                      namespace);
        remember(world, memory);
    }
    free(memory);
    free(namespace);
    return is_good;
}
