/* engine/sim/world_file.h - reading a world file: JSON, Lua, or what a world was dumped
 * as. */
#ifndef MOONGATE_SIM_WORLD_FILE_H
#define MOONGATE_SIM_WORLD_FILE_H

#include <stddef.h>

#include <cjson/cJSON.h>

struct failure;

/* Reads and checks a text: JSON when it begins with "{", else Lua. `*first_index` gets how
 * the language counts elements, from 0 or from 1. NULL on failure; then `*wrong` says what
 * and where (owned by the caller). Owned by the caller. */
cJSON *world_file_parse(const char *text, size_t length, int *first_index, char **wrong);

/* The same of a file; an empty object when `file` is NULL. The reason is in `*failure`
 * (owned by the caller). */
cJSON *world_file_read(const char *file, int *first_index, struct failure **failure);

#endif
