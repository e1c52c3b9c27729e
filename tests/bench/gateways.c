/* tests/bench/gateways.c - what the simulator itself takes for many long operations: makes
 * gateways in a world with a virtual clock, without HTTP, and asks for each as often as it is
 * told to until all are there. Prints milliseconds and requests.
 *
 *     gateways COUNT [WORLD-FILE] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/loop.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/sim.h"

#define BASE "http://bench"

struct gateway {
    char *monitor; /* its path and query, until it is there */
};

static struct sim *sim;
static char *bearer;
static long requests;

static void fail(const char *what, const struct answer *answer)
{
    fprintf(stderr, "gateways: %s: %d %.300s\n", what, answer->status, answer->body.data);
    exit(EXIT_FAILURE);
}

static void ask(enum call_method method, const char *target, const char *body,
                struct answer *answer)
{
    const char *query = strchr(target, '?');
    char *path = memory_copy_text(target, strcspn(target, "?"));
    struct call call = {.method = method,
                        .base = BASE,
                        .path = path,
                        .query = query != NULL ? query + 1 : NULL,
                        .authorization = bearer,
                        .body = body,
                        .body_length = body != NULL ? strlen(body) : 0};

    answer_init(answer);
    sim_answer(sim, &call, answer);
    requests++;
    free(path);
}

static void sign_in(void)
{
    const struct sim_profile *profile = sim_profile(sim);
    char *path = memory_format("/%s/oauth2/v2.0/token", profile->tenant_id);
    char *form = memory_format("grant_type=client_credentials&client_id=%s"
                               "&client_secret=%s&scope=" BASE "/.default",
                               profile->client_id, profile->client_secret);
    struct answer answer;

    ask(CALL_POST, path, form, &answer);
    if (answer.status != 200)
        fail("sign-in", &answer);

    cJSON *json = json_parse(answer.body.data, answer.body.length, NULL);

    free(bearer);
    bearer = memory_format("Bearer %s", json_string_at(json, "access_token"));
    cJSON_Delete(json);
    answer_deinit(&answer);
    free(path);
    free(form);
}

static void create(struct gateway *gateway, size_t number)
{
    const struct sim_profile *profile = sim_profile(sim);
    char *path = memory_format("/subscriptions/%s/resourceGroups/%s/providers/"
                               "Microsoft.ApiManagement/gateways/gw-%zu"
                               "?api-version=2024-05-01",
                               profile->subscription_id, profile->resource_group, number);
    struct answer answer;

    ask(CALL_PUT, path,
        "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","
        "\"capacity\":1},\"properties\":{\"virtualNetworkType\":\"None\"}}",
        &answer);
    if (answer.status != 201 || answer.async_operation == NULL)
        fail(path, &answer);
    gateway->monitor = memory_copy_string(answer.async_operation + strlen(BASE));
    answer_deinit(&answer);
    free(path);
}

/* Asks once for each that is not there yet. The seconds until they want to be asked again; 0
 * when all are there. */
static int poll(struct gateway *gateways, size_t count)
{
    int wait_s = 0;

    for (size_t i = 0; i < count; i++) {
        struct answer answer;

        if (gateways[i].monitor == NULL)
            continue;
        ask(CALL_GET, gateways[i].monitor, NULL, &answer);
        if (answer.status == 401) { /* an hour has passed */
            answer_deinit(&answer);
            sign_in();
            ask(CALL_GET, gateways[i].monitor, NULL, &answer);
        }
        if (answer.status != 200)
            fail(gateways[i].monitor, &answer);
        if (strstr(answer.body.data, "\"Succeeded\"") != NULL) {
            free(gateways[i].monitor);
            gateways[i].monitor = NULL;
        } else {
            wait_s = answer.retry_after_s;
        }
        answer_deinit(&answer);
    }
    return wait_s;
}

int main(int argc, char **argv)
{
    const struct sim_options options = {.world_file = argc > 2 ? argv[2] : NULL,
                                        .seed = 1};
    const size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    struct gateway *gateways = memory_new((count + 1) * sizeof *gateways);
    struct failure *failure = NULL;
    struct clock clock;
    int wait_s;

    clock_init(&clock, CLOCK_VIRTUAL, 1);

    struct loop *loop = loop_new(&clock);
    const int64_t started_ms = clock_machine_ms();

    sim = sim_open(loop, &options, &failure);
    if (sim == NULL || count == 0) {
        fputs("usage: gateways COUNT [WORLD-FILE]\n", stderr);
        return 2;
    }
    sign_in();
    for (size_t i = 0; i < count; i++)
        create(&gateways[i], i);
    while ((wait_s = poll(gateways, count)) > 0)
        clock_advance_to(&clock, clock_now_ms(&clock) + wait_s * INT64_C(1000));
    sim_close(sim);
    printf("%lld %ld\n", (long long)(clock_machine_ms() - started_ms), requests);
    loop_free(loop);
    free(gateways);
    free(bearer);
    return EXIT_SUCCESS;
}
