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

/* Asks at `url`, a path with its query or an absolute URL of an earlier answer, for what else
 * the call says. `*answer` and `*json` are replaced. Returns the status. */
static inline int plane_ask(struct world *world, struct answer *answer, cJSON **json,
                            const char *url, struct call call)
{
    const char *start = strncmp(url, "http://sim", 10) == 0 ? url + 10 : url;
    const char *query = strchr(start, '?');
    char *path = memory_copy_text(start, strcspn(start, "?"));
    struct answer new_answer;

    call.base = "http://sim";
    call.path = path;
    call.query = query != NULL ? query + 1 : NULL;
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
