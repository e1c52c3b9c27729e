/* engine/sim/entra.h - what the files of sign-in share.
 *
 *   plane_entra.c     which path is whose
 *   entra_metadata.c  documents that clients read first
 *   entra_token.c     the token endpoint: from a form to an answer
 *   entra_client.c    which application asks, and how it proves that
 *   entra_assertion.c proofs by certificate and by another issuer's token
 *   entra_grants.c    what it asks by: itself, a refresh token, a password, a device code
 *   entra_device.c    device codes, from the first request to the person's decision
 *   entra_authorize.c sign-in with a browser
 *   entra_scope.c     what it asks for
 *   entra_claims.c    what the tokens say
 *   entra_access.c    tokens that come back, in requests to the other services */
#ifndef MOONGATE_SIM_ENTRA_H
#define MOONGATE_SIM_ENTRA_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/uuid.h"

struct answer;
struct call;
struct world;

/* ---- requests and refusals ---- */

/* One request to an endpoint of sign-in. */
struct entra_request {
    struct world *world;
    const struct call *call;
    struct answer *answer;
    cJSON *form; /* the fields of the body, a text by its name */
    bool is_v1;  /* `resource` instead of `scope`, numbers as text */
    bool is_adfs;
    const char *nonce; /* for the ID token, or NULL or "" */
};

/* A field of the form, "" when it is empty, NULL when it is not there. Borrowed. */
const char *entra_field(const struct entra_request *request, const char *name);

enum entra_refusal {
    ENTRA_TENANT_UNKNOWN,
    ENTRA_TENANT_UNKNOWN_TO_METADATA,
    ENTRA_TENANT_MALFORMED,
    ENTRA_TENANT_UNSAID,
    ENTRA_INSTANCE,
    ENTRA_METHOD,
    ENTRA_FIELD_MISSING,
    ENTRA_GRANT_TYPE,
    ENTRA_RESPONSE_TYPE,
    ENTRA_SCOPE,
    ENTRA_SCOPE_NOT_DEFAULT,
    ENTRA_SCOPE_MANY,
    ENTRA_RESOURCE_PARAMETER,
    ENTRA_RESOURCE,
    ENTRA_CLIENT_UNKNOWN,
    ENTRA_CLIENT_DISABLED,
    ENTRA_CLIENT_PUBLIC,
    ENTRA_CREDENTIAL_MISSING,
    ENTRA_SECRET,
    ENTRA_ASSERTION_MALFORMED,
    ENTRA_ASSERTION_CLIENT,
    ENTRA_ASSERTION_AUDIENCE,
    ENTRA_ASSERTION_TIME,
    ENTRA_ASSERTION_SIGNATURE,
    ENTRA_FEDERATED_ISSUER,
    ENTRA_FEDERATED_AUDIENCE,
    ENTRA_FEDERATED_SUBJECT,
    ENTRA_FEDERATED_SIGNATURE,
    ENTRA_USER_UNKNOWN,
    ENTRA_USER_DISABLED,
    ENTRA_PASSWORD,
    ENTRA_REFRESH_TOKEN,
    ENTRA_REFRESH_TOKEN_EXPIRED,
    ENTRA_REFRESH_TOKEN_CLIENT,
    ENTRA_DEVICE_PENDING,
    ENTRA_DEVICE_TOO_FAST,
    ENTRA_DEVICE_DECLINED,
    ENTRA_DEVICE_EXPIRED,
    ENTRA_DEVICE_CODE,
    ENTRA_REDIRECT,
    ENTRA_CHALLENGE,
    ENTRA_VERIFIER,
    ENTRA_LOGIN_CODE,
    ENTRA_LOGIN_CODE_EXPIRED,
    ENTRA_LOGIN_REDIRECT
};

/* Answers with an error of sign-in: status, name and number are those of the refusal, and the
 * message goes between number and Trace ID. Returns false. */
bool entra_refuse(const struct entra_request *request, enum entra_refusal refusal,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- who asks for what ---- */

/* How an application has proved who it is: what `appidacr` says. */
enum entra_proof { PROOF_NONE = '0', PROOF_SECRET = '1', PROOF_ASSERTION = '2' };

/* The application that asks. */
struct entra_client {
    char app_id[UUID_TEXT_SIZE];
    char object_id[UUID_TEXT_SIZE]; /* of its service principal, or "" */
    char name[128];
    bool is_family;  /* one of Microsoft's, which share refresh tokens */
    unsigned rights; /* in Microsoft Graph, of enum graph_right */
    enum entra_proof proof;
};

/* Finds the application of the request and checks the proof that came along, if any; with
 * `must_prove` there has to be one. False when it has refused. */
bool entra_client_open(const struct entra_request *request, bool must_prove,
                       struct entra_client *client);

/* Checks an assertion of the application (RFC 7523). False when it has refused. */
bool entra_check_assertion(const struct entra_request *request,
                           const struct entra_client *client, const char *text);

/* What is asked for. */
struct entra_scope {
    char *audience;     /* of the access token */
    unsigned audiences; /* of enum audience; 0: a service that is not simulated */
    bool is_default;    /* all that was consented to, by ".default" */
    bool is_malformed;  /* of something no permission is named */
    bool has_openid, has_offline_access;
};

/* Whether sign-in gives tokens for this audience; then `*audiences` (of enum audience) says
 * which of the simulated services takes them. The address of the call itself, as every
 * address of this machine, stands for all. */
bool entra_find_audiences(const struct call *call, const char *audience,
                          unsigned *audiences);

/* What the form asks for as the text of a scope, owned by the caller, or NULL when it says
 * nothing of it. */
char *entra_scope_text(const struct entra_request *request);

/* Who a token is for. */
enum entra_owner { OWNER_APPLICATION, OWNER_USER };

/* Reads such a text. False when it has refused; close it all the same. */
bool entra_scope_open(const struct entra_request *request, const char *text,
                      enum entra_owner owner, struct entra_scope *scope);
void entra_scope_close(struct entra_scope *scope);

/* A user of the tenant, or NULL, owned by the caller: by user principal name or by object
 * id. */
cJSON *entra_find_user(struct world *world, const char *name_or_id);

/* ---- grants ---- */

/* What was granted: tokens for the application itself, or for a user of it. */
struct entra_grant {
    const struct entra_client *client;
    const cJSON *user; /* NULL: the application itself */
    const struct entra_scope *scope;
};

/* Each answers a request to the token endpoint. */
typedef void entra_grant_answer(const struct entra_request *request);
entra_grant_answer entra_grant_client, entra_grant_refresh, entra_grant_password,
    entra_grant_device, entra_grant_code;

/* Answers with tokens for the user, who may be gone, and all that `scope_text` says. */
void entra_give_to_user(const struct entra_request *request,
                        const struct entra_client *client, const char *user_id,
                        const char *scope_text);

/* Answers with the tokens. */
void entra_answer_tokens(const struct entra_request *request,
                         const struct entra_grant *grant);

/* A new refresh token for the user, owned by the caller. */
char *entra_new_refresh_token(struct world *world, const struct entra_grant *grant);

/* ---- tokens ---- */

/* When a token is made and when it ends, in seconds since 1970. */
struct entra_times {
    int64_t now_s, expires_s;
};

/* An access token and an ID token, signed, owned by the caller. */
char *entra_access_token(const struct entra_request *request,
                         const struct entra_grant *grant, const struct entra_times *times,
                         bool is_proven);
char *entra_id_token(const struct entra_request *request, const struct entra_grant *grant,
                     const struct entra_times *times);

/* The claims that the request wants in its tokens, owned by the caller, or NULL. */
cJSON *entra_wanted_claims(const struct entra_request *request);

/* The claim by which entra_access.c knows a token that was given for a challenge's claims. */
#define ENTRA_PROVEN_CLAIM "sim_proven"

/* Who issues access tokens: "https://sts.windows.net/{tenant}/". Owned by the caller. */
char *entra_access_issuer(const struct world *world);

/* Who issues ID tokens of `tenant` at the request's endpoint. Owned by the caller. */
char *entra_issuer(const struct entra_request *request, const char *tenant);

/* ---- endpoints ---- */

/* Whether the path names no tenant: "common" or "organizations". */
bool entra_is_any_tenant(const struct call *call);

void entra_answer_token_request(const struct entra_request *request);
void entra_answer_device_request(const struct entra_request *request);
void entra_answer_configuration(const struct entra_request *request);
void entra_answer_keys(const struct entra_request *request);
void entra_answer_instance(const struct entra_request *request);
void entra_answer_realm(const struct entra_request *request);
void entra_answer_endpoints(const struct entra_request *request);

void entra_answer_authorize(const struct entra_request *request);

/* The page where a person enters a device code, and what it sends. */
void entra_answer_device_page(const struct entra_request *request);

#endif
