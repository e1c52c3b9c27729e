/* engine/arm/client.h - what operations need to reach the service, and who watches them. */
#ifndef MOONGATE_ARM_CLIENT_H
#define MOONGATE_ARM_CLIENT_H

#include <stdbool.h>

#include "arm/registration.h"
#include "arm/serial.h"
#include "pipeline/pipeline.h"

struct journal;
struct loop;
struct resource_operation;

/* Told of the writes and waits that people want to see. Reads are not reported. */
struct observer {
    void (*started)(struct observer *observer,
                    const struct resource_operation *operation);
    void (*changed)(struct observer *observer,
                    const struct resource_operation *operation);
    void (*finished)(struct observer *observer,
                     const struct resource_operation *operation);
};

struct client {
    struct loop *loop;
    struct pipeline *pipeline;
    struct origins origins; /* of ARM and Graph; owned by whoever made the client */
    struct serial serial;
    struct observer *observer; /* or NULL */
    struct journal *journal;   /* of the run, borrowed, or NULL */
    uint64_t last_number;      /* of the operations reported */
    unsigned open_count;       /* operations that are not over */
    struct map written; /* by the key of its id: the place of its last write among all */
    uintptr_t write_count;
    bool repeats_lost;        /* POSTs whose answer an earlier attempt of the run lost */
    bool may_register;        /* resource providers that a subscription misses */
    struct map registrations; /* by the provider's URL; see registration.c */
};

/* Frees what operations share; none may be left. Before the pipeline is freed. */
void client_deinit(struct client *client);

#endif
