/* engine/arm/refusal.c - from an error answer to a failure.
 *
 * Shapes: {"error":{"code","message","details","innererror","additionalInfo"}} of ARM and
 * Graph, {"error":"text"} of OAuth, {"odata.error":{"message":{"value"}}} of OData 3,
 * {"code","message"} without a frame and in either case, a second document inside a message,
 * HTML, XML, plain text, nothing. */
#include "arm/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { LONGEST_TEXT = 300, LONGEST_MESSAGE = 2000, DEEPEST = 8, MOST_DETAILS = 50 };

/* --- members -------------------------------------------------------------------------- */

/* A member that is a string in either spelling, or NULL. */
static const char *member(const cJSON *object, const char *name, const char *capital)
{
    const char *text = json_string_at(object, name);

    return text != NULL ? text : json_string_at(object, capital);
}

/* The message of an error object; OData 3 wraps it with its language. */
static const char *message_of(const cJSON *error)
{
    const char *text = member(error, "message", "Message");

    return text != NULL ? text : json_string_at(error, "message.value");
}

static const cJSON *list_of(const cJSON *error)
{
    const cJSON *details = json_at(error, "details");

    return details != NULL ? details : json_at(error, "Details");
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

/* Cuts it in front of a UTF-8 character. */
static void shorten(char *text, size_t most)
{
    if (strlen(text) <= most)
        return;
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    strcpy(text + most - (most >= 4 ? 4 : most), " ...");
}

/* --- cures ---------------------------------------------------------------------------- */

static const struct cure {
    const char *code, *text;
} cures[] = {
    {"AuthorizationFailed", "grant the missing action to who runs this, or sign in as "
                            "somebody who has it; fresh "
                            "grants take minutes"},
    {"LinkedAuthorizationFailed", "a resource that this one refers to needs a grant, "
                                  "too: see the scope in the message"},
    {"Authorization_RequestDenied",
     "give the application the Microsoft Graph permission (GroupMember.Read.All to read "
     "groups) and let an administrator consent"},
    {"MissingSubscriptionRegistration",
     "register the resource provider with the subscription, or let moongate do it: "
     "--register-providers"},
    {"SubscriptionNotRegistered",
     "register the resource provider with the subscription, or let moongate do it: "
     "--register-providers"},
    {"SubscriptionNotFound", "check --subscription and the tenant that you sign in to"},
    {"InvalidSubscriptionId", "a subscription's id is a GUID: check --subscription"},
    {"ReadOnlyDisabledSubscription",
     "the subscription is disabled: its owner has to enable it"},
    {"ResourceGroupNotFound", "check --resource-group and --subscription"},
    {"ParentResourceNotFound", "make the parent first, or check its name"},
    {"RequestDisallowedByPolicy", "an Azure Policy of your organisation forbids it"},
    {"RequestDisallowedByAzure", "this region or tier is closed to the subscription"},
    {"ScopeLocked", "remove the lock, or leave the resource alone"},
    {"ExpiredAuthenticationToken",
     "check this machine's clock, and sign in again if the token was given as it is"},
    {"InvalidAuthenticationTokenTenant",
     "the subscription is in another tenant: check AZURE_TENANT_ID"},
    {"InvalidAuthenticationTokenAudience",
     "the token is for another service or cloud: check --cloud"},
    {"InvalidApiVersionParameter", "use an api-version that the message names"},
    {"NoRegisteredProviderFound", "use an api-version or region that the message names"},
    {"InvalidResourceType", "check the type's name and its api-version"},
    {"RoleAssignmentLimitExceeded",
     "assign roles to groups instead of people, or at a higher scope"},
    {"RoleAssignmentUpdateNotPermitted",
     "an assignment cannot be changed: delete it and make it anew"},
    {"QuotaExceeded", "ask for more quota in the portal, or use another region"},
    {"SkuNotAvailable", "use another region or tier"},
    {"ServiceAlreadyExists",
     "names of services are global, and a deleted one keeps its name until it is purged"},
    {"PreconditionFailed", "somebody else changed it: read it again and decide anew"},
    {"DeploymentQuotaExceeded", "delete old deployments of the resource group"},
    {0}};

static void add_cure(struct failure *failure)
{
    for (const struct cure *cure = cures; cure->code != NULL; cure++) {
        if (text_equal_nocase(cure->code, failure->code))
            failure_set_cure(failure, cure->text);
    }
}

/* --- error objects -------------------------------------------------------------------- */

/* A second document inside the message, as deployments have it, or NULL. */
static cJSON *document_in(const char *message)
{
    const char *start = message != NULL ? strchr(message, '{') : NULL;
    cJSON *inner = NULL;

    if (start != NULL && start == message + strspn(message, " \r\n\t"))
        inner = json_parse(start, strlen(start), NULL);
    return inner;
}

/* The object that has the code and the message, whatever frame is around it. */
static const cJSON *unframe(const cJSON *body)
{
    static const char *const frames[] = {"error", "Error", "odata.error"};

    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        /* not json_at(): a dot is part of the name */
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(body, frames[i]);

        if (cJSON_IsObject(error))
            return error;
    }
    return body;
}

static void append_details(struct buffer *message, const cJSON *error)
{
    const cJSON *detail;

    cJSON_ArrayForEach (detail, list_of(error)) {
        const char *text = message_of(detail);
        const char *target = member(detail, "target", "Target");

        if (text != NULL &&
            strstr(message->data != NULL ? message->data : "", text) == NULL &&
            message->length < LONGEST_MESSAGE)
            buffer_printf(message, "%s%s%s%s", message->length > 0 ? "; " : "",
                          target != NULL ? target : "", target != NULL ? ": " : "", text);
    }
}

/* Which policies said no (additionalInfo of type PolicyViolation). */
static void append_policies(struct buffer *message, const cJSON *error)
{
    const cJSON *more;

    cJSON_ArrayForEach (more, json_at(error, "additionalInfo")) {
        const char *type = json_string_at(more, "type");
        const char *name = json_string_at(more, "info.policyDefinitionDisplayName");
        const char *assignment = json_string_at(more, "info.policyAssignmentDisplayName");

        if (name == NULL)
            name = json_string_at(more, "info.policyDefinitionName");
        if (assignment == NULL)
            assignment = json_string_at(more, "info.policyAssignmentName");
        if (type == NULL || !text_equal_nocase(type, "PolicyViolation") || name == NULL)
            continue;
        buffer_printf(message, "; policy '%s'", name);
        if (assignment != NULL)
            buffer_printf(message, " (assignment '%s')", assignment);
    }
}

static void copy_member(cJSON *to, const cJSON *from, const char *name,
                        const char *capital)
{
    const char *text =
        strcmp(name, "message") == 0 ? message_of(from) : member(from, name, capital);

    if (text != NULL)
        cJSON_AddStringToObject(to, name, text);
}

/* Gathers what lies below an error, outermost first. */
static void gather(cJSON *all, const cJSON *error, int depth)
{
    const cJSON *inner = json_at(error, "innererror"), *detail;

    if (inner == NULL)
        inner = json_at(error, "innerError");
    if (depth >= DEEPEST || cJSON_GetArraySize(all) >= MOST_DETAILS)
        return;
    if (depth > 0 &&
        (member(error, "code", "Code") != NULL || message_of(error) != NULL)) {
        cJSON *own = cJSON_CreateObject();

        copy_member(own, error, "code", "Code");
        copy_member(own, error, "message", "Message");
        copy_member(own, error, "target", "Target");
        cJSON_AddItemToArray(all, own);
    }
    if (cJSON_IsObject(inner))
        gather(all, inner, depth + 1);
    cJSON_ArrayForEach (detail, list_of(error))
        gather(all, detail, depth + 1);
}

static void add_details(struct failure *failure, const cJSON *error)
{
    cJSON *all = cJSON_CreateArray();

    gather(all, error, 0);
    if (cJSON_GetArraySize(all) > 0)
        failure->details = json_print(all);
    cJSON_Delete(all);
}

/* The code as text; some services send a number. */
static char *format_code(const cJSON *error, const char *otherwise)
{
    const char *code = member(error, "code", "Code");
    const cJSON *number = json_at(error, "code");

    if (code != NULL && code[0] != '\0')
        return memory_copy_string(code);
    return cJSON_IsNumber(number) ? memory_format("%.0f", number->valuedouble)
                                  : memory_copy_string(otherwise);
}

struct failure *refusal_from_error(const cJSON *error, const char *otherwise_code)
{
    cJSON *document = document_in(message_of(error));
    const cJSON *inner = document != NULL ? unframe(document) : NULL;

    /* the document in the message says what happened, the frame only that something did */
    if (inner != NULL && message_of(inner) != NULL &&
        document_in(message_of(inner)) == NULL)
        error = inner;

    const char *text = message_of(error), *target = member(error, "target", "Target");
    char *code = format_code(error, otherwise_code);
    struct buffer message = {0};

    buffer_append_string(&message, text != NULL ? text : "");
    append_details(&message, error);
    append_policies(&message, error);
    if (message.length == 0)
        buffer_append_string(&message, "no explanation was given");

    char *line = one_line(message.data);

    if (line[0] == '\0') { /* it was all spaces */
        free(line);
        line = memory_copy_string("no explanation was given");
    }
    shorten(line, LONGEST_MESSAGE);

    struct failure *failure = failure_new(code, "%s", line);
    const char *request_id = json_string_at(error, "innerError.request-id");

    if (target != NULL && target[0] != '\0')
        failure->target = memory_copy_string(target);
    failure->request_id = memory_copy_string(request_id);
    add_details(failure, error);
    add_cure(failure);
    cJSON_Delete(document);
    free(code);
    free(line);
    buffer_deinit(&message);
    return failure;
}

/* --- answers without JSON ------------------------------------------------------------- */

/* The text of an element, "<Code>x</Code>", or NULL; owned by the caller. */
static char *element(const char *text, const char *name)
{
    char *open = memory_format("<%s>", name);
    const char *start = strstr(text, open);
    const char *end = start != NULL ? strchr(start + strlen(open), '<') : NULL;
    char *content = end != NULL ? memory_copy_text(start + strlen(open),
                                                   (size_t)(end - start) - strlen(open))
                                : NULL;

    free(open);
    return content;
}

/* What a reader sees of a page: its title, or its text without the tags. */
static char *page_text(const char *text)
{
    char *title = element(text, "title");
    char *plain, *to;

    if (title != NULL && title[0] != '\0')
        return title;
    free(title);
    plain = to = memory_copy_string(text);
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '<') {
            from += strcspn(from, ">");
            *to++ = ' ';
            if (*from == '\0')
                break;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return plain;
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

static struct failure *from_text(int status, const char *text)
{
    char *code = element(text, "Code"), *message = element(text, "Message");
    char *plain = message != NULL  ? memory_copy_string(message)
                  : text[0] == '<' ? page_text(text)
                                   : memory_copy_text(text, strnlen(text, 4096));
    char *line = one_line(plain);

    shorten(line, LONGEST_TEXT);

    struct failure *failure = failure_new(
        code != NULL && code[0] != '\0' && message != NULL ? code
                                                           : code_of_status(status),
        "%s", line[0] != '\0' ? line : "the answer has no body");

    add_cure(failure);
    free(code);
    free(message);
    free(plain);
    free(line);
    return failure;
}

struct failure *refusal_from_answer(int status, const cJSON *body, const char *text)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(body, "error");
    struct failure *failure;

    if (cJSON_IsString(error)) {
        const char *description = json_string_at(body, "error_description");
        const char *code = error->valuestring;
        char *line = one_line(description != NULL ? description : code);

        shorten(line, LONGEST_MESSAGE);
        failure = failure_new(code[0] != '\0' ? code : code_of_status(status), "%s",
                              line[0] != '\0' ? line : "no explanation was given");
        free(line);
    } else if (body != NULL && (unframe(body) != body || message_of(body) != NULL)) {
        failure = refusal_from_error(unframe(body), code_of_status(status));
    } else {
        failure = from_text(status, text != NULL ? text : "");
    }
    failure->status = status;
    failure->retryable = status == 408 || status == 429 || status >= 500;
    return failure;
}

/* --- refusals that heal --------------------------------------------------------------- */

enum { SECOND_MS = 1000, MINUTE_MS = 60000 };

static const int64_t DAY_MS = INT64_C(86400000);

/* APIM and networks refuse a second write while one goes on, a new principal takes a while to
 * be known everywhere. `text` is part of the message, or NULL; a code that ends in "*" is the
 * beginning of one. Sources: Azure Resource Manager's error codes; API Management's 409s as
 * public deployment tools report them. */
static const struct passing {
    const char *code, *text;
    struct healing healing;
} passings[] = {
    {"PrincipalNotFound", NULL, {5 * SECOND_MS, 30 * SECOND_MS, 10 * MINUTE_MS, false}},
    {"AnotherOperationInProgress", NULL, {2 * SECOND_MS, 30 * SECOND_MS, DAY_MS, true}},
    {"ServiceLocked", NULL, {5 * SECOND_MS, MINUTE_MS, DAY_MS, true}},
    {"PessimisticConcurrencyConflict",
     NULL,
     {SECOND_MS, 30 * SECOND_MS, 10 * MINUTE_MS, false}},
    {"Conflict",
     "Operation on the API is in progress",
     {SECOND_MS, 30 * SECOND_MS, 10 * MINUTE_MS, false}},
    {"ManagementApiRequestFailed",
     "Operation on the API is in progress",
     {SECOND_MS, 30 * SECOND_MS, 10 * MINUTE_MS, false}},
    {"ManagementApiRequestFailed",
     "PessimisticConcurrencyConflict",
     {SECOND_MS, 30 * SECOND_MS, 10 * MINUTE_MS, false}},
    {"RetryableErrorDueToAnotherOperation",
     NULL,
     {2 * SECOND_MS, 30 * SECOND_MS, DAY_MS, true}},
    {"RetryableError*", NULL, {2 * SECOND_MS, 30 * SECOND_MS, 10 * MINUTE_MS, false}},
    {"DeploymentActive", NULL, {5 * SECOND_MS, 30 * SECOND_MS, DAY_MS, false}},
    {"ResourceGroupBeingDeleted",
     NULL,
     {10 * SECOND_MS, MINUTE_MS, 30 * MINUTE_MS, false}},
    {"Directory_ConcurrencyViolation",
     NULL,
     {SECOND_MS, 30 * SECOND_MS, 5 * MINUTE_MS, false}},
    {0}};

static bool matches(const struct passing *passing, const struct failure *failure)
{
    const size_t length = strlen(passing->code);
    bool is_code;

    if (passing->code[length - 1] == '*') {
        char *start = memory_copy_text(passing->code, length - 1);

        is_code = text_has_prefix_nocase(failure->code, start);
        free(start);
    } else {
        is_code = text_equal_nocase(failure->code, passing->code);
    }
    return is_code &&
           (passing->text == NULL || strstr(failure->message, passing->text) != NULL ||
            (failure->details != NULL &&
             strstr(failure->details, passing->text) != NULL));
}

const struct healing *refusal_healing(const struct failure *failure)
{
    for (const struct passing *passing = passings; passing->code != NULL; passing++) {
        if (matches(passing, failure))
            return &passing->healing;
    }
    return NULL;
}

const struct healing *refusal_healing_below_new(const struct failure *failure)
{
    static const char *const codes[] = {"ParentResourceNotFound", "ResourceGroupNotFound",
                                        "ResourceNotFound"};
    static const struct healing healing = {2 * SECOND_MS, 10 * SECOND_MS, MINUTE_MS,
                                           false};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (failure->status == 404 && text_equal_nocase(codes[i], failure->code))
            return &healing;
    }
    return NULL;
}

int64_t healing_pause_ms(const struct healing *healing, unsigned attempt)
{
    int64_t pause_ms = healing->first_pause_ms;

    for (unsigned i = 1; i < attempt && pause_ms < healing->longest_pause_ms; i++)
        pause_ms *= 2;
    return pause_ms < healing->longest_pause_ms ? pause_ms : healing->longest_pause_ms;
}
