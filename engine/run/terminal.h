/* engine/run/terminal.h - what a terminal can do, and how text lies on it.
 *
 * Text is UTF-8. Widths are in columns, as wcwidth() knows them, whatever locale the
 * program runs in. */
#ifndef MOONGATE_RUN_TERMINAL_H
#define MOONGATE_RUN_TERMINAL_H

#include <stdbool.h>

#include "base/buffer.h"

/* Whether a picture can be drawn on it: a terminal, and TERM does not say "dumb". */
bool terminal_can_draw(int fd);

/* Whether two descriptors lead to the same terminal. */
bool terminal_is_same(int fd, int other_fd);

/* False while the shell has put us in the background of this terminal. */
bool terminal_is_foreground(int fd);

/* False when NO_COLOR says something. */
bool terminal_wants_color(void);

/* Whether the environment's locale says UTF-8: drawings may go beyond ASCII. */
bool terminal_is_utf8(void);

/* Whether it is known that the terminal wraps its lines anew when its width changes. Others cut
 * them, and many do not tell. */
bool terminal_wraps_anew(void);

/* As it is now, so it is read for each drawing; 80 by 24 when the terminal does not say.
 */
struct terminal_size {
    int columns, rows;
};
struct terminal_size terminal_read_size(int fd);

/* The columns that text takes which one of the calls below has made fit to be shown. */
int terminal_width(const char *text);

/* Appends text with U+FFFD for each byte that is not UTF-8. */
void terminal_append_utf8(struct buffer *buffer, const char *text);

/* Appends a name: one line, control characters and those that turn the direction of
 * writing as Lua would escape them ("\n", "\x1b", "\u{202e}"). */
void terminal_append_visible(struct buffer *buffer, const char *text);

/* Appends the character that `text`, which is not at its end, begins with in the same way. Sets
 * the columns that it takes. Returns its bytes. */
size_t terminal_append_next(struct buffer *buffer, const char *text, int *columns);

/* The bytes of the colour (an SGR sequence) that `text` begins with, or 0. */
size_t terminal_color_length(const char *text);

/* Appends bytes as a literal of Lua, in one line: quotes, backslashes and bytes that are not
 * UTF-8 are escaped, too. */
void terminal_append_quoted(struct buffer *buffer, const char *text, size_t length);

/* As terminal_append_visible(), but line ends and tabs stay what they are. */
void terminal_append_lines(struct buffer *buffer, const char *text);

/* The same, but colours (SGR sequences) and the bell stay, too: what a script prints and
 * what cannot harm a picture below it. */
void terminal_append_output(struct buffer *buffer, const char *text);

/* The same without the colours. */
void terminal_append_uncolored(struct buffer *buffer, const char *text);

/* Append visible text cut to so many columns, with an ellipsis where something is
 * missing: in the middle, or at the end. */
void terminal_append_cut(struct buffer *buffer, const char *text, int columns);
void terminal_append_start(struct buffer *buffer, const char *text, int columns);

#endif
