/* engine/prompt/line_file.h - the file that keeps typed lines across sessions.
 *
 * Its first line says what it is; each further one is a text of the prompt, in which `\n`
 * stands for a line end and `\\` for a backslash. Several sessions may use it at once: each
 * appends its lines as they come, in one write, and none takes another's away. */
#ifndef MOONGATE_PROMPT_LINE_FILE_H
#define MOONGATE_PROMPT_LINE_FILE_H

struct line_file;

/* Gives `each` the newest `most` texts (borrowed for the call), oldest first. A file that holds
 * a quarter more than `most` is cut to them. One that is not there is made by the first
 * append, and so are its folders, for the owner only. One that cannot be read, or whose lines are
 * not what they should be, is said in the log and left alone: NULL then. */
struct line_file *line_file_open(const char *path, int most,
                                 void (*each)(void *context, const char *text),
                                 void *context);

/* Adds a text. When that fails the log says so, once, and the file is as it was. */
void line_file_append(struct line_file *file, const char *text);

/* Accepts NULL. */
void line_file_close(struct line_file *file);

#endif
