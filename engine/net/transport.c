/* engine/net/transport.c - transfers on libcurl's multi interface and the event loop.
 *
 * libcurl says which sockets it watches and when it wants to be called; libevent calls it.
 * A socket between two requests stays registered with the event loop: taking it out and in
 * again costs a fifth of a request. */
#include "net/transfer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/curl.h"
#include "net/loop.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    TOTAL_TIMEOUT_MS = 100000,
    MAX_ANSWER_BYTES = 64 << 20,
    MAX_FIELD_BYTES = 256 << 10,
    USUAL_FIELD_BYTES = 1 << 10,
    METHOD_SIZE = 8,
    CONCURRENCY = 64
};

/* An easy handle of the pool with the transfer it carries. */
struct handle {
    CURL *easy;
    struct transport *transport;
    struct transfer *transfer;
    struct curl_slist headers[TRANSFER_HEADERS];
    char error[CURL_ERROR_SIZE];
    char method[METHOD_SIZE]; /* what libcurl was told last; all of it is kept */
    bool sends_body;
    bool is_special; /* has time-outs or a proxy rule of its last transfer */
    bool is_too_large;
    bool is_cut; /* all of the answer that is kept has come */
    struct handle *next_free;
};

/* A socket that libcurl has told us of. */
struct watch {
    struct transport *transport;
    struct event *event;
    curl_socket_t socket;
    short registered; /* EV_READ, EV_WRITE: what the event loop watches */
    short wanted;     /* what libcurl wants to know */
};

struct transport {
    struct loop *loop;
    struct transport_options options;
    char *ca_file, *no_proxy;
    const struct curl_functions *curl;
    CURLM *multi;
    struct event *timer;
    struct deferred pump;
    bool (*is_held)(void *context); /* or NULL */
    void *brake_context;
    struct list queue, running;
    struct watch **watches; /* by socket; NULL: none */
    size_t watch_capacity;
    unsigned running_count;
    struct handle *free_handles;
};

static void check_finished(struct transport *transport);

/* --- sockets and timer ---------------------------------------------------------------- */

static void act(struct transport *transport, curl_socket_t socket, int flags)
{
    int running;

    if (transport->is_held != NULL && transport->is_held(transport->brake_context))
        return;
    transport->curl->multi_socket_action(transport->multi, socket, flags, &running);
    check_finished(transport);
}

static void on_socket(evutil_socket_t fd, short events, void *context)
{
    struct watch *watch = context;
    struct transport *transport = watch->transport;

    (void)fd;
    if (watch->wanted == 0) { /* an idle connection has something to say: it was closed */
        event_del(watch->event);
        watch->registered = 0;
    }
    act(transport, watch->socket,
        ((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct transport *transport = context;
    const struct timeval wait = {.tv_sec = timeout_ms / 1000,
                                 .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000)};

    (void)multi;
    if (timeout_ms < 0)
        event_del(transport->timer);
    else
        event_add(transport->timer, &wait);
    return 0;
}

static struct watch *find_watch(struct transport *transport, curl_socket_t socket)
{
    return (size_t)socket < transport->watch_capacity ? transport->watches[socket] : NULL;
}

static struct watch *make_watch(struct transport *transport, curl_socket_t socket)
{
    struct watch *watch = memory_new(sizeof *watch);
    const size_t index =
        (size_t)socket; /* the system gives the lowest number that is free */

    watch->transport = transport;
    watch->socket = socket;
    watch->event = event_new(loop_event_base(transport->loop), socket, 0, NULL, NULL);
    if (index >= transport->watch_capacity) {
        const size_t capacity = (index + 1) * 2;

        transport->watches =
            memory_resize(transport->watches, capacity * sizeof(struct watch *));
        while (transport->watch_capacity < capacity)
            transport->watches[transport->watch_capacity++] = NULL;
    }
    transport->watches[index] = watch;
    return watch;
}

/* Accepts NULL. */
static void drop_watch(struct watch *watch)
{
    if (watch == NULL)
        return;
    watch->transport->watches[watch->socket] = NULL;
    event_free(watch->event);
    free(watch);
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *context,
                        void *socket_context)
{
    struct transport *transport = context;
    struct watch *watch =
        socket_context != NULL ? socket_context : find_watch(transport, socket);

    (void)easy;
    if (watch == NULL) {
        if (what == CURL_POLL_REMOVE)
            return 0;
        watch = make_watch(transport, socket);
    }
    watch->wanted =
        (short)((what == CURL_POLL_IN || what == CURL_POLL_INOUT ? EV_READ : 0) |
                (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? EV_WRITE : 0));
    /* Of what is registered only a watch for writing may be too much: it would fire all the
     * time. */
    if ((watch->wanted & ~watch->registered) != 0 ||
        (watch->registered & ~watch->wanted & EV_WRITE) != 0) {
        const short events = watch->wanted != 0 ? watch->wanted : EV_READ;

        event_del(watch->event);
        event_assign(watch->event, loop_event_base(transport->loop), socket,
                     (short)(events | EV_PERSIST), on_socket, watch);
        event_add(watch->event, NULL);
        watch->registered = events;
    }
    return 0;
}

static int close_socket(void *context, curl_socket_t socket)
{
    drop_watch(find_watch(context, socket));
    return close(socket);
}

/* --- one transfer --------------------------------------------------------------------- */

static size_t take_field(char *line, size_t size, size_t count, void *context)
{
    struct handle *handle = context;
    struct buffer *fields = &handle->transfer->fields;
    const size_t length = size * count;
    const char *colon = memchr(line, ':', length);

    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* also after a 100 Continue */
        buffer_clear(fields);
        return length;
    }
    if (colon == NULL)
        return length;
    if (fields->length + length > MAX_FIELD_BYTES) {
        handle->is_too_large = true;
        return 0;
    }

    const char *value = colon + 1, *end = line + length;
    const size_t name_at = fields->length;

    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    if (name_at == 0)
        buffer_reserve(fields, USUAL_FIELD_BYTES);
    buffer_append(fields, line, (size_t)(colon - line));
    buffer_append_char(fields, '\0');
    text_lower(fields->data + name_at);
    buffer_append(fields, value, (size_t)(end - value));
    buffer_append_char(fields, '\0');
    return length;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct handle *handle = context;
    struct buffer *answer = &handle->transfer->answer;
    const size_t length = size * count, kept = handle->transfer->kept_bytes;

    if (kept != 0 && length > kept - answer->length) {
        buffer_append(answer, bytes, kept - answer->length);
        handle->is_cut = true;
        return 0;
    }
    if (answer->length + length > handle->transport->options.max_answer_bytes) {
        handle->is_too_large = true;
        return 0;
    }
    buffer_append(answer, bytes, length);
    return length;
}

/* A connection is there for the request, and nothing was sent yet. */
static int note_connection(void *context, char *peer, char *own, int peer_port,
                           int own_port)
{
    struct handle *handle = context;
    const struct transport *transport = handle->transport;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    if (transport->is_held != NULL && transport->is_held(transport->brake_context))
        return CURL_PREREQFUNC_ABORT;
    handle->transfer->send_count++;
    return CURL_PREREQFUNC_OK;
}

static struct handle *make_handle(struct transport *transport)
{
    const struct curl_functions *curl = transport->curl;
    struct handle *handle = memory_new(sizeof *handle);
    CURL *easy = curl->easy_init();

    assert(easy != NULL);
    handle->easy = easy;
    handle->transport = transport;
    curl->easy_setopt(easy, CURLOPT_PRIVATE, handle);
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "moongate/" MOONGATE_VERSION);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_field);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, handle);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, note_connection);
    curl->easy_setopt(easy, CURLOPT_PREREQDATA, handle);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, curl_open_socket);
    curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transport);
    handle->is_special = true; /* so the defaults are set at the first transfer */
    /* A CA path would be read anew for every connection (25 ms); a file is cached. */
    curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (transport->ca_file != NULL)
        curl->easy_setopt(easy, CURLOPT_CAINFO, transport->ca_file);
    return handle;
}

/* The strings are the transfer's own, so the list needs no copies. */
static struct curl_slist *link_headers(struct handle *handle)
{
    size_t count = 0;

    while (count < TRANSFER_HEADERS && handle->transfer->headers[count] != NULL) {
        handle->headers[count].data = (char *)handle->transfer->headers[count];
        handle->headers[count].next = NULL;
        if (count > 0)
            handle->headers[count - 1].next = &handle->headers[count];
        count++;
    }
    return count > 0 ? handle->headers : NULL;
}

/* Tells libcurl the method, unless the handle had the same one last time. */
static void set_method(struct handle *handle, bool sends_body)
{
    const struct curl_functions *curl = handle->transport->curl;
    const struct transfer *transfer = handle->transfer;
    CURL *easy = handle->easy;

    if (strcmp(handle->method, transfer->method) == 0 && handle->sends_body == sends_body)
        return;
    assert(strlen(transfer->method) < METHOD_SIZE);
    strcpy(handle->method, transfer->method);
    handle->sends_body = sends_body;
    curl->easy_setopt(easy, sends_body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    curl->easy_setopt(easy, CURLOPT_NOBODY,
                      strcmp(transfer->method, "HEAD") == 0 ? 1L : 0L);
    curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
    /* When a kept connection breaks, libcurl sends again by itself, whatever the method. */
    curl->easy_setopt(easy, CURLOPT_FRESH_CONNECT,
                      strcmp(transfer->method, "POST") == 0 ? 1L : 0L);
}

static void set_body(struct handle *handle)
{
    const struct curl_functions *curl = handle->transport->curl;
    const struct transfer *transfer = handle->transfer;

    curl->easy_setopt(handle->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                      (curl_off_t)transfer->body_length);
    curl->easy_setopt(handle->easy, CURLOPT_POSTFIELDS,
                      transfer->body != NULL ? transfer->body : "");
}

/* Time-outs and proxy, unless the handle has the defaults and they are what is wanted. */
static void set_limits(struct handle *handle)
{
    const struct transport *transport = handle->transport;
    const struct curl_functions *curl = transport->curl;
    const struct transfer *transfer = handle->transfer;
    const bool is_special = transfer->connect_timeout_ms != 0 ||
                            transfer->timeout_ms != 0 || transfer->without_proxy;

    if (!is_special && !handle->is_special)
        return;
    handle->is_special = is_special;
    curl->easy_setopt(handle->easy, CURLOPT_CONNECTTIMEOUT_MS,
                      (long)(transfer->connect_timeout_ms != 0
                                 ? transfer->connect_timeout_ms
                                 : transport->options.connect_timeout_ms));
    curl->easy_setopt(handle->easy, CURLOPT_TIMEOUT_MS,
                      (long)(transfer->timeout_ms != 0
                                 ? transfer->timeout_ms
                                 : transport->options.total_timeout_ms));
    curl->easy_setopt(handle->easy, CURLOPT_NOPROXY,
                      transfer->without_proxy ? "*" : transport->no_proxy);
}

static bool sends_body(const struct transfer *transfer)
{
    return transfer->body != NULL || strcmp(transfer->method, "POST") == 0 ||
           strcmp(transfer->method, "PUT") == 0 || strcmp(transfer->method, "PATCH") == 0;
}

static void start_now(struct transport *transport, struct transfer *transfer)
{
    struct handle *handle = transport->free_handles;

    if (handle != NULL)
        transport->free_handles = handle->next_free;
    else
        handle = make_handle(transport);
    handle->transfer = transfer;
    handle->is_too_large = handle->is_cut = false;
    handle->error[0] = '\0';
    transfer->handle = handle;
    list_append(&transport->running, &transfer->link);
    transport->running_count++;
    transport->curl->easy_setopt(handle->easy, CURLOPT_URL, transfer->url);
    transport->curl->easy_setopt(handle->easy, CURLOPT_HTTPHEADER, link_headers(handle));
    set_limits(handle);
    set_method(handle, sends_body(transfer));
    if (handle->sends_body)
        set_body(handle);
    transport->curl->multi_add_handle(transport->multi, handle->easy);
}

/* Takes the transfer off its handle, and the handle back into the pool. */
static void detach(struct transport *transport, struct transfer *transfer)
{
    struct handle *handle = transfer->handle;

    transport->curl->multi_remove_handle(transport->multi, handle->easy);
    handle->transfer = NULL;
    handle->next_free = transport->free_handles;
    transport->free_handles = handle;
    transfer->handle = NULL;
    list_remove(&transfer->link);
    transport->running_count--;
    if (!list_is_empty(&transport->queue))
        loop_defer(transport->loop, &transport->pump);
}

/* By the limit, not by what the clock said when libcurl looked at it. */
static struct failure *describe_timeout(const struct handle *handle, const char *why)
{
    const int64_t limit_ms = handle->transfer->timeout_ms != 0
                                 ? handle->transfer->timeout_ms
                                 : handle->transport->options.total_timeout_ms;

    if (strncmp(why, "Operation timed out", 19) != 0) /* while connecting */
        return failure_new("Timeout", "%s", why);
    return failure_new("Timeout", "no answer in %g s", (double)limit_ms / 1000.0);
}

static struct failure *describe(struct handle *handle, CURLcode code)
{
    const struct transport *transport = handle->transport;
    const char *why = handle->error[0] != '\0' && !handle->transfer->is_secret
                          ? handle->error
                          : transport->curl->easy_strerror(code);
    struct failure *failure;

    if (code == CURLE_OPERATION_TIMEDOUT) {
        failure = describe_timeout(handle, why);
        failure->retryable = true;
    } else if (code == CURLE_WRITE_ERROR && handle->is_too_large) {
        failure = failure_new("ResponseTooLarge",
                              "the answer is larger than %zu bytes (--max-response)",
                              transport->options.max_answer_bytes);
    } else {
        failure = curl_describe(code, why);
    }
    if (!handle->transfer->is_secret)
        failure->target =
            memory_copy_text(handle->transfer->url, strcspn(handle->transfer->url, "?"));
    return failure;
}

static void finish(struct transport *transport, struct handle *handle, CURLcode code)
{
    struct transfer *transfer = handle->transfer;
    long status = 0, sent_bytes = 0;

    transport->curl->easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    transport->curl->easy_getinfo(handle->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    transfer->was_sent = sent_bytes > 0;
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && handle->is_cut))
        transfer->status = (int)status;
    else
        transfer->failure = describe(handle, code);
    detach(transport, transfer);
    loop_release(transport->loop);
    transfer->done(transfer);
}

static void check_finished(struct transport *transport)
{
    CURLMsg *message;
    int left;

    while ((message = transport->curl->multi_info_read(transport->multi, &left)) !=
           NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;

        const CURLcode code = message->data.result;
        struct handle *handle = NULL;

        transport->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
        finish(transport, handle, code);
    }
}

/* --- the queue ------------------------------------------------------------------------ */

static bool start_curl(struct transport *transport)
{
    const char *error = NULL;

    transport->curl = curl_load(&error);
    if (transport->curl == NULL) {
        while (!list_is_empty(&transport->queue)) {
            struct transfer *transfer =
                LIST_ENTRY(list_take_first(&transport->queue), struct transfer, link);

            transfer->failure = failure_set_cure(
                failure_new("ConnectionFailed", "libcurl cannot be loaded: %s", error),
                "install it: on Debian and Ubuntu the package is libcurl4");
            loop_release(transport->loop);
            transfer->done(transfer);
        }
        return false;
    }
    transport->multi = transport->curl->multi_init();
    assert(transport->multi != NULL);
    transport->timer = evtimer_new(loop_event_base(transport->loop), on_timer, transport);
    transport->curl->multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION,
                                  watch_socket);
    transport->curl->multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
    transport->curl->multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    transport->curl->multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
    transport->curl->multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS,
                                  (long)transport->options.concurrency);
    return true;
}

static void run_pump(struct deferred *deferred)
{
    struct transport *transport = LIST_ENTRY(deferred, struct transport, pump);

    if (transport->multi == NULL && !start_curl(transport))
        return;
    while (transport->running_count < transport->options.concurrency &&
           !list_is_empty(&transport->queue)) {
        struct list *link = list_take_first(&transport->queue);

        start_now(transport, LIST_ENTRY(link, struct transfer, link));
    }
}

struct transport *transport_new(struct loop *loop,
                                const struct transport_options *options)
{
    struct transport *transport = memory_new(sizeof *transport);
    struct transport_options *own = &transport->options;

    transport->loop = loop;
    *own = *options;
    if (own->connect_timeout_ms == 0)
        own->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (own->total_timeout_ms == 0)
        own->total_timeout_ms = TOTAL_TIMEOUT_MS;
    if (own->max_answer_bytes == 0)
        own->max_answer_bytes = MAX_ANSWER_BYTES;
    if (own->concurrency == 0)
        own->concurrency = CONCURRENCY;
    transport->ca_file = curl_find_ca_file(options->ca_file);
    transport->no_proxy = curl_find_no_proxy();
    transport->pump.run = run_pump;
    list_init(&transport->queue);
    list_init(&transport->running);
    return transport;
}

void transport_free(struct transport *transport)
{
    struct list *link;

    if (transport == NULL)
        return;
    while ((link = list_take_first(&transport->queue)) != NULL)
        loop_release(transport->loop);
    while (!list_is_empty(&transport->running))
        transfer_cancel(transport,
                        LIST_ENTRY(transport->running.next, struct transfer, link));
    deferred_cancel(&transport->pump);
    while (transport->free_handles != NULL) {
        struct handle *handle = transport->free_handles;

        transport->free_handles = handle->next_free;
        transport->curl->easy_cleanup(handle->easy);
        free(handle);
    }
    if (transport->multi != NULL) {
        transport->curl->multi_cleanup(transport->multi);
        event_free(transport->timer);
    }
    for (size_t i = 0; i < transport->watch_capacity; i++)
        drop_watch(transport->watches[i]);
    free(transport->watches);
    free(transport->ca_file);
    free(transport->no_proxy);
    free(transport);
}

void transport_set_brake(struct transport *transport, bool (*is_held)(void *context),
                         void *context)
{
    transport->is_held = is_held;
    transport->brake_context = context;
}

void transfer_start(struct transport *transport, struct transfer *transfer)
{
    assert(transfer->done != NULL && !list_is_linked(&transfer->link));
    transfer_reset(transfer);
    list_append(&transport->queue, &transfer->link);
    loop_hold(transport->loop);
    loop_defer(transport->loop, &transport->pump);
}

void transfer_cancel(struct transport *transport, struct transfer *transfer)
{
    if (!list_is_linked(&transfer->link))
        return;
    if (transfer->handle != NULL)
        detach(transport, transfer);
    else
        list_remove(&transfer->link);
    loop_release(transport->loop);
}

/* The value of the first field of that name from `at` on, or NULL. */
static const char *find_field(const struct transfer *transfer, const char *at,
                              const char *name)
{
    const char *end = at != NULL ? transfer->fields.data + transfer->fields.length : NULL;

    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

const char *transfer_field(const struct transfer *transfer, const char *name)
{
    return find_field(transfer, transfer->fields.data, name);
}

char *transfer_field_list(const struct transfer *transfer, const char *name)
{
    const char *value = transfer_field(transfer, name);
    struct buffer list = {0};

    if (value == NULL)
        return NULL;
    while (value != NULL) {
        buffer_append_string(&list, list.length > 0 ? ", " : "");
        buffer_append_string(&list, value);
        value = find_field(transfer, value + strlen(value) + 1, name);
    }
    return buffer_take(&list);
}

void transfer_reset(struct transfer *transfer)
{
    buffer_deinit(&transfer->fields);
    buffer_deinit(&transfer->answer);
    failure_free(transfer->failure);
    transfer->failure = NULL;
    transfer->status = 0;
    transfer->was_sent = false;
    transfer->send_count = 0;
}
