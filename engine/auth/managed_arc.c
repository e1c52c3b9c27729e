/* engine/auth/managed_arc.c - the managed identity of a machine with the Azure Arc agent.
 *
 * The agent answers the first request with 401 and the name of a file; who can read that file
 * sends its content along. The name is taken only for a file in the agent's own folder: who
 * listens in the agent's place must not get others read out. */
#include <stdlib.h>
#include <string.h>

#include "auth/file.h"
#include "auth/managed_identity.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/memory.h"
#include "pipeline/challenge.h"

enum { LARGEST_KEY = 4096 };

static const char agent_endpoint[] =
    "http://127.0.0.1:40342/metadata/identity/oauth2/token";
static const char agent_folder[] = "/var/opt/azcmagent/tokens";

/* The settings' folder, or the agent's. */
static const char *folder_of(const struct managed_identity *own)
{
    const char *folder = own->context->settings.arc_tokens_folder;

    return folder != NULL ? folder : agent_folder;
}

/* Whether it is {folder}/{name}.key. */
static bool is_in_folder(const char *path, const char *folder)
{
    const size_t length = strlen(folder), path_length = strlen(path);

    return strncmp(path, folder, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL && path_length > length + 1 + 4 &&
           strcmp(path + path_length - 4, ".key") == 0;
}

static void fail(struct managed_identity *own, const char *what, const char *why)
{
    struct failure *failure = failure_new(
        "AuthenticationFailed", "managed identity of Azure Arc: %s: %s", what, why);

    token_fetch_fail(
        own->fetch,
        failure_set_cure(failure, "run this as root or as a member of the group himds"));
}

/* What is in the file, fit for a header field; owned by the caller. NULL when it answered the
 * fetch with a failure. */
static char *read_key(struct managed_identity *own, const char *path)
{
    const char *why = NULL;
    struct buffer text = {0};
    char *key = NULL;

    if (file_read(path, LARGEST_KEY, &text, &why))
        key = file_copy_trimmed(&text);
    secret_deinit(&text);
    for (const char *c = key; c != NULL && *c != '\0' && why == NULL; c++) {
        if (*c < ' ' || *c > '~')
            why = "it is no key";
    }
    if (why == NULL)
        return key;
    secret_free(key);
    fail(own, path, why);
    return NULL;
}

static void on_token(void *owner, const struct auth_request *request,
                     const struct transfer *answer)
{
    (void)request;
    managed_identity_answer(owner, answer);
}

static void prepare(struct managed_identity *own)
{
    const char *endpoint = own->context->settings.identity_endpoint;

    managed_identity_prepare(own, endpoint != NULL ? endpoint : agent_endpoint,
                             "2020-06-01", NULL);
    auth_request_add_header(&own->request, memory_copy_string("Metadata: true"));
}

static void answer_challenge(struct managed_identity *own, const char *path)
{
    char *key;

    if (!is_in_folder(path, folder_of(own))) {
        fail(own, path, "the agent's keys are elsewhere, so this is not read");
        return;
    }
    key = read_key(own, path);
    if (key == NULL)
        return;
    prepare(own);
    auth_request_add_header(&own->request, memory_format("Authorization: Basic %s", key));
    secret_free(key);
    auth_request_start(&own->request, own, on_token);
}

static void on_challenge(void *owner, const struct auth_request *request,
                         const struct transfer *answer)
{
    struct managed_identity *own = owner;
    char *field =
        answer->status == 401 ? transfer_field_list(answer, "www-authenticate") : NULL;
    char *path = field != NULL ? challenge_parameter(field, "Basic", "realm") : NULL;

    (void)request;
    if (path != NULL)
        answer_challenge(own, path);
    else
        managed_identity_answer(own, answer);
    free(field);
    free(path);
}

void managed_identity_start_arc(struct managed_identity *own)
{
    prepare(own);
    auth_request_start(&own->request, own, on_challenge);
}
