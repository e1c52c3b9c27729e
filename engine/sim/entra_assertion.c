/* engine/sim/entra_assertion.c - proofs of applications that are tokens (RFC 7523): signed by
 * a key of their own, whose certificate is registered, or given by an issuer whom a federated
 * identity credential names. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/app_credentials.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/jws.h"
#include "sim/world.h"

/* How far clocks may be apart: five minutes, as in Entra (documented). */
enum { SKEW_S = 300 };

static bool refuse_malformed(const struct entra_request *request, const char *why)
{
    return entra_refuse(request, ENTRA_ASSERTION_MALFORMED,
                        "JWT token is invalid or malformed: %s.", why);
}

static const char *text_of(const struct jws *jws, const char *claim)
{
    const char *text = json_string_at(jws->claims, claim);

    return text != NULL ? text : "";
}

/* ---- time ---- */

/* UTC as the client has it: whatever is done to the world's time, a client in a process of
 * its own goes by the machine's. */
static int64_t read_client_clock_s(const struct world *world)
{
    return world->clients_are_elsewhere ? clock_machine_wall_ms() / 1000
                                        : clock_wall_ms(world->clock) / 1000;
}

static bool check_times(const struct entra_request *request, const struct jws *jws)
{
    const double now_s = (double)read_client_clock_s(request->world);
    const double from_s = json_number_at(jws->claims, "nbf", now_s);
    const double until_s = json_number_at(jws->claims, "exp", 0);
    char now[CLOCK_TEXT_SIZE], from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

    if (!(until_s > 0 && until_s < 1e11 && from_s > -1 && from_s < 1e11))
        return refuse_malformed(request, "'exp' or 'nbf' is not a time");
    if (from_s <= now_s + SKEW_S && until_s >= now_s - SKEW_S)
        return true;
    clock_format_utc((int64_t)now_s * 1000, now);
    clock_format_utc((int64_t)from_s * 1000, from);
    clock_format_utc((int64_t)until_s * 1000, until);
    return entra_refuse(request, ENTRA_ASSERTION_TIME,
                        "Client assertion is not within its valid time range. Current "
                        "time: %s, assertion valid from %s, expiry time of assertion %s.",
                        now, from, until);
}

/* ---- by certificate ---- */

/* "A1B2..", as messages show thumbprints; owned by the caller. */
static char *format_thumbprint(const char *thumbprint)
{
    struct buffer bytes = {0}, text = {0};

    base64_decode(&bytes, thumbprint, strlen(thumbprint));
    for (size_t i = 0; i < bytes.length; i++)
        buffer_printf(&text, "%02X", (unsigned)(unsigned char)bytes.data[i]);
    buffer_deinit(&bytes);
    return buffer_take(&text);
}

static bool refuse_signature(const struct entra_request *request, const char *reason,
                             const char *thumbprint, const char *app_id)
{
    char *shown = format_thumbprint(thumbprint);

    entra_refuse(request, ENTRA_ASSERTION_SIGNATURE,
                 "Client assertion contains an invalid signature. [Reason - %s, "
                 "Thumbprint of key used by client: '%s', Please visit the Azure Portal, "
                 "Graph Explorer or directly use MS Graph to see configured keys for app "
                 "Id '%s'.]",
                 reason, shown, app_id);
    free(shown);
    return false;
}

/* `thumbprint` is of a certificate that the client says it has the key of. */
static bool check_signature(const struct entra_request *request,
                            const struct entra_client *client, const struct jws *jws,
                            const char *thumbprint)
{
    const int64_t now_ms = read_client_clock_s(request->world) * 1000;
    int64_t start_ms, end_ms;
    X509 *certificate = app_credentials_find_certificate(request->world, client->app_id,
                                                         thumbprint, &start_ms, &end_ms);
    const char *reason = NULL;

    if (certificate == NULL)
        reason = "The key was not found.";
    else if (now_ms < start_ms || now_ms > end_ms)
        reason = "The key used is expired.";
    else if (!jws_is_signed_by(jws, X509_get0_pubkey(certificate)))
        reason =
            "The provided signature value did not match the expected signature value.";
    X509_free(certificate);
    return reason == NULL ||
           refuse_signature(request, reason, thumbprint, client->app_id);
}

static bool is_same_url(const char *url, const char *base, const char *tenant,
                        const char *path)
{
    char *expected = memory_format("%s/%s/%s", base, tenant, path);
    const bool is_same = text_equal_nocase(url, expected);

    free(expected);
    return is_same;
}

/* Entra takes the URL of the token endpoint, either version, or its issuer (documented); of
 * the tenant any name that it answers to. */
static bool is_our_audience(const struct entra_request *request, const char *audience)
{
    static const char *const paths[] = {"oauth2/v2.0/token", "oauth2/token", "v2.0", ""};
    const char *tenants[] = {request->call->segments[0],
                             request->world->profile.tenant_id};
    char *issuer = entra_access_issuer(request->world);
    bool is_ours = strcmp(audience, issuer) == 0;

    for (size_t i = 0; i < sizeof tenants / sizeof tenants[0]; i++) {
        for (size_t k = 0; k < sizeof paths / sizeof paths[0]; k++)
            is_ours = is_ours ||
                      is_same_url(audience, request->call->base, tenants[i], paths[k]);
    }
    free(issuer);
    return is_ours;
}

/* That `jti` has to be there is documented; that it may come twice is assumed. */
static bool check_own_claims(const struct entra_request *request,
                             const struct entra_client *client, const struct jws *jws)
{
    if (!text_equal_nocase(text_of(jws, "iss"), client->app_id) ||
        !text_equal_nocase(text_of(jws, "sub"), client->app_id))
        return entra_refuse(request, ENTRA_ASSERTION_CLIENT,
                            "Client assertion application identifier doesn't match "
                            "'client_id' parameter.");
    if (*text_of(jws, "jti") == '\0')
        return refuse_malformed(request, "it has no 'jti'");
    if (!is_our_audience(request, text_of(jws, "aud")))
        return entra_refuse(request, ENTRA_ASSERTION_AUDIENCE,
                            "Client assertion audience claim does not match Realm "
                            "issuer. Review the documentation at "
                            "https://docs.microsoft.com/azure/active-directory/develop/"
                            "active-directory-certificate-credentials.");
    return check_times(request, jws);
}

static bool check_certificate(const struct entra_request *request,
                              const struct entra_client *client, const struct jws *jws)
{
    const char *thumbprint = json_string_at(jws->header, "x5t#S256");

    if (thumbprint == NULL)
        thumbprint = json_string_at(jws->header, "x5t");
    return check_own_claims(request, client, jws) &&
           check_signature(request, client, jws, thumbprint != NULL ? thumbprint : "");
}

/* ---- by another issuer ---- */

/* Whether one of the keys has signed it. The one that the header names is enough; without a
 * name any may have. */
static bool is_signed_by_one(const struct jws *jws, const cJSON *keys)
{
    const char *id = json_string_at(jws->header, "kid");
    const cJSON *jwk;

    cJSON_ArrayForEach (jwk, json_at(keys, "keys")) {
        const char *name = json_string_at(jwk, "kid");

        if (id != NULL && name != NULL && strcmp(id, name) != 0)
            continue;

        EVP_PKEY *key = jws_read_key(jwk);
        const bool is_signed = key != NULL && jws_is_signed_by(jws, key);

        EVP_PKEY_free(key);
        if (is_signed)
            return true;
    }
    return false;
}

/* An issuer whose keys the world does not know is taken at its word. */
static bool check_issuer_signature(const struct entra_request *request,
                                   const struct jws *jws, const char *keys)
{
    cJSON *tree = keys != NULL ? json_parse(keys, strlen(keys), NULL) : NULL;
    const bool is_good = keys == NULL || is_signed_by_one(jws, tree);

    cJSON_Delete(tree);
    return is_good ||
           entra_refuse(request, ENTRA_FEDERATED_SIGNATURE,
                        "Unable to verify token signature. The signing key identifier "
                        "does not match any valid registered keys.");
}

static bool refuse_federated(const struct entra_request *request,
                             enum entra_refusal refusal, const char *what,
                             const char *value)
{
    return entra_refuse(request, refusal,
                        "No matching federated identity record found for presented "
                        "assertion %s '%s'. Check your federated identity credential "
                        "Subject, Audience and Issuer against the presented assertion. "
                        "https://learn.microsoft.com/entra/workload-id/"
                        "workload-identity-federation",
                        what, value);
}

/* `aud` may be a list; the first of it counts. */
static const char *audience_of(const struct jws *jws)
{
    const char *first =
        cJSON_GetStringValue(cJSON_GetArrayItem(json_at(jws->claims, "aud"), 0));

    return first != NULL ? first : text_of(jws, "aud");
}

static bool check_federated(const struct entra_request *request,
                            const struct entra_client *client, const struct jws *jws)
{
    const struct app_federated presented = {.issuer = text_of(jws, "iss"),
                                            .subject = text_of(jws, "sub"),
                                            .audience = audience_of(jws)};
    char *keys = NULL;
    bool is_good = false;

    switch (app_credentials_match(request->world, client->app_id, &presented, &keys)) {
    case FEDERATED_NO_ISSUER:
        return refuse_federated(request, ENTRA_FEDERATED_ISSUER, "issuer",
                                presented.issuer);
    case FEDERATED_NO_SUBJECT:
        return refuse_federated(request, ENTRA_FEDERATED_SUBJECT, "subject",
                                presented.subject);
    case FEDERATED_NO_AUDIENCE:
        return refuse_federated(request, ENTRA_FEDERATED_AUDIENCE, "audience",
                                presented.audience);
    case FEDERATED_MATCHES:
        is_good = check_times(request, jws) && check_issuer_signature(request, jws, keys);
        break;
    }
    free(keys);
    return is_good;
}

/* ---- either ---- */

/* Other issuers are URLs, applications are not. */

bool entra_check_assertion(const struct entra_request *request,
                           const struct entra_client *client, const char *text)
{
    struct jws jws;
    bool is_good;

    if (!jws_open(&jws, text)) {
        is_good = refuse_malformed(request, "it is no JSON Web Token");
    } else {
        is_good = strstr(text_of(&jws, "iss"), "://") != NULL
                      ? check_federated(request, client, &jws)
                      : check_certificate(request, client, &jws);
    }
    jws_close(&jws);
    return is_good;
}
