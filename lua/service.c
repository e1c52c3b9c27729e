/* lua/service.c - core.service: what a program that runs for ever hears and says.
 *
 * Signals and steps of the wall clock come from the loop at any time; what nobody waits for is
 * kept until somebody asks, alike things once. While this module is open the signals are its
 * alone: see run/interrupt.h. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lua/bind.h"
#include "lua/modules.h"
#include "net/clock_steps.h"
#include "net/loop.h"
#include "net/service_manager.h"
#include "run/interrupt.h"
#include "run/session.h"

enum { SLOT_WAIT = 1, MICROSECONDS = 1000000 };

static const char service_metatable[] = "service";

/* The upvalue of all functions. */
struct service {
    struct waitable waitable; /* done while there is something to tell */
    struct loop *loop;
    struct service_manager *manager;
    struct clock_steps *steps;
    unsigned ends_asked, ends_told; /* 2 at most: to drain, then to stop */
    int end_signals[2];             /* what asked for them */
    bool wants_reload, has_stepped;
    bool is_at_terminal; /* it says what it says there, at first */
};

static struct service *service_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- what is heard ----------------------------------------------------------------------- */

static bool has_news(const struct service *service)
{
    return service->ends_asked > service->ends_told || service->wants_reload ||
           service->has_stepped;
}

static void wake(struct service *service)
{
    if (!service->waitable.is_done && has_news(service))
        waitable_finish(&service->waitable);
}

/* SIGHUP is a wish to reload, unless it says what the signal is named after: somebody began it at a
 * terminal that is gone. With nohup it would not write there. */
static void on_signal(void *context, int number)
{
    struct service *service = context;

    if (number == SIGHUP && service->is_at_terminal && !isatty(STDERR_FILENO))
        number = SIGTERM;
    if (number == SIGHUP)
        service->wants_reload = true;
    else if (service->ends_asked < 2)
        service->end_signals[service->ends_asked++] = number;
    wake(service);
}

static void on_step(void *context)
{
    struct service *service = context;

    service->has_stepped = true;
    wake(service);
}

/* The end that is asked for, and by which signal. */
static int push_end(lua_State *L, struct service *service)
{
    const unsigned which = service->ends_told++;

    lua_pushstring(L, which == 0 ? "drain" : "stop");
    lua_pushstring(L, service->end_signals[which] == SIGINT ? "interrupt" : "terminate");
    return 2;
}

/* The most urgent first. */
static int push_news(lua_State *L, struct service *service)
{
    int count = 1;

    if (service->ends_asked > service->ends_told) {
        count = push_end(L, service);
    } else if (service->wants_reload) {
        lua_pushliteral(L, "reload");
        service->wants_reload = false;
    } else {
        lua_pushliteral(L, "clock");
        service->has_stepped = false;
    }
    service->waitable.is_done = has_news(service);
    return count;
}

/* Whoever waits keeps the loop turning, and a virtual clock jumping. */
static void release_wait(void *object)
{
    const struct service *service = object;

    loop_reclaim(service->loop);
    loop_release(service->loop);
}

static int next_finish(lua_State *L, int status, lua_KContext context)
{
    struct service *service = service_of(L);

    (void)status, (void)context;
    if (!service->waitable.is_done)
        return bind_wait(L, SLOT_WAIT, next_finish, 0);
    return push_news(L, service);
}

/* next() -> "drain" (the first SIGTERM or SIGINT, or SIGHUP of a terminal that is gone), "stop" (the
 * second), "reload" (SIGHUP) or "clock" (somebody set the machine's wall clock): what came since the
 * last call, the most urgent first, alike things once; of "drain" and "stop" also "terminate" or
 * "interrupt". Waits. */
static int service_next(lua_State *L)
{
    struct service *service = service_of(L);
    struct held *held;

    bind_check_task(L);
    lua_settop(L, 0);
    held = bind_new_held(L, true);
    loop_hold(service->loop);
    loop_lend(service->loop);
    held->object = service;
    held->release = release_wait;
    held->waitable = &service->waitable;
    return next_finish(L, LUA_OK, 0);
}

/* --- what is said ------------------------------------------------------------------------ */

/* notify(text) -> whether somebody listens: tells the service manager assignments, one a line, as
 * sd_notify(3) has them: "READY=1", "STATUS=...", "RELOADING=1", "STOPPING=1", "WATCHDOG=1"; at most
 * 4096 bytes. Nil and a message when it cannot be told. */
static int service_notify(lua_State *L)
{
    struct service *service = service_of(L);
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    char *wrong;

    luaL_argcheck(L, length > 0 && length <= SERVICE_MANAGER_MOST_BYTES, 1,
                  "1 to 4096 bytes expected");
    wrong = service_manager_tell(service->manager, text);
    if (wrong == NULL) {
        lua_pushboolean(L, service_manager_listens(service->manager));
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, wrong);
    free(wrong);
    return 2;
}

/* watchdog() -> seconds, or nil: how often the service manager expects "WATCHDOG=1"; half of it is a
 * good measure. Nil and a message when what the environment says of it is wrong. */
static int service_watchdog(lua_State *L)
{
    char *wrong;
    const int64_t interval_us =
        service_manager_watchdog_us(service_of(L)->manager, &wrong);

    if (interval_us > 0) {
        lua_pushnumber(L, (lua_Number)interval_us / MICROSECONDS);
        return 1;
    }
    lua_pushnil(L);
    if (wrong == NULL)
        return 1;
    lua_pushstring(L, wrong);
    free(wrong);
    return 2;
}

/* --- the module -------------------------------------------------------------------------- */

static int close_service(lua_State *L)
{
    struct service *service = lua_touserdata(L, 1);

    interrupt_give_back(service);
    clock_steps_close(service->steps);
    service->steps = NULL;
    service_manager_close(service->manager);
    service->manager = NULL;
    return 0;
}

static void push_service(lua_State *L)
{
    struct service *service = lua_newuserdatauv(L, sizeof *service, 0);

    *service = (struct service){.loop = session_loop(bind_session(L)),
                                .is_at_terminal = isatty(STDERR_FILENO)};
    waitable_init(&service->waitable);
    if (luaL_newmetatable(L, service_metatable)) {
        lua_pushcfunction(L, close_service);
        lua_setfield(L, -2, "__gc");
        bind_seal_metatable(L);
    }
    lua_setmetatable(L, -2);
    service->manager = service_manager_open();
    service->steps = clock_steps_open(service->loop, on_step, service);
    if (!interrupt_take(on_signal, service))
        luaL_error(L, "core.service: the signals of this process are somebody else's");
}

int open_service(lua_State *L)
{
    static const luaL_Reg functions[] = {{"next", service_next},
                                         {"notify", service_notify},
                                         {"watchdog", service_watchdog},
                                         {NULL, NULL}};

    if (!session_settings(bind_session(L))->manages_runs)
        return luaL_error(L, "core.service is for sessions that manage runs");
    luaL_newlibtable(L, functions);
    push_service(L);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
