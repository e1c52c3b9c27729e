/* engine/prompt/statement.c - whether what was typed so far is whole. */
#include "prompt/statement.h"

#include <string.h>

#include <lauxlib.h>

#include "base/buffer.h"

static const char blanks[] = " \t\r\n";
static const char end_mark[] = "<eof>"; /* what Lua is near to when it wants more */

/* The length without the blanks at the end. */
static size_t trimmed_length(const char *text, size_t length)
{
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL)
        length--;
    return length;
}

/* Whether Lua takes the text, or would with more behind it. */
enum verdict { TAKEN, WANTS_MORE, WRONG };

static enum verdict judge(lua_State *L, const char *text, size_t length)
{
    enum verdict verdict = TAKEN;

    if (luaL_loadbufferx(L, text, length, "=line", "t") != LUA_OK) {
        size_t message_length;
        const char *message = lua_tolstring(L, -1, &message_length);
        const size_t mark_length = sizeof end_mark - 1;

        verdict = message_length >= mark_length &&
                          strcmp(message + message_length - mark_length, end_mark) == 0 &&
                          strstr(message, ": unfinished string near") == NULL
                      ? WANTS_MORE
                      : WRONG; /* a short string ends with its line */
    }
    lua_pop(L, 1);
    return verdict;
}

static enum verdict judge_expression(lua_State *L, const char *text, size_t length)
{
    struct buffer code = {0};
    enum verdict verdict;

    buffer_append_string(&code, "return ");
    buffer_append(&code, text, length);
    verdict = judge(L, code.data, code.length);
    buffer_deinit(&code);
    return verdict;
}

static bool wants_more(lua_State *L, const char *text, size_t length)
{
    const enum verdict verdict = judge_expression(L, text, length);

    if (verdict == TAKEN)
        return false;

    const enum verdict as_statement = judge(L, text, length);

    return as_statement == WANTS_MORE || (as_statement == WRONG && verdict == WANTS_MORE);
}

/* Whether the last line of the text says that it is to be dropped. */
static bool is_dropped(const char *text, size_t length)
{
    return length >= 2 && text[length - 1] == '#' && text[length - 2] == '\n';
}

/* "gateways.create?": a name that one asks about. */
static bool is_question(const char *text, size_t length)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_.:";

    while (length > 0 && text[length - 1] == '?')
        length--;
    return strspn(text, names) >= length;
}

bool statement_is_whole(lua_State *L, const char *text)
{
    const char *start = text + strspn(text, blanks);
    const size_t length = trimmed_length(start, strlen(start));

    if (length == 0 || start[0] == '\\' || is_dropped(start, length) ||
        (start[length - 1] == '?' && is_question(start, length)))
        return true;
    return !wants_more(
        L, start, start[length - 1] == '&' ? trimmed_length(start, length - 1) : length);
}
