/* engine/sim/graph_query.h - the query options of one request to Microsoft Graph, and how
 * objects are shown by them. */
#ifndef MOONGATE_SIM_GRAPH_QUERY_H
#define MOONGATE_SIM_GRAPH_QUERY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "sim/filter.h"
#include "sim/graph_model.h"

struct graph_request;
struct graph_relation;

enum { GRAPH_SELECT_LIMIT = 100, GRAPH_EXPAND_LIMIT = 20 };

enum graph_order { GRAPH_BY_KEY, GRAPH_BY_NAME, GRAPH_BY_NAME_DOWN };

/* $select: what each type has of it, up to a NULL. */
struct graph_selection {
    bool is_all;
    const struct graph_property *of[GRAPH_TYPE_COUNT][GRAPH_SELECT_LIMIT + 1];
};

struct graph_query {
    const struct graph_type *type; /* NULL: any */
    long top;
    bool is_counted, is_eventual; /* $count=true; ConsistencyLevel: eventual */
    struct filter_sql filter;
    enum graph_order order;
    struct graph_selection selection;
    const struct graph_relation *expand; /* or NULL */
    struct graph_selection expand_selection;
};

/* Reads the options that a list takes; `is_related` says that it is one of members, owners ..
 * Answers and returns false when one is not good. Release it either way. */
bool graph_query_read(struct graph_query *query, const struct graph_request *request,
                      const struct graph_type *type, bool is_related);

/* The same for one object: $select and $expand alone. */
bool graph_query_read_item(struct graph_query *query, const struct graph_request *request,
                           const struct graph_type *type);
void graph_query_release(struct graph_query *query);

/* Appends an object; `hidden` may be "". With `is_typed` its @odata.type comes first. */
void graph_append_object(struct buffer *to, const struct graph_selection *selection,
                         const struct graph_type *type, bool is_typed, const char *body,
                         const char *hidden);

/* The same, with what the query expands. `id` is the object's. */
void graph_append_expanded(struct buffer *to, const struct graph_query *query,
                           const struct graph_request *request,
                           const struct graph_type *type, bool is_typed, const char *id,
                           const char *body, const char *hidden);

/* Appends "@odata.context": for a list or, with "/$entity", an object of `collection`. */
void graph_append_context(struct buffer *to, const struct graph_request *request,
                          const char *collection, const char *suffix);

#endif
