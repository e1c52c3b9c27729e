/* engine/arm/poll.c - how ARM's long-running operations are told and judged. */
#include "arm/poll.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "net/transfer.h"

static bool is_put_or_patch(const char *method)
{
    return strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

const char *poll_resource_state(const cJSON *body)
{
    const char *state = json_string_at(body, "properties.provisioningState");

    return state != NULL ? state : json_string_at(body, "provisioningState");
}

enum poll_verdict poll_judge_state(const char *state)
{
    static const struct {
        const char *state;
        enum poll_verdict verdict;
    } finals[] = {{"Succeeded", POLL_SUCCEEDED}, {"Completed", POLL_SUCCEEDED},
                  {"Failed", POLL_FAILED},       {"TerminationFailed", POLL_FAILED},
                  {"Canceled", POLL_CANCELED},   {"Cancelled", POLL_CANCELED}};

    if (state == NULL)
        return POLL_SUCCEEDED;
    for (size_t i = 0; i < sizeof finals / sizeof finals[0]; i++) {
        if (text_equal_nocase(state, finals[i].state))
            return finals[i].verdict;
    }
    return POLL_RUNNING; /* every word that is not final means: still running */
}

enum poll_method poll_choose(const char *method, const struct transfer *answer,
                             const cJSON *body, const char **url)
{
    *url = transfer_field(answer, "azure-asyncoperation");
    if (*url == NULL)
        *url = transfer_field(answer, "operation-location");
    if (*url != NULL)
        return POLL_MONITOR;
    /* a Location with 201 and no state is the new resource's address (RFC 9110, 15.3.2) */
    *url = transfer_field(answer, "location");
    if (*url != NULL && (answer->status == 202 || is_put_or_patch(method)) &&
        !(answer->status == 201 && body != NULL && poll_resource_state(body) == NULL))
        return POLL_LOCATION;
    *url = NULL;
    if (is_put_or_patch(method)) {
        /* made, but not told what: the resource itself knows whether it is complete */
        const bool is_bare = answer->status == 201 && body == NULL;

        if (answer->status == 202 || is_bare ||
            poll_judge_state(poll_resource_state(body)) != POLL_SUCCEEDED)
            return POLL_SELF;
        return POLL_NOTHING;
    }
    if (answer->status != 202)
        return POLL_NOTHING;
    return strcmp(method, "DELETE") == 0 ? POLL_ABSENCE : POLL_IMPOSSIBLE;
}

static enum poll_verdict judge_monitor(const char *first_method, int status,
                                       const cJSON *body, bool has_body,
                                       const char **state)
{
    if (status == 204 && strcmp(first_method, "DELETE") == 0)
        return POLL_SUCCEEDED;
    if (!has_body)
        return POLL_MALFORMED;
    *state = json_string_at(body, "status");
    return *state != NULL ? poll_judge_state(*state) : POLL_MALFORMED;
}

enum poll_verdict poll_judge(enum poll_method method, const char *first_method,
                             int status, const cJSON *body, bool has_body,
                             const char **state)
{
    *state = NULL;
    if (method == POLL_MONITOR)
        return judge_monitor(first_method, status, body, has_body, state);
    *state = poll_resource_state(body);
    if (status == 202)
        return POLL_RUNNING;
    if (method == POLL_LOCATION) {
        const enum poll_verdict verdict = poll_judge_state(*state);

        /* it is over; a state in the body can only say how */
        return verdict == POLL_RUNNING ? POLL_SUCCEEDED : verdict;
    }
    if (method == POLL_ABSENCE)
        return POLL_RUNNING; /* it is still there; 404 is the end */
    if (status == 204)
        return POLL_SUCCEEDED;
    return has_body ? poll_judge_state(*state) : POLL_MALFORMED;
}

enum poll_result poll_find_result(enum poll_method method, const char *first_method,
                                  const char *via, const cJSON *monitor,
                                  bool has_location)
{
    const bool is_post = strcmp(first_method, "POST") == 0;

    if (method != POLL_MONITOR || strcmp(first_method, "DELETE") == 0)
        return POLL_RESULT_HERE;
    if (json_string_at(monitor, "resourceLocation") != NULL)
        return POLL_RESULT_ELSEWHERE;
    if (has_location && via != NULL && strcmp(via, "location") == 0 &&
        strcmp(first_method, "PUT") != 0)
        return POLL_RESULT_LOCATION;
    if (!is_post || (via != NULL && strcmp(via, "original-uri") == 0))
        return POLL_RESULT_SELF;
    return has_location && via == NULL ? POLL_RESULT_LOCATION : POLL_RESULT_HERE;
}

enum {
    MISSES_LIMIT = 5,          /* a monitor may take a moment to be known everywhere */
    RESULT_MISSES_LIMIT = 3,   /* and so may a result */
    WAIT_FOR_SELF_MS = 120000, /* and a new resource longer */
    NOT_FOUND = 404,
    GONE = 410
};

static enum poll_refusal judge_missing(const struct poll_trouble *trouble)
{
    const bool is_delete = strcmp(trouble->first_method, "DELETE") == 0;
    const bool asks_self = trouble->asks_self || trouble->method == POLL_SELF;

    if (strcmp(trouble->first_method, "GET") == 0)
        return POLL_REFUSED; /* it was there before */
    if (is_delete && (asks_self || trouble->method == POLL_ABSENCE))
        return POLL_GONE;
    if (trouble->is_result)
        return trouble->misses < RESULT_MISSES_LIMIT ? POLL_AGAIN_SOON : POLL_REFUSED;
    if (asks_self)
        return trouble->age_ms < WAIT_FOR_SELF_MS ? POLL_AGAIN_SOON : POLL_REFUSED;
    if (trouble->misses < MISSES_LIMIT)
        return POLL_AGAIN_SOON;
    /* that a resource is not there proves no deletion that nobody ever knew of */
    if (is_delete)
        return trouble->was_known ? POLL_READ_SELF : POLL_REFUSED;
    return is_put_or_patch(trouble->first_method) ? POLL_READ_SELF : POLL_REFUSED;
}

enum poll_refusal poll_judge_refusal(const struct poll_trouble *trouble)
{
    switch (trouble->status) {
    case NOT_FOUND:
    case GONE:
        return judge_missing(trouble);
    case 401: /* the credential stage has tried a new token; rights spread slowly */
    case 403:
        return trouble->misses < MISSES_LIMIT ? POLL_AGAIN_SOON : POLL_REFUSED;
    case 408:
    case 429:
        return POLL_AGAIN_LATER;
    case 501:
    case 505:
        return POLL_REFUSED;
    default:
        return trouble->status >= 500 ? POLL_AGAIN_LATER : POLL_REFUSED;
    }
}

enum {
    FIRST_PAUSE_MS = 2000,
    LONGEST_PAUSE_MS = 300000,
    AGE_PER_PAUSE = 15, /* found at most a fifteenth of its time late */
    GRID_MS = 10000
};

int64_t poll_pause_ms(int64_t asked_ms, int64_t age_ms, unsigned polls)
{
    int64_t pause_ms = FIRST_PAUSE_MS;

    for (unsigned i = 0; i < polls && pause_ms < 30000; i++)
        pause_ms += pause_ms / 2;
    if (pause_ms > 30000)
        pause_ms = 30000;
    if (asked_ms > 0 || (asked_ms == 0 && polls < 2))
        pause_ms = asked_ms;
    if (pause_ms < age_ms / AGE_PER_PAUSE)
        pause_ms = age_ms / AGE_PER_PAUSE;
    if (pause_ms > LONGEST_PAUSE_MS && pause_ms > asked_ms)
        pause_ms = asked_ms > LONGEST_PAUSE_MS ? asked_ms : LONGEST_PAUSE_MS;
    if (pause_ms > 60000)
        pause_ms = (pause_ms + GRID_MS - 1) / GRID_MS * GRID_MS;
    return pause_ms;
}
