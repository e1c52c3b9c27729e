/* engine/run/endpoints.h - which Azure a run talks to. */
#ifndef MOONGATE_RUN_ENDPOINTS_H
#define MOONGATE_RUN_ENDPOINTS_H

#include "run/settings.h"

struct failure;
struct request_limits;

/* Base URLs without a slash at the end; owned. A zeroed struct has none. */
struct endpoints {
    char *arm, *graph, *login;
    char *arm_audience, *graph_audience; /* whom tokens are for, mostly the same */
    const struct request_limits *limits; /* of that cloud, borrowed */
};

/* By --endpoint, or by the cloud's name. Returns NULL, or the failure when nothing says which
 * side to use, or what was said makes no sense (owned by the caller); then there are none. */
struct failure *endpoints_choose(struct endpoints *endpoints,
                                 const struct settings *settings);

/* Whether it can be a base URL, and whether it can name a tenant: by its id or domain name. */
bool endpoints_is_base_url(const char *url);
bool endpoints_is_tenant(const char *tenant);

/* One base for all. */
void endpoints_set(struct endpoints *endpoints, const char *base);

void endpoints_deinit(struct endpoints *endpoints);

#endif
