/* engine/sim/request_log.h - the latest requests to a world one by one, for those who want
 * to know what a client did. No bodies, no tokens; it is not kept in the state file. */
#ifndef MOONGATE_SIM_REQUEST_LOG_H
#define MOONGATE_SIM_REQUEST_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer;
struct buffer;
struct call;
struct logged;
struct world;

enum { REQUEST_LOG_LIMIT = 10000 };

/* A zeroed struct is an empty log. */
struct request_log {
    struct logged *entries; /* a ring, once it is full */
    size_t count, capacity;
    int64_t last; /* number of the latest request; the first one is 1 */
};

/* Notes a request with its answer. `fault` is a constant that says what struck it, or NULL;
 * the query is left out when it may hold a secret. */
void request_log_add(struct world *world, const struct call *call,
                     const struct answer *answer, const char *fault, bool with_query);

/* Appends up to `limit` of the requests behind number `since` as JSON, the oldest first. */
void request_log_describe(struct world *world, struct buffer *to, int64_t since,
                          int64_t limit);

/* Forgets them all; numbers begin anew. */
void request_log_clear(struct request_log *log);

#endif
