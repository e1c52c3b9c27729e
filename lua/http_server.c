/* lua/http_server.c - core.http_server: requests to the program itself, for `moongate jobs` alone.
 *
 * Fields of an answer are a table from names to texts. */
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/memory.h"
#include "jobs/http_server.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "net/loop.h"
#include "run/session.h"
#include "run/settings.h"

enum { SLOT_SERVER = 1, SLOT_REQUEST = 2, SLOT_ACCEPTOR = 3 }; /* of accept() */

enum { MOST_FIELDS = 32 };

enum { HEADERS = 1 }; /* the user value of a request */

static const char server_metatable[] = "http server",
                  request_metatable[] = "http request",
                  stream_metatable[] = "http stream";

/* What a userdata of each kind holds; NULL once it is closed. */
struct server_box {
    struct http_server *server;
};
struct request_box {
    struct http_request *request;
};
struct stream_box {
    struct http_stream *stream;
};

/* --- fields of an answer ----------------------------------------------------------------- */

static const char *check_field_text(lua_State *L, int index, const char *what)
{
    size_t length;
    const char *text;

    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s of a header: a text expected, got %s", what,
                   luaL_typename(L, index));
    text = lua_tolstring(L, index, &length);
    if (strlen(text) != length || strpbrk(text, "\r\n") != NULL)
        luaL_error(L, "%s of a header has a line break or a NUL in it", what);
    return text;
}

/* The table at `index`, which keeps the texts. `fields` has room for MOST_FIELDS + 1. */
static void check_fields(lua_State *L, int index, struct http_field *fields)
{
    size_t count = 0;

    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (count == MOST_FIELDS)
            luaL_error(L, "an answer has at most %d headers", MOST_FIELDS);
        fields[count].value = check_field_text(L, -1, "the value");
        fields[count++].name = check_field_text(L, -2, "the name");
        lua_pop(L, 1);
    }
    fields[count] = (struct http_field){0};
}

/* --- streams ------------------------------------------------------------------------------ */

static struct stream_box *check_stream(lua_State *L)
{
    return luaL_checkudata(L, 1, stream_metatable);
}

/* stream:send(text) -> whether the client is still there: false when it has left, or does not
 * read: more than 256 KiB wait for it */
static int stream_send(lua_State *L)
{
    const struct stream_box *box = check_stream(L);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);

    lua_pushboolean(L,
                    box->stream != NULL && http_stream_send(box->stream, text, length));
    return 1;
}

/* stream:is_open() -> boolean */
static int stream_is_open(lua_State *L)
{
    const struct stream_box *box = check_stream(L);

    lua_pushboolean(L, box->stream != NULL && http_stream_is_open(box->stream));
    return 1;
}

/* stream:close(): behind what was sent; once more is fine */
static int stream_close(lua_State *L)
{
    struct stream_box *box = check_stream(L);

    http_stream_release(box->stream);
    box->stream = NULL;
    return 0;
}

/* --- requests ----------------------------------------------------------------------------- */

static struct request_box *check_request(lua_State *L)
{
    struct request_box *box = luaL_checkudata(L, 1, request_metatable);

    luaL_argcheck(L, box->request != NULL, 1, "a request that was not closed expected");
    return box;
}

/* request:answer(status, fields, body): nothing happens when the client is gone */
static int request_answer(lua_State *L)
{
    const struct request_box *box = check_request(L);
    const lua_Integer status = luaL_checkinteger(L, 2);
    struct http_field fields[MOST_FIELDS + 1];
    size_t length;
    const char *body = luaL_optlstring(L, 4, "", &length);

    luaL_argcheck(L, status >= 200 && status <= 599, 2,
                  "a status of 200 to 599 expected");
    check_fields(L, 3, fields);
    http_request_answer(box->request, (int)status, fields, body, length);
    return 0;
}

/* request:stream(fields) -> stream, whose text ends with the connection; nil when the client is
 * gone or there are too many streams, and then the request can still be answered */
static int request_stream(lua_State *L)
{
    const struct request_box *box = check_request(L);
    struct http_field fields[MOST_FIELDS + 1];
    struct stream_box *stream;

    check_fields(L, 2, fields);
    stream = lua_newuserdatauv(L, sizeof *stream, 0);
    stream->stream = NULL;
    luaL_setmetatable(L, stream_metatable);
    stream->stream = http_request_stream(box->request, fields);
    return stream->stream != NULL ? 1 : 0;
}

/* Headers by their names in small letters; those that stand several times are joined by commas
 * (RFC 9110, 5.3). The table is made once. */
static int push_headers(lua_State *L, struct http_request *request)
{
    const struct evkeyvalq *fields = http_request_fields(request);
    const struct evkeyval *field = fields != NULL ? fields->tqh_first : NULL;

    if (lua_getiuservalue(L, 1, HEADERS) == LUA_TTABLE)
        return 1;
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, HEADERS);
    for (; field != NULL; field = field->next.tqe_next) {
        char name[256];
        size_t length = 0;

        for (; field->key[length] != '\0' && length < sizeof name; length++)
            name[length] = field->key[length] >= 'A' && field->key[length] <= 'Z'
                               ? (char)(field->key[length] + 'a' - 'A')
                               : field->key[length];
        lua_pushlstring(L, name, length);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL)
            lua_pushstring(L, field->value);
        else
            lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), field->value);
        lua_remove(L, -2);
        lua_rawset(L, -3);
    }
    return 1;
}

static int push_method(lua_State *L, struct http_request *request)
{
    lua_pushstring(L, http_request_method(request));
    return 1;
}

/* As it was sent, without the query. */
static int push_path(lua_State *L, struct http_request *request)
{
    const char *target = http_request_target(request);

    lua_pushlstring(L, target, strcspn(target, "?"));
    return 1;
}

/* Without the question mark, or nil. */
static int push_query(lua_State *L, struct http_request *request)
{
    const char *mark = strchr(http_request_target(request), '?');

    if (mark == NULL)
        return 0;
    lua_pushstring(L, mark + 1);
    return 1;
}

static int push_peer(lua_State *L, struct http_request *request)
{
    lua_pushstring(L, http_request_peer(request));
    return 1;
}

static int push_body(lua_State *L, struct http_request *request)
{
    size_t length;
    const char *body = http_request_body(request, &length);

    lua_pushlstring(L, body, length);
    return 1;
}

/* request.method, path, query, headers, body, peer; or a method */
static int request_index(lua_State *L)
{
    static const struct {
        const char *name;
        int (*push)(lua_State *L, struct http_request *request);
    } members[] = {{"method", push_method},   {"path", push_path}, {"query", push_query},
                   {"headers", push_headers}, {"body", push_body}, {"peer", push_peer}};
    const struct request_box *box = check_request(L);
    const char *name = luaL_checkstring(L, 2);

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (strcmp(members[i].name, name) == 0)
            return members[i].push(L, box->request);
    }
    lua_getfield(L, lua_upvalueindex(1), name);
    return 1;
}

/* One that has no answer yet is answered by 500. */
static int request_close(lua_State *L)
{
    struct request_box *box = luaL_checkudata(L, 1, request_metatable);

    http_request_release(box->request);
    box->request = NULL;
    return 0;
}

/* --- the server --------------------------------------------------------------------------- */

static struct server_box *check_server(lua_State *L)
{
    return luaL_checkudata(L, 1, server_metatable);
}

static void release_acceptor(void *object)
{
    struct http_acceptor *acceptor = object;

    http_server_forget(acceptor);
    http_request_release(acceptor->request); /* nobody waits for it any more */
    free(acceptor);
}

static int accept_finish(lua_State *L, int status, lua_KContext context)
{
    struct http_acceptor *acceptor = bind_held(L, SLOT_ACCEPTOR)->object;
    struct request_box *box = lua_touserdata(L, SLOT_REQUEST);

    (void)status, (void)context;
    if (!acceptor->waitable.is_done)
        return bind_wait(L, SLOT_ACCEPTOR, accept_finish, 0);
    if (acceptor->request == NULL)
        return 0;
    box->request = acceptor->request;
    acceptor->request = NULL;
    lua_pushvalue(L, SLOT_REQUEST);
    return 1;
}

/* server:accept() -> the next request, which is to be closed; nil once the server is closed.
 * Waits. */
static int server_accept(lua_State *L)
{
    const struct server_box *box = check_server(L);
    struct request_box *request;
    struct http_acceptor *acceptor;
    struct held *held;

    bind_check_task(L);
    if (box->server == NULL)
        return 0;
    lua_settop(L, SLOT_SERVER);
    request = lua_newuserdatauv(L, sizeof *request, HEADERS);
    request->request = NULL;
    luaL_setmetatable(L, request_metatable);
    held = bind_new_held(L, true);
    acceptor = memory_new(sizeof *acceptor);
    http_server_accept(box->server, acceptor);
    held->object = acceptor;
    held->release = release_acceptor;
    held->waitable = &acceptor->waitable;
    return accept_finish(L, LUA_OK, 0);
}

static int close_finish(lua_State *L, int status, lua_KContext context)
{
    struct server_box *box = lua_touserdata(L, SLOT_SERVER);

    (void)status, (void)context;
    if (box->server == NULL)
        return 0;

    struct waitable *finished = http_server_finish(box->server);

    if (!finished->is_done)
        return bind_wait_on(L, SLOT_SERVER, finished, close_finish, 0);
    http_server_close(box->server);
    box->server = NULL;
    return 0;
}

/* server:close(): accepts nobody more, ends the streams, and waits up to 2 s for the answers that
 * are on their way; once more is fine. Waits. */
static int server_close(lua_State *L)
{
    check_server(L);
    bind_check_task(L);
    lua_settop(L, SLOT_SERVER);
    return close_finish(L, LUA_OK, 0);
}

static int collect_server(lua_State *L)
{
    struct server_box *box = check_server(L);

    http_server_close(box->server);
    box->server = NULL;
    return 0;
}

/* listen(address) -> server, its address "127.0.0.1:8280", whether only this machine can come;
 * raises a failure. The address is as "127.0.0.1:8280", "[::1]:8280" or "localhost:8280"; port 0
 * takes a free one. */
static int listen_at(lua_State *L)
{
    struct loop *loop = session_loop(bind_session(L));
    const char *address = luaL_checkstring(L, 1);
    struct server_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    struct failure *failure = NULL;

    box->server = NULL;
    luaL_setmetatable(L, server_metatable);
    box->server = http_server_open(loop, address, NULL, &failure);
    if (box->server == NULL)
        return bind_raise_owned(L, failure);
    lua_pushstring(L, http_server_address(box->server));
    lua_pushboolean(L, http_server_is_loopback(box->server));
    return 3;
}

/* --- the module --------------------------------------------------------------------------- */

static void make_metatable(lua_State *L, const char *name, const luaL_Reg *methods,
                           lua_CFunction collect)
{
    luaL_newmetatable(L, name);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__close");
    bind_seal_metatable(L);
    lua_pop(L, 1);
}

/* Requests have members besides their methods. */
static void add_members(lua_State *L)
{
    luaL_getmetatable(L, request_metatable);
    lua_getfield(L, -1, "__index");
    lua_pushcclosure(L, request_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

int open_http_server(lua_State *L)
{
    static const luaL_Reg server_methods[] = {
        {"accept", server_accept}, {"close", server_close}, {NULL, NULL}};
    static const luaL_Reg request_methods[] = {{"answer", request_answer},
                                               {"close", request_close},
                                               {"stream", request_stream},
                                               {NULL, NULL}};
    static const luaL_Reg stream_methods[] = {{"close", stream_close},
                                              {"is_open", stream_is_open},
                                              {"send", stream_send},
                                              {NULL, NULL}};
    static const luaL_Reg functions[] = {{"listen", listen_at}, {NULL, NULL}};

    if (!session_settings(bind_session(L))->manages_runs)
        return luaL_error(L, "core.http_server is for `moongate jobs` alone");
    make_metatable(L, server_metatable, server_methods, collect_server);
    make_metatable(L, request_metatable, request_methods, request_close);
    make_metatable(L, stream_metatable, stream_methods, stream_close);
    add_members(L);
    luaL_newlib(L, functions);
    return 1;
}
