/* engine/schedule/zone.h - time zones: what the clocks on the wall of a place say.
 *
 * A zone is read from the system's compiled rules (TZif, RFC 9636): $TZDIR, or else
 * /usr/share/zoneinfo, and behind their last shift from the rule in their footer. "UTC" needs no
 * file. The C library knows one zone per process, hence this reader. */
#ifndef MOONGATE_SCHEDULE_ZONE_H
#define MOONGATE_SCHEDULE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct zone;

/* "Europe/Berlin"; the same zone for the same name while anybody has it open, unless another file
 * has taken the place of its own. NULL when there is none, or its file is damaged, with the reason
 * in `*wrong` (owned by the caller), which names a near name when there is one. Names that mean
 * another zone on another host ("localtime") and zones that count leap seconds ("right/..") are
 * refused. Not for several threads at once. */
struct zone *zone_open(const char *name, char **wrong);

/* Accepts NULL. */
void zone_close(struct zone *zone);

const char *zone_name(const struct zone *zone);

/* What counts at a moment. */
struct zone_offset {
    int32_t offset_s;         /* seconds east of UTC */
    bool is_dst;              /* daylight saving */
    const char *abbreviation; /* "CEST"; the zone's */
};
struct zone_offset zone_at(const struct zone *zone, int64_t utc_s);

/* The first shift of the clocks after that moment: UTC seconds, INT64_MAX when there is none. A
 * change of name or flag alone is no shift. */
int64_t zone_next_shift(const struct zone *zone, int64_t utc_s);

/* The latest local time (seconds as if it were UTC) that the clocks have shown until that moment:
 * what they show, or, after they were set back, for a while more. */
int64_t zone_latest_local(const struct zone *zone, int64_t utc_s);

/* How often a local time occurs. */
enum zone_fit {
    ZONE_ONCE,
    ZONE_NEVER, /* the clocks jump over it; the moment is that of the jump */
    ZONE_TWICE  /* or more often; the moment is the first */
};

/* The first moment at which the clocks show the local time or a later one. So the moments of
 * rising local times rise, too. Years beyond some billions are taken for the last of them. */
enum zone_fit zone_from_local(const struct zone *zone, int64_t local_s, int64_t *utc_s);

#endif
