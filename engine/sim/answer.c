/* engine/sim/answer.c - what the simulated control plane says, and in which words it
 * refuses. */
#include "sim/answer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* Documented: Microsoft's documents or schemas name the code. Observed: public programs
 * or recordings show it. Assumed: no source; the code is ours until somebody sees the
 * real one. */
static const struct {
    int status;
    const char *code;
} refusals[] = {
    [REFUSE_VALIDATION] = {400, "ValidationError"},                /* observed */
    [REFUSE_REQUEST_CONTENT] = {400, "InvalidRequestContent"},     /* documented */
    [REFUSE_REQUEST_URI] = {400, "InvalidRequestUri"},             /* assumed */
    [REFUSE_NO_API_VERSION] = {400, "MissingApiVersionParameter"}, /* documented */
    [REFUSE_API_VERSION] = {400, "InvalidApiVersionParameter"},    /* documented */
    [REFUSE_FILTER] = {400, "InvalidFilterInQueryString"},         /* observed */
    [REFUSE_LOCATION_REQUIRED] = {400, "LocationRequired"},        /* documented */
    [REFUSE_RESOURCE_NAME] = {400, "InvalidResourceName"},         /* documented */
    [REFUSE_RESOURCE_LOCATION] = {409, "InvalidResourceLocation"}, /* code documented */
    [REFUSE_NO_TOKEN] = {401, "AuthenticationFailed"},             /* documented */
    [REFUSE_TOKEN] = {401, "InvalidAuthenticationToken"},          /* documented */
    [REFUSE_TOKEN_EXPIRED] = {401, "ExpiredAuthenticationToken"},  /* documented */
    [REFUSE_TOKEN_AUDIENCE] = {401,
                               "InvalidAuthenticationTokenAudience"}, /* documented */
    [REFUSE_AUTHORIZATION] = {403, "AuthorizationFailed"},            /* documented */
    [REFUSE_SUBSCRIPTION] = {404, "SubscriptionNotFound"},            /* documented */
    [REFUSE_RESOURCE_GROUP] = {404, "ResourceGroupNotFound"},         /* documented */
    [REFUSE_RESOURCE] = {404, "ResourceNotFound"},                    /* documented */
    [REFUSE_PARENT] = {404, "ParentResourceNotFound"},                /* documented */
    [REFUSE_RESOURCE_TYPE] = {404, "InvalidResourceType"},            /* documented */
    [REFUSE_NAMESPACE] = {404, "InvalidResourceNamespace"},           /* assumed status */
    [REFUSE_PATH] = {404, "NotFound"},                                /* documented */
    [REFUSE_METHOD] = {405, "MethodNotAllowed"},                      /* assumed */
    [REFUSE_ACTION] = {404, "NotFound"},                              /* assumed */
    [REFUSE_MONITOR] = {404, "NotFound"},                             /* assumed */
    [REFUSE_PRECONDITION] = {412, "PreconditionFailed"},              /* documented */
    [REFUSE_NO_IF_MATCH] = {400, "ValidationError"},                  /* assumed */
    [REFUSE_BUSY] = {409, "AnotherOperationInProgress"}, /* observed on networks */
    [REFUSE_SERVICE_LOCKED] = {409, "ServiceLocked"}, /* observed; of gateways assumed */
    [REFUSE_CAPACITY] = {409, "SkuNotAvailable"},     /* documented, of this assumed */
    [REFUSE_NOT_REGISTERED] = {409, "MissingSubscriptionRegistration"}, /* documented */
    [REFUSE_SUBSCRIPTION_THROTTLED] = {429,
                                       "SubscriptionRequestsThrottled"}, /* observed */
    [REFUSE_TENANT_THROTTLED] = {429, "TenantRequestsThrottled"},        /* assumed */
    [REFUSE_PROVIDER_THROTTLED] = {429, "ResourceRequestsThrottled"},    /* observed */
    [REFUSE_GROUP_DELETING] = {409, "ResourceGroupBeingDeleted"},        /* documented */
    [REFUSE_INTERNAL] = {500, "InternalServerError"},                    /* documented */
    [REFUSE_WORKSPACE_LIMIT] = {400, "WorkspaceLimitReached"},           /* assumed */
    [REFUSE_WORKSPACE_TIER] = {400,
                               "MethodNotAllowedInPricingTier"},  /* observed elsewhere */
    [REFUSE_WORKSPACE_IN_USE] = {409, "WorkspaceHasGateway"},     /* assumed */
    [REFUSE_GATEWAY_REGION] = {400, "GatewayRegionNotSupported"}, /* assumed */
    [REFUSE_GATEWAY_IN_USE] = {409, "GatewayHasConnections"},     /* assumed */
    [REFUSE_GATEWAY_NOT_READY] = {409, "GatewayNotReady"},        /* assumed */
    [REFUSE_GATEWAY_FULL] = {400, "GatewayWorkspaceLimitReached"},         /* assumed */
    [REFUSE_GATEWAY_SINGLE] = {400, "GatewayServesOneWorkspace"},          /* assumed */
    [REFUSE_CONNECTION_SOURCE] = {400, "WorkspaceNotFound"},               /* assumed */
    [REFUSE_CONNECTION_SERVICE] = {400, "WorkspaceOfAnotherService"},      /* assumed */
    [REFUSE_CONNECTION_EXISTS] = {409, "WorkspaceAlreadyConnected"},       /* assumed */
    [REFUSE_SUBNET_FORBIDDEN] = {400, "SubnetNotAllowed"},                 /* assumed */
    [REFUSE_SUBNET_MISSING] = {400, "SubnetNotFound"},                     /* assumed */
    [REFUSE_SUBNET_SUBSCRIPTION] = {400, "SubnetOfAnotherSubscription"},   /* assumed */
    [REFUSE_SUBNET_REGION] = {400, "SubnetInAnotherRegion"},               /* assumed */
    [REFUSE_SUBNET_DELEGATION] = {400, "SubnetDelegationMissing"},         /* assumed */
    [REFUSE_SUBNET_SIZE] = {400, "SubnetSizeNotSupported"},                /* assumed */
    [REFUSE_SUBNET_SECURITY_GROUP] = {400, "NetworkSecurityGroupMissing"}, /* assumed */
    [REFUSE_SUBNET_TAKEN] = {400, "SubnetInUse"},                          /* assumed */
    [REFUSE_PREFIX_FORMAT] = {400, "InvalidAddressPrefixFormat"},          /* observed */
    [REFUSE_PREFIX_NOTATION] = {400, "InvalidCIDRNotation"},               /* observed */
    [REFUSE_PREFIX_OUTSIDE] = {400, "NetcfgSubnetRangeOutsideVnet"},       /* observed */
    [REFUSE_PREFIX_OVERLAP] = {400, "NetcfgSubnetRangesOverlap"},          /* observed */
    [REFUSE_SUBNET_DELETE] = {400, "InUseSubnetCannotBeDeleted"},          /* observed */
    [REFUSE_SUBNET_PREFIX_CHANGE] = {400, "InUsePrefixCannotBeDeleted"},   /* observed */
    [REFUSE_SUBNET_CHANGE] = {400, "SubnetInUse"},                         /* assumed */
    [REFUSE_REFERENCE] = {400, "InvalidResourceReference"}, /* documented */
    [REFUSE_SECURITY_GROUP_IN_USE] =
        {400, "InUseNetworkSecurityGroupCannotBeDeleted"},          /* observed */
    [REFUSE_SECURITY_RULE] = {400, "SecurityRuleConflict"},         /* observed */
    [REFUSE_ROLE_DEFINITION] = {400, "RoleDefinitionDoesNotExist"}, /* observed */
    [REFUSE_PRINCIPAL] = {400, "PrincipalNotFound"}, /* documented, status observed */
    [REFUSE_PRINCIPAL_TYPE] = {400, "UnmatchedPrincipalType"},  /* observed */
    [REFUSE_ASSIGNMENT_EXISTS] = {409, "RoleAssignmentExists"}, /* observed */
    [REFUSE_ASSIGNMENT_UPDATE] = {400,
                                  "RoleAssignmentUpdateNotPermitted"}, /* documented */
    [REFUSE_ASSIGNMENT_LIMIT] = {400, "RoleAssignmentLimitExceeded"},  /* documented */
    [REFUSE_ASSIGNMENT_LAST_ADMIN] = {400, "LastAdminAssignment"}, /* text documented */
    [REFUSE_HTTP] = {400, "BadRequest"},                           /* assumed */
    [REFUSE_UNKNOWN_METHOD] = {501, "NotImplemented"},             /* assumed */
    [REFUSE_HEADERS_SIZE] = {431, "RequestHeaderFieldsTooLarge"},  /* assumed */
    [REFUSE_BODY_SIZE] = {413, "RequestContentTooLarge"},          /* assumed */
    [REFUSE_CONTENT_CODING] = {415, "UnsupportedMediaType"},       /* assumed */

    [REFUSE_LINKED_AUTHORIZATION] = {403, "LinkedAuthorizationFailed"}, /* observed */
    [REFUSE_DENIED] = {403, "DenyAssignmentAuthorizationFailed"},       /* observed */
    [REFUSE_ROLE_MISSING] = {404, "RoleDefinitionDoesNotExist"},    /* assumed status */
    [REFUSE_ROLE_NAME] = {409, "RoleDefinitionWithSameNameExists"}, /* observed */
    [REFUSE_ROLE_ACTION] = {400, "InvalidActionOrNotAction"},       /* observed */
    [REFUSE_ROLE_SCOPE] = {400, "InvalidAssignableScope"},          /* assumed */
    [REFUSE_ROLE_BUILT_IN] = {403, "RoleDefinitionIsBuiltIn"},      /* assumed */
    [REFUSE_ROLE_LIMIT] = {400, "RoleDefinitionLimitExceeded"},     /* code documented */
    [REFUSE_ROLE_IN_USE] = {400, "RoleDefinitionHasAssignments"},   /* code documented */
    [REFUSE_ROLE_NOT_ASSIGNABLE] = {400, "RoleDefinitionNotAssignable"}, /* assumed */
    [REFUSE_GROUP_BLOCKED] = {409, "ResourceGroupDeletionBlocked"},      /* assumed */
    [REFUSE_CONDITION] = {400, "InvalidRoleAssignmentCondition"},        /* assumed */
    [REFUSE_LOCKED] = {409, "ScopeLocked"},                              /* documented */
    [REFUSE_MISSING_SUBSCRIPTION] = {404, "MissingSubscription"},        /* documented */
    [REFUSE_SUBSCRIPTION_ID] = {400, "InvalidSubscriptionId"},           /* documented */
    [REFUSE_PROVIDER_VERSION] = {400, "NoRegisteredProviderFound"},      /* documented */
    [REFUSE_TEMPLATE] = {400, "InvalidTemplate"},                        /* documented */
    [REFUSE_TEMPLATE_RIGHT] = {403, "InvalidTemplateDeployment"},        /* observed */
    [REFUSE_DEPLOYMENT] = {404, "DeploymentNotFound"},                   /* observed */
    [REFUSE_DEPLOYMENT_NAME] = {400,
                                "DeploymentNameLengthLimitExceeded"}, /* documented */
    [REFUSE_DEPLOYMENT_QUOTA] = {400, "DeploymentQuotaExceeded"},     /* documented */
    [REFUSE_DEPLOYMENT_ACTIVE] = {409, "DeploymentActive"},           /* documented */
    [REFUSE_DEPLOYMENT_OVER] = {409, "DeploymentCannotBeCancelled"},  /* assumed */
    [REFUSE_TAGS] = {400, "InvalidTags"},                             /* assumed */
    [REFUSE_SERVICE_EXISTS] = {409, "ServiceAlreadyExists"},          /* documented */
    [REFUSE_SERVICE_DELETED] =
        {409, "ServiceAlreadyExistsInSoftDeletedState"},       /* code observed */
    [REFUSE_PROVIDER_IN_USE] = {409, "ResourceProviderInUse"}, /* assumed */
    [REFUSE_NOT_SIMULATED] = {501, "NotImplemented"},          /* the simulator's own */
    [REFUSE_LIMIT] = {400, "LimitReached"},                    /* assumed */
    [REFUSE_IN_USE] = {400, "ValidationError"}, /* observed of fragments and products */
    [REFUSE_ROUTE_TABLE_IN_USE] = {400, "InUseRouteTableCannotBeDeleted"}, /* assumed */
    [REFUSE_NAT_GATEWAY_IN_USE] =
        {400, "CannotDeleteNatGatewayAssociatedToSubnet"}, /* observed */
    [REFUSE_ZONE_IN_USE] = {409, "CannotDeleteResource"},  /* observed */
    [REFUSE_ZONE] = {400, "BadRequest"},                   /* observed */
    [REFUSE_EXPORT_LINK] = {403,
                            "AuthenticationFailed"}, /* assumed: as blob storage says */
    [REFUSE_DELETED_SERVICE] = {404, "ServiceNotFound"}, /* observed */
};

void answer_init(struct answer *answer)
{
    *answer = (struct answer){.status = 500};
    uuid_random(answer->request_id);
}

void answer_deinit(struct answer *answer)
{
    buffer_deinit(&answer->body);
    free(answer->etag);
    free(answer->location);
    free(answer->async_operation);
    free(answer->www_authenticate);
    cJSON_Delete(answer->details);
}

void answer_set_text(struct answer *answer, int status, const char *text)
{
    answer->status = status;
    buffer_clear(&answer->body);
    buffer_append_string(&answer->body, text);
}

void answer_set_json(struct answer *answer, int status, const cJSON *json)
{
    char *text = json_print(json);

    answer_set_text(answer, status, text);
    free(text);
}

void answer_add_header(struct answer *answer, const char *name, const char *format, ...)
{
    assert(answer->header_count < ANSWER_HEADER_LIMIT);

    struct answer_header *header = &answer->headers[answer->header_count++];
    va_list arguments;

    header->name = name;
    va_start(arguments, format);
    vsnprintf(header->value, sizeof header->value, format, arguments);
    va_end(arguments);
}

/* It may repeat what was sent, and JSON is UTF-8. */
static void make_utf8(char *text)
{
    if (text_is_utf8(text, strlen(text)))
        return;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            *text = '?';
    }
}

static char *format_message(const char *format, va_list arguments)
{
    va_list again;

    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);

    char *text = memory_new((size_t)length + 1);

    vsnprintf(text, (size_t)length + 1, format, arguments);
    make_utf8(text);
    return text;
}

void answer_drop_poll_headers(struct answer *answer)
{
    free(answer->location);
    free(answer->async_operation);
    answer->location = answer->async_operation = NULL;
    answer->retry_after_s = 0;
}

/* A refusal begins nothing that could be polled. */
static void drop_headers(struct answer *answer)
{
    answer_drop_poll_headers(answer);
    free(answer->etag);
    answer->etag = NULL;
    answer->content_type = NULL;
}

void answer_fail(struct answer *answer, int status, const char *content_type,
                 const char *text)
{
    drop_headers(answer);
    answer->content_type = content_type;
    answer_set_text(answer, status, text);
}

static void set_error(struct answer *answer, enum refusal refusal, const char *message)
{
    cJSON *tree = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(tree, "error");

    cJSON_AddStringToObject(error, "code", refusals[refusal].code);
    cJSON_AddStringToObject(error, "message", message);
    if (answer->details != NULL)
        cJSON_AddItemToObject(error, "details", answer->details);
    answer->details = NULL;
    drop_headers(answer);
    answer_set_json(answer, refusals[refusal].status, tree);
    cJSON_Delete(tree);
}

bool answer_refuse(struct answer *answer, enum refusal refusal, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *message = format_message(format, arguments);
    va_end(arguments);
    set_error(answer, refusal, message);
    free(message);
    return false;
}

void answer_add_detail(struct answer *answer, const char *target, const char *format, ...)
{
    cJSON *detail = cJSON_CreateObject();
    va_list arguments;

    va_start(arguments, format);
    char *message = format_message(format, arguments);
    va_end(arguments);
    if (answer->details == NULL)
        answer->details = cJSON_CreateArray();
    cJSON_AddStringToObject(detail, "code", "ValidationError");
    cJSON_AddStringToObject(detail, "target", target);
    cJSON_AddStringToObject(detail, "message", message);
    cJSON_AddItemToArray(answer->details, detail);
    free(message);
}

bool answer_refuse_details(struct answer *answer)
{
    if (answer->details == NULL)
        return true;
    set_error(answer, REFUSE_VALIDATION, "One or more fields contain incorrect values:");
    return false;
}
