/* engine/auth/entra.c - Microsoft Entra's token endpoint. */
#include "auth/entra.h"

#include <stdlib.h>
#include <string.h>

#include "auth/entra_error.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"

const char entra_any_tenant[] = "organizations";
const char entra_public_client[] = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

char *entra_url(const struct credential_context *context, const char *tenant,
                const char *endpoint)
{
    return memory_format("%s/%s/oauth2/v2.0/%s", context->settings.authority, tenant,
                         endpoint);
}

void entra_prepare(struct auth_request *request, const struct credential_context *context,
                   const char *tenant, const char *endpoint, const char *grant_type,
                   const char *client_id)
{
    auth_request_prepare(request, context, "POST", entra_url(context, tenant, endpoint));
    if (grant_type != NULL)
        auth_request_add_field(request, "grant_type", grant_type);
    auth_request_add_field(request, "client_id", client_id);
}

void entra_add_assertion(struct auth_request *request, const char *assertion)
{
    auth_request_add_field(request, "client_assertion_type",
                           "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    auth_request_add_field(request, "client_assertion", assertion);
}

/* What was asked for (JSON, or NULL) with our capability put in. Owned by the caller. */
static char *merge_claims(const char *asked)
{
    static const char *const capabilities[] = {"cp1"};
    cJSON *claims = asked != NULL ? json_parse(asked, strlen(asked), NULL) : NULL;

    if (!cJSON_IsObject(claims)) {
        cJSON_Delete(claims);
        claims = cJSON_CreateObject();
    }
    json_set_at(claims, "access_token.xms_cc.values",
                cJSON_CreateStringArray(capabilities, 1));

    char *text = json_print(claims);

    cJSON_Delete(claims);
    return text;
}

void entra_add_wish(struct auth_request *request,
                    const struct credential_context *context,
                    const struct token_fetch *fetch, const char *more)
{
    char *scope = memory_format("%s/.default%s",
                                context->settings.resources[fetch->audience], more);
    char *claims = merge_claims(fetch->claims);

    auth_request_add_field(request, "scope", scope);
    auth_request_add_field(request, "claims", claims);
    free(scope);
    free(claims);
}

void entra_prepare_refresh(struct auth_request *request,
                           const struct credential_context *context, const char *tenant,
                           const char *client_id, const char *refresh_token,
                           const struct token_fetch *fetch)
{
    entra_prepare(request, context, tenant, "token", "refresh_token", client_id);
    auth_request_add_field(request, "refresh_token", refresh_token);
    entra_add_wish(request, context, fetch, " offline_access openid profile");
}

bool entra_read_grant(const struct credential_context *context,
                      const struct auth_request *request, const struct transfer *answer,
                      struct grant *grant, struct failure **failure)
{
    cJSON *body = auth_request_json(answer);
    const bool is_there =
        grant_read(grant, body, clock_wall_ms(loop_clock(context->loop)));

    secret_delete_json(body);
    if (!is_there)
        *failure = entra_failure(answer, request->form.data);
    return is_there;
}

void entra_answer(const struct credential_context *context,
                  const struct auth_request *request, const struct transfer *answer,
                  struct token_fetch *fetch)
{
    struct failure *failure = NULL;
    struct grant grant = {0};

    if (entra_read_grant(context, request, answer, &grant, &failure))
        token_fetch_give(fetch, &grant);
    else
        token_fetch_fail(fetch, failure);
}
