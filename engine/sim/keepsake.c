/* engine/sim/keepsake.c - small files that are made once per user. */
#include "sim/keepsake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/home.h"
#include "base/memory.h"
#include "base/uuid.h"

enum {
    LARGEST = 64 * 1024,
    OWNER_ONLY = S_IRUSR | S_IWUSR,
    ALL_READ = OWNER_ONLY | S_IRGRP | S_IROTH
};

char *keepsake_path(const char *name)
{
    char *below = memory_format("sim/%s", name), *path = home_state_path(below);

    free(below);
    return path;
}

/* ---- reading ---- */

static const char *check(int fd)
{
    struct stat facts;

    if (fstat(fd, &facts) != 0)
        return strerror(errno);
    if (!S_ISREG(facts.st_mode))
        return "it is not a file";
    if (facts.st_uid != geteuid())
        return "it belongs to another user";
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "other users can read or write it";
    return facts.st_size > LARGEST ? "it is larger than 64 KiB" : NULL;
}

static const char *take(int fd, struct buffer *to)
{
    ssize_t length;

    buffer_reserve(to, LARGEST); /* a key: leaves no copies behind */
    while ((length = read(fd, to->data + to->length, LARGEST - to->length)) > 0)
        to->length += (size_t)length;
    to->data[to->length] = '\0';
    return length < 0 ? strerror(errno) : NULL;
}

/* NULL without a failure when it is not there. */
static char *read_private(const char *path, struct failure **failure)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct buffer text = {0};
    const char *why;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return NULL;
    if (fd < 0) {
        why = errno == ELOOP ? "it is a symbolic link" : strerror(errno);
    } else {
        why = check(fd);
        if (why == NULL)
            why = take(fd, &text);
        close(fd);
    }
    if (why == NULL)
        return buffer_take(&text);
    *failure = failure_new("IOError", "%s: %s", path, why);
    buffer_deinit(&text);
    return NULL;
}

/* ---- writing ---- */

static void make_folders(const char *path)
{
    char *folder = memory_copy_string(path);

    for (char *slash = folder + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(folder, S_IRWXU); /* whether that worked shows when the file is opened */
        *slash = '/';
    }
    free(folder);
}

static bool write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        const ssize_t written = write(fd, text, left);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            text += written;
            left -= (size_t)written;
        }
    }
    return fsync(fd) == 0;
}

/* Writes a file beside `path`. Its name, owned by the caller, or NULL with errno set. */
static char *write_beside(const char *path, const char *text, mode_t mode)
{
    char id[UUID_TEXT_SIZE];

    uuid_random(id);

    char *beside = memory_format("%s.%s", path, id);
    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd >= 0) {
        const bool is_written = write_all(fd, text);
        const int reason = errno;

        if (close(fd) == 0 && is_written)
            return beside;
        unlink(beside);
        errno = reason;
    }
    free(beside);
    return NULL;
}

/* A link, unlike a rename, fails when somebody was there first. Either way nothing is left
 * to be done: who could not write has the text all the same. */
static void keep(const char *path, const char *text)
{
    make_folders(path);

    char *beside = write_beside(path, text, OWNER_ONLY);

    if (beside == NULL)
        return;
    if (link(beside, path) != 0 && errno != EEXIST)
        rename(beside, path); /* a file system without links */
    unlink(beside);
    free(beside);
}

char *keepsake_read_or_make(const char *name,
                            char *(*make)(void *context, struct failure **failure),
                            void *context, struct failure **failure)
{
    struct failure *wrong = NULL;
    char *path = keepsake_path(name), *made = NULL;
    char *text = path != NULL ? read_private(path, &wrong) : NULL;

    if (text == NULL && wrong == NULL)
        made = make(context, &wrong);
    if (made != NULL && path != NULL) {
        keep(path, made);
        text = read_private(path, &wrong); /* whoever made it */
    }
    if (text == NULL && wrong == NULL) {
        text = made;
        made = NULL;
    }
    free(made);
    free(path);
    if (wrong != NULL)
        *failure = wrong;
    return text;
}

struct failure *keepsake_publish(const char *path, const char *text)
{
    char *beside = write_beside(path, text, ALL_READ);

    if (beside != NULL && rename(beside, path) == 0) {
        free(beside);
        return NULL;
    }

    struct failure *failure = failure_new("IOError", "%s: %s", path, strerror(errno));

    if (beside != NULL)
        unlink(beside);
    free(beside);
    return failure;
}
