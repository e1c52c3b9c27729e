/* engine/sim/traffic.c - what came in and what was said to it. */
#include "sim/traffic.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "sim/answer.h"
#include "sim/faults.h"
#include "sim/world.h"

void traffic_receive(struct traffic *traffic, enum plane plane, const struct call *call)
{
    traffic->by_plane[plane]++;
    if (plane == PLANE_MANAGER)
        traffic->by_class[call_find_class(call)]++;
}

void traffic_answer(struct traffic *traffic, const struct answer *answer)
{
    if (answer->fate != ANSWER_SENT && answer->fate != ANSWER_LATE)
        traffic->lost++;
    else if (answer->status >= 0 && answer->status < TRAFFIC_STATUS_LIMIT)
        traffic->by_status[answer->status]++;
}

void traffic_admit(struct traffic *traffic, const struct call *call, int64_t now_ms)
{
    if (call_find_class(call) == CLASS_READS)
        return;
    if (traffic->writes++ == 0)
        traffic->first_write_ms = now_ms;
    traffic->last_write_ms = now_ms;
}

static void append_time(struct buffer *to, const char *name, int64_t time_ms)
{
    char text[CLOCK_TEXT_SIZE];

    if (time_ms == 0) {
        buffer_printf(to, ",\"%s\":null", name);
        return;
    }
    clock_format_utc(time_ms, text);
    buffer_printf(to, ",\"%s\":\"%s\"", name, text);
}

static void append_statuses(struct buffer *to, const struct traffic *traffic)
{
    const char *comma = "";

    buffer_append_string(to, ",\"by_status\":{");
    for (int status = 0; status < TRAFFIC_STATUS_LIMIT; status++) {
        if (traffic->by_status[status] == 0)
            continue;
        buffer_printf(to, "%s\"%d\":%" PRId64, comma, status, traffic->by_status[status]);
        comma = ",";
    }
    buffer_append_char(to, '}');
}

void traffic_describe(const struct world *world, struct buffer *to)
{
    const struct traffic *traffic = &world->traffic;

    buffer_printf(to,
                  "{\"requests\":%" PRId64 ",\"by_class\":{\"arm_reads\":%" PRId64
                  ",\"arm_writes\":%" PRId64 ",\"arm_deletes\":%" PRId64,
                  world->calls, traffic->by_class[CLASS_READS],
                  traffic->by_class[CLASS_WRITES], traffic->by_class[CLASS_DELETES]);
    buffer_printf(
        to, ",\"graph\":%" PRId64 ",\"sign_in\":%" PRId64 ",\"controls\":%" PRId64 "}",
        traffic->by_plane[PLANE_GRAPH], traffic->by_plane[PLANE_ENTRA],
        traffic->by_plane[PLANE_CONTROLS]);
    append_statuses(to, traffic);
    buffer_printf(to,
                  ",\"lost\":%" PRId64 ",\"throttled\":%" PRId64 ",\"faults\":%" PRId64
                  ",\"writes\":%" PRId64,
                  traffic->lost, traffic->by_status[429], faults_count(world->faults),
                  traffic->writes);
    append_time(to, "first_write", traffic->first_write_ms);
    append_time(to, "last_write", traffic->last_write_ms);
    buffer_append_char(to, '}');
}
