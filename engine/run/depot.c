/* engine/run/depot.c - the store that settings name, with all that it needs to be reached. */
#include "run/depot.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store/store.h"

enum { LONGEST_TEXT = 64 << 20 };

struct depot {
    struct loop *loop;
    struct store *store;
    struct store_call call;
    bool is_waiting;
};

char *depot_default_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state != NULL && state[0] == '/')
        return memory_format("%s/moongate", state);
    return home != NULL && home[0] == '/'
               ? memory_format("%s/.local/state/moongate", home)
               : NULL;
}

static struct store *open_folder(const char *path, struct loop *loop,
                                 struct failure **failure)
{
    char *folder = path != NULL ? memory_copy_string(path) : depot_default_folder();
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

struct depot *depot_open(const struct settings *settings, struct loop *loop,
                         struct failure **failure)
{
    struct store *store = open_folder(settings->store, loop, failure);
    struct depot *depot;

    if (store == NULL)
        return NULL;
    depot = memory_new(sizeof *depot);
    depot->loop = loop;
    depot->store = store;
    return depot;
}

void depot_close(struct depot *depot)
{
    if (depot == NULL)
        return;
    store_call_deinit(&depot->call);
    depot->store->free(depot->store);
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
