/* engine/store/folder_log.c - logs in a folder: append and cut.
 *
 * A log is opened anew for each append. Beside the write that is cheap, and it means that nothing is
 * written to a file that has been removed or replaced meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/failure.h"
#include "store/folder_parts.h"

static struct failure *mismatch(const struct place *place, uint64_t is, uint64_t expected)
{
    return failure_new("StorePositionMismatch",
                       "'%s/%s' is %" PRIu64 " bytes long, not %" PRIu64, place->root,
                       place->name, is, expected);
}

/* Returns an errno. */
static int open_log(const struct place *place, int flags, int *fd)
{
    *fd = place->folder < 0
              ? (errno = ENOENT, -1)
              : openat(place->folder, place->leaf,
                       flags | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                       S_IRUSR | S_IWUSR);
    return *fd >= 0 ? 0 : errno;
}

/* Two processes that append to a log without a lease take turns, so that each finds the length
 * that it expects or another. A turn is over in a moment, or its process hangs: EBUSY.
 * Returns an errno. */
static int take_turn(int fd)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (int tries = 0; tries < 200; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0; /* a file system without locks: O_APPEND keeps lines whole */
        nanosleep(&pause, NULL);
    }
    return EBUSY;
}

/* Writes, or leaves the log as it was. Returns an errno. */
static int write_at_end(int fd, const struct folder_request *request)
{
    int reason = place_write(fd, request->bytes, request->length);

    if (reason == 0 && request->is_durable && fdatasync(fd) != 0)
        reason = errno;
    if (reason != 0)
        while (ftruncate(fd, (off_t)request->position) != 0 && errno == EINTR)
            ;
    return reason;
}

static struct failure *append_to(const struct place *place, int fd,
                                 struct folder_request *request)
{
    struct stat facts;
    int reason = 0;

    if (request->lease == NULL)
        reason = take_turn(fd);
    if (reason == 0 && fstat(fd, &facts) != 0)
        reason = errno;
    if (reason != 0)
        return place_failure(place, "append to", reason);
    if ((uint64_t)facts.st_size != request->position)
        return mismatch(place, (uint64_t)facts.st_size, request->position);
    reason = write_at_end(fd, request);
    if (reason == 0 && request->is_durable && request->position == 0)
        reason = place_sync(place->folder); /* it may be new */
    if (reason != 0)
        return place_failure(place, "write", reason);
    request->call->size_bytes = request->position + request->length;
    return NULL;
}

static struct failure *append_unleased(struct folder_request *request)
{
    struct place place;
    int fd = -1;
    struct failure *failure =
        place_open(&place, request->root, request->name, request->position == 0);

    if (failure != NULL)
        return failure;

    const int reason =
        open_log(&place, O_APPEND | (request->position == 0 ? O_CREAT : 0), &fd);

    if (reason == 0) {
        failure = append_to(&place, fd, request);
        close(fd);
    } else if (reason == ENOENT) {
        failure = mismatch(&place, 0, request->position);
    } else {
        failure = place_failure(&place, "append to", reason);
    }
    place_close(&place);
    return failure;
}

/* Does `change` to the leased log, which was the holder's before and still is afterwards: whoever
 * takes the lease copies the log only then, so what it does not copy is not answered as done. */
static struct failure *change_leased(struct folder_request *request, int flags,
                                     struct failure *(*change)(const struct place *place,
                                                               int fd,
                                                               struct folder_request *))
{
    struct place place = {.folder = -1};
    int fd = -1, reason;
    struct failure *failure = lease_check(request->lease, request->root);

    if (failure == NULL)
        failure = place_open(&place, request->root, request->name, false);
    if (failure != NULL)
        return failure;
    reason = open_log(&place, flags, &fd);
    if (reason != 0 && reason != ENOENT)
        failure = place_failure(&place, "write", reason);
    else
        failure = lease_check_log(request->lease, &place, fd);
    if (failure == NULL)
        failure = change(&place, fd, request);
    if (failure == NULL)
        failure = lease_check(request->lease, request->root);
    if (fd >= 0)
        close(fd);
    place_close(&place);
    return failure;
}

struct failure *folder_append(struct folder_request *request)
{
    return request->lease == NULL ? append_unleased(request)
                                  : change_leased(request, O_APPEND, append_to);
}

static struct failure *cut_at(const struct place *place, int fd,
                              struct folder_request *request)
{
    struct stat facts;

    if (fstat(fd, &facts) != 0)
        return place_failure(place, "cut", errno);
    if ((uint64_t)facts.st_size < request->position)
        return mismatch(place, (uint64_t)facts.st_size, request->position);
    if (ftruncate(fd, (off_t)request->position) != 0 || fsync(fd) != 0)
        return place_failure(place, "cut", errno);
    request->call->size_bytes = request->position;
    return NULL;
}

struct failure *folder_cut(struct folder_request *request)
{
    return change_leased(request, 0, cut_at);
}
