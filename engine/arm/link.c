/* engine/arm/link.c - the Link header field: <target>; name=value; name="value", <target> ... */
#include "arm/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* Whether one of the words (RFC 8288, 3.3) is "next". */
static bool says_next(const char *words, size_t length)
{
    char *text = memory_copy_text(words, length);
    bool found = false;

    for (char *word = text; *word != '\0' && !found;) {
        const size_t size = strcspn(word, " \t");
        const bool is_last = word[size] == '\0';

        word[size] = '\0';
        found = text_equal_nocase(word, "next");
        word += is_last ? size : size + 1;
    }
    free(text);
    return found;
}

/* Behind the value that begins at `at`, its text in `*value`; quoted or a token. */
static const char *read_value(const char *at, const char **value, size_t *length)
{
    if (*at != '"') {
        *value = at;
        *length = strcspn(at, ";, \t");
        return at + *length;
    }
    *value = ++at;
    while (*at != '\0' && *at != '"')
        at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
    *length = (size_t)(at - *value);
    return *at == '"' ? at + 1 : at;
}

/* Reads the parameters of a link; `*is_next` says whether they call it so. Returns where they
 * end: at a comma, or at the end of the field. */
static const char *read_parameters(const char *at, bool *is_next)
{
    bool has_relation = false; /* only the first `rel` counts */

    *is_next = false;
    for (at = skip_space(at); *at == ';'; at = skip_space(at)) {
        const char *name = skip_space(at + 1), *value = "";
        const size_t name_length = strcspn(name, "=;, \t");
        size_t length = 0;

        at = skip_space(name + name_length);
        if (*at == '=')
            at = read_value(skip_space(at + 1), &value, &length);
        if (name_length == 3 && text_has_prefix_nocase(name, "rel") && !has_relation) {
            has_relation = true;
            *is_next = says_next(value, length);
        }
    }
    return at + strcspn(at, ",");
}

char *link_find_next(const char *field)
{
    const char *at = skip_space(field);

    while (*at == '<') {
        const char *target = at + 1;
        const size_t length = strcspn(target, ">");
        bool is_next;

        if (target[length] != '>')
            return NULL;
        at = read_parameters(target + length + 1, &is_next);
        if (is_next)
            return memory_copy_text(target, length);
        at += strspn(at, ", \t");
    }
    return NULL;
}
