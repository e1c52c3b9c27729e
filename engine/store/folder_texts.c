/* engine/store/folder_texts.c - whole texts in a folder: put, get, list, remove. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/memory.h"
#include "store/folder_parts.h"

/* --- put ------------------------------------------------------------------------------------ */

/* The text is safe in a file of its own before that gets the name. Returns an errno. */
static int put_whole(const struct place *place, const struct folder_request *request)
{
    char *temporary = NULL;
    int fd = -1, reason = place_make_temporary(place, &temporary, &fd);

    if (reason != 0)
        return reason;
    reason = place_write(fd, request->bytes, request->length);
    if (reason == 0 && fsync(fd) != 0)
        reason = errno;
    if (reason == 0 && request->how == STORE_NEW)
        reason = place_link(place, fd, temporary, place->leaf);
    else if (reason == 0 &&
             renameat(place->folder, temporary, place->folder, place->leaf) != 0)
        reason = errno;
    if (reason != 0 || request->how == STORE_NEW)
        unlinkat(place->folder, temporary, 0);
    if (reason == 0)
        reason = place_sync(place->folder);
    close(fd);
    free(temporary);
    return reason;
}

struct failure *folder_put(struct folder_request *request)
{
    struct place place;
    struct failure *failure = place_open(&place, request->root, request->name, true);

    if (failure != NULL)
        return failure;

    const int reason = put_whole(&place, request);

    request->call->is_there = request->how == STORE_NEW && reason == EEXIST;
    if (reason != 0 && !request->call->is_there)
        failure = place_failure(&place, "write", reason);
    place_close(&place);
    return failure;
}

/* --- get ------------------------------------------------------------------------------------ */

/* Returns an errno. */
static int read_range(int fd, const struct folder_request *request)
{
    struct buffer *bytes = &request->call->bytes;
    struct stat facts;
    ssize_t count = 1;

    if (fstat(fd, &facts) != 0)
        return errno;
    if (!S_ISREG(facts.st_mode))
        return S_ISDIR(facts.st_mode) ? EISDIR : ENOTSUP;

    const uint64_t size = (uint64_t)facts.st_size;
    const uint64_t rest = size > request->position ? size - request->position : 0;
    const size_t wanted = rest < request->length ? (size_t)rest : request->length;

    request->call->size_bytes = size;
    buffer_reserve(bytes, wanted);
    while (bytes->length < wanted && count != 0) {
        count = pread(fd, bytes->data + bytes->length, wanted - bytes->length,
                      (off_t)(request->position + bytes->length));
        if (count < 0 && errno != EINTR)
            return errno;
        if (count > 0)
            bytes->length += (size_t)count;
    }
    bytes->data[bytes->length] = '\0';
    return 0;
}

struct failure *folder_get(struct folder_request *request)
{
    struct place place;
    struct failure *failure = place_open(&place, request->root, request->name, false);

    if (failure != NULL)
        return failure;

    /* not to hang on a pipe that somebody put there */
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const int fd = place.folder >= 0 ? openat(place.folder, place.leaf, flags)
                                     : (errno = ENOENT, -1);
    const int reason = fd >= 0 ? read_range(fd, request) : errno;

    request->call->is_absent = reason == ENOENT;
    if (reason != 0 && reason != ENOENT)
        failure = place_failure(&place, "read", reason);
    if (fd >= 0)
        close(fd);
    place_close(&place);
    return failure;
}

/* --- list ----------------------------------------------------------------------------------- */

struct listing {
    struct store_call *call;
    size_t capacity;
};

/* Files and folders with a name that could be ours; links and what is the driver's own are none. */
static void add_entry(struct listing *listing, const char *folder, const char *leaf,
                      const struct stat *facts)
{
    struct store_call *call = listing->call;
    const bool is_folder = S_ISDIR(facts->st_mode);

    if (!store_name_is_valid(leaf) || (!is_folder && !S_ISREG(facts->st_mode)))
        return;
    if (call->entry_count == listing->capacity) {
        listing->capacity = listing->capacity > 0 ? listing->capacity * 2 : 16;
        call->entries =
            memory_resize(call->entries, listing->capacity * sizeof *call->entries);
    }
    call->entries[call->entry_count++] = (struct store_entry){
        .name = memory_format("%s%s%s", folder, leaf, is_folder ? "/" : ""),
        .size_bytes = is_folder ? 0 : (uint64_t)facts->st_size,
        .modified_ms =
            (int64_t)facts->st_mtim.tv_sec * 1000 + facts->st_mtim.tv_nsec / 1000000};
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct store_entry *)a)->name,
                  ((const struct store_entry *)b)->name);
}

/* Returns an errno. Takes `fd`. */
static int read_entries(int fd, struct listing *listing, const char *folder)
{
    DIR *entries = fdopendir(fd);
    struct dirent *entry;
    struct stat facts;

    if (entries == NULL) {
        const int reason = errno;

        close(fd);
        return reason;
    }
    /* what is removed meanwhile is not there */
    for (errno = 0; (entry = readdir(entries)) != NULL; errno = 0)
        if (fstatat(fd, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
            add_entry(listing, folder, entry->d_name, &facts);

    const int reason = errno;

    closedir(entries);
    return reason;
}

struct failure *folder_list(struct folder_request *request)
{
    struct store_call *call = request->call;
    struct listing listing = {.call = call};
    struct place place;
    struct failure *failure = place_open(&place, request->root, request->name, false);

    if (failure != NULL || place.folder < 0)
        return failure;

    const int reason = read_entries(place.folder, &listing, request->name);

    if (reason != 0)
        failure = place_failure(&place, "list", reason);
    if (call->entry_count > 1)
        qsort(call->entries, call->entry_count, sizeof *call->entries, compare_entries);
    return failure;
}

/* --- remove; all return an errno, and what is absent is fine ------------------------------------ */

static int remove_entry(int parent, const char *name);

/* `fd` is taken. */
static int remove_all_in(int fd)
{
    DIR *entries = fdopendir(fd);
    struct dirent *entry;
    int reason = 0;

    if (entries == NULL) {
        reason = errno;
        close(fd);
        return reason;
    }
    while (reason == 0 && (errno = 0, entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            reason = remove_entry(fd, entry->d_name);
    if (reason == 0)
        reason = errno; /* of readdir(), which ended the loop */
    closedir(entries);
    return reason;
}

static int remove_folder(int parent, const char *name)
{
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno != ENOENT ? errno : 0;

    const int reason = remove_all_in(fd);

    if (reason != 0)
        return reason;
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

/* A link goes, what it leads to stays. */
static int remove_entry(int parent, const char *name)
{
    struct stat facts;

    if (fstatat(parent, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return errno != ENOENT ? errno : 0;
    if (S_ISDIR(facts.st_mode))
        return remove_folder(parent, name);
    return unlinkat(parent, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

struct failure *folder_remove(struct folder_request *request)
{
    const size_t length = strlen(request->name);
    const bool is_folder = request->name[length - 1] == '/';
    char *name = memory_copy_text(request->name, length - is_folder);
    struct place place;
    struct failure *failure = place_open(&place, request->root, name, false);
    int reason = 0;

    if (failure == NULL && place.folder >= 0) {
        reason = is_folder ? remove_folder(place.folder, place.leaf)
                 : unlinkat(place.folder, place.leaf, 0) == 0 || errno == ENOENT ? 0
                                                                                 : errno;
        if (reason != 0)
            failure = place_failure(&place, "remove", reason);
        place_close(&place);
    }
    free(name);
    return failure;
}
