/* engine/base/json.h - what cJSON does not say in one call.
 *
 * A path names members from the outside in, joined by dots: "properties.displayName". */
#ifndef MOONGATE_BASE_JSON_H
#define MOONGATE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

/* Parses one JSON document with nothing behind it; a byte order mark in front is passed
 * over. NULL when it is not JSON, and then, if `error_at` is not NULL, the offset of the
 * first byte that is wrong. Owned by the caller (cJSON_Delete). */
cJSON *json_parse(const char *text, size_t length, size_t *error_at);

/* The value at `path`, or NULL. Borrowed from `tree`, which may be NULL. */
const cJSON *json_at(const cJSON *tree, const char *path);

/* The string at `path`, or NULL when there is none. Borrowed. */
const char *json_string_at(const cJSON *tree, const char *path);

/* The number at `path`, or `otherwise`. */
double json_number_at(const cJSON *tree, const char *path, double otherwise);

/* Puts `value` (taken) at `path`, making the objects on the way and replacing what was
 * there. */
void json_set_at(cJSON *tree, const char *path, cJSON *value);

/* Compact text, owned by the caller (free). */
char *json_print(const cJSON *tree);

/* Whether `have` says all that `want` says: of objects the members of `want` (null asks for
 * absence), of arrays as many elements that match in order, of strings the same text; with
 * `path` given, writes the path of the first difference there. */
enum { JSON_PATH_SIZE = 256 };
bool json_covers(const cJSON *have, const cJSON *want, char path[JSON_PATH_SIZE]);

#endif
