/* tests/fuzz/fuzz_sim_http.c - requests to the simulator, several an input:
 *
 *     PUT /path?query      or GET, HEAD, PATCH, DELETE, POST; WAIT 60: so many seconds pass
 *     if-match: *          any fields; without `authorization` it is the owner's
 *
 *     the body, one line */
#include "simulator.h"

static const struct {
    const char *name;
    enum call_method method;
} methods[] = {{"GET ", CALL_GET},     {"HEAD ", CALL_HEAD},     {"PUT ", CALL_PUT},
               {"PATCH ", CALL_PATCH}, {"DELETE ", CALL_DELETE}, {"POST ", CALL_POST}};

/* Where the target begins, or NULL when the line is none of a request. */
static char *take_method(char *line, struct call *call)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (text_has_prefix_nocase(line, methods[i].name)) {
            call->method = methods[i].method;
            return line + strlen(methods[i].name);
        }
    }
    return NULL;
}

/* Takes over the line. */
static void take_field(char *line, struct call *call)
{
    const struct {
        const char *name;
        const char **place;
    } fields[] = {{"authorization: ", &call->authorization},
                  {"if-match: ", &call->if_match},
                  {"if-none-match: ", &call->if_none_match},
                  {"consistencylevel: ", &call->consistency_level},
                  {"x-ms-client-request-id: ", &call->client_request_id}};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const size_t length = strlen(fields[i].name);

        if (text_has_prefix_nocase(line, fields[i].name) && *fields[i].place == NULL) {
            *fields[i].place = memory_copy_string(line + length);
            break;
        }
    }
    free(line);
}

static void wait_seconds(const char *text)
{
    const int64_t seconds = strtol(text, NULL, 10) % 100000;

    if (seconds <= 0)
        return;
    clock_advance_to(&fuzz.clock, clock_now_ms(&fuzz.clock) + seconds * 1000);
    fuzz.is_changed = true; /* a token may have expired, an operation ended */
}

static void request(char *line, const uint8_t **data, size_t *size)
{
    struct call call = {0};
    char *target = take_method(line, &call), *field, *body;

    if (target == NULL)
        return;
    call.query = strchr(target, '?');
    if (call.query != NULL) {
        target[call.query - target] = '\0';
        call.query++;
    }
    call.path = target;
    while (*(field = fuzz_text(data, size)) != '\0')
        take_field(field, &call);
    free(field);
    body = fuzz_text(data, size);
    call.body = body;
    call.body_length = strlen(body);

    const bool is_owner = call.authorization == NULL;

    if (is_owner)
        call.authorization = fuzz.bearer;
    else if (call.authorization[0] == '\0') { /* nobody */
        free((char *)(uintptr_t)call.authorization);
        call.authorization = NULL;
    }
    fuzz_ask(&call);
    if (!is_owner)
        free((char *)(uintptr_t)call.authorization);
    free((char *)(uintptr_t)call.if_match);
    free((char *)(uintptr_t)call.if_none_match);
    free((char *)(uintptr_t)call.consistency_level);
    free((char *)(uintptr_t)call.client_request_id);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_renew();
    while (size > 0) {
        char *line = fuzz_text(&data, &size);

        if (text_has_prefix_nocase(line, "WAIT "))
            wait_seconds(line + 5);
        else
            request(line, &data, &size);
        free(line);
    }
    return 0;
}
