/* engine/model/role.c - the built-in roles that matter around workspaces.
 *
 * Ids and actions as Azure publishes them for its built-in roles. */
#include "model/role.h"

#include <stddef.h>

#include "base/text.h"

static const char *const api_management_workspace_reader_actions[] = {
    "Microsoft.ApiManagement/service/workspaces/*/read",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/diagnosticSettings/*/read",
    "Microsoft.insights/logs/read",
    "Microsoft.insights/logs/ApiManagementGatewayLogs/read",
    NULL};

static const char *const api_management_workspace_contributor_actions[] = {
    "Microsoft.ApiManagement/service/workspaces/*",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/diagnosticSettings/*/read",
    "Microsoft.insights/logs/read",
    "Microsoft.insights/logs/ApiManagementGatewayLogs/read",
    NULL};

static const char *const api_management_workspace_api_developer_actions[] = {
    "Microsoft.ApiManagement/service/workspaces/*/read",
    "Microsoft.ApiManagement/service/workspaces/apis/*",
    "Microsoft.ApiManagement/service/workspaces/apiVersionSets/*",
    "Microsoft.ApiManagement/service/workspaces/policies/*",
    "Microsoft.ApiManagement/service/workspaces/schemas/*",
    "Microsoft.ApiManagement/service/workspaces/products/*",
    "Microsoft.ApiManagement/service/workspaces/policyFragments/*",
    "Microsoft.ApiManagement/service/workspaces/namedValues/*",
    "Microsoft.ApiManagement/service/workspaces/tags/*",
    "Microsoft.ApiManagement/service/workspaces/backends/*",
    "Microsoft.ApiManagement/service/workspaces/certificates/*",
    "Microsoft.ApiManagement/service/workspaces/diagnostics/*",
    "Microsoft.ApiManagement/service/workspaces/loggers/*",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/diagnosticSettings/*/read",
    "Microsoft.insights/logs/read",
    "Microsoft.insights/logs/ApiManagementGatewayLogs/read",
    NULL};

static const char *const api_management_workspace_api_product_manager_actions[] = {
    "Microsoft.ApiManagement/service/workspaces/*/read",
    "Microsoft.ApiManagement/service/workspaces/products/*",
    "Microsoft.ApiManagement/service/workspaces/subscriptions/*",
    "Microsoft.ApiManagement/service/workspaces/groups/*",
    "Microsoft.ApiManagement/service/workspaces/tags/*",
    "Microsoft.ApiManagement/service/workspaces/notifications/*",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/diagnosticSettings/*/read",
    "Microsoft.insights/logs/read",
    "Microsoft.insights/logs/ApiManagementGatewayLogs/read",
    NULL};

static const char *const api_management_service_workspace_api_developer_actions[] = {
    "Microsoft.ApiManagement/service/tags/read",
    "Microsoft.ApiManagement/service/tags/apiLinks/*",
    "Microsoft.ApiManagement/service/tags/operationLinks/*",
    "Microsoft.ApiManagement/service/tags/productLinks/*",
    "Microsoft.ApiManagement/service/products/read",
    "Microsoft.ApiManagement/service/products/apiLinks/*",
    "Microsoft.ApiManagement/service/read",
    "Microsoft.ApiManagement/service/authorizationServers/read",
    "Microsoft.Authorization/*/read",
    NULL};

static const char *const api_management_service_workspace_api_product_manager_actions[] =
    {"Microsoft.ApiManagement/service/users/read",
     "Microsoft.ApiManagement/service/tags/read",
     "Microsoft.ApiManagement/service/tags/apiLinks/*",
     "Microsoft.ApiManagement/service/tags/operationLinks/*",
     "Microsoft.ApiManagement/service/tags/productLinks/*",
     "Microsoft.ApiManagement/service/products/read",
     "Microsoft.ApiManagement/service/products/apiLinks/*",
     "Microsoft.ApiManagement/service/groups/read",
     "Microsoft.ApiManagement/service/groups/users/*",
     "Microsoft.ApiManagement/service/read",
     "Microsoft.ApiManagement/service/authorizationServers/read",
     "Microsoft.Authorization/*/read",
     NULL};

static const char *const api_management_developer_portal_content_editor_actions[] = {
    "Microsoft.ApiManagement/service/portalRevisions/read",
    "Microsoft.ApiManagement/service/portalRevisions/write",
    "Microsoft.ApiManagement/service/contentTypes/read",
    "Microsoft.ApiManagement/service/contentTypes/delete",
    "Microsoft.ApiManagement/service/contentTypes/write",
    "Microsoft.ApiManagement/service/contentTypes/contentItems/read",
    "Microsoft.ApiManagement/service/contentTypes/contentItems/write",
    "Microsoft.ApiManagement/service/contentTypes/contentItems/delete",
    NULL};

static const char *const api_management_service_contributor_actions[] = {
    "Microsoft.ApiManagement/service/*",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    NULL};

static const char *const api_management_service_reader_role_actions[] = {
    "Microsoft.ApiManagement/service/*/read",
    "Microsoft.ApiManagement/service/read",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    NULL};
static const char *const api_management_service_reader_role_not_actions[] = {
    "Microsoft.ApiManagement/service/users/keys/read", NULL};

static const char *const api_management_service_operator_role_actions[] = {
    "Microsoft.ApiManagement/service/*/read",
    "Microsoft.ApiManagement/service/backup/action",
    "Microsoft.ApiManagement/service/delete",
    "Microsoft.ApiManagement/service/managedeployments/action",
    "Microsoft.ApiManagement/service/read",
    "Microsoft.ApiManagement/service/restore/action",
    "Microsoft.ApiManagement/service/updatecertificate/action",
    "Microsoft.ApiManagement/service/updatehostname/action",
    "Microsoft.ApiManagement/service/write",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    NULL};
static const char *const api_management_service_operator_role_not_actions[] = {
    "Microsoft.ApiManagement/service/users/keys/read", NULL};

static const char *const owner_actions[] = {"*", NULL};

static const char *const contributor_actions[] = {"*", NULL};
static const char *const contributor_not_actions[] = {
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
    "Microsoft.Subscription/cancel/action",
    "Microsoft.Subscription/enable/action",
    NULL};

static const char *const reader_actions[] = {"*/read", NULL};

static const char *const user_access_administrator_actions[] = {
    "*/read", "Microsoft.Authorization/*", "Microsoft.Support/*", NULL};

static const char *const role_based_access_control_administrator_actions[] = {
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete", "*/read", "Microsoft.Support/*",
    NULL};

static const char *const network_contributor_actions[] = {
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Network/*",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    NULL};

static const char *const private_dns_zone_contributor_actions[] = {
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.Network/privateDnsZones/*",
    "Microsoft.Network/privateDnsOperationResults/*",
    "Microsoft.Network/privateDnsOperationStatuses/*",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/join/action",
    "Microsoft.Authorization/*/read",
    NULL};

const struct role roles[] = {
    {.name = "API Management Workspace Reader",
     .id = "ef1c2c96-4a77-49e8-b9a4-6179fe1d2fd2",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Reads everything in a workspace.",
     .actions = api_management_workspace_reader_actions},
    {.name = "API Management Workspace Contributor",
     .id = "0c34c906-8d99-4cb7-8bb7-33f5b0a1a799",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Manages a workspace, but not who has access to it.",
     .actions = api_management_workspace_contributor_actions},
    {.name = "API Management Workspace API Developer",
     .id = "56328988-075d-4c6a-8766-d93edd6725b6",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Reads a workspace and edits its APIs.",
     .actions = api_management_workspace_api_developer_actions},
    {.name = "API Management Workspace API Product Manager",
     .id = "73c2c328-d004-4c5e-938c-35c6f5679a1f",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Reads a workspace and publishes its APIs.",
     .actions = api_management_workspace_api_product_manager_actions},
    {.name = "API Management Service Workspace API Developer",
     .id = "9565a273-41b9-4368-97d2-aeb0c976a9b3",
     .scope = ROLE_SCOPE_SERVICE,
     .description =
         "Reads what APIs of a workspace need of the service, such as tags and products.",
     .actions = api_management_service_workspace_api_developer_actions},
    {.name = "API Management Service Workspace API Product Manager",
     .id = "d59a3e9c-6d52-4a5a-aeed-6bf3cf0e31da",
     .scope = ROLE_SCOPE_SERVICE,
     .description = "The same, and assigns groups of users to products.",
     .actions = api_management_service_workspace_api_product_manager_actions},
    {.name = "API Management Developer Portal Content Editor",
     .id = "c031e6a8-4391-4de0-8d69-4706a7ed3729",
     .scope = ROLE_SCOPE_SERVICE,
     .description = "Edits the developer portal's content.",
     .actions = api_management_developer_portal_content_editor_actions},
    {.name = "API Management Service Contributor",
     .id = "312a565d-c81f-4fd8-895a-4e21e48d571c",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages the service and its APIs.",
     .actions = api_management_service_contributor_actions},
    {.name = "API Management Service Reader Role",
     .id = "71522526-b88f-4d52-b57f-d31fc3546d0d",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads the service and its APIs.",
     .actions = api_management_service_reader_role_actions,
     .not_actions = api_management_service_reader_role_not_actions},
    {.name = "API Management Service Operator Role",
     .id = "e022efe7-f5ba-4159-bbe4-b44f577e9b61",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages the service, but not its APIs.",
     .actions = api_management_service_operator_role_actions,
     .not_actions = api_management_service_operator_role_not_actions},
    {.name = "Owner",
     .id = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages everything, access included.",
     .actions = owner_actions},
    {.name = "Contributor",
     .id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages everything but access.",
     .actions = contributor_actions,
     .not_actions = contributor_not_actions},
    {.name = "Reader",
     .id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads everything.",
     .actions = reader_actions},
    {.name = "User Access Administrator",
     .id = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads everything and manages access.",
     .actions = user_access_administrator_actions},
    {.name = "Role Based Access Control Administrator",
     .id = "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
     .scope = ROLE_SCOPE_ANY,
     .description = "Assigns roles.",
     .actions = role_based_access_control_administrator_actions},
    {.name = "Network Contributor",
     .id = "4d97b98b-1d4f-4787-a291-c67834d212e7",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages networks.",
     .actions = network_contributor_actions},
    {.name = "Private DNS Zone Contributor",
     .id = "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages private DNS zones.",
     .actions = private_dns_zone_contributor_actions},
    {0}};

const struct role *role_find(const char *name_or_id)
{
    for (const struct role *role = roles; role->name != NULL; role++) {
        if (text_equal_nocase(role->name, name_or_id) ||
            text_equal_nocase(role->id, name_or_id))
            return role;
    }
    return NULL;
}
