/* engine/model/diagnostic.c - the rows of loggers and diagnostics, 2024-05-01. */
#include "model/kind.h"

#define API_VERSION "2024-05-01"

static const struct choice logger_type_choices[] = {
    {"azureEventHub", "azureEventHub"},
    {"applicationInsights", "applicationInsights"},
    {"azureMonitor", "azureMonitor"},
    {0}};

static const struct field logger_fields[] = {
    {.name = "logger_type",
     .path = "properties.loggerType",
     .type = FIELD_CHOICE,
     .flags = FIELD_REQUIRED,
     .choices = logger_type_choices,
     .choices_are_open = true,
     .help = "Where it goes."},
    {.name = "description",
     .path = "properties.description",
     .type = FIELD_STRING,
     .max = 256,
     .help = "What it is for."},
    {.name = "credentials",
     .path = "properties.credentials",
     .type = FIELD_MAP,
     .flags = FIELD_SECRET,
     .values = FIELD_STRING,
     .help = "What the target asks for, such as instrumentationKey or connectionString."},
    {.name = "is_buffered",
     .path = "properties.isBuffered",
     .type = FIELD_BOOLEAN,
     .help = "Whether entries are gathered before they are sent."},
    {.name = "resource_id",
     .path = "properties.resourceId",
     .type = FIELD_ID,
     .flags = FIELD_IMMUTABLE,
     .help = "The Azure resource of the target."},
    {0}};

const struct kind logger_kind = {
    .name = "logger",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/loggers",
    .api_version = API_VERSION,
    .collection = "/loggers",
    .parent = &workspace_kind,
    .name_min = 1,
    .name_max = 256,
    .name_pattern = "^[^*#&+:<>?]+$",
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .if_match = KIND_PATCH | KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "loggers",
    .fields = logger_fields,
    .columns = "logger_type description",
    .help = "Where diagnostics and policies log to."};

static const struct choice always_log_choices[] = {{"allErrors", "allErrors"}, {0}};

static const struct choice sampling_type_choices[] = {{"fixed", "fixed"}, {0}};

static const struct field sampling_settings_fields[] = {
    {.name = "sampling_type",
     .path = "samplingType",
     .type = FIELD_CHOICE,
     .choices = sampling_type_choices,
     .choices_are_open = true,
     .help = "How the calls are chosen."},
    {.name = "percentage",
     .path = "percentage",
     .type = FIELD_NUMBER,
     .max = 100,
     .unit = "percent",
     .help = "How many of a hundred calls."},
    {0}};

static const struct field body_diagnostic_settings_fields[] = {
    {.name = "bytes",
     .path = "bytes",
     .type = FIELD_INTEGER,
     .max = 8192,
     .unit = "bytes",
     .help = "The first bytes of the body."},
    {0}};

static const struct choice data_masking_mode_choices[] = {
    {"Mask", "Mask"}, {"Hide", "Hide"}, {0}};

static const struct field data_masking_entity_fields[] = {
    {.name = "value",
     .path = "value",
     .type = FIELD_STRING,
     .help = "The policies, as XML or its URL."},
    {.name = "mode",
     .path = "mode",
     .type = FIELD_CHOICE,
     .choices = data_masking_mode_choices,
     .choices_are_open = true,
     .help = "Mask shows that there is one, Hide does not."},
    {0}};

static const struct field data_masking_fields[] = {
    {.name = "query",
     .path = "queryParams",
     .type = FIELD_LIST,
     .items = data_masking_entity_fields,
     .help = "Query parameters that are masked."},
    {.name = "headers",
     .path = "headers",
     .type = FIELD_LIST,
     .items = data_masking_entity_fields,
     .help = "The headers."},
    {0}};

static const struct field http_message_diagnostic_fields[] = {
    {.name = "headers", .path = "headers", .type = FIELD_STRINGS, .help = "The headers."},
    {.name = "body",
     .path = "body",
     .type = FIELD_OBJECT,
     .items = body_diagnostic_settings_fields,
     .help = "How much of the body is logged."},
    {.name = "data_masking",
     .path = "dataMasking",
     .type = FIELD_OBJECT,
     .items = data_masking_fields,
     .help = "What is not shown in the log."},
    {0}};

static const struct field pipeline_diagnostic_settings_fields[] = {
    {.name = "request",
     .path = "request",
     .type = FIELD_OBJECT,
     .items = http_message_diagnostic_fields,
     .help = "What is sent."},
    {.name = "response",
     .path = "response",
     .type = FIELD_OBJECT,
     .items = http_message_diagnostic_fields,
     .help = "What comes back."},
    {0}};

static const struct choice http_correlation_protocol_choices[] = {
    {"None", "None"}, {"Legacy", "Legacy"}, {"W3C", "W3C"}, {0}};

static const struct choice verbosity_choices[] = {
    {"verbose", "verbose"}, {"information", "information"}, {"error", "error"}, {0}};

static const struct choice operation_name_format_choices[] = {
    {"Name", "Name"}, {"Url", "Url"}, {0}};

static const struct field diagnostic_fields[] = {
    {.name = "logger",
     .path = "properties.loggerId",
     .type = FIELD_ID,
     .flags = FIELD_REQUIRED,
     .help = "The logger that it goes to."},
    {.name = "always_log",
     .path = "properties.alwaysLog",
     .type = FIELD_CHOICE,
     .choices = always_log_choices,
     .choices_are_open = true,
     .help = "What is logged whatever the sampling says."},
    {.name = "sampling",
     .path = "properties.sampling",
     .type = FIELD_OBJECT,
     .items = sampling_settings_fields,
     .help = "Which part of the calls is logged."},
    {.name = "frontend",
     .path = "properties.frontend",
     .type = FIELD_OBJECT,
     .items = pipeline_diagnostic_settings_fields,
     .help = "Between the caller and the gateway."},
    {.name = "backend",
     .path = "properties.backend",
     .type = FIELD_OBJECT,
     .items = pipeline_diagnostic_settings_fields,
     .help = "Between the gateway and the service behind it."},
    {.name = "log_client_ip",
     .path = "properties.logClientIp",
     .type = FIELD_BOOLEAN,
     .help = "Whether the address of the caller is logged."},
    {.name = "http_correlation_protocol",
     .path = "properties.httpCorrelationProtocol",
     .type = FIELD_CHOICE,
     .choices = http_correlation_protocol_choices,
     .choices_are_open = true,
     .help = "How calls are told to belong together."},
    {.name = "verbosity",
     .path = "properties.verbosity",
     .type = FIELD_CHOICE,
     .choices = verbosity_choices,
     .choices_are_open = true,
     .help = "How much is logged."},
    {.name = "operation_name_format",
     .path = "properties.operationNameFormat",
     .type = FIELD_CHOICE,
     .choices = operation_name_format_choices,
     .choices_are_open = true,
     .help = "How operations are named."},
    {.name = "metrics",
     .path = "properties.metrics",
     .type = FIELD_BOOLEAN,
     .help = "Whether metrics are sent."},
    {0}};

const struct kind diagnostic_kind = {
    .name = "diagnostic",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/diagnostics",
    .api_version = API_VERSION,
    .collection = "/diagnostics",
    .parent = &workspace_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = "^[^*#&+:<>?]+$",
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .if_match = KIND_PATCH | KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "diagnostics",
    .fields = diagnostic_fields,
    .help = "What is logged of the calls to the workspace's APIs."};

const struct kind api_diagnostic_kind = {
    .name = "api diagnostic",
    .arm_type = "Microsoft.ApiManagement/service/workspaces/apis/diagnostics",
    .api_version = API_VERSION,
    .collection = "/diagnostics",
    .parent = &api_kind,
    .name_min = 1,
    .name_max = 80,
    .name_pattern = "^[^*#&+:<>?]+$",
    .operations = KIND_GET | KIND_HEAD | KIND_PUT | KIND_PATCH | KIND_DELETE | KIND_LIST,
    .if_match = KIND_PATCH | KIND_DELETE,
    .may_match = KIND_PUT,
    .member = "diagnostics",
    .fields = diagnostic_fields,
    .help = "What is logged of the calls to one API."};
