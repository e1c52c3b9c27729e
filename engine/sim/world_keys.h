/* engine/sim/world_keys.h - what a world file may say: its keys and their values.
 *
 * A resource's keys are its `name`, where it is, and the fields of its kind's row in the
 * model under the names that scripts know, those that the service sets among them. */
#ifndef MOONGATE_SIM_WORLD_KEYS_H
#define MOONGATE_SIM_WORLD_KEYS_H

#include <stddef.h>

#include <cjson/cJSON.h>

struct kind;
struct spot;

/* Says what is wrong with a world file, and where, in a message owned by the caller, or
 * NULL. Whether what it names exists is not looked at. */
char *world_keys_check(const struct spot *whole, const cJSON *tree);

/* The kind whose resources a key lists ("virtual_networks", "subnets"), or NULL. */
const struct kind *world_keys_find_kind(const char *key, size_t length);

enum { GROUP_LIMIT = 100000, MEMBER_LIMIT = 10000, WORKSPACE_LIMIT = 100000 };

#endif
