/* engine/model/network.c - the rows of Microsoft.Network, 2024-10-01. */
#include "model/kind.h"

#define API_VERSION "2024-10-01"
#define RESOURCE_NAME "^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$"
#define CIDR "^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}/[0-9]{1,2}$"

static const struct field virtual_network_fields[] = {
    {.name = "location", .path = "location", .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The region; the service's region by default."},
    {.name = "address_prefixes", .path = "properties.addressSpace.addressPrefixes",
     .type = FIELD_STRINGS, .flags = FIELD_REQUIRED,
     .help = "The address space, as CIDR blocks such as \"10.0.0.0/16\"."},
    {.name = "dns_servers", .path = "properties.dhcpOptions.dnsServers", .type = FIELD_STRINGS,
     .help = "Addresses of DNS servers other than Azure's."},
    {.name = "subnets", .path = "properties.subnets", .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY, .help = "Its subnets; each is a resource of its own."},
    {.name = "tags", .path = "tags", .type = FIELD_TAGS, .help = "Tags of the resource."},
    {.name = "state", .path = "properties.provisioningState", .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY, .help = "Succeeded, Failed, Creating, Updating, Deleting."},
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
    .serial = SERIAL_SELF,
    .final_state_via = "azure-async-operation",
    .fields = virtual_network_fields,
    .help = "A virtual network. Writes to it and its subnets go one after another."};

static const struct field delegation_fields[] = {
    {.name = "name", .path = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED,
     .help = "Any name."},
    {.name = "service", .path = "properties.serviceName", .type = FIELD_STRING,
     .flags = FIELD_REQUIRED, .help = "Such as Microsoft.Web/serverFarms."},
    {0}};

static const struct field subnet_fields[] = {
    {.name = "prefix", .path = "properties.addressPrefix", .type = FIELD_STRING, .pattern = CIDR,
     .help = "The address block, such as \"10.0.4.0/24\"."},
    {.name = "network_security_group", .path = "properties.networkSecurityGroup.id",
     .type = FIELD_ID, .help = "The network security group; a gateway's subnet needs one."},
    {.name = "route_table", .path = "properties.routeTable.id", .type = FIELD_ID,
     .help = "The route table."},
    {.name = "nat_gateway", .path = "properties.natGateway.id", .type = FIELD_ID,
     .help = "The NAT gateway."},
    {.name = "delegations", .path = "properties.delegations", .type = FIELD_LIST,
     .items = delegation_fields, .help = "The service that may put itself into the subnet."},
    {.name = "default_outbound_access", .path = "properties.defaultOutboundAccess",
     .type = FIELD_BOOLEAN, .help = "Whether machines in it reach the Internet unasked."},
    {.name = "state", .path = "properties.provisioningState", .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY, .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

const struct kind subnet_kind = {
    .name = "subnet",
    .arm_type = "Microsoft.Network/virtualNetworks/subnets",
    .api_version = API_VERSION,
    .collection = "/subnets",
    .parent = &virtual_network_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_PUT | KIND_DELETE,
    .serial = SERIAL_PARENT,
    .final_state_via = "azure-async-operation",
    .fields = subnet_fields,
    .help = "A block of addresses of a virtual network."};

static const struct choice protocols[] = {{"Tcp", "Tcp"}, {"Udp", "Udp"}, {"Icmp", "Icmp"},
                                          {"Esp", "Esp"}, {"Ah", "Ah"},   {"*", "*"},
                                          {0}};
static const struct choice access_kinds[] = {{"Allow", "Allow"}, {"Deny", "Deny"}, {0}};
static const struct choice directions[] = {
    {"Inbound", "Inbound"}, {"Outbound", "Outbound"}, {0}};

static const struct field rule_fields[] = {
    {.name = "name", .path = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .min = 1,
     .max = 80, .help = "Unique in the group."},
    {.name = "direction", .path = "properties.direction", .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED, .choices = directions, .help = "Inbound or Outbound."},
    {.name = "access", .path = "properties.access", .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED, .choices = access_kinds, .help = "Allow or Deny."},
    {.name = "priority", .path = "properties.priority", .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED, .min = 100, .max = 4096,
     .help = "The lowest number decides; unique per direction."},
    {.name = "protocol", .path = "properties.protocol", .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED, .choices = protocols, .help = "Tcp, Udp, Icmp, Esp, Ah or *."},
    {.name = "source", .path = "properties.sourceAddressPrefix", .type = FIELD_STRING,
     .help = "A CIDR block, a service tag or *."},
    {.name = "source_port", .path = "properties.sourcePortRange", .type = FIELD_STRING,
     .help = "A port, a range such as \"80-443\", or *."},
    {.name = "destination", .path = "properties.destinationAddressPrefix", .type = FIELD_STRING,
     .help = "A CIDR block, a service tag or *."},
    {.name = "destination_port", .path = "properties.destinationPortRange",
     .type = FIELD_STRING, .help = "A port, a range, or *."},
    {.name = "destination_ports", .path = "properties.destinationPortRanges",
     .type = FIELD_STRINGS, .help = "Several ports or ranges."},
    {.name = "description", .path = "properties.description", .type = FIELD_STRING, .max = 140,
     .help = "What the rule is for."},
    {0}};

static const struct field network_security_group_fields[] = {
    {.name = "location", .path = "location", .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The region; the service's region by default."},
    {.name = "rules", .path = "properties.securityRules", .type = FIELD_LIST,
     .items = rule_fields, .help = "Its rules, beside Azure's default ones."},
    {.name = "tags", .path = "tags", .type = FIELD_TAGS, .help = "Tags of the resource."},
    {.name = "state", .path = "properties.provisioningState", .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY, .help = "Succeeded, Failed, Creating, Updating, Deleting."},
    {0}};

const struct kind network_security_group_kind = {
    .name = "network security group",
    .arm_type = "Microsoft.Network/networkSecurityGroups",
    .api_version = API_VERSION,
    .collection = "/providers/Microsoft.Network/networkSecurityGroups",
    .parent = &resource_group_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .patches_tags_only = true,
    .long_operations = KIND_PUT | KIND_DELETE,
    .serial = SERIAL_SELF,
    .final_state_via = "azure-async-operation",
    .fields = network_security_group_fields,
    .help = "A packet filter for subnets."};
