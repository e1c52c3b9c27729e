/* lua/terminal.c - core.terminal: the terminal at stdout, and how text lies on it. */
#include <string.h>
#include <unistd.h>

#include "lua/bind.h"
#include "lua/modules.h"
#include "run/terminal.h"

/* What is appended while a text is made lives in a userdata: any call may raise. */
static int close_text(lua_State *L)
{
    buffer_deinit(lua_touserdata(L, 1));
    return 0;
}

static struct buffer *new_text(lua_State *L)
{
    struct buffer *text = lua_newuserdatauv(L, sizeof *text, 0);

    *text = (struct buffer){0};
    if (luaL_newmetatable(L, "terminal text") != 0) {
        lua_pushcfunction(L, close_text);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return text;
}

/* Gives the memory back at once: tables of thousands of cells make as many texts. */
static int push_text(lua_State *L, struct buffer *text)
{
    lua_pushlstring(L, text->data != NULL ? text->data : "", text->length);
    buffer_deinit(text);
    return 1;
}

/* The text at `index` made visible; a NUL ends only what C takes for text. */
static void append_visible(struct buffer *buffer, lua_State *L, int index)
{
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);

    for (const char *const end = text + length;; text++) {
        terminal_append_visible(buffer, text);
        text += strlen(text);
        if (text == end)
            return;
        buffer_append_string(buffer, "\\x00");
    }
}

/* size() -> columns, rows of the terminal at stdout; 80 and 24 where there is none */
static int terminal_size_of_stdout(lua_State *L)
{
    const struct terminal_size size = terminal_read_size(STDOUT_FILENO);

    lua_pushinteger(L, size.columns);
    lua_pushinteger(L, size.rows);
    return 2;
}

/* width(text) -> columns that text which is fit to be shown takes */
static int width(lua_State *L)
{
    lua_pushinteger(L, terminal_width(luaL_checkstring(L, 1)));
    return 1;
}

/* visible(text) -> one line; what would move a cursor or turn the direction of writing is
 * escaped, what is not UTF-8 is U+FFFD */
static int visible(lua_State *L)
{
    luaL_checkstring(L, 1);

    struct buffer *text = new_text(L);

    append_visible(text, L, 1);
    return push_text(L, text);
}

/* quoted(text) -> one line: the text as a literal of Lua, bytes that are not UTF-8 escaped */
static int quoted(lua_State *L)
{
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    struct buffer *text = new_text(L);

    terminal_append_quoted(text, bytes, length);
    return push_text(L, text);
}

static int push_shortened(lua_State *L,
                          void (*append)(struct buffer *, const char *, int columns))
{
    const lua_Integer columns = luaL_checkinteger(L, 2);

    luaL_checkstring(L, 1);
    luaL_argcheck(L, columns >= 0 && columns <= 1000000, 2,
                  "columns from 0 to 1000000 expected");

    struct buffer *whole = new_text(L), *part = new_text(L);

    append_visible(whole, L, 1);
    append(part, whole->data != NULL ? whole->data : "", (int)columns);
    buffer_deinit(whole);
    return push_text(L, part);
}

/* cut(text, columns) -> the visible text, cut in the middle when it is wider */
static int cut(lua_State *L)
{
    return push_shortened(L, terminal_append_cut);
}

/* start(text, columns) -> the visible text, cut at its end when it is wider */
static int start(lua_State *L)
{
    return push_shortened(L, terminal_append_start);
}

/* wants_color() -> false when NO_COLOR says something */
static int wants_color(lua_State *L)
{
    lua_pushboolean(L, terminal_wants_color());
    return 1;
}

/* is_utf8() -> whether drawings may go beyond ASCII */
static int is_utf8(lua_State *L)
{
    lua_pushboolean(L, terminal_is_utf8());
    return 1;
}

/* is_terminal() -> whether stdout is one */
static int is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty(STDOUT_FILENO));
    return 1;
}

int open_terminal(lua_State *L)
{
    static const luaL_Reg functions[] = {{"size", terminal_size_of_stdout},
                                         {"width", width},
                                         {"visible", visible},
                                         {"quoted", quoted},
                                         {"cut", cut},
                                         {"start", start},
                                         {"wants_color", wants_color},
                                         {"is_utf8", is_utf8},
                                         {"is_terminal", is_terminal},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
