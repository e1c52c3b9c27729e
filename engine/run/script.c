/* engine/run/script.c - the source of a run's script. */
#include "run/script.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/interpreter.h"
#include "run/session.h"
#include "run/source.h"

enum { LARGEST_SCRIPT = 16 << 20 };

static const char kept_name[] = "script.lua";

struct source {
    char *text, *chunk_name;
    size_t length;
};

/* Where the script's own modules are looked for: beside it. */
static void set_folder(lua_State *L, const char *script)
{
    const char *slash = strrchr(script, '/');
    char *folder =
        slash != NULL ? memory_copy_text(script, (size_t)(slash - script)) : NULL;

    interpreter_set_folder(L, folder == NULL ? "." : folder[0] != '\0' ? folder : "/");
    free(folder);
}

/* The ready script of that name, or nothing. */
static void read_ready(const char *script, struct source *source)
{
    const char *name = strncmp(script, "scripts/", 8) == 0 ? script + 8 : script;
    const char *suffix = strstr(name, ".lua") != NULL ? "" : ".lua";
    char *path = memory_format("scripts/%s%s", name, suffix);

    if (strchr(name, '/') == NULL)
        source->text = source_read_own(path, &source->length, &source->chunk_name);
    free(path);
}

/* The text of a script on the disk, or else of the ready script of that name. */
static struct failure *read_script(const char *script, struct source *source)
{
    struct failure *failure = NULL;

    source->text = source_read_file(script, LARGEST_SCRIPT, &source->length, &failure);
    if (source->text != NULL) {
        source->chunk_name = memory_format("@%s", script);
        return NULL;
    }
    read_ready(script, source);
    if (source->text == NULL)
        return failure;
    failure_free(failure);
    return NULL;
}

/* The number of the first line in which the texts differ. */
static size_t first_difference(const char *a, const char *b)
{
    size_t line = 1;

    for (; *a == *b && *a != '\0'; a++, b++)
        line += *a == '\n' ? 1 : 0;
    return line;
}

/* A run goes on with the script that it began with; what the disk has by now is only told. */
static void compare_with_disk(const char *script, const struct source *kept)
{
    struct source now = {0};
    struct failure *failure = read_script(script, &now);

    if (failure == NULL &&
        (now.length != kept->length || memcmp(now.text, kept->text, now.length) != 0))
        log_line(
            LOG_WARNING,
            "%s has changed since the run began, first in line %zu; the run goes on with "
            "the script that it began with; --script %s goes on with the new one",
            script, first_difference(now.text, kept->text), script);
    failure_free(failure);
    free(now.text);
    free(now.chunk_name);
}

/* What the record of the run has kept, if it has. */
static void read_kept(lua_State *L, const char *script, struct source *source)
{
    const char *kept =
        session_find_code(interpreter_session(L), kept_name, &source->length);

    if (kept == NULL)
        return;
    source->text = memory_copy_text(kept, source->length);
    source->chunk_name = script != NULL ? memory_format("@%s", script)
                                        : memory_copy_string("=command line");
    if (script != NULL)
        compare_with_disk(script, source);
}

int script_load(lua_State *L, const struct run_request *request, char **error)
{
    struct source source = {0};
    struct failure *failure = NULL;

    set_folder(L, request->script != NULL ? request->script : "");
    if (request->record != NULL && !request->has_new_script)
        read_kept(L, request->script, &source);
    if (source.text == NULL && request->code != NULL) {
        source.text = memory_copy_string(request->code);
        source.length = strlen(source.text);
        source.chunk_name = memory_copy_string("=command line");
    } else if (source.text == NULL) {
        failure = read_script(request->script, &source);
    }
    if (failure != NULL) {
        *error = memory_copy_string(failure->message);
        failure_free(failure);
        return EXIT_USAGE;
    }
    session_keep_code(interpreter_session(L), kept_name, source.text, source.length);

    const int status =
        luaL_loadbufferx(L, source.text, source.length, source.chunk_name, "t");

    free(source.text);
    free(source.chunk_name);
    if (status != LUA_OK) {
        *error = memory_copy_string(lua_tostring(L, -1));
        lua_pop(L, 1);
        return EXIT_SCRIPT_FAILED;
    }
    return EXIT_DONE;
}
