/* engine/store/folder_place.c - where a name lies, and what is made beside it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/memory.h"
#include "store/folder_parts.h"

enum {
    OWNER_ONLY = S_IRUSR | S_IWUSR,
    FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC
};

static struct failure *refuse(const char *doing, const char *root, const char *name,
                              size_t length, int reason)
{
    char why[128];

    if (reason == ELOOP)
        snprintf(why, sizeof why, "it is a symbolic link");
    else if (reason == EBADMSG)
        snprintf(why, sizeof why, "it is damaged, or of a newer version");
    else if (strerror_r(reason, why, sizeof why) !=
             0) /* unlike strerror(), for threads */
        snprintf(why, sizeof why, "error %d", reason);
    return failure_new("IOError", "cannot %s '%s%s%.*s': %s", doing, root,
                       length > 0 ? "/" : "", (int)length, name, why);
}

struct failure *place_failure(const struct place *place, const char *doing, int reason)
{
    return refuse(doing, place->root, place->name, strlen(place->name), reason);
}

int place_sync(int folder)
{
    /* some file servers know no such thing: EINVAL */
    return fsync(folder) == 0 || errno == EINVAL ? 0 : errno;
}

/* --- opening -------------------------------------------------------------------------------- */

/* Makes durable that the folder at `path` is where it is. A parent that one may not read is
 * one that was there before. */
static int sync_parent(const char *path)
{
    char *parent = memory_copy_string(path);
    char *slash = strrchr(parent, '/');

    if (slash != NULL)
        slash[slash == parent ? 1 : 0] = '\0';

    const int fd = open(slash != NULL ? parent : ".", FOLDER_FLAGS);
    const int reason = fd >= 0 ? place_sync(fd) : 0;

    if (fd >= 0)
        close(fd);
    free(parent);
    return reason;
}

/* Makes the folders that lead to the root, and it. Returns the first reason why one cannot be made:
 * not every file system says EEXIST of what is there, so it goes on. */
static int make_root(const char *root)
{
    char *path = memory_copy_string(root);
    int first_reason = 0;

    for (char *end = path; *end != '\0';) {
        end += strspn(end, "/");
        end += strcspn(end, "/");

        const char was = *end;

        *end = '\0';

        const int reason = mkdir(path, S_IRWXU) != 0 ? errno : sync_parent(path);

        if (reason != EEXIST && first_reason == 0)
            first_reason = reason;
        *end = was;
    }
    free(path);
    return first_reason;
}

static int open_root(const char *root, bool makes, int *fd)
{
    int reason = 0;

    *fd = open(root, FOLDER_FLAGS);
    if (*fd >= 0 || errno != ENOENT || !makes)
        return *fd >= 0 ? 0 : errno;
    reason = make_root(root);
    *fd = open(root, FOLDER_FLAGS);
    if (*fd >= 0)
        return 0;
    return reason != 0 ? reason : errno;
}

static int open_part(int parent, const char *part, bool makes, int *fd)
{
    *fd = openat(parent, part, FOLDER_FLAGS | O_NOFOLLOW);
    if (*fd >= 0 || errno != ENOENT || !makes)
        return *fd >= 0 ? 0 : errno;
    if (mkdirat(parent, part, S_IRWXU) != 0 && errno != EEXIST)
        return errno;
    *fd = openat(parent, part, FOLDER_FLAGS | O_NOFOLLOW);
    return *fd >= 0 ? place_sync(parent) : errno;
}

struct failure *place_open(struct place *place, const char *root, const char *name,
                           bool makes)
{
    int reason = 0;
    const char *part = name;

    *place = (struct place){.root = root, .name = name, .folder = -1};
    reason = open_root(root, makes, &place->folder);
    for (const char *end; reason == 0 && (end = strchr(part, '/')) != NULL;
         part = end + 1) {
        char *text = memory_copy_text(part, (size_t)(end - part));
        const int parent = place->folder;

        reason = open_part(parent, text, makes, &place->folder);
        close(parent);
        free(text);
    }
    place->leaf = part;
    if (reason == 0 || (reason == ENOENT && !makes))
        return NULL;
    place_close(place);
    return refuse("open folder", root, name, part > name ? (size_t)(part - name - 1) : 0,
                  reason);
}

void place_close(struct place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    place->folder = -1;
}

/* --- making --------------------------------------------------------------------------------- */

/* Not by uuid_random(), which belongs to the loop's thread. */
static char *draw_name(const char *leaf)
{
    uint64_t number = 0;

    getentropy(&number, sizeof number); /* if there is none, the name may be taken */
    return memory_format("%s~new-%016" PRIx64, leaf, number);
}

int place_make_temporary(const struct place *place, char **name, int *fd)
{
    int reason = EEXIST;

    for (int tries = 0; tries < 3 && reason == EEXIST; tries++) {
        *name = draw_name(place->leaf);
        *fd = openat(place->folder, *name,
                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OWNER_ONLY);
        reason = *fd >= 0 ? 0 : errno;
        if (reason != 0)
            free(*name);
    }
    return reason;
}

int place_link(const struct place *place, int fd, const char *from, const char *to)
{
    struct stat facts;

    if (linkat(place->folder, from, place->folder, to, 0) == 0)
        return 0;

    const int reason = errno;

    /* Over NFS an answer can be lost, and its repetition then finds what the first has done; the
     * number of names tells. */
    return fstat(fd, &facts) == 0 && facts.st_nlink == 2 ? 0 : reason;
}

int place_write(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t count = write(fd, bytes, length);

        if (count < 0 && errno != EINTR)
            return errno;
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    return 0;
}
