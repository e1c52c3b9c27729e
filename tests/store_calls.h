/* tests/store_calls.h - calls of a store that end before the next line of a test. */
#ifndef MOONGATE_TESTS_STORE_CALLS_H
#define MOONGATE_TESTS_STORE_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store/store.h"

#define LOG "runs/1/log"

/* Set by the suite before each test. */
static struct loop *loop;
static struct store *store;

static struct store_call call; /* the last one */
static bool is_done;

static inline void note_done(struct store_call *done)
{
    (void)done;
    is_done = true;
}

static inline bool is_over(void *context)
{
    (void)context;
    return is_done;
}

static inline struct store_call *start_call(void)
{
    store_call_deinit(&call);
    call.done = note_done;
    is_done = false;
    return &call;
}

/* Turns the loop until the call is over. Returns the code of its failure, "" when there is
 * none. */
static inline const char *finish(void)
{
    ck_assert(!is_done); /* never from inside the call */
    ck_assert(loop_run(loop, is_over, NULL, false));
    return call.failure != NULL ? call.failure->code : "";
}

static inline const char *put(enum store_put how, const char *name, const char *text)
{
    store->put(store, start_call(), how, name, text, strlen(text));
    return finish();
}

static inline const char *get(const char *name, uint64_t offset, size_t most)
{
    store->get(store, start_call(), name, offset, most);
    return finish();
}

static inline const char *list(const char *folder)
{
    store->list(store, start_call(), folder);
    return finish();
}

static inline const char *remove_name(const char *name)
{
    store->remove(store, start_call(), name);
    return finish();
}

static inline const char *append(struct store_lease *lease, uint64_t position,
                                 const char *text)
{
    store->append(store, start_call(), LOG, lease, position, text, strlen(text), true);
    return finish();
}

/* The lease, or NULL when it is held or failed. */
static inline struct store_lease *acquire_for(const char *holder, int64_t duration_ms)
{
    store->acquire(store, start_call(), LOG, holder, duration_ms);
    finish();
    return call.lease;
}

static inline struct store_lease *acquire(const char *holder)
{
    struct store_lease *lease = acquire_for(holder, 30000);

    ck_assert_msg(lease != NULL, "%s",
                  call.failure != NULL ? call.failure->message : "held");
    return lease;
}

static inline const char *look(void)
{
    store->look(store, start_call(), LOG);
    return finish();
}

static inline const char *renew(struct store_lease *lease)
{
    store->renew(store, start_call(), lease);
    return finish();
}

static inline const char *release(struct store_lease *lease)
{
    store->release(store, start_call(), lease);
    return finish();
}

/* What the last get or look has brought. Borrowed. */
static inline const char *bytes(void)
{
    return call.bytes.data != NULL ? call.bytes.data : "";
}

static inline void assert_text(const char *name, const char *text)
{
    ck_assert_str_eq(get(name, 0, SIZE_MAX), "");
    ck_assert(!call.is_absent);
    ck_assert_str_eq(bytes(), text);
    ck_assert_uint_eq(call.size_bytes, strlen(text));
}

static inline void assert_log(const char *text)
{
    assert_text(LOG, text);
}

/* The names that a list told, joined by spaces. Borrowed until the next call. */
static inline const char *names(void)
{
    static char text[1024];

    text[0] = '\0';
    for (size_t i = 0; i < call.entry_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
                 i > 0 ? " " : "", call.entries[i].name);
    return text;
}

static inline void assert_message_has(const char *part)
{
    ck_assert_ptr_nonnull(call.failure);
    ck_assert_msg(strstr(call.failure->message, part) != NULL, "'%s' does not say '%s'",
                  call.failure->message, part);
}

#endif
