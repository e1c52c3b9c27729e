/* engine/prompt/editor.c - libedit in a thread of its own, and what the owner calls.
 *
 * Exactly one of the two threads has the turn; everything but `turn` itself is touched by that
 * one only, and passing the turn through the mutex makes it visible to the other. */
#include "prompt/editor.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "prompt/editor_parts.h"
#include "prompt/own_terminal.h"

enum turn { TURN_OWNER, TURN_EDITOR };

struct editor {
    const struct editor_owner *owner;
    void *context;
    struct own_terminal *terminal;
    struct line_history *history;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t passed;
    enum turn turn;

    /* What comes from the terminal, from `taken` on. */
    struct buffer keys;
    size_t taken, key_count;
    wchar_t untaken; /* 0: none */

    EditLine *edit; /* NULL: it could not be made */
    FILE *nowhere;
    struct editing editing;
    size_t room; /* characters that libedit surely has room for */

    enum wish wish;
    bool answer;
    bool is_accepting;            /* the text in `accepted` waits for being told */
    bool is_paused;               /* until editor_go_on() */
    bool is_dropping, is_closing; /* no more keys for what is under way */
    struct buffer accepted, viewed, searched;
};

/* --- the turn ---------------------------------------------------------------------------- */

static void pass_turn(struct editor *editor, enum turn to)
{
    pthread_mutex_lock(&editor->mutex);
    editor->turn = to;
    pthread_cond_signal(&editor->passed);
    while (editor->turn == to)
        pthread_cond_wait(&editor->passed, &editor->mutex);
    pthread_mutex_unlock(&editor->mutex);
}

bool editor_wish(struct editor *editor, enum wish wish)
{
    editor->wish = wish;
    editor->answer = false;
    pass_turn(editor, TURN_OWNER);
    return editor->answer;
}

/* Calls the owner back for what the editor's thread wants. */
static void grant(struct editor *editor)
{
    const struct editor_owner *owner = editor->owner;
    struct editor_view view;

    switch (editor->wish) {
    case WISH_IS_WHOLE:
        editor_look(editor, &view);
        editor->answer = owner->is_whole(editor->context, view.text);
        break;
    case WISH_ACCEPTED:
        owner->accepted(editor->context, editor->accepted.data);
        break;
    case WISH_COMPLETE:
        owner->complete(editor->context, editor->editing.tab_at + 1 == editor->key_count);
        break;
    case WISH_ENDED:
        owner->ended(editor->context);
        break;
    case WISH_CLEARED:
        owner->cleared(editor->context);
        break;
    case WISH_KEY:
        break;
    }
}

/* Lets libedit work until it wants a key that is not there. When the owner calls from inside of
 * what it is asked, libedit waits for the answer, and finds what was said afterwards. */
static void work_on(struct editor *editor)
{
    if (editor->wish != WISH_KEY)
        return;
    do {
        pass_turn(editor, TURN_EDITOR);
        grant(editor);
    } while (editor->wish != WISH_KEY);
}

/* --- in the editor's thread -------------------------------------------------------------- */

struct editor *editor_of(EditLine *edit)
{
    void *editor = NULL;

    el_wget(edit, EL_CLIENTDATA, &editor);
    return editor;
}

struct editing *editor_editing(struct editor *editor)
{
    return &editor->editing;
}

struct line_history *editor_history(struct editor *editor)
{
    return editor->history;
}

size_t editor_key_count(const struct editor *editor)
{
    return editor->key_count;
}

struct span editor_span(EditLine *edit)
{
    const LineInfoW *line = el_wline(edit);

    return (struct span){line->buffer, (size_t)(line->lastchar - line->buffer),
                         (size_t)(line->cursor - line->buffer)};
}

void editor_change(EditLine *edit, size_t from, size_t to, const wchar_t *text,
                   size_t length)
{
    el_cursor(edit, (int)to - (int)editor_span(edit).cursor);
    el_wdeletestr(edit, (int)(to - from));
    if (length > 0)
        el_winsertstr(edit, text);
}

void editor_set(EditLine *edit, const wchar_t *text, size_t length, size_t cursor)
{
    editor_change(edit, 0, editor_span(edit).length, text, length);
    el_cursor(edit, (int)cursor - (int)length);
}

/* --- keys -------------------------------------------------------------------------------- */

/* How much of the bytes is the mark with which the terminal begins a paste. */
enum mark { MARK_NONE, MARK_BEGUN, MARK_WHOLE };

static const char paste_mark[] = "\x1b[200~";

static enum mark match_paste(const char *bytes, size_t length)
{
    const size_t whole = sizeof(paste_mark) - 1;
    const size_t compared = length < whole ? length : whole;

    /* ESC and ESC [ alone are keys, too; nobody types more of it */
    if (compared < 3 || memcmp(bytes, paste_mark, compared) != 0)
        return MARK_NONE;
    return compared == whole ? MARK_WHOLE : MARK_BEGUN;
}

static void drop_keys(struct editor *editor)
{
    buffer_clear(&editor->keys);
    editor->taken = 0;
    editor->untaken = 0;
}

/* Takes a key that is there; false when there is none, or not all of it. */
static bool take_key(struct editor *editor, wchar_t *c)
{
    for (;;) {
        const char *bytes = editor->keys.data + editor->taken;
        const size_t length = editor->keys.length - editor->taken;
        const enum mark mark = match_paste(bytes, length);
        const size_t taken = mark == MARK_BEGUN   ? 0
                             : mark == MARK_WHOLE ? sizeof(paste_mark) - 1
                                                  : wide_decode(bytes, length, c);

        if (taken == 0)
            return false;
        editor->taken += taken;
        if (editor->taken == editor->keys.length)
            drop_keys(editor);
        if (mark == MARK_WHOLE)
            *c = KEY_PASTE;
        /* C1 controls are no keys, and libedit would take them for commands */
        if (mark == MARK_WHOLE || *c < 0x80 || *c >= 0xa0)
            return true;
    }
}

bool editor_take_char(struct editor *editor, wchar_t *c)
{
    while (!editor->is_dropping && !editor->is_closing) {
        if (editor->untaken != 0) {
            *c = editor->untaken;
            editor->untaken = 0;
            return true;
        }
        if (!editor->is_paused && editor->keys.length > 0 && take_key(editor, c)) {
            editor->key_count++;
            return true;
        }
        editor_wish(editor, WISH_KEY);
    }
    return false;
}

void editor_untake_char(struct editor *editor, wchar_t c)
{
    editor->untaken = c;
}

bool editor_has_more(const struct editor *editor)
{
    return editor->keys.length > 0;
}

/* Commands of vi's may leave the cursor outside of the text, where the next would harm others. */
static void keep_cursor_inside(EditLine *edit)
{
    const LineInfoW *line = el_wline(edit);

    if (line->lastchar < line->buffer)
        el_reset(edit);
    else if (line->cursor > line->lastchar || line->cursor < line->buffer)
        /* any step keeps it inside */
        el_cursor(edit, line->cursor > line->lastchar ? -1 : 1);
}

/* libedit wants a key. */
static int read_key(EditLine *edit, wchar_t *c)
{
    struct editor *editor = editor_of(edit);

    keep_cursor_inside(edit);

    const struct span span = editor_span(edit);

    undo_note(&editor->editing.undo, span.text, span.length, span.cursor);
    return editor_take_char(editor, c) ? 1 : -1;
}

/* --- the editor's thread ----------------------------------------------------------------- */

unsigned char editor_accept(struct editor *editor)
{
    struct span span = editor_span(editor->edit);

    while (span.length > 0 && wcschr(L" \t\n", span.text[span.length - 1]) != NULL)
        span.length--;
    buffer_clear(&editor->accepted);
    wide_encode(&editor->accepted, span.text, span.length);
    editor->is_accepting = true;
    return CC_NEWLINE;
}

/* Some commands of libedit keep pointers into its line while they get a line of the history,
 * which must not have to be enlarged for it then. */
static void make_room(struct editor *editor)
{
    enum { SLACK = 4096 }; /* characters */
    const size_t room = line_history_longest(editor->history) + SLACK;

    if (room <= editor->room)
        return;
    editor->room = room + room / 2;

    wchar_t *filler = memory_resize(NULL, (editor->room + 1) * sizeof(*filler));

    wmemset(filler, L' ', editor->room);
    filler[editor->room] = L'\0';
    el_winsertstr(editor->edit, filler);
    free(filler);
    el_reset(editor->edit);
}

/* A new text begins, empty. */
static void start_over(struct editor *editor)
{
    struct editing *editing = &editor->editing;

    el_reset(editor->edit);
    make_room(editor);
    undo_deinit(&editing->undo);
    wide_clear(&editing->draft);
    editing->place = 0;
    editing->rest = SIZE_MAX; /* nowhere */
    editing->is_searching = false;
}

/* Edits one text until it is accepted or dropped. */
static void edit_one(struct editor *editor)
{
    int length = 0;
    const wchar_t *line = el_wgets(editor->edit, &length);
    const bool is_dropped = editor->is_dropping || editor->is_closing;

    if (line != NULL && !is_dropped && !editor->is_accepting)
        editor_accept(editor); /* by libedit's own ed-newline, bound in ~/.editrc */
    editor->is_dropping = false;
    start_over(editor);
    if (is_dropped)
        return;
    editor->is_paused = true;
    if (editor->is_accepting) {
        editor->is_accepting = false;
        editor_wish(editor, WISH_ACCEPTED);
    } else {
        editor_wish(editor, WISH_ENDED);
    }
}

/* Characters count as letters and as what can be shown by Unicode in this thread, whatever the
 * locale of the program is. */
static locale_t use_unicode(void)
{
    const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

    if (locale != (locale_t)0)
        uselocale(locale);
    return locale;
}

static void set_up(struct editor *editor)
{
    const int fd = own_terminal_stand_in(editor->terminal);

    /* It takes a terminal to edit; what it writes goes nowhere. */
    editor->edit = el_init_fd("moongate", editor->nowhere, editor->nowhere,
                              editor->nowhere, fd, fd, fd);
    if (editor->edit == NULL)
        return;
    el_wset(editor->edit, EL_CLIENTDATA, editor);
    el_wset(editor->edit, EL_GETCFN, read_key);
    el_wset(editor->edit, EL_HIST, history_w, line_history_handle(editor->history));
    editor_bind(editor->edit);
}

static void *work(void *context)
{
    struct editor *editor = context;
    const locale_t locale = use_unicode();

    set_up(editor);
    editor_wish(editor, WISH_KEY);
    if (editor->edit != NULL) {
        start_over(editor);
        while (!editor->is_closing)
            edit_one(editor);
        /* frees texts of keys; the end does not */
        el_wset(editor->edit, EL_BIND, L"-e", NULL);
        el_end(editor->edit);
    }
    if (locale != (locale_t)0) {
        uselocale(LC_GLOBAL_LOCALE);
        freelocale(locale);
    }
    pthread_mutex_lock(&editor->mutex);
    editor->turn = TURN_OWNER;
    pthread_cond_signal(&editor->passed);
    pthread_mutex_unlock(&editor->mutex);
    return NULL;
}

/* --- the owner's thread ------------------------------------------------------------------ */

/* Signals are the owner's: the thread is born with all of them blocked. */
static int start_thread(struct editor *editor)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    const int reason = pthread_create(&editor->thread, NULL, work, editor);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

static void free_parts(struct editor *editor)
{
    struct editing *editing = &editor->editing;

    if (editor->nowhere != NULL)
        fclose(editor->nowhere);
    own_terminal_close(editor->terminal);
    line_history_close(editor->history);
    pthread_cond_destroy(&editor->passed);
    pthread_mutex_destroy(&editor->mutex);
    undo_deinit(&editing->undo);
    wide_deinit(&editing->killed);
    wide_deinit(&editing->draft);
    wide_deinit(&editing->wanted);
    wide_deinit(&editing->wanted_last);
    buffer_deinit(&editor->keys);
    buffer_deinit(&editor->accepted);
    buffer_deinit(&editor->viewed);
    buffer_deinit(&editor->searched);
    free(editor);
}

/* Lets the thread end, which is in the middle of whatever waits for a key. */
static void join(struct editor *editor)
{
    editor->is_closing = true;
    pass_turn(editor, TURN_EDITOR);
    pthread_join(editor->thread, NULL);
}

/* `what` is missing. */
static struct failure *complain(const char *what, int reason)
{
    return failure_set_cure(failure_new("IOError", "lines cannot be edited: no %s: %s",
                                        what, strerror(reason)),
                            "lines from a pipe need none: cat | moongate repl");
}

/* NULL, or why it does not work. */
static struct failure *open_parts(struct editor *editor, int terminal_fd,
                                  const char *history_file, int history_lines)
{
    editor->terminal = own_terminal_open(terminal_fd);
    if (editor->terminal == NULL)
        return complain("pseudo-terminal", errno);
    editor->history = line_history_open(history_file, history_lines);
    if (editor->history == NULL)
        return complain("room for a history", ENOMEM);
    editor->nowhere = fopen("/dev/null", "r+e");
    if (editor->nowhere == NULL)
        return complain("/dev/null", errno);

    const int reason = start_thread(editor);

    if (reason != 0)
        return complain("thread", reason);
    pass_turn(editor, TURN_EDITOR);
    if (editor->edit != NULL)
        return NULL;
    join(editor);
    return complain("room for libedit", ENOMEM);
}

struct editor *editor_open(int terminal_fd, const char *history_file, int history_lines,
                           const struct editor_owner *owner, void *context,
                           struct failure **failure)
{
    struct editor *editor = memory_new(sizeof(*editor));

    editor->owner = owner;
    editor->context = context;
    editor->is_paused = true;
    pthread_mutex_init(&editor->mutex, NULL);
    pthread_cond_init(&editor->passed, NULL);

    *failure = open_parts(editor, terminal_fd, history_file, history_lines);
    if (*failure == NULL) {
        work_on(editor);
        return editor;
    }
    free_parts(editor);
    return NULL;
}

void editor_close(struct editor *editor)
{
    if (editor == NULL)
        return;
    own_terminal_give_back(editor->terminal);
    join(editor);
    free_parts(editor);
}

void editor_take_terminal(struct editor *editor)
{
    own_terminal_take(editor->terminal);
}

void editor_give_terminal_back(struct editor *editor)
{
    own_terminal_give_back(editor->terminal);
}

void editor_feed(struct editor *editor, const char *bytes, size_t length)
{
    if (length == 0) {
        editor->owner->ended(editor->context);
        return;
    }
    buffer_append(&editor->keys, bytes, length);
    if (!editor->is_paused)
        work_on(editor);
}

void editor_go_on(struct editor *editor)
{
    editor->is_paused = false;
    work_on(editor);
}

void editor_look(struct editor *editor, struct editor_view *view)
{
    const struct editing *editing = &editor->editing;
    const struct span span = editor_span(editor->edit);

    buffer_clear(&editor->viewed);
    wide_encode(&editor->viewed, span.text, span.cursor);
    view->cursor = editor->viewed.length;
    wide_encode(&editor->viewed, span.text + span.cursor, span.length - span.cursor);
    view->text = editor->viewed.data;

    buffer_clear(&editor->searched);
    wide_encode(&editor->searched, editing->wanted.text, editing->wanted.length);
    view->search = editing->is_searching ? editor->searched.data : NULL;
    view->is_found = editing->is_found;
}

/* The character that the byte at `offset` belongs to. */
static size_t find_character(const struct span *span, size_t offset)
{
    size_t at = 0;

    for (size_t bytes = 0; at < span->length; at++) {
        bytes += wide_utf8_length(span->text[at]);
        if (bytes > offset)
            break;
    }
    return at;
}

void editor_replace(struct editor *editor, size_t from, size_t to, const char *text)
{
    const struct span span = editor_span(editor->edit);
    struct wide wide = {0};

    assert(from <= to);
    wide_append_utf8(&wide, text, strlen(text));
    editor_change(editor->edit, find_character(&span, from), find_character(&span, to),
                  wide.text, wide.length);
    wide_deinit(&wide);
}

void editor_cancel(struct editor *editor)
{
    drop_keys(editor);
    editor->is_dropping = true;
    work_on(editor);
}

void editor_remember(struct editor *editor, const char *text)
{
    line_history_add(editor->history, text);
}
