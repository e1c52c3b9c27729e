/* engine/pipeline/budget.c - the stage that sends no faster than the service allows. */
#include "pipeline/budget.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "model/cloud.h"
#include "pipeline/gate.h"
#include "pipeline/path.h"
#include "pipeline/pipeline.h"
#include "pipeline/retry_after.h"

enum { WRITES_OF_A_SERVICE = 8, LARGEST_REMAINDER = 1000000 };

struct budget_stage {
    struct stage stage;
    struct loop *loop;
    const struct request_limits *limits;
    char *principal;
    struct map gates;        /* of kept_gate, by their keys */
    struct buffer path, key; /* of the request that is looked at */
};

/* A gate that its key finds. */
struct kept_gate {
    struct gate gate;
    char *key;
};

/* What a request counts as. */
struct target {
    enum request_class class;
    const struct request_limit *limit;
    size_t host_length;       /* of the URL */
    const char *subscription; /* in the path, borrowed; "" when it names none */
    size_t subscription_length;
};

/* --- what a request counts as ----------------------------------------------------------- */

static enum request_class class_of(const struct exchange *exchange)
{
    const char *method = exchange->transfer.method;

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return REQUEST_READS;
    if (strcmp(method, "DELETE") == 0 && exchange->audience == AUDIENCE_ARM)
        return REQUEST_DELETES;
    return REQUEST_WRITES;
}

static void find_subscription(struct target *target, const char *path)
{
    static const char mark[] = "/subscriptions/";

    target->subscription = "";
    if (strncmp(path, mark, sizeof mark - 1) == 0)
        target->subscription = path + sizeof mark - 1;
    target->subscription_length = strcspn(target->subscription, "/");
}

/* Reads the request; leaves its path, normal or empty, in the stage. */
static struct target look_at(struct budget_stage *own, const struct exchange *exchange)
{
    const char *url = exchange->transfer.url;
    struct target target = {.class = class_of(exchange),
                            .host_length = url_origin_length(url)};

    target.limit = exchange->audience == AUDIENCE_GRAPH
                       ? &own->limits->graph[target.class]
                       : &own->limits->arm[target.class];
    if (!path_normalize(&own->path, url + target.host_length))
        buffer_clear(&own->path); /* the service will refuse it */
    find_subscription(&target, exchange->audience == AUDIENCE_ARM ? own->path.data : "");
    return target;
}

/* Resource units of a read of Graph: 1, of applications and users 2, of members of groups 3;
 * $select takes one off, $expand adds one, $top under 20 takes one off; 1 at least. The table
 * of Learn has more rows: who reads much by those is told by 429. Writes count 1. */
static unsigned units_of(const char *path, const char *url)
{
    size_t length;
    const char *top = url_parameter(url, "$top", &length);
    int units = 1;

    if (strstr(path, "/members") != NULL)
        units = 3;
    else if (strstr(path, "/users") != NULL || strstr(path, "/applications") != NULL)
        units = 2;
    if (top != NULL && length > 0 && atoi(top) < 20)
        units--;
    if (url_parameter(url, "$select", &length) != NULL)
        units--;
    if (url_parameter(url, "$expand", &length) != NULL)
        units++;
    return units > 1 ? (unsigned)units : 1;
}

/* --- gates ------------------------------------------------------------------------------ */

static void start_sending(struct exchange *exchange);

static void on_passed(struct gate *gate, struct exchange *exchange)
{
    (void)gate;
    exchange->budget.passed++;
    start_sending(exchange);
}

static void free_gate(void *value)
{
    struct kept_gate *kept = value;

    gate_deinit(&kept->gate);
    free(kept->key);
    free(kept);
}

/* A gate by number inside knows nothing that is worth keeping. */
static void on_idle(struct gate *gate)
{
    struct budget_stage *own = gate->owner;
    struct kept_gate *kept = LIST_ENTRY(gate, struct kept_gate, gate);

    map_remove(&own->gates, kept->key);
    free_gate(kept);
}

/* The gate of the stage's key, or NULL. */
static struct gate *find_gate(const struct budget_stage *own)
{
    struct kept_gate *kept = map_find(&own->gates, own->key.data);

    return kept != NULL ? &kept->gate : NULL;
}

static struct gate *keep_gate(struct budget_stage *own)
{
    struct kept_gate *kept = memory_new(sizeof *kept);

    kept->key = memory_copy_string(own->key.data);
    kept->gate.owner = own;
    kept->gate.passed = on_passed;
    map_set(&own->gates, kept->key, kept);
    return &kept->gate;
}

static struct gate *slot_gate(struct budget_stage *own, unsigned slots)
{
    struct gate *gate = find_gate(own);

    if (gate == NULL) {
        gate = keep_gate(own);
        gate->idle = on_idle;
        gate_init_slots(gate, own->loop, slots);
    }
    return gate;
}

static struct gate *token_gate(struct budget_stage *own,
                               const struct request_limit *limit)
{
    struct gate *gate = find_gate(own);

    if (gate == NULL) {
        gate = keep_gate(own);
        gate_init_tokens(gate, own->loop, limit);
    }
    return gate;
}

/* Begins a key with the host of the request. */
static void begin_key(struct budget_stage *own, const struct exchange *exchange,
                      size_t host_length)
{
    buffer_clear(&own->key);
    buffer_append(&own->key, exchange->transfer.url, host_length);
    text_lower(own->key.data);
}

/* Sets the key of a bucket, or of the way to a provider. Those of paths go on with a slash
 * instead. */
static void set_key(struct budget_stage *own, const struct exchange *exchange,
                    const struct target *target, const char *provider, size_t length)
{
    const char kind[] = {'|', (char)('0' + exchange->audience),
                         (char)('0' + target->class), '|'};

    begin_key(own, exchange, target->host_length);
    buffer_append(&own->key, kind, sizeof kind);
    buffer_append(&own->key, target->subscription, target->subscription_length);
    buffer_append_char(&own->key, '|');
    buffer_append_string(&own->key, own->principal);
    buffer_append_char(&own->key, '|');
    buffer_append(&own->key, provider, length);
}

static void set_path_key(struct budget_stage *own, const struct exchange *exchange,
                         size_t host_length, size_t length)
{
    begin_key(own, exchange, host_length);
    buffer_append(&own->key, own->path.data, length);
}

static void add_gate(struct exchange *exchange, struct gate *gate)
{
    exchange->budget.gates[exchange->budget.gate_count++] = gate;
}

/* When the path goes on with `mark` at `from`: its length through the name behind that; else
 * 0. A revision (";rev=2") is no part of a name. */
static size_t length_through(const char *path, size_t from, const char *mark)
{
    const size_t start = from + strlen(mark);

    if (strncmp(path + from, mark, strlen(mark)) != 0 || path[start] == '\0')
        return 0;
    return start + strcspn(path + start, "/;");
}

/* Writes to an API Management service take one of its places, and to an API its only one. */
static void add_service_gates(struct budget_stage *own, struct exchange *exchange,
                              const struct target *target)
{
    const char *path = own->path.data;
    size_t length;
    const char *provider = path_provider(path, &length);

    if (provider == NULL)
        return;

    const size_t service = length_through(path, (size_t)(provider - path),
                                          "microsoft.apimanagement/service/");

    if (service == 0)
        return;

    const size_t workspace = length_through(path, service, "/workspaces/");
    const size_t api =
        length_through(path, workspace > 0 ? workspace : service, "/apis/");

    if (api > 0) {
        set_path_key(own, exchange, target->host_length, api);
        add_gate(exchange, slot_gate(own, 1));
    }
    set_path_key(own, exchange, target->host_length, service);
    add_gate(exchange, slot_gate(own, WRITES_OF_A_SERVICE));
}

/* The way to the provider of a request to ARM, when it was ever closed. */
static void add_provider_gate(struct budget_stage *own, struct exchange *exchange,
                              const struct target *target)
{
    size_t length;
    const char *provider = path_provider(own->path.data, &length);

    if (provider == NULL)
        return;
    set_key(own, exchange, target, provider, length);

    struct gate *gate = find_gate(own);

    if (gate != NULL)
        add_gate(exchange, gate);
}

static void choose_gates(struct budget_stage *own, struct exchange *exchange)
{
    const struct target target = look_at(own, exchange);

    exchange->budget.gate_count = exchange->budget.passed = 0;
    exchange->budget.class = (int)target.class;
    exchange->budget.has_subscription = target.subscription_length > 0;
    exchange->budget.cost = 1;
    if (exchange->audience == AUDIENCE_ARM) {
        if (target.class != REQUEST_READS)
            add_service_gates(own, exchange, &target);
        add_provider_gate(own, exchange, &target);
    } else if (target.class == REQUEST_READS) {
        exchange->budget.cost = units_of(own->path.data, exchange->transfer.url);
    }
    set_key(own, exchange, &target, "", 0);
    add_gate(exchange, token_gate(own, target.limit));
}

/* The bucket that a request's token is from. */
static struct gate *bucket_of(const struct exchange *exchange)
{
    return exchange->budget.gates[exchange->budget.gate_count - 1];
}

/* Goes on through the gates that are left, and then down. */
static void start_sending(struct exchange *exchange)
{
    while (exchange->budget.passed < exchange->budget.gate_count) {
        if (!gate_enter(exchange->budget.gates[exchange->budget.passed], exchange))
            return;
        exchange->budget.passed++;
    }
    gate_note_sent(bucket_of(exchange), exchange);
    exchange_forward(exchange);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    if (exchange->audience == AUDIENCE_NONE) {
        exchange_forward(exchange);
        return;
    }
    choose_gates((struct budget_stage *)stage, exchange);
    start_sending(exchange);
}

/* --- what answers tell ------------------------------------------------------------------ */

/* The number of tokens that a header field tells, or -1. */
static int64_t remainder_of(const struct transfer *transfer, const char *name)
{
    const char *text = transfer_field(transfer, name);
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return -1;

    const long long number = strtoll(text, &end, 10);

    return *end == '\0' && number <= LARGEST_REMAINDER ? (int64_t)number : -1;
}

static void correct(struct exchange *exchange)
{
    static const struct {
        const char *own, *shared, *outside;
    } names[REQUEST_CLASS_COUNT] = {
        [REQUEST_READS] = {"x-ms-ratelimit-remaining-subscription-reads",
                           "x-ms-ratelimit-remaining-subscription-global-reads",
                           "x-ms-ratelimit-remaining-tenant-reads"},
        [REQUEST_WRITES] = {"x-ms-ratelimit-remaining-subscription-writes",
                            "x-ms-ratelimit-remaining-subscription-global-writes",
                            "x-ms-ratelimit-remaining-tenant-writes"},
        [REQUEST_DELETES] = {"x-ms-ratelimit-remaining-subscription-deletes",
                             "x-ms-ratelimit-remaining-subscription-global-deletes",
                             "x-ms-ratelimit-remaining-tenant-deletes"}};
    const int class = exchange->budget.class;
    const bool is_inside = exchange->budget.has_subscription;
    const int64_t own = remainder_of(&exchange->transfer,
                                     is_inside ? names[class].own : names[class].outside);
    const int64_t shared =
        is_inside ? remainder_of(&exchange->transfer, names[class].shared) : -1;

    if (own >= 0)
        gate_correct(bucket_of(exchange), exchange, own);
    if (shared >= 0)
        gate_correct_shared(bucket_of(exchange), exchange, shared);
}

/* Whether a 429 is the resource provider's own. ARM itself names its limits in the code; an
 * answer that names nothing is taken for ARM's, which is on the safe side. */
static bool is_from_provider(const struct transfer *transfer)
{
    const char *body = transfer->answer.data;

    if (transfer_field(transfer,
                       "x-ms-ratelimit-remaining-subscription-resource-requests") != NULL)
        return true;
    return body != NULL && strstr(body, "\"code\"") != NULL &&
           strstr(body, "SubscriptionRequestsThrottled") == NULL &&
           strstr(body, "TenantRequestsThrottled") == NULL;
}

/* The service refused it: closes its bucket, or the way to its provider. */
static void close_gate(struct budget_stage *own, struct exchange *exchange)
{
    struct gate *gate = bucket_of(exchange);

    if (exchange->audience == AUDIENCE_ARM && is_from_provider(&exchange->transfer)) {
        const struct target target = look_at(own, exchange);
        size_t length;
        const char *provider = path_provider(own->path.data, &length);

        if (provider != NULL) {
            set_key(own, exchange, &target, provider, length);
            gate = token_gate(own, target.limit);
        }
    }
    gate_close(gate, exchange, retry_after_ms(&exchange->transfer));
}

static void learn(struct budget_stage *own, struct exchange *exchange)
{
    if (exchange->audience == AUDIENCE_ARM)
        correct(exchange);
    if (exchange->transfer.status == 429) {
        close_gate(own, exchange);
        return;
    }
    for (unsigned i = 0; i < exchange->budget.gate_count; i++)
        gate_note_served(exchange->budget.gates[i], exchange);
}

/* It is no longer under way; waits nowhere and holds no place. */
static void leave_gates(struct exchange *exchange, bool was_sent)
{
    for (unsigned i = 0; i < exchange->budget.passed; i++)
        gate_leave(exchange->budget.gates[i], exchange, was_sent);
    exchange->budget.gate_count = exchange->budget.passed = 0;
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;

    if (exchange->budget.gate_count > 0) {
        if (transfer->failure == NULL)
            learn((struct budget_stage *)stage, exchange);
        leave_gates(exchange, !exchange->is_refused &&
                                  (transfer->failure == NULL || transfer->was_sent));
    }
    exchange_backward(exchange);
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    (void)stage;
    if (exchange->budget.passed < exchange->budget.gate_count)
        gate_give_up(exchange->budget.gates[exchange->budget.passed], exchange);
    leave_gates(exchange, true); /* it may have been on its way */
}

static void release(struct stage *stage)
{
    struct budget_stage *own = (struct budget_stage *)stage;

    map_deinit(&own->gates, free_gate);
    buffer_deinit(&own->path);
    buffer_deinit(&own->key);
    free(own->principal);
    free(own);
}

struct stage *stage_new_budget(struct loop *loop, const struct budget_options *options)
{
    struct budget_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "budget",
                                .send = send,
                                .answered = answered,
                                .cancel = cancel,
                                .free = release};
    own->loop = loop;
    own->limits = options->limits;
    own->principal = memory_copy_string(options->principal);
    return &own->stage;
}
