/* engine/run/record_parts.h - what the files of a record share, and nobody else: record.c (making
 * it, its journal, its end), record_lease.c (the right to it), record_events.c and record_load.c
 * (taking over one that exists). */
#ifndef MOONGATE_RUN_RECORD_PARTS_H
#define MOONGATE_RUN_RECORD_PARTS_H

#include "base/buffer.h"
#include "base/list.h"
#include "journal/journal.h"
#include "net/loop.h"
#include "net/machine_timer.h"
#include "run/record.h"
#include "store/store.h"

/* Code that is kept, or was. */
struct file {
    struct list link;
    char *name;
    struct buffer bytes;
    bool is_kept; /* it is in the store */
};

struct record {
    struct journal_output output;
    struct store *store;
    struct loop *loop;
    char *id;
    cJSON *manifest;
    struct list files;
    struct journal *journal;

    struct store_call call; /* of the chain that makes it and appends to the journal */
    void (*next)(struct record *record); /* what the chain does when its call is done */
    char *name, *text;                   /* of the call, for as long as it is under way */
    const char *pending; /* bytes of the journal that wait for the record */
    size_t pending_length;
    uint64_t journal_bytes, torn_bytes;
    struct file *writing;
    bool is_busy, is_made, is_over;

    struct store_lease *lease;
    int64_t lease_ms;
    int64_t held_until_ms;        /* on the machine's clock, with a margin */
    int64_t renewed_ms;           /* when the renewal under way was asked for */
    struct machine_timer guard;   /* fires when the lease is about to end */
    struct machine_timer renewal; /* on the machine's time */
    struct store_call renew_call;
    struct journal_wait told;
    bool is_renewing, is_lost;
    void (*hear)(void *context, enum record_news news, const char *text);
    void *context;

    struct buffer events, writing_events;
    struct store_call event_call;
    struct deferred flush_events;
    uint64_t event_bytes;
    char *event_name, *cancel_name;
    bool is_writing_events, has_event_position;
};

/* --- record.c --------------------------------------------------------------------------- */

/* Readies the chain's call about `name` (of the record's folder); `next` goes on. */
struct store_call *record_begin_call(struct record *record, const char *name,
                                     void (*next)(struct record *record));
void record_do_nothing(struct record *record);
struct failure *record_take_failure(struct store_call *call);

/* Turns the loop until the chain of calls has come to its end. */
void record_settle(struct record *record);

/* Whether no call of any kind is under way. */
bool record_is_quiet(void *context);

/* --- record_lease.c --------------------------------------------------------------------- */

/* Asks for the lease; record_take_lease() then tells what came of it. */
void record_acquire(struct record *record, void (*next)(struct record *record));
struct failure *record_take_lease(struct record *record);
void record_release_lease(struct record *record);

/* It is another's by now, or may be; `how` is for people. */
void record_lose(struct record *record, const char *how);

/* For the journal: why nothing may be sent any more, or NULL. */
struct failure *record_check_lease(struct journal_output *output);

/* --- record_events.c -------------------------------------------------------------------- */

void record_flush_events(struct deferred *deferred);

#endif
