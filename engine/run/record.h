/* engine/run/record.h - what is kept of a run in a store, and the right to carry it on.
 *
 * A record is a folder of the store, "runs/<id>/": run.json (what was asked for), script.lua and
 * modules/ (the code as it was), journal.jsonl (see journal/journal.h), events.jsonl (what a face
 * shows, one event a line) and end.json (how the last attempt ended).
 *
 * Of a run that writes nothing there is nothing to lose, so a new record is made when the first
 * write is about to be sent. Whoever carries a run on holds the lease of its journal, and renews
 * it by the machine's time; before it could have ended, nothing is sent any more. */
#ifndef MOONGATE_RUN_RECORD_H
#define MOONGATE_RUN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct failure;
struct journal;
struct loop;
struct record;
struct store;

enum {
    RECORD_LEASE_MS = 60000 /* Blob Storage knows leases of 15 to 60 s */
};

/* A record of the run `id` that does not exist yet. `store` is borrowed; `manifest` (taken) is
 * what run.json says; `lease_ms` how long the run stays with a process that is not heard of. */
struct record *record_new(struct store *store, struct loop *loop, const char *id,
                          cJSON *manifest, int64_t lease_ms);

/* Accepts NULL. Nothing may be under way: see record_end(). */
void record_free(struct record *record);

const char *record_id(const struct record *record);
struct journal *record_journal(struct record *record);
unsigned record_attempt(const struct record *record); /* from 1 on */

/* Whether anything of it is in the store. */
bool record_is_kept(const struct record *record);

/* Code that belongs to the run: "script.lua", "modules/teams.lua". Bytes are copied. */
void record_keep_file(struct record *record, const char *name, const char *bytes,
                      size_t length);

/* The same for a file that grows: what it holds from byte `from` on becomes `bytes`. */
void record_extend_file(struct record *record, const char *name, size_t from,
                        const char *bytes, size_t length);

/* The code that was kept by earlier attempts, by the same name, or NULL. Borrowed. */
const char *record_find_file(const struct record *record, const char *name,
                             size_t *length);

/* Makes it now. NULL, or why that cannot be; owned by the caller. Turns the loop. */
struct failure *record_make(struct record *record);

/* Takes over a record that exists: the lease, the journal, the code. NULL, or the failure:
 * RunNotFound, RunHeld (somebody else carries it on), JournalDamaged, JournalTooNew, IOError; owned
 * by the caller. With `cuts_damaged` a journal is cut where it is damaged. Turns the loop. */
struct failure *record_take_over(struct record *record, bool cuts_damaged);

/* How many bytes of a torn tail record_take_over() has cut off. */
uint64_t record_torn_bytes(const struct record *record);

/* Whether this process held its lease and has not renewed it in time: nothing may leave it. */
bool record_has_expired(const struct record *record);

/* What it is to be told of while the run goes on. `text` is for people, borrowed. */
enum record_news {
    RECORD_LOST, /* it is another's now, or may be: nothing may be sent */
    RECORD_EXPIRED, /* the same, told before anything else is done in this turn of the loop: what is
                     * in the hands of the transport is to be taken back at once */
    RECORD_CANCELED /* somebody asks for its end */
};
void record_set_listener(struct record *record,
                         void (*hear)(void *context, enum record_news news,
                                      const char *text),
                         void *context);

/* A line for events.jsonl, with its line end. Bytes are copied. */
void record_add_event(struct record *record, const char *line, size_t length);

/* What others are told of this process, which carries a run: JSON, owned by the caller. */
char *record_describe_holder(void);

/* The end of this attempt: `end` (taken) is what end.json says; NULL: it did nothing. Writes what is
 * left, and gives the lease back. NULL, or what could not be written; owned by the caller. Turns the
 * loop. */
struct failure *record_end(struct record *record, cJSON *end);

#endif
