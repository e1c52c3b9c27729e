/* engine/run/interpreter.c - the Lua state that scripts run in. */
#include "run/interpreter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/map.h"
#include "base/memory.h"
#include "run/session.h"
#include "run/source.h"
#include "task/modules.h"
#include "task/task.h"

const char interpreter_exit_metatable[] = "exit";

enum { LARGEST_MODULE = 16 << 20 };

static const char folder_key; /* its address is the key in the registry */

struct session *interpreter_session(lua_State *L)
{
    return scheduler_host(scheduler_of(L));
}

/* --- printing ------------------------------------------------------------------------- */

/* Goes where the run's face puts what scripts print, so that no picture and no stream of
 * events is torn. */
static void print_buffer(lua_State *L, luaL_Buffer *text)
{
    luaL_pushresult(text);
    session_print(interpreter_session(L), lua_tostring(L, -1));
}

static int print(lua_State *L)
{
    const int count = lua_gettop(L);
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&text, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&text);
    }
    luaL_addchar(&text, '\n');
    print_buffer(L, &text);
    return 0;
}

static int write_values(lua_State *L, int first)
{
    const int count = lua_gettop(L);
    luaL_Buffer text;

    for (int i = first; i <= count; i++)
        luaL_checkstring(L, i);
    luaL_buffinit(L, &text);
    for (int i = first; i <= count; i++) {
        lua_pushvalue(L, i);
        luaL_addvalue(&text);
    }
    print_buffer(L, &text);
    return 0;
}

static int io_write(lua_State *L)
{
    write_values(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

static int stdout_write(lua_State *L)
{
    write_values(L, 2);
    lua_settop(L, 1);
    return 1;
}

static int do_nothing(lua_State *L)
{
    lua_settop(L, 1);
    return 1;
}

/* --- time ----------------------------------------------------------------------------- */

/* os.time() without a table goes by the run's clock, which may be virtual. */
static int os_time(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_pushinteger(L, clock_wall_ms(session_clock(interpreter_session(L))) / 1000);
        return 1;
    }
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int os_date(lua_State *L)
{
    luaL_optstring(L, 1, "%c");
    lua_settop(L, 2);
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, "%c");
        lua_replace(L, 1);
    }
    if (lua_isnil(L, 2)) {
        lua_pushinteger(L, clock_wall_ms(session_clock(interpreter_session(L))) / 1000);
        lua_replace(L, 2);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

/* --- code ----------------------------------------------------------------------------- */

/* load() for source text only: bytecode can break the interpreter. */
static int load_text(lua_State *L)
{
    lua_settop(L, 4);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (lua_isnil(L, 5)) /* an environment of nil is not the same as none */
        lua_pop(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int load_source(lua_State *L, char *text, size_t length, char *chunk_name)
{
    const int status = luaL_loadbufferx(L, text, length, chunk_name, "t");

    free(text);
    free(chunk_name);
    if (status != LUA_OK)
        return lua_error(L);
    return 1;
}

/* The library as compiled code, struct buffer by path: for processes that need it many times.
 * Scripts have no way to bytecode all the same. */
static struct {
    bool is_on;
    struct map modules;
} compiled;

static int append_code(lua_State *L, const void *bytes, size_t length, void *code)
{
    (void)L;
    buffer_append(code, bytes, length);
    return 0;
}

static void free_code(void *code)
{
    buffer_deinit(code);
    free(code);
}

void interpreter_keep_compiled(bool is_on)
{
    compiled.is_on = is_on;
    if (!is_on)
        map_deinit(&compiled.modules, free_code);
}

/* Keeps the code of the function on top. */
static void keep_code(lua_State *L, const char *path)
{
    struct buffer *code = memory_new(sizeof *code);

    lua_dump(L, append_code, code, 0);
    map_set(&compiled.modules, path, code);
}

/* Loads a module of the library, "stdlib/tasks.lua"; false when there is none. */
static bool load_own(lua_State *L, const char *path)
{
    const struct buffer *code = map_find(&compiled.modules, path);
    char *chunk_name = NULL, *text;
    size_t length = 0;

    if (code != NULL) {
        if (luaL_loadbufferx(L, code->data, code->length, path, "b") != LUA_OK)
            lua_error(L);
        return true;
    }
    text = source_read_own(path, &length, &chunk_name);
    if (text == NULL)
        return false;
    load_source(L, text, length, chunk_name);
    if (compiled.is_on)
        keep_code(L, path);
    return true;
}

static bool is_module_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strstr(name, "..") == NULL &&
           strspn(name,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
               strlen(name);
}

/* The text of a module of the script's own: as the run has kept it, else from the disk. NULL
 * when it cannot be read: then a message was pushed. Owned by the caller. */
static char *read_beside(lua_State *L, const char *path, const char *kept_as,
                         size_t *length)
{
    struct session *session = interpreter_session(L);
    const char *kept = session_find_code(session, kept_as, length);
    struct failure *failure = NULL;
    char *text;

    if (kept != NULL)
        return memory_copy_text(kept, *length);
    text = source_read_file(path, LARGEST_MODULE, length, &failure);
    if (text != NULL) {
        session_keep_code(session, kept_as, text, *length);
    } else {
        lua_pushstring(L, failure->message);
        failure_free(failure);
    }
    return text;
}

/* `file` is the name with slashes for its dots. */
static int search_beside(lua_State *L, const char *name, const char *file)
{
    size_t length = 0;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &folder_key);

    const char *folder = lua_tostring(L, -1);
    char *path = memory_format("%s%s%s.lua", folder != NULL ? folder : "",
                               folder != NULL ? "/" : "", file);
    char *kept_as = memory_format("modules/%s.lua", name);

    if (session_find_code(interpreter_session(L), kept_as, &length) == NULL &&
        access(path, F_OK) != 0) {
        lua_pushfstring(L, "no native module, none of the library, and no file '%s'",
                        path);
        free(path);
        free(kept_as);
        return 1;
    }

    char *text = read_beside(L, path, kept_as, &length);
    char *chunk_name = memory_format("@%s", path);

    free(path);
    free(kept_as);
    if (text == NULL) {
        free(chunk_name);
        return lua_error(L);
    }
    return load_source(L, text, length, chunk_name);
}

/* Finds a module: native, then stdlib, then beside the script. */
static int search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    for (const struct native_module *module = native_modules; module->name != NULL;
         module++) {
        if (strcmp(module->name, name) == 0) {
            lua_pushcfunction(L, module->open);
            return 1;
        }
    }
    if (!is_module_name(name)) {
        lua_pushfstring(L, "'%s' is not a module name", name);
        return 1;
    }
    luaL_gsub(L, name, ".", "/");
    if (load_own(L, lua_pushfstring(L, "stdlib/%s.lua", lua_tostring(L, -1))))
        return 1;
    lua_pop(L, 1);
    return search_beside(L, name, lua_tostring(L, -1));
}

/* --- the state ------------------------------------------------------------------------ */

static void keep_only(lua_State *L, const char *library, const char *const *names)
{
    lua_getglobal(L, library);
    lua_newtable(L);
    for (; *names != NULL; names++) {
        lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_pushvalue(L, -1);
    lua_setglobal(L, library);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, library);
    lua_pop(L, 3);
}

static void wrap(lua_State *L, const char *library, const char *name,
                 lua_CFunction function)
{
    lua_getglobal(L, library);
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static void set_up_io(lua_State *L)
{
    static const luaL_Reg stdout_methods[] = {{"write", stdout_write},
                                              {"flush", do_nothing},
                                              {"setvbuf", do_nothing},
                                              {NULL, NULL}};

    lua_getglobal(L, "io");
    luaL_newlib(L, stdout_methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "stdout");
    lua_pushcclosure(L, io_write, 1);
    lua_setfield(L, -2, "write");
    lua_pop(L, 1);
}

static void set_up_package(lua_State *L)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    lua_rawgeti(L, -1, 1); /* package.preload */
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushcfunction(L, search);
    lua_rawseti(L, -2, 2);
    lua_setfield(L, -3, "searchers");
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "path");
    lua_pushnil(L);
    lua_setfield(L, -2, "loadlib");
    lua_pop(L, 1);
}

static void restrict_libraries(lua_State *L)
{
    static const char *const os_names[] = {"time",     "date",   "clock",
                                           "difftime", "getenv", NULL};
    static const char *const io_names[] = {"open", "lines",  "read",
                                           "type", "stderr", NULL};
    static const char *const debug_names[] = {"traceback", "getinfo", NULL};

    keep_only(L, "os", os_names);
    keep_only(L, "io", io_names);
    keep_only(L, "debug", debug_names);
    wrap(L, "os", "time", os_time);
    wrap(L, "os", "date", os_date);
    wrap(L, "_G", "load", load_text);
    lua_pushnil(L);
    lua_setglobal(L, "loadfile");
    lua_pushnil(L);
    lua_setglobal(L, "dofile");
    lua_getglobal(L, "string");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
    set_up_io(L);
    set_up_package(L);
    lua_register(L, "print", print);
}

/* A run on a virtual clock can be repeated, with what scripts draw. */
static void seed_random(lua_State *L, uint64_t seed)
{
    lua_getglobal(L, LUA_MATHLIBNAME);
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

lua_State *interpreter_new(struct session *session, struct scheduler **scheduler)
{
    lua_State *L = luaL_newstate();

    if (L == NULL) {
        fputs("moongate: out of memory\n", stderr);
        abort();
    }
    *scheduler = scheduler_new(session_loop(session), L, session);
    scheduler_set_stress(*scheduler, session_settings(session)->stress_gc);
    luaL_openlibs(L);
    if (session_clock(session)->mode == CLOCK_VIRTUAL)
        seed_random(L, session_settings(session)->sim_seed);
    restrict_libraries(L);
    luaL_newmetatable(L, interpreter_exit_metatable);
    lua_pop(L, 1);
    native_set_up(L);
    return L;
}

void interpreter_set_folder(lua_State *L, const char *folder)
{
    lua_pushstring(L, folder);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &folder_key);
}
