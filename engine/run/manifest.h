/* engine/run/manifest.h - run.json: what a run was asked for, so that any host can carry it on.
 *
 * It says which script with which arguments, and every setting of the command line and the
 * environment but how to sign in: whoever carries the run on signs in by itself. */
#ifndef MOONGATE_RUN_MANIFEST_H
#define MOONGATE_RUN_MANIFEST_H

#include <cjson/cJSON.h>

#include "run/run.h"
#include "run/settings.h"

struct failure;

enum { MANIFEST_VERSION = 1 };

/* Owned by the caller. */
cJSON *manifest_new(const char *id, const struct settings *settings,
                    const struct run_request *request, int64_t wall_ms);

/* Fills in what `settings` does not say yet. Strings are borrowed from the manifest. */
void manifest_fill_settings(const cJSON *manifest, struct settings *settings);

/* The arguments, ended by NULL, in one block that the caller frees; strings are borrowed. */
char **manifest_arguments(const cJSON *manifest, int *count);

/* The time that the run is for, UTC in ms; 0: none. */
int64_t manifest_slot(const cJSON *manifest);

/* NULL, or why it cannot be used: written by a newer moongate, or no manifest. Owned by the
 * caller. */
struct failure *manifest_check(const cJSON *manifest);

/* A hash of what makes two runs the same job: script, arguments, target. Owned by the caller. */
char *manifest_fingerprint(const cJSON *manifest);

#endif
