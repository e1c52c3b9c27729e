/* tests/memory_store.h - a store in memory that holds logs without leases.
 *
 * It keeps what store.h promises of get and append, and has nothing else. Calls take effect and
 * are over at the loop's next turn; a virtual clock stands still until then. */
#ifndef MOONGATE_TESTS_MEMORY_STORE_H
#define MOONGATE_TESTS_MEMORY_STORE_H

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/map.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store/store.h"

struct memory_store {
    struct store store; /* first */
    struct loop *loop;
    struct map logs;          /* struct buffer by name */
    const char *failure_code; /* what calls fail with; NULL: they do not */
    unsigned gets, appends;   /* so far */
    unsigned under_way;
};

struct memory_call {
    struct deferred run;
    struct memory_store *memory;
    struct store_call *call;
    char *name;
    const char *bytes; /* append; NULL: get */
    size_t length;     /* of these; get: at most so many */
    uint64_t position;
};

/* The log, made when it is absent. Borrowed. */
static inline struct buffer *memory_store_log(struct memory_store *memory,
                                              const char *name)
{
    struct buffer *log = map_find(&memory->logs, name);

    if (log == NULL) {
        log = memory_new(sizeof *log);
        map_set(&memory->logs, name, log);
    }
    return log;
}

static inline void memory_store_get(struct memory_call *own, const struct buffer *log)
{
    struct store_call *call = own->call;

    own->memory->gets++;
    call->is_absent = log == NULL;
    if (log == NULL)
        return;
    call->size_bytes = log->length;
    if (own->position < log->length) {
        const size_t rest = log->length - (size_t)own->position;

        buffer_append(&call->bytes, log->data + own->position,
                      rest < own->length ? rest : own->length);
    }
}

static inline void memory_store_append(struct memory_call *own, struct buffer *log)
{
    struct store_call *call = own->call;

    own->memory->appends++;
    if (own->position != (log != NULL ? log->length : 0)) {
        call->failure = failure_new("StorePositionMismatch", "the log is longer");
        return;
    }
    log = memory_store_log(own->memory, own->name);
    buffer_append(log, own->bytes, own->length);
    call->size_bytes = log->length;
}

static inline void memory_store_run(struct deferred *deferred)
{
    struct memory_call *own = LIST_ENTRY(deferred, struct memory_call, run);
    struct memory_store *memory = own->memory;
    struct store_call *call = own->call;
    struct buffer *log = map_find(&memory->logs, own->name);

    if (memory->failure_code != NULL)
        call->failure = failure_new(memory->failure_code, "as the test says");
    else if (own->bytes != NULL)
        memory_store_append(own, log);
    else
        memory_store_get(own, log);
    memory->under_way--;
    loop_release(memory->loop);
    free(own->name);
    free(own);
    call->done(call);
}

static inline void memory_store_start(struct store *store, struct store_call *call,
                                      const struct memory_call *what, const char *name)
{
    struct memory_call *own = memory_new(sizeof *own);

    *own = *what;
    own->memory = (struct memory_store *)store;
    own->call = call;
    own->name = memory_copy_string(name);
    own->run.run = memory_store_run;
    own->memory->under_way++;
    loop_hold(own->memory->loop);
    loop_defer(own->memory->loop, &own->run);
}

static inline void memory_store_start_get(struct store *store, struct store_call *call,
                                          const char *name, uint64_t offset, size_t most)
{
    const struct memory_call what = {.position = offset, .length = most};

    memory_store_start(store, call, &what, name);
}

static inline void memory_store_start_append(struct store *store, struct store_call *call,
                                             const char *name, struct store_lease *lease,
                                             uint64_t position, const char *bytes,
                                             size_t length, bool is_durable)
{
    const struct memory_call what = {
        .position = position, .bytes = bytes, .length = length};

    (void)lease, (void)is_durable;
    memory_store_start(store, call, &what, name);
}

static inline void memory_store_open(struct memory_store *memory, struct loop *loop)
{
    *memory = (struct memory_store){.store = {.label = "memory",
                                              .get = memory_store_start_get,
                                              .append = memory_store_start_append},
                                    .loop = loop};
}

static inline void memory_store_free_log(void *log)
{
    buffer_deinit(log);
    free(log);
}

/* No call may be under way. */
static inline void memory_store_close(struct memory_store *memory)
{
    map_deinit(&memory->logs, memory_store_free_log);
}

#endif
