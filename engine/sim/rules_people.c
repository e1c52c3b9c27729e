/* engine/sim/rules_people.c - what API Management knows about groups, users and notifications
 * beyond the rows. Texts of refusals are assumed. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/apim.h"
#include "sim/call.h"
#include "sim/chance.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/people.h"
#include "sim/world.h"

/* ---- groups ---- */

static void complete_group(struct change *change)
{
    apim_default(change->body, "properties.type", cJSON_CreateString("custom"));
    apim_default(change->body, "properties.builtIn", cJSON_CreateFalse());
}

static bool check_group_delete(struct world *world, const struct call *call,
                               struct answer *answer, const struct entity *entity)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    const bool is_built_in = cJSON_IsTrue(json_at(body, "properties.builtIn"));

    (void)world, (void)call;
    cJSON_Delete(body);
    return !is_built_in ||
           answer_refuse(answer, REFUSE_IN_USE, "A built-in group cannot be deleted.");
}

/* A product that is seen by a group no more is seen by the others still. */
static void forget_group(struct world *world, const char *key)
{
    entity_remove_links(world, key, &product_group_link_kind);
    entity_remove_links(world, key, &service_product_group_link_kind);
}

const struct rules group_rules = {.kind = &group_kind,
                                  .complete = complete_group,
                                  .check_delete = check_group_delete,
                                  .removed = forget_group};
const struct rules service_group_rules = {.kind = &service_group_kind,
                                          .complete = complete_group,
                                          .check_delete = check_group_delete,
                                          .removed = forget_group};

/* ---- users in groups and as recipients ---- */

/* The key of the service's user of that name, owned by the caller. */
static char *format_user_key(const char *key, const char *name)
{
    char *service = apim_service(key);
    char *user = kind_format_id(&service_user_kind, service, name);

    free(service);
    return text_lower(user);
}

static bool check_user(struct change *change)
{
    char *service = apim_service(change->key);
    char *user = format_user_key(change->key, change->name);
    bool is_there;

    people_plant(change->world, service);
    is_there = entity_exists(change->world, user);
    free(service);
    free(user);
    return is_there ||
           apim_refuse_field(change, "userId", "User '%s' not found.", change->name);
}

/* A user in a group is told with what the user is. */
static void present_user(struct world *world, const struct entity *entity,
                         struct buffer *to)
{
    char *key = format_user_key(entity->key, strrchr(entity->id, '/') + 1), *text;
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    cJSON *user = entity_body(world, key);

    if (user != NULL) {
        cJSON *properties = cJSON_DetachItemFromObjectCaseSensitive(user, "properties");

        cJSON_DeleteItemFromObjectCaseSensitive(properties, "password");
        json_set_at(body, "properties", properties);
    }
    text = json_print(body);
    buffer_append_string(to, text);
    free(text);
    free(key);
    cJSON_Delete(user);
    cJSON_Delete(body);
}

const struct rules group_user_rules = {
    .kind = &group_user_kind, .check = check_user, .present = present_user};
const struct rules service_group_user_rules = {
    .kind = &service_group_user_kind, .check = check_user, .present = present_user};

static void complete_email(struct change *change)
{
    json_set_at(change->body, "properties.email", cJSON_CreateString(change->name));
}

static void complete_recipient(struct change *change)
{
    json_set_at(change->body, "properties.userId", cJSON_CreateString(change->name));
}

const struct rules notification_email_rules = {.kind = &notification_email_kind,
                                               .complete = complete_email};
const struct rules notification_user_rules = {
    .kind = &notification_user_kind, .complete = complete_recipient, .check = check_user};

/* ---- notifications ---- */

/* The names of one kind below a notification. */
static cJSON *list_names(struct world *world, const struct kind *kind, const char *key)
{
    cJSON *names = cJSON_CreateArray();
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT id FROM entity WHERE parent = ? AND type = ? ORDER BY key",
                       "tt", key, kind->arm_type);

    while (database_step(world->database, row))
        cJSON_AddItemToArray(
            names, cJSON_CreateString(strrchr(database_column(row, 0), '/') + 1));
    return names;
}

static void present_notification(struct world *world, const struct entity *entity,
                                 struct buffer *to)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    char *text;

    json_set_at(body, "properties.recipients.emails",
                list_names(world, &notification_email_kind, entity->key));
    json_set_at(body, "properties.recipients.users",
                list_names(world, &notification_user_kind, entity->key));
    text = json_print(body);
    buffer_append_string(to, text);
    free(text);
    cJSON_Delete(body);
}

/* Their names are given; a PUT changes nothing of one. */
static bool check_notification(struct change *change)
{
    return change->old != NULL ||
           apim_refuse_field(change, "notificationName", "'%s' is no notification.",
                             change->name);
}

const struct rules notification_rules = {.kind = &notification_kind,
                                         .check = check_notification,
                                         .present = present_notification};

/* ---- users ---- */

static void complete_user(struct change *change)
{
    char *now = world_format_now(change->world);
    cJSON *identity = cJSON_CreateObject(), *identities = cJSON_CreateArray();

    cJSON_AddStringToObject(identity, "provider", "Basic");
    cJSON_AddStringToObject(identity, "id",
                            json_string_at(change->body, "properties.email"));
    cJSON_AddItemToArray(identities, identity);
    apim_default(change->body, "properties.state", cJSON_CreateString("active"));
    apim_default(change->body, "properties.registrationDate", cJSON_CreateString(now));
    apim_default(change->body, "properties.identities", identities);
    free(now);
}

/* Nobody else has the address. */
static bool check_email(struct change *change)
{
    char *service = apim_service(change->key);
    char *target = apim_name_target(service, "users",
                                    json_string_at(change->body, "properties.email"));
    char *other =
        entity_find_link(change->world, target, &service_user_kind, change->key);

    free(service);
    free(target);
    if (other == NULL)
        return true;
    free(other);
    return apim_refuse_field(change, "email",
                             "User with email '%s' is already registered.",
                             json_string_at(change->body, "properties.email"));
}

static void link_user(struct world *world, const struct kind *kind, const char *key,
                      const cJSON *body)
{
    char *service = apim_service(key);
    char *target =
        apim_name_target(service, "users", json_string_at(body, "properties.email"));

    entity_add_link(world, key, target, kind);
    free(target);
    free(service);
}

/* Takes the value. */
static void answer_value(struct answer *answer, char *value)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "value", value);
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
    free(value);
}

static void act_on_user(struct world *world, const struct call *call,
                        const struct entity *entity, const char *action,
                        struct answer *answer)
{
    const char *user = strrchr(entity->id, '/') + 1;
    char token[UUID_TEXT_SIZE];

    (void)call;
    chance_uuid(world->seed, entity->key, action, (uint64_t)world->calls, token);
    if (strcmp(action, "token") == 0)
        answer_value(answer, memory_format("%s&%s", user, token));
    else
        answer_value(
            answer,
            memory_format("https://portal.contoso.example/signin-sso?token=%s", token));
}

/* The administrator stays, and so does who has subscriptions, unless these go along. */
static bool check_user_delete(struct world *world, const struct call *call,
                              struct answer *answer, const struct entity *entity)
{
    static const struct kind *const kinds_of[] = {&subscription_kind,
                                                  &service_subscription_kind};

    if (strcmp(strrchr(entity->key, '/') + 1, PEOPLE_ADMINISTRATOR) == 0)
        return answer_refuse(answer, REFUSE_IN_USE,
                             "The administrator cannot be deleted.");
    for (size_t i = 0; i < 2 && !call_flag(call, "deleteSubscriptions"); i++) {
        char *other = entity_find_link(world, entity->key, kinds_of[i], NULL);

        if (other != NULL) {
            answer_refuse(answer, REFUSE_IN_USE,
                          "User has subscription '%s'. Delete subscriptions before "
                          "deleting the user or pass in deleteSubscriptions=true as "
                          "query param.",
                          other);
            free(other);
            return false;
        }
    }
    return true;
}

static void delete_subscriptions(struct world *world, const struct call *call,
                                 const struct entity *entity)
{
    if (!call_flag(call, "deleteSubscriptions"))
        return;
    entity_remove_links(world, entity->key, &subscription_kind);
    entity_remove_links(world, entity->key, &service_subscription_kind);
}

const struct rules service_user_rules = {.kind = &service_user_kind,
                                         .check_delete = check_user_delete,
                                         .deleting = delete_subscriptions,
                                         .complete = complete_user,
                                         .check = check_email,
                                         .link = link_user,
                                         .act = act_on_user};
