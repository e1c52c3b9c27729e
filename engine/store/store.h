/* engine/store/store.h - where runs are kept: texts with a name, logs that grow, and leases.
 *
 * A store is a folder or a container of Azure Blob Storage. Names are paths without a slash in
 * front: "runs/20260131-120000-1f3a/journal.jsonl"; their parts hold letters, digits and -._ only.
 *
 * Every call is asynchronous: it takes a struct store_call, which is the caller's memory and
 * stays until `done` was called, once, from the event loop and never from inside the call that
 * starts it. While one is under way a virtual clock stands still. Leases go by the machine's
 * time, not by the run's clock, however fast that is.
 *
 * Calls that are under way may overlap and end in any order, but for appends to one log, of
 * which only one may be under way. */
#ifndef MOONGATE_STORE_STORE_H
#define MOONGATE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"

struct failure;
struct loop;
struct store;
struct store_lease;

/* One name of a list. A folder's ends with a slash, and has no size. */
struct store_entry {
    char *name; /* whole */
    uint64_t size_bytes;
    int64_t modified_ms; /* UTC, by the store's own clock */
};

struct store_call {
    void (*done)(struct store_call *call);
    void *owner; /* of whoever gets `done` */

    /* What came of it. Owned by the caller, who frees it by store_call_deinit(). */
    struct failure *failure; /* or NULL: it is done, and what follows is valid */
    bool is_absent;          /* get: there is none; no failure */
    bool is_there;           /* put of a new one: there is one already; no failure */
    bool is_held;            /* acquire, look: somebody else has it; no failure */
    struct buffer
        bytes; /* get: the bytes; acquire, look: what the holder said of itself */
    uint64_t size_bytes; /* get: how long it is in all; append: how long the log is now */
    int64_t held_for_ms; /* acquire, when held: how long until it may be free, at most */
    struct store_entry *entries; /* list */
    size_t entry_count;
    struct store_lease *lease; /* acquire: the lease */
    uint64_t fence;            /* look: 0 when nobody ever had it */

    struct list link; /* the driver's own */
    void *driver;
};

/* Frees what came of it; the struct can be used again. */
void store_call_deinit(struct store_call *call);

/* How a text is put. */
enum store_put { STORE_NEW /* only when there is none */, STORE_REPLACE };

/* A driver. Bytes and texts that calls get are borrowed until `done`. */
struct store {
    /* "folder /home/x/.local/state/moongate": for messages. */
    char *label;

    /* Writes a whole text: after `done` it survives a crash of the machine; before, it is there
     * whole or not at all. */
    void (*put)(struct store *store, struct store_call *call, enum store_put how,
                const char *name, const char *bytes, size_t length);

    /* Reads at most `most` bytes from `offset` on; behind the end there are none. */
    void (*get)(struct store *store, struct store_call *call, const char *name,
                uint64_t offset, size_t most);

    /* All names that are directly in `folder` ("" or "runs/"), sorted; none when it is absent. */
    void (*list)(struct store *store, struct store_call *call, const char *folder);

    /* Absent is fine. A name that ends with a slash is a folder with all that is in it. */
    void (*remove)(struct store *store, struct store_call *call, const char *name);

    /* Appends to a log, making it when `position` is 0. It is to be `position` bytes long so far,
     * else it fails with StorePositionMismatch and nothing is written. With a lease nothing is
     * written when the lease is not ours any more: LeaseLost. `is_durable`: after `done` it
     * survives a crash of the machine. A full disk leaves the log as it was. */
    void (*append)(struct store *store, struct store_call *call, const char *name,
                   struct store_lease *lease, uint64_t position, const char *bytes,
                   size_t length, bool is_durable);

    /* Cuts the end of a leased log off, so that it is `length` long. */
    void (*cut)(struct store *store, struct store_call *call, const char *name,
                struct store_lease *lease, uint64_t length);

    /* Takes the right to be the only one who appends to the log `name`, making the log when it is
     * absent. Whoever had it before cannot append any more, wherever it is and whatever it
     * believes. `holder` is JSON that others are told. */
    void (*acquire)(struct store *store, struct store_call *call, const char *name,
                    const char *holder, int64_t duration_ms);

    /* Who has it, without taking it: as acquire, but `lease` stays NULL; `fence` is that of the
     * last holder, and `bytes` what it said of itself, held or not. */
    void (*look)(struct store *store, struct store_call *call, const char *name);

    /* Keeps it for another duration; LeaseLost when somebody else took it. */
    void (*renew)(struct store *store, struct store_call *call,
                  struct store_lease *lease);

    /* Gives it back and frees it, whatever comes of it. */
    void (*release)(struct store *store, struct store_call *call,
                    struct store_lease *lease);

    /* No call may be under way, no lease may be left. */
    void (*free)(struct store *store);
};

/* What drivers put in front of their own. */
struct store_lease {
    uint64_t fence; /* grows with every holder of this log */
};

/* Whether the text can be a name: parts of letters, digits and -._ that neither begin nor end with
 * a dot, joined by slashes. A folder's ends with a slash. */
enum { STORE_LONGEST_PART = 200, STORE_LONGEST_NAME = 1000 /* bytes */ };
bool store_name_is_valid(const char *name);

/* What a name may be of. */
enum { STORE_TEXT = 1, STORE_FOLDER = 2, STORE_ROOT = 4 /* "", which is all */ };

/* NULL, or why the name is none of any of those (an or of them); owned by the caller. */
struct failure *store_check_name(const char *name, unsigned wanted);

/* A folder on this machine or a file server; made when it is absent, at the first call that
 * writes. `path` is copied. Cheap: nothing is opened before the first call. */
struct store *store_new_folder(struct loop *loop, const char *path);

#endif
