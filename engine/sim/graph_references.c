/* engine/sim/graph_references.c - members and owners come and go by reference.
 *
 * A reference is {"@odata.id": url} or a url in "members@odata.bind", the url ending with
 * directoryObjects/{id}, users/{id or name}, groups/{id} or servicePrincipals/{id}. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/world.h"

/* Members and owners together: documented. */
enum { BIND_LIMIT = 20 };

/* What an object may be related by. */
struct bond {
    const char *name;
    bool (*exists)(struct world *world, const char *object, const char *other);
    void (*add)(struct world *world, const char *object, const char *other);
    void (*remove)(struct world *world, const char *object, const char *other);
};

static const struct bond bonds[] = {
    {"members", directory_is_member, directory_add_member, directory_remove_member},
    {"owners", directory_is_owner, directory_add_owner, directory_remove_owner}};

enum { BOND_COUNT = sizeof bonds / sizeof bonds[0] };

static const struct bond *find_bond(const char *name)
{
    return text_equal_nocase(name, bonds[0].name) ? &bonds[0] : &bonds[1];
}

/* ---- references ---- */

/* Whether the segment names objects; `*type` is which, or NULL for any. */
static bool is_collection(const char *segment, size_t length,
                          const struct graph_type **type)
{
    char *name = memory_copy_text(segment, length);
    bool is_known;

    *type = graph_type_find_collection(name);
    is_known = *type != NULL || text_equal_nocase(name, "directoryObjects");
    free(name);
    return is_known;
}

/* Finds the last "collection/id" or "collection('id')". The id is owned by the caller; NULL
 * when there is none. */
static char *read_reference(const char *url, const struct graph_type **type)
{
    char *id = NULL;

    for (const char *segment = url; *segment != '\0'; segment++) {
        const size_t length = strcspn(segment, "/(");
        const struct graph_type *found;

        if (segment[length] != '\0' && is_collection(segment, length, &found)) {
            const char *start = segment + length + 1;

            start += *start == '\'' ? 1 : 0;
            free(id);
            id = text_lower(memory_copy_text(start, strcspn(start, "/'?)")));
            *type = found;
        }
        segment += length;
        if (*segment == '\0')
            break;
    }
    return id;
}

/* Replaces a user's name by its id. */
static char *resolve(struct world *world, char *id)
{
    char *found = strchr(id, '@') != NULL
                      ? database_text(world->database,
                                      "SELECT id FROM object WHERE upn_key = ?", "t", id)
                      : NULL;

    if (found == NULL)
        return id;
    free(id);
    return found;
}

/* The id of what the url refers to, owned by the caller. NULL when it is none, or not there,
 * and then it has answered. */
static char *find_referred(const struct graph_request *request, const char *url)
{
    const struct graph_type *type = NULL;
    char *id = url != NULL ? read_reference(url, &type) : NULL, *found = NULL;

    if (id == NULL) {
        graph_refuse(request, 400, "Request_BadRequest",
                     "Invalid URL format specified in payload.");
        return NULL;
    }
    id = resolve(request->world, id);
    found = directory_find_type(request->world, id);
    if (found == NULL || (type != NULL && strcmp(found, type->name) != 0)) {
        graph_refuse_missing(request, id);
        free(id);
        id = NULL;
    }
    free(found);
    return id;
}

/* ---- what may be related ---- */

static bool check_bond(const struct graph_request *request, const struct bond *bond,
                       const char *object, const char *other)
{
    char *type = directory_find_type(request->world, other);
    const bool is_owner = bond == &bonds[1];
    const bool is_fit = type != NULL && strcmp(type, "Application") != 0 &&
                        !(is_owner && strcmp(type, "Group") == 0);

    free(type);
    if (!is_fit)
        return graph_refuse(request, 400, "Request_BadRequest",
                            "Invalid object type for the %s reference '%s'.", bond->name,
                            other);
    if (bond->exists(request->world, object, other))
        return graph_refuse(
            request, 400, "Request_BadRequest",
            "One or more added object references already exist for the following "
            "modified properties: '%s'.",
            bond->name);
    return strcmp(object, other) != 0 ||
           graph_refuse(request, 400, "Request_BadRequest",
                        "A group cannot be a member of itself.");
}

static void add_bond(const struct graph_request *request, const struct bond *bond,
                     const char *object, const char *other)
{
    bond->add(request->world, object, other);
    graph_log(request, GRAPH_CREATED, request->type, object, bond->name, other);
}

/* ---- one at a time ---- */

void graph_add_reference(struct graph_request *request)
{
    const struct bond *bond = find_bond(request->relation);
    const cJSON *body = call_json(request->call);
    char *other;

    if (!graph_check_object(request))
        return;
    if (body == NULL) {
        graph_refuse_body(request);
        return;
    }
    other = find_referred(request, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                                       body, "@odata.id")));
    if (other != NULL && check_bond(request, bond, request->id, other)) {
        database_begin(request->world->database);
        add_bond(request, bond, request->id, other);
        request->answer->status = 204;
        graph_commit(request);
    }
    free(other);
}

void graph_remove_reference(struct graph_request *request)
{
    const struct bond *bond = find_bond(request->relation);
    struct world *world = request->world;

    if (!graph_check_object(request))
        return;
    if (!bond->exists(world, request->id, request->other)) {
        graph_refuse_missing(request, request->other);
        return;
    }
    if (bond == &bonds[1] && strcmp(request->type->name, "Group") == 0 &&
        directory_count_owners(world, request->id) == 1) {
        graph_refuse(request, 400, "Request_BadRequest",
                     "The group must have at least one owner, hence this owner cannot be "
                     "removed.");
        return;
    }
    database_begin(world->database);
    bond->remove(world, request->id, request->other);
    graph_log(request, GRAPH_DELETED, request->type, request->id, bond->name,
              request->other);
    request->answer->status = 204;
    graph_commit(request);
}

/* ---- many at once ---- */

static bool is_listed(const cJSON *list, const char *id)
{
    const cJSON *element;

    cJSON_ArrayForEach (element, list) {
        if (strcmp(element->valuestring, id) == 0)
            return true;
    }
    return false;
}

static bool take_binding(const struct graph_request *request, const struct bond *bond,
                         const cJSON *reference, const char *group, cJSON *list)
{
    char *other = find_referred(request, cJSON_GetStringValue(reference));
    bool is_good = other != NULL && check_bond(request, bond, group, other);

    if (is_good && is_listed(list, other))
        is_good = graph_refuse(request, 400, "Request_BadRequest",
                               "The reference '%s' is listed twice for '%s'.", other,
                               bond->name);
    if (is_good)
        cJSON_AddItemToArray(list, cJSON_CreateString(other));
    free(other);
    return is_good;
}

static bool take_bindings(const struct graph_request *request, const struct bond *bond,
                          const cJSON *references, const char *group, cJSON *bindings)
{
    cJSON *list = cJSON_AddArrayToObject(bindings, bond->name);
    const cJSON *reference;

    if (references != NULL && !cJSON_IsArray(references))
        return graph_refuse(request, 400, "Request_BadRequest",
                            "'%s@odata.bind' must be a list of URLs.", bond->name);
    cJSON_ArrayForEach (reference, references) {
        if (!take_binding(request, bond, reference, group, list))
            return false;
    }
    return true;
}

cJSON *graph_take_bindings(const struct graph_request *request, cJSON *body,
                           const char *group)
{
    cJSON *bindings = cJSON_CreateObject();
    cJSON *members = cJSON_DetachItemFromObjectCaseSensitive(body, "members@odata.bind");
    cJSON *owners = cJSON_DetachItemFromObjectCaseSensitive(body, "owners@odata.bind");
    bool is_good = true;

    if (cJSON_GetArraySize(members) + cJSON_GetArraySize(owners) > BIND_LIMIT)
        is_good = graph_refuse(
            request, 400, "Request_BadRequest",
            "At most %d members and owners can be bound in one request.", BIND_LIMIT);
    is_good = is_good && take_bindings(request, &bonds[0], members, group, bindings) &&
              take_bindings(request, &bonds[1], owners, group, bindings);
    cJSON_Delete(members);
    cJSON_Delete(owners);
    if (is_good)
        return bindings;
    cJSON_Delete(bindings);
    return NULL;
}

void graph_bind(const struct graph_request *request, const char *group,
                const cJSON *bindings)
{
    const cJSON *id;

    for (size_t i = 0; i < BOND_COUNT; i++) {
        cJSON_ArrayForEach (id, json_at(bindings, bonds[i].name))
            add_bond(request, &bonds[i], group, id->valuestring);
    }
}
