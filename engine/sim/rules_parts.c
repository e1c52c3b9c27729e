/* engine/sim/rules_parts.c - what API Management knows about the lesser parts of a workspace
 * or service beyond the rows: links of products and tags, diagnostics, version sets, schemas,
 * operations. Texts of refusals are assumed. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/api_revision.h"
#include "sim/apim.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/world.h"

/* Whether the field names a resource of the same workspace or service that is there. APIs of
 * the service itself have no row: any name of one will do. */
static bool check_reference(struct change *change, const char *field)
{
    char *path = memory_format("properties.%s", field);
    const char *id = json_string_at(change->body, path);
    char *owner = apim_owner(change->key);
    char *key =
        id != NULL ? api_revision_resolve(change->world, entity_make_key(id)) : NULL;
    const bool is_own = key != NULL && text_has_prefix_nocase(key, owner);
    const bool is_free = is_own && strstr(owner, "/workspaces/") == NULL &&
                         text_has_prefix_nocase(key + strlen(owner), "/apis/");
    const bool is_good =
        id == NULL || is_free || (is_own && entity_exists(change->world, key));

    if (!is_good)
        apim_refuse_field(change, field, "'%s' was not found in '%s'.", id, owner);
    free(path);
    free(owner);
    free(key);
    return is_good;
}

/* Whether no other link of the parent leads to the same. */
static bool check_once(struct change *change, const char *field)
{
    char *path = memory_format("properties.%s", field);
    char *target = entity_make_key(json_string_at(change->body, path));
    char *first = memory_format("%s/", change->parent),
         *end = memory_format("%s0", change->parent);
    char *other =
        database_text(change->world->database,
                      "SELECT source FROM link WHERE target = ? AND type = ? AND"
                      " source >= ? AND source < ? AND source <> ? LIMIT 1",
                      "ttttt", target, change->kind->arm_type, first, end, change->key);

    if (other != NULL)
        apim_refuse_field(change, field, "There is a link to it: '%s'.",
                          strrchr(other, '/') + 1);
    free(path);
    free(target);
    free(first);
    free(end);

    const bool is_once = other == NULL;

    free(other);
    return is_once;
}

static bool check_api_link(struct change *change)
{
    return check_reference(change, "apiId") && check_once(change, "apiId");
}

static bool check_group_link(struct change *change)
{
    return check_reference(change, "groupId") && check_once(change, "groupId");
}

static bool check_operation_link(struct change *change)
{
    return check_reference(change, "operationId") && check_once(change, "operationId");
}

static bool check_product_link(struct change *change)
{
    return check_reference(change, "productId") && check_once(change, "productId");
}

const struct rules product_api_link_rules = {.kind = &product_api_link_kind,
                                             .check = check_api_link};
const struct rules product_group_link_rules = {.kind = &product_group_link_kind,
                                               .check = check_group_link};
const struct rules tag_api_link_rules = {.kind = &tag_api_link_kind,
                                         .check = check_api_link};
const struct rules tag_operation_link_rules = {.kind = &tag_operation_link_kind,
                                               .check = check_operation_link};
const struct rules tag_product_link_rules = {.kind = &tag_product_link_kind,
                                             .check = check_product_link};
const struct rules service_product_api_link_rules = {
    .kind = &service_product_api_link_kind, .check = check_api_link};
const struct rules service_product_group_link_rules = {
    .kind = &service_product_group_link_kind, .check = check_group_link};
const struct rules service_tag_api_link_rules = {.kind = &service_tag_api_link_kind,
                                                 .check = check_api_link};
const struct rules service_tag_operation_link_rules = {
    .kind = &service_tag_operation_link_kind, .check = check_operation_link};
const struct rules service_tag_product_link_rules = {
    .kind = &service_tag_product_link_kind, .check = check_product_link};

/* ---- operations ---- */

static void forget_operation(struct world *world, const char *key)
{
    entity_remove_links(world, key, &tag_operation_link_kind);
}

const struct rules api_operation_rules = {.kind = &api_operation_kind,
                                          .removed = forget_operation};

/* ---- diagnostics ---- */

static bool check_diagnostic(struct change *change)
{
    return check_reference(change, "loggerId");
}

const struct rules diagnostic_rules = {.kind = &diagnostic_kind,
                                       .check = check_diagnostic};
const struct rules api_diagnostic_rules = {.kind = &api_diagnostic_kind,
                                           .check = check_diagnostic};

static bool check_logger_delete(struct world *world, const struct call *call,
                                struct answer *answer, const struct entity *entity)
{
    char *what = memory_format("Logger '%s'", strrchr(entity->id, '/') + 1);
    const bool is_unused =
        apim_check_unused(world, answer, entity->key, &logger_kind, what);

    (void)call;
    free(what);
    return is_unused;
}

const struct rules logger_rules = {.kind = &logger_kind,
                                   .check_delete = check_logger_delete};

/* ---- backends ---- */

/* The members of a pool are other backends of the same workspace. */
static bool check_backend(struct change *change)
{
    const cJSON *member;
    char *owner = apim_owner(change->key);
    bool is_good = true;

    cJSON_ArrayForEach (member, json_at(change->body, "properties.pool.services")) {
        const char *id = json_string_at(member, "id");
        char *whole = apim_expand(owner, id != NULL ? id : ""),
             *key = entity_make_key(whole);

        is_good = is_good && kind_has_id(&backend_kind, key) &&
                  text_has_prefix_nocase(key, owner) && strcmp(key, change->key) != 0 &&
                  entity_exists(change->world, key);
        free(whole);
        free(key);
    }
    free(owner);
    return is_good || apim_refuse_field(change, "pool",
                                        "Each service of a pool must be another backend "
                                        "that is there.");
}

const struct rules backend_rules = {.kind = &backend_kind, .check = check_backend};

/* ---- version sets ---- */

static bool check_set_delete(struct world *world, const struct call *call,
                             struct answer *answer, const struct entity *entity)
{
    char *what = memory_format("Version set '%s'", strrchr(entity->id, '/') + 1);
    const bool is_unused =
        apim_check_unused(world, answer, entity->key, &api_version_set_kind, what);

    (void)call;
    free(what);
    return is_unused;
}

/* The scheme needs the name that goes with it. */
static bool check_set(struct change *change)
{
    const char *scheme = json_string_at(change->body, "properties.versioningScheme");

    if (strcmp(scheme, "Query") == 0 &&
        json_at(change->body, "properties.versionQueryName") == NULL)
        return apim_refuse_field(change, "versionQueryName",
                                 "versionQueryName is required for Query.");
    if (strcmp(scheme, "Header") == 0 &&
        json_at(change->body, "properties.versionHeaderName") == NULL)
        return apim_refuse_field(change, "versionHeaderName",
                                 "versionHeaderName is required for Header.");
    return true;
}

const struct rules api_version_set_rules = {
    .kind = &api_version_set_kind, .check = check_set, .check_delete = check_set_delete};

/* ---- schemas ---- */

const struct rules schema_rules = {.kind = &schema_kind,
                                   .new_state = "InProgress",
                                   .update_state = "InProgress",
                                   .delete_state = "Deleting"};
const struct rules api_schema_rules = {.kind = &api_schema_kind,
                                       .new_state = "InProgress",
                                       .update_state = "InProgress",
                                       .delete_state = "Deleting"};
