/* engine/base/failure.h - what the world refused, in one object.
 *
 * `code` is stable and for programs; `message` is for people. Codes that the service gives
 * are passed on as they are (`ResourceNotFound`); our own are: ConnectionFailed, Timeout,
 * ProtocolError, ResponseTooLarge, AuthenticationFailed, Canceled, AlreadyExists, NotFound,
 * Ambiguous, IOError, Interrupted, GuardRefused. No failure ever holds a secret. */
#ifndef MOONGATE_BASE_FAILURE_H
#define MOONGATE_BASE_FAILURE_H

#include <stdbool.h>

struct failure {
    char *code;       /* never NULL */
    char *message;    /* never NULL */
    char *target;     /* the resource id or URL it is about, or NULL */
    char *operation;  /* what was being done: "PUT workspace 'payments'", or NULL */
    char *request_id; /* the service's id of the request, for a support ticket, or NULL */
    char *cure;       /* what the reader can do about it, or NULL */
    int status;       /* HTTP status, 0 when there was no answer */
    bool retryable;   /* the same call may succeed later */
};

/* A new failure, owned by the caller. */
struct failure *failure_new(const char *code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy, owned by the caller. */
struct failure *failure_copy(const struct failure *failure);

/* Sets `cure`, replacing one that was there. Returns the failure. */
struct failure *failure_set_cure(struct failure *failure, const char *cure);

/* One line with all of it, owned by the caller. */
char *failure_describe(const struct failure *failure);

/* Accepts NULL. */
void failure_free(struct failure *failure);

#endif
