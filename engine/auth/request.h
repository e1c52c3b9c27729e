/* engine/auth/request.h - one HTTP request of a credential.
 *
 * It goes through the pipeline as all others do, without a token of its own, and what it
 * carried and brought back is wiped. A zeroed struct is a request that is not under way. */
#ifndef MOONGATE_AUTH_REQUEST_H
#define MOONGATE_AUTH_REQUEST_H

#include <cjson/cJSON.h>

#include "auth/credential.h"

struct auth_request {
    struct exchange *exchange; /* NULL: not under way */
    char *url;
    struct buffer form;
    void *owner;
    /* It is over, and its memory free for the next one; `request` and `answer` are valid for
     * the call only. */
    void (*done)(void *owner, const struct auth_request *request,
                 const struct transfer *answer);
};

/* Begins one; `url` is taken. The exchange's transfer may be adjusted until it starts. */
void auth_request_prepare(struct auth_request *request,
                          const struct credential_context *context, const char *method,
                          char *url);

/* Adds a header field, taken. */
void auth_request_add_header(struct auth_request *request, char *header);

/* Adds a field to the form that is the body (application/x-www-form-urlencoded). */
void auth_request_add_field(struct auth_request *request, const char *name,
                            const char *value);

void auth_request_start(struct auth_request *request, void *owner,
                        void (*done)(void *owner, const struct auth_request *request,
                                     const struct transfer *answer));

/* Stops it without calling `done`; nothing happens when it is not under way. */
void auth_request_cancel(struct auth_request *request);

/* The failure of a request that got no answer, owned by the caller. */
struct failure *auth_request_failure(const struct transfer *answer);

/* The JSON of an answer of 200, or NULL. Owned by the caller: secret_delete_json(). */
cJSON *auth_request_json(const struct transfer *answer);

#endif
