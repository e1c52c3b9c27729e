/* engine/run/face_prompt_echo.h - what is typed, on a terminal that cannot draw.
 *
 * No escape sequences: what the text grows by is written behind it, what is taken from its end is
 * taken back; whatever else becomes of it has it written whole again on a new line. */
#ifndef MOONGATE_RUN_FACE_PROMPT_ECHO_H
#define MOONGATE_RUN_FACE_PROMPT_ECHO_H

#include <stdbool.h>

#include "base/buffer.h"
#include "run/face_prompt.h"

struct echo;
struct loop;

struct echo *echo_new(struct loop *loop, int fd);
void echo_free(struct echo *echo);

/* Where text that is said is appended; echo_request() writes it. Borrowed. */
struct buffer *echo_said(struct echo *echo);

/* Writes what was said; what is being typed follows soon, so that a burst is not torn. */
void echo_request(struct echo *echo);

void echo_show(struct echo *echo, const struct face_prompt_view *view);

/* Nothing is typed any more: what stands there gets `ending` ("" or "^C") and its line end. */
void echo_settle(struct echo *echo, const char *ending);

void echo_suspend(struct echo *echo);
void echo_resume(struct echo *echo);

#endif
