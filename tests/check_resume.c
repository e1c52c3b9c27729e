/* tests/check_resume.c - writes of a run that is carried on: what is sent, what the script gets.
 *
 * Each row is a run of two attempts with one journal, against scripted answers. The first ends
 * as a process does by kill -9: its journal is what was safe by then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/operation.h"
#include "arm/resource.h"
#include "base/failure.h"
#include "base/json.h"
#include "harness.h"
#include "sink.h"

#define ID                                                                               \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/gateways/gw"
#define URL     ID "?api-version=2024-05-01"
#define SPACE   "/subscriptions/s/resourceGroups/g/providers/x/service/x/workspaces/ws"
#define SURL    SPACE "?api-version=2024-05-01"
#define MONITOR "Azure-AsyncOperation: {base}/m/1\nRetry-After: 0"

#define GATEWAY(units, state)                                                            \
    "{\"id\":\"" ID "\",\"name\":\"gw\",\"location\":\"westeurope\",\"sku\":{\"name\":"  \
    "\"WorkspaceGatewayPremium\",\"capacity\":" #units                                   \
    "},\"properties\":{\"provisioningState\":\"" state "\"}}"
#define WORKSPACE(label)                                                                 \
    "{\"id\":\"" SPACE "\",\"name\":\"ws\",\"properties\":{\"displayName\":\"" label     \
    "\"}}"
#define RUNNING "{\"status\":\"InProgress\"}"
#define ENDED   "{\"status\":\"Succeeded\"}"
#define BROKEN                                                                           \
    "{\"status\":\"Failed\",\"error\":{\"code\":\"NoCapacity\",\"message\":\"none\"}}"
#define REFUSED "{\"error\":{\"code\":\"Locked\",\"message\":\"no\"}}"
#define ABSENT  STEP("GET " URL, 404, NULL, "")
#define STAYS(request_, status_)                                                         \
    {                                                                                    \
        .request = (request_), .status = (status_), .stays = true                        \
    }
#define MONITOR_GONE STAYS("GET /m/1", 410)
#define STALLS(request_)                                                                 \
    {                                                                                    \
        .request = (request_), .manner = SERVER_STALLS, .status = 500                    \
    }

static struct harness h;
static struct sink sink;

/* --- attempts ------------------------------------------------------------------------- */

/* The process begins: it has the journal, and nothing else. */
static void begin_attempt(void)
{
    client_deinit(&h.client);
    h.client = (struct client){.loop = h.loop, .origins = h.client.origins};
    sink_begin(&sink, h.loop, "run-1");
    h.client.journal = sink.journal;
    pipeline_free(h.client.pipeline);
    harness_open_pipeline(&h);
}

static void set_up(void)
{
    harness_open(&h, &(struct transport_options){0});
    memset(&sink, 0, sizeof sink);
    pipeline_free(h.client.pipeline);
    h.client.pipeline = NULL;
    begin_attempt();
}

static void kill_attempt(void)
{
    sink_kill(&sink);
    pipeline_free(h.client.pipeline);
    h.client.pipeline = NULL;
}

static void tear_down(void)
{
    harness_close(&h);
    sink_deinit(&sink);
}

static void on_safe(struct journal_wait *wait, const struct failure *failure)
{
    (void)wait;
    ck_assert_ptr_null(failure);
}

static void sync_all(void)
{
    struct journal_wait wait = {.safe = on_safe};

    journal_sync(sink.journal, &wait);
    harness_settle(&h);
}

static bool somebody_stalls(void *context)
{
    (void)context;
    return h.server.stalled_count > 0;
}

/* Whether the server was asked what the script says, in this order; a step that stays is for one
 * request or more. */
static bool was_asked(const struct server_step *script)
{
    const char *at = server_log(&h.server);

    for (; script->request != NULL; script++) {
        const size_t length = strlen(script->request);
        bool is_again = false;

        while (strncmp(at, script->request, length) == 0 && at[length] == '\n' &&
               (!is_again || script->stays)) {
            at += length + 1;
            is_again = true;
        }
        if (!is_again)
            return false;
    }
    return *at == '\0';
}

static void assert_asked(const char *name, const struct server_step *script)
{
    ck_assert_msg(was_asked(script), "%s: asked\n%.900s", name, server_log(&h.server));
}

/* --- verbs of resources --------------------------------------------------------------- */

/* When the first attempt dies. */
enum death {
    DIES_BEFORE, /* it is begun */
    DIES_ASKING, /* while the server keeps it waiting */
    DIES_AT_END, /* when the script has the result, and what nobody waited for is lost */
    DIES_AFTER   /* when all is in the journal */
};

struct row {
    const char *name;
    enum resource_verb verb;
    enum death death;
    struct server_step first[5];
    struct server_step then[7];
    const char *end;  /* an outcome or the code of a failure */
    const char *want; /* what is asked for; NULL: a gateway of one unit */
    const char *if_match;
    const char *code; /* of the failure of the first attempt; NULL: there is none */
};

#define WANTS_3 "{\"sku\":{\"capacity\":3}}"

static const struct row rows[] = {
    /* --- create */
    {"create that was never sent", RESOURCE_CREATE, DIES_BEFORE,
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create that finds somebody else's", RESOURCE_CREATE, DIES_BEFORE,
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "AlreadyExists"},
    {"create with a lost answer, not done", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create with a lost answer, done", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))}, .end = "created"},
    {"create with a lost answer, being made", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Creating")),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Creating")),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create with a lost answer, somebody else's there", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(2, "Succeeded"))},
     .end = "AlreadyExists"},
    {"create with a lost answer, failed there", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Failed")),
              STEP("PUT " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create under way", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create under way without a monitor", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Creating")),
               STALLS("GET " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Creating")),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create under way, its monitor gone", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STALLS("GET /m/1")},
     .then = {MONITOR_GONE, STEP("GET " URL, 200, NULL, GATEWAY(1, "Creating")),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create under way that failed there", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, BROKEN)}, .end = "NoCapacity"},
    {"create that was answered", RESOURCE_CREATE, DIES_AT_END,
     .first = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))}, .end = "created"},
    {"create that was answered, and is gone", RESOURCE_CREATE, DIES_AT_END,
     .first = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create that was followed to its end", RESOURCE_CREATE, DIES_AT_END,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STEP("GET /m/1", 200, NULL, ENDED),
               STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .then = {STEP("GET /m/1", 200, NULL, ENDED),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create that is done", RESOURCE_CREATE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))}, .end = "created"},
    {"create that is done, and was changed since", RESOURCE_CREATE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(5, "Succeeded"))}, .end = "created"},
    {"create that is done, and is being changed", RESOURCE_CREATE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Updating")),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"create that was refused", RESOURCE_CREATE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 400, NULL, REFUSED)},
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created", .code = "Locked"},
    {"create that was refused finds somebody else's", RESOURCE_CREATE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 400, NULL, REFUSED)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "AlreadyExists", .code = "Locked"},
    {"create that was accepted and then failed", RESOURCE_CREATE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STEP("GET /m/1", 200, NULL, BROKEN)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Failed")),
              STEP("PUT " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created", .code = "NoCapacity"},

    /* --- ensure */
    {"ensure that was never sent", RESOURCE_ENSURE, DIES_BEFORE,
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"ensure with a lost creation, done", RESOURCE_ENSURE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))}, .end = "created"},
    {"ensure with a lost creation, not done", RESOURCE_ENSURE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"ensure with a lost creation, being made", RESOURCE_ENSURE, DIES_ASKING,
     .first = {ABSENT, STALLS("PUT " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Creating")),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"ensure with a lost change, done", RESOURCE_ENSURE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STALLS("PATCH " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))}, .end = "changed",
     .want = WANTS_3},
    {"ensure with a lost change, not done", RESOURCE_ENSURE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STALLS("PATCH " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
              STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .end = "changed", .want = WANTS_3},
    {"ensure with a change under way", RESOURCE_ENSURE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STEP("PATCH " URL, 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, ENDED),
              STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .end = "changed", .want = WANTS_3},
    {"ensure with a creation under way", RESOURCE_ENSURE, DIES_ASKING,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, ENDED),
              STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"ensure that had nothing to do", RESOURCE_ENSURE, DIES_AFTER,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))}, .end = "unchanged"},
    {"ensure that had nothing to do, and it is gone", RESOURCE_ENSURE, DIES_AFTER,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))},
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
    {"ensure that changed, done", RESOURCE_ENSURE, DIES_AFTER,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))}, .end = "changed",
     .want = WANTS_3},
    {"ensure that was refused", RESOURCE_ENSURE, DIES_AFTER,
     .first = {ABSENT, STEP("PUT " URL, 403, NULL, REFUSED)},
     .then = {ABSENT, STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created", .code = "Locked"},

    /* --- update */
    {"update that was never sent", RESOURCE_UPDATE, DIES_BEFORE,
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
              STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .end = "changed", .want = WANTS_3},
    {"update with a lost answer, done", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STALLS("PATCH " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))}, .end = "changed",
     .want = WANTS_3},
    {"update with a lost answer, going on", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STALLS("PATCH " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Updating")),
              STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .end = "changed", .want = WANTS_3},
    {"update with a lost answer, and it is gone", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STALLS("PATCH " URL)},
     .then = {STEP("GET " URL, 404, NULL,
                   "{\"error\":{\"code\":\"ResourceNotFound\",\"message\":\"no\"}}")},
     .end = "ResourceNotFound", .want = WANTS_3},
    {"update under way", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STEP("PATCH " URL, 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, ENDED),
              STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .end = "changed", .want = WANTS_3},
    {"update under way, its monitor gone", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STEP("PATCH " URL, 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {MONITOR_GONE, STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .end = "changed", .want = WANTS_3},
    {"update that was answered", RESOURCE_UPDATE, DIES_AT_END,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded"))}, .end = "changed",
     .want = WANTS_3},
    {"update that is done, and was undone since", RESOURCE_UPDATE, DIES_AFTER,
     .first = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
               STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded"))},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded"))}, .end = "changed",
     .want = WANTS_3},

    /* --- delete */
    {"delete that was never sent", RESOURCE_DELETE, DIES_BEFORE,
     .then = {STEP("DELETE " URL, 200, NULL, "")}, .end = "deleted"},
    {"delete with a lost answer, done", RESOURCE_DELETE, DIES_ASKING,
     .first = {STALLS("DELETE " URL)}, .then = {STEP("DELETE " URL, 204, NULL, NULL)},
     .end = "deleted"},
    {"delete with a lost answer, done, and 404 says so", RESOURCE_DELETE, DIES_ASKING,
     .first = {STALLS("DELETE " URL)}, .then = {STEP("DELETE " URL, 404, NULL, "")},
     .end = "deleted"},
    {"delete with a lost answer, not done", RESOURCE_DELETE, DIES_ASKING,
     .first = {STALLS("DELETE " URL)},
     .then = {STEP("DELETE " URL, 202, MONITOR, ""), STEP("GET /m/1", 200, NULL, ENDED)},
     .end = "deleted"},
    {"delete under way", RESOURCE_DELETE, DIES_ASKING,
     .first = {STEP("DELETE " URL, 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED)},
     .end = "deleted"},
    {"delete under way, its monitor gone", RESOURCE_DELETE, DIES_ASKING,
     .first = {STEP("DELETE " URL, 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {MONITOR_GONE, ABSENT}, .end = "deleted"},
    {"delete without a monitor under way", RESOURCE_DELETE, DIES_ASKING,
     .first = {STEP("DELETE " URL, 202, NULL, ""), STALLS("GET " URL)},
     .then = {STEP("GET " URL, 200, NULL, GATEWAY(1, "Deleting")), ABSENT},
     .end = "deleted"},
    {"delete that was answered", RESOURCE_DELETE, DIES_AT_END,
     .first = {STEP("DELETE " URL, 200, NULL, "")}, .end = "deleted"},
    {"delete that is done", RESOURCE_DELETE, DIES_AFTER,
     .first = {STEP("DELETE " URL, 200, NULL, "")}, .end = "deleted"},
    {"delete that found nothing", RESOURCE_DELETE, DIES_AFTER,
     .first = {STEP("DELETE " URL, 204, NULL, NULL)}, .end = "absent"},
    {"delete that was refused", RESOURCE_DELETE, DIES_AFTER,
     .first = {STEP("DELETE " URL, 400, NULL, REFUSED)},
     .then = {STEP("DELETE " URL, 200, NULL, "")}, .end = "deleted", .code = "Locked"},

    /* --- gone on the way */
    {"create under way, its monitor and itself gone", RESOURCE_CREATE, DIES_ASKING,
     .first = {ABSENT, STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
               STALLS("GET /m/1")},
     .then = {MONITOR_GONE, STAYS("GET " URL, 404),
              STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded"))},
     .end = "created"},
};

/* --- an entity tag that the script asks for ------------------------------------------- */

#define TAG(n)      "ETag: \"" #n "\""
#define WANTS_LABEL "{\"properties\":{\"displayName\":\"Pay\"}}"

static const struct row tagged_rows[] = {
    {"update of a tag with a lost answer, done", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " SURL, 200, TAG(1), WORKSPACE("Old")), STALLS("PATCH " SURL)},
     .then = {STEP("GET " SURL, 200, TAG(2), WORKSPACE("Pay"))}, .end = "changed"},
    {"update of a tag with a lost answer, not done", RESOURCE_UPDATE, DIES_ASKING,
     .first = {STEP("GET " SURL, 200, TAG(1), WORKSPACE("Old")), STALLS("PATCH " SURL)},
     .then = {STEP("GET " SURL, 200, TAG(1), WORKSPACE("Old")),
              STEP("PATCH " SURL, 200, TAG(2), WORKSPACE("Pay"))},
     .end = "changed"},
    {"update of a tag with a lost answer, changed by others", RESOURCE_UPDATE,
     DIES_ASKING,
     .first = {STEP("GET " SURL, 200, TAG(1), WORKSPACE("Old")), STALLS("PATCH " SURL)},
     .then = {STEP("GET " SURL, 200, TAG(2), WORKSPACE("Other"))},
     .end = "PreconditionFailed"},
    {"update of a tag that is done", RESOURCE_UPDATE, DIES_AFTER,
     .first = {STEP("GET " SURL, 200, TAG(1), WORKSPACE("Old")),
               STEP("PATCH " SURL, 200, TAG(2), WORKSPACE("Pay"))},
     .then = {STEP("GET " SURL, 200, TAG(2), WORKSPACE("Pay"))}, .end = "changed"},
    {"update of a tag that was refused", RESOURCE_UPDATE, DIES_AFTER,
     .first = {STEP("GET " SURL, 200, TAG(2), WORKSPACE("Old"))},
     .then = {STEP("GET " SURL, 200, TAG(2), WORKSPACE("Old"))},
     .end = "PreconditionFailed", .code = "PreconditionFailed"},
    {"delete of a tag with a lost answer, done", RESOURCE_DELETE, DIES_ASKING,
     .first = {STALLS("DELETE " SURL)}, .then = {STEP("DELETE " SURL, 204, NULL, NULL)},
     .end = "deleted"},
};

static cJSON *parse(const char *text)
{
    cJSON *tree = json_parse(text, strlen(text), NULL);

    ck_assert_msg(tree != NULL, "%s", text);
    return tree;
}

static const char one_unit[] =
    "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","
    "\"capacity\":1}}";

static struct resource_operation *start(enum resource_verb verb, const char *want)
{
    return resource_start(
        &h.client, verb, kind_find("gateway"), ID, NULL,
        verb != RESOURCE_DELETE ? parse(want != NULL ? want : one_unit) : NULL, NULL);
}

static struct resource_operation *start_tagged(enum resource_verb verb)
{
    return resource_start(&h.client, verb, kind_find("workspace"), SPACE, "\"1\"",
                          verb != RESOURCE_DELETE ? parse(WANTS_LABEL) : NULL, NULL);
}

static const char *end_of(const struct resource_operation *operation)
{
    return resource_failure(operation) != NULL
               ? resource_failure(operation)->code
               : resource_outcome_names[resource_outcome(operation)];
}

static struct resource_operation *start_row(const struct row *row)
{
    return row >= tagged_rows && row < tagged_rows + sizeof tagged_rows / sizeof *row
               ? start_tagged(row->verb)
               : start(row->verb, row->want);
}

static void run_first_attempt(const struct row *row)
{
    struct resource_operation *operation;

    if (row->death == DIES_BEFORE)
        return;
    server_play(&h.server, row->first);
    operation = start_row(row);
    if (row->death == DIES_ASKING) {
        ck_assert_msg(loop_run(h.loop, somebody_stalls, NULL, false), "%s: asked\n%.900s",
                      row->name, server_log(&h.server));
    } else {
        harness_settle(&h);
        ck_assert_msg(
            strcmp(end_of(operation), row->code != NULL ? row->code : row->end) == 0 ||
                row->code == NULL,
            "%s: ends at first in %s", row->name, end_of(operation));
    }
    if (row->death == DIES_AFTER)
        sync_all();
    assert_asked(row->name, row->first);
    resource_release(operation);
}

static void check_row(const struct row *row)
{
    static const struct server_step nothing[] = {{0}};
    const struct server_step *then = row->then[0].request != NULL ? row->then : nothing;
    struct resource_operation *operation;
    uint64_t skipped = 0;

    run_first_attempt(row);
    kill_attempt();
    begin_attempt();
    server_play(&h.server, then);
    operation = start_row(row);
    harness_settle(&h);
    ck_assert(resource_waitable(operation)->is_done);
    ck_assert_msg(strcmp(end_of(operation), row->end) == 0,
                  "%s: ends in %s; asked\n%.900s", row->name, end_of(operation),
                  server_log(&h.server));
    assert_asked(row->name, then);
    ck_assert_ptr_null(journal_find_skipped(sink.journal, &skipped));
    if (resource_failure(operation) == NULL && row->verb != RESOURCE_DELETE) {
        cJSON *body = resource_take_body(operation);

        ck_assert_ptr_nonnull(json_string_at(body, "id"));
        cJSON_Delete(body);
    }
    resource_release(operation);
}

START_TEST(a_write_is_carried_on)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(a_write_of_an_entity_tag_is_carried_on)
{
    check_row(&tagged_rows[_i]);
}
END_TEST

/* --- several writes of one resource --------------------------------------------------- */

static const char *run(enum resource_verb verb, const char *want)
{
    static char end[32];
    struct resource_operation *operation = start(verb, want);

    harness_settle(&h);
    ck_assert(resource_waitable(operation)->is_done);
    snprintf(end, sizeof end, "%s", end_of(operation));
    resource_release(operation);
    return end;
}

#define WANTS_5 "{\"sku\":{\"capacity\":5}}"

START_TEST(three_there_five_and_back_are_three_steps)
{
    static const struct server_step first[] = {
        STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
        STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded")),
        STEP("GET " URL, 200, NULL, GATEWAY(3, "Succeeded")),
        STEP("PATCH " URL, 200, NULL, GATEWAY(5, "Succeeded")),
        {0}};
    static const struct server_step then[] = {
        STEP("GET " URL, 200, NULL, GATEWAY(5, "Succeeded")),
        STEP("GET " URL, 200, NULL, GATEWAY(5, "Succeeded")),
        STEP("GET " URL, 200, NULL, GATEWAY(5, "Succeeded")),
        STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded")),
        {0}};

    server_play(&h.server, first);
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_3), "changed");
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_5), "changed");
    sync_all();
    kill_attempt();
    begin_attempt();
    server_play(&h.server, then);
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_3), "changed");
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_5), "changed");
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_3), "changed");
    assert_asked("again", then);
}
END_TEST

/* The deletion's own state when the first attempt dies. */
START_TEST(what_was_made_and_deleted_is_not_made_again)
{
    static const struct server_step lost[] = {
        ABSENT,
        STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded")),
        STALLS("DELETE " URL),
        {0}};
    static const struct server_step done[] = {
        ABSENT,
        STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded")),
        STEP("DELETE " URL, 200, NULL, ""),
        {0}};
    static const struct server_step then_lost[] = {
        ABSENT, STEP("DELETE " URL, 204, NULL, NULL), {0}};
    static const struct server_step then_done[] = {ABSENT, {0}};
    struct resource_operation *operation;

    server_play(&h.server, _i == 0 ? lost : done);
    ck_assert_str_eq(run(RESOURCE_CREATE, NULL), "created");
    operation = start(RESOURCE_DELETE, NULL);
    if (_i == 0)
        ck_assert(loop_run(h.loop, somebody_stalls, NULL, false));
    else
        harness_settle(&h);
    if (_i == 2)
        sync_all();
    resource_release(operation);
    kill_attempt();
    begin_attempt();
    server_play(&h.server, _i == 0 ? then_lost : then_done);
    ck_assert_str_eq(run(RESOURCE_CREATE, NULL), "created");
    ck_assert_str_eq(run(RESOURCE_DELETE, NULL), "deleted");
    assert_asked("deleted", _i == 0 ? then_lost : then_done);
}
END_TEST

START_TEST(two_alike_in_another_order_are_both_carried_on)
{
    static const struct server_step first[] = {
        STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
        STEP("PATCH " URL, 200, NULL, GATEWAY(3, "Succeeded")),
        STEP("DELETE " URL, 200, NULL, ""),
        ABSENT,
        STEP("PUT " URL, 201, NULL, GATEWAY(1, "Succeeded")),
        {0}};
    static const struct server_step then[] = {
        STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
        STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
        {0}};

    server_play(&h.server, first);
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_3), "changed");
    ck_assert_str_eq(run(RESOURCE_DELETE, NULL), "deleted");
    ck_assert_str_eq(run(RESOURCE_CREATE, NULL), "created");
    sync_all();
    kill_attempt();
    begin_attempt();
    server_play(&h.server, then);
    ck_assert_str_eq(run(RESOURCE_CREATE, NULL), "created");
    ck_assert_str_eq(run(RESOURCE_DELETE, NULL), "deleted");
    ck_assert_str_eq(run(RESOURCE_UPDATE, WANTS_3), "changed");
    assert_asked("another order", then);
}
END_TEST

/* --- plain requests ------------------------------------------------------------------- */

struct request_row {
    const char *name;
    const char *method;
    enum death death;
    struct server_step first[4];
    struct server_step then[6];
    const char *code;   /* of the failure, or NULL */
    int status;         /* of the answer */
    bool is_repeatable; /* the script says so */
    bool repeats_lost;  /* the user says so */
    const char *header;
    const char *first_code;
};

#define DONE                                                                             \
    "{\"id\":\"/t/x\",\"a\":1,\"properties\":{\"provisioningState\":\"Succeeded\"}}"
#define BUSY                                                                             \
    "{\"id\":\"/t/x\",\"a\":1,\"properties\":{\"provisioningState\":\"Creating\"}}"
#define OTHER                                                                            \
    "{\"id\":\"/t/x\",\"a\":2,\"properties\":{\"provisioningState\":\"Succeeded\"}}"

static const struct request_row request_rows[] = {
    {"PUT that was never sent", "PUT", DIES_BEFORE,
     .then = {STEP("PUT /t/x", 201, NULL, DONE)}, .status = 201},
    {"PUT with a lost answer, done", "PUT", DIES_ASKING, .first = {STALLS("PUT /t/x")},
     .then = {STEP("GET /t/x", 200, NULL, DONE)}, .status = 200},
    {"PUT with a lost answer, being made", "PUT", DIES_ASKING,
     .first = {STALLS("PUT /t/x")},
     .then = {STEP("GET /t/x", 200, NULL, BUSY), STEP("GET /t/x", 200, NULL, DONE)},
     .status = 200},
    {"PUT with a lost answer, something else there", "PUT", DIES_ASKING,
     .first = {STALLS("PUT /t/x")},
     .then = {STEP("GET /t/x", 200, NULL, OTHER), STEP("PUT /t/x", 200, NULL, DONE)},
     .status = 200},
    {"PUT with a lost answer, absent", "PUT", DIES_ASKING, .first = {STALLS("PUT /t/x")},
     .then = {STEP("GET /t/x", 404, NULL, ""), STEP("PUT /t/x", 201, NULL, DONE)},
     .status = 201},
    {"PUT under way", "PUT", DIES_ASKING,
     .first = {STEP("PUT /t/x", 201, MONITOR, BUSY), STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED),
              STEP("GET /t/x", 200, NULL, DONE)},
     .status = 200},
    {"PUT under way, its monitor gone", "PUT", DIES_ASKING,
     .first = {STEP("PUT /t/x", 201, MONITOR, BUSY), STALLS("GET /m/1")},
     .then = {MONITOR_GONE, STEP("GET /t/x", 200, NULL, DONE)}, .status = 200},
    {"PUT under way, its monitor and itself gone", "PUT", DIES_ASKING,
     .first = {STEP("PUT /t/x", 201, MONITOR, BUSY), STALLS("GET /m/1")},
     .then = {MONITOR_GONE, STAYS("GET /t/x", 404), STEP("PUT /t/x", 201, NULL, DONE)},
     .status = 201},
    {"PUT that was answered", "PUT", DIES_AT_END,
     .first = {STEP("PUT /t/x", 201, NULL, DONE)},
     .then = {STEP("GET /t/x", 200, NULL, DONE)}, .status = 200},
    {"PUT that is done", "PUT", DIES_AFTER, .first = {STEP("PUT /t/x", 201, NULL, DONE)},
     .then = {STEP("GET /t/x", 200, NULL, OTHER)}, .status = 200},
    {"PUT that is done, and gone", "PUT", DIES_AFTER,
     .first = {STEP("PUT /t/x", 201, NULL, DONE)},
     .then = {STEP("GET /t/x", 404, NULL, ""), STEP("PUT /t/x", 201, NULL, DONE)},
     .status = 201},
    {"PUT that is done, and cannot be read", "PUT", DIES_AFTER,
     .first = {STEP("PUT /t/x", 201, NULL, DONE)},
     .then = {STEP("GET /t/x", 405, NULL, "")}, .status = 201},
    {"PUT that was refused", "PUT", DIES_AFTER,
     .first = {STEP("PUT /t/x", 400, NULL, REFUSED)},
     .then = {STEP("PUT /t/x", 201, NULL, DONE)}, .status = 201, .first_code = "Locked"},

    {"POST that was never sent", "POST", DIES_BEFORE,
     .then = {STEP("POST /t/x", 200, NULL, DONE)}, .status = 200},
    {"POST with a lost answer", "POST", DIES_ASKING, .first = {STALLS("POST /t/x")},
     .code = "AnswerLost"},
    {"POST with a lost answer that may be repeated", "POST", DIES_ASKING,
     .first = {STALLS("POST /t/x")}, .then = {STEP("POST /t/x", 200, NULL, DONE)},
     .status = 200, .is_repeatable = true},
    {"POST with a lost answer that is to be repeated", "POST", DIES_ASKING,
     .first = {STALLS("POST /t/x")}, .then = {STEP("POST /t/x", 200, NULL, DONE)},
     .status = 200, .repeats_lost = true},
    {"POST under way", "POST", DIES_ASKING,
     .first = {STEP("POST /t/x", 202, "Location: {base}/m/1\nRetry-After: 0", ""),
               STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 202, NULL, ""), STEP("GET /m/1", 200, NULL, DONE)},
     .status = 200},
    {"GET that hides a write and is done", "GET", DIES_AFTER,
     .first = {STEP("GET /t/x", 200, NULL, "{}")}, .status = 200,
     .header = "X-HTTP-Method-Override: DELETE"},
    {"GET that hides a write, with a lost answer", "GET", DIES_ASKING,
     .first = {STALLS("GET /t/x")}, .code = "AnswerLost",
     .header = "X-HTTP-Method-Override: DELETE"},
    {"POST that goes on where nobody can ask", "POST", DIES_AFTER,
     .first = {STEP("POST /t/x", 202, NULL, "")}, .code = "ProtocolError",
     .first_code = "ProtocolError"},
    {"PUT under way that failed there", "PUT", DIES_ASKING,
     .first = {STEP("PUT /t/x", 201, MONITOR, BUSY), STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, BROKEN)}, .code = "NoCapacity"},
    {"PATCH with a lost answer, done", "PATCH", DIES_ASKING,
     .first = {STALLS("PATCH /t/x")}, .then = {STEP("GET /t/x", 200, NULL, DONE)},
     .status = 200},
    {"PATCH with a lost answer, not done", "PATCH", DIES_ASKING,
     .first = {STALLS("PATCH /t/x")},
     .then = {STEP("GET /t/x", 200, NULL, OTHER), STEP("PATCH /t/x", 200, NULL, DONE)},
     .status = 200},
    {"DELETE under way, its monitor gone", "DELETE", DIES_ASKING,
     .first = {STEP("DELETE /t/x", 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {MONITOR_GONE, STEP("GET /t/x", 404, NULL, "")}, .status = 404},
    {"POST that was answered", "POST", DIES_AT_END,
     .first = {STEP("POST /t/x", 200, NULL, "{}")}, .status = 200},
    {"POST that made something is answered with it", "POST", DIES_AFTER,
     .first = {STEP("POST /t/x", 201, NULL, "{\"id\":\"7\"}")},
     .then = {STEP("GET /t/x/7", 200, NULL, "{\"id\":\"7\"}")}, .status = 200},
    {"POST that is done", "POST", DIES_AFTER,
     .first = {STEP("POST /t/x", 204, NULL, NULL)}, .status = 204},
    {"POST that was refused", "POST", DIES_AFTER,
     .first = {STEP("POST /t/x", 400, NULL, REFUSED)},
     .then = {STEP("POST /t/x", 200, NULL, DONE)}, .status = 200, .first_code = "Locked"},

    {"DELETE that was never sent", "DELETE", DIES_BEFORE,
     .then = {STEP("DELETE /t/x", 200, NULL, "")}, .status = 200},
    {"DELETE with a lost answer", "DELETE", DIES_ASKING, .first = {STALLS("DELETE /t/x")},
     .then = {STEP("DELETE /t/x", 204, NULL, NULL)}, .status = 204},
    {"DELETE with a lost answer, done, and 404 says so", "DELETE", DIES_ASKING,
     .first = {STALLS("DELETE /t/x")}, .then = {STEP("DELETE /t/x", 404, NULL, "")},
     .status = 204},
    {"DELETE under way", "DELETE", DIES_ASKING,
     .first = {STEP("DELETE /t/x", 202, MONITOR, ""), STALLS("GET /m/1")},
     .then = {STEP("GET /m/1", 200, NULL, ENDED)}, .status = 200},
    {"DELETE that was answered", "DELETE", DIES_AT_END,
     .first = {STEP("DELETE /t/x", 200, NULL, "")}, .status = 200},
    {"DELETE that is done", "DELETE", DIES_AFTER,
     .first = {STEP("DELETE /t/x", 204, NULL, NULL)}, .status = 204},
    {"DELETE that was refused", "DELETE", DIES_AFTER,
     .first = {STEP("DELETE /t/x", 400, NULL, REFUSED)},
     .then = {STEP("DELETE /t/x", 200, NULL, "")}, .status = 200, .first_code = "Locked"},
};

static struct operation *start_request(const struct request_row *row)
{
    return operation_start(
        &h.client,
        &(struct operation_request){.method = row->method,
                                    .url = memory_format("%s/t/x", h.server.base),
                                    .audience = AUDIENCE_ARM,
                                    .body = strcmp(row->method, "DELETE") != 0
                                                ? memory_copy_string("{\"a\":1}")
                                                : NULL,
                                    .label = memory_format("%s thing 'x'", row->method),
                                    .headers = {memory_copy_string(row->header)},
                                    .is_repeatable = row->is_repeatable,
                                    .waits = true});
}

static const char *code_of(const struct operation *operation)
{
    const struct failure *failure = operation_failure(operation);

    return failure != NULL ? failure->code : "none";
}

static void run_first_request(const struct request_row *row)
{
    struct operation *operation;

    if (row->death == DIES_BEFORE)
        return;
    server_play(&h.server, row->first);
    operation = start_request(row);
    if (row->death == DIES_ASKING) {
        ck_assert(loop_run(h.loop, somebody_stalls, NULL, false));
    } else {
        harness_settle(&h);
        ck_assert_str_eq(code_of(operation),
                         row->first_code != NULL ? row->first_code : "none");
    }
    if (row->death == DIES_AFTER)
        sync_all();
    assert_asked(row->name, row->first);
    operation_release(operation);
}

START_TEST(a_plain_request_is_carried_on)
{
    static const struct server_step nothing[] = {{0}};
    const struct request_row *row = &request_rows[_i];
    const struct server_step *then = row->then[0].request != NULL ? row->then : nothing;
    struct operation *operation;

    run_first_request(row);
    kill_attempt();
    begin_attempt();
    h.client.repeats_lost = row->repeats_lost;
    server_play(&h.server, then);
    operation = start_request(row);
    harness_settle(&h);
    ck_assert(operation_waitable(operation)->is_done);
    ck_assert_msg(strcmp(code_of(operation), row->code != NULL ? row->code : "none") == 0,
                  "%s: ends in %s; asked\n%.900s", row->name, code_of(operation),
                  server_log(&h.server));
    assert_asked(row->name, then);
    if (row->code == NULL)
        ck_assert_msg(operation_status(operation) == row->status, "%s: status %d",
                      row->name, operation_status(operation));
    operation_release(operation);
}
END_TEST

START_TEST(reads_leave_no_line)
{
    static const struct server_step script[] = {STEP("GET /t/x", 200, NULL, DONE), {0}};
    struct operation *operation;

    server_play(&h.server, script);
    operation = start_request(&(struct request_row){.method = "GET"});
    harness_settle(&h);
    sync_all();
    ck_assert_str_eq(sink_text(&sink), "");
    operation_release(operation);
}
END_TEST

/* --- the stages ----------------------------------------------------------------------- */

START_TEST(nothing_is_sent_before_its_intent_is_safe)
{
    static const struct server_step script[] = {STEP("PUT /t/x", 200, NULL, DONE), {0}};
    struct operation *operation;

    sink.holds = true;
    server_play(&h.server, script);
    operation = start_request(&(struct request_row){.method = "PUT"});
    sink_wait(&sink);
    ck_assert_uint_eq(sink.appends, 1);
    ck_assert_ptr_nonnull(strstr(sink.last.data, "\"do\":\"intent\""));
    ck_assert_uint_eq(h.server.request_count, 0);
    sink_answer(&sink);
    sink_wait(&sink);
    ck_assert_uint_eq(h.server.request_count, 1);
    ck_assert_uint_eq(sink.appends, 2);
    ck_assert_ptr_nonnull(strstr(sink.last.data, "\"do\":\"answer\""));
    ck_assert(
        !operation_waitable(operation)->is_done); /* nobody sees it before it is safe */
    sink_answer(&sink);
    harness_settle(&h);
    ck_assert(operation_waitable(operation)->is_done);
    operation_release(operation);
}
END_TEST

START_TEST(what_cannot_be_written_down_is_not_sent)
{
    static const struct server_step script[] = {{0}};
    struct operation *operation;

    sink.code = "IOError";
    server_play(&h.server, script);
    for (int i = 0; i < 2; i++) {
        operation = start_request(&(struct request_row){.method = "PUT"});
        harness_settle(&h);
        ck_assert_str_eq(code_of(operation), "IOError");
        ck_assert(operation_is_refused(operation));
        operation_release(operation);
    }
    ck_assert_uint_eq(h.server.request_count, 0);
}
END_TEST

START_TEST(an_answer_that_cannot_be_written_down_is_told_to_have_been_done)
{
    static const struct server_step script[] = {STEP("PUT /t/x", 200, NULL, DONE), {0}};
    struct operation *operation;

    sink.holds = true;
    server_play(&h.server, script);
    operation = start_request(&(struct request_row){.method = "PUT"});
    sink_wait(&sink);
    sink_answer(&sink);
    sink_wait(&sink);
    sink.code = "IOError";
    sink_answer(&sink);
    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "IOError");
    ck_assert_ptr_nonnull(strstr(operation_failure(operation)->message, "it was done"));
    ck_assert(!operation_is_refused(operation));
    operation_release(operation);
}
END_TEST

START_TEST(nothing_is_sent_without_the_lease)
{
    static const struct server_step script[] = {{0}};
    struct operation *operation;

    sink.lost = "LeaseLost";
    server_play(&h.server, script);
    operation = start_request(&(struct request_row){.method = "PUT"});
    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "LeaseLost");
    ck_assert_str_eq(sink_text(&sink), "");
    operation_release(operation);
}
END_TEST

/* It waited for its turn, or for the store, past the end of the lease. */
START_TEST(the_lease_is_looked_at_again_at_the_wire)
{
    static const struct server_step script[] = {{0}};
    struct operation *operation;

    sink.holds = true;
    server_play(&h.server, script);
    operation = start_request(&(struct request_row){.method = "PUT"});
    sink_wait(&sink);
    sink.lost = "LeaseLost";
    sink.holds = false;
    sink_answer(&sink);
    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "LeaseLost");
    ck_assert_uint_eq(h.server.request_count, 0);
    operation_release(operation);
}
END_TEST

START_TEST(a_write_that_is_released_while_it_waits_for_the_journal_is_not_sent)
{
    static const struct server_step script[] = {{0}};
    struct operation *operation;

    sink.holds = true;
    server_play(&h.server, script);
    operation = start_request(&(struct request_row){.method = "PUT"});
    sink_wait(&sink);
    operation_release(operation);
    sink_answer(&sink);
    harness_settle(&h);
    ck_assert_uint_eq(h.server.request_count, 0);
}
END_TEST

START_TEST(no_body_and_no_token_is_in_the_journal)
{
    static const struct server_step script[] = {
        ABSENT,
        STEP("PUT " URL, 201, MONITOR, GATEWAY(1, "Creating")),
        STEP("GET /m/1", 200, NULL, ENDED),
        STEP("GET " URL, 200, NULL, GATEWAY(1, "Succeeded")),
        {0}};

    server_play(&h.server, script);
    ck_assert_str_eq(run(RESOURCE_CREATE, NULL), "created");
    sync_all();
    ck_assert_ptr_nonnull(strstr(sink_text(&sink), "\"do\":\"done\""));
    ck_assert_ptr_null(strstr(sink_text(&sink), "token-1"));
    ck_assert_ptr_null(strstr(sink_text(&sink), "westeurope"));
    ck_assert_ptr_null(strstr(sink_text(&sink), "WorkspaceGatewayPremium"));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("resume");
    TCase *topic = harness_add_case(suite, "resources", set_up, tear_down);

    tcase_add_loop_test(topic, a_write_is_carried_on, 0, COUNT(rows));
    tcase_add_loop_test(topic, a_write_of_an_entity_tag_is_carried_on, 0,
                        COUNT(tagged_rows));
    tcase_add_test(topic, three_there_five_and_back_are_three_steps);
    tcase_add_loop_test(topic, what_was_made_and_deleted_is_not_made_again, 0, 3);
    tcase_add_test(topic, two_alike_in_another_order_are_both_carried_on);

    topic = harness_add_case(suite, "requests", set_up, tear_down);
    tcase_add_loop_test(topic, a_plain_request_is_carried_on, 0, COUNT(request_rows));
    tcase_add_test(topic, reads_leave_no_line);

    topic = harness_add_case(suite, "stages", set_up, tear_down);
    tcase_add_test(topic, nothing_is_sent_before_its_intent_is_safe);
    tcase_add_test(topic, what_cannot_be_written_down_is_not_sent);
    tcase_add_test(topic,
                   an_answer_that_cannot_be_written_down_is_told_to_have_been_done);
    tcase_add_test(topic, nothing_is_sent_without_the_lease);
    tcase_add_test(topic, the_lease_is_looked_at_again_at_the_wire);
    tcase_add_test(topic,
                   a_write_that_is_released_while_it_waits_for_the_journal_is_not_sent);
    tcase_add_test(topic, no_body_and_no_token_is_in_the_journal);
    return harness_run_suite(suite);
}
