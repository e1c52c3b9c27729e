/* engine/prompt/external_edit.c - a text in the hands of the editor that somebody likes. */
#include "prompt/external_edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/memory.h"
#include "prompt/foreground.h"
#include "run/source.h"

enum { LARGEST_TEXT = 16 << 20 };

struct external_edit {
    struct waitable waitable;
    struct foreground *program; /* while it runs */
    const char *editor;         /* of the environment */
    char *folder, *path;        /* NULL while there is none */
    char *trouble;
};

/* --- the file ------------------------------------------------------------------------------ */

/* Removes the folder with all that is in it: backups and swap files are left by those that were
 * killed. */
static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);

    for (const struct dirent *entry = entries != NULL ? readdir(entries) : NULL;
         entry != NULL; entry = readdir(entries))
        unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries != NULL)
        closedir(entries);
    rmdir(folder);
}

static bool write_file(const char *path, const char *text, size_t length)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_written = file >= 0;

    while (is_written && length > 0) {
        const ssize_t count = write(file, text, length);

        if (count < 0 && errno == EINTR)
            continue;
        is_written = count >= 0;
        text += is_written ? count : 0;
        length -= is_written ? (size_t)count : 0;
    }
    if (file >= 0 && close(file) != 0)
        is_written = false;
    return is_written;
}

/* Makes the folder, which mkdtemp() keeps from others, and the file in it. */
static struct failure *make_file(struct external_edit *edit, const char *text,
                                 size_t length, const char *suffix)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL || parent[0] != '/')
        parent = "/tmp";
    edit->folder = memory_format("%s/moongate-XXXXXX", parent);
    if (mkdtemp(edit->folder) == NULL) {
        free(edit->folder);
        edit->folder = NULL;
        return failure_new("IOError", "%s: no folder for the editor's file: %s", parent,
                           strerror(errno));
    }
    edit->path = memory_format("%s/line%s", edit->folder, suffix);
    return write_file(edit->path, text, length)
               ? NULL
               : failure_new("IOError", "%s: %s", edit->path, strerror(errno));
}

/* --- the editor ----------------------------------------------------------------------------- */

static const char *choose_editor(void)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");

    if (visual != NULL && visual[0] != '\0')
        return visual;
    return editor != NULL && editor[0] != '\0' ? editor : "vi";
}

static void on_end(void *owner, int status)
{
    struct external_edit *edit = owner;

    edit->program = NULL;
    if (WIFSIGNALED(status))
        edit->trouble = memory_format("%s was ended by signal %d (%s)", edit->editor,
                                      WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 127)
        edit->trouble = memory_format("%s cannot be started: VISUAL and EDITOR name the "
                                      "editor, else it is vi",
                                      edit->editor);
    else if (WEXITSTATUS(status) != 0)
        edit->trouble =
            memory_format("%s ended with status %d", edit->editor, WEXITSTATUS(status));
    waitable_finish(&edit->waitable);
}

/* The editor may have arguments and quotes; the path stays outside of what the shell reads. Ctrl-C
 * and Ctrl-\ are for the editor: the shell that waits for it does not mind them. */
static struct failure *start_editor(struct external_edit *edit, struct loop *loop,
                                    struct prompt *prompt)
{
    char *command = memory_format("trap : INT QUIT\n%s \"$@\"", edit->editor);
    char *const words[] = {"/bin/sh", "-c", command, "moongate", edit->path, NULL};
    const char *why = NULL;

    edit->program = foreground_start(loop, prompt, words, on_end, edit, &why);
    free(command);
    return edit->program != NULL
               ? NULL
               : failure_new("IOError", "%s cannot be started: %s", edit->editor, why);
}

struct external_edit *external_edit_start(struct loop *loop, struct prompt *prompt,
                                          const char *text, size_t length,
                                          const char *suffix, struct failure **failure)
{
    struct external_edit *edit = memory_new(sizeof *edit);

    waitable_init(&edit->waitable);
    edit->editor = choose_editor();
    *failure = make_file(edit, text, length, suffix);
    if (*failure == NULL)
        *failure = start_editor(edit, loop, prompt);
    if (*failure == NULL)
        return edit;
    external_edit_free(edit);
    return NULL;
}

struct waitable *external_edit_waitable(struct external_edit *edit)
{
    return &edit->waitable;
}

const char *external_edit_trouble(const struct external_edit *edit)
{
    return edit->trouble;
}

char *external_edit_read(const struct external_edit *edit, size_t *length,
                         struct failure **failure)
{
    return source_read_file(edit->path, LARGEST_TEXT, length, failure);
}

void external_edit_free(struct external_edit *edit)
{
    if (edit == NULL)
        return;
    if (edit->program != NULL)
        foreground_cancel(edit->program);
    if (edit->folder != NULL)
        remove_folder(edit->folder);
    free(edit->folder);
    free(edit->path);
    free(edit->trouble);
    free(edit);
}
