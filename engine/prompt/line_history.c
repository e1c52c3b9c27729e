/* engine/prompt/line_history.c */
#include "prompt/line_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "prompt/line_file.h"
#include "prompt/secret_line.h"
#include "prompt/wide.h"

struct line_history {
    HistoryW *lines;
    struct line_file *file; /* NULL: none */
    struct wide scratch;
    size_t longest;
};

static const wchar_t *get(struct line_history *history, int operation)
{
    HistEventW event;

    return history_w(history->lines, &event, operation) < 0 ? NULL : event.str;
}

static void enter(struct line_history *history, const char *text)
{
    HistEventW event;

    wide_clear(&history->scratch);
    wide_append_utf8(&history->scratch, text, strlen(text));
    history_w(history->lines, &event, H_ENTER, history->scratch.text);
    if (history->scratch.length > history->longest)
        history->longest = history->scratch.length;
}

static void enter_loaded(void *context, const char *text)
{
    enter(context, text);
}

struct line_history *line_history_open(const char *file, int most)
{
    HistoryW *lines = history_winit();
    HistEventW event;

    if (lines == NULL)
        return NULL;

    struct line_history *history = memory_new(sizeof(*history));

    history->lines = lines;
    history_w(lines, &event, H_SETSIZE, most);
    history_w(lines, &event, H_SETUNIQUE, 1); /* neighbours that are the same, once */
    if (file != NULL)
        history->file = line_file_open(file, most, enter_loaded, history);
    return history;
}

void line_history_close(struct line_history *history)
{
    if (history == NULL)
        return;
    history_wend(history->lines);
    line_file_close(history->file);
    wide_deinit(&history->scratch);
    free(history);
}

HistoryW *line_history_handle(struct line_history *history)
{
    return history->lines;
}

void line_history_add(struct line_history *history, const char *text)
{
    const wchar_t *newest = get(history, H_FIRST);

    if (text[0] == '\0' || text[0] == ' ' || text[0] == '\t' || secret_line_is(text))
        return;

    wide_clear(&history->scratch);
    wide_append_utf8(&history->scratch, text, strlen(text));
    if (newest != NULL && wcscmp(newest, history->scratch.text) == 0)
        return;
    enter(history, text);
    if (history->file != NULL)
        line_file_append(history->file, text);
}

const wchar_t *line_history_get(struct line_history *history, int place)
{
    const wchar_t *line = place < 1 ? NULL : get(history, H_FIRST);

    for (int at = 1; line != NULL && at < place; at++)
        line = get(history, H_NEXT);
    return line;
}

const wchar_t *line_history_older(struct line_history *history)
{
    return get(history, H_NEXT);
}

const wchar_t *line_history_newer(struct line_history *history)
{
    return get(history, H_PREV);
}

size_t line_history_longest(const struct line_history *history)
{
    return history->longest;
}
