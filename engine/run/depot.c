/* engine/run/depot.c - the store that settings name, with all that it needs to be reached. */
#include "run/depot.h"

#include <stdlib.h>
#include <string.h>

#include "auth/tokens.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/home.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/cloud.h"
#include "net/loop.h"
#include "net/transfer.h"
#include "pipeline/pipeline.h"
#include "run/endpoints.h"
#include "store/azblob.h"
#include "store/store.h"

enum { LONGEST_TEXT = 64 << 20, RETRY_PAUSE_MS = 1000 /* of the sign-in */ };

struct depot {
    struct loop *loop;
    struct store *store;
    struct store_call call;
    bool is_waiting;

    /* Of a container: the way there, and the sign-in. */
    struct endpoints endpoints;
    struct transport *transport;
    struct pipeline *pipeline; /* of the sign-in's requests */
    struct tokens *tokens;
};

static struct store *open_folder(const char *path, struct loop *loop,
                                 struct failure **failure)
{
    char *folder = path != NULL ? memory_copy_string(path) : home_state_path(NULL);
    struct store *store;

    if (folder == NULL) {
        *failure = failure_set_cure(
            failure_new("BadSetting", "there is no home folder to keep runs in"),
            "set HOME or XDG_STATE_HOME, or name a folder by --store");
        return NULL;
    }
    store = store_new_folder(loop, folder);
    free(folder);
    return store;
}

/* --- a container --------------------------------------------------------------------------- */

/* Where sign-in goes: with the run's, or to the public cloud when the run has none. */
static const char *find_authority(struct depot *depot, const struct settings *settings)
{
    struct failure *failure = endpoints_choose(&depot->endpoints, settings);

    failure_free(failure); /* a store may be asked without any service */
    return depot->endpoints.login != NULL ? depot->endpoints.login : clouds[0].login;
}

static void open_sign_in(struct depot *depot, const struct settings *settings)
{
    struct credential_settings credentials = settings->credentials;
    /* the store's calls hold the loop, so on its clock no pause might ever end */
    struct stage *const stages[] = {
        stage_new_redirect(),
        stage_new_retry_on_machine_time(depot->loop, RETRY_PAUSE_MS),
        stage_new_transport(depot->transport, depot->loop)};

    credentials.authority = find_authority(depot, settings);
    credentials.resources[AUDIENCE_STORAGE] = CLOUD_STORAGE_RESOURCE;
    depot->pipeline = pipeline_new(stages, sizeof stages / sizeof stages[0]);
    depot->tokens = tokens_new(depot->loop, &credentials);
    tokens_set_pipeline(depot->tokens, depot->pipeline);
}

static void open_container(struct depot *depot, const struct settings *settings,
                           struct failure **failure)
{
    const struct transport_options options = {
        .ca_file = settings->ca_file,
        .connect_timeout_ms = settings->connect_timeout_ms,
        .total_timeout_ms = settings->request_timeout_ms};
    const struct cloud *cloud =
        settings->cloud != NULL ? cloud_find(settings->cloud) : &clouds[0];
    struct azblob_settings azblob = {.address = settings->store,
                                     .blob_suffix =
                                         cloud != NULL ? cloud->blob_suffix : NULL};

    azblob_settings_read_environment(&azblob);
    depot->transport = transport_new(depot->loop, &options);
    open_sign_in(depot, settings);
    azblob.transport = depot->transport;
    azblob.provider = tokens_provider(depot->tokens);
    depot->store = store_new_azblob(depot->loop, &azblob, failure);
}

/* --- both ---------------------------------------------------------------------------------- */

struct depot *depot_open(const struct settings *settings, struct loop *loop,
                         struct failure **failure)
{
    static const char scheme[] = "azblob:";
    struct depot *depot = memory_new(sizeof *depot);

    depot->loop = loop;
    if (settings->store != NULL &&
        strncmp(settings->store, scheme, sizeof scheme - 1) == 0)
        open_container(depot, settings, failure);
    else
        depot->store = open_folder(settings->store, loop, failure);
    if (depot->store != NULL)
        return depot;
    depot_close(depot);
    return NULL;
}

void depot_close(struct depot *depot)
{
    if (depot == NULL)
        return;
    store_call_deinit(&depot->call);
    if (depot->store != NULL)
        depot->store->free(depot->store);
    tokens_free(depot->tokens);
    pipeline_free(depot->pipeline);
    transport_free(depot->transport);
    endpoints_deinit(&depot->endpoints);
    free(depot);
}

struct store *depot_store(struct depot *depot)
{
    return depot->store;
}

static void on_done(struct store_call *call)
{
    ((struct depot *)call->owner)->is_waiting = false;
}

static bool is_over(void *context)
{
    return !((const struct depot *)context)->is_waiting;
}

struct store_call *depot_begin(struct depot *depot)
{
    store_call_deinit(&depot->call);
    depot->call.done = on_done;
    depot->call.owner = depot;
    depot->is_waiting = true;
    return &depot->call;
}

void depot_wait(struct depot *depot)
{
    loop_run(depot->loop, is_over, depot, true);
}

struct failure *depot_read(struct depot *depot, const char *name, char **bytes,
                           size_t *length)
{
    struct store_call *call = depot_begin(depot);
    struct failure *failure;

    depot->store->get(depot->store, call, name, 0, LONGEST_TEXT);
    depot_wait(depot);
    failure = call->failure;
    call->failure = NULL;
    if (failure == NULL && call->is_absent)
        failure =
            failure_new("NotFound", "there is no '%s' in %s", name, depot->store->label);
    if (failure == NULL) {
        *length = call->bytes.length;
        *bytes = buffer_take(&call->bytes);
    }
    return failure;
}

struct failure *depot_read_json(struct depot *depot, const char *name, cJSON **tree)
{
    char *text = NULL;
    size_t length = 0;
    struct failure *failure = depot_read(depot, name, &text, &length);

    if (failure == NULL) {
        *tree = json_parse(text, length, NULL);
        if (*tree == NULL)
            failure = failure_new("JournalDamaged", "'%s' is no JSON", name);
    } else if (strcmp(failure->code, "NotFound") == 0) {
        failure_free(failure);
        failure = NULL;
    }
    free(text);
    return failure;
}

struct failure *depot_use(const struct settings *settings,
                          struct failure *(*use)(struct depot *depot, void *context),
                          void *context)
{
    struct clock clock;
    struct failure *failure = NULL;
    struct depot *depot;
    struct loop *loop;

    clock_init(&clock, CLOCK_REAL, 1.0);
    loop = loop_new(&clock);
    if (loop == NULL)
        return failure_new("IOError", "the system gives no event loop");
    depot = depot_open(settings, loop, &failure);
    if (depot != NULL)
        failure = use(depot, context);
    depot_close(depot);
    loop_free(loop);
    return failure;
}
