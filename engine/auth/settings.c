/* engine/auth/settings.c - what the environment says about signing in. */
#include "auth/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"
#include "base/text.h"

static const char *look_up(const char *name)
{
    const char *text = getenv(name);

    return text != NULL && text[0] != '\0' ? text : NULL;
}

static void fill(const char **value, const char *name, const char *other_name)
{
    if (*value == NULL)
        *value = look_up(name);
    if (*value == NULL && other_name != NULL)
        *value = look_up(other_name);
}

static bool is_yes(const char *name)
{
    const char *text = look_up(name);

    return text != NULL && (strcmp(text, "1") == 0 || text_equal_nocase(text, "true"));
}

static const char *find_state_folder(void)
{
    static char *folder;

    free(folder);
    folder = home_state_path(NULL);
    return folder;
}

void credential_settings_read_environment(struct credential_settings *settings)
{
    fill(&settings->selection, "AZURE_TOKEN_CREDENTIALS", NULL);
    fill(&settings->ready_tokens[AUDIENCE_ARM], "MOONGATE_ACCESS_TOKEN", NULL);
    fill(&settings->ready_tokens[AUDIENCE_GRAPH], "MOONGATE_GRAPH_ACCESS_TOKEN", NULL);
    fill(&settings->ready_tokens[AUDIENCE_STORAGE], "MOONGATE_STORAGE_ACCESS_TOKEN",
         NULL);
    fill(&settings->tenant_id, "AZURE_TENANT_ID", "ARM_TENANT_ID");
    fill(&settings->client_id, "AZURE_CLIENT_ID", "ARM_CLIENT_ID");
    fill(&settings->client_secret, "AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET");
    fill(&settings->certificate_path, "AZURE_CLIENT_CERTIFICATE_PATH",
         "ARM_CLIENT_CERTIFICATE_PATH");
    fill(&settings->certificate_password, "AZURE_CLIENT_CERTIFICATE_PASSWORD",
         "ARM_CLIENT_CERTIFICATE_PASSWORD");
    settings->sends_certificate_chain = is_yes("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
    fill(&settings->federated_token_file, "AZURE_FEDERATED_TOKEN_FILE", NULL);
    settings->uses_oidc = is_yes("ARM_USE_OIDC");
    fill(&settings->oidc_url, "ACTIONS_ID_TOKEN_REQUEST_URL", NULL);
    fill(&settings->oidc_bearer, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", NULL);
    fill(&settings->identity_endpoint, "IDENTITY_ENDPOINT", NULL);
    fill(&settings->identity_header, "IDENTITY_HEADER", NULL);
    fill(&settings->identity_thumbprint, "IDENTITY_SERVER_THUMBPRINT", NULL);
    fill(&settings->imds_endpoint, "IMDS_ENDPOINT", NULL);
    fill(&settings->msi_endpoint, "MSI_ENDPOINT", NULL);
    fill(&settings->msi_secret, "MSI_SECRET", NULL);
    fill(&settings->pod_authority, "AZURE_POD_IDENTITY_AUTHORITY_HOST", NULL);
    fill(&settings->search_path, "PATH", NULL);
    if (settings->state_folder == NULL)
        settings->state_folder = find_state_folder();
    settings->has_person = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool credential_settings_name_any(const struct credential_settings *settings)
{
    return settings->selection != NULL || settings->client_id != NULL ||
           settings->ready_tokens[AUDIENCE_ARM] != NULL ||
           settings->ready_tokens[AUDIENCE_GRAPH] != NULL;
}
