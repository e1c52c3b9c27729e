/* lua/folder.c - core.folder: the files of an exported estate, and others that are written whole.
 *
 * Paths are relative to the folder, with slashes, without "." and ".."; links are not
 * followed. A file is written beside its place and then moved there, so that nobody sees half
 * of one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limited_lua.h"
#include "base/memory.h"
#include "lua/bind.h"
#include "lua/modules.h"

enum {
    DEEPEST = 16,
    DEEPEST_TABLE = 32,
    MOST_BYTES = 64 << 20,
    MOST_VALUES = 1000000,
    MOST_INSTRUCTIONS = 10000000,
    MOST_CPU_MS = 10000, /* one instruction may copy a text of megabytes */
};

static int raise_errno(lua_State *L, const char *folder, const char *path)
{
    return bind_raise(L, "IOError", "%s%s%s: %s", folder, path[0] != '\0' ? "/" : "",
                      path, strerror(errno));
}

/* Whether no part of it leads elsewhere. */
static bool is_inner(const char *path)
{
    if (path[0] == '/' || path[0] == '\0')
        return false;
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        const size_t length = strcspn(at, "/");

        if (length == 0 || (length <= 2 && strncmp(at, "..", length) == 0))
            return false;
    }
    return true;
}

static const char *check_path(lua_State *L, int index)
{
    const char *path = luaL_checkstring(L, index);

    if (!is_inner(path) || strlen(path) != lua_rawlen(L, index))
        bind_raise(L, "IOError", "'%s' is no path within the folder", path);
    return path;
}

/* Opens the folder that holds `path`, making those on the way when `is_made`. The last part
 * in `*name`. -1 with errno when it cannot be opened. */
static int open_holder(const char *folder, const char *path, bool is_made,
                       const char **name)
{
    int holder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (const char *slash; holder >= 0 && (slash = strchr(path, '/')) != NULL;
         path = slash + 1) {
        char *part = memory_copy_text(path, (size_t)(slash - path));
        int inner = -1;

        if (!is_made || mkdirat(holder, part, 0777) == 0 || errno == EEXIST)
            inner = openat(holder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        free(part);
        close(holder);
        holder = inner;
    }
    *name = path;
    return holder;
}

static void list_into(lua_State *L, int folder, const char *prefix, int depth)
{
    DIR *entries = fdopendir(folder);

    if (entries == NULL) {
        close(folder);
        return;
    }
    luaL_checkstack(L, 4, "folders too deep");
    for (const struct dirent *entry = readdir(entries); entry != NULL;
         entry = readdir(entries)) {
        struct stat about;

        if (entry->d_name[0] == '.' ||
            fstatat(folder, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        lua_pushfstring(L, "%s%s", prefix, entry->d_name);
        if (S_ISREG(about.st_mode)) {
            lua_pushvalue(L, -1);
            lua_rawseti(L, 2, (lua_Integer)lua_rawlen(L, 2) + 1);
        } else if (S_ISDIR(about.st_mode) && depth < DEEPEST) {
            const int inner = openat(folder, entry->d_name,
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            lua_pushfstring(L, "%s/", lua_tostring(L, -1));
            if (inner >= 0)
                list_into(L, inner, lua_tostring(L, -1), depth + 1);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    closedir(entries);
}

/* folder.list(folder) -> the paths of all files in it, in no order; those whose names begin
 * with a dot are left out; raises a failure `IOError` when it is no folder */
static int folder_list(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return raise_errno(L, path, "");
    lua_settop(L, 1);
    lua_newtable(L);
    list_into(L, folder, "", 0);
    return 1;
}

enum { MOST_ENTRIES = 10000 };

/* folder.entries(folder) -> the names in it, in no order, folders with a slash behind; those
 * that begin with a dot are left out, so is what is beyond 10000; nil when it cannot be read */
static int folder_entries(lua_State *L)
{
    DIR *entries = opendir(luaL_checkstring(L, 1));
    const struct dirent *entry;
    lua_Integer count = 0;
    struct stat facts;

    if (entries == NULL)
        return 0;
    lua_newtable(L);
    while (count < MOST_ENTRIES && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;

        const bool is_folder = fstatat(dirfd(entries), entry->d_name, &facts, 0) == 0 &&
                               S_ISDIR(facts.st_mode);

        lua_pushfstring(L, is_folder ? "%s/" : "%s", entry->d_name);
        lua_rawseti(L, -2, ++count);
    }
    closedir(entries);
    return 1;
}

/* folder.make(folder) - makes it when it is not there */
static int folder_make(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);

    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return raise_errno(L, path, "");
    return 0;
}

static bool write_all(int file, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t count = write(file, text, length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        text += count;
        length -= (size_t)count;
    }
    return true;
}

/* folder.write(folder, path, text) - a file that is there is replaced at once */
static int folder_write(lua_State *L)
{
    static const char temporary[] = ".moongate-new";
    const char *folder = luaL_checkstring(L, 1), *path = check_path(L, 2), *name;
    size_t length;
    const char *text = luaL_checklstring(L, 3, &length);
    const int holder = open_holder(folder, path, true, &name);
    int file, reason;
    bool is_written;

    if (holder < 0)
        return raise_errno(L, folder, path);
    file = openat(holder, temporary,
                  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    is_written = file >= 0 && write_all(file, text, length);
    if (file >= 0 && close(file) != 0)
        is_written = false;
    is_written = is_written && renameat(holder, temporary, holder, name) == 0;
    reason = errno;
    if (!is_written)
        unlinkat(holder, temporary, 0);
    close(holder);
    errno = reason;
    return is_written ? 0 : raise_errno(L, folder, path);
}

/* A new file beside `path` with another name, which goes to `*name` (owned by the caller). -1 with
 * errno when there can be none. */
static int open_beside(const char *path, char **name)
{
    static unsigned count;
    int file;

    do {
        *name = memory_format("%s.%ld-%u.new", path, (long)getpid(), ++count);
        file = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file < 0)
            free(*name);
    } while (file < 0 && errno == EEXIST);
    return file;
}

/* Gives the file its name; only a link tells for sure that there is none of that name. */
static bool put_in_place(const char *from, const char *path, bool may_replace)
{
    if (may_replace)
        return rename(from, path) == 0;
    if (link(from, path) == 0)
        return true;
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS)
        return false;
    if (access(path, F_OK) != 0) /* a file system without links */
        return rename(from, path) == 0;
    errno = EEXIST;
    return false;
}

/* folder.save(path, text, may_replace) - as a whole or not at all; a file that is there raises a
 * failure `AlreadyExists` unless it may be replaced; what is no file is never */
static int folder_save(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    const bool may_replace = lua_toboolean(L, 3) != 0;
    struct stat about;
    const bool is_there = stat(path, &about) == 0;
    char *temporary = NULL;
    bool is_written;
    int file, reason;

    if (is_there && !S_ISREG(about.st_mode))
        return bind_raise(L, "IOError", "%s: it is no regular file", path);
    if (is_there && !may_replace)
        return bind_raise(L, "AlreadyExists", "%s: it is there already", path);
    file = open_beside(path, &temporary);
    if (file < 0)
        return raise_errno(L, path, "");
    if (is_there)
        fchmod(file, about.st_mode & 0777);
    is_written = write_all(file, text, length) && fsync(file) == 0;
    is_written = close(file) == 0 && is_written;
    is_written = is_written && put_in_place(temporary, path, may_replace);
    reason = errno;
    unlink(temporary); /* what was renamed is not there any more */
    free(temporary);
    errno = reason;
    if (!is_written && reason == EEXIST)
        return bind_raise(L, "AlreadyExists", "%s: it is there already", path);
    return is_written ? 0 : raise_errno(L, path, "");
}

/* folder.remove(folder, path) - and the folders that are empty then */
static int folder_remove(lua_State *L)
{
    const char *folder = luaL_checkstring(L, 1), *path = check_path(L, 2), *name;
    char *rest = memory_copy_string(path), *slash;
    int holder = open_holder(folder, rest, false, &name);
    const bool is_removed = holder >= 0 && unlinkat(holder, name, 0) == 0;
    const int reason = errno;

    if (holder >= 0)
        close(holder);
    while (is_removed && (slash = strrchr(rest, '/')) != NULL) {
        *slash = '\0';
        holder = open_holder(folder, rest, false, &name);
        if (holder < 0 || unlinkat(holder, name, AT_REMOVEDIR) != 0)
            *rest = '\0'; /* it has other files */
        if (holder >= 0)
            close(holder);
    }
    free(rest);
    errno = reason;
    return is_removed ? 0 : raise_errno(L, folder, path);
}

/* --- tables --------------------------------------------------------------------------- */

/* A file is data: it is evaluated apart from everything, in a state without a library, with
 * so much memory and so many instructions and no more. */
struct data {
    struct limited_lua limits;
    lua_State *state;
    int value_count;
    const char *wrong; /* why it cannot be copied, or NULL */
};

static const char data_metatable[] = "data of an estate";

static int close_data(lua_State *L)
{
    struct data *data = lua_touserdata(L, 1);

    if (data->state != NULL)
        lua_close(data->state);
    data->state = NULL;
    return 0;
}

static void push_copy(lua_State *L, struct data *data, int depth);

/* Sets a copy of the key and value on top of the data in the table on top of ours, and drops
 * the value. */
static void copy_member(lua_State *L, struct data *data, int depth)
{
    if (lua_type(data->state, -2) != LUA_TSTRING && !lua_isinteger(data->state, -2)) {
        data->wrong = "keys are texts or numbers";
        return;
    }
    lua_pushvalue(data->state, -2);
    push_copy(L, data, depth + 1);
    push_copy(L, data, depth + 1);
    lua_rawset(L, -3);
    if (++data->value_count > MOST_VALUES)
        data->wrong = "too many values";
}

/* Pushes a copy of the value on top of the data, which it drops; nil and `wrong` set when it
 * is no data. */
static void push_copy(lua_State *L, struct data *data, int depth)
{
    lua_State *state = data->state;
    const int type = lua_type(state, -1);

    luaL_checkstack(L, 4, "data too deep");
    if (type == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(state, -1, &length);

        lua_pushlstring(L, text, length);
    } else if (type == LUA_TBOOLEAN) {
        lua_pushboolean(L, lua_toboolean(state, -1));
    } else if (type == LUA_TNUMBER && lua_isinteger(state, -1)) {
        lua_pushinteger(L, lua_tointeger(state, -1));
    } else if (type == LUA_TNUMBER) {
        lua_pushnumber(L, lua_tonumber(state, -1));
    } else if (type != LUA_TTABLE) {
        data->wrong = "a function is no data";
        lua_pushnil(L);
    } else if (depth == DEEPEST_TABLE || !lua_checkstack(state, 4)) {
        data->wrong = "tables are at most 32 deep";
        lua_pushnil(L);
    } else {
        lua_newtable(L);
        lua_pushnil(state);
        while (data->wrong == NULL && lua_next(state, -2) != 0)
            copy_member(L, data, depth);
        if (data->wrong != NULL)
            lua_settop(state, 1); /* nothing more is read of it */
    }
    lua_pop(state, 1);
}

/* folder.evaluate(text, path) -> the table that a file returns, or nil and what is wrong */
static int folder_evaluate(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length), *path = luaL_checkstring(L, 2);
    struct data *data = lua_newuserdatauv(L, sizeof *data, 0);
    int status;

    *data = (struct data){.limits = {.most_bytes = MOST_BYTES,
                                     .most_instructions = MOST_INSTRUCTIONS,
                                     .most_cpu_ms = MOST_CPU_MS,
                                     .endless = "it computes, but a file is data"}};
    luaL_setmetatable(L, data_metatable);
    data->state = limited_lua_open(&data->limits);
    if (data->state == NULL)
        return luaL_error(L, "not enough memory");
    status = luaL_loadbufferx(data->state, text, length, "=", "t");
    if (status == LUA_OK)
        status = lua_pcall(data->state, 0, 1, 0);
    lua_pushnil(L);
    if (status != LUA_OK) {
        const char *wrong = lua_tostring(data->state, -1);

        lua_pushfstring(L, "%s%s%s", path, wrong[0] == ':' ? "" : ": ", wrong);
    } else if (!lua_istable(data->state, -1)) {
        lua_pushfstring(L, "%s: it returns no table", path);
    } else {
        push_copy(L, data, 0);
        if (data->wrong != NULL)
            lua_pushfstring(L, "%s: %s", path, data->wrong);
    }
    lua_pushcfunction(L, close_data);
    lua_pushvalue(L, 3);
    lua_call(L, 1, 0);
    if (status == LUA_OK && data->wrong == NULL && lua_istable(L, -1))
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

int open_folder(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"list", folder_list},         {"entries", folder_entries},
        {"make", folder_make},         {"write", folder_write},
        {"save", folder_save},         {"remove", folder_remove},
        {"evaluate", folder_evaluate}, {NULL, NULL}};

    luaL_newmetatable(L, data_metatable);
    lua_pushcfunction(L, close_data);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    return 1;
}
