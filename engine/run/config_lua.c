/* engine/run/config_lua.c - evaluating the configuration where nothing is but its declarations.
 *
 * A declaration is a function of the environment that gets a name and gives a function which gets
 * a table: `profile "name" { ... }`. One of another sort is one more row of `declarations`. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/limited_lua.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/config_parts.h"

enum {
    MEMORY_LIMIT = 16 << 20,
    INSTRUCTION_LIMIT = 20000000, /* a fraction of a second */
    CPU_LIMIT_MS = 1000,
    JOBS_PER_MS = 10, /* how many jobs may take one more, with all that is looked at */
    LONGEST_NAME = 64
};

static const char chunk_name[] = "=line"; /* errors are "line:12: ..." */

/* What stands open between `profile "name"` and its table. */
struct evaluation {
    struct limited_lua limits; /* first: the context of the state's allocator */
    struct config *config;
    struct config_mistakes *mistakes;
    char *refusal; /* what is wrong, once something is refused, and its line */
    int refusal_line;
    const struct declaration *open; /* or NULL */
    int open_line;
    char open_name[LONGEST_NAME + 1];
};

struct declaration {
    const char *word; /* "profile" */
    bool (*is_name)(const char *name);
    const char *name_rule;
    /* Takes the table on top, declared as `open_name` says. Raises what is wrong with it, or adds it
     * to the mistakes. */
    void (*declare)(lua_State *L, struct evaluation *own);
};

static struct evaluation *evaluation_of(lua_State *L)
{
    void *context;

    lua_getallocf(L, &context);
    return context;
}

/* --- errors ------------------------------------------------------------------------- */

/* Stops the file at one of its lines, and takes the message. Nothing in it can go on after that. */
static int refuse(lua_State *L, int line, char *message)
{
    struct evaluation *own = evaluation_of(L);

    own->refusal = message;
    own->refusal_line = line;
    lua_pushnil(L);
    return lua_error(L);
}

/* The line of the file that runs, 0 where it cannot be told. */
static int current_line(lua_State *L)
{
    lua_Debug where;

    if (lua_getstack(L, 1, &where) != 1)
        return 0;
    lua_getinfo(L, "l", &where);
    return where.currentline > 0 ? where.currentline : 0;
}

/* --- profiles ----------------------------------------------------------------------- */

static int refuse_profile(lua_State *L, const struct evaluation *own, const char *field,
                          char *wrong)
{
    char *message = memory_format("profile '%s': %s%s%s", own->open_name, field,
                                  field[0] != '\0' ? ": " : "", wrong);

    free(wrong);
    return refuse(L, own->open_line, message);
}

static void refuse_field(lua_State *L, const struct evaluation *own, const char *key)
{
    const char *names[CONFIG_MOST_FIELDS];
    size_t count = 0;

    if (config_is_secret(key))
        refuse_profile(L, own, key,
                       memory_copy_string(
                           "a configuration holds no secrets: set AZURE_CLIENT_SECRET "
                           "in the environment, or sign in with a certificate "
                           "(AZURE_CLIENT_CERTIFICATE_PATH) or a federated token "
                           "(AZURE_FEDERATED_TOKEN_FILE)"));
    for (const struct config_row *row = config_rows; row->field.name != NULL; row++)
        names[count++] = row->field.name;

    char *near = config_suggest(key, names, count);
    char *wrong = memory_format("unknown field '%s'%s", key, near);

    free(near);
    refuse_profile(L, own, "", wrong);
}

static bool is_field(const char *key)
{
    const struct config_row *row = config_rows;

    while (row->field.name != NULL && strcmp(row->field.name, key) != 0)
        row++;
    return row->field.name != NULL;
}

/* Of several unknown keys the first of the alphabet is told: a table has no order. */
static void check_keys(lua_State *L, const struct evaluation *own)
{
    const char *unknown = NULL; /* the table keeps it */

    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            refuse_profile(L, own, "",
                           memory_copy_string("fields have names: service = \"..\""));

        const char *key = lua_tostring(L, -2);

        if (!is_field(key) && (unknown == NULL || strcmp(key, unknown) < 0))
            unknown = key;
    }
    if (unknown != NULL)
        refuse_field(L, own, unknown);
}

static struct profile *add_profile(const struct evaluation *own)
{
    struct config *config = own->config;
    struct profile *profile;

    config->profiles =
        memory_resize(config->profiles, (config->profile_count + 1) * sizeof *profile);
    profile = &config->profiles[config->profile_count++];
    *profile = (struct profile){.name = memory_copy_string(own->open_name),
                                .line = own->open_line};
    return profile;
}

static void check_new(lua_State *L, const struct evaluation *own)
{
    const struct config *config = own->config;

    for (size_t i = 0; i < config->profile_count; i++) {
        if (strcmp(config->profiles[i].name, own->open_name) == 0)
            refuse_profile(L, own, "",
                           memory_format("there is one of that name in line %d",
                                         config->profiles[i].line));
    }
    if (config->profile_count == MOST_PROFILES)
        refuse_profile(L, own, "", memory_format("more than %d profiles", MOST_PROFILES));
}

static void declare_profile(lua_State *L, struct evaluation *own)
{
    struct settings *to;

    check_new(L, own);
    to = &add_profile(own)
              ->settings; /* first: jobs may name it, whatever is wrong with it */
    check_keys(L, own);
    for (const struct config_row *row = config_rows; row->field.name != NULL; row++) {
        char *wrong = NULL;

        lua_pushstring(L, row->field.name);
        if (lua_rawget(L, -2) != LUA_TNIL)
            wrong = config_row_take(row, L, own->config, to);
        lua_pop(L, 1);
        if (wrong != NULL)
            refuse_profile(L, own, row->field.name, wrong);
    }
    if (to->endpoint != NULL && to->cloud != NULL)
        refuse_profile(L, own, "",
                       memory_copy_string("endpoint and cloud exclude each other"));
}

/* --- declarations ------------------------------------------------------------------- */

static bool is_profile_name(const char *name)
{
    return strlen(name) <= LONGEST_NAME &&
           text_matches(name, "^[A-Za-z0-9][A-Za-z0-9._-]*$");
}

/* It is a folder in a store, whose name does not end with a dot. */
bool config_is_job_name(const char *name)
{
    return strlen(name) <= JOB_LONGEST_NAME && is_profile_name(name) &&
           name[strlen(name) - 1] != '.';
}

static void declare_job(lua_State *L, struct evaluation *own)
{
    if (own->config->passes_jobs)
        return;
    config_take_job(L, own->config, own->mistakes, own->open_name, own->open_line);
    if (own->mistakes->count > 0 && !own->mistakes->are_all) {
        lua_pushnil(L); /* the first mistake is the end */
        lua_error(L);
    }
}

static const struct declaration declarations[] = {
    {"profile", is_profile_name,
     "a name is 1 to 64 letters, digits and -._, the first of them a letter or digit",
     declare_profile},
    {"job", config_is_job_name,
     "a name is 1 to 40 letters, digits and -._, the first of them a letter or digit, "
     "the last no dot",
     declare_job}};

_Static_assert(LONGEST_NAME == 64 && JOB_LONGEST_NAME == 40, "the rules say so");

enum { DECLARATIONS = sizeof declarations / sizeof declarations[0] };

static void check_closed(lua_State *L, const struct evaluation *own)
{
    if (own->open != NULL)
        refuse(L, own->open_line,
               memory_format("%s '%s' has no table: %s \"%s\" { .. }", own->open->word,
                             own->open_name, own->open->word, own->open_name));
}

static int declare_open(lua_State *L)
{
    const struct declaration *open = lua_touserdata(L, 2);

    lua_settop(L, 1);
    open->declare(L, evaluation_of(L));
    return 0;
}

/* What is refused is one mistake, and the file goes on behind the declaration. */
static void declare_or_tell(lua_State *L, struct evaluation *own,
                            const struct declaration *open)
{
    lua_pushcfunction(L, declare_open);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)open);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        return;
    if (own->refusal == NULL)
        lua_error(L);
    config_add_mistake(own->mistakes, own->refusal_line, own->config->job_count,
                       own->refusal);
    own->refusal = NULL;
}

/* { ... }: what is declared */
static int close_declaration(lua_State *L)
{
    struct evaluation *own = evaluation_of(L);
    const struct declaration *open = own->open;

    if (open == NULL)
        return refuse(
            L, current_line(L),
            memory_copy_string("a declaration has one table; this is one more"));
    own->open = NULL;
    if (lua_gettop(L) != 1 || !lua_istable(L, 1))
        return refuse(L, own->open_line,
                      memory_format("%s '%s': a table expected, got a %s", open->word,
                                    own->open_name, luaL_typename(L, 1)));
    if (own->mistakes->are_all)
        declare_or_tell(L, own, open);
    else
        open->declare(L, own);
    return 0;
}

static int ignore_table(lua_State *L)
{
    (void)L;
    return 0;
}

/* A name that is none: the end of a file that is read; of one that is checked, of what it declares. */
static int refuse_name(lua_State *L, const struct declaration *declaration, int line)
{
    struct evaluation *own = evaluation_of(L);
    char *message = memory_format("%s: %s", declaration->word, declaration->name_rule);

    if (!own->mistakes->are_all)
        return refuse(L, line, message);
    config_add_mistake(own->mistakes, line, own->config->job_count, message);
    lua_pushcfunction(L, ignore_table);
    return 1;
}

/* What has been declared took its time, too. */
static void allow_for_declared(struct evaluation *own)
{
    const size_t count = own->config->job_count + own->mistakes->count;

    own->limits.most_cpu_ms = CPU_LIMIT_MS + (int64_t)(count / JOBS_PER_MS);
}

/* profile "name" -> function that takes the table */
static int open_declaration(lua_State *L)
{
    const struct declaration *declaration = lua_touserdata(L, lua_upvalueindex(1));
    struct evaluation *own = evaluation_of(L);
    const int line = current_line(L);
    size_t length = 0;

    allow_for_declared(own);
    check_closed(L, own);
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING)
        return refuse(
            L, line,
            memory_format("%s: a name expected, then a table: %s \"name\" { .. }",
                          declaration->word, declaration->word));

    const char *name = lua_tolstring(L, 1, &length);

    if (strlen(name) != length || !declaration->is_name(name))
        return refuse_name(L, declaration, line);
    own->open = declaration;
    own->open_line = line;
    memcpy(own->open_name, name, length + 1);
    lua_pushcfunction(L, close_declaration);
    return 1;
}

/* --- the environment ---------------------------------------------------------------- */

static int refuse_global(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    const char *words[DECLARATIONS];

    for (size_t i = 0; i < DECLARATIONS; i++)
        words[i] = declarations[i].word;

    char *near = config_suggest(name, words, DECLARATIONS);
    char *message =
        memory_format("'%s' is unknown: there are no libraries, and no globals but "
                      "declarations%s",
                      name, near);

    free(near);
    return refuse(L, current_line(L), message);
}

static int refuse_assignment(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";

    return refuse(L, current_line(L),
                  memory_format("'%s' is set, and nobody reads it: say local for a name "
                                "of the file's own",
                                name));
}

static void push_environment(lua_State *L)
{
    lua_newtable(L);
    lua_newtable(L); /* its metatable */
    /* What can be read; the environment itself stays empty, so that setting it is noticed. */
    lua_newtable(L);
    for (size_t i = 0; i < DECLARATIONS; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&declarations[i]);
        lua_pushcclosure(L, open_declaration, 1);
        lua_setfield(L, -2, declarations[i].word);
    }
    lua_newtable(L);
    lua_pushcfunction(L, refuse_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_assignment);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}

/* --- running ------------------------------------------------------------------------ */

struct chunk {
    const char *text;
    size_t length;
};

static int run(lua_State *L)
{
    const struct chunk *chunk = lua_touserdata(L, 1);

    lua_settop(L, 0);
    if (luaL_loadbufferx(L, chunk->text, chunk->length, chunk_name, "t") != LUA_OK)
        return lua_error(L);
    push_environment(L);
    lua_setupvalue(L, 1, 1);
    lua_call(L, 0, LUA_MULTRET);
    check_closed(L, evaluation_of(L));
    if (lua_gettop(L) > 0)
        luaL_error(L, "the file returns something, which nobody takes");
    return 0;
}

/* What has stopped the file. Owned by the caller. */
static char *describe_error(lua_State *L, int status)
{
    static const char place[] = "line:";
    struct evaluation *own = evaluation_of(L);
    const char *text = lua_tostring(L, -1);

    if (own->refusal != NULL) {
        char *refusal = memory_format("%d: %s", own->refusal_line, own->refusal);

        free(own->refusal);
        return refusal;
    }
    if (status == LUA_ERRMEM)
        return memory_format(" it needs more than %d MiB of memory", MEMORY_LIMIT >> 20);
    if (text != NULL && strncmp(text, place, sizeof place - 1) == 0)
        return memory_copy_string(text + sizeof place - 1);
    return memory_format(" %s", text != NULL ? text : "it raises what is no text");
}

/* A mistake in a job has stopped the file, and is told as one. */
static bool is_told(const struct config_mistakes *mistakes)
{
    return !mistakes->are_all && mistakes->count > 0;
}

char *config_evaluate(struct config *config, struct config_mistakes *mistakes)
{
    struct evaluation own = {.limits = {.most_bytes = MEMORY_LIMIT,
                                        .most_instructions = INSTRUCTION_LIMIT,
                                        .most_cpu_ms = CPU_LIMIT_MS,
                                        .endless = "it does not come to an end"},
                             .config = config,
                             .mistakes = mistakes};
    struct chunk chunk = {mistakes->source, mistakes->length};
    lua_State *L = limited_lua_open(&own.limits);
    char *wrong = NULL;

    if (L == NULL)
        return memory_copy_string(" no memory for a Lua state");
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, &chunk);

    const int status = lua_pcall(L, 1, 0, 0);

    if (status != LUA_OK && !is_told(mistakes))
        wrong = describe_error(L, status);
    lua_close(L);
    if (status == LUA_OK)
        config_finish_jobs(config, mistakes);
    return wrong;
}
