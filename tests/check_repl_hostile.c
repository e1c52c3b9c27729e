/* tests/check_repl_hostile.c - lines and keys at the prompt of `moongate repl` that would rather
 * break it, sessions that are killed, and what is kept of secrets. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include <dirent.h>

#include "repl.h"
#include "simulator.h"

#define CTRL_C "\x03"
#define CTRL_D "\x04"
#define LIVE   "live rg-apim/contoso-apim> "
#define BUSY   "live rg-apim/contoso-apim [1]> "
#define SECRET "t0ps3cret"

/* The cursor stands alone in a row below what was typed. */
static bool is_running(const struct pty *pty, const char *unused)
{
    (void)unused;
    return pty->screen.column == 0 && pty->screen.row > 1;
}

/* A pipe in the home, by which a line can tell how far it is. */
static void make_pipe(const char *name)
{
    char *path = repl_path(name);

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    free(path);
}

/* Waits until a line opens it for writing. */
static void await_writer(const char *name)
{
    char *path = repl_path(name);
    const int end = open(path, O_RDONLY);

    ck_assert_int_ge(end, 0);
    close(end);
    free(path);
}

static void begin_line(const char *line)
{
    repl_type(line);
    repl_check(pty_wait_until(&repl.pty, is_running, ""), "nothing runs", line);
}

/* --- what lines raise, and how they end ------------------------------------------------------ */

START_TEST(run_exit_ends_the_session_with_its_code)
{
    repl_start("--sim --seed 1");
    repl_type("run.exit(5)\r");
    repl_await_end(5);
}
END_TEST

static const char *const raised[] = {"error()", "error {}", "error(tasks.spawn(print))",
                                     "error(setmetatable({}, {__tostring = error}))",
                                     "coroutine.yield(print)"};

START_TEST(whatever_is_raised_the_session_goes_on)
{
    repl_start("--sim --seed 1");
    repl_run(raised[_i]);
    repl_run("20 + 22");
    repl_see("= 42");
    repl_leave();
}
END_TEST

/* --- Ctrl-C ---------------------------------------------------------------------------------- */

START_TEST(what_is_closed_after_ctrl_c_is_stopped_by_another)
{
    make_pipe("closing");
    repl_start("--sim --clock real --seed 1");
    repl_run("function spin() io.open('closing', 'w'):close() while true do end end");
    begin_line("local x <close> = setmetatable({}, {__close = spin}) "
               "tasks.sleep '1h'\r");
    repl_type(CTRL_C);
    await_writer("closing");
    repl_type(CTRL_C);
    repl_see("interrupted");
    repl_await_prompt();
    repl_run("20 + 22");
    repl_see("= 42");
}
END_TEST

START_TEST(ctrl_c_in_haste_ends_the_line_and_not_the_session)
{
    repl_start("--sim --clock real --seed 1");
    begin_line("while true do pcall(error) end\r");
    repl_type(CTRL_C);
    repl_type(CTRL_C);
    repl_type(CTRL_C);
    repl_type(CTRL_C);
    repl_see("interrupted");
    repl_await_prompt();
    repl_run("20 + 22");
    repl_see("= 42");
}
END_TEST

/* --- keys that nobody waits for ---------------------------------------------------------------- */

START_TEST(keys_behind_the_end_are_for_the_next_line)
{
    repl_start("--sim --clock real --seed 1");
    repl_run("t = tasks.spawn(tasks.sleep, '1h')");
    repl_type(CTRL_D "20 + 22\r");
    repl_see("1 task is still under way:\n  1 that a line has spawned\n");
    repl_see("= 42");
    repl_await_prompt();
    repl_type(CTRL_D CTRL_D);
    repl_await_end(6);
}
END_TEST

START_TEST(keys_during_the_start_up_file_are_for_the_first_line)
{
    repl_write("config/moongate/init.lua", "print 'init' tasks.sleep(2)");
    repl_launch("--sim --clock real --seed 1");
    repl_see("init\n");
    repl_type("20 + 22\r");
    repl_see("= 42");
    repl_await_prompt();
    repl_leave();
}
END_TEST

/* --- sessions that are kept -------------------------------------------------------------------- */

static void begin_live(void)
{
    static const char *const words[] = {"--listen", "127.0.0.1:0", "--clock", "6000x",
                                        "--seed",   "1",           NULL};
    static const char *const names[] = {
        "AZURE_TENANT_ID",         "AZURE_SUBSCRIPTION_ID", "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",     "AZURE_AUTHORITY_HOST",  "MOONGATE_ENDPOINT",
        "MOONGATE_RESOURCE_GROUP", "MOONGATE_SERVICE"};

    repl_begin();
    ck_assert(simulator_start(words));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *value = simulator_value(names[i]);

        ck_assert_ptr_nonnull(value);
        repl_set(memory_format("%s=%s", names[i], value));
        free(value);
    }
    repl_launch("--store store");
    repl_await(LIVE);
}

static void end_live(void)
{
    simulator_drop();
    repl_end();
}

static void run_live(const char *line)
{
    repl_type(line);
    repl_type("\r");
    repl_await(LIVE);
}

/* The only run of the store. Owned by the caller. */
static char *find_run(void)
{
    char *path = repl_path("store/runs"), *run = NULL;
    DIR *folder = opendir(path);
    const struct dirent *entry;

    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            run = memory_copy_string(entry->d_name);
    }
    closedir(folder);
    free(path);
    ck_assert_ptr_nonnull(run);
    return run;
}

static int look_for_secret(const char *path, const struct stat *facts, int type,
                           struct FTW *place)
{
    (void)facts, (void)place;
    if (type == FTW_F) {
        char *text = repl_read(path + strlen(repl.home) + 1);

        ck_assert_msg(strstr(text, SECRET) == NULL, "%s:\n%s", path, text);
        free(text);
    }
    return 0;
}

START_TEST(secrets_are_kept_nowhere)
{
    run_live("workspaces.create('ws-1').name");
    run_live("login = {client_secret = '" SECRET "'}");
    run_live("login");
    run_live("error(login)");
    run_live("tasks.sleep(0) other = {password = '" SECRET "'} &");
    run_live("workspaces.create('ws-2').name");
    repl_type(CTRL_D);
    repl_await_end(0);

    char *run = find_run(), *name = memory_format("store/runs/%s/script.lua", run);
    char *script = repl_read(name);

    ck_assert_ptr_nonnull(strstr(script, "workspaces.create('ws-2')"));
    free(script);
    free(name);
    free(run);
    nftw(repl.home, look_for_secret, 8, FTW_PHYS);
}
END_TEST

static void resume(const char *run, int expected)
{
    const char *const words[] = {repl.moongate, "resume", "--store", "store", run, NULL};

    pty_drop(&repl.pty);
    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));
    repl_await_end(expected);
}

/* A line that `\load` had run was kept beside it, and ran twice. */
START_TEST(a_session_that_was_killed_is_carried_on_and_writes_nothing_twice)
{
    repl_write("loaded.lua", "w = workspaces.create('ws-1')");
    run_live("\\load loaded.lua");
    run_live("workspaces.create('ws-1')"); /* is there already */
    run_live("error 'no'");
    run_live("\\scope contoso-apim");
    repl_type("gateways.create('gw-1', {units = 1}) &\r");
    repl_await(BUSY);
    repl_type("g = gateways.create('gw-2', {units = 1}).name\r");
    repl_see("gw-2  Activating");
    kill(repl.pty.pid, SIGKILL);
    pty_await_end(&repl.pty);

    char *run = find_run();

    resume(run, 0);
    ck_assert(pty_has(&repl.pty, "succeeded in"));
    ck_assert(pty_has(&repl.pty, "3 created"));
    free(run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl_hostile");
    TCase *topic = add_case(suite, "lines", repl_begin, repl_end);

    tcase_add_test(topic, run_exit_ends_the_session_with_its_code);
    tcase_add_loop_test(topic, whatever_is_raised_the_session_goes_on, 0,
                        COUNT_OF(raised));

    topic = add_case(suite, "keys", repl_begin, repl_end);
    tcase_add_test(topic, what_is_closed_after_ctrl_c_is_stopped_by_another);
    tcase_add_test(topic, ctrl_c_in_haste_ends_the_line_and_not_the_session);
    tcase_add_test(topic, keys_behind_the_end_are_for_the_next_line);
    tcase_add_test(topic, keys_during_the_start_up_file_are_for_the_first_line);

    topic = add_case(suite, "kept sessions", begin_live, end_live);
    tcase_add_test(topic, secrets_are_kept_nowhere);
    tcase_add_test(topic,
                   a_session_that_was_killed_is_carried_on_and_writes_nothing_twice);
    return run_suite(suite);
}
