/* engine/run/terminal.c - what a terminal can do, and how text lies on it. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* wcwidth() is an X/Open function */
#endif

#include "run/terminal.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"

enum { DEFAULT_COLUMNS = 80, DEFAULT_ROWS = 24 };

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

bool terminal_can_draw(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

bool terminal_is_same(int fd, int other_fd)
{
    struct stat a, b;

    return isatty(fd) && isatty(other_fd) && fstat(fd, &a) == 0 &&
           fstat(other_fd, &b) == 0 && a.st_rdev == b.st_rdev;
}

bool terminal_is_foreground(int fd)
{
    const pid_t group = tcgetpgrp(fd);

    return group == -1 || group == getpgrp(); /* -1: it is not our controlling terminal */
}

bool terminal_wants_color(void)
{
    const char *no_color = getenv("NO_COLOR");

    return no_color == NULL || *no_color == '\0';
}

bool terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value == NULL || *value == '\0')
            continue;
        /* by its name: machines often lack the locale that the terminal asks for */
        for (; *value != '\0'; value++) {
            if (text_has_prefix_nocase(value, "utf-8") ||
                text_has_prefix_nocase(value, "utf8"))
                return true;
        }
        return false;
    }
    return false;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0';
}

bool terminal_wraps_anew(void)
{
    /* the innermost tells: variables of those outside are inherited */
    static const char *const names[] = {
        "VTE_VERSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID",       "ALACRITTY_WINDOW_ID",
        "WT_SESSION",  "WEZTERM_PANE",    "GHOSTTY_RESOURCES_DIR", "ITERM_SESSION_ID"};

    if (is_set("TMUX"))
        return true;
    if (is_set("STY") || is_set("XTERM_VERSION"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_set(names[i]))
            return true;
    }
    return false;
}

struct terminal_size terminal_read_size(int fd)
{
    struct winsize size = {0};

    if (ioctl(fd, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    return (struct terminal_size){.columns =
                                      size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS,
                                  .rows = size.ws_row > 0 ? size.ws_row : DEFAULT_ROWS};
}

/* Reads the character at `text`, which is not at its end. Returns how many bytes it has,
 * or 0 when they are not UTF-8 (RFC 3629). */
static size_t decode(const char *text, uint32_t *code)
{
    static const struct form {
        unsigned char mask, lead;
        size_t length;
        uint32_t first; /* the lowest that needs this form */
    } forms[] = {{0x80, 0x00, 1, 0},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};
    const unsigned char lead = (unsigned char)*text;

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct form *form = &forms[i];
        uint32_t value = lead & (unsigned char)~form->mask;

        if ((lead & form->mask) != form->lead)
            continue;
        for (size_t k = 1; k < form->length; k++) {
            const unsigned char next = (unsigned char)text[k];

            if ((next & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (next & 0x3f);
        }
        if (value < form->first || value > 0x10ffff ||
            (value >= 0xd800 && value < 0xe000))
            return 0;
        *code = value;
        return form->length;
    }
    return 0;
}

/* Asked in a locale of our own, because the program's may be "C", where wcwidth() knows
 * ASCII only. What it does not know counts as two: cut too early is better than wrapped.
 */
static int char_width(uint32_t code)
{
    static locale_t utf8;
    static bool is_tried;

    if (code < 0x80)
        return 1;
    if (!is_tried) {
        is_tried = true;
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        if (utf8 == (locale_t)0)
            utf8 = newlocale(LC_CTYPE_MASK, "en_US.UTF-8", (locale_t)0);
    }
    if (utf8 == (locale_t)0)
        return code < 0x300 ? 1 : 2;

    const locale_t before = uselocale(utf8);
    const int width = wcwidth((wchar_t)code);

    uselocale(before);
    return width >= 0 ? width : 2;
}

/* The width of the character at `text`, and its bytes. */
static int measure(const char *text, size_t *length)
{
    uint32_t code;

    *length = decode(text, &code);
    if (*length > 0)
        return char_width(code);
    *length = 1;
    return 1;
}

int terminal_width(const char *text)
{
    int width = 0;

    for (size_t length; *text != '\0'; text += length)
        width += measure(text, &length);
    return width;
}

static bool turns_direction(uint32_t code)
{
    return code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void append_char(struct buffer *buffer, const char *text, size_t length,
                        uint32_t code)
{
    if (code == '\n' || code == '\r' || code == '\t')
        buffer_append_string(buffer, code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t");
    else if (code < 0x20 || code == 0x7f)
        buffer_printf(buffer, "\\x%02x", (unsigned)code);
    else if ((code >= 0x80 && code < 0xa0) || turns_direction(code))
        buffer_printf(buffer, "\\u{%x}", (unsigned)code);
    else
        buffer_append(buffer, text, length);
}

size_t terminal_color_length(const char *text)
{
    if (text[0] != '\x1b' || text[1] != '[')
        return 0;

    const size_t length = 2 + strspn(text + 2, "0123456789;:");

    return text[length] == 'm' ? length + 1 : 0;
}

enum colors { COLORS_SHOWN, COLORS_KEPT, COLORS_DROPPED };

/* Appends text in which the control characters in `kept` stay, and perhaps colours. */
static void append_clean(struct buffer *buffer, const char *text, const char *kept,
                         enum colors colors)
{
    while (*text != '\0') {
        uint32_t code;
        size_t length;

        if (colors != COLORS_SHOWN && (length = terminal_color_length(text)) > 0) {
            if (colors == COLORS_KEPT)
                buffer_append(buffer, text, length);
        } else if ((length = decode(text, &code)) == 0) {
            buffer_append_string(buffer, REPLACEMENT);
            length = 1;
        } else if (code < 0x80 && strchr(kept, (int)code) != NULL) {
            buffer_append_char(buffer, (char)code);
        } else if (!(code == '\r' && text[1] == '\n' && *kept != '\0')) {
            append_char(buffer, text, length, code);
        }
        text += length;
    }
}

void terminal_append_utf8(struct buffer *buffer, const char *text)
{
    while (*text != '\0') {
        uint32_t code;
        const size_t length = decode(text, &code);

        if (length == 0)
            buffer_append_string(buffer, REPLACEMENT);
        else
            buffer_append(buffer, text, length);
        text += length > 0 ? length : 1;
    }
}

void terminal_append_visible(struct buffer *buffer, const char *text)
{
    append_clean(buffer, text, "", COLORS_SHOWN);
}

void terminal_append_quoted(struct buffer *buffer, const char *text, size_t length)
{
    buffer_append_char(buffer, '"');
    for (const char *const end = text + length; text < end;) {
        uint32_t code;
        const size_t bytes = decode(text, &code);

        if (*text == '"' || *text == '\\')
            buffer_printf(buffer, "\\%c", *text);
        else if (bytes == 0)
            buffer_printf(buffer, "\\x%02x", (unsigned char)*text);
        else
            append_char(buffer, text, bytes, code);
        text += bytes > 0 ? bytes : 1;
    }
    buffer_append_char(buffer, '"');
}

void terminal_append_lines(struct buffer *buffer, const char *text)
{
    append_clean(buffer, text, "\n\t", COLORS_SHOWN);
}

void terminal_append_output(struct buffer *buffer, const char *text)
{
    append_clean(buffer, text, "\n\t\a", COLORS_KEPT);
}

size_t terminal_append_next(struct buffer *buffer, const char *text, int *columns)
{
    const size_t start = buffer->length;
    uint32_t code;
    const size_t length = decode(text, &code);

    if (length == 0)
        buffer_append_string(buffer, REPLACEMENT);
    else
        append_char(buffer, text, length, code);
    *columns = terminal_width(buffer->data + start);
    return length > 0 ? length : 1;
}

void terminal_append_uncolored(struct buffer *buffer, const char *text)
{
    append_clean(buffer, text, "\n\t\a", COLORS_DROPPED);
}

/* How many bytes at the start of `text` take at most `columns`. */
static size_t head_length(const char *text, int columns)
{
    size_t at = 0, length;

    for (; text[at] != '\0'; at += length) {
        columns -= measure(text + at, &length);
        if (columns < 0)
            break;
    }
    return at;
}

/* Where the part begins that takes at most `columns` at the end of `text`. */
static const char *tail(const char *text, int columns)
{
    int surplus = terminal_width(text) - columns;

    while (*text != '\0') {
        size_t length;
        const int width = measure(text, &length);

        if (surplus <= 0 && width > 0)
            break; /* a mark without width belongs to what was cut off before it */
        surplus -= width;
        text += length;
    }
    return text;
}

static const char *ellipsis(void)
{
    return terminal_is_utf8() ? "\u2026" : "...";
}

/* Keeps `tail_columns` of the end, the rest of the room for the start. */
static void append_cut(struct buffer *buffer, const char *text, int columns,
                       int tail_columns)
{
    if (terminal_width(text) <= columns) {
        buffer_append_string(buffer, text);
        return;
    }

    const int room = columns - terminal_width(ellipsis());

    if (room < 1) {
        buffer_append(buffer, text, head_length(text, columns));
        return;
    }
    buffer_append(buffer, text, head_length(text, room - tail_columns));
    buffer_append_string(buffer, ellipsis());
    if (tail_columns > 0)
        buffer_append_string(buffer, tail(text, tail_columns));
}

void terminal_append_cut(struct buffer *buffer, const char *text, int columns)
{
    const int room = columns - terminal_width(ellipsis());

    append_cut(buffer, text, columns, room > 0 ? room / 2 : 0);
}

void terminal_append_start(struct buffer *buffer, const char *text, int columns)
{
    append_cut(buffer, text, columns, 0);
}
