/* tests/check_service.c - what a program that runs for ever hears and says: core.service.
 *
 * A process of its own runs a script in a session that manages runs. It says a line when it is
 * ready for something and reads one to go on, so that nobody waits for time to pass; the test sends
 * it signals, and is the service manager at the other end of a socket. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/timex.h>
#endif

#include <check.h>

#include "base/memory.h"
#include "net/clock_steps.h"
#include "net/loop.h"
#include "net/service_manager.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

enum { PATIENCE_MS = 20000, LINE_SIZE = 8192 };

static struct {
    pid_t pid;
    FILE *in, *out; /* of the child: what it reads and what it says */
    int manager;    /* a socket */
    char *folder;
    bool manages_runs;
    enum clock_mode clock_mode;
} h;

static void set_up(void)
{
    memset(&h, 0, sizeof h);
    h.manager = -1;
    h.manages_runs = true;
    h.clock_mode = CLOCK_REAL;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    signal(SIGPIPE, SIG_IGN);
}

static void tear_down(void)
{
    if (h.manager >= 0)
        close(h.manager);
    if (h.folder != NULL) {
        char *name = memory_format("%s/notify", h.folder);

        unlink(name);
        ck_assert_int_eq(rmdir(h.folder), 0);
        free(name);
    }
    free(h.folder);
}

/* --- the program ----------------------------------------------------------------------------- */

static void be_session(const char *code, int in, int out)
{
    const struct settings settings = {.sim = true,
                                      .quiet = true,
                                      .clock_mode = h.clock_mode,
                                      .clock_factor = 1.0,
                                      .manages_runs = h.manages_runs,
                                      .store = "none"};
    struct failure *failure = NULL;

    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);

    struct session *session = session_open(&settings, &failure);
    const int status =
        run_script(session, &(struct run_request){.code = code, .keep = RUN_NOT_KEPT});

    session_close(session);
    printf("exit %d\n", status);
    fflush(stdout);
    _exit(0);
}

/* `body` gets say(...) and hear(). */
static void start_plain(const char *body)
{
    static const char head[] = "local tasks = require 'tasks' "
                               "local function say(...) print(...) io.stdout:flush() end "
                               "local function hear() return io.read() end ";
    char *code = memory_format("%s%s", head, body);
    int in[2], out[2];

    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    h.pid = fork();
    ck_assert_int_ge(h.pid, 0);
    if (h.pid == 0) {
        close(in[1]);
        close(out[0]);
        be_session(code, in[0], out[1]);
    }
    free(code);
    close(in[0]);
    close(out[1]);
    h.in = fdopen(in[1], "w");
    h.out = fdopen(out[0], "r");
}

/* The same with `service`. */
static void start(const char *body)
{
    char *code = memory_format("local service = require 'core.service' %s", body);

    start_plain(code);
    free(code);
}

static void answer(void)
{
    ck_assert_int_ge(fputs("go on\n", h.in), 0);
    ck_assert_int_eq(fflush(h.in), 0);
}

static void expect(const char *line)
{
    char text[LINE_SIZE];

    ck_assert_msg(fgets(text, sizeof text, h.out) != NULL, "'%s' expected, got the end",
                  line);
    text[strcspn(text, "\n")] = '\0';
    ck_assert_str_eq(text, line);
}

/* Until the line comes; for what may be told in many lines. */
static void expect_somewhere(const char *part)
{
    char text[LINE_SIZE];

    do
        ck_assert_msg(fgets(text, sizeof text, h.out) != NULL, "no line with '%s'", part);
    while (strstr(text, part) == NULL);
}

static int wait_for_child(void)
{
    int status;

    fclose(h.in);
    fclose(h.out);
    ck_assert_int_eq(waitpid(h.pid, &status, 0), h.pid);
    return status;
}

static void expect_end(int exit_code)
{
    char *line = memory_format("exit %d", exit_code);

    expect(line);
    free(line);
    ck_assert_int_eq(wait_for_child(), 0);
}

static void send_signal(int number)
{
    ck_assert_int_eq(kill(h.pid, number), 0);
}

/* --- the manager ----------------------------------------------------------------------------- */

static void listen_at(const struct sockaddr_un *address, size_t length)
{
    h.manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_ge(h.manager, 0);
    ck_assert_msg(bind(h.manager, (const struct sockaddr *)address,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0,
                  "bind: %s", strerror(errno));
}

static void listen_at_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    h.folder = memory_copy_string("/tmp/check-service-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(h.folder));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", h.folder);
    listen_at(&address, strlen(address.sun_path) + 1);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

/* In the abstract name space, where names begin with a null and are as long as they are. */
static void listen_at_abstract_name(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int length = snprintf(address.sun_path, sizeof address.sun_path,
                                "@moongate-check-%ld", (long)getpid());

    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    address.sun_path[0] = '\0';
    listen_at(&address, (size_t)length);
}

static const char *received(void)
{
    static char message[LINE_SIZE];
    struct pollfd side = {.fd = h.manager, .events = POLLIN};

    ck_assert_msg(poll(&side, 1, PATIENCE_MS) == 1, "nothing was told");

    const ssize_t length = recv(h.manager, message, sizeof message - 1, 0);

    ck_assert_int_ge(length, 0);
    message[length] = '\0';
    return message;
}

static bool has_more(void)
{
    struct pollfd side = {.fd = h.manager, .events = POLLIN};

    return poll(&side, 1, 0) == 1;
}

/* --- signals --------------------------------------------------------------------------------- */

static const struct {
    int number;
    const char *news;
} heard[] = {
    {SIGHUP, "reload"}, {SIGTERM, "drain\tterminate"}, {SIGINT, "drain\tinterrupt"}};

START_TEST(a_signal_is_heard_by_whoever_waits)
{
    start("say 'ready' say(service.next())");
    expect("ready");
    send_signal(heard[_i].number);
    expect(heard[_i].news);
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(what_came_while_nobody_waited_is_told_once_the_urgent_first)
{
    start("say 'ready' hear() "
          "for _ = 1, 2 do say(service.next()) end "
          "local task = tasks.spawn(service.next) tasks.sleep(0) "
          "say(task:status()) task:cancel()");
    expect("ready");
    for (int i = 0; i < 5; i++)
        send_signal(SIGHUP);
    send_signal(SIGTERM);
    answer();
    expect("drain\tterminate");
    expect("reload");
    expect("waiting");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(the_second_wish_to_end_says_stop)
{
    start("say 'ready' say(service.next()) say(service.next())");
    expect("ready");
    send_signal(SIGINT);
    expect("drain\tinterrupt");
    send_signal(SIGTERM);
    expect("stop\tterminate");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(two_wishes_at_once_are_told_one_after_the_other)
{
    start("say 'ready' hear() say(service.next()) say(service.next())");
    expect("ready");
    send_signal(SIGINT);
    send_signal(SIGTERM);
    answer();
    expect("drain\tinterrupt");
    expect("stop\tterminate");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(the_third_wish_to_end_has_its_usual_effect)
{
    start("say 'ready' say(service.next()) say(service.next()) "
          "while true do end");
    expect("ready");
    send_signal(SIGTERM);
    expect("drain\tterminate");
    send_signal(SIGTERM);
    expect("stop\tterminate");
    send_signal(SIGTERM);

    const int status = wait_for_child();

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

START_TEST(a_script_that_computes_is_not_stopped)
{
    start("say 'ready' hear() "
          "local sum = 0 for i = 1, 3000000 do sum = sum + i % 7 end "
          "say(sum) say(service.next())");
    expect("ready");
    send_signal(SIGTERM);
    answer();
    expect("8999997");
    expect("drain\tterminate");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(while_it_is_not_open_signals_end_the_run)
{
    start_plain("say 'ready' hear() tasks.sleep(3600) say 'never'");
    expect("ready");
    send_signal(heard[_i].number);
    answer();
    expect_somewhere("exit 6"); /* behind words about the interruption */
    ck_assert_int_eq(wait_for_child(), 0);
}
END_TEST

START_TEST(closing_the_task_cancels_the_wait_and_loses_nothing)
{
    start("local task = tasks.spawn(service.next) tasks.sleep(0) "
          "task:cancel() say(task:status()) hear() say(service.next())");
    expect("canceled");
    send_signal(SIGHUP);
    answer();
    expect("reload");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(of_two_who_wait_one_is_told)
{
    start("local told = {} "
          "for i = 1, 2 do tasks.spawn(function() told[#told + 1] = service.next() "
          "say(told[#told]) end) end "
          "tasks.sleep(0) say 'ready'");
    expect("ready");
    send_signal(SIGHUP);
    expect("reload");
    send_signal(SIGTERM);
    expect("drain");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(a_virtual_clock_jumps_while_somebody_waits)
{
    h.clock_mode = CLOCK_VIRTUAL;
    start("local task = tasks.spawn(service.next) "
          "tasks.sleep('1000h') say 'ready' say(task:join())");
    expect("ready");
    send_signal(SIGHUP);
    expect("reload");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(waiting_outside_of_a_task_raises)
{
    start("say(pcall(string.gsub, 'x', 'x', service.next))");
    expect_somewhere("cannot wait");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(a_session_that_does_not_manage_runs_has_none)
{
    h.manages_runs = false;
    start("say 'never'");
    expect_somewhere("core.service is for sessions that manage runs");
    ck_assert_int_eq(wait_for_child(), 0);
}
END_TEST

/* --- the service manager --------------------------------------------------------------------- */

START_TEST(nobody_listens_without_notify_socket)
{
    start("say(service.notify 'READY=1') say(service.watchdog())");
    expect("false");
    expect("nil");
    expect_end(EXIT_DONE);
}
END_TEST

static void (*const places[])(void) = {listen_at_path, listen_at_abstract_name};

START_TEST(the_manager_is_told_and_children_are_not_to_tell_it)
{
    places[_i]();
    start("say(service.notify 'READY=1\\nSTATUS=3 jobs') "
          "say(require 'env'.get 'NOTIFY_SOCKET')");
    ck_assert_str_eq(received(), "READY=1\nSTATUS=3 jobs");
    expect("true");
    expect("nil");
    expect_end(EXIT_DONE);
    ck_assert(!has_more());
}
END_TEST

static int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

START_TEST(a_reload_is_told_with_its_time)
{
    const int64_t before_us = monotonic_us();
    const char *message;
    int64_t told_us;
    int end = 0;

    listen_at_path();
    start("service.notify 'STATUS=x\\nRELOADING=1' "
          "service.notify 'RELOADING=1\\nMONOTONIC_USEC=17'");
    message = received();
    ck_assert_int_eq(sscanf(message,
                            "STATUS=x\nRELOADING=1\nMONOTONIC_USEC=%" SCNd64 "%n",
                            &told_us, &end),
                     1);
    ck_assert_int_eq(message[end], '\0');
    ck_assert_int_ge(told_us, before_us);
    ck_assert_int_le(told_us, monotonic_us());
    ck_assert_str_eq(received(), "RELOADING=1\nMONOTONIC_USEC=17");
    expect_end(EXIT_DONE);
}
END_TEST

START_TEST(a_manager_that_cannot_be_told_is_named)
{
    setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    start("say(service.notify 'READY=1')");
    expect("nil\tthe service manager cannot be told: '/nowhere/notify': No such file or "
           "directory");
    expect_end(EXIT_DONE);
}
END_TEST

static char longest[110]; /* one more than an address may have */

static const char *const wrong_addresses[] = {"relative", "/", "@", "vsock:2:1", longest};

START_TEST(an_address_that_is_none_is_named)
{
    memset(longest, 'x', 108);
    longest[0] = '/';
    setenv("NOTIFY_SOCKET", wrong_addresses[_i], 1);

    struct service_manager *manager = service_manager_open();
    char *wrong = service_manager_tell(manager, "READY=1");

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, "is not the path or the @name") != NULL, "%s", wrong);
    ck_assert_ptr_nonnull(strstr(wrong, wrong_addresses[_i]));
    free(wrong);
    service_manager_close(manager);
}
END_TEST

START_TEST(a_manager_that_does_not_read_is_not_waited_for)
{
    int told = 0;
    char *wrong;

    listen_at_path();

    struct service_manager *manager = service_manager_open();
    const int64_t before_us = monotonic_us();

    while ((wrong = service_manager_tell(manager, "WATCHDOG=1")) == NULL)
        ck_assert_int_lt(told++, 1000000);
    ck_assert_ptr_nonnull(strstr(wrong, "it does not read"));
    ck_assert_int_lt(monotonic_us() - before_us, INT64_C(15000000));
    free(wrong);
    ck_assert_str_eq(received(), "WATCHDOG=1");
    ck_assert_ptr_null(service_manager_tell(manager, "WATCHDOG=1"));
    service_manager_close(manager);
}
END_TEST

START_TEST(what_is_told_is_4096_bytes_at_most)
{
    listen_at_path();
    start("say(service.notify('STATUS=' .. ('x'):rep(4089))) "
          "say(pcall(service.notify, ('x'):rep(4097))) say(pcall(service.notify, ''))");
    ck_assert_uint_eq(strlen(received()), 4096);
    expect("true");
    expect_somewhere("1 to 4096 bytes expected");
    expect_somewhere("1 to 4096 bytes expected");
    expect_end(EXIT_DONE);
}
END_TEST

static const struct {
    const char *interval, *pid; /* "own": that of the process */
    const char *said;
} watchdogs[] = {
    {"30000000", NULL, "30.0"},
    {"30000000", "own", "30.0"},
    {"1500", "own", "0.0015"},
    {"30000000", "1", "nil"},
    {"", "own", "nil"},
    {"30s", NULL, "nil\tWATCHDOG_USEC: '30s' is not a number of microseconds, 1 or more"},
    {"0", NULL, "nil\tWATCHDOG_USEC: '0' is not a number of microseconds, 1 or more"},
    {"-1", NULL, "nil\tWATCHDOG_USEC: '-1' is not a number of microseconds, 1 or more"},
    {"99999999999999999999", NULL,
     "nil\tWATCHDOG_USEC: '99999999999999999999' is not a number of microseconds, 1 or "
     "more"},
    {"30000000", "me", "nil\tWATCHDOG_PID: 'me' is not the number of a process"},
};

START_TEST(the_watchdog_is_the_managers_wish_for_this_process)
{
    char pid[32];

    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("WATCHDOG_USEC", watchdogs[_i].interval, 1);
    if (watchdogs[_i].pid != NULL)
        setenv("WATCHDOG_PID",
               strcmp(watchdogs[_i].pid, "own") == 0 ? pid : watchdogs[_i].pid, 1);

    struct service_manager *manager = service_manager_open();
    char *wrong, said[256];
    const int64_t interval_us = service_manager_watchdog_us(manager, &wrong);

    if (wrong != NULL)
        snprintf(said, sizeof said, "nil\t%s", wrong);
    else if (interval_us == 0)
        snprintf(said, sizeof said, "nil");
    else
        snprintf(said, sizeof said, interval_us % 1000000 == 0 ? "%.1f" : "%.4f",
                 (double)interval_us / 1e6);
    ck_assert_str_eq(said, watchdogs[_i].said);
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
    ck_assert_ptr_null(getenv("WATCHDOG_PID"));
    free(wrong);
    service_manager_close(manager);
}
END_TEST

START_TEST(scripts_see_the_watchdog_in_seconds)
{
    setenv("WATCHDOG_USEC", "2500000", 1);
    start("say(service.watchdog())");
    expect("2.5");
    expect_end(EXIT_DONE);
}
END_TEST

/* --- the wall clock -------------------------------------------------------------------------- */

static void count_step(void *context)
{
    ++*(int *)context;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void do_nothing(struct timer *timer)
{
    (void)timer;
}

/* Turns the loop for a moment: what is ready is told. */
static void turn(struct loop *loop)
{
    struct timer timer = {.fire = do_nothing};

    timer_start(loop, &timer, 1);
    ck_assert(!loop_run(loop, never, NULL, false));
}

/* Moves the wall clock by a nanosecond: whether one may, and it was done. */
static bool set_wall_clock(void)
{
#ifdef __linux__
    struct timex step = {.modes = ADJ_SETOFFSET | ADJ_NANO, .time = {.tv_usec = 1}};

    return adjtimex(&step) >= 0;
#else
    return false;
#endif
}

START_TEST(each_step_of_the_wall_clock_is_told_and_nothing_else)
{
    struct clock clock;
    int steps = 0;

    clock_init(&clock, CLOCK_REAL, 1.0);

    struct loop *loop = loop_new(&clock);
    struct clock_steps *watch = clock_steps_open(loop, count_step, &steps);

#ifdef __linux__
    ck_assert_ptr_nonnull(watch);
#endif
    turn(loop);
    ck_assert_int_eq(steps, 0);
    for (int i = 1; i <= 3; i++) {
        const bool is_set = set_wall_clock(); /* only who may set it sees more */

        turn(loop);
        ck_assert_int_eq(steps, is_set && watch != NULL ? i : 0);
    }
    clock_steps_close(watch);
    set_wall_clock();
    turn(loop);
    loop_free(loop);
}
END_TEST

START_TEST(a_step_of_the_wall_clock_wakes_who_waits)
{
    start("say 'ready' local task = tasks.spawn(service.next) tasks.sleep(0) hear() "
          "say(task:join())");
    expect("ready");

    const char *news = set_wall_clock() ? "clock" : "reload";

    if (strcmp(news, "reload") == 0)
        send_signal(SIGHUP);
    answer();
    expect(news);
    expect_end(EXIT_DONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *topic = add_case(suite, "signals", set_up, tear_down);

    tcase_add_loop_test(topic, a_signal_is_heard_by_whoever_waits, 0, COUNT_OF(heard));
    tcase_add_test(topic, what_came_while_nobody_waited_is_told_once_the_urgent_first);
    tcase_add_test(topic, the_second_wish_to_end_says_stop);
    tcase_add_test(topic, two_wishes_at_once_are_told_one_after_the_other);
    tcase_add_test(topic, the_third_wish_to_end_has_its_usual_effect);
    tcase_add_test(topic, a_script_that_computes_is_not_stopped);
    tcase_add_loop_test(topic, while_it_is_not_open_signals_end_the_run, 0,
                        COUNT_OF(heard));
    tcase_add_test(topic, closing_the_task_cancels_the_wait_and_loses_nothing);
    tcase_add_test(topic, of_two_who_wait_one_is_told);
    tcase_add_test(topic, a_virtual_clock_jumps_while_somebody_waits);
    tcase_add_test(topic, waiting_outside_of_a_task_raises);
    tcase_add_test(topic, a_session_that_does_not_manage_runs_has_none);

    topic = add_case(suite, "service manager", set_up, tear_down);
    tcase_add_test(topic, nobody_listens_without_notify_socket);
    tcase_add_loop_test(topic, the_manager_is_told_and_children_are_not_to_tell_it, 0,
                        COUNT_OF(places));
    tcase_add_test(topic, a_reload_is_told_with_its_time);
    tcase_add_test(topic, a_manager_that_cannot_be_told_is_named);
    tcase_add_loop_test(topic, an_address_that_is_none_is_named, 0,
                        COUNT_OF(wrong_addresses));
    tcase_add_test(topic, a_manager_that_does_not_read_is_not_waited_for);
    tcase_add_test(topic, what_is_told_is_4096_bytes_at_most);
    tcase_add_loop_test(topic, the_watchdog_is_the_managers_wish_for_this_process, 0,
                        COUNT_OF(watchdogs));
    tcase_add_test(topic, scripts_see_the_watchdog_in_seconds);

    topic = add_case(suite, "wall clock", set_up, tear_down);
    tcase_add_test(topic, each_step_of_the_wall_clock_is_told_and_nothing_else);
    tcase_add_test(topic, a_step_of_the_wall_clock_wakes_who_waits);
    return run_suite(suite);
}
