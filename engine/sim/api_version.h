/* engine/sim/api_version.h - which api-versions Azure has for what. */
#ifndef MOONGATE_SIM_API_VERSION_H
#define MOONGATE_SIM_API_VERSION_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct answer;

/* Whether `arm_type` ("Microsoft.ApiManagement/service/workspaces") is known under the
 * version; has answered when not, in the words of the provider or, for Microsoft.Resources,
 * of Azure Resource Manager itself. `location` is the region to name. */
bool api_version_check(const char *arm_type, const char *version, const char *location,
                       struct answer *answer);

/* The versions of a type, newest first: an array, owned by the caller. */
cJSON *api_version_list(const char *arm_type);

#endif
