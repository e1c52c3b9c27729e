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
    {.name = "managed_by",
     .path = "managedBy",
     .type = FIELD_STRING,
     .help = "The id of the resource that manages it."},
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
    .columns = "location state",
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

/* What the service notes of a write. */
#define WRITTEN_FIELDS                                                                   \
    {.name = "created_at",                                                               \
     .path = "properties.createdOn",                                                     \
     .type = FIELD_TIME,                                                                 \
     .flags = FIELD_READ_ONLY,                                                           \
     .help = "When it was made."},                                                       \
        {.name = "created_by",                                                           \
         .path = "properties.createdBy",                                                 \
         .type = FIELD_STRING,                                                           \
         .flags = FIELD_READ_ONLY,                                                       \
         .help = "The object id of who made it."},                                       \
        {.name = "updated_at",                                                           \
         .path = "properties.updatedOn",                                                 \
         .type = FIELD_TIME,                                                             \
         .flags = FIELD_READ_ONLY,                                                       \
         .help = "When it was changed last."},                                           \
    {                                                                                    \
        .name = "updated_by", .path = "properties.updatedBy", .type = FIELD_STRING,      \
        .flags = FIELD_READ_ONLY, .help = "The object id of who changed it last."        \
    }

static const struct field role_definition_fields[] = {
    {.name = "role_name",
     .path = "properties.roleName",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 512,
     .help = "The name that people know; unique in the tenant."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .max = 2048,
     .help = "What the role is for."},
    {.name = "role_type",
     .path = "properties.type",
     .type = FIELD_STRING,
     .help = "BuiltInRole or CustomRole."},
    {.name = "permissions",
     .path = "properties.permissions",
     .type = FIELD_LIST,
     .flags = FIELD_REQUIRED,
     .items = permission_fields,
     .help = "What it allows."},
    {.name = "assignable_scopes",
     .path = "properties.assignableScopes",
     .type = FIELD_STRINGS,
     .flags = FIELD_REQUIRED,
     .help = "Where it can be assigned."},
    WRITTEN_FIELDS,
    {0},
};

/* Items of a list that have no ids: what the caller may do at a scope. */
const struct kind permission_kind = {
    .name = "permission",
    .arm_type = "Microsoft.Authorization/permissions",
    .api_version = "2022-04-01",
    .collection = "/providers/Microsoft.Authorization/permissions",
    .is_extension = true,
    .name_min = 1,
    .name_max = 90,
    .operations = KIND_LIST,
    .fields = permission_fields,
    .help = "What the caller may do at a scope, role by role."};

const struct kind role_definition_kind = {
    .name = "role definition",
    .arm_type = "Microsoft.Authorization/roleDefinitions",
    .api_version = "2022-04-01",
    .collection = "/providers/Microsoft.Authorization/roleDefinitions",
    .is_extension = true,
    .name_min = 36,
    .name_max = 36,
    .name_pattern = GUID,
    .operations = KIND_GET | KIND_PUT | KIND_DELETE | KIND_LIST,
    .fields = role_definition_fields,
    .columns = "role_name role_type description",
    .help = "A role: a named set of allowed actions."};

static const struct field principal_fields[] = {
    {.name = "id",
     .path = "id",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The Entra object id; all zeros: everyone."},
    {.name = "type",
     .path = "type",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "User, Group, ServicePrincipal, or SystemDefined for everyone."},
    {.name = "display_name",
     .path = "displayName",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The name that people know."},
    {.name = "email",
     .path = "email",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The address of a user."},
    {0}};

static const struct field denied_fields[] = {
    {.name = "actions",
     .path = "actions",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "What it denies."},
    {.name = "not_actions",
     .path = "notActions",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "What it does not deny after all."},
    {.name = "data_actions",
     .path = "dataActions",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "What it denies on data."},
    {.name = "not_data_actions",
     .path = "notDataActions",
     .type = FIELD_STRINGS,
     .flags = FIELD_READ_ONLY,
     .help = "What it does not deny on data after all."},
    {.name = "condition",
     .path = "condition",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "When it denies."},
    {.name = "condition_version",
     .path = "conditionVersion",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The version of the language of conditions."},
    {0}};

static const struct field deny_assignment_fields[] = {
    {.name = "deny_name",
     .path = "properties.denyAssignmentName",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The name that people know."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "What it protects."},
    {.name = "permissions",
     .path = "properties.permissions",
     .type = FIELD_LIST,
     .flags = FIELD_READ_ONLY,
     .items = denied_fields,
     .help = "What it denies."},
    {.name = "scope",
     .path = "properties.scope",
     .type = FIELD_ID,
     .flags = FIELD_READ_ONLY,
     .help = "Where it holds."},
    {.name = "is_here_only",
     .path = "properties.doNotApplyToChildScopes",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_READ_ONLY,
     .help = "Whether it does not hold below its scope."},
    {.name = "principals",
     .path = "properties.principals",
     .type = FIELD_LIST,
     .flags = FIELD_READ_ONLY,
     .items = principal_fields,
     .help = "Whom it keeps from it."},
    {.name = "excluded_principals",
     .path = "properties.excludePrincipals",
     .type = FIELD_LIST,
     .flags = FIELD_READ_ONLY,
     .items = principal_fields,
     .help = "Whom it does not keep from it after all."},
    {.name = "is_system_protected",
     .path = "properties.isSystemProtected",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_READ_ONLY,
     .help = "Whether nobody but Azure can change it."},
    {.name = "condition",
     .path = "properties.condition",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "When it holds, in Azure's language of conditions."},
    {.name = "condition_version",
     .path = "properties.conditionVersion",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "The version of the language of conditions."},
    WRITTEN_FIELDS,
    {0}};

const struct kind deny_assignment_kind = {
    .name = "deny assignment",
    .arm_type = "Microsoft.Authorization/denyAssignments",
    .api_version = "2022-04-01",
    .collection = "/providers/Microsoft.Authorization/denyAssignments",
    .is_extension = true,
    .name_min = 36,
    .name_max = 36,
    .name_pattern = GUID,
    .operations = KIND_GET | KIND_LIST,
    .fields = deny_assignment_fields,
    .columns = "deny_name scope is_system_protected",
    .help = "Actions denied at a scope whatever roles allow; made by Azure alone."};

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
    {.name = "condition",
     .path = "properties.condition",
     .type = FIELD_STRING,
     .help = "When the role holds, in Azure's language of conditions."},
    {.name = "condition_version",
     .path = "properties.conditionVersion",
     .type = FIELD_STRING,
     .pattern = "^2[.]0$",
     .help = "The version of that language: 2.0."},
    {.name = "delegated_identity",
     .path = "properties.delegatedManagedIdentityResourceId",
     .type = FIELD_ID,
     .help = "The managed identity of another tenant that it is given to."},
    {.name = "scope",
     .path = "properties.scope",
     .type = FIELD_ID,
     .flags = FIELD_READ_ONLY,
     .help = "Where the role holds: there and below."},
    WRITTEN_FIELDS,
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
    .columns = "role_definition scope principal_id principal_type",
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
    .columns = "level notes",
    .help = "Keeps a scope, and all below it, from being deleted or changed."};
