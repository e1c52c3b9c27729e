/* tests/check_sim_plant.c - what was done elsewhere is put into a simulated world. */
#include <check.h>

#include "base/clock.h"
#include "base/failure.h"
#include "sim/plant.h"
#include "suite.h"
#include "tests/plane.h"

#define SUBSCRIPTION "/subscriptions/11111111-2222-3333-4444-555555555555"
#define GROUP        SUBSCRIPTION "/resourceGroups/rg-apim"
#define SERVICE      GROUP "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define WORKSPACE    SERVICE "/workspaces/red"
#define GATEWAY      GROUP "/providers/Microsoft.ApiManagement/gateways/gw-1"
#define ELSEWHERE    SUBSCRIPTION "/resourceGroups/rg-new"
#define NETWORK      ELSEWHERE "/providers/Microsoft.Network/virtualNetworks/net-9"
#define GRANT                                                                            \
    WORKSPACE "/providers/Microsoft.Authorization/roleAssignments/"                      \
              "aaaaaaaa-0000-0000-0000-00000000000a"
#define TEAM   "aaaaaaaa-1111-2222-3333-444444444444"
#define MEMBER "bbbbbbbb-1111-2222-3333-444444444444"
#define OTHER  "cccccccc-1111-2222-3333-444444444444"

static struct clock now;
static struct world *world;
static struct answer answer;
static cJSON *json;
static char *manager, *graph;

static void set_up(void)
{
    static const char description[] =
        "{\"subscription\":{\"id\":\"11111111-2222-3333-4444-555555555555\"}}";
    struct failure *failure = NULL;

    clock_init(&now, CLOCK_VIRTUAL, 1.0);
    world = world_open(&(struct sim_options){.seed = 3}, &now, &failure);
    ck_assert_msg(world != NULL, "%s", failure != NULL ? failure->message : "");
    ck_assert_ptr_null(world_load(world, description, strlen(description)));
    answer_init(&answer);
    manager = plane_sign_in(world, &answer, &json, "https://management.azure.com");
    graph = plane_sign_in(world, &answer, &json, "https://graph.microsoft.com");
}

static void tear_down(void)
{
    answer_deinit(&answer);
    cJSON_Delete(json);
    free(manager);
    free(graph);
    world_close(world);
}

/* Asks for it; the status. */
static int get(const char *path)
{
    const bool is_graph = strncmp(path, "/v1.0/", 6) == 0;
    char *url =
        is_graph ? memory_copy_string(path) : memory_format("%s?" PLANE_VERSION, path);
    const int status = plane_ask(
        world, &answer, &json, url,
        (struct call){.method = CALL_GET, .authorization = is_graph ? graph : manager});

    free(url);
    return status;
}

static char *put(const char *method, const char *path, const char *body, const char *made)
{
    cJSON *tree = body != NULL ? json_parse(body, strlen(body), NULL) : NULL;
    char *wrong = plant(world, method, path, tree, made);

    cJSON_Delete(tree);
    return wrong;
}

enum { MOST_REQUESTS = 4 };

static const struct row {
    struct {
        const char *method, *path, *body, *made;
    } done[MOST_REQUESTS];
    const char *asked;
    int status;
    const char *member, *value; /* of the answer, or NULL */
} rows[] = {
    {{{"PUT", WORKSPACE, "{\"properties\":{\"displayName\":\"Red\"}}", NULL}},
     WORKSPACE,
     200,
     "properties.displayName",
     "Red"},
    {{{"PUT", WORKSPACE, "{\"properties\":{\"displayName\":\"Red\"}}", NULL},
      {"PATCH", WORKSPACE, "{\"properties\":{\"description\":\"new\"}}", NULL}},
     WORKSPACE,
     200,
     "properties.displayName",
     "Red"},
    {{{"PUT", WORKSPACE, "{\"properties\":{\"displayName\":\"Red\"}}", NULL},
      {"PUT", WORKSPACE, "{\"properties\":{\"displayName\":\"Crimson\"}}", NULL}},
     WORKSPACE,
     200,
     "properties.displayName",
     "Crimson"},
    {{{"PATCH", WORKSPACE, "{\"properties\":{\"description\":\"new\"}}", NULL}},
     WORKSPACE,
     200,
     "properties.description",
     "new"},
    {{{"PUT", WORKSPACE, "{\"properties\":{\"displayName\":\"Red\"}}", NULL},
      {"DELETE", WORKSPACE, NULL, NULL}},
     WORKSPACE,
     404,
     "error.code",
     "ResourceNotFound"},
    {{{"DELETE", WORKSPACE, NULL, NULL}}, WORKSPACE, 404, NULL, NULL},
    /* what lies above it is made, and what it names */
    {{{"PUT", NETWORK "/subnets/s-1",
       "{\"properties\":{\"addressPrefix\":\"10.7.0.0/24\"}}", NULL}},
     NETWORK "/subnets/s-1",
     200,
     "properties.addressPrefix",
     "10.7.0.0/24"},
    {{{"PUT", NETWORK "/subnets/s-1", NULL, NULL}}, ELSEWHERE, 200, "name", "rg-new"},
    {{{"PUT", WORKSPACE "/apis/a", "{\"properties\":{\"path\":\"a\"}}", NULL}},
     WORKSPACE,
     200,
     "name",
     "red"},
    {{{"PUT", GATEWAY,
       "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","
       "\"capacity\":2},\"properties\":{\"backend\":{\"subnet\":{\"id\":\"" NETWORK
       "/subnets/s-2\"}}}}",
       NULL}},
     GATEWAY,
     200,
     "properties.provisioningState",
     "Succeeded"},
    {{{"PUT", GATEWAY,
       "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","
       "\"capacity\":2},\"properties\":{\"backend\":{\"subnet\":{\"id\":\"" NETWORK
       "/subnets/s-2\"}}}}",
       NULL}},
     NETWORK "/subnets/s-2",
     200,
     "name",
     "s-2"},
    {{{"PUT", GRANT,
       "{\"properties\":{\"principalId\":\"" MEMBER
       "\",\"principalType\":\"User\",\"roleDefinitionId\":\"" SUBSCRIPTION
       "/providers/Microsoft.Authorization/roleDefinitions/"
       "acdd72a7-3385-48ef-bd42-f606fba81ae7\"}}",
       NULL}},
     GRANT,
     200,
     "properties.principalId",
     MEMBER},
    /* people */
    {{{"POST", "/v1.0/groups", "{\"displayName\":\"team\",\"mailNickname\":\"team\"}",
       TEAM}},
     "/v1.0/groups/" TEAM,
     200,
     "displayName",
     "team"},
    {{{"POST", "/v1.0/groups",
       "{\"displayName\":\"team\",\"members@odata.bind\":[\"https://graph.microsoft.com/"
       "v1.0/users/" MEMBER "\"]}",
       TEAM}},
     "/v1.0/users/" MEMBER,
     200,
     "id",
     MEMBER},
    {{{"POST", "/v1.0/groups", "{\"displayName\":\"team\"}", TEAM},
      {"PATCH", "/v1.0/groups/" TEAM, "{\"displayName\":\"crew\"}", NULL}},
     "/v1.0/groups/" TEAM,
     200,
     "displayName",
     "crew"},
    {{{"POST", "/v1.0/groups", "{\"displayName\":\"team\"}", TEAM},
      {"DELETE", "/v1.0/groups/" TEAM, NULL, NULL}},
     "/v1.0/groups/" TEAM,
     404,
     NULL,
     NULL},
    {{{"POST", "/v1.0/users",
       "{\"displayName\":\"Ann\",\"userPrincipalName\":\"ann@contoso.example\"}",
       MEMBER}},
     "/v1.0/users/ann@contoso.example",
     200,
     "id",
     MEMBER},
};

START_TEST(what_was_done_is_there)
{
    const struct row *row = &rows[_i];

    for (int i = 0; i < MOST_REQUESTS && row->done[i].method != NULL; i++) {
        char *wrong = put(row->done[i].method, row->done[i].path, row->done[i].body,
                          row->done[i].made);

        ck_assert_msg(wrong == NULL, "%s", wrong);
    }
    ck_assert_int_eq(get(row->asked), row->status);
    if (row->member != NULL)
        ck_assert_str_eq(json_string_at(json, row->member), row->value);
}
END_TEST

static int count_members(const char *bond)
{
    char *path = memory_format("/v1.0/groups/" TEAM "/%s", bond);
    int count;

    ck_assert_int_eq(get(path), 200);
    count = cJSON_GetArraySize(json_at(json, "value"));
    free(path);
    return count;
}

START_TEST(members_and_owners_come_and_go)
{
    static const char *const bonds[] = {"members", "owners"};
    const char *bond = bonds[_i];
    char *all = memory_format("/v1.0/groups/" TEAM "/%s/$ref", bond);
    char *one = memory_format("/v1.0/groups/" TEAM "/%s/" MEMBER "/$ref", bond);

    ck_assert_ptr_null(put("POST", "/v1.0/groups", "{\"displayName\":\"team\"}", TEAM));
    for (int i = 0; i < 2; i++) /* said twice it is there once */
        ck_assert_ptr_null(put("POST", all,
                               "{\"@odata.id\":\"https://graph.microsoft.com/v1.0/"
                               "directoryObjects/" MEMBER "\"}",
                               NULL));
    ck_assert_ptr_null(put("POST", all,
                           "{\"@odata.id\":\"https://graph.microsoft.com/v1.0/"
                           "directoryObjects/" OTHER "\"}",
                           NULL));
    ck_assert_int_eq(count_members(bond), 2);
    ck_assert_ptr_null(put("DELETE", one, NULL, NULL));
    ck_assert_ptr_null(put("DELETE", one, NULL, NULL));
    ck_assert_int_eq(count_members(bond), 1);
    free(all);
    free(one);
}
END_TEST

static const struct {
    const char *method, *path, *body, *says;
} refused[] = {
    {"PUT", "/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/rg", NULL,
     "it is in another subscription"},
    {"PUT", GROUP "/providers/Microsoft.Compute/virtualMachines/vm", NULL,
     "of a kind that is not simulated"},
    {"PUT", "/", NULL, "it is in another subscription"},
    {"POST", GATEWAY "/restart", NULL, "what it did is not known"},
    {"POST", "/v1.0/applications", "{\"displayName\":\"app\"}",
     "is not known well enough"},
    {"POST", "/v1.0/groups/" TEAM "/members/$ref", NULL, "is not known well enough"},
    {"PATCH", "/v1.0/a/b/c/d/e/f/g/h", NULL, "is not known well enough"},
    {"PUT", WORKSPACE, "{\"properties\":{\"displayName\":7}}", "displayName"},
};

START_TEST(what_cannot_be_put_changes_nothing)
{
    char *wrong = put(refused[_i].method, refused[_i].path, refused[_i].body, NULL);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, refused[_i].says) != NULL, "%s", wrong);
    free(wrong);
    ck_assert_int_eq(get(WORKSPACE), 404);
    ck_assert_int_eq(get("/v1.0/groups/" TEAM), 404);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim: plant");
    TCase *topic = add_case(suite, "plant", set_up, tear_down);

    tcase_add_loop_test(topic, what_was_done_is_there, 0, COUNT_OF(rows));
    tcase_add_loop_test(topic, members_and_owners_come_and_go, 0, 2);
    tcase_add_loop_test(topic, what_cannot_be_put_changes_nothing, 0, COUNT_OF(refused));
    return run_suite(suite);
}
