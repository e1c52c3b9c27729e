/* engine/prompt/line_history.h - the lines of this session and of those before.
 *
 * In memory they are libedit's history, which its own commands walk, too. */
#ifndef MOONGATE_PROMPT_LINE_HISTORY_H
#define MOONGATE_PROMPT_LINE_HISTORY_H

#include <histedit.h>
#include <stddef.h>
#include <wchar.h>

struct line_history;

/* Reads the newest `most` lines of the file (prompt/line_file.h), which may be NULL. What is
 * wrong with the file is said in the log, and the lines of this session are kept in memory only.
 * NULL when there is no memory. */
struct line_history *line_history_open(const char *file, int most);

/* Accepts NULL. */
void line_history_close(struct line_history *history);

/* What libedit's EL_HIST wants. Borrowed. */
HistoryW *line_history_handle(struct line_history *history);

/* Adds a line, in the file as well, unless it is the same as the newest. Lines that begin with a
 * blank or seem to hold a secret are not kept at all. */
void line_history_add(struct line_history *history, const char *text);

/* The line at a place (1 is the newest), or NULL. Borrowed until the history changes. */
const wchar_t *line_history_get(struct line_history *history, int place);

/* Those next to the one got last, or NULL. */
const wchar_t *line_history_older(struct line_history *history);
const wchar_t *line_history_newer(struct line_history *history);

/* Characters of the longest one. */
size_t line_history_longest(const struct line_history *history);

#endif
