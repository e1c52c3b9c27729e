/* engine/run/history.c - how long operations took before.
 *
 * Each duration is a sample of three groups: those of its kind and verb, of these those in its
 * region, and of these those with its units. */
#include "run/history.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store/store.h"

enum {
    LONG_MS = 60000,      /* what takes no longer is not kept */
    MOST_BYTES = 1 << 20, /* of the log that are read; about ten thousand lines */
    GROUPS_OF_SAMPLE = 3,
    FEW_SAMPLES = 5, /* fewer say little */
    ENOUGH_SAMPLES =
        20, /* of fewer, a longer one is no surprise: one in six exceeds all of five */
    MOST_TRIES = 100 /* to append before somebody else does */
};

static const double MOST_SECONDS = 1e9; /* thirty years; more is a damaged line */

struct samples {
    int64_t *ms;
    size_t count, capacity;
    bool is_sorted;
};

struct history {
    struct loop *loop;
    struct store *store;
    const char *name; /* of the log */
    struct map
        groups; /* struct samples by "kind\nverb\nregion\nunits" and its beginnings */

    struct store_call call; /* the one under way */
    bool is_busy;
    bool is_loaded;
    bool is_current; /* `end` is the log's, as far as we know */
    bool is_torn;    /* its last line has no end */
    bool has_complained;
    uint64_t end; /* how far the log was read */

    struct buffer fresh; /* lines that wait to be appended */
    struct buffer sent;  /* lines that are being appended */
    unsigned tries;
    struct deferred write;

    void (*drained)(void *context);
    void *drained_context;
};

/* --- samples -------------------------------------------------------------------------- */

static int compare_ms(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

static void sort(struct samples *samples)
{
    if (!samples->is_sorted)
        qsort(samples->ms, samples->count, sizeof *samples->ms, compare_ms);
    samples->is_sorted = true;
}

/* How many of the sorted samples are not longer than `ms`. */
static size_t count_up_to(const struct samples *samples, int64_t ms)
{
    size_t low = 0, high = samples->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (samples->ms[middle] <= ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those that were sorted once stay so. */
static void insert(struct samples *samples, int64_t ms)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity > 0 ? samples->capacity * 2 : 8;
        samples->ms = memory_resize(samples->ms, samples->capacity * sizeof *samples->ms);
    }

    const size_t at = samples->is_sorted ? count_up_to(samples, ms) : samples->count;

    memmove(samples->ms + at + 1, samples->ms + at,
            (samples->count - at) * sizeof *samples->ms);
    samples->ms[at] = ms;
    samples->count++;
}

static void free_samples(void *value)
{
    struct samples *samples = value;

    free(samples->ms);
    free(samples);
}

/* "West Europe" is how people write "westeurope". */
static void append_region(struct buffer *text, const char *region)
{
    for (; *region != '\0'; region++) {
        if (*region != ' ')
            buffer_append_char(text, (char)tolower((unsigned char)*region));
    }
}

/* The name of the narrowest group that it belongs to. Owned by the caller. */
static char *name_group(const struct history_key *key)
{
    struct buffer name = {0};

    buffer_printf(&name, "%s\n%s\n", key->kind, key->verb);
    append_region(&name, key->region != NULL ? key->region : "");
    buffer_printf(&name, "\n%d", key->units);
    return buffer_take(&name);
}

/* Makes it the name of the next wider group. */
static void widen(char *name)
{
    *strrchr(name, '\n') = '\0';
}

static void add_sample(struct history *history, const struct history_key *key, int64_t ms)
{
    char *name = name_group(key);

    for (int i = 0; i < GROUPS_OF_SAMPLE; i++) {
        struct samples *samples = map_find(&history->groups, name);

        if (samples == NULL) {
            samples = memory_new(sizeof *samples);
            map_set(&history->groups, name, samples);
        }
        insert(samples, ms);
        widen(name);
    }
    free(name);
}

/* The narrowest group that has enough samples, or else the widest; NULL when it has none. */
static struct samples *find_samples(const struct history *history,
                                    const struct history_key *key)
{
    char *name = name_group(key);
    struct samples *samples = NULL;

    for (int i = 0; i < GROUPS_OF_SAMPLE; i++) {
        samples = map_find(&history->groups, name);
        if (samples != NULL && samples->count >= FEW_SAMPLES)
            break;
        widen(name);
    }
    free(name);
    return samples;
}

/* Of `count` sorted values the place of the one that so many percent do not exceed (the nearest
 * rank). */
static size_t rank(size_t count, size_t percent)
{
    return (count * percent + 99) / 100 - 1;
}

/* --- lines ---------------------------------------------------------------------------- */

static void append_line(struct buffer *lines, const struct history_key *key,
                        int64_t duration_ms, int64_t wall_ms)
{
    char at[CLOCK_TEXT_SIZE];

    buffer_append_string(lines, "{\"kind\":");
    buffer_append_json_string(lines, key->kind, strlen(key->kind));
    buffer_append_string(lines, ",\"verb\":");
    buffer_append_json_string(lines, key->verb, strlen(key->verb));
    if (key->region != NULL) {
        buffer_append_string(lines, ",\"region\":");
        buffer_append_json_string(lines, key->region, strlen(key->region));
    }
    if (key->units != 0)
        buffer_printf(lines, ",\"units\":%d", key->units);
    clock_format_utc(wall_ms, at);
    buffer_printf(lines, ",\"seconds\":%" PRId64 ".%03d,\"at\":\"%s\"}\n",
                  duration_ms / 1000, (int)(duration_ms % 1000), at);
}

static int read_units(const cJSON *line)
{
    const double units = json_number_at(line, "units", 0.0);

    return units >= 0.0 && units <= 1e6 ? (int)units : 0;
}

/* Takes in one line; a damaged one is passed over. */
static void take_line(struct history *history, const char *text, size_t length)
{
    cJSON *line = json_parse(text, length, NULL);
    const double seconds = json_number_at(line, "seconds", 0.0);
    const struct history_key key = {.kind = json_string_at(line, "kind"),
                                    .verb = json_string_at(line, "verb"),
                                    .region = json_string_at(line, "region"),
                                    .units = read_units(line)};

    if (key.kind != NULL && key.verb != NULL && seconds * 1000.0 > LONG_MS &&
        seconds <= MOST_SECONDS)
        add_sample(history, &key, llround(seconds * 1000.0));
    cJSON_Delete(line);
}

/* The rest of a line that began before these bytes is passed over like a damaged one. */
static void take_lines(struct history *history, const struct buffer *bytes)
{
    const char *at = bytes->data, *const end = at + bytes->length;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));

        history->is_torn = line_end == NULL;
        if (line_end == NULL)
            line_end = end;
        take_line(history, at, (size_t)(line_end - at));
        at = line_end + 1;
    }
}

/* --- the store ------------------------------------------------------------------------ */

static void go_on(struct history *history);

static void complain(struct history *history, const struct failure *failure)
{
    if (!history->has_complained)
        log_line(LOG_WARNING, "the history of durations cannot be used: %s: %s",
                 failure->code, failure->message);
    history->has_complained = true;
}

/* Ready for the next call. */
static void end_call(struct history *history)
{
    store_call_deinit(&history->call);
    history->is_busy = false;
}

static void start_call(struct history *history, void (*done)(struct store_call *call))
{
    history->is_busy = true;
    history->call.done = done;
    history->call.owner = history;
}

static void start_read(struct history *history);

/* Takes in what was read. False when the log goes on behind it: then only its last bytes count. */
static bool take_bytes(struct history *history, const struct store_call *call)
{
    const uint64_t size = call->is_absent ? 0 : call->size_bytes;

    if (size > history->end + call->bytes.length) {
        history->end = size > MOST_BYTES ? size - MOST_BYTES : 0;
        return false;
    }
    history->end = size;
    history->is_torn = history->is_torn && size > 0;
    if (call->bytes.length > 0)
        take_lines(history, &call->bytes);
    return true;
}

static void on_read(struct store_call *call)
{
    struct history *history = call->owner;
    bool is_over = true;

    if (call->failure != NULL) {
        complain(history, call->failure);
        buffer_clear(&history->fresh); /* nobody knows where they belong */
    } else {
        is_over = history->is_current = take_bytes(history, call);
        history->is_loaded = history->is_loaded || is_over;
    }
    end_call(history);
    if (is_over)
        go_on(history);
    else
        start_read(history);
}

/* Reads what was appended since the last time. */
static void start_read(struct history *history)
{
    start_call(history, on_read);
    history->store->get(history->store, &history->call, history->name, history->end,
                        MOST_BYTES);
}

/* Somebody has appended since we looked: our lines go behind theirs. */
static void try_again(struct history *history)
{
    struct buffer later = history->fresh;

    history->fresh = history->sent;
    history->sent = (struct buffer){0};
    buffer_append(&history->fresh, later.data, later.length);
    buffer_deinit(&later);
}

static void give_up(struct history *history, const struct failure *failure)
{
    history->tries = 0;
    complain(history, failure);
}

static void on_appended(struct store_call *call)
{
    struct history *history = call->owner;
    const struct failure *failure = call->failure;

    if (failure == NULL) {
        history->end = call->size_bytes;
        history->is_torn = false;
        history->tries = 0;
    } else {
        history->is_current = false;
        if (strcmp(failure->code, "StorePositionMismatch") == 0 &&
            ++history->tries < MOST_TRIES)
            try_again(history);
        else
            give_up(history, failure);
    }
    buffer_clear(&history->sent);
    end_call(history);
    go_on(history);
}

static void start_append(struct history *history)
{
    if (history->is_torn) /* or the first of ours would be damaged, too */
        buffer_append_char(&history->sent, '\n');
    buffer_append(&history->sent, history->fresh.data, history->fresh.length);
    buffer_clear(&history->fresh);
    start_call(history, on_appended);
    history->store->append(history->store, &history->call, history->name, NULL,
                           history->end, history->sent.data, history->sent.length, false);
}

/* Begins what is to be done next, unless something is under way. */
static void go_on(struct history *history)
{
    if (history->is_busy)
        return;
    if (history->fresh.length > 0 && !history->is_current)
        start_read(history);
    else if (history->fresh.length > 0)
        start_append(history);
    else if (history->drained != NULL)
        history->drained(history->drained_context);
}

/* What has ended in the same turn goes into one append. */
static void on_write(struct deferred *deferred)
{
    go_on(LIST_ENTRY(deferred, struct history, write));
}

/* --- the rest ------------------------------------------------------------------------- */

struct history *history_new(struct loop *loop, struct store *store, const char *name)
{
    struct history *history = memory_new(sizeof *history);

    history->loop = loop;
    history->store = store;
    history->name = name;
    history->write.run = on_write;
    return history;
}

void history_free(struct history *history)
{
    if (history == NULL)
        return;
    assert(!history->is_busy);
    deferred_cancel(&history->write);
    map_deinit(&history->groups, free_samples);
    buffer_deinit(&history->fresh);
    buffer_deinit(&history->sent);
    free(history);
}

/* Longer than this is unusual: than 99 of 100 of the sorted samples. Few of them leave room for
 * half as much again; of fewer nobody knows what is usual. */
static int64_t unusual_ms(const struct samples *samples)
{
    const int64_t longest_ms = samples->ms[samples->count - 1];

    if (samples->count < FEW_SAMPLES)
        return INT64_MAX;
    if (samples->count < ENOUGH_SAMPLES)
        return longest_ms + longest_ms / 2;
    return samples->ms[rank(samples->count, 99)];
}

bool history_forecast(struct history *history, const struct history_key *key,
                      int64_t age_ms, struct forecast *forecast)
{
    if (history->store == NULL || age_ms < LONG_MS)
        return false;
    if (!history->is_loaded) {
        if (!history->is_busy && !history->has_complained)
            start_read(history);
        return false;
    }

    struct samples *samples = find_samples(history, key);

    *forecast = (struct forecast){0};
    if (samples == NULL)
        return true;
    sort(samples);

    const size_t shorter = count_up_to(samples, age_ms);
    const size_t longer = samples->count - shorter;

    forecast->samples = (unsigned)longer;
    if (longer > 0) {
        forecast->p50_ms = samples->ms[shorter + rank(longer, 50)] - age_ms;
        forecast->p90_ms = samples->ms[shorter + rank(longer, 90)] - age_ms;
    }
    if (age_ms > unusual_ms(samples))
        forecast->unusual_among = (unsigned)samples->count;
    return longer > 0 || forecast->unusual_among > 0;
}

void history_add(struct history *history, const struct history_key *key,
                 int64_t duration_ms, int64_t wall_ms)
{
    if (history->store == NULL || duration_ms <= LONG_MS)
        return;
    add_sample(history, key, duration_ms);
    append_line(&history->fresh, key, duration_ms, wall_ms);
    loop_defer(history->loop, &history->write);
}

void history_drain(struct history *history, void (*drained)(void *context), void *context)
{
    deferred_cancel(&history->write);
    history->drained = drained;
    history->drained_context = context;
    go_on(history);
}
