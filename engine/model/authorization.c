/* engine/model/authorization.c - the rows of Microsoft.Authorization, 2022-04-01 (locks:
 * 2020-05-01), and of Microsoft.Resources, 2025-04-01. */
#include <string.h>

#include "base/json.h"
#include "model/kind.h"
#include "model/role.h"

static const struct field resource_group_fields[] = {
    {.name = "location",
     .path = "location",
     .type = FIELD_LOCATION,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .help = "The region of its records."},
    {.name = "tags", .path = "tags", .type = FIELD_TAGS, .help = "Tags of the group."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, or Deleting."},
    {0},
};

const struct kind resource_group_kind = {
    .name = "resource group",
    .arm_type = "Microsoft.Resources/resourceGroups",
    .api_version = "2025-04-01",
    .collection = "/resourceGroups",
    .name_min = 1,
    .name_max = 90,
    .name_pattern = "^[[:alnum:]_().-]*[[:alnum:]_()-]$",
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_DELETE,
    .fields = resource_group_fields,
    .help = "A resource group of the subscription."};

#define GUID                                                                             \
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

static const struct field permission_fields[] = {
    {.name = "actions",
     .path = "actions",
     .type = FIELD_STRINGS,
     .help = "What it allows."},
    {.name = "not_actions",
     .path = "notActions",
     .type = FIELD_STRINGS,
     .help = "What it does not allow after all."},
    {.name = "data_actions",
     .path = "dataActions",
     .type = FIELD_STRINGS,
     .help = "What it allows on data."},
    {.name = "not_data_actions",
     .path = "notDataActions",
     .type = FIELD_STRINGS,
     .help = "What it does not allow on data after all."},
    {0}};

static const struct field role_definition_fields[] = {
    {.name = "role_name",
     .path = "properties.roleName",
     .type = FIELD_STRING,
     .help = "The name that people know."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .help = "What the role is for."},
    {.name = "role_type",
     .path = "properties.type",
     .type = FIELD_STRING,
     .help = "BuiltInRole or CustomRole."},
    {.name = "permissions",
     .path = "properties.permissions",
     .type = FIELD_LIST,
     .items = permission_fields,
     .help = "What it allows."},
    {.name = "assignable_scopes",
     .path = "properties.assignableScopes",
     .type = FIELD_STRINGS,
     .help = "Where it can be assigned."},
    {0},
};

const struct kind role_definition_kind = {
    .name = "role definition",
    .arm_type = "Microsoft.Authorization/roleDefinitions",
    .api_version = "2022-04-01",
    .collection = "/providers/Microsoft.Authorization/roleDefinitions",
    .is_extension = true,
    .name_min = 36,
    .name_max = 36,
    .name_pattern = GUID,
    .operations = KIND_GET | KIND_LIST,
    .fields = role_definition_fields,
    .help = "A role: a named set of allowed actions."};

static const struct choice principal_types[] = {{"User", "User"},
                                                {"Group", "Group"},
                                                {"ServicePrincipal", "ServicePrincipal"},
                                                {"ForeignGroup", "ForeignGroup"},
                                                {"Device", "Device"},
                                                {0}};

static const struct field role_assignment_fields[] = {
    {.name = "role_definition",
     .path = "properties.roleDefinitionId",
     .type = FIELD_ID,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE | FIELD_BY_NAME,
     .help = "The role."},
    {.name = "principal_id",
     .path = "properties.principalId",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED | FIELD_IMMUTABLE,
     .pattern = GUID,
     .help = "The Entra object id of who gets the role."},
    {.name = "principal_type",
     .path = "properties.principalType",
     .type = FIELD_CHOICE,
     .flags = FIELD_IMMUTABLE,
     .choices = principal_types,
     .choices_are_open = true,
     .help = "What the principal is; without it a new principal may not be found yet."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .help = "Why it was given."},
    {.name = "scope",
     .path = "properties.scope",
     .type = FIELD_ID,
     .flags = FIELD_READ_ONLY,
     .help = "Where the role holds: there and below."},
    {.name = "created_at",
     .path = "properties.createdOn",
     .type = FIELD_TIME,
     .flags = FIELD_READ_ONLY,
     .help = "When it was given."},
    {.name = "created_by",
     .path = "properties.createdBy",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The object id of who gave it."},
    {0}};

/* A GUID tells nobody anything; the role does. */
static const char *label_role_assignment(const cJSON *body)
{
    const char *id = json_string_at(body, "properties.roleDefinitionId");
    const char *slash = id != NULL ? strrchr(id, '/') : NULL;
    const struct role *role = slash != NULL ? role_find(slash + 1) : NULL;

    return role != NULL ? role->name : NULL;
}

const struct kind role_assignment_kind = {
    .name = "role assignment",
    .arm_type = "Microsoft.Authorization/roleAssignments",
    .api_version = "2022-04-01",
    .collection = "/providers/Microsoft.Authorization/roleAssignments",
    .is_extension = true,
    .name_min = 36,
    .name_max = 36,
    .name_pattern = GUID,
    .operations = KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
    .exists_code = "RoleAssignmentExists",
    .fields = role_assignment_fields,
    .label = label_role_assignment,
    .help = "A role given to a principal at a scope."};

static const struct choice lock_levels[] = {
    {"CanNotDelete", "CanNotDelete"}, {"ReadOnly", "ReadOnly"}, {0}};

static const struct field lock_owner_fields[] = {{.name = "application_id",
                                                  .path = "applicationId",
                                                  .type = FIELD_STRING,
                                                  .help = "An application's id."},
                                                 {0}};

static const struct field lock_fields[] = {
    {.name = "level",
     .path = "properties.level",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = lock_levels,
     .help = "CanNotDelete: no deletes; ReadOnly: no writes either."},
    {.name = "notes",
     .path = "properties.notes",
     .type = FIELD_STRING,
     .max = 512,
     .help = "Why it is locked."},
    {.name = "owners",
     .path = "properties.owners",
     .type = FIELD_LIST,
     .items = lock_owner_fields,
     .help = "The applications that hold the lock."},
    {0}};

const struct kind lock_kind = {
    .name = "lock",
    .arm_type = "Microsoft.Authorization/locks",
    .api_version = "2020-05-01",
    .collection = "/providers/Microsoft.Authorization/locks",
    .is_extension = true,
    .name_min = 1,
    .name_max = 90,
    .name_pattern = "^[[:alnum:]_().-]*[[:alnum:]_()-]$",
    .operations = KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
    .fields = lock_fields,
    .help = "Keeps a scope, and all below it, from being deleted or changed."};
