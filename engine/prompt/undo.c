/* engine/prompt/undo.c */
#include "prompt/undo.h"

#include <stdlib.h>
#include <wctype.h>

#include "base/memory.h"

/* Above these the oldest steps are forgotten. */
enum { MOST_STEPS = 1000, MOST_CHARACTERS = 4 << 20 };

struct undo_step {
    struct undo_step *before;
    struct wide text;
    size_t cursor;
};

static void free_step(struct undo *undo, struct undo_step *step)
{
    undo->count--;
    undo->size -= step->text.length;
    wide_deinit(&step->text);
    free(step);
}

/* Keeps the newer half. */
static void forget_oldest(struct undo *undo)
{
    struct undo_step *step = undo->last;

    for (size_t size = step->text.length, n = 1;
         step->before != NULL && n < MOST_STEPS / 2 &&
         size + step->before->text.length < MOST_CHARACTERS / 2;
         n++) {
        step = step->before;
        size += step->text.length;
    }
    for (struct undo_step *old = step->before; old != NULL;) {
        struct undo_step *before = old->before;

        free_step(undo, old);
        old = before;
    }
    step->before = NULL;
}

static void push(struct undo *undo)
{
    struct undo_step *step = memory_new(sizeof(*step));

    wide_append(&step->text, undo->now.text == NULL ? L"" : undo->now.text,
                undo->now.length);
    step->cursor = undo->cursor;
    step->before = undo->last;
    undo->last = step;
    undo->count++;
    undo->size += step->text.length;
    if (undo->count > MOST_STEPS || undo->size > MOST_CHARACTERS)
        forget_oldest(undo);
}

/* Whether one character was typed at the end, which is what happens most. */
static bool is_typed(const struct undo *undo, size_t length, size_t cursor)
{
    return length == undo->now.length + 1 && cursor == length &&
           undo->cursor == undo->now.length;
}

void undo_note(struct undo *undo, const wchar_t *text, size_t length, size_t cursor)
{
    if (is_typed(undo, length, cursor)) {
        const wchar_t c = text[length - 1];

        if (!undo->is_typing)
            push(undo);
        wide_append_char(&undo->now, c);
        undo->is_typing = c != L' ' && c != L'\n';
    } else if (length != undo->now.length ||
               (length > 0 && wmemcmp(text, undo->now.text, length) != 0)) {
        push(undo);
        wide_clear(&undo->now);
        wide_append(&undo->now, text, length);
        undo->is_typing = false;
    } else if (cursor != undo->cursor) {
        undo->is_typing = false;
    }
    undo->cursor = cursor;
}

bool undo_back(struct undo *undo)
{
    struct undo_step *step = undo->last;

    if (step == NULL)
        return false;
    wide_clear(&undo->now);
    wide_append(&undo->now, step->text.text, step->text.length);
    undo->cursor = step->cursor;
    undo->is_typing = false;
    undo->last = step->before;
    free_step(undo, step);
    return true;
}

void undo_deinit(struct undo *undo)
{
    while (undo->last != NULL) {
        struct undo_step *step = undo->last;

        undo->last = step->before;
        free_step(undo, step);
    }
    wide_deinit(&undo->now);
    *undo = (struct undo){0};
}
