/* tests/fuzz/fuzz_cron.c - two texts: a schedule, and a moment in hexadecimal digits. */
#include "schedule/cron.h"

#include "fuzz.h"

/* What follows a moment is a whole minute after it, and comes next from whatever is between. */
static void claim_next(const struct cron *cron, int64_t at_s)
{
    const int64_t next_s = cron_next(cron, at_s);

    fuzz_claim(next_s > at_s && (next_s == INT64_MAX || next_s % 60 == 0));
    if (next_s == INT64_MAX)
        return;
    fuzz_claim(cron_next(cron, next_s - 1) == next_s);
    if (at_s > INT64_C(-62135596800)) /* before the year 1 all times are one */
        fuzz_claim(cron_next(cron, at_s + (next_s - at_s) / 2) >= next_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(&data, &size), *moment = fuzz_text(&data, &size);
    struct cron cron;
    char *wrong = cron_parse(text, &cron);

    if (wrong == NULL) {
        /* what never comes is refused; the calendar repeats itself after 400 years */
        fuzz_claim(cron_next(&cron, 0) < INT64_C(400) * 31556952 + 86400 * 2);
        claim_next(&cron, (int64_t)strtoull(moment, NULL, 16));
        claim_next(&cron, (int64_t)(strtoull(moment, NULL, 16) % 253402300800U));
    } else {
        fuzz_claim(wrong[0] != '\0' && strlen(wrong) < 2500);
    }
    free(wrong);
    free(text);
    free(moment);
    return 0;
}
