/* engine/arm/registration.c - registering a resource provider with a subscription.
 *
 * POST .../providers/{namespace}/register, then GET .../providers/{namespace} until its
 * registrationState is Registered. Source: Azure Resource Manager, "Resource providers and
 * resource types", and what the management SDKs do. */
#include "arm/registration.h"

#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/operation.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "net/loop.h"

#define API_VERSION "2021-04-01"

enum { PAUSE_MS = 10000, LONGEST_MS = 1800000 };

struct registration {
    struct client *client;
    struct list waits; /* of registration_wait */
    char *url;         /* of the provider, without its query; the key among all */
    const char *namespace;
    struct operation *operation;
    struct waiter waiter;
    struct deferred advance;
    struct timer timer;
    int64_t started_ms;
};

static void ask(struct registration *own, const char *method, const char *action);

static void free_registration(void *value)
{
    struct registration *own = value;

    waiter_remove(&own->waiter);
    deferred_cancel(&own->advance);
    timer_stop(own->client->loop, &own->timer);
    operation_release(own->operation);
    free(own->url);
    free(own);
}

/* Tells all who wait and forgets it. */
static void end(struct registration *own, const struct failure *failure)
{
    struct list *link;

    map_remove(&own->client->registrations, own->url);
    while ((link = list_take_first(&own->waits)) != NULL) {
        struct registration_wait *wait = LIST_ENTRY(link, struct registration_wait, link);

        wait->done(wait, failure);
    }
    free_registration(own);
}

static void fire(struct timer *timer)
{
    struct registration *own = LIST_ENTRY(timer, struct registration, timer);

    if (list_is_empty(&own->waits))
        end(own, NULL); /* nobody wants to know */
    else
        ask(own, "GET", "");
}

static void judge(struct registration *own)
{
    const char *state =
        json_string_at(operation_body(own->operation), "registrationState");
    const int64_t age_ms = clock_now_ms(loop_clock(own->client->loop)) - own->started_ms;

    if (state != NULL && text_equal_nocase(state, "Registered")) {
        log_line(LOG_INFO, "resource provider %s is registered", own->namespace);
        end(own, NULL);
    } else if (age_ms > LONGEST_MS) {
        struct failure *failure = failure_new(
            "Timeout", "resource provider %s was not registered within %d min",
            own->namespace, LONGEST_MS / 60000);

        end(own, failure);
        failure_free(failure);
    } else {
        timer_start(own->client->loop, &own->timer, PAUSE_MS);
    }
}

static void advance(struct deferred *deferred)
{
    struct registration *own = LIST_ENTRY(deferred, struct registration, advance);
    const struct failure *failure = operation_failure(own->operation);

    if (failure != NULL)
        end(own, failure);
    else
        judge(own);
}

static void on_over(struct waiter *waiter)
{
    struct registration *own = LIST_ENTRY(waiter, struct registration, waiter);

    loop_defer(own->client->loop, &own->advance);
}

static void ask(struct registration *own, const char *method, const char *action)
{
    const struct operation_request request = {
        .method = method,
        .url = memory_format("%s%s?api-version=" API_VERSION, own->url, action),
        .audience = AUDIENCE_ARM,
        .is_repeatable = true,
        .registers = true,
        .label = memory_format("register resource provider %s", own->namespace)};

    operation_release(own->operation);
    own->operation = operation_start(own->client, &request);
    if (operation_waitable(own->operation)->is_done)
        loop_defer(own->client->loop, &own->advance);
    else
        waitable_add(operation_waitable(own->operation), &own->waiter);
}

/* The URL of the provider that the refusal names, owned by the caller, or NULL. The message
 * has the namespace between its last two apostrophes. */
static char *find_provider(const char *url, const struct failure *refusal)
{
    static const char subscriptions[] = "/subscriptions/";
    const char *path = url_path(url);
    const char *end = strrchr(refusal->message, '\'');
    const char *start = end;

    if (!text_equal_nocase(refusal->code, "MissingSubscriptionRegistration") &&
        !text_equal_nocase(refusal->code, "SubscriptionNotRegistered"))
        return NULL;
    if (end == NULL || !text_has_prefix_nocase(path, subscriptions))
        return NULL;
    while (start > refusal->message && start[-1] != '\'')
        start--;

    char *namespace = memory_copy_text(start, (size_t)(end - start));
    const size_t scope =
        strlen(subscriptions) + strcspn(path + strlen(subscriptions), "/?#");
    char *provider = NULL;

    if (text_matches(namespace, "^[A-Za-z0-9.]{1,100}$"))
        provider = memory_format("%.*s/providers/%s", (int)((size_t)(path - url) + scope),
                                 url, namespace);
    free(namespace);
    return provider;
}

bool registration_join(struct client *client, const char *url,
                       const struct failure *refusal, struct registration_wait *wait)
{
    char *provider = find_provider(url, refusal);
    struct registration *own =
        provider != NULL ? map_find(&client->registrations, provider) : NULL;

    if (provider == NULL)
        return false;
    if (own == NULL) {
        own = memory_new(sizeof *own);
        own->client = client;
        own->url = memory_copy_string(provider);
        own->namespace = strrchr(own->url, '/') + 1;
        own->waiter.wake = on_over;
        own->advance.run = advance;
        own->timer.fire = fire;
        own->started_ms = clock_now_ms(loop_clock(client->loop));
        list_init(&own->waits);
        map_set(&client->registrations, provider, own);
        log_line(LOG_WARNING, "registering resource provider %s with the subscription",
                 own->namespace);
        ask(own, "POST", "/register");
    }
    list_append(&own->waits, &wait->link);
    free(provider);
    return true;
}

void registration_leave(struct registration_wait *wait)
{
    if (list_is_linked(&wait->link))
        list_remove(&wait->link);
}

void registration_deinit(struct map *registrations)
{
    map_deinit(registrations, free_registration);
}
