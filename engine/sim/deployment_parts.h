/* engine/sim/deployment_parts.h - what the files of deployments share. */
#ifndef MOONGATE_SIM_DEPLOYMENT_PARTS_H
#define MOONGATE_SIM_DEPLOYMENT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "sim/template.h"

struct answer;
struct call;
struct caller;
struct target;
struct world;

#define DEPLOYMENT_TYPE "Microsoft.Resources/deployments"

/* One row of the table, copied. */
struct deployment {
    char *key, *id, *scope, *name; /* `scope` is a key */
    char *state;                   /* provisioningState */
    char *operation;               /* id of its monitor */
    char *caller, *application;    /* who asked for it */
    int64_t started_ms, ended_ms;  /* UTC; ended 0: not yet */
    int64_t next_ms;               /* INT64_MAX: nothing will happen */
    cJSON *body;                   /* as a GET shows it, but for state and times */
    char *template, *parameters;   /* texts; parameters go when it ends */
    char *error;                   /* JSON, or "" */
};

/* NULL when there is none. Owned by the caller. */
struct deployment *deployment_find(struct world *world, const char *key);

/* Accepts NULL. */
void deployment_free(struct deployment *deployment);

bool deployment_is_active(const struct deployment *deployment);

/* Writes state, times, body and error. */
void deployment_save(struct world *world, const struct deployment *deployment);

/* Removes it with its operations. */
void deployment_remove(struct world *world, const char *key);

/* The body of a new one that does what `template` says; `given` is the
 * request's. Owned by the caller. */
cJSON *deployment_make_body(const struct deployment *deployment, const cJSON *given,
                            const struct template *template);

/* As a GET shows it, owned by the caller. */
cJSON *deployment_describe(const struct world *world,
                           const struct deployment *deployment);

/* Answers with its operations, or with the one that `target->detail` names. */
void deployment_answer_operations(struct world *world, const struct target *target,
                                  const struct deployment *deployment,
                                  struct answer *answer);

/* The scope's resource group as template functions see it, owned by the caller, or NULL.
 */
cJSON *deployment_find_group(struct world *world, const char *scope);

/* Fills a place in; `group` is borrowed. */
void deployment_set_place(const struct world *world, struct template_place *place,
                          const char *name, const cJSON *group);

#endif
