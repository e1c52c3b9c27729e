/* tests/fuzz/simulator.h - a simulator without a socket for the fuzz targets, asked as its
 * owner, and what must hold of each of its answers. */
#ifndef MOONGATE_TESTS_FUZZ_SIMULATOR_H
#define MOONGATE_TESTS_FUZZ_SIMULATOR_H

#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "net/loop.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/sim.h"

#define FUZZ_BASE "http://127.0.0.1:1"

static struct {
    struct clock clock;
    struct loop *loop;
    struct sim *sim; /* NULL until it is asked */
    char *bearer;
    bool is_changed; /* it is another world than it was at first */
    bool has_faults; /* perhaps: then it may fail */
} fuzz;

/* Whatever is asked for is answered, and not by a failure of its own. */
static inline void fuzz_check(const struct answer *answer)
{
    cJSON *json;

    fuzz_claim(answer->status >= 200 && answer->status < 600);
    fuzz_claim(fuzz.has_faults || answer->status < 500);
    if (answer->body.length == 0 || answer->content_type != NULL)
        return;
    fuzz_claim(text_is_utf8(answer->body.data, answer->body.length));
    json = json_parse(answer->body.data, answer->body.length, NULL);
    fuzz_claim(json != NULL);
    cJSON_Delete(json);
}

static inline void fuzz_sign_in(void)
{
    const struct sim_profile *profile = sim_profile(fuzz.sim);
    char *path = memory_format("/%s/oauth2/v2.0/token", profile->tenant_id);
    char *form = memory_format("grant_type=client_credentials&client_id=%s"
                               "&client_secret=%s&scope=" FUZZ_BASE "/.default",
                               profile->client_id, profile->client_secret);
    struct call call = {.method = CALL_POST,
                        .base = FUZZ_BASE,
                        .path = path,
                        .body = form,
                        .body_length = strlen(form)};
    struct answer answer;
    cJSON *json;

    answer_init(&answer);
    sim_answer(fuzz.sim, &call, &answer);
    json = json_parse(answer.body.data, answer.body.length, NULL);
    fuzz.bearer = memory_format("Bearer %s", json_string_at(json, "access_token"));
    cJSON_Delete(json);
    answer_deinit(&answer);
    free(path);
    free(form);
}

/* No limits on requests: they would shut out what comes after. */
static inline void fuzz_open(void)
{
    static const char world[] =
        "{\"limits\":{\"reads\":null,\"writes\":null,\"deletes\":null}}";
    char file[] = "/tmp/fuzz_world.XXXXXX";
    const int fd = mkstemp(file);
    const struct sim_options options = {.world_file = file, .seed = 1};
    struct failure *failure = NULL;

    fuzz_claim(fd >= 0 && write(fd, world, sizeof world - 1) == sizeof world - 1);
    close(fd);
    clock_init(&fuzz.clock, CLOCK_VIRTUAL, 1);
    fuzz.loop = loop_new(&fuzz.clock);
    fuzz.sim = sim_open(fuzz.loop, &options, &failure);
    unlink(file);
    fuzz_claim(fuzz.sim != NULL);
    fuzz_sign_in();
}

static inline void fuzz_close(void)
{
    sim_close(fuzz.sim);
    loop_free(fuzz.loop);
    free(fuzz.bearer);
    memset(&fuzz, 0, sizeof fuzz);
}

/* Makes sure of a world as it is at first. */
static inline void fuzz_renew(void)
{
    if (fuzz.is_changed)
        fuzz_close();
    if (fuzz.sim == NULL)
        fuzz_open();
}

static inline void fuzz_ask(struct call *call)
{
    const bool is_read = call->method == CALL_GET || call->method == CALL_HEAD;
    struct answer answer;

    call->base = FUZZ_BASE;
    answer_init(&answer);
    if (!is_read && strstr(call->path, "_sim") != NULL)
        fuzz.has_faults = true;
    sim_answer(fuzz.sim, call, &answer);
    if (!is_read && answer.status < 400)
        fuzz.is_changed = true;
    fuzz_check(&answer);
    answer_deinit(&answer);
}

#endif
