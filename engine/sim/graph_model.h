/* engine/sim/graph_model.h - the types of Microsoft Graph and their properties, each described
 * once: what is shown unasked, what may be written, filtered and searched. */
#ifndef MOONGATE_SIM_GRAPH_MODEL_H
#define MOONGATE_SIM_GRAPH_MODEL_H

#include <stddef.h>

#include <cjson/cJSON.h>

enum graph_shape {
    GRAPH_TEXT,
    GRAPH_DATE, /* "2026-01-31T12:00:00Z" */
    GRAPH_FLAG,
    GRAPH_OBJECT,
    GRAPH_TEXTS,  /* a collection of texts */
    GRAPH_OBJECTS /* a collection of objects */
};

enum {
    GRAPH_SHOWN = 1,     /* without $select too */
    GRAPH_WRITABLE = 2,  /* by POST and PATCH */
    GRAPH_CREATABLE = 4, /* by POST alone */
    GRAPH_FILTER = 8,
    GRAPH_ENDS_WITH = 16, /* also by endsWith */
    GRAPH_SEARCH = 32
};

struct graph_property {
    const char *name;
    enum graph_shape shape;
    unsigned flags;
    int limit; /* characters, or 0: no limit of its own */
};

struct graph_type {
    const char *name;       /* as the directory stores it: "ServicePrincipal" */
    const char *odata_name; /* "servicePrincipal" */
    const char *collection; /* "servicePrincipals" */
    const struct graph_property *properties; /* up to a NULL name */
};

enum { GRAPH_TYPE_COUNT = 4 };

extern const struct graph_type graph_types[GRAPH_TYPE_COUNT];

/* By the name that the directory stores. Never NULL for what it has stored. */
const struct graph_type *graph_type_find(const char *name);

/* By what a cast or a type list says, "user" or "microsoft.graph.user"; or NULL. */
const struct graph_type *graph_type_find_odata(const char *name);

/* By "users"; or NULL. */
const struct graph_type *graph_type_find_collection(const char *collection);

/* Without regard to case, of `length` characters; or NULL. */
const struct graph_property *graph_property_find(const struct graph_type *type,
                                                 const char *name, size_t length);

/* Splits an object into what is shown unasked, with null or [] for what it lacks, and the
 * rest (NULL when there is none). Both owned by the caller. */
cJSON *graph_model_split(const struct graph_type *type, const cJSON *body, cJSON **rest);

#endif
