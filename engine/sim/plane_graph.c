/* engine/sim/plane_graph.c - Microsoft Graph v1.0: who may, and what a path leads to. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/graph_rights.h"
#include "sim/graph_throttle.h"
#include "sim/plane.h"
#include "sim/world.h"

enum { STEP_LIMIT = 8 };

const char graph_json_type[] =
    "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8";

/* ---- who may ---- */

/* What a caller that is no application may do: the default of Entra's members. */
static const unsigned MEMBER_RIGHTS = RIGHT_DIRECTORY_READ | RIGHT_USER_READ;

static unsigned find_rights(const struct graph_request *request)
{
    struct database *database = request->world->database;
    sqlite3_stmt *row =
        database_query(database, "SELECT type, rights FROM object WHERE id = ?", "t",
                       request->caller->object_id);
    unsigned rights = 0;

    if (!database_step(database, row))
        return 0;
    if (strcmp(database_column(row, 0), "User") == 0)
        rights = MEMBER_RIGHTS;
    rights |= (unsigned)sqlite3_column_int64(row, 1);
    database_done(row);
    return rights;
}

static bool check_token(const struct graph_request *request, struct caller *caller)
{
    static const char *const messages[] = {
        [TOKEN_ABSENT] = "Access token is empty.",
        [TOKEN_INVALID] = "CompactToken parsing failed.",
        [TOKEN_EXPIRED] = "Lifetime validation failed, the token is expired.",
        [TOKEN_AUDIENCE] = "Access token validation failure. Invalid audience.",
        [TOKEN_REVOKED] = plane_revoked_message};
    enum token_fault fault;

    if (plane_authenticate(request->world, request->call, AUDIENCE_GRAPH, caller, &fault))
        return true;
    request->answer->www_authenticate =
        fault == TOKEN_REVOKED
            ? plane_format_challenge(request->world, request->call)
            : memory_format("Bearer realm=\"\", "
                            "authorization_uri=\"%s/common/oauth2/authorize\"",
                            request->call->base);
    return graph_refuse(request, 401, "InvalidAuthenticationToken", "%s",
                        messages[fault]);
}

/* ---- what a path leads to ---- */

typedef void serve_request(struct graph_request *request);

/* A path: words that stand for themselves, "*" for one of the types' collections, "#" for an
 * id, "@" for a cast. `rights` are those of which one does, 0: none is needed. `cost` in
 * resource units. */
struct route {
    enum call_method method;
    const char *path;
    serve_request *serve;
    unsigned rights;
    int cost;
};

/* Costs: documented for users, applications and members, assumed for the rest. */
static const struct route routes[] = {
    {CALL_POST, "$batch", graph_batch, MAY_ANYTHING_SIGNED_IN, 1},

    {CALL_GET, "groups", graph_list, MAY_READ_GROUPS, 1},
    {CALL_POST, "groups", graph_create_group, MAY_CREATE_GROUPS, 1},
    {CALL_GET, "groups/$count", graph_count, MAY_READ_GROUPS, 1},
    {CALL_GET, "groups/#", graph_get, MAY_READ_GROUPS, 1},
    {CALL_PATCH, "groups/#", graph_update_group, MAY_WRITE_GROUPS, 1},
    {CALL_DELETE, "groups/#", graph_delete, MAY_WRITE_GROUPS, 1},
    {CALL_GET, "groups/#/members", graph_list_related, MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/members/@", graph_list_related, MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/members/$count", graph_count_related, MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/members/@/$count", graph_count_related, MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/members/$ref", graph_list_references, MAY_READ_MEMBERS, 3},
    {CALL_POST, "groups/#/members/$ref", graph_add_reference, MAY_WRITE_MEMBERS, 1},
    {CALL_DELETE, "groups/#/members/#/$ref", graph_remove_reference, MAY_WRITE_MEMBERS,
     1},
    {CALL_GET, "groups/#/transitiveMembers", graph_list_related, MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/transitiveMembers/@", graph_list_related, MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/transitiveMembers/$count", graph_count_related, MAY_READ_MEMBERS,
     3},
    {CALL_GET, "groups/#/transitiveMembers/@/$count", graph_count_related,
     MAY_READ_MEMBERS, 3},
    {CALL_GET, "groups/#/owners", graph_list_related, MAY_READ_GROUPS, 1},
    {CALL_GET, "groups/#/owners/@", graph_list_related, MAY_READ_GROUPS, 1},
    {CALL_GET, "groups/#/owners/$ref", graph_list_references, MAY_READ_GROUPS, 1},
    {CALL_POST, "groups/#/owners/$ref", graph_add_reference, MAY_WRITE_GROUPS, 1},
    {CALL_DELETE, "groups/#/owners/#/$ref", graph_remove_reference, MAY_WRITE_GROUPS, 1},

    {CALL_GET, "users", graph_list, MAY_READ_USERS, 2},
    {CALL_POST, "users", graph_create_user, MAY_WRITE_USERS, 1},
    {CALL_GET, "users/$count", graph_count, MAY_READ_USERS, 2},
    {CALL_GET, "users/#", graph_get, MAY_READ_USERS, 1},
    {CALL_PATCH, "users/#", graph_update_user, MAY_WRITE_USERS, 1},
    {CALL_DELETE, "users/#", graph_delete, MAY_WRITE_USERS, 1},
    {CALL_GET, "users/#/ownedObjects", graph_list_related, MAY_READ_USERS, 1},

    {CALL_GET, "applications", graph_list, MAY_READ_APPLICATIONS, 2},
    {CALL_POST, "applications", graph_create_application, MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "applications/$count", graph_count, MAY_READ_APPLICATIONS, 2},
    {CALL_GET, "applications/#", graph_get, MAY_READ_APPLICATIONS, 1},
    {CALL_PATCH, "applications/#", graph_update_application, MAY_WRITE_APPLICATIONS, 1},
    {CALL_DELETE, "applications/#", graph_delete_application, MAY_WRITE_APPLICATIONS, 1},
    {CALL_POST, "applications/#/addPassword", graph_add_password, MAY_WRITE_APPLICATIONS,
     1},
    {CALL_POST, "applications/#/removePassword", graph_remove_password,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_POST, "applications/#/addKey", graph_add_key, MAY_WRITE_APPLICATIONS, 1},
    {CALL_POST, "applications/#/removeKey", graph_remove_key, MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "applications/#/federatedIdentityCredentials", graph_list_federated,
     MAY_READ_APPLICATIONS, 1},
    {CALL_POST, "applications/#/federatedIdentityCredentials", graph_create_federated,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "applications/#/federatedIdentityCredentials/#", graph_get_federated,
     MAY_READ_APPLICATIONS, 1},
    {CALL_PATCH, "applications/#/federatedIdentityCredentials/#", graph_update_federated,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_DELETE, "applications/#/federatedIdentityCredentials/#", graph_delete_federated,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "applications/#/owners", graph_list_related, MAY_READ_APPLICATIONS, 1},
    {CALL_POST, "applications/#/owners/$ref", graph_add_reference, MAY_WRITE_APPLICATIONS,
     1},
    {CALL_DELETE, "applications/#/owners/#/$ref", graph_remove_reference,
     MAY_WRITE_APPLICATIONS, 1},

    {CALL_GET, "servicePrincipals", graph_list, MAY_READ_APPLICATIONS, 1},
    {CALL_POST, "servicePrincipals", graph_create_principal, MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "servicePrincipals/$count", graph_count, MAY_READ_APPLICATIONS, 1},
    {CALL_GET, "servicePrincipals/#", graph_get, MAY_READ_APPLICATIONS, 1},
    {CALL_PATCH, "servicePrincipals/#", graph_update_application, MAY_WRITE_APPLICATIONS,
     1},
    {CALL_DELETE, "servicePrincipals/#", graph_delete, MAY_WRITE_APPLICATIONS, 1},
    {CALL_POST, "servicePrincipals/#/addKey", graph_add_key, MAY_WRITE_APPLICATIONS, 1},
    {CALL_POST, "servicePrincipals/#/removeKey", graph_remove_key, MAY_WRITE_APPLICATIONS,
     1},
    {CALL_POST, "servicePrincipals/#/addPassword", graph_add_password,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_POST, "servicePrincipals/#/removePassword", graph_remove_password,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "servicePrincipals/#/owners", graph_list_related, MAY_READ_APPLICATIONS,
     1},
    {CALL_POST, "servicePrincipals/#/owners/$ref", graph_add_reference,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_DELETE, "servicePrincipals/#/owners/#/$ref", graph_remove_reference,
     MAY_WRITE_APPLICATIONS, 1},
    {CALL_GET, "servicePrincipals/#/ownedObjects", graph_list_related,
     MAY_READ_APPLICATIONS, 1},

    {CALL_GET, "directoryObjects/#", graph_get, MAY_READ_OBJECTS, 1},
    {CALL_DELETE, "directoryObjects/#", graph_delete, RIGHT_DIRECTORY_WRITE, 1},
    {CALL_POST, "directoryObjects/getByIds", graph_get_by_ids, MAY_READ_OBJECTS, 1},

    {CALL_GET, "*/#/memberOf", graph_list_related, MAY_READ_OBJECTS, 1},
    {CALL_GET, "*/#/memberOf/@", graph_list_related, MAY_READ_OBJECTS, 1},
    {CALL_GET, "*/#/memberOf/$count", graph_count_related, MAY_READ_OBJECTS, 1},
    {CALL_GET, "*/#/transitiveMemberOf", graph_list_related, MAY_READ_OBJECTS, 1},
    {CALL_GET, "*/#/transitiveMemberOf/@", graph_list_related, MAY_READ_OBJECTS, 1},
    {CALL_GET, "*/#/transitiveMemberOf/$count", graph_count_related, MAY_READ_OBJECTS, 1},
    {CALL_POST, "*/#/checkMemberGroups", graph_check_member_groups, MAY_READ_OBJECTS, 1},
    {CALL_POST, "*/#/checkMemberObjects", graph_check_member_objects, MAY_READ_OBJECTS,
     1},
    {CALL_POST, "*/#/getMemberGroups", graph_get_member_groups, MAY_READ_OBJECTS, 1},
    {CALL_POST, "*/#/getMemberObjects", graph_get_member_groups, MAY_READ_OBJECTS, 1},

    {CALL_GET, "organization", graph_get_organization, MAY_READ_TENANT, 1},
    {CALL_GET, "domains", graph_get_domains, MAY_READ_TENANT, 1},
    {CALL_GET, "directory/deletedItems/@", graph_list_deleted, MAY_READ_OBJECTS, 1},
    {CALL_GET, "directory/deletedItems/#", graph_get_deleted, MAY_READ_OBJECTS, 1},
    {CALL_DELETE, "directory/deletedItems/#", graph_purge, MAY_WRITE_OBJECTS, 1},
    {CALL_POST, "directory/deletedItems/#/restore", graph_restore, MAY_WRITE_OBJECTS, 1}};

enum { ROUTE_COUNT = sizeof routes / sizeof routes[0] };

/* The path behind "/v1.0" in steps: "users('x')" is two of them. */
struct steps {
    const char *of[STEP_LIMIT];
    size_t count;
    char *text; /* what they lie in */
};

/* "servicePrincipals(appId='x')": cuts the name off and leaves the key. */
static char *split_key(char *segment)
{
    char *key = strchr(segment, '('), *end;

    if (key == NULL || segment[strlen(segment) - 1] != ')')
        return NULL;
    *key++ = '\0';
    end = key + strlen(key) - 1;
    *end = '\0';
    return key;
}

/* False when there are more than any path has. */
static bool read_steps(struct steps *steps, const struct call *call)
{
    size_t length = 1;
    char *at;

    *steps = (struct steps){0};
    for (size_t i = 1; i < call->segment_count; i++)
        length += strlen(call->segments[i]) + 1;
    at = steps->text = memory_new(length);
    for (size_t i = 1; i < call->segment_count; i++) {
        char *segment = at, *key;

        strcpy(segment, call->segments[i]);
        at += strlen(segment) + 1;
        if (steps->count + 2 > STEP_LIMIT)
            return false;
        key = split_key(segment);
        steps->of[steps->count++] = segment;
        if (key != NULL)
            steps->of[steps->count++] = key;
    }
    return true;
}

static bool is_id(const char *step)
{
    return *step != '$' && !text_has_prefix_nocase(step, "microsoft.graph.");
}

static bool matches_word(const char *word, size_t length, const char *step)
{
    if (length == 1 && *word == '#')
        return is_id(step);
    if (length == 1 && *word == '@')
        return graph_type_find_odata(step) != NULL && !is_id(step);
    if (length == 1 && *word == '*')
        return graph_type_find_collection(step) != NULL ||
               text_equal_nocase(step, "directoryObjects");
    return strlen(step) == length && text_has_prefix_nocase(word, step);
}

static bool matches(const char *path, const struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        const size_t length = strcspn(path, "/");

        if (length == 0 || !matches_word(path, length, steps->of[i]))
            return false;
        path += length + (path[length] == '/' ? 1 : 0);
    }
    return *path == '\0';
}

/* NULL when nothing is there; `*is_path_known` when only the method is another. */
static const struct route *find_route(const struct steps *steps, enum call_method method,
                                      bool *is_path_known)
{
    *is_path_known = false;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!matches(routes[i].path, steps))
            continue;
        if (routes[i].method == method)
            return &routes[i];
        *is_path_known = true;
    }
    return NULL;
}

/* ---- ids ---- */

/* Copies the id of what the key names: "<id>", "'<id>'", "appId='<id>'" or a user's name. */
static void resolve(const struct graph_request *request, const char *key,
                    char id[GRAPH_ID_SIZE])
{
    struct database *database = request->world->database;
    const char *quote = strchr(key, '\''), *query = NULL;
    char *text = quote != NULL ? memory_copy_text(quote + 1, strcspn(quote + 1, "'"))
                               : memory_copy_string(key);
    char *found;

    text_lower(text);
    if (text_has_prefix_nocase(key, "appId="))
        query = request->type != NULL && strcmp(request->type->name, "Application") == 0
                    ? "SELECT id FROM object WHERE client_key = ?"
                    : "SELECT id FROM object WHERE app_id = ?";
    else if (strchr(text, '@') != NULL)
        query = "SELECT id FROM object WHERE upn_key = ?";
    found = query != NULL ? database_text(database, query, "t", text) : NULL;
    strncpy(id, found != NULL ? found : text, GRAPH_ID_SIZE - 1);
    free(found);
    free(text);
}

/* Fills in what the route's path has found. */
static void read_ids(struct graph_request *request, const struct route *route,
                     const struct steps *steps)
{
    const char *path = route->path;

    request->type = graph_type_find_collection(steps->of[0]);
    for (size_t i = 0; i < steps->count; i++) {
        const size_t length = strcspn(path, "/");

        if (*path == '@')
            request->cast = graph_type_find_odata(steps->of[i]);
        else if (*path == '#')
            resolve(request, steps->of[i],
                    request->id[0] == '\0' ? request->id : request->other);
        else if (i == 2)
            request->relation = steps->of[i];
        path += length + (path[length] == '/' ? 1 : 0);
    }
}

/* "me" is a user, who may be deleted by now; an application is none. */
static bool replace_me(const struct graph_request *request, struct steps *steps)
{
    struct database *database = request->world->database;

    if (steps->count == 0 || !text_equal_nocase(steps->of[0], "me"))
        return true;
    if (database_number(database, 0,
                        "SELECT 1 FROM object WHERE id = ? AND type <> 'User'", "t",
                        request->caller->object_id) != 0)
        return graph_refuse(
            request, 400, "BadRequest",
            "/me request is only valid with delegated authentication flow.");
    memmove(steps->of + 2, steps->of + 1, (steps->count - 1) * sizeof steps->of[0]);
    steps->of[0] = "users";
    steps->of[1] = request->caller->object_id;
    steps->count++;
    return true;
}

/* ---- serving ---- */

static void refuse_path(const struct graph_request *request, const struct steps *steps,
                        bool is_path_known)
{
    const size_t last = steps->count > 0 ? steps->count - 1 : 0;

    if (is_path_known)
        graph_refuse(request, 405, "Request_BadRequest",
                     "Specified HTTP method is not allowed for the request target.");
    else
        graph_refuse(request, 400, "BadRequest",
                     "Resource not found for the segment '%.100s'.",
                     steps->count > 0 ? steps->of[last] : "");
}

static void serve(struct graph_request *request, const struct steps *steps)
{
    bool is_path_known;
    const struct route *route = find_route(steps, request->call->method, &is_path_known);

    if (route == NULL) {
        refuse_path(request, steps, is_path_known);
        return;
    }
    if (route->rights != MAY_ANYTHING_SIGNED_IN &&
        (find_rights(request) & route->rights) == 0) {
        graph_refuse(request, 403, "Authorization_RequestDenied",
                     "Insufficient privileges to complete the operation.");
        return;
    }
    if (!graph_throttle_admit(request, route->cost))
        return;
    read_ids(request, route, steps);
    route->serve(request);
}

static void answer_call(struct world *world, struct call *call, struct answer *answer)
{
    struct caller caller;
    struct graph_request request = {
        .world = world, .call = call, .answer = answer, .caller = &caller};
    struct steps steps = {0};

    answer_add_header(answer, "OData-Version", "4.0");
    answer_add_header(answer, "request-id", "%s", answer->request_id);
    answer_add_header(answer, "client-request-id", "%s",
                      call->client_request_id != NULL ? call->client_request_id
                                                      : answer->request_id);
    if (!check_token(&request, &caller))
        return;
    if (!read_steps(&steps, call))
        graph_refuse(&request, 400, "BadRequest", "The path has too many segments.");
    else if (replace_me(&request, &steps))
        serve(&request, &steps);
    free(steps.text);
}

void plane_graph(struct world *world, struct call *call, struct answer *answer)
{
    answer_call(world, call, answer);
    if (answer->body.length > 0 && answer->content_type == NULL)
        answer->content_type = graph_json_type;
}
