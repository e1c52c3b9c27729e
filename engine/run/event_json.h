/* engine/run/event_json.h - events as lines of JSON, and back.
 *
 * A line is what `--output json` prints and what a run keeps of its events; whoever reads it
 * later can hand the event to any face and see what was seen then. */
#ifndef MOONGATE_RUN_EVENT_JSON_H
#define MOONGATE_RUN_EVENT_JSON_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "run/event.h"

/* Appends the event as one JSON object with a line end behind it. Bytes that are not UTF-8
 * become U+FFFD. Written without a tree: a hundred thousand of them are cheap. */
void event_format(struct buffer *line, const struct event *event);

/* Reads the lines of one run, in order. Zero it before the first. */
struct event_reader {
    /* The event of the last line. Strings are borrowed from the line's tree, the structs from
     * the reader: valid until the next line, or until the tree goes away. */
    struct event event;

    struct failure failure;
    struct forecast forecast;
    struct run_summary summary;

    /* Of the lines since the run started: a summary's line does not count all of them. */
    unsigned outcomes[OUTCOME_COUNT];
};

/* Fills in `reader->event`. False when the line is none of the events that this version
 * knows, or names a status, outcome or level that it does not know: `event` is not valid then.
 * Members that it does not know are passed over. */
bool event_read(struct event_reader *reader, const cJSON *line);

#endif
