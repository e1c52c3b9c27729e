/* engine/run/depot.h - the store that settings name, with all that it needs to be reached. */
#ifndef MOONGATE_RUN_DEPOT_H
#define MOONGATE_RUN_DEPOT_H

#include <cjson/cJSON.h>

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

/* Lets `use` work with the store on a loop of its own: before there is a session, because what the
 * session works by is in the store. Returns what `use` does, or why there is no store. */
struct failure *depot_use(const struct settings *settings,
                          struct failure *(*use)(struct depot *depot, void *context),
                          void *context);

/* --- for those who have nothing else to do: each turns the loop until it is answered -------- */

/* Reads a whole text into `*bytes` (owned by the caller, NUL behind it). NULL, or the failure:
 * NotFound when there is none. */
struct failure *depot_read(struct depot *depot, const char *name, char **bytes,
                           size_t *length);

/* Reads a JSON text; `*tree` (owned by the caller) stays NULL when there is none, which is no
 * failure. */
struct failure *depot_read_json(struct depot *depot, const char *name, cJSON **tree);

/* A call to be started by one of the store's functions, then waited for. What came of it is valid
 * until the next depot_begin(). */
struct store_call *depot_begin(struct depot *depot);
void depot_wait(struct depot *depot);

#endif
