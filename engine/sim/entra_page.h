/* engine/sim/entra_page.h - pages for a person who signs in with a browser. */
#ifndef MOONGATE_SIM_ENTRA_PAGE_H
#define MOONGATE_SIM_ENTRA_PAGE_H

#include "base/buffer.h"

struct answer;
struct world;

/* Begins a page in the answer. `title` is ours, `message` (or NULL) anybody's. */
void entra_page_begin(struct answer *answer, int status, const char *title,
                      const char *message);

/* Appends text as HTML. */
void entra_page_append_text(struct buffer *page, const char *text);

/* Appends a field of a form that nobody sees. */
void entra_page_append_hidden(struct buffer *page, const char *name, const char *value);

/* Appends a field `user`, with some of the tenant's users to choose from. */
void entra_page_append_user(struct buffer *page, struct world *world, const char *chosen);

void entra_page_end(struct answer *answer);

#endif
