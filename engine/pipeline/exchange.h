/* engine/pipeline/exchange.h - the one way out: a request goes down a list of stages and its
 * answer comes up again.
 *
 * A stage gets an exchange in `send`. It passes it on with exchange_forward(), now or later,
 * or answers it itself by filling in the transfer's answer and calling exchange_backward().
 * Coming up, `answered` either passes it on with exchange_backward() or sends it down again
 * with exchange_forward(). Nobody copies bodies. */
#ifndef MOONGATE_PIPELINE_EXCHANGE_H
#define MOONGATE_PIPELINE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "journal/journal.h"
#include "net/loop.h"
#include "net/machine_timer.h"
#include "net/transfer.h"

struct cookies;
struct gate;
struct pipeline;
struct stage;
struct token;
struct wire_stage;

/* Whose token a request carries. */
enum audience {
    AUDIENCE_NONE,
    AUDIENCE_ARM,
    AUDIENCE_GRAPH,
    AUDIENCE_STORAGE, /* Azure Storage */
    AUDIENCE_COUNT
};

/* Who goes first when the request budget is short. */
enum rank {
    RANK_CALL, /* somebody's work */
    RANK_POLL, /* it can be asked later, too */
    RANK_COUNT
};

/* A wait for a token; see stage_new_credential(). */
struct token_request {
    enum audience audience;
    const struct token
        *refused;       /* not this one again, the service took it no more; or NULL.
                                    The asker holds it */
    const char *claims; /* what the refusal asks for (JSON), borrowed, or NULL */
    void (*done)(struct token_request *request);
    struct token *token;     /* or NULL; the asker's reference */
    struct failure *failure; /* or NULL; owned by the asker */
    struct list link;        /* the provider's own */
};

/* The gates of the budget that a request passes at most: its API's, its service's, its
 * provider's and its bucket's. */
enum { BUDGET_GATES = 4 };

struct exchange {
    struct transfer transfer;
    struct pipeline *pipeline;
    enum audience audience;
    enum rank rank;
    bool is_repeatable; /* a POST that may be sent twice */
    bool is_sign_in;    /* of a credential; no guard minds it */
    bool is_sent_once;  /* no answer is an answer, too: it is not repeated */
    /* Of a store that keeps what is logged: a line about each request would make one more
     * request, without end. */
    bool is_unlogged;
    int64_t deadline_ms; /* on the clock of the retries: no attempt after it; 0: none */
    void (*sent)(struct exchange *exchange); /* first put on the wire; or NULL */
    void (*done)(struct exchange *exchange);
    void *owner;             /* of whoever gets `done` */
    struct cookies *cookies; /* that it shares with others, borrowed, or NULL */

    struct step *step; /* of the journal, that it belongs to; NULL: it is its own */
    const char
        *action; /* what it will have done ("create"), constant; NULL: its method */

    size_t stage;    /* where it is */
    bool is_refused; /* by a stage, without being sent: sending again would not help */
    /* Of the transfer's headers, those freed with it; the credential's and the cookies'
     * follow them. */
    size_t header_count;

    struct {       /* of the redirect stage */
        char *url; /* where it goes now, or NULL */
        unsigned count;
    } redirect;
    struct { /* of the guard stage */
        bool is_counted;
    } guard;
    struct { /* of the journal stage */
        struct journal_wait wait;
        struct journal *journal;
        bool is_own; /* the step is this request's alone */
    } journal;
    struct {                              /* of the budget stage */
        struct gate *gates[BUDGET_GATES]; /* in the order it passes them */
        unsigned gate_count, passed;
        struct list link;      /* of those who wait at a gate */
        int class;             /* an enum request_class */
        bool has_subscription; /* else its bucket is the tenant's */
        int64_t since_ms;      /* when it came to that gate; later, when it was sent */
        int64_t over;  /* how many tokens its bucket had got over when it was sent */
        unsigned cost; /* tokens */
    } budget;
    struct {                /* of the retry stage */
        struct timer timer; /* or, where it goes by that: */
        struct machine_timer machine_timer;
        unsigned attempts; /* those that may have had an effect */
        int64_t started_ms;
    } retry;
    struct { /* of the credential stage */
        struct token_request request;
        struct token *token;
        char *claims; /* that the service asked for, or NULL */
        bool was_renewed, was_challenged, is_waiting;
    } credential;
    char *cookie_header;   /* of the cookie stage, or NULL */
    struct {               /* of the trail stage */
        uint64_t number;   /* its entry while it is under way; 0: none */
        unsigned attempts; /* that reached the wire */
    } trail;
    struct wire_stage *wire; /* of the transport stage */
    struct list parked;
};

/* A new exchange, owned by the caller. `method` and `url` are borrowed until it is freed,
 * and so is the body that the caller may set in its transfer. */
struct exchange *exchange_new(struct pipeline *pipeline, const char *method,
                              const char *url, enum audience audience,
                              void (*done)(struct exchange *));

/* Gives it a client request id (copied) instead of the random one: the service's logs are
 * searched by it. */
void exchange_set_client_request_id(struct exchange *exchange, const char *id);

/* Adds a header field, "Name: value", taken. */
void exchange_add_header(struct exchange *exchange, char *header);

/* Sends it. `done` is called once; from inside this call when a stage answers at once. */
void exchange_start(struct exchange *exchange);

/* Whether the server may be doing what was asked: the request is on the wire, or was, and the
 * answer was lost. */
bool exchange_may_have_effect(const struct exchange *exchange);

/* Stops it wherever it is and frees it. Accepts NULL. */
void exchange_free(struct exchange *exchange);

/* For stages. */
void exchange_forward(struct exchange *exchange);
void exchange_backward(struct exchange *exchange);

#endif
