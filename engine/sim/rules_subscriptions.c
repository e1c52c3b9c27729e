/* engine/sim/rules_subscriptions.c - what API Management knows about subscriptions and
 * products beyond the rows, those of workspaces and those of the service itself.
 *
 * Documented: the first state of a subscription, defaults of a product, what a scope can be.
 * Observed: that a product with subscriptions stays, in these words. Assumed: texts of the
 * other refusals; that any state can follow any other; that deleting an API leaves the
 * subscriptions to it. */
#include "sim/rules.h"

#include <inttypes.h>
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

#define PRIMARY   "properties.primaryKey"
#define SECONDARY "properties.secondaryKey"
#define SCOPE     "properties.scope"
#define OWNER     "properties.ownerId"
#define STATE     "properties.state"

/* ---- subscription ---- */

/* 32 hexadecimal digits. */
static cJSON *make_key(const struct world *world, const char *key, const char *path)
{
    const uint64_t number = (uint64_t)world->version;
    char *text = memory_format("%016" PRIx64 "%016" PRIx64,
                               chance_draw(world->seed, key, path, 2 * number),
                               chance_draw(world->seed, key, path, 2 * number + 1));
    cJSON *value = cJSON_CreateString(text);

    free(text);
    return value;
}

static bool is_state(const cJSON *body, const char *state)
{
    const char *own = json_string_at(body, STATE);

    return own != NULL && text_equal_nocase(own, state);
}

static void set_dates(const struct change *change)
{
    char *now = world_format_now(change->world);
    const bool has_ended =
        is_state(change->body, "cancelled") || is_state(change->body, "expired");

    apim_default(change->body, "properties.createdDate", cJSON_CreateString(now));
    if (is_state(change->body, "active"))
        apim_default(change->body, "properties.startDate", cJSON_CreateString(now));
    if (has_ended)
        apim_default(change->body, "properties.endDate", cJSON_CreateString(now));
    else
        cJSON_DeleteItemFromObjectCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(change->body, "properties"), "endDate");
    free(now);
}

/* An id that was given in short is kept whole. */
static void expand(const struct change *change, const char *path, char *owner)
{
    const char *id = json_string_at(change->body, path);

    if (id != NULL) {
        char *whole = apim_expand(owner, id);

        json_set_at(change->body, path, cJSON_CreateString(whole));
        free(whole);
    }
    free(owner);
}

static void complete_subscription(struct change *change)
{
    expand(change, SCOPE, apim_owner(change->id));
    expand(change, OWNER, apim_service(change->id));
    apim_default(change->body, PRIMARY, make_key(change->world, change->key, PRIMARY));
    apim_default(change->body, SECONDARY,
                 make_key(change->world, change->key, SECONDARY));
    apim_default(change->body, STATE,
                 change->old != NULL
                     ? cJSON_Duplicate(json_at(change->old_body, STATE), true)
                     : cJSON_CreateString("submitted"));
    apim_default(change->body, "properties.allowTracing", cJSON_CreateFalse());
    set_dates(change);
}

/* Whether the key is that of all APIs of the owner, or of one of its products or APIs. APIs of
 * the service itself have no row: any name will do. */
static bool is_scope(struct world *world, const char *owner, const char *key)
{
    const char *rest = text_has_prefix_nocase(key, owner) ? key + strlen(owner) : "";
    const bool is_api = text_has_prefix_nocase(rest, "/apis/");
    const bool is_product = text_has_prefix_nocase(rest, "/products/");

    if (text_equal_nocase(rest, "/apis"))
        return true;
    if ((!is_api && !is_product) || strchr(strchr(rest + 1, '/') + 1, '/') != NULL)
        return false;
    return entity_exists(world, key) || (is_api && strstr(owner, "/workspaces/") == NULL);
}

static bool check_scope(const struct change *change)
{
    const char *scope = json_string_at(change->body, SCOPE);
    char *owner = apim_owner(change->key), *key = entity_make_key(scope);
    const bool is_good = is_scope(change->world, owner, key);

    free(owner);
    free(key);
    return is_good ||
           apim_refuse_field(change, "scope",
                             "Subscription scope '%s' is none of /apis, "
                             "/apis/{name} and /products/{name} that are there.",
                             scope);
}

static bool check_owner(const struct change *change)
{
    const char *user = json_string_at(change->body, OWNER);
    char *key = user != NULL ? entity_make_key(user) : NULL;
    char *service = apim_service(change->key);
    bool is_good = true;

    if (key != NULL) {
        people_plant(change->world, service);
        is_good = kind_has_id(&service_user_kind, user) &&
                  text_has_prefix_nocase(key, service) &&
                  entity_exists(change->world, key);
    }
    free(service);
    free(key);
    return is_good || apim_refuse_field(change, "ownerId", "User '%s' not found.", user);
}

static bool check_subscription(struct change *change)
{
    return check_scope(change) && check_owner(change);
}

static void list_secrets(const struct entity *entity, const cJSON *body,
                         struct answer *answer)
{
    cJSON *shown = cJSON_CreateObject();

    cJSON_AddStringToObject(shown, "primaryKey", json_string_at(body, PRIMARY));
    cJSON_AddStringToObject(shown, "secondaryKey", json_string_at(body, SECONDARY));
    answer_set_json(answer, 200, shown);
    answer->etag = entity_format_etag(entity->kind, entity->version);
    cJSON_Delete(shown);
}

static void act_on_subscription(struct world *world, const struct call *call,
                                const struct entity *entity, const char *action,
                                struct answer *answer)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    const char *path = strcmp(action, "regeneratePrimaryKey") == 0 ? PRIMARY : SECONDARY;

    (void)call;
    if (strcmp(action, "listSecrets") == 0) {
        list_secrets(entity, body, answer);
    } else {
        json_set_at(body, path, make_key(world, entity->key, path));
        answer_set_text(answer, 204, "");
        item_save(world, entity, body, answer);
    }
    cJSON_Delete(body);
}

const struct rules subscription_rules = {.kind = &subscription_kind,
                                         .complete = complete_subscription,
                                         .check = check_subscription,
                                         .act = act_on_subscription};
const struct rules service_subscription_rules = {.kind = &service_subscription_kind,
                                                 .complete = complete_subscription,
                                                 .check = check_subscription,
                                                 .act = act_on_subscription};

/* ---- product ---- */

static const struct kind *find_subscription_kind(const struct kind *product)
{
    return product == &product_kind ? &subscription_kind : &service_subscription_kind;
}

static void complete_product(struct change *change)
{
    apim_default(change->body, "properties.subscriptionRequired", cJSON_CreateTrue());
    if (cJSON_IsTrue(json_at(change->body, "properties.subscriptionRequired")))
        apim_default(change->body, "properties.approvalRequired", cJSON_CreateFalse());
    apim_default(change->body, STATE, cJSON_CreateString("notPublished"));
}

/* Approval and limit are about subscriptions: without those they cannot be. */
static bool check_product(struct change *change)
{
    static const char *const names[] = {"approvalRequired", "subscriptionsLimit"};
    const cJSON *properties =
        cJSON_GetObjectItemCaseSensitive(change->body, "properties");

    if (cJSON_IsTrue(json_at(properties, "subscriptionRequired")))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(properties, names[i]);

        if (value != NULL && !cJSON_IsFalse(value))
            return apim_refuse_field(change, names[i],
                                     "%s is for products that require a subscription.",
                                     names[i]);
    }
    return true;
}

static bool check_product_delete(struct world *world, const struct call *call,
                                 struct answer *answer, const struct entity *entity)
{
    char *other = call_flag(call, "deleteSubscriptions")
                      ? NULL
                      : entity_find_link(world, entity->key,
                                         find_subscription_kind(entity->kind), NULL);

    if (other == NULL)
        return true;
    free(other);
    return answer_refuse(answer, REFUSE_IN_USE,
                         "Product cannot be deleted since it has existing subscriptions. "
                         "Delete subscriptions before deleting the product or pass in "
                         "deleteSubscriptions=true as query param");
}

static void delete_subscriptions(struct world *world, const struct call *call,
                                 const struct entity *entity)
{
    if (call_flag(call, "deleteSubscriptions"))
        entity_remove_links(world, entity->key, find_subscription_kind(entity->kind));
}

/* What leads to a product goes with it. */
static void forget_product(struct world *world, const char *key)
{
    entity_remove_links(world, key, &tag_product_link_kind);
    entity_remove_links(world, key, &service_tag_product_link_kind);
}

const struct rules product_rules = {.kind = &product_kind,
                                    .complete = complete_product,
                                    .check = check_product,
                                    .check_delete = check_product_delete,
                                    .deleting = delete_subscriptions,
                                    .removed = forget_product};
const struct rules service_product_rules = {.kind = &service_product_kind,
                                            .complete = complete_product,
                                            .check = check_product,
                                            .check_delete = check_product_delete,
                                            .deleting = delete_subscriptions,
                                            .removed = forget_product};
