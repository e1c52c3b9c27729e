/* engine/model/security.c - the rows of network security groups and their rules, 2024-10-01.
 *
 * A rule is both: an item of its group's list and a resource of its own. */
#include "model/kind.h"

#define API_VERSION   "2024-10-01"
#define RESOURCE_NAME "^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$"

#define RULE_COLUMNS                                                                     \
    "priority direction access protocol source source_port destination destination_port"

static const struct choice protocols[] = {{"Tcp", "Tcp"},
                                          {"Udp", "Udp"},
                                          {"Icmp", "Icmp"},
                                          {"Esp", "Esp"},
                                          {"Ah", "Ah"},
                                          {"*", "*"},
                                          {0}};
static const struct choice access_kinds[] = {{"Allow", "Allow"}, {"Deny", "Deny"}, {0}};
static const struct choice directions[] = {
    {"Inbound", "Inbound"}, {"Outbound", "Outbound"}, {0}};

/* What a rule says. Azure's own have priorities up to 65500. */
#define RULE_FIELDS(NEED, ACCESS, MOST)                                                  \
    {.name = "direction",                                                                \
     .path = "properties.direction",                                                     \
     .type = FIELD_CHOICE,                                                               \
     .flags = NEED | ACCESS,                                                             \
     .choices = directions,                                                              \
     .help = "Inbound or Outbound."},                                                    \
        {.name = "access",                                                               \
         .path = "properties.access",                                                    \
         .type = FIELD_CHOICE,                                                           \
         .flags = NEED | ACCESS,                                                         \
         .choices = access_kinds,                                                        \
         .help = "Allow or Deny."},                                                      \
        {.name = "priority",                                                             \
         .path = "properties.priority",                                                  \
         .type = FIELD_INTEGER,                                                          \
         .flags = NEED | ACCESS,                                                         \
         .min = 100,                                                                     \
         .max = MOST,                                                                    \
         .help = "The lowest number decides; unique per direction."},                    \
        {.name = "protocol",                                                             \
         .path = "properties.protocol",                                                  \
         .type = FIELD_CHOICE,                                                           \
         .flags = NEED | ACCESS,                                                         \
         .choices = protocols,                                                           \
         .help = "Tcp, Udp, Icmp, Esp, Ah or *."},                                       \
        {.name = "source",                                                               \
         .path = "properties.sourceAddressPrefix",                                       \
         .type = FIELD_STRING,                                                           \
         .flags = ACCESS,                                                                \
         .help = "A CIDR block, a service tag or *."},                                   \
        {.name = "sources",                                                              \
         .path = "properties.sourceAddressPrefixes",                                     \
         .type = FIELD_STRINGS,                                                          \
         .flags = ACCESS,                                                                \
         .help = "Several blocks or service tags."},                                     \
        {.name = "source_groups",                                                        \
         .path = "properties.sourceApplicationSecurityGroups",                           \
         .type = FIELD_IDS,                                                              \
         .flags = ACCESS,                                                                \
         .help = "Application security groups instead."},                                \
        {.name = "source_port",                                                          \
         .path = "properties.sourcePortRange",                                           \
         .type = FIELD_STRING,                                                           \
         .flags = ACCESS,                                                                \
         .help = "A port, a range such as \"80-443\", or *."},                           \
        {.name = "source_ports",                                                         \
         .path = "properties.sourcePortRanges",                                          \
         .type = FIELD_STRINGS,                                                          \
         .flags = ACCESS,                                                                \
         .help = "Several ports or ranges."},                                            \
        {.name = "destination",                                                          \
         .path = "properties.destinationAddressPrefix",                                  \
         .type = FIELD_STRING,                                                           \
         .flags = ACCESS,                                                                \
         .help = "A CIDR block, a service tag or *."},                                   \
        {.name = "destinations",                                                         \
         .path = "properties.destinationAddressPrefixes",                                \
         .type = FIELD_STRINGS,                                                          \
         .flags = ACCESS,                                                                \
         .help = "Several blocks or service tags."},                                     \
        {.name = "destination_groups",                                                   \
         .path = "properties.destinationApplicationSecurityGroups",                      \
         .type = FIELD_IDS,                                                              \
         .flags = ACCESS,                                                                \
         .help = "Application security groups instead."},                                \
        {.name = "destination_port",                                                     \
         .path = "properties.destinationPortRange",                                      \
         .type = FIELD_STRING,                                                           \
         .flags = ACCESS,                                                                \
         .help = "A port, a range, or *."},                                              \
        {.name = "destination_ports",                                                    \
         .path = "properties.destinationPortRanges",                                     \
         .type = FIELD_STRINGS,                                                          \
         .flags = ACCESS,                                                                \
         .help = "Several ports or ranges."},                                            \
        {.name = "description",                                                          \
         .path = "properties.description",                                               \
         .type = FIELD_STRING,                                                           \
         .flags = ACCESS,                                                                \
         .max = 140,                                                                     \
         .help = "What the rule is for."},                                               \
    {                                                                                    \
        .name = "state", .path = "properties.provisioningState", .type = FIELD_STRING,   \
        .flags = FIELD_READ_ONLY,                                                        \
        .help = "Succeeded, Failed, Creating, Updating, Deleting."                       \
    }

static const struct field rule_fields[] = {{.name = "name",
                                            .path = "name",
                                            .type = FIELD_STRING,
                                            .flags = FIELD_REQUIRED,
                                            .min = 1,
                                            .max = 80,
                                            .help = "Unique in the group."},
                                           RULE_FIELDS(FIELD_REQUIRED, 0, 4096),
                                           {0}};

static const struct field default_rule_fields[] = {{.name = "name",
                                                    .path = "name",
                                                    .type = FIELD_STRING,
                                                    .flags = FIELD_READ_ONLY,
                                                    .help = "Azure's name for it."},
                                                   RULE_FIELDS(0, FIELD_READ_ONLY, 65500),
                                                   {0}};

static const struct field network_security_group_fields[] = {
    {.name = "location",
     .path = "location",
     .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The region; the service's region by default."},
    {.name = "rules",
     .path = "properties.securityRules",
     .type = FIELD_LIST,
     .items = rule_fields,
     .help = "Its rules, beside Azure's default ones."},
    {.name = "flush_connection",
     .path = "properties.flushConnection",
     .type = FIELD_BOOLEAN,
     .help = "Whether a change of rules ends flows that it no longer allows."},
    {.name = "tags", .path = "tags", .type = FIELD_TAGS, .help = "Tags of the resource."},
    {.name = "default_rules",
     .path = "properties.defaultSecurityRules",
     .type = FIELD_LIST,
     .flags = FIELD_READ_ONLY,
     .items = default_rule_fields,
     .help = "Azure's own rules, which come last."},
    {.name = "subnet_ids",
     .path = "properties.subnets",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The subnets that use it."},
    {.name = "network_interface_ids",
     .path = "properties.networkInterfaces",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The network interfaces that use it."},
    {.name = "flow_log_ids",
     .path = "properties.flowLogs",
     .type = FIELD_IDS,
     .flags = FIELD_READ_ONLY,
     .help = "The logs of what it lets through."},
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
    .final_state_via = "azure-async-operation",
    .fields = network_security_group_fields,
    .columns = "location state",
    .help = "A packet filter for subnets."};

/* The name of a resource is in its id, not among its fields. */
const struct kind security_rule_kind = {
    .name = "security rule",
    .arm_type = "Microsoft.Network/networkSecurityGroups/securityRules",
    .api_version = API_VERSION,
    .collection = "/securityRules",
    .parent = &network_security_group_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_PUT | KIND_DELETE,
    .serial = SERIAL_PARENT,
    .final_state_via = "azure-async-operation",
    .member = "security_rules",
    .fields = &rule_fields[1],
    .columns = RULE_COLUMNS,
    .help = "One rule of a network security group."};

const struct kind default_security_rule_kind = {
    .name = "default security rule",
    .arm_type = "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
    .api_version = API_VERSION,
    .collection = "/defaultSecurityRules",
    .parent = &network_security_group_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = RESOURCE_NAME,
    .operations = KIND_GET | KIND_LIST,
    .member = "default_security_rules",
    .fields = &default_rule_fields[1],
    .columns = RULE_COLUMNS,
    .help = "A rule that Azure gives each group: what holds where no other does."};
