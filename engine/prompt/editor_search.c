/* engine/prompt/editor_search.c - searching the history while one types what for.
 *
 * libedit's own takes letters beyond Latin-1 for commands, and the pattern for a regular
 * expression. */
#include "prompt/editor_parts.h"

enum {
    KEY_ABORT = 0x07,
    KEY_BACK = 0x08,
    KEY_SEARCH_OLDER = 0x12,
    KEY_SEARCH_NEWER = 0x13,
    KEY_ESCAPE = 0x1b,
    KEY_DELETE = 0x7f
};

struct search {
    EditLine *edit;
    struct editor *editor;
    struct editing *editing;
    struct wide before; /* the text, to be there again when it is given up */
    size_t cursor;
    int place;
};

/* Shows the nearest line that holds the pattern, from `place` on in a direction; what is shown
 * stays when there is none. `is_next`: not the line that is shown, nor one that is the same. */
static void find(struct search *search, int place, int step, bool is_next)
{
    struct editing *editing = search->editing;
    struct line_history *history = editor_history(search->editor);
    const struct span span = editor_span(search->edit);
    const wchar_t *line = line_history_get(history, place), *found = NULL;

    for (; line != NULL; place += step) {
        found = wcsstr(line, editing->wanted.text);
        if (found != NULL && !(is_next && wcslen(line) == span.length &&
                               wmemcmp(line, span.text, span.length) == 0))
            break;
        line = step > 0 ? line_history_older(history) : line_history_newer(history);
    }
    editing->is_found = line != NULL;
    if (line == NULL)
        return;
    editing->place = place;
    editor_set(search->edit, line, wcslen(line), (size_t)(found - line));
}

static void show_before(struct search *search)
{
    search->editing->place = search->place;
    editor_set(search->edit, search->before.text, search->before.length, search->cursor);
}

/* The pattern has changed: from the line that is shown on, or anew when it got shorter. */
static void find_again(struct search *search, int step, bool is_shorter)
{
    struct editing *editing = search->editing;

    if (is_shorter)
        show_before(search);
    if (editing->wanted.length == 0)
        editing->is_found = true;
    else
        find(search, editing->place > 0 ? editing->place : 1, step, false);
}

/* The key to search on, in the direction of the key; with nothing typed for what was searched
 * last. */
static void find_next(struct search *search, int step)
{
    struct editing *editing = search->editing;

    if (editing->wanted.length > 0) {
        find(search, editing->place + step, step, true);
    } else if (editing->wanted_last.length > 0) {
        wide_append(&editing->wanted, editing->wanted_last.text,
                    editing->wanted_last.length);
        find_again(search, step, false);
    }
}

/* Does what the key asks for; false when it ends the search. */
static bool do_key(struct search *search, wchar_t c, int *step)
{
    struct editing *editing = search->editing;

    if (c == KEY_SEARCH_OLDER || c == KEY_SEARCH_NEWER) {
        *step = c == KEY_SEARCH_OLDER ? 1 : -1;
        find_next(search, *step);
    } else if (c == KEY_BACK || c == KEY_DELETE) {
        if (editing->wanted.length > 0)
            editing->wanted.text[--editing->wanted.length] = L'\0';
        find_again(search, *step, true);
    } else if (c >= 0x20 && c != KEY_PASTE) {
        wide_append_char(&editing->wanted, c);
        find_again(search, *step, false);
    } else {
        return false;
    }
    return true;
}

/* Escape alone just ends it; any other key ends it and does what it does. */
static void end_by_key(struct search *search, wchar_t c)
{
    if (c == KEY_ABORT)
        show_before(search);
    else if (c != KEY_ESCAPE || editor_has_more(search->editor))
        editor_untake_char(search->editor, c);
}

static unsigned char run_search(EditLine *edit, int step)
{
    struct editor *editor = editor_of(edit);
    struct editing *editing = editor_editing(editor);
    const struct span span = editor_span(edit);
    struct search search = {edit, editor, editing, {0}, span.cursor, editing->place};
    bool is_going_on;
    wchar_t c;

    if (editing->place == 0) {
        wide_clear(&editing->draft);
        wide_append(&editing->draft, span.text, span.length);
    }
    wide_append(&search.before, span.text, span.length);
    wide_clear(&editing->wanted);
    wide_append(&editing->wanted, L"", 0);
    editing->is_searching = editing->is_found = true;
    do
        is_going_on = editor_take_char(editor, &c);
    while (is_going_on && do_key(&search, c, &step));
    if (is_going_on)
        end_by_key(&search, c);
    editing->is_searching = false;
    if (editing->wanted.length > 0) {
        wide_clear(&editing->wanted_last);
        wide_append(&editing->wanted_last, editing->wanted.text, editing->wanted.length);
    }
    wide_deinit(&search.before);
    return CC_NORM;
}

unsigned char editor_search_older(EditLine *edit, wint_t key)
{
    (void)key;
    return run_search(edit, 1);
}

unsigned char editor_search_newer(EditLine *edit, wint_t key)
{
    (void)key;
    return run_search(edit, -1);
}
