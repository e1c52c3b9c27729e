/* tests/fuzz/fuzz_zone.c - a moment of eight bytes, then the file of a time zone. */
#include "schedule/zone.h"

#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "schedule/schedule.h"

static char folder[] = "/tmp/fuzz_zone.XXXXXX", path[sizeof folder + 8];

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

/* $TZDIR with the zone "Own" alone. */
static void write_zone(const uint8_t *data, size_t size)
{
    if (path[0] == '\0') {
        fuzz_claim(mkdtemp(folder) != NULL && setenv("TZDIR", folder, 1) == 0);
        snprintf(path, sizeof path, "%s/Own", folder);
        atexit(remove_folder);
    }

    FILE *file = fopen(path, "wb");

    fuzz_claim(file != NULL && fwrite(data, 1, size, file) == size);
    fuzz_claim(fclose(file) == 0);
}

/* A local time is due when the clocks have first reached it. */
static void claim_local(const struct zone *zone, int64_t local_s)
{
    int64_t utc_s;
    const enum zone_fit fit = zone_from_local(zone, local_s, &utc_s);
    const int64_t shown_s = utc_s + zone_at(zone, utc_s).offset_s;

    fuzz_claim(fit == ZONE_NEVER ? shown_s > local_s : shown_s == local_s);
    fuzz_claim(zone_latest_local(zone, utc_s) >= local_s);
    fuzz_claim(zone_latest_local(zone, utc_s - 1) < local_s);
}

static void claim_shift(const struct zone *zone, int64_t at_s)
{
    const int64_t shift_s = zone_next_shift(zone, at_s);

    fuzz_claim(shift_s > at_s);
    if (shift_s == INT64_MAX)
        return;
    fuzz_claim(zone_at(zone, at_s).offset_s == zone_at(zone, shift_s - 1).offset_s);
    fuzz_claim(zone_at(zone, shift_s).offset_s != zone_at(zone, shift_s - 1).offset_s);
}

static void claim_slots(struct zone *zone, int64_t after_s)
{
    struct schedule schedule = {.zone = zone};
    int64_t slot_ms = after_s * 1000;

    fuzz_claim(cron_parse("*/7 1-3 * * *", &schedule.cron) == NULL);
    for (int i = 0; i < 30; i++) {
        const int64_t next_ms = schedule_next(&schedule, slot_ms, NULL);

        fuzz_claim(next_ms > slot_ms);
        if (next_ms == INT64_MAX)
            return;
        fuzz_claim(schedule_last(&schedule, slot_ms, next_ms) == next_ms);
        fuzz_claim(schedule_last(&schedule, slot_ms, next_ms - 1) == INT64_MIN);
        slot_ms = next_ms;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t at_s;
    char *wrong = NULL;

    if (size < sizeof at_s)
        return 0;
    memcpy(&at_s, data, sizeof at_s);
    write_zone(data + sizeof at_s, size - sizeof at_s);

    struct zone *zone = zone_open("Own", &wrong);

    if (zone != NULL) {
        zone_at(zone, at_s);
        zone_next_shift(zone, at_s);
        zone_latest_local(zone, at_s);
        at_s %= INT64_C(100000000000);
        claim_local(zone, at_s);
        claim_shift(zone, at_s);
        claim_slots(zone, at_s < 0 ? -at_s : at_s);
    }
    fuzz_claim((zone == NULL) == (wrong != NULL));
    free(wrong);
    zone_close(zone);
    return 0;
}
