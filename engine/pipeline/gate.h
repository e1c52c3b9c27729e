/* engine/pipeline/gate.h - a place where requests wait until they may go on.
 *
 * A gate counts tokens (a bucket that a service keeps) or how many are inside at once. Calls
 * go first and polls use what they leave; a poll that has waited for a minute takes turns
 * with the calls. Within a rank it is first come, first served. All of it costs the same
 * however many wait. */
#ifndef MOONGATE_PIPELINE_GATE_H
#define MOONGATE_PIPELINE_GATE_H

#include <stdbool.h>

#include "base/list.h"
#include "net/loop.h"
#include "pipeline/bucket.h"
#include "pipeline/exchange.h"

struct gate {
    struct loop *loop;
    void *owner;
    void (*passed)(struct gate *gate,
                   struct exchange *exchange); /* it waited, and may go */
    void (*idle)(struct gate *gate); /* nobody is in it or waits; may free it. Or NULL */

    unsigned slots, inside; /* at most `slots` at once; 0: it counts tokens */
    const struct request_limit *limit;
    struct bucket bucket;
    struct bucket shared; /* of all principals together; once an answer told of it */
    bool has_shared;
    unsigned refusals; /* 429 in a row */
    int64_t closed_ms; /* when the last of them came; -1: never */

    struct list waiting[RANK_COUNT];
    bool is_turn_of_polls;
    struct timer timer;
    struct deferred look;
};

/* In the owner's memory, zeroed but for `passed`, `idle` and `owner`: so many at once, or by
 * tokens. `limit` is borrowed for the gate's life. */
void gate_init_slots(struct gate *gate, struct loop *loop, unsigned slots);
void gate_init_tokens(struct gate *gate, struct loop *loop,
                      const struct request_limit *limit);

/* Nobody may be inside or wait. */
void gate_deinit(struct gate *gate);

/* Whether it may go on at once; else it waits and `passed` will be called, never from inside
 * a call of this header. It costs `exchange->budget.cost` tokens. */
bool gate_enter(struct gate *gate, struct exchange *exchange);

/* It does not wait any longer. */
void gate_give_up(struct gate *gate, struct exchange *exchange);

/* Call it when an exchange that has passed is sent. */
void gate_note_sent(const struct gate *gate, struct exchange *exchange);

/* It went through and is over now. `was_sent` is false when the service did not see it. */
void gate_leave(struct gate *gate, const struct exchange *exchange, bool was_sent);

/* The service refused it by 429 and asked to wait, or did not say (negative): then a second,
 * doubled while refusals go on, up to a minute. */
void gate_close(struct gate *gate, const struct exchange *exchange, int64_t asked_ms);

/* The service served it: refusals do not go on. */
void gate_note_served(struct gate *gate, const struct exchange *exchange);

/* Its answer, before gate_leave(), told how many tokens are left: of the bucket, or of the one
 * that all principals share. */
void gate_correct(struct gate *gate, const struct exchange *exchange, int64_t remaining);
void gate_correct_shared(struct gate *gate, const struct exchange *exchange,
                         int64_t remaining);

#endif
