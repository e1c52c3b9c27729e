/* engine/sim/provider.c - which resource providers the subscription may use.
 *
 * The table has a row for each that was not registered when the world was made. */
#include "sim/provider.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/chance.h"
#include "sim/database.h"
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

static const struct provider *find(const char *namespace)
{
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        if (text_equal_nocase(providers[i].name, namespace))
            return &providers[i];
    }
    return NULL;
}

bool provider_is_optional(const char *namespace)
{
    const struct provider *provider = find(namespace);

    return provider != NULL && provider->is_optional;
}

void provider_withdraw(struct world *world, const char *namespace)
{
    database_run(world->database, "INSERT OR IGNORE INTO provider VALUES (?, ?)", "ti",
                 find(namespace)->name, INT64_MAX);
}

/* UTC when it is or was registered: 0 when it always was, INT64_MAX when nobody has asked
 * for it. `name` is spelled properly. */
static int64_t find_registered_ms(struct world *world, const char *name)
{
    return database_number(world->database, 0,
                           "SELECT registered_ms FROM provider WHERE namespace = ?", "t",
                           name);
}

static void start_registration(struct world *world, const char *name)
{
    const double fraction =
        chance_fraction(chance_draw(world->seed, name, "register", 0));
    const int64_t takes_ms =
        REGISTRATION_LEAST_MS +
        (int64_t)(fraction * (REGISTRATION_MOST_MS - REGISTRATION_LEAST_MS));

    database_begin(world->database);
    database_run(world->database,
                 "UPDATE provider SET registered_ms = ?1 WHERE namespace = ?2"
                 " AND registered_ms > ?1",
                 "it", world->now_ms + takes_ms, name);
    world_save_time(world);
    database_commit(world->database);
}

static cJSON *describe_types(const struct world *world, const char *name)
{
    const size_t length = strlen(name);
    cJSON *types = cJSON_CreateArray();

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if (!text_has_prefix_nocase((*kind)->arm_type, name) ||
            (*kind)->arm_type[length] != '/')
            continue;

        cJSON *type = cJSON_CreateObject();

        cJSON_AddStringToObject(type, "resourceType", (*kind)->arm_type + length + 1);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(type, "locations"),
                             cJSON_CreateString(world->location));
        cJSON_AddItemToArray(cJSON_AddArrayToObject(type, "apiVersions"),
                             cJSON_CreateString((*kind)->api_version));
        cJSON_AddItemToArray(types, type);
    }
    return types;
}

static void describe(struct world *world, const char *name, struct answer *answer)
{
    const int64_t registered_ms = find_registered_ms(world, name);
    const char *state = registered_ms <= world->now_ms ? "Registered"
                        : registered_ms < INT64_MAX    ? "Registering"
                                                       : "NotRegistered";
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("%s/providers/%s", world->subscription_id, name);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "namespace", name);
    cJSON_AddStringToObject(body, "registrationState", state);
    cJSON_AddItemToObject(body, "resourceTypes", describe_types(world, name));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
    free(id);
}

void provider_answer(struct world *world, const struct call *call,
                     const struct target *target, struct answer *answer)
{
    const struct provider *provider = find(target->name);
    const char *name = provider != NULL ? provider->name : NULL;

    if (name == NULL) {
        answer_refuse(answer, REFUSE_NAMESPACE, "The resource namespace '%s' is invalid.",
                      target->name);
    } else if (target->action != NULL && !text_equal_nocase(target->action, "register")) {
        answer_refuse(answer, REFUSE_ACTION, "The action '%s' is not known for '%s'.",
                      target->action, name);
    } else if (call->method == CALL_POST && target->action == NULL) {
        answer_refuse(answer, REFUSE_METHOD, "The method is not allowed on '%s'.",
                      call->path);
    } else {
        if (target->action != NULL)
            start_registration(world, name);
        describe(world, name, answer);
    }
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
        find_registered_ms(world, namespace) <= world->now_ms;

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
