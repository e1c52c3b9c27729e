/* tests/check_worker.c - processes of their own for the runs of jobs. The child is this very program
 * again, and does what its first word says. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "jobs/worker.h"
#include "net/loop.h"
#include "tests/suite.h"

/* --- the child --------------------------------------------------------------------------- */

enum { SAID_LINES = 4000, TOO_MUCH = 1 << 30 };

static void say_much(void)
{
    for (int i = 0; i < SAID_LINES; i++)
        fprintf(stderr, "line %d\n", i);
}

/* Returns what it exits with, should it come to that. */
static int write_without_end(void)
{
    while (puts("a line of many") != EOF)
        ;
    return 0;
}

/* Says so much that it is cut, waits until it is, and says something more. */
static void say_too_much(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    struct stat file;

    for (int i = 0; i <= WORKER_SAID_MOST / 100; i++)
        fprintf(stderr, "%099d\n", i);
    do
        nanosleep(&pause, NULL);
    while (fstat(STDERR_FILENO, &file) == 0 && file.st_size > 0);
    fputs("the end\n", stderr);
}

static int take_memory(void)
{
    volatile char *memory = malloc(TOO_MUCH);

    if (memory == NULL)
        return 3;
    memory[TOO_MUCH - 1] = 1;
    return 0;
}

static int tell_place(void)
{
    char folder[1000];

    fprintf(stderr, "%s %d %d", getcwd(folder, sizeof folder), getpgrp() == getpid(),
            fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE);
    return 0;
}

static int tell_core_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_CORE, &limit);
    fprintf(stderr, "%d", (int)limit.rlim_max);
    return 0;
}

static void spin(void)
{
    for (volatile unsigned long turns = 0;; turns++)
        ;
}

static int act(const char *word)
{
    if (strcmp(word, "say") == 0)
        fputs("said\n", stderr);
    else if (strcmp(word, "much") == 0)
        say_much();
    else if (strcmp(word, "write") == 0)
        puts("written");
    else if (strcmp(word, "write without end") == 0)
        return write_without_end();
    else if (strcmp(word, "too much") == 0)
        say_too_much();
    else if (strcmp(word, "memory") == 0)
        return take_memory();
    else if (strcmp(word, "place") == 0)
        return tell_place();
    else if (strcmp(word, "core") == 0)
        return tell_core_limit();
    else if (strcmp(word, "spin") == 0)
        spin();
    else if (strcmp(word, "pause") == 0)
        pause();
    return 7;
}

/* --- the tests --------------------------------------------------------------------------- */

static struct clock clock_of_tests;
static struct loop *loop;
static struct worker_end ended;
static char said[WORKER_SAID_BYTES + 1];
static char *written; /* or NULL */
static unsigned ends;

static void set_up(void)
{
    clock_init(&clock_of_tests, CLOCK_REAL, 1.0);
    loop = loop_new(&clock_of_tests);
    ends = 0;
}

static void tear_down(void)
{
    loop_free(loop);
    free(written);
    written = NULL;
}

static void on_end(void *owner, const struct worker_end *end)
{
    ck_assert_ptr_eq(owner, loop);
    ends++;
    ended = *end;
    memcpy(said, end->said, end->said_length);
    said[end->said_length] = '\0';
    free(written);
    written =
        end->written != NULL ? memory_copy_text(end->written, end->written_length) : NULL;
}

static bool is_over(void *context)
{
    return ends >= *(const unsigned *)context;
}

static void wait_for(unsigned count)
{
    loop_run(loop, is_over, &count, true);
}

static struct worker *start(const char *word, struct worker_request request)
{
    char *const words[] = {(char *)(uintptr_t)word, NULL};
    struct worker *worker;
    char *wrong = NULL;

    request.words = words;
    worker = worker_start(loop, &request, on_end, loop, &wrong);
    ck_assert_ptr_null(wrong);
    ck_assert_ptr_nonnull(worker);
    return worker;
}

static void run(const char *word, struct worker_request request)
{
    start(word, request);
    wait_for(1);
}

START_TEST(an_end_tells_exit_code_and_what_was_said)
{
    run("say", (struct worker_request){0});
    ck_assert_int_eq(ended.exit_code, 7);
    ck_assert_int_eq(ended.signal, 0);
    ck_assert_str_eq(said, "said\n");
}
END_TEST

START_TEST(of_much_that_was_said_the_end_is_told)
{
    run("much", (struct worker_request){0});
    ck_assert_uint_eq(ended.said_length, WORKER_SAID_BYTES);
    ck_assert_ptr_nonnull(strstr(said, "line 3999\n"));
    ck_assert_ptr_null(strstr(said, "line 0\n"));
}
END_TEST

START_TEST(what_is_said_without_end_is_cut_and_its_end_is_told)
{
    char last[128];

    run("too much", (struct worker_request){0});
    ck_assert_int_eq(ended.exit_code, 7);
    ck_assert_uint_eq(ended.said_length, WORKER_SAID_BYTES);
    snprintf(last, sizeof last, "%099d\nthe end\n", WORKER_SAID_MOST / 100);
    ck_assert_str_eq(said + WORKER_SAID_BYTES - strlen(last), last);
}
END_TEST

START_TEST(what_was_written_is_told_when_that_is_asked_for)
{
    run("write", (struct worker_request){.keeps_stdout = true});
    ck_assert_str_eq(written, "written\n");
    ck_assert_str_eq(said, "");
    ends = 0;
    run("write", (struct worker_request){0});
    ck_assert_ptr_null(written);
}
END_TEST

START_TEST(who_writes_too_much_is_ended)
{
    run("write without end", (struct worker_request){.keeps_stdout = true});
    ck_assert_int_eq(ended.signal, SIGXFSZ);
    ck_assert_uint_eq(strlen(written), WORKER_WRITTEN_BYTES);
}
END_TEST

START_TEST(it_works_in_its_folder_in_a_group_of_its_own_with_nothing_to_read)
{
    run("place", (struct worker_request){.folder = "/"});
    ck_assert_str_eq(said, "/ 1 0");
}
END_TEST

START_TEST(a_signal_ends_it)
{
    struct worker *worker = start("pause", (struct worker_request){0});

    ck_assert_int_gt(worker_pid(worker), 0);
    worker_signal(worker, SIGKILL);
    wait_for(1);
    ck_assert_int_eq(ended.exit_code, 128 + SIGKILL);
    ck_assert_int_eq(ended.signal, SIGKILL);
}
END_TEST

static void ignore(int number)
{
    (void)number;
}

/* A handler of ours, which the child has until the new program is there, takes none away. */
START_TEST(a_signal_that_comes_at_once_ends_it_too)
{
    const struct sigaction ours = {.sa_handler = ignore, .sa_flags = SA_RESTART};

    sigaction(SIGTERM, &ours, NULL);
    for (unsigned i = 1; i <= 30; i++) {
        worker_signal(start("pause", (struct worker_request){0}), SIGTERM);
        wait_for(i);
        ck_assert_int_eq(ended.signal, SIGTERM);
    }
}
END_TEST

START_TEST(a_limit_beyond_our_own_is_our_own)
{
    const struct rlimit own = {.rlim_cur = 100000, .rlim_max = 100000};

    ck_assert_int_eq(setrlimit(RLIMIT_CPU, &own), 0);
    run("say", (struct worker_request){.max_cpu_ms = 200000 * INT64_C(1000)});
    ck_assert_str_eq(said, "said\n");
}
END_TEST

START_TEST(memory_beyond_its_limit_is_not_given)
{
#if defined(__SANITIZE_ADDRESS__)
    fputs("skipped: the sanitizer needs terabytes of addresses\n", stderr);
#else
    run("memory", (struct worker_request){.max_memory_bytes = TOO_MUCH / 4});
    ck_assert_int_eq(ended.exit_code, 3);
#endif
}
END_TEST

START_TEST(time_beyond_its_limit_ends_it)
{
    run("spin", (struct worker_request){.max_cpu_ms = 900});
    ck_assert_int_eq(ended.signal, SIGXCPU);
}
END_TEST

START_TEST(it_leaves_no_core)
{
    run("core", (struct worker_request){0});
    ck_assert_str_eq(said, "0");
}
END_TEST

START_TEST(many_end_at_once)
{
    for (int i = 0; i < 50; i++)
        start("say", (struct worker_request){0});
    wait_for(50);
    ck_assert_uint_eq(ends, 50);
}
END_TEST

START_TEST(one_that_is_left_goes_on_and_tells_nothing)
{
    struct worker *worker = start("pause", (struct worker_request){0});
    const pid_t pid = worker_pid(worker);
    int status;

    worker_leave(worker);
    ck_assert_int_eq(kill(pid, 0), 0);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_uint_eq(ends, 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told)
{
    char *const words[] = {NULL};
    char *wrong = NULL;

    ck_assert_ptr_null(
        worker_start(loop, &(struct worker_request){.words = words, .folder = "/no/such"},
                     on_end, loop, &wrong));
    ck_assert_str_eq(wrong, "its folder '/no/such': No such file or directory");
    free(wrong);
}
END_TEST

START_TEST(no_place_for_what_it_says_is_told)
{
    char *const words[] = {NULL};
    char *wrong = NULL;

    setenv("TMPDIR", "/no/such", 1);
    ck_assert_ptr_null(worker_start(loop, &(struct worker_request){.words = words},
                                    on_end, loop, &wrong));
    ck_assert_str_eq(wrong, "no file for what it says: No such file or directory");
    free(wrong);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1)
        return act(argv[1]);

    Suite *suite = suite_create("worker");
    TCase *topic = add_case(suite, "worker", set_up, tear_down);

    tcase_add_test(topic, an_end_tells_exit_code_and_what_was_said);
    tcase_add_test(topic, of_much_that_was_said_the_end_is_told);
    tcase_add_test(topic, what_is_said_without_end_is_cut_and_its_end_is_told);
    tcase_add_test(topic, what_was_written_is_told_when_that_is_asked_for);
    tcase_add_test(topic, who_writes_too_much_is_ended);
    tcase_add_test(topic,
                   it_works_in_its_folder_in_a_group_of_its_own_with_nothing_to_read);
    tcase_add_test(topic, a_signal_ends_it);
    tcase_add_test(topic, a_signal_that_comes_at_once_ends_it_too);
    tcase_add_test(topic, a_limit_beyond_our_own_is_our_own);
    tcase_add_test(topic, memory_beyond_its_limit_is_not_given);
    tcase_add_test(topic, time_beyond_its_limit_ends_it);
    tcase_add_test(topic, it_leaves_no_core);
    tcase_add_test(topic, many_end_at_once);
    tcase_add_test(topic, one_that_is_left_goes_on_and_tells_nothing);
    tcase_add_test(topic, a_folder_that_is_not_there_is_told);
    tcase_add_test(topic, no_place_for_what_it_says_is_told);
    return run_suite(suite);
}
