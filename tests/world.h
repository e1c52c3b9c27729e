/* tests/world.h - a simulated world on a virtual clock, asked without HTTP as the owner of
 * its subscription. */
#ifndef MOONGATE_TESTS_WORLD_H
#define MOONGATE_TESTS_WORLD_H

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "tests/plane.h"

#define VERSION "api-version=2024-05-01"

static struct {
    struct clock clock;
    struct world *world;
    struct answer answer;
    cJSON *json;            /* of the answer, or NULL */
    char *bearer;           /* for Azure Resource Manager and Graph */
    const char *request_id; /* x-ms-client-request-id, or NULL */
    char group[256];        /* its id */
    char state[64];         /* the world is kept there, unless this is "" */
} h;

/* Opens a world that `description` (the text of a world file, or NULL) changes. NULL, or
 * why not. */
static struct failure *try_world(const char *description, const char *faults,
                                 uint64_t seed)
{
    char file[] = "/tmp/check_world.XXXXXX";
    const int fd = description != NULL ? mkstemp(file) : -1;
    const struct sim_options options = {.world_file = fd >= 0 ? file : NULL,
                                        .state_file = h.state[0] != '\0' ? h.state : NULL,
                                        .faults = faults,
                                        .seed = seed};
    struct failure *failure = NULL;

    if (fd >= 0) {
        const size_t length = strlen(description);

        ck_assert_int_eq(write(fd, description, length), (ssize_t)length);
        close(fd);
    }
    h.world = world_open(&options, &h.clock, &failure);
    if (fd >= 0)
        unlink(file);
    ck_assert_int_eq(h.world == NULL, failure != NULL);
    return failure;
}

static inline void sign_in(void)
{
    free(h.bearer);
    h.bearer = plane_sign_in(h.world, &h.answer, &h.json, "http://sim");
}

/* Signs in before the faults begin. */
static inline void open_world(const char *description, const char *faults, uint64_t seed)
{
    ck_assert_ptr_null(try_world(description, NULL, seed));
    snprintf(h.group, sizeof h.group, "%s/resourceGroups/%s", h.world->subscription_id,
             h.world->profile.resource_group);
    sign_in();
    if (faults != NULL)
        ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, "/_sim/faults",
                                   (struct call){.method = CALL_POST, .body = faults}),
                         200);
}

static inline void close_world(void)
{
    world_close(h.world);
    h.world = NULL;
}

static void open_harness(void)
{
    memset(&h, 0, sizeof h);
    clock_init(&h.clock, CLOCK_VIRTUAL, 1);
}

static void close_harness(void)
{
    close_world();
    answer_deinit(&h.answer);
    cJSON_Delete(h.json);
    free(h.bearer);
}

static inline void pass_ms(int64_t ms)
{
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + ms);
}

static int ask(enum call_method method, const char *url, const char *body)
{
    return plane_ask(h.world, &h.answer, &h.json, url,
                     (struct call){.method = method,
                                   .authorization = h.bearer,
                                   .client_request_id = h.request_id,
                                   .body = body});
}

/* On what stands behind the resource group, with "?api-version=" added. */
static inline int call_arm(enum call_method method, const char *path, const char *body)
{
    char *url = memory_format("%s%s?" VERSION, h.group, path);
    const int status = ask(method, url, body);

    free(url);
    return status;
}

/* The text at a path of the last answer, "" when there is none. */
static const char *said(const char *path)
{
    const char *text = json_string_at(h.json, path);

    return text != NULL ? text : "";
}

/* A header of the last answer beyond the usual ones, or NULL. */
static inline const char *header(const char *name)
{
    for (size_t i = 0; i < h.answer.header_count; i++) {
        if (strcmp(h.answer.headers[i].name, name) == 0)
            return h.answer.headers[i].value;
    }
    return NULL;
}

/* What the ledger says of the resource whose id ends so: "created", "changed", .. */
static inline int ledger(const char *ending, const char *what)
{
    const cJSON *entry;

    ck_assert_int_eq(ask(CALL_GET, "/_sim/ledger", NULL), 200);
    cJSON_ArrayForEach (entry, json_at(h.json, "resources")) {
        const char *id = json_string_at(entry, "id");

        if (strlen(id) >= strlen(ending) &&
            strcmp(id + strlen(id) - strlen(ending), ending) == 0)
            return (int)json_number_at(entry, what, -1);
    }
    return 0;
}

#endif
