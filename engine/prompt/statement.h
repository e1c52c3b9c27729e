/* engine/prompt/statement.h - whether what was typed so far is whole. */
#ifndef MOONGATE_PROMPT_STATEMENT_H
#define MOONGATE_PROMPT_STATEMENT_H

#include <stdbool.h>

#include <lua.h>

/* False while Lua wants more of the text: an open block, bracket, string or expression. Commands
 * ("\x"), questions ("x?"), lines sent to the background ("f() &"), blank text, text that is
 * wrong anyway, and text whose last line is "#" (it is to be dropped) are whole. L is any state; it
 * is used to compile only. */
bool statement_is_whole(lua_State *L, const char *text);

#endif
