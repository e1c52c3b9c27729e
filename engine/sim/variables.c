/* engine/sim/variables.c - the variables of the environment that lead a client to the simulator. */
#include "sim/sim.h"

void sim_tell_variables(const struct sim_profile *profile,
                        void (*tell)(void *context, const char *name, const char *value),
                        void *context)
{
    const struct {
        const char *name, *value;
    } variables[] = {{"AZURE_TENANT_ID", profile->tenant_id},
                     {"AZURE_SUBSCRIPTION_ID", profile->subscription_id},
                     {"AZURE_CLIENT_ID", profile->client_id},
                     {"AZURE_CLIENT_SECRET", profile->client_secret},
                     {"MOONGATE_SIM_GUEST_ID", profile->guest_id},
                     {"MOONGATE_SIM_GUEST_SECRET", profile->guest_secret},
                     {"AZURE_AUTHORITY_HOST", profile->endpoint},
                     {"MOONGATE_ENDPOINT", profile->endpoint},
                     {"MOONGATE_RESOURCE_GROUP", profile->resource_group},
                     {"MOONGATE_SERVICE", profile->service}};

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        tell(context, variables[i].name, variables[i].value);
}
