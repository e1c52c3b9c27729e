/* tests/plane.h - calls to the simulated services without HTTP, as plans make them. */
#ifndef MOONGATE_TESTS_PLANE_H
#define MOONGATE_TESTS_PLANE_H

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/json.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/plane.h"
#include "sim/world.h"

/* The api-version of API Management and networks that most tests say. Other providers do not
 * have it: plane_ask() says one of theirs instead, as their clients do. */
#define PLANE_VERSION "api-version=2024-05-01"

static inline const char *plane_find_version(const char *path)
{
    const char *provider = NULL;

    for (const char *at = path; (at = strstr(at, "/providers/")) != NULL; at++)
        provider = at + strlen("/providers/");
    if (provider == NULL || strchr(provider, '/') == NULL ||
        strncmp(provider, "Microsoft.Resources/", 20) == 0 ||
        strstr(provider, "register") != NULL)
        return "api-version=2025-04-01";
    if (strncmp(provider, "Microsoft.Authorization/locks", 29) == 0)
        return "api-version=2020-05-01";
    if (strncmp(provider, "Microsoft.Network/privateDnsZones", 33) == 0)
        return "api-version=2024-06-01";
    return strncmp(provider, "Microsoft.Authorization/", 24) == 0
               ? "api-version=2022-04-01"
               : PLANE_VERSION;
}

/* The query with PLANE_VERSION in it replaced; owned by the caller, or NULL. */
static inline char *plane_fit_query(const char *path, const char *query)
{
    const char *version = query != NULL ? strstr(query, PLANE_VERSION) : NULL;

    if (version == NULL)
        return memory_copy_string(query);
    return memory_format("%.*s%s%s", (int)(version - query), query,
                         plane_find_version(path), version + strlen(PLANE_VERSION));
}

/* Asks at `url`, a path with its query or an absolute URL of an earlier answer, for what else
 * the call says. `*answer` and `*json` are replaced. Returns the status. */
static inline int plane_ask(struct world *world, struct answer *answer, cJSON **json,
                            const char *url, struct call call)
{
    const char *start = strncmp(url, "http://sim", 10) == 0 ? url + 10 : url;
    const char *mark = strchr(start, '?');
    char *path = memory_copy_text(start, strcspn(start, "?"));
    char *query = plane_fit_query(path, mark != NULL ? mark + 1 : NULL);
    struct answer new_answer;

    if (call.base == NULL)
        call.base = "http://sim";
    call.path = path;
    call.query = query;
    call.body_length = call.body != NULL ? strlen(call.body) : 0;
    answer_init(&new_answer);
    plane_answer(world, &call, &new_answer);
    answer_deinit(answer); /* last: the URL may lie in it */
    cJSON_Delete(*json);
    *answer = new_answer;
    *json = answer->body.length > 0
                ? json_parse(answer->body.data, answer->body.length, NULL)
                : NULL;
    free(path);
    free(query);
    return answer->status;
}

/* Signs in as the owner. "Bearer ...", owned by the caller. */
static inline char *plane_sign_in(struct world *world, struct answer *answer,
                                  cJSON **json, const char *resource)
{
    const struct sim_profile *profile = &world->profile;
    char *url = memory_format("/%s/oauth2/v2.0/token", profile->tenant_id);
    char *form =
        memory_format("grant_type=client_credentials&client_id=%s&client_secret=%s&"
                      "scope=%s/.default",
                      profile->client_id, profile->client_secret, resource);

    ck_assert_int_eq(plane_ask(world, answer, json, url,
                               (struct call){.method = CALL_POST, .body = form}),
                     200);
    free(url);
    free(form);
    return memory_format("Bearer %s", json_string_at(*json, "access_token"));
}

#endif
