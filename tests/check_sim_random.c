/* tests/check_sim_random.c - thousands of requests that nobody has thought of, made from the
 * model: none of them breaks the simulated services or their world.
 *
 * Each world has a seed of its own. MOONGATE_SEED (the first) and MOONGATE_REQUESTS (in
 * each world) choose others; a failure names its seed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/text.h"
#include "tests/specimen.h"
#include "tests/suite.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

enum { REQUESTS = 10000, CHECK_EVERY = 250, WORLDS = 4 };

static struct {
    uint64_t seed, state;
    char *guest;
    int by_class[6]; /* statuses by their first digit */
} r;

static uint64_t draw(void)
{
    r.state ^= r.state >> 12;
    r.state ^= r.state << 25;
    r.state ^= r.state >> 27;
    return r.state * UINT64_C(2685821657736338717);
}

static size_t below(size_t count)
{
    return (size_t)(draw() >> 33) % count;
}

static bool percent(unsigned rate)
{
    return below(100) < rate;
}

static const struct kind *any_kind(void)
{
    size_t count = 0;

    while (kinds[count] != NULL)
        count++;
    return kinds[below(count)];
}

/* ---- ids ---- */

/* The id of a stored resource, of `kind` unless that is NULL, or one that never was. Owned
 * by the caller. */
static char *any_id(const struct kind *kind)
{
    char seed[UUID_TEXT_SIZE], *name = memory_format("%" PRIu64, draw()), *id = NULL;

    uuid_from_name(name, seed); /* a key somewhere between those that there are */
    free(name);
    if (kind != NULL)
        id = database_text(h.world->database,
                           "SELECT id FROM entity WHERE type = ?1 LIMIT 1 OFFSET"
                           " ?2 % (1 + (SELECT COUNT(*) FROM entity WHERE type = ?1))",
                           "ti", kind->arm_type, (int64_t)below(1000));
    else
        id = database_text(h.world->database,
                           "SELECT id FROM entity LIMIT 1 OFFSET ? % (1 + (SELECT"
                           " COUNT(*) FROM entity))",
                           "i", (int64_t)below(100000));
    return id != NULL
               ? id
               : memory_format("%s/providers/%s/%s", h.group, "No.Such/thing", seed);
}

static char *any_parent(const struct kind *kind)
{
    if (kind->is_extension)
        return percent(30)   ? memory_copy_string(h.world->subscription_id)
               : percent(10) ? memory_copy_string("")
                             : any_id(NULL);
    return kind->parent != NULL ? any_id(kind->parent)
                                : memory_copy_string(h.world->subscription_id);
}

static char *any_name(const struct kind *kind)
{
    static const char *const odd[] = {"%20",          "a%2fb", "%00", "..", "x*y",
                                      "%F0%9F%8C%99", "-",     "a.",  "",   "%zz"};

    if (percent(10))
        return memory_copy_string(odd[below(COUNT(odd))]);
    if (percent(85))
        specimens.number = (int)below(8); /* names meet again */
    return specimen_name(kind);
}

/* Changes the case of a letter, doubles a slash or cuts the path. */
static void spoil(char *path)
{
    const size_t length = strlen(path), at = length > 0 ? below(length) : 0;

    if (length == 0)
        return;
    if (percent(70))
        path[at] = (char)(path[at] >= 'a' && path[at] <= 'z' ? path[at] - 32 : path[at]);
    else if (percent(50))
        path[at] = '/';
    else
        path[at] = '\0';
}

static char *any_path(const struct kind *kind, enum call_method method)
{
    char *parent = any_parent(kind), *name = any_name(kind), *path;
    const size_t form = below(100);

    if (form < (method == CALL_GET ? 20 : 3))
        path = memory_format("%s%s", parent, kind->collection);
    else if (form < (method == CALL_PUT ? 70 : 40))
        path = kind_format_id(kind, parent, name);
    else if (form < 90)
        path = any_id(kind);
    else if (form < 93)
        path = memory_format("%s/%s", parent, name);
    else if (form < 96)
        path = memory_format("%s/providers/Microsoft.Authorization/permissions", parent);
    else
        path = memory_format("%s/providers/%s", h.world->subscription_id, name);
    free(parent);
    free(name);
    if (percent(10))
        spoil(path);
    return path;
}

/* ---- bodies ---- */

static cJSON *junk(void)
{
    switch (below(9)) {
    case 0:
        return cJSON_CreateNull();
    case 1:
        return cJSON_CreateNumber(-1e300);
    case 2:
        return specimen_letters((int)below(5000));
    case 3:
        return json_parse("[[[[{\"a\":[null]}]]]]", 19, NULL);
    case 4:
        return cJSON_CreateString("\xf0\x9f\x8c\x99 '\"\\%s $n");
    case 5:
        return cJSON_CreateObject();
    case 6:
        return cJSON_CreateArray();
    case 7:
        return cJSON_CreateNumber((double)below(5000) / 3);
    default:
        return cJSON_CreateString(percent(50) ? "" : "/");
    }
}

static cJSON *any_value(const struct kind *kind, const struct field *field)
{
    cJSON *value;
    char *id;

    if (field->type != FIELD_ID && (value = find_extra(kind, field->path)) != NULL)
        return value;
    if (field->type != FIELD_ID)
        return specimen_value(field);
    if (kind == &role_assignment_kind && percent(90))
        return find_extra(kind, field->path);
    id = any_id(percent(80) ? NULL : any_kind());
    if (kind == &config_connection_kind && percent(70)) {
        free(id);
        id = any_id(&workspace_kind);
    } else if (kind != &config_connection_kind && percent(40)) {
        free(id);
        id = any_id(kind == &gateway_kind ? &subnet_kind : &network_security_group_kind);
    }
    value = cJSON_CreateString(id);
    free(id);
    return value;
}

/* Owned by the caller. */
static char *any_body(const struct kind *kind)
{
    static const char *const broken[] = {"",
                                         "[",
                                         "{}",
                                         "[]",
                                         "null",
                                         "\"text\"",
                                         "{\"properties\":7}",
                                         "{\"properties\":[]}",
                                         "\xff\xfe",
                                         "{\"a\":{\"a\":{\"a\":1}}}"};
    cJSON *body = cJSON_CreateObject();
    char *text;

    if (percent(5)) {
        cJSON_Delete(body);
        return memory_copy_string(broken[below(COUNT(broken))]);
    }
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const bool is_needed = (field->flags & FIELD_REQUIRED) != 0 ||
                               find_template(kind, field->path) != NULL;
        cJSON *value = percent(is_needed ? 97 : 25) ? any_value(kind, field) : NULL;

        if (percent(3)) {
            cJSON_Delete(value);
            value = junk();
        }
        if (value != NULL)
            json_set_at(body, field->path, value);
    }
    text = json_print(body);
    cJSON_Delete(body);
    return text;
}

/* ---- requests ---- */

static char *any_query(const struct kind *kind)
{
    static const char *const more[] = {"&$top=1",
                                       "&$top=0",
                                       "&$skip=3",
                                       "&$skip=-1",
                                       "&$skiptoken=a",
                                       "&$filter=x",
                                       "&$filter=atScope()",
                                       "&$skipToken=%27",
                                       "&$filter=principalId%20eq%20%27a%27",
                                       "&$filter=assignedTo(%27a%27)",
                                       "&$filter=roleName%20eq%20%27Reader%27",
                                       "&%zz=1",
                                       "&a&b=&=c"};
    const char *addition = percent(15) ? more[below(COUNT(more))] : "";

    if (percent(3))
        return memory_format("api-version=%s%s", percent(50) ? "" : "latest", addition);
    return memory_format("api-version=%s%s", kind->api_version, addition);
}

static const char *any_tag(void)
{
    static const char *const tags[] = {"*", "\"AAAAAAAAAAA=\"", "W/\"0\"", ""};

    return percent(80) ? NULL : tags[below(COUNT(tags))];
}

static const char *any_bearer(void)
{
    if (percent(85))
        return h.bearer;
    return percent(80) ? r.guest : percent(50) ? NULL : "Bearer x.y.z";
}

static void check_answer(const struct call *call, const char *url)
{
    const int status = h.answer.status;
    const char *code = json_string_at(h.json, "error.code");
    const bool is_error = status >= 400 && call->method != CALL_HEAD;

    r.by_class[status / 100 % 6]++;
    if (status >= 200 && status < 500 && (h.answer.body.length == 0 || h.json != NULL) &&
        (!is_error || (code != NULL && *code != '\0' &&
                       json_string_at(h.json, "error.message") != NULL)))
        return;
    ck_abort_msg("seed %" PRIu64 ": method %d %s\n%s\nanswers %d %s", r.seed,
                 (int)call->method, url, call->body != NULL ? call->body : "", status,
                 h.answer.body.length > 0 ? h.answer.body.data : "");
}

static void request(void)
{
    static const enum call_method methods[] = {
        CALL_PUT, CALL_PUT,  CALL_PUT,    CALL_PUT,   CALL_GET,
        CALL_GET, CALL_HEAD, CALL_DELETE, CALL_PATCH, CALL_POST};
    const struct kind *kind = any_kind();
    const enum call_method method = methods[below(COUNT(methods))];
    char *path = any_path(kind, method), *query = any_query(kind), *body = any_body(kind);
    char *url = memory_format("%s%s?%s", *path == '/' ? "" : "/", path, query);
    struct call call = {.method = method,
                        .authorization = any_bearer(),
                        .if_match = any_tag(),
                        .if_none_match = percent(5) ? any_tag() : NULL};

    if (call.method == CALL_PUT || call.method == CALL_PATCH || percent(5))
        call.body = body;
    if (method == CALL_DELETE && kind->parent == NULL && percent(80))
        call.method = CALL_GET; /* else nothing grows */
    plane_ask(h.world, &h.answer, &h.json, url, call);
    check_answer(&call, url);
    if (percent(20))
        pass_ms((int64_t)below(1500));
    free(path);
    free(query);
    free(body);
    free(url);
}

/* ---- what is always so ---- */

static const struct {
    const char *what, *sql; /* finds an exception */
} invariants[] = {
    {"a resource lies below nothing",
     "SELECT key FROM entity AS one WHERE parent <> '' AND parent <> ?1 AND NOT EXISTS"
     " (SELECT 1 FROM entity WHERE key = one.parent)"},
    {"a key is not the id in lower case", "SELECT key FROM entity WHERE key <> lower(id)"
                                          " AND ?1 <> ''"},
    {"a body has another id", "SELECT key FROM entity WHERE"
                              " lower(json_extract(body, '$.id')) <> key AND ?1 <> ''"},
    {"a link comes from nothing",
     "SELECT source FROM link WHERE ?1 <> '' AND NOT EXISTS (SELECT 1 FROM entity WHERE"
     " key = source)"},
    {"two subnets overlap",
     "SELECT one.subnet FROM block AS one JOIN block AS other ON one.network ="
     " other.network AND one.subnet < other.subnet AND one.first <= other.last AND"
     " other.first <= one.last WHERE ?1 <> ''"},
    {"addresses belong to nothing",
     "SELECT subnet FROM block WHERE ?1 <> '' AND NOT EXISTS (SELECT 1 FROM entity WHERE"
     " key = subnet)"},
    {"a subnet has no addresses",
     "SELECT key FROM entity WHERE type = 'Microsoft.Network/virtualNetworks/subnets' AND"
     " ?1 <> '' AND NOT EXISTS (SELECT 1 FROM block WHERE subnet = key)"},
    {"an assignment counts that is not there",
     "SELECT key FROM assignment WHERE ?1 <> '' AND NOT EXISTS (SELECT 1 FROM entity "
     "WHERE"
     " entity.key = assignment.key)"},
    {"an assignment does not count",
     "SELECT key FROM entity WHERE type = 'Microsoft.Authorization/roleAssignments' AND"
     " ?1 <> '' AND NOT EXISTS (SELECT 1 FROM assignment WHERE assignment.key ="
     " entity.key)"},
    {"a role has a name and no definition",
     "SELECT id FROM role WHERE NOT EXISTS (SELECT 1 FROM entity WHERE key = ?1 ||"
     " '/providers/microsoft.authorization/roledefinitions/' || role.id)"},
    {"an operation runs on nothing",
     "SELECT key FROM monitor WHERE ?1 <> '' AND next_ms IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM entity WHERE entity.key = monitor.key)"}};

static void check_link(const char *source, const char *target)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        char *type = text_lower(memory_copy_string((*kind)->arm_type));
        const struct kind low = {.arm_type = type};
        const bool is_one = kind_has_id(&low, target);

        free(type);
        if (is_one &&
            database_number(h.world->database, 0, "SELECT 1 FROM entity WHERE key = ?",
                            "t", target) == 0)
            ck_abort_msg("seed %" PRIu64 ": %s names %s, which is not there", r.seed,
                         source, target);
    }
}

static void check_world(void)
{
    sqlite3_stmt *row;

    for (size_t i = 0; i < COUNT(invariants); i++) {
        char *found = database_text(h.world->database, invariants[i].sql, "t",
                                    h.world->subscription_key);

        ck_assert_msg(found == NULL, "seed %" PRIu64 ": %s: %s", r.seed,
                      invariants[i].what, found);
    }
    row = database_query(h.world->database, "SELECT source, target FROM link", "");
    while (database_step(h.world->database, row))
        check_link(database_column(row, 0), database_column(row, 1));
    ck_assert_msg(database_is_healthy(h.world->database), "%s",
                  database_error(h.world->database));
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static char *sign_in_as_guest(void)
{
    struct sim_profile *profile = &h.world->profile;
    const struct sim_profile owner = *profile;
    char *bearer;

    profile->client_id = owner.guest_id;
    profile->client_secret = owner.guest_secret;
    bearer = plane_sign_in(h.world, &h.answer, &h.json, "http://sim");
    *profile = owner;
    return bearer;
}

START_TEST(no_request_breaks_the_world)
{
    char *description = specimen_world();
    const uint64_t count = setting("MOONGATE_REQUESTS", REQUESTS);

    r.seed = setting("MOONGATE_SEED", 1) + (uint64_t)_i;
    r.state = r.seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    open_world(description, NULL, r.seed);
    r.guest = sign_in_as_guest();
    for (uint64_t i = 1; i <= count; i++) {
        request();
        if (i % CHECK_EVERY == 0)
            check_world();
    }
    printf("random requests, seed %" PRIu64 ": %d with 2xx, %d with 4xx; %" PRId64
           " resources stay\n",
           r.seed, r.by_class[2], r.by_class[4],
           database_number(h.world->database, 0, "SELECT COUNT(*) FROM entity", ""));
    fflush(stdout);
    ck_assert_int_gt(r.by_class[2], (int)count / 8); /* else it tries nothing */
    ck_assert_int_gt(r.by_class[4], (int)count / 8);
    free(r.guest);
    free(description);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim random");
    TCase *topic = tcase_create("requests");

    suite_add_tcase(suite, topic);
    tcase_add_checked_fixture(topic, open_harness, close_harness);
    tcase_set_timeout(topic, 300);
    tcase_add_loop_test(topic, no_request_breaks_the_world, 0, WORLDS);

    return run_suite(suite);
}
