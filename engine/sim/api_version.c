/* engine/sim/api_version.c - which api-versions Azure has for what.
 *
 * Sources: Microsoft.ApiManagement, and Microsoft.Network until 2019, by the published
 * schemas of each version; Microsoft.Authorization and Microsoft.Resources by the lists
 * that the services' own errors name in public reports (observed), with the newer versions
 * that Microsoft's specifications and SDKs have; locks by their documentation. A version
 * that is missing here is refused, which Azure may not do: add it. */
#include "sim/api_version.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "sim/answer.h"

/* Each newest first, ended by NULL. */
static const char *const management_versions[] = {
    "2025-09-01-preview", "2025-03-01-preview",
    "2024-10-01-preview", "2024-06-01-preview",
    "2024-05-01",         "2023-09-01-preview",
    "2023-05-01-preview", "2023-03-01-preview",
    "2022-09-01-preview", "2022-08-01",
    "2022-04-01-preview", "2021-12-01-preview",
    "2021-08-01",         "2021-04-01-preview",
    "2021-01-01-preview", "2020-12-01",
    "2020-06-01-preview", "2019-12-01-preview",
    "2019-12-01",         "2019-01-01",
    "2018-06-01-preview", "2018-01-01",
    "2017-03-01",         "2016-10-10",
    "2016-07-07",         NULL};

static const char *const network_versions[] = {
    "2025-09-01", "2025-05-01", "2025-03-01", "2025-01-01", "2024-10-01", "2024-07-01",
    "2024-05-01", "2024-03-01", "2024-01-01", "2023-11-01", "2023-09-01", "2023-06-01",
    "2023-05-01", "2023-04-01", "2023-02-01", "2022-11-01", "2022-09-01", "2022-07-01",
    "2022-05-01", "2022-01-01", "2021-08-01", "2021-06-01", "2021-05-01", "2021-03-01",
    "2021-02-01", "2020-11-01", "2020-08-01", "2020-07-01", "2020-06-01", "2020-05-01",
    "2020-04-01", "2020-03-01", "2019-12-01", "2019-11-01", "2019-09-01", "2019-08-01",
    "2019-07-01", "2019-06-01", "2019-04-01", "2019-02-01", "2018-12-01", "2018-11-01",
    "2018-10-01", "2018-08-01", "2018-07-01", "2018-06-01", "2018-04-01", "2018-02-01",
    "2018-01-01", "2017-11-01", "2017-10-01", "2017-09-01", "2017-08-01", "2017-06-01",
    "2017-03-30", "2017-03-01", "2016-12-01", "2016-09-01", "2016-06-01", "2016-03-30",
    "2015-06-15", NULL};

static const char *const private_dns_versions[] = {"2024-06-01", "2020-06-01",
                                                   "2020-01-01", "2018-09-01", NULL};

static const char *const authorization_versions[] = {
    "2022-05-01-preview", "2022-04-01",         "2022-01-01-preview",
    "2021-04-01-preview", "2020-10-01-preview", "2020-08-01-preview",
    "2020-04-01-preview", "2020-03-01-preview", "2019-04-01-preview",
    "2018-12-01-preview", "2018-09-01-preview", "2018-07-01",
    "2018-01-01-preview", "2017-10-01-preview", "2017-09-01",
    "2017-05-01",         "2016-07-01",         "2015-07-01",
    "2015-06-01",         "2015-05-01-preview", "2014-10-01-preview",
    "2014-07-01-preview", "2014-04-01-preview", NULL};

static const char *const lock_versions[] = {
    "2020-05-01",         "2017-04-01", "2016-09-01", "2015-06-01",
    "2015-05-01-preview", "2015-01-01", NULL};

static const char *const resources_versions[] = {
    "2026-06-01",         "2025-04-01",         "2025-03-01",         "2024-11-01",
    "2024-08-01",         "2024-07-01",         "2024-06-01-preview", "2024-03-01",
    "2023-07-01",         "2023-07-01-preview", "2023-03-01-preview", "2022-12-01",
    "2022-11-01-preview", "2022-09-01",         "2022-06-01",         "2022-05-01",
    "2022-03-01-preview", "2022-01-01",         "2021-04-01",         "2021-01-01",
    "2020-10-01",         "2020-09-01",         "2020-08-01",         "2020-07-01",
    "2020-06-01",         "2020-05-01",         "2020-01-01",         "2019-11-01",
    "2019-10-01",         "2019-09-01",         "2019-08-01",         "2019-07-01",
    "2019-06-01",         "2019-05-10",         "2019-05-01",         "2019-03-01",
    "2018-11-01",         "2018-09-01",         "2018-08-01",         "2018-07-01",
    "2018-06-01",         "2018-05-01",         "2018-02-01",         "2018-01-01",
    "2017-12-01",         "2017-08-01",         "2017-06-01",         "2017-05-10",
    "2017-05-01",         "2017-03-01",         "2016-09-01",         "2016-07-01",
    "2016-06-01",         "2016-02-01",         "2015-11-01",         "2015-01-01",
    "2014-04-01-preview", "2014-04-01",         "2014-01-01",         NULL};

/* The first row whose type begins a type counts. `since`: the version that brought it. */
static const struct {
    const char *type;
    const char *const *versions;
    const char *since;
} rows[] = {
    {"Microsoft.ApiManagement/service/workspaceLinks", management_versions, "2024-05-01"},
    {"Microsoft.ApiManagement/service/workspaces", management_versions,
     "2022-09-01-preview"},
    {"Microsoft.ApiManagement/gateways", management_versions, "2023-09-01-preview"},
    {"Microsoft.ApiManagement/deletedservices", management_versions,
     "2020-06-01-preview"},
    {"Microsoft.ApiManagement/", management_versions, ""},
    {"Microsoft.Network/privateDnsZones", private_dns_versions, ""},
    {"Microsoft.Network/", network_versions, ""},
    {"Microsoft.Authorization/locks", lock_versions, ""},
    {"Microsoft.Authorization/", authorization_versions, ""},
    {"Microsoft.Resources/", resources_versions, ""},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

/* ROW_COUNT when nothing is known of it. */
static size_t find_row(const char *arm_type)
{
    size_t i = 0;

    while (i < ROW_COUNT && !text_has_prefix_nocase(arm_type, rows[i].type))
        i++;
    return i;
}

/* A preview follows the stable version of its date, and so does its text. */
static bool has(size_t row, const char *version)
{
    return strcmp(version, rows[row].since) >= 0;
}

static bool is_known(size_t row, const char *version)
{
    const char *const *one = rows[row].versions;

    while (*one != NULL && !text_equal_nocase(*one, version))
        one++;
    return *one != NULL && has(row, *one);
}

static char *join(size_t row, const char *separator)
{
    struct buffer text = {0};

    for (const char *const *one = rows[row].versions; *one != NULL; one++) {
        if (has(row, *one))
            buffer_printf(&text, "%s%s", text.length > 0 ? separator : "", *one);
    }
    return buffer_take(&text);
}

bool api_version_check(const char *arm_type, const char *version, const char *location,
                       struct answer *answer)
{
    const size_t row = find_row(arm_type);
    char *supported;

    if (row == ROW_COUNT || is_known(row, version))
        return true;
    if (text_has_prefix_nocase(arm_type, "Microsoft.Resources/")) {
        supported = join(row, ",");
        answer_refuse(answer, REFUSE_API_VERSION,
                      "The api-version '%s' is invalid. The supported versions are '%s'.",
                      version, supported);
    } else {
        supported = join(row, ", ");
        answer_refuse(answer, REFUSE_PROVIDER_VERSION,
                      "No registered resource provider found for location '%s' and API "
                      "version '%s' for type '%s'. The supported api-versions are '%s'. "
                      "The supported locations are '%s'.",
                      location, version, strchr(arm_type, '/') + 1, supported, location);
    }
    free(supported);
    return false;
}

cJSON *api_version_list(const char *arm_type)
{
    const size_t row = find_row(arm_type);
    cJSON *list = cJSON_CreateArray();

    if (row == ROW_COUNT)
        return list;
    for (const char *const *one = rows[row].versions; *one != NULL; one++) {
        if (has(row, *one))
            cJSON_AddItemToArray(list, cJSON_CreateString(*one));
    }
    return list;
}
