/* engine/arm/serial.h - one after another, by key.
 *
 * ARM refuses a second write to a virtual network, or to a gateway's connections, while one
 * is going on (409 AnotherOperationInProgress). Who writes there takes a turn first. */
#ifndef MOONGATE_ARM_SERIAL_H
#define MOONGATE_ARM_SERIAL_H

#include "base/list.h"
#include "base/map.h"

struct serial_queue;

struct serial {
    struct map queues; /* by key */
    struct list due;   /* turns to be granted */
    bool is_granting;
};

/* A place in a queue. Zero it before use. */
struct serial_turn {
    void (*granted)(struct serial_turn *turn);
    struct serial *serial;
    struct serial_queue *queue;
    struct list link, due;
};

void serial_deinit(struct serial *serial);

/* Queues up for `key`. Returns true when it is the caller's turn now; else `granted` will be
 * called. */
bool serial_take(struct serial *serial, const char *key, struct serial_turn *turn);

/* Ends the turn, or leaves the queue. Nothing happens when it is in none. */
void serial_give_back(struct serial_turn *turn);

#endif
