/* lua/verbs.c - core.resources: the verbs of every kind in the model.
 *
 * get, find, exists (kind, parent, name), delete (kind, parent, name, options), create,
 * ensure, update (kind, parent, name, fields, defaults of a new one) and page (kind, parent,
 * query). `parent` is the id under which the name is looked up; a name that begins with "/"
 * is an id itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/operation.h"
#include "arm/resource.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "lua/bind.h"
#include "lua/fields.h"
#include "lua/gate.h"
#include "lua/modules.h"
#include "lua/nested.h"
#include "lua/resource.h"
#include "model/kind.h"

enum {
    ARG_KIND = 1,
    ARG_PARENT = 2,
    ARG_NAME = 3,
    ARG_FIELDS = 4,
    ARG_DEFAULTS = 5,
    SLOT_OPERATION = 6
};

static const char operation_metatable[] = "operation";

/* --- arguments ------------------------------------------------------------------------ */

static const struct kind *check_kind(lua_State *L)
{
    const struct kind *kind = kind_find(luaL_checkstring(L, ARG_KIND));

    if (kind == NULL)
        luaL_argerror(L, ARG_KIND, "kind expected");
    return kind;
}

/* Pushes the id that the arguments mean. */
static const char *check_id(lua_State *L, const struct kind *kind)
{
    const char *given = resource_id_at(L, ARG_NAME);
    char *wrong, *id;

    if (given == NULL) {
        if (lua_type(L, ARG_NAME) != LUA_TSTRING)
            bind_error(L, "%s: a name expected, got %s", kind->name,
                       luaL_typename(L, ARG_NAME));
        given = lua_tostring(L, ARG_NAME);
    }
    if (given[0] == '/') {
        if (!kind_has_id(kind, given))
            bind_error(L, "'%s' is not the id of a %s", given, kind->name);
        return lua_pushstring(L, given);
    }
    wrong = strlen(given) == lua_rawlen(L, ARG_NAME)
                ? kind_check_name(kind, given)
                : memory_format("%s name has a NUL byte in it", kind->name);
    if (wrong != NULL)
        bind_error_owned(L, wrong);
    id = kind_format_id(kind, luaL_checkstring(L, ARG_PARENT), given);
    given = lua_pushstring(L, id);
    free(id);
    return given;
}

static bool wants_to_wait(lua_State *L)
{
    bool waits = true;

    if (lua_type(L, ARG_FIELDS) == LUA_TTABLE) {
        if (lua_getfield(L, ARG_FIELDS, "wait") != LUA_TNIL) {
            if (!lua_isboolean(L, -1))
                bind_error(L, "wait: true or false expected, got %s",
                           luaL_typename(L, -1));
            waits = lua_toboolean(L, -1);
        }
        lua_pop(L, 1);
    }
    return waits;
}

/* The entity tag that the script wants the resource to have, or NULL. */
static const char *find_if_match(lua_State *L, const struct kind *kind,
                                 enum resource_verb verb)
{
    const char *etag = NULL;

    if (lua_type(L, ARG_FIELDS) != LUA_TTABLE)
        return NULL;
    if (lua_getfield(L, ARG_FIELDS, "if_match") != LUA_TNIL) {
        etag = lua_tostring(L, -1);
        if (lua_type(L, -1) != LUA_TSTRING || *etag == '\0' ||
            strpbrk(etag, "\r\n") != NULL)
            bind_error(L, "if_match: an etag expected, got %s",
                       lua_type(L, -1) == LUA_TSTRING ? "text that is none"
                                                      : luaL_typename(L, -1));
        if (verb == RESOURCE_CREATE)
            bind_error(L, "if_match: what is to be created has no etag yet");
        if (((kind->if_match | kind->may_match) &
             (verb == RESOURCE_DELETE ? KIND_DELETE : KIND_PUT | KIND_PATCH)) == 0)
            bind_error(L, "if_match: the service does not look at it for a %s",
                       kind->name);
    }
    lua_pop(L, 1); /* the table keeps it */
    return etag;
}

/* Refuses a verb that the kind has no operation for. */
static void check_verb(lua_State *L, const struct kind *kind, enum resource_verb verb)
{
    static const unsigned needed[RESOURCE_VERB_COUNT] = {
        [RESOURCE_GET] = KIND_GET | KIND_HEAD,
        [RESOURCE_FIND] = KIND_GET | KIND_HEAD,
        [RESOURCE_EXISTS] = KIND_GET | KIND_HEAD,
        [RESOURCE_CREATE] = KIND_PUT,
        [RESOURCE_ENSURE] = KIND_PUT,
        [RESOURCE_UPDATE] = KIND_PUT | KIND_PATCH,
        [RESOURCE_DELETE] = KIND_DELETE};

    if ((kind->operations & needed[verb]) == 0)
        bind_error(L, "%s: the service has no such operation for a %s",
                   resource_verb_names[verb], kind->name);
}

/* --- results -------------------------------------------------------------------------- */

/* Of the registry: a table of how many resources came or went, by their kind. */
static const char turnover_name[] = "turnover";

static void count_turnover(lua_State *L, const struct resource_operation *operation)
{
    const enum resource_outcome outcome = resource_outcome(operation);

    if (outcome != RESOURCE_CREATED && outcome != RESOURCE_DELETED)
        return;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, turnover_name);
    lua_rawgetp(L, -1, resource_kind(operation));
    lua_pushinteger(L, lua_tointeger(L, -1) + 1);
    lua_rawsetp(L, -3, resource_kind(operation));
    lua_pop(L, 2);
}

/* resources.turnover(kind) -> a number that is larger each time the script learns that it has
 * created or deleted one of the kind */
static int turnover(lua_State *L)
{
    const struct kind *kind = check_kind(L);

    luaL_getsubtable(L, LUA_REGISTRYINDEX, turnover_name);
    lua_rawgetp(L, -1, kind);
    lua_pushinteger(L, lua_tointeger(L, -1));
    return 1;
}

/* What a finished operation gives to the script: a resource and what became of it, nil when
 * there is none, true or false for questions. Raises its failure. */
static int push_result(lua_State *L, struct resource_operation *operation)
{
    const struct failure *failure = resource_failure(operation);
    const enum resource_outcome outcome = resource_outcome(operation);

    if (failure != NULL)
        return bind_raise_failure(L, failure);
    count_turnover(L, operation);
    switch (resource_verb(operation)) {
    case RESOURCE_EXISTS:
        lua_pushboolean(L, outcome == RESOURCE_READ);
        return 1;
    case RESOURCE_DELETE:
        lua_pushboolean(L, outcome == RESOURCE_DELETED);
        return 1;
    default:
        break;
    }
    if (outcome == RESOURCE_MISSING) {
        lua_pushnil(L);
        return 1;
    }

    cJSON *body = resource_take_body(operation);

    resource_push(L, resource_kind(operation), resource_id(operation), body,
                  resource_etag(operation));
    lua_pushstring(L, resource_outcome_names[outcome]);
    return 2;
}

static int verb_finish(lua_State *L, int status, lua_KContext context)
{
    struct held *held = bind_held(L, SLOT_OPERATION);

    (void)status, (void)context; /* the way is the same before and after a yield */
    if (!held->waitable->is_done)
        return bind_wait(L, SLOT_OPERATION, verb_finish, 0);
    return push_result(L, held->object);
}

static void release_operation(void *object)
{
    resource_release(object);
}

static void release_tree(void *object)
{
    cJSON_Delete(object);
}

/* Pushes a body of the fields at `index`, held so that an error does not lose it. */
static struct held *push_body(lua_State *L, int index, const struct kind *kind)
{
    struct held *held = bind_new_held(L, false);
    cJSON *body = cJSON_CreateObject();

    held->object = body;
    held->release = release_tree;
    fields_check(L, index, kind, body);
    return held;
}

static cJSON *take_body(struct held *held)
{
    cJSON *body = held != NULL ? held->object : NULL;

    if (held != NULL)
        held->object = NULL;
    return body;
}

/* Whether a write may begin now; else it waits in `held`, or its failure is raised. */
static bool is_its_turn(lua_State *L, struct held *held, enum resource_verb verb,
                        const struct kind *kind, const struct held *body,
                        const struct held *defaults, bool is_let_go)
{
    const struct past_write write = {
        .content = {.verb = resource_verb_names[verb],
                    .kind = kind->name,
                    .target = lua_tostring(L, ARG_NAME),
                    .body = body != NULL ? body->object : NULL},
        .defaults = defaults != NULL ? defaults->object : NULL};
    struct failure *failure = NULL;

    if (verb < RESOURCE_CREATE)
        return true;

    const enum past_verdict verdict =
        gate_ask(L, held, &write, ARG_FIELDS, is_let_go, &failure);

    if (verdict == PAST_FAILS)
        bind_raise_owned(L, failure);
    return verdict == PAST_GOES_ON;
}

static int perform_again(lua_State *L, int status, lua_KContext verb);

/* The one way of all verbs. With `is_let_go` it has waited for its turn. */
static int begin(lua_State *L, enum resource_verb verb, bool is_let_go)
{
    const struct kind *kind = check_kind(L);
    const bool has_fields =
        verb == RESOURCE_CREATE || verb == RESOURCE_ENSURE || verb == RESOURCE_UPDATE;

    struct held *body = NULL, *defaults = NULL;

    lua_settop(L, ARG_DEFAULTS);
    check_verb(L, kind, verb);
    check_id(L, kind);
    lua_replace(L, ARG_NAME);

    struct client *client = bind_client(L);
    const bool waits = wants_to_wait(L);
    struct held *held = bind_new_held(L, waits);

    if (has_fields) {
        if (lua_type(L, ARG_FIELDS) != LUA_TTABLE)
            bind_error(L, "%s '%s': a table of its fields expected, got %s", kind->name,
                       lua_tostring(L, ARG_NAME), luaL_typename(L, ARG_FIELDS));
        body = push_body(L, ARG_FIELDS, kind);
        if (lua_type(L, ARG_DEFAULTS) == LUA_TTABLE)
            defaults = push_body(L, ARG_DEFAULTS, kind);
    }
    if (waits)
        bind_check_task(L);

    const char *if_match = find_if_match(L, kind, verb);

    if (!is_its_turn(L, held, verb, kind, body, defaults, is_let_go)) {
        lua_settop(L, SLOT_OPERATION);
        if (!waits)
            lua_toclose(L, SLOT_OPERATION);
        return bind_wait(L, SLOT_OPERATION, perform_again, verb);
    }

    struct resource_operation *operation =
        resource_start(client, verb, kind, lua_tostring(L, ARG_NAME), if_match,
                       take_body(body), take_body(defaults));

    held->object = operation;
    held->release = release_operation;
    held->waitable = resource_waitable(operation);
    lua_settop(L, SLOT_OPERATION);
    for (int slot = ARG_KIND; slot < SLOT_OPERATION; slot++) {
        lua_pushnil(L); /* nobody needs the arguments while it waits, maybe for hours */
        lua_replace(L, slot);
    }
    if (waits)
        return verb_finish(L, LUA_OK, 0);
    luaL_setmetatable(L, operation_metatable);
    return 1;
}

/* Its fields are read anew: they may have been changed while it waited. */
static int perform_again(lua_State *L, int status, lua_KContext verb)
{
    int count = 0;
    const enum past_release how = gate_take_turn(L, SLOT_OPERATION, &count);

    (void)status;
    if (how == PAST_WAITS)
        return bind_wait(L, SLOT_OPERATION, perform_again, verb);
    return how == PAST_RETURNS ? count
                               : begin(L, (enum resource_verb)verb, how == PAST_IS_SENT);
}

static int perform(lua_State *L, enum resource_verb verb)
{
    return begin(L, verb, false);
}

/* resources.check(kind, name, fields) - raises what is wrong with them; sends nothing */
static int verb_check(lua_State *L)
{
    const struct kind *kind = check_kind(L);
    char *wrong = kind_check_name(kind, luaL_checkstring(L, 2));

    if (wrong != NULL)
        bind_error_owned(L, wrong);
    luaL_checktype(L, 3, LUA_TTABLE);
    push_body(L, 3, kind);
    return 0;
}

static int verb_get(lua_State *L)
{
    return perform(L, RESOURCE_GET);
}

static int verb_find(lua_State *L)
{
    return perform(L, RESOURCE_FIND);
}

static int verb_exists(lua_State *L)
{
    return perform(L, RESOURCE_EXISTS);
}

static int verb_create(lua_State *L)
{
    return perform(L, RESOURCE_CREATE);
}

static int verb_ensure(lua_State *L)
{
    return perform(L, RESOURCE_ENSURE);
}

static int verb_update(lua_State *L)
{
    return perform(L, RESOURCE_UPDATE);
}

static int verb_delete(lua_State *L)
{
    return perform(L, RESOURCE_DELETE);
}

/* --- lists ---------------------------------------------------------------------------- */

/* Pushes the URL of the next page, its key and that of this page, or nothing when this is the
 * last. */
static int push_next(lua_State *L, struct operation *operation)
{
    const char *link = json_string_at(operation_body(operation), "nextLink");

    if (link == NULL || link[0] == '\0')
        return 0;

    const char *url = operation_url(operation);
    const int count = bind_push_next_url(L, url, link, false);

    bind_push_next_url(L, url, url, false);
    lua_remove(L, -2); /* the key alone */
    return count + 1;
}

static int page_finish(lua_State *L, int status, lua_KContext context)
{
    struct held *held = bind_held(L, SLOT_OPERATION);
    const struct kind *kind = check_kind(L);

    (void)status, (void)context;
    if (!held->waitable->is_done)
        return bind_wait(L, SLOT_OPERATION, page_finish, 0);
    if (operation_failure(held->object) != NULL)
        return bind_raise_failure(L, operation_failure(held->object));

    cJSON *items =
        cJSON_GetObjectItemCaseSensitive(operation_body(held->object), "value");
    int count = 0;

    if (!cJSON_IsArray(items))
        return bind_raise(L, "ProtocolError", "the list of %ss has no member 'value'",
                          kind->name);
    lua_createtable(L, cJSON_GetArraySize(items), 0);
    while (items->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(items, items->child);

        resource_push(L, kind, lua_tostring(L, ARG_PARENT), item,
                      json_string_at(item, "etag"));
        lua_rawseti(L, -2, ++count);
    }
    return 1 + push_next(L, held->object);
}

/* resources.page(kind, parent, query) -> list, and if there is more: next URL, a short key of
 * it, one of this page. `parent` is the id whose
 * collection is read, or the URL of a following page. */
static int page(lua_State *L)
{
    const struct kind *kind = check_kind(L);
    const char *parent = luaL_checkstring(L, ARG_PARENT);
    const char *query = luaL_optstring(L, ARG_NAME, "");
    struct client *client = bind_client(L);

    bind_check_task(L);
    lua_settop(L, ARG_DEFAULTS);

    struct held *held = bind_new_held(L, true);
    struct operation_request request = {.method = "GET", .audience = AUDIENCE_ARM};

    if (parent[0] == '/') {
        char *path = memory_format("%s%s", parent, kind->collection);

        request.url = resource_url(client, path, kind->api_version, query);
        free(path);
    } else {
        request.url = memory_copy_string(parent);
    }
    request.label = memory_format("list %ss", kind->name);
    held->object = operation_start(client, &request);
    held->release = (void (*)(void *))operation_release;
    held->waitable = operation_waitable(held->object);
    return page_finish(L, LUA_OK, 0);
}

/* --- operations as objects ------------------------------------------------------------ */

static struct held *check_operation(lua_State *L)
{
    return luaL_checkudata(L, 1, operation_metatable);
}

/* op:status() -> "running", "succeeded", "failed", the service's word for its state or nil */
static int operation_status_of(lua_State *L)
{
    const struct held *held = check_operation(L);

    if (held->object == NULL) {
        lua_pushliteral(L, "canceled");
        return 1;
    }
    if (held->waitable->is_done) {
        lua_pushstring(L,
                       resource_failure(held->object) != NULL ? "failed" : "succeeded");
        return 1;
    }
    lua_pushliteral(L, "running");
    lua_pushstring(L, resource_state(held->object));
    return 2;
}

/* op:percent() -> 0 to 100, or nil when the service does not say */
static int operation_percent_of(lua_State *L)
{
    const struct held *held = check_operation(L);
    const double percent = held->object == NULL      ? -1.0
                           : held->waitable->is_done ? 100.0
                                                     : resource_percent(held->object);

    if (percent >= 0.0)
        lua_pushnumber(L, percent);
    else
        lua_pushnil(L);
    return 1;
}

static int wait_finish(lua_State *L, int status, lua_KContext context)
{
    const struct held *held = check_operation(L);

    (void)status, (void)context;
    if (held->object == NULL)
        return bind_raise(L, "Canceled", "the operation was canceled");
    if (!held->waitable->is_done)
        return bind_wait(L, 1, wait_finish, 0);
    if (lua_getiuservalue(L, 1, 1) != LUA_TNIL) { /* it was asked for before */
        lua_pushstring(L, resource_outcome_names[resource_outcome(held->object)]);
        return 2;
    }

    const int count = push_result(L, held->object);

    if (lua_isuserdata(L, -count)) { /* a resource: the operation has its body no more */
        lua_pushvalue(L, -count);
        lua_setiuservalue(L, 1, 1);
    }
    return count;
}

/* op:result() -> what the verb gives, once it is there; raises its failure. Waits. */
static int operation_result(lua_State *L)
{
    check_operation(L);
    bind_check_task(L);
    lua_settop(L, 1);
    return wait_finish(L, LUA_OK, 0);
}

/* op:cancel() - nobody waits any more; the service may go on */
static int operation_cancel(lua_State *L)
{
    struct held *held = check_operation(L);
    struct waitable end;
    struct list *link;

    if (held->object == NULL)
        return 0;
    waitable_init(&end);
    while ((link = list_take_first(&held->waitable->waiters)) != NULL)
        list_append(&end.waiters, link);
    held->release(held->object);
    held->object = NULL;
    held->waitable = NULL;
    waitable_finish(&end); /* they find that there is nothing to wait for */
    return 0;
}

static int operation_tostring(lua_State *L)
{
    const struct held *held = check_operation(L);

    if (held->object == NULL)
        lua_pushliteral(L, "operation (canceled)");
    else
        lua_pushfstring(L, "operation (%s %s '%s')",
                        resource_verb_names[resource_verb(held->object)],
                        resource_kind(held->object)->name, resource_name(held->object));
    return 1;
}

static int push_operation_methods(lua_State *L)
{
    luaL_getmetatable(L, operation_metatable);
    lua_getfield(L, -1, "__index");
    return 1;
}

static void make_operation_metatable(lua_State *L)
{
    static const luaL_Reg methods[] = {{"status", operation_status_of},
                                       {"percent", operation_percent_of},
                                       {"result", operation_result},
                                       {"cancel", operation_cancel},
                                       {NULL, NULL}};

    if (luaL_newmetatable(L, operation_metatable) == 0) {
        lua_pop(L, 1);
        return;
    }
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, operation_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, operation_cancel);
    lua_setfield(L, -2, "__gc");
    bind_seal_metatable(L);
    lua_pop(L, 1);
}

int open_resources(lua_State *L)
{
    static const luaL_Reg functions[] = {{"get", verb_get},
                                         {"find", verb_find},
                                         {"exists", verb_exists},
                                         {"create", verb_create},
                                         {"ensure", verb_ensure},
                                         {"update", verb_update},
                                         {"delete", verb_delete},
                                         {"check", verb_check},
                                         {"page", page},
                                         {"turnover", turnover},
                                         {"methods", nested_methods},
                                         {"nested", nested_new},
                                         {"parent", nested_parent},
                                         {"identify", nested_identify},
                                         {"set_loader", nested_set_loader},
                                         {"describe", nested_describe},
                                         {"replace", resource_replace},
                                         {"operation_methods", push_operation_methods},
                                         {NULL, NULL}};

    make_operation_metatable(L);
    luaL_newlib(L, functions);
    return 1;
}
