/* lua/doctor.c - core.doctor: what the program knows of its way to the service, for the
 * library's doctor. */
#include "arm/client.h"
#include "auth/tokens.h"
#include "base/clock.h"
#include "base/url.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/session.h"

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* endpoints() -> {arm=, graph=, login=, tenant=, is_here=}: base URLs, where one signs in to, and
 * whether ARM is on this machine */
static int doctor_endpoints(lua_State *L)
{
    bind_client(L);

    const struct endpoints *endpoints = session_endpoints(bind_session(L));

    lua_createtable(L, 0, 5);
    lua_pushboolean(L, url_is_loopback(endpoints->arm));
    lua_setfield(L, -2, "is_here");
    set_text(L, "arm", endpoints->arm);
    set_text(L, "graph", endpoints->graph);
    set_text(L, "login", endpoints->login);
    set_text(L, "tenant", session_tenant(bind_session(L)));
    return 1;
}

/* Pushes one credential; what the token says goes to the one that was taken. */
static void push_credential(lua_State *L, const struct credential_report *report,
                            const struct tokens_description *description)
{
    static const char *const states[] = {[CREDENTIAL_UNTRIED] = "not tried",
                                         [CREDENTIAL_UNAVAILABLE] = "not available",
                                         [CREDENTIAL_REFUSED] = "refused",
                                         [CREDENTIAL_CHOSEN] = "taken"};

    lua_createtable(L, 0, 8);
    set_text(L, "name", report->name);
    set_text(L, "state", states[report->state]);
    set_text(L, "reason", report->reason);
    if (report->state != CREDENTIAL_CHOSEN)
        return;
    set_text(L, "tenant", description->tenant_id);
    set_text(L, "principal", description->object_id);
    set_text(L, "application", description->application_id);
    set_text(L, "user", description->user_name);
    if (description->expires_wall_ms > 0) {
        const int64_t now_ms = clock_wall_ms(session_clock(bind_session(L)));

        lua_pushnumber(L, (lua_Number)(description->expires_wall_ms - now_ms) / 1000.0);
        lua_setfield(L, -2, "expires_in");
    }
}

/* credentials() -> list of {name=, state=, reason=} in the order of the chain; that which was
 * taken has tenant, principal, application, user and expires_in (seconds), too */
static int doctor_credentials(lua_State *L)
{
    struct tokens_description description;

    bind_client(L);
    tokens_describe(session_tokens(bind_session(L)), &description);
    lua_createtable(L, (int)description.count, 0);
    for (size_t i = 0; i < description.count; i++) {
        push_credential(L, &description.credentials[i], &description);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    tokens_description_deinit(&description);
    return 1;
}

/* machine_time() -> seconds on the machine, whatever clock the run goes by */
static int doctor_machine_time(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_machine_ms() / 1000.0);
    return 1;
}

/* parse_date(text) -> seconds since 1970, or nil when it is no HTTP date */
static int doctor_parse_date(lua_State *L)
{
    int64_t wall_ms;

    if (clock_parse_http(luaL_checkstring(L, 1), &wall_ms) == 0)
        lua_pushnumber(L, (lua_Number)wall_ms / 1000.0);
    else
        lua_pushnil(L);
    return 1;
}

int open_doctor(lua_State *L)
{
    static const luaL_Reg functions[] = {{"credentials", doctor_credentials},
                                         {"endpoints", doctor_endpoints},
                                         {"machine_time", doctor_machine_time},
                                         {"parse_date", doctor_parse_date},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
