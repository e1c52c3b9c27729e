/* engine/store/azblob_parts.h - what the files of the Azure Blob Storage driver share. */
#ifndef MOONGATE_STORE_AZBLOB_PARTS_H
#define MOONGATE_STORE_AZBLOB_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/map.h"
#include "base/uuid.h"
#include "net/loop.h"
#include "pipeline/pipeline.h"
#include "store/azblob.h"
#include "store/store.h"

/* Between the name of a log and the number of a further blob of it; no name of a store has it. */
#define AZBLOB_PART_MARK '~'

/* --- azblob_address.c: where the container is, and by what right ---------------------- */

struct azblob_account {
    char *name;
    char *base; /* of its URLs, without a slash at the end */
    char *container;
    char *prefix;      /* of the blobs' names: "" or "moongate/" */
    struct buffer key; /* its bytes; empty: there is none */
    char *sas;         /* a query without its question mark, or NULL */
};

/* NULL, or the failure when the settings make no sense (owned by the caller); either way
 * azblob_account_deinit() is due. */
struct failure *azblob_account_read(struct azblob_account *account,
                                    const struct azblob_settings *settings);

/* Wipes the secrets. */
void azblob_account_deinit(struct azblob_account *account);

/* --- azblob_sign.c -------------------------------------------------------------------- */

/* The stage right before the wire: dates each attempt, by the machine's time, and signs it when
 * the account has a key. `account` is borrowed. */
struct stage *azblob_stage_new_sign(const struct azblob_account *account);

/* --- the store itself ----------------------------------------------------------------- */

/* The end of a log, as it was when this program last saw it. Another program may have appended
 * since, but then the length is not the same, and the service refuses the block. */
struct azblob_end {
    unsigned part;   /* the number of the last blob; the first is 1 */
    uint64_t start;  /* how long the blobs before it are together */
    uint64_t length; /* of the last blob */
    unsigned blocks; /* of the last blob */
};

struct azblob {
    struct store store;
    struct loop *loop;
    struct azblob_account account;
    struct origins origins;
    enum audience audience;
    struct pipeline *pipeline;
    struct map ends; /* of logs that were appended to: struct azblob_end by name */
    unsigned most_blocks;
    size_t block_bytes;
};

struct azblob_lease {
    struct store_lease lease;
    char *name;
    char id[UUID_TEXT_SIZE];
    int64_t duration_ms;
    int64_t valid_until_ms; /* on the machine's clock */
    unsigned part; /* the further blob that it covers beside the first; 1: none */
};

/* --- azblob_request.c: one request, and the failure that its answer is ---------------- */

struct azblob_request {
    struct azblob *own;
    struct exchange *exchange;
    char *name;        /* of the blob, or NULL: the container's own */
    const char *doing; /* for messages: "appending to" */
    char *url;
    bool makes_container; /* when there is none */
    struct exchange *container_exchange;
    char *container_url;
    void (*done)(struct azblob_request *request);
    void *owner;
};

/* A request for the blob of that name (copied; NULL: the container) with that query ("" or
 * "comp=lease"). `method` and `doing` are constants. Its transfer may be given a body. */
struct azblob_request *azblob_request_new(struct azblob *own, const char *method,
                                          const char *name, const char *query,
                                          const char *doing);
void azblob_request_add_header(struct azblob_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void azblob_request_set_body(struct azblob_request *request, const char *bytes,
                             size_t length);
void azblob_request_start(struct azblob_request *request,
                          void (*done)(struct azblob_request *request), void *owner);

/* Accepts NULL. */
void azblob_request_free(struct azblob_request *request);

/* Of the answer: 0 when there was none. */
int azblob_request_status(const struct azblob_request *request);

/* Whether the service refused by this code. */
bool azblob_request_has_code(const struct azblob_request *request, const char *code);

/* A field of the answer, by its name in lower case, or NULL; as a number, or 0. */
const char *azblob_request_field(const struct azblob_request *request, const char *name);
uint64_t azblob_request_number(const struct azblob_request *request, const char *name);

/* Whether there is no such blob, or not even a container. */
bool azblob_request_found_none(const struct azblob_request *request);

/* Why it was not done. Owned by the caller. */
struct failure *azblob_request_failure(const struct azblob_request *request);

/* "azblob://account/container/prefix/name", owned by the caller. */
char *azblob_format_name(const struct azblob *own, const char *name);

/* --- azblob_job.c: a call of the store, one request after the other ------------------- */

struct azblob_job {
    struct azblob *own;
    struct store_call *call;
    char *name;
    struct azblob_request *request; /* the last one, with its answer */
    void (*then)(struct azblob_job *job);
    void (*release)(struct azblob_job *job); /* frees what is its own, or NULL */
    /* Takes back what was done before it failed; ends it again with the failure. Or NULL. */
    void (*undo)(struct azblob_job *job, struct failure *failure);
    struct deferred ending;
};

/* A job of `size` bytes that begins with the struct. Holds the loop until it ends. */
void *azblob_job_new(struct azblob *own, struct store_call *call, const char *name,
                     size_t size);

/* Whether its name is one of those (see store_check_name()); else it ends. */
bool azblob_job_checks(struct azblob_job *job, unsigned wanted);

/* Sends it (taken), and goes on with `then` when it is answered. */
void azblob_job_send(struct azblob_job *job, struct azblob_request *request,
                     void (*then)(struct azblob_job *job));

/* Ends it at the next turn of the loop, with a failure (taken) or NULL: nothing may be done with
 * it after that. */
void azblob_job_end(struct azblob_job *job, struct failure *failure);

/* Ends it with what the last answer stands for. */
void azblob_job_refuse(struct azblob_job *job);

/* --- azblob_walk.c: finding the end of a log ------------------------------------------ */

/* A job that walks along the blobs of its log. */
struct azblob_walk {
    struct azblob_job job;
    struct azblob_lease *lease; /* under which the end is to be, or NULL */
    bool makes, extends; /* makes the first blob, or a further one, when it is absent */
    bool is_absent;      /* there is none at all */
    struct azblob_end end;
    struct buffer *starts; /* takes that of each blob (uint64_t); NULL: nobody asks */
    unsigned attempts;     /* at leasing this blob */
    void (*arrived)(struct azblob_walk *walk);
};

/* Walks from the blob `walk->end.part`, `start` being right, and tells `arrived`; what goes wrong
 * ends the job. */
void azblob_walk_start(struct azblob_walk *walk,
                       void (*arrived)(struct azblob_walk *walk));

/* The same, when there most likely is no blob yet: it is made first. */
void azblob_walk_make(struct azblob_walk *walk,
                      void (*arrived)(struct azblob_walk *walk));

/* Takes the job's last answer as that of the blob it is at. Returns whether that was the last
 * one. */
bool azblob_walk_note(struct azblob_walk *walk, uint64_t length);

/* A request that makes an empty blob of a log, and whether its answer says that there is one
 * already. */
struct azblob_request *azblob_make_request(struct azblob *own, const char *name,
                                           unsigned part);
bool azblob_is_made_already(const struct azblob_request *request);

/* The name of a blob of a log, owned by the caller. */
char *azblob_part_name(const char *name, unsigned part);

/* Notes the end of a log for the next append. */
void azblob_keep_end(struct azblob *own, const char *name, const struct azblob_end *end);
void azblob_forget_end(struct azblob *own, const char *name);

/* --- azblob_page.c -------------------------------------------------------------------- */

/* One page of a list. A zeroed struct is empty. */
struct azblob_page {
    struct store_entry *entries; /* by their names in the store; further blobs, too */
    size_t count;
    char *next; /* the marker of the next page, or NULL */
};

/* Appends to the page what the XML has, `prefix` being that of the account: all names begin with
 * it. False when it is no list. The page is to be given back either way. */
bool azblob_page_read(struct azblob_page *page, const char *prefix, const char *xml,
                      size_t length);
void azblob_page_deinit(struct azblob_page *page);

/* --- the calls ------------------------------------------------------------------------ */

void azblob_list(struct store *store, struct store_call *call, const char *folder);
void azblob_remove(struct store *store, struct store_call *call, const char *name);
void azblob_append(struct store *store, struct store_call *call, const char *name,
                   struct store_lease *lease, uint64_t position, const char *bytes,
                   size_t length, bool is_durable);
void azblob_acquire(struct store *store, struct store_call *call, const char *name,
                    const char *holder, int64_t duration_ms);
void azblob_look(struct store *store, struct store_call *call, const char *name);
void azblob_renew(struct store *store, struct store_call *call,
                  struct store_lease *lease);
void azblob_release(struct store *store, struct store_call *call,
                    struct store_lease *lease);

/* Whether the answer says that the lease was lost. */
bool azblob_request_lost_lease(const struct azblob_request *request);

/* Whether the lease still is ours as far as this machine's clock tells. */
bool azblob_lease_is_valid(const struct azblob_lease *lease);

/* Why nothing may be done under it any more; owned by the caller. */
struct failure *azblob_lease_lost(const struct azblob *own, const char *name);

/* A request about the lease of a blob of a log. */
struct azblob_request *azblob_lease_request(struct azblob *own, const char *name,
                                            unsigned part, const char *action);

#endif
