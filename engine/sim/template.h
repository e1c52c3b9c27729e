/* engine/sim/template.h - deployment templates: parameters, variables, the resources they
 * ask for, outputs.
 *
 * Known are JSON templates with the resources in an array or, under symbolic names, in an
 * object, and of their language the functions that template.c's table lists. Not known
 * are copy loops, user functions, linked templates and nested `resources`; each is refused
 * by name. uniqueString() and guid() give the same text for the same arguments, but not
 * the one that Azure gives (its hash is not published). */
#ifndef MOONGATE_SIM_TEMPLATE_H
#define MOONGATE_SIM_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

enum { TEMPLATE_RESOURCE_LIMIT = 800 }; /* as documented */

/* Where it is deployed. All is borrowed and must outlive the template. */
struct template_place {
    const char *tenant_id, *subscription_id; /* GUIDs */
    const char *deployment;                  /* its name */
    const cJSON *group; /* body of the resource group, or NULL at a subscription */
};

struct template_resource {
    char *id, *type, *name, *api_version;
    cJSON *body;   /* what a PUT sends */
    size_t *needs; /* those that must be there before, by their index */
    size_t need_count;
    bool is_skipped; /* its condition is false, or it exists already */
};

struct template
{
    const cJSON *source; /* borrowed */
    const struct template_place *place;
    cJSON *values;    /* of the parameters, by name */
    cJSON *variables; /* those that were evaluated, by name */
    cJSON *shown; /* parameters as a deployment shows them, secure ones without value */
    struct template_resource *resources;
    size_t count;
};

/* Reads a template with its parameters ({"name": {"value": ..}}, or NULL); `source` must
 * outlive it. NULL, or what is wrong with it (owned by the caller); close it all the same.
 */
char *template_open(struct template *template, const cJSON *source,
                    const cJSON *parameters, const struct template_place *place);
void template_close(struct template *template);

/* The body of a deployed resource, owned by the caller, or NULL: what reference() asks. */
typedef cJSON *template_refer(void *context, const char *id);

/* The outputs, {"name": {"type": .., "value": ..}}, owned by the caller; NULL with what is
 * wrong in `*wrong` (owned by the caller). */
cJSON *template_evaluate_outputs(struct template *template, template_refer *refer,
                                 void *context, char **wrong);

#endif
