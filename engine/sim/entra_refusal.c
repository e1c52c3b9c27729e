/* engine/sim/entra_refusal.c - how sign-in says no. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/world.h"

/* Documented: Microsoft's list of AADSTS codes or the page of the flow has it. Observed: real
 * answers in public reports show it. Assumed: the number is documented or observed, the name
 * or the status that goes with it is ours. */
static const struct {
    int code, status;
    const char *error;
} refusals[] = {
    [ENTRA_TENANT_UNKNOWN] = {90002, 400, "invalid_request"},            /* assumed */
    [ENTRA_TENANT_UNKNOWN_TO_METADATA] = {90002, 400, "invalid_tenant"}, /* observed */
    [ENTRA_TENANT_MALFORMED] = {900023, 400, "invalid_request"},         /* assumed */
    [ENTRA_TENANT_UNSAID] = {50059, 400, "invalid_request"},             /* assumed */
    [ENTRA_INSTANCE] = {50049, 400, "invalid_instance"},                 /* observed */
    [ENTRA_METHOD] = {900561, 400, "invalid_request"},                   /* assumed */
    [ENTRA_FIELD_MISSING] = {900144, 400, "invalid_request"},            /* observed */
    [ENTRA_GRANT_TYPE] = {70003, 400, "unsupported_grant_type"},         /* documented */
    [ENTRA_RESPONSE_TYPE] = {70005, 400, "unsupported_response_type"},   /* documented */
    [ENTRA_SCOPE] = {70011, 400, "invalid_scope"},                       /* documented */
    [ENTRA_SCOPE_NOT_DEFAULT] = {1002012, 400, "invalid_scope"},         /* observed */
    [ENTRA_SCOPE_MANY] = {28000, 400, "invalid_request"},                /* assumed */
    [ENTRA_RESOURCE_PARAMETER] = {901002, 400, "invalid_request"},       /* observed */
    [ENTRA_RESOURCE] = {500011, 400, "invalid_resource"},                /* documented */
    [ENTRA_CLIENT_UNKNOWN] = {700016, 400, "unauthorized_client"},       /* observed */
    [ENTRA_CLIENT_DISABLED] = {7000112, 400, "unauthorized_client"},     /* assumed */
    [ENTRA_CLIENT_PUBLIC] = {700025, 401, "invalid_client"},             /* assumed */
    [ENTRA_CREDENTIAL_MISSING] = {7000216, 401, "invalid_client"},       /* observed */
    [ENTRA_SECRET] = {7000215, 401, "invalid_client"},                   /* observed */
    [ENTRA_ASSERTION_MALFORMED] = {50027, 400, "invalid_request"},       /* assumed */
    [ENTRA_ASSERTION_CLIENT] = {700021, 401, "invalid_client"},          /* assumed */
    [ENTRA_ASSERTION_AUDIENCE] = {700023, 401, "invalid_client"},        /* assumed */
    [ENTRA_ASSERTION_TIME] = {700024, 401, "invalid_client"},            /* observed */
    [ENTRA_ASSERTION_SIGNATURE] = {700027, 401, "invalid_client"},       /* observed */
    [ENTRA_FEDERATED_ISSUER] = {700211, 401, "invalid_client"},          /* assumed */
    [ENTRA_FEDERATED_AUDIENCE] = {700212, 401, "invalid_client"},        /* assumed */
    [ENTRA_FEDERATED_SUBJECT] = {700213, 401, "invalid_client"},         /* assumed */
    [ENTRA_FEDERATED_SIGNATURE] = {5000811, 401, "invalid_client"},      /* assumed */
    [ENTRA_USER_UNKNOWN] = {50034, 400, "invalid_grant"},                /* documented */
    [ENTRA_USER_DISABLED] = {50057, 400, "invalid_grant"},               /* documented */
    [ENTRA_PASSWORD] = {50126, 400, "invalid_grant"},                    /* documented */
    [ENTRA_REFRESH_TOKEN] = {9002313, 400, "invalid_grant"},             /* observed */
    [ENTRA_REFRESH_TOKEN_EXPIRED] = {700082, 400, "invalid_grant"},      /* documented */
    [ENTRA_REFRESH_TOKEN_CLIENT] = {70000, 400, "invalid_grant"},        /* assumed */
    [ENTRA_DEVICE_PENDING] = {70016, 400, "authorization_pending"},      /* documented */
    [ENTRA_DEVICE_TOO_FAST] = {70016, 400, "slow_down"},                 /* assumed */
    [ENTRA_DEVICE_DECLINED] = {70018, 400, "authorization_declined"},    /* assumed */
    [ENTRA_DEVICE_EXPIRED] = {70020, 400, "expired_token"},              /* observed */
    [ENTRA_DEVICE_CODE] = {70018, 400, "bad_verification_code"},         /* assumed */
    [ENTRA_REDIRECT] = {50011, 400, "invalid_request"},                  /* documented */
    [ENTRA_CHALLENGE] = {501491, 400, "invalid_request"},                /* assumed */
    [ENTRA_VERIFIER] = {501481, 400, "invalid_grant"},                   /* documented */
    [ENTRA_LOGIN_CODE] = {9002313, 400, "invalid_grant"},                /* assumed */
    [ENTRA_LOGIN_CODE_EXPIRED] = {70008, 400, "invalid_grant"},          /* documented */
    [ENTRA_LOGIN_REDIRECT] = {500112, 400, "invalid_grant"},             /* documented */
};

/* What the client calls the exchange, when that is a UUID, or what we do. Borrowed. */
static const char *find_correlation(const struct entra_request *request)
{
    const char *ids[] = {call_parameter(request->call, "client-request-id"),
                         entra_field(request, "client-request-id"),
                         request->call->client_request_id};

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        if (ids[i] != NULL && uuid_is_valid(ids[i]))
            return ids[i];
    }
    return request->answer->request_id;
}

static cJSON *describe(const struct entra_request *request, enum entra_refusal refusal,
                       const char *message)
{
    const int code = refusals[refusal].code;
    const char *trace = request->answer->request_id;
    const char *correlation = find_correlation(request);
    char now[CLOCK_TEXT_SIZE];

    clock_format_utc(world_client_ms(request->world), now);
    now[10] = ' ';
    memcpy(now + 19, "Z", 2); /* "2026-01-01 00:00:00Z" */

    cJSON *body = cJSON_CreateObject();
    char *text =
        memory_format("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", code,
                      message, trace, correlation, now);
    char *url = memory_format("https://login.microsoftonline.com/error?code=%d", code);

    cJSON_AddStringToObject(body, "error", refusals[refusal].error);
    cJSON_AddStringToObject(body, "error_description", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "error_codes"),
                         cJSON_CreateNumber(code));
    cJSON_AddStringToObject(body, "timestamp", now);
    cJSON_AddStringToObject(body, "trace_id", trace);
    cJSON_AddStringToObject(body, "correlation_id", correlation);
    cJSON_AddStringToObject(body, "error_uri", url);
    free(text);
    free(url);
    return body;
}

bool entra_refuse(const struct entra_request *request, enum entra_refusal refusal,
                  const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);

    const int length = vsnprintf(NULL, 0, format, again);
    char *message = memory_new((size_t)length + 1);

    va_end(again);
    vsnprintf(message, (size_t)length + 1, format, arguments);
    va_end(arguments);

    cJSON *body = describe(request, refusal, message);

    answer_set_json(request->answer, refusals[refusal].status, body);
    cJSON_Delete(body);
    free(message);
    return false;
}
