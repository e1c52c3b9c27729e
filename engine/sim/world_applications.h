/* engine/sim/world_applications.h - applications of a world file, and passwords of its users:
 * who can sign in.
 *
 *   "applications"  [{"name": "pipeline",
 *                     "app_id": a GUID; without it one is made of the name,
 *                     "secret": ..,
 *                     "certificates": ["-----BEGIN CERTIFICATE-----..", ..],
 *                     "federated": [{"issuer": "https://..", "subject": ..,
 *                                    "audience": "api://AzureADTokenExchange",
 *                                    "keys": the issuer's JSON Web Key Set}, ..],
 *                     "role": "Owner", or another one, at the subscription,
 *                     "graph": "admin": may do anything in Microsoft Graph}, ..]
 *   "users"         [{"name": "ann.adler@contoso.example", "password": ..}, ..]
 *
 * One with the application id of an application that is there adds to it. A federated
 * credential without "keys" trusts whoever says that it is the issuer. */
#ifndef MOONGATE_SIM_WORLD_APPLICATIONS_H
#define MOONGATE_SIM_WORLD_APPLICATIONS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/uuid.h"

struct world;

/* What is wrong with the value of that key of a world file, owned by the caller, or NULL. */
char *world_applications_check(const char *name, const cJSON *value);
char *world_passwords_check(const char *name, const cJSON *value);

/* Makes what a checked value (NULL: nothing) describes. The users must be there. */
void world_applications_add(struct world *world, const cJSON *applications);
void world_passwords_add(struct world *world, const cJSON *users);

/* Makes one application and its service principal, whose object id goes to `id`. `secret` may
 * be NULL. */
void world_application_add(struct world *world, const char *name, const char *app_id,
                           const char *secret, bool is_admin, char id[UUID_TEXT_SIZE]);

#endif
