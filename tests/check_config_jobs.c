/* tests/check_config_jobs.c - jobs in the configuration: what they may say, and that each mistake is
 * told with its line. */
#include "tests/configured.h"
#include "tests/suite.h"

#include "run/job.h"
#include "schedule/zone.h"

static struct buffer told;

static void take_mistake(void *context, const char *mistake)
{
    (void)context;
    buffer_printf(&told, "%s\n", mistake);
}

static void begin(void)
{
    set_up();
    write_text("s.lua", "");
}

static void end(void)
{
    buffer_deinit(&told);
    tear_down();
}

/* Checks moongate.lua with this text, which has mistakes. */
static void check_wrong(const char *text)
{
    write_text("moongate.lua", text);
    config = config_check(NULL, &failure, take_mistake, NULL);
    ck_assert_ptr_null(config);
    ck_assert_ptr_null(failure);
}

static const struct job *read_job(const char *text)
{
    write_text("moongate.lua", text);
    read_good(NULL);
    ck_assert_uint_eq(config_job_count(config), 1);
    return config_job(config, 0);
}

/* --- what is right ------------------------------------------------------------------ */

START_TEST(what_is_not_said_has_its_default)
{
    const struct job *job =
        read_job("\njob \"a\" { schedule = \"0 20 * * 1-5\", script = \"s.lua\" }");
    char *script = memory_format("%s/s.lua", folder);

    ck_assert_str_eq(job->name, "a");
    ck_assert_int_eq(job->line, 2);
    ck_assert_ptr_null(job->description);
    ck_assert_str_eq(job->schedule_text, "0 20 * * 1-5");
    ck_assert_str_eq(job->timezone, "UTC");
    ck_assert_str_eq(zone_name(job->schedule.zone), "UTC");
    ck_assert_int_eq(job->schedule.every_ms, 0);
    ck_assert_int_eq(job->schedule.cron.hours, 1 << 20);
    ck_assert_str_eq(job->script, script);
    ck_assert_ptr_null(job->arguments[0]);
    ck_assert_ptr_null(job->profile);
    ck_assert(!job->is_disabled);
    ck_assert_int_eq(job->overlap, JOB_SKIP);
    ck_assert_int_eq(job->catch_up_ms, 3600000);
    ck_assert_int_eq(job->missed, JOB_ALL);
    ck_assert_int_eq(job->jitter_ms, 0);
    ck_assert_int_eq(job->late_after_ms, 60000);
    ck_assert_int_eq(job->timeout_ms, 0);
    ck_assert_uint_eq(job->retries, 0);
    ck_assert_int_eq(job->retry_after_ms, 60000);
    ck_assert_uint_eq(job->pause_after, 0);
    ck_assert(!job->read_only && !job->max_writes.is_set && !job->max_deletes.is_set);
    ck_assert_uint_eq(job->max_memory_bytes, 0);
    ck_assert_int_eq(job->max_cpu_ms, 0);
    ck_assert_uint_eq(job->keep, 100);
    ck_assert_int_eq(job->keep_ms, 0);
    ck_assert_uint_eq(job->notice_count, 0);
    free(script);
}
END_TEST

START_TEST(a_job_says_every_field)
{
    const struct job *job = read_job(
        "profile 'p' {}\n"
        "job 'a' { description = 'why', schedule = '@daily', timezone = "
        "'Europe/Berlin',\n"
        "  script = '/x/y.lua', args = {'--n', 5, 1.5, true, false, ''}, profile = 'p',\n"
        "  enabled = false, overlap = 'buffer-all', catch_up = '2h', missed = 'last',\n"
        "  jitter = '5m', late_after = '10m', timeout = '1h30m', retries = 3,\n"
        "  retry_after = 30, pause_after = 4, read_only = true, max_writes = 7,\n"
        "  max_deletes = 0, max_memory = '512M', max_cpu = '10m', keep = 5,\n"
        "  keep_for = '30d' }");
    static const char *const arguments[] = {"--n", "5", "1.5", "true", "false", ""};

    ck_assert_str_eq(job->description, "why");
    ck_assert_str_eq(job->timezone, "Europe/Berlin");
    ck_assert_str_eq(zone_name(job->schedule.zone), "Europe/Berlin");
    ck_assert_str_eq(job->script, "/x/y.lua");
    for (int i = 0; i < COUNT_OF(arguments); i++)
        ck_assert_str_eq(job->arguments[i], arguments[i]);
    ck_assert_ptr_null(job->arguments[COUNT_OF(arguments)]);
    ck_assert_str_eq(job->profile, "p");
    ck_assert(job->is_disabled);
    ck_assert_int_eq(job->overlap, JOB_BUFFER_ALL);
    ck_assert_int_eq(job->catch_up_ms, 7200000);
    ck_assert_int_eq(job->missed, JOB_LAST);
    ck_assert_int_eq(job->jitter_ms, 300000);
    ck_assert_int_eq(job->late_after_ms, 600000);
    ck_assert_int_eq(job->timeout_ms, 5400000);
    ck_assert_uint_eq(job->retries, 3);
    ck_assert_int_eq(job->retry_after_ms, 30000);
    ck_assert_uint_eq(job->pause_after, 4);
    ck_assert(job->read_only);
    ck_assert(job->max_writes.is_set && job->max_writes.most == 7);
    ck_assert(job->max_deletes.is_set && job->max_deletes.most == 0);
    ck_assert_uint_eq(job->max_memory_bytes, 512 << 20);
    ck_assert_int_eq(job->max_cpu_ms, 600000);
    ck_assert_uint_eq(job->keep, 5);
    ck_assert_int_eq(job->keep_ms, INT64_C(30) * 86400000);
}
END_TEST

START_TEST(every_goes_by_elapsed_time)
{
    const struct job *job =
        read_job("job 'a' { every = 5400, script = 's.lua', catch_up = 'none' }");

    ck_assert_int_eq(job->schedule.every_ms, 5400000);
    ck_assert_str_eq(job->schedule_text, "every 1h30m");
    ck_assert_str_eq(job->timezone, "UTC");
    ck_assert_int_eq(job->catch_up_ms, 0);
}
END_TEST

static const struct {
    const char *said;
    uint64_t bytes;
} sizes[] = {{"'32M'", 32 << 20},         {"'65536K'", 64 << 20},
             {"'2G'", UINT64_C(2) << 30}, {"'1T'", UINT64_C(1) << 40},
             {"'33554432'", 32 << 20},    {"100000000", 100000000}};

START_TEST(a_size_is_of_bytes_or_of_powers_of_1024)
{
    char *text = memory_format(
        "job 'a' { every = '1h', script = 's.lua', max_memory = %s }", sizes[_i].said);

    ck_assert_uint_eq(read_job(text)->max_memory_bytes, sizes[_i].bytes);
    free(text);
}
END_TEST

START_TEST(a_script_is_a_file_beside_the_configuration_or_a_ready_one)
{
    char *beside = memory_format("%s/home/plain", folder),
         *below = memory_format("%s/home/sub/x", folder);

    write_text("home/plain", "");
    write_text("home/c.lua", "job 'a' { every = '1h', script = 'plain' }\n"
                             "job 'b' { every = '1h', script = 'sub/x' }\n"
                             "job 'c' { every = '1h', script = 'bulk_onboard' }\n"
                             "job 'd' { every = '1h', script = 'bulk_onboard' }\n");
    read_good("home/c.lua");
    ck_assert_str_eq(config_find_job(config, "a")->script, beside);
    ck_assert_str_eq(config_find_job(config, "b")->script, below);
    ck_assert_str_eq(config_find_job(config, "c")->script, "bulk_onboard");
    ck_assert_str_eq(config_find_job(config, "d")->script, "bulk_onboard");
    ck_assert_ptr_null(config_find_job(config, "e"));
    ck_assert_ptr_null(config_job(config, 4));
    free(beside);
    free(below);
}
END_TEST

START_TEST(who_is_told_is_one_or_a_list)
{
    const struct job *job = read_job(
        "job 'a' { every = '1h', script = 's.lua', notify = {\n"
        "  {webhook = 'https://h/p?x=1', secret = {env = 'KEY'}, on = 'failure'},\n"
        "  {webhook = {env = 'HOOK'}},\n"
        "  {teams = {env = 'TEAMS'}, on = {'recovery', 'lateness'}},\n"
        "  {slack = {env = 'SLACK'}},\n"
        "  {mail = 'smtps://h:465', from = 'a@b', to = {'c@d', 'e@f'}, user = 'u',\n"
        "   password = {env = 'PASSWORD'}},\n"
        "  {command = {'/bin/sh', '-c', 'cat'}} } }");
    const struct notice *notices = job->notices;

    ck_assert_uint_eq(job->notice_count, 6);
    ck_assert_int_eq(notices[0].way, NOTICE_WEBHOOK);
    ck_assert_str_eq(notices[0].url, "https://h/p?x=1");
    ck_assert_str_eq(notices[0].secret_env, "KEY");
    ck_assert_uint_eq(notices[0].events, JOB_FAILURE);
    ck_assert_str_eq(notices[1].url_env, "HOOK");
    ck_assert_ptr_null(notices[1].url);
    ck_assert_uint_eq(notices[1].events, JOB_FAILURE | JOB_RECOVERY | JOB_LATENESS);
    ck_assert_int_eq(notices[2].way, NOTICE_TEAMS);
    ck_assert_str_eq(notices[2].url_env, "TEAMS");
    ck_assert_uint_eq(notices[2].events, JOB_RECOVERY | JOB_LATENESS);
    ck_assert_int_eq(notices[3].way, NOTICE_SLACK);
    ck_assert_int_eq(notices[4].way, NOTICE_MAIL);
    ck_assert_str_eq(notices[4].server, "smtps://h:465");
    ck_assert_str_eq(notices[4].from, "a@b");
    ck_assert_str_eq(notices[4].to[1], "e@f");
    ck_assert_ptr_null(notices[4].to[2]);
    ck_assert_str_eq(notices[4].user, "u");
    ck_assert_str_eq(notices[4].password_env, "PASSWORD");
    ck_assert_int_eq(notices[5].way, NOTICE_COMMAND);
    ck_assert_str_eq(notices[5].command[2], "cat");
    ck_assert_ptr_null(notices[5].command[3]);
}
END_TEST

START_TEST(one_who_is_told_needs_no_list)
{
    const struct job *job = read_job(
        "job 'a' { every = '1h', script = 's.lua',\n"
        "  notify = {mail = 'smtp://h', from = 'a@b', to = 'c@d', on = {'failure'}} }");

    ck_assert_uint_eq(job->notice_count, 1);
    ck_assert_str_eq(job->notices[0].to[0], "c@d");
    ck_assert_ptr_null(job->notices[0].to[1]);
}
END_TEST

START_TEST(every_field_of_a_job_has_help)
{
    struct config_field (*const tables[])(size_t) = {config_job_field,
                                                     config_notice_field};

    for (int i = 0; i < COUNT_OF(tables); i++) {
        size_t count = 0;

        for (; tables[i](count).name != NULL; count++) {
            ck_assert_uint_gt(strlen(tables[i](count).value), 0);
            ck_assert_uint_gt(strlen(tables[i](count).help), 0);
        }
        ck_assert_uint_gt(count, 10);
        ck_assert_ptr_null(tables[i](count + 1000).name);
    }
}
END_TEST

/* --- many --------------------------------------------------------------------------- */

static const char many[] =
    "for i = 1, 10000 do\n"
    "  job('job-' .. i) { schedule = i % 60 .. ' 3 * * *', timezone = 'Europe/Berlin',\n"
    "    script = 's.lua', args = {i, true}, description = 'number ' .. i,\n"
    "    profile = 'p' .. i % 100 }\n"
    "end\n"
    "for i = 0, 99 do profile('p' .. i) {} end\n";

START_TEST(ten_thousand_jobs_are_declared_by_a_loop)
{
    write_text("moongate.lua", many);
    read_good(NULL);
    ck_assert_uint_eq(config_job_count(config), 10000);
    for (int i = 1; i <= 10000; i++) {
        char name[32];

        snprintf(name, sizeof name, "job-%d", i);
        ck_assert_ptr_eq(config_find_job(config, name),
                         config_job(config, (size_t)i - 1));
        ck_assert_str_eq(config_job(config, (size_t)i - 1)->name, name);
    }
}
END_TEST

START_TEST(a_hundred_thousand_jobs_are_the_most)
{
    check_wrong("for i = 1, 100001 do\n"
                "  job('job-' .. i) { every = '1h', script = 's.lua' }\n"
                "end\n");
    ck_assert_str_eq(told.data,
                     "moongate.lua:2: job 'job-100001': more than 100000 jobs\n");
}
END_TEST

START_TEST(ten_thousand_jobs_with_a_mistake_are_told_in_their_order)
{
    size_t lines = 0;

    check_wrong("for i = 1, 10000 do\n"
                "  job('job-' .. i) { every = '1h', script = 's.lua',\n"
                "    retries = -1 }\n"
                "end\n");
    ck_assert_int_eq(
        strncmp(told.data,
                "moongate.lua:3: job 'job-1': retries: a whole number from 0 to 100 "
                "expected\n"
                "moongate.lua:3: job 'job-2': ",
                100),
        0);
    for (const char *at = told.data; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, 10000);
}
END_TEST

START_TEST(mistakes_without_end_are_counted)
{
    check_wrong("for i = 1, 100003 do\n"
                "  job 'a.' {}\n"
                "end\n");
    ck_assert_ptr_nonnull(strstr(told.data, "no dot\nmoongate.lua: and 3 more\n"));
}
END_TEST

/* --- mistakes ----------------------------------------------------------------------- */

#define JOB(fields)    "job \"a\" {\n every = \"1h\", script = \"s.lua\",\n " fields " }"
#define CRON(fields)   "job \"a\" {\n script = \"s.lua\",\n " fields " }"
#define NOTIFY(fields) JOB("notify = { " fields " }")
#define OF_JOB         "moongate.lua:3: job 'a': "
#define NO_SECRETS                                                                       \
    "a configuration holds no secrets: name the variable of the environment that has "   \
    "it, "                                                                               \
    "{env = \"VARIABLE\"}"
#define ONE_WAY "one of webhook, teams, slack, mail and command expected in each table"
#define LONG_TEXT                                                                        \
    "(function() local t = 'x' for i = 1, 13 do t = t .. t end return t end)()"

static const struct {
    const char *text, *message;
} mistakes[] = {
    /* the declaration */
    {"job 'a b' {}",
     "moongate.lua:1: job: a name is 1 to 40 letters, digits and -._, the "
     "first of them a letter or digit, the last no dot"},
    {"job 'a.' {}", "moongate.lua:1: job: a name is 1 to 40 letters, digits and -._, the "
                    "first of them a letter or digit, the last no dot"},
    {"job 'a23456789b123456789c123456789d12345678901' {}",
     "moongate.lua:1: job: a name is 1 to 40 letters, digits and -._, the first of them "
     "a "
     "letter or digit, the last no dot"},
    {"job 'a'", "moongate.lua:1: job 'a' has no table: job \"a\" { .. }"},
    {"job 'a' 'b'", "moongate.lua:1: job 'a': a table expected, got a string"},
    {"job {}", "moongate.lua:1: job: a name expected, then a table: job \"name\" { .. }"},
    {"jb 'a' {}",
     "moongate.lua:1: 'jb' is unknown: there are no libraries, and no globals "
     "but declarations; did you mean 'job'?"},
    {"job 'a' {\n every = '1h',\n script = 's.lua' }\n\njob 'a' {}",
     "moongate.lua:5: job 'a': there is one of that name in line 1"},
    {"job \"x\n", "moongate.lua:1: unfinished string near '\"x'"},
    /* fields */
    {JOB("retrys = 1"), OF_JOB "unknown field 'retrys'; did you mean 'retries'?"},
    {JOB("[7] = 1"), "moongate.lua:1: job 'a': fields have names: description = .."},
    {JOB("['a b'] = 1"),
     "moongate.lua:1: job 'a': a field is a name such as description"},
    {JOB("api_key = 'hunter2'"),
     OF_JOB "api_key: a configuration holds no secrets: they are in the environment of "
            "whoever needs them"},
    {JOB("description = 1"), OF_JOB "description: a text expected, got a number"},
    {JOB("description = ''"), OF_JOB "description: the text is empty"},
    {JOB("description = 'a\\nb'"),
     OF_JOB "description: the text has a control character"},
    {JOB("description = '\\xff'"), OF_JOB "description: the text is no UTF-8"},
    {JOB("description = " LONG_TEXT),
     OF_JOB "description: the text is longer than 4096 bytes"},
    /* when */
    {CRON("description = 'x'"),
     "moongate.lua:1: job 'a': say when: schedule = \"0 20 * * *\", or every = \"15m\""},
    {JOB("schedule = '@daily'"),
     "moongate.lua:2: job 'a': every: schedule and every exclude each other"},
    {JOB("timezone = 'Europe/Berlin'"),
     OF_JOB "timezone: every goes by elapsed time, whatever the clocks say"},
    {CRON("schedule = '60 * * * *'"), OF_JOB "schedule: minute: '60' is not in 0 to 59"},
    {CRON("schedule = 5"), OF_JOB "schedule: a text expected, got a number"},
    {CRON("schedule = '@daily', timezone = 'Europe/Berln'"), OF_JOB
     "timezone: there is no time zone 'Europe/Berln'; do you mean 'Europe/Berlin'?"},
    {CRON("every = '5x'"),
     OF_JOB "every: '5x' is not a duration such as 30s, 15m or 1h30m"},
    {CRON("every = '1500ms'"), OF_JOB "every: whole seconds expected"},
    {CRON("every = '500ms'"), OF_JOB "every: a duration from 1s to 366d expected"},
    {CRON("every = '367d'"), OF_JOB "every: a duration from 1s to 366d expected"},
    {CRON("every = 0/0"), OF_JOB "every: a duration from 1s to 366d expected"},
    {CRON("every = -1"), OF_JOB "every: a duration from 1s to 366d expected"},
    {CRON("every = true"), OF_JOB "every: a text expected, got a boolean"},
    /* what */
    {"job 'a' { every = '1h' }",
     "moongate.lua:1: job 'a': say what: script = \"file.lua\""},
    {"job 'a' { every = '1h',\n script = 'no.lua' }",
     "moongate.lua:2: job 'a': script: FOLDER/no.lua: No such file or directory"},
    {"job 'a' { every = '1h',\n script = 'home/' }",
     "moongate.lua:2: job 'a': script: FOLDER/home/ is no file"},
    {"job 'a' { every = '1h',\n script = '~/s.lua' }",
     "moongate.lua:2: job 'a': script: '~/s.lua': nobody expands '~'; a path begins with "
     "'/', or at the folder of this file"},
    {"job 'a' { every = '1h',\n script = 'bulk_onbord' }",
     "moongate.lua:2: job 'a': script: 'bulk_onbord' is no file beside this one, and no "
     "ready script; did you mean 'bulk_onboard'?"},
    {JOB("args = 'x'"), OF_JOB "args: a list expected, got a string"},
    {JOB("args = {a = 1}"), OF_JOB "args: a list expected, {\"a\", 1}"},
    {JOB("args = {1, {}}"),
     OF_JOB "args: number 2: a text, a number, true or false expected, got a table"},
    {JOB("args = {'a\\0'}"), OF_JOB "args: number 1: the text has a control character"},
    {JOB("args = (function() local t = {} for i = 1, 257 do t[i] = i end return t "
         "end)()"),
     OF_JOB "args: more than 256 of them"},
    {"profile 'staging' {}\njob 'a' { every = '1h', script = 's.lua',\n profile = "
     "'stagin' }",
     "moongate.lua:3: job 'a': profile: there is no profile 'stagin'; did you mean "
     "'staging'?"},
    /* how */
    {JOB("enabled = 1"), OF_JOB "enabled: true or false expected, got a number"},
    {JOB("overlap = 'queue'"),
     OF_JOB "overlap: 'queue' is not 'skip', 'buffer-one', 'buffer-all', 'cancel' or "
            "'allow'"},
    {JOB("missed = 'some'"), OF_JOB "missed: 'some' is not 'all', 'last' or 'none'"},
    {JOB("catch_up = 'nne'"),
     OF_JOB "catch_up: 'nne' is not a duration such as 30s, 15m or 1h30m"},
    {JOB("catch_up = 0"), OF_JOB "catch_up: a duration from 1s to 31d expected"},
    {JOB("catch_up = '32d'"), OF_JOB "catch_up: a duration from 1s to 31d expected"},
    {JOB("jitter = '25h', catch_up = '2d'"),
     OF_JOB "jitter: a duration from 0s to 1d expected"},
    {JOB("jitter = '10m', catch_up = '5m'"),
     OF_JOB "jitter: 10m is more than catch_up, 5m"},
    {JOB("late_after = '0s'"), OF_JOB "late_after: a duration from 1s to 31d expected"},
    {JOB("timeout = '0s'"), OF_JOB "timeout: a duration from 1s to 31d expected"},
    {JOB("retries = 101"), OF_JOB "retries: a whole number from 0 to 100 expected"},
    {JOB("retry_after = '2d'"), OF_JOB "retry_after: a duration from 0s to 1d expected"},
    {JOB("pause_after = 0"),
     OF_JOB "pause_after: a whole number from 1 to 1000 expected"},
    {JOB("read_only = 'yes'"), OF_JOB "read_only: true or false expected, got a string"},
    {JOB("max_writes = -1"),
     OF_JOB "max_writes: a whole number from 0 to 4294967295 expected"},
    {JOB("max_deletes = 1.5"),
     OF_JOB "max_deletes: a whole number from 0 to 4294967295 expected"},
    {JOB("max_memory = '31M'"),
     OF_JOB "max_memory: '31M' is not a size from 32M to 1024G, such as 512M or 2G"},
    {JOB("max_memory = '2T'"),
     OF_JOB "max_memory: '2T' is not a size from 32M to 1024G, such as 512M or 2G"},
    {JOB("max_memory = '999999999999999T'"), OF_JOB
     "max_memory: '999999999999999T' is not a size from 32M to 1024G, such as 512M "
     "or 2G"},
    {JOB("max_memory = '512MB'"),
     OF_JOB "max_memory: '512MB' is not a size from 32M to 1024G, such as 512M or 2G"},
    {JOB("max_memory = {}"), OF_JOB "max_memory: a text expected, got a table"},
    {JOB("max_memory = 5"),
     OF_JOB "max_memory: a whole number from 33554432 to 1099511627776 expected"},
    {JOB("max_cpu = '0s'"), OF_JOB "max_cpu: a duration from 1s to 31d expected"},
    {JOB("keep = 0"), OF_JOB "keep: a whole number from 1 to 100000 expected"},
    {JOB("keep_for = '1s'"), OF_JOB "keep_for: a duration from 1m to 3650d expected"},
    /* who is told */
    {JOB("notify = 'x'"),
     OF_JOB "notify: a table or a list of them expected, got a string"},
    {NOTIFY(""), OF_JOB "notify: " ONE_WAY},
    {NOTIFY("on = 'failure'"), OF_JOB "notify: " ONE_WAY},
    {NOTIFY("webhook = 'https://h', slack = {env = 'X'}"), OF_JOB "notify: " ONE_WAY},
    {NOTIFY("{webhook = 'https://h'}, {}"), OF_JOB "notify[2]: " ONE_WAY},
    {NOTIFY("5"), OF_JOB "notify[1]: a table expected, got a number"},
    {NOTIFY("webhok = 'x', slack = {env = 'X'}"),
     OF_JOB "notify: unknown field 'webhok'; did you mean 'webhook'?"},
    {JOB("notify = (function() local t = {} for i = 1, 17 do t[i] = {} end return t "
         "end)()"),
     OF_JOB "notify: more than 16 of them"},
    {NOTIFY("webhook = 'ftp://h'"), OF_JOB
     "notify.webhook: a URL such as https://host/path expected, without a user; or "
     "{env = \"VARIABLE\"}"},
    {NOTIFY("webhook = 'https://u:hunter2@h/'"), OF_JOB
     "notify.webhook: a URL such as https://host/path expected, without a user; or "
     "{env = \"VARIABLE\"}"},
    {NOTIFY("webhook = {env = '1X'}"),
     OF_JOB "notify.webhook: '1X' is no name of a variable"},
    {NOTIFY("webhook = {env = 'X', y = 1}"),
     OF_JOB "notify.webhook: {env = \"VARIABLE\"} expected, and nothing else in it"},
    {NOTIFY("webhook = {}"),
     OF_JOB "notify.webhook: {env = \"VARIABLE\"} expected, and nothing else in it"},
    {NOTIFY("webhook = {env = 5}"),
     OF_JOB "notify.webhook: a text expected, got a number"},
    {NOTIFY("webhook = 'https://h', secret = 'hunter2'"),
     OF_JOB "notify.secret: " NO_SECRETS},
    {NOTIFY("teams = 'https://hunter2'"), OF_JOB "notify.teams: " NO_SECRETS},
    {NOTIFY("slack = 'https://hunter2'"), OF_JOB "notify.slack: " NO_SECRETS},
    {NOTIFY("slack = 5"),
     OF_JOB "notify.slack: {env = \"VARIABLE\"} expected, got a number"},
    {NOTIFY("slack = {env = 'X'}, secret = {env = 'Y'}"),
     OF_JOB "notify.secret: it does not go with slack"},
    {NOTIFY("mail = 'h:25', from = 'a@b', to = 'c@d'"),
     OF_JOB "notify.mail: it is not such as smtp://host:25 or smtps://host:465"},
    {NOTIFY("mail = 'smtp://u@h', from = 'a@b', to = 'c@d'"),
     OF_JOB "notify.mail: it is not such as smtp://host:25 or smtps://host:465"},
    {NOTIFY("mail = 'smtp://h', to = 'c@d'"), OF_JOB "notify: mail needs from and to"},
    {NOTIFY("mail = 'smtp://h', from = 'ab', to = 'c@d'"),
     OF_JOB "notify.from: 'ab' is no address such as jobs@example.org or Jobs "
            "<jobs@example.org>"},
    {NOTIFY("mail = 'smtp://h', from = 'a@b', to = {}"),
     OF_JOB "notify.to: a list expected, {\"a\", \"b\"}"},
    {NOTIFY("mail = 'smtp://h', from = 'a@b', to = {'c@d', 'x y@z'}"),
     OF_JOB "notify.to: 'x y@z' is no address such as jobs@example.org or Jobs "
            "<jobs@example.org>"},
    {NOTIFY("mail = 'smtps://h', from = 'a@b', to = 'c@d', user = 'u'"),
     OF_JOB "notify: user and password go together"},
    {NOTIFY("mail = 'smtps://h', from = 'a@b', to = 'c@d', user = 'u', password = "
            "'hunter2'"),
     OF_JOB "notify.password: " NO_SECRETS},
    {NOTIFY("command = '/bin/true'"),
     OF_JOB "notify.command: a list expected, got a string"},
    {NOTIFY("command = {'true'}"),
     OF_JOB "notify.command: 'true' is no absolute path of a program"},
    {NOTIFY("command = {'/no/such'}"),
     OF_JOB "notify.command: /no/such: No such file or directory"},
    {NOTIFY("command = {'/bin/sh'}, on = 'success'"),
     OF_JOB "notify.on: 'success' is not failure, recovery or lateness"},
    {NOTIFY("command = {'/bin/sh'}, on = {}"),
     OF_JOB "notify.on: a list expected, {\"failure\", \"recovery\"}"},
    {NOTIFY("command = {'/bin/sh'}, on = 5"),
     OF_JOB "notify.on: an event or a list of them expected, got a number"},
};

/* Owned by the caller. */
static char *put_folder(const char *message)
{
    const char *place = strstr(message, "FOLDER");

    return place == NULL ? memory_copy_string(message)
                         : memory_format("%.*s%s%s", (int)(place - message), message,
                                         folder, place + 6);
}

START_TEST(each_mistake_in_a_job_is_told_with_its_line)
{
    char *message = put_folder(mistakes[_i].message);
    char *line = memory_format("%s\n", message);

    check_wrong(mistakes[_i].text);
    ck_assert_str_eq(told.data, line);
    free(line);
    free(message);
}
END_TEST

/* What stands on the disk, only whoever checks the file looks at. */
START_TEST(each_mistake_in_a_job_refuses_the_file)
{
    const bool is_of_disk = strstr(mistakes[_i].message, "No such file") != NULL ||
                            strstr(mistakes[_i].message, "is no file\n") != NULL ||
                            strstr(mistakes[_i].message, "/home/ is no file") != NULL;

    write_text("moongate.lua", mistakes[_i].text);
    config = config_read(NULL, &failure);
    if (is_of_disk) {
        ck_assert_ptr_nonnull(config);
        ck_assert_ptr_null(failure);
        return;
    }
    ck_assert_ptr_null(config);
    ck_assert_str_eq(failure->code, "BadSetting");
    ck_assert_str_eq(failure->message, mistakes[_i].message);
}
END_TEST

START_TEST(whoever_has_nothing_to_do_with_jobs_passes_over_them)
{
    write_text("moongate.lua", "profile 'p' { service = 's' }\n"
                               "job 'a' { schedule = '61 * * * *' }\n"
                               "job 'a' { scrpt = 1 }\n");
    config = config_read_profiles(NULL, &failure);
    ck_assert_ptr_null(failure);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(config_profile_name(config, 0), "p");
    ck_assert_uint_eq(config_job_count(config), 0);
}
END_TEST

START_TEST(a_mistake_in_a_profile_is_told_beside_jobs_that_are_passed_over)
{
    write_text("moongate.lua", "job 'a' { schedule = '61 * * * *' }\n"
                               "profile 'p' { servic = 's' }\n");
    ck_assert_ptr_null(config_read_profiles(NULL, &failure));
    ck_assert_str_eq(failure->message,
                     "moongate.lua:2: profile 'p': unknown field 'servic'; did you mean "
                     "'service'?");
}
END_TEST

START_TEST(all_mistakes_are_told_in_the_order_of_their_lines)
{
    check_wrong("profile 'p' { servic = 'x' }\n"
                "job 'a' { profile = 'q',\n"
                "  -- retries = 1\n"
                "  description = 'retries = 2',\n"
                "  every = 'x',\n"
                "  notify = {\n"
                "    slack = 'x',\n"
                "    on = 'x' },\n"
                "  retries = -1,\n"
                "  script = 's.lua' }\n"
                "local later = {every = '1h', script = 's.lua', profile = 'p',\n"
                "  keep = 0}\n"
                "job 'b' (later)\n"
                "job 'c' { every = '1h', script = 's.lua' }\n"
                "job 'd.' { anything = 1 }\n"
                "job 'c' {}\n");
    ck_assert_str_eq(
        told.data,
        "moongate.lua:1: profile 'p': unknown field 'servic'; did you mean 'service'?\n"
        "moongate.lua:2: job 'a': profile: there is no profile 'q'; did you mean 'p'?\n"
        "moongate.lua:5: job 'a': every: 'x' is not a duration such as 30s, 15m or "
        "1h30m\n"
        "moongate.lua:7: job 'a': notify.slack: " NO_SECRETS "\n"
        "moongate.lua:8: job 'a': notify.on: 'x' is not failure, recovery or lateness\n"
        "moongate.lua:9: job 'a': retries: a whole number from 0 to 100 expected\n"
        "moongate.lua:13: job 'b': keep: a whole number from 1 to 100000 expected\n"
        "moongate.lua:15: job: a name is 1 to 40 letters, digits and -._, the first of "
        "them a letter or digit, the last no dot\n"
        "moongate.lua:16: job 'c': there is one of that name in line 14\n");
}
END_TEST

/* Behind what has stopped it there may be profiles; what they are is not known. */
START_TEST(what_stops_the_file_is_told_behind_the_mistakes)
{
    check_wrong("job 'a' { every = '1h', script = 's.lua', profile = 'p', keep = 0 }\n"
                "x = 1\n"
                "profile 'p' { never = 'seen' }\n");
    ck_assert_str_eq(
        told.data,
        "moongate.lua:1: job 'a': keep: a whole number from 1 to 100000 expected\n"
        "moongate.lua:2: 'x' is set, and nobody reads it: say local for a name of the "
        "file's own\n");
}
END_TEST

START_TEST(what_is_hardly_meant_is_warned_of_when_the_file_is_checked)
{
    static const char text[] =
        "job 'a' { schedule = '0,15 9 * * 1-5', script = 's.lua',\n"
        "  jitter = '16m' }\n"
        "job 'b' { schedule = '0 9 * * 1-5', script = 's.lua', jitter = '1h' }\n"
        "job 'c' { every = '10m', script = 's.lua', jitter = '11m',\n"
        "  notify = {mail = 'smtp://h', from = 'a@b', to = 'c@d', user = 'u',\n"
        "    password = {env = 'P'}} }\n"
        "job 'd' { every = '1h', script = 's.lua',\n"
        "  notify = {mail = 'smtp://h:587', from = 'a@b', to = 'c@d', user = 'u',\n"
        "    password = {env = 'P'}} }\n";

    setenv("P", "x", 1);
    write_text("moongate.lua", text);
    read_good(NULL);
    ck_assert_uint_eq(logged.length, 0);
    config_free(config);
    config = config_check(NULL, &failure, take_mistake, NULL);
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(told.length, 0);
    ck_assert_str_eq(
        logged.data,
        "warning: moongate.lua:2: job 'a': jitter: 16m is more than the time between two "
        "slots, 15m\n"
        "warning: moongate.lua:5: job 'c': notify: the password is sent only when the "
        "server offers STARTTLS; smtps:// is TLS from the beginning\n"
        "warning: moongate.lua:4: job 'c': jitter: 11m is more than the time between two "
        "slots, 10m\n");
}
END_TEST

START_TEST(a_variable_that_is_not_set_is_warned_of_once)
{
    setenv("A", "", 1);
    setenv("B", "x", 1);
    unsetenv("C");
    write_text("moongate.lua",
               "for i = 1, 3 do job('a' .. i) { every = '1h', script = 's.lua',\n"
               "  notify = {{slack = {env = 'A'}}, {teams = {env = 'B'}},\n"
               "    {webhook = 'https://h', secret = {env = 'C'}}} } end\n");
    config = config_check(NULL, &failure, take_mistake, NULL);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(
        logged.data,
        "warning: moongate.lua:2: job 'a1': notify: the variable A is not set here\n"
        "warning: moongate.lua:2: job 'a1': notify: the variable C is not set here\n");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_no_mistake_in_it)
{
    ck_assert_ptr_null(config_check("nope.lua", &failure, take_mistake, NULL));
    ck_assert_str_eq(failure->message,
                     "the configuration nope.lua: No such file or directory");
    failure_free(failure);
    failure = NULL;
    ck_assert_ptr_null(config_check(NULL, &failure, take_mistake, NULL));
    ck_assert_ptr_null(failure);
    ck_assert_uint_eq(told.length, 0);
    failure = config_complain_absence(NULL);
    ck_assert_ptr_nonnull(strstr(
        failure->message, "there is no configuration: no moongate.lua here, and no "
                          "/tmp/check_config."));
}
END_TEST

/* A file of the user's own is not read instead of one with mistakes. */
START_TEST(mistakes_here_do_not_lead_to_the_home)
{
    ck_assert_int_eq(mkdir("home/.config", 0700), 0);
    ck_assert_int_eq(mkdir("home/.config/moongate", 0700), 0);
    write_text("home/.config/moongate/config.lua", "profile 'of-home' {}");
    check_wrong("profile 'x' { y = 1 }");
    ck_assert_str_eq(told.data, "moongate.lua:1: profile 'x': unknown field 'y'\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_jobs");
    TCase *right = add_case(suite, "fields", begin, end);
    TCase *numbers = add_case(suite, "many", begin, end);
    TCase *wrong = add_case(suite, "mistakes", begin, end);

    tcase_add_test(right, what_is_not_said_has_its_default);
    tcase_add_test(right, a_job_says_every_field);
    tcase_add_test(right, every_goes_by_elapsed_time);
    tcase_add_loop_test(right, a_size_is_of_bytes_or_of_powers_of_1024, 0,
                        COUNT_OF(sizes));
    tcase_add_test(right, a_script_is_a_file_beside_the_configuration_or_a_ready_one);
    tcase_add_test(right, who_is_told_is_one_or_a_list);
    tcase_add_test(right, one_who_is_told_needs_no_list);
    tcase_add_test(right, every_field_of_a_job_has_help);
    tcase_add_test(numbers, ten_thousand_jobs_are_declared_by_a_loop);
    tcase_add_test(numbers, a_hundred_thousand_jobs_are_the_most);
    tcase_add_test(numbers, ten_thousand_jobs_with_a_mistake_are_told_in_their_order);
    tcase_add_test(numbers, mistakes_without_end_are_counted);
    tcase_add_loop_test(wrong, each_mistake_in_a_job_is_told_with_its_line, 0,
                        COUNT_OF(mistakes));
    tcase_add_loop_test(wrong, each_mistake_in_a_job_refuses_the_file, 0,
                        COUNT_OF(mistakes));
    tcase_add_test(wrong, whoever_has_nothing_to_do_with_jobs_passes_over_them);
    tcase_add_test(wrong,
                   a_mistake_in_a_profile_is_told_beside_jobs_that_are_passed_over);
    tcase_add_test(wrong, all_mistakes_are_told_in_the_order_of_their_lines);
    tcase_add_test(wrong, what_stops_the_file_is_told_behind_the_mistakes);
    tcase_add_test(wrong, what_is_hardly_meant_is_warned_of_when_the_file_is_checked);
    tcase_add_test(wrong, a_variable_that_is_not_set_is_warned_of_once);
    tcase_add_test(wrong, a_file_that_is_not_there_is_no_mistake_in_it);
    tcase_add_test(wrong, mistakes_here_do_not_lead_to_the_home);
    return run_suite(suite);
}
