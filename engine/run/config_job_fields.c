/* engine/run/config_job_fields.c - what a job may say: the one table of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/config_parts.h"
#include "run/source.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define MIB    ((int64_t)1 << 20)

enum { MOST_WORDS = 16 };

struct job_row {
    struct config_field field;
    /* Takes the value on top. NULL, or what is wrong with it, owned by the caller. */
    char *(*take)(const struct job_row *row, struct job_reading *reading);
    size_t offset; /* in struct job */
    int64_t least, most;
    const char *const *words; /* ended by NULL */
};

static void *place(const struct job_row *row, const struct job_reading *reading)
{
    return (char *)reading->job + row->offset;
}

/* --- plain values ------------------------------------------------------------------- */

static char *take_text(const struct job_row *row, struct job_reading *reading)
{
    char *wrong;
    const char *text = config_look_at_text(reading->L, &wrong);

    if (text != NULL)
        *(const char **)place(row, reading) =
            config_keep(reading->config, memory_copy_string(text));
    return wrong;
}

static char *take_flag(const struct job_row *row, struct job_reading *reading)
{
    return config_take_flag(reading->L, place(row, reading));
}

static char *take_enabled(const struct job_row *row, struct job_reading *reading)
{
    bool is_enabled = true;
    char *wrong = config_take_flag(reading->L, &is_enabled);

    *(bool *)place(row, reading) = !is_enabled;
    return wrong;
}

static char *take_duration(const struct job_row *row, struct job_reading *reading)
{
    return config_take_duration(reading->L, row->least, row->most, place(row, reading));
}

/* The same, or "none", which is 0. */
static char *take_duration_or_none(const struct job_row *row, struct job_reading *reading)
{
    if (lua_type(reading->L, -1) != LUA_TSTRING ||
        strcmp(lua_tostring(reading->L, -1), "none") != 0)
        return take_duration(row, reading);
    *(int64_t *)place(row, reading) = 0;
    return NULL;
}

static char *take_count(const struct job_row *row, struct job_reading *reading)
{
    uint64_t number = *(unsigned *)place(row, reading);
    char *wrong =
        config_take_whole(reading->L, (uint64_t)row->least, (uint64_t)row->most, &number);

    *(unsigned *)place(row, reading) = (unsigned)number;
    return wrong;
}

static char *take_keep(const struct job_row *row, struct job_reading *reading)
{
    uint64_t number = reading->job->keep;
    char *wrong =
        config_take_whole(reading->L, (uint64_t)row->least, (uint64_t)row->most, &number);

    reading->job->keep = (size_t)number;
    return wrong;
}

static char *take_limit(const struct job_row *row, struct job_reading *reading)
{
    struct guard_limit *limit = place(row, reading);
    char *wrong = config_take_whole(reading->L, (uint64_t)row->least, (uint64_t)row->most,
                                    &limit->most);

    limit->is_set = wrong == NULL;
    return wrong;
}

/* Owned by the caller: "'skip', 'allow'". */
static char *list_words(const char *const *words)
{
    char *list = memory_format("'%s'", words[0]);

    for (size_t i = 1; words[i] != NULL; i++) {
        char *longer = memory_format("%s%s '%s'", list,
                                     words[i + 1] != NULL ? "," : " or", words[i]);

        free(list);
        list = longer;
    }
    return list;
}

static char *complain_word(const char *text, const char *const *words)
{
    char *list = list_words(words);
    char *wrong = memory_format("'%s' is not %s", text, list);

    free(list);
    return wrong;
}

static int find_word(const char *text, const char *const *words)
{
    int i = 0;

    while (words[i] != NULL && strcmp(words[i], text) != 0)
        i++;
    return words[i] != NULL ? i : -1;
}

/* Of an enumeration, whose values count from 0. */
static int look_at_word(const struct job_row *row, const struct job_reading *reading,
                        char **wrong)
{
    const char *text = config_look_at_text(reading->L, wrong);
    const int word = text != NULL ? find_word(text, row->words) : -1;

    if (text != NULL && word < 0)
        *wrong = complain_word(text, row->words);
    return word;
}

static char *take_overlap(const struct job_row *row, struct job_reading *reading)
{
    char *wrong;
    const int word = look_at_word(row, reading, &wrong);

    if (word >= 0)
        reading->job->overlap = (enum job_overlap)word;
    return wrong;
}

static char *take_missed(const struct job_row *row, struct job_reading *reading)
{
    char *wrong;
    const int word = look_at_word(row, reading, &wrong);

    if (word >= 0)
        reading->job->missed = (enum job_missed)word;
    return wrong;
}

/* Bytes: a number of them, or "512M", the letter for a power of 1024. */
static char *take_size(const struct job_row *row, struct job_reading *reading)
{
    static const char units[] = "KMGT";
    char *wrong = NULL;
    uint64_t size = 0;

    if (lua_type(reading->L, -1) == LUA_TNUMBER)
        return config_take_whole(reading->L, (uint64_t)row->least, (uint64_t)row->most,
                                 place(row, reading));

    const char *text = config_look_at_text(reading->L, &wrong);

    if (text == NULL)
        return wrong;
    if (text_matches(text, "^[0-9]{1,15}[KMGT]?$")) {
        const char *unit = strchr(units, text[strlen(text) - 1]);
        const unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
        const uint64_t number = strtoull(text, NULL, 10);

        size = number <= UINT64_MAX >> shift ? number << shift : UINT64_MAX;
    }
    if (size < (uint64_t)row->least || size > (uint64_t)row->most)
        return memory_format("'%s' is not a size from %lldM to %lldG, such as 512M or 2G",
                             text, (long long)(row->least / MIB),
                             (long long)(row->most / MIB / 1024));
    *(uint64_t *)place(row, reading) = size;
    return NULL;
}

/* --- when --------------------------------------------------------------------------- */

static char *take_schedule(const struct job_row *row, struct job_reading *reading)
{
    char *wrong = take_text(row, reading);

    reading->has_cron = true;
    return wrong == NULL
               ? cron_parse(reading->job->schedule_text, &reading->job->schedule.cron)
               : wrong;
}

/* Slots are whole seconds. */
static char *take_every(const struct job_row *row, struct job_reading *reading)
{
    struct job *job = reading->job;
    char *wrong = take_duration(row, reading);

    reading->has_every = true;
    if (wrong == NULL && job->schedule.every_ms % SECOND != 0)
        wrong = memory_copy_string("whole seconds expected");
    if (wrong == NULL) {
        char every[DURATION_TEXT_SIZE];

        duration_format_parts(job->schedule.every_ms, every);
        job->schedule_text =
            config_keep(reading->config, memory_format("every %s", every));
    }
    return wrong;
}

static char *take_timezone(const struct job_row *row, struct job_reading *reading)
{
    reading->has_timezone = true;
    return take_text(row, reading);
}

/* --- what --------------------------------------------------------------------------- */

static const char ready_folder[] = "scripts/", suffix[] = ".lua";

static bool ends_with_suffix(const char *text, size_t length)
{
    const size_t size = sizeof suffix - 1;

    return length > size && memcmp(text + length - size, suffix, size) == 0;
}

/* The length of the ready script's name in a file's path; 0 when it is none. */
static size_t ready_name(const char *path, const char **name)
{
    const size_t length = strlen(path), size = sizeof ready_folder - 1;

    if (strncmp(path, ready_folder, size) != 0 || !ends_with_suffix(path, length))
        return 0;
    *name = path + size;
    return strcspn(*name, "/") == length - size ? length - size - (sizeof suffix - 1) : 0;
}

static bool is_ready_script(const char *text)
{
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        const char *name;
        const size_t length = ready_name(file->path, &name);

        if (length > 0 && strlen(text) == length && memcmp(text, name, length) == 0)
            return true;
    }
    return false;
}

/* "; did you mean 'x'?" among the ready scripts, or nothing. Owned by the caller. */
static char *suggest_ready(const char *text)
{
    enum { MOST_READY = 256 };
    char **names = memory_new(MOST_READY * sizeof *names), *near;
    size_t count = 0;

    for (const struct embedded_file *file = embedded_files;
         file->path != NULL && count < MOST_READY; file++) {
        const char *name;
        const size_t length = ready_name(file->path, &name);

        if (length > 0)
            names[count++] = memory_copy_text(name, length);
    }
    near = config_suggest(text, (const char *const *)names, count);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return near;
}

/* Only whoever checks the file looks: the jobs of another host may have scripts that this one has
 * not. */
static char *check_script(const char *path)
{
    struct stat file;

    if (stat(path, &file) != 0 || access(path, R_OK) != 0)
        return memory_format("%s: %s", path, strerror(errno));
    return S_ISREG(file.st_mode) ? NULL : memory_format("%s is no file", path);
}

static char *take_ready(const char *text, struct job_reading *reading)
{
    char *near, *wrong;

    if (is_ready_script(text)) {
        reading->job->script = config_keep(reading->config, memory_copy_string(text));
        return NULL;
    }
    near = suggest_ready(text);
    wrong = memory_format("'%s' is no file beside this one, and no ready script%s", text,
                          near);
    free(near);
    return wrong;
}

static bool is_beside(const struct config *config, const char *text)
{
    char *path = memory_format("%s/%s", config->folder, text);
    struct stat file;
    const bool is_there = stat(path, &file) == 0 && S_ISREG(file.st_mode);

    free(path);
    return is_there;
}

static char *find_script(const struct job_row *row, const char *text,
                         struct job_reading *reading)
{
    char *wrong;

    if (strchr(text, '/') == NULL && !ends_with_suffix(text, strlen(text)) &&
        !is_beside(reading->config, text))
        return take_ready(text, reading);
    wrong = config_take_path(text, reading->config, place(row, reading));
    return wrong == NULL && reading->mistakes->are_all
               ? check_script(reading->job->script)
               : wrong;
}

/* What many jobs share is looked for once. */
static char *take_script(const struct job_row *row, struct job_reading *reading)
{
    struct map *scripts = &reading->config->scripts;
    char *wrong;
    const char *text = config_look_at_text(reading->L, &wrong);

    reading->has_script = true;
    if (text == NULL)
        return wrong;
    reading->job->script = map_find(scripts, text);
    if (reading->job->script != NULL)
        return NULL;
    wrong = find_script(row, text, reading);
    if (wrong == NULL)
        map_set(scripts, text, (void *)(uintptr_t)reading->job->script);
    return wrong;
}

/* The argument on top as a text, which config_keep() has. */
static char *take_argument(struct job_reading *reading, const char **to)
{
    lua_State *L = reading->L;
    size_t length = 0;
    char *wrong = NULL;

    if (lua_isboolean(L, -1)) {
        *to = lua_toboolean(L, -1) ? "true" : "false";
        return NULL;
    }
    if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
        return config_complain_type("a text, a number, true or false", L);

    const char *text = lua_tolstring(L, -1, &length);

    if (length > 0)
        wrong = config_check_text(text, length);
    if (wrong == NULL)
        *to = config_keep(reading->config, memory_copy_string(text));
    return wrong;
}

static char *take_args(const struct job_row *row, struct job_reading *reading)
{
    lua_State *L = reading->L;
    lua_Integer count;
    char *wrong = NULL;

    if (!config_is_list(L, &count))
        return lua_istable(L, -1) ? memory_copy_string("a list expected, {\"a\", 1}")
                                  : config_complain_type("a list", L);
    if (count > row->most)
        return memory_format("more than %lld of them", (long long)row->most);

    const char **list = config_keep_block(reading->config,
                                          memory_new(((size_t)count + 1) * sizeof *list));

    for (lua_Integer i = 1; i <= count && wrong == NULL; i++) {
        lua_rawgeti(L, -1, i);
        wrong = take_argument(reading, &list[i - 1]);
        lua_pop(L, 1);
        if (wrong != NULL) {
            char *one = wrong;

            wrong = memory_format("number %lld: %s", (long long)i, one);
            free(one);
        }
    }
    reading->job->arguments = list;
    return wrong;
}

static char *take_notify(const struct job_row *row, struct job_reading *reading)
{
    (void)row;
    config_take_notices(reading);
    return NULL;
}

/* --- the table ---------------------------------------------------------------------- */

#define AT(member) offsetof(struct job, member)

static const struct job_row rows[] = {
    {{"description", "TEXT", "what it is for"}, take_text, AT(description), 0, 0, NULL},
    {{"schedule", "CRON", "minute, hour, day of month, month, day of week; or @daily"},
     take_schedule,
     AT(schedule_text),
     0,
     0,
     NULL},
    {{"every", "TIME", "instead of schedule: by elapsed time, from 1s to 366d"},
     take_every,
     AT(schedule.every_ms),
     SCHEDULE_SHORTEST_MS,
     SCHEDULE_LONGEST_DAYS *DAY,
     NULL},
    {{"timezone", "ZONE", "of schedule, such as Europe/Berlin; else UTC"},
     take_timezone,
     AT(timezone),
     0,
     0,
     NULL},
    {{"script", "SCRIPT", "a file, relative to this one's folder, or a ready script"},
     take_script,
     AT(script),
     0,
     0,
     NULL},
    {{"args", "LIST", "its arguments: texts, numbers, true and false"},
     take_args,
     AT(arguments),
     0,
     JOB_MOST_ARGUMENTS,
     NULL},
    {{"profile", "NAME", "as --profile"}, take_text, AT(profile), 0, 0, NULL},
    {{"enabled", "false", "never by itself, only by hand"},
     take_enabled,
     AT(is_disabled),
     0,
     0,
     NULL},
    {{"overlap", "HOW",
      "while it runs: skip (the default), buffer-one, buffer-all, cancel, allow"},
     take_overlap,
     0,
     0,
     0,
     job_overlap_names},
    {{"catch_up", "TIME", "how late a slot may begin, 1h by default, to 31d; or none"},
     take_duration_or_none,
     AT(catch_up_ms),
     SECOND,
     31 * DAY,
     NULL},
    {{"missed", "WHICH", "of missed slots run late: all (the default), last or none"},
     take_missed,
     0,
     0,
     0,
     job_missed_names},
    {{"jitter", "TIME", "begin up to so much later, always by the same time; to 24h"},
     take_duration,
     AT(jitter_ms),
     0,
     DAY,
     NULL},
    {{"late_after", "TIME", "tell a slot as late that begins later, 1m by default"},
     take_duration,
     AT(late_after_ms),
     SECOND,
     31 * DAY,
     NULL},
    {{"timeout", "TIME", "end an attempt after TIME, from 1s to 31d; else never"},
     take_duration,
     AT(timeout_ms),
     SECOND,
     31 * DAY,
     NULL},
    {{"retries", "N", "carry a run that failed on up to N times, to 100"},
     take_count,
     AT(retries),
     0,
     100,
     NULL},
    {{"retry_after", "TIME", "and so long after, 1m by default, to 24h"},
     take_duration,
     AT(retry_after_ms),
     0,
     DAY,
     NULL},
    {{"pause_after", "N", "pause the job after N failures in a row"},
     take_count,
     AT(pause_after),
     1,
     1000,
     NULL},
    {{"read_only", "true", "as --read-only"}, take_flag, AT(read_only), 0, 0, NULL},
    {{"max_writes", "N", "as --max-writes"},
     take_limit,
     AT(max_writes),
     0,
     UINT32_MAX,
     NULL},
    {{"max_deletes", "N", "as --max-deletes"},
     take_limit,
     AT(max_deletes),
     0,
     UINT32_MAX,
     NULL},
    {{"max_memory", "SIZE", "of its process, from 32M to 1024G: 512M, 2G, or bytes"},
     take_size,
     AT(max_memory_bytes),
     32 * MIB,
     1024 * 1024 * MIB,
     NULL},
    {{"max_cpu", "TIME", "processor time of its process, from 1s to 31d"},
     take_duration,
     AT(max_cpu_ms),
     SECOND,
     31 * DAY,
     NULL},
    {{"keep", "N", "ended slots and their runs that are kept, 100 by default"},
     take_keep,
     AT(keep),
     1,
     100000,
     NULL},
    {{"keep_for", "TIME", "and no longer than TIME, from 1m to 3650d"},
     take_duration,
     AT(keep_ms),
     MINUTE,
     3650 * DAY,
     NULL},
    {{"notify", "WHO", "who is told, a table or a list of them; see below"},
     take_notify,
     0,
     0,
     0,
     NULL}};

enum { ROWS = sizeof rows / sizeof rows[0] };

_Static_assert((int)ROWS <= CONFIG_MOST_FIELDS, "CONFIG_MOST_FIELDS is too small");

struct config_field config_job_field(size_t index)
{
    return index < ROWS ? rows[index].field : (struct config_field){0};
}

void config_take_job_fields(struct job_reading *reading)
{
    lua_State *L = reading->L;
    const char *names[ROWS];

    for (size_t i = 0; i < ROWS; i++) {
        char *wrong = NULL;

        names[i] = rows[i].field.name;
        lua_pushstring(L, names[i]);
        if (lua_rawget(L, -2) != LUA_TNIL)
            wrong = rows[i].take(&rows[i], reading);
        lua_pop(L, 1);
        if (wrong != NULL)
            config_job_mistake(reading, names[i], wrong);
    }
    config_check_job_keys(reading, "", names, ROWS);
}
