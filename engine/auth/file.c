/* engine/auth/file.c - small files with secrets in them. */
#include "auth/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/memory.h"
#include "base/uuid.h"

enum { OWNER_ONLY = S_IRUSR | S_IWUSR };

static const char *check(int fd, size_t largest, bool is_private)
{
    struct stat facts;

    if (fstat(fd, &facts) != 0)
        return strerror(errno);
    if (!S_ISREG(facts.st_mode))
        return "it is not a file";
    if (facts.st_size < 0 || (size_t)facts.st_size > largest)
        return "it is too large";
    if (is_private && facts.st_uid != geteuid())
        return "it belongs to another user";
    if (is_private && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "other users can read or write it";
    return NULL;
}

/* Reads to the end, which may come later than the size says. */
static const char *take(int fd, size_t largest, struct buffer *to)
{
    const size_t start = to->length;
    char piece[4096];
    ssize_t length;

    buffer_reserve(to, largest < 65536 ? largest : 65536); /* leaves no copies behind */
    buffer_append_string(to, ""); /* text, even if nothing comes */
    while ((length = read(fd, piece, sizeof piece)) > 0 &&
           to->length - start + (size_t)length <= largest)
        buffer_append(to, piece, (size_t)length);
    OPENSSL_cleanse(piece, sizeof piece);
    if (length == 0)
        return NULL;

    const char *why = length < 0 ? strerror(errno) : "it is too large";

    to->length = start;
    return why;
}

static bool read_any(const char *path, size_t largest, struct buffer *to, bool is_private,
                     const char **why)
{
    /* without O_NONBLOCK a pipe in its place would be waited for */
    const int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (is_private ? O_NOFOLLOW : 0));

    if (fd < 0) {
        *why = is_private && errno == ELOOP ? "it is a symbolic link" : strerror(errno);
        return false;
    }
    *why = check(fd, largest, is_private);
    if (*why == NULL)
        *why = take(fd, largest, to);
    close(fd);
    return *why == NULL;
}

bool file_read(const char *path, size_t largest, struct buffer *to, const char **why)
{
    return read_any(path, largest, to, false, why);
}

bool file_read_private(const char *path, size_t largest, struct buffer *to,
                       const char **why)
{
    return read_any(path, largest, to, true, why);
}

bool file_make_folders(const char *path)
{
    char *folder = memory_copy_string(path);
    bool is_there = true;

    for (char *slash = folder + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        is_there = mkdir(folder, S_IRWXU) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(folder);
    return is_there;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(fd, bytes, length);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return fsync(fd) == 0;
}

bool file_write_private(const char *path, const void *bytes, size_t length,
                        const char **why)
{
    char id[UUID_TEXT_SIZE];
    bool is_written = false;

    uuid_random(id);

    char *beside = memory_format("%s.%s", path, id);
    const int fd =
        file_make_folders(path)
            ? open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   OWNER_ONLY)
            : -1;

    if (fd >= 0) {
        is_written = write_all(fd, bytes, length);
        is_written = close(fd) == 0 && is_written && rename(beside, path) == 0;
    }
    if (!is_written) {
        *why = strerror(errno);
        if (fd >= 0)
            unlink(beside);
    }
    free(beside);
    return is_written;
}

char *file_copy_trimmed(const struct buffer *text)
{
    static const char space[] = " \t\r\n";
    const char *start = text->data != NULL ? text->data : "";

    start += strspn(start, space);

    size_t length = strlen(start);

    while (length > 0 && strchr(space, start[length - 1]) != NULL)
        length--;
    return memory_copy_text(start, length);
}
