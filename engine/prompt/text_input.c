/* engine/prompt/text_input.c - statements from a pipe or a file. */
#include "prompt/text_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "prompt/statement.h"

enum { CHUNK_BYTES = 16384 };

void text_input_deinit(struct text_input *input)
{
    buffer_deinit(&input->text);
    free(input->trouble);
}

/* Takes the trouble. */
static void end_early(struct text_input *input, char *trouble)
{
    struct buffer *text = &input->text;

    input->is_ended = true;
    input->trouble = trouble;
    while (text->length > 0 && text->data[text->length - 1] != '\n')
        text->length--;
    if (text->length > 0)
        text->data[text->length] = '\0';
}

void text_input_read(struct text_input *input)
{
    char bytes[CHUNK_BYTES];
    ssize_t count;

    do
        count = read(input->fd, bytes, sizeof bytes);
    while (count < 0 && errno == EINTR);
    if (count > 0) {
        const char *nul = memchr(bytes, '\0', (size_t)count);

        buffer_append(&input->text, bytes,
                      nul != NULL ? (size_t)(nul - bytes) : (size_t)count);
        if (nul != NULL)
            end_early(input, memory_copy_string("a NUL byte is no text"));
    } else if (count == 0) {
        input->is_ended = true;
    } else if (errno != EAGAIN) {
        end_early(input, memory_copy_string(strerror(errno)));
    }
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
    input->nesting = (struct nesting){0};
    return taken;
}

/* Whether Lua has to be asked: compiling what is open line after line takes its time. */
static bool may_be_whole(const struct text_input *input, const char *line)
{
    const char *text = input->text.data;

    return !nesting_is_open(&input->nesting) || text[strspn(text, " \t\r\n")] == '\\' ||
           (line[0] == '#' && line[1 + strspn(line + 1, " \t\r")] == '\n');
}

/* Whether the lines up to this one, which `line_end` ends, are a statement. */
static bool is_whole(struct text_input *input, const char *line, char *line_end)
{
    nesting_read(&input->nesting, line, (size_t)(line_end - line) + 1);
    if (!may_be_whole(input, line))
        return false;
    *line_end = '\0';

    const bool is = statement_is_whole(input->compiler, input->text.data);

    *line_end = '\n';
    return is;
}

char *text_input_take(struct text_input *input)
{
    struct buffer *text = &input->text;

    while (input->scanned < text->length) {
        const char *line = text->data + input->scanned;
        char *line_end =
            memchr(text->data + input->scanned, '\n', text->length - input->scanned);

        if (line_end == NULL)
            break;
        input->scanned = (size_t)(line_end - text->data) + 1;
        if (is_whole(input, line, line_end))
            return take_text(input, input->scanned);
    }
    return input->is_ended && text->length > 0 ? take_text(input, text->length) : NULL;
}
