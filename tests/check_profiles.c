/* tests/check_profiles.c - profiles: which of their values count, in a run, in one that is carried on,
 * and in a session that goes over to another one. */
#include "run/run.h"
#include "run/session.h"
#include "tests/configured.h"
#include "tests/moon.h"
#include "tests/suite.h"

/* --- which value counts ------------------------------------------------------------- */

static const struct {
    const char *said, *variable, *counts;
    bool is_warned;
} ranks[] = {{"of-line", "of-env", "of-line", false},
             {"of-line", NULL, "of-line", false},
             {NULL, "of-env", "of-env", true},
             {NULL, "of-profile", "of-profile", false},
             {NULL, NULL, "of-profile", false}};

START_TEST(the_command_line_comes_first_then_the_environment_then_the_profile)
{
    struct settings settings = {.service = ranks[_i].said};

    if (ranks[_i].variable != NULL)
        setenv("MOONGATE_SERVICE", ranks[_i].variable, 1);
    write_text("moongate.lua", "profile \"default\" { service = \"of-profile\" }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_str_eq(settings.service, ranks[_i].counts);
    ck_assert_str_eq(settings.profile, "default");
    if (ranks[_i].is_warned)
        ck_assert_str_eq(logged.data,
                         "warning: profile 'default': its service 'of-profile' "
                         "does not count, as the environment says 'of-env'\n");
    else
        ck_assert_uint_eq(logged.length, 0);
}
END_TEST

START_TEST(guards_of_the_command_line_come_first_and_read_only_stays)
{
    struct settings settings = {.guard = {.read_only = true,
                                          .max_writes = {true, 5},
                                          .within = {"mine"},
                                          .within_count = 1}};

    write_text("moongate.lua", "profile \"default\" { read_only = false, max_writes = 1, "
                               "max_deletes = 2, within = {\"a\", \"b\"} }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert(settings.guard.read_only);
    ck_assert_uint_eq(settings.guard.max_writes.most, 5);
    ck_assert_uint_eq(settings.guard.max_deletes.most, 2);
    ck_assert_uint_eq(settings.guard.within_count, 1);
    ck_assert_str_eq(settings.guard.within[0], "mine");
}
END_TEST

START_TEST(an_endpoint_elsewhere_keeps_the_profiles_cloud_from_counting)
{
    struct settings settings = {0};

    setenv("MOONGATE_ENDPOINT", "http://127.0.0.1:1", 1);
    write_text("moongate.lua", "profile \"default\" { cloud = \"usgov\" }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_ptr_null(settings.cloud);
    ck_assert_ptr_nonnull(strstr(logged.data, "its cloud 'usgov' does not count, as the "
                                              "environment says 'http://127.0.0.1:1'"));
}
END_TEST

START_TEST(with_the_simulator_the_guards_count_and_the_target_does_not)
{
    struct settings settings = {.sim = true};

    write_text("moongate.lua",
               "profile \"default\" { service = \"a\", subscription = \"s\", "
               "endpoint = \"https://x\", tenant_id = \"t\", store = \"x\", "
               "max_writes = 1, production = true }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_ptr_null(settings.service);
    ck_assert_ptr_null(settings.subscription);
    ck_assert_ptr_null(settings.endpoint);
    ck_assert_ptr_null(settings.credentials.tenant_id);
    ck_assert_ptr_null(settings.store); /* a world in memory leaves nothing to be kept */
    ck_assert_uint_eq(settings.guard.max_writes.most, 1);
    ck_assert(settings.is_production);
}
END_TEST

START_TEST(no_profile_counts_when_none_is_named_default)
{
    struct settings settings = {0};

    write_text("moongate.lua", "profile \"a\" { service = \"a\" }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_ptr_null(settings.profile);
    ck_assert_ptr_null(settings.service);
}
END_TEST

START_TEST(an_unknown_profile_is_told_with_those_that_are_there)
{
    struct settings settings = {.service = "mine"};

    write_text("moongate.lua", "profile \"staging\" {} profile \"production\" {}");
    read_good(NULL);
    failure = config_use_profile(config, "producton", &settings);
    ck_assert_str_eq(failure->code, "BadSetting");
    ck_assert_str_eq(failure->message,
                     "profile 'producton' is not in moongate.lua, which has "
                     "staging, production; did you mean 'production'?");
    ck_assert_ptr_null(settings.profile);
}
END_TEST

/* --- another profile ---------------------------------------------------------------- */

START_TEST(a_change_takes_nothing_over_from_the_profile_that_was)
{
    struct settings settings = {.service = "of-line",
                                .guard = {.max_deletes = {true, 9}}};

    write_text(
        "moongate.lua",
        "profile \"a\" { resource_group = \"ga\", service = \"sa\", read_only = true }"
        "profile \"b\" { service = \"sb\" }");
    read_good(NULL);
    settings.config = config;
    use("a", &settings);
    ck_assert_str_eq(settings.service, "of-line");
    failure = config_change_profile(config, "b", &settings);
    ck_assert_ptr_null(failure);
    ck_assert_str_eq(settings.profile, "b");
    ck_assert_str_eq(settings.service, "sb"); /* what the line says was meant for a */
    ck_assert_ptr_null(settings.resource_group);
    ck_assert(!settings.guard.read_only);
    ck_assert_uint_eq(settings.guard.max_deletes.most, 9);
    ck_assert_ptr_eq(settings.config, config);
    failure = config_change_profile(config, "c", &settings);
    ck_assert_ptr_nonnull(failure);
    ck_assert_str_eq(settings.profile, "b");
}
END_TEST

/* Runs a line of Lua in a session that may be switched, on the simulator; it must end well. Returns
 * how many writes were sent in all. */
static uint64_t run_line(const char *profile, const char *code)
{
    struct run_summary summary = {0};
    struct settings settings = {
        .sim = true, .clock_mode = CLOCK_VIRTUAL, .quiet = true, .may_switch = true};
    const struct run_request request = {.code = code};
    struct session *session;

    write_text("moongate.lua", "profile \"a\" { max_writes = 1, description = \"First\" }"
                               "profile \"b\" { read_only = true, production = true }");
    read_good(NULL);
    settings.config = config;
    use(profile, &settings);
    session = session_open(&settings, &failure);
    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
    session_summarize(session, &summary);
    session_close(session);
    log_set_sink(take_log, NULL);
    return summary.writes;
}

START_TEST(a_session_goes_over_to_a_profile_and_back)
{
    const uint64_t writes = run_line(
        "a", "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "local tasks = require 'tasks'\n"
             "local function code(f, ...)\n"
             "  local ok, failure = tasks.try(f, ...)\n"
             "  return ok and 'ok' or failure.code\n"
             "end\n"
             "assert(session.profiles()[1] == 'a' and session.profiles()[2] == 'b')\n"
             "assert(session.info().profile == 'a')\n"
             "assert(session.info().description == 'First')\n"
             "assert(code(workspaces.ensure, 'one', {}) == 'ok')\n"
             "assert(code(workspaces.ensure, 'two', {}) == 'GuardRefused')\n"
             "session.set_scope {service = 'elsewhere'}\n"
             "session.use 'b'\n"
             "local info = session.info()\n"
             "assert(info.profile == 'b' and info.is_production and info.read_only)\n"
             "assert(info.description == nil and info.service ~= 'elsewhere')\n"
             "assert(info.signed_in_by == nil)\n"
             "assert(code(workspaces.delete, 'one') == 'GuardRefused')\n"
             "assert(#workspaces.list() == 1)\n"
             "session.use 'a'\n"
             "assert(code(workspaces.ensure, 'two', {}) == 'ok')\n"
             "assert(code(session.use, 'c') == 'BadSetting')\n"
             "assert(session.info().profile == 'a' and #workspaces.list() == 2)\n");

    ck_assert_uint_eq(writes, 2); /* of all ways to the service */
}
END_TEST

START_TEST(read_only_mode_that_was_asked_for_outlives_a_switch)
{
    run_line("a",
             "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "session.use 'b' session.use 'a'\n"
             "assert(session.info().read_only == false)\n" /* it was b's */
             "session.set_read_only(true)\n"
             "session.use 'b' session.use 'a'\n"
             "assert(session.info().read_only)\n"
             "assert(not pcall(workspaces.ensure, 'one', {}))\n"
             "session.set_read_only(false)\n"
             "session.use 'b' session.use 'a'\n"
             "assert(workspaces.ensure('one', {}).name == 'one')\n");
}
END_TEST

START_TEST(a_session_is_not_switched_while_an_operation_is_not_over)
{
    run_line(NULL,
             "local session, gateways = require 'core.session', require 'gateways'\n"
             "local tasks = require 'tasks'\n"
             "local operation = gateways.create('gw', {wait = false})\n"
             "tasks.sleep '1m'\n"
             "local _, failure = tasks.try(session.use, 'a')\n"
             "assert(failure.code == 'Busy', tostring(failure))\n"
             "assert(failure.message:find 'not over yet', failure.message)\n"
             "assert(session.info().profile == nil)\n"
             "operation:wait()\n"
             "session.use 'a'\n"
             "assert(session.info().profile == 'a')\n"
             "assert(gateways.get('gw').name == 'gw')\n");
}
END_TEST

START_TEST(a_session_is_not_switched_while_a_request_is_under_way)
{
    run_line(NULL,
             "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "local tasks = require 'tasks'\n"
             "local task = tasks.spawn(workspaces.list)\n"
             "tasks.sleep(0)\n"
             "local _, failure = tasks.try(session.use, 'a')\n"
             "assert(failure and failure.code == 'Busy', tostring(failure))\n"
             "task:cancel()\n"
             "session.use 'a'\n"
             "assert(#workspaces.list() == 0)\n");
}
END_TEST

START_TEST(what_nobody_waits_for_any_more_does_not_keep_a_session_from_being_switched)
{
    run_line(NULL,
             "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "workspaces.ensure('one', {wait = false})\n"
             "session.use 'a'\n"
             "assert(session.info().profile == 'a')\n");
}
END_TEST

START_TEST(a_script_cannot_lift_what_it_may_not_do)
{
    struct settings settings = {.sim = true, .clock_mode = CLOCK_VIRTUAL, .quiet = true};
    const struct run_request request = {
        .code = "local session = require 'core.session'\n"
                "for _, call in ipairs {{session.set_read_only, false}, {session.use, "
                "'a'}} do\n"
                "  local ok, message = pcall(call[1], call[2])\n"
                "  assert(not ok and message:find 'only at the prompt', message)\n"
                "end\n"};
    struct session *session = session_open(&settings, &failure);

    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
    session_close(session);
}
END_TEST

/* --- the program -------------------------------------------------------------------- */

static const char run_words[] =
    "run --quiet -e 'local i = require(\"core.session\").info() print(i.profile, "
    "i.service)'";

START_TEST(a_run_works_by_the_profile_that_is_named)
{
    write_text("moongate.lua", "profile \"default\" { service = \"d\" }"
                               "profile \"a\" { service = \"s\" }");
    ck_assert_int_eq(moon("%s", run_words), EXIT_DONE);
    assert_says("default\td\n");
    ck_assert_int_eq(moon("run --profile a%s", run_words + 3), EXIT_DONE);
    assert_says("a\ts\n");
    setenv("MOONGATE_PROFILE", "a", 1);
    ck_assert_int_eq(moon("%s", run_words), EXIT_DONE);
    assert_says("a\ts\n");
    ck_assert_int_eq(moon("run --profile default%s", run_words + 3), EXIT_DONE);
    assert_says("default\td\n");
    ck_assert_int_eq(moon("run --config /dev/null --profile a%s", run_words + 3),
                     EXIT_USAGE);
    assert_says("moongate run: BadSetting: profile 'a': there is no configuration");
}
END_TEST

START_TEST(a_wrong_configuration_ends_a_run_before_it_begins)
{
    write_text("moongate.lua", "\nprofile \"default\" { servic = \"d\" }");
    ck_assert_int_eq(moon("%s", run_words), EXIT_USAGE);
    ck_assert_str_eq(
        output.data,
        "moongate run: BadSetting: moongate.lua:2: profile 'default': unknown "
        "field 'servic'; did you mean 'service'?\n");
    ck_assert_int_eq(moon("runs"), EXIT_USAGE);
    assert_says("moongate runs: BadSetting: moongate.lua:2:");
}
END_TEST

START_TEST(guards_of_a_profile_hold_on_the_simulator)
{
    write_text("moongate.lua", "profile \"a\" { max_writes = 1 }");
    ck_assert_int_eq(moon("run --sim --profile a -e '%s'",
                          "local w = require(\"workspaces\") w.ensure(\"one\", {}) "
                          "w.ensure(\"two\", {})"),
                     EXIT_GUARD_REFUSED);
    assert_says("the limit is 1");
}
END_TEST

/* Each profile has a store of its own, and the world outlives the process. */
START_TEST(the_prompt_goes_over_to_a_profile_with_a_run_of_its_own)
{
    write_text("moongate.lua",
               "profile 'a' { store = 'store-a' }"
               "profile 'b' { store = 'store-b', max_writes = 1, description = 'Live' }");
    write_text("lines", "workspaces.ensure('one', {})\n"
                        "\\use b\n"
                        "require('core.session').info().description\n"
                        "workspaces.ensure('two', {})\n"
                        "workspaces.ensure('three', {})\n");
    ck_assert_int_eq(moon("repl --sim=world.db --clock virtual --profile a < lines"),
                     EXIT_SCRIPT_FAILED);
    assert_says("\"Live\"");
    assert_says("the limit is 1");
    ck_assert_int_eq(moon("runs --profile a --output json"), EXIT_DONE);
    assert_says("\"total\":1");
    assert_says("\"state\":\"succeeded\"");
    assert_says("\"writes\":1");
    ck_assert_int_eq(moon("runs --profile b --output json"), EXIT_DONE);
    assert_says("\"total\":1");
    assert_says("\"state\":\"failed\"");
}
END_TEST

START_TEST(profiles_lists_what_there_is_and_what_counts)
{
    ck_assert_int_eq(moon("profiles"), EXIT_DONE);
    ck_assert_str_eq(output.data,
                     "there is no configuration; see `moongate profiles --help`\n");
    write_text("moongate.lua", "profile 'default' { service = 'd' }"
                               "profile 'b' { production = true, description = 'Live' }");
    ck_assert_int_eq(moon("profiles"), EXIT_DONE);
    ck_assert_str_eq(output.data, "moongate.lua:\n*  default, service d\n ! b: Live\n");
    ck_assert_int_eq(moon("profiles --profile b"), EXIT_DONE);
    ck_assert_str_eq(output.data, "moongate.lua:\n   default, service d\n*! b: Live\n");
    ck_assert_int_eq(moon("profiles --profile c"), EXIT_USAGE);
    write_text("moongate.lua", "profile 'a' { client_secret = 'x' }");
    ck_assert_int_eq(moon("profiles"), EXIT_USAGE);
    assert_says("moongate.lua:1: profile 'a': client_secret: a configuration holds no");
}
END_TEST

START_TEST(profiles_tells_every_field)
{
    ck_assert_int_eq(moon("profiles --help"), EXIT_DONE);
    for (size_t i = 0; i < config_field_count(); i++)
        assert_says(config_field(i).name);
}
END_TEST

static const struct {
    const char *text, *words, *says;
} findings[] = {
    {NULL, "", "skipped  profile                          there is no configuration\n"},
    {"", "", "skipped  profile                          moongate.lua has none\n"},
    {"profile 'a' {} profile 'b' {}", "",
     "skipped  profile                          none of those in moongate.lua counts: a, "
     "b\n"},
    {"profile 'a' {} profile 'b' {production = true}", "--profile b",
     "ok       profile                          'b' of moongate.lua, for production\n"},
};

START_TEST(the_doctor_says_which_profile_of_which_file_counts)
{
    if (findings[_i].text != NULL)
        write_text("moongate.lua", findings[_i].text);
    ck_assert_int_eq(moon("doctor --sim %s", findings[_i].words), EXIT_DONE);
    assert_says(findings[_i].says);
}
END_TEST

/* --- runs that are carried on ------------------------------------------------------- */

/* A run on the simulator `world` that hands over at once, by profile "a". */
static void begin_run(void)
{
    write_text("moongate.lua", "profile \"default\" { store = \"store\" }"
                               "profile \"a\" { store = \"store\", max_writes = 3 }");
    write_text("script.lua", "local workspaces = require 'workspaces'\n"
                             "workspaces.ensure('one', {})\n"
                             "if require('run').attempt == 1 then error 'enough' end\n"
                             "local info = require('core.session').info()\n"
                             "print(info.profile, info.is_production, info.read_only)\n"
                             "for i = 1, 3 do workspaces.ensure('w' .. i, {}) end\n");
    ck_assert_int_eq(
        moon("run --sim=world.db --quiet --run-id r1 --profile a script.lua"),
        EXIT_SCRIPT_FAILED);
    assert_says("enough");
}

START_TEST(a_resumed_run_keeps_its_profile_and_what_that_said)
{
    begin_run();
    write_text("moongate.lua",
               "profile \"default\" { store = \"store\", read_only = true }"
               "profile \"a\" { store = \"store\", max_writes = 99, "
               "production = true }");
    ck_assert_int_eq(moon("resume r1"), EXIT_GUARD_REFUSED);
    assert_says("a\ttrue\tfalse\n"); /* whose profile is a matter of today */
    assert_says("the limit is 3");
}
END_TEST

/* Of a run with Azure the target is of then, and how to sign in of now. */
START_TEST(a_resumed_run_keeps_its_target_and_signs_in_as_its_profile_says_today)
{
    write_text("moongate.lua", "profile 'default' { store = 'store', service = 'other' }"
                               "profile 'a' { store = 'store', service = 'then', "
                               "tenant_id = 'then.example' }");
    write_text("script.lua", "local info = require('core.session').info()\n"
                             "print(info.profile, info.service, info.resource_group, "
                             "info.tenant)\n"
                             "if require('run').attempt == 1 then error 'enough' end\n");
    ck_assert_int_eq(moon("run --quiet --run-id r2 --profile a script.lua"),
                     EXIT_SCRIPT_FAILED);
    assert_says("a\tthen\tnil\tthen.example\n");
    write_text("moongate.lua",
               "profile 'default' { store = 'store', service = 'other', "
               "resource_group = 'other', tenant_id = 'other.example' }"
               "profile 'a' { store = 'store', service = 'now', resource_group = 'now', "
               "tenant_id = 'now.example' }");
    ck_assert_int_eq(moon("resume r2"), EXIT_DONE);
    assert_says("a\tthen\tnil\tnow.example\n");
}
END_TEST

START_TEST(the_same_command_takes_a_run_on_with_its_profile_only)
{
    begin_run();
    ck_assert_int_eq(moon("run --sim=world.db --run-id r1 --profile default script.lua"),
                     EXIT_USAGE);
    assert_says("run r1 did not begin with profile 'default' but with 'a'");
    ck_assert_int_eq(moon("run --sim=world.db --run-id r1 script.lua"),
                     EXIT_GUARD_REFUSED);
    assert_says("the limit is 3");
}
END_TEST

START_TEST(a_run_whose_profile_is_gone_is_carried_on_all_the_same)
{
    begin_run();
    write_text("moongate.lua", "profile \"default\" { store = \"store\" }");
    ck_assert_int_eq(moon("resume --log-level info r1"), EXIT_GUARD_REFUSED);
    assert_says("profile 'a' is not in moongate.lua");
    assert_says("a\tfalse\tfalse\n");
}
END_TEST

/* --- the suite ---------------------------------------------------------------------- */

static void add_rank_cases(Suite *suite)
{
    TCase *rank = add_case(suite, "rank", set_up, tear_down);

    tcase_add_loop_test(
        rank, the_command_line_comes_first_then_the_environment_then_the_profile, 0,
        COUNT_OF(ranks));
    tcase_add_test(rank, guards_of_the_command_line_come_first_and_read_only_stays);
    tcase_add_test(rank, an_endpoint_elsewhere_keeps_the_profiles_cloud_from_counting);
    tcase_add_test(rank, with_the_simulator_the_guards_count_and_the_target_does_not);
    tcase_add_test(rank, no_profile_counts_when_none_is_named_default);
    tcase_add_test(rank, an_unknown_profile_is_told_with_those_that_are_there);
}

static void add_session_cases(Suite *suite)
{
    TCase *change = add_case(suite, "change", set_up, tear_down);

    tcase_add_test(change, a_change_takes_nothing_over_from_the_profile_that_was);
    tcase_add_test(change, a_session_goes_over_to_a_profile_and_back);
    tcase_add_test(change, read_only_mode_that_was_asked_for_outlives_a_switch);
    tcase_add_test(change, a_session_is_not_switched_while_an_operation_is_not_over);
    tcase_add_test(change, a_session_is_not_switched_while_a_request_is_under_way);
    tcase_add_test(
        change,
        what_nobody_waits_for_any_more_does_not_keep_a_session_from_being_switched);
    tcase_add_test(change, a_script_cannot_lift_what_it_may_not_do);
}

static void add_program_cases(Suite *suite)
{
    TCase *program = add_case(suite, "program", set_up, tear_down);

    tcase_add_test(program, a_run_works_by_the_profile_that_is_named);
    tcase_add_test(program, a_wrong_configuration_ends_a_run_before_it_begins);
    tcase_add_test(program, guards_of_a_profile_hold_on_the_simulator);
    tcase_add_test(program, the_prompt_goes_over_to_a_profile_with_a_run_of_its_own);
    tcase_add_test(program, profiles_lists_what_there_is_and_what_counts);
    tcase_add_test(program, profiles_tells_every_field);
    tcase_add_loop_test(program, the_doctor_says_which_profile_of_which_file_counts, 0,
                        COUNT_OF(findings));
    tcase_add_test(program, a_resumed_run_keeps_its_profile_and_what_that_said);
    tcase_add_test(program,
                   a_resumed_run_keeps_its_target_and_signs_in_as_its_profile_says_today);
    tcase_add_test(program, the_same_command_takes_a_run_on_with_its_profile_only);
    tcase_add_test(program, a_run_whose_profile_is_gone_is_carried_on_all_the_same);
}

int main(void)
{
    Suite *suite = suite_create("profiles");

    if (!find_moongate())
        return 1;
    add_rank_cases(suite);
    add_session_cases(suite);
    add_program_cases(suite);
    return run_suite(suite);
}
