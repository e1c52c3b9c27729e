/* engine/run/history.h - how long operations took before, and what that says of those under way.
 *
 * The store keeps one line in a log for each operation that ended well after more
 * than a minute: of all runs, so several processes may append to it. It is read when somebody
 * asks for the first time, and the last MiB of it only. Times are on the run's clock; what the
 * simulator takes is another log than what Azure takes. Without a store nothing is known, and
 * nothing kept.
 *
 * A store that refuses is no reason for a run to fail: it is logged, once. */
#ifndef MOONGATE_RUN_HISTORY_H
#define MOONGATE_RUN_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "run/event.h"

struct history;
struct loop;
struct store;

/* What operations have in common that take about as long. Strings are borrowed for the call. */
struct history_key {
    const char *kind;   /* "gateway" */
    const char *verb;   /* "create", "update", "delete" */
    const char *region; /* "westeurope", "West Europe"; NULL when it has none */
    int units;          /* 0 when it has none */
};

/* `loop`, `store` (or NULL) and the log's name are borrowed. */
struct history *history_new(struct loop *loop, struct store *store, const char *name);

/* Nothing may be under way: history_drain() first. Accepts NULL. */
void history_free(struct history *history);

/* What those say that are like it and took longer than `age_ms`: of the same kind, verb, region
 * and units; when there are fewer than five, whatever the units; then whatever the region. False
 * when nothing can be said (yet): it is still being read; or the operation is not a minute old,
 * and nobody kept what ended sooner; or it has outlasted all that are known, which are so few that
 * this is nothing unusual.
 * `samples` is 0 when none like it was ever seen. */
bool history_forecast(struct history *history, const struct history_key *key,
                      int64_t age_ms, struct forecast *forecast);

/* An operation has ended well, at `wall_ms`. What took a minute or less is not kept. */
void history_add(struct history *history, const struct history_key *key,
                 int64_t duration_ms, int64_t wall_ms);

/* Calls `drained` (maybe at once) when all that was added is in the store or refused by it.
 * Nothing may be added or asked from now on. */
void history_drain(struct history *history, void (*drained)(void *context),
                   void *context);

#endif
