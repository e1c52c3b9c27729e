/* engine/sim/server.c - the simulated control plane: its world, and the server that brings
 * calls to it, on the caller's loop. */
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <event2/event.h>
#include <openssl/rand.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/listening.h"
#include "net/loop.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/http.h"
#include "sim/plane.h"
#include "sim/plant.h"
#include "sim/tls.h"
#include "sim/world.h"

enum {
    IDLE_MS = 20,     /* without a request before a virtual clock jumps */
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
    struct event *finishing; /* NULL until sim_finish() */
    int64_t finish_by_ms;    /* machine's time */
    char *endpoint, *control_token;
    struct sim_profile profile;
};

/* ---- serving ---- */

static void restart_idle(struct sim *sim)
{
    const struct timeval wait = {.tv_usec = IDLE_MS * 1000};

    if (sim->idle != NULL)
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
    const struct world *world = ((const struct sim *)context)->world;

    return world_told_ms(world, world->now_ms);
}

/* What clients are told; after a control it may be of another world. */
static void refresh_profile(struct sim *sim)
{
    const bool is_public = sim->profile.is_public;

    sim->profile = sim->world->profile;
    sim->profile.is_public = is_public;
    sim->profile.endpoint = sim->endpoint;
    sim->profile.ca_file = sim->tls != NULL ? tls_ca_file(sim->tls) : NULL;
    sim->profile.control_token = sim->control_token;
}

int sim_control(struct sim *sim, enum call_method method, const char *path,
                const char *body, struct buffer *to)
{
    struct answer answer;
    struct call call = {.method = method,
                        .base = sim->endpoint,
                        .path = path,
                        .body = body,
                        .body_length = body != NULL ? strlen(body) : 0};

    answer_init(&answer);
    call_open(&call);
    world_tick(sim->world);
    plane_controls(sim->world, &call, &answer);
    call_close(&call);

    const int status = answer.status;

    refresh_profile(sim);
    buffer_append(to, answer.body.data, answer.body.length);
    answer_deinit(&answer);
    return status;
}

char *sim_plant(struct sim *sim, const char *method, const char *path, const cJSON *body,
                const char *made)
{
    return plant(sim->world, method, path, body, made);
}

/* How long until the next thing happens by itself, or INT64_MAX. */
static int64_t find_next_ms(struct sim *sim)
{
    const int64_t late_ms = sim->http != NULL ? http_next_ms(sim->http) : INT64_MAX;
    const int64_t event_ms = world_next_event(sim->world);
    const int64_t left_ms =
        event_ms < INT64_MAX ? event_ms - world_read_clock(sim->world) : INT64_MAX;

    return late_ms < left_ms ? late_ms : left_ms;
}

/* Nobody has asked for a moment: whoever there is waits for what comes next. */
static void on_idle(evutil_socket_t fd, short events, void *context)
{
    struct sim *sim = context;
    struct clock *clock = loop_clock(sim->loop);
    const int64_t next_ms = find_next_ms(sim);

    (void)fd, (void)events;
    if (next_ms == INT64_MAX)
        return;
    clock_advance_to(clock, clock_now_ms(clock) + next_ms);
    world_tick(sim->world);
    restart_idle(sim);
}

void sim_serve_others(struct sim *sim)
{
    sim->world->clients_are_elsewhere = true;
    sim->service.serves_others = true;
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
    }
    sim->http = http_open(sim->loop, &listening, sim->tls, &sim->service, &failure);
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
    if (sim->world != NULL && options->sets_clock)
        world_set_clock(sim->world, loop_clock(loop));
    if (sim->world != NULL && options->address != NULL)
        found = start_listening(sim, options);
    if (found != NULL) {
        *failure = found;
        sim_close(sim);
        return NULL;
    }
    refresh_profile(sim);
    sim->world->hides_controls = options->hides_controls;
    sim->world->control_token = sim->control_token;
    return sim;
}

const struct sim_profile *sim_profile(const struct sim *sim)
{
    return &sim->profile;
}

void sim_keep_memory(bool is_on)
{
    database_keep_spare(is_on);
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
