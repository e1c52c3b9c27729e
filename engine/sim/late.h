/* engine/sim/late.h - answers that are ready and held back for a while of the world's time.
 *
 * On a virtual clock the time passes as soon as all who hold the loop wait for such an
 * answer, or, when the clients are other processes, when the simulator makes it pass. */
#ifndef MOONGATE_SIM_LATE_H
#define MOONGATE_SIM_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct answer;
struct evhttp_request;
struct loop;

struct late {
    struct loop *loop;
    struct list held;
    void (*send)(void *context, struct evhttp_request *request, struct answer *answer);
    void *context; /* of `send` */
};

/* Sends the answer (taken) to the request after so long, unless the client goes away.
 * `lends`: the client holds the loop for it. */
void late_hold(struct late *late, struct evhttp_request *request, struct answer *answer,
               int64_t delay_ms, bool lends);

/* How long until the next is sent, or INT64_MAX. */
int64_t late_left_ms(const struct late *late);

/* Sends them all now: there will be no later. */
void late_hurry(struct late *late);

/* Forgets them all; their connections are about to be closed. */
void late_deinit(struct late *late);

#endif
