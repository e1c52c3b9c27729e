/* tests/check_store.c - a store in a folder: its calls, its leases, and what survives. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <event2/event.h>

#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store.h"
#include "store_promises.h"
#include "suite.h"

/* --- texts ---------------------------------------------------------------------------------- */

START_TEST(nothing_is_opened_before_a_call_that_writes)
{
    char *path = path_of("store");

    ck_assert_str_eq(get("runs/1/run.json", 0, 10), "");
    ck_assert(call.is_absent);
    ck_assert_str_eq(list(""), "");
    ck_assert_uint_eq(call.entry_count, 0);
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_str_eq(remove_name("runs/1/"), "");
    ck_assert_str_eq(remove_name("runs/1"), "");
    ck_assert_str_eq(look(), "");
    ck_assert_uint_eq(call.fence, 0);
    ck_assert(!call.is_held);
    ck_assert_int_ne(access(path, F_OK), 0);
    free(path);
}
END_TEST

START_TEST(a_new_text_does_not_replace_one_and_a_replacement_does)
{
    ck_assert_str_eq(put(STORE_NEW, "end.json", "first"), "");
    ck_assert_str_eq(put(STORE_NEW, "end.json", "second"), "");
    ck_assert(call.is_there);
    ck_assert_str_eq(get("end.json", 0, 100), "");
    ck_assert_str_eq(call.bytes.data, "first");
    ck_assert_str_eq(put(STORE_REPLACE, "end.json", "third"), "");
    ck_assert_str_eq(get("end.json", 0, 100), "");
    ck_assert_str_eq(call.bytes.data, "third");
    ck_assert_str_eq(put(STORE_REPLACE, "other.json", ""), "");
    ck_assert_str_eq(list(""), ""); /* and nothing else is left */
    ck_assert_str_eq(names(), "end.json other.json");
}
END_TEST

START_TEST(only_the_owner_can_read_what_is_kept)
{
    static const char *const paths[] = {"", "store", "store/runs", "store/runs/1"};
    struct stat facts;

    put(STORE_NEW, "runs/1/run.json", "{}");
    for (int i = 0; i < COUNT_OF(paths); i++) {
        char *path = path_of(paths[i]);

        ck_assert_int_eq(stat(path, &facts), 0);
        ck_assert_uint_eq(facts.st_mode & 07777, 0700);
        free(path);
    }

    char *path = path_of("store/runs/1/run.json");

    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 07777, 0600);
    free(path);
}
END_TEST

START_TEST(a_list_is_sorted_and_has_sizes_and_folders)
{
    put(STORE_NEW, "runs/b/run.json", "{}");
    put(STORE_NEW, "runs/a/run.json", "{}");
    put(STORE_NEW, "runs/a.txt", "12345");

    struct store_lease *lease;

    store->acquire(store, start_call(), "runs/z", "{}", 1000);
    finish();
    lease = call.lease;
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_str_eq(names(), "runs/a.txt runs/a/ runs/b/ runs/z"); /* not the lease's */
    ck_assert_uint_eq(call.entries[0].size_bytes, 5);
    ck_assert_uint_eq(call.entries[1].size_bytes, 0);
    ck_assert_int_lt(llabs(call.entries[0].modified_ms - clock_machine_wall_ms()), 5000);
    ck_assert_str_eq(release(lease), "");
}
END_TEST

START_TEST(a_folder_is_removed_with_all_that_is_in_it_and_links_are_not_followed)
{
    char *link_path = path_of("store/runs/1/link"), *kept = path_of("kept");

    put(STORE_NEW, "runs/1/deep/er/run.json", "{}");
    put(STORE_NEW, "runs/2/run.json", "{}");
    ck_assert_int_eq(mkdir(kept, 0700), 0);
    ck_assert_int_eq(symlink(kept, link_path), 0);
    ck_assert_str_eq(put(STORE_NEW, "runs/1/link/x", "{}"), "IOError");
    ck_assert_str_eq(get("runs/1/link", 0, 1), "IOError");
    assert_message_has("it is a symbolic link");
    ck_assert_str_eq(list("runs/1/"), "");
    ck_assert_str_eq(names(), "runs/1/deep/");
    ck_assert_str_eq(remove_name("runs/1/"), "");
    ck_assert_int_eq(access(kept, F_OK), 0);
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_str_eq(names(), "runs/2/");
    ck_assert_str_eq(remove_name("runs/2/run.json"), "");
    ck_assert_str_eq(remove_name("runs/2/run.json"), ""); /* absent is fine */
    free(link_path);
    free(kept);
}
END_TEST

static const struct {
    const char *name;
    bool is_valid;
} name_cases[] = {{"run.json", true},
                  {"runs/20260131-120000-1f3a/journal.jsonl", true},
                  {"runs/", true},
                  {"A_b-c.9", true},
                  {"", false},
                  {"/", false},
                  {"/etc/passwd", false},
                  {"runs//1", false},
                  {"runs/1//", false},
                  {".", false},
                  {"..", false},
                  {"runs/../../x", false},
                  {"runs/./x", false},
                  {".hidden", false},
                  {"runs/ends.", false},
                  {"journal.jsonl~lease-1", false},
                  {"a b", false},
                  {"a\\b", false},
                  {"a\nb", false},
                  {"caf\xc3\xa9", false}};

START_TEST(names_are_checked)
{
    ck_assert_int_eq(store_name_is_valid(name_cases[_i].name), name_cases[_i].is_valid);
}
END_TEST

START_TEST(names_have_a_largest_length)
{
    char part[STORE_LONGEST_PART + 2] = "";

    memset(part, 'x', STORE_LONGEST_PART);
    ck_assert(store_name_is_valid(part));
    ck_assert_str_eq(put(STORE_NEW, part, "x"), "");
    store->acquire(store, start_call(), part, "{}",
                   1000); /* so that its lease fits too */
    ck_assert_str_eq(finish(), "");
    ck_assert_str_eq(release(call.lease), "");
    part[STORE_LONGEST_PART] = 'x';
    ck_assert(!store_name_is_valid(part));

    char whole[STORE_LONGEST_NAME + 3] = "";

    for (int i = 0; i <= STORE_LONGEST_NAME; i += 2)
        memcpy(whole + i, "x/", 2);
    ck_assert(!store_name_is_valid(whole));
    whole[STORE_LONGEST_NAME] = '\0';
    ck_assert(store_name_is_valid(whole));
}
END_TEST

START_TEST(a_file_in_place_of_a_folder_is_named_in_the_failure)
{
    char *path = path_of("store/runs/1"), *expected;

    put(STORE_NEW, "runs/1", "a file");
    ck_assert_str_eq(put(STORE_NEW, "runs/1/run.json", "x"), "IOError");
    expected = memory_format("cannot open folder '%s': Not a directory", path);
    ck_assert_str_eq(call.failure->message, expected);
    ck_assert_str_eq(get("runs/1/run.json", 0, 1), "IOError");
    ck_assert_str_eq(append(NULL, 0, "x"), "IOError");
    ck_assert_ptr_null(acquire_for("{}", 1000));
    ck_assert_str_eq(call.failure->code, "IOError");
    ck_assert_str_eq(get("runs", 0, 1), "IOError");
    assert_message_has("Is a directory");
    free(path);
    free(expected);
}
END_TEST

/* --- logs ----------------------------------------------------------------------------------- */

START_TEST(a_leased_log_grows_and_is_cut)
{
    struct store_lease *lease = acquire("{}");

    assert_log("");
    ck_assert_str_eq(append(lease, 0, "one\n"), "");
    ck_assert_str_eq(append(lease, 4, "two\n"), "");
    ck_assert_str_eq(append(lease, 4, "x"), "StorePositionMismatch");
    ck_assert_str_eq(cut(lease, 9), "StorePositionMismatch");
    ck_assert_str_eq(cut(lease, 5), "");
    ck_assert_uint_eq(call.size_bytes, 5);
    ck_assert_str_eq(append(lease, 5, "!"), "");
    ck_assert_str_eq(release(lease), "");
    assert_log("one\nt!");
}
END_TEST

/* The largest size of a file; the signal that a larger one means is ignored. */
static void limit_files(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY}), 0);
}

START_TEST(a_write_that_stops_half_way_leaves_the_log_as_it_was)
{
    char text[3001] = "", *path = path_of("store/runs/1/log"), *expected;
    struct store_lease *lease = acquire("{}");

    memset(text, 'a', 3000);
    expected = memory_format("cannot write '%s': File too large", path);
    ck_assert_str_eq(append(lease, 0, "one\n"), "");
    limit_files(2000);

    const char *code = append(lease, 4, text);

    limit_files(RLIM_INFINITY);
    ck_assert_str_eq(code, "IOError");
    ck_assert_str_eq(call.failure->message, expected);
    assert_log("one\n");
    ck_assert_str_eq(append(lease, 4, "two\n"), "");
    ck_assert_str_eq(release(lease), "");
    free(expected);
    free(path);
}
END_TEST

/* A disk of 64 KiB in place of the store; false when this test may not have one. */
static bool mount_small(char **path)
{
    char *parent = path_of("");

    *path = path_of("store");
    ck_assert_int_eq(mkdir(parent, 0700), 0);
    ck_assert_int_eq(mkdir(*path, 0700), 0);
    free(parent);
    if (mount("none", *path, "tmpfs", 0, "size=64k") == 0)
        return true;
    fprintf(stderr, "skipped: a full disk (mount: %s)\n", strerror(errno));
    return false;
}

START_TEST(a_full_disk_loses_nothing)
{
    static char text[40001];
    char *path;

    memset(text, 'a', 40000);
    if (mount_small(&path)) {
        struct store_lease *lease = acquire("first");

        ck_assert_str_eq(append(lease, 0, "one\n"), "");
        ck_assert_str_eq(put(STORE_NEW, "big", text), "");
        ck_assert_str_eq(append(lease, 4, text), "IOError");
        assert_message_has("runs/1/log': No space left on device");
        ck_assert_str_eq(put(STORE_REPLACE, "other", text), "IOError");
        assert_message_has("other': No space left on device");
        ck_assert_str_eq(list(""), "");
        ck_assert_str_eq(names(), "big runs/"); /* nothing half written */
        assert_log("one\n");
        ck_assert_str_eq(release(lease), ""); /* takes no space */
        ck_assert_str_eq(put(STORE_REPLACE, "big", ""), "");
        lease = acquire("second");
        ck_assert_str_eq(append(lease, 4, "two\n"), "");
        ck_assert_str_eq(append(lease, 8, text), "");

        ck_assert_str_eq(release(lease), "");
        ck_assert_ptr_null(acquire_for("third", 30000)); /* no room for a copy */
        assert_message_has("cannot take the lease on");
        assert_message_has("No space left on device");
        look();
        ck_assert(!call.is_held);
        ck_assert_str_eq(get("runs/1/log", 0, 8), "");
        ck_assert_str_eq(call.bytes.data, "one\ntwo\n");
        ck_assert_uint_eq(call.size_bytes, 40008);
        ck_assert_int_eq(umount(path), 0);
    }
    free(path);
}
END_TEST

static char *lease_path(uint64_t fence)
{
    char *log = path_of("store/runs/1/log");
    char *path = memory_format("%s~lease-%" PRIu64, log, fence);

    free(log);
    return path;
}

/* Makes the last heartbeat of a lease `age_ms` old. */
static void set_beat(uint64_t fence, int64_t age_ms)
{
    char *path = lease_path(fence);
    const int64_t beat_ms = clock_machine_wall_ms() - age_ms;
    const struct timespec beat = {.tv_sec = (time_t)(beat_ms / 1000),
                                  .tv_nsec = (long)(beat_ms % 1000 * 1000000)};

    ck_assert_int_eq(utimensat(AT_FDCWD, path, (struct timespec[]){beat, beat}, 0), 0);
    free(path);
}

/* A lease file of whatever text. */
static void forge_text(uint64_t fence, const char *text)
{
    char *path = lease_path(fence);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    free(path);
}

/* One as a process on another machine leaves it. */
static void forge_lease(uint64_t fence, int64_t duration_ms, int64_t age_ms)
{
    char *text = memory_format("moongate lease 1\nreleased 0\nduration_ms %" PRId64
                               "\nmachine elsewhere\nholder {\"pid\":7}",
                               duration_ms);

    forge_text(fence, text);
    set_beat(fence, age_ms);
    free(text);
}

START_TEST(what_only_can_be_read_is_read)
{
    char *path;

    if (mount_small(&path)) {
        ck_assert_str_eq(append(NULL, 0, "one\n"), "");
        forge_lease(3, 60000, 0);
        ck_assert_int_eq(mount("none", path, "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
        assert_log("one\n");
        ck_assert_str_eq(look(), ""); /* by this machine's time */
        ck_assert(call.is_held);
        ck_assert_str_eq(call.bytes.data, "{\"pid\":7}");
        ck_assert_uint_eq(call.fence, 3);
        ck_assert_str_eq(append(NULL, 4, "x"), "IOError");
        assert_message_has("cannot append to");
        assert_message_has("Read-only file system");
        ck_assert_str_eq(put(STORE_NEW, "a/b", "x"), "IOError");
        assert_message_has("Read-only file system");
        ck_assert_str_eq(remove_name("runs/"), "IOError");
        ck_assert_int_eq(umount(path), 0);
    }
    free(path);
}
END_TEST

/* --- leases --------------------------------------------------------------------------------- */

START_TEST(the_fence_grows_with_every_holder)
{
    for (unsigned i = 1; i <= 12; i++) {
        struct store_lease *lease = acquire("{}");

        ck_assert_uint_eq(lease->fence, i);
        ck_assert_uint_eq(call.fence, i);
        ck_assert_str_eq(append(lease, i - 1, "x"), "");
        ck_assert_str_eq(release(lease), "");
    }
    assert_log("xxxxxxxxxxxx");

    char *path = path_of("store/runs/1");
    char *command = memory_format("test \"$(ls '%s' | wc -l)\" = 2", path);

    ck_assert_int_eq(system(command), 0); /* the log and one lease */
    free(command);
    free(path);
}
END_TEST

/* --- other processes ------------------------------------------------------------------------- */

static void hold_for_ever(void)
{
    struct store_lease *lease = acquire("child");

    append(lease, 0, "child\n");
    say(lease->fence);
    for (;;)
        pause();
}

START_TEST(the_lease_of_a_dead_process_is_free_at_once)
{
    int from_child;
    const pid_t pid = start_process(hold_for_ever, &from_child);
    struct store_lease *lease;

    ck_assert_uint_eq(hear(from_child), 1);
    ck_assert_ptr_null(acquire_for("me", 30000));
    ck_assert(call.is_held);
    ck_assert_str_eq(call.bytes.data, "child");
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(await_process(pid, from_child), SIGKILL);
    ck_assert_str_eq(look(), "");
    ck_assert(!call.is_held);
    ck_assert_uint_eq(call.fence, 1);
    ck_assert_str_eq(call.bytes.data, "child");
    lease = acquire("me");
    ck_assert_uint_eq(lease->fence, 2);
    assert_log("child\n");
    ck_assert_str_eq(append(lease, 6, "me\n"), "");
    ck_assert_str_eq(release(lease), "");
}
END_TEST

enum { SHORT_MS = 1000 };

/* Holds a short lease with a descriptor of its own on the log, and goes on when it is told to. */
static void be_stopped(void)
{
    struct store_lease *lease = acquire_for("child", SHORT_MS);
    char *path = path_of("store/runs/1/log");
    const int raw = open(path, O_WRONLY | O_APPEND);

    free(path);

    say(*append(lease, 0, "child\n") == '\0');
    raise(SIGSTOP);

    const bool is_lost = strcmp(append(lease, 6, "late\n"), "LeaseLost") == 0 &&
                         strstr(call.failure->message, "taken over by parent") != NULL;

    say(is_lost);
    say(write(raw, "raw\n", 4) == 4 && fsync(raw) == 0);
    say(strcmp(cut(lease, 0), "LeaseLost") == 0);
    say(strcmp(renew(lease), "LeaseLost") == 0);
    say(strcmp(release(lease), "LeaseLost") == 0);
}

START_TEST(a_stopped_process_loses_its_lease_and_cannot_write_any_more)
{
    int from_child, status;
    const pid_t pid = start_process(be_stopped, &from_child);
    struct store_lease *lease;

    ck_assert_uint_eq(hear(from_child), 1);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
    do /* it is held at first, then watched, then free */
        lease = acquire_for("parent", 30000);
    while (lease == NULL && call.failure == NULL && call.is_held);
    ck_assert_ptr_nonnull(lease);
    ck_assert_uint_eq(lease->fence, 2);
    ck_assert_str_eq(append(lease, 6, "parent\n"), "");
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_msg(hear(from_child) == 1, "step %d of the child", i);
    ck_assert_int_eq(await_process(pid, from_child), 0);
    ck_assert_str_eq(append(lease, 13, "parent\n"), "");
    ck_assert_str_eq(look(), "");
    ck_assert(call.is_held);
    ck_assert_str_eq(release(lease), "");
    assert_log("child\nparent\nparent\n");
}
END_TEST

START_TEST(a_lease_that_is_renewed_is_kept)
{
    struct store_lease *lease = acquire_for("me", SHORT_MS);
    const int64_t start_ms = clock_machine_ms();
    uint64_t length = 0;

    while (clock_machine_ms() - start_ms < 3 * SHORT_MS / 2) {
        ck_assert_str_eq(renew(lease), "");
        ck_assert_str_eq(append(lease, length++, "x"), "");
        ck_assert_ptr_null(acquire_for("other", SHORT_MS));
        ck_assert(call.is_held);
    }
    ck_assert_str_eq(release(lease), "");
}
END_TEST

static void wait_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)(ms / 1000),
                                 .tv_nsec = (long)(ms % 1000 * 1000000)},
              NULL);
}

START_TEST(a_lease_that_is_not_renewed_ends_for_its_holder_too)
{
    struct store_lease *lease = acquire_for("me", SHORT_MS);

    wait_ms(SHORT_MS + 5);
    ck_assert_str_eq(append(lease, 0, "x"), "LeaseLost");
    assert_message_has("it was not renewed in its 1000 ms");
    ck_assert_str_eq(cut(lease, 0), "LeaseLost");
    ck_assert_str_eq(renew(lease), ""); /* nobody wanted it meanwhile */
    ck_assert_str_eq(append(lease, 0, "x"), "");
    ck_assert_str_eq(release(lease), "");
    assert_log("x");
}
END_TEST

START_TEST(a_holder_on_another_machine_is_known_by_its_heartbeat)
{
    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    forge_lease(4, 60000, 1000);
    ck_assert_ptr_null(acquire_for("me", 1000));
    ck_assert(call.is_held);
    ck_assert_int_gt(call.held_for_ms, 0);
    ck_assert_int_le(call.held_for_ms, 59100); /* a file server's clock is coarse */
    ck_assert_str_eq(call.bytes.data, "{\"pid\":7}");

    const int64_t start_ms = clock_machine_ms();

    forge_lease(4, 400, 500); /* late: it is watched, and does not beat */

    struct store_lease *lease = acquire("me");

    ck_assert_uint_eq(lease->fence, 5);
    ck_assert_int_ge(clock_machine_ms() - start_ms, 200);
    ck_assert_str_eq(release(lease), "");
    assert_log("one\n");
}
END_TEST

/* By a clock that is an hour slow, and goes. */
static void beat_again(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
    set_beat(4, 3600 * 1000);
}

START_TEST(a_clock_that_was_set_ends_no_lease)
{
    const int64_t age_ms = (_i == 0 ? 2 : -2) * 3600 * 1000;
    struct event *beat =
        event_new(loop_event_base(loop), -1, EV_PERSIST, beat_again, NULL);

    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    forge_lease(4, 1000, age_ms);
    event_add(beat, &(struct timeval){.tv_usec = 100000});
    ck_assert_ptr_null(acquire_for("me", 1000));
    ck_assert_ptr_null(call.failure);
    ck_assert(call.is_held);
    ck_assert_int_eq(call.held_for_ms, 1000);
    event_free(beat);
}
END_TEST

START_TEST(a_lease_file_that_cannot_be_read_is_named)
{
    static const char *const texts[] = {
        "", "moongate lease 2\nreleased 0\n",
        "moongate lease 1\nreleased 0\nduration_ms 400\nmachine x\n"};

    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    for (int i = 0; i < COUNT_OF(texts); i++) {
        forge_text(4, texts[i]);
        ck_assert_ptr_null(acquire_for("me", 1000));
        ck_assert_str_eq(call.failure->code, "IOError");
        assert_message_has("it is damaged, or of a newer version");
    }
}
END_TEST

START_TEST(a_log_that_was_removed_or_replaced_is_lost)
{
    struct store_lease *lease = acquire("me");
    char *path = path_of("store/runs/1/log");

    ck_assert_int_eq(unlink(path), 0);
    ck_assert_str_eq(append(lease, 0, "x"), "LeaseLost");
    ck_assert_str_eq(append(NULL, 0, "x"), "");
    ck_assert_str_eq(append(lease, 1, "x"), "LeaseLost");
    ck_assert_str_eq(remove_name("runs/1/"), "");
    ck_assert_str_eq(append(lease, 0, "x"), "LeaseLost");
    assert_message_has("was removed");
    ck_assert_str_eq(renew(lease), "LeaseLost");
    ck_assert_str_eq(release(lease), "LeaseLost");
    free(path);
}
END_TEST

/* --- many processes, killed and not ------------------------------------------------------------ */

/* Acquires, appends a line of the fence, checks that the whole log is good, releases; for ever. */
static void carry_on(void)
{
    for (;;) {
        struct store_lease *lease = acquire_for("child", 30000);
        char line[32];

        if (lease == NULL && call.failure != NULL)
            _exit(2);
        if (lease == NULL)
            continue;
        if (*get("runs/1/log", 0, SIZE_MAX) != '\0')
            _exit(3);
        snprintf(line, sizeof line, "%019" PRIu64 "\n", lease->fence);
        /* a line that was cut by a kill is ours to complete */
        const uint64_t whole = call.size_bytes - call.size_bytes % 20;

        if (*cut(lease, whole) != '\0' || *append(lease, whole, line) != '\0')
            _exit(4);
        say(lease->fence);
        if (*release(lease) != '\0')
            _exit(5);
    }
}

/* The log has a line for each fence that was told, and its fences grow. */
static void assert_fences(const uint64_t *told, size_t count)
{
    uint64_t last = 0;
    size_t at = 0;

    ck_assert_str_eq(get("runs/1/log", 0, SIZE_MAX), "");
    for (const char *line = call.bytes.data; strlen(line) >= 20; line += 20) {
        const uint64_t fence = strtoull(line, NULL, 10);

        ck_assert_uint_gt(fence, last);
        last = fence;
        at += at < count && told[at] == fence;
    }
    ck_assert_uint_eq(at, count);
}

START_TEST(a_process_killed_at_any_moment_leaves_a_good_log)
{
    enum { KILLS = 150, MOST = 20000 };
    uint64_t *told = memory_new(MOST * sizeof *told), value;
    size_t count = 0;

    for (unsigned i = 0; i < KILLS; i++) {
        int from_child;
        const pid_t pid = start_process(carry_on, &from_child);

        nanosleep(&(struct timespec){.tv_nsec = (long)(i * 7919 % 997) * 15000}, NULL);
        kill(pid, SIGKILL);
        while (count < MOST && read(from_child, &value, sizeof value) == sizeof value)
            told[count++] = value;
        ck_assert_int_eq(await_process(pid, from_child), SIGKILL);
    }
    assert_fences(told, count);
    fprintf(stderr, "%d kills: %zu leases, all acknowledged lines are there\n", KILLS,
            count);
    free(told);

    struct store_lease *lease = acquire("me"); /* and what was left half done is gone */

    ck_assert_str_eq(release(lease), "");
}
END_TEST

static int gate[2]; /* a pipe that says when to start */

static void race(void)
{
    char byte;

    while (read(gate[0], &byte, 1) == 1) {
        struct store_lease *lease = acquire_for("racer", 30000);

        if (call.failure != NULL)
            _exit(2);
        say(lease != NULL ? lease->fence : 0);
        if (read(gate[0], &byte, 1) != 1)
            _exit(0);
        if (lease != NULL && *release(lease) != '\0')
            _exit(3);
        say(1);
    }
}

START_TEST(of_two_processes_one_gets_the_lease)
{
    enum { RACES = 200 };
    int from[2], gates[2][2];
    pid_t pids[2];
    unsigned wins[2] = {0};
    uint64_t last = 0;

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pipe(gates[i]), 0);
        memcpy(gate, gates[i], sizeof gate);
        pids[i] = start_process(race, &from[i]);
    }
    for (int i = 0; i < RACES; i++) {
        uint64_t fences[2];

        for (int k = 0; k < 2; k++)
            ck_assert_int_eq(write(gates[(i + k) % 2][1], "", 1), 1);
        for (int k = 0; k < 2; k++)
            fences[k] = hear(from[k]);
        ck_assert_msg((fences[0] == 0) != (fences[1] == 0), "race %d", i);

        const int winner = fences[0] == 0;

        ck_assert_uint_gt(fences[winner], last);
        last = fences[winner];
        wins[winner]++;
        for (int k = 0; k < 2; k++)
            ck_assert_int_eq(write(gates[k][1], "", 1), 1);
        for (int k = 0; k < 2; k++)
            ck_assert_uint_eq(hear(from[k]), 1);
    }
    for (int i = 0; i < 2; i++) {
        kill(pids[i], SIGKILL);
        await_process(pids[i], from[i]);
        close(gates[i][0]);
        close(gates[i][1]);
    }
    fprintf(stderr, "%d races: %u and %u won\n", RACES, wins[0], wins[1]);
}
END_TEST

/* Appends numbered lines, and tells of each once it is safe. */
static void append_for_ever(void)
{
    struct store_lease *lease = acquire("child");
    uint64_t length;

    store->get(store, start_call(), "runs/1/log", 0, 0);
    finish();
    length = call.size_bytes - call.size_bytes % 20;
    cut(lease, length);
    for (;;) {
        char line[32];

        snprintf(line, sizeof line, "%019" PRIu64 "\n", length / 20 + 1);
        if (*append(lease, length, line) != '\0')
            _exit(2);
        length += 20;
        say(length / 20);
    }
}

START_TEST(what_was_acknowledged_before_a_kill_is_in_the_log)
{
    enum { KILLS = 50 };
    uint64_t last = 0, value;

    for (unsigned i = 0; i < KILLS; i++) {
        int from_child;
        const pid_t pid = start_process(append_for_ever, &from_child);

        last = hear(from_child);
        nanosleep(&(struct timespec){.tv_nsec = (long)(i * 7919 % 997) * 3000}, NULL);
        kill(pid, SIGKILL);
        while (read(from_child, &value, sizeof value) == sizeof value)
            last = value;
        ck_assert_int_eq(await_process(pid, from_child), SIGKILL);
        ck_assert_str_eq(get("runs/1/log", 0, SIZE_MAX), "");
        ck_assert_uint_ge(call.size_bytes / 20, last);
        for (uint64_t k = 0; k < call.size_bytes / 20; k++)
            ck_assert_uint_eq(strtoull(call.bytes.data + k * 20, NULL, 10), k + 1);
    }
}
END_TEST

/* Appends to a log without a lease wherever its end is now. */
static void append_anywhere(void)
{
    for (int i = 0; i < 300;) {
        store->get(store, start_call(), "durations", 0, 0);
        finish();

        const uint64_t size = call.size_bytes;

        store->append(store, start_call(), "durations", NULL, size, "0123456789\n", 11,
                      false);

        const char *code = finish();

        if (*code != '\0' && strcmp(code, "StorePositionMismatch") != 0)
            _exit(2);
        if (*code == '\0' && call.size_bytes != size + 11)
            _exit(3);
        if (*code == '\0')
            say(size);
        i += *code == '\0';
    }
}

START_TEST(processes_that_append_to_one_log_without_a_lease_see_each_other)
{
    enum { PROCESSES = 3, EACH = 300, ALL = PROCESSES * EACH };
    static bool is_taken[ALL];
    pid_t pids[PROCESSES];
    int from[PROCESSES];

    memset(is_taken, 0, sizeof is_taken);
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = start_process(append_anywhere, &from[i]);
    for (int i = 0; i < PROCESSES; i++) {
        for (int k = 0; k < EACH; k++) {
            const uint64_t position = hear(from[i]);

            ck_assert_uint_lt(position / 11, ALL);
            ck_assert_msg(!is_taken[position / 11], "two were at %" PRIu64, position);
            is_taken[position / 11] = true;
        }
        ck_assert_int_eq(await_process(pids[i], from[i]), 0);
    }
    ck_assert_str_eq(get("durations", 0, SIZE_MAX), "");
    ck_assert_uint_eq(call.size_bytes, ALL * 11);
    for (size_t i = 0; i < ALL; i++)
        ck_assert_int_eq(memcmp(call.bytes.data + i * 11, "0123456789\n", 11), 0);
}
END_TEST

/* --- the loop ------------------------------------------------------------------------------------ */

static void on_fire(struct timer *timer)
{
    (void)timer;
}

START_TEST(a_virtual_clock_stands_still_while_a_call_is_under_way)
{
    struct timer timer = {.fire = on_fire};

    close_store();
    open_store_by(CLOCK_VIRTUAL);
    timer_start(loop, &timer, 3600 * 1000);
    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    forge_lease(4, 400, 500);
    ck_assert_ptr_nonnull(acquire("me")); /* which watches for a while */

    struct store_lease *lease = call.lease;

    ck_assert_str_eq(put(STORE_NEW, "a/../b", "x"), "StoreNameInvalid");
    ck_assert_str_eq(release(lease), "");
    ck_assert_int_eq(clock_now_ms(&the_clock), 0);
    timer_stop(loop, &timer);
}
END_TEST

static unsigned calls_over;

static void count_over(struct store_call *done)
{
    ck_assert_ptr_null(done->failure);
    calls_over++;
}

static bool are_all_over(void *context)
{
    (void)context;
    return calls_over == 100;
}

START_TEST(many_calls_may_be_under_way)
{
    struct store_call calls[100] = {0};
    char all[100][32];

    for (int i = 0; i < 100; i++) {
        calls[i].done = count_over;
        snprintf(all[i], sizeof all[i], "runs/%02d/x", i);
        store->put(store, &calls[i], STORE_NEW, all[i], all[i], strlen(all[i]));
    }
    calls_over = 0;
    ck_assert(loop_run(loop, are_all_over, NULL, false));
    for (int i = 0; i < 100; i++)
        store_call_deinit(&calls[i]);
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_uint_eq(call.entry_count, 100);
    ck_assert_str_eq(call.entries[42].name, "runs/42/");
}
END_TEST

static unsigned signals;

static void count_signal(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
    signals++;
}

START_TEST(signals_are_the_loops)
{
    struct event *event =
        evsignal_new(loop_event_base(loop), SIGUSR1, count_signal, NULL);

    event_add(event, NULL);
    for (uint64_t i = 0; i < 20; i++) {
        ck_assert_str_eq(append(NULL, i, "x"), "");
        kill(getpid(), SIGUSR1);
    }
    ck_assert_str_eq(append(NULL, 20, "x"), "");
    ck_assert_uint_gt(signals, 0);
    event_free(event);
}
END_TEST

/* Durable appends a second, beside what the disk does without us. For the reader's eyes. */
static void measure(size_t size)
{
    enum { COUNT = 300 };
    struct store_lease *lease = acquire("me");
    char *bytes = memory_new(size), *path = path_of("bare");
    const int bare = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    int64_t bare_ms = clock_machine_ms(), ours_ms;

    memset(bytes, 'a', size);
    for (int i = 0; i < COUNT; i++)
        ck_assert(write(bare, bytes, size) == (ssize_t)size && fdatasync(bare) == 0);
    ours_ms = clock_machine_ms();
    bare_ms = ours_ms - bare_ms;
    for (uint64_t i = 0; i < COUNT; i++) {
        store->append(store, start_call(), "runs/1/log", lease, i * size, bytes, size,
                      true);
        ck_assert_str_eq(finish(), "");
    }
    ours_ms = clock_machine_ms() - ours_ms;
    fprintf(stderr, "durable appends of %zu B: %" PRId64 "/s, bare %" PRId64 "/s\n", size,
            COUNT * INT64_C(1000) / (ours_ms + 1), COUNT * INT64_C(1000) / (bare_ms + 1));
    ck_assert_str_eq(release(lease), "");
    close(bare);
    free(path);
    free(bytes);
}

START_TEST(durable_appends_cost_little_beside_the_disk)
{
    measure(_i == 0 ? 300 : 64 * 1024);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *promises = add_case(suite, "what a store promises", set_up, tear_down);
    TCase *texts = add_case(suite, "texts", set_up, tear_down);
    TCase *logs = add_case(suite, "logs", set_up, tear_down);
    TCase *leases = add_case(suite, "leases", set_up, tear_down);
    TCase *many = add_case(suite, "many processes", set_up, tear_down);
    TCase *turns = add_case(suite, "loop", set_up, tear_down);

    add_promises(promises);
    tcase_add_test(texts, nothing_is_opened_before_a_call_that_writes);
    tcase_add_test(texts, a_new_text_does_not_replace_one_and_a_replacement_does);
    tcase_add_test(texts, only_the_owner_can_read_what_is_kept);
    tcase_add_test(texts, a_list_is_sorted_and_has_sizes_and_folders);
    tcase_add_test(texts,
                   a_folder_is_removed_with_all_that_is_in_it_and_links_are_not_followed);
    tcase_add_loop_test(texts, names_are_checked, 0, COUNT_OF(name_cases));
    tcase_add_test(texts, names_have_a_largest_length);
    tcase_add_test(texts, a_file_in_place_of_a_folder_is_named_in_the_failure);
    tcase_add_test(logs, a_leased_log_grows_and_is_cut);
    tcase_add_test(logs, a_write_that_stops_half_way_leaves_the_log_as_it_was);
    tcase_add_test(logs, a_full_disk_loses_nothing);
    tcase_add_test(logs, what_only_can_be_read_is_read);
    tcase_add_test(leases, the_fence_grows_with_every_holder);
    tcase_add_test(leases, the_lease_of_a_dead_process_is_free_at_once);
    tcase_add_test(leases, a_stopped_process_loses_its_lease_and_cannot_write_any_more);
    tcase_add_test(leases, a_lease_that_is_renewed_is_kept);
    tcase_add_test(leases, a_lease_that_is_not_renewed_ends_for_its_holder_too);
    tcase_add_test(leases, a_holder_on_another_machine_is_known_by_its_heartbeat);
    tcase_add_loop_test(leases, a_clock_that_was_set_ends_no_lease, 0, 2);
    tcase_add_test(leases, a_lease_file_that_cannot_be_read_is_named);
    tcase_add_test(leases, a_log_that_was_removed_or_replaced_is_lost);
    tcase_add_test(many, a_process_killed_at_any_moment_leaves_a_good_log);
    tcase_add_test(many, of_two_processes_one_gets_the_lease);
    tcase_add_test(many, what_was_acknowledged_before_a_kill_is_in_the_log);
    tcase_add_test(many, processes_that_append_to_one_log_without_a_lease_see_each_other);
    tcase_add_test(turns, a_virtual_clock_stands_still_while_a_call_is_under_way);
    tcase_add_test(turns, many_calls_may_be_under_way);
    tcase_add_test(turns, signals_are_the_loops);
    tcase_add_loop_test(turns, durable_appends_cost_little_beside_the_disk, 0, 2);
    return run_suite(suite);
}
