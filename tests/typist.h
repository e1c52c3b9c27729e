/* tests/typist.h - an editor at a real terminal, and who types there.
 *
 * The one global `typist` is its owner; each test has a new one, with a folder of its own as its
 * home. */
#ifndef MOONGATE_TESTS_TYPIST_H
#define MOONGATE_TESTS_TYPIST_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "prompt/editor.h"
#include "suite.h"

static struct {
    int far_end, terminal; /* of the pseudo-terminal */
    struct editor *editor;
    struct buffer accepted; /* each with a bar behind it */
    int completions, again, ends, clears;
    bool waits;                /* does not go on at once */
    const char *completion;    /* what Tab inserts at the cursor */
    const char *fed;           /* what comes while the owner is asked to complete */
    bool cancels;              /* and then Ctrl-C comes */
    char folder[64], *history; /* the file */
} typist;

/* Text is whole unless it has " do" without "end". */
static inline bool typist_is_whole(void *context, const char *text)
{
    (void)context;
    return strstr(text, " do") == NULL || strstr(text, "end") != NULL;
}

static inline void typist_accept(void *context, const char *text)
{
    (void)context;
    buffer_append_string(&typist.accepted, text);
    buffer_append_char(&typist.accepted, '|');
    if (!typist.waits)
        editor_go_on(typist.editor);
}

static inline void typist_complete(void *context, bool is_again)
{
    struct editor_view view;

    (void)context;
    typist.completions++;
    typist.again += is_again;
    editor_look(typist.editor, &view);
    if (typist.completion != NULL)
        editor_replace(typist.editor, view.cursor, view.cursor, typist.completion);
    if (typist.fed != NULL)
        editor_feed(typist.editor, typist.fed, strlen(typist.fed));
    if (typist.cancels)
        editor_cancel(typist.editor);
}

static inline void typist_end_input(void *context)
{
    (void)context;
    typist.ends++;
    if (!typist.waits)
        editor_go_on(typist.editor);
}

static inline void typist_clear(void *context)
{
    (void)context;
    typist.clears++;
}

static inline struct editor *typist_open_idle(void)
{
    static const struct editor_owner owner = {
        typist_is_whole, typist_accept, typist_complete, typist_end_input, typist_clear};
    struct failure *failure = NULL;
    struct editor *editor =
        editor_open(typist.terminal, typist.history, 100, &owner, NULL, &failure);

    ck_assert_msg(editor != NULL, "%s", failure == NULL ? "" : failure->message);
    return editor;
}

/* One that wants lines. */
static inline struct editor *typist_open(void)
{
    struct editor *editor = typist_open_idle();

    editor_go_on(editor);
    return editor;
}

static inline void typist_begin(void)
{
    memset(&typist, 0, sizeof(typist));
    strcpy(typist.folder, "/tmp/moongate-typist-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(typist.folder));
    typist.history = memory_format("%s/deep/er/history", typist.folder);
    setenv("HOME", typist.folder, 1);
    setenv("TERM", "xterm", 1);
    typist.far_end = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(grantpt(typist.far_end) == 0 && unlockpt(typist.far_end) == 0);
    typist.terminal = open(ptsname(typist.far_end), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(typist.terminal, 0);
    typist.editor = typist_open();
}

static inline void typist_end(void)
{
    char *command = memory_format("rm -rf '%s'", typist.folder);

    editor_close(typist.editor);
    close(typist.terminal);
    close(typist.far_end);
    buffer_deinit(&typist.accepted);
    free(typist.history);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* The next session. */
static inline void typist_reopen(void)
{
    editor_close(typist.editor);
    typist.editor = typist_open();
}

static inline void typist_type(const char *keys)
{
    editor_feed(typist.editor, keys, strlen(keys));
}

/* What is shown, with the cursor as a caret. */
static inline char *typist_shown(void)
{
    static char text[8192];
    struct editor_view view;

    editor_look(typist.editor, &view);
    snprintf(text, sizeof(text), "%.*s^%s", (int)view.cursor, view.text,
             view.text + view.cursor);
    return text;
}

static inline void typist_remember(const char *const *lines, int count)
{
    for (int i = 0; i < count; i++)
        editor_remember(typist.editor, lines[i]);
}

/* Keeps what the log says in a buffer. */
static inline void typist_keep_log(void *context, enum log_level level, const char *text)
{
    (void)level;
    buffer_append_string(context, text);
}

/* Writes ~/.editrc, for the next session. */
static inline void typist_write_editrc(const char *text)
{
    char *path = memory_format("%s/.editrc", typist.folder);
    FILE *file = fopen(path, "w");

    ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    free(path);
    typist_reopen();
}

/* Keys and what is shown then. */
struct typist_keys {
    const char *typed, *shown;
};

#endif
