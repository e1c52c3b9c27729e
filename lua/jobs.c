/* lua/jobs.c - core.jobs: the jobs that the configuration declares, and their slots.
 *
 * Jobs are told by their number, from 1 on, which is good until reload(). Times are seconds since
 * 1970, UTC. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/config.h"
#include "run/job.h"
#include "run/session.h"
#include "schedule/zone.h"

static const char jobs_metatable[] = "jobs";

/* The upvalue of all functions. The configuration is the session's at first, and ours once it was
 * read again. */
struct jobs {
    const struct config *config; /* or NULL: there is none */
    struct config *own;
    const char *file; /* that was named, or NULL */
};

static struct jobs *jobs_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static const struct job *check_job(lua_State *L)
{
    const struct jobs *jobs = jobs_of(L);
    const lua_Integer number = luaL_checkinteger(L, 1);
    const struct job *job = NULL;

    if (jobs->config != NULL && number > 0)
        job = config_job(jobs->config, (size_t)number - 1);
    luaL_argcheck(L, job != NULL, 1, "the number of a job expected");
    return job;
}

static int64_t check_time(lua_State *L, int index)
{
    const lua_Number seconds = luaL_checknumber(L, index);

    luaL_argcheck(L, seconds > -1e12 && seconds < 1e12, index,
                  "seconds since 1970 expected");
    return (int64_t)(seconds * 1000.0);
}

/* --- which there are -------------------------------------------------------------------- */

/* count() -> how many jobs there are */
static int jobs_count(lua_State *L)
{
    const struct jobs *jobs = jobs_of(L);

    lua_pushinteger(L, jobs->config != NULL ? (lua_Integer)config_job_count(jobs->config)
                                            : 0);
    return 1;
}

/* name(number) -> "nightly-scale" */
static int jobs_name(lua_State *L)
{
    lua_pushstring(L, check_job(L)->name);
    return 1;
}

/* host() -> how this process is named to others: "builder-3:4711" */
static int jobs_host(lua_State *L)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    lua_pushfstring(L, "%s:%d", host, (int)getpid());
    return 1;
}

/* user() -> the name of whoever runs this process, or "user 1000" */
static int jobs_user(lua_State *L)
{
    const struct passwd *user = getpwuid(getuid()); /* of one thread */

    if (user != NULL)
        lua_pushstring(L, user->pw_name);
    else
        lua_pushfstring(L, "user %d", (int)getuid());
    return 1;
}

/* steady() -> seconds that nobody sets: of a clock that began with this process */
static int jobs_steady(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_now_ms(session_clock(bind_session(L))) / 1000.0);
    return 1;
}

/* path() -> of the configuration, or nil: there is none */
static int jobs_path(lua_State *L)
{
    const struct jobs *jobs = jobs_of(L);

    lua_pushstring(L, jobs->config != NULL ? config_path(jobs->config) : NULL);
    return 1;
}

/* folder() -> that of the configuration, where runs work, or nil */
static int jobs_folder(lua_State *L)
{
    const struct jobs *jobs = jobs_of(L);
    char *path = jobs->config != NULL ? realpath(config_path(jobs->config), NULL) : NULL;
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;

    if (slash != NULL)
        lua_pushlstring(L, path, slash == path ? 1 : (size_t)(slash - path));
    free(path);
    return slash != NULL ? 1 : 0;
}

/* --- what one says ---------------------------------------------------------------------- */

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool is_set)
{
    lua_pushboolean(L, is_set);
    lua_setfield(L, -2, name);
}

static void set_whole(lua_State *L, const char *name, uint64_t number)
{
    lua_pushinteger(L, (lua_Integer)number);
    lua_setfield(L, -2, name);
}

static void set_seconds(lua_State *L, const char *name, int64_t span_ms)
{
    lua_pushnumber(L, (lua_Number)span_ms / 1000.0);
    lua_setfield(L, -2, name);
}

static void set_limit(lua_State *L, const char *name, const struct guard_limit *limit)
{
    if (limit->is_set)
        set_whole(L, name, limit->most);
}

static void set_list(lua_State *L, const char *name, const char *const *texts)
{
    if (texts == NULL)
        return;
    lua_newtable(L);
    for (lua_Integer i = 0; texts[i] != NULL; i++) {
        lua_pushstring(L, texts[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, name);
}

static void set_events(lua_State *L, unsigned events)
{
    lua_newtable(L);
    for (unsigned i = 0; job_event_names[i] != NULL; i++) {
        if ((events & (1u << i)) != 0) {
            lua_pushboolean(L, true);
            lua_setfield(L, -2, job_event_names[i]);
        }
    }
    lua_setfield(L, -2, "on");
}

static void push_notice(lua_State *L, const struct notice *notice)
{
    lua_newtable(L);
    set_text(L, "way", notice_way_names[notice->way]);
    set_events(L, notice->events);
    set_text(L, "url", notice->url);
    set_text(L, "url_env", notice->url_env);
    set_text(L, "secret_env", notice->secret_env);
    set_text(L, "server", notice->server);
    set_text(L, "user", notice->user);
    set_text(L, "password_env", notice->password_env);
    set_text(L, "from", notice->from);
    set_list(L, "to", notice->to);
    set_list(L, "command", notice->command);
}

static void set_notices(lua_State *L, const struct job *job)
{
    lua_newtable(L);
    for (size_t i = 0; i < job->notice_count; i++) {
        push_notice(L, &job->notices[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "notify");
}

static void set_policy(lua_State *L, const struct job *job)
{
    set_text(L, "overlap", job_overlap_names[job->overlap]);
    set_seconds(L, "catch_up", job->catch_up_ms);
    set_text(L, "missed", job_missed_names[job->missed]);
    set_seconds(L, "jitter", job->jitter_ms);
    set_seconds(L, "late_after", job->late_after_ms);
    set_seconds(L, "timeout", job->timeout_ms);
    set_whole(L, "retries", job->retries);
    set_seconds(L, "retry_after", job->retry_after_ms);
    set_whole(L, "pause_after", job->pause_after);
    set_whole(L, "keep", job->keep);
    set_seconds(L, "keep_for", job->keep_ms);
}

/* job(number) -> a new table of what the job says, or is when nothing is said; durations in
 * seconds, 0 where there is no limit */
static int jobs_job(lua_State *L)
{
    const struct job *job = check_job(L);

    lua_createtable(L, 0, 32);
    set_text(L, "name", job->name);
    set_whole(L, "line", (uint64_t)job->line);
    set_text(L, "description", job->description);
    set_text(L, "schedule", job->schedule_text);
    set_text(L, "timezone", job->timezone);
    set_text(L, "script", job->script);
    set_list(L, "args", job->arguments);
    set_text(L, "profile", job->profile);
    set_flag(L, "enabled", !job->is_disabled);
    set_policy(L, job);
    set_flag(L, "read_only", job->read_only);
    set_limit(L, "max_writes", &job->max_writes);
    set_limit(L, "max_deletes", &job->max_deletes);
    set_whole(L, "max_memory", job->max_memory_bytes);
    set_seconds(L, "max_cpu", job->max_cpu_ms);
    set_notices(L, job);
    return 1;
}

/* fingerprint(number) -> a text that is the same as long as the job's slots are */
static int jobs_fingerprint(lua_State *L)
{
    const struct job *job = check_job(L);
    char uuid[UUID_TEXT_SIZE];
    char *text = memory_format("%s %s", job->schedule_text, job->timezone);

    uuid_from_name(text, uuid);
    free(text);
    lua_pushlstring(L, uuid, 8);
    return 1;
}

/* --- when one is due -------------------------------------------------------------------- */

/* next(number, after) -> its first slot behind that time, or nil; and how it comes to that moment
 * by a shift of the clocks: "shifted", "first" or nil */
static int jobs_next(lua_State *L)
{
    static const char *const notes[] = {[SCHEDULE_PLAIN] = NULL,
                                        [SCHEDULE_SHIFTED] = "shifted",
                                        [SCHEDULE_FIRST] = "first"};
    const struct job *job = check_job(L);
    enum schedule_note note = SCHEDULE_PLAIN;
    const int64_t next_ms = schedule_next(&job->schedule, check_time(L, 2), &note);

    if (next_ms == INT64_MAX)
        return 0;
    lua_pushinteger(L, next_ms / 1000);
    lua_pushstring(L, notes[note]);
    return 2;
}

/* last(number, after, at) -> its last slot behind `after` that is not behind `at`, or nil */
static int jobs_last(lua_State *L)
{
    const struct job *job = check_job(L);
    const int64_t last_ms =
        schedule_last(&job->schedule, check_time(L, 2), check_time(L, 3));

    if (last_ms == INT64_MIN)
        return 0;
    lua_pushinteger(L, last_ms / 1000);
    return 1;
}

/* slots(number, after, until, most) -> how many slots are in between, the last one included; at
 * most so many are counted */
static int jobs_slots(lua_State *L)
{
    const struct job *job = check_job(L);

    lua_pushinteger(L, (lua_Integer)schedule_count(&job->schedule, check_time(L, 2),
                                                   check_time(L, 3),
                                                   (uint64_t)luaL_checkinteger(L, 4)));
    return 1;
}

/* offset(number, at) -> how many seconds the job's zone is east of UTC then, and what people call
 * that: "CEST" */
static int jobs_offset(lua_State *L)
{
    const struct job *job = check_job(L);
    const int64_t at_ms = check_time(L, 2);

    if (job->schedule.zone == NULL) { /* by elapsed time */
        lua_pushinteger(L, 0);
        lua_pushliteral(L, "UTC");
        return 2;
    }

    const struct zone_offset offset = zone_at(job->schedule.zone, at_ms / 1000);

    lua_pushinteger(L, offset.offset_s);
    lua_pushstring(L, offset.abbreviation);
    return 2;
}

/* --- reading it again ------------------------------------------------------------------- */

/* find(name) -> its number, or nil */
static int jobs_find(lua_State *L)
{
    const struct jobs *jobs = jobs_of(L);
    const char *name = luaL_checkstring(L, 1);
    const struct job *job =
        jobs->config != NULL ? config_find_job(jobs->config, name) : NULL;

    if (job == NULL)
        return 0;
    lua_pushinteger(L, job - config_job(jobs->config, 0) + 1);
    return 1;
}

/* reload() -> true when the configuration was read again; nil and what is wrong with it when it was
 * not, or is gone: then all is as it was */
static int jobs_reload(lua_State *L)
{
    struct jobs *jobs = jobs_of(L);
    struct failure *failure = NULL;
    struct config *config = config_read(jobs->file, &failure);

    if (config == NULL && failure == NULL)
        failure = config_complain_absence(jobs->file);
    if (failure != NULL) {
        lua_pushnil(L);
        lua_pushstring(L, failure->message);
        failure_free(failure);
        return 2;
    }
    config_free(jobs->own);
    jobs->own = config;
    jobs->config = config;
    lua_pushboolean(L, true);
    return 1;
}

static int jobs_collect(lua_State *L)
{
    struct jobs *jobs = lua_touserdata(L, 1);

    config_free(jobs->own);
    jobs->own = NULL;
    jobs->config = NULL;
    return 0;
}

int open_jobs(lua_State *L)
{
    static const luaL_Reg functions[] = {{"count", jobs_count},
                                         {"find", jobs_find},
                                         {"fingerprint", jobs_fingerprint},
                                         {"folder", jobs_folder},
                                         {"host", jobs_host},
                                         {"job", jobs_job},
                                         {"last", jobs_last},
                                         {"name", jobs_name},
                                         {"next", jobs_next},
                                         {"offset", jobs_offset},
                                         {"path", jobs_path},
                                         {"reload", jobs_reload},
                                         {"slots", jobs_slots},
                                         {"steady", jobs_steady},
                                         {"user", jobs_user},
                                         {NULL, NULL}};
    const struct settings *settings = session_settings(bind_session(L));
    struct jobs *jobs;

    if (!settings->manages_runs)
        return luaL_error(L, "core.jobs is for `moongate jobs` alone");
    luaL_newlibtable(L, functions);
    jobs = lua_newuserdatauv(L, sizeof *jobs, 0);
    *jobs = (struct jobs){.config = settings->config, .file = settings->config_file};
    luaL_newmetatable(L, jobs_metatable);
    lua_pushcfunction(L, jobs_collect);
    lua_setfield(L, -2, "__gc");
    bind_seal_metatable(L);
    lua_setmetatable(L, -2);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
