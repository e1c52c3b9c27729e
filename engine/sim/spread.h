/* engine/sim/spread.h - how long a thing takes, as a world file says it: always the same, or
 * spread at random.
 *
 *   "3h"                               always
 *   ["2h50m", "3h10m"]                 anything between the two, equally likely
 *   {"from": "2h50m", "to": "3h10m"}   the same
 *   {"median": "3h", "p95": "3h40m"}   log-normal: one in two takes longer than the median,
 *                                      one in twenty longer than p95 */
#ifndef MOONGATE_SIM_SPREAD_H
#define MOONGATE_SIM_SPREAD_H

#include <stdint.h>

#include <cjson/cJSON.h>

enum spread_form { SPREAD_UNIFORM, SPREAD_LOG_NORMAL };

struct spread {
    enum spread_form form;
    int64_t low_ms, high_ms; /* from and to, or median and 95th percentile */
};

/* Says what is wrong with the value, in a message owned by the caller, or NULL; then
 * `*spread` is filled in. */
char *spread_read(const cJSON *value, struct spread *spread);

/* From 1 ms to 10 years, or 0 where nothing else is possible. The same seed, key and use
 * give the same, whatever else was drawn. */
int64_t spread_draw(const struct spread *spread, uint64_t seed, const char *key,
                    const char *use);

#endif
