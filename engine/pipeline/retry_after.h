/* engine/pipeline/retry_after.h - how long an answer asks to wait. */
#ifndef MOONGATE_PIPELINE_RETRY_AFTER_H
#define MOONGATE_PIPELINE_RETRY_AFTER_H

#include <stdint.h>

struct transfer;

/* The milliseconds of retry-after-ms, x-ms-retry-after-ms, or Retry-After in seconds or as
 * an HTTP date (counted from the answer's own Date, so that no clock need be right); the
 * first of them that can be read. Negative when the answer has none. At most one day. */
int64_t retry_after_ms(const struct transfer *transfer);

#endif
