/* engine/run/face_prompt.h - the face at the prompt: what is typed, below what was said.
 *
 * Lines that stay scroll up; below them stands what is being typed, with hints and choices, or,
 * while a line runs, the picture of what it waits for. The cursor is where the typing is. On a
 * terminal that cannot draw, lines are written one after the other, without hints. */
#ifndef MOONGATE_RUN_FACE_PROMPT_H
#define MOONGATE_RUN_FACE_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

struct face;
struct loop;

/* Strings are borrowed for the call, UTF-8, and made fit to be shown. */
struct face_prompt_view {
    const char *prompt;       /* one line; may hold colours (SGR sequences) */
    const char *continuation; /* in front of further lines of the text, likewise */
    const char *text;         /* what is being typed */
    size_t cursor;            /* in bytes of the text */
    /* Dim behind the text when there is room, or below it without colours; or NULL. */
    const char *hint;
    const char *const *choices; /* shown in columns below the text; or NULL */
    size_t choice_count;
    size_t choices_in_all; /* when more than are given: "and 4,900 more" */
};

/* For a terminal at stdin and at stdout or stderr; events are handled as by the other faces, but a
 * run is said to be over only when there is something to tell. It does not mind SIGTSTP: see
 * face_prompt_suspend(). Line ends go to the terminal as "\n", so its output processing (ONLCR)
 * must stay on. */
struct face *face_new_prompt(struct loop *loop);

/* What is typed is shown from now on, drawn at once: at most one write for each call. NULL: nothing
 * is typed, a line runs, and what it waits for is shown as soon as it takes its time. */
void face_prompt_show(struct face *face, const struct face_prompt_view *view);

/* What was typed becomes lines that stay, and is what runs from now on. With `is_dropped` nothing
 * runs and "^C" stands behind it. Nothing is typed after that until face_prompt_show(). */
void face_prompt_settle(struct face *face, const struct face_prompt_view *view,
                        bool is_dropped);

/* Ctrl-L: the screen is empty but for what is typed. */
void face_prompt_clear_screen(struct face *face);

/* Another program or the shell has the terminal: nothing is drawn until face_prompt_resume(), what
 * is said meanwhile is kept. What is typed, which may change meanwhile, is drawn again then. */
void face_prompt_suspend(struct face *face);
void face_prompt_resume(struct face *face);

#endif
