/* engine/sim/graph.h - what the files of Microsoft Graph share. */
#ifndef MOONGATE_SIM_GRAPH_H
#define MOONGATE_SIM_GRAPH_H

#include <stdbool.h>

#include "base/buffer.h"

struct answer;
struct call;
struct world;

/* Answers with an error of Graph. Returns false. */
bool graph_refuse(const struct world *world, struct answer *answer, int status,
                  const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Answers that there is no such object. Returns false. */
bool graph_refuse_missing(const struct world *world, struct answer *answer,
                          const char *id);

/* Answers with one object. `entity` is what its context ends with: "groups". */
void graph_show(const struct call *call, struct answer *answer, int status,
                const char *entity, const char *body);

/* The lists, each with $top, $select, $count and @odata.nextLink. */
void graph_list_objects(struct world *world, const struct call *call,
                        struct answer *answer, const char *type, const char *entity);
void graph_list_members(struct world *world, const struct call *call,
                        struct answer *answer, const char *group, bool is_transitive);

/* The changes to groups. */
void graph_create_group(struct world *world, struct call *call, struct answer *answer);
void graph_update_group(struct world *world, struct call *call, struct answer *answer,
                        const char *id);
void graph_delete_group(struct world *world, struct answer *answer, const char *id);
void graph_add_member(struct world *world, struct call *call, struct answer *answer,
                      const char *group);
void graph_remove_member(struct world *world, struct answer *answer, const char *group,
                         const char *member);

/* Appends the body of an object, with its @odata.type in front when `type` is given, or
 * only the members that `select` (or NULL) lists. */
void graph_append_object(struct buffer *to, const char *type, const char *body,
                         const char *select);

#endif
