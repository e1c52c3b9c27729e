/* engine/sim/form.h - how a long operation is told: by which headers, status and body.
 *
 *   both                Azure-AsyncOperation and Location; PUT 200 or 201 with the resource,
 *                       PATCH and DELETE 202
 *   async               the same with Azure-AsyncOperation alone
 *   location            the same with Location alone
 *   body                no header, and 200 for a PATCH: only the resource's own state tells
 *   accepted-both, accepted-async, accepted-location, accepted
 *                       202 without a body, with these headers; "accepted" has none
 *   self                202 without a body; Location is the resource's own URL with asyncId
 *                       and asyncCode in its query
 *
 * Each kind and verb has a form of its own, which a world file can change:
 * "operation_forms": {"gateway.create": "accepted-location"}. */
#ifndef MOONGATE_SIM_FORM_H
#define MOONGATE_SIM_FORM_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct answer;
struct call;
struct kind;
struct world;

struct form {
    const char *name;
    bool has_async, has_location;
    bool is_bare; /* 202 without a body, whatever the method */
    bool is_self; /* Location is the resource's own URL */
};

/* Borrowed; never NULL. */
const struct form *form_find(const struct world *world, const struct kind *kind,
                             const char *verb, const cJSON *body);

/* Says what is wrong with a name, in a message owned by the caller, or NULL. */
char *form_check_name(const cJSON *value);

/* Whether a monitor of this kind says more than the status: times and percentage. */
bool form_has_progress(const struct kind *kind);

/* Whether the 202 to a DELETE shows the resource. */
bool form_shows_deleted(const struct kind *kind);

/* Where the monitor of operation `id` is asked, owned by the caller. `body` is that of the
 * resource; `is_async` tells Azure-AsyncOperation from Location. */
char *form_monitor_url(const struct world *world, const struct call *call,
                       const struct kind *kind, const char *verb, const cJSON *body,
                       const char *id, bool is_async);

/* Where the resource itself tells of operation `id`, which ends with `result`. */
char *form_self_url(const struct call *call, const struct kind *kind, const cJSON *body,
                    const char *id, int result);

#endif
