/* engine/schedule/zone_file.h - the content of a zone's file: TZif, RFC 9636. */
#ifndef MOONGATE_SCHEDULE_ZONE_FILE_H
#define MOONGATE_SCHEDULE_ZONE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule/zone.h"
#include "schedule/zone_rule.h"

/* A zeroed struct knows nothing and may be released. */
struct zone_file {
    size_t shift_count;
    int64_t *shifts;           /* moments, rising */
    uint8_t *shift_kinds;      /* what counts from each on: an index into `kinds` */
    struct zone_offset *kinds; /* at least one; the first counts before all shifts */
    char *abbreviations;       /* what they point to */
    bool has_rule;             /* for what comes from the last shift on */
    struct zone_rule rule;
};

/* Fills `file`, which zone_file_deinit() releases. NULL, or what is wrong with the content: a
 * string constant; then there is nothing to release. Of a file with 64-bit data (version 2 and
 * later) only these count. Leap seconds are refused: UTC as we know it does not have them. */
const char *zone_file_parse(const void *bytes, size_t length, struct zone_file *file);

void zone_file_deinit(struct zone_file *file);

#endif
