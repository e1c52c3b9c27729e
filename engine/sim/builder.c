/* engine/sim/builder.c - making one resource of a new world.
 *
 * A resource goes the way of a PUT: its body is completed and checked by the row of its
 * kind, and what its kind keeps aside (addresses, links, grants) is kept. But it takes no
 * time, and may say itself what else the service sets: its state, when it was made. What
 * the rules of API Management forbid is let through, as a recorded world may know better;
 * those of networks and of access hold, and nothing may refer to what is not there. */
#include "sim/builder.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/entity.h"
#include "sim/rules.h"
#include "sim/shape.h"
#include "sim/spot.h"
#include "sim/world.h"

#define STATE "properties.provisioningState"

/* ---- bodies ---- */

/* What a field that holds an id points to, so that a name alone will do. */
static const struct kind *find_target(const struct field *field)
{
    static const struct {
        const char *name;
        const struct kind *kind;
    } rows[] = {{"workspace", &workspace_kind},
                {"subnet", &subnet_kind},
                {"network_security_group", &network_security_group_kind}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, field->name) == 0)
            return rows[i].kind;
    }
    return NULL;
}

static char *read_id(const struct builder *builder, const struct spot *spot,
                     const struct field *field, const char *text, cJSON *body)
{
    char *id = builder_resolve(builder->world, find_target(field), text, NULL);

    if (id == NULL)
        return spot_complain(spot, "'%.200s' is no resource: an id, or names, expected",
                             text);
    json_set_at(body, field->path, cJSON_CreateString(id));
    free(id);
    return NULL;
}

static char *read_list(const struct builder *builder, const struct spot *spot,
                       const struct field *field, const cJSON *given, cJSON *body)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *element;
    int index = 0;

    json_set_at(body, field->path, list);
    cJSON_ArrayForEach (element, given) {
        const struct spot place = {spot, NULL, index++};
        cJSON *item = cJSON_CreateObject();
        char *wrong;

        cJSON_AddItemToArray(list, item);
        wrong = builder_read_fields(builder, &place, field->items, element, item);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *read_field(const struct builder *builder, const struct spot *spot,
                        const struct field *field, const cJSON *given, cJSON *body)
{
    const struct choice *choice;

    switch (field->type) {
    case FIELD_ID:
        return read_id(builder, spot, field, given->valuestring, body);
    case FIELD_LIST:
        return read_list(builder, spot, field, given, body);
    case FIELD_CHOICE:
        choice = choice_by_name(field, given->valuestring);
        json_set_at(
            body, field->path,
            cJSON_CreateString(choice != NULL ? choice->json : given->valuestring));
        return NULL;
    default:
        json_set_at(body, field->path, cJSON_Duplicate(given, true));
        return NULL;
    }
}

char *builder_read_fields(const struct builder *builder, const struct spot *spot,
                          const struct field *fields, const cJSON *given, cJSON *body)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, given) {
        const struct field *field = field_find(fields, member->string);
        const struct spot place = {spot, member->string, 0};
        char *wrong = field != NULL && field->type != FIELD_IDS
                          ? read_field(builder, &place, field, member, body)
                          : NULL; /* the others say where it is, or are not its own */

        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

void builder_set_default(cJSON *body, const char *path, cJSON *value)
{
    if (json_at(body, path) == NULL)
        json_set_at(body, path, value);
    else
        cJSON_Delete(value);
}

/* ---- resources ---- */

/* Copies what the service alone sets. */
static void copy_read_only(const struct kind *kind, const cJSON *from, cJSON *to)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(from, field->path);

        if ((field->flags & FIELD_READ_ONLY) != 0 && field->type != FIELD_IDS &&
            value != NULL)
            json_set_at(to, field->path, cJSON_Duplicate(value, true));
    }
}

/* What an answer says went wrong, with its details. */
static char *complain_answer(const struct spot *spot, const struct answer *answer)
{
    cJSON *body = json_parse(answer->body.data, answer->body.length, NULL);
    const cJSON *details = json_at(body, "error.details");
    const char *message =
        json_string_at(details != NULL ? details->child : NULL, "message");

    if (message == NULL)
        message = json_string_at(body, "error.message");

    char *wrong = spot_complain(spot, "%s", message != NULL ? message : "it is refused");

    cJSON_Delete(body);
    return wrong;
}

static char *check_references(struct world *world, const struct spot *spot,
                              const struct kind *kind, const cJSON *body)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const char *id = field->type == FIELD_ID &&
                                 (field->flags & (FIELD_READ_ONLY | FIELD_BY_NAME)) == 0
                             ? json_string_at(body, field->path)
                             : NULL;

        if (id != NULL && !builder_knows(world, id))
            return spot_complain(spot, "%s: there is no '%.300s'", field->name, id);
    }
    return NULL;
}

/* Whether the rules of its service hold for the kind here too. */
static bool has_rules(const struct kind *kind)
{
    return kind->is_extension ||
           text_has_prefix_nocase(kind->arm_type, "Microsoft.Network/");
}

static void set_states(struct world *world, const struct rules *rules, cJSON *body)
{
    if (rules->delete_state == NULL)
        return; /* it has none */
    builder_set_default(body, STATE, cJSON_CreateString("Succeeded"));
    if (rules->finish != NULL && strcmp(json_string_at(body, STATE), "Succeeded") == 0)
        rules->finish(world, body);
}

/* Sets what the service sets, unless the row of its kind refuses the body. */
static bool complete(struct change *change, const cJSON *given)
{
    const struct rules *rules = rules_find(change->kind);

    if (!shape_check(change->kind, change->body, change->answer))
        return false;
    copy_read_only(change->kind, given, change->body);
    if (rules->complete != NULL)
        rules->complete(change);
    copy_read_only(change->kind, given, change->body);
    return true;
}

/* What a PUT does between its body and the store. */
static bool consider(struct change *change, const cJSON *given)
{
    const struct rules *rules = rules_find(change->kind);

    return complete(change, given) &&
           (!has_rules(change->kind) || rules->check == NULL || rules->check(change));
}

static void save(struct change *change)
{
    const struct rules *rules = rules_find(change->kind);

    set_states(change->world, rules, change->body);
    entity_save(change->world, change->kind, change->parent, change->body);
    if (rules->saved != NULL)
        rules->saved(change);
}

/* A change that makes a resource; what it borrows, and the body, end_change() frees. */
static void begin_change(struct change *change, struct world *world,
                         struct answer *answer, const struct kind *kind,
                         const char *parent_id, const char *name,
                         char owner[UUID_TEXT_SIZE])
{
    char *id = kind_format_id(kind, parent_id, name);

    answer_init(answer);
    uuid_from_name(world->profile.client_id, owner);
    *change = (struct change){.world = world,
                              .answer = answer,
                              .kind = kind,
                              .key = entity_make_key(id),
                              .id = id,
                              .parent = entity_make_key(parent_id),
                              .name = name,
                              .caller = owner};
}

/* From what was given, which is emptied, to a body. */
static void take_body(struct change *change, cJSON *given)
{
    change->body = given; /* lent to `take` */
    if (rules_find(change->kind)->take != NULL)
        rules_find(change->kind)->take(change);
    change->body = shape_body(change->kind, change->id, change->name, given);
}

static void end_change(struct change *change)
{
    answer_deinit(change->answer);
    cJSON_Delete(change->body);
    cJSON_Delete(change->aside);
    free((char *)(uintptr_t)change->key);
    free((char *)(uintptr_t)change->id);
    free((char *)(uintptr_t)change->parent);
}

char *builder_plant(struct builder *builder, const struct spot *spot,
                    const struct kind *kind, const char *parent_id, const char *name,
                    cJSON *given)
{
    struct world *world = builder->world;
    char owner[UUID_TEXT_SIZE], *wrong = kind_check_name(kind, name);
    cJSON *all = cJSON_Duplicate(given, true);
    struct answer answer;
    struct change change;

    begin_change(&change, world, &answer, kind, parent_id, name, owner);
    if (wrong != NULL) {
        char *reason = wrong;

        wrong = spot_complain(spot, "%s", reason);
        free(reason);
    } else if (entity_exists(world, change.key)) {
        wrong = spot_complain(spot, "there are two of '%.300s'", change.id);
    } else if (!builder_knows(world, parent_id)) {
        wrong = spot_complain(spot, "there is no '%.300s' for it to be in", parent_id);
    } else {
        take_body(&change, given);
        wrong = check_references(world, spot, kind, change.body);
        if (wrong == NULL && !consider(&change, all))
            wrong = complain_answer(spot, &answer);
        if (wrong == NULL)
            save(&change);
    }
    end_change(&change);
    cJSON_Delete(all);
    return wrong;
}

char *builder_put(struct world *world, const struct kind *kind, const char *parent_id,
                  const char *name, cJSON *given)
{
    const struct spot whole = {.index = 0};
    char owner[UUID_TEXT_SIZE], *wrong = NULL;
    cJSON *all = cJSON_Duplicate(given, true);
    struct answer answer;
    struct change change;

    begin_change(&change, world, &answer, kind, parent_id, name, owner);
    take_body(&change, given);
    if (complete(&change, all))
        save(&change);
    else
        wrong = complain_answer(&whole, &answer);
    end_change(&change);
    cJSON_Delete(all);
    return wrong;
}
