/* tests/check_store_stopped.c - a holder that is stopped before any one of its system calls.
 *
 * A process takes the lease on a log and appends to it, and is stopped before its first system call;
 * then another takes the lease, appends and lets the first go on. The same before its second, and
 * so on. Whatever the first does then, the log has what was reported as written, and no more. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "store.h"
#include "store/folder_parts.h"
#include "suite.h"

enum { LEASE_MS = 600000, MOST_STOPS = 1000 };

enum outcome { WRITTEN, HELD, LOST, WRONG };

static void set_up_fast(void)
{
    set_up_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

/* --- the process that is stopped: on one thread, as the driver's own --------------------------- */

static enum outcome judge(const struct failure *failure)
{
    if (failure == NULL)
        return WRITTEN;
    if (strcmp(failure->code, "LeaseLost") == 0)
        return LOST;
    fprintf(stderr, "%s\n", failure->message);
    return WRONG;
}

/* Acquires, cuts off what is behind "first\n", appends, renews, appends. Each line that was reported
 * as written is told. */
static enum outcome carry(const char *root)
{
    struct store_call mine = {0};
    struct folder_request request = {.root = root,
                                     .name = "runs/1/log",
                                     .call = &mine,
                                     .bytes = "child",
                                     .duration_ms = LEASE_MS};
    struct failure *failure = folder_acquire(&request);

    if (failure != NULL)
        return judge(failure);
    if (mine.lease == NULL)
        return HELD;
    request.lease = (struct folder_lease *)mine.lease;
    request.position = strlen("first\n");
    failure = folder_cut(&request);
    for (int i = 0; failure == NULL && i < 2; i++) {
        request.bytes = "child\n";
        request.length = strlen(request.bytes);
        request.is_durable = true;
        failure = folder_append(&request);
        if (failure == NULL)
            say(1);
        request.position += request.length;
        if (failure == NULL)
            failure = folder_renew(&request);
    }
    return judge(failure);
}

static pid_t start_traced(const char *root, int *from_child)
{
    int ends[2], status;

    ck_assert_int_eq(pipe(ends), 0);

    const pid_t pid = fork();

    if (pid == 0) {
        to_parent = ends[1];
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        _exit((int)carry(root));
    }
    close(ends[1]);
    *from_child = ends[0];
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFSTOPPED(status))
        return pid;
    close(ends[0]);
    return -1;
}

/* Lets it go on to before its system call number `stop` (from 1). False when it ended before. */
static bool run_to(pid_t pid, int stop, int *status)
{
    for (int i = 0; i < 2 * stop - 1; i++) { /* each call stops twice */
        ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, status, 0), pid);
        if (!WIFSTOPPED(*status))
            return false;
    }
    return true;
}

/* --- the one that takes over --------------------------------------------------------------------- */

/* Makes the leases seem given back, instead of waiting until they end. Those who have them are
 * not told, as those who are stopped are not told of an end. */
static void end_leases(void)
{
    for (int fence = 1; fence < 4; fence++) {
        char *log = path_of("store/runs/1/log");
        char *path = memory_format("%s~lease-%d", log, fence);
        const int fd = open(path, O_WRONLY);

        if (fd >= 0) {
            ck_assert_int_eq(pwrite(fd, "1", 1, strlen("moongate lease 1\nreleased ")),
                             1);
            close(fd);
        }
        free(path);
        free(log);
    }
}

static struct store_lease *take_over(void)
{
    end_leases();
    return acquire("parent");
}

static size_t count_lines(int from_child)
{
    uint64_t value;
    size_t count = 0;

    while (read(from_child, &value, sizeof value) == sizeof value)
        count++;
    return count;
}

/* Returns false when the process ended before it could be stopped. */
static bool stop_before(int stop, const char *root, unsigned by_outcome[])
{
    int from_child, status;
    char expected[256] = "", *text;
    const pid_t pid = start_traced(root, &from_child);
    const bool is_stopped = run_to(pid, stop, &status);
    struct store_lease *lease = take_over();

    get("runs/1/log", 0, SIZE_MAX);
    snprintf(expected, sizeof expected, "%s", call.bytes.data);

    const uint64_t length = call.size_bytes;

    ck_assert_str_eq(append(lease, length, "parent\n"), "");
    if (is_stopped) {
        ck_assert_int_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    }
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) < WRONG, "stop %d: %x", stop,
                  (unsigned)status);
    by_outcome[WEXITSTATUS(status)]++;
    ck_assert_msg(!is_stopped || WEXITSTATUS(status) != WRITTEN ||
                      strstr(expected, "child\nchild\n") != NULL,
                  "stop %d", stop);

    /* what it was told is written must have been there when it was taken over */
    const size_t lines = count_lines(from_child);

    text = expected;
    for (size_t i = 0; i < lines; i++) {
        text = strstr(text, "child\n");
        ck_assert_msg(text != NULL, "stop %d: a line is lost", stop);
        text++;
    }
    close(from_child);
    ck_assert_str_eq(renew(lease), "");
    ck_assert_str_eq(append(lease, length + 7, "parent\n"), "");
    strcat(expected, "parent\nparent\n");
    ck_assert_str_eq(release(lease), "");
    assert_log(expected);
    return is_stopped;
}

/* The log as each round finds it: an earlier holder was "first". */
static void begin_round(void)
{
    ck_assert_str_eq(remove_name("runs/1/"), "");

    struct store_lease *lease = acquire("first");

    ck_assert_str_eq(append(lease, 0, "first\n"), "");
    ck_assert_str_eq(release(lease), "");
}

START_TEST(nothing_is_lost_wherever_a_holder_is_stopped)
{
    unsigned by_outcome[WRONG] = {0};
    char *root = path_of("store");
    int stop = 0;

    do {
        begin_round();
        ck_assert_int_lt(++stop, MOST_STOPS);
    } while (stop_before(stop, root, by_outcome));
    fprintf(
        stderr,
        "stopped before each of %d system calls: %u had written, %u found it held, %u "
        "had lost the lease\n",
        stop - 1, by_outcome[WRITTEN], by_outcome[HELD], by_outcome[LOST]);
    ck_assert_uint_gt(by_outcome[HELD], 0);
    ck_assert_uint_gt(by_outcome[LOST], 0);
    free(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store, stopped");
    TCase *stopped = add_case(suite, "stopped", set_up_fast, tear_down);

    tcase_add_test(stopped, nothing_is_lost_wherever_a_holder_is_stopped);
    return run_suite(suite);
}
