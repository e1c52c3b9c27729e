/* engine/auth/settings.h - what signing in may use.
 *
 * The environment is read in one place and once, so that nothing deep inside a credential
 * depends on it: tests and the simulator fill the struct in by hand. */
#ifndef MOONGATE_AUTH_SETTINGS_H
#define MOONGATE_AUTH_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/exchange.h"

/* Strings are borrowed for as long as tokens are asked for, and NULL where nothing was
 * said. */
struct credential_settings {
    /* The cloud. */
    const char *authority;                 /* "https://login.microsoftonline.com" */
    const char *resources[AUDIENCE_COUNT]; /* "https://management.azure.com" */

    /* Which credentials are tried: "dev", "prod", or the name of one; NULL: all. */
    const char *selection;
    bool has_person; /* somebody at a terminal can be asked to sign in */

    /* Who to sign in as. */
    const char *ready_tokens[AUDIENCE_COUNT];
    const char *tenant_id, *client_id, *client_secret;
    const char *certificate_path, *certificate_password;
    bool sends_certificate_chain;
    const char *federated_token_file;
    bool uses_oidc;                     /* asked for, rather than merely possible */
    const char *oidc_url, *oidc_bearer; /* where a GitHub job gets a token about itself */

    /* Managed identity. */
    const char *identity_endpoint, *identity_header, *identity_thumbprint;
    const char *imds_endpoint, *msi_endpoint, *msi_secret, *pod_authority;
    const char *imds_host;         /* NULL: http://169.254.169.254 */
    const char *arc_agent;         /* NULL: where the agent's program is installed */
    const char *arc_tokens_folder; /* NULL: the agent's; the environment has no say here,
                                      because what lies there is sent to the endpoint */

    /* az. */
    const char *search_path;    /* PATH */
    int64_t program_timeout_ms; /* 0: 30 s */

    /* The sign-in that `moongate login --keep` keeps. */
    const char *state_folder; /* "~/.local/state/moongate"; NULL: there is none */
    bool keeps_sign_in;       /* keep the next one of a person */

    /* Shows a person what to do; NULL: it is logged. */
    void (*tell)(void *context, const char *text);
    void *tell_context;
};

/* Fills in from the names of the Azure SDKs, then Terraform's, and MOONGATE_*, what is still
 * NULL, and whether there is a terminal. What it has to put together is valid until the next
 * call. */
void credential_settings_read_environment(struct credential_settings *settings);

/* Whether something names a way to sign in. */
bool credential_settings_name_any(const struct credential_settings *settings);

#endif
