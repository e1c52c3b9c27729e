/* engine/sim/world_applications.h - the applications of a world file: their registration, their
 * service principal, and by what they prove who they are.
 *
 * A federated credential without "keys" trusts whoever says that it is the issuer. */
#ifndef MOONGATE_SIM_WORLD_APPLICATIONS_H
#define MOONGATE_SIM_WORLD_APPLICATIONS_H

#include <cjson/cJSON.h>

struct world;

struct world_application {
    const char *name;
    const char *app_id; /* in lower case */
    const char *id;     /* of its service principal, in lower case */
    const char *secret; /* or NULL */
};

/* Makes both, without any right. */
void world_application_add(struct world *world,
                           const struct world_application *application);

/* Gives it what a checked element of "applications" says beyond names: secret, certificates,
 * federated credentials, permissions in Microsoft Graph, a role at the subscription. */
void world_application_equip(struct world *world,
                             const struct world_application *application,
                             const cJSON *given);

#endif
