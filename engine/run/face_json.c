/* engine/run/face_json.c - the face for programs: one JSON object a line on stdout.
 *
 * One write a line: a line is there when its event is over. */
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "run/event.h"
#include "run/event_json.h"
#include "run/face_stream.h"

struct json_face {
    struct face_head head;
    struct buffer line;
};

static void complain(const struct json_face *json)
{
    struct face_stream err = {.fd = STDERR_FILENO};
    struct buffer text = {0};

    face_stream_append_complaint(&text, &json->head.out);
    face_stream_write(&err, text.data, text.length);
    buffer_deinit(&text);
}

static void handle(struct face *face, const struct event *event)
{
    struct json_face *json = (struct json_face *)face;

    if (json->head.out.error != 0)
        return;
    buffer_clear(&json->line);
    event_format(&json->line, event);
    if (!face_stream_write(&json->head.out, json->line.data, json->line.length))
        complain(json);
}

static void free_face(struct face *face)
{
    struct json_face *json = (struct json_face *)face;

    buffer_deinit(&json->line);
    free(json);
}

struct face *face_new_json(void)
{
    struct json_face *json = memory_new(sizeof *json);

    json->head.face = (struct face){.handle = handle, .free = free_face};
    json->head.out.fd = STDOUT_FILENO;
    return &json->head.face;
}
