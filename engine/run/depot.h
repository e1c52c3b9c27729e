/* engine/run/depot.h - the store that settings name, with all that it needs to be reached. */
#ifndef MOONGATE_RUN_DEPOT_H
#define MOONGATE_RUN_DEPOT_H

#include "run/settings.h"

struct depot;
struct failure;
struct loop;
struct store;
struct store_call;

/* Opens what `settings` name, or the default. Settings are borrowed for the depot's life. NULL on
 * failure, with the reason in `*failure` (owned by the caller). Cheap: nothing is asked before
 * the first call to the store. */
struct depot *depot_open(const struct settings *settings, struct loop *loop,
                         struct failure **failure);

/* Accepts NULL. No call may be under way. */
void depot_close(struct depot *depot);

struct store *depot_store(struct depot *depot);

/* --- for those who have nothing else to do: each turns the loop until it is answered -------- */

/* Reads a whole text into `*bytes` (owned by the caller, NUL behind it). NULL, or the failure:
 * NotFound when there is none. */
struct failure *depot_read(struct depot *depot, const char *name, char **bytes,
                           size_t *length);

/* A call to be started by one of the store's functions, then waited for. What came of it is valid
 * until the next depot_begin(). */
struct store_call *depot_begin(struct depot *depot);
void depot_wait(struct depot *depot);

#endif
