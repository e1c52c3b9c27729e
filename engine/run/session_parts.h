/* engine/run/session_parts.h - what the files of a session share, and nobody else sees. */
#ifndef MOONGATE_RUN_SESSION_PARTS_H
#define MOONGATE_RUN_SESSION_PARTS_H

#include "base/buffer.h"
#include "pipeline/pipeline.h"
#include "run/session.h"
#include "run/signer.h"

struct session {
    const struct settings *settings;
    struct settings switched; /* what `settings` points to after session_switch() */
    struct clock clock;
    struct loop *loop;
    struct face *face;
    struct history *history;
    struct sim *sim;
    int64_t machine_start_ms;
    unsigned outcomes[OUTCOME_COUNT];

    /* the way to the service, open when `client.pipeline` is not NULL */
    struct client client, aside;
    struct observer observer;
    struct transport *transport;
    struct stage *guard, *wire; /* the pipeline's */
    struct trail *trail;
    struct tokens *tokens, *guest_tokens;
    struct signer signer;
    struct endpoints endpoints;
    struct scope scope;
    struct {
        char *subscription, *resource_group, *service;
    } asked;                               /* by session_set_scope(), or NULL */
    bool is_read_only, is_asked_read_only; /* the second: by session_set_read_only() */
    struct wire_counts sent_before; /* by the ways to the service that were closed */
    struct depot *depot;            /* or NULL */
    struct run *run;                /* or NULL */
    struct record *record;          /* of the run, or NULL */
    struct past *past;              /* that is stepped into, or NULL */
    struct run_facts facts;
    struct buffer line; /* of an event */
};

/* What the simulator inside the process is told as, whose port is another each time. */
extern const char session_sim_name[];

/* From now on operations and lines of the log are told as events; there is a face. */
void session_begin_events(struct session *session);

#endif
