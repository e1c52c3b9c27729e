/* engine/pipeline/pipeline.h - the list of stages that every request passes. */
#ifndef MOONGATE_PIPELINE_PIPELINE_H
#define MOONGATE_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/exchange.h"

struct stage {
    const char *name;
    void (*send)(struct stage *stage, struct exchange *exchange);
    void (*answered)(struct stage *stage,
                     struct exchange *exchange); /* NULL: pass it on */
    /* An exchange is freed that it, or a stage behind it, holds. Or NULL. */
    void (*cancel)(struct stage *stage, struct exchange *exchange);
    void (*free)(struct stage *stage);
};

/* Stages in the order a request passes them, the transport last; they are taken. */
struct pipeline *pipeline_new(struct stage *const *stages, size_t count);

/* No exchange may be under way. Accepts NULL. */
void pipeline_free(struct pipeline *pipeline);

/* --- the stages ----------------------------------------------------------------------- */

/* Where tokens come from. `get` answers by calling `request->done`, maybe at once. */
struct token_provider {
    void (*get)(struct token_provider *provider, struct token_request *request);
    void (*cancel)(struct token_provider *provider, struct token_request *request);
};

/* A bearer token that several requests share. */
struct token {
    unsigned references;
    char header[]; /* "Authorization: Bearer ..." */
};

struct token *token_new(const char *access_token);
void token_release(struct token *token);

/* Origins that may see tokens: everything else goes out without or not at all. Of
 * AUDIENCE_NONE it is where sign-in goes. Borrowed. */
struct origins {
    const char *by_audience[AUDIENCE_COUNT];
};

/* Puts a token on each request; asks for a new one, once, when the old is refused (401), and
 * once for one with the claims that the service asks for (see challenge.h).
 * A token leaves only for the origin of its audience, or a host below it, by https or to
 * this machine itself. `origins` and `provider` are borrowed. */
struct stage *stage_new_credential(const struct origins *origins,
                                   struct token_provider *provider);

/* Follows redirections within one origin, at most ten. */
struct stage *stage_new_redirect(void);

/* Sends again what can be sent again: broken connections, 408, 429, 5xx but 501 and 505, with
 * growing pauses and by Retry-After (RFC 9110, 10.2.3), however long, up to the exchange's
 * deadline. Rules: Azure SDK guidelines, "retry policy". */
struct stage *stage_new_retry(struct loop *loop);

/* The same with pauses and deadlines on the machine's own time, which goes on while the loop is
 * held. The first pause is 2 ms or more. */
struct stage *stage_new_retry_on_machine_time(struct loop *loop, int64_t first_pause_ms);

/* Sends back the cookies of the exchange's jar and keeps those of the answers. */
struct stage *stage_new_cookies(void);

/* Writes down in the journal what is about to be sent, before it is, and what came of it, before
 * anybody sees that. Reads pass. `journal` is borrowed. */
struct stage *stage_new_journal(struct journal *journal);

/* Lets no write pass while the journal cannot be written, or the run may be another's by now:
 * right before the wire, since a request may have waited for long. `journal` is borrowed. */
struct stage *stage_new_fence(struct journal *journal);

/* Puts it on the wire. `transport` is borrowed. */
struct stage *stage_new_transport(struct transport *transport, struct loop *loop);

/* What the transport stage has sent so far. */
struct wire_counts {
    uint64_t requests; /* all */
    uint64_t writes;   /* PUT, PATCH, POST, DELETE with a token */
};
struct wire_counts stage_wire_counts(const struct stage *transport_stage);

/* From now on nothing new is sent; `drained` is called, once, when the last answer is in. */
void stage_drain(struct stage *transport_stage, void (*drained)(void *context),
                 void *context);

#endif
