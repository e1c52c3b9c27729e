/* engine/base/clock.h - the time that all of moongate goes by.
 *
 * Two readings: `clock_now_ms` is monotonic, starts at 0 when the clock is made and is what
 * timers use; `clock_wall_ms` is UTC since 1970 and is what people and services see. A real
 * clock follows the machine (asleep or not), a scaled one runs `factor` times as fast, a
 * virtual one stands still until somebody advances it. */
#ifndef MOONGATE_BASE_CLOCK_H
#define MOONGATE_BASE_CLOCK_H

#include <stdint.h>

enum clock_mode { CLOCK_REAL, CLOCK_SCALED, CLOCK_VIRTUAL };

struct clock {
    enum clock_mode mode;
    double factor;           /* clock seconds per real second; 1 unless scaled */
    int64_t machine_base_ms; /* the machine's monotonic time when this clock was made */
    int64_t wall_base_ms;    /* UTC when this clock was made */
    int64_t virtual_ms;      /* of a virtual clock: time since it was made */
};

void clock_init(struct clock *clock, enum clock_mode mode, double factor);

/* Parses "virtual", "real" or a factor such as "60x". Returns 0, or -1 when it is neither. */
int clock_parse(const char *text, enum clock_mode *mode, double *factor);

/* Makes a scaled or virtual clock say that it is `wall_ms` (UTC) now; what runs on
 * clock_now_ms() does not notice. No effect on a real clock, which is the machine's. */
void clock_set_wall(struct clock *clock, int64_t wall_ms);

int64_t clock_now_ms(const struct clock *clock);
int64_t clock_wall_ms(const struct clock *clock);

/* Moves a virtual clock forward to `now_ms`; never back. No effect on other clocks. */
void clock_advance_to(struct clock *clock, int64_t now_ms);

/* How long `span_ms` of this clock takes on the machine; 0 on a virtual clock. */
int64_t clock_machine_span_ms(const struct clock *clock, int64_t span_ms);

/* The machine's own monotonic milliseconds, whatever clock is in use: for measuring how
 * long the program itself took. */
int64_t clock_machine_ms(void);

/* UTC as the machine has it, whatever clock is in use: for what other programs go by. */
int64_t clock_machine_wall_ms(void);

/* Writes "2026-01-31T12:00:00.123Z" (ISO 8601, UTC); needs 25 bytes. */
enum { CLOCK_TEXT_SIZE = 32 };
void clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

/* Parses an ISO 8601 UTC time with "Z", seconds with or without fraction, into
 * milliseconds since 1970, the nearest. Returns 0, or -1 when the text is not one. */
int clock_parse_utc(const char *text, int64_t *wall_ms);

/* The same of an HTTP date in its preferred form, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110,
 * 5.6.7). NULL is no date. */
int clock_parse_http(const char *text, int64_t *wall_ms);

#endif
