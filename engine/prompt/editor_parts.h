/* engine/prompt/editor_parts.h - what the files of the editor share; nobody else includes it.
 *
 * editor.c has the thread and what the owner calls; editor_keys.c which key does what, and
 * ~/.editrc; editor_commands.c, editor_kill.c and editor_search.c what the keys do. The commands
 * run in the editor's thread while the owner waits. */
#ifndef MOONGATE_PROMPT_EDITOR_PARTS_H
#define MOONGATE_PROMPT_EDITOR_PARTS_H

#include <histedit.h>
#include <stdbool.h>
#include <stddef.h>

#include "prompt/line_history.h"
#include "prompt/undo.h"
#include "prompt/wide.h"

struct editor;

/* What the editor's thread wants when it gives the turn to the owner. */
enum wish {
    WISH_KEY,
    WISH_IS_WHOLE,
    WISH_ACCEPTED,
    WISH_COMPLETE,
    WISH_ENDED,
    WISH_CLEARED
};

/* A code that no key sends (C1 controls are not taken from the terminal): a paste begins. */
enum { KEY_PASTE = 0x80 };

/* What the commands keep from one key to the next, for the text that is being typed. */
struct editing {
    struct undo undo;
    struct wide killed; /* what was cut last */
    struct wide draft;  /* what was typed before the history was walked */
    int place;          /* in the history: 1 is the newest line, 0 what is typed */
    /* Where moves up and down want to stand, and where they stood last. */
    size_t column, rest;
    size_t cut_at; /* the count of keys after the last cut, to join the next to it */
    size_t tab_at; /* the same of the last Tab */
    /* A search through the history that is going on. */
    bool is_searching, is_found;
    struct wide wanted, wanted_last;
};

/* The text and where the cursor is in it; valid until the next change. */
struct span {
    const wchar_t *text;
    size_t length, cursor;
};
struct span editor_span(EditLine *edit);

/* Replaces the characters from `from` up to `to`; the cursor stands behind them then. */
void editor_change(EditLine *edit, size_t from, size_t to, const wchar_t *text,
                   size_t length);

/* The whole text anew, with the cursor there. */
void editor_set(EditLine *edit, const wchar_t *text, size_t length, size_t cursor);

/* The editor that libedit calls back for, and its parts. */
struct editor *editor_of(EditLine *edit);
struct editing *editor_editing(struct editor *editor);
struct line_history *editor_history(struct editor *editor);

/* How many characters were taken from the terminal so far. */
size_t editor_key_count(const struct editor *editor);

/* Has the owner's thread call back, and says what it answered. */
bool editor_wish(struct editor *editor, enum wish wish);

/* Hands the text to the owner when the running command is over, without blank lines at its end;
 * what the command has to return to libedit. */
unsigned char editor_accept(struct editor *editor);

/* Takes the next character; false when the command shall end. */
bool editor_take_char(struct editor *editor, wchar_t *c);

/* Gives one back: it is taken next. */
void editor_untake_char(struct editor *editor, wchar_t c);

/* Whether more has come from the terminal already. */
bool editor_has_more(const struct editor *editor);

/* Tells libedit the commands' names and which key does what, and reads ~/.editrc. */
void editor_bind(EditLine *edit);

/* The commands, as libedit calls them. */
typedef unsigned char editor_command(EditLine *edit, wint_t key);
editor_command editor_enter, editor_new_line, editor_complete, editor_clear, editor_up,
    editor_down, editor_older, editor_newer, editor_older_like, editor_newer_like,
    editor_line_start, editor_line_end, editor_undo, editor_paste;
editor_command editor_next_word, editor_previous_word, editor_kill_word,
    editor_kill_previous_word, editor_kill_blank_word, editor_kill_to_end,
    editor_kill_to_start, editor_yank;
editor_command editor_search_older, editor_search_newer;

#endif
