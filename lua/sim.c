/* lua/sim.c - core.sim: the controls of the simulator inside the process;
 * stdlib/sim.lua makes the rest. */
#include <string.h>

#include "base/buffer.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "net/loop.h"
#include "run/session.h"
#include "sim/sim.h"
#include "task/task.h"

static struct sim *check_sim(lua_State *L)
{
    struct sim *sim = session_sim(bind_session(L));

    if (sim == NULL)
        bind_error(L, "there is no simulator in this run: `moongate test` and `moongate "
                      "run --sim` have one");
    return sim;
}

/* control(method, path, body) -> HTTP status, text */
static int sim_ask(lua_State *L)
{
    static const char *const names[] = {"GET", "PUT", "POST", "DELETE", NULL};
    static const enum call_method methods[] = {CALL_GET, CALL_PUT, CALL_POST,
                                               CALL_DELETE};
    struct sim *sim = check_sim(L);
    const enum call_method method = methods[luaL_checkoption(L, 1, NULL, names)];
    const char *path = luaL_checkstring(L, 2), *body = luaL_optstring(L, 3, NULL);
    struct buffer answer = {0};

    lua_pushinteger(L, sim_control(sim, method, path, body, &answer));
    lua_pushlstring(L, answer.data != NULL ? answer.data : "", answer.length);
    buffer_deinit(&answer);
    return 2;
}

/* profile() -> {endpoint=, tenant_id=, subscription_id=, resource_group=, service=,
 * client_id=, guest_id=} */
static int sim_ids(lua_State *L)
{
    const struct sim_profile *profile = sim_profile(check_sim(L));
    const struct {
        const char *name, *value;
    } ids[] = {{"endpoint", profile->endpoint},
               {"tenant_id", profile->tenant_id},
               {"subscription_id", profile->subscription_id},
               {"resource_group", profile->resource_group},
               {"service", profile->service},
               {"client_id", profile->client_id},
               {"guest_id", profile->guest_id}};

    lua_createtable(L, 0, sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        lua_pushstring(L, ids[i].value);
        lua_setfield(L, -2, ids[i].name);
    }
    return 1;
}

/* act_as(who) -> who it was: "owner", the run's own credential, or "guest" */
static int sim_act_as(lua_State *L)
{
    static const char *const names[] = {"owner", "guest", NULL};
    struct session *session = bind_session(L);

    check_sim(L);

    const int who = luaL_checkoption(L, 1, NULL, names);

    bind_client(L);
    lua_pushstring(L, names[session_is_guest(session)]);
    session_set_guest(session, who == 1);
    return 1;
}

/* --- settling ------------------------------------------------------------------------- */

struct settle {
    struct waitable waitable;
    struct deferred deferred;
};

static const char settle_metatable[] = "settle";

enum { SLOT_SETTLE = 1 };

static void on_idle(struct deferred *deferred)
{
    waitable_finish(&LIST_ENTRY(deferred, struct settle, deferred)->waitable);
}

static int close_settle(lua_State *L)
{
    deferred_cancel(&((struct settle *)lua_touserdata(L, 1))->deferred);
    return 0;
}

static int settle_finish(lua_State *L, int status, lua_KContext context)
{
    struct settle *own = lua_touserdata(L, SLOT_SETTLE);

    (void)status, (void)context;
    if (!own->waitable.is_done)
        return bind_wait_on(L, SLOT_SETTLE, &own->waitable, settle_finish, 0);
    return 0;
}

/* settle(): waits until all that can happen at this time has happened */
static int sim_settle(lua_State *L)
{
    bind_check_task(L);
    lua_settop(L, 0);

    struct settle *own = lua_newuserdatauv(L, sizeof *own, 0);

    memset(own, 0, sizeof *own);
    waitable_init(&own->waitable);
    own->deferred.run = on_idle;
    luaL_setmetatable(L, settle_metatable);
    lua_toclose(L, SLOT_SETTLE);
    loop_defer_idle(scheduler_loop(scheduler_of(L)), &own->deferred);
    return settle_finish(L, LUA_OK, 0);
}

int open_sim(lua_State *L)
{
    static const luaL_Reg functions[] = {{"control", sim_ask},
                                         {"profile", sim_ids},
                                         {"act_as", sim_act_as},
                                         {"settle", sim_settle},
                                         {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__close", close_settle}, {"__gc", close_settle}, {NULL, NULL}};

    luaL_newmetatable(L, settle_metatable);
    luaL_setfuncs(L, metamethods, 0);
    bind_seal_metatable(L);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
