/* engine/sim/etag.c - entity tags in conditional requests. */
#include "sim/etag.h"

#include <string.h>

/* A tag without "W/" and quotes. */
struct opaque {
    const char *text;
    size_t length;
};

static struct opaque strip(const char *text, size_t length)
{
    if (length >= 2 && text[0] == 'W' && text[1] == '/')
        text += 2, length -= 2;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"')
        text++, length -= 2;
    return (struct opaque){text, length};
}

/* The length of the member at the start of a list: up to a comma outside quotes. */
static size_t member_length(const char *list)
{
    bool is_quoted = false;
    size_t length = 0;

    for (; list[length] != '\0' && (is_quoted || list[length] != ','); length++)
        is_quoted = is_quoted != (list[length] == '"');
    return length;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

bool etag_matches(const char *list, const char *etag)
{
    const struct opaque wanted = strip(etag, strlen(etag));

    while (*list != '\0') {
        const size_t whole = member_length(list);
        size_t length = whole;
        const char *start = list;

        while (length > 0 && is_space(*start))
            start++, length--;
        while (length > 0 && is_space(start[length - 1]))
            length--;

        const struct opaque one = strip(start, length);

        if (length == 1 && *start == '*')
            return true;
        if (length > 0 && one.length == wanted.length &&
            memcmp(one.text, wanted.text, one.length) == 0)
            return true;
        list += whole + (list[whole] == ',');
    }
    return false;
}
