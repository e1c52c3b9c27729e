/* engine/arm/refusal.c - from an error answer to a failure.
 *
 * Shapes: {"error":{"code","message","details"}} of ARM and Graph, {"error":"text"} of OAuth,
 * {"code","message"} without a frame and in either case, HTML, plain text, nothing. */
#include "arm/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { LONGEST_TEXT = 300 };

/* A member that is a string in either spelling, or NULL. */
static const char *member(const cJSON *object, const char *name, const char *capital)
{
    const char *text = json_string_at(object, name);

    return text != NULL ? text : json_string_at(object, capital);
}

static void append_details(struct buffer *message, const cJSON *error)
{
    const cJSON *detail;

    cJSON_ArrayForEach (detail, json_at(error, "details")) {
        const char *text = member(detail, "message", "Message");
        const char *target = member(detail, "target", "Target");

        if (text != NULL && strcmp(text, message->data) != 0)
            buffer_printf(message, "%s %s%s%s", message->length > 0 ? ";" : "",
                          target != NULL ? target : "", target != NULL ? ": " : "", text);
    }
}

/* Texts of a person's making: one line, no more than needed. */
static char *one_line(const char *text)
{
    char *line = memory_copy_string(text);
    char *to = line;

    for (const char *from = line; *from != '\0'; from++) {
        const bool is_space = (unsigned char)*from <= ' ';

        if (!is_space)
            *to++ = *from;
        else if (to > line && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > line && to[-1] == ' ')
        to--;
    *to = '\0';
    return line;
}

static const struct cure {
    const char *code, *text;
} cures[] = {
    {"AuthorizationFailed",
     "grant the missing action to who runs this, or sign in as somebody "
     "who has it; fresh grants take minutes"},
    {"MissingSubscriptionRegistration",
     "register the resource provider with the subscription"},
    {"SubscriptionNotFound", "check --subscription and the tenant that you sign in to"},
    {"ResourceGroupNotFound", "check --resource-group"},
    {"RequestDisallowedByPolicy", "an Azure Policy of your organisation forbids it"},
    {"ScopeLocked", "remove the lock, or leave the resource alone"},
    {0}};

static void add_cure(struct failure *failure)
{
    for (const struct cure *cure = cures; cure->code != NULL; cure++) {
        if (text_equal_nocase(cure->code, failure->code))
            failure_set_cure(failure, cure->text);
    }
}

struct failure *refusal_from_error(const cJSON *error, const char *otherwise_code)
{
    const char *code = member(error, "code", "Code");
    const char *text = member(error, "message", "Message");
    const cJSON *number = json_at(error, "code");
    char digits[32];
    struct buffer message = {0};

    if (code == NULL && cJSON_IsNumber(number)) {
        snprintf(digits, sizeof digits, "%.0f", number->valuedouble);
        code = digits;
    }
    buffer_append_string(&message, text != NULL ? text : "");
    append_details(&message, error);
    if (message.length == 0)
        buffer_append_string(&message, "no explanation was given");

    char *line = one_line(message.data);
    struct failure *failure =
        failure_new(code != NULL && code[0] != '\0' ? code : otherwise_code, "%s", line);
    const char *target = member(error, "target", "Target");

    if (target != NULL && target[0] != '\0')
        failure->target = memory_copy_string(target);
    add_cure(failure);
    free(line);
    buffer_deinit(&message);
    return failure;
}

static const char *code_of_status(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "BadRequest"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "NotFound"},
                 {409, "Conflict"},
                 {412, "PreconditionFailed"},
                 {413, "RequestTooLarge"},
                 {429, "Throttled"},
                 {500, "InternalServerError"},
                 {502, "BadGateway"},
                 {503, "ServiceUnavailable"},
                 {504, "GatewayTimeout"}};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return status < 400 ? "UnexpectedRedirect" : "HttpError";
}

struct failure *refusal_from_answer(int status, const cJSON *body, const char *text,
                                    const char *request_id)
{
    const cJSON *error = json_at(body, "error");
    struct failure *failure;

    if (cJSON_IsObject(error)) {
        failure = refusal_from_error(error, code_of_status(status));
    } else if (cJSON_IsString(error)) {
        const char *description = json_string_at(body, "error_description");

        failure = failure_new(error->valuestring, "%s",
                              description != NULL ? description : error->valuestring);
    } else if (member(body, "message", "Message") != NULL) {
        failure = refusal_from_error(body, code_of_status(status));
    } else {
        char *line = one_line(text != NULL ? text : "");

        failure = failure_new(code_of_status(status), "%.*s%s", LONGEST_TEXT,
                              line[0] != '\0' ? line : "the answer has no body",
                              strlen(line) > LONGEST_TEXT ? " ..." : "");
        free(line);
    }
    failure->status = status;
    failure->retryable = status == 408 || status == 429 || status >= 500;
    failure->request_id = memory_copy_string(request_id);
    return failure;
}

/* Refusals that heal by themselves: APIM and networks refuse a second write while one goes
 * on, a new principal takes a while to be known everywhere. */
static const struct healing {
    const char *code;
    int64_t first_pause_ms, longest_pause_ms, longest_ms;
} healings[] = {{"PrincipalNotFound", 5000, 30000, 600000},
                {"AnotherOperationInProgress", 2000, 30000, 1800000},
                {"PessimisticConcurrencyConflict", 1000, 30000, 600000},
                {"RetryableError", 2000, 30000, 600000},
                {"RetryableErrorDueToAnotherOperation", 2000, 30000, 1800000},
                {"ResourceGroupBeingDeleted", 10000, 60000, 1800000},
                {0}};

bool refusal_heals(const struct failure *failure, unsigned attempt, int64_t *pause_ms,
                   int64_t *longest_ms)
{
    for (const struct healing *healing = healings; healing->code != NULL; healing++) {
        if (!text_equal_nocase(healing->code, failure->code))
            continue;
        *pause_ms = healing->first_pause_ms;
        for (unsigned i = 1; i < attempt && *pause_ms < healing->longest_pause_ms; i++)
            *pause_ms *= 2;
        if (*pause_ms > healing->longest_pause_ms)
            *pause_ms = healing->longest_pause_ms;
        *longest_ms = healing->longest_ms;
        return true;
    }
    return false;
}
