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
        !(answer->status == 201 && poll_resource_state(body) == NULL))
        return POLL_LOCATION;
    *url = NULL;
    if (is_put_or_patch(method)) {
        if (answer->status == 202 ||
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
