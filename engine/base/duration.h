/* engine/base/duration.h - "90s", "45m", "3h", "2d" and back, and the form of ISO 8601. */
#ifndef MOONGATE_BASE_DURATION_H
#define MOONGATE_BASE_DURATION_H

#include <stddef.h>
#include <stdint.h>

/* Parses a duration: parts of a number and a unit (ms, s, m, h, d), the largest first, such
 * as "90s", "1h30m", "1.5h"; a number alone is seconds. From 0 to 10 years. Returns 0, or -1
 * when the text is not a duration. */
int duration_parse(const char *text, int64_t *duration_ms);

/* Parses a duration of ISO 8601 in days and below, or weeks: "PT1M30S", "P1DT2H", "P2W"; only
 * the last number may have a fraction. From 0 to 10 years. Returns 0, or -1. */
int duration_parse_iso(const char *text, int64_t *duration_ms);

/* Writes it as ISO 8601 does: "PT1H30M", "PT0.5S". */
enum { DURATION_ISO_SIZE = 48 };
void duration_format_iso(int64_t duration_ms, char text[DURATION_ISO_SIZE]);

/* Writes it short, for people: "850 ms", "42 s", "03:07", "2:59:12", "2d 03:00:00". */
enum { DURATION_TEXT_SIZE = 32 };
void duration_format(int64_t duration_ms, char text[DURATION_TEXT_SIZE]);

/* Writes one that is not negative as duration_parse() reads it: "1h30m", "500ms", "0s". */
void duration_format_parts(int64_t duration_ms, char text[DURATION_TEXT_SIZE]);

#endif
