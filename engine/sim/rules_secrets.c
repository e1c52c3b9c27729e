/* engine/sim/rules_secrets.c - what API Management knows about named values, certificates and
 * authorization servers beyond the rows.
 *
 * Key vaults are not simulated: what a resource refers to in one can always be read, and its
 * value is drawn from the world's seed (assumed). In workspaces the service's documents call
 * key vaults unsupported, its schema has them; they are taken. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/pkcs12.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/apim.h"
#include "sim/chance.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/world.h"

#define VAULT  "properties.keyVault"
#define SECRET "properties.keyVault.secretIdentifier"
#define STATUS "properties.keyVault.lastStatus"

/* ---- key vaults ---- */

static void set_read(const struct world *world, cJSON *body)
{
    char *now = world_format_now(world);
    cJSON *status = cJSON_CreateObject();

    cJSON_AddStringToObject(status, "code", "Success");
    cJSON_AddStringToObject(status, "timeStampUtc", now);
    json_set_at(body, STATUS, status);
    free(now);
}

/* A secret is read when it is first named. */
static void complete_vault(struct change *change)
{
    const char *before = json_string_at(change->old_body, SECRET);
    const char *after = json_string_at(change->body, SECRET);

    if (after != NULL && before != NULL && strcmp(before, after) == 0)
        json_set_at(change->body, STATUS,
                    cJSON_Duplicate(json_at(change->old_body, STATUS), true));
    else if (after != NULL)
        set_read(change->world, change->body);
}

static bool check_vault(const struct change *change)
{
    return json_at(change->body, VAULT) == NULL ||
           json_string_at(change->body, SECRET) != NULL ||
           apim_refuse_field(change, "keyVault.secretIdentifier",
                             "keyVault.secretIdentifier is required.");
}

static void refresh(struct world *world, const struct entity *entity,
                    struct answer *answer)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);

    if (json_string_at(body, SECRET) == NULL) {
        answer_add_detail(answer, "keyVault", "'%s' has no secret in a key vault.",
                          json_string_at(body, "name"));
        answer_refuse_details(answer);
    } else {
        set_read(world, body);
        item_save(world, entity, body, answer);
        item_show(world, entity->key, answer);
    }
    cJSON_Delete(body);
}

/* ---- named value ---- */

#define NAME "properties.displayName"

static void complete_named_value(struct change *change)
{
    const cJSON *value = json_at(change->old_body, "properties.value");

    apim_default(change->body, "properties.secret", cJSON_CreateFalse());
    if (value != NULL && json_at(change->body, VAULT) == NULL)
        apim_default(change->body, "properties.value", cJSON_Duplicate(value, true));
    complete_vault(change);
}

static char *format_name_target(const char *key, const cJSON *body)
{
    char *owner = apim_owner(key);
    char *target = apim_name_target(owner, "namedValues", json_string_at(body, NAME));

    free(owner);
    return target;
}

static void link_named_value(struct world *world, const struct kind *kind,
                             const char *key, const cJSON *body)
{
    char *target = format_name_target(key, body);

    entity_add_link(world, key, target, kind);
    free(target);
}

/* The text about names is observed; that there must be a value is assumed. */
static bool check_named_value(struct change *change)
{
    const cJSON *vault = json_at(change->body, VAULT);
    char *target = format_name_target(change->key, change->body);
    char *other = entity_find_link(change->world, target, &named_value_kind, change->key);
    bool is_good = false;

    free(target);
    if (other != NULL)
        apim_refuse_field(change, "name", "Property with the same name already exist.");
    else if (vault == NULL && json_at(change->body, "properties.value") == NULL)
        apim_refuse_field(change, "value", "value is required without keyVault.");
    else if (vault != NULL && !cJSON_IsTrue(json_at(change->body, "properties.secret")))
        apim_refuse_field(change, "secret", "secret must be true with keyVault.");
    else
        is_good = check_vault(change);
    free(other);
    return is_good;
}

/* That one in use stays is reported; the text is that of fragments. */
static bool check_named_value_delete(struct world *world, const struct call *call,
                                     struct answer *answer, const struct entity *entity)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    char *target = format_name_target(entity->key, body);
    char *what = memory_format("The named value '%s'", json_string_at(body, NAME));
    const bool is_unused =
        apim_check_unused(world, answer, target, &named_value_kind, what);

    (void)call;
    free(what);
    free(target);
    cJSON_Delete(body);
    return is_unused;
}

/* Observed: a secret value is left out. */
static void present_named_value(struct world *world, const struct entity *entity,
                                struct buffer *to)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    char *text;

    (void)world;
    if (cJSON_IsTrue(json_at(body, "properties.secret")))
        cJSON_DeleteItemFromObjectCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(body, "properties"), "value");
    text = json_print(body);
    buffer_append_string(to, text);
    free(text);
    cJSON_Delete(body);
}

static void list_value(struct world *world, const struct entity *entity,
                       struct answer *answer)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    cJSON *shown = cJSON_CreateObject();
    const char *value = json_string_at(body, "properties.value");
    const char *secret = json_string_at(body, SECRET);
    char drawn[UUID_TEXT_SIZE];

    if (value == NULL && secret != NULL) {
        chance_uuid(world->seed, secret, "secret of a key vault", 0, drawn);
        value = drawn;
    }
    cJSON_AddStringToObject(shown, "value", value != NULL ? value : "");
    answer_set_json(answer, 200, shown);
    answer->etag = entity_format_etag(entity->kind, entity->version);
    cJSON_Delete(shown);
    cJSON_Delete(body);
}

static void act_on_named_value(struct world *world, const struct call *call,
                               const struct entity *entity, const char *action,
                               struct answer *answer)
{
    (void)call;
    if (strcmp(action, "listValue") == 0)
        list_value(world, entity, answer);
    else
        refresh(world, entity, answer);
}

/* States as the specification's example has them. */
const struct rules named_value_rules = {.kind = &named_value_kind,
                                        .new_state = "InProgress",
                                        .update_state = "InProgress",
                                        .delete_state = "Deleting",
                                        .complete = complete_named_value,
                                        .check = check_named_value,
                                        .check_delete = check_named_value_delete,
                                        .link = link_named_value,
                                        .act = act_on_named_value,
                                        .present = present_named_value};

/* ---- certificate ---- */

static void set_facts(cJSON *body, const struct pkcs12_facts *facts)
{
    char end[CLOCK_TEXT_SIZE];

    clock_format_utc(facts->end_ms, end);
    json_set_at(body, "properties.subject", cJSON_CreateString(facts->subject));
    json_set_at(body, "properties.thumbprint", cJSON_CreateString(facts->thumbprint));
    json_set_at(body, "properties.expirationDate", cJSON_CreateString(end));
}

/* The texts are assumed. */
static bool check_data(struct change *change, const char *data)
{
    const char *why = "it is not base64";
    struct pkcs12_facts facts = {0};
    struct buffer bytes = {0};
    const bool is_good =
        base64_decode(&bytes, data, strlen(data)) &&
        pkcs12_read(bytes.data, bytes.length,
                    json_string_at(change->body, "properties.password"), &facts, &why);

    if (is_good)
        set_facts(change->body, &facts);
    else
        apim_refuse_field(change, "data", "The certificate cannot be read: %s.", why);
    free(facts.subject);
    free(facts.thumbprint);
    buffer_deinit(&bytes);
    return is_good;
}

/* A new file comes with its own password, or without one. */
static void take_certificate(struct change *change)
{
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(change->body, "properties");

    if (json_at(properties, "data") != NULL && json_at(properties, "password") == NULL)
        cJSON_AddStringToObject(properties, "password", "");
}

static bool check_certificate(struct change *change)
{
    const char *data = json_string_at(change->body, "properties.data");

    if (data != NULL)
        return check_data(change, data);
    if (json_at(change->body, VAULT) == NULL)
        return apim_refuse_field(change, "data", "data is required without keyVault.");
    return check_vault(change);
}

static void act_on_certificate(struct world *world, const struct call *call,
                               const struct entity *entity, const char *action,
                               struct answer *answer)
{
    (void)call, (void)action; /* the only one */
    refresh(world, entity, answer);
}

const struct rules certificate_rules = {.kind = &certificate_kind,
                                        .take = take_certificate,
                                        .complete = complete_vault,
                                        .check = check_certificate,
                                        .act = act_on_certificate};

/* ---- authorization server ---- */

static void list_secrets(struct world *world, const struct call *call,
                         const struct entity *entity, const char *action,
                         struct answer *answer)
{
    static const char *const names[] = {"clientSecret", "resourceOwnerUsername",
                                        "resourceOwnerPassword"};
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    cJSON *shown = cJSON_CreateObject();

    (void)world, (void)call, (void)action;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(body, "properties"), names[i]);

        if (value != NULL)
            cJSON_AddItemToObject(shown, names[i], cJSON_Duplicate(value, true));
    }
    answer_set_json(answer, 200, shown);
    answer->etag = entity_format_etag(entity->kind, entity->version);
    cJSON_Delete(shown);
    cJSON_Delete(body);
}

const struct rules authorization_server_rules = {.kind = &authorization_server_kind,
                                                 .act = list_secrets};
