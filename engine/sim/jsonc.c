/* engine/sim/jsonc.c - JSON with comments and bare names, made strict. */
#include "sim/jsonc.h"

#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"

struct reader {
    const char *at, *end;
    struct buffer json;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '$';
}

static bool starts_with(const struct reader *reader, const char *text)
{
    const size_t length = strlen(text);

    return (size_t)(reader->end - reader->at) >= length &&
           memcmp(reader->at, text, length) == 0;
}

/* Leaves a comment out; one that never ends reaches to the end. */
static void skip_comment(struct reader *reader)
{
    const bool is_line = starts_with(reader, "//");

    for (reader->at += 2; reader->at < reader->end; reader->at++) {
        if (is_line && *reader->at == '\n')
            return;
        if (!is_line && starts_with(reader, "*/")) {
            reader->at += 2;
            return;
        }
    }
}

static void copy_string(struct reader *reader)
{
    bool is_escaped = false;

    buffer_append_char(&reader->json, *reader->at++);
    for (; reader->at < reader->end; reader->at++) {
        const char c = *reader->at;

        if (c == '\n' || c == '\r' || c == '\t')
            buffer_append_string(&reader->json, c == '\n'   ? "\\n"
                                                : c == '\r' ? "\\r"
                                                            : "\\t");
        else
            buffer_append_char(&reader->json, c);
        if (c == '"' && !is_escaped) {
            reader->at++;
            return;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
}

/* true, null, 12, or a name, which a colon follows. */
static void copy_word(struct reader *reader)
{
    const char *begin = reader->at, *next;

    while (reader->at < reader->end && is_name_char(*reader->at))
        reader->at++;
    next = reader->at;
    while (next < reader->end &&
           (*next == ' ' || *next == '\t' || *next == '\r' || *next == '\n'))
        next++;

    const bool is_name = next < reader->end && *next == ':';

    if (is_name)
        buffer_append_char(&reader->json, '"');
    buffer_append(&reader->json, begin, (size_t)(reader->at - begin));
    if (is_name)
        buffer_append_char(&reader->json, '"');
}

char *jsonc_to_json(const char *text, size_t length)
{
    struct reader reader = {.at = text, .end = text + length};

    while (reader.at < reader.end) {
        if (*reader.at == '"')
            copy_string(&reader);
        else if (starts_with(&reader, "//") || starts_with(&reader, "/*"))
            skip_comment(&reader);
        else if (is_name_char(*reader.at))
            copy_word(&reader);
        else
            buffer_append_char(&reader.json, *reader.at++);
    }
    return buffer_take(&reader.json);
}
