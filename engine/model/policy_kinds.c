/* engine/model/policy_kinds.c - the rows of policies and policy fragments, 2024-05-01. */
#include "model/kind.h"
#include "model/policy.h"

#define API_VERSION "2024-05-01"

static const struct choice policy_content_format_choices[] = {
    {"xml", "xml"},
    {"xml-link", "xml-link"},
    {"rawxml", "rawxml"},
    {"rawxml-link", "rawxml-link"},
    {0}};

static const struct field workspace_policy_fields[] = {
    {.name = "value",
     .path = "properties.value",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "The policies, as XML or its URL."},
    {.name = "format",
     .path = "properties.format",
     .type = FIELD_CHOICE,
     .choices = policy_content_format_choices,
     .choices_are_open = true,
     .help = "How the value is written; rawxml leaves expressions as they are."},
    {0}};

const struct kind workspace_policy_kind = {
    .name = "workspace policy",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/policies",
    .api_version = API_VERSION,
    .collection = "/policies",
    .parent = &workspace_kind,
    .name_min = 6,
    .name_max = 6,
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_DELETE | KIND_LIST,
    .if_match = KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "policy",
    .only_name = "policy",
    .read_query = "&format=rawxml",
    .check = policy_check,
    .is_same = policy_is_same,
    .fields = workspace_policy_fields,
    .help = "What is done with every call to the workspace's APIs."};

const struct kind api_policy_kind = {
    .name = "api policy",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/apis/policies",
    .api_version = API_VERSION,
    .collection = "/policies",
    .parent = &api_kind,
    .name_min = 6,
    .name_max = 6,
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_DELETE | KIND_LIST,
    .if_match = KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "policy",
    .only_name = "policy",
    .read_query = "&format=rawxml",
    .check = policy_check,
    .is_same = policy_is_same,
    .fields = workspace_policy_fields,
    .help = "What is done with every call to the API."};

const struct kind api_operation_policy_kind = {
    .name = "api operation policy",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/apis/operations/policies",
    .api_version = API_VERSION,
    .collection = "/policies",
    .parent = &api_operation_kind,
    .name_min = 6,
    .name_max = 6,
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_DELETE | KIND_LIST,
    .if_match = KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "policy",
    .only_name = "policy",
    .read_query = "&format=rawxml",
    .check = policy_check,
    .is_same = policy_is_same,
    .fields = workspace_policy_fields,
    .help = "What is done with every call of the operation."};

const struct kind product_policy_kind = {
    .name = "product policy",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/products/policies",
    .api_version = API_VERSION,
    .collection = "/policies",
    .parent = &product_kind,
    .name_min = 6,
    .name_max = 6,
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_DELETE | KIND_LIST,
    .if_match = KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "policy",
    .only_name = "policy",
    .read_query = "&format=rawxml",
    .check = policy_check,
    .is_same = policy_is_same,
    .fields = workspace_policy_fields,
    .help = "What is done with every call under the product."};

static const struct choice policy_fragment_content_format_choices[] = {
    {"xml", "xml"}, {"rawxml", "rawxml"}, {0}};

static const struct field policy_fragment_fields[] = {
    {.name = "value",
     .path = "properties.value",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .help = "The policies, as XML or its URL."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .max = 1000,
     .help = "What it is for."},
    {.name = "format",
     .path = "properties.format",
     .type = FIELD_CHOICE,
     .choices = policy_fragment_content_format_choices,
     .choices_are_open = true,
     .help = "How the value is written; rawxml leaves expressions as they are."},
    {.name = "state",
     .path = "properties.provisioningState",
     .type = FIELD_STRING,
     .flags = FIELD_READ_ONLY,
     .help = "Succeeded, InProgress, Failed ..."},
    {0}};

static const struct action policy_fragment_actions[] = {
    {"listReferences", false, "Names the policies that include the fragment."}, {0}};

const struct kind policy_fragment_kind = {
    .name = "policy fragment",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/policyFragments",
    .api_version = API_VERSION,
    .collection = "/policyFragments",
    .parent = &workspace_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = "^[[:alnum:]_]([[:alnum:]_-]*[[:alnum:]_])?$",
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_DELETE | KIND_LIST,
    .long_operations = KIND_PUT,
    .if_match = KIND_DELETE,
    .may_match = KIND_PUT,
    .final_state_via = "location",
    .member = "policy_fragments",
    .actions = policy_fragment_actions,
    .read_query = "&format=rawxml",
    .check = policy_check_fragment,
    .is_same = policy_is_same_fragment,
    .fields = policy_fragment_fields,
    .help = "A part that policies include by its name."};
