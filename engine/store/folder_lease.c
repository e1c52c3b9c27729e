/* engine/store/folder_lease.c - who may append to a log in a folder.
 *
 * The lease on the log L is the file L~lease-N with the highest N, which is its fence. A holder
 * keeps it open and locked, and touches it: its heartbeat. Taking the lease goes so:
 *
 * 1. L~lease-(N+1) is linked into place, whole: of several who try only one succeeds.
 * 2. All L~copy-M with M <= N are removed.
 * 3. L is copied to L~copy-(N+1); N+1 is still the highest number; the copy is renamed to L.
 * 4. All L~lease-M with M <= N are removed.
 *
 * A process may be stopped between any two steps, for ever or until others have taken the lease.
 * - The holder of N, which still has the old L open, writes to a file without a name. What it
 *   wrote before 1 is in the copy. What it writes later it does not report as done, since it looks
 *   for N+1 after each write (lease_check).
 * - Who is stopped in 3 before its look at the numbers finds a higher one. Who is stopped after
 *   that finds its copy gone, since whoever came later has removed it (2) before copying itself.
 * - Who is stopped before 1 may find N+1 free again (4); then a higher number is there. A look at the
 *   numbers that misses each of several, because it ran while they came and went, has lasted
 *   from a 1 to the next 4, and the 2 between them has removed the copy. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "store/folder_parts.h"

enum { MACHINE_SIZE = 128, LARGEST_LEASE = 64 * 1024 };

/* The file's text. The digit after "released " is changed in place, which takes no space. */
#define LEASE_START  "moongate lease 1\nreleased "
#define LEASE_FORMAT LEASE_START "%d\nduration_ms %" PRId64 "\nmachine %s\nholder %s"
#define LEASE_SCAN   LEASE_START "%d\nduration_ms %" SCNd64 "\nmachine %127[^\n]\nholder %n"

struct folder_lease {
    struct store_lease base;
    char *name; /* the log's */
    int64_t duration_ms;
    int64_t
        beat_ms; /* when the last heartbeat began that succeeded, by the machine's clock */
    int fd;      /* the lease file, locked */
    int log_fd;  /* the log; while it is open, no other file can get its inode number */
};

static char *lease_name(const char *leaf, uint64_t fence)
{
    return memory_format("%s~lease-%" PRIu64, leaf, fence);
}

/* --- the machine, and the file server's time ------------------------------------------------- */

/* What tells this machine, until it is started again, from others. */
static void describe_machine(char text[MACHINE_SIZE])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    const bool is_known = file != NULL && fgets(text, MACHINE_SIZE, file) != NULL;

    if (file != NULL)
        fclose(file);
    if (!is_known && gethostname(text, MACHINE_SIZE) != 0)
        text[0] = '\0';
    text[MACHINE_SIZE - 1] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '\0')
        snprintf(text, MACHINE_SIZE, "unknown");
}

/* The time that the file server would give a file now. Who may not write there asks this machine.
 * Returns an errno. */
static int read_server_time(const struct place *place, struct timespec *now)
{
    struct stat facts;
    char *name;
    int fd, reason = place_make_temporary(place, &name, &fd);

    if (reason == EROFS || reason == EACCES)
        return clock_gettime(CLOCK_REALTIME, now) == 0 ? 0 : errno;
    if (reason != 0)
        return reason;
    if (fstat(fd, &facts) != 0)
        reason = errno;
    *now = facts.st_mtim;
    unlinkat(place->folder, name, 0);
    close(fd);
    free(name);
    return reason;
}

static int64_t span_ms(struct timespec from, struct timespec to)
{
    return (int64_t)(to.tv_sec - from.tv_sec) * 1000 +
           (to.tv_nsec - from.tv_nsec) / 1000000;
}

/* --- numbers ---------------------------------------------------------------------------------- */

struct numbers {
    uint64_t *all; /* in the order of the folder */
    size_t count;
};

/* The number of "LEAF~lease-12" (`kind` is "lease"), or 0. */
static uint64_t parse_number(const char *entry, const char *leaf, const char *kind)
{
    const size_t leaf_length = strlen(leaf), kind_length = strlen(kind);
    char *end = NULL;

    if (strncmp(entry, leaf, leaf_length) != 0 || entry[leaf_length] != '~' ||
        strncmp(entry + leaf_length + 1, kind, kind_length) != 0 ||
        entry[leaf_length + 1 + kind_length] != '-')
        return 0;

    const char *digits = entry + leaf_length + 1 + kind_length + 1;
    const uint64_t number = strtoull(digits, &end, 10);

    return *end == '\0' && digits[0] >= '1' && digits[0] <= '9' ? number : 0;
}

/* Returns an errno. */
static int read_numbers(const struct place *place, const char *kind,
                        struct numbers *numbers)
{
    const int fd = openat(place->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    *numbers = (struct numbers){0};
    if (entries == NULL) {
        const int reason = errno;

        if (fd >= 0)
            close(fd);
        return reason;
    }
    for (errno = 0; (entry = readdir(entries)) != NULL; errno = 0) {
        const uint64_t number = parse_number(entry->d_name, place->leaf, kind);

        if (number == 0)
            continue;
        numbers->all =
            memory_resize(numbers->all, (numbers->count + 1) * sizeof *numbers->all);
        numbers->all[numbers->count++] = number;
    }

    const int reason = errno;

    closedir(entries);
    return reason;
}

/* The highest number of a lease; 0 when there is none. Returns an errno. */
static int find_highest(const struct place *place, uint64_t *highest)
{
    struct numbers numbers;
    const int reason = read_numbers(place, "lease", &numbers);

    *highest = 0;
    for (size_t i = 0; i < numbers.count; i++)
        if (numbers.all[i] > *highest)
            *highest = numbers.all[i];
    free(numbers.all);
    return reason;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* Removes those of a kind below `fence`, the lowest first: a lease whose next one was removed is
 * gone itself. Returns an errno. */
static int remove_below(const struct place *place, const char *kind, uint64_t fence)
{
    struct numbers numbers;
    int reason = read_numbers(place, kind, &numbers);

    if (numbers.count > 1)
        qsort(numbers.all, numbers.count, sizeof *numbers.all, compare_numbers);
    for (size_t i = 0; reason == 0 && i < numbers.count && numbers.all[i] < fence; i++) {
        char *name = memory_format("%s~%s-%" PRIu64, place->leaf, kind, numbers.all[i]);

        if (unlinkat(place->folder, name, 0) != 0 && errno != ENOENT)
            reason = errno;
        free(name);
    }
    free(numbers.all);
    return reason;
}

/* --- who has it -------------------------------------------------------------------------------- */

/* What a lease file says. */
struct claim {
    struct timespec beat;
    int64_t duration_ms;
    char *holder;
    bool is_released;
    bool is_abandoned; /* its holder ran on this machine and is dead */
};

/* Returns an errno; EBADMSG when it is damaged. */
static int parse_claim(const char *text, int fd, struct claim *claim)
{
    char machine[MACHINE_SIZE], here[MACHINE_SIZE];
    int is_released = 0, end = 0;

    if (sscanf(text, LEASE_SCAN, &is_released, &claim->duration_ms, machine, &end) != 3 ||
        end == 0)
        return EBADMSG;
    describe_machine(here);
    claim->is_released = is_released != 0;
    /* Shared, so that two who look at once do not take each other for the holder. */
    claim->is_abandoned = strcmp(machine, here) == 0 && flock(fd, LOCK_SH | LOCK_NB) == 0;
    claim->holder = memory_copy_string(text + end);
    return 0;
}

/* Reads a lease file; its text is at most LARGEST_LEASE. Returns an errno; EAGAIN when there is none. */
static int read_claim(const struct place *place, uint64_t fence, struct claim *claim)
{
    char *name = lease_name(place->leaf, fence);
    const int fd =
        openat(place->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int reason = fd >= 0 ? 0 : errno == ENOENT ? EAGAIN : errno;
    char *text = memory_new(LARGEST_LEASE + 1);
    struct stat facts;

    *claim = (struct claim){0};
    if (reason == 0 && (fstat(fd, &facts) != 0 || pread(fd, text, LARGEST_LEASE, 0) < 0))
        reason = errno;
    if (reason == 0) {
        claim->beat = facts.st_mtim;
        reason = parse_claim(text, fd, claim);
    }
    if (fd >= 0)
        close(fd);
    free(text);
    free(name);
    return reason;
}

/* Whether the holder still beats. Both times are the file server's, and still not trusted alone,
 * since its clock may have been set: who seems to be late is watched. Returns an errno. */
static int judge_beat(const struct place *place, const struct claim *claim,
                      uint64_t fence, struct folder_request *request, bool *is_held)
{
    struct folder_watch *watch = &request->watch;
    const bool is_watched = watch->fence == fence;
    struct timespec now;
    const int reason = read_server_time(place, &now);
    const int64_t age_ms = span_ms(claim->beat, now);

    *is_held = true;
    if (reason != 0)
        return reason;
    if (is_watched && span_ms(watch->beat, claim->beat) == 0 &&
        watch->beat.tv_nsec == claim->beat.tv_nsec) {
        *is_held = false;
    } else if (is_watched) {
        request->call->held_for_ms = claim->duration_ms;
    } else if (llabs(age_ms) < claim->duration_ms) {
        request->call->held_for_ms = claim->duration_ms - (age_ms > 0 ? age_ms : 0);
    } else {
        *watch = (struct folder_watch){
            .for_ms = claim->duration_ms / 2 + 1, .fence = fence, .beat = claim->beat};
    }
    return 0;
}

/* Fills what the call is told: the fence, the holder and whether it is held. Returns an errno. */
static int look_once(const struct place *place, struct folder_request *request)
{
    struct store_call *call = request->call;
    struct claim claim = {0};
    int reason = find_highest(place, &call->fence);

    call->is_held = false;
    call->held_for_ms = 0;
    buffer_clear(&call->bytes);
    if (reason == 0 && call->fence != 0)
        reason = read_claim(place, call->fence, &claim);
    if (reason == 0 && call->fence != 0) {
        buffer_append_string(&call->bytes, claim.holder);
        if (!claim.is_released && !claim.is_abandoned)
            reason = judge_beat(place, &claim, call->fence, request, &call->is_held);
    }
    free(claim.holder);
    return reason;
}

static int look(const struct place *place, struct folder_request *request)
{
    int reason;

    request->watch.for_ms = 0;
    do
        reason = look_once(place, request);
    while (reason ==
           EAGAIN); /* it was removed between two looks: there is a higher one */
    return reason;
}

struct failure *folder_look(struct folder_request *request)
{
    struct place place;
    struct failure *failure = place_open(&place, request->root, request->name, false);

    if (failure != NULL || place.folder < 0)
        return failure;

    const int reason = look(&place, request);

    if (reason != 0)
        failure = place_failure(&place, "read the lease on", reason);
    place_close(&place);
    return failure;
}

/* --- taking it ---------------------------------------------------------------------------------- */

static void close_lease(struct folder_lease *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    if (lease->log_fd >= 0)
        close(lease->log_fd);
    free(lease->name);
    free(lease);
}

/* Says in the file that it is free. Returns an errno. */
static int mark_released(const struct folder_lease *lease)
{
    if (pwrite(lease->fd, "1", 1, sizeof LEASE_START - 1) != 1 || fsync(lease->fd) != 0)
        return errno;
    return 0;
}

/* Step 1. Returns an errno; EAGAIN when somebody was faster. */
static int claim_number(const struct place *place, struct folder_lease *lease,
                        const struct folder_request *request)
{
    char *temporary = NULL, *name = NULL, *text = NULL, machine[MACHINE_SIZE];
    int reason = place_make_temporary(place, &temporary, &lease->fd);

    if (reason != 0)
        return reason;
    describe_machine(machine);
    text = memory_format(LEASE_FORMAT, 0, request->duration_ms, machine, request->bytes);
    name = lease_name(place->leaf, lease->base.fence);
    flock(lease->fd, LOCK_EX | LOCK_NB); /* without it, the heartbeat tells */
    lease->beat_ms = clock_machine_ms();
    reason = place_write(lease->fd, text, strlen(text));
    if (reason == 0 && fsync(lease->fd) != 0)
        reason = errno;
    if (reason == 0)
        reason = place_link(place, lease->fd, temporary, name);
    unlinkat(place->folder, temporary, 0);
    free(temporary);
    free(name);
    free(text);
    if (reason != 0)
        return reason == EEXIST ? EAGAIN : reason;
    return place_sync(place->folder);
}

/* Returns an errno; EAGAIN when there is a higher number. */
static int check_highest(const struct place *place, const struct folder_lease *lease)
{
    uint64_t highest;
    const int reason = find_highest(place, &highest);

    if (reason != 0)
        return reason;
    return highest == lease->base.fence ? 0 : EAGAIN;
}

/* Returns an errno. */
static int copy_bytes(int from, int to)
{
    enum { PIECE = 256 * 1024 };
    char *bytes = memory_new(PIECE);
    ssize_t count = 1;
    int reason = 0;

    while (reason == 0 && count != 0) {
        count = read(from, bytes, PIECE);
        if (count > 0)
            reason = place_write(to, bytes, (size_t)count);
        else if (count < 0 && errno != EINTR)
            reason = errno;
    }
    free(bytes);
    return reason == 0 && fsync(to) != 0 ? errno : reason;
}

/* Step 3. Returns an errno; EAGAIN when the lease is lost. */
static int replace_log(const struct place *place, struct folder_lease *lease)
{
    char *copy = memory_format("%s~copy-%" PRIu64, place->leaf, lease->base.fence);
    const int old = openat(place->folder, place->leaf,
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int reason = old >= 0 || errno == ENOENT ? 0 : errno;

    if (reason == 0) {
        lease->log_fd = openat(place->folder, copy,
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                               S_IRUSR | S_IWUSR);
        reason = lease->log_fd >= 0 ? 0 : errno;
    }
    if (reason == 0)
        reason = old >= 0 ? copy_bytes(old, lease->log_fd) : 0;
    if (reason == 0)
        reason = check_highest(place, lease);
    if (reason == 0 && renameat(place->folder, copy, place->folder, place->leaf) != 0)
        reason = errno == ENOENT ? EAGAIN : errno;
    if (reason != 0 && lease->log_fd >= 0)
        unlinkat(place->folder, copy, 0);
    if (old >= 0)
        close(old);
    free(copy);
    return reason == 0 ? place_sync(place->folder) : reason;
}

/* All steps. Returns an errno; EAGAIN when somebody else has it now. */
static int take(const struct place *place, struct folder_lease *lease,
                const struct folder_request *request)
{
    int reason = claim_number(place, lease, request);

    if (reason == 0)
        reason = check_highest(place, lease);
    if (reason == 0)
        reason = remove_below(place, "copy", lease->base.fence);
    if (reason == 0)
        reason = replace_log(place, lease);
    if (reason == 0)
        reason = remove_below(place, "lease", lease->base.fence);
    if (reason == 0)
        reason = check_highest(place, lease);
    if (reason != 0 && lease->fd >= 0)
        mark_released(lease); /* if that fails too, it will not beat */
    return reason;
}

/* Takes the lease that the call has found free; the call has it then. Returns an errno; EAGAIN when
 * somebody else has it now. */
static int try_to_take(const struct place *place, struct folder_request *request)
{
    struct folder_lease *lease = memory_new(sizeof *lease);

    *lease = (struct folder_lease){.base.fence = request->call->fence + 1,
                                   .name = memory_copy_string(request->name),
                                   .duration_ms = request->duration_ms,
                                   .fd = -1,
                                   .log_fd = -1};

    const int reason = take(place, lease, request);

    if (reason != 0) {
        close_lease(lease);
        return reason;
    }
    request->call->lease = &lease->base;
    request->call->fence = lease->base.fence;
    return 0;
}

struct failure *folder_acquire(struct folder_request *request)
{
    struct place place;
    struct failure *failure = place_open(&place, request->root, request->name, true);
    int reason;

    assert(request->duration_ms > 0 && strlen(request->bytes) < LARGEST_LEASE / 2);
    if (failure != NULL)
        return failure;
    do {
        reason = look(&place, request);
        if (reason == 0 && !request->call->is_held)
            reason = try_to_take(&place, request);
    } while (reason == EAGAIN);
    if (reason != 0)
        failure = place_failure(&place, "take the lease on", reason);
    place_close(&place);
    return failure;
}

/* --- having it ----------------------------------------------------------------------------------- */

static bool is_same_file(int a, int b)
{
    struct stat left, right;

    return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

/* LeaseLost; names who has it now, as far as that can be told. */
static struct failure *taken_over(const struct folder_lease *lease,
                                  const struct place *place)
{
    struct claim claim = {0};
    uint64_t highest = 0;

    if (place->folder < 0 || find_highest(place, &highest) != 0 ||
        highest <= lease->base.fence)
        return failure_new("LeaseLost", "'%s/%s' or the lease on it was removed",
                           place->root, place->name);
    read_claim(place, highest, &claim);

    struct failure *failure =
        failure_new("LeaseLost", "the lease on '%s/%s' was taken over by %s", place->root,
                    place->name, claim.holder != NULL ? claim.holder : "somebody else");

    free(claim.holder);
    return failure;
}

/* Whether its file has its name still, and no other came later. Returns an errno; ESTALE when not.
 * Both are opened: over NFS, only that asks the server. */
static int check_names(const struct folder_lease *lease, const struct place *place)
{
    char *own = lease_name(place->leaf, lease->base.fence);
    char *next = lease_name(place->leaf, lease->base.fence + 1);
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int reason = ESTALE;
    const int own_fd = openat(place->folder, own, flags);
    const int own_reason = errno;
    const int next_fd = openat(place->folder, next, flags);

    if (own_fd < 0 && own_reason != ENOENT)
        reason = own_reason;
    else if (next_fd < 0 && errno != ENOENT)
        reason = errno;
    else if (own_fd >= 0 && next_fd < 0 && is_same_file(own_fd, lease->fd))
        reason = 0;
    if (own_fd >= 0)
        close(own_fd);
    if (next_fd >= 0)
        close(next_fd);
    free(own);
    free(next);
    return reason;
}

static struct failure *check_taken(const struct folder_lease *lease, const char *root)
{
    struct place place;
    struct failure *failure = place_open(&place, root, lease->name, false);

    if (failure != NULL)
        return failure;

    const int reason = place.folder >= 0 ? check_names(lease, &place) : ESTALE;

    if (reason == ESTALE)
        failure = taken_over(lease, &place);
    else if (reason != 0)
        failure = place_failure(&place, "read the lease on", reason);
    place_close(&place);
    return failure;
}

struct failure *lease_check(const struct folder_lease *lease, const char *root)
{
    struct failure *failure = check_taken(lease, root);
    const int64_t late_ms = clock_machine_ms() - lease->beat_ms - lease->duration_ms;

    if (failure == NULL && late_ms >= 0)
        failure = failure_new("LeaseLost",
                              "the lease on '%s/%s' ended %" PRId64
                              " ms ago: it was not renewed in its %" PRId64 " ms",
                              root, lease->name, late_ms, lease->duration_ms);
    return failure;
}

struct failure *lease_check_log(const struct folder_lease *lease,
                                const struct place *place, int fd)
{
    return fd >= 0 && is_same_file(fd, lease->log_fd) ? NULL : taken_over(lease, place);
}

/* It beats between two looks: whoever comes now either sees the beat or is seen. */
struct failure *folder_renew(struct folder_request *request)
{
    struct folder_lease *lease = request->lease;
    const int64_t beat_ms = clock_machine_ms();
    struct failure *failure = check_taken(lease, request->root);

    if (failure == NULL && futimens(lease->fd, NULL) != 0) {
        const struct place place = {.root = request->root, .name = lease->name};

        failure = place_failure(&place, "renew the lease on", errno);
    }
    if (failure == NULL)
        failure = check_taken(lease, request->root);
    if (failure == NULL)
        lease->beat_ms = beat_ms;
    return failure;
}

struct failure *folder_release(struct folder_request *request)
{
    struct failure *failure = check_taken(request->lease, request->root);

    if (failure == NULL) {
        const struct place place = {.root = request->root, .name = request->lease->name};
        const int reason = mark_released(request->lease);

        if (reason != 0)
            failure = place_failure(&place, "release the lease on", reason);
    }
    close_lease(request->lease);
    return failure;
}
