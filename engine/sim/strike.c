/* engine/sim/strike.c - what a request gets that a fault strikes. */
#include "sim/strike.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/chance.h"
#include "sim/entity.h"
#include "sim/faults.h"
#include "sim/rules.h"
#include "sim/target.h"
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
    const time_t then_s = (time_t)(world_told_ms(world, world->now_ms) / 1000 + pause_s);
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

enum { ERROR_500, ERROR_502, ERROR_503, ERROR_504, ERROR_COUNT };

/* `error` is one of these, or ERROR_COUNT: any. */
static void fail(const struct world *world, enum plane plane, struct answer *answer,
                 int error, uint64_t bits)
{
    static const struct {
        int status;
        const char *json, *html;
    } errors[ERROR_COUNT] = {
        [ERROR_500] =
            {500,
             "{\"error\":{\"code\":\"InternalServerError\",\"message\":"
             "\"Encountered internal server error.\"}}",
             "<html><head><title>500 Internal Server Error</title></head></html>"},
        [ERROR_502] =
            {502,
             "{\"error\":{\"code\":\"BadGateway\",\"message\":\"The gateway got an "
             "invalid answer from the resource provider.\"}}",
             "<html><head><title>502 Bad Gateway</title></head></html>"},
        [ERROR_503] =
            {503,
             "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"The service "
             "is temporarily unavailable.\"}}",
             "<html><head><title>503 Service Unavailable</title></head></html>"},
        [ERROR_504] = {
            504,
            "{\"error\":{\"code\":\"GatewayTimeout\",\"message\":\"The gateway did "
            "not get an answer from the resource provider in time.\"}}",
            "<html><head><title>504 Gateway Time-out</title></head></html>"}};
    enum { AS_JSON, AS_HTML, EMPTY, BODY_FORMS };
    const int drawn = choose(&bits, ERROR_COUNT);
    const int chosen = error < ERROR_COUNT ? error : drawn;
    const int form = choose(&bits, BODY_FORMS);

    if (form == AS_JSON)
        answer_fail(answer, errors[chosen].status, NULL,
                    plane != PLANE_ENTRA
                        ? errors[chosen].json
                        : "{\"error\":\"temporarily_unavailable\",\"error_description\":"
                          "\"AADSTS90033: A transient error has occurred. Please try "
                          "again.\",\"error_codes\":[90033]}");
    else
        answer_fail(answer, errors[chosen].status, html_type,
                    form == AS_HTML ? errors[chosen].html : "");
    if (errors[chosen].status == 503 && choose(&bits, 2) == 0)
        answer->retry_after_s = choose_pause(world, &bits);
}

static bool strike_error(struct world *world, enum plane plane, const struct call *call,
                         struct answer *answer)
{
    static const struct {
        enum fault fault;
        int error;
    } errors[] = {{FAULT_ERROR, ERROR_COUNT},
                  {FAULT_ERROR_500, ERROR_500},
                  {FAULT_ERROR_502, ERROR_502},
                  {FAULT_ERROR_503, ERROR_503},
                  {FAULT_ERROR_504, ERROR_504}};
    uint64_t bits;

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (faults_strike(world->faults, errors[i].fault, call, &bits)) {
            fail(world, plane, answer, errors[i].error, bits);
            return true;
        }
    }
    return false;
}

bool strike_before(struct world *world, enum plane plane, const struct call *call,
                   struct answer *answer)
{
    struct faults *faults = world->faults;
    uint64_t bits;

    if (plane == PLANE_CONTROLS)
        return false;
    if (plane != PLANE_ENTRA && faults_strike(faults, FAULT_THROTTLE, call, &bits)) {
        throttle(world, answer, bits);
        return true;
    }
    if (strike_error(world, plane, call, answer))
        return true;
    if (faults_strike(faults, FAULT_RESET, call, NULL)) {
        answer->fate = ANSWER_RESET;
        return true;
    }
    if (faults_strike(faults, FAULT_TIMEOUT, call, &bits)) {
        answer->fate = ANSWER_WITHHELD;
        return choose(&bits, 2) == 0;
    }
    return false;
}

/* ---- writes ---- */

enum { MINUTE_MS = 60000, LONGEST_MAINTENANCE = 10 };

/* The key of the service or gateway that a write is about, owned by the caller, or NULL. */
static char *find_service(const struct target *target)
{
    static const char space[] = "/providers/microsoft.apimanagement/";
    const char *type = target->key != NULL ? strstr(target->key, space) : NULL;
    const char *name = type != NULL ? strchr(type + strlen(space), '/') : NULL;

    if (name == NULL)
        return NULL;
    return memory_copy_text(target->key,
                            (size_t)(name + 1 - target->key) + strcspn(name + 1, "/"));
}

static bool check_maintenance(struct world *world, const struct call *call,
                              const struct target *target, struct answer *answer)
{
    char *service = find_service(target);
    uint64_t bits;

    if (service == NULL)
        return true;
    if (faults_strike(world->faults, FAULT_MAINTENANCE, call, &bits))
        faults_lock(world->faults, service,
                    world->now_ms + (1 + choose(&bits, LONGEST_MAINTENANCE)) * MINUTE_MS);

    const bool is_locked = faults_locked_until_ms(world->faults, service) > world->now_ms;

    free(service);
    return !is_locked || rules_refuse_locked(answer, target->id);
}

/* Half of the names are refused at once, the others when their creation ends. */
static bool is_refused_late(const struct world *world, const char *key)
{
    return (chance_draw(world->seed, key, "capacity", 0) & 1) != 0;
}

static bool needs_capacity(const struct world *world, const struct kind *kind)
{
    return (kind == &service_kind || kind == &gateway_kind) &&
           faults_has(world->faults, FAULT_CAPACITY);
}

static bool check_capacity(struct world *world, struct call *call,
                           const struct target *target, struct answer *answer)
{
    if (call->method != CALL_PUT || !needs_capacity(world, target->kind) ||
        entity_exists(world, target->key) || is_refused_late(world, target->key))
        return true;

    const char *region = json_string_at(call_json(call), "location");

    if (region == NULL || !faults_strike_region(world->faults, region))
        return true;
    return answer_refuse(answer, REFUSE_CAPACITY,
                         "The region '%s' currently does not have enough resources "
                         "available. Try another region.",
                         region);
}

bool strike_write(struct world *world, struct call *call, const struct target *target,
                  struct answer *answer)
{
    if (call_find_class(call) == CLASS_READS ||
        (target->form != TARGET_ITEM && target->form != TARGET_ACTION))
        return true;
    return check_maintenance(world, call, target, answer) &&
           check_capacity(world, call, target, answer);
}

enum ending strike_end(struct world *world, const struct kind *kind, const char *verb,
                       const char *id, const char *region)
{
    static const struct {
        enum fault fault;
        enum ending ending;
    } endings[] = {{FAULT_LRO_HANG, ENDING_HUNG},
                   {FAULT_LRO_FAIL, ENDING_FAILED},
                   {FAULT_LRO_CANCEL, ENDING_CANCELED}};
    const bool is_delete = strcmp(verb, "delete") == 0;

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (faults_strike_operation(world->faults, endings[i].fault, verb, id))
            return endings[i].ending;
    }
    if (strcmp(verb, "create") == 0 && region != NULL && needs_capacity(world, kind)) {
        char *key = entity_make_key(id);
        const bool is_late = is_refused_late(world, key);

        free(key);
        if (is_late && faults_strike_region(world->faults, region))
            return ENDING_NO_CAPACITY;
    }
    if (!is_delete && faults_strike_operation(world->faults, FAULT_LRO_VANISH, verb, id))
        return ENDING_VANISHED;
    return ENDING_GOOD;
}

/* ---- afterwards ---- */

enum { SECOND_MS = 1000, LONGEST_DELAY = 10 };

/* Half of the pages pretend that all is well. */
static void show_page(struct answer *answer, uint64_t bits)
{
    if (choose(&bits, 2) == 0)
        answer_fail(answer, 200, html_type,
                    "<!DOCTYPE html><html><head><title>Sign in to the network</title>"
                    "</head><body><h1>Welcome</h1></body></html>");
    else
        answer_fail(
            answer, 502, html_type,
            "<!DOCTYPE html><html><head><title>Proxy Error</title></head><body>"
            "<h1>Proxy Error</h1><p>The proxy server received an invalid response "
            "from an upstream server.</p></body></html>");
}

/* What may become of a body on its way. */
static bool strike_body(struct world *world, const struct call *call,
                        struct answer *answer)
{
    static const char *const types[] = {text_type, html_type, "application/octet-stream"};
    struct faults *faults = world->faults;
    uint64_t bits;

    if (answer->body.length == 0 || call->method == CALL_HEAD)
        return false;
    if (faults_strike(faults, FAULT_TRUNCATED, call, NULL))
        answer->fate = ANSWER_TRUNCATED;
    else if (faults_strike(faults, FAULT_MALFORMED, call, NULL))
        answer->body.length /= 2;
    else if (faults_strike(faults, FAULT_HTML, call, &bits))
        show_page(answer, bits);
    else if (faults_strike(faults, FAULT_CONTENT_TYPE, call, &bits))
        answer->content_type = types[choose(&bits, sizeof types / sizeof types[0])];
    else if (faults_strike(faults, FAULT_EMPTY, call, NULL))
        buffer_clear(&answer->body);
    else
        return false;
    return true;
}

static bool strike_success(struct world *world, enum plane plane, const struct call *call,
                           struct answer *answer)
{
    const bool is_write = plane != PLANE_ENTRA && call_find_class(call) != CLASS_READS;
    uint64_t bits;

    if (is_write && faults_strike(world->faults, FAULT_ERROR_AFTER, call, &bits)) {
        fail(world, plane, answer, ERROR_COUNT, bits);
        return true;
    }
    if (is_write && faults_strike(world->faults, FAULT_RESET_AFTER, call, NULL)) {
        answer->fate = ANSWER_RESET;
        return true;
    }
    if (strike_body(world, call, answer))
        return true;
    if ((answer->location == NULL && answer->async_operation == NULL) ||
        !faults_strike(world->faults, FAULT_HEADERS_LOST, call, NULL))
        return false;
    answer_drop_poll_headers(answer);
    return true;
}

void strike_after(struct world *world, enum plane plane, const struct call *call,
                  struct answer *answer)
{
    uint64_t bits;

    if (plane == PLANE_CONTROLS || answer->fate != ANSWER_SENT ||
        (answer->status / 100 == 2 && strike_success(world, plane, call, answer)) ||
        !faults_strike(world->faults, FAULT_SLOW, call, &bits))
        return;
    answer->fate = ANSWER_LATE;
    answer->delay_ms =
        SECOND_MS + (int64_t)(bits % ((LONGEST_DELAY - 1) * SECOND_MS + 1));
}
