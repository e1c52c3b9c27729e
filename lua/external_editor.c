/* lua/external_editor.c - core.external_editor: texts in the editor that somebody likes. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "prompt/external_edit.h"
#include "prompt/prompt.h"
#include "run/session.h"

enum { ARG_TEXT = 1, ARG_SUFFIX = 2, SLOT_EDIT = 3 };

static void release(void *edit)
{
    external_edit_free(edit);
}

static int edit_finish(lua_State *L, int status, lua_KContext context)
{
    struct held *held = bind_held(L, SLOT_EDIT);
    struct failure *failure = NULL;
    size_t length = 0;
    char *text;

    (void)status, (void)context;
    if (!held->waitable->is_done)
        return bind_wait(L, SLOT_EDIT, edit_finish, 0);
    text = external_edit_read(held->object, &length, &failure);
    if (text == NULL && external_edit_trouble(held->object) == NULL)
        return bind_raise_owned(L, failure);
    failure_free(failure);
    lua_pushlstring(L, text != NULL ? text : "", length);
    free(text);
    lua_pushstring(L, external_edit_trouble(held->object));
    return 2;
}

/* edit(text, suffix) -> the text as $VISUAL, $EDITOR or else vi has left it, and nil, or how the
 * editor failed. It has the terminal meanwhile, and other tasks go on. The file's name ends in
 * `suffix` (letters and digits behind a dot). Raises outside of the prompt, and a failure
 * `IOError` when there is no file for it */
static int edit(lua_State *L)
{
    struct prompt *prompt = prompt_current();
    size_t length;
    const char *text = luaL_checklstring(L, ARG_TEXT, &length);
    const char *suffix = luaL_checkstring(L, ARG_SUFFIX);
    struct failure *failure = NULL;

    luaL_argcheck(L,
                  suffix[0] == '.' &&
                      strspn(suffix + 1, "abcdefghijklmnopqrstuvwxyz"
                                         "0123456789") == strlen(suffix) - 1,
                  ARG_SUFFIX, "such as '.lua' expected");
    if (prompt == NULL)
        bind_error(L, "there is an editor only where somebody types: in `moongate repl`");
    bind_check_task(L);
    lua_settop(L, ARG_SUFFIX);

    struct held *held = bind_new_held(L, true);

    held->release = release;
    held->object = external_edit_start(session_loop(bind_session(L)), prompt, text,
                                       length, suffix, &failure);
    if (held->object == NULL)
        return bind_raise_owned(L, failure);
    held->waitable = external_edit_waitable(held->object);
    return edit_finish(L, LUA_OK, 0);
}

int open_external_editor(lua_State *L)
{
    static const luaL_Reg functions[] = {{"edit", edit}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
