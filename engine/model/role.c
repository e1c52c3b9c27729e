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

static const char *const managed_identity_operator_actions[] = {
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Support/*",
    NULL};

static const char *const managed_identity_contributor_actions[] = {
    "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/"
    "delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action",
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Support/*",
    NULL};

static const char *const monitoring_contributor_actions[] = {
    "*/read",
    "Microsoft.AlertsManagement/alerts/*",
    "Microsoft.AlertsManagement/alertsSummary/*",
    "Microsoft.AlertsManagement/issues/*",
    "Microsoft.Insights/actiongroups/*",
    "Microsoft.Insights/activityLogAlerts/*",
    "Microsoft.Insights/AlertRules/*",
    "Microsoft.Insights/components/*",
    "Microsoft.Insights/createNotifications/*",
    "Microsoft.Insights/dataCollectionEndpoints/*",
    "Microsoft.Insights/dataCollectionRules/*",
    "Microsoft.Insights/dataCollectionRuleAssociations/*",
    "Microsoft.Insights/DiagnosticSettings/*",
    "Microsoft.Insights/eventtypes/*",
    "Microsoft.Insights/LogDefinitions/*",
    "Microsoft.Insights/metricalerts/*",
    "Microsoft.Insights/MetricDefinitions/*",
    "Microsoft.Insights/Metrics/*",
    "Microsoft.Insights/notificationStatus/*",
    "Microsoft.Insights/Register/Action",
    "Microsoft.Insights/scheduledqueryrules/*",
    "Microsoft.Insights/webtests/*",
    "Microsoft.Insights/workbooks/*",
    "Microsoft.Insights/workbooktemplates/*",
    "Microsoft.Insights/privateLinkScopes/*",
    "Microsoft.Insights/privateLinkScopeOperationStatuses/*",
    "Microsoft.Monitor/accounts/*",
    "Microsoft.Monitor/settings/*",
    "Microsoft.OperationalInsights/workspaces/write",
    "Microsoft.OperationalInsights/workspaces/intelligencepacks/*",
    "Microsoft.OperationalInsights/workspaces/savedSearches/*",
    "Microsoft.OperationalInsights/workspaces/search/action",
    "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
    "Microsoft.OperationalInsights/workspaces/sharedKeys/read",
    "Microsoft.OperationalInsights/workspaces/storageinsightconfigs/*",
    "Microsoft.OperationalInsights/locations/workspaces/failover/action",
    "Microsoft.OperationalInsights/workspaces/failback/action",
    "Microsoft.Support/*",
    "Microsoft.AlertsManagement/smartDetectorAlertRules/*",
    "Microsoft.AlertsManagement/actionRules/*",
    "Microsoft.AlertsManagement/smartGroups/*",
    "Microsoft.AlertsManagement/migrateFromSmartDetection/*",
    "Microsoft.AlertsManagement/investigations/*",
    "Microsoft.AlertsManagement/prometheusRuleGroups/*",
    "Microsoft.Monitor/investigations/*",
    "Microsoft.Resources/deployments/*",
    NULL};

static const char *const monitoring_reader_actions[] = {
    "*/read", "Microsoft.OperationalInsights/workspaces/search/action",
    "Microsoft.Support/*", NULL};

static const char *const log_analytics_reader_actions[] = {
    "*/read", "Microsoft.OperationalInsights/workspaces/analytics/query/action",
    "Microsoft.OperationalInsights/workspaces/search/action", "Microsoft.Support/*",
    NULL};
static const char *const log_analytics_reader_not_actions[] = {
    "Microsoft.OperationalInsights/workspaces/sharedKeys/read", NULL};
static const char *const log_analytics_reader_data_actions[] = {
    "Microsoft.OperationalInsights/workspaces/jobs/export/action", NULL};

static const char *const key_vault_secrets_user_data_actions[] = {
    "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action", NULL};

static const char *const azure_ai_enterprise_network_connection_approver_actions[] = {
    "Microsoft.ApiManagement/service/privateEndpointConnections/read",
    "Microsoft.ApiManagement/service/privateEndpointConnections/write",
    "Microsoft.ApiManagement/service/privateLinkResources/read",
    "Microsoft.ApiManagement/service/read",
    "Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action",
    "Microsoft.ContainerRegistry/registries/privateEndpointConnections/read",
    "Microsoft.ContainerRegistry/registries/privateEndpointConnections/write",
    "Microsoft.Cache/redis/read",
    "Microsoft.Cache/redis/privateEndpointConnections/read",
    "Microsoft.Cache/redis/privateEndpointConnections/write",
    "Microsoft.Cache/redis/privateLinkResources/read",
    "Microsoft.Cache/redis/privateEndpointConnectionsApproval/action",
    "Microsoft.Cache/redisEnterprise/read",
    "Microsoft.Cache/redisEnterprise/privateEndpointConnections/read",
    "Microsoft.Cache/redisEnterprise/privateEndpointConnections/write",
    "Microsoft.Cache/redisEnterprise/privateLinkResources/read",
    "Microsoft.Cache/redisEnterprise/privateEndpointConnectionsApproval/action",
    "Microsoft.CognitiveServices/accounts/read",
    "Microsoft.CognitiveServices/accounts/privateEndpointConnections/read",
    "Microsoft.CognitiveServices/accounts/privateEndpointConnections/write",
    "Microsoft.CognitiveServices/accounts/privateLinkResources/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/privateEndpointConnectionsApproval/action",
    "Microsoft.DBforPostgreSQL/flexibleServers/privateEndpointConnections/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/privateEndpointConnections/write",
    "Microsoft.DBforPostgreSQL/flexibleServers/privateLinkResources/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/read",
    "Microsoft.DBforPostgreSQL/serverGroupsv2/privateEndpointConnectionsApproval/action",
    "Microsoft.DBforPostgreSQL/serverGroupsv2/privateEndpointConnections/read",
    "Microsoft.DBforPostgreSQL/serverGroupsv2/privateEndpointConnections/write",
    "Microsoft.DBforPostgreSQL/serverGroupsv2/privateLinkResources/read",
    "Microsoft.DBforMySQL/flexibleServers/privateEndpointConnectionsApproval/action",
    "Microsoft.DBforMySQL/flexibleServers/privateEndpointConnections/read",
    "Microsoft.DBforMySQL/flexibleServers/privateEndpointConnections/write",
    "Microsoft.DBforMySQL/flexibleServers/privateLinkResources/read",
    "Microsoft.DBforMySQL/flexibleServers/read",
    "Microsoft.DocumentDB/databaseAccounts/privateEndpointConnectionsApproval/action",
    "Microsoft.DocumentDB/databaseAccounts/privateEndpointConnections/operationResults/"
    "read",
    "Microsoft.DocumentDB/databaseAccounts/privateEndpointConnections/read",
    "Microsoft.DocumentDB/databaseAccounts/privateEndpointConnections/write",
    "Microsoft.DocumentDB/databaseAccounts/privateLinkResources/read",
    "Microsoft.DocumentDB/databaseAccounts/read",
    "Microsoft.KeyVault/vaults/privateEndpointConnectionsApproval/action",
    "Microsoft.KeyVault/vaults/privateEndpointConnections/read",
    "Microsoft.KeyVault/vaults/privateEndpointConnections/write",
    "Microsoft.KeyVault/vaults/privateLinkResources/read",
    "Microsoft.KeyVault/vaults/read",
    "Microsoft.MachineLearningServices/registries/privateEndpointConnectionsApproval/"
    "action",
    "Microsoft.MachineLearningServices/registries/privateEndpointConnections/read",
    "Microsoft.MachineLearningServices/registries/privateEndpointConnections/write",
    "Microsoft.MachineLearningServices/registries/privateLinkResources/read",
    "Microsoft.MachineLearningServices/registries/read",
    "Microsoft.MachineLearningServices/workspaces/privateEndpointConnectionsApproval/"
    "action",
    "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections/read",
    "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections/write",
    "Microsoft.MachineLearningServices/workspaces/privateLinkResources/read",
    "Microsoft.MachineLearningServices/workspaces/read",
    "Microsoft.Storage/storageAccounts/privateEndpointConnections/read",
    "Microsoft.Storage/storageAccounts/privateEndpointConnections/write",
    "Microsoft.Storage/storageAccounts/privateLinkResources/read",
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Storage/storageAccounts/PrivateEndpointConnectionsApproval/action",
    "Microsoft.Sql/servers/privateEndpointConnectionsApproval/action",
    "Microsoft.Sql/servers/privateEndpointConnections/read",
    "Microsoft.Sql/servers/privateEndpointConnections/write",
    "Microsoft.Sql/servers/privateLinkResources/read",
    "Microsoft.Sql/servers/read",
    "Microsoft.EventHub/namespaces/privateEndpointConnectionsApproval/action",
    "Microsoft.EventHub/namespaces/privateEndpointConnections/read",
    "Microsoft.EventHub/namespaces/privateEndpointConnections/write",
    "Microsoft.EventHub/namespaces/privateLinkResources/read",
    "Microsoft.EventHub/namespaces/read",
    "Microsoft.Search/searchServices/privateEndpointConnectionsApproval/action",
    "Microsoft.Search/searchServices/privateEndpointConnections/read",
    "Microsoft.Search/searchServices/privateEndpointConnections/write",
    "Microsoft.Search/searchServices/sharedPrivateLinkResources/read",
    "Microsoft.Search/searchServices/read",
    "Microsoft.Insights/privatelinkscopes/privateEndpointConnectionsApproval/action",
    "Microsoft.Insights/privatelinkscopes/privateEndpointConnections/read",
    "Microsoft.Insights/privatelinkscopes/privateEndpointConnections/write",
    "Microsoft.Insights/privatelinkscopes/privateEndpointConnections/operationResults/"
    "read",
    "Microsoft.Insights/privatelinkscopes/privateLinkResources/read",
    "Microsoft.Insights/privatelinkscopes/read",
    "Microsoft.Network/privateLinkServices/privateEndpointConnectionsApproval/action",
    "Microsoft.Network/privateLinkServices/privateEndpointConnections/read",
    "Microsoft.Network/privateLinkServices/privateEndpointConnections/write",
    "Microsoft.Network/privateLinkServices/read",
    "Microsoft.Network/applicationGateways/privateEndpointConnections/read",
    "Microsoft.Network/applicationGateways/privateEndpointConnections/write",
    "Microsoft.Network/applicationGateways/privateLinkResources/read",
    "Microsoft.Network/applicationGateways/read",
    NULL};

static const char *const defender_api_security_actions[] = {
    "Microsoft.Security/pricings/read",
    "Microsoft.Security/apiCollections/read",
    "Microsoft.ApiManagement/service/read",
    "Microsoft.ApiManagement/service/apis/read",
    "Microsoft.ApiManagement/service/apis/operations/read",
    "Microsoft.ApiManagement/service/apiVersionSets/read",
    "Microsoft.ApiManagement/service/apis/diagnostics/read",
    "Microsoft.ApiManagement/service/apis/diagnostics/write",
    "Microsoft.ApiManagement/service/apis/diagnostics/delete",
    "Microsoft.ApiManagement/service/apis/policies/read",
    "Microsoft.ApiManagement/service/backends/read",
    "Microsoft.ApiManagement/service/workspaces/read",
    "Microsoft.ApiManagement/service/workspaces/apis/read",
    "Microsoft.ApiManagement/service/workspaces/apis/operations/read",
    "Microsoft.ApiManagement/service/workspaces/apiVersionSets/read",
    "Microsoft.ApiManagement/service/workspaces/apis/diagnostics/read",
    "Microsoft.ApiManagement/service/workspaces/apis/diagnostics/write",
    "Microsoft.ApiManagement/service/workspaces/apis/diagnostics/delete",
    "Microsoft.ApiManagement/service/workspaces/apis/policies/read",
    "Microsoft.ApiManagement/service/workspaces/backends/read",
    "Microsoft.ApiManagement/gateways/configConnections/read",
    "Microsoft.ApiManagement/service/workspaceLinks/read",
    NULL};

const struct role roles[] = {
    {.name = "API Management Workspace Reader",
     .id = "ef1c2c96-4a77-49e8-b9a4-6179fe1d2fd2",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Reads everything in a workspace.",
     .permission.actions = api_management_workspace_reader_actions},
    {.name = "API Management Workspace Contributor",
     .id = "0c34c906-8d99-4cb7-8bb7-33f5b0a1a799",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Manages a workspace, but not who has access to it.",
     .permission.actions = api_management_workspace_contributor_actions},
    {.name = "API Management Workspace API Developer",
     .id = "56328988-075d-4c6a-8766-d93edd6725b6",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Reads a workspace and edits its APIs.",
     .permission.actions = api_management_workspace_api_developer_actions},
    {.name = "API Management Workspace API Product Manager",
     .id = "73c2c328-d004-4c5e-938c-35c6f5679a1f",
     .scope = ROLE_SCOPE_WORKSPACE,
     .description = "Reads a workspace and publishes its APIs.",
     .permission.actions = api_management_workspace_api_product_manager_actions},
    {.name = "API Management Service Workspace API Developer",
     .id = "9565a273-41b9-4368-97d2-aeb0c976a9b3",
     .scope = ROLE_SCOPE_SERVICE,
     .description =
         "Reads what APIs of a workspace need of the service, such as tags and products.",
     .permission.actions = api_management_service_workspace_api_developer_actions},
    {.name = "API Management Service Workspace API Product Manager",
     .id = "d59a3e9c-6d52-4a5a-aeed-6bf3cf0e31da",
     .scope = ROLE_SCOPE_SERVICE,
     .description = "The same, and assigns groups of users to products.",
     .permission.actions = api_management_service_workspace_api_product_manager_actions},
    {.name = "API Management Developer Portal Content Editor",
     .id = "c031e6a8-4391-4de0-8d69-4706a7ed3729",
     .scope = ROLE_SCOPE_SERVICE,
     .description = "Edits the developer portal's content.",
     .permission.actions = api_management_developer_portal_content_editor_actions},
    {.name = "API Management Service Contributor",
     .id = "312a565d-c81f-4fd8-895a-4e21e48d571c",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages the service and its APIs.",
     .permission.actions = api_management_service_contributor_actions},
    {.name = "API Management Service Reader Role",
     .id = "71522526-b88f-4d52-b57f-d31fc3546d0d",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads the service and its APIs.",
     .permission.actions = api_management_service_reader_role_actions,
     .permission.not_actions = api_management_service_reader_role_not_actions},
    {.name = "API Management Service Operator Role",
     .id = "e022efe7-f5ba-4159-bbe4-b44f577e9b61",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages the service, but not its APIs.",
     .permission.actions = api_management_service_operator_role_actions,
     .permission.not_actions = api_management_service_operator_role_not_actions},
    {.name = "Owner",
     .id = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages everything, access included.",
     .permission.actions = owner_actions},
    {.name = "Contributor",
     .id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages everything but access.",
     .permission.actions = contributor_actions,
     .permission.not_actions = contributor_not_actions},
    {.name = "Reader",
     .id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads everything.",
     .permission.actions = reader_actions},
    {.name = "User Access Administrator",
     .id = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads everything and manages access.",
     .permission.actions = user_access_administrator_actions},
    {.name = "Role Based Access Control Administrator",
     .id = "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
     .scope = ROLE_SCOPE_ANY,
     .description = "Assigns roles.",
     .permission.actions = role_based_access_control_administrator_actions},
    {.name = "Network Contributor",
     .id = "4d97b98b-1d4f-4787-a291-c67834d212e7",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages networks.",
     .permission.actions = network_contributor_actions},
    {.name = "Private DNS Zone Contributor",
     .id = "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages private DNS zones.",
     .permission.actions = private_dns_zone_contributor_actions},
    {.name = "Managed Identity Operator",
     .id = "f1a07417-d97a-45cb-824c-7a7467783830",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads and assigns user-assigned identities.",
     .permission.actions = managed_identity_operator_actions},
    {.name = "Managed Identity Contributor",
     .id = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
     .scope = ROLE_SCOPE_ANY,
     .description = "Manages user-assigned identities.",
     .permission.actions = managed_identity_contributor_actions},
    {.name = "Monitoring Contributor",
     .id = "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads all monitoring data and edits monitoring settings.",
     .permission.actions = monitoring_contributor_actions},
    {.name = "Monitoring Reader",
     .id = "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads all monitoring data.",
     .permission.actions = monitoring_reader_actions},
    {.name = "Log Analytics Reader",
     .id = "73c42c96-874c-492b-b04d-ab87d138a893",
     .scope = ROLE_SCOPE_ANY,
     .description = "Searches all monitoring data and reads its settings.",
     .permission.actions = log_analytics_reader_actions,
     .permission.not_actions = log_analytics_reader_not_actions,
     .permission.data_actions = log_analytics_reader_data_actions},
    {.name = "Key Vault Secrets User",
     .id = "4633458b-17de-408a-b874-0445c86b69e6",
     .scope = ROLE_SCOPE_ANY,
     .description = "Reads the contents of secrets.",
     .permission.data_actions = key_vault_secrets_user_data_actions},
    {.name = "Azure AI Enterprise Network Connection Approver",
     .id = "b556d68e-0be0-4f35-a333-ad7ee1ce17ea",
     .scope = ROLE_SCOPE_ANY,
     .description = "Approves private endpoints of what AI services depend on.",
     .permission.actions = azure_ai_enterprise_network_connection_approver_actions},
    {.name = "Defender API Security",
     .id = "6f91a4f9-10ee-4b95-b8cd-96ee73c5968d",
     .scope = ROLE_SCOPE_ANY,
     .description = "Lets Microsoft Defender for Cloud watch APIs.",
     .permission.actions = defender_api_security_actions},
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
