/* engine/run/face_held.c - failures that are kept back for a while. */
#include "run/face_held.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "run/face_lines.h"
#include "run/summary.h"

static void free_failure(struct held_failure *failure)
{
    free(failure->code);
    free(failure->message);
    free(failure->name);
    free(failure->line);
}

void held_add(struct held *held, const struct event *event, bool has_color)
{
    struct buffer line = {0};

    if (held->count == HELD_MOST) {
        held->untold++;
        return;
    }
    face_lines_append_finish(&line, event, has_color);
    held->failures[held->count++] = (struct held_failure){
        .code = memory_copy_string(event->failure != NULL ? event->failure->code : NULL),
        .message =
            memory_copy_string(event->failure != NULL ? event->failure->message : NULL),
        .name = memory_copy_string(event->name != NULL ? event->name : ""),
        .line = buffer_take(&line)};
}

bool held_is_empty(const struct held *held)
{
    return held->count == 0 && held->untold == 0;
}

static bool has(const char *text, const char *part)
{
    return part != NULL && strstr(text, part) != NULL;
}

void held_note(struct held *held, const char *text)
{
    bool is_first = true;
    size_t kept = 0;

    for (size_t i = 0; i < held->count; i++) {
        struct held_failure *failure = &held->failures[i];
        const bool has_message = has(text, failure->message);

        if ((has_message && is_first) ||
            ((has_message || has(text, failure->code)) && has(text, failure->name))) {
            free_failure(failure);
            is_first = false;
        } else {
            held->failures[kept++] = *failure;
        }
    }
    held->count = kept;
}

void held_release(struct held *held, struct buffer *text)
{
    for (size_t i = 0; i < held->count; i++)
        buffer_append_string(text, held->failures[i].line);
    if (held->untold > 0) {
        buffer_append_string(text, "... and ");
        summary_append_count(text, held->untold, "other failure");
        buffer_append_char(text, '\n');
    }
    held_deinit(held);
}

void held_deinit(struct held *held)
{
    for (size_t i = 0; i < held->count; i++)
        free_failure(&held->failures[i]);
    held->count = held->untold = 0;
}
