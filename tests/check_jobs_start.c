/* tests/check_jobs_start.c - moongate jobs start: what it refuses to begin with, and one that begins
 * and ends. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "tests/configured.h"
#include "tests/moon.h"
#include "tests/pty.h"
#include "tests/suite.h"

#include "run/run.h"
#include "run/source.h"

#define TOKEN "0123456789abcdef-not-to-be-seen"

/* Fails at once with what runs see of the token. */
static const char script[] =
    "error('token ' .. tostring(os.getenv 'MOONGATE_JOBS_TOKEN'))\n";

static void begin(void)
{
    set_up();
    unsetenv("MOONGATE_JOBS_TOKEN");
    setenv("TMPDIR", folder, 1);
    write_text("s.lua", script);
    write_text("moongate.lua", "job \"a\" { every = \"1s\", script = \"s.lua\" }\n");
    write_text("token", TOKEN "\n");
    write_text("short", "0123456789abcde\n");
    write_text("empty", "");
    write_text("binary", "0123456789\xff\xff"
                         "0123456789");
    write_text("blank", "0123456789 0123456789\n");
    write_text("none.lua", "profile \"p\" { service = \"s\" }\n");
    write_text("wrong.lua", "job \"a\" { every = \"1s\" }\n");
}

/* --- what is refused ----------------------------------------------------------------- */

static const struct {
    const char *words;
    int code;
    const char *said;
} refusals[] = {
    {"--sim --store none", EXIT_USAGE, "jobs need a store: it says which slots have run"},
    {"--sim --clock virtual", EXIT_USAGE, "jobs go by a clock that goes by itself"},
    {"--sim --token-file token", EXIT_USAGE, "they need --listen"},
    {"--sim --public", EXIT_USAGE, "they need --listen"},
    {"--sim --host-name a.example", EXIT_USAGE, "they need --listen"},
    {"--host-name 'a b'", EXIT_USAGE, "'a b' is no name of a host, or list of them"},
    {"--max-runs 0", EXIT_USAGE, "1 or more expected"},
    {"--max-runs 10001", EXIT_USAGE, "10000"},
    {"--grace soon", EXIT_USAGE, "soon"},
    {"--sim a", EXIT_USAGE, "unexpected word 'a'"},
    {"--sim --config none.lua", EXIT_USAGE, "none.lua declares no job"},
    {"--sim --config gone.lua", EXIT_USAGE, "gone.lua"},
    {"--sim --config /dev/null", EXIT_USAGE, "there is no configuration"},
    {"--sim --config wrong.lua", EXIT_USAGE, "wrong.lua:1: job 'a': say what"},
    {"--sim --listen 127.0.0.1:0 --token-file short", EXIT_USAGE,
     "has 15 characters, 16 or more are wanted"},
    {"--sim --listen 127.0.0.1:0 --token-file empty", EXIT_USAGE, "has 0 characters"},
    {"--sim --listen 127.0.0.1:0 --token-file binary", EXIT_USAGE,
     "has a blank, or what is not ASCII"},
    {"--sim --listen 127.0.0.1:0 --token-file blank", EXIT_USAGE,
     "has a blank, or what is not ASCII"},
    {"--sim --listen 127.0.0.1:0 --token-file gone", EXIT_SCRIPT_FAILED, "gone"},
    {"--sim --listen nowhere", EXIT_SCRIPT_FAILED, "'nowhere' is not an address"},
    {"--sim --listen 0.0.0.0:0", EXIT_GUARD_REFUSED, "a token is needed"},
};

START_TEST(what_cannot_be_is_told_before_anything_begins)
{
    ck_assert_int_eq(moon("jobs start %s", refusals[_i].words), refusals[_i].code);
    assert_says(refusals[_i].said);
    ck_assert_ptr_null(strstr(output.data, "began"));
}
END_TEST

/* --- one that begins ----------------------------------------------------------------- */

/* Starts it with the token in the environment; what it says is in the file "said". */
static pid_t start(void)
{
    const pid_t pid = fork();

    if (pid != 0)
        return pid;

    const int said = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    dup2(said, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    setenv("MOONGATE_JOBS_TOKEN", TOKEN, 1);
    execl(moongate, moongate, "jobs", "start", "--sim", "--listen", "127.0.0.1:0",
          (char *)NULL);
    _exit(127);
}

/* Owned by the caller. */
static char *read_said(void)
{
    struct failure *unread = NULL;
    size_t length;
    char *text = source_read_file("said", 1 << 20, &length, &unread);

    failure_free(unread);
    return text != NULL ? text : memory_copy_string("");
}

static void wait_for(const char *part)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    bool is_said = false;

    while (!is_said) {
        char *said = read_said();

        is_said = strstr(said, part) != NULL;
        free(said);
        nanosleep(&pause, NULL);
    }
}

static bool has_trial_folder(void)
{
    DIR *here = opendir(folder);
    const struct dirent *entry;
    bool is_there = false;

    ck_assert_ptr_nonnull(here);
    while ((entry = readdir(here)) != NULL)
        is_there = is_there || strncmp(entry->d_name, "moongate-jobs-", 14) == 0;
    closedir(here);
    return is_there;
}

START_TEST(it_runs_what_is_due_keeps_its_token_and_leaves_nothing_behind)
{
    const pid_t pid = start();
    int status;

    wait_for("the page: http://127.0.0.1:");
    wait_for("s.lua:1: token nil");
    ck_assert(has_trial_folder());
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_DONE);
    ck_assert(!has_trial_folder());

    char *said = read_said();

    ck_assert_ptr_null(strstr(said, TOKEN));
    free(said);
}
END_TEST

extern char **environ;

/* Starts it at a terminal of its own, and waits until it is there. */
static void start_at_terminal(struct pty *pty)
{
    const char *const words[] = {moongate, "jobs", "start", "--sim", NULL};
    const struct pty_program program = {
        .words = words, .environment = environ, .columns = 100, .rows = 20};

    ck_assert(pty_start(pty, &program));
    ck_assert(pty_wait_for_said(pty, "1 job of moongate.lua"));
}

START_TEST(a_terminal_that_is_closed_ends_it)
{
    struct pty pty;

    start_at_terminal(&pty);
    pty_hang_up(&pty);
    ck_assert_int_eq(pty_await_end(&pty), EXIT_DONE);
    ck_assert(!has_trial_folder());
    pty_drop(&pty);
}
END_TEST

START_TEST(a_signal_at_a_terminal_that_is_there_reads_the_configuration_again)
{
    struct pty pty;

    start_at_terminal(&pty);
    ck_assert_int_eq(kill(pty.pid, SIGHUP), 0);
    ck_assert(pty_wait_for_said(&pty, "the configuration was read again: 1 job"));
    ck_assert_int_eq(kill(pty.pid, SIGTERM), 0);
    ck_assert_int_eq(pty_await_end(&pty), EXIT_DONE);
    pty_drop(&pty);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs start");
    TCase *topic = add_case(suite, "start", begin, tear_down);

    if (!find_moongate())
        return 1;
    tcase_add_loop_test(topic, what_cannot_be_is_told_before_anything_begins, 0,
                        COUNT_OF(refusals));
    tcase_add_test(topic, it_runs_what_is_due_keeps_its_token_and_leaves_nothing_behind);
    tcase_add_test(topic, a_terminal_that_is_closed_ends_it);
    tcase_add_test(topic,
                   a_signal_at_a_terminal_that_is_there_reads_the_configuration_again);
    return run_suite(suite);
}
