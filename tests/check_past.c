/* tests/check_past.c - stepping into a run of the past: what its script finds, where it stops, what
 * can be changed there, and that nothing of the run is touched. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "journal/format.h"
#include "run/event.h"
#include "run/face_stream.h"
#include "run/past.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

/* --- a face that listens ------------------------------------------------------------ */

static struct buffer output, wrong;

static void listen(struct face *face, const struct event *event)
{
    (void)face;
    if (event->type == EVENT_OUTPUT)
        buffer_append_string(&output, event->text);
    if (event->type == EVENT_RUN_FINISHED && event->text != NULL)
        buffer_append_string(&wrong, event->text);
}

static void free_nothing(struct face *face)
{
    (void)face;
}

static struct face_head face = {.face = {listen, free_nothing}};

static int run_in(struct session *session, const struct run_request *request)
{
    session_set_face(session, &face.face);
    buffer_clear(&output);
    buffer_clear(&wrong);
    return run_script(session, request);
}

/* --- runs --------------------------------------------------------------------------- */

static char folder[64], home[PATH_MAX], *prelude;

static struct settings settings_of_run(const char *faults)
{
    return (struct settings){.sim = true,
                             .sim_file = "world.db",
                             .sim_faults = faults,
                             .sim_seed = 1,
                             .clock_mode = CLOCK_VIRTUAL,
                             .clock_factor = 1.0,
                             .store = "store"};
}

static int run_file(const char *id, const char *script, const char *faults)
{
    const struct settings settings = settings_of_run(faults);
    struct failure *failure = NULL;
    struct session *session = session_open(&settings, &failure);
    int code;

    ck_assert_msg(session != NULL, "%s", failure != NULL ? failure->message : "");
    code = run_in(session,
                  &(struct run_request){.script = script, .keep = RUN_KEPT, .id = id});
    session_close(session);
    return code;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Owned by the caller. */
static char *read_file(const char *name)
{
    struct buffer text = {0};
    FILE *file = fopen(name, "r");
    char bytes[4096];
    size_t count;

    ck_assert_msg(file != NULL, "%s", name);
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(&text, bytes, count);
    fclose(file);
    buffer_append_char(&text, '\0');
    return buffer_take(&text);
}

static void copy_file(const char *name)
{
    char *path = memory_format("tests/data/past/%s", name), *text = read_file(path);
    char *to = memory_format("%s/%s", folder, name);

    write_file(to, text);
    free(path);
    free(text);
    free(to);
}

/* A run of onboard.lua: 1 once, 2 and 3 workspaces, 4 a refusal, 5 a gateway that fails. */
static void set_up(void)
{
    ck_assert_ptr_nonnull(getcwd(home, sizeof home));
    snprintf(folder, sizeof folder, "/tmp/moongate-past-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    copy_file("onboard.lua");
    copy_file("teams.lua");
    prelude = read_file("tests/data/past/driver.lua");
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(run_file("r1", "onboard.lua", "lro-fail=gw-teams"),
                     EXIT_SCRIPT_FAILED);
    ck_assert_str_eq(output.data, "refused\t400\n");
}

static void tear_down(void)
{
    char *command = memory_format("rm -rf '%s'", folder);

    ck_assert_int_eq(chdir(home), 0);
    ck_assert_int_eq(system(command), 0);
    free(command);
    free(prelude);
    buffer_deinit(&output);
    buffer_deinit(&wrong);
}

/* Steps into a run and does `code` there, behind the driver; what it asserts holds. */
static void step_into_with(const char *id, const char *step, const char *script,
                           struct settings settings, const char *code)
{
    char *whole = memory_format("%s\n%s\npast.leave()", prelude, code);
    struct failure *failure = NULL;
    const struct settings where = {.store = "store"};
    struct past *past = past_open(&where, id, &failure);
    struct session *session;

    ck_assert_msg(past != NULL, "%s", failure != NULL ? failure->message : "");
    past_choose(past, step, script);
    past_fill_settings(past, &settings);
    session = session_open(&settings, &failure);
    ck_assert_msg(session != NULL, "%s", failure != NULL ? failure->message : "");
    past_attach(past, session);

    const int exit_code = run_in(session, &(struct run_request){.code = whole});

    ck_assert_msg(exit_code == EXIT_DONE, "%s", wrong.data);
    session_close(session);
    past_close(past);
    free(whole);
}

static void step_into(const char *id, const char *step, const char *code)
{
    step_into_with(id, step, NULL,
                   (struct settings){.sim_seed = 1, .clock_mode = CLOCK_VIRTUAL}, code);
}

/* --- where it stops ----------------------------------------------------------------- */

START_TEST(it_stops_where_the_run_ended)
{
    step_into("r1", NULL,
              "past.enter(shell)\n"
              "local text = heard()\n"
              "has(text, 'run r1 of onboard.lua, 5 steps: 3 done, 2 failed')\n"
              "has(text, 'Nothing is sent to', 'nothing is written to folder store')\n"
              "has(text, \"stopped before step 5: ensure gateway 'gw-teams'; in the run: "
              "failed:\", 'InternalServerError: ')\n"
              "has(text, 'onboard.lua:32 in the main chunk', 'gateways.ensure(')\n"
              "has(tell 'steps', '      4  PUT \\'no-path\\': failed: ', "
              "'>     5  ensure gateway \\'gw-teams\\': failed: ')\n"
              "assert(complaints() == '')");
    ck_assert_str_eq(output.data, "refused\t400\n");
}
END_TEST

START_TEST(it_stops_at_the_step_that_is_chosen_and_at_each_one_after_it)
{
    step_into("r1", "2",
              "past.enter(shell)\n"
              "has(heard(), \"stopped before step 2: ensure workspace 'red'; in the run: "
              "created\")\n"
              "has(tell 'step', 'stopped before step 3')\n"
              "has(tell 'step', 'stopped before step 4: PUT', 'failed: ')\n"
              "has(tell 'step', 'stopped before step 5')\n"
              "has(tell 'step', 'the script has come to its end')\n"
              "refuses('\\\\restart runs it again', tell, 'step')\n"
              "refuses('\\\\restart runs it again', tell, 'locals')\n"
              "assert(complaints() == '')");
    ck_assert_str_eq(output.data, "refused\t400\nticket 42, 1 units, found Team green\n");
}
END_TEST

START_TEST(it_goes_on_to_a_step_or_to_the_end)
{
    step_into("r1", "2",
              "past.enter(shell)\n"
              "refuses(\"no step '9'\", tell, 'continue', '9')\n"
              "refuses(\"no step 'x'\", tell, 'continue', 'x')\n"
              "has(tell('continue', '4'), 'stopped before step 4')\n"
              "has(tell 'continue', 'the script has come to its end')\n"
              "assert(not tell('steps'):find 'not come to')");
}
END_TEST

START_TEST(a_step_that_is_not_there_is_refused)
{
    step_into("r1", "77",
              "refuses(\"the run has no step '77'\", past.enter, shell)\n"
              "assert(past.choose({}, nil) == nil)");
}
END_TEST

START_TEST(where_all_is_done_it_stops_at_the_last_step)
{
    write_file("two.lua", "local w = require 'workspaces'\n"
                          "w.ensure('one', {display_name = 'One'})\n"
                          "w.ensure('two', {display_name = 'Two'})\n");
    ck_assert_int_eq(run_file("r2", "two.lua", NULL), EXIT_DONE);
    step_into("r2", NULL,
              "past.enter(shell)\n"
              "has(heard(), '2 steps: 2 done', \"stopped before step 2: ensure workspace "
              "'two'\")\n"
              "has(tell 'step', 'the script has come to its end')");
}
END_TEST

START_TEST(other_tasks_wait_before_their_own_writes)
{
    write_file("many.lua", "local w, tasks = require 'workspaces', require 'tasks'\n"
                           "tasks.map({'a', 'b', 'c'}, function(name)\n"
                           "  w.ensure(name, {display_name = name})\n"
                           "  w.ensure(name, {display_name = name .. '!'})\n"
                           "end)\n");
    ck_assert_int_eq(run_file("many", "many.lua", NULL), EXIT_DONE);
    step_into("many", "1",
              "past.enter(shell)\n"
              "require 'tasks'.sleep(1)\n"
              "has(tell 'where', \"another task before ensure workspace 'b'\", "
              "\"another task before ensure workspace 'c'\")\n"
              "assert(#core.waiting() == 3)\n"
              "has(tell 'step', \"ensure workspace 'a'\", '2 more tasks wait')\n"
              "has(tell 'continue', 'the script has come to its end')\n"
              "assert(#core.waiting() == 0)");
}
END_TEST

START_TEST(it_can_be_left_while_tasks_wait)
{
    step_into("r1", "2", "past.enter(shell)");
    ck_assert_str_eq(output.data, "");
}
END_TEST

/* --- what the script finds ---------------------------------------------------------- */

START_TEST(known_writes_are_there_and_the_rest_goes_to_the_simulator)
{
    step_into("r1", NULL,
              "past.enter(shell)\n"
              "local w, g = require 'workspaces', require 'gateways'\n"
              "assert(w.get('red').display_name == 'Team red')\n"
              "assert(w.get('green').description == 'no. 2')\n"
              "assert(g.find 'gw-teams' == nil)\n"
              "has(tell 'step', 'come to its end')\n"
              "assert(g.get('gw-teams').state == 'Succeeded')");
    ck_assert_str_eq(output.data, "refused\t400\nticket 42, 1 units, found Team green\n");
}
END_TEST

/* The checksums of all that the run has left; owned by the caller. */
static char *sum_up(void)
{
    ck_assert_int_eq(
        system("find store world.db tickets -type f -exec cksum {} + | sort >sums"), 0);
    return read_file("sums");
}

START_TEST(nothing_of_the_run_is_touched)
{
    char *before = sum_up(), *after;

    step_into("r1", "2",
              "past.enter(shell)\n"
              "tell('continue', '4')\n"
              "tell 'step'\n"
              "line 'call.units = 2'\n"
              "tell 'continue'\n"
              "tell 'restart'\n"
              "tell 'continue'");
    after = sum_up();
    ck_assert_str_eq(before, after);
    ck_assert_ptr_nonnull(strstr(before, "store/runs/r1/journal.jsonl"));
    free(before);
    free(after);
}
END_TEST

START_TEST(a_refusal_is_raised_as_it_was_until_the_script_has_stopped)
{
    write_file(
        "refused.lua",
        "local arm, tasks = require 'arm', require 'tasks'\n"
        "local function send(name)\n"
        "  return select(2, tasks.try(arm.put, require 'run'.service_id and '' or\n"
        "    '/subscriptions/x/resourceGroups/' .. name, {['api-version'] = "
        "'2021-04-01'}, {}))\n"
        "end\n"
        "local one = send 'one'\n"
        "local two = send 'two'\n"
        "print(one.code, one.status, two.code, two.status)\n");
    ck_assert_int_eq(run_file("r3", "refused.lua", NULL), EXIT_DONE);

    char *said = memory_copy_string(output.data);

    step_into("r3", "2",
              "past.enter(shell)\n"
              "has(tell 'fail', 'the script has come to its end')");
    ck_assert_str_eq(output.data, said);
    free(said);
}
END_TEST

START_TEST(what_did_not_fail_in_the_run_cannot_fail_as_it_did)
{
    step_into("r1", "2",
              "past.enter(shell)\n"
              "refuses('it did not fail in the run', tell, 'fail')");
}
END_TEST

START_TEST(lines_at_the_prompt_are_no_steps_of_the_run)
{
    step_into(
        "r1", "2",
        "past.enter(shell)\n"
        "local w = require 'workspaces'\n"
        "w.ensure('red', {display_name = 'Team red', description = 'no. 1'})\n"
        "assert(w.get('red').display_name == 'Team red')\n"
        "w.delete 'red'\n"
        "require 'run'.once('ticket', function() return 'mine' end)\n"
        "has(tell 'steps', '>     2  ', '3  ensure workspace \\'green\\': created (not "
        "come to)')\n"
        "has(tell 'continue', 'the script has come to its end')\n"
        "assert(w.get('red').display_name == 'Team red')");
}
END_TEST

START_TEST(groups_members_and_grants_are_there)
{
    write_file("people.lua",
               "local entra, rbac = require 'entra', require 'rbac'\n"
               "local w = require 'workspaces'.ensure('red', {display_name = 'Red'})\n"
               "local group = entra.ensure('api-team')\n"
               "rbac.grant {group = group, workspace = w, as = 'reader'}\n"
               "require 'workspaces'.ensure('last', {display_name = 'Last'})\n"
               "print(entra.group('api-team').id == group.id)\n");
    ck_assert_int_eq(run_file("people", "people.lua", NULL), EXIT_DONE);
    ck_assert_str_eq(output.data, "true\n");
    step_into("people", "last",
              "past.enter(shell)\n"
              "assert(core.unput() == nil)\n"
              "local entra = require 'entra'\n"
              "assert(entra.group('api-team').id == line 'group.id')\n"
              "has(tell 'step', 'the script has come to its end')");
    ck_assert_str_eq(output.data, "true\n");
}
END_TEST

/* A run with a target of its own, as one with Azure has. */
START_TEST(the_runs_own_target_is_there)
{
    const struct settings there = {.sim = true,
                                   .sim_world = "there.json",
                                   .sim_seed = 1,
                                   .clock_mode = CLOCK_VIRTUAL,
                                   .subscription = "11111111-2222-3333-4444-555555555555",
                                   .resource_group = "rg-own",
                                   .service = "apim-own",
                                   .store = "store"};
    struct failure *failure = NULL;
    struct session *session;

    write_file("there.json",
               "{\"subscription\":{\"id\":\"11111111-2222-3333-4444-555555555555\"},"
               "\"resource_group\":\"rg-own\",\"service\":\"apim-own\"}");
    session = session_open(&there, &failure);
    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(run_in(session, &(struct run_request){.script = "onboard.lua",
                                                           .keep = RUN_KEPT,
                                                           .id = "own"}),
                     EXIT_DONE);
    session_close(session);
    ck_assert_int_eq(unlink("there.json"), 0);
    step_into("own", "last",
              "past.enter(shell)\n"
              "local id = require 'workspaces'.get('red').id\n"
              "has(id, '/11111111-2222-3333-4444-555555555555/resourceGroups/rg-own/', "
              "'/service/apim-own/')\n"
              "assert(core.unput() == nil)\n"
              "has(tell 'step', 'the script has come to its end')");
}
END_TEST

START_TEST(what_cannot_be_put_into_the_world_is_said)
{
    const struct settings elsewhere = {
        .sim_seed = 1, .clock_mode = CLOCK_VIRTUAL, .sim_world = "elsewhere.json"};

    write_file("elsewhere.json",
               "{\"subscription\":{\"id\":\"99999999-2222-3333-4444-555555555555\"}}");
    write_file("fixed.lua",
               "require 'arm'.put('/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590"
               "/resourceGroups/rg-fixed', {['api-version'] = '2021-04-01'}, "
               "{location = 'westeurope'})\n"
               "require 'run'.once('end', function() end)\n");
    ck_assert_int_eq(run_file("fixed", "fixed.lua", NULL), EXIT_DONE);
    step_into_with("fixed", "last", NULL, elsewhere,
                   "past.enter(shell)\n"
                   "has(heard(), 'what 1 known write did is not in the simulated world', "
                   "'it is in another subscription')");
}
END_TEST

/* --- frames and variables ----------------------------------------------------------- */

START_TEST(frames_and_their_variables_are_there_by_name)
{
    step_into("r1", "3",
              "past.enter(shell)\n"
              "has(heard(), 'onboard.lua:18 in ', 'make')\n"
              "assert(line 'name' == 'green' and line 'number' == 2)\n"
              "assert(line 'title' == 'Team green')\n"
              "has(tell 'locals', 'name = \"green\"', 'title = \"Team green\"', "
              "'(outer) workspaces = module \\'workspaces\\'', '(asked for) call =')\n"
              "has(tell 'up', 'onboard.lua:24 in the main chunk')\n"
              "assert(line 'i' == 2 and #line 'made' == 1 and line 'title' == nil)\n"
              "assert(line 'made[1].display_name' == 'Team red')\n"
              "refuses('there are frames 1 to 3', tell, 'up')\n"
              "has(tell 'down', 'onboard.lua:18')\n"
              "has(tell('frame', '1'), 'collection.lua')\n"
              "refuses('there are frames 1 to 3', tell, 'frame', 'x')\n"
              "has(tell 'where', '>   1  ', '    3  onboard.lua:24 in the main chunk')");
}
END_TEST

START_TEST(a_local_that_is_changed_counts)
{
    step_into("r1", "3",
              "past.enter(shell)\n"
              "tell 'up'\n"
              "line 'teams[2] = \"red\"'\n"
              "has(tell('continue', '5'), 'stopped before step 5')\n"
              "line 'units = 3'\n"
              "assert(line 'units' == 3 and rawget(_G, 'units') == nil)\n"
              "line 'call.units = units'\n"
              "line 'other = 1'\n"
              "assert(line 'other' == 1)\n"
              "has(tell 'continue', 'the script has come to its end')");
    ck_assert_str_eq(output.data, "refused\t400\nticket 42, 3 units, found Team red\n");
}
END_TEST

START_TEST(an_upvalue_that_is_changed_counts)
{
    step_into("r1", "2",
              "past.enter(shell)\n"
              "line 'workspaces = {ensure = function(name) return {name = name, id = "
              "\"/x\"} end, get = function() return {display_name = \"mine\"} end}'\n"
              "has(tell('continue'), 'the script has come to its end')");
    ck_assert_ptr_nonnull(strstr(output.data, "found mine"));
}
END_TEST

START_TEST(a_call_can_be_given_its_result)
{
    step_into("r1", NULL,
              "past.enter(shell)\n"
              "refuses('expression', tell, 'return', '1 +')\n"
              "has(tell('return', '{units = units + 6}'), 'come to its end')\n"
              "assert(require 'gateways'.find 'gw-teams' == nil)");
    ck_assert_ptr_nonnull(strstr(output.data, "7 units"));
}
END_TEST

START_TEST(results_of_lines_are_no_variables_of_the_script)
{
    write_file("blank.lua", "for _, name in ipairs {'one'} do\n"
                            "  require 'workspaces'.ensure(name, {display_name = name})\n"
                            "  print(_)\n"
                            "end\n");
    ck_assert_int_eq(run_file("blank", "blank.lua", NULL), EXIT_DONE);
    step_into("blank", NULL,
              "past.enter(shell)\n"
              "shell.env._, shell.env._1 = 'result', 'result'\n"
              "assert(line '_' == 'result' and line '_1' == 'result')\n"
              "tell 'continue'");
    ck_assert_str_eq(output.data, "1\n");
}
END_TEST

START_TEST(inside_a_coroutine_of_the_script_all_frames_are_there)
{
    write_file(
        "inner.lua",
        "local function body(title)\n"
        "  local inner = 'in'\n"
        "  local made = require 'workspaces'.ensure('one', {display_name = title})\n"
        "  return made\n"
        "end\n"
        "local outer = 'out'\n"
        "print(coroutine.wrap(body)('One').name, outer)\n");
    ck_assert_int_eq(run_file("inner", "inner.lua", NULL), EXIT_DONE);
    step_into("inner", NULL,
              "past.enter(shell)\n"
              "assert(line 'inner' == 'in' and line 'title' == 'One')\n"
              "has(tell 'up', 'inner.lua:7 in the main chunk')\n"
              "assert(line 'outer' == 'out')\n"
              "line 'outer = \"new\"'\n"
              "tell 'continue'");
    ck_assert_str_eq(output.data, "one\tnew\n");
}
END_TEST

START_TEST(where_a_script_failed_is_kept)
{
    write_file("wrong.lua", "local limit = 3\n"
                            "local function check(value)\n"
                            "  local over = value - limit\n"
                            "  return over.x.y\n"
                            "end\n"
                            "require 'workspaces'.ensure('one', {display_name = 'One'})\n"
                            "check(5)\n");
    ck_assert_int_eq(run_file("wrong", "wrong.lua", NULL), EXIT_SCRIPT_FAILED);
    step_into("wrong", NULL,
              "past.enter(shell)\n"
              "has(tell 'continue', 'wrong.lua:4 in ', 'check')\n"
              "has(complaints(), 'the script failed: wrong.lua:4: ')\n"
              "assert(line 'over' == 2 and line 'value' == 5 and line 'limit' == 3)\n"
              "has(tell 'locals', 'over = 2')\n"
              "has(tell 'up', 'wrong.lua:7 in the main chunk')\n"
              "refuses('stay as they were', line, 'limit = 9')\n"
              "refuses('\\\\restart', tell, 'step')");
}
END_TEST

/* --- again -------------------------------------------------------------------------- */

START_TEST(a_changed_script_runs_up_to_the_same_step)
{
    char *text = read_file("onboard.lua"), *units = strstr(text, "local units = 1");

    ck_assert_ptr_nonnull(units);
    units[strlen("local units = ")] = '4';
    write_file("changed.lua", text);
    free(text);
    step_into(
        "r1", "3",
        "past.enter(shell)\n"
        "has(tell('continue'), 'come to its end')\n"
        "assert(require 'gateways'.get('gw-teams').units == 1)\n"
        "has(tell('restart', 'changed.lua'), 'stopped before step 3', "
        "'changed.lua:18')\n"
        "assert(require 'gateways'.find 'gw-teams' == nil)\n"
        "has(tell 'continue', 'come to its end', '1 step of the run was not come to')\n"
        "assert(require 'gateways'.get('gw-teams').units == 4)\n"
        "refuses('nowhere.lua', tell, 'restart', 'nowhere.lua')\n"
        "has(tell 'restart', 'stopped before step 3')");
    ck_assert_ptr_nonnull(strstr(output.data, "4 units"));
}
END_TEST

START_TEST(a_script_that_is_chosen_runs_instead)
{
    write_file("other.lua",
               "local mine = 'other'\n"
               "require 'workspaces'.ensure('red', {display_name = 'Team red', "
               "description = 'no. 1'})\n");
    step_into_with("r1", "2", "other.lua",
                   (struct settings){.sim_seed = 1, .clock_mode = CLOCK_VIRTUAL},
                   "past.enter(shell)\n"
                   "has(heard(), 'stopped before step 2', 'other.lua:2')\n"
                   "assert(line 'mine' == 'other')\n"
                   "has(tell 'continue', 'come to its end')");
}
END_TEST

START_TEST(what_it_did_not_come_to_is_said)
{
    write_file("none.lua", "print 'nothing'");
    step_into_with("r1", "2", "none.lua",
                   (struct settings){.sim_seed = 1, .clock_mode = CLOCK_VIRTUAL},
                   "past.enter(shell)\n"
                   "has(heard(), 'the script has come to its end', \"it did not come to "
                   "step 2: ensure workspace 'red'\", '5 steps of the run were not come "
                   "to')");
}
END_TEST

START_TEST(modules_and_globals_are_new_each_time)
{
    write_file("counter.lua", "count = (count or 0) + 1\nreturn {count = count}\n");
    write_file("twice.lua", "mark = (mark or 0) + 1\n"
                            "local counter = require 'counter'\n"
                            "counter.seen = (counter.seen or 0) + 1\n"
                            "require 'workspaces'.ensure('one', {display_name = 'One'})\n"
                            "print(mark, counter.seen)\n");
    ck_assert_int_eq(run_file("twice", "twice.lua", NULL), EXIT_DONE);
    step_into("twice", NULL,
              "past.enter(shell)\n"
              "tell 'continue'\n"
              "tell 'restart'\n"
              "tell 'continue'");
    ck_assert_str_eq(output.data, "1\t1\n1\t1\n");
}
END_TEST

/* --- records ------------------------------------------------------------------------ */

START_TEST(a_run_that_somebody_carries_is_not_disturbed)
{
    int status = 0;

    write_file("carried.lua", "local w = require 'workspaces'\n"
                              "w.ensure('one', {display_name = 'One'})\n"
                              "io.open('is-waiting', 'w'):close()\n"
                              "io.open('gate'):close()\n" /* once the test writes there */
                              "w.ensure('two', {display_name = 'Two'})\n");
    ck_assert_int_eq(mkfifo("gate", 0600), 0);

    const pid_t carrier = fork();

    if (carrier == 0)
        _exit(run_file("carried", "carried.lua", NULL));
    while (access("is-waiting", F_OK) != 0)
        usleep(1000);
    write_file("only-one.lua",
               "require 'workspaces'.ensure('one', {display_name = 'One'})");
    step_into_with("carried", NULL, "only-one.lua",
                   (struct settings){.sim_seed = 1, .clock_mode = CLOCK_VIRTUAL},
                   "past.enter(shell)\n"
                   "has(heard(), '1 step: 1 done', 'stopped before step 1')\n"
                   "has(tell 'continue', 'come to its end')");
    write_file("gate", "");
    ck_assert_int_eq(waitpid(carrier, &status, 0), carrier);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_DONE);
}
END_TEST

START_TEST(a_journal_that_is_damaged_counts_up_to_there)
{
    char *text = read_file("store/runs/r1/journal.jsonl");
    char *green = strstr(text, "/workspaces/green");

    ck_assert_ptr_nonnull(green);
    green[1] = 'W';
    write_file("store/runs/r1/journal.jsonl", text);
    free(text);
    step_into(
        "r1", NULL,
        "past.enter(shell)\n"
        "has(heard(), '2 steps: 2 done', 'damaged', 'is not known', 'stopped before "
        "step 2')\n"
        "has(tell 'continue', 'come to its end')");
}
END_TEST

START_TEST(a_torn_tail_is_no_damage)
{
    FILE *file = fopen("store/runs/r1/journal.jsonl", "a");

    ck_assert_ptr_nonnull(file);
    fputs("{\"v\":1,\"n\":", file);
    fclose(file);
    step_into("r1", NULL,
              "past.enter(shell)\n"
              "has(heard(), '5 steps: 3 done')\n"
              "assert(core.info().damage == nil)");
}
END_TEST

static const struct {
    const char *id, *prepare, *code;
} bad_runs[] = {
    {"nope", "true", "RunNotFound"},
    {"r1", "echo '{\"version\":99,\"script\":\"x\"}' >store/runs/r1/run.json",
     "JournalTooNew"},
    {"r1", "echo no >store/runs/r1/run.json", "JournalDamaged"},
};

START_TEST(a_run_that_cannot_be_read_is_refused)
{
    const struct settings where = {.store = "store"};
    struct failure *failure = NULL;

    ck_assert_int_eq(system(bad_runs[_i].prepare), 0);
    ck_assert_ptr_null(past_open(&where, bad_runs[_i].id, &failure));
    ck_assert_str_eq(failure->code, bad_runs[_i].code);
    failure_free(failure);
}
END_TEST

START_TEST(a_journal_that_is_too_new_is_refused)
{
    static const char line[] = "{\"v\":9,\"n\":1,\"do\":\"begin\"";
    const struct settings where = {.store = "store"};
    struct failure *failure = NULL;
    char crc[JOURNAL_CRC_SIZE], *text;

    journal_format_crc(line, strlen(line), crc);
    text = memory_format("%s,\"crc\":\"%s\"}\n", line, crc);
    write_file("store/runs/r1/journal.jsonl", text);
    free(text);
    ck_assert_ptr_null(past_open(&where, "r1", &failure));
    ck_assert_str_eq(failure->code, "JournalTooNew");
    failure_free(failure);
}
END_TEST

START_TEST(a_run_without_its_code_cannot_begin)
{
    ck_assert_int_eq(system("rm store/runs/r1/script.lua"), 0);
    step_into("r1", NULL,
              "refuses('the code of run r1 was not kept', past.enter, shell)");
}
END_TEST

START_TEST(a_session_with_it_knows_no_way_to_azure)
{
    const struct settings where = {.store = "store"};
    struct settings settings = {.endpoint = "https://azure.example",
                                .allowed_hosts = {"azure.example"},
                                .allowed_host_count = 1};
    struct failure *failure = NULL;
    struct past *past = past_open(&where, "r1", &failure);

    ck_assert_ptr_nonnull(past);
    past_fill_settings(past, &settings);
    ck_assert(settings.sim);
    ck_assert_ptr_null(settings.endpoint);
    ck_assert_ptr_null(settings.sim_file);
    ck_assert_uint_eq(settings.allowed_host_count, 0);
    past_close(past);
}
END_TEST

START_TEST(scripts_have_no_such_look_at_each_other)
{
    const struct settings settings = {.sim = true, .clock_mode = CLOCK_VIRTUAL};
    struct failure *failure = NULL;
    struct session *session = session_open(&settings, &failure);

    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(
        run_in(session,
               &(struct run_request){
                   .code = "local past = require 'core.past'\n"
                           "assert(not past.is_open())\n"
                           "for name, fn in pairs(past) do\n"
                           "  local ok, why = pcall(fn, 1, 1, 'local', 1, 1)\n"
                           "  assert(name == 'is_open' or not ok and "
                           "why:find 'no run is stepped into', name)\n"
                           "end\n"
                           "assert(debug.getlocal == nil and debug.setlocal == nil)"}),
        EXIT_DONE);
    session_close(session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("past");
    TCase *topic = add_case(suite, "where it stops", set_up, tear_down);

    tcase_add_test(topic, it_stops_where_the_run_ended);
    tcase_add_test(topic, it_stops_at_the_step_that_is_chosen_and_at_each_one_after_it);
    tcase_add_test(topic, it_goes_on_to_a_step_or_to_the_end);
    tcase_add_test(topic, a_step_that_is_not_there_is_refused);
    tcase_add_test(topic, where_all_is_done_it_stops_at_the_last_step);
    tcase_add_test(topic, other_tasks_wait_before_their_own_writes);
    tcase_add_test(topic, it_can_be_left_while_tasks_wait);

    topic = add_case(suite, "what the script finds", set_up, tear_down);
    tcase_add_test(topic, known_writes_are_there_and_the_rest_goes_to_the_simulator);
    tcase_add_test(topic, nothing_of_the_run_is_touched);
    tcase_add_test(topic, a_refusal_is_raised_as_it_was_until_the_script_has_stopped);
    tcase_add_test(topic, what_did_not_fail_in_the_run_cannot_fail_as_it_did);
    tcase_add_test(topic, lines_at_the_prompt_are_no_steps_of_the_run);
    tcase_add_test(topic, groups_members_and_grants_are_there);
    tcase_add_test(topic, the_runs_own_target_is_there);
    tcase_add_test(topic, what_cannot_be_put_into_the_world_is_said);

    topic = add_case(suite, "frames and variables", set_up, tear_down);
    tcase_add_test(topic, frames_and_their_variables_are_there_by_name);
    tcase_add_test(topic, a_local_that_is_changed_counts);
    tcase_add_test(topic, an_upvalue_that_is_changed_counts);
    tcase_add_test(topic, a_call_can_be_given_its_result);
    tcase_add_test(topic, results_of_lines_are_no_variables_of_the_script);
    tcase_add_test(topic, inside_a_coroutine_of_the_script_all_frames_are_there);
    tcase_add_test(topic, where_a_script_failed_is_kept);

    topic = add_case(suite, "again", set_up, tear_down);
    tcase_add_test(topic, a_changed_script_runs_up_to_the_same_step);
    tcase_add_test(topic, a_script_that_is_chosen_runs_instead);
    tcase_add_test(topic, what_it_did_not_come_to_is_said);
    tcase_add_test(topic, modules_and_globals_are_new_each_time);

    topic = add_case(suite, "records", set_up, tear_down);
    tcase_add_test(topic, a_run_that_somebody_carries_is_not_disturbed);
    tcase_add_test(topic, a_journal_that_is_damaged_counts_up_to_there);
    tcase_add_test(topic, a_torn_tail_is_no_damage);
    tcase_add_loop_test(topic, a_run_that_cannot_be_read_is_refused, 0,
                        COUNT_OF(bad_runs));
    tcase_add_test(topic, a_journal_that_is_too_new_is_refused);
    tcase_add_test(topic, a_run_without_its_code_cannot_begin);
    tcase_add_test(topic, a_session_with_it_knows_no_way_to_azure);
    tcase_add_test(topic, scripts_have_no_such_look_at_each_other);
    return run_suite(suite);
}
