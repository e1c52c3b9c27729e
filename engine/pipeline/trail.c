/* engine/pipeline/trail.c - the stage that keeps the latest requests. */
#include "pipeline/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/url.h"
#include "pipeline/effect.h"
#include "pipeline/mask.h"
#include "pipeline/pipeline.h"

enum { LARGEST_REFUSAL = 64 << 10 };

struct trail {
    const struct clock *clock;
    struct mask *mask;   /* NULL: not started */
    char *origin, *name; /* the alias until then */
    /* A ring: number n has the place (n - 1) % TRAIL_REQUESTS. */
    struct trail_entry *entries;
    uint64_t last;
    size_t count, bytes;
};

struct trail_stage {
    struct stage stage;
    struct trail *trail;
};

struct trail *trail_new(const struct clock *clock)
{
    struct trail *trail = memory_new(sizeof *trail);

    trail->clock = clock;
    return trail;
}

/* --- the ring ----------------------------------------------------------------------------- */

static struct trail_entry *place_of(const struct trail *trail, uint64_t number)
{
    return &trail->entries[(number - 1) % TRAIL_REQUESTS];
}

static struct trail_entry *find(const struct trail *trail, uint64_t number)
{
    return number > trail->last - trail->count && number <= trail->last
               ? place_of(trail, number)
               : NULL;
}

static void drop_oldest(struct trail *trail)
{
    struct trail_entry *entry = place_of(trail, trail_oldest(trail));

    trail->bytes -= entry->size;
    trail->count--;
    free(entry->method);
    free(entry->url);
    free(entry->error);
    free(entry->request_id);
    free(entry->correlation_id);
    free(entry->request);
    free(entry->answer);
    *entry = (struct trail_entry){0};
}

static size_t size_of_text(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Counts what the entry holds by now, and makes room for it. */
static void weigh(struct trail *trail, struct trail_entry *entry)
{
    const size_t size = sizeof *entry + size_of_text(entry->method) +
                        size_of_text(entry->url) + size_of_text(entry->error) +
                        size_of_text(entry->request_id) +
                        size_of_text(entry->correlation_id) +
                        size_of_text(entry->request) + size_of_text(entry->answer);

    trail->bytes += size - entry->size;
    entry->size = size;
    while (trail->bytes > TRAIL_BYTES && trail->count > 1)
        drop_oldest(trail);
}

static struct trail_entry *add(struct trail *trail)
{
    if (trail->count == TRAIL_REQUESTS)
        drop_oldest(trail);
    trail->count++;

    struct trail_entry *entry = place_of(trail, ++trail->last);

    *entry = (struct trail_entry){.number = trail->last,
                                  .wall_ms = clock_wall_ms(trail->clock),
                                  .machine_ms = clock_machine_ms()};
    return entry;
}

/* --- what is kept of a request and its answer ----------------------------------------------- */

static bool has_room(const struct buffer *text)
{
    return text->length < TRAIL_PART_BYTES;
}

static void append_body(const struct trail *trail, struct buffer *text,
                        const struct exchange *exchange, const char *body, size_t length,
                        bool is_revealed)
{
    if (length == 0)
        return;
    buffer_append_char(text, '\n');
    if (exchange->is_sign_in || is_revealed)
        buffer_printf(text, "%s (%zu bytes)", mask_hidden, length);
    else if (exchange->is_unlogged)
        buffer_printf(text, "[%zu bytes of the store]", length);
    else
        mask_append_body(trail->mask, text, exchange->transfer.url, body, length,
                         TRAIL_PART_BYTES);
    buffer_append_char(text, '\n');
}

static char *format_request(const struct trail *trail, const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;
    struct buffer text = {0};

    for (size_t i = 0; i < TRANSFER_HEADERS && transfer->headers[i] != NULL; i++) {
        const char *header = transfer->headers[i];
        const size_t name = strcspn(header, ":");

        if (header[name] == '\0' || !has_room(&text))
            continue;
        mask_append_field(trail->mask, &text, header, name,
                          header + name + 1 + strspn(header + name + 1, " \t"));
        buffer_append_char(&text, '\n');
    }
    append_body(trail, &text, exchange, transfer->body,
                transfer->body != NULL ? transfer->body_length : 0, false);
    return buffer_take(&text);
}

/* Whether its answer is keys or secrets and nothing else. */
static bool reveals(const struct exchange *exchange)
{
    struct buffer scratch = {0};
    const char *path;
    const bool is_so = effect_of_exchange(exchange, &scratch, &path) == EFFECT_REVEAL;

    buffer_deinit(&scratch);
    return is_so;
}

static char *format_answer(const struct trail *trail, const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;
    const char *at = transfer->fields.data, *end = at + transfer->fields.length;
    struct buffer text = {0};

    while (at < end && has_room(&text)) {
        const char *value = at + strlen(at) + 1;

        mask_append_field(trail->mask, &text, at, strlen(at), value);
        buffer_append_char(&text, '\n');
        at = value + strlen(value) + 1;
    }
    append_body(trail, &text, exchange, transfer->answer.data, transfer->answer.length,
                transfer->status < 300 && reveals(exchange));
    return buffer_take(&text);
}

/* The code that a refusal gives, "ResourceNotFound", or NULL. Owned by the caller. */
static char *read_code(const struct exchange *exchange)
{
    const struct buffer *answer = &exchange->transfer.answer;
    cJSON *body = exchange->transfer.status >= 400 && answer->length > 0 &&
                          answer->length <= LARGEST_REFUSAL
                      ? json_parse(answer->data, answer->length, NULL)
                      : NULL;
    const char *code = json_string_at(body, "error.code");
    char *copy = memory_copy_string(code != NULL ? code : json_string_at(body, "error"));

    cJSON_Delete(body);
    return copy;
}

static void keep_request(struct trail *trail, struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;
    struct trail_entry *entry = add(trail);
    struct buffer url = {0};

    mask_append_url(trail->mask, &url, transfer->url, !exchange->is_unlogged);
    entry->method = memory_copy_string(transfer->method);
    entry->url = buffer_take(&url);
    entry->sent_bytes = transfer->body != NULL ? transfer->body_length : 0;
    entry->attempt = exchange->trail.attempts;
    entry->request = format_request(trail, exchange);
    exchange->trail.number = entry->number;
    weigh(trail, entry);
}

/* It is over: it took so long. */
static void end(struct trail_entry *entry)
{
    entry->is_over = true;
    entry->duration_ms = clock_machine_ms() - entry->machine_ms;
}

static void keep_answer(struct trail *trail, struct trail_entry *entry,
                        const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;

    end(entry);
    entry->status = transfer->status;
    entry->received_bytes = transfer->answer.length;
    entry->request_id = memory_copy_string(transfer_field(transfer, "x-ms-request-id"));
    if (entry->request_id == NULL)
        entry->request_id = memory_copy_string(transfer_field(transfer, "request-id"));
    entry->correlation_id =
        memory_copy_string(transfer_field(transfer, "x-ms-correlation-request-id"));
    if (transfer->failure != NULL)
        entry->error =
            memory_format("%s: %s", transfer->failure->code, transfer->failure->message);
    else
        entry->error = read_code(exchange);
    entry->answer = format_answer(trail, exchange);
    weigh(trail, entry);
}

/* --- the stage ---------------------------------------------------------------------------- */

/* The entry of the attempt that is under way, unless it was not kept, or not for long enough. */
static struct trail_entry *take_entry(struct trail *trail, struct exchange *exchange)
{
    const uint64_t number = exchange->trail.number;

    exchange->trail.number = 0;
    return number != 0 ? find(trail, number) : NULL;
}

static void send(struct stage *stage, struct exchange *exchange)
{
    struct trail *trail = ((struct trail_stage *)stage)->trail;

    exchange->trail.attempts++;
    if (trail->mask != NULL)
        keep_request(trail, exchange);
    exchange_forward(exchange);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    struct trail *trail = ((struct trail_stage *)stage)->trail;
    struct trail_entry *entry = take_entry(trail, exchange);

    if (entry != NULL)
        keep_answer(trail, entry, exchange);
    exchange_backward(exchange);
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    struct trail *trail = ((struct trail_stage *)stage)->trail;
    struct trail_entry *entry = take_entry(trail, exchange);

    if (entry == NULL)
        return;
    end(entry);
    entry->error = memory_copy_string("Canceled: nobody waits for the answer any more");
    weigh(trail, entry);
}

static void release(struct stage *stage)
{
    free(stage);
}

struct stage *stage_new_trail(struct trail *trail)
{
    struct trail_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "trail",
                                .send = send,
                                .answered = answered,
                                .cancel = cancel,
                                .free = release};
    own->trail = trail;
    return &own->stage;
}

/* --- reading ------------------------------------------------------------------------------ */

void trail_free(struct trail *trail)
{
    if (trail == NULL)
        return;
    while (trail->count > 0)
        drop_oldest(trail);
    mask_free(trail->mask);
    free(trail->entries);
    free(trail->origin);
    free(trail->name);
    free(trail);
}

void trail_start(struct trail *trail)
{
    if (trail->mask != NULL)
        return;
    trail->mask = mask_new();
    trail->entries = memory_new(TRAIL_REQUESTS * sizeof *trail->entries);
    if (trail->origin != NULL)
        mask_set_alias(trail->mask, trail->origin, trail->name);
}

void trail_set_alias(struct trail *trail, const char *origin, const char *name)
{
    free(trail->origin);
    free(trail->name);
    trail->origin = memory_copy_string(origin);
    trail->name = memory_copy_string(name);
    if (trail->mask != NULL)
        mask_set_alias(trail->mask, origin, name);
}

uint64_t trail_last(const struct trail *trail)
{
    return trail->last;
}

uint64_t trail_oldest(const struct trail *trail)
{
    return trail->last - trail->count + 1;
}

const struct trail_entry *trail_find(const struct trail *trail, uint64_t number)
{
    return find(trail, number);
}
