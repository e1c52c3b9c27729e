/* engine/model/apimanagement.c - the rows of workspaces, gateways and what joins them,
 * 2024-05-01. */
#include "model/kind.h"

#define API_VERSION   "2024-05-01"
#define RESOURCE_NAME "^[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z0-9])?$"

static const struct field workspace_fields[] = {
    {.name = "display_name",
     .path = "properties.displayName",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "What people see."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .help = "What the workspace is for."},
    {0},
};

const struct kind workspace_kind = {
    .name = "workspace",
    .arm_type = "Microsoft.ApiManagement/service/workspaces",
    .api_version = API_VERSION,
    .collection = "/workspaces",
    .parent = &service_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = "^[^*#&+:<>?]+$",
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .if_match = KIND_PATCH | KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "workspaces",
    .fields = workspace_fields,
    .columns = "display_name description",
    .help = "A team's own part of a service: its APIs, products, subscriptions."};

static const struct field workspace_link_fields[] = {
    {.name = "workspace",
     .path = "properties.workspaceId",
     .type = FIELD_ID,
     .flags = FIELD_READ_ONLY,
     .help = "The workspace."},
    {.name = "gateways",
     .path = "properties.gateways",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The gateways that serve it."},
    {0},
};

const struct kind workspace_link_kind = {
    .name = "workspace link",
    .arm_type = "Microsoft.ApiManagement/service/workspaceLinks",
    .api_version = API_VERSION,
    .collection = "/workspaceLinks",
    .parent = &service_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = "^[^*#&+:<>?]+$",
    .operations = KIND_GET | KIND_LIST,
    .member = "workspace_links",
    .fields = workspace_link_fields,
    .columns = "workspace gateways",
    .help =
        "Which gateways serve a workspace: the connections seen from the other side."};

static const struct choice gateway_skus[] = {
    {"WorkspaceGatewayPremium", "WorkspaceGatewayPremium"},
    {"WorkspaceGatewayStandard", "WorkspaceGatewayStandard"},
    {"Standard", "Standard"},
    {0}};

/* Inbound and outbound: public and public, public and private, private and private. */
static const struct choice network_modes[] = {
    {"none", "None"}, {"integration", "External"}, {"injection", "Internal"}, {0}};

static const struct field gateway_fields[] = {
    {.name = "location",
     .path = "location",
     .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The region; must be the service's primary region, which is the default."},
    {.name = "sku",
     .path = "sku.name",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = gateway_skus,
     .choices_are_open = true,
     .help = "The tier; WorkspaceGatewayPremium by default."},
    {.name = "units",
     .path = "sku.capacity",
     .type = FIELD_INTEGER,
     .min = 1,
     .max = 12,
     .unit = "units",
     .help = "Scale units, 1 by default; the price goes by them."},
    {.name = "network",
     .path = "properties.virtualNetworkType",
     .type = FIELD_CHOICE,
     .flags = FIELD_IMMUTABLE,
     .choices = network_modes,
     .help = "none; integration: private outbound; injection: private both ways."},
    {.name = "subnet",
     .path = "properties.backend.subnet.id",
     .type = FIELD_ID,
     .flags = FIELD_IMMUTABLE,
     .help = "The subnet of its own, for integration and injection."},
    {.name = "tags", .path = "tags", .type = FIELD_TAGS, .help = "Tags of the resource."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Created, Activating, Succeeded, Updating, Failed ..."},
    {.name = "target_state",
     .path = "properties.targetProvisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "What it is becoming; \"\" if idle."},
    {.name = "created_at",
     .path = "properties.createdAtUtc",
     .type = FIELD_TIME,
     .flags = FIELD_READ_ONLY,
     .help = "When it was made."},
    {.name = "hostname",
     .path = "properties.frontend.defaultHostname",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Where the APIs of its workspaces answer."},
    {.name = "configuration_hostname",
     .path = "properties.configurationApi.hostname",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Its configuration endpoint."},
    {0},
};

const struct kind gateway_kind = {
    .name = "gateway",
    .arm_type = "Microsoft.ApiManagement/gateways",
    .api_version = API_VERSION,
    .collection = "/providers/Microsoft.ApiManagement/gateways",
    .parent = &resource_group_kind,
    .name_min = 1,
    .name_max = 45,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_PUT | KIND_PATCH | KIND_DELETE,
    .fields = gateway_fields,
    .columns = "state units network hostname sku",
    .help =
        "A workspace gateway: runs the APIs of its workspaces. Creation takes hours."};

static const struct field config_connection_fields[] = {
    {.name = "workspace",
     .path = "properties.sourceId",
     .type = FIELD_ID,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The workspace that the gateway serves."},
    {.name = "hostnames",
     .path = "properties.hostnames",
     .type = FIELD_STRINGS,
     .help = "Host names of the workspace on this gateway."},
    {.name = "hostname",
     .path = "properties.defaultHostname",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Where the workspace's APIs answer on this gateway."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded when the connection works."},
    {0},
};

const struct kind config_connection_kind = {
    .name = "config connection",
    .arm_type = "Microsoft.ApiManagement/gateways/configConnections",
    .api_version = API_VERSION,
    .collection = "/configConnections",
    .parent = &gateway_kind,
    .name_min = 1,
    .name_max = 30,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_PUT | KIND_DELETE,
    .if_match = KIND_DELETE,
    .serial = SERIAL_PARENT,
    .final_state_via = "azure-async-operation",
    .member = "connections",
    .fields = config_connection_fields,
    .columns = "workspace state hostname",
    .help = "The association of one workspace with one gateway."};
