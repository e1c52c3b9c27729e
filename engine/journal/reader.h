/* engine/journal/reader.h - the lines of a journal, checked one by one as they come.
 *
 * A line that is not whole at the end of the log is its torn tail: a crash came while it was
 * written, and nobody ever relied on it. Anything else that is wrong is damage and is refused
 * with the line's number: a line that fails its checksum, a number that is not the next, a
 * version that is newer than ours, more than 4 MiB. */
#ifndef MOONGATE_JOURNAL_READER_H
#define MOONGATE_JOURNAL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"

struct failure;

/* Zeroed but for `take` it begins at the first line. */
struct journal_reader {
    /* Called for each record; it is borrowed for the call. */
    void (*take)(void *context, const cJSON *record);
    void *context;

    uint64_t lines;        /* good ones */
    uint64_t good_bytes;   /* up to the end of the last good line */
    struct buffer partial; /* of a line that is not whole yet */
    bool is_torn;          /* zeros came: blocks of a tail that were never written */
    uint64_t torn_bytes;   /* of whole lines since then */
};

/* Goes on with these bytes of the log. NULL, or the failure: JournalDamaged, JournalTooNew; owned by
 * the caller, and then the reader is of no more use. */
struct failure *journal_read(struct journal_reader *reader, const char *bytes,
                             size_t length);

/* The log is over: how many bytes of it are a torn tail. */
uint64_t journal_read_end(const struct journal_reader *reader);

void journal_reader_deinit(struct journal_reader *reader);

#endif
