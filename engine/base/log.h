/* engine/base/log.h - lines for whoever runs the program, about the program.
 *
 * A line goes to stderr as "moongate: warning: ..." unless a sink was set: a session
 * sets one, so that lines do not tear its live picture. Never log a secret. */
#ifndef MOONGATE_BASE_LOG_H
#define MOONGATE_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };

/* "error", "warning", "info", "debug", ended by NULL. */
extern const char *const log_level_names[];

/* Lines less urgent than this are dropped; LOG_WARNING at first. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

/* Sends lines to `sink` with `context`; NULL goes back to stderr. */
typedef void log_sink(void *context, enum log_level level, const char *text);
void log_set_sink(log_sink *sink, void *context);

void log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
