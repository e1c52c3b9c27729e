/* engine/sim/graph_batch.c - $batch of Microsoft Graph: up to 20 requests in one.
 *
 * Each part is answered as if it had come alone, with the caller's rights and out of the same
 * buckets; the parts run in the order in which they stand, but behind what they depend on. Limits, ids and statuses: documented; texts: assumed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/graph.h"
#include "sim/plane.h"
#include "sim/world.h"

enum { PART_LIMIT = 20, FAILED_DEPENDENCY = 424 };

struct part {
    const char *id, *url; /* borrowed from the request's body, as all that follows */
    enum call_method method;
    const cJSON *headers, *body, *depends_on; /* or NULL */
    bool is_placed;                           /* it has its place in `order` */
    int status;                               /* once it was answered */
};

struct batch {
    struct graph_request *request;
    struct part parts[PART_LIMIT];
    size_t count;
    struct part *order[PART_LIMIT];
    struct buffer responses;
};

/* ---- reading ---- */

static bool refuse(const struct batch *batch, const char *what, const char *id)
{
    return graph_refuse(batch->request, 400, "BadRequest",
                        "Invalid batch payload format: %s%s%.60s%s.", what,
                        id != NULL ? " (request '" : "", id != NULL ? id : "",
                        id != NULL ? "')" : "");
}

static const struct part *find_part(const struct batch *batch, const char *id)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (text_equal_nocase(batch->parts[i].id, id))
            return &batch->parts[i];
    }
    return NULL;
}

static bool read_method(const char *text, enum call_method *method)
{
    static const struct {
        const char *name;
        enum call_method method;
    } methods[] = {{"GET", CALL_GET},
                   {"POST", CALL_POST},
                   {"PATCH", CALL_PATCH},
                   {"PUT", CALL_PUT},
                   {"DELETE", CALL_DELETE}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (text != NULL && text_equal_nocase(methods[i].name, text)) {
            *method = methods[i].method;
            return true;
        }
    }
    return false;
}

static const char *find_header(const struct part *part, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(part->headers, name));
}

static bool read_part(struct batch *batch, const cJSON *from)
{
    struct part part = {.id = json_string_at(from, "id"),
                        .url = json_string_at(from, "url"),
                        .headers = json_at(from, "headers"),
                        .body = json_at(from, "body"),
                        .depends_on = json_at(from, "dependsOn")};

    if (part.id == NULL || *part.id == '\0')
        return refuse(batch, "a request without an 'id'", NULL);
    if (find_part(batch, part.id) != NULL)
        return refuse(batch, "two requests have the same 'id'", part.id);
    if (part.url == NULL || strstr(part.url, "://") != NULL)
        return refuse(batch, "'url' must be relative", part.id);
    if (text_has_prefix_nocase(part.url + (*part.url == '/' ? 1 : 0), "$batch"))
        return refuse(batch, "a batch in a batch", part.id);
    if (!read_method(json_string_at(from, "method"), &part.method))
        return refuse(batch, "an unknown 'method'", part.id);
    if (part.body != NULL && find_header(&part, "Content-Type") == NULL)
        return refuse(batch, "a 'body' needs the header 'Content-Type'", part.id);
    batch->parts[batch->count++] = part;
    return true;
}

static bool check_dependencies(const struct batch *batch, const struct part *part)
{
    const cJSON *id;

    if (part->depends_on != NULL && !cJSON_IsArray(part->depends_on))
        return refuse(batch, "'dependsOn' must be a list of ids", part->id);
    cJSON_ArrayForEach (id, part->depends_on) {
        if (!cJSON_IsString(id) || find_part(batch, id->valuestring) == NULL)
            return refuse(batch, "'dependsOn' names no request of the batch", part->id);
    }
    return true;
}

static bool can_be_placed(const struct batch *batch, const struct part *part)
{
    const cJSON *id;

    cJSON_ArrayForEach (id, part->depends_on) {
        if (!find_part(batch, id->valuestring)->is_placed)
            return false;
    }
    return !part->is_placed;
}

/* Puts each part behind those that it depends on. False when they go in a circle. */
static bool find_order(struct batch *batch)
{
    size_t placed = 0, before;

    do {
        before = placed;
        for (size_t i = 0; i < batch->count; i++) {
            struct part *part = &batch->parts[i];

            if (!can_be_placed(batch, part))
                continue;
            part->is_placed = true;
            batch->order[placed++] = part;
        }
    } while (placed > before);
    return placed == batch->count || refuse(batch, "'dependsOn' goes in a circle", NULL);
}

static bool read_batch(struct batch *batch)
{
    const cJSON *requests = json_at(call_json(batch->request->call), "requests"),
                *request;

    if (!cJSON_IsArray(requests) || requests->child == NULL)
        return refuse(batch, "'requests' must be a list that is not empty", NULL);
    if (cJSON_GetArraySize(requests) > PART_LIMIT)
        return graph_refuse(
            batch->request, 400, "BadRequest",
            "Number of batch request steps exceeds the maximum value of %d.", PART_LIMIT);
    cJSON_ArrayForEach (request, requests) {
        if (!read_part(batch, request))
            return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (!check_dependencies(batch, &batch->parts[i]))
            return false;
    }
    return find_order(batch);
}

/* ---- answering ---- */

static bool has_failed(const struct batch *batch, const struct part *part)
{
    const cJSON *id;

    cJSON_ArrayForEach (id, part->depends_on) {
        if (find_part(batch, id->valuestring)->status >= 300)
            return true;
    }
    return false;
}

static void append_header(struct buffer *to, const char *name, const char *value)
{
    buffer_printf(to, "%s\"%s\":", to->data[to->length - 1] == '{' ? "" : ",", name);
    buffer_append_json_string(to, value, strlen(value));
}

static void append_headers(struct buffer *to, const struct answer *answer)
{
    char seconds[16];

    buffer_append_string(to, ",\"headers\":{");
    for (size_t i = 0; i < answer->header_count; i++)
        append_header(to, answer->headers[i].name, answer->headers[i].value);
    if (answer->location != NULL)
        append_header(to, "Location", answer->location);
    if (answer->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%d", answer->retry_after_s);
        append_header(to, "Retry-After", seconds);
    }
    if (answer->body.length > 0)
        append_header(to, "Content-Type", answer->content_type);
    buffer_append_char(to, '}');
}

/* A body that is JSON is put in as it is. */
static void append_answer(struct batch *batch, const struct part *part,
                          const struct answer *answer)
{
    struct buffer *to = &batch->responses;

    buffer_append_string(to, to->length > 0 ? ",{\"id\":" : "{\"id\":");
    buffer_append_json_string(to, part->id, strlen(part->id));
    buffer_printf(to, ",\"status\":%d", answer->status);
    append_headers(to, answer);
    if (answer->body.length > 0) {
        buffer_append_string(to, ",\"body\":");
        if (answer->content_type == graph_json_type)
            buffer_append(to, answer->body.data, answer->body.length);
        else
            buffer_append_json_string(to, answer->body.data, answer->body.length);
    }
    buffer_append_char(to, '}');
}

/* "/groups?x" -> the path behind "/v1.0", and the query. */
static void answer_part(struct batch *batch, struct part *part)
{
    const struct call *whole = batch->request->call;
    const char *query = strchr(part->url, '?');
    char *path = memory_format("/v1.0/%.*s", (int)strcspn(part->url, "?"), part->url);
    char *body = part->body != NULL ? json_print(part->body) : NULL;
    struct call call = {.method = part->method,
                        .base = whole->base,
                        .path = path,
                        .query = query != NULL ? query + 1 : NULL,
                        .authorization = whole->authorization,
                        .if_match = find_header(part, "If-Match"),
                        .if_none_match = find_header(part, "If-None-Match"),
                        .consistency_level = find_header(part, "ConsistencyLevel"),
                        .client_request_id = find_header(part, "client-request-id"),
                        .body = body,
                        .body_length = body != NULL ? strlen(body) : 0};
    struct answer answer;
    struct graph_request request = {
        .world = batch->request->world, .call = &call, .answer = &answer};

    answer_init(&answer);
    if (has_failed(batch, part))
        graph_refuse(&request, FAILED_DEPENDENCY, "FailedDependency",
                     "The request was not executed because one that it depends on has "
                     "failed.");
    else if (call_open(&call))
        plane_graph(batch->request->world, &call, &answer);
    else
        graph_refuse(&request, 400, "BadRequest", "The URL of the request is malformed.");
    if (answer.content_type == NULL)
        answer.content_type = graph_json_type;
    part->status = answer.status;
    append_answer(batch, part, &answer);
    answer_deinit(&answer);
    call_close(&call);
    free(path);
    free(body);
}

void graph_batch(struct graph_request *request)
{
    struct batch batch = {.request = request};

    if (read_batch(&batch)) {
        for (size_t i = 0; i < batch.count; i++)
            answer_part(&batch, batch.order[i]);
        answer_set_text(request->answer, 200, "");
        buffer_printf(&request->answer->body, "{\"responses\":[%s]}",
                      batch.responses.data);
    }
    buffer_deinit(&batch.responses);
}
