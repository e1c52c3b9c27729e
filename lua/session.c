/* lua/session.c - core.session: by which profile, where and how freely the session works. */
#include <stdio.h>
#include <string.h>

#include "auth/tokens.h"
#include "base/failure.h"
#include "base/text.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/config.h"
#include "run/depot.h"
#include "run/run.h"
#include "run/session.h"
#include "store/store.h"

/* Sets the field of the table on top; with NULL it stays nil. */
static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool flag)
{
    lua_pushboolean(L, flag);
    lua_setfield(L, -2, name);
}

/* --- info --------------------------------------------------------------------------- */

static void set_profile(lua_State *L, const struct settings *settings)
{
    set_text(L, "profile", settings->profile);
    set_text(L, "description", settings->profile_description);
    set_flag(L, "is_production", settings->is_production);
    if (settings->config != NULL)
        set_text(L, "config", config_path(settings->config));
}

static void set_scope_fields(lua_State *L, const struct scope *scope)
{
    set_text(L, "subscription", scope->subscription);
    set_text(L, "resource_group", scope->resource_group);
    set_text(L, "service", scope->service);
}

/* Which Azure; the address of a simulator inside the process says nothing. */
static void set_target(lua_State *L, struct session *session)
{
    const struct settings *settings = session_settings(session);
    const bool is_sim = session_sim(session) != NULL;

    set_flag(L, "sim", is_sim);
    if (!is_sim) {
        set_text(L, "endpoint", settings->endpoint);
        if (settings->endpoint == NULL)
            set_text(L, "cloud", settings->cloud != NULL ? settings->cloud : "public");
    }
    set_text(L, "tenant", session_tenant(session));
}

/* What signed in, once something has. */
static void set_credential(lua_State *L, struct session *session)
{
    struct tokens_description description;

    if (session_sim(session) == NULL)
        set_text(L, "credential", session_settings(session)->credentials.selection);
    if (session_tokens(session) == NULL)
        return;
    tokens_describe(session_tokens(session), &description);
    set_text(L, "signed_in_by", description.chosen);
    tokens_description_deinit(&description);
}

/* Where the run is kept, or would be. */
static void set_store(lua_State *L, struct session *session)
{
    const char *store = session_settings(session)->store;
    struct failure *failure = NULL;
    struct depot *depot =
        session_record(session) != NULL ? session_depot(session, &failure) : NULL;

    failure_free(failure);
    set_text(L, "store", depot != NULL ? depot_store(depot)->label : store);
}

static void set_clock(lua_State *L, const struct clock *clock)
{
    char factor[32];

    snprintf(factor, sizeof factor, "%gx", clock->factor);
    set_text(L, "clock",
             clock->mode == CLOCK_VIRTUAL ? "virtual"
             : clock->mode == CLOCK_REAL  ? "real"
                                          : factor);
}

/* info() -> {profile=, description=, is_production=, config=, subscription=, resource_group=,
 * service=, sim=, endpoint=, cloud=, tenant=, credential=, signed_in_by=, read_only=, store=, run=,
 * clock=}: all of it said or chosen, nobody is asked. `config` is the file of the profiles,
 * `credential` the selection of credentials (nil: all in turn), `signed_in_by` the one that gave
 * a token already; nil is what nothing says */
static int session_info(lua_State *L)
{
    struct session *session = bind_session(L);

    lua_createtable(L, 0, 17);
    set_profile(L, session_settings(session));
    set_scope_fields(L, session_scope(session));
    set_target(L, session);
    set_credential(L, session);
    set_flag(L, "read_only", session_is_read_only(session));
    set_store(L, session);
    set_text(L, "run", session_facts(session)->id);
    set_clock(L, session_clock(session));
    return 1;
}

/* profiles() -> list of names, in the order of the configuration; empty when there is none */
static int session_profiles(lua_State *L)
{
    const struct config *config = session_settings(bind_session(L))->config;
    const char *name;

    lua_newtable(L);
    for (size_t i = 0; config != NULL && (name = config_profile_name(config, i)) != NULL;
         i++) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* --- changes ------------------------------------------------------------------------ */

/* A script must not lift what the command line forbids it. */
static struct session *check_session(lua_State *L, const char *what)
{
    struct session *session = bind_session(L);

    if (!session_settings(session)->may_switch)
        bind_error(L, "%s: only at the prompt", what);
    return session;
}

/* A change of the run, in a userdata. */
struct change {
    struct run_renewal renewal;
    struct settings settings;
    bool is_begun;
};

static const char change_metatable[] = "session change";

static int close_change(lua_State *L)
{
    struct change *own = lua_touserdata(L, 1);

    if (own->is_begun) {
        run_cancel_renewal(&own->renewal);
        failure_free(own->renewal.failure);
        own->renewal.failure = NULL;
    }
    return 0;
}

enum { SLOT_CHANGE = 2 };

static int use_finish(lua_State *L, int status, lua_KContext context)
{
    struct change *own = lua_touserdata(L, SLOT_CHANGE);

    (void)status, (void)context;
    if (!own->renewal.waitable.is_done)
        return bind_wait_on(L, SLOT_CHANGE, &own->renewal.waitable, use_finish, 0);
    if (own->renewal.failure != NULL)
        return bind_raise_failure(L, own->renewal.failure);
    return 0;
}

static struct change *new_change(lua_State *L)
{
    struct change *own = lua_newuserdatauv(L, sizeof *own, 0);

    memset(own, 0, sizeof *own);
    if (luaL_newmetatable(L, change_metatable)) {
        lua_pushcfunction(L, close_change);
        lua_setfield(L, -2, "__close");
        lua_pushcfunction(L, close_change);
        lua_setfield(L, -2, "__gc");
        bind_seal_metatable(L);
    }
    lua_setmetatable(L, -2);
    return own;
}

/* use(name): goes over to a profile: to its target, credentials and guards, as if moongate had
 * been started with it. The run that was ends, and another begins; waits. Raises `Busy` while
 * operations are not over, `BadSetting` when there is none of that name */
static int session_use(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct session *session = check_session(L, "use");

    bind_check_task(L);
    lua_settop(L, 1);

    struct change *own = new_change(L);

    own->settings = *session_settings(session);

    struct failure *failure =
        config_change_profile(session_settings(session)->config, name, &own->settings);

    if (failure != NULL)
        return bind_raise_owned(L, failure);
    lua_gc(L, LUA_GCCOLLECT); /* what nobody waits for any more is no reason to wait */
    lua_toclose(L, SLOT_CHANGE);
    run_renew(session, &own->settings, &own->renewal);
    own->is_begun = true;
    return use_finish(L, LUA_OK, 0);
}

/* The name that a field holds, or NULL where it is nil; the stack keeps it. */
static const char *check_name(lua_State *L, const char *field)
{
    const char *name = NULL;

    if (lua_getfield(L, 1, field) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING)
            bind_error(L, "%s: a name expected, got %s", field, luaL_typename(L, -1));
        name = lua_tostring(L, -1);
        if (!text_matches(name, "^[^/?#[:cntrl:]]+$") ||
            strlen(name) != lua_rawlen(L, -1))
            bind_error(L, "%s: a name expected, no id and no path", field);
    }
    return name;
}

/* set_scope{subscription=, resource_group=, service=}: where plain names are looked up from now
 * on; what is left out stays as it is. Also outside of the prompt: a session that is carried on does
 * it again */
static int session_set_names(lua_State *L)
{
    static const char *const names[] = {"subscription", "resource_group", "service"};
    luaL_checktype(L, 1, LUA_TTABLE);
    bind_check_keys(L, 1, "name", names, sizeof names / sizeof names[0]);
    session_set_scope(bind_session(L),
                      &(struct scope){.subscription = check_name(L, names[0]),
                                      .resource_group = check_name(L, names[1]),
                                      .service = check_name(L, names[2])});
    return 0;
}

/* set_read_only(is_on): refuses writes from now on, or no more; what was sent goes on */
static int session_set_mode(lua_State *L)
{
    struct session *session = check_session(L, "set_read_only");

    luaL_checktype(L, 1, LUA_TBOOLEAN);
    session_set_read_only(session, lua_toboolean(L, 1) != 0);
    return 0;
}

int open_session(lua_State *L)
{
    static const luaL_Reg functions[] = {{"info", session_info},
                                         {"profiles", session_profiles},
                                         {"use", session_use},
                                         {"set_scope", session_set_names},
                                         {"set_read_only", session_set_mode},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
