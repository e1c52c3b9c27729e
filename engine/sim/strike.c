/* engine/sim/strike.c - what a request gets that a fault strikes. */
#include "sim/strike.h"

#include <time.h>

#include "sim/answer.h"
#include "sim/call.h"
#include "sim/faults.h"
#include "sim/world.h"

static const char text_type[] = "text/plain; charset=utf-8", html_type[] = "text/html";

enum { LONGEST_PAUSE_S = 10 };

/* A different part of the bits for each question. */
static int choose(uint64_t *bits, int count)
{
    const int chosen = (int)(*bits % (uint64_t)count);

    *bits /= (uint64_t)count;
    return chosen;
}

static int choose_pause(const struct world *world, uint64_t *bits)
{
    return world_retry_after(world, 1 + choose(bits, LONGEST_PAUSE_S));
}

/* As an IMF-fixdate, to be compared with the answer's own Date. */
static void add_pause_date(const struct world *world, struct answer *answer, int pause_s)
{
    const time_t then_s = (time_t)(world->now_ms / 1000 + pause_s);
    struct tm parts;
    char date[ANSWER_HEADER_SIZE];

    gmtime_r(&then_s, &parts);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    answer_add_header(answer, "Retry-After", "%s", date);
}

static void throttle(const struct world *world, struct answer *answer, uint64_t bits)
{
    enum { IN_SECONDS, AS_DATE, IN_MILLISECONDS, UNSAID, PAUSE_FORMS };
    static const struct {
        const char *type, *text;
    } bodies[] = {
        {NULL, "{\"error\":{\"code\":\"TooManyRequests\",\"message\":\"The request is "
               "being throttled. Please try again later.\"}}"},
        {text_type, "Too Many Requests"},
        {html_type, "<html><head><title>429 Too Many Requests</title></head><body>"
                    "<h1>Too Many Requests</h1></body></html>"}};
    const int body = choose(&bits, sizeof bodies / sizeof bodies[0]);
    const int form = choose(&bits, PAUSE_FORMS);
    const int pause_s = choose_pause(world, &bits);

    answer_fail(answer, 429, bodies[body].type, bodies[body].text);
    if (form == IN_SECONDS)
        answer->retry_after_s = pause_s;
    else if (form == AS_DATE)
        add_pause_date(world, answer, pause_s);
    else if (form == IN_MILLISECONDS)
        answer_add_header(answer, "x-ms-retry-after-ms", "%d", pause_s * 1000);
}

static void fail(const struct world *world, enum plane plane, struct answer *answer,
                 uint64_t bits)
{
    static const struct {
        int status;
        const char *json, *html;
    } errors[] = {
        {500,
         "{\"error\":{\"code\":\"InternalServerError\",\"message\":\"Encountered "
         "internal "
         "server error.\"}}",
         "<html><head><title>500 Internal Server Error</title></head></html>"},
        {502,
         "{\"error\":{\"code\":\"BadGateway\",\"message\":\"The gateway got an invalid "
         "answer from the resource provider.\"}}",
         "<html><head><title>502 Bad Gateway</title></head></html>"},
        {503,
         "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"The service is "
         "temporarily unavailable.\"}}",
         "<html><head><title>503 Service Unavailable</title></head></html>"},
        {504,
         "{\"error\":{\"code\":\"GatewayTimeout\",\"message\":\"The gateway did not get "
         "an answer from the resource provider in time.\"}}",
         "<html><head><title>504 Gateway Time-out</title></head></html>"}};
    enum { AS_JSON, AS_HTML, EMPTY, BODY_FORMS };
    const int error = choose(&bits, sizeof errors / sizeof errors[0]);
    const int form = choose(&bits, BODY_FORMS);

    if (form == AS_JSON)
        answer_fail(answer, errors[error].status, NULL,
                    plane != PLANE_ENTRA
                        ? errors[error].json
                        : "{\"error\":\"temporarily_unavailable\",\"error_description\":"
                          "\"AADSTS90033: A transient error has occurred. Please try "
                          "again.\",\"error_codes\":[90033]}");
    else
        answer_fail(answer, errors[error].status, html_type,
                    form == AS_HTML ? errors[error].html : "");
    if (errors[error].status == 503 && choose(&bits, 2) == 0)
        answer->retry_after_s = choose_pause(world, &bits);
}

bool strike_before(struct world *world, enum plane plane, struct answer *answer)
{
    struct faults *faults = world->faults;
    uint64_t bits;

    if (plane == PLANE_CONTROLS)
        return false;
    if (plane != PLANE_ENTRA && faults_strike(faults, FAULT_THROTTLE, &bits)) {
        throttle(world, answer, bits);
        return true;
    }
    if (faults_strike(faults, FAULT_ERROR, &bits)) {
        fail(world, plane, answer, bits);
        return true;
    }
    if (faults_strike(faults, FAULT_RESET, NULL)) {
        answer->fate = ANSWER_RESET;
        return true;
    }
    if (faults_strike(faults, FAULT_TIMEOUT, &bits)) {
        answer->fate = ANSWER_WITHHELD;
        return choose(&bits, 2) == 0;
    }
    return false;
}

void strike_after(struct world *world, enum plane plane, const struct call *call,
                  struct answer *answer)
{
    uint64_t bits;

    if ((plane != PLANE_MANAGER && plane != PLANE_GRAPH) || answer->fate != ANSWER_SENT ||
        call_find_class(call) == CLASS_READS || answer->status / 100 != 2)
        return;
    if (faults_strike(world->faults, FAULT_ERROR_AFTER, &bits))
        fail(world, plane, answer, bits);
    else if (faults_strike(world->faults, FAULT_RESET_AFTER, NULL))
        answer->fate = ANSWER_RESET;
}
