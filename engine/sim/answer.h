/* engine/sim/answer.h - what the simulated control plane says to a call.
 *
 * It knows no HTTP library, so that a caller without a socket can read it too. */
#ifndef MOONGATE_SIM_ANSWER_H
#define MOONGATE_SIM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/uuid.h"

/* Why Azure Resource Manager says no. One table gives status and code of each. */
enum refusal {
    REFUSE_VALIDATION,
    REFUSE_REQUEST_CONTENT,
    REFUSE_REQUEST_URI,
    REFUSE_NO_API_VERSION,
    REFUSE_API_VERSION,
    REFUSE_FILTER,
    REFUSE_LOCATION_REQUIRED,
    REFUSE_RESOURCE_NAME,
    REFUSE_RESOURCE_LOCATION,
    REFUSE_NO_TOKEN,
    REFUSE_TOKEN,
    REFUSE_TOKEN_EXPIRED,
    REFUSE_TOKEN_AUDIENCE,
    REFUSE_AUTHORIZATION,
    REFUSE_LINKED_AUTHORIZATION,
    REFUSE_DENIED,
    REFUSE_SUBSCRIPTION,
    REFUSE_RESOURCE_GROUP,
    REFUSE_RESOURCE,
    REFUSE_PARENT,
    REFUSE_RESOURCE_TYPE,
    REFUSE_NAMESPACE,
    REFUSE_PATH,
    REFUSE_METHOD,
    REFUSE_ACTION,
    REFUSE_MONITOR,
    REFUSE_PRECONDITION,
    REFUSE_NO_IF_MATCH,
    REFUSE_BUSY,
    REFUSE_SERVICE_LOCKED,
    REFUSE_CAPACITY,
    REFUSE_NOT_REGISTERED,
    REFUSE_SUBSCRIPTION_THROTTLED,
    REFUSE_TENANT_THROTTLED,
    REFUSE_PROVIDER_THROTTLED,
    REFUSE_GROUP_DELETING,
    REFUSE_INTERNAL,
    REFUSE_WORKSPACE_LIMIT,
    REFUSE_WORKSPACE_TIER,
    REFUSE_WORKSPACE_IN_USE,
    REFUSE_GATEWAY_REGION,
    REFUSE_GATEWAY_IN_USE,
    REFUSE_GATEWAY_NOT_READY,
    REFUSE_GATEWAY_FULL,
    REFUSE_GATEWAY_SINGLE,
    REFUSE_CONNECTION_SOURCE,
    REFUSE_CONNECTION_SERVICE,
    REFUSE_CONNECTION_EXISTS,
    REFUSE_SUBNET_FORBIDDEN,
    REFUSE_SUBNET_MISSING,
    REFUSE_SUBNET_SUBSCRIPTION,
    REFUSE_SUBNET_REGION,
    REFUSE_SUBNET_DELEGATION,
    REFUSE_SUBNET_SIZE,
    REFUSE_SUBNET_SECURITY_GROUP,
    REFUSE_SUBNET_TAKEN,
    REFUSE_PREFIX_FORMAT,
    REFUSE_PREFIX_NOTATION,
    REFUSE_PREFIX_OUTSIDE,
    REFUSE_PREFIX_OVERLAP,
    REFUSE_SUBNET_DELETE,
    REFUSE_SUBNET_PREFIX_CHANGE,
    REFUSE_SUBNET_CHANGE,
    REFUSE_REFERENCE,
    REFUSE_SECURITY_GROUP_IN_USE,
    REFUSE_SECURITY_RULE,
    REFUSE_ROLE_DEFINITION,
    REFUSE_ROLE_MISSING,
    REFUSE_ROLE_NAME,
    REFUSE_ROLE_ACTION,
    REFUSE_ROLE_SCOPE,
    REFUSE_ROLE_BUILT_IN,
    REFUSE_ROLE_LIMIT,
    REFUSE_ROLE_IN_USE,
    REFUSE_ROLE_NOT_ASSIGNABLE,
    REFUSE_CONDITION,
    REFUSE_GROUP_BLOCKED,
    REFUSE_PRINCIPAL,
    REFUSE_PRINCIPAL_TYPE,
    REFUSE_ASSIGNMENT_EXISTS,
    REFUSE_ASSIGNMENT_UPDATE,
    REFUSE_ASSIGNMENT_LIMIT,
    REFUSE_ASSIGNMENT_LAST_ADMIN,
    REFUSE_HTTP,
    REFUSE_UNKNOWN_METHOD,
    REFUSE_HEADERS_SIZE,
    REFUSE_BODY_SIZE,
    REFUSE_CONTENT_CODING,
    REFUSE_LOCKED,
    REFUSE_MISSING_SUBSCRIPTION,
    REFUSE_SUBSCRIPTION_ID,
    REFUSE_PROVIDER_VERSION,
    REFUSE_TEMPLATE,
    REFUSE_TEMPLATE_RIGHT,
    REFUSE_DEPLOYMENT,
    REFUSE_DEPLOYMENT_NAME,
    REFUSE_DEPLOYMENT_QUOTA,
    REFUSE_DEPLOYMENT_ACTIVE,
    REFUSE_DEPLOYMENT_OVER,
    REFUSE_TAGS,
    REFUSE_SERVICE_EXISTS,
    REFUSE_SERVICE_DELETED,
    REFUSE_DELETED_SERVICE,
    REFUSE_PROVIDER_IN_USE,
    REFUSE_NOT_SIMULATED,
    REFUSE_LIMIT,
    REFUSE_IN_USE,
    REFUSE_ROUTE_TABLE_IN_USE,
    REFUSE_NAT_GATEWAY_IN_USE,
    REFUSE_ZONE_IN_USE,
    REFUSE_ZONE,
    REFUSE_EXPORT_LINK
};

/* What becomes of an answer once it is ready. */
enum answer_fate {
    ANSWER_SENT,
    ANSWER_LATE,      /* it is sent after a while, `delay_ms` */
    ANSWER_TRUNCATED, /* it breaks off in the middle of the body */
    ANSWER_RESET,     /* the connection is reset instead */
    ANSWER_WITHHELD   /* it stays open, and nothing comes */
};

enum { ANSWER_HEADER_LIMIT = 8, ANSWER_HEADER_SIZE = 48 };

struct answer_header {
    const char *name; /* borrowed: a constant */
    char value[ANSWER_HEADER_SIZE];
};

struct answer {
    int status;
    enum answer_fate fate;
    int64_t delay_ms;                                           /* of this world's time */
    struct buffer body;                                         /* JSON, or empty */
    char *etag, *location, *async_operation, *www_authenticate; /* or NULL */
    int retry_after_s;        /* 0: the header is left out */
    const char *content_type; /* a constant; NULL: that of JSON */
    struct answer_header headers[ANSWER_HEADER_LIMIT]; /* more of them */
    size_t header_count;
    char request_id[UUID_TEXT_SIZE];
    cJSON *details; /* what answer_add_detail() has gathered */
};

void answer_init(struct answer *answer);
void answer_deinit(struct answer *answer);

/* Sets status and body, replacing what was there. */
void answer_set_text(struct answer *answer, int status, const char *text);
void answer_set_json(struct answer *answer, int status, const cJSON *json);

/* Answers with an error that is no document of Azure Resource Manager, in place of all
 * that was there but answer_add_header()'s. `content_type` is a constant, or NULL for
 * JSON. */
void answer_fail(struct answer *answer, int status, const char *content_type,
                 const char *text);

/* Leaves out what says where and when a long operation can be asked about. */
void answer_drop_poll_headers(struct answer *answer);

/* Adds a header; `name` is a constant and the value short. A refusal keeps it. */
void answer_add_header(struct answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers with an error of Azure Resource Manager. Returns false, for rules that end with
 * it. */
bool answer_refuse(struct answer *answer, enum refusal refusal, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gathers one wrong field for answer_refuse_details(). */
void answer_add_detail(struct answer *answer, const char *target, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers with a ValidationError that lists the gathered fields and returns false;
 * returns true when there are none. */
bool answer_refuse_details(struct answer *answer);

#endif
