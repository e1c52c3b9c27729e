/* engine/base/list.h - a doubly linked list whose links live inside its members.
 *
 * A head is a link that list_init() has tied to itself. A member is on at most one list
 * through one link; a zeroed or removed link is on none. */
#ifndef MOONGATE_BASE_LIST_H
#define MOONGATE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *previous;
};

/* The struct of `type` whose member `field` is the link at `link`. */
#define LIST_ENTRY(link, type, field)                                                    \
    ((type *)(void *)((char *)(link)-offsetof(type, field)))

static inline void list_init(struct list *head)
{
    head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list *link)
{
    return link->next != NULL;
}

static inline void list_append(struct list *head, struct list *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* Takes the member off its list; nothing happens when it is on none. */
static inline void list_remove(struct list *link)
{
    if (link->next == NULL)
        return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = link->previous = NULL;
}

/* Takes the first member off, or returns NULL. */
static inline struct list *list_take_first(struct list *head)
{
    struct list *first = head->next;

    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

#endif
