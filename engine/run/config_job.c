/* engine/run/config_job.c - `job "name" { ... }`: what its fields say together. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/config_parts.h"
#include "schedule/zone.h"

/* --- mistakes ----------------------------------------------------------------------- */

/* The line of "schedule", or of "notify.on"; of one entry of a list, that of the list. */
static int find_line(const struct job_reading *reading, const char *field)
{
    const size_t length = strcspn(field, ".[");
    char *name = memory_copy_text(field, length);
    int line = reading->job->line;

    if (length > 0)
        line = config_find_line(reading->mistakes, line, name);
    if (field[length] == '.')
        line = config_find_line(reading->mistakes, line, field + length + 1);
    free(name);
    return line;
}

/* "job 'a': schedule: ..." */
static char *describe(const struct job_reading *reading, const char *field,
                      const char *what)
{
    return memory_format("job '%s': %s%s%s", reading->job->name, field,
                         field[0] != '\0' ? ": " : "", what);
}

static void add_mistake(struct job_reading *reading, int line, const char *field,
                        char *wrong)
{
    config_add_mistake(reading->mistakes, line, reading->config->job_count,
                       describe(reading, field, wrong));
    free(wrong);
}

void config_job_mistake(struct job_reading *reading, const char *field, char *wrong)
{
    add_mistake(reading, find_line(reading, field), field, wrong);
}

void config_job_warning(struct job_reading *reading, const char *field, char *warning)
{
    char *text = describe(reading, field, warning);

    if (reading->mistakes->are_all)
        log_line(LOG_WARNING, "%s:%d: %s", reading->config->path,
                 find_line(reading, field), text);
    free(text);
    free(warning);
}

/* --- fields that are none ----------------------------------------------------------- */

static char *complain_unknown(const char *key, const char *const *names, size_t count)
{
    char *near, *wrong;

    if (strlen(key) > 64 || !text_matches(key, "^[A-Za-z_][A-Za-z0-9_]*$"))
        return memory_format("a field is a name such as %s", names[0]);
    if (config_is_secret(key))
        return memory_format("%s: a configuration holds no secrets: they are in the "
                             "environment of whoever needs them",
                             key);
    near = config_suggest(key, names, count);
    wrong = memory_format("unknown field '%s'%s", key, near);
    free(near);
    return wrong;
}

static void tell_unknown(struct job_reading *reading, const char *field, const char *key,
                         const char *const *names, size_t count)
{
    char *place = memory_format("%s%s%s", field, field[0] != '\0' ? "." : "", key);

    add_mistake(reading, find_line(reading, place), field,
                complain_unknown(key, names, count));
    free(place);
}

static bool is_one_of(const char *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], key) == 0)
            return true;
    }
    return false;
}

void config_check_job_keys(struct job_reading *reading, const char *field,
                           const char *const *names, size_t count)
{
    lua_State *L = reading->L;
    bool has_other = false;

    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;

        if (key == NULL)
            has_other = true;
        else if (!is_one_of(key, names, count))
            tell_unknown(reading, field, key, names, count);
    }
    if (has_other)
        config_job_mistake(reading, field,
                           memory_format("fields have names: %s = ..", names[0]));
}

/* --- what fields say together ------------------------------------------------------- */

static void open_zone(struct job_reading *reading)
{
    struct job *job = reading->job;
    char *wrong = NULL;

    job->schedule.zone = map_find(&reading->config->zones, job->timezone);
    if (job->schedule.zone != NULL)
        return;
    job->schedule.zone = zone_open(job->timezone, &wrong);
    if (job->schedule.zone != NULL)
        map_set(&reading->config->zones, job->timezone, job->schedule.zone);
    else
        config_job_mistake(reading, "timezone", wrong);
}

static void check_when(struct job_reading *reading)
{
    if (reading->has_cron && reading->has_every)
        config_job_mistake(reading, "every",
                           memory_copy_string("schedule and every exclude each other"));
    else if (!reading->has_cron && !reading->has_every)
        config_job_mistake(reading, "",
                           memory_copy_string("say when: schedule = \"0 20 * * *\", or "
                                              "every = \"15m\""));
    else if (reading->has_every && reading->has_timezone)
        config_job_mistake(
            reading, "timezone",
            memory_copy_string("every goes by elapsed time, whatever the clocks say"));
    if (!reading->has_script)
        config_job_mistake(reading, "",
                           memory_copy_string("say what: script = \"file.lua\""));
}

enum { SAMPLED_SLOTS = 1000 };

/* The shortest span between two slots; of cron between those of a year, or of as many as are looked
 * at, or one that is shorter than `enough_ms`. */
static int64_t shortest_interval_ms(const struct schedule *schedule, int64_t enough_ms)
{
    const int64_t begin_s = 1830297600; /* 2028, which has a 29th of February */
    int64_t shortest_s = INT64_MAX, at_s = begin_s;

    if (schedule->every_ms != 0)
        return schedule->every_ms;
    at_s = cron_next(&schedule->cron, at_s);
    for (int i = 0; i < SAMPLED_SLOTS && at_s != INT64_MAX; i++) {
        const int64_t next_s = cron_next(&schedule->cron, at_s);

        if (next_s == INT64_MAX || next_s - begin_s > 366 * 86400)
            break;
        if (next_s - at_s < shortest_s)
            shortest_s = next_s - at_s;
        if (shortest_s * 1000 < enough_ms)
            break;
        at_s = next_s;
    }
    return shortest_s < INT64_MAX / 1000 ? shortest_s * 1000 : INT64_MAX;
}

static char *compare_jitter(int64_t jitter_ms, const char *with, int64_t other_ms)
{
    char jitter[DURATION_TEXT_SIZE], other[DURATION_TEXT_SIZE];

    duration_format_parts(jitter_ms, jitter);
    duration_format_parts(other_ms, other);
    return memory_format("%s is more than %s %s", jitter, with, other);
}

/* Whether a slot that begins so much later begins in time, and before the next one. */
static void check_jitter(struct job_reading *reading)
{
    const struct job *job = reading->job;
    int64_t shortest_ms;

    if (job->catch_up_ms != 0 && job->jitter_ms > job->catch_up_ms)
        config_job_mistake(reading, "jitter",
                           compare_jitter(job->jitter_ms, "catch_up,", job->catch_up_ms));
    if (!reading->mistakes->are_all || job->schedule_text == NULL)
        return;
    shortest_ms = shortest_interval_ms(&job->schedule, job->jitter_ms);
    if (shortest_ms < job->jitter_ms)
        config_job_warning(
            reading, "jitter",
            compare_jitter(job->jitter_ms, "the time between two slots,", shortest_ms));
}

/* --- the job ------------------------------------------------------------------------ */

static const char *const no_arguments[] = {NULL};

static const struct job defaults = {.timezone = "UTC",
                                    .arguments = no_arguments,
                                    .catch_up_ms = JOB_CATCH_UP_MS,
                                    .late_after_ms = JOB_LATE_AFTER_MS,
                                    .retry_after_ms = JOB_RETRY_AFTER_MS,
                                    .keep = JOB_KEEP};

/* The job to fill in; NULL when it cannot be one, which is told. */
static struct job *add_job(struct config *config, struct config_mistakes *mistakes,
                           const char *name, int line)
{
    const struct job *old = config_find_job(config, name);
    struct job *job = NULL;
    char *wrong = NULL;

    if (old != NULL)
        wrong = memory_format("job '%s': there is one of that name in line %d", name,
                              old->line);
    else if (config->job_count == JOB_MOST)
        wrong = memory_format("job '%s': more than %d jobs", name, JOB_MOST);
    if (wrong != NULL) {
        config_add_mistake(mistakes, line, config->job_count, wrong);
        return NULL;
    }
    job = config_add_job(config, name);
    name = job->name;
    *job = defaults;
    job->name = name;
    job->line = line;
    return job;
}

void config_take_job(lua_State *L, struct config *config,
                     struct config_mistakes *mistakes, const char *name, int line)
{
    struct job_reading reading = {.L = L,
                                  .config = config,
                                  .mistakes = mistakes,
                                  .job = add_job(config, mistakes, name, line)};

    if (reading.job == NULL)
        return;
    config_take_job_fields(&reading);
    check_when(&reading);
    open_zone(&reading);
    if (reading.job->jitter_ms != 0)
        check_jitter(&reading);
}

/* Whether all profiles that jobs name are there; a profile may be declared behind its jobs. */
static void check_profiles(struct config *config, struct config_mistakes *mistakes)
{
    const char **names = memory_new((config->profile_count + 1) * sizeof *names);
    struct map places = {0};

    for (size_t i = 0; i < config->profile_count; i++) {
        names[i] = config->profiles[i].name;
        map_set(&places, names[i], config->profiles[i].name);
    }
    for (size_t i = 0; i < config->job_count; i++) {
        struct job *job = &config->jobs[i];
        struct job_reading reading = {.config = config, .mistakes = mistakes, .job = job};

        if (job->profile == NULL || map_find(&places, job->profile) != NULL)
            continue;

        char *near = config_suggest(job->profile, names, config->profile_count);

        config_job_mistake(
            &reading, "profile",
            memory_format("there is no profile '%s'%s", job->profile, near));
        free(near);
    }
    map_deinit(&places, NULL);
    free(names);
}

void config_finish_jobs(struct config *config, struct config_mistakes *mistakes)
{
    if (config->job_count > 0)
        check_profiles(config, mistakes);
}
