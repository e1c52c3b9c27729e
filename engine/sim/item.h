/* engine/sim/item.h - what one resource, or a list of them, answers: the same for all
 * kinds. */
#ifndef MOONGATE_SIM_ITEM_H
#define MOONGATE_SIM_ITEM_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

struct answer;
struct call;
struct caller;
struct entity;
struct target;
struct world;

void item_answer(struct world *world, struct call *call, const struct caller *caller,
                 const struct target *target, struct answer *answer);

/* A POST of an action on a resource. */
void item_act(struct world *world, const struct call *call, const struct target *target,
              struct answer *answer);

/* Keeps a body that an action has changed, in a transaction of its own. Refuses when that
 * fails; set the answer first. */
void item_save(struct world *world, const struct entity *entity, cJSON *body,
               struct answer *answer);

/* Answers as a GET does. */
void item_show(struct world *world, const char *key, struct answer *answer);

/* Notes in the body's properties who made the resource when and who changed it last, once
 * all else is in the body. `old` is what it was, or NULL: it is new. */
void item_stamp(const struct world *world, cJSON *body, const cJSON *old,
                const char *caller);

/* Writes what a GET shows of the resource. */
void item_present(struct world *world, const struct entity *entity, struct buffer *to);

/* Of resource groups a caller sees those that it can read; who lists anything else has
 * been found to be allowed to. */
void item_list(struct world *world, const struct call *call, const struct caller *caller,
               const struct target *target, struct answer *answer);

/* Reads "tagName eq 'a' and tagValue eq 'b'", the second half optional. False when the
 * filter is another one; else both texts are owned by the caller (`*value` may be NULL). */
bool item_read_tag_filter(const char *filter, char **tag, char **value);

/* Whether the body has the tag, and with this value unless it is NULL. */
bool item_has_tag(const cJSON *body, const char *tag, const char *value);

/* A page under way: bodies are appended to `items`, with commas. */
struct page {
    struct buffer items;
    size_t limit, count; /* how many there may be and are */
};

/* Reads $top (100 unless told). False when it is no number from 1 to 1000; it has
 * answered. */
bool page_open(struct page *page, const struct call *call, struct answer *answer);

void page_add(struct page *page, const char *body);

/* Answers with the page. `total` is left out when negative; `next` is a query parameter
 * with its value ("$skip=100") for the rest, or NULL. Frees what the page holds. */
void page_close(struct page *page, const struct call *call, struct answer *answer,
                long total, const char *next);

#endif
