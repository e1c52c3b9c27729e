/* engine/prompt/editor_commands.c - moving in a text of several lines and through the history,
 * Enter, Tab, undo, paste.
 *
 * Nothing is drawn, so no command asks libedit to. */
#include "base/log.h"
#include "prompt/editor_parts.h"

static struct editing *editing_of(EditLine *edit)
{
    return editor_editing(editor_of(edit));
}

static size_t find_line_start(const struct span *span, size_t at)
{
    while (at > 0 && span->text[at - 1] != L'\n')
        at--;
    return at;
}

static size_t find_line_end(const struct span *span, size_t at)
{
    while (at < span->length && span->text[at] != L'\n')
        at++;
    return at;
}

static unsigned char move_to(EditLine *edit, size_t at)
{
    el_cursor(edit, (int)at - (int)editor_span(edit).cursor);
    return CC_NORM;
}

/* --- Enter and Tab ----------------------------------------------------------------------- */

static bool is_blank(wchar_t c)
{
    return c == L' ' || c == L'\t';
}

/* Whether the cursor is at the end, in an empty line behind others. */
static bool is_in_empty_last_line(const struct span *span)
{
    size_t start = find_line_start(span, span->length);

    if (start == 0 || span->cursor != span->length)
        return false;
    while (start < span->length && is_blank(span->text[start]))
        start++;
    return start == span->length;
}

/* Inserts a line end and, at the end of the text, the blanks that its last line begins with; not
 * when more is there already: a paste without marks has its own. */
static void insert_line_end(EditLine *edit)
{
    const struct span span = editor_span(edit);
    struct wide inserted = {0};

    wide_append_char(&inserted, L'\n');
    if (span.cursor == span.length && !editor_has_more(editor_of(edit)))
        for (size_t at = find_line_start(&span, span.length);
             at < span.length && is_blank(span.text[at]); at++)
            wide_append_char(&inserted, span.text[at]);
    editor_change(edit, span.cursor, span.cursor, inserted.text, inserted.length);
    wide_deinit(&inserted);
}

unsigned char editor_enter(EditLine *edit, wint_t key)
{
    struct editor *editor = editor_of(edit);
    const struct span span = editor_span(edit);

    (void)key;
    if (is_in_empty_last_line(&span) || editor_wish(editor, WISH_IS_WHOLE))
        return editor_accept(editor);
    insert_line_end(edit);
    return CC_NORM;
}

unsigned char editor_new_line(EditLine *edit, wint_t key)
{
    (void)key;
    insert_line_end(edit);
    return CC_NORM;
}

unsigned char editor_complete(EditLine *edit, wint_t key)
{
    struct editor *editor = editor_of(edit);

    (void)key;
    editor_wish(editor, WISH_COMPLETE);
    editor_editing(editor)->tab_at = editor_key_count(editor);
    return CC_NORM;
}

unsigned char editor_clear(EditLine *edit, wint_t key)
{
    (void)key;
    editor_wish(editor_of(edit), WISH_CLEARED);
    return CC_NORM;
}

/* --- the history ------------------------------------------------------------------------- */

/* Shows the line at that place of the history, or with place 0 what was typed. */
static void go_to_place(EditLine *edit, int place, const wchar_t *line)
{
    struct editing *editing = editing_of(edit);
    const struct span span = editor_span(edit);

    if (editing->place == 0) {
        wide_clear(&editing->draft);
        wide_append(&editing->draft, span.text, span.length);
    }
    editing->place = place;
    if (place == 0)
        editor_set(edit, editing->draft.text, editing->draft.length,
                   editing->draft.length);
    else
        editor_set(edit, line, wcslen(line), wcslen(line));
}

unsigned char editor_older(EditLine *edit, wint_t key)
{
    struct editor *editor = editor_of(edit);
    const int place = editor_editing(editor)->place + 1;
    const wchar_t *line = line_history_get(editor_history(editor), place);

    (void)key;
    if (line == NULL)
        return CC_ERROR;
    go_to_place(edit, place, line);
    return CC_NORM;
}

unsigned char editor_newer(EditLine *edit, wint_t key)
{
    struct editor *editor = editor_of(edit);
    const int place = editor_editing(editor)->place - 1;

    (void)key;
    if (place < 0)
        return CC_ERROR;
    go_to_place(edit, place, line_history_get(editor_history(editor), place));
    return CC_NORM;
}

/* The next line in a direction that begins with what is before the cursor, which stays where it
 * is. */
static unsigned char go_to_like(EditLine *edit, int step)
{
    struct editor *editor = editor_of(edit);
    struct line_history *history = editor_history(editor);
    const struct span span = editor_span(edit);
    const size_t cursor = span.cursor;
    int place = editor_editing(editor)->place + step;
    const wchar_t *line = line_history_get(history, place);

    while (line != NULL && (wcsncmp(line, span.text, cursor) != 0 ||
                            (wcslen(line) == span.length &&
                             wcsncmp(line, span.text, span.length) == 0))) {
        line = step > 0 ? line_history_older(history) : line_history_newer(history);
        place += step;
    }
    if (line == NULL && (step > 0 || place > 0 || editor_editing(editor)->place == 0))
        return CC_ERROR;
    go_to_place(edit, line == NULL ? 0 : place, line);
    return move_to(edit, cursor);
}

unsigned char editor_older_like(EditLine *edit, wint_t key)
{
    (void)key;
    return go_to_like(edit, 1);
}

unsigned char editor_newer_like(EditLine *edit, wint_t key)
{
    (void)key;
    return go_to_like(edit, -1);
}

/* --- lines ------------------------------------------------------------------------------- */

/* Moves to the column in the line that begins at `start`; moves that follow each other keep the
 * column of the first. */
static unsigned char move_into(EditLine *edit, const struct span *span, size_t start)
{
    struct editing *editing = editing_of(edit);
    const size_t end = find_line_end(span, start);

    if (editing->rest != span->cursor)
        editing->column = span->cursor - find_line_start(span, span->cursor);
    editing->rest = start + editing->column < end ? start + editing->column : end;
    return move_to(edit, editing->rest);
}

unsigned char editor_up(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);
    const size_t start = find_line_start(&span, span.cursor);

    if (start == 0)
        return editor_older(edit, key);
    return move_into(edit, &span, find_line_start(&span, start - 1));
}

unsigned char editor_down(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);
    const size_t end = find_line_end(&span, span.cursor);

    if (end == span.length)
        return editor_newer(edit, key);
    return move_into(edit, &span, end + 1);
}

unsigned char editor_line_start(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    return move_to(edit, find_line_start(&span, span.cursor));
}

unsigned char editor_line_end(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    return move_to(edit, find_line_end(&span, span.cursor));
}

/* --- undo and paste ---------------------------------------------------------------------- */

unsigned char editor_undo(EditLine *edit, wint_t key)
{
    struct undo *undo = &editing_of(edit)->undo;

    (void)key;
    if (!undo_back(undo))
        return CC_ERROR;
    editor_set(edit, undo->now.text, undo->now.length, undo->cursor);
    return CC_NORM;
}

enum { LARGEST_PASTE = 16 << 20 }; /* characters */

/* Adds a character of a paste: line ends become ours, other controls but tabs are left out. */
static void add_pasted(struct wide *pasted, wchar_t before, wchar_t c)
{
    if (c == L'\r' || (c == L'\n' && before != L'\r'))
        wide_append_char(pasted, L'\n');
    else if (c == KEY_PASTE)
        /* a mark within a paste is text without its ESC */
        wide_append(pasted, L"[200~", 5);
    else if (c == L'\t' || (c >= 0x20 && c != 0x7f))
        wide_append_char(pasted, c);
}

/* Reads up to the mark of the end; false when the command shall end before. */
static bool read_paste(struct editor *editor, struct wide *pasted, bool *is_too_long)
{
    static const wchar_t mark[] = L"\x1b[201~";
    const size_t whole = wcslen(mark);
    size_t matched = 0;
    wchar_t before = 0, c;

    while (matched < whole) {
        if (!editor_take_char(editor, &c))
            return false;
        if (c == mark[matched]) {
            matched++;
            continue;
        }
        for (size_t i = 1; i < matched; i++) /* not the mark after all; ESC is left out */
            wide_append_char(pasted, mark[i]);
        matched = c == mark[0];
        if (matched == 0)
            add_pasted(pasted, before, c);
        before = c;
        *is_too_long = *is_too_long || pasted->length > LARGEST_PASTE;
        if (*is_too_long)
            wide_clear(pasted);
    }
    return true;
}

unsigned char editor_paste(EditLine *edit, wint_t key)
{
    const size_t cursor = editor_span(edit).cursor;
    struct wide pasted = {0};
    bool is_too_long = false;
    const bool is_whole = read_paste(editor_of(edit), &pasted, &is_too_long);

    (void)key;
    if (is_too_long)
        log_line(
            LOG_WARNING,
            "a paste of more than %d million characters was not taken; put it into a "
            "file",
            LARGEST_PASTE >> 20);
    else if (is_whole)
        editor_change(edit, cursor, cursor, pasted.text, pasted.length);
    wide_deinit(&pasted);
    return is_whole ? CC_NORM : CC_ERROR;
}
