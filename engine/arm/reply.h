/* engine/arm/reply.h - an answer of the service, taken out of its exchange and read when
 * somebody wants to know. */
#ifndef MOONGATE_ARM_REPLY_H
#define MOONGATE_ARM_REPLY_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

struct failure;
struct transfer;

/* A zeroed struct is no answer. */
struct reply {
    int status;
    struct buffer fields, text; /* as in struct transfer */
    cJSON *body; /* of a text that is JSON, once reply_parse() was called */
    bool is_parsed;
};

/* Moves the answer out of the transfer, replacing what was there. */
void reply_take(struct reply *reply, struct transfer *transfer);

/* Forgets it. */
void reply_drop(struct reply *reply);

/* The value of a header field, by its name in lower case, or NULL. Borrowed. */
const char *reply_field(const struct reply *reply, const char *name);

/* Parses the text, once. False when there is text that is no JSON. */
bool reply_parse(struct reply *reply);

/* Whether the service says that it speaks JSON, or does not say what. */
bool reply_claims_json(const struct reply *reply);

/* The failure that an answer of 300 or more stands for. Owned by the caller. */
struct failure *reply_refusal(struct reply *reply);

/* The failure of an answer that breaks the protocol: `what` is wrong with it. Owned by the
 * caller. */
struct failure *reply_malformed(const struct reply *reply, const char *what);

/* Adds to the failure the ids that the service gave the request. */
void reply_add_ids(const struct reply *reply, struct failure *failure);

#endif
