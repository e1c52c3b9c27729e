/* engine/model/service.c - the rows of an API Management service and of the tiers that it
 * and its gateways can have, 2024-05-01. */
#include "model/kind.h"

#define API_VERSION "2024-05-01"

static const struct choice tiers[] = {
    {"Developer", "Developer"}, {"Basic", "Basic"},
    {"Standard", "Standard"},   {"Premium", "Premium"},
    {"Isolated", "Isolated"},   {"Consumption", "Consumption"},
    {"BasicV2", "BasicV2"},     {"StandardV2", "StandardV2"},
    {"PremiumV2", "PremiumV2"}, {0}};

static const struct choice switches[] = {
    {"Enabled", "Enabled"}, {"Disabled", "Disabled"}, {0}};

static const struct choice platform_versions[] = {{"undetermined", "undetermined"},
                                                  {"stv1", "stv1"},
                                                  {"stv2", "stv2"},
                                                  {"mtv1", "mtv1"},
                                                  {"stv2.1", "stv2.1"},
                                                  {0}};

/* ---- identity ---- */

static const struct choice identity_types[] = {
    {"SystemAssigned", "SystemAssigned"},
    {"UserAssigned", "UserAssigned"},
    {"SystemAssigned, UserAssigned", "SystemAssigned, UserAssigned"},
    {"None", "None"},
    {0}};

static const struct field user_identity_fields[] = {{.name = "principal_id",
                                                     .path = "principalId",
                                                     .type = FIELD_STRING,
                                                     .help = "Its Entra object id."},
                                                    {.name = "client_id",
                                                     .path = "clientId",
                                                     .type = FIELD_STRING,
                                                     .help = "Its application id."},
                                                    {0}};

static const struct field identity_fields[] = {
    {.name = "type",
     .path = "type",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = identity_types,
     .choices_are_open = true,
     .help = "Whose identities: the service's own, given ones, both or none."},
    {.name = "user_assigned",
     .path = "userAssignedIdentities",
     .type = FIELD_MAP,
     .values = FIELD_OBJECT,
     .items = user_identity_fields,
     .help = "The given ones, by their resource ids."},
    {.name = "principal_id",
     .path = "principalId",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .min = 36,
     .max = 36,
     .pattern = "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
     .help = "The Entra object id of the service's own identity."},
    {.name = "tenant_id",
     .path = "tenantId",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .min = 36,
     .max = 36,
     .pattern = "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
     .help = "The tenant of the service's own identity."},
    {0}};

/* ---- host names and certificates ---- */

static const struct choice hostname_types[] = {{"Proxy", "Proxy"},
                                               {"Portal", "Portal"},
                                               {"Management", "Management"},
                                               {"Scm", "Scm"},
                                               {"DeveloperPortal", "DeveloperPortal"},
                                               {"ConfigurationApi", "ConfigurationApi"},
                                               {0}};

static const struct choice certificate_sources[] = {{"Managed", "Managed"},
                                                    {"KeyVault", "KeyVault"},
                                                    {"Custom", "Custom"},
                                                    {"BuiltIn", "BuiltIn"},
                                                    {0}};

static const struct choice certificate_states[] = {
    {"Completed", "Completed"}, {"Failed", "Failed"}, {"InProgress", "InProgress"}, {0}};

static const struct choice certificate_stores[] = {
    {"CertificateAuthority", "CertificateAuthority"}, {"Root", "Root"}, {0}};

static const struct field certificate_facts[] = {{.name = "expires_at",
                                                  .path = "expiry",
                                                  .type = FIELD_TIME,
                                                  .flags = FIELD_REQUIRED,
                                                  .help = "When it expires."},
                                                 {.name = "thumbprint",
                                                  .path = "thumbprint",
                                                  .type = FIELD_STRING,
                                                  .flags = FIELD_REQUIRED,
                                                  .help = "Its thumbprint."},
                                                 {.name = "subject",
                                                  .path = "subject",
                                                  .type = FIELD_STRING,
                                                  .flags = FIELD_REQUIRED,
                                                  .help = "Whose it is."},
                                                 {0}};

/* What a certificate is sent as, and what is known of it. */
#define CERTIFICATE_FIELDS                                                               \
    {.name = "data",                                                                     \
     .path = "encodedCertificate",                                                       \
     .type = FIELD_STRING,                                                               \
     .flags = FIELD_SECRET | FIELD_WRITE_ONLY,                                           \
     .help = "The certificate, as base64 of a PKCS #12 file."},                          \
        {.name = "password",                                                             \
         .path = "certificatePassword",                                                  \
         .type = FIELD_STRING,                                                           \
         .flags = FIELD_SECRET | FIELD_WRITE_ONLY,                                       \
         .help = "The password of that file."},                                          \
    {                                                                                    \
        .name = "certificate", .path = "certificate", .type = FIELD_OBJECT,              \
        .items = certificate_facts, .help = "What is known of the certificate."          \
    }

static const struct field hostname_fields[] = {
    {.name = "type",
     .path = "type",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = hostname_types,
     .choices_are_open = true,
     .help = "What answers there; Proxy is the gateway."},
    {.name = "hostname",
     .path = "hostName",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "The host name."},
    {.name = "key_vault_id",
     .path = "keyVaultId",
     .type = FIELD_STRING,
     .help = "URL of the certificate in Key Vault."},
    {.name = "identity_client_id",
     .path = "identityClientId",
     .type = FIELD_STRING,
     .help = "Application id of the identity that reads it there."},
    CERTIFICATE_FIELDS,
    {.name = "is_default",
     .path = "defaultSslBinding",
     .type = FIELD_BOOLEAN,
     .help = "Whether clients that name no host get this certificate."},
    {.name = "negotiate_client_certificate",
     .path = "negotiateClientCertificate",
     .type = FIELD_BOOLEAN,
     .help = "Whether clients are asked for a certificate."},
    {.name = "certificate_source",
     .path = "certificateSource",
     .type = FIELD_CHOICE,
     .choices = certificate_sources,
     .choices_are_open = true,
     .help = "Where the certificate comes from."},
    {.name = "certificate_state",
     .path = "certificateStatus",
     .type = FIELD_CHOICE,
     .choices = certificate_states,
     .choices_are_open = true,
     .help = "How far the certificate is."},
    {0}};

static const struct field trusted_certificate_fields[] = {
    {.name = "store",
     .path = "storeName",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = certificate_stores,
     .choices_are_open = true,
     .help = "CertificateAuthority or Root."},
    CERTIFICATE_FIELDS,
    {0}};

/* ---- networks and regions ---- */

static const struct choice network_types[] = {
    {"None", "None"}, {"External", "External"}, {"Internal", "Internal"}, {0}};

static const struct field network_fields[] = {
    {.name = "subnet",
     .path = "subnetResourceId",
     .type = FIELD_ID,
     .help = "The subnet that it is in."},
    {.name = "virtual_network_id",
     .path = "vnetid",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The GUID of the virtual network."},
    {.name = "subnet_name",
     .path = "subnetname",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The name of the subnet."},
    {0}};

/* What each region of a service has; `BASE` is its path with a dot, or "". */
#define REGION_FIELDS(BASE)                                                              \
    {.name = "network",                                                                  \
     .path = BASE "virtualNetworkConfiguration",                                         \
     .type = FIELD_OBJECT,                                                               \
     .items = network_fields,                                                            \
     .help = "The virtual network that it is in."},                                      \
        {.name = "public_ip_address",                                                    \
         .path = BASE "publicIpAddressId",                                               \
         .type = FIELD_ID,                                                               \
         .help = "The public IP address of its own, when it is in a network."},          \
        {.name = "nat_gateway",                                                          \
         .path = BASE "natGatewayState",                                                 \
         .type = FIELD_CHOICE,                                                           \
         .choices = switches,                                                            \
         .choices_are_open = true,                                                       \
         .help = "Whether a NAT gateway gives it its outbound addresses."},              \
        {.name = "is_gateway_disabled",                                                  \
         .path = BASE "disableGateway",                                                  \
         .type = FIELD_BOOLEAN,                                                          \
         .help = "Whether its own gateway is off in this region."},                      \
        {.name = "public_addresses",                                                     \
         .path = BASE "publicIPAddresses",                                               \
         .type = FIELD_STRINGS,                                                          \
         .flags = FIELD_READ_ONLY,                                                       \
         .help = "Where it is reached from the Internet."},                              \
        {.name = "private_addresses",                                                    \
         .path = BASE "privateIPAddresses",                                              \
         .type = FIELD_STRINGS,                                                          \
         .flags = FIELD_READ_ONLY,                                                       \
         .help = "Where it is reached from its network."},                               \
        {.name = "outbound_addresses",                                                   \
         .path = BASE "outboundPublicIPAddresses",                                       \
         .type = FIELD_STRINGS,                                                          \
         .flags = FIELD_READ_ONLY,                                                       \
         .help = "What backends see it call from."},                                     \
        {.name = "regional_url",                                                         \
         .path = BASE "gatewayRegionalUrl",                                              \
         .type = FIELD_STRING,                                                           \
         .flags = FIELD_READ_ONLY,                                                       \
         .help = "URL of its own gateway in this region."},                              \
    {                                                                                    \
        .name = "platform_version", .path = BASE "platformVersion",                      \
        .type = FIELD_CHOICE, .flags = FIELD_READ_ONLY, .choices = platform_versions,    \
        .choices_are_open = true, .help = "What it runs on."                             \
    }

static const struct field additional_location_fields[] = {
    {.name = "location",
     .path = "location",
     .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED,
     .help = "The region."},
    {.name = "sku",
     .path = "sku.name",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = tiers,
     .choices_are_open = true,
     .help = "The tier; that of the service."},
    {.name = "capacity",
     .path = "sku.capacity",
     .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED,
     .unit = "units",
     .help = "Scale units in this region."},
    {.name = "zones",
     .path = "zones",
     .type = FIELD_STRINGS,
     .help = "The availability zones."},
    REGION_FIELDS(""),
    {0}};

/* ---- private endpoints ---- */

static const struct choice connection_states[] = {
    {"Pending", "Pending"}, {"Approved", "Approved"}, {"Rejected", "Rejected"}, {0}};

static const struct field private_endpoint_fields[] = {
    {.name = "id", .path = "id", .type = FIELD_ID, .help = "Its id."},
    {.name = "name", .path = "name", .type = FIELD_STRING, .help = "Its name."},
    {.name = "type", .path = "type", .type = FIELD_STRING, .help = "Its type."},
    {.name = "private_endpoint",
     .path = "properties.privateEndpoint.id",
     .type = FIELD_ID,
     .flags = FIELD_READ_ONLY,
     .help = "The private endpoint."},
    {.name = "connection_state",
     .path = "properties.privateLinkServiceConnectionState.status",
     .type = FIELD_CHOICE,
     .choices = connection_states,
     .choices_are_open = true,
     .help = "Whether it may connect."},
    {.name = "description",
     .path = "properties.privateLinkServiceConnectionState.description",
     .type = FIELD_STRING,
     .help = "Why it may or may not."},
    {.name = "actions_required",
     .path = "properties.privateLinkServiceConnectionState.actionsRequired",
     .type = FIELD_STRING,
     .help = "What its owner has to do."},
    {.name = "group_ids",
     .path = "properties.groupIds",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "Which parts of the service it reaches."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded when the connection works."},
    {0}};

/* ---- service ---- */

static const struct field service_fields[] = {
    {.name = "location",
     .path = "location",
     .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The primary region."},
    {.name = "sku",
     .path = "sku.name",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = tiers,
     .choices_are_open = true,
     .help = "The pricing tier."},
    {.name = "capacity",
     .path = "sku.capacity",
     .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED,
     .unit = "units",
     .help = "Scale units of the service itself."},
    {.name = "publisher_email",
     .path = "properties.publisherEmail",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .max = 100,
     .help = "Where the service's own mail comes from."},
    {.name = "publisher_name",
     .path = "properties.publisherName",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .max = 100,
     .help = "The publisher's name in mail and portal."},
    {.name = "resource_tags", /* "tags" are those of its APIs and products */
     .path = "tags",
     .type = FIELD_TAGS,
     .help = "Tags of the resource."},
    {.name = "gateway_url",
     .path = "properties.gatewayUrl",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "URL of the service's own gateway."},
    {.name = "created_at",
     .path = "properties.createdAtUtc",
     .type = FIELD_TIME,
     .flags = FIELD_READ_ONLY,
     .help = "When it was made."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Created, Activating, Succeeded, Updating, Failed ..."},
    {.name = "zones",
     .path = "zones",
     .type = FIELD_STRINGS,
     .help = "The availability zones in the primary region."},
    {.name = "identity",
     .path = "identity",
     .type = FIELD_OBJECT,
     .items = identity_fields,
     .help = "The managed identities that it has."},
    {.name = "notification_sender_email",
     .path = "properties.notificationSenderEmail",
     .type = FIELD_STRING,
     .max = 100,
     .help = "Whom its notifications come from."},
    {.name = "hostnames",
     .path = "properties.hostnameConfigurations",
     .type = FIELD_LIST,
     .items = hostname_fields,
     .help = "Its own host names, each with a certificate."},
    {.name = "certificates",
     .path = "properties.certificates",
     .type = FIELD_LIST,
     .items = trusted_certificate_fields,
     .help = "Certificates of authorities that it trusts."},
    {.name = "network_type",
     .path = "properties.virtualNetworkType",
     .type = FIELD_CHOICE,
     .choices = network_types,
     .choices_are_open = true,
     .help = "None; External: reached from the Internet, too; Internal: from a network "
             "only."},
    {.name = "public_network_access",
     .path = "properties.publicNetworkAccess",
     .type = FIELD_CHOICE,
     .choices = switches,
     .choices_are_open = true,
     .help = "Whether it is reached other than by private endpoints."},
    REGION_FIELDS("properties."),
    {.name = "additional_locations",
     .path = "properties.additionalLocations",
     .type = FIELD_LIST,
     .items = additional_location_fields,
     .help = "Further regions that it runs in."},
    {.name = "custom_properties",
     .path = "properties.customProperties",
     .type = FIELD_TAGS,
     .help = "Protocols and ciphers that are on or off, by their long names."},
    {.name = "enable_client_certificate",
     .path = "properties.enableClientCertificate",
     .type = FIELD_BOOLEAN,
     .help = "Whether clients are asked for a certificate; for Consumption only."},
    {.name = "min_api_version",
     .path = "properties.apiVersionConstraint.minApiVersion",
     .type = FIELD_STRING,
     .help = "Management calls with older api-versions are refused."},
    {.name = "restore",
     .path = "properties.restore",
     .type = FIELD_BOOLEAN,
     .help =
         "Whether a deleted service of this name comes back; all else is passed over."},
    {.name = "private_endpoint_connections",
     .path = "properties.privateEndpointConnections",
     .type = FIELD_LIST,
     .items = private_endpoint_fields,
     .help = "Private endpoints that lead to it."},
    {.name = "configuration_api",
     .path = "properties.configurationApi.legacyApi",
     .type = FIELD_CHOICE,
     .choices = switches,
     .choices_are_open = true,
     .help = "Whether the older configuration API answers."},
    {.name = "legacy_portal",
     .path = "properties.legacyPortalStatus",
     .type = FIELD_CHOICE,
     .choices = switches,
     .choices_are_open = true,
     .help = "Whether the older portal is on."},
    {.name = "developer_portal",
     .path = "properties.developerPortalStatus",
     .type = FIELD_CHOICE,
     .choices = switches,
     .choices_are_open = true,
     .help = "Whether the developer portal is on."},
    {.name = "portal_url",
     .path = "properties.portalUrl",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "URL of the older portal."},
    {.name = "management_url",
     .path = "properties.managementApiUrl",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "URL of its own management endpoint."},
    {.name = "scm_url",
     .path = "properties.scmUrl",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "URL of its Git repository."},
    {.name = "developer_portal_url",
     .path = "properties.developerPortalUrl",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "URL of the developer portal."},
    {.name = "target_state",
     .path = "properties.targetProvisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "What it is becoming; \"\" if idle."},
    {0},
};

static const struct action service_actions[] = {
    {.name = "applynetworkconfigurationupdates",
     .is_long = true,
     .help = "Takes up what has changed in the DNS of its network."},
    {.name = "backup",
     .is_long = true,
     .help = "Writes a backup into a storage account."},
    {.name = "restore", .is_long = true, .help = "Puts a backup in its place."},
    {.name = "migrateToStv2",
     .is_long = true,
     .help = "Moves it to the newer platform, stv2."},
    {.name = "getssotoken", .help = "Makes a URL that signs in to the older portal."},
    {.name = "validatePolicies",
     .is_long = true,
     .help = "Checks all its policies on the newer platform."},
    {0}};

const struct kind service_kind = {
    .name = "service",
    .arm_type = "Microsoft.ApiManagement/service",
    .api_version = API_VERSION,
    .collection = "/providers/Microsoft.ApiManagement/service",
    .parent = &resource_group_kind,
    .name_min = 1,
    .name_max = 50,
    .name_pattern = "^[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z0-9])?$",
    .operations = KIND_GET | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_PUT | KIND_PATCH | KIND_DELETE,
    .actions = service_actions,
    .fields = service_fields,
    .columns = "location sku capacity state gateway_url",
    .help = "An API Management service."};

/* ---- tiers ---- */

/* Items of a list that have no ids. */
static const struct field sku_fields[] = {
    {.name = "resource_type",
     .path = "resourceType",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The type that the tier is for."},
    {.name = "sku",
     .path = "sku.name",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The tier."},
    {.name = "min_units",
     .path = "capacity.minimum",
     .type = FIELD_INTEGER,
     .flags = FIELD_READ_ONLY,
     .unit = "units",
     .help = "The fewest units."},
    {.name = "max_units",
     .path = "capacity.maximum",
     .type = FIELD_INTEGER,
     .flags = FIELD_READ_ONLY,
     .unit = "units",
     .help = "The most units."},
    {.name = "default_units",
     .path = "capacity.default",
     .type = FIELD_INTEGER,
     .flags = FIELD_READ_ONLY,
     .unit = "units",
     .help = "How many units when nobody says."},
    {.name = "scale_type",
     .path = "capacity.scaleType",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "automatic, manual or none: how units are changed."},
    {0},
};

const struct kind service_sku_kind = {.name = "service sku",
                                      .arm_type = "Microsoft.ApiManagement/service/skus",
                                      .api_version = API_VERSION,
                                      .collection = "/skus",
                                      .parent = &service_kind,
                                      .name_min = 1,
                                      .name_max = 50,
                                      .operations = KIND_LIST,
                                      .member = "skus",
                                      .fields = sku_fields,
                                      .help = "A tier that the service can have."};

const struct kind gateway_sku_kind = {.name = "gateway sku",
                                      .arm_type = "Microsoft.ApiManagement/gateways/skus",
                                      .api_version = API_VERSION,
                                      .collection = "/skus",
                                      .parent = &gateway_kind,
                                      .name_min = 1,
                                      .name_max = 50,
                                      .operations = KIND_LIST,
                                      .member = "skus",
                                      .fields = sku_fields,
                                      .help = "A tier that the gateway can have."};
