/* lua/arm.c - core.arm: any request, through the same pipeline as all others.
 *
 * request{...} -> answer, the URL that gave it; next_url(url, link, replaces the api-version)
 * -> absolute URL, a short key of it; was_sent{...} -> boolean; link_next(field) -> the target of a Link header's next. */
#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/link.h"
#include "arm/operation.h"
#include "arm/steps.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "lua/bind.h"
#include "lua/gate.h"
#include "lua/modules.h"
#include "run/session.h"

enum { ARG_REQUEST = 1, SLOT_OPERATION = 2 };

static const char *const request_keys[] = {
    "method",          "url",   "path",    "query",     "headers", "body", "wait",
    "final_state_via", "graph", "timeout", "repeatable"};

static void check_method(lua_State *L, struct operation_request *request)
{
    static const char *const methods[] = {"GET",   "HEAD", "PUT",
                                          "PATCH", "POST", "DELETE"};
    const char *given;

    lua_getfield(L, ARG_REQUEST, "method");
    given = luaL_optstring(L, -1, "GET");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (text_equal_nocase(methods[i], given))
            request->method = methods[i];
    }
    if (request->method == NULL)
        bind_error(L, "method '%s' is not one of GET, HEAD, PUT, PATCH, POST, DELETE",
                   given);
    lua_pop(L, 1);
}

/* Appends the members of the `query` table, sorted by nobody: services do not mind. */
static void append_query(lua_State *L, struct buffer *url)
{
    char separator = strchr(url->data, '?') != NULL ? '&' : '?';

    lua_getfield(L, ARG_REQUEST, "query");
    if (!lua_isnil(L, -1)) {
        lua_pushnil(L);
        while (lua_next(L, -2) != 0) {
            buffer_append_char(url, separator);
            buffer_append_escaped(url, lua_tostring(L, -2));
            buffer_append_char(url, '=');
            buffer_append_escaped(url, luaL_tolstring(L, -1, NULL));
            lua_pop(L, 2);
            separator = '&';
        }
    }
    lua_pop(L, 1);
}

/* Nothing below may raise between the buffer's first byte and its end: so check first. */
static void check_query(lua_State *L)
{
    lua_getfield(L, ARG_REQUEST, "query");
    if (!lua_isnil(L, -1)) {
        if (!lua_istable(L, -1))
            bind_error(L, "query: a table expected, got %s", luaL_typename(L, -1));
        lua_pushnil(L);
        while (lua_next(L, -2) != 0) {
            if (lua_type(L, -2) != LUA_TSTRING ||
                (!lua_isstring(L, -1) && !lua_isboolean(L, -1)))
                bind_error(L, "query: names with strings, numbers or booleans expected");
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* Whose token a request to an absolute URL carries; raises when this run has no business
 * there. */
static enum audience check_host(lua_State *L, const struct client *client,
                                const char *url, bool is_graph)
{
    const char *const *origins = client->origins.by_audience;
    const bool is_graphs = url_is_within(url, origins[AUDIENCE_GRAPH]);

    if (is_graphs && (is_graph || !url_is_within(url, origins[AUDIENCE_ARM])))
        return AUDIENCE_GRAPH;
    if (url_is_within(url, origins[AUDIENCE_ARM]))
        return AUDIENCE_ARM;
    if (!url_is_within(url, origins[AUDIENCE_NONE]) &&
        !settings_allow_url(session_settings(bind_session(L)), url))
        bind_raise(L, "HostNotAllowed",
                   "'%.*s' is none of this run's endpoints; --allow-net HOST allows it, "
                   "without a token",
                   (int)strcspn(url, "?"), url);
    return AUDIENCE_NONE;
}

/* The absolute URL, or a path below the endpoint that the request is for. */
static char *check_url(lua_State *L, const struct client *client, enum audience *audience)
{
    const char *path, *url;
    struct buffer whole = {0};

    check_query(L);
    lua_getfield(L, ARG_REQUEST, "graph");
    *audience = lua_toboolean(L, -1) ? AUDIENCE_GRAPH : AUDIENCE_ARM;
    lua_getfield(L, ARG_REQUEST, "path");
    path = lua_tostring(L, -1);
    lua_getfield(L, ARG_REQUEST, "url");
    url = lua_tostring(L, -1);
    if ((path == NULL) == (url == NULL))
        bind_error(L, "either path or url expected");
    if (path != NULL && path[0] != '/')
        bind_error(L, "path '%s' does not begin with '/'", path);
    if (url != NULL && url_origin_length(url) == 0)
        bind_error(L, "url '%s' is not absolute; a path goes in `path`", url);
    if (!url_is_clean(path != NULL ? path : url))
        bind_error(L, "a space or control character in '%s'; escape it",
                   path != NULL ? path : url);
    if (url != NULL)
        *audience = check_host(L, client, url, *audience == AUDIENCE_GRAPH);
    if (path != NULL)
        buffer_append_string(&whole, client->origins.by_audience[*audience]);
    buffer_append_string(&whole, path != NULL ? path : url);
    append_query(L, &whole);
    lua_pop(L, 3);
    return buffer_take(&whole);
}

static void check_headers(lua_State *L)
{
    int count = 0;

    lua_getfield(L, ARG_REQUEST, "headers");
    if (!lua_isnil(L, -1)) {
        if (!lua_istable(L, -1))
            bind_error(L, "headers: a table expected, got %s", luaL_typename(L, -1));
        lua_pushnil(L);
        while (lua_next(L, -2) != 0) {
            if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
                bind_error(L, "headers: names with strings expected");
            if (!text_matches(lua_tostring(L, -2), "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"))
                bind_error(L, "header name '%s' is not a token", lua_tostring(L, -2));
            if (strpbrk(lua_tostring(L, -1), "\r\n") != NULL)
                bind_error(L, "header '%s' has a line end in its value",
                           lua_tostring(L, -2));
            if (text_equal_nocase(lua_tostring(L, -2), "x-ms-client-request-id") &&
                strlen(lua_tostring(L, -1)) >= UUID_TEXT_SIZE)
                bind_error(L, "header 'x-ms-client-request-id' is longer than %d bytes",
                           UUID_TEXT_SIZE - 1);
            if (text_equal_nocase(lua_tostring(L, -2), "authorization"))
                bind_error(L, "the Authorization header is set by the credential");
            if (++count > OPERATION_HEADERS - 1)
                bind_error(L, "more than %d headers", OPERATION_HEADERS - 1);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* Their own client request id goes with each request of the operation. */
static void take_headers(lua_State *L, struct operation_request *request)
{
    size_t count = 0;

    lua_getfield(L, ARG_REQUEST, "headers");
    if (!lua_isnil(L, -1)) {
        lua_pushnil(L);
        while (lua_next(L, -2) != 0) {
            const char *name = lua_tostring(L, -2), *value = lua_tostring(L, -1);

            if (text_equal_nocase(name, "x-ms-client-request-id"))
                strcpy(request->client_request_id, value); /* it was checked */
            else
                request->headers[count++] = memory_format("%s: %s", name, value);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* A table becomes JSON, a string goes as it is. */
static char *check_body(lua_State *L, size_t *length)
{
    char *text = NULL;

    lua_getfield(L, ARG_REQUEST, "body");
    if (lua_type(L, -1) == LUA_TSTRING) {
        const char *given = lua_tolstring(L, -1, length);

        text = memory_copy_text(given, *length);
    } else if (!lua_isnil(L, -1)) {
        cJSON *body = bind_to_json(L, -1);

        if (body == NULL)
            bind_error(L, "body: %s", lua_tostring(L, -1));
        text = cJSON_PrintUnformatted(body);
        cJSON_Delete(body);
    }
    lua_pop(L, 1);
    return text;
}

static const char *check_final_state(lua_State *L)
{
    static const char *const places[] = {"location", "azure-async-operation",
                                         "operation-location", "original-uri"};
    const char *place = NULL;

    lua_getfield(L, ARG_REQUEST, "final_state_via");
    if (!lua_isnil(L, -1)) {
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            if (strcmp(places[i], luaL_optstring(L, -1, "")) == 0)
                place = places[i];
        }
        if (place == NULL)
            bind_error(L, "final_state_via is one of location, azure-async-operation, "
                          "operation-location, original-uri");
    }
    lua_pop(L, 1);
    return place;
}

static void push_fields(lua_State *L, const struct buffer *fields)
{
    lua_newtable(L);
    for (size_t at = 0; at < fields->length;) {
        const char *name = fields->data + at;
        const char *value = name + strlen(name) + 1;

        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
        at = (size_t)(value - fields->data) + strlen(value) + 1;
    }
}

static int request_finish(lua_State *L, int status, lua_KContext context)
{
    const struct held *held = bind_held(L, SLOT_OPERATION);

    (void)status, (void)context;
    if (!held->waitable->is_done)
        return bind_wait(L, SLOT_OPERATION, request_finish, 0);
    if (operation_failure(held->object) != NULL)
        return bind_raise_failure(L, operation_failure(held->object));

    const cJSON *body = operation_body(held->object);
    const struct buffer *text = operation_text(held->object);

    lua_createtable(L, 0, 4);
    lua_pushinteger(L, operation_status(held->object));
    lua_setfield(L, -2, "status");
    push_fields(L, operation_fields(held->object));
    lua_setfield(L, -2, "headers");
    if (body != NULL) {
        bind_push_json(L, body);
        lua_setfield(L, -2, "body");
    }
    lua_pushlstring(L, text->data != NULL ? text->data : "", text->length);
    lua_setfield(L, -2, "text");
    lua_pushstring(L, operation_url(held->object));
    return 2;
}

static void check_flags(lua_State *L, struct operation_request *request)
{
    lua_getfield(L, ARG_REQUEST, "wait");
    request->waits = lua_isnil(L, -1) || lua_toboolean(L, -1);
    lua_getfield(L, ARG_REQUEST, "repeatable");
    request->is_repeatable = lua_toboolean(L, -1);
    lua_getfield(L, ARG_REQUEST, "timeout");
    if (!lua_isnil(L, -1)) {
        request->time_limit_ms = bind_check_duration(L, -1, "timeout");
        if (request->time_limit_ms == 0)
            bind_error(L, "timeout: more than nothing expected");
    }
    lua_pop(L, 3);
}

/* Reads the request at ARG_REQUEST; what it takes is held by `held` until the request is
 * started, since what follows may raise. */
static void check_request(lua_State *L, const struct client *client,
                          struct operation_request *request, struct held *held)
{
    luaL_checktype(L, ARG_REQUEST, LUA_TTABLE);
    bind_check_keys(L, ARG_REQUEST, "option", request_keys,
                    sizeof request_keys / sizeof request_keys[0]);
    check_method(L, request);
    check_headers(L);
    request->final_state_via = check_final_state(L);
    check_flags(L, request);
    request->body = check_body(L, &request->body_length);
    held->object = request->body;
    held->release = free;
    request->url = check_url(L, client, &request->audience);
}

/* Asks for the turn of a request that is a write. */
struct turn {
    lua_State *L;
    struct held *held;
    bool is_let_go;
    enum past_verdict verdict;
    struct failure *failure;
};

static void ask_for_turn(void *context, const struct step_content *content)
{
    struct turn *turn = context;

    turn->verdict = gate_ask(turn->L, turn->held, &(struct past_write){*content, NULL},
                             ARG_REQUEST, turn->is_let_go, &turn->failure);
}

static int request_again(lua_State *L, int status, lua_KContext context);

/* With `is_let_go` it has waited for its turn. */
static int begin_request(lua_State *L, bool is_let_go)
{
    struct operation_request request = {.method = NULL};
    struct client *client = bind_client(L);

    lua_settop(L, ARG_REQUEST);
    bind_check_task(L);

    struct held *held = bind_new_held(L, true);
    struct turn turn = {.L = L, .held = held, .is_let_go = is_let_go};

    check_request(L, client, &request, held);
    steps_tell(&request, ask_for_turn, &turn);
    if (turn.verdict != PAST_GOES_ON)
        free(request.url);
    if (turn.verdict == PAST_HOLDS)
        return bind_wait(L, SLOT_OPERATION, request_again, 0);
    if (turn.verdict == PAST_FAILS)
        return bind_raise_owned(L, turn.failure);
    take_headers(L, &request);
    request.label =
        memory_format("%s %.*s", request.method, (int)strcspn(url_path(request.url), "?"),
                      url_path(request.url));
    held->object = operation_start(client, &request);
    held->release = (void (*)(void *))operation_release;
    held->waitable = operation_waitable(held->object);
    return request_finish(L, LUA_OK, 0);
}

static int request_again(lua_State *L, int status, lua_KContext context)
{
    int count = 0;
    const enum past_release how = gate_take_turn(L, SLOT_OPERATION, &count);

    (void)status, (void)context;
    if (how == PAST_WAITS)
        return bind_wait(L, SLOT_OPERATION, request_again, 0);
    return how == PAST_RETURNS ? count : begin_request(L, how == PAST_IS_SENT);
}

/* request{...} -> {status=, headers=, body=, text=}, URL */
static int arm_request(lua_State *L)
{
    return begin_request(L, false);
}

/* was_sent{...} -> whether an earlier attempt of the run has sent this request, so that what it
 * finds now may be its own doing */
static int arm_was_sent(lua_State *L)
{
    struct operation_request request = {.method = NULL};
    struct client *client = bind_client(L);
    bool was_sent;

    lua_settop(L, ARG_REQUEST);
    check_request(L, client, &request, bind_new_held(L, true));
    was_sent = steps_know(client, &request);
    free(request.url);
    lua_pushboolean(L, was_sent);
    return 1;
}

/* next_url(url, link, replaces_version) -> absolute URL, key */
static int arm_next_url(lua_State *L)
{
    return bind_push_next_url(L, luaL_checkstring(L, 1), luaL_checkstring(L, 2),
                              lua_toboolean(L, 3));
}

/* link_next(field) -> the target of the link to the next page, or nil */
static int arm_link_next(lua_State *L)
{
    char *target = link_find_next(luaL_checkstring(L, 1));

    lua_pushstring(L, target);
    free(target);
    return 1;
}

int open_arm(lua_State *L)
{
    static const luaL_Reg functions[] = {{"request", arm_request},
                                         {"was_sent", arm_was_sent},
                                         {"next_url", arm_next_url},
                                         {"link_next", arm_link_next},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
