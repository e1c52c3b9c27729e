/* engine/sim/graph_relations.h - members, owners and their like, as SQL. */
#ifndef MOONGATE_SIM_GRAPH_RELATIONS_H
#define MOONGATE_SIM_GRAPH_RELATIONS_H

#include <stddef.h>

/* "{with}SELECT .. FROM {from} WHERE {where} ORDER BY {key}" gives the objects that are
 * related to ?1. */
struct graph_relation {
    const char *name;
    const char *with, *from, *where, *key;
};

/* Of `length` characters, without regard to case; or NULL. */
const struct graph_relation *graph_relation_find(const char *name, size_t length);

#endif
