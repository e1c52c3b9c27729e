/* engine/sim/sim.h - the simulated control plane: ARM, Entra's token endpoint and
 * Microsoft Graph on one loopback port, behaving in time.
 *
 * It shares the caller's loop and clock and nothing else: clients reach it over its
 * socket. */
#ifndef MOONGATE_SIM_SIM_H
#define MOONGATE_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

struct failure;
struct loop;
struct sim;

struct sim_options {
    const char *state_file; /* an SQLite file that keeps the world, or NULL: memory */
    const char *world_file; /* what the world holds, as sim/world.h says, or NULL */
    const char *address;    /* "127.0.0.1:4280"; port 0 takes a free one */
    const char *faults;     /* what shall go wrong, as sim/faults.h says, or NULL */
    uint64_t seed;          /* the same seed, the same durations and faults */
    bool sets_clock; /* the loop's clock is made to say the world's time: of clients in
                        this process, which go by the same one */
};

/* What a client needs to know of the world. Borrowed from the simulator. */
struct sim_profile {
    const char *endpoint; /* "http://127.0.0.1:4280", without a slash at the end */
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

/* Its clients are other processes, whose waits are real and not seen here: a pause that
 * they are asked for is in the machine's seconds, and a virtual clock jumps to what comes
 * next whenever no request has come for a moment. */
void sim_serve_others(struct sim *sim);

/* Stops listening and closes the world. Accepts NULL. */
void sim_close(struct sim *sim);

#endif
