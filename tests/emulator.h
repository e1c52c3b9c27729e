/* tests/emulator.h - a terminal's screen, fed with the bytes of a program.
 *
 * Knows what moongate may send: UTF-8 with wide and combining characters, the controls
 * CR, LF, BS, TAB and BEL, moving and erasing (CSI A B C D G H J K d), SGR colours, the
 * modes 7, 25, 1049, 2004 and 2026, saving the cursor (ESC 7, ESC 8) and asking where it
 * is (CSI 6n). Whatever else comes, or is not UTF-8, is put down in `complaints`. */
#ifndef MOONGATE_TESTS_EMULATOR_H
#define MOONGATE_TESTS_EMULATOR_H

#include <locale.h>
#include <wchar.h>

#include "emulator_screen.h"

enum { EMULATOR_NUMBERS = 16 }; /* the most in one sequence */

static inline size_t emulator_char_length(unsigned char lead)
{
    return lead < 0x80   ? 1
           : lead < 0xc2 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf5 ? 4
                         : 0;
}

/* The columns of a character of UTF-8, -1 for a control character or what is not one. */
static inline int emulator_width(const char *text)
{
    static locale_t utf8;
    mbstate_t state = {0};
    wchar_t code;

    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

    const locale_t before = uselocale(utf8);
    const size_t length = mbrtowc(&code, text, strlen(text), &state);
    const int width = length == strlen(text) ? wcwidth(code) : -1;

    uselocale(before);
    return width;
}

static inline void emulator_take_char(struct emulator *e, const char *text)
{
    const int width = emulator_width(text);

    if (width >= 0) {
        emulator_put(e, text, width);
        return;
    }

    struct buffer what = {0};

    buffer_append_string(&what, "not a character that can be shown:");
    for (; *text != '\0'; text++)
        buffer_printf(&what, " %02x", (unsigned)(unsigned char)*text);
    emulator_complain(e, what.data);
    buffer_deinit(&what);
}

/* --- sequences
 * ---------------------------------------------------------------------------- */

static inline void emulator_set_alternate(struct emulator *e, bool is_on)
{
    if (is_on == e->is_alternate)
        return;
    e->is_alternate = is_on;
    if (is_on) {
        e->saved_row = e->row;
        e->saved_column = e->column;
    } else {
        emulator_move(e, e->saved_row, e->saved_column);
    }
    for (int i = 0; i < EMULATOR_ROWS; i++) {
        struct emulator_row *line = e->main_lines[i];

        e->main_lines[i] = e->lines[i];
        e->lines[i] = line != NULL ? line : memory_new(sizeof *line);
    }
    if (is_on)
        emulator_erase_in_screen(e, 2);
}

static inline void emulator_set_mode(struct emulator *e, int mode, bool is_on)
{
    switch (mode) {
    case 7:
        e->is_wrapping_off = !is_on;
        break;
    case 25:
        e->is_cursor_hidden = !is_on;
        break;
    case 1049:
        emulator_set_alternate(e, is_on);
        break;
    case 2004:
        e->is_pasting_bracketed = is_on;
        break;
    case 2026:
        if (is_on && e->is_in_frame)
            emulator_complain(e, "frames do not nest");
        e->is_in_frame = is_on;
        e->frames += is_on;
        break;
    default:
        emulator_complain(e, "an unknown mode");
    }
}

/* The colour that begins at numbers[i] (38 or 48); returns the last index it takes. */
static inline int emulator_take_color(const int *numbers, int count, int i,
                                      uint32_t *color)
{
    if (i + 2 < count && numbers[i + 1] == 5) {
        *color = (uint32_t)(numbers[i + 2] & 255) + 1;
        return i + 2;
    }
    if (i + 4 < count && numbers[i + 1] == 2) {
        *color = 1u << 24 | (uint32_t)(numbers[i + 2] & 255) << 16 |
                 (uint32_t)(numbers[i + 3] & 255) << 8 | (uint32_t)(numbers[i + 4] & 255);
        return i + 4;
    }
    return count;
}

/* SGR 0 to 29, but colours. */
static inline void emulator_set_flags(struct emulator *e, int number)
{
    static const struct {
        int number;
        uint32_t set, reset;
    } flags[] = {{0, 0, ~0u},
                 {1, EMULATOR_BOLD, 0},
                 {2, EMULATOR_DIM, 0},
                 {3, EMULATOR_ITALIC, 0},
                 {4, EMULATOR_UNDERLINE, 0},
                 {7, EMULATOR_INVERSE, 0},
                 {22, 0, EMULATOR_BOLD | EMULATOR_DIM},
                 {23, 0, EMULATOR_ITALIC},
                 {24, 0, EMULATOR_UNDERLINE},
                 {27, 0, EMULATOR_INVERSE}};

    if (number == 0)
        e->style = (struct emulator_style){0};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (flags[i].number == number) {
            e->style.flags = (e->style.flags & ~flags[i].reset) | flags[i].set;
            return;
        }
    }
    emulator_complain(e, "an unknown SGR");
}

static inline void emulator_set_style(struct emulator *e, const int *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        const int n = numbers[i];
        const bool is_background = (n >= 40 && n <= 49) || (n >= 100 && n <= 107);
        uint32_t *color = is_background ? &e->style.background : &e->style.foreground;

        if (n == 38 || n == 48)
            i = emulator_take_color(numbers, count, i, color);
        else if (n == 39 || n == 49)
            *color = 0;
        else if ((n >= 30 && n <= 37) || (n >= 40 && n <= 47))
            *color = (uint32_t)(n % 10) + 1;
        else if ((n >= 90 && n <= 97) || (n >= 100 && n <= 107))
            *color = (uint32_t)(n % 10) + 9;
        else
            emulator_set_flags(e, n);
    }
}

static inline void emulator_obey(struct emulator *e, char final, const int *numbers,
                                 int count)
{
    const int first = numbers[0];
    const int steps = first > 0 ? first : 1;

    switch (final) {
    case 'A':
        emulator_move(e, e->row - steps, e->column);
        break;
    case 'B':
        emulator_move(e, e->row + steps, e->column);
        break;
    case 'C':
        emulator_move(e, e->row, e->column + steps);
        break;
    case 'D':
        emulator_step_back(e, steps);
        break;
    case 'G':
        emulator_move(e, e->row, steps - 1);
        break;
    case 'd':
        emulator_move(e, steps - 1, e->column);
        break;
    case 'H':
        emulator_move(e, steps - 1, (count > 1 && numbers[1] > 0 ? numbers[1] : 1) - 1);
        break;
    case 'J':
        emulator_erase_in_screen(e, first);
        break;
    case 'K':
        emulator_erase_in_line(e, first);
        break;
    case 'm':
        emulator_set_style(e, numbers, count);
        break;
    case 'n':
        if (first == 6)
            buffer_printf(&e->answers, "\x1b[%d;%dR", e->row + 1, e->column + 1);
        else
            emulator_complain(e, "an unknown CSI n");
        break;
    default:
        emulator_complain(e, "an unknown control sequence");
    }
}

/* A whole control sequence, its ESC [ included. */
static inline void emulator_take_sequence(struct emulator *e, const char *text)
{
    int numbers[EMULATOR_NUMBERS] = {0};
    const bool is_private = text[2] == '?';
    const char final = text[strlen(text) - 1];
    int count = 0;

    for (const char *at = text + 2 + is_private; count < EMULATOR_NUMBERS; at++) {
        char *end;

        numbers[count++] = (int)strtol(at, &end, 10);
        at = end;
        if (*at != ';')
            break;
    }
    if (!is_private)
        emulator_obey(e, final, numbers, count);
    else if (final != 'h' && final != 'l')
        emulator_complain(e, "an unknown private control sequence");
    else
        for (int i = 0; i < count; i++)
            emulator_set_mode(e, numbers[i], final == 'h');
}

/* ESC and one character. */
static inline void emulator_take_escape(struct emulator *e, char c)
{
    if (c == '7') {
        e->saved_row = e->row;
        e->saved_column = e->column;
    } else if (c == '8') {
        emulator_move(e, e->saved_row, e->saved_column);
    } else {
        emulator_complain(e, "an unknown escape sequence");
    }
}

static inline void emulator_take_control(struct emulator *e, char c)
{
    if (c == '\r') {
        emulator_move(e, e->row, 0);
    } else if (c == '\n') {
        e->is_wrap_pending = false;
        emulator_feed_line(e);
    } else if (c == '\b') {
        emulator_step_back(e, 1);
    } else if (c == '\t') {
        emulator_move(e, e->row, (e->column / 8 + 1) * 8);
    } else if (c == '\a') {
        e->bells++;
    } else {
        char *what = memory_format("an unknown control character: %02x", (unsigned)c);

        emulator_complain(e, what);
        free(what);
    }
}

/* What is pending, as far as it came, is it whole? Then it is taken in. */
static inline bool emulator_take_pending(struct emulator *e)
{
    const char *text = e->pending.data;
    const size_t length = e->pending.length;
    const unsigned char lead = (unsigned char)text[0],
                        last = (unsigned char)text[length - 1];

    if (lead == 0x1b) {
        if (length == 1 || (length == 2 && last == '['))
            return false;
        if (text[1] != '[')
            emulator_take_escape(e, text[1]);
        else if (last < 0x40 || last > 0x7e)
            return false;
        else
            emulator_take_sequence(e, text);
    } else if (lead < 0x20 || lead == 0x7f) {
        emulator_take_control(e, text[0]);
    } else if (emulator_char_length(lead) > length) {
        return false;
    } else {
        emulator_take_char(e, text);
    }
    return true;
}

/* Takes in what the program wrote, in pieces of any size. */
static inline void emulator_feed(struct emulator *e, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\0') {
            emulator_complain(e, "an unknown control character: 00");
            continue;
        }
        buffer_append_char(&e->pending, bytes[i]);
        if (emulator_take_pending(e))
            buffer_clear(&e->pending);
    }
}

#endif
