/* engine/pipeline/retry_after.c - how long an answer asks to wait. */
#include "pipeline/retry_after.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/transfer.h"

static const double MAX_MS = 86400000.0;

/* A number of units, as milliseconds; negative when the text is not one. */
static int64_t parse_number(const char *text, double unit_ms)
{
    char *end;

    if (text == NULL || strspn(text, "0123456789.") != strlen(text))
        return -1;

    const double value = strtod(text, &end) * unit_ms;

    if (end == text || *end != '\0')
        return -1;
    return (int64_t)(value < MAX_MS ? value : MAX_MS);
}

int64_t retry_after_ms(const struct transfer *transfer)
{
    int64_t wait_ms = parse_number(transfer_field(transfer, "retry-after-ms"), 1.0);

    if (wait_ms < 0)
        wait_ms = parse_number(transfer_field(transfer, "x-ms-retry-after-ms"), 1.0);
    if (wait_ms < 0)
        wait_ms = parse_number(transfer_field(transfer, "retry-after"), 1000.0);
    if (wait_ms >= 0)
        return wait_ms;

    int64_t then_ms, now_ms;

    /* that form of a date alone; anything else is as good as no header */
    if (clock_parse_http(transfer_field(transfer, "retry-after"), &then_ms) != 0 ||
        clock_parse_http(transfer_field(transfer, "date"), &now_ms) != 0)
        return -1;
    wait_ms = then_ms > now_ms ? then_ms - now_ms : 0;
    return wait_ms < (int64_t)MAX_MS ? wait_ms : (int64_t)MAX_MS;
}
