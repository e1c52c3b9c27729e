/* lua/trail.c - core.trail: the requests of the run, one by one, without their secrets.
 *
 * Nothing is kept before start(); then the last 1,000 are, or as many as fit into 1 MB. */
#include "pipeline/trail.h"

#include "lua/bind.h"
#include "lua/modules.h"
#include "run/session.h"
#include "run/terminal.h"

static struct trail *trail_of(lua_State *L)
{
    return session_trail(bind_session(L));
}

/* trail.start(): from now on requests are kept; costs nothing when they are already */
static int start(lua_State *L)
{
    trail_start(trail_of(L));
    return 0;
}

/* trail.mark() -> the number of the latest request, 0 before the first: for since() */
static int mark(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)trail_last(trail_of(L)));
    return 1;
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (text == NULL)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, int64_t number)
{
    lua_pushinteger(L, (lua_Integer)number);
    lua_setfield(L, -2, name);
}

static void push_entry(lua_State *L, const struct trail_entry *entry)
{
    lua_createtable(L, 0, 12);
    set_number(L, "number", (int64_t)entry->number);
    set_text(L, "method", entry->method);
    set_text(L, "url", entry->url);
    if (entry->status != 0)
        set_number(L, "status", entry->status);
    set_text(L, "error", entry->error);
    if (entry->is_over)
        set_number(L, "ms", entry->duration_ms);
    set_number(L, "sent", (int64_t)entry->sent_bytes);
    set_number(L, "received", (int64_t)entry->received_bytes);
    set_number(L, "attempt", entry->attempt);
    set_text(L, "request_id", entry->request_id);
    set_text(L, "correlation_id", entry->correlation_id);
    lua_pushnumber(L, (lua_Number)entry->wall_ms / 1000.0);
    lua_setfield(L, -2, "at");
}

/* trail.since(mark) -> the requests after it that are still kept, and how many are not any
 * more. Each has number, method, url, attempt, sent and received (bytes of the bodies), at
 * (seconds since 1970 on the run's clock); when there was an answer status, request_id and
 * correlation_id; ms once it is over (machine time); error where it failed or was refused */
static int since(lua_State *L)
{
    const struct trail *trail = trail_of(L);
    const lua_Integer mark = luaL_checkinteger(L, 1);
    const uint64_t last = trail_last(trail), oldest = trail_oldest(trail);

    luaL_argcheck(L, mark >= 0, 1, "what mark() gave expected");

    const uint64_t first = (uint64_t)mark + 1 > oldest ? (uint64_t)mark + 1 : oldest;
    lua_Integer count = 0;

    lua_newtable(L);
    for (uint64_t number = first; number <= last; number++) {
        push_entry(L, trail_find(trail, number));
        lua_rawseti(L, -2, ++count);
    }
    lua_pushinteger(L, (lua_Integer)(first - (uint64_t)mark - 1));
    return 2;
}

/* Appends lines of a part, each behind a mark. */
static void append_part(struct buffer *to, const char *mark, const char *text)
{
    while (*text != '\0') {
        size_t length = 0;

        while (text[length] != '\0' && text[length] != '\n')
            length++;
        buffer_printf(to, "%s%s%.*s\n", mark, length > 0 ? " " : "", (int)length, text);
        text += length + (text[length] == '\n' ? 1 : 0);
    }
}

static void format(struct buffer *to, const struct trail_entry *entry)
{
    char time[CLOCK_TEXT_SIZE];

    clock_format_utc(entry->wall_ms, time);
    buffer_printf(to, "%s %s\n%s, attempt %u", entry->method, entry->url, time,
                  entry->attempt);
    if (entry->is_over)
        buffer_printf(to, ", %lld ms", (long long)entry->duration_ms);
    buffer_printf(to, ", %zu bytes sent, %zu received\n", entry->sent_bytes,
                  entry->received_bytes);
    append_part(to, ">", entry->request);
    if (!entry->is_over)
        buffer_append_string(to, "no answer yet\n");
    else if (entry->status == 0)
        buffer_printf(to, "%s\n", entry->error);
    else
        buffer_printf(to, "< %d%s%s\n", entry->status, entry->error != NULL ? " " : "",
                      entry->error != NULL ? entry->error : "");
    if (entry->answer != NULL)
        append_part(to, "<", entry->answer);
}

/* trail.details(number) -> the request with that number and its answer, heads and bodies, as
 * lines fit to be shown; nil when there is none or it is not kept any more */
static int details(lua_State *L)
{
    const lua_Integer number = luaL_checkinteger(L, 1);
    const struct trail_entry *entry =
        number > 0 ? trail_find(trail_of(L), (uint64_t)number) : NULL;
    struct buffer text = {0}, shown = {0};

    if (entry == NULL) {
        lua_pushnil(L);
        return 1;
    }
    format(&text, entry);
    terminal_append_lines(&shown, text.data);
    lua_pushlstring(L, shown.data, shown.length - 1); /* without the last line's end */
    buffer_deinit(&text);
    buffer_deinit(&shown);
    return 1;
}

int open_trail(lua_State *L)
{
    static const luaL_Reg functions[] = {{"start", start},
                                         {"mark", mark},
                                         {"since", since},
                                         {"details", details},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
