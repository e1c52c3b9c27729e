/* engine/sim/sim.h - the simulated control plane: ARM, Entra's token endpoint and
 * Microsoft Graph on one port, behaving in time.
 *
 * It shares the caller's loop and clock and nothing else: clients reach it over its
 * socket, or by sim_answer(). */
#ifndef MOONGATE_SIM_SIM_H
#define MOONGATE_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "sim/call.h"

struct answer;
struct buffer;
struct failure;
struct loop;
struct sim;

struct sim_options {
    const char *state_file; /* an SQLite file that keeps the world, or NULL: memory */
    const char *world_file; /* what the world holds, as sim/world.h says, or NULL */
    const char *address; /* "127.0.0.1:4280"; port 0 takes a free one; NULL: it does not
                               listen, and is reached by sim_answer() alone */
    const char
        *ca_file; /* where to write the CA's certificate; NULL: a place of its own */
    const char *faults;  /* what shall go wrong, as sim/faults.h says, or NULL */
    uint64_t seed;       /* the same seed, the same durations and faults */
    bool is_tls;         /* HTTPS, with a certificate of its own CA */
    bool hides_controls; /* no /_sim/; else it is there, beyond loopback for a token */
    bool sets_clock; /* the loop's clock is made to say the world's time: of clients in
                            this process, which go by the same one */
};

/* What a client needs to know of the world. Borrowed from the simulator. */
struct sim_profile {
    const char
        *endpoint; /* "http://127.0.0.1:4280", without a slash at the end; NULL when it
                             does not listen */
    const char *ca_file;       /* the CA's certificate (PEM), or NULL without TLS */
    const char *control_token; /* the bearer token that /_sim/ asks for, or NULL */
    bool is_public;            /* it listens to more than this machine */
    const char *tenant_id, *subscription_id;
    const char *client_id, *client_secret; /* an Owner of the subscription */
    const char *guest_id, *guest_secret;   /* a principal without any right */
    const char *resource_group, *service;
};

/* Opens the world (making the default one when the state file is new) and listens. NULL
 * on failure, with the reason in `*failure` (owned by the caller). */
struct sim *sim_open(struct loop *loop, const struct sim_options *options,
                     struct failure **failure);

const struct sim_profile *sim_profile(const struct sim *sim);

/* Tells the variables of the environment that lead other processes to a simulator that listens. */
void sim_tell_variables(const struct sim_profile *profile,
                        void (*tell)(void *context, const char *name, const char *value),
                        void *context);

/* Asks one of its controls, such as GET "/_sim/ledger", without a socket: no fault strikes
 * and no request is counted, unlike with sim_answer(). `body` may be NULL. Appends the
 * answer, mostly JSON, and returns its HTTP status. */
int sim_control(struct sim *sim, enum call_method method, const char *path,
                const char *body, struct buffer *answer);

/* Has the world be as after this request, which was answered elsewhere: see sim/plant.h. NULL, or
 * why that cannot be, owned by the caller. */
char *sim_plant(struct sim *sim, const char *method, const char *path, const cJSON *body,
                const char *made);

/* Its clients are other processes, whose waits are real and not seen here: a pause that
 * they are asked for is in the machine's seconds, and a virtual clock jumps to what comes
 * next whenever no request has come for a moment. */
void sim_serve_others(struct sim *sim);

/* Answers a call without HTTP, as if it had come over the socket. `call` and `answer` are
 * the caller's; `answer` is initialised. */
void sim_answer(struct sim *sim, struct call *call, struct answer *answer);

/* Begins the end: accepts no connection more, and answers what is being asked. While the
 * loop turns it gets finished, within five seconds. */
void sim_finish(struct sim *sim);
bool sim_is_finished(const struct sim *sim);

/* From now on the memory of a world that is closed serves the next one, which is then there
 * sooner; or no more. For processes that open many in turn. */
void sim_keep_memory(bool is_on);

/* Stops listening and closes the world. Accepts NULL. */
void sim_close(struct sim *sim);

#endif
