/* engine/sim/plant.c - what is known to have been done elsewhere is put into a world. */
#include "sim/plant.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/builder.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/graph_model.h"
#include "sim/roles.h"
#include "sim/shape.h"
#include "sim/world.h"

/* --- people ------------------------------------------------------------------------- */

/* Somebody who is only mentioned. */
static void mention(struct world *world, const char *type, const char *said)
{
    char *id = text_lower(memory_copy_string(said));
    char *known = directory_find_type(world, id), *name;
    cJSON *body;

    if (known == NULL) {
        body = cJSON_CreateObject();
        name = memory_format("%s@%s", id, world->domain);
        cJSON_AddStringToObject(body, "id", id);
        cJSON_AddStringToObject(body, "displayName", id);
        if (strcmp(type, "User") == 0)
            cJSON_AddStringToObject(body, "userPrincipalName", name);
        if (strcmp(type, "ServicePrincipal") == 0)
            cJSON_AddStringToObject(body, "appId", id);
        directory_save(world, type, body, world->now_ms, NULL);
        free(name);
        cJSON_Delete(body);
    }
    free(known);
    free(id);
}

/* A group or user: new with all of `given`, or with what is changed of it. */
static void put_object(struct world *world, const char *type, const char *said,
                       const cJSON *given)
{
    char *id = text_lower(memory_copy_string(said));
    cJSON *body = directory_load(world, type, id);
    const cJSON *member;

    if (body == NULL)
        body = cJSON_CreateObject();
    cJSON_ArrayForEach (member, given) {
        if (strchr(member->string, '@') == NULL) /* "members@odata.bind" is no property */
            json_set_at(body, member->string, cJSON_Duplicate(member, true));
    }
    json_set_at(body, "id", cJSON_CreateString(id));
    if (json_string_at(body, "createdDateTime") == NULL) {
        char *now = world_format_now(world);

        json_set_at(body, "createdDateTime", cJSON_CreateString(now));
        free(now);
    }
    directory_save(world, type, body, world->now_ms, NULL);
    cJSON_Delete(body);
    free(id);
}

static const char *last_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* A member or owner comes or goes. */
static void put_link(struct world *world, const char *bond, const char *said_group,
                     const char *said_other, bool is_gone)
{
    const bool is_owner = strcmp(bond, "owners") == 0;
    char *group = text_lower(memory_copy_string(said_group));
    char *other = text_lower(memory_copy_string(said_other));

    mention(world, "Group", group);
    mention(world, "User", other);
    if (is_owner ? directory_is_owner(world, group, other)
                 : directory_is_member(world, group, other)) {
        if (is_gone)
            (is_owner ? directory_remove_owner : directory_remove_member)(world, group,
                                                                          other);
    } else if (!is_gone) {
        (is_owner ? directory_add_owner : directory_add_member)(world, group, other);
    }
    grants_forget(world);
    free(group);
    free(other);
}

/* The members and owners that a new group is bound to. */
static void put_bindings(struct world *world, const char *group, const cJSON *given)
{
    static const char *const bonds[] = {"members", "owners"};

    for (size_t i = 0; i < 2; i++) {
        char *name = memory_format("%s@odata.bind", bonds[i]);
        const cJSON *url;

        cJSON_ArrayForEach (url, cJSON_GetObjectItemCaseSensitive(given, name)) {
            if (cJSON_IsString(url))
                put_link(world, bonds[i], group, last_of(url->valuestring), false);
        }
        free(name);
    }
}

enum { MOST_PARTS = 6 };

/* Splits "/v1.0/groups/ID/members/$ref" behind the version, in place. */
static size_t split_path(char *path, char *parts[MOST_PARTS])
{
    size_t count = 0;
    char *rest = strchr(path + 1, '/');

    while (rest != NULL && count < MOST_PARTS) {
        *rest++ = '\0';
        parts[count++] = rest;
        rest = strchr(rest, '/');
    }
    return rest == NULL ? count : 0;
}

static bool is_bond(const char *word)
{
    return strcmp(word, "members") == 0 || strcmp(word, "owners") == 0;
}

/* False when it is nothing that can be put. */
static bool put_in_directory(struct world *world, const char *method, char **parts,
                             size_t count, const cJSON *body, const char *made)
{
    const struct graph_type *type =
        count > 0 ? graph_type_find_collection(parts[0]) : NULL;
    const bool is_simple = type != NULL && (strcmp(type->name, "Group") == 0 ||
                                            strcmp(type->name, "User") == 0);
    const bool is_delete = strcmp(method, "DELETE") == 0;
    const char *reference =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "@odata.id"));

    if (is_simple && count == 1 && made != NULL) {
        put_object(world, type->name, made, body);
        put_bindings(world, made, body);
    } else if (type != NULL && count == 2 && is_delete) {
        directory_remove(world, parts[1]);
    } else if (is_simple && count == 2 && strcmp(method, "PATCH") == 0) {
        put_object(world, type->name, parts[1], body);
        put_bindings(world, parts[1], body);
    } else if (count == 4 && is_bond(parts[2]) && reference != NULL) {
        put_link(world, parts[2], parts[1], last_of(reference), false);
    } else if (count == 5 && is_bond(parts[2]) && is_delete) {
        put_link(world, parts[2], parts[1], parts[3], true);
    } else {
        return false;
    }
    return true;
}

static char *put_in_graph(struct world *world, const char *method, const char *path,
                          const cJSON *body, const char *made)
{
    char *copy = memory_copy_string(path), *parts[MOST_PARTS];
    const size_t count = split_path(copy, parts);
    const bool is_put = put_in_directory(world, method, parts, count, body, made);

    free(copy);
    return is_put ? NULL
                  : memory_format("%s '%s': what it did is not known well enough", method,
                                  path);
}

/* --- resources ---------------------------------------------------------------------- */

static char *put_resource(struct world *world, const char *id, const cJSON *body);

/* A value that the row of a field allows, for one that must be there and is not known. */
static cJSON *invent(const struct world *world, const struct field *field,
                     const char *name)
{
    switch (field->type) {
    case FIELD_LOCATION:
        return cJSON_CreateString(world->location);
    case FIELD_CHOICE:
        return cJSON_CreateString(field->choices[0].json);
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        return cJSON_CreateNumber(field->min > 1 ? field->min : 1);
    case FIELD_BOOLEAN:
        return cJSON_CreateFalse();
    case FIELD_STRING:
        return cJSON_CreateString(name);
    default:
        return NULL;
    }
}

static void set_default(cJSON *body, const char *path, const char *value)
{
    builder_set_default(body, path, cJSON_CreateString(value));
}

/* What must be there and was not said. */
static void complete(const struct world *world, const struct kind *kind, const char *name,
                     cJSON *body)
{
    if (kind == &service_kind) {
        set_default(body, "sku.name", world->sku);
        set_default(body, "properties.publisherEmail", "apis@contoso.example");
    }
    if (kind == &virtual_network_kind)
        builder_set_default(body, "properties.addressSpace.addressPrefixes",
                            cJSON_CreateStringArray((const char *[]){"10.0.0.0/16"}, 1));
    if (kind == &subnet_kind)
        set_default(body, "properties.addressPrefix", "10.0.0.0/24");
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        cJSON *value =
            (field->flags & FIELD_REQUIRED) != 0 && json_at(body, field->path) == NULL
                ? invent(world, field, name)
                : NULL;

        if (value != NULL)
            json_set_at(body, field->path, value);
    }
}

/* Makes what the id names unless it is there. Of another subscription nothing can be. */
static char *require(struct world *world, const char *id)
{
    return builder_knows(world, id) ? NULL : put_resource(world, id, NULL);
}

static char *require_named(struct world *world, const struct kind *kind,
                           const cJSON *body)
{
    char *wrong = NULL;

    for (const struct field *field = kind->fields; field->name != NULL && wrong == NULL;
         field++) {
        const char *id = field->type == FIELD_ID &&
                                 (field->flags & (FIELD_READ_ONLY | FIELD_BY_NAME)) == 0
                             ? json_string_at(body, field->path)
                             : NULL;

        if (id != NULL)
            wrong = require(world, id);
    }
    if (kind == &role_assignment_kind) {
        const char *type = json_string_at(body, "properties.principalType");
        const char *principal = json_string_at(body, "properties.principalId");

        if (principal != NULL)
            mention(world, type != NULL ? type : "User", principal);
    }
    return wrong;
}

static void merge(struct world *world, const struct kind *kind, const char *parent_id,
                  cJSON *old, const cJSON *body)
{
    char *parent = entity_make_key(parent_id);
    cJSON *said = body != NULL ? cJSON_Duplicate(body, true) : cJSON_CreateObject();

    shape_drop_read_only(kind, said);
    shape_merge(old, said);
    entity_save(world, kind, parent, old);
    cJSON_Delete(said);
    free(parent);
}

static char *make(struct world *world, const struct kind *kind, const char *parent,
                  const char *id, const cJSON *said)
{
    cJSON *body = said != NULL ? cJSON_Duplicate(said, true) : cJSON_CreateObject();
    const char *name = last_of(id);
    char *wrong = require(world, parent);

    if (wrong == NULL)
        wrong = require_named(world, kind, body);
    complete(world, kind, name, body);
    if (wrong == NULL)
        wrong = builder_put(world, kind, parent, name, body);
    cJSON_Delete(body);
    return wrong;
}

static char *put_resource(struct world *world, const char *id, const cJSON *body)
{
    char *parent = NULL, *key, *wrong = NULL;
    const struct kind *kind = text_has_prefix_nocase(id, world->subscription_id)
                                  ? builder_split(world, id, &parent)
                                  : NULL;
    cJSON *old;

    if (kind == NULL)
        return memory_format("'%s': it is in another subscription, or of a kind that is "
                             "not simulated",
                             id);
    key = entity_make_key(id);
    old = entity_body(world, key);
    if (old == NULL)
        wrong = make(world, kind, parent, id, body);
    else if (body != NULL)
        merge(world, kind, parent, old, body);
    cJSON_Delete(old);
    free(key);
    free(parent);
    return wrong;
}

static void remove_resource(struct world *world, const char *id)
{
    char *key = entity_make_key(id);

    if (entity_exists(world, key))
        entity_remove(world, key);
    free(key);
}

static char *put_in_manager(struct world *world, const char *method, const char *id,
                            const cJSON *body)
{
    if (strcmp(method, "DELETE") == 0)
        remove_resource(world, id);
    else if (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0)
        return put_resource(world, id, body);
    else
        return memory_format("%s '%s': what it did is not known", method, id);
    return NULL;
}

/* --- both --------------------------------------------------------------------------- */

char *plant(struct world *world, const char *method, const char *path, const cJSON *body,
            const char *made)
{
    const bool is_graph =
        text_has_prefix_nocase(path, "/v1.0/") || text_has_prefix_nocase(path, "/beta/");
    char *wrong;

    world_tick(world);
    database_begin(world->database);
    wrong = is_graph ? put_in_graph(world, method, path, body, made)
                     : put_in_manager(world, method, path, body);
    if (wrong != NULL)
        database_undo(world->database);
    else if (!database_commit(world->database))
        wrong = memory_copy_string(database_error(world->database));
    roles_forget(world);
    grants_forget(world);
    return wrong;
}
