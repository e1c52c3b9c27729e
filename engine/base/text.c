/* engine/base/text.c - questions about text. */
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

bool text_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

bool text_has_prefix_nocase(const char *text, const char *prefix)
{
    while (*prefix != '\0' && lower(*text) == lower(*prefix))
        text++, prefix++;
    return *prefix == '\0';
}

char *text_lower(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        *c = (char)lower(*c);
    return text;
}

enum { LONGEST_WORD = 64 };

/* Edits (insert, delete, replace, swap neighbours) between two words. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LONGEST_WORD + 1];

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *now = rows[i % 3], *last = rows[(i - 1) % 3];
        const size_t *before = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            size_t best = last[j - 1] + (same ? 0 : 1);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a_length % 3][b_length];
}

const char *text_nearest(const char *word, const char *const *names, size_t count)
{
    const size_t length = strlen(word);
    const char *nearest = NULL;
    size_t least = length / 3 + 1;

    if (length > LONGEST_WORD)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t name_length = strlen(names[i]);

        if (name_length > LONGEST_WORD)
            continue;
        const size_t edits = distance(word, length, names[i], name_length);

        if (edits < least || (edits == least && nearest == NULL)) {
            least = edits;
            nearest = names[i];
        }
    }
    return nearest;
}

/* The length of the UTF-8 sequence at `s`, or 0 when it is not one. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char mask, lead;
        unsigned least;
    } forms[] = {
        {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        if ((s[0] & forms[n].mask) != forms[n].lead)
            continue;
        if (n >= left)
            return 0;

        unsigned point = s[0] & (unsigned char)~forms[n].mask;

        for (size_t i = 1; i <= n; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (s[i] & 0x3f);
        }
        if (point < forms[n].least || point > 0x10ffff ||
            (point >= 0xd800 && point < 0xe000))
            return 0;
        return n + 1;
    }
    return 0;
}

bool text_is_utf8(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const size_t step = utf8_sequence((const unsigned char *)text + at, length - at);

        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

struct compiled {
    const char *expression;
    regex_t regex;
    struct compiled *next;
};

bool text_matches(const char *text, const char *expression)
{
    static struct compiled *all;
    struct compiled *entry = all;

    while (entry != NULL && strcmp(entry->expression, expression) != 0)
        entry = entry->next;
    if (entry == NULL) {
        entry = memory_new(sizeof *entry);
        entry->expression = expression;
        const int status = regcomp(&entry->regex, expression, REG_EXTENDED | REG_NOSUB);

        assert(status == 0);
        (void)status;
        entry->next = all;
        all = entry;
    }
    return regexec(&entry->regex, text, 0, NULL, 0) == 0;
}

void text_format_key(const char *text, char key[TEXT_KEY_SIZE])
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint64_t)lower(*text)) * 1099511628211u;
    snprintf(key, TEXT_KEY_SIZE, "%016" PRIx64, hash);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (lower(c) >= 'a' && lower(c) <= 'f')
        return lower(c) - 'a' + 10;
    return -1;
}

size_t text_unescape(char *text)
{
    char *to = text + strcspn(text, "%"); /* up to there it is as it shall be */

    for (const char *from = to; *from != '\0'; from++) {
        const int high = from[0] == '%' ? hex_value(from[1]) : -1;
        const int low = high >= 0 ? hex_value(from[2]) : -1;

        if (low >= 0) {
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}
