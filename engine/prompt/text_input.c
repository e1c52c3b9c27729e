/* engine/prompt/text_input.c - statements from a pipe or a file. */
#include "prompt/text_input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "prompt/statement.h"

enum { CHUNK_BYTES = 16384 };

void text_input_deinit(struct text_input *input)
{
    buffer_deinit(&input->text);
}

void text_input_read(struct text_input *input)
{
    char bytes[CHUNK_BYTES];
    ssize_t count;

    do
        count = read(input->fd, bytes, sizeof bytes);
    while (count < 0 && errno == EINTR);
    if (count > 0)
        buffer_append(&input->text, bytes, (size_t)count);
    else if (count == 0 || errno != EAGAIN)
        input->is_ended = true;
}

/* Takes the text up to `end`. */
static char *take_text(struct text_input *input, size_t end)
{
    struct buffer *text = &input->text;
    char *taken = memory_copy_text(text->data, end);

    memmove(text->data, text->data + end, text->length - end);
    text->length -= end;
    text->data[text->length] = '\0';
    input->scanned = 0;
    return taken;
}

/* Whether the lines up to the one that `line_end` ends are a statement. */
static bool is_whole(const struct text_input *input, char *line_end)
{
    *line_end = '\0';

    const bool is = statement_is_whole(input->compiler, input->text.data);

    *line_end = '\n';
    return is;
}

char *text_input_take(struct text_input *input)
{
    struct buffer *text = &input->text;

    while (input->scanned < text->length) {
        char *line_end =
            memchr(text->data + input->scanned, '\n', text->length - input->scanned);

        if (line_end == NULL)
            break;
        input->scanned = (size_t)(line_end - text->data) + 1;
        if (is_whole(input, line_end))
            return take_text(input, input->scanned);
    }
    return input->is_ended && text->length > 0 ? take_text(input, text->length) : NULL;
}
