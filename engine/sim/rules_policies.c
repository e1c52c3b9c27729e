/* engine/sim/rules_policies.c - what API Management knows about policies and their fragments
 * beyond the rows.
 *
 * What was written comes back in the format it was written in, or as it is asked for where
 * that is another one: rawxml as xml. The other way round is told as xml (assumed). */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "model/policy.h"
#include "sim/apim.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/target.h"
#include "sim/world.h"

#define VALUE  "properties.value"
#define FORMAT "properties.format"

static void complete_policy(struct change *change)
{
    apim_default(change->body, FORMAT, cJSON_CreateString("xml"));
}

/* ---- what a policy refers to ---- */

static void add_target(struct world *world, const char *key, char *target,
                       const struct kind *kind)
{
    entity_add_link(world, key, target, kind);
    free(target);
}

/* {{name}} of a named value, and <include-fragment fragment-id="name"/>. */
static void link_policy(struct world *world, const struct kind *kind, const char *key,
                        const cJSON *body)
{
    static const char attribute[] = "fragment-id=\"";
    const char *text = json_string_at(body, VALUE), *at, *end;
    char *owner = apim_owner(key), *name;

    for (at = text; at != NULL && (at = strstr(at, "{{")) != NULL &&
                    (end = strstr(at, "}}")) != NULL;
         at = end) {
        name = memory_copy_text(at + 2, (size_t)(end - at) - 2);
        add_target(world, key, apim_name_target(owner, "namedValues", name), kind);
        free(name);
    }
    for (at = text; at != NULL && (at = strstr(at, attribute)) != NULL; at = end) {
        at += strlen(attribute);
        end = at + strcspn(at, "\"");
        add_target(world, key,
                   text_lower(memory_format("%s/policyFragments/%.*s", owner,
                                            (int)(end - at), at)),
                   kind);
    }
    free(owner);
}

/* ---- formats ---- */

static bool answer_in_format(struct world *world, const struct call *call,
                             const struct target *target, struct answer *answer)
{
    const char *asked = call_parameter(call, "format");
    struct entity *entity = entity_find(world, target->key);
    cJSON *body =
        entity != NULL ? json_parse(entity->body, strlen(entity->body), NULL) : NULL;
    const char *kept = json_string_at(body, FORMAT);
    const bool is_other = kept != NULL && text_equal_nocase(kept, "rawxml") &&
                          (asked == NULL || text_equal_nocase(asked, "xml"));

    if (is_other) {
        char *text = policy_escape(json_string_at(body, VALUE));

        json_set_at(body, VALUE, cJSON_CreateString(text));
        json_set_at(body, FORMAT, cJSON_CreateString("xml"));
        answer_set_json(answer, 200, body);
        answer->etag = entity_format_etag(entity->kind, entity->version);
        free(text);
    }
    cJSON_Delete(body);
    entity_free(entity);
    return is_other;
}

/* ---- fragments ---- */

/* The text is observed. */
static bool check_fragment_delete(struct world *world, const struct call *call,
                                  struct answer *answer, const struct entity *entity)
{
    char *what = memory_format("Policy fragment '%s'", strrchr(entity->id, '/') + 1);
    const bool is_unused =
        apim_check_unused(world, answer, entity->key, &policy_fragment_kind, what);

    (void)call;
    free(what);
    return is_unused;
}

/* The policies that include it, as a collection of resources. */
static void list_references(struct world *world, const struct call *call,
                            const struct entity *entity, const char *action,
                            struct answer *answer)
{
    cJSON *body = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(body, "value");
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT entity.id FROM link JOIN entity ON entity.key = link.source"
        " WHERE link.target = ? ORDER BY link.source",
        "t", entity->key);

    (void)call, (void)action; /* the only one */
    while (database_step(world->database, row)) {
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "id", database_column(row, 0));
        cJSON_AddItemToArray(list, one);
    }
    cJSON_AddNumberToObject(body, "count", cJSON_GetArraySize(list));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

const struct rules workspace_policy_rules = {.kind = &workspace_policy_kind,
                                             .complete = complete_policy,
                                             .link = link_policy,
                                             .answer_query = answer_in_format};
const struct rules api_policy_rules = {.kind = &api_policy_kind,
                                       .complete = complete_policy,
                                       .link = link_policy,
                                       .answer_query = answer_in_format};
const struct rules api_operation_policy_rules = {.kind = &api_operation_policy_kind,
                                                 .complete = complete_policy,
                                                 .link = link_policy,
                                                 .answer_query = answer_in_format};
const struct rules product_policy_rules = {.kind = &product_policy_kind,
                                           .complete = complete_policy,
                                           .link = link_policy,
                                           .answer_query = answer_in_format};
const struct rules policy_fragment_rules = {.kind = &policy_fragment_kind,
                                            .new_state = "InProgress",
                                            .update_state = "InProgress",
                                            .delete_state = "Deleting",
                                            .complete = complete_policy,
                                            .link = link_policy,
                                            .check_delete = check_fragment_delete,
                                            .act = list_references,
                                            .answer_query = answer_in_format};
