/* engine/prompt/line_file.c */
#include "prompt/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/file.h"
#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

static const char first_line[] = "# moongate: lines typed at the prompt\n";

enum {
    LARGEST = 64 << 20, /* bytes; what is larger was not written by us */
    OWNER_ONLY = S_IRUSR | S_IWUSR
};

struct line_file {
    char *path;
    bool has_failed; /* to append, and that was said */
};

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Puts the text of one line into `to`; false when we cannot have written it. */
static bool decode(const char *line, size_t length, struct buffer *to)
{
    const char *end = line + length;

    buffer_clear(to);
    while (line < end) {
        const char *escape = memchr(line, '\\', (size_t)(end - line));
        const char *plain_end = escape != NULL ? escape : end;

        buffer_append(to, line, (size_t)(plain_end - line));
        if (escape == NULL)
            break;
        if (escape + 1 == end || (escape[1] != 'n' && escape[1] != '\\'))
            return false;
        buffer_append_char(to, escape[1] == 'n' ? '\n' : '\\');
        line = escape + 2;
    }
    return length > 0;
}

static void encode(struct buffer *to, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (*c == '\n' || *c == '\\')
            buffer_printf(to, "\\%c", *c == '\n' ? 'n' : '\\');
        else if (!is_control(*c))
            buffer_append_char(to, *c);
    buffer_append_char(to, '\n');
}

/* The line that begins at `at`, without its end; moves `at` behind it. A process that was killed
 * may have left the last one without an end. */
static const char *next_line(const struct buffer *bytes, size_t *at, size_t *length)
{
    const char *line = bytes->data + *at;
    const char *end = memchr(line, '\n', bytes->length - *at);

    *length = end != NULL ? (size_t)(end - line) : bytes->length - *at;
    *at += *length + (end != NULL);
    return line;
}

static bool is_ours(const char *line, size_t length, struct buffer *scratch)
{
    for (size_t i = 0; i < length; i++)
        if (is_control(line[i]))
            return false;
    return text_is_utf8(line, length) && decode(line, length, scratch);
}

/* Counts the lines behind the first. False when one of them is not ours, with its number in the
 * file in `*wrong`. */
static bool check(const struct buffer *bytes, int *count, int *wrong)
{
    struct buffer scratch = {0};
    const size_t head = sizeof(first_line) - 1;
    bool is_right = bytes->length >= head && memcmp(bytes->data, first_line, head) == 0;

    *count = 0;
    for (size_t at = head; is_right && at < bytes->length; ++*count) {
        size_t length;
        const char *line = next_line(bytes, &at, &length);

        is_right = is_ours(line, length, &scratch);
    }
    *wrong = *count + 1;
    buffer_deinit(&scratch);
    return is_right;
}

/* Leaves out the oldest lines; returns where the rest begins. */
static size_t skip_lines(const struct buffer *bytes, int count)
{
    size_t at = sizeof(first_line) - 1, length;

    while (count-- > 0)
        next_line(bytes, &at, &length);
    return at;
}

static void give(const struct buffer *bytes, size_t at,
                 void (*each)(void *context, const char *text), void *context)
{
    struct buffer text = {0};

    while (at < bytes->length) {
        size_t length;
        const char *line = next_line(bytes, &at, &length);

        if (decode(line, length, &text))
            each(context, text.data);
    }
    buffer_deinit(&text);
}

/* Replaces the file by one with the lines from `at` on. */
static void cut(const char *path, const struct buffer *bytes, size_t at)
{
    struct buffer rest = {0};
    const char *why = NULL;

    buffer_append_string(&rest, first_line);
    buffer_append(&rest, bytes->data + at, bytes->length - at);
    if (rest.data[rest.length - 1] != '\n')
        buffer_append_char(&rest, '\n');
    if (!file_write_private(path, rest.data, rest.length, &why))
        log_line(LOG_WARNING, "the history file '%s' could not be shortened: %s", path,
                 why);
    buffer_deinit(&rest);
}

/* A descriptor of what is at `path` now, locked: whoever replaces the file holds the lock of the
 * one that was there. -1 with errno when there is none. */
static int open_locked(const char *path, int flags)
{
    for (;;) {
        struct stat ours, theirs;
        const int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, OWNER_ONLY);

        if (fd < 0)
            return -1;
        while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
            continue;
        if (fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 &&
            ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
            return fd;
        close(fd);
    }
}

/* Reads a file that is there, under its lock. */
static bool load(const char *path, int most,
                 void (*each)(void *context, const char *text), void *context)
{
    struct buffer bytes = {0};
    const char *why = NULL;
    int count = 0, wrong = 0;
    bool is_read = file_read(path, LARGEST, &bytes, &why);

    if (!is_read)
        log_line(
            LOG_WARNING,
            "the history file '%s' is not used, lines are kept for this session only: %s",
            path, why);
    if (is_read && bytes.length > 0 && !check(&bytes, &count, &wrong)) {
        is_read = false;
        log_line(LOG_WARNING,
                 "the history file '%s' is damaged in line %d or was not made by "
                 "moongate; it is "
                 "left as it is, lines are kept for this session only",
                 path, wrong);
    }
    if (is_read && bytes.length > 0) {
        const size_t at = skip_lines(&bytes, count - most);

        give(&bytes, at, each, context);
        if (count > most + most / 4)
            cut(path, &bytes, at);
    }
    buffer_deinit(&bytes);
    return is_read;
}

struct line_file *line_file_open(const char *path, int most,
                                 void (*each)(void *context, const char *text),
                                 void *context)
{
    char *real = realpath(path, NULL); /* what a symbolic link leads to is not replaced */
    const int fd = open_locked(path, O_RDONLY);
    bool is_usable = fd < 0 && errno == ENOENT;

    if (fd >= 0) {
        is_usable = load(real != NULL ? real : path, most, each, context);
        close(fd);
    } else if (!is_usable) {
        log_line(
            LOG_WARNING,
            "the history file '%s' is not used, lines are kept for this session only: %s",
            path, strerror(errno));
    }

    struct line_file *file = is_usable ? memory_new(sizeof(*file)) : NULL;

    if (file != NULL)
        file->path = real != NULL ? memory_copy_string(real) : memory_copy_string(path);
    free(real);
    return file;
}

/* Appends in one write, after the first line of a file that is new and behind a line that was
 * torn. Returns 0 or an errno, and then the file is as it was. */
static int append(int fd, const struct buffer *line)
{
    struct buffer bytes = {0};
    const off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';
    int reason = size < 0 ? errno : 0;

    if (size == 0)
        buffer_append_string(&bytes, first_line);
    else if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
        buffer_append_char(&bytes, '\n');
    buffer_append(&bytes, line->data, line->length);
    if (reason == 0) {
        const ssize_t written = write(fd, bytes.data, bytes.length);

        if (written != (ssize_t)bytes.length) {
            reason = written < 0 ? errno : ENOSPC;
            if (ftruncate(fd, size) != 0)
                reason = errno;
        }
    }
    buffer_deinit(&bytes);
    return reason;
}

void line_file_append(struct line_file *file, const char *text)
{
    struct buffer line = {0};

    encode(&line, text);

    const int fd = file_make_folders(file->path)
                       ? open_locked(file->path, O_RDWR | O_CREAT | O_APPEND)
                       : -1;
    int reason = fd < 0 ? errno : append(fd, &line);

    if (fd >= 0 && close(fd) != 0 && reason == 0)
        reason = errno;
    if (reason != 0 && !file->has_failed)
        log_line(LOG_WARNING, "lines are not kept in the history file '%s': %s",
                 file->path, strerror(reason));
    file->has_failed = reason != 0;
    buffer_deinit(&line);
}

void line_file_close(struct line_file *file)
{
    if (file == NULL)
        return;
    free(file->path);
    free(file);
}
