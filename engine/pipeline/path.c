/* engine/pipeline/path.c - the path of a request in one spelling. */
#include "pipeline/path.h"

#include <string.h>

#include "base/text.h"

/* Characters that mean something to those who read paths: encoded, some see them and some do
 * not. A "%" would be decoded twice by some, or begins an escape that is none. */
static bool is_unclear(char c)
{
    const unsigned char byte = (unsigned char)c;

    return byte < ' ' || byte == 0x7f || c == '/' || c == '\\' || c == '%' || c == '?' ||
           c == '#';
}

/* Appends a segment decoded; false when it is unclear. */
static bool decode(struct buffer *to, const char *segment, size_t length)
{
    const size_t start = to->length;

    buffer_append(to, segment, length);
    to->length = start + text_unescape(to->data + start);
    for (size_t i = start; i < to->length; i++) {
        if (is_unclear(to->data[i]))
            return false;
    }
    return true;
}

/* Some servers cut off spaces and dots at the ends, or see ".." before a semicolon. */
static bool is_plain(const char *segment, size_t length)
{
    return segment[0] != ' ' && segment[length - 1] != ' ' &&
           segment[length - 1] != '.' && strncmp(segment, "..", 2) != 0;
}

/* Takes the last segment off; false when there is none. */
static bool go_up(struct buffer *to)
{
    if (to->length == 0)
        return false;
    while (to->data[--to->length] != '/')
        continue;
    to->data[to->length] = '\0';
    return true;
}

/* Appends one segment of a path, or does what its dots say. */
static bool append_segment(struct buffer *to, const char *segment, size_t length)
{
    const size_t start = to->length;

    buffer_append_char(to, '/');
    if (!decode(to, segment, length))
        return false;

    const char *decoded = to->data + start + 1;

    if (strcmp(decoded, ".") != 0 && strcmp(decoded, "..") != 0)
        return is_plain(decoded, to->length - start - 1);

    const bool is_parent = decoded[1] == '.';

    to->data[to->length = start] = '\0';
    return !is_parent || go_up(to);
}

bool path_normalize(struct buffer *to, const char *path)
{
    const size_t end = strcspn(path, "?#");
    bool has_empty = false, has_parent = false;

    buffer_clear(to);
    buffer_append_string(to, "");
    for (size_t at = 0; at < end;) {
        const size_t start = at + (path[at] == '/' ? 1 : 0);
        const size_t length = strcspn(path + start, "/?#");
        const size_t before = to->length;

        at = start + length;
        if (length == 0) {
            has_empty = has_empty || at < end; /* but for a slash at the end */
            continue;
        }
        if (!append_segment(to, path + start, length))
            return false;
        has_parent = has_parent || to->length < before;
    }
    text_lower(to->data);
    return !(has_empty && has_parent) && text_is_utf8(to->data, to->length);
}

bool path_is_within(const char *path, const char *scope)
{
    const size_t length = strlen(scope);

    return strncmp(path, scope, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

const char *path_provider(const char *path, size_t *length)
{
    static const char mark[] = "/providers/";
    const char *last = NULL;

    for (const char *at = path; (at = strstr(at, mark)) != NULL; at++)
        last = at + sizeof mark - 1;
    if (last != NULL)
        *length = strcspn(last, "/");
    return last;
}
