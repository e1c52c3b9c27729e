/* engine/run/source.c - where Lua source comes from. */
#include "run/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"

/* The root of the source tree that this program was built in and still lies in ("…/build/
 * moongate" with "…/stdlib" beside it), or NULL. Found once; on systems without /proc the
 * embedded files are used. */
static const char *source_tree(void)
{
    static char root[4096];
    static int is_known;
    struct stat status;

    if (!is_known) {
        is_known = 1;
        const ssize_t length = readlink("/proc/self/exe", root, sizeof root - 32);

        root[length > 0 ? length : 0] = '\0';
        for (int i = 0; i < 2; i++) {
            char *slash = strrchr(root, '/');

            if (slash != NULL)
                *slash = '\0';
        }

        const size_t end = strlen(root);

        strcpy(root + end, "/stdlib/tasks.lua");
        if (stat(root, &status) == 0)
            root[end] = '\0';
        else
            root[0] = '\0';
    }
    return root[0] != '\0' ? root : NULL;
}

char *source_read_stream(FILE *file, const char *path, size_t limit, size_t *length,
                         struct failure **failure)
{
    struct buffer text = {0};
    char chunk[16384];
    size_t count;

    errno = 0;
    while ((count = fread(chunk, 1, sizeof chunk, file)) > 0 && text.length <= limit)
        buffer_append(&text, chunk, count);

    const int error = ferror(file) ? errno : 0;

    if (error != 0 || text.length > limit) {
        *failure = error != 0 ? failure_new("IOError", "%s: %s", path, strerror(error))
                              : failure_new("IOError", "%s is larger than %zu bytes",
                                            path, limit);
        buffer_deinit(&text);
        return NULL;
    }
    *length = text.length;
    return buffer_take(&text);
}

char *source_read_file(const char *path, size_t limit, size_t *length,
                       struct failure **failure)
{
    FILE *file = fopen(path, "rb");
    char *text;

    if (file == NULL) {
        *failure = failure_new("IOError", "%s: %s", path, strerror(errno));
        return NULL;
    }
    text = source_read_stream(file, path, limit, length, failure);
    fclose(file);
    return text;
}

enum { LARGEST_OWN_FILE = 1 << 20 };

char *source_read_own(const char *path, size_t *length, char **chunk_name)
{
    const char *root = source_tree();

    if (root != NULL) {
        char *full = memory_format("%s/%s", root, path);
        struct failure *failure = NULL;
        char *text = source_read_file(full, LARGEST_OWN_FILE, length, &failure);

        failure_free(failure);
        free(full);
        if (text != NULL) {
            *chunk_name = memory_format("@%s", path);
            return text;
        }
    }
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        if (strcmp(file->path, path) == 0) {
            *chunk_name = memory_format("@%s", path);
            *length = file->length;
            return memory_copy_text((const char *)file->bytes, file->length);
        }
    }
    return NULL;
}
