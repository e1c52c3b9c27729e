/* lua/prompt.c - core.prompt: the terminal of the prompt, for stdlib/prompt.lua. */
#include "prompt/prompt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "journal/journal.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "prompt/secret_line.h"
#include "run/interpreter.h"
#include "run/record.h"
#include "run/session.h"
#include "task/task.h"

static const char read_metatable[] = "prompt read", wait_metatable[] = "prompt wait";

/* Raises outside of `moongate repl`. */
static struct prompt *check_prompt(lua_State *L)
{
    struct prompt *prompt = prompt_current();

    if (prompt == NULL)
        bind_error(L, "there is no prompt: it is what `moongate repl` shows");
    return prompt;
}

/* --- lines ------------------------------------------------------------------------------- */

/* What is read is in the prompt; this ends the reading when the task is closed. */
struct reading {
    struct prompt *prompt; /* NULL once it is over */
    struct waitable *waitable;
};

static int close_reading(lua_State *L)
{
    struct reading *own = lua_touserdata(L, 1);

    if (own->prompt != NULL && own->prompt == prompt_current())
        prompt_stop_reading(own->prompt);
    own->prompt = NULL;
    return 0;
}

enum { SLOT_READING = 3, SLOT_WAIT = 2 };

static int read_finish(lua_State *L, int status, lua_KContext context)
{
    struct reading *own = lua_touserdata(L, SLOT_READING);

    (void)status, (void)context;
    if (!own->waitable->is_done)
        return bind_wait_on(L, SLOT_READING, own->waitable, read_finish, 0);

    char *line = prompt_take_line(own->prompt);
    const char *trouble = line == NULL ? prompt_trouble(own->prompt) : NULL;

    own->prompt = NULL;
    lua_pushstring(L, line);
    free(line);
    lua_pushstring(L, trouble);
    return 2;
}

/* read(text, continuation) -> what was typed, or nil: there is no more; then also why standard
 * input ended early, if it did. `text` stands in front of it, `continuation` in front of its further
 * lines */
static int prompt_read_line(lua_State *L)
{
    struct prompt *prompt = check_prompt(L);
    const char *text = luaL_checkstring(L, 1), *continuation = luaL_checkstring(L, 2);

    bind_check_task(L);
    lua_settop(L, 2);

    struct reading *own = lua_newuserdatauv(L, sizeof *own, 0);

    *own = (struct reading){0};
    luaL_setmetatable(L, read_metatable);
    lua_toclose(L, SLOT_READING);
    own->prompt = prompt;
    own->waitable = prompt_read(prompt, text, continuation);
    return read_finish(L, LUA_OK, 0);
}

/* say(text): prints lines for whoever is at the prompt, or resumes its session; the run keeps
 * nothing of them, since a value that is shown may be a secret */
static int prompt_say(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_pushliteral(L, "\n");
    lua_concat(L, 2);
    session_show(bind_session(L), lua_tostring(L, -1));
    return 0;
}

/* set_text(text): stands in front of the line that is being read from now on */
static int prompt_change_text(lua_State *L)
{
    prompt_set_text(check_prompt(L), luaL_checkstring(L, 1));
    return 0;
}

/* complete(text, cursor): does what Tab did, when the text that is typed is still this one */
static int prompt_complete_again(lua_State *L)
{
    prompt_complete(check_prompt(L), luaL_checkstring(L, 1),
                    (size_t)luaL_checkinteger(L, 2));
    return 0;
}

/* --- waits ------------------------------------------------------------------------------- */

static int close_wait(lua_State *L)
{
    prompt_end_wait(lua_touserdata(L, 1));
    return 0;
}

static int wait_finish(lua_State *L, int status, lua_KContext context)
{
    static const char *const ends[] = {[PROMPT_ENDED] = "ended",
                                       [PROMPT_INTERRUPTED] = "interrupted",
                                       [PROMPT_BACKGROUND] = "background"};
    struct prompt_wait *own = lua_touserdata(L, SLOT_WAIT);

    (void)status, (void)context;
    if (!own->waitable.is_done)
        return bind_wait_on(L, SLOT_WAIT, &own->waitable, wait_finish, 0);
    lua_pushstring(L, ends[own->end]);
    return 1;
}

/* wait(task) -> "ended", or "interrupted" (Ctrl-C) or "background" (Ctrl-Z): the task goes on */
static int prompt_wait_for(lua_State *L)
{
    struct prompt *prompt = check_prompt(L);
    struct task *task = luaL_checkudata(L, 1, task_metatable);

    bind_check_task(L);
    lua_settop(L, 1);

    struct prompt_wait *own = lua_newuserdatauv(L, sizeof *own, 0);

    memset(own, 0, sizeof *own);
    luaL_setmetatable(L, wait_metatable);
    lua_toclose(L, SLOT_WAIT);
    prompt_begin_wait(prompt, own, task_waitable(task));
    return wait_finish(L, LUA_OK, 0);
}

/* --- help while typing ----------------------------------------------------------------------- */

/* The two functions of set_helper(), in the registry under these addresses. */
static const char complete_key, hint_key;

/* What was found last: the prompt shows it until it asks again. */
static struct {
    char **choices, *common, *hint;
    size_t count;
} found;

static void forget_choices(void)
{
    for (size_t i = 0; i < found.count; i++)
        free(found.choices[i]);
    free(found.choices);
    free(found.common);
    found.choices = NULL;
    found.common = NULL;
    found.count = 0;
}

/* Calls the helper with the text and the cursor. Leaves one result, or nothing and returns false:
 * a helper that fails helps nobody, but must not keep anybody from typing. */
static bool call_helper(lua_State *L, const void *key, const char *text, size_t cursor)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TFUNCTION) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushstring(L, text);
    lua_pushinteger(L, (lua_Integer)cursor);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        return true;
    lua_pop(L, 1);
    return false;
}

static size_t take_size(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);

    const lua_Integer value = lua_tointeger(L, -1);

    lua_pop(L, 1);
    return value > 0 ? (size_t)value : 0;
}

/* The texts of the list on top. */
static void take_choices(lua_State *L)
{
    found.count = (size_t)luaL_len(L, -1);
    found.choices = memory_new((found.count + 1) * sizeof *found.choices);
    for (size_t i = 0; i < found.count; i++) {
        lua_geti(L, -1, (lua_Integer)i + 1);
        found.choices[i] =
            memory_copy_string(lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
        lua_pop(L, 1);
    }
}

static bool complete(void *context, const char *text, size_t cursor,
                     struct prompt_completion *completion)
{
    lua_State *L = context;

    forget_choices();
    if (!call_helper(L, &complete_key, text, cursor))
        return false;
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    completion->from = take_size(L, "from");
    completion->to = take_size(L, "to");
    completion->total = take_size(L, "total");
    lua_getfield(L, -1, "common");
    found.common = memory_copy_string(lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "choices") == LUA_TTABLE)
        take_choices(L);
    lua_pop(L, 2);
    completion->common = found.common;
    completion->choices = (const char *const *)found.choices;
    completion->count = found.count;
    return found.count > 0 && completion->from <= completion->to &&
           completion->to <= strlen(text);
}

static const char *hint(void *context, const char *text, size_t cursor)
{
    lua_State *L = context;

    free(found.hint);
    found.hint = NULL;
    if (!call_helper(L, &hint_key, text, cursor))
        return NULL;
    if (lua_type(L, -1) == LUA_TSTRING)
        found.hint = memory_copy_string(lua_tostring(L, -1));
    lua_pop(L, 1);
    return found.hint;
}

/* set_helper(complete, hint): functions of a text and the bytes in front of the cursor, called
 * while somebody types; they must not wait. `complete` gives {from, to, common, choices, total}
 * (byte offsets from 0 on) or nil, `hint` a text or nil */
static int prompt_set_helpers(lua_State *L)
{
    struct prompt *prompt = check_prompt(L);

    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &hint_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &complete_key);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    prompt_set_helper(prompt, &(struct prompt_helper){.complete = complete,
                                                      .hint = hint,
                                                      .context = lua_tothread(L, -1)});
    return 0;
}

/* --- the rest ---------------------------------------------------------------------------- */

/* is_open() -> whether there is a prompt */
static int prompt_is_open(lua_State *L)
{
    lua_pushboolean(L, prompt_current() != NULL);
    return 1;
}

/* is_interactive() -> whether somebody types; else lines come from a pipe or a file */
static int prompt_has_keyboard(lua_State *L)
{
    lua_pushboolean(L, prompt_is_interactive(check_prompt(L)));
    return 1;
}

/* init_file() -> the path of the start-up file, or nil */
static int prompt_init_file(lua_State *L)
{
    lua_pushstring(L, prompt_options(check_prompt(L))->init_file);
    return 1;
}

/* keep(from, text): the script that a resumed run will run is `text` from byte `from` (0 is the
 * first) on; what stands before it stays */
static int prompt_keep(lua_State *L)
{
    size_t length;
    const lua_Integer from = luaL_checkinteger(L, 1);
    const char *text = luaL_checklstring(L, 2, &length);

    session_extend_code(bind_session(L), "script.lua", (size_t)from, text, length);
    return 0;
}

/* Nobody waits for it: what cannot be written down is told with the next write. */
static void note_is_safe(struct journal_wait *wait, const struct failure *failure)
{
    (void)wait, (void)failure;
}

/* note_failed(number): the journal, if there is one already, says that this line failed; with it the
 * script is stored as it is by now */
static int prompt_note_failed(lua_State *L)
{
    const lua_Integer number = luaL_checkinteger(L, 1);
    static struct journal_wait noted; /* outlives the call */
    struct record *record = session_record(bind_session(L));
    cJSON *members;

    if (record == NULL || !record_is_kept(record))
        return 0;
    members = cJSON_CreateObject();
    cJSON_AddNumberToObject(members, "failed", (double)number);
    journal_note(record_journal(record), "line", members);
    journal_wait_cancel(&noted);
    noted.safe = note_is_safe;
    journal_sync(record_journal(record), &noted);
    return 0;
}

/* keeps() -> whether there is a prompt, and its run is to be kept once it writes */
static int prompt_keeps(lua_State *L)
{
    lua_pushboolean(L,
                    prompt_current() != NULL && session_record(bind_session(L)) != NULL);
    return 1;
}

/* is_kept() -> whether the run has written, so that there is something to carry on */
static int prompt_is_kept(lua_State *L)
{
    const struct record *record = session_record(bind_session(L));

    lua_pushboolean(L, record != NULL && record_is_kept(record));
    return 1;
}

/* exit_code(value) -> the code when `value` is what run.exit() raises, else nil */
static int prompt_exit_code(lua_State *L)
{
    const int *code = luaL_testudata(L, 1, interpreter_exit_metatable);

    if (code == NULL)
        return 0;
    lua_pushinteger(L, *code);
    return 1;
}

/* has_secret(text) -> whether a line seems to hold a secret, which nothing may keep */
static int prompt_has_secret(lua_State *L)
{
    lua_pushboolean(L, secret_line_is(luaL_checkstring(L, 1)));
    return 1;
}

/* task_count() -> how many tasks are not over, the one that asks included */
static int prompt_task_count(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)scheduler_count(scheduler_of(L)));
    return 1;
}

/* machine_seconds() -> of the machine's clock, whatever the run's is */
static int prompt_machine_seconds(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_machine_ms() / 1000.0);
    return 1;
}

static void make_metatable(lua_State *L, const char *name, lua_CFunction close)
{
    if (luaL_newmetatable(L, name)) {
        lua_pushcfunction(L, close);
        lua_setfield(L, -2, "__close");
        lua_pushcfunction(L, close);
        lua_setfield(L, -2, "__gc");
        bind_seal_metatable(L);
    }
    lua_pop(L, 1);
}

int open_prompt(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", prompt_read_line},
                                         {"say", prompt_say},
                                         {"set_text", prompt_change_text},
                                         {"complete", prompt_complete_again},
                                         {"wait", prompt_wait_for},
                                         {"set_helper", prompt_set_helpers},
                                         {"is_open", prompt_is_open},
                                         {"is_interactive", prompt_has_keyboard},
                                         {"init_file", prompt_init_file},
                                         {"keep", prompt_keep},
                                         {"keeps", prompt_keeps},
                                         {"note_failed", prompt_note_failed},
                                         {"is_kept", prompt_is_kept},
                                         {"exit_code", prompt_exit_code},
                                         {"has_secret", prompt_has_secret},
                                         {"task_count", prompt_task_count},
                                         {"machine_seconds", prompt_machine_seconds},
                                         {NULL, NULL}};

    make_metatable(L, read_metatable, close_reading);
    make_metatable(L, wait_metatable, close_wait);
    luaL_newlib(L, functions);
    return 1;
}
