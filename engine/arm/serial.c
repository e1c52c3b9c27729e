/* engine/arm/serial.c - one after another, by key. */
#include "arm/serial.h"

#include <stdlib.h>

#include "base/memory.h"

struct serial_queue {
    struct list turns; /* the first is the one that runs */
    char *key;
};

static void free_queue(void *value)
{
    struct serial_queue *queue = value;

    free(queue->key);
    free(queue);
}

void serial_deinit(struct serial *serial)
{
    map_deinit(&serial->queues, free_queue);
}

bool serial_take(struct serial *serial, const char *key, struct serial_turn *turn)
{
    struct serial_queue *queue = map_find(&serial->queues, key);

    if (queue == NULL) {
        queue = memory_new(sizeof *queue);
        queue->key = memory_copy_string(key);
        list_init(&queue->turns);
        map_set(&serial->queues, key, queue);
    }

    const bool is_first = list_is_empty(&queue->turns);

    turn->serial = serial;
    turn->queue = queue;
    list_append(&queue->turns, &turn->link);
    return is_first;
}

/* A turn may end as soon as it is granted, and so may the next: no stack grows by that. */
static void grant(struct serial *serial, struct serial_turn *turn)
{
    struct list *link;

    if (serial->due.next == NULL)
        list_init(&serial->due);
    list_append(&serial->due, &turn->due);
    if (serial->is_granting)
        return;
    serial->is_granting = true;
    while ((link = list_take_first(&serial->due)) != NULL) {
        struct serial_turn *next = LIST_ENTRY(link, struct serial_turn, due);

        next->granted(next);
    }
    serial->is_granting = false;
}

void serial_give_back(struct serial_turn *turn)
{
    struct serial_queue *queue = turn->queue;

    if (queue == NULL)
        return;

    const bool was_first = queue->turns.next == &turn->link;
    struct serial *serial = turn->serial;

    turn->queue = NULL;
    list_remove(&turn->link);
    list_remove(&turn->due);
    if (list_is_empty(&queue->turns)) {
        map_remove(&serial->queues, queue->key);
        free_queue(queue);
    } else if (was_first) {
        grant(serial, LIST_ENTRY(queue->turns.next, struct serial_turn, link));
    }
}
