/* engine/sim/monitor.h - long operations, which go on with time whether anybody looks or
 * not. */
#ifndef MOONGATE_SIM_MONITOR_H
#define MOONGATE_SIM_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct answer;
struct call;
struct kind;
struct world;

/* Begins `verb` ("create", "update", "scale", "delete") on the resource that `body`
 * describes: sets its state in `body`, and URL and Retry-After in the answer. False when
 * it takes no time; then the state in `body` is the final one. `result` is the status
 * that Location ends with. */
bool monitor_start(struct world *world, const struct call *call, struct answer *answer,
                   const struct kind *kind, cJSON *body, const char *verb, int result);

/* Gives the answer to a call that has begun one the status and body of its form
 * (sim/form.h), once it shows the resource, whose body is `body`. */
void monitor_accept(const struct world *world, const struct call *call,
                    struct answer *answer, const struct kind *kind, const char *verb,
                    const cJSON *body);

/* Whether a running operation keeps others from a resource of this kind. */
bool monitor_is_busy(struct world *world, const struct kind *kind, const char *key);

/* Sends a second DELETE to the one that is under way. False when there is none. */
bool monitor_join_delete(struct world *world, const struct call *call,
                         struct answer *answer, const char *key);

/* The key of the resource that monitor `id` is about, owned by the caller, or NULL. */
char *monitor_find_resource(struct world *world, const char *id,
                            const struct kind **kind);

/* Whether the last operation on a resource was its creation. */
bool monitor_was_creation(struct world *world, const char *key);

/* Answers a poll, be it of a URL of the monitor's own or of its resource's with asyncId. It
 * is not found under another resource, nor once its life after the end is over. */
void monitor_answer(struct world *world, const struct call *call, struct answer *answer,
                    const char *id);

/* Carries on with what is due at the world's time. */
void monitor_settle(struct world *world);

/* Lets operations that a fault keeps from their end come to it. */
void monitor_release_hung(struct world *world);

/* When the next operation changes, or INT64_MAX. */
int64_t monitor_next(struct world *world);

#endif
