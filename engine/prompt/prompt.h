/* engine/prompt/prompt.h - the prompt of a run: lines are typed while its tasks go on.
 *
 * On a terminal lines are edited (prompt/editor.h) and drawn by the run's face
 * (run/face_prompt.h); from a pipe or a file they are read as they come. One reader at a time asks
 * for a line, and one at a time waits for what a line has begun, which Ctrl-C and Ctrl-Z end. */
#ifndef MOONGATE_PROMPT_PROMPT_H
#define MOONGATE_PROMPT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/waitable.h"

struct failure;
struct prompt;
struct session;

/* What Tab found. All strings are the helper's, valid until it is asked again. */
struct prompt_completion {
    size_t from, to;    /* the bytes of the text that it is about */
    const char *common; /* what all of them begin with */
    const char *const *choices;
    size_t count, total; /* given, and found in all */
};

/* Whoever knows about the language. Called between the steps of tasks; must not wait. */
struct prompt_helper {
    bool (*complete)(void *context, const char *text, size_t cursor,
                     struct prompt_completion *completion); /* false: nothing fits */
    /* What to show behind the text, valid as above; or NULL. */
    const char *(*hint)(void *context, const char *text, size_t cursor);
    void *context;
};

struct prompt_options {
    const char *history_file; /* or NULL */
    const char *init_file;    /* run first; or NULL */
};

/* What ends the process by a signal, Ctrl-\ and crashes included, leaves the terminal as it was.
 * `session` is borrowed, and gets a face that draws the prompt when stdin and stderr are a
 * terminal. Strings of `options` are borrowed. NULL on failure, with the reason in `*failure`. */
struct prompt *prompt_open(struct session *session, const struct prompt_options *options,
                           struct failure **failure);

/* The terminal is as it was before. Accepts NULL. */
void prompt_close(struct prompt *prompt);

/* The open prompt of the process, or NULL: a terminal has one. */
struct prompt *prompt_current(void);

bool prompt_is_interactive(const struct prompt *prompt);
const struct prompt_options *prompt_options(const struct prompt *prompt);

void prompt_set_helper(struct prompt *prompt, const struct prompt_helper *helper);

/* Asks for the next line. `text` stands in front of it (it may hold colours), `continuation` in
 * front of its further lines; both are copied. The waitable is done when the line is there or
 * there are no more; borrowed. One reader at a time. */
struct waitable *prompt_read(struct prompt *prompt, const char *text,
                             const char *continuation);

/* Stands in front of the line that is being read from now on; nothing happens when none is. */
void prompt_set_text(struct prompt *prompt, const char *text);

/* Does what Tab did in a text that is still the same: what was missing then is there now. */
void prompt_complete(struct prompt *prompt, const char *text, size_t cursor);

/* The line that was read, owned by the caller, or NULL: there are no more. */
char *prompt_take_line(struct prompt *prompt);

/* Why there are no more although standard input has not come to its end, or NULL. Borrowed. */
const char *prompt_trouble(const struct prompt *prompt);

/* The reader does not want a line any more. */
void prompt_stop_reading(struct prompt *prompt);

/* A wait for what a line has begun. */
enum prompt_end { PROMPT_ENDED, PROMPT_INTERRUPTED, PROMPT_BACKGROUND };
struct prompt_wait {
    struct waitable waitable; /* done when the wait is over */
    struct waiter waiter;
    struct prompt *prompt; /* while it goes on */
    enum prompt_end end;
};

/* Waits for `subject` until it is done or somebody at the keyboard does not want to wait. The wait
 * is the caller's memory until prompt_end_wait(). */
void prompt_begin_wait(struct prompt *prompt, struct prompt_wait *wait,
                       struct waitable *subject);
void prompt_end_wait(struct prompt_wait *wait);

/* Ctrl-C was pressed: ends the wait, or drops what is typed. False when there is no keyboard: the
 * run is to be interrupted. */
bool prompt_interrupt(void *prompt);

/* Another program has the terminal until prompt_resume(). */
void prompt_suspend(struct prompt *prompt);
void prompt_resume(struct prompt *prompt);

/* For handlers of fatal signals: the terminal is as it was before. Async-signal-safe. */
void prompt_restore_terminal(void);

#endif
