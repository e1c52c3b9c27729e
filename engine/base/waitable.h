/* engine/base/waitable.h - something that is over once, and those who want to know.
 *
 * Operations, timers and tasks embed one as their first member. It calls its waiters back in
 * the order they came, once, when it is finished; a waiter that no longer cares removes
 * itself. It knows no Lua. */
#ifndef MOONGATE_BASE_WAITABLE_H
#define MOONGATE_BASE_WAITABLE_H

#include <stdbool.h>

#include "base/list.h"

struct waitable {
    struct list waiters;
    bool is_done;
};

struct waiter {
    struct list link;
    void (*wake)(struct waiter *waiter); /* may free the waiter, not the waitable */
};

void waitable_init(struct waitable *waitable);

/* Marks it done and wakes all who wait. Once only. */
void waitable_finish(struct waitable *waitable);

/* The waiter will be woken once, or removed; the waitable must not be done yet. */
void waitable_add(struct waitable *waitable, struct waiter *waiter);

/* Nothing happens when it waits for nothing. */
void waiter_remove(struct waiter *waiter);

#endif
