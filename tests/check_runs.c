/* tests/check_runs.c - a run is watched from another process, on a terminal of its own.
 *
 * The test is who carries the run: it holds the lease and writes the log, and moongate, the
 * binary that MOONGATE names, looks on. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "screen.h"
#include "store.h"
#include "suite.h"

enum { PATIENCE_MS = 20000, LEASE_MS = 600000 };

#define STARTED                                                                          \
    "{\"event\":\"run.started\",\"time\":\"2026-11-25T10:00:00.000Z\",\"elapsed\":0,"    \
    "\"script\":\"onboard.lua\"}\n"
#define BEGUN                                                                            \
    "{\"event\":\"operation.started\",\"time\":\"2026-11-25T10:00:01.000Z\","            \
    "\"elapsed\":1,\"operation\":1,\"verb\":\"create\",\"kind\":\"gateway\","            \
    "\"name\":\"gw-a\",\"target\":\"/gateways/gw-a\",\"age\":0}\n"
#define ACTIVATING                                                                       \
    "{\"event\":\"operation.state\",\"time\":\"2026-11-25T10:10:01.000Z\","              \
    "\"elapsed\":601,\"operation\":1,\"verb\":\"create\",\"kind\":\"gateway\","          \
    "\"name\":\"gw-a\",\"target\":\"/gateways/gw-a\",\"state\":\"Activating\","          \
    "\"age\":600}\n"
#define CREATED                                                                          \
    "{\"event\":\"operation.finished\",\"time\":\"2026-11-25T10:20:01.000Z\","           \
    "\"elapsed\":1201,\"operation\":1,\"verb\":\"create\",\"kind\":\"gateway\","         \
    "\"name\":\"gw-a\",\"target\":\"/gateways/gw-a\",\"outcome\":\"created\","           \
    "\"age\":1200}\n"
#define FINISHED                                                                         \
    "{\"event\":\"run.finished\",\"run\":\"1\",\"status\":\"failed\",\"created\":1,"     \
    "\"changed\":0,\"unchanged\":0,\"deleted\":0,\"failed\":0,\"requests\":5,"           \
    "\"writes\":1,\"wall_seconds\":1202,\"virtual_seconds\":1202}\n"

static struct store_lease *lease;
static uint64_t event_bytes;
static struct {
    pid_t pid;
    int master;
    struct screen screen;
    struct buffer raw; /* all that it wrote to the terminal */
} program;

/* --- the run ------------------------------------------------------------------------------ */

static void begin_run(const char *script)
{
    char *manifest =
        memory_format("{\"version\":1,\"id\":\"1\",\"script\":\"%s\",\"arguments\":[],"
                      "\"started\":\"2026-11-25T10:00:00.000Z\"}",
                      script);

    ck_assert_str_eq(put(STORE_NEW, "runs/1/run.json", manifest), "");
    free(manifest);
    store->acquire(store, start_call(), "runs/1/journal.jsonl",
                   "{\"host\":\"h\",\"pid\":1,\"since\":\"now\"}", LEASE_MS);
    ck_assert_str_eq(finish(), "");
    lease = call.lease;
    call.lease = NULL;
    ck_assert_ptr_nonnull(lease);
}

static void tell(const char *line)
{
    store->append(store, start_call(), "runs/1/events.jsonl", NULL, event_bytes, line,
                  strlen(line), false);
    ck_assert_str_eq(finish(), "");
    event_bytes += strlen(line);
}

static void end_run(int exit_code)
{
    char *end = memory_format("{\"version\":1,\"fence\":%d,\"status\":\"failed\","
                              "\"exit_code\":%d}",
                              (int)lease->fence, exit_code);

    ck_assert_str_eq(put(STORE_REPLACE, "runs/1/end.json", end), "");
    free(end);
    ck_assert_str_eq(release(lease), "");
    lease = NULL;
}

/* --- the program -------------------------------------------------------------------------- */

static void launch(const char *action, const char *run, int columns)
{
    const char *moongate = getenv("MOONGATE");
    char *folder = path_of("store");

    ck_assert_ptr_nonnull(moongate);
    program.master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(program.master, 0);
    ck_assert_int_eq(grantpt(program.master), 0);
    ck_assert_int_eq(unlockpt(program.master), 0);
    program.screen.columns = columns;
    program.screen.rows = 24;
    program.pid = fork();
    ck_assert_int_ge(program.pid, 0);
    if (program.pid == 0) {
        const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};

        setsid();

        const int terminal = open(ptsname(program.master), O_RDWR);

        ioctl(terminal, TIOCSCTTY, 0);
        ioctl(terminal, TIOCSWINSZ, &size);
        close(program.master);
        for (int fd = 0; fd <= 2; fd++)
            dup2(terminal, fd);
        execl(moongate, moongate, "runs", action, "--store", folder, run, (char *)NULL);
        _exit(127);
    }
    free(folder);
}

/* Takes in what the program writes. False when that is over. */
static bool read_on(void)
{
    struct pollfd poller = {.fd = program.master, .events = POLLIN};
    char piece[4097];
    ssize_t length;

    ck_assert_msg(poll(&poller, 1, PATIENCE_MS) > 0, "nothing more came than: %s",
                  program.raw.data);
    length = read(program.master, piece, sizeof piece - 1);
    if (length <= 0)
        return false; /* EIO: its end of the terminal is closed */
    buffer_append(&program.raw, piece, (size_t)length);
    return true;
}

/* Until these words came; what is drawn is on the screen then. */
static void await(const char *words)
{
    while (program.raw.data == NULL || strstr(program.raw.data, words) == NULL)
        ck_assert_msg(read_on(), "it ended without '%s': %s", words, program.raw.data);
}

/* Returns its exit code. */
static int await_end(void)
{
    int status;

    while (read_on())
        ;
    ck_assert_int_eq(waitpid(program.pid, &status, 0), program.pid);
    program.pid = 0;
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What is to be seen in the end. Owned by the caller. */
static char *see(void)
{
    screen_write(&program.screen, program.raw.data);
    return screen_text(&program.screen);
}

static void assert_seen(const char *seen, const char *words)
{
    ck_assert_msg(strstr(seen, words) != NULL, "'%s' is not in:\n%s", words, seen);
}

static void open_all(void)
{
    set_up();
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("NO_COLOR", "1", 1);
    memset(&program, 0, sizeof program);
    event_bytes = 0;
}

static void close_all(void)
{
    if (program.pid > 0) {
        kill(program.pid, SIGKILL);
        waitpid(program.pid, NULL, 0);
    }
    close(program.master);
    buffer_deinit(&program.raw);
    buffer_deinit(&program.screen.scrolled);
    if (lease != NULL)
        release(lease);
    lease = NULL;
    store_call_deinit(&call);
    tear_down();
}

/* --- attach ------------------------------------------------------------------------------- */

START_TEST(attach_draws_what_is_waited_for_and_ctrl_c_leaves_it_alone)
{
    begin_run("onboard.lua");
    tell(STARTED BEGUN ACTIVATING);
    launch("attach", "1", 100);
    await("Activating");
    ck_assert_int_eq((int)write(program.master, "\x03", 1), 1);
    ck_assert_int_eq(await_end(), 0);

    char *seen = see();

    assert_seen(seen, "left run 1, which goes on");
    ck_assert(!program.screen.is_cursor_hidden);
    ck_assert_uint_eq(program.screen.wraps, 0);
    store->look(store, start_call(), "runs/1/journal.jsonl");
    ck_assert_str_eq(finish(), "");
    ck_assert(call.is_held);
    free(seen);
}
END_TEST

START_TEST(attach_follows_the_run_to_its_end_and_ends_with_its_exit_code)
{
    begin_run("onboard.lua");
    tell(STARTED BEGUN);
    launch("attach", "1", 100);
    await("gw-a");
    tell(ACTIVATING);
    await("Activating");
    tell(CREATED FINISHED);
    end_run(3);
    ck_assert_int_eq(await_end(), 3);

    char *seen = see();

    assert_seen(seen, "gateway 'gw-a' created in 20:00");
    assert_seen(seen, "failed after 20:02");
    ck_assert(!program.screen.is_cursor_hidden);
    free(seen);
}
END_TEST

START_TEST(attach_says_when_a_run_has_died)
{
    begin_run("onboard.lua");
    tell(STARTED BEGUN);
    ck_assert_str_eq(release(lease), "");
    lease = NULL;
    launch("attach", "1", 100);
    ck_assert_int_eq(await_end(), 1);

    char *seen = see();

    assert_seen(seen, "carry it on: moongate resume 1");
    free(seen);
}
END_TEST

/* --- logs and list ------------------------------------------------------------------------ */

START_TEST(lines_that_two_reads_share_are_whole)
{
    struct buffer text = {0};

    begin_run("onboard.lua");
    for (int i = 0; i < 6000; i++) /* more than one read takes */
        buffer_printf(&text, "{\"event\":\"output\",\"text\":\"line %d of many\\n\"}\n",
                      i);
    tell(text.data);
    buffer_deinit(&text);
    launch("logs", "1", 100);
    ck_assert_int_eq(await_end(), 0);
    for (int i = 0; i < 6000; i++)
        buffer_printf(&text, "line %d of many\r\n", i);
    ck_assert_str_eq(program.raw.data, text.data);
    buffer_deinit(&text);
}
END_TEST

START_TEST(what_a_script_printed_cannot_harm_a_terminal)
{
    begin_run("onboard.lua");
    tell("{\"event\":\"output\",\"text\":\"\\u001b]0;title\\u0007 "
         "\\u001b[31mred\\u001b[0m\\n\"}"
         "\n");
    launch("logs", "1", 100);
    ck_assert_int_eq(await_end(), 0);
    ck_assert_ptr_null(strstr(program.raw.data, "\x1b]"));
    assert_seen(program.raw.data, "\\x1b]0;title");
    assert_seen(program.raw.data, "\x1b[31mred"); /* colours stay */
}
END_TEST

START_TEST(a_list_is_cut_to_the_terminal)
{
    begin_run(
        "a/script/with/a/name/that/is/much/too/long/for/any/terminal.lua\\u001b[2J");
    launch("list", NULL, 50);
    ck_assert_int_eq(await_end(), 0);

    char *seen = see();

    ck_assert_uint_eq(program.screen.wraps, 0);
    assert_seen(seen, "RUN  STATE");
    assert_seen(seen, "1    running  a/script");
    free(seen);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runs");
    TCase *attach = add_case(suite, "attach", open_all, close_all);
    TCase *lines = add_case(suite, "logs and list", open_all, close_all);

    tcase_add_test(attach, attach_draws_what_is_waited_for_and_ctrl_c_leaves_it_alone);
    tcase_add_test(attach, attach_follows_the_run_to_its_end_and_ends_with_its_exit_code);
    tcase_add_test(attach, attach_says_when_a_run_has_died);
    tcase_add_test(lines, lines_that_two_reads_share_are_whole);
    tcase_add_test(lines, what_a_script_printed_cannot_harm_a_terminal);
    tcase_add_test(lines, a_list_is_cut_to_the_terminal);
    return run_suite(suite);
}
