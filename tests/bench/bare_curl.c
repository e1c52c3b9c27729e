/* tests/bench/bare_curl.c - what libcurl itself costs: the requests of requests.lua, by a
 * loop that does nothing else.
 *
 *     bare_curl URL COUNT     COUNT reads of workspaces and COUNT writes
 *
 * It is as fast as libcurl was made to go here: 64 at once on connections that are kept,
 * handles used again, sockets between two requests left in epoll. Answers are parsed. */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "base/uuid.h"

enum { AT_ONCE = 64, MOST_SOCKETS = 4096, ANSWER_BYTES = 16384, TOKEN_BYTES = 4096 };

#define WORKSPACES                                                                       \
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/bench/"          \
    "providers/Microsoft.ApiManagement/service/bench/workspaces"

struct slot {
    CURL *easy;
    struct curl_slist fields[3];
    char id[64], url[512], body[128], answer[ANSWER_BYTES];
    size_t answer_length;
};

static struct {
    const char *url;
    long count, started, ended;
    CURLM *multi;
    int poll;
    long timeout_ms;
    uint32_t watched[MOST_SOCKETS];
    char authorization[TOKEN_BYTES];
    struct slot slots[AT_ONCE];
} run;

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct slot *slot = context;
    const size_t length = size * count;

    if (slot->answer_length + length > sizeof slot->answer)
        return 0;
    memcpy(slot->answer + slot->answer_length, bytes, length);
    slot->answer_length += length;
    return length;
}

static int watch(CURL *easy, curl_socket_t socket, int what, void *context, void *own)
{
    const uint32_t events =
        (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? EPOLLIN : 0u) |
        (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? EPOLLOUT : 0u);
    uint32_t *watched = &run.watched[socket];

    (void)easy, (void)context, (void)own;
    if (what == CURL_POLL_REMOVE || *watched == events)
        return 0;
    epoll_ctl(run.poll, *watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket,
              &(struct epoll_event){.events = events, .data.fd = socket});
    *watched = events;
    return 0;
}

static int close_socket(void *context, curl_socket_t socket)
{
    (void)context;
    run.watched[socket] = 0;
    return close(socket);
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi, (void)context;
    run.timeout_ms = timeout_ms;
    return 0;
}

static void make_slot(struct slot *slot)
{
    slot->easy = curl_easy_init();
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(slot->easy, CURLOPT_USERAGENT, "bare");
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, 100000L);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    slot->fields[0] = (struct curl_slist){slot->id, &slot->fields[1]};
    slot->fields[1] = (struct curl_slist){run.authorization, NULL};
    slot->fields[2] = (struct curl_slist){(char *)"Content-Type: application/json", NULL};
}

/* Sends the next request, if one is left. */
static void start(struct slot *slot)
{
    const long number = run.started;
    char id[UUID_TEXT_SIZE];

    if (number == run.count * 2)
        return;
    run.started++;
    uuid_random(id);
    snprintf(slot->id, sizeof slot->id, "x-ms-client-request-id: %s", id);
    snprintf(slot->url, sizeof slot->url,
             "%s" WORKSPACES "/team%ld?api-version=2024-05-01", run.url,
             number % run.count);
    slot->answer_length = 0;
    curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url);
    if (number >= run.count) {
        snprintf(slot->body, sizeof slot->body,
                 "{\"properties\":{\"displayName\":\"Team %ld\"}}", number % run.count);
        curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body);
        curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, "PUT");
        slot->fields[1].next = &slot->fields[2];
    }
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->fields);
    curl_multi_add_handle(run.multi, slot->easy);
}

static cJSON *check_answer(const struct slot *slot, CURLcode code)
{
    long status = 0;
    cJSON *body = cJSON_ParseWithLength(slot->answer, slot->answer_length);

    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200 || body == NULL) {
        fprintf(stderr, "bare_curl: %s: %s, HTTP %ld\n", slot->url,
                curl_easy_strerror(code), status);
        exit(EXIT_FAILURE);
    }
    return body;
}

static void act(curl_socket_t socket, int events)
{
    CURLMsg *message;
    int left;

    curl_multi_socket_action(run.multi, socket, events, &left);
    while ((message = curl_multi_info_read(run.multi, &left)) != NULL) {
        struct slot *slot;
        const CURLcode code = message->data.result;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
        cJSON_Delete(check_answer(slot, code));
        curl_multi_remove_handle(run.multi, slot->easy);
        run.ended++;
        start(slot);
    }
}

static void loop(void)
{
    struct epoll_event events[AT_ONCE];

    while (run.ended < run.count * 2) {
        const int count = epoll_wait(run.poll, events, AT_ONCE, (int)run.timeout_ms);

        for (int i = 0; i < count; i++)
            act(events[i].data.fd,
                ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                    (events[i].events != EPOLLOUT ? CURL_CSELECT_IN : 0));
        if (count == 0 || run.timeout_ms == 0)
            act(CURL_SOCKET_TIMEOUT, 0);
    }
}

static void sign_in(struct slot *slot)
{
    static const char form[] = "grant_type=client_credentials&client_id=bench";

    snprintf(slot->url, sizeof slot->url, "%s/bench/oauth2/v2.0/token", run.url);
    curl_easy_setopt(slot->easy, CURLOPT_URL, slot->url);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, form);

    cJSON *body = check_answer(slot, curl_easy_perform(slot->easy));

    snprintf(run.authorization, sizeof run.authorization, "Authorization: Bearer %s",
             cJSON_GetStringValue(cJSON_GetObjectItem(body, "access_token")));
    cJSON_Delete(body);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: bare_curl URL COUNT\n", stderr);
        return 2;
    }
    run.url = argv[1];
    run.count = atol(argv[2]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    run.multi = curl_multi_init();
    run.poll = epoll_create1(0);
    run.timeout_ms = -1;
    assert(run.multi != NULL && run.poll >= 0);
    curl_multi_setopt(run.multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(run.multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(run.multi, CURLMOPT_MAXCONNECTS, (long)AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++)
        make_slot(&run.slots[i]);
    sign_in(&run.slots[0]);
    for (int i = 0; i < AT_ONCE; i++)
        start(&run.slots[i]);
    loop();
    return 0;
}
