/* engine/arm/registration.h - registering a resource provider with a subscription.
 *
 * A subscription that never used a provider answers 409 MissingSubscriptionRegistration. When
 * the run may (--register-providers), the provider is registered, once however many writes
 * wait for it, and the writes go on when the subscription says `Registered`. */
#ifndef MOONGATE_ARM_REGISTRATION_H
#define MOONGATE_ARM_REGISTRATION_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"

struct client;
struct failure;

/* A place among those who wait for one provider. Zero it before use. */
struct registration_wait {
    /* Called once; `failure` is NULL when the provider is registered, else borrowed. */
    void (*done)(struct registration_wait *wait, const struct failure *failure);
    struct list link;
};

/* Registers the provider that this refusal of `url` misses, or joins who does so already.
 * False, with nothing begun, when it is another refusal, or does not say what is missing. */
bool registration_join(struct client *client, const char *url,
                       const struct failure *refusal, struct registration_wait *wait);

/* Nothing happens when it waits for nothing. */
void registration_leave(struct registration_wait *wait);

/* Ends what is going on; nobody may wait any more. */
void registration_deinit(struct map *registrations);

#endif
