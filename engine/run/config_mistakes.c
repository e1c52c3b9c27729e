/* engine/run/config_mistakes.c - what is wrong with a configuration, and in which line. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "run/config_parts.h"

enum {
    MOST_SEARCHED = 16384, /* bytes, so that many mistakes in long lines take no time */
    MOST_MISTAKES = 100000 /* a loop can make them without end */
};

void config_add_mistake(struct config_mistakes *mistakes, int line, size_t place,
                        char *text)
{
    if (mistakes->count == MOST_MISTAKES) {
        mistakes->omitted++;
        free(text);
        return;
    }
    if (mistakes->count == mistakes->room) {
        mistakes->room = 2 * mistakes->room + 16;
        mistakes->list =
            memory_resize(mistakes->list, mistakes->room * sizeof *mistakes->list);
    }
    mistakes->list[mistakes->count++] =
        (struct config_mistake){.line = line, .place = place, .text = text};
}

static int compare(const void *a, const void *b)
{
    const struct config_mistake *one = a, *other = b;

    if (one->line != other->line)
        return one->line < other->line ? -1 : 1;
    if (one->place != other->place)
        return one->place < other->place ? -1 : 1;
    return strcmp(one->text, other->text);
}

void config_sort_mistakes(struct config_mistakes *mistakes)
{
    if (mistakes->count > 1)
        qsort(mistakes->list, mistakes->count, sizeof *mistakes->list, compare);
}

void config_deinit_mistakes(struct config_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++)
        free(mistakes->list[i].text);
    free(mistakes->list);
    free(mistakes->starts);
    map_deinit(&mistakes->unset_variables, NULL);
    *mistakes = (struct config_mistakes){0};
}

/* --- lines -------------------------------------------------------------------------- */

static void find_lines(struct config_mistakes *mistakes)
{
    size_t room = 0;

    for (size_t at = 0; at < mistakes->length; mistakes->line_count++) {
        const char *end = memchr(mistakes->source + at, '\n', mistakes->length - at);

        if (mistakes->line_count == room) {
            room = 2 * room + 64;
            mistakes->starts =
                memory_resize(mistakes->starts, room * sizeof *mistakes->starts);
        }
        mistakes->starts[mistakes->line_count] = at;
        at = end != NULL ? (size_t)(end - mistakes->source) + 1 : mistakes->length;
    }
}

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Behind a string in quotes, which begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    const char quote = *at++;

    while (at < end && *at != quote)
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at < end ? at + 1 : end;
}

/* Whether `name` is followed by one `=`, both in code: neither in a string nor in a comment. */
static bool sets(const char *at, const char *end, const char *name)
{
    const size_t length = strlen(name);

    while (at < end) {
        const char *word = at;

        if (*at == '"' || *at == '\'') {
            at = skip_string(at, end);
            continue;
        }
        if (end - at >= 2 && at[0] == '-' && at[1] == '-')
            return false;
        while (at < end && is_of_name(*at))
            at++;
        if (at == word) {
            at++;
            continue;
        }
        if ((size_t)(at - word) != length || memcmp(word, name, length) != 0)
            continue;
        at = skip_blanks(at, end);
        if (at < end && *at == '=' && (end - at < 2 || at[1] != '='))
            return true;
    }
    return false;
}

/* Whether a declaration begins in the line: `job "a"`, and not the field `profile = "a"`. */
static bool declares(const char *at, const char *end)
{
    static const char *const words[] = {"job", "profile"};

    at = skip_blanks(at, end);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t length = strlen(words[i]);

        if ((size_t)(end - at) <= length || memcmp(at, words[i], length) != 0)
            continue;

        const char *behind = skip_blanks(at + length, end);

        if (behind < end && strchr("\"'([", *behind) != NULL)
            return true;
    }
    return false;
}

int config_find_line(struct config_mistakes *mistakes, int line, const char *name)
{
    size_t searched = 0;

    if (mistakes->starts == NULL)
        find_lines(mistakes);
    for (size_t i = (size_t)line; i >= 1 && i <= mistakes->line_count; i++) {
        const char *at = mistakes->source + mistakes->starts[i - 1];
        const char *end = i < mistakes->line_count
                              ? mistakes->source + mistakes->starts[i] - 1
                              : mistakes->source + mistakes->length;

        searched += (size_t)(end - at);
        if (searched > MOST_SEARCHED || (i > (size_t)line && declares(at, end)))
            break;
        if (sets(at, end, name))
            return (int)i;
    }
    return line;
}
