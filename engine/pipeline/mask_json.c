/* engine/pipeline/mask_json.c - JSON without its secrets, read from the front as far as it is shown.
 *
 * No tree is built: a list of a thousand resources is read no further than its first few. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "pipeline/mask_parts.h"

enum { DEEPEST = 64, INDENT = 2, LONGEST_NAME = 256 };

/* One object or list that is open. */
struct level {
    const char *key; /* of the member, borrowed from the text; NULL in lists */
    size_t key_length;
    bool is_object;
    bool is_hidden; /* all texts in it are secrets */
};

struct scan {
    const struct mask *mask;
    const struct kind *kind;
    struct buffer *to;
    size_t stop; /* length of `to` at which it ends */
    const char *at, *end;
    struct level levels[DEEPEST];
    int depth;
    bool wants_key;
};

/* --- which members are secrets ------------------------------------------------------------- */

static bool ends_with(const char *text, size_t length, const char *end)
{
    const size_t size = strlen(end);

    return size <= length && strcmp(text + length - size, end) == 0;
}

/* By its name alone, whatever it belongs to. */
static bool is_secret_name(const char *name, size_t length)
{
    static const char *const parts[] = {"assertion", "connectionstring", "passphrase",
                                        "password",  "privatekey",       "secret",
                                        "signature"};
    static const char *const ends[] = {"key", "keys", "token", "tokens", "sas", "pwd"};
    static const char *const harmless[] = {"id",  "identifier", "name",
                                           "uri", "url",        "skiptoken"};
    char lower[LONGEST_NAME + 1];

    if (length > LONGEST_NAME || memchr(name, '\\', length) != NULL)
        return true; /* nobody writes names with escapes but to hide them */
    memcpy(lower, name, length);
    lower[length] = '\0';
    text_lower(lower);
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (ends_with(lower, length, harmless[i]))
            return false;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(lower, parts[i]) != NULL)
            return true;
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends_with(lower, length, ends[i]))
            return true;
    }
    return false;
}

/* Whether the members that are open end in this path, lists left out. */
static bool is_at(const struct scan *scan, const char *path)
{
    const char *end = path + strlen(path);

    for (int i = scan->depth - 1; end > path; i--) {
        const char *part = end;

        while (i >= 0 && !scan->levels[i].is_object)
            i--;
        while (part > path && part[-1] != '.')
            part--;
        if (i < 0 || scan->levels[i].key_length != (size_t)(end - part) ||
            strncasecmp(scan->levels[i].key, part, (size_t)(end - part)) != 0)
            return false;
        end = part > path ? part - 1 : path;
    }
    return true;
}

static bool is_secret_path(const struct scan *scan)
{
    for (size_t i = 0; i < scan->mask->secret_count; i++) {
        const struct mask_secret *secret = &scan->mask->secrets[i];

        if (is_at(scan, secret->path) &&
            (scan->kind == NULL ||
             text_equal_nocase(scan->kind->arm_type, secret->kind->arm_type)))
            return true;
    }
    return false;
}

/* Whether the value that comes next is a secret, if it is a text or has texts in it. */
static bool is_secret(const struct scan *scan)
{
    const struct level *level = scan->depth > 0 ? &scan->levels[scan->depth - 1] : NULL;

    if (level == NULL || level->is_hidden || !level->is_object)
        return level != NULL && level->is_hidden;
    return level->key == NULL || is_secret_name(level->key, level->key_length) ||
           is_secret_path(scan);
}

/* What actions such as generateToken answer: {"value": "..."}; lists have a list there. */
static bool is_plain_value(const struct scan *scan)
{
    const struct level *level = scan->levels;

    return scan->depth == 1 && level->key != NULL && level->key_length == 5 &&
           memcmp(level->key, "value", 5) == 0;
}

/* --- reading ------------------------------------------------------------------------------- */

static size_t room(const struct scan *scan)
{
    return scan->to->length < scan->stop ? scan->stop - scan->to->length : 0;
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL)
        scan->at++;
}

static void begin_line(struct scan *scan)
{
    buffer_printf(scan->to, "\n%*s", scan->depth * INDENT, "");
}

static void open_level(struct scan *scan)
{
    const bool is_hidden = is_secret(scan), is_object = *scan->at == '{';

    buffer_append_char(scan->to, *scan->at++);
    scan->levels[scan->depth++] =
        (struct level){.is_object = is_object, .is_hidden = is_hidden};
    scan->wants_key = is_object;
    skip_blanks(scan);
    if (scan->at < scan->end && *scan->at != '}' && *scan->at != ']')
        begin_line(scan);
}

static void close_level(struct scan *scan, bool is_empty)
{
    if (scan->depth > 0)
        scan->depth--;
    if (!is_empty)
        begin_line(scan);
    buffer_append_char(scan->to, *scan->at++);
    scan->wants_key = false;
}

/* Appends as much of the text as there is room for. */
static void append_some(struct scan *scan, const char *text, size_t length)
{
    const size_t limit = room(scan);

    mask_append_text(scan->mask, scan->to, text, length, limit);
    if (length > limit)
        scan->stop = 0; /* the rest has no place either */
}

static void read_string(struct scan *scan)
{
    const char *text = ++scan->at;

    while (scan->at < scan->end && *scan->at != '"')
        scan->at += *scan->at == '\\' && scan->at + 1 < scan->end ? 2 : 1;

    const size_t length = (size_t)(scan->at - text);
    const bool is_key = scan->wants_key && scan->depth > 0;

    if (is_key) {
        scan->levels[scan->depth - 1].key = text;
        scan->levels[scan->depth - 1].key_length = length;
    }
    buffer_append_char(scan->to, '"');
    if (!is_key && (is_secret(scan) || is_plain_value(scan)))
        buffer_append_string(scan->to, mask_hidden);
    else
        append_some(scan, text, length);
    if (scan->at < scan->end && scan->stop > 0) {
        buffer_append_char(scan->to, '"');
        scan->at++;
    }
    scan->wants_key = false;
}

/* A number, true, false, null - or what should not be there. */
static void read_word(struct scan *scan)
{
    const char *word = scan->at;

    while (scan->at < scan->end && strchr(" \t\r\n,:{}[]\"", *scan->at) == NULL)
        scan->at++;
    append_some(scan, word, (size_t)(scan->at - word));
}

static void read_next(struct scan *scan, bool *was_opened)
{
    const bool is_empty = *was_opened;

    *was_opened = false;
    switch (*scan->at) {
    case '{':
    case '[':
        if (scan->depth == DEEPEST) {
            scan->stop = 0;
            break;
        }
        open_level(scan);
        *was_opened = true;
        break;
    case '}':
    case ']':
        close_level(scan, is_empty);
        break;
    case ',':
        buffer_append_char(scan->to, *scan->at++);
        begin_line(scan);
        scan->wants_key = scan->depth > 0 && scan->levels[scan->depth - 1].is_object;
        break;
    case ':':
        buffer_append_string(scan->to, ": ");
        scan->at++;
        scan->wants_key = false;
        break;
    case '"':
        read_string(scan);
        break;
    default:
        read_word(scan);
        break;
    }
}

size_t mask_append_json(const struct mask *mask, struct buffer *to,
                        const struct kind *kind, const char *text, size_t length,
                        size_t limit)
{
    struct scan scan = {.mask = mask,
                        .kind = kind,
                        .to = to,
                        .stop = to->length + limit,
                        .at = text,
                        .end = text + length};
    bool was_opened = false;

    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        scan.at += 3; /* a byte order mark */
    for (skip_blanks(&scan); scan.at < scan.end && room(&scan) > 0; skip_blanks(&scan))
        read_next(&scan, &was_opened);
    return scan.stop > 0 ? (size_t)(scan.at - text) : 0;
}
