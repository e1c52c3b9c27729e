/* engine/test/plan.c - which tests there are, in which order, and what became of them. */
#include "test/plan.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/json.h"
#include "base/memory.h"
#include "sim/chance.h"

const char *const test_status_names[] = {"not run", "passed", "failed", "skipped"};

/* --- files ---------------------------------------------------------------------------- */

static void add_file(struct test_plan *plan, const char *path)
{
    plan->files =
        memory_resize(plan->files, (plan->file_count + 1) * sizeof plan->files[0]);
    plan->files[plan->file_count++] =
        (struct test_file){.path = memory_copy_string(path)};
}

static bool has_suffix(const char *text, const char *suffix)
{
    const size_t length = strlen(text), end = strlen(suffix);

    return length >= end && strcmp(text + length - end, suffix) == 0;
}

static bool is_test_name(const char *name)
{
    return has_suffix(name, ".lua") &&
           (strncmp(name, "test_", 5) == 0 || strncmp(name, "spec_", 5) == 0 ||
            has_suffix(name, "_test.lua") || has_suffix(name, "_spec.lua"));
}

static char *add_folder(struct test_plan *plan, const char *folder);

/* What a folder has under this name. */
static char *add_entry(struct test_plan *plan, const char *folder, const char *name)
{
    const char *slash = has_suffix(folder, "/") ? "" : "/";
    char *path = memory_format("%s%s%s", folder, slash, name), *wrong = NULL;
    struct stat status;

    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        wrong = add_folder(plan, path);
    else if (is_test_name(name))
        add_file(plan, path);
    free(path);
    return wrong;
}

static char *add_folder(struct test_plan *plan, const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, NULL, alphasort);
    char *wrong = NULL;

    if (count < 0)
        return memory_format("%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (wrong == NULL && entries[i]->d_name[0] != '.')
            wrong = add_entry(plan, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return wrong;
}

char *plan_add_path(struct test_plan *plan, const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return memory_format("%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return add_folder(plan, path);
    add_file(plan, path);
    return NULL;
}

/* --- cases ---------------------------------------------------------------------------- */

static struct test_case *add_case(struct test_file *file, const char *name)
{
    struct test_case *test = memory_new(sizeof *test);

    test->file = file->path;
    test->name = memory_copy_string(name);
    file->cases = memory_resize(file->cases, (file->count + 1) * sizeof file->cases[0]);
    file->cases[file->count++] = test;
    return test;
}

void plan_add_cases(struct test_file *file, const cJSON *cases)
{
    const cJSON *row;

    cJSON_ArrayForEach (row, cases) {
        struct test_case *test = add_case(file, json_string_at(row, "name"));
        const char *seed = json_string_at(row, "seed");
        const char *skip = json_string_at(row, "skip");

        test->line = (int)json_number_at(row, "line", 0);
        test->is_only = cJSON_IsTrue(json_at(row, "only"));
        test->has_seed = seed != NULL;
        if (seed != NULL)
            test->seed = (uint64_t)strtoll(seed, NULL, 10);
        test->timeout_ms = (int64_t)(json_number_at(row, "timeout", 0) * 1000.0);
        test->wall_limit_ms = (int64_t)(json_number_at(row, "wall", 0) * 1000.0);
        if (skip != NULL) {
            test->status = TEST_SKIPPED;
            test->message = memory_copy_string(skip);
        }
    }
}

struct test_case *plan_add_broken(struct test_file *file)
{
    struct test_case *test = add_case(file, file->path);

    test->status = TEST_FAILED;
    return test;
}

/* --- choosing and ordering ------------------------------------------------------------ */

/* Whether the name has the filter in it or matches it; `*wrong` says when it is no
 * pattern. */
static bool matches(lua_State *L, const char *name, const char *filter, char **wrong)
{
    bool found = strstr(name, filter) != NULL;

    if (found)
        return true;
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_pushstring(L, name);
    lua_pushstring(L, filter);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        found = !lua_isnil(L, -1);
    else if (*wrong == NULL)
        *wrong = memory_format("'%s': %s", filter, lua_tostring(L, -1));
    lua_settop(L, 0);
    return found;
}

/* Calls `take` for each test of the plan. */
static void for_each(const struct test_plan *plan,
                     void (*take)(void *context, struct test_case *test), void *context)
{
    for (size_t f = 0; f < plan->file_count; f++) {
        for (size_t i = 0; i < plan->files[f].count; i++)
            take(context, plan->files[f].cases[i]);
    }
}

static void notice_only(void *context, struct test_case *test)
{
    struct test_plan *plan = context;

    plan->has_only = plan->has_only || test->is_only;
}

struct choice {
    struct test_plan *plan;
    lua_State *L;
    const char *filter;
    char *wrong;
};

static void choose(void *context, struct test_case *test)
{
    struct choice *choice = context;
    struct test_plan *plan = choice->plan;

    /* a file that cannot be loaded might have any test */
    const bool is_broken = test->status == TEST_FAILED;

    if (!is_broken && plan->has_only && !test->is_only)
        return;
    if (!is_broken && choice->filter != NULL &&
        !matches(choice->L, test->name, choice->filter, &choice->wrong))
        return;
    test->is_chosen = true;
    plan->order =
        memory_resize(plan->order, (plan->count + 1) * sizeof(struct test_case *));
    plan->order[plan->count++] = test;
}

static void shuffle(struct test_plan *plan, uint64_t seed)
{
    for (size_t i = plan->count; i > 1; i--) {
        const size_t other = (size_t)(chance_draw(seed, "order", "test", i) % i);
        struct test_case *test = plan->order[other];

        plan->order[other] = plan->order[i - 1];
        plan->order[i - 1] = test;
    }
}

char *plan_arrange(struct test_plan *plan, const char *filter, uint64_t seed)
{
    struct choice choice = {.plan = plan, .filter = filter, .L = luaL_newstate()};

    luaL_requiref(choice.L, "string", luaopen_string, 1);
    for_each(plan, notice_only, plan);
    for_each(plan, choose, &choice);
    lua_close(choice.L);
    shuffle(plan, seed);
    for (size_t i = 0; i < plan->count; i++) {
        struct test_case *test = plan->order[i];

        /* by the name: alone or among others, it meets the same */
        if (!test->has_seed)
            test->seed = chance_draw(seed, test->name, "seed", 0);
    }
    return choice.wrong;
}

size_t plan_count(const struct test_plan *plan, enum test_status status)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        count += plan->order[i]->status == status;
    return count;
}

static void free_case(void *context, struct test_case *test)
{
    (void)context;
    free(test->name);
    free(test->message);
    free(test->where);
    free(test->frames);
    free(test->output);
    free(test);
}

void plan_deinit(struct test_plan *plan)
{
    for_each(plan, free_case, NULL);
    for (size_t f = 0; f < plan->file_count; f++) {
        free(plan->files[f].path);
        free(plan->files[f].cases);
    }
    free(plan->files);
    free(plan->order);
    *plan = (struct test_plan){0};
}
