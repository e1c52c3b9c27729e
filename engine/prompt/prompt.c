/* engine/prompt/prompt.c - the prompt of a run. */
#include "prompt/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "prompt/editor.h"
#include "prompt/statement.h"
#include "prompt/text_input.h"
#include "run/face.h"
#include "run/face_prompt.h"
#include "run/session.h"
#include "run/terminal.h"
#include "run/wakeup.h"

enum { HISTORY_LINES = 5000, CHUNK_BYTES = 16384 };

struct prompt {
    struct session *session;
    struct prompt_options options;
    lua_State *compiler;    /* knows when a statement is whole; runs nothing */
    struct editor *editor;  /* NULL when no keyboard is there */
    struct face *face;      /* the session's, with an editor */
    struct wakeup *input;   /* NULL: stdin is always ready */
    struct wakeup *stopped; /* Ctrl-Z */
    struct prompt_helper helper;
    struct waitable line_waitable;
    struct prompt_wait *wait;  /* that goes on, or NULL */
    char *text, *continuation; /* in front of what is typed */
    char *search;              /* in front of it while the history is searched, or NULL */
    char *line;                /* that was read, or NULL */
    char *hint;
    struct prompt_completion completion; /* shown, when it has choices */
    struct text_input text_input;        /* without an editor */
    bool is_reading, is_ended, is_suspended;
    bool was_interrupted; /* since the last line was read, when nothing waited yet */
};

static struct prompt *current;

/* --- drawing ---------------------------------------------------------------------------- */

static struct face_prompt_view view_of(struct prompt *prompt)
{
    struct editor_view edited;

    editor_look(prompt->editor, &edited);
    free(prompt->search);
    prompt->search =
        edited.search != NULL
            ? memory_format(edited.is_found ? "(search '%s') " : "(failed search '%s') ",
                            edited.search)
            : NULL;
    return (struct face_prompt_view){.prompt = prompt->search != NULL ? prompt->search
                                                                      : prompt->text,
                                     .continuation = prompt->continuation,
                                     .text = edited.text,
                                     .cursor = edited.cursor,
                                     .hint = prompt->hint,
                                     .choices = prompt->completion.choices,
                                     .choice_count = prompt->completion.count,
                                     .choices_in_all = prompt->completion.total};
}

static void draw(struct prompt *prompt)
{
    if (prompt->editor == NULL || prompt->is_suspended || !prompt->is_reading)
        return;

    const struct face_prompt_view view = view_of(prompt);

    face_prompt_show(prompt->face, &view);
}

static void forget_help(struct prompt *prompt)
{
    free(prompt->hint);
    prompt->hint = NULL;
    prompt->completion = (struct prompt_completion){0};
}

/* What was typed stays where it stands; `text` when the editor has given it away, or NULL. */
static void settle(struct prompt *prompt, const char *text, bool is_dropped)
{
    forget_help(prompt);

    struct face_prompt_view view = view_of(prompt);

    if (text != NULL) {
        view.prompt = prompt->text;
        view.text = text;
        view.cursor = strlen(text);
    }
    face_prompt_settle(prompt->face, &view, is_dropped);
}

static void look_for_hint(struct prompt *prompt)
{
    const struct prompt_helper *helper = &prompt->helper;
    struct editor_view edited;

    free(prompt->hint);
    prompt->hint = NULL;
    editor_look(prompt->editor, &edited);
    if (helper->hint == NULL || edited.search != NULL || edited.text[0] == '\0')
        return;

    const char *hint = helper->hint(helper->context, edited.text, edited.cursor);

    prompt->hint = hint != NULL ? memory_format("  %s", hint) : NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

static void finish_reading(struct prompt *prompt)
{
    prompt->is_reading = false;
    waitable_finish(&prompt->line_waitable);
}

static bool is_whole(void *context, const char *text)
{
    const struct prompt *prompt = context;

    return statement_is_whole(prompt->compiler, text);
}

static void on_accepted(void *context, const char *text)
{
    struct prompt *prompt = context;

    settle(prompt, text, false);
    editor_remember(prompt->editor, text);
    prompt->line = memory_copy_string(text);
    finish_reading(prompt);
}

static void on_ended(void *context)
{
    struct prompt *prompt = context;

    if (!prompt->is_reading)
        return;
    settle(prompt, NULL, false);
    finish_reading(prompt);
}

static void on_cleared(void *context)
{
    face_prompt_clear_screen(((struct prompt *)context)->face);
}

/* Puts in what all that fits has in common; what fits is shown when that is no more than was
 * typed. */
static void on_complete(void *context, bool is_again)
{
    struct prompt *prompt = context;
    const struct prompt_helper *helper = &prompt->helper;
    struct prompt_completion found = {0};
    struct editor_view edited;

    (void)is_again;
    editor_look(prompt->editor, &edited);
    prompt->completion = found;
    if (helper->complete == NULL ||
        !helper->complete(helper->context, edited.text, edited.cursor, &found))
        return;

    const size_t typed = found.to - found.from, length = strlen(found.common);
    const bool is_new =
        length != typed || memcmp(edited.text + found.from, found.common, length) != 0;

    if (is_new && length >= typed)
        editor_replace(prompt->editor, found.from, found.to, found.common);
    if (found.count > 1 && !(is_new && length > typed))
        prompt->completion = found;
}

static const struct editor_owner owner = {.is_whole = is_whole,
                                          .accepted = on_accepted,
                                          .complete = on_complete,
                                          .ended = on_ended,
                                          .cleared = on_cleared};

/* --- from a pipe or a file ------------------------------------------------------------------ */

/* Hands over the next statement, or the end. */
static void look_for_text(struct prompt *prompt)
{
    struct text_input *input = &prompt->text_input;

    if (!prompt->is_reading)
        return;
    prompt->line = text_input_take(input);
    if (prompt->line != NULL || input->is_ended)
        finish_reading(prompt);
}

static void read_text(struct prompt *prompt)
{
    text_input_read(&prompt->text_input);
    if (prompt->text_input.is_ended)
        wakeup_stop(prompt->input);
    look_for_text(prompt);
}

/* --- from the keyboard -------------------------------------------------------------------- */

static void read_keys(struct prompt *prompt)
{
    char bytes[CHUNK_BYTES];
    const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) { /* the terminal is gone */
        prompt->is_ended = true;
        wakeup_stop(prompt->input);
        on_ended(prompt);
        return;
    }
    prompt->completion = (struct prompt_completion){0};
    editor_feed(prompt->editor, bytes, (size_t)count);
    if (!prompt->is_reading)
        return;
    look_for_hint(prompt);
    draw(prompt);
}

static void on_input(void *context)
{
    struct prompt *prompt = context;

    if (prompt->is_suspended || prompt->is_ended)
        return;
    if (prompt->editor != NULL)
        read_keys(prompt);
    else
        read_text(prompt);
}

/* Between the steps of long work. */
static void look(void *context)
{
    const struct prompt *prompt = context;
    struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};

    if (!prompt->is_suspended && !prompt->is_ended && poll(&keyboard, 1, 0) == 1)
        on_input(context);
}

/* --- the reader ---------------------------------------------------------------------------- */

struct waitable *prompt_read(struct prompt *prompt, const char *text,
                             const char *continuation)
{
    free(prompt->text);
    free(prompt->continuation);
    prompt->text = memory_copy_string(text);
    prompt->continuation = memory_copy_string(continuation);
    waitable_init(&prompt->line_waitable);
    prompt->is_reading = true;
    prompt->was_interrupted = false;
    if (prompt->editor == NULL) {
        look_for_text(prompt);
        while (prompt->input == NULL && prompt->is_reading) /* a file is always ready */
            read_text(prompt);
    } else if (prompt->is_ended) {
        finish_reading(prompt);
    } else {
        editor_go_on(prompt->editor); /* it may have a line already */
        draw(prompt);
    }
    return &prompt->line_waitable;
}

void prompt_set_text(struct prompt *prompt, const char *text)
{
    if (!prompt->is_reading)
        return;
    free(prompt->text);
    prompt->text = memory_copy_string(text);
    draw(prompt);
}

void prompt_complete(struct prompt *prompt, const char *text, size_t cursor)
{
    struct editor_view edited;

    if (prompt->editor == NULL || !prompt->is_reading)
        return;
    editor_look(prompt->editor, &edited);
    if (edited.search != NULL || edited.cursor != cursor ||
        strcmp(edited.text, text) != 0)
        return;
    on_complete(prompt, true);
    look_for_hint(prompt);
    draw(prompt);
}

char *prompt_take_line(struct prompt *prompt)
{
    char *line = prompt->line;

    prompt->line = NULL;
    return line;
}

const char *prompt_trouble(const struct prompt *prompt)
{
    return prompt->text_input.trouble;
}

void prompt_stop_reading(struct prompt *prompt)
{
    if (!prompt->is_reading)
        return;
    prompt->is_reading = false;
    if (prompt->editor != NULL)
        settle(prompt, NULL, false);
}

/* --- waits --------------------------------------------------------------------------------- */

static void end_wait(struct prompt_wait *wait, enum prompt_end end)
{
    wait->end = end;
    prompt_end_wait(wait);
    waitable_finish(&wait->waitable);
}

static void on_subject_done(struct waiter *waiter)
{
    end_wait(LIST_ENTRY(waiter, struct prompt_wait, waiter), PROMPT_ENDED);
}

void prompt_begin_wait(struct prompt *prompt, struct prompt_wait *wait,
                       struct waitable *subject)
{
    *wait = (struct prompt_wait){.waiter = {.wake = on_subject_done}};
    waitable_init(&wait->waitable);
    if (subject->is_done || prompt->was_interrupted) {
        end_wait(wait, subject->is_done ? PROMPT_ENDED : PROMPT_INTERRUPTED);
        prompt->was_interrupted = false;
        return;
    }
    wait->prompt = prompt;
    prompt->wait = wait;
    waitable_add(subject, &wait->waiter);
}

void prompt_end_wait(struct prompt_wait *wait)
{
    waiter_remove(&wait->waiter);
    if (wait->prompt != NULL)
        wait->prompt->wait = NULL;
    wait->prompt = NULL;
}

static bool is_typing(struct prompt *prompt)
{
    struct editor_view edited;

    editor_look(prompt->editor, &edited);
    return edited.text[0] != '\0' || edited.search != NULL;
}

bool prompt_interrupt(void *context)
{
    struct prompt *prompt = context;

    if (prompt->editor == NULL)
        return false;
    if (prompt->is_suspended)
        return true; /* it is for the other program */
    if (prompt->is_reading && is_typing(prompt))
        settle(prompt, NULL, true);
    editor_cancel(prompt->editor);
    if (prompt->wait != NULL)
        end_wait(prompt->wait, PROMPT_INTERRUPTED);
    else
        prompt->was_interrupted = !prompt->is_reading;
    draw(prompt);
    return true;
}

/* --- the terminal -------------------------------------------------------------------------- */

void prompt_suspend(struct prompt *prompt)
{
    prompt->is_suspended = true;
    wakeup_stop(prompt->input);
    if (prompt->editor == NULL)
        return;
    face_prompt_suspend(prompt->face);
    editor_give_terminal_back(prompt->editor);
}

void prompt_resume(struct prompt *prompt)
{
    prompt->is_suspended = false;
    if (!prompt->is_ended)
        wakeup_watch(prompt->input);
    if (prompt->editor == NULL)
        return;
    editor_take_terminal(prompt->editor);
    face_prompt_resume(prompt->face);
    draw(prompt);
}

/* Ctrl-Z: a wait goes on in the background; at the prompt the shell gets the terminal. */
static void on_stopped(void *context)
{
    struct prompt *prompt = context;

    if (prompt->wait != NULL) {
        end_wait(prompt->wait, PROMPT_BACKGROUND);
        return;
    }
    prompt_suspend(prompt);
    wakeup_stop(prompt->stopped);
    raise(SIGTSTP);
    wakeup_watch(prompt->stopped);
    prompt_resume(prompt);
}

void prompt_restore_terminal(void)
{
    if (current != NULL && current->editor != NULL)
        editor_give_terminal_back(current->editor);
}

/* Signals that end the process without asking: the terminal must not stay as it is. */
static const int fatal_signals[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};

enum { FATAL_COUNT = sizeof fatal_signals / sizeof fatal_signals[0] };

static void on_fatal(int number)
{
    face_restore_terminal();
    prompt_restore_terminal();
    raise(number); /* its usual effect, since the handler is gone */
}

static void watch_fatal_signals(void (*handler)(int number))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal_signals[i], &action, NULL);
}

/* --- opening and closing -------------------------------------------------------------------- */

static bool open_keyboard(struct prompt *prompt, struct failure **failure)
{
    struct loop *loop = session_loop(prompt->session);

    prompt->editor = editor_open(STDIN_FILENO, prompt->options.history_file,
                                 HISTORY_LINES, &owner, prompt, failure);
    if (prompt->editor == NULL)
        return false;
    prompt->face = face_new_prompt(loop);
    session_set_face(prompt->session, prompt->face);
    editor_take_terminal(prompt->editor);
    prompt->stopped = wakeup_new_signal(loop, SIGTSTP, on_stopped, prompt);
    loop_set_look(loop, look, prompt);
    watch_fatal_signals(on_fatal);
    return true;
}

struct prompt *prompt_open(struct session *session, const struct prompt_options *options,
                           struct failure **failure)
{
    struct prompt *prompt = memory_new(sizeof *prompt);

    prompt->session = session;
    prompt->options = *options;
    prompt->compiler = luaL_newstate();
    prompt->text_input =
        (struct text_input){.fd = STDIN_FILENO, .compiler = prompt->compiler};
    if (prompt->compiler == NULL) {
        *failure = failure_new("OutOfMemory", "there is no memory for a prompt");
        prompt_close(prompt);
        return NULL;
    }
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO) &&
        !open_keyboard(prompt, failure)) {
        prompt_close(prompt);
        return NULL;
    }
    prompt->input =
        wakeup_new_reader(session_loop(session), STDIN_FILENO, on_input, prompt);
    current = prompt;
    return prompt;
}

void prompt_close(struct prompt *prompt)
{
    if (prompt == NULL)
        return;
    watch_fatal_signals(SIG_DFL);
    current = NULL;
    loop_set_look(session_loop(prompt->session), NULL, NULL);
    wakeup_free(prompt->input);
    wakeup_free(prompt->stopped);
    editor_close(prompt->editor);
    if (prompt->compiler != NULL)
        lua_close(prompt->compiler);
    forget_help(prompt);
    free(prompt->text);
    free(prompt->continuation);
    free(prompt->search);
    free(prompt->line);
    text_input_deinit(&prompt->text_input);
    free(prompt);
}

struct prompt *prompt_current(void)
{
    return current;
}

bool prompt_is_interactive(const struct prompt *prompt)
{
    return prompt->editor != NULL;
}

const struct prompt_options *prompt_options(const struct prompt *prompt)
{
    return &prompt->options;
}

void prompt_set_helper(struct prompt *prompt, const struct prompt_helper *helper)
{
    prompt->helper = *helper;
}
