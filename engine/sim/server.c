/* engine/sim/server.c - the simulated control plane: its world, and the server that brings
 * calls to it, on the caller's loop. */
#include "sim/sim.h"

#include <stdlib.h>
#include <sys/time.h>

#include <event2/event.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "sim/http.h"
#include "sim/listening.h"
#include "sim/plane.h"
#include "sim/tls.h"
#include "sim/world.h"

enum {
    IDLE_MS = 20,     /* without a request before a virtual clock jumps */
    SIGN_IN_MS = 500, /* no jump so soon after a sign-in: let the token be used first */
    FINISH_MS = 5000, /* how long answers that are on their way may take at the end */
    FINISH_STEP_MS = 10,
    CONTROL_TOKEN_BYTES = 32
};

struct sim {
    struct loop *loop;
    struct world *world;
    struct tls *tls;   /* NULL: plain HTTP */
    struct http *http; /* NULL: asked directly only */
    struct http_service service;
    struct event *idle;      /* NULL: the clock does not jump */
    int64_t no_jump_ms;      /* until then, by the machine's time */
    int64_t sign_ins;        /* of the world's, those that were noticed */
    struct event *finishing; /* NULL until sim_finish() */
    int64_t finish_by_ms;    /* machine's time */
    char *endpoint, *control_token;
    struct sim_profile profile;
};

/* ---- serving ---- */

static void restart_idle(struct sim *sim)
{
    const int64_t now_ms = clock_machine_ms();
    struct timeval wait = {0};
    int64_t wait_ms;

    if (sim->idle == NULL)
        return;
    if (sim->sign_ins != sim->world->sign_ins)
        sim->no_jump_ms = now_ms + SIGN_IN_MS;
    sim->sign_ins = sim->world->sign_ins;
    wait_ms = sim->no_jump_ms - now_ms > IDLE_MS ? sim->no_jump_ms - now_ms : IDLE_MS;
    wait.tv_usec = (suseconds_t)(wait_ms * 1000); /* less than a second */
    event_add(sim->idle, &wait);
}

void sim_answer(struct sim *sim, struct call *call, struct answer *answer)
{
    plane_answer(sim->world, call, answer);
    restart_idle(sim);
}

static void answer_request(void *context, struct call *call, struct answer *answer)
{
    sim_answer(context, call, answer);
}

static int64_t read_now(const void *context)
{
    return ((const struct sim *)context)->world->now_ms;
}

/* Nobody has asked for a moment: whoever there is waits for what comes next. */
static void on_idle(evutil_socket_t fd, short events, void *context)
{
    struct sim *sim = context;
    struct clock *clock = loop_clock(sim->loop);
    const int64_t next_ms = world_next_event(sim->world);

    (void)fd, (void)events;
    if (next_ms == INT64_MAX)
        return;
    clock_advance_to(clock, clock_now_ms(clock) + next_ms - world_read_clock(sim->world));
    world_tick(sim->world);
    restart_idle(sim);
}

void sim_serve_others(struct sim *sim)
{
    sim->world->clients_are_elsewhere = true;
    sim->service.packs = true;
    if (loop_clock(sim->loop)->mode != CLOCK_VIRTUAL || sim->idle != NULL)
        return;
    sim->idle = evtimer_new(loop_event_base(sim->loop), on_idle, sim);
    restart_idle(sim);
}

/* ---- ending ---- */

static void on_finishing(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context; /* the loop has turned: that was all */
}

void sim_finish(struct sim *sim)
{
    const struct timeval step = {.tv_usec = FINISH_STEP_MS * 1000};

    if (sim->finishing != NULL)
        return;
    if (sim->http != NULL)
        http_finish(sim->http);
    sim->finish_by_ms = clock_machine_ms() + FINISH_MS;
    sim->finishing =
        event_new(loop_event_base(sim->loop), -1, EV_PERSIST, on_finishing, sim);
    event_add(sim->finishing, &step);
}

bool sim_is_finished(const struct sim *sim)
{
    return sim->finishing != NULL && (sim->http == NULL || http_is_quiet(sim->http) ||
                                      clock_machine_ms() > sim->finish_by_ms);
}

/* ---- opening ---- */

/* A word that nobody can guess; owned by the caller. */
static char *make_control_token(void)
{
    unsigned char bytes[CONTROL_TOKEN_BYTES];
    char *token = memory_new(2 * sizeof bytes + 1);

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        abort(); /* no machine to keep a secret on */
    for (size_t i = 0; i < sizeof bytes; i++) {
        token[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        token[2 * i + 1] = "0123456789abcdef"[bytes[i] & 0x0f];
    }
    return token;
}

static struct failure *start_listening(struct sim *sim, const struct sim_options *options)
{
    struct listening listening;
    struct failure *failure = listening_open(&listening, options->address);

    if (failure != NULL)
        return failure;
    sim->endpoint = memory_format("%s://%s:%d", options->is_tls ? "https" : "http",
                                  listening.host, listening.port);
    if (!listening.is_loopback && !options->hides_controls)
        sim->control_token = make_control_token();
    sim->profile.is_public = !listening.is_loopback;
    if (options->is_tls) {
        sim->tls = tls_open(&listening, options->ca_file, &failure);
        if (sim->tls == NULL) {
            evutil_closesocket(listening.fd);
            return failure;
        }
        sim->profile.ca_file = tls_ca_file(sim->tls);
    }
    sim->http = http_open(loop_event_base(sim->loop), &listening, sim->tls, &sim->service,
                          &failure);
    return failure;
}

struct sim *sim_open(struct loop *loop, const struct sim_options *options,
                     struct failure **failure)
{
    struct sim *sim = memory_new(sizeof *sim);
    struct failure *found = NULL;

    sim->loop = loop;
    sim->service = (struct http_service){
        .answer = answer_request, .now_ms = read_now, .context = sim};
    sim->world = world_open(options, loop_clock(loop), &found);
    if (sim->world != NULL) {
        sim->profile = sim->world->profile;
        if (options->address != NULL)
            found = start_listening(sim, options);
    }
    if (found != NULL) {
        *failure = found;
        sim_close(sim);
        return NULL;
    }
    sim->profile.endpoint = sim->endpoint;
    sim->profile.control_token = sim->control_token;
    sim->world->hides_controls = options->hides_controls;
    sim->world->control_token = sim->control_token;
    return sim;
}

const struct sim_profile *sim_profile(const struct sim *sim)
{
    return &sim->profile;
}

void sim_close(struct sim *sim)
{
    if (sim == NULL)
        return;
    if (sim->idle != NULL)
        event_free(sim->idle);
    if (sim->finishing != NULL)
        event_free(sim->finishing);
    http_close(sim->http);
    tls_close(sim->tls);
    world_close(sim->world);
    free(sim->endpoint);
    free(sim->control_token);
    free(sim);
}
