/* engine/sim/world_people.c - the users, groups and applications of a new world. */
#include "sim/world_people.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph_rights.h"
#include "sim/spot.h"
#include "sim/world.h"
#include "sim/world_applications.h"

struct people {
    struct world *world;
    struct map by_name; /* of struct principal, by name and by id in lower case */
};

struct people *people_new(struct world *world)
{
    struct people *people = memory_new(sizeof *people);

    people->world = world;
    return people;
}

void people_free(struct people *people)
{
    if (people == NULL)
        return;
    map_deinit(&people->by_name, free);
    free(people);
}

/* By name or id in any case, or NULL. */
static const struct principal *find_name(const struct people *people, const char *name)
{
    char *key = text_lower(memory_copy_string(name));
    const struct principal *found = map_find(&people->by_name, key);

    free(key);
    return found;
}

/* Whether nobody had the name before. */
static bool enter(struct people *people, const char *name, const char *id,
                  const char *type)
{
    struct principal *principal = memory_new(sizeof *principal), *before;
    char *key = text_lower(memory_copy_string(name));

    memcpy(principal->id, id, strlen(id) + 1);
    principal->type = type;
    before = map_set(&people->by_name, key, principal);
    principal->is_ambiguous = before != NULL;
    free(before);
    free(key);
    return !principal->is_ambiguous;
}

/* Enters a new object by its id. Returns what is wrong, or NULL. */
static char *enter_id(struct people *people, const struct spot *spot, const char *id,
                      const char *type)
{
    return enter(people, id, id, type)
               ? NULL
               : spot_complain(spot,
                               "another object has the id %s; give this one an 'id' of "
                               "its own",
                               id);
}

/* The id that the file gives, or the one that stands for a name. */
static void choose_id(const cJSON *given, const char *name, char id[UUID_TEXT_SIZE])
{
    const char *said = json_string_at(given, "id");

    if (said != NULL)
        memcpy(id, said, UUID_TEXT_SIZE);
    else
        uuid_from_name(name, id);
    text_lower(id);
}

/* ---- applications ---- */

/* The id that clients sign in with. */
static void choose_app_id(const cJSON *given, char app_id[UUID_TEXT_SIZE])
{
    const char *said = json_string_at(given, "app_id");
    char *seed = memory_format("application %s", json_string_at(given, "name"));

    if (said != NULL)
        memcpy(app_id, said, UUID_TEXT_SIZE);
    else
        uuid_from_name(seed, app_id);
    text_lower(app_id);
    free(seed);
}

static char *add_application(struct people *people, const struct spot *spot,
                             const cJSON *given)
{
    char id[UUID_TEXT_SIZE], app_id[UUID_TEXT_SIZE];

    choose_app_id(given, app_id);
    choose_id(given, app_id, id);

    const struct world_application application = {json_string_at(given, "name"), app_id,
                                                  id, NULL};
    const struct principal *own = map_find(&people->by_name, app_id);
    char *wrong;

    if (own != NULL && strcmp(own->id, id) == 0) { /* the simulator's own is there */
        const struct principal *named = find_name(people, application.name);

        if (named == NULL || strcmp(named->id, id) != 0)
            enter(people, application.name, id, "ServicePrincipal");
        world_application_equip(people->world, &application, given);
        return NULL;
    }
    wrong = enter_id(people, spot, id, "ServicePrincipal");
    if (wrong != NULL)
        return wrong;
    if (!enter(people, app_id, id, "ServicePrincipal"))
        return spot_complain(spot,
                             "another application has the app_id %s; give this one an "
                             "'app_id' of its own",
                             app_id);
    enter(people, application.name, id, "ServicePrincipal");
    world_application_add(people->world, &application);
    world_application_equip(people->world, &application, given);
    return NULL;
}

/* One of the simulator's own; `permissions` are its key in "graph_permissions". */
static void add_own_application(struct people *people, const char *name,
                                const char *app_id, const char *secret,
                                const char *permissions, unsigned rights)
{
    struct world *world = people->world;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(
        json_at(world->options, "graph_permissions"), permissions);
    const char *unknown;
    char id[UUID_TEXT_SIZE];
    const struct world_application application = {name, app_id, id, secret};

    uuid_from_name(app_id, id);
    enter(people, id, id, "ServicePrincipal");
    enter(people, app_id, id, "ServicePrincipal");
    enter(people, name, id, "ServicePrincipal");
    world_application_add(world, &application);
    if (given != NULL)
        graph_rights_read(given, &rights, &unknown);
    directory_set_rights(world, app_id, rights);
}

/* ---- users ---- */

static void capitalize(char *text)
{
    if (*text >= 'a' && *text <= 'z')
        *text = (char)(*text - 'a' + 'A');
}

/* `name` NULL: "ann.lee@contoso.example" is Ann Lee. */
static void save_user(struct world *world, const char *id, const char *upn,
                      const char *name, const char *password)
{
    char *first = memory_copy_text(upn, strcspn(upn, "@")), *last = strchr(first, '.');
    char *invented;
    cJSON *body = cJSON_CreateObject();

    if (last != NULL)
        *last++ = '\0';
    capitalize(first);
    if (last != NULL)
        capitalize(last);
    invented =
        memory_format("%s%s%s", first, last != NULL ? " " : "", last != NULL ? last : "");
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "displayName", name != NULL ? name : invented);
    cJSON_AddStringToObject(body, "givenName", first);
    cJSON_AddStringToObject(body, "surname", last != NULL ? last : "");
    cJSON_AddStringToObject(body, "mail", upn);
    cJSON_AddStringToObject(body, "userPrincipalName", upn);
    directory_save(world, "User", body, world->now_ms,
                   password != NULL ? &(struct directory_secret){.secret = password}
                                    : NULL);
    cJSON_Delete(body);
    free(invented);
    free(first);
}

static char *add_user(struct people *people, const struct spot *spot, const cJSON *given)
{
    const char *upn = json_string_at(given, "upn");
    char *key = text_lower(memory_copy_string(upn)), id[UUID_TEXT_SIZE], *wrong;

    choose_id(given, key, id);
    free(key);
    wrong = enter_id(people, spot, id, "User");
    if (wrong == NULL && !enter(people, upn, id, "User"))
        wrong = spot_complain(spot, "there are two users '%s'", upn);
    if (wrong == NULL)
        save_user(people->world, id, upn, json_string_at(given, "name"),
                  json_string_at(given, "password"));
    return wrong;
}

/* A user whom the file only mentions. */
static const struct principal *invent_user(struct people *people, const char *upn)
{
    char *key = text_lower(memory_copy_string(upn)), id[UUID_TEXT_SIZE];

    uuid_from_name(key, id);
    if (enter(people, upn, id, "User") && enter(people, id, id, "User"))
        save_user(people->world, id, upn, NULL, NULL);
    free(key);
    return find_name(people, upn);
}

const struct principal *people_find(struct people *people, const struct spot *spot,
                                    const char *name, char **wrong)
{
    const struct principal *found = find_name(people, name);

    if (found != NULL && !found->is_ambiguous)
        return found;
    if (found != NULL)
        *wrong =
            spot_complain(spot, "several are called '%s': name the one by its id", name);
    else if (strchr(name, '@') != NULL)
        return invent_user(people, name);
    else
        *wrong = spot_complain(
            spot,
            "no group, application or object id '%.100s' (a user has an '@' in the name)",
            name);
    return NULL;
}

/* ---- groups ---- */

static void save_group(struct people *people, const char *id, const char *name,
                       const cJSON *given)
{
    struct world *world = people->world;
    const char *description = json_string_at(given, "description");
    const char *nickname = json_string_at(given, "mail_nickname");
    char *created = world_format_now(world);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "displayName", name);
    if (description != NULL)
        cJSON_AddStringToObject(body, "description", description);
    else
        cJSON_AddNullToObject(body, "description");
    cJSON_AddStringToObject(body, "mailNickname", nickname != NULL ? nickname : name);
    cJSON_AddBoolToObject(body, "mailEnabled", false);
    cJSON_AddBoolToObject(body, "securityEnabled", true);
    cJSON_AddArrayToObject(body, "groupTypes");
    cJSON_AddStringToObject(body, "createdDateTime", created);
    directory_save(world, "Group", body, world->now_ms, NULL);
    cJSON_Delete(body);
    free(created);
}

static void choose_group_id(const cJSON *given, const char *name, char id[UUID_TEXT_SIZE])
{
    char *seed = memory_format("group %s", name);

    choose_id(given, seed, id);
    free(seed);
}

static char *add_group(struct people *people, const struct spot *spot, const char *name,
                       const cJSON *given, char id[UUID_TEXT_SIZE])
{
    char *wrong;

    choose_group_id(given, name, id);
    wrong = enter_id(people, spot, id, "Group");
    if (wrong != NULL)
        return wrong;
    enter(people, name, id, "Group");
    save_group(people, id, name, given);
    return NULL;
}

/* Adds all of a list of names to a group, as members or as owners. */
static char *add_named(struct people *people, const struct spot *spot, const char *group,
                       const char *key, const cJSON *names,
                       void (*add)(struct world *, const char *, const char *))
{
    const struct spot list = {spot, key, 0};
    const cJSON *name;
    int index = 0;

    cJSON_ArrayForEach (name, names) {
        const struct spot place = {&list, NULL, index++};
        char *wrong = NULL;
        const struct principal *found =
            people_find(people, &place, name->valuestring, &wrong);

        if (found == NULL)
            return wrong;
        if (strcmp(found->id, group) == 0)
            return spot_complain(&place, "a group cannot be in itself");
        add(people->world, group, found->id);
    }
    return NULL;
}

static char *add_members(struct people *people, const struct spot *spot,
                         const cJSON *given)
{
    char id[UUID_TEXT_SIZE], *wrong;

    choose_group_id(given, json_string_at(given, "name"), id);
    wrong = add_named(people, spot, id, "members", json_at(given, "members"),
                      directory_add_member);
    if (wrong == NULL)
        wrong = add_named(people, spot, id, "owners", json_at(given, "owners"),
                          directory_add_owner);
    return wrong;
}

/* The `number`th of people who are all different. Owned by the caller. */
static char *invent_upn(const struct world *world, size_t number)
{
    static const char *const first[] = {"ann",   "ben",   "carla", "david",
                                        "elena", "felix", "grace", "hugo",
                                        "irene", "jonas", "klara", "liam"};
    static const char *const last[] = {"adler", "brown",   "costa", "dietz",
                                       "evans", "fischer", "grant", "hansen",
                                       "ito",   "jung",    "klein", "lopez"};
    enum { COUNT = sizeof first / sizeof first[0] };
    const size_t round = number / (COUNT * COUNT);
    const char *given = first[number % COUNT];
    const char *family = last[(number / COUNT + number) % COUNT];

    if (round == 0)
        return memory_format("%s.%s@%s", given, family, world->domain);
    return memory_format("%s.%s%zu@%s", given, family, round, world->domain);
}

static void add_invented_members(struct people *people, const char *group, size_t first,
                                 size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        char *upn = invent_upn(people->world, i), *wrong = NULL;
        const struct spot nowhere = {0};
        const struct principal *found = people_find(people, &nowhere, upn, &wrong);

        if (found != NULL)
            directory_add_member(people->world, group, found->id);
        free(wrong);
        free(upn);
    }
}

static char *add_default_groups(struct people *people, const struct spot *spot)
{
    static const char *const teams[] = {
        "payments", "orders",        "identity",  "search",    "catalog", "shipping",
        "billing",  "notifications", "analytics", "inventory", "loyalty", "partners"};
    char id[UUID_TEXT_SIZE], payments[UUID_TEXT_SIZE] = "", billing[UUID_TEXT_SIZE] = "";
    char *wrong = NULL;

    for (size_t i = 0; i < sizeof teams / sizeof teams[0] && wrong == NULL; i++) {
        char *name = memory_format("api-team-%s", teams[i]);

        wrong = add_group(people, spot, name, NULL, id);
        if (wrong == NULL)
            add_invented_members(people, id, i * 3, 3);
        if (strcmp(teams[i], "payments") == 0)
            memcpy(payments, id, sizeof id);
        if (strcmp(teams[i], "billing") == 0)
            memcpy(billing, id, sizeof id);
        free(name);
    }
    directory_add_member(people->world, payments,
                         billing); /* those of billing are of payments too */
    return wrong;
}

static char *add_many_groups(struct people *people, const struct spot *spot,
                             const cJSON *groups)
{
    const char *prefix = json_string_at(groups, "prefix");
    const size_t count = (size_t)json_number_at(groups, "count", 0);
    const size_t members = (size_t)json_number_at(groups, "members", 0);
    char *wrong = NULL;

    for (size_t i = 0; i < count && wrong == NULL; i++) {
        char id[UUID_TEXT_SIZE];
        char *name =
            memory_format("%s%04zu", prefix != NULL ? prefix : "api-team-", i + 1);

        wrong = add_group(people, spot, name, NULL, id);
        if (wrong == NULL)
            add_invented_members(people, id, i * members, members);
        free(name);
    }
    return wrong;
}

static char *add_one_group(struct people *people, const struct spot *spot,
                           const cJSON *given)
{
    char id[UUID_TEXT_SIZE];

    return add_group(people, spot, json_string_at(given, "name"), given, id);
}

/* ---- all of them ---- */

static char *each(struct people *people, const struct spot *whole, const char *key,
                  char *(*add)(struct people *people, const struct spot *spot,
                               const cJSON *given))
{
    const struct spot list = {whole, key, 0};
    const cJSON *given;
    int index = 0;
    char *wrong = NULL;

    cJSON_ArrayForEach (given, json_at(people->world->options, key)) {
        const struct spot place = {&list, NULL, index++};

        if (wrong == NULL)
            wrong = add(people, &place, given);
    }
    return wrong;
}

static char *build_groups(struct people *people, const struct spot *whole)
{
    const cJSON *groups = json_at(people->world->options, "groups");
    const struct spot place = {whole, "groups", 0};
    char *wrong;

    if (groups == NULL)
        return add_default_groups(people, &place);
    if (cJSON_IsObject(groups))
        return add_many_groups(people, &place, groups);
    wrong = each(people, whole, "groups", add_one_group);
    return wrong != NULL ? wrong : each(people, whole, "groups", add_members);
}

char *people_build(struct people *people, const struct spot *whole)
{
    const struct sim_profile *profile = &people->world->profile;
    char *wrong;

    add_own_application(people, "contoso-automation", profile->client_id,
                        profile->client_secret, "owner", RIGHT_ALL);
    add_own_application(people, "contoso-guest", profile->guest_id, profile->guest_secret,
                        "guest", 0);
    wrong = each(people, whole, "applications", add_application);
    if (wrong == NULL)
        wrong = each(people, whole, "users", add_user);
    return wrong != NULL ? wrong : build_groups(people, whole);
}

/* ---- secrets ---- */

/* `secret` NULL: it has none of its own. */
static void restore_secret(struct world *world, const char *column, const char *value,
                           const char *secret)
{
    if (secret == NULL)
        return;

    char *key = text_lower(memory_copy_string(value));

    directory_restore_secret(world, column, key, secret);
    free(key);
}

void people_restore_secrets(struct world *world)
{
    const cJSON *given;

    restore_secret(world, "app_id", world->profile.client_id,
                   world->profile.client_secret);
    restore_secret(world, "app_id", world->profile.guest_id, world->profile.guest_secret);
    cJSON_ArrayForEach (given, json_at(world->options, "applications")) {
        char app_id[UUID_TEXT_SIZE];

        choose_app_id(given, app_id);
        restore_secret(world, "app_id", app_id, json_string_at(given, "secret"));
    }
    cJSON_ArrayForEach (given, json_at(world->options, "users"))
        restore_secret(world, "upn_key", json_string_at(given, "upn"),
                       json_string_at(given, "password"));
}
