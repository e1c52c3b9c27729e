/* engine/prompt/editor.h - the lines that are being typed, as libedit edits them.
 *
 * The text is UTF-8 and may have several lines. libedit runs in a thread of its own which waits
 * whenever it wants a key, and its owner waits while it works on one: the two never run at the
 * same time, so calls back to the owner are ordinary calls in the owner's thread. What libedit
 * would write to the terminal goes nowhere: the owner draws what editor_look() tells. */
#ifndef MOONGATE_PROMPT_EDITOR_H
#define MOONGATE_PROMPT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

struct editor;
struct failure;

/* What the owner is asked and told, inside of the calls below. It must return, and not close the
 * editor. Texts are borrowed for the call. Keys that follow what was accepted or ended are kept
 * until editor_go_on(). */
struct editor_owner {
    /* Enter: whether the text is whole, so that it is to be run; else it goes on in a new line. An
     * empty line at the end of a text of several lines runs it, however unfinished. */
    bool (*is_whole)(void *context, const char *text);
    /* It is to be run, without blank lines at its end; the editor is empty again. */
    void (*accepted)(void *context, const char *text);
    /* Tab: the owner may call editor_look() and editor_replace(). `is_again`: the key before was
     * Tab, too. */
    void (*complete)(void *context, bool is_again);
    /* Ctrl-D on an empty line, or the terminal has come to its end. */
    void (*ended)(void *context);
    /* Ctrl-L. */
    void (*cleared)(void *context);
};

/* An editor for the terminal at `terminal_fd`, whose mode is changed by editor_take_terminal()
 * only; what is no terminal is read as one. `history_file` (or NULL) keeps lines across sessions:
 * the newest `history_lines` of them are there again, a quarter more may be in the file. One that
 * cannot be read or written is said in the log and done without. Keys are emacs', and what
 * ~/.editrc makes of them (editrc(5)); they are kept until editor_go_on(). NULL when there is no
 * memory, thread or pseudo-terminal for it, with the reason in `*failure`. `owner` is borrowed. */
struct editor *editor_open(int terminal_fd, const char *history_file, int history_lines,
                           const struct editor_owner *owner, void *context,
                           struct failure **failure);

/* The terminal gets its mode back. Accepts NULL. */
void editor_close(struct editor *editor);

/* The terminal sends keys one by one from now on, and pastes in brackets; Ctrl-C, Ctrl-Z and
 * Ctrl-\ stay signals. */
void editor_take_terminal(struct editor *editor);

/* The terminal is as it was before, for other programs. Async-signal-safe. */
void editor_give_terminal_back(struct editor *editor);

/* Keys as they come from the terminal, in pieces of any size; of no size: it has come to its end.
 * A paste in brackets is one piece of text and runs nothing; one of more than 16 million
 * characters is refused, which the log says. */
void editor_feed(struct editor *editor, const char *bytes, size_t length);

/* A line is wanted: keys that came meanwhile count from now on. */
void editor_go_on(struct editor *editor);

/* What is to be drawn. */
struct editor_view {
    const char *text; /* borrowed until the next call of this editor */
    size_t cursor;    /* in bytes */
    /* What a search through the history that is going on looks for, or NULL; and whether the text
     * is a line of the history that holds it. */
    const char *search;
    bool is_found;
};
void editor_look(struct editor *editor, struct editor_view *view);

/* Replaces the bytes from `from` up to `to` (at most the text's length; the starts of characters);
 * the cursor stands behind them then. */
void editor_replace(struct editor *editor, size_t from, size_t to, const char *text);

/* Drops what is being typed, a search or paste and keys that were kept included: Ctrl-C. */
void editor_cancel(struct editor *editor);

/* A line for the history, unless it is the same as the newest. Those with secrets
 * (prompt/secret_line.h) and those that begin with a blank are not kept, not even for this
 * session. */
void editor_remember(struct editor *editor, const char *text);

#endif
