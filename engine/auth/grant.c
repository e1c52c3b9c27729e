/* engine/auth/grant.c - an access token as somebody gave it. */
#include "auth/grant.h"

#include <stddef.h>
#include <stdlib.h>

#include "auth/secret.h"
#include "base/json.h"
#include "base/memory.h"

enum { DEFAULT_LIFE_S = 3599 };

static const double longest_s = 1e7;

/* A number, also one in text; 0 when it is none. */
static double number_at(const cJSON *body, const char *name)
{
    const char *text = json_string_at(body, name);
    char *end = NULL;
    const double number =
        text != NULL ? strtod(text, &end) : json_number_at(body, name, 0);

    return text == NULL || (end != text && *end == '\0') ? number : 0;
}

bool grant_read(struct grant *grant, const cJSON *body, int64_t wall_ms)
{
    const char *token = json_string_at(body, "access_token");
    const double refresh_s = number_at(body, "refresh_in");
    double life_s = number_at(body, "expires_in");

    if (token == NULL || token[0] == '\0')
        return false;
    if (!(life_s > 0))
        life_s = number_at(body, "expires_on") - (double)wall_ms / 1000.0;
    if (!(life_s > 0 && life_s < longest_s))
        life_s = DEFAULT_LIFE_S;
    *grant = (struct grant){
        .access_token = memory_copy_string(token),
        .refresh_token = memory_copy_string(json_string_at(body, "refresh_token")),
        .life_ms = (int64_t)(life_s * 1000),
        .refresh_in_ms =
            refresh_s > 0 && refresh_s < longest_s ? (int64_t)(refresh_s * 1000) : 0};
    return true;
}

void grant_deinit(struct grant *grant)
{
    secret_free(grant->access_token);
    secret_free(grant->refresh_token);
    *grant = (struct grant){0};
}
