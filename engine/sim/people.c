/* engine/sim/people.c - what every service and workspace has by itself.
 *
 * Documented: the groups, that the administrator is in all of them, the names of the
 * notifications. Assumed: the administrator is user "1". Titles are short
 * forms of the documents' descriptions. */
#include "sim/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/kind.h"
#include "sim/apim.h"
#include "sim/entity.h"
#include "sim/world.h"

static const struct {
    const char *name, *title, *description;
} groups[] = {{"administrators", "Administrators",
               "Built-in group of the service's administrators."},
              {"developers", "Developers", "Built-in group of all who have signed up."},
              {"guests", "Guests", "Built-in group of all who have not signed in."}};

static const struct {
    const char *name, *title;
} notifications[] = {
    {"RequestPublisherNotificationMessage", "Subscription requests"},
    {"PurchasePublisherNotificationMessage", "New subscriptions"},
    {"NewApplicationNotificationMessage", "Application gallery requests"},
    {"BCC", "BCC"},
    {"NewIssuePublisherNotificationMessage", "New issue or comment"},
    {"AccountClosedPublisher", "Close account message"},
    {"QuotaLimitApproachingPublisherNotificationMessage",
     "Approaching subscription quota limit"}};

/* `properties` is taken. */
static void plant(struct world *world, const struct kind *kind, const char *parent,
                  const char *name, cJSON *properties)
{
    char *parent_key = entity_make_key(parent);
    char *id = kind_format_id(kind, parent, name);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", kind->arm_type);
    cJSON_AddItemToObject(body, "properties", properties);
    entity_save(world, kind, parent_key, body);
    cJSON_Delete(body);
    free(id);
    free(parent_key);
}

static void plant_groups(struct world *world, const char *service)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        cJSON *properties = cJSON_CreateObject();
        char *id = kind_format_id(&service_group_kind, service, groups[i].name);

        cJSON_AddStringToObject(properties, "displayName", groups[i].title);
        cJSON_AddStringToObject(properties, "description", groups[i].description);
        cJSON_AddBoolToObject(properties, "builtIn", true);
        cJSON_AddStringToObject(properties, "type", "system");
        plant(world, &service_group_kind, service, groups[i].name, properties);
        if (strcmp(groups[i].name, "guests") != 0)
            plant(world, &service_group_user_kind, id, PEOPLE_ADMINISTRATOR,
                  cJSON_CreateObject());
        free(id);
    }
}

static void plant_administrator(struct world *world, const struct entity *service)
{
    cJSON *body = json_parse(service->body, strlen(service->body), NULL);
    cJSON *properties = cJSON_CreateObject(), *identity = cJSON_CreateObject();
    const char *email = json_string_at(body, "properties.publisherEmail");
    char *created = world_format_now(world);

    cJSON_AddStringToObject(properties, "firstName", "Administrator");
    cJSON_AddStringToObject(properties, "lastName", "Administrator");
    cJSON_AddStringToObject(properties, "email", email != NULL ? email : "");
    cJSON_AddStringToObject(properties, "state", "active");
    cJSON_AddStringToObject(properties, "registrationDate", created);
    cJSON_AddStringToObject(identity, "provider", "Azure");
    cJSON_AddStringToObject(identity, "id", email != NULL ? email : "");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(properties, "identities"), identity);
    plant(world, &service_user_kind, service->id, PEOPLE_ADMINISTRATOR, properties);
    free(created);
    cJSON_Delete(body);
}

void people_plant(struct world *world, const char *service)
{
    char *administrator =
        kind_format_id(&service_user_kind, service, PEOPLE_ADMINISTRATOR);
    struct entity *entity =
        entity_exists(world, administrator) ? NULL : entity_find(world, service);

    if (entity != NULL && entity->kind == &service_kind) {
        plant_administrator(world, entity);
        plant_groups(world, entity->id);
    }
    entity_free(entity);
    free(administrator);
}

static void plant_notifications(struct world *world, const char *owner)
{
    char *first = kind_format_id(&notification_kind, owner, notifications[0].name);
    char *key = entity_make_key(first);
    struct entity *entity = entity_exists(world, key) ? NULL : entity_find(world, owner);

    for (size_t i = 0; i < sizeof notifications / sizeof notifications[0]; i++) {
        cJSON *properties;

        if (entity == NULL || entity->kind != &workspace_kind)
            break;
        properties = cJSON_CreateObject();
        cJSON_AddStringToObject(properties, "title", notifications[i].title);
        plant(world, &notification_kind, entity->id, notifications[i].name, properties);
    }
    entity_free(entity);
    free(key);
    free(first);
}

void people_plant_for(struct world *world, const struct kind *kind, const char *key)
{
    const bool is_person = kind == &service_group_kind ||
                           kind == &service_group_user_kind || kind == &service_user_kind;
    const bool is_notification = kind == &notification_kind ||
                                 kind == &notification_email_kind ||
                                 kind == &notification_user_kind;
    char *owner = is_notification ? apim_owner(key) : apim_service(key);

    if (is_person)
        people_plant(world, owner);
    else if (is_notification)
        plant_notifications(world, owner);
    free(owner);
}
