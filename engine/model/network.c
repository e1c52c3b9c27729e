/* engine/model/network.c - the rows of virtual networks and subnets, 2024-10-01. */
#include "model/kind.h"

#define API_VERSION   "2024-10-01"
#define RESOURCE_NAME "^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$"
#define CIDR          "^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}/[0-9]{1,2}$"

static const struct field pool_fields[] = {
    {.name = "pool", .path = "pool.id", .type = FIELD_ID, .help = "The pool."},
    {.name = "number_of_addresses",
     .path = "numberOfIpAddresses",
     .type = FIELD_STRING,
     .help = "How many addresses are wanted, as text."},
    {.name = "allocated_prefixes",
     .path = "allocatedAddressPrefixes",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "What the pool has given."},
    {0}};

/* ---- virtual network ---- */

static const struct choice edge_types[] = {{"EdgeZone", "EdgeZone"}, {0}};
static const struct choice enforcements[] = {{"DropUnencrypted", "DropUnencrypted"},
                                             {"AllowUnencrypted", "AllowUnencrypted"},
                                             {0}};
static const struct choice endpoint_rules[] = {
    {"Disabled", "Disabled"}, {"Basic", "Basic"}, {0}};

static const struct field communities_fields[] = {
    {.name = "virtual_network",
     .path = "virtualNetworkCommunity",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "That of the virtual network."},
    {.name = "regional",
     .path = "regionalCommunity",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "That of its region."},
    {0}};

static const struct field encryption_fields[] = {
    {.name = "enabled",
     .path = "enabled",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_REQUIRED,
     .help = "Whether traffic inside is encrypted."},
    {.name = "enforcement",
     .path = "enforcement",
     .type = FIELD_CHOICE,
     .choices = enforcements,
     .choices_are_open = true,
     .help = "What becomes of machines that cannot encrypt."},
    {0}};

static const struct field virtual_network_fields[] = {
    {.name = "location",
     .path = "location",
     .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The region; the service's region by default."},
    {.name = "address_prefixes",
     .path = "properties.addressSpace.addressPrefixes",
     .type = FIELD_STRINGS,
     .flags = FIELD_REQUIRED,
     .help = "The address space, as CIDR blocks such as \"10.0.0.0/16\"."},
    {.name = "dns_servers",
     .path = "properties.dhcpOptions.dnsServers",
     .type = FIELD_STRINGS,
     .help = "Addresses of DNS servers other than Azure's."},
    {.name = "subnet_ids",
     .path = "properties.subnets",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "Its subnets; each is a resource of its own."},
    {.name = "tags", .path = "tags", .type = FIELD_TAGS, .help = "Tags of the resource."},
    {.name = "peerings",
     .path = "properties.virtualNetworkPeerings",
     .type = FIELD_ANY,
     .help = "The virtual networks that it is joined to."},
    {.name = "flow_timeout",
     .path = "properties.flowTimeoutInMinutes",
     .type = FIELD_INTEGER,
     .unit = "minutes",
     .help = "When idle flows are forgotten."},
    {.name = "ddos_protection",
     .path = "properties.enableDdosProtection",
     .type = FIELD_BOOLEAN,
     .help = "Whether a plan protects its public addresses."},
    {.name = "ddos_protection_plan",
     .path = "properties.ddosProtectionPlan.id",
     .type = FIELD_ID,
     .help = "That plan."},
    {.name = "vm_protection",
     .path = "properties.enableVmProtection",
     .type = FIELD_BOOLEAN,
     .help = "Whether all its subnets are protected."},
    {.name = "bgp_communities",
     .path = "properties.bgpCommunities",
     .type = FIELD_OBJECT,
     .items = communities_fields,
     .help = "What its routes are marked with over ExpressRoute."},
    {.name = "encryption",
     .path = "properties.encryption",
     .type = FIELD_OBJECT,
     .items = encryption_fields,
     .help = "Whether machines in it speak encrypted."},
    {.name = "ip_allocations",
     .path = "properties.ipAllocations",
     .type = FIELD_IDS,
     .help = "Allocations of addresses that it uses."},
    {.name = "pool_allocations",
     .path = "properties.addressSpace.ipamPoolPrefixAllocations",
     .type = FIELD_LIST,
     .items = pool_fields,
     .help = "What pools of addresses give it."},
    {.name = "private_endpoint_policies",
     .path = "properties.privateEndpointVNetPolicies",
     .type = FIELD_CHOICE,
     .choices = endpoint_rules,
     .choices_are_open = true,
     .help = "Which policies private endpoints in it obey."},
    {.name = "edge_zone",
     .path = "extendedLocation.name",
     .type = FIELD_STRING,
     .flags = FIELD_IMMUTABLE,
     .help = "The edge zone that it is in."},
    {.name = "edge_zone_type",
     .path = "extendedLocation.type",
     .type = FIELD_CHOICE,
     .flags = FIELD_IMMUTABLE,
     .choices = edge_types,
     .choices_are_open = true,
     .help = "EdgeZone."},
    {.name = "resource_guid",
     .path = "properties.resourceGuid",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Its GUID."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

static const struct action virtual_network_actions[] = {
    {.name = "ddosProtectionStatus",
     .is_long = true,
     .help = "Tells which of its public addresses are protected."},
    {0}};

const struct kind virtual_network_kind = {
    .name = "virtual network",
    .arm_type = "Microsoft.Network/virtualNetworks",
    .api_version = API_VERSION,
    .collection = "/providers/Microsoft.Network/virtualNetworks",
    .parent = &resource_group_kind,
    .name_min = 2,
    .name_max = 64,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .patches_tags_only = true,
    .long_operations = KIND_PUT | KIND_DELETE,
    .final_state_via = "azure-async-operation",
    .actions = virtual_network_actions,
    .fields = virtual_network_fields,
    .help = "A virtual network. Writes to it and its subnets go one after another."};

/* ---- subnet ---- */

static const struct field delegation_fields[] = {
    {.name = "name",
     .path = "name",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "Any name."},
    {.name = "service",
     .path = "properties.serviceName",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "Such as Microsoft.Web/serverFarms."},
    {.name = "actions",
     .path = "properties.actions",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "What the service may do to the subnet."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

static const struct field service_endpoint_fields[] = {
    {.name = "service",
     .path = "service",
     .type = FIELD_STRING,
     .help = "Such as Microsoft.Storage."},
    {.name = "locations",
     .path = "locations",
     .type = FIELD_STRINGS,
     .help = "The regions of the service; * for all."},
    {.name = "network_identifier",
     .path = "networkIdentifier.id",
     .type = FIELD_ID,
     .help = "The public IP address that the service sees."},
    {.name = "state",
     .path = "provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

/* What others note of their use of a subnet. */
#define USE_FIELDS                                                                       \
    {.name = "id", .path = "id", .type = FIELD_ID, .help = "Its id."},                   \
        {.name = "name", .path = "name", .type = FIELD_STRING, .help = "Its name."},     \
        {.name = "linked_type",                                                          \
         .path = "properties.linkedResourceType",                                        \
         .type = FIELD_STRING,                                                           \
         .help = "The type of what uses the subnet."},                                   \
        {.name = "link",                                                                 \
         .path = "properties.link",                                                      \
         .type = FIELD_STRING,                                                           \
         .help = "What uses the subnet."},                                               \
    {                                                                                    \
        .name = "state", .path = "properties.provisioningState", .type = FIELD_STRING,   \
        .flags = FIELD_READ_ONLY,                                                        \
        .help = "Succeeded, Failed, Creating, Updating, Deleting."                       \
    }

static const struct field navigation_link_fields[] = {USE_FIELDS, {0}};

static const struct field association_link_fields[] = {
    USE_FIELDS,
    {.name = "allow_delete",
     .path = "properties.allowDelete",
     .type = FIELD_BOOLEAN,
     .help = "Whether the subnet may be deleted all the same."},
    {.name = "locations",
     .path = "properties.locations",
     .type = FIELD_STRINGS,
     .help = "The regions of what uses the subnet."},
    {0}};

static const struct field application_gateway_fields[] = {
    {.name = "id", .path = "id", .type = FIELD_ID, .help = "Its id."},
    {.name = "name", .path = "name", .type = FIELD_STRING, .help = "Its name."},
    {.name = "subnet",
     .path = "properties.subnet.id",
     .type = FIELD_ID,
     .help = "The subnet of the application gateway."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

static const struct choice endpoint_policies[] = {
    {"Enabled", "Enabled"},
    {"Disabled", "Disabled"},
    {"NetworkSecurityGroupEnabled", "NetworkSecurityGroupEnabled"},
    {"RouteTableEnabled", "RouteTableEnabled"},
    {0}};
static const struct choice link_policies[] = {
    {"Enabled", "Enabled"}, {"Disabled", "Disabled"}, {0}};
static const struct choice sharing_scopes[] = {
    {"Tenant", "Tenant"}, {"DelegatedServices", "DelegatedServices"}, {0}};

static const struct field subnet_fields[] = {
    {.name = "prefix",
     .path = "properties.addressPrefix",
     .type = FIELD_STRING,
     .pattern = CIDR,
     .help = "The address block, such as \"10.0.4.0/24\"."},
    {.name = "prefixes",
     .path = "properties.addressPrefixes",
     .type = FIELD_STRINGS,
     .help = "Several blocks, for IPv4 and IPv6."},
    {.name = "network_security_group",
     .path = "properties.networkSecurityGroup.id",
     .type = FIELD_ID,
     .help = "The network security group; a gateway's subnet needs one."},
    {.name = "route_table",
     .path = "properties.routeTable.id",
     .type = FIELD_ID,
     .help = "The route table."},
    {.name = "nat_gateway",
     .path = "properties.natGateway.id",
     .type = FIELD_ID,
     .help = "The NAT gateway."},
    {.name = "delegations",
     .path = "properties.delegations",
     .type = FIELD_LIST,
     .items = delegation_fields,
     .help = "The service that may put itself into the subnet."},
    {.name = "default_outbound_access",
     .path = "properties.defaultOutboundAccess",
     .type = FIELD_BOOLEAN,
     .help = "Whether machines in it reach the Internet unasked."},
    {.name = "service_endpoints",
     .path = "properties.serviceEndpoints",
     .type = FIELD_LIST,
     .items = service_endpoint_fields,
     .help = "Services that know it by its own addresses."},
    {.name = "service_endpoint_policies",
     .path = "properties.serviceEndpointPolicies",
     .type = FIELD_IDS,
     .help = "What those services may be used for."},
    {.name = "private_endpoint_policies",
     .path = "properties.privateEndpointNetworkPolicies",
     .type = FIELD_CHOICE,
     .choices = endpoint_policies,
     .choices_are_open = true,
     .help = "Which policies private endpoints in it obey."},
    {.name = "private_link_service_policies",
     .path = "properties.privateLinkServiceNetworkPolicies",
     .type = FIELD_CHOICE,
     .choices = link_policies,
     .choices_are_open = true,
     .help = "Whether private link services in it obey policies."},
    {.name = "sharing_scope",
     .path = "properties.sharingScope",
     .type = FIELD_CHOICE,
     .choices = sharing_scopes,
     .choices_are_open = true,
     .help = "Who else may put machines into it."},
    {.name = "ip_allocations",
     .path = "properties.ipAllocations",
     .type = FIELD_IDS,
     .help = "Allocations of addresses that it uses."},
    {.name = "pool_allocations",
     .path = "properties.ipamPoolPrefixAllocations",
     .type = FIELD_LIST,
     .items = pool_fields,
     .help = "What pools of addresses give it."},
    {.name = "application_gateways",
     .path = "properties.applicationGatewayIPConfigurations",
     .type = FIELD_LIST,
     .items = application_gateway_fields,
     .help = "Where application gateways are in it."},
    {.name = "private_endpoints",
     .path = "properties.privateEndpoints",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The private endpoints in it."},
    {.name = "ip_configurations",
     .path = "properties.ipConfigurations",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The network interfaces in it, by their configurations."},
    {.name = "ip_configuration_profiles",
     .path = "properties.ipConfigurationProfiles",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The profiles of container networks in it."},
    {.name = "navigation_links",
     .path = "properties.resourceNavigationLinks",
     .type = FIELD_LIST,
     .flags = FIELD_READ_ONLY,
     .items = navigation_link_fields,
     .help = "Services that use it, noted the older way."},
    {.name = "association_links",
     .path = "properties.serviceAssociationLinks",
     .type = FIELD_LIST,
     .flags = FIELD_READ_ONLY,
     .items = association_link_fields,
     .help = "Services that use it and keep it from being deleted."},
    {.name = "purpose",
     .path = "properties.purpose",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "What it is used for, by its delegations and links."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

static const struct action subnet_actions[] = {
    {.name = "PrepareNetworkPolicies",
     .is_long = true,
     .help = "Gives it the policies that a service needs before it moves in."},
    {.name = "UnprepareNetworkPolicies",
     .is_long = true,
     .help = "Takes those policies away."},
    {0}};

const struct kind subnet_kind = {.name = "subnet",
                                 .arm_type = "Microsoft.Network/virtualNetworks/subnets",
                                 .api_version = API_VERSION,
                                 .collection = "/subnets",
                                 .parent = &virtual_network_kind,
                                 .name_min = 1,
                                 .name_max = 80,
                                 .name_pattern = RESOURCE_NAME,
                                 .operations =
                                     KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
                                 .long_operations = KIND_PUT | KIND_DELETE,
                                 .serial = SERIAL_PARENT,
                                 .final_state_via = "azure-async-operation",
                                 .member = "subnets",
                                 .actions = subnet_actions,
                                 .fields = subnet_fields,
                                 .help = "A block of addresses of a virtual network."};
