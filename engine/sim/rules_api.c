/* engine/sim/rules_api.c - what the service knows about APIs, their releases and revisions.
 *
 * Assumed, for no source tells: a path is unique within the service for one version; who
 * deletes an API deletes its revisions; a source that is not there is a ValidationError. */
#include "sim/rules.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/api_export.h"
#include "sim/api_revision.h"
#include "sim/apim.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/target.h"
#include "sim/world.h"

/* ---- APIs ---- */

/* The document, and the API that a new one is a copy of. */
static void take(struct change *change)
{
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(change->body, "properties");
    const char *source = json_string_at(properties, "sourceApiId");
    cJSON *aside = api_import_take(change);

    if (source != NULL && change->old == NULL) {
        aside = aside != NULL ? aside : cJSON_CreateObject();
        cJSON_AddStringToObject(aside, "source", source);
    }
    if (source != NULL) /* what is no text is refused with the rest */
        cJSON_DeleteItemFromObjectCaseSensitive(properties, "sourceApiId");
    change->aside = aside;
}

/* The key of the API that it is a copy of, owned by the caller, or NULL. */
static char *find_source(const struct change *change)
{
    const char *id = json_string_at(change->aside, "source");

    return id != NULL ? api_revision_resolve(change->world, entity_make_key(id)) : NULL;
}

/* What a copy does not say itself it has from its source. */
static void take_over(struct change *change, cJSON *source)
{
    static const char *const own[] = {"apiRevision", "apiRevisionDescription",
                                      "isCurrent", "isOnline"};
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(source, "properties"), *one;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(properties, own[i]);
    cJSON_ArrayForEach (one, properties) {
        char *path = memory_format("properties.%s", one->string);

        apim_default(change->body, path, cJSON_Duplicate(one, true));
        free(path);
    }
}

/* What the document says and the request does not. */
static void complete_from_document(struct change *change)
{
    static const struct {
        const char *from, *to;
    } texts[] = {{"tree.title", "properties.displayName"},
                 {"tree.description", "properties.description"},
                 {"tree.serviceUrl", "properties.serviceUrl"},
                 {"tree.type", "properties.type"}};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = json_string_at(change->aside, texts[i].from);

        if (text != NULL)
            apim_default(change->body, texts[i].to, cJSON_CreateString(text));
    }
}

static void complete(struct change *change)
{
    static const char *const protocols[] = {"https"};
    const char *number = api_revision_number(change->name);
    char *source = find_source(change);
    cJSON *body = source != NULL ? entity_body(change->world, source) : NULL;

    if (body != NULL)
        take_over(change, body);
    complete_from_document(change);
    apim_default(change->body, "properties.displayName",
                 cJSON_CreateString(change->name));
    json_set_at(change->body, "properties.apiRevision",
                cJSON_CreateString(
                    number != NULL ? number
                    : change->old == NULL
                        ? "1"
                        : json_string_at(change->old_body, "properties.apiRevision")));
    json_set_at(change->body, "properties.isCurrent", cJSON_CreateBool(number == NULL));
    apim_default(change->body, "properties.subscriptionRequired", cJSON_CreateTrue());
    apim_default(change->body, "properties.protocols",
                 cJSON_CreateStringArray(protocols, 1));
    apim_default(change->body, "properties.subscriptionKeyParameterNames.header",
                 cJSON_CreateString("Ocp-Apim-Subscription-Key"));
    apim_default(change->body, "properties.subscriptionKeyParameterNames.query",
                 cJSON_CreateString("subscription-key"));
    apim_default(change->body, "properties.isOnline", cJSON_CreateTrue());
    apim_default(change->body, "properties.provisioningState",
                 cJSON_CreateString("Succeeded"));
    cJSON_Delete(body);
    free(source);
}

/* What stands for path and version of an API in its service; owned by the caller. */
static char *format_place(const struct change *change)
{
    const char *path = json_string_at(change->body, "properties.path");
    const char *version = json_string_at(change->body, "properties.apiVersion");
    const char *end = strstr(change->key, "/workspaces/");
    char *place = memory_format("%.*s/apis at %s, version %s", (int)(end - change->key),
                                change->key, path, version != NULL ? version : "");

    return text_lower(place);
}

/* The current revision alone has the path. */
static bool check_path(const struct change *change)
{
    char *place = format_place(change);
    char *other = api_revision_number(change->name) == NULL
                      ? entity_find_link(change->world, place, &api_kind, change->key)
                      : NULL;

    free(place);
    if (other == NULL)
        return true;
    answer_add_detail(
        change->answer, "path",
        "Cannot create API '%s' with the same Path as API '%s' with id '%s'.",
        change->name, strrchr(other, '/') + 1, other);
    free(other);
    return answer_refuse_details(change->answer);
}

static bool check_version(const struct change *change)
{
    const char *set = json_string_at(change->body, "properties.apiVersionSetId");
    char *key = set != NULL && *set != '\0' ? entity_make_key(set) : NULL;
    const bool is_there = key == NULL || entity_exists(change->world, key);

    free(key);
    if (is_there)
        return true;
    answer_add_detail(change->answer, "apiVersionSetId",
                      "The version set was not found.");
    return answer_refuse_details(change->answer);
}

static bool check_source(const struct change *change)
{
    const char *number = api_revision_number(change->name);
    char *source = find_source(change);
    const bool is_there = source == NULL || entity_exists(change->world, source);

    free(source);
    if (!is_there)
        answer_add_detail(change->answer, "sourceApiId", "The API was not found.");
    else if (number != NULL && change->old == NULL) {
        char *base = memory_copy_text(
            change->key,
            (size_t)(api_revision_number(change->key) - change->key) - strlen(";rev="));

        if (!entity_exists(change->world, base))
            answer_add_detail(change->answer, "apiRevision",
                              "There is no API that it could be a revision of.");
        free(base);
    }
    return answer_refuse_details(change->answer);
}

static bool check(struct change *change)
{
    const char *error = json_string_at(change->aside, "error");

    if (error != NULL) {
        answer_add_detail(change->answer, "value", "Parsing error(s): %s", error);
        return answer_refuse_details(change->answer);
    }
    return check_source(change) && check_path(change) && check_version(change);
}

static void saved(struct change *change)
{
    const cJSON *tree = json_at(change->aside, "tree");
    char *source = find_source(change), *place;

    if (source != NULL)
        api_revision_copy(change->world, source, change->id);
    if (tree != NULL)
        api_import_save(change, tree);
    if (api_revision_number(change->name) == NULL) {
        place = format_place(change);
        database_run(change->world->database, "INSERT INTO link VALUES (?, ?, ?)", "ttt",
                     change->key, place, api_kind.arm_type);
        free(place);
    }
    free(source);
}

/* What leads to an API goes with it, as its revisions do. */
static void forget(struct world *world, const char *key)
{
    entity_remove_links(world, key, &product_api_link_kind);
    entity_remove_links(world, key, &tag_api_link_kind);
    if (api_revision_number(key) == NULL)
        api_revision_remove_all(world, key);
}

const struct rules api_rules = {.kind = &api_kind,
                                .new_state = "InProgress",
                                .update_state = "InProgress",
                                .delete_state = "Deleting",
                                .take = take,
                                .complete = complete,
                                .check = check,
                                .saved = saved,
                                .removed = forget,
                                .answer_query = api_export_answer};

/* ---- releases ---- */

static void complete_release(struct change *change)
{
    char *now = world_format_now(change->world);
    char *api = memory_copy_text(change->id, strlen(change->id) - strlen("/releases/") -
                                                 strlen(change->name));

    apim_default(change->body, "properties.apiId", cJSON_CreateString(api));
    apim_default(change->body, "properties.createdDateTime", cJSON_CreateString(now));
    json_set_at(change->body, "properties.updatedDateTime", cJSON_CreateString(now));
    free(api);
    free(now);
}

/* The key of the revision that a release makes current, owned by the caller. */
static char *find_released(const struct change *change)
{
    const char *id = json_string_at(change->body, "properties.apiId");

    return api_revision_resolve(change->world, entity_make_key(id));
}

static bool check_release(struct change *change)
{
    char *key = find_released(change);
    const size_t length = strlen(change->parent);
    const bool is_own = strncmp(key, change->parent, length) == 0 &&
                        (key[length] == '\0' || key[length] == ';') &&
                        entity_exists(change->world, key);

    free(key);
    if (is_own)
        return true;
    answer_add_detail(change->answer, "apiId", "It is no revision of the API.");
    return answer_refuse_details(change->answer);
}

static void release(struct change *change)
{
    char *key = find_released(change);

    if (api_revision_number(key) != NULL)
        api_revision_make_current(change->world, key);
    free(key);
}

const struct rules api_release_rules = {.kind = &api_release_kind,
                                        .complete = complete_release,
                                        .check = check_release,
                                        .saved = release};

/* ---- revisions ---- */

static void add_revision(struct page *page, const char *id, const char *text,
                         int64_t created_ms)
{
    static const struct {
        const char *from, *to;
    } members[] = {{"properties.apiRevision", "apiRevision"},
                   {"properties.apiRevisionDescription", "description"},
                   {"properties.isOnline", "isOnline"},
                   {"properties.isCurrent", "isCurrent"}};
    cJSON *body = json_parse(text, strlen(text), NULL), *item = cJSON_CreateObject();
    const char *number = json_string_at(body, "properties.apiRevision");
    const char *path = json_string_at(body, "properties.path");
    const char *name = strrchr(id, '/') + 1;
    char *printed, *api, *url, created[CLOCK_TEXT_SIZE];

    api = memory_format("/apis/%.*s;rev=%s", (int)strcspn(name, ";"), name, number);
    url = memory_format("/%s;rev=%s", path, number);
    clock_format_utc(created_ms, created);
    cJSON_AddStringToObject(item, "createdDateTime", created);
    cJSON_AddStringToObject(item, "updatedDateTime", created);
    cJSON_AddStringToObject(item, "apiId", api);
    cJSON_AddStringToObject(item, "privateUrl", url);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const cJSON *value = json_at(body, members[i].from);

        if (value != NULL)
            cJSON_AddItemToObject(item, members[i].to, cJSON_Duplicate(value, true));
    }
    printed = json_print(item);
    page_add(page, printed);
    free(printed);
    free(api);
    free(url);
    cJSON_Delete(item);
    cJSON_Delete(body);
}

static void list_revisions(struct world *world, const struct call *call,
                           const struct target *target, struct answer *answer)
{
    char *first = memory_format("%s;rev=", target->parent);
    char *end = memory_format("%s;rev>", target->parent);
    const char *skip = call_parameter(call, "$skip");
    const int64_t passed = skip != NULL ? strtoll(skip, NULL, 10) : 0;
    struct page page;
    char next[48];
    long total = 0;

    if (page_open(&page, call, answer)) {
        sqlite3_stmt *row = database_query(
            world->database,
            "SELECT id, body, created_ms FROM entity WHERE (key = ?1 OR (key >= ?2 AND "
            "key < ?3)) AND"
            " type = 'Microsoft.ApiManagement/service/workspaces/apis' ORDER BY"
            " CAST(json_extract(body, '$.properties.apiRevision') AS INTEGER) DESC",
            "ttt", target->parent, first, end);

        while (database_step(world->database, row)) {
            if (total++ >= passed && page.count < page.limit)
                add_revision(&page, database_column(row, 0), database_column(row, 1),
                             strtoll(database_column(row, 2), NULL, 10));
        }
        snprintf(next, sizeof next, "$skip=%ld", (long)passed + (long)page.count);
        page_close(&page, call, answer, total,
                   passed + (int64_t)page.count < total ? next : NULL);
    }
    free(first);
    free(end);
}

const struct rules api_revision_rules = {.kind = &api_revision_kind,
                                         .list = list_revisions};
