/* engine/sim/graph_model.c - the types of Microsoft Graph and their properties.
 *
 * Names and shapes: documented. Which of them come without $select, and which take which
 * operator: documented for displayName, mailNickname, mail and userPrincipalName, assumed for
 * the rest. Limits: documented for displayName, mailNickname and description. */
#include "sim/graph_model.h"

#include <string.h>

#include "base/text.h"

enum {
    SHOWN = GRAPH_SHOWN,
    GIVEN = GRAPH_WRITABLE,
    FIRST = GRAPH_CREATABLE,
    FILTER = GRAPH_FILTER,
    ENDS = GRAPH_ENDS_WITH,
    SEARCH = GRAPH_SEARCH
};

static const struct graph_property group_properties[] = {
    {"id", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"deletedDateTime", GRAPH_DATE, SHOWN, 0},
    {"classification", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"createdDateTime", GRAPH_DATE, SHOWN | FILTER, 0},
    {"description", GRAPH_TEXT, SHOWN | GIVEN | FILTER | SEARCH, 1024},
    {"displayName", GRAPH_TEXT, SHOWN | GIVEN | FILTER | SEARCH, 256},
    {"expirationDateTime", GRAPH_DATE, SHOWN, 0},
    {"groupTypes", GRAPH_TEXTS, SHOWN | GIVEN | FILTER, 0},
    {"isAssignableToRole", GRAPH_FLAG, SHOWN | FIRST | FILTER, 0},
    {"mail", GRAPH_TEXT, SHOWN | FILTER | ENDS | SEARCH, 0},
    {"mailEnabled", GRAPH_FLAG, SHOWN | GIVEN | FILTER, 0},
    {"mailNickname", GRAPH_TEXT, SHOWN | GIVEN | FILTER | SEARCH, 64},
    {"membershipRule", GRAPH_TEXT, SHOWN, 0},
    {"membershipRuleProcessingState", GRAPH_TEXT, SHOWN, 0},
    {"onPremisesDomainName", GRAPH_TEXT, SHOWN, 0},
    {"onPremisesLastSyncDateTime", GRAPH_DATE, SHOWN, 0},
    {"onPremisesNetBiosName", GRAPH_TEXT, SHOWN, 0},
    {"onPremisesSamAccountName", GRAPH_TEXT, SHOWN, 0},
    {"onPremisesSecurityIdentifier", GRAPH_TEXT, SHOWN, 0},
    {"onPremisesSyncEnabled", GRAPH_FLAG, SHOWN | FILTER, 0},
    {"preferredDataLocation", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"preferredLanguage", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"proxyAddresses", GRAPH_TEXTS, SHOWN | FILTER | ENDS, 0},
    {"renewedDateTime", GRAPH_DATE, SHOWN, 0},
    {"resourceBehaviorOptions", GRAPH_TEXTS, SHOWN | FIRST, 0},
    {"resourceProvisioningOptions", GRAPH_TEXTS, SHOWN, 0},
    {"securityEnabled", GRAPH_FLAG, SHOWN | GIVEN | FILTER, 0},
    {"securityIdentifier", GRAPH_TEXT, SHOWN, 0},
    {"theme", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"uniqueName", GRAPH_TEXT, SHOWN | FIRST | FILTER, 0},
    {"visibility", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"onPremisesProvisioningErrors", GRAPH_OBJECTS, SHOWN, 0},
    {"serviceProvisioningErrors", GRAPH_OBJECTS, SHOWN, 0},
    {"assignedLabels", GRAPH_OBJECTS, 0, 0},
    {"assignedLicenses", GRAPH_OBJECTS, 0, 0},
    {"isManagementRestricted", GRAPH_FLAG, 0, 0},
    {0}};

static const struct graph_property user_properties[] = {
    {"businessPhones", GRAPH_TEXTS, SHOWN | GIVEN, 0},
    {"displayName", GRAPH_TEXT, SHOWN | GIVEN | FILTER | SEARCH, 256},
    {"givenName", GRAPH_TEXT, SHOWN | GIVEN | FILTER, 64},
    {"jobTitle", GRAPH_TEXT, SHOWN | GIVEN | FILTER, 128},
    {"mail", GRAPH_TEXT, SHOWN | GIVEN | FILTER | ENDS | SEARCH, 0},
    {"mobilePhone", GRAPH_TEXT, SHOWN | GIVEN, 64},
    {"officeLocation", GRAPH_TEXT, SHOWN | GIVEN | FILTER, 128},
    {"preferredLanguage", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"surname", GRAPH_TEXT, SHOWN | GIVEN | FILTER, 64},
    {"userPrincipalName", GRAPH_TEXT, SHOWN | GIVEN | FILTER | ENDS | SEARCH, 113},
    {"id", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"accountEnabled", GRAPH_FLAG, GIVEN | FILTER, 0},
    {"ageGroup", GRAPH_TEXT, GIVEN, 0},
    {"city", GRAPH_TEXT, GIVEN | FILTER, 128},
    {"companyName", GRAPH_TEXT, GIVEN | FILTER, 64},
    {"country", GRAPH_TEXT, GIVEN | FILTER, 128},
    {"createdDateTime", GRAPH_DATE, FILTER, 0},
    {"creationType", GRAPH_TEXT, 0, 0},
    {"deletedDateTime", GRAPH_DATE, 0, 0},
    {"department", GRAPH_TEXT, GIVEN | FILTER, 64},
    {"employeeId", GRAPH_TEXT, GIVEN | FILTER, 16},
    {"employeeType", GRAPH_TEXT, GIVEN | FILTER, 0},
    {"faxNumber", GRAPH_TEXT, GIVEN, 64},
    {"mailNickname", GRAPH_TEXT, GIVEN | FILTER, 64},
    {"onPremisesImmutableId", GRAPH_TEXT, GIVEN, 0},
    {"onPremisesSyncEnabled", GRAPH_FLAG, FILTER, 0},
    {"otherMails", GRAPH_TEXTS, GIVEN | FILTER | ENDS, 0},
    {"passwordPolicies", GRAPH_TEXT, GIVEN, 0},
    {"passwordProfile", GRAPH_OBJECT, GIVEN, 0},
    {"postalCode", GRAPH_TEXT, GIVEN, 40},
    {"proxyAddresses", GRAPH_TEXTS, FILTER | ENDS, 0},
    {"state", GRAPH_TEXT, GIVEN | FILTER, 128},
    {"streetAddress", GRAPH_TEXT, GIVEN, 1024},
    {"usageLocation", GRAPH_TEXT, GIVEN | FILTER, 0},
    {"userType", GRAPH_TEXT, GIVEN | FILTER, 0},
    {0}};

static const struct graph_property principal_properties[] = {
    {"id", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"deletedDateTime", GRAPH_DATE, SHOWN, 0},
    {"accountEnabled", GRAPH_FLAG, SHOWN | GIVEN | FILTER, 0},
    {"alternativeNames", GRAPH_TEXTS, SHOWN | GIVEN | FILTER, 0},
    {"appDisplayName", GRAPH_TEXT, SHOWN, 0},
    {"appDescription", GRAPH_TEXT, SHOWN, 0},
    {"appId", GRAPH_TEXT, SHOWN | FIRST | FILTER, 0},
    {"applicationTemplateId", GRAPH_TEXT, SHOWN, 0},
    {"appOwnerOrganizationId", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"appRoleAssignmentRequired", GRAPH_FLAG, SHOWN | GIVEN, 0},
    {"description", GRAPH_TEXT, SHOWN | GIVEN, 1024},
    {"disabledByMicrosoftStatus", GRAPH_TEXT, SHOWN, 0},
    {"displayName", GRAPH_TEXT, SHOWN | GIVEN | FILTER | SEARCH, 256},
    {"homepage", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"loginUrl", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"logoutUrl", GRAPH_TEXT, SHOWN, 0},
    {"notes", GRAPH_TEXT, SHOWN | GIVEN, 1024},
    {"notificationEmailAddresses", GRAPH_TEXTS, SHOWN | GIVEN, 0},
    {"preferredSingleSignOnMode", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"preferredTokenSigningKeyThumbprint", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"replyUrls", GRAPH_TEXTS, SHOWN | GIVEN, 0},
    {"servicePrincipalNames", GRAPH_TEXTS, SHOWN | GIVEN | FILTER, 0},
    {"servicePrincipalType", GRAPH_TEXT, SHOWN | FIRST | FILTER, 0},
    {"signInAudience", GRAPH_TEXT, SHOWN, 0},
    {"tags", GRAPH_TEXTS, SHOWN | GIVEN | FILTER, 0},
    {"tokenEncryptionKeyId", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"samlSingleSignOnSettings", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"addIns", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"appRoles", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"info", GRAPH_OBJECT, SHOWN, 0},
    {"keyCredentials", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"oauth2PermissionScopes", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"passwordCredentials", GRAPH_OBJECTS, SHOWN, 0},
    {"resourceSpecificApplicationPermissions", GRAPH_OBJECTS, SHOWN, 0},
    {"verifiedPublisher", GRAPH_OBJECT, SHOWN, 0},
    {0}};

static const struct graph_property application_properties[] = {
    {"id", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"deletedDateTime", GRAPH_DATE, SHOWN, 0},
    {"appId", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"applicationTemplateId", GRAPH_TEXT, SHOWN, 0},
    {"disabledByMicrosoftStatus", GRAPH_TEXT, SHOWN, 0},
    {"createdDateTime", GRAPH_DATE, SHOWN | FILTER, 0},
    {"displayName", GRAPH_TEXT, SHOWN | GIVEN | FILTER | SEARCH, 256},
    {"description", GRAPH_TEXT, SHOWN | GIVEN, 1024},
    {"groupMembershipClaims", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"identifierUris", GRAPH_TEXTS, SHOWN | GIVEN | FILTER, 0},
    {"isDeviceOnlyAuthSupported", GRAPH_FLAG, SHOWN | GIVEN, 0},
    {"isFallbackPublicClient", GRAPH_FLAG, SHOWN | GIVEN, 0},
    {"notes", GRAPH_TEXT, SHOWN | GIVEN, 1024},
    {"publisherDomain", GRAPH_TEXT, SHOWN | FILTER, 0},
    {"signInAudience", GRAPH_TEXT, SHOWN | GIVEN | FILTER, 0},
    {"tags", GRAPH_TEXTS, SHOWN | GIVEN | FILTER, 0},
    {"tokenEncryptionKeyId", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"defaultRedirectUri", GRAPH_TEXT, SHOWN | GIVEN, 0},
    {"certification", GRAPH_OBJECT, SHOWN, 0},
    {"optionalClaims", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"addIns", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"api", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"appRoles", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"info", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"keyCredentials", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"parentalControlSettings", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"passwordCredentials", GRAPH_OBJECTS, SHOWN, 0},
    {"publicClient", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"requiredResourceAccess", GRAPH_OBJECTS, SHOWN | GIVEN, 0},
    {"verifiedPublisher", GRAPH_OBJECT, SHOWN, 0},
    {"web", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {"spa", GRAPH_OBJECT, SHOWN | GIVEN, 0},
    {0}};

const struct graph_type graph_types[GRAPH_TYPE_COUNT] = {
    {"Group", "group", "groups", group_properties},
    {"User", "user", "users", user_properties},
    {"ServicePrincipal", "servicePrincipal", "servicePrincipals", principal_properties},
    {"Application", "application", "applications", application_properties}};

const struct graph_type *graph_type_find(const char *name)
{
    for (size_t i = 0; i < GRAPH_TYPE_COUNT; i++) {
        if (strcmp(graph_types[i].name, name) == 0)
            return &graph_types[i];
    }
    return NULL;
}

const struct graph_type *graph_type_find_odata(const char *name)
{
    static const char prefix[] = "microsoft.graph.";

    if (text_has_prefix_nocase(name, prefix))
        name += sizeof prefix - 1;
    for (size_t i = 0; i < GRAPH_TYPE_COUNT; i++) {
        if (text_equal_nocase(graph_types[i].odata_name, name))
            return &graph_types[i];
    }
    return NULL;
}

const struct graph_type *graph_type_find_collection(const char *collection)
{
    for (size_t i = 0; i < GRAPH_TYPE_COUNT; i++) {
        if (text_equal_nocase(graph_types[i].collection, collection))
            return &graph_types[i];
    }
    return NULL;
}

const struct graph_property *graph_property_find(const struct graph_type *type,
                                                 const char *name, size_t length)
{
    const struct graph_property *property = type->properties;

    while (property->name != NULL && !(strlen(property->name) == length &&
                                       text_has_prefix_nocase(name, property->name)))
        property++;
    return property->name != NULL ? property : NULL;
}

static cJSON *make_empty(const struct graph_property *property)
{
    return property->shape == GRAPH_TEXTS || property->shape == GRAPH_OBJECTS
               ? cJSON_CreateArray()
               : cJSON_CreateNull();
}

cJSON *graph_model_split(const struct graph_type *type, const cJSON *body, cJSON **rest)
{
    cJSON *shown = cJSON_CreateObject();
    const cJSON *member;

    *rest = NULL;
    for (const struct graph_property *property = type->properties; property->name != NULL;
         property++) {
        if ((property->flags & GRAPH_SHOWN) == 0)
            continue;
        member = cJSON_GetObjectItemCaseSensitive(body, property->name);
        cJSON_AddItemToObjectCS(shown, property->name,
                                member != NULL ? cJSON_Duplicate(member, true)
                                               : make_empty(property));
    }
    cJSON_ArrayForEach (member, body) {
        if (cJSON_GetObjectItemCaseSensitive(shown, member->string) != NULL)
            continue;
        if (*rest == NULL)
            *rest = cJSON_CreateObject();
        cJSON_AddItemToObject(*rest, member->string, cJSON_Duplicate(member, true));
    }
    return shown;
}
