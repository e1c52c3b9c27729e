/* engine/sim/graph.h - what the files of Microsoft Graph share.
 *
 *   plane_graph.c         who may, and what a path leads to
 *   graph_batch.c         $batch: several requests in one
 *   graph_throttle.c      token buckets
 *   graph_list.c          lists, counts, members, owners
 *   graph_query.c         $select, $filter, $top .. of one request, and how objects are shown
 *   graph_objects.c       one object: shown, changed, deleted, restored
 *   graph_groups.c, graph_users.c, graph_applications.c   what is special to each type
 *   graph_keys.c, graph_federated.c   by what else than secrets applications sign in
 *   graph_references.c    members and owners come and go
 *   graph_memberships.c   checkMemberGroups and its like
 *   graph_refuse.c        errors */
#ifndef MOONGATE_SIM_GRAPH_H
#define MOONGATE_SIM_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct answer;
struct call;
struct caller;
struct graph_type;
struct world;

/* Long enough for a name that is not found to be told, and cut where no id can be. */
enum { GRAPH_ID_SIZE = 128 };

/* Of all bodies but bare numbers. */
extern const char graph_json_type[];

/* One request, its path understood. Ids are in lower case. */
struct graph_request {
    struct world *world;
    struct call *call;
    struct answer *answer;
    const struct caller *caller;
    const struct graph_type *type; /* of the object or list; NULL: any */
    char id[GRAPH_ID_SIZE];        /* or what stood in its place; "": the path has none */
    char other[GRAPH_ID_SIZE];     /* the one behind the relation */
    const char *relation;          /* "members", or NULL */
    const struct graph_type *cast; /* behind the relation, or NULL */
};

/* ---- graph_refuse.c: all answer and return false ---- */

bool graph_refuse(const struct graph_request *request, int status, const char *code,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
bool graph_refuse_missing(const struct graph_request *request, const char *id);
bool graph_refuse_body(const struct graph_request *request);
bool graph_refuse_value(const struct graph_request *request, const char *property);
bool graph_refuse_required(const struct graph_request *request, const char *property);

/* Another object has this value; `property` is told as the target. */
bool graph_refuse_conflict(const struct graph_request *request, const char *property);

/* Ends a change: keeps it, or answers that it could not be kept. */
void graph_commit(const struct graph_request *request);

/* ---- graph_list.c ---- */

void graph_list(struct graph_request *request);
void graph_count(struct graph_request *request);
void graph_list_related(struct graph_request *request);
void graph_count_related(struct graph_request *request);
void graph_list_references(struct graph_request *request);
void graph_list_deleted(struct graph_request *request);

/* ---- graph_objects.c ---- */

void graph_get(struct graph_request *request);
void graph_delete(struct graph_request *request);
void graph_get_by_ids(struct graph_request *request);
void graph_get_deleted(struct graph_request *request);
void graph_restore(struct graph_request *request);
void graph_purge(struct graph_request *request);
void graph_get_organization(struct graph_request *request);
void graph_get_domains(struct graph_request *request);

/* Whether the request's object is there, of its type; answers when not. */
bool graph_check_object(const struct graph_request *request);

/* Whether `given` (the body of a POST or PATCH) names writable properties alone, with values
 * of their shape and within their limits; answers when not. */
bool graph_check_body(const struct graph_request *request, const struct graph_type *type,
                      const cJSON *given, bool is_new);

/* Sets in `body` the properties of `given`. */
void graph_merge_body(cJSON *body, const cJSON *given);

/* Shows what the directory has saved, after a POST. */
void graph_show_created(struct graph_request *request, const char *id);

/* Writes to the ledger: "/groups/{id}", with `relation` "/groups/{id}/members/{other}". */
enum graph_change { GRAPH_CREATED, GRAPH_CHANGED, GRAPH_DELETED };
void graph_log(const struct graph_request *request, enum graph_change change,
               const struct graph_type *type, const char *id, const char *relation,
               const char *other);

/* ---- the types ---- */

void graph_create_group(struct graph_request *request);
void graph_update_group(struct graph_request *request);
void graph_create_user(struct graph_request *request);
void graph_update_user(struct graph_request *request);
void graph_create_application(struct graph_request *request);
void graph_create_principal(struct graph_request *request);
void graph_update_application(
    struct graph_request *request); /* or its service principal */
void graph_add_password(struct graph_request *request);
void graph_remove_password(struct graph_request *request);

/* The time at `name` of a credential, or `otherwise_ms`. False when it is none. */
bool graph_read_time(const cJSON *credential, const char *name, int64_t otherwise_ms,
                     int64_t *ms);

/* Deletes the service principal of the application as well. */
void graph_delete_application(struct graph_request *request);

/* ---- graph_keys.c: certificates ---- */

/* Whether the "keyCredentials" of `body` are such, if it has any; those that `before` (may be
 * NULL) lists may come without their key. Answers when not. They become as they are kept, but
 * for new keys, which graph_save_keys() takes out as part of the change's transaction. */
bool graph_check_keys(const struct graph_request *request, cJSON *body,
                      const cJSON *before);
void graph_save_keys(const struct graph_request *request, cJSON *body);
void graph_add_key(struct graph_request *request);
void graph_remove_key(struct graph_request *request);

/* ---- graph_federated.c: federated identity credentials of a registration ---- */

void graph_list_federated(struct graph_request *request);
void graph_get_federated(struct graph_request *request);
void graph_create_federated(struct graph_request *request);
void graph_update_federated(struct graph_request *request);
void graph_delete_federated(struct graph_request *request);

/* ---- graph_references.c ---- */

void graph_add_reference(struct graph_request *request);
void graph_remove_reference(struct graph_request *request);

/* Takes "members@odata.bind" and "owners@odata.bind" out of a body, as
 * {"members": [id, ..], "owners": [..]}, owned by the caller. NULL when they cannot be bound to
 * the group, and then it has answered. */
cJSON *graph_take_bindings(const struct graph_request *request, cJSON *body,
                           const char *group);
void graph_bind(const struct graph_request *request, const char *group,
                const cJSON *bindings);

/* ---- graph_memberships.c ---- */

void graph_check_member_groups(struct graph_request *request);
void graph_check_member_objects(struct graph_request *request);
void graph_get_member_groups(struct graph_request *request); /* and getMemberObjects */

/* ---- graph_batch.c ---- */

void graph_batch(struct graph_request *request);

#endif
