/* engine/auth/grant.h - an access token as somebody gave it: with its life. */
#ifndef MOONGATE_AUTH_GRANT_H
#define MOONGATE_AUTH_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct grant {
    char *access_token;    /* NULL: there is none */
    char *refresh_token;   /* or NULL */
    int64_t life_ms;       /* from now */
    int64_t refresh_in_ms; /* a new one is advised from then on; 0: nothing was said */
};

/* Reads what Entra's token endpoint, a managed identity endpoint or az answered (RFC 6749, 5.1,
 * and its relatives: numbers may be text, and `expires_on` is a point in time). Returns false
 * when there is no token in it. */
bool grant_read(struct grant *grant, const cJSON *body, int64_t wall_ms);

/* Wipes what it holds; it is an empty grant again. */
void grant_deinit(struct grant *grant);

#endif
