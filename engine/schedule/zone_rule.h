/* engine/schedule/zone_rule.h - the rule of a zone that stands in the footer of its file.
 *
 * It is a TZ string of POSIX, with the extensions of RFC 9636, 3.3.1: "CET-1CEST,M3.5.0,M10.5.0/3"
 * or "<+0330>-3:30". It holds for every year; what counts at a moment is reckoned from the years
 * around it, so no year is further away than another. */
#ifndef MOONGATE_SCHEDULE_ZONE_RULE_H
#define MOONGATE_SCHEDULE_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule/zone.h"

/* From RFC 9636, 3.2: more than -25 hours, less than 26. */
enum { ZONE_LEAST_OFFSET_S = -89999, ZONE_MOST_OFFSET_S = 93599 };

enum { ZONE_RULE_NAME_SIZE = 32 };

/* What abbreviations are made of, whatever the locale; the others in < > only. */
#define ZONE_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ZONE_OTHERS  "0123456789+-"

/* A moment of each year, in local time. */
struct zone_rule_date {
    enum { ZONE_RULE_JULIAN, ZONE_RULE_DAY, ZONE_RULE_WEEKDAY } form; /* Jn, n, Mm.w.d */
    int month, week;
    int day;        /* 1 to 365 without 29 February, 0 to 365 with it, or 0 for Sunday */
    int32_t time_s; /* after the midnight before; from -167 to 167 hours */
};

struct zone_rule {
    int32_t standard_s, daylight_s; /* seconds east of UTC */
    bool has_daylight;
    char standard_name[ZONE_RULE_NAME_SIZE], daylight_name[ZONE_RULE_NAME_SIZE];
    struct zone_rule_date begin, end; /* of daylight saving */
};

/* Whether the text is a rule. A daylight saving without dates is none: where they come from is
 * left to the system (POSIX), so nobody knows. */
bool zone_rule_parse(const char *text, struct zone_rule *rule);

/* What counts at a moment, and from which on (`*from_s`) until before which (`*until_s`). A bound
 * may be nearer than the next shift, but not than eleven months. The moment is one of the years
 * that find room in 2^60 seconds. */
struct zone_offset zone_rule_at(const struct zone_rule *rule, int64_t utc_s,
                                int64_t *from_s, int64_t *until_s);

#endif
