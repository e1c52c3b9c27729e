/* engine/run/record_events.c - what was shown of a run, kept line by line. */
#include "run/record_parts.h"

enum { MOST_EVENT_BYTES = 1 << 20 }; /* that wait for a record to be made */

static void on_events_appended(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_writing_events = false;
    if (call->failure == NULL)
        record->event_bytes += record->writing_events.length;
    buffer_clear(
        &record->writing_events); /* nobody builds on them: what is lost is lost */
    if (record->events.length > 0)
        loop_defer(record->loop, &record->flush_events);
}

/* Reads at most `most` bytes of what earlier attempts have written there. */
static void read_events(struct record *record, uint64_t offset, size_t most,
                        void (*done)(struct store_call *call))
{
    store_call_deinit(&record->event_call);
    record->event_call.done = done;
    record->event_call.owner = record;
    record->is_writing_events = true;
    record->store->get(record->store, &record->event_call, record->event_name, offset,
                       most);
}

static void take_event_position(struct record *record)
{
    record->is_writing_events = false;
    record->has_event_position = true;
    loop_defer(record->loop, &record->flush_events);
}

/* A process that died while it wrote an event has left a line without its end. */
static void on_last_event_byte(struct store_call *call)
{
    struct record *record = call->owner;
    struct buffer events = {0};

    if (call->failure == NULL && call->bytes.length == 1 && call->bytes.data[0] != '\n') {
        buffer_append_char(&events, '\n');
        buffer_append(&events, record->events.data, record->events.length);
        buffer_deinit(&record->events);
        record->events = events;
    }
    take_event_position(record);
}

static void on_event_size(struct store_call *call)
{
    struct record *record = call->owner;

    record->event_bytes = call->size_bytes;
    if (record->event_bytes > 0)
        read_events(record, record->event_bytes - 1, 1, on_last_event_byte);
    else
        take_event_position(record);
}

void record_flush_events(struct deferred *deferred)
{
    struct record *record = LIST_ENTRY(deferred, struct record, flush_events);
    const struct buffer next = record->writing_events;

    if (!record->is_made || record->is_writing_events || record->events.length == 0)
        return;
    if (!record->has_event_position) {
        read_events(record, 0, 0, on_event_size);
        return;
    }
    record->writing_events = record->events;
    record->events = next;
    store_call_deinit(&record->event_call);
    record->event_call.done = on_events_appended;
    record->event_call.owner = record;
    record->is_writing_events = true;
    record->store->append(record->store, &record->event_call, record->event_name, NULL,
                          record->event_bytes, record->writing_events.data,
                          record->writing_events.length, false);
}

void record_add_event(struct record *record, const char *line, size_t length)
{
    if (record->is_over || (!record->is_made && record->events.length > MOST_EVENT_BYTES))
        return;
    buffer_append(&record->events, line, length);
    if (record->is_made)
        loop_defer(record->loop, &record->flush_events);
}
