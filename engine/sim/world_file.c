/* engine/sim/world_file.c - reading a world file: JSON, Lua, or what a world was dumped
 * as. */
#include "sim/world_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/spot.h"
#include "sim/world_dump.h"
#include "sim/world_keys.h"
#include "sim/world_lua.h"

enum { FILE_LIMIT = 64 * 1024 * 1024 };

static struct failure *read_file(const char *name, struct buffer *text)
{
    FILE *file = fopen(name, "rb");
    char part[65536];
    size_t got;

    if (file == NULL)
        return failure_new("IOError", "%s: %s", name, strerror(errno));
    while ((got = fread(part, 1, sizeof part, file)) > 0 && text->length <= FILE_LIMIT)
        buffer_append(text, part, got);

    const bool has_failed = ferror(file) != 0;
    const int reason = errno;

    fclose(file);
    if (has_failed)
        return failure_new("IOError", "%s: %s", name, strerror(reason));
    if (text->length > FILE_LIMIT)
        return failure_new("IOError", "%s: larger than %d bytes", name, FILE_LIMIT);
    return NULL;
}

/* Where in a text an offset is, counted from 1. */
static char *complain_syntax(const char *text, size_t offset)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < offset; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    return memory_format("line %zu, column %zu: not JSON", line, column);
}

/* JSON begins with a brace or, mistaken, with a bracket; nothing at all is no chunk. */
static bool is_json(const char *text, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put it first */
    size_t i = length >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

    while (i < length && memchr(" \t\r\n", text[i], 4) != NULL)
        i++;
    return i == length || text[i] == '{' || text[i] == '[';
}

/* Whether there is a NUL in it, as a byte or as "\u0000": the text would end there. */
static bool has_nul(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\0' ||
            (line[i] == '\\' && length - i >= 6 && memcmp(line + i, "\\u0000", 6) == 0))
            return true;
        if (line[i] == '\\')
            i++; /* what it escapes */
    }
    return false;
}

/* What is wrong with the characters of a JSON text, or NULL. */
static char *check_characters(const char *text, size_t length)
{
    size_t number = 1;

    for (size_t at = 0; at < length; number++) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = (end != NULL ? (size_t)(end - text) : length) - at;

        if (!text_is_utf8(text + at, line))
            return memory_format("line %zu: no UTF-8 text", number);
        if (has_nul(text + at, line))
            return memory_format("line %zu: a text with a NUL in it", number);
        at += line + 1;
    }
    return NULL;
}

static cJSON *read_json(const char *text, size_t length, char **wrong)
{
    size_t error_at = 0;
    cJSON *tree = NULL;

    *wrong = check_characters(text, length);
    if (*wrong == NULL)
        tree = json_parse(text, length, &error_at);
    if (*wrong == NULL && tree == NULL)
        *wrong = complain_syntax(text, error_at);
    return tree;
}

cJSON *world_file_parse(const char *text, size_t length, int *first_index, char **wrong)
{
    const bool has_json = is_json(text, length);
    cJSON *tree =
        has_json ? read_json(text, length, wrong) : world_lua_read(text, length, wrong);
    char *found = NULL;

    if (tree == NULL)
        return NULL;
    *first_index = has_json ? 0 : 1;
    if (!cJSON_IsObject(tree))
        found = memory_copy_string("an object expected");
    else if (!world_dump_is(tree))
        found = world_keys_check(&(struct spot){.index = *first_index}, tree);
    if (found == NULL)
        return tree;
    cJSON_Delete(tree);
    *wrong = found;
    return NULL;
}

cJSON *world_file_read(const char *file, int *first_index, struct failure **failure)
{
    struct buffer text = {0};
    cJSON *tree = NULL;
    char *wrong = NULL;

    if (file == NULL)
        return cJSON_CreateObject();
    *failure = read_file(file, &text);
    if (*failure == NULL)
        tree = world_file_parse(text.data != NULL ? text.data : "", text.length,
                                first_index, &wrong);
    if (wrong != NULL)
        *failure = failure_new("IOError", "%s: %s", file, wrong);
    free(wrong);
    buffer_deinit(&text);
    return tree;
}
