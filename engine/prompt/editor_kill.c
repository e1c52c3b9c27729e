/* engine/prompt/editor_kill.c - words, cutting, and inserting what was cut.
 *
 * libedit's own cut to the ends of all lines, and its words hold dots. Words are Lua's names and
 * numbers here. */
#include <wctype.h>

#include "prompt/editor_parts.h"

static bool is_word(wchar_t c)
{
    return c == L'_' || c >= 0x80 || iswalnum((wint_t)c);
}

static bool is_no_blank(wchar_t c)
{
    return c != L' ' && c != L'\t' && c != L'\n';
}

/* Behind the end of this or the next word. */
static size_t find_end(const struct span *span, bool (*is_in)(wchar_t c))
{
    size_t at = span->cursor;

    while (at < span->length && !is_in(span->text[at]))
        at++;
    while (at < span->length && is_in(span->text[at]))
        at++;
    return at;
}

/* The start of this or the previous word. */
static size_t find_start(const struct span *span, bool (*is_in)(wchar_t c))
{
    size_t at = span->cursor;

    while (at > 0 && !is_in(span->text[at - 1]))
        at--;
    while (at > 0 && is_in(span->text[at - 1]))
        at--;
    return at;
}

unsigned char editor_next_word(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    el_cursor(edit, (int)find_end(&span, is_word) - (int)span.cursor);
    return CC_NORM;
}

unsigned char editor_previous_word(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    el_cursor(edit, (int)find_start(&span, is_word) - (int)span.cursor);
    return CC_NORM;
}

/* Cuts from the cursor to `to`, which may be before it. Cuts that follow each other are joined. */
static unsigned char cut(EditLine *edit, const struct span *span, size_t to)
{
    struct editor *editor = editor_of(edit);
    struct editing *editing = editor_editing(editor);
    const size_t from = to < span->cursor ? to : span->cursor;
    const size_t end = to < span->cursor ? span->cursor : to;
    struct wide killed = {0};

    if (from == end)
        return CC_ERROR;

    const bool is_joined = editing->cut_at + 1 == editor_key_count(editor);

    if (is_joined && to == end)
        wide_append(&killed, editing->killed.text, editing->killed.length);
    wide_append(&killed, span->text + from, end - from);
    if (is_joined && to == from)
        wide_append(&killed, editing->killed.text, editing->killed.length);
    wide_deinit(&editing->killed);
    editing->killed = killed;
    editing->cut_at = editor_key_count(editor);
    editor_change(edit, from, end, L"", 0);
    return CC_NORM;
}

unsigned char editor_kill_word(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    return cut(edit, &span, find_end(&span, is_word));
}

unsigned char editor_kill_previous_word(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    return cut(edit, &span, find_start(&span, is_word));
}

unsigned char editor_kill_blank_word(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);

    (void)key;
    return cut(edit, &span, find_start(&span, is_no_blank));
}

/* At a line's end its line end is cut. */
unsigned char editor_kill_to_end(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);
    size_t end = span.cursor;

    (void)key;
    while (end < span.length && span.text[end] != L'\n')
        end++;
    return cut(edit, &span, end == span.cursor && end < span.length ? end + 1 : end);
}

/* At a line's start the line end before it is cut. */
unsigned char editor_kill_to_start(EditLine *edit, wint_t key)
{
    const struct span span = editor_span(edit);
    size_t start = span.cursor;

    (void)key;
    while (start > 0 && span.text[start - 1] != L'\n')
        start--;
    return cut(edit, &span, start == span.cursor && start > 0 ? start - 1 : start);
}

unsigned char editor_yank(EditLine *edit, wint_t key)
{
    const struct wide *killed = &editor_editing(editor_of(edit))->killed;
    const size_t cursor = editor_span(edit).cursor;

    (void)key;
    editor_change(edit, cursor, cursor, killed->text, killed->length);
    return CC_NORM;
}
