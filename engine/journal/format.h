/* engine/journal/format.h - the lines of a journal.
 *
 *     {"v":1,"n":12,"at":"2026-11-25T10:00:00.123Z","do":"intent", ... ,"crc":"1a2b3c4d"}
 *
 * `v` is the version of the form, `n` counts the lines from 1, `at` is on the run's clock and
 * `crc` the CRC-32 (as in gzip, RFC 1952) of the line up to the comma in front of it. Whatever
 * a later version changes, its lines begin with `v` and end with `crc`, so that a line of a
 * newer moongate is told from a damaged one. */
#ifndef MOONGATE_JOURNAL_FORMAT_H
#define MOONGATE_JOURNAL_FORMAT_H

#include <stdint.h>

#include "base/buffer.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_CRC_SIZE = 9,
    JOURNAL_LONGEST_LINE = 4 << 20 /* bytes; a longer one is not read */
};

/* Appends the beginning of a line. Returns where it begins, for journal_end_line(). */
size_t journal_begin_line(struct buffer *text, uint64_t number, int64_t wall_ms,
                          const char *what);

/* Appends a member, unless its text is NULL. Text that is no UTF-8 is passed over. */
void journal_add_text(struct buffer *text, const char *name, const char *value);
void journal_add_number(struct buffer *text, const char *name, int64_t value);

void journal_end_line(struct buffer *text, size_t begin);

/* The checksum of these bytes as the line has it. */
void journal_format_crc(const char *bytes, size_t length, char crc[JOURNAL_CRC_SIZE]);

#endif
