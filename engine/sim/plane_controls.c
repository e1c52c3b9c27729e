/* engine/sim/plane_controls.c - /_sim/: what tests and curious people ask the simulator
 * itself. */
#include "sim/plane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entra_device.h"
#include "sim/faults.h"
#include "sim/monitor.h"
#include "sim/traffic.h"
#include "sim/world.h"

static void answer_ledger(struct world *world, struct answer *answer)
{
    sqlite3_stmt *row = database_query(
        world->database, "SELECT id, created, changed, deleted FROM ledger ORDER BY key",
        "");
    const char *comma = "";

    answer_set_text(answer, 200, "{\"resources\":[");
    while (database_step(world->database, row)) {
        const char *id = database_column(row, 0);

        buffer_printf(&answer->body, "%s{\"id\":", comma);
        buffer_append_json_string(&answer->body, id, strlen(id));
        buffer_printf(
            &answer->body,
            ",\"created\":%" PRId64 ",\"changed\":%" PRId64 ",\"deleted\":%" PRId64 "}",
            (int64_t)sqlite3_column_int64(row, 1), (int64_t)sqlite3_column_int64(row, 2),
            (int64_t)sqlite3_column_int64(row, 3));
        comma = ",";
    }
    buffer_append_string(&answer->body, "]}");
}

static void answer_clock(const struct world *world, struct answer *answer)
{
    static const char *const modes[] = {
        [CLOCK_REAL] = "real", [CLOCK_SCALED] = "scaled", [CLOCK_VIRTUAL] = "virtual"};
    char now[CLOCK_TEXT_SIZE];

    clock_format_utc(world->now_ms, now);
    answer_set_text(answer, 200, "");
    buffer_printf(&answer->body, "{\"now\":\"%s\",\"mode\":\"%s\",\"factor\":%g}", now,
                  modes[world->clock->mode], world->clock->factor);
}

static void answer_faults(const struct world *world, struct answer *answer)
{
    answer_set_text(answer, 200, "");
    faults_describe(world->faults, &answer->body);
}

/* The body of a POST is a text as of --sim-faults; none ends all faults. */
static void replace_faults(struct world *world, const struct call *call,
                           struct answer *answer)
{
    const bool has_text = call->method == CALL_POST && call->body != NULL;
    char *text =
        memory_copy_text(has_text ? call->body : "", has_text ? call->body_length : 0);
    char *wrong = faults_set(world->faults, text);

    if (wrong == NULL) {
        monitor_release_hung(world);
        answer_faults(world, answer);
    } else {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT, "%s", wrong);
    }
    free(wrong);
    free(text);
}

void plane_controls(struct world *world, const struct call *call, struct answer *answer)
{
    if ((call->method == CALL_POST || call->method == CALL_DELETE) &&
        call_segment_is(call, 1, "faults")) {
        replace_faults(world, call, answer);
    } else if (call->method == CALL_POST && call_segment_is(call, 1, "devicecode")) {
        entra_device_control(world, call, answer);
    } else if (call->method != CALL_GET) {
        answer_refuse(answer, REFUSE_METHOD, "'%s' is for reading.", call->path);
    } else if (call_segment_is(call, 1, "ledger")) {
        answer_ledger(world, answer);
    } else if (call_segment_is(call, 1, "clock")) {
        answer_clock(world, answer);
    } else if (call_segment_is(call, 1, "faults")) {
        answer_faults(world, answer);
    } else if (call_segment_is(call, 1, "requests")) {
        answer_set_text(answer, 200, "");
        traffic_describe(world, &answer->body);
    } else {
        answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.", call->path);
    }
}
