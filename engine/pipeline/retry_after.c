/* engine/pipeline/retry_after.c - how long an answer asks to wait. */
#include "pipeline/retry_after.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* Seconds since 1970 of an IMF-fixdate (RFC 9110, 5.6.7), or -1. */
static int64_t parse_date(const char *text)
{
    struct tm parts = {0};

    if (text == NULL)
        return -1;

    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);

    if (end == NULL || *end != '\0')
        return -1;
    return (int64_t)timegm(&parts);
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

    const int64_t then = parse_date(transfer_field(transfer, "retry-after"));

    if (then < 0)
        return -1; /* the rule: so no other date is parsed */

    const int64_t now = parse_date(transfer_field(transfer, "date"));

    if (now < 0)
        return -1;
    wait_ms = then > now ? (then - now) * 1000 : 0;
    return wait_ms < (int64_t)MAX_MS ? wait_ms : (int64_t)MAX_MS;
}
