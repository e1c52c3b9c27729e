/* engine/base/waitable.c - something that is over once, and those who want to know. */
#include "base/waitable.h"

#include <assert.h>

void waitable_init(struct waitable *waitable)
{
    list_init(&waitable->waiters);
    waitable->is_done = false;
}

void waitable_finish(struct waitable *waitable)
{
    struct list *link;

    assert(!waitable->is_done);
    waitable->is_done = true;
    while ((link = list_take_first(&waitable->waiters)) != NULL) {
        struct waiter *waiter = LIST_ENTRY(link, struct waiter, link);

        waiter->wake(waiter);
    }
}

void waitable_add(struct waitable *waitable, struct waiter *waiter)
{
    assert(!waitable->is_done && !list_is_linked(&waiter->link));
    list_append(&waitable->waiters, &waiter->link);
}

void waiter_remove(struct waiter *waiter)
{
    list_remove(&waiter->link);
}
