/* engine/sim/entra_access.c - tokens that come back, in requests to the other services.
 *
 * A signature is verified when a token is seen for the first time; later on its text is
 * enough. Of a principal that is deleted or disabled, tokens are revoked at once when their
 * client understands challenges, and else live out their time (documented). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/call.h"
#include "sim/directory.h"
#include "sim/entra.h"
#include "sim/entra_key.h"
#include "sim/faults.h"
#include "sim/jws.h"
#include "sim/plane.h"
#include "sim/world.h"

enum { REMEMBERED_TOKENS = 1000 };

const char plane_revoked_message[] =
    "Continuous access evaluation resulted in challenge with result: InteractionRequired "
    "and code: TokenIssuedBeforeRevocationTimestamp";

struct token {
    struct caller caller;
    unsigned audiences;
    int64_t expires_s;
    bool is_proven; /* it was given for a challenge's claims */
    bool is_revoked;
    bool is_challengeable; /* its client has said so: xms_cc */
    bool is_barred;        /* its owner may not sign in any more .. */
    int64_t checked;       /* .. when so many changes of the directory had been made */
};

static void copy_claim(char *to, size_t size, const cJSON *claims, const char *name)
{
    const char *text = json_string_at(claims, name);

    snprintf(to, size, "%s", text != NULL ? text : "");
}

static bool lists_challenges(const cJSON *capabilities)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, capabilities) {
        if (text_equal_nocase(cJSON_GetStringValue(one), "cp1"))
            return true;
    }
    return false;
}

static struct token *read_claims(const struct call *call, const cJSON *claims)
{
    struct token *token = memory_new(sizeof *token);
    const char *audience = json_string_at(claims, "aud");

    copy_claim(token->caller.object_id, sizeof token->caller.object_id, claims, "oid");
    copy_claim(token->caller.application_id, sizeof token->caller.application_id, claims,
               "appid");
    /* what is no service's is the simulator's own address, by whichever name it was called
     * when it gave the token: sign-in gives none for another */
    if (audience != NULL && !entra_find_audiences(call, audience, &token->audiences))
        token->audiences = AUDIENCE_ARM | AUDIENCE_GRAPH;
    token->expires_s = (int64_t)json_number_at(claims, "exp", 0);
    token->is_proven = cJSON_IsTrue(json_at(claims, ENTRA_PROVEN_CLAIM));
    token->is_challengeable = lists_challenges(json_at(claims, "xms_cc"));
    token->checked = -1;
    return token;
}

/* Reads a token that nobody has seen yet. NULL when it is no access token of ours. */
static struct token *read_token(struct world *world, const struct call *call,
                                const char *text)
{
    struct jws jws;
    struct token *token = NULL;

    if (jws_open(&jws, text) &&
        jws_is_signed_by(&jws, entra_key_pair(entra_key_get(world))) &&
        json_string_at(jws.claims, "appid") != NULL)
        token = read_claims(call, jws.claims);
    jws_close(&jws);
    return token;
}

static struct token *find_token(struct world *world, const struct call *call,
                                const char *text)
{
    struct token *token = map_find(&world->tokens, text);

    if (token != NULL)
        return token;
    token = read_token(world, call, text);
    if (token == NULL)
        return NULL;
    if (world->tokens.count >= REMEMBERED_TOKENS) {
        map_deinit(&world->tokens, free);
        world->tokens = (struct map){0};
    }
    map_set(&world->tokens, text, token);
    return token;
}

/* Revokes it, perhaps, and all that its owner has. */
static bool check_revoked(struct world *world, const struct call *call,
                          struct token *token)
{
    const char *owner = token->caller.object_id;

    if (token->is_proven)
        return false;
    if (!token->is_revoked && map_find(&world->challenged, owner) == NULL) {
        if (!faults_strike(world->faults, FAULT_REVOKE, call, NULL))
            return false;
        map_set(&world->challenged, owner, world); /* any value will do */
    }
    token->is_revoked = true;
    return true;
}

/* Whether its owner has been deleted or disabled since. */
static bool check_barred(struct world *world, struct token *token)
{
    if (token->is_challengeable && token->checked != world->directory_changes) {
        token->is_barred = !directory_may_sign_in(world, token->caller.object_id);
        token->checked = world->directory_changes;
    }
    return token->is_barred;
}

bool plane_authenticate(struct world *world, const struct call *call,
                        enum audience audience, struct caller *caller,
                        enum token_fault *wrong)
{
    const char *text = call->authorization;
    struct token *token;

    *wrong = TOKEN_ABSENT;
    if (text == NULL)
        return false;
    *wrong = TOKEN_INVALID;
    if (!text_has_prefix_nocase(text, "Bearer ") ||
        (token = find_token(world, call, text + strlen("Bearer "))) == NULL)
        return false;
    *wrong = TOKEN_EXPIRED;
    if (token->expires_s * 1000 <= world_client_ms(world))
        return false;
    *wrong = TOKEN_AUDIENCE;
    if ((token->audiences & audience) == 0)
        return false;
    *wrong = TOKEN_REVOKED;
    if (check_barred(world, token) || check_revoked(world, call, token))
        return false;
    *caller = token->caller;
    snprintf(world->principal, sizeof world->principal, "%s", caller->object_id);
    return true;
}

char *plane_format_challenge(const struct world *world, const struct call *call)
{
    char *claims = memory_format("{\"access_token\":{\"nbf\":{\"essential\":true,"
                                 "\"value\":\"%" PRId64 "\"}}}",
                                 world_client_ms(world) / 1000);
    struct buffer text = {0};

    base64_append(&text, claims, strlen(claims));

    char *challenge = memory_format(
        "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
        "client_id=\"00000003-0000-0000-c000-000000000000\", "
        "error=\"insufficient_claims\", claims=\"%s\"",
        call->base, text.data);

    buffer_deinit(&text);
    free(claims);
    return challenge;
}
