/* engine/sim/item.c - GET, HEAD, PUT, PATCH and DELETE of one resource of any kind.
 *
 * What differs between kinds is in their rows (engine/model) and their rules. */
#include "sim/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/etag.h"
#include "sim/form.h"
#include "sim/grants.h"
#include "sim/ledger.h"
#include "sim/monitor.h"
#include "sim/plane.h"
#include "sim/roles.h"
#include "sim/rules.h"
#include "sim/shape.h"
#include "sim/tags.h"
#include "sim/target.h"
#include "sim/world.h"

static bool has_etag(const struct kind *kind)
{
    return text_has_prefix_nocase(kind->arm_type, "Microsoft.ApiManagement/");
}

void item_present(struct world *world, const struct entity *entity, struct buffer *to)
{
    const struct rules *rules = rules_find(entity->kind);

    if (rules->present != NULL) {
        rules->present(world, entity, to);
    } else if (shape_hides(entity->kind)) {
        cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
        char *text;

        shape_hide(entity->kind, body);
        text = json_print(body);
        buffer_append_string(to, text);
        free(text);
        cJSON_Delete(body);
    } else {
        buffer_append_string(to, entity->body);
    }
}

static void show(struct world *world, const struct entity *entity, struct answer *answer,
                 int status)
{
    answer->status = status;
    buffer_clear(&answer->body);
    item_present(world, entity, &answer->body);
    if (has_etag(entity->kind))
        answer->etag = entity_format_etag(entity->kind, entity->version);
}

static void get(struct world *world, const struct target *target, struct answer *answer)
{
    struct entity *entity = entity_find(world, target->key);

    if (entity != NULL)
        show(world, entity, answer, 200);
    else
        target_answer_missing(target, world, answer);
    entity_free(entity);
}

/* A GET whose body is not sent; of a resource group, and of what has no GET, only whether
 * it is there. */
static void head(struct world *world, const struct target *target, struct answer *answer)
{
    const bool is_bare = target->kind == &resource_group_kind ||
                         (target->kind->operations & KIND_GET) == 0;

    get(world, target, answer);
    if (is_bare && answer->status == 200)
        answer_set_text(answer, 204, "");
}

/* Whether a body carries a tag that a client can send back. */
static bool has_condition(const struct kind *kind)
{
    return has_etag(kind) || rules_find(kind)->has_etag_in_body;
}

static bool check_preconditions(const struct call *call, const struct kind *kind,
                                const struct entity *entity, struct answer *answer)
{
    if (!has_condition(kind))
        return true;
    if (call->if_match == NULL && (kind->if_match & call->method) != 0) {
        answer_add_detail(answer, "If-Match", "The If-Match header is required.");
        return answer_refuse(answer, REFUSE_NO_IF_MATCH,
                             "One or more fields contain incorrect values:");
    }

    char *etag = entity != NULL ? entity_format_etag(kind, entity->version) : NULL;
    const bool is_stale = (call->if_match != NULL &&
                           (etag == NULL || !etag_matches(call->if_match, etag))) ||
                          (call->if_none_match != NULL && etag != NULL &&
                           etag_matches(call->if_none_match, etag));
    const bool is_moot = entity == NULL && call->method != CALL_PUT;

    free(etag);
    if (!is_stale || is_moot)
        return true;
    return answer_refuse(answer, REFUSE_PRECONDITION,
                         entity != NULL ? "Resource was modified since last retrieval."
                                        : "The resource does not exist.");
}

static bool check_not_busy(struct world *world, const struct target *target,
                           struct answer *answer)
{
    if (!monitor_is_busy(world, target->kind, target->key))
        return true;
    if (text_has_prefix_nocase(target->kind->arm_type, "Microsoft.ApiManagement/"))
        return rules_refuse_locked(answer, target->id);
    return answer_refuse(
        answer, REFUSE_BUSY,
        "Another operation on this or dependent resource is in progress: '%s'.",
        target->id);
}

static bool check_name(const struct target *target, struct answer *answer)
{
    char *wrong = kind_check_name(target->kind, target->name);

    if (wrong == NULL)
        return true;
    if (has_etag(target->kind)) {
        answer_add_detail(answer, "name", "%s", wrong);
        answer_refuse_details(answer);
    } else {
        answer_refuse(answer, REFUSE_RESOURCE_NAME, "%s", wrong);
    }
    free(wrong);
    return false;
}

/* Ends a write's transaction. */
static void commit(struct world *world, struct answer *answer)
{
    world_save_time(world);
    if (database_commit(world->database))
        return;
    roles_forget(world);
    world_plan(world);
    answer_refuse(answer, REFUSE_INTERNAL, "The simulator could not keep the change: %s",
                  database_error(world->database));
}

void item_save(struct world *world, const struct entity *entity, cJSON *body,
               struct answer *answer)
{
    database_begin(world->database);
    entity_save(world, entity->kind, entity->parent, body);
    ledger_changed(world, entity->id);
    commit(world, answer);
}

void item_show(struct world *world, const char *key, struct answer *answer)
{
    struct entity *entity = entity_find(world, key);

    if (entity != NULL)
        show(world, entity, answer, 200);
    entity_free(entity);
}

/* Whether the last operation on what is there did not succeed: the same PUT begins anew. */
static bool has_failed(const struct change *change)
{
    const char *state = json_string_at(change->old_body, "properties.provisioningState");

    return state != NULL &&
           (strcmp(state, "Failed") == 0 || strcmp(state, "Canceled") == 0);
}

static const char *find_verb(const struct change *change)
{
    const struct rules *rules = rules_find(change->kind);

    if (change->old == NULL ||
        (has_failed(change) && monitor_was_creation(change->world, change->key)))
        return "create";
    return rules->update_verb != NULL ? rules->update_verb(change) : "update";
}

/* Writes a change that all rules agree with, and answers. */
static void apply(struct change *change, const struct call *call)
{
    struct world *world = change->world;
    const struct rules *rules = rules_find(change->kind);
    const char *verb = find_verb(change);
    const int status = change->old == NULL || rules->is_always_created ? 201 : 200;

    database_begin(world->database);

    const bool goes_on = monitor_start(world, call, change->answer, change->kind,
                                       change->body, verb, status);

    entity_save(world, change->kind, change->parent, change->body);
    if (change->old == NULL)
        ledger_created(world, change->id);
    else
        ledger_changed(world, change->id);
    if (rules->saved != NULL)
        rules->saved(change);

    struct entity *entity = entity_find(world, change->key);

    if (entity != NULL)
        show(world, entity, change->answer, status);
    if (entity != NULL && rules->answered != NULL)
        rules->answered(change);
    if (goes_on)
        monitor_accept(world, call, change->answer, change->kind, verb, change->body);
    entity_free(entity);
    commit(world, change->answer);
}

/* Whether neither what the resource names nor anything above that is being deleted. */
static bool check_named(const struct change *change)
{
    struct world *world = change->world;
    char *going = NULL;

    for (const struct field *field = change->kind->fields;
         field->name != NULL && going == NULL && !change->kind->is_extension; field++) {
        const char *id = field->type == FIELD_ID && (field->flags & FIELD_READ_ONLY) == 0
                             ? json_string_at(change->body, field->path)
                             : NULL;
        char *key = id != NULL ? entity_make_key(id) : NULL;
        char *above = key != NULL ? grants_list_above(world, key) : NULL;

        if (above != NULL)
            going = database_text(world->database,
                                  "SELECT resource FROM monitor WHERE next_ms IS NOT NULL"
                                  " AND verb = 'delete' AND key IN (SELECT value FROM"
                                  " json_each(?))",
                                  "t", above);
        free(key);
        free(above);
    }
    if (going == NULL)
        return true;
    answer_refuse(change->answer, REFUSE_BUSY, "'%s' is being deleted.", going);
    free(going);
    return false;
}

/* From the body as it was sent, or merged, to the body as it will be. */
static void consider(struct change *change, const struct call *call,
                     const struct target *target)
{
    const struct rules *rules = rules_find(change->kind);
    struct answer *answer = change->answer;

    if (change->old != NULL &&
        !shape_check_immutable(change->kind, change->old_body, change->body,
                               rules->immutable, answer))
        return;
    if (change->old != NULL)
        shape_keep(change->kind, change->old_body, change->body);
    if (!shape_check(change->kind, change->body, answer) ||
        !tags_check(cJSON_GetObjectItemCaseSensitive(change->body, "tags"), answer))
        return;
    if (rules->complete != NULL)
        rules->complete(change);
    if ((rules->check_parent != NULL && !rules->check_parent(change)) ||
        !check_not_busy(change->world, target, answer))
        return;
    if (change->old != NULL && change->aside == NULL && !has_failed(change) &&
        shape_is_equal(change->old_body, change->body))
        show(change->world, change->old, answer, rules->is_always_created ? 201 : 200);
    else if (rules_check_limit(change) &&
             (rules->check == NULL || rules->check(change)) && check_named(change))
        apply(change, call);
}

void item_stamp(const struct world *world, cJSON *body, const cJSON *old,
                const char *caller)
{
    static const char *const times[] = {"properties.createdOn", "properties.updatedOn"};
    static const char *const names[] = {"properties.createdBy", "properties.updatedBy"};
    char *now = world_format_now(world);

    for (size_t i = 0; i < 2; i++) {
        const cJSON *time = json_at(old, times[i]), *name = json_at(old, names[i]);

        json_set_at(body, times[i],
                    time != NULL ? cJSON_Duplicate(time, true) : cJSON_CreateString(now));
        json_set_at(body, names[i],
                    name != NULL ? cJSON_Duplicate(name, true)
                                 : cJSON_CreateString(caller));
    }
    if (old != NULL && !shape_is_equal(old, body)) {
        json_set_at(body, "properties.updatedOn", cJSON_CreateString(now));
        json_set_at(body, "properties.updatedBy", cJSON_CreateString(caller));
    }
    free(now);
}

static void start_change(struct change *change, struct world *world,
                         const struct caller *caller, const struct target *target,
                         const struct entity *old, struct answer *answer)
{
    *change = (struct change){.world = world,
                              .answer = answer,
                              .kind = target->kind,
                              .key = target->key,
                              .id = old != NULL ? old->id : target->id,
                              .parent = target->parent,
                              .name = target->name,
                              .caller = caller->object_id,
                              .old = old};
    change->old_body =
        old != NULL ? json_parse(old->body, strlen(old->body), NULL) : NULL;
}

static void end_change(struct change *change)
{
    cJSON_Delete((cJSON *)(uintptr_t)change->old_body);
    cJSON_Delete(change->body);
    cJSON_Delete(change->aside);
}

/* The id of a new resource: the parent's as the parent has it, then the type's own
 * spelling. */
static char *format_new_id(struct world *world, const struct target *target)
{
    char *parent = database_text(world->database, "SELECT id FROM entity WHERE key = ?",
                                 "t", target->parent);
    char *id;

    if (parent == NULL && strcmp(target->parent, world->subscription_key) == 0)
        parent = memory_copy_string(world->subscription_id);
    id = kind_format_id(target->kind, parent != NULL ? parent : target->parent,
                        target->name);
    free(parent);
    return id;
}

/* Whether nothing of a resource can be said but its name: then a PUT needs no body. */
static bool is_name_alone(const struct kind *kind)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_READ_ONLY) == 0)
            return false;
    }
    return true;
}

static cJSON *read_body(struct call *call, const struct kind *kind)
{
    if (call->body_length == 0 && call->json == NULL && is_name_alone(kind))
        call->json = cJSON_CreateObject();
    return call_json(call);
}

static void put(struct world *world, struct call *call, const struct caller *caller,
                const struct target *target, struct answer *answer)
{
    cJSON *given = read_body(call, target->kind);
    struct entity *old = entity_find(world, target->key);
    struct change change = {0};
    char *id = NULL;

    if (given == NULL) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "The request content was invalid and could not be deserialized.");
    } else if (target_check_parents(target, world, answer) &&
               (old != NULL || check_name(target, answer)) &&
               target_check_group_stays(target, world, answer) &&
               check_preconditions(call, target->kind, old, answer)) {
        start_change(&change, world, caller, target, old, answer);
        if (old == NULL)
            change.id = id = format_new_id(world, target);
        change.body = given; /* lent to `take` */
        if (rules_find(change.kind)->take != NULL)
            rules_find(change.kind)->take(&change);
        change.body =
            shape_body(change.kind, change.id,
                       old != NULL ? strrchr(old->id, '/') + 1 : target->name, given);
        consider(&change, call, target);
        end_change(&change);
    }
    free(id);
    entity_free(old);
}

static void keep_tags_only(cJSON *patch)
{
    cJSON *tags = cJSON_DetachItemFromObjectCaseSensitive(patch, "tags");

    while (patch->child != NULL)
        cJSON_Delete(cJSON_DetachItemViaPointer(patch, patch->child));
    if (tags != NULL)
        cJSON_AddItemToObject(patch, "tags", tags);
}

static void patch(struct world *world, struct call *call, const struct caller *caller,
                  const struct target *target, struct answer *answer)
{
    cJSON *given = call_json(call);
    struct entity *old = entity_find(world, target->key);
    struct change change = {0};

    if (given == NULL) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "The request content was invalid and could not be deserialized.");
    } else if (!check_preconditions(call, target->kind, old, answer)) {
        /* it has answered */
    } else if (old == NULL) {
        target_answer_missing(target, world, answer);
    } else if (target_check_group_stays(target, world, answer)) {
        start_change(&change, world, caller, target, old, answer);
        shape_drop_read_only(target->kind, given);
        if (target->kind->patches_tags_only)
            keep_tags_only(given);
        change.body = cJSON_Duplicate(change.old_body, true);
        shape_merge(change.body, given);
        consider(&change, call, target);
        end_change(&change);
    }
    entity_free(old);
}

/* Removes it now, or begins to. */
static void apply_delete(struct world *world, const struct call *call,
                         const struct entity *entity, struct answer *answer)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);

    database_begin(world->database);
    if (rules_find(entity->kind)->deleting != NULL)
        rules_find(entity->kind)->deleting(world, call, entity);
    if (monitor_start(world, call, answer, entity->kind, body, "delete",
                      entity->kind == &resource_group_kind ? 200 : 204)) {
        entity_save(world, entity->kind, entity->parent, body);
        if (form_shows_deleted(entity->kind))
            answer_set_json(answer, 202, body);
        monitor_accept(world, call, answer, entity->kind, "delete", body);
    } else {
        entity_remove(world, entity->key);
        if (entity->kind == &role_assignment_kind ||
            entity->kind == &role_definition_kind)
            answer_set_text(answer, 200, entity->body);
        else
            answer->status = 200;
    }
    cJSON_Delete(body);
    commit(world, answer);
}

/* What is not there needs no deleting, unless its group or it is a group that is not. */
static void answer_gone(struct world *world, const struct target *target,
                        struct answer *answer)
{
    if (target->kind == &resource_group_kind)
        target_answer_missing(target, world, answer);
    else if (target_check_group(target, world, answer))
        answer->status = 204;
}

static void remove_item(struct world *world, const struct call *call,
                        const struct target *target, struct answer *answer)
{
    struct entity *entity = entity_find(world, target->key);
    const struct rules *rules = rules_find(target->kind);

    if (!check_preconditions(call, target->kind, entity, answer)) {
        /* it has answered */
    } else if (entity == NULL) {
        answer_gone(world, target, answer);
    } else if (!monitor_join_delete(world, call, answer, target->key) &&
               check_not_busy(world, target, answer) &&
               (rules->check_delete == NULL ||
                rules->check_delete(world, call, answer, entity))) {
        apply_delete(world, call, entity, answer);
    }
    entity_free(entity);
}

void item_answer(struct world *world, struct call *call, const struct caller *caller,
                 const struct target *target, struct answer *answer)
{
    const struct rules *rules = rules_find(target->kind);

    if ((target->kind->operations & call->method) == 0) {
        answer_refuse(answer, REFUSE_METHOD, "The method is not allowed on '%s'.",
                      call->path);
        return;
    }
    if (rules->check_write != NULL && call->method != CALL_GET &&
        !rules->check_write(target, answer))
        return;
    if (rules->get != NULL && call->method == CALL_GET) {
        rules->get(world, call, target, answer);
        return;
    }
    if (rules->answer_query != NULL && call->method == CALL_GET &&
        rules->answer_query(world, call, target, answer))
        return;
    switch (call->method) {
    case CALL_GET:
        get(world, target, answer);
        break;
    case CALL_HEAD:
        head(world, target, answer);
        break;
    case CALL_PUT:
        put(world, call, caller, target, answer);
        break;
    case CALL_PATCH:
        patch(world, call, caller, target, answer);
        break;
    case CALL_DELETE:
        remove_item(world, call, target, answer);
        break;
    case CALL_POST:
        break; /* no row allows it */
    }
}
