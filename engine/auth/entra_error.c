/* engine/auth/entra_error.c - what Microsoft Entra refuses, as failures.
 *
 * Numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes. They are
 * for people; programs go by `error`. */
#include "auth/entra_error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auth/request.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

static const char default_cure[] =
    "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET";

static const struct row {
    long number;
    const char *cure; /* cause and cure in plain words */
} rows[] = {
    {7000215,
     "the client secret is wrong: set AZURE_CLIENT_SECRET to the secret's value, "
     "which is not its id"},
    {7000222, "the client secret has expired: make a new one for the application and set "
              "AZURE_CLIENT_SECRET"},
    {700016, "the tenant does not know this application: check AZURE_CLIENT_ID and "
             "AZURE_TENANT_ID, and that the application was added to the tenant"},
    {7000218, "the application needs a secret or a certificate, and none was sent: set "
              "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH, or allow public "
              "client flows for it"},
    {700027, "the application does not know this certificate: upload it to the "
             "application, or check AZURE_CLIENT_CERTIFICATE_PATH"},
    {700024,
     "the assertion is not valid at this time: set this machine's clock right, or "
     "have the federated token renewed"},
    {70021, "no federated credential of the application matches the token: compare "
            "issuer, subject and audience with those in the application"},
    {700211, "no federated credential has the token's issuer: compare it with the issuer "
             "in the application's federated credentials"},
    {700212, "no federated credential has the token's audience: it should be "
             "api://AzureADTokenExchange"},
    {700213, "no federated credential has the token's subject: compare it, letter by "
             "letter, with the subject in the application's federated credentials"},
    {90002, "the tenant does not exist in this cloud: check AZURE_TENANT_ID and --cloud"},
    {900023, "the tenant is neither an id nor a domain name: check AZURE_TENANT_ID"},
    {500011, "the tenant does not know the service that the token is for: check "
             "AZURE_TENANT_ID and --cloud"},
    {70011, "the scope is not valid: check --cloud and the audience settings"},
    {1002012, "the scope is not valid for an application: check --cloud and the audience "
              "settings"},
    {50034, "the account does not exist in this tenant: check AZURE_TENANT_ID"},
    {50076, "the tenant asks for a second factor: run `az login` or `moongate login` "
            "again, or use an application"},
    {50079, "the account has to register a second factor first: sign in at "
            "https://aka.ms/mfasetup"},
    {50105, "the account is not assigned to the application: have it assigned in "
            "Enterprise applications"},
    {53003, "a Conditional Access policy of the tenant blocks this sign-in: ask its "
            "administrator, who finds it in the sign-in log"},
    {65001, "nobody has consented to what the application asks for: have an "
            "administrator grant consent"},
    {700082, "the sign-in has expired for want of use: run `moongate login --keep` or "
             "`az login` again"},
    {50173, "the sign-in was revoked, as after a change of password: run `moongate login "
            "--keep` or `az login` again"},
    {70008, "the sign-in has expired: run `moongate login --keep` or `az login` again"},
    {90033, "Microsoft Entra is busy: try again in a few minutes"},
    {50196, "the same sign-in was asked for too often: wait a few minutes, and look for "
            "what repeats it"},
};

static const struct row *find_row(long number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].number == number)
            return &rows[i];
    }
    return NULL;
}

/* The number in "AADSTS7000215: ..."; 0 when there is none. */
static long read_number(const char *description)
{
    const char *mark = strstr(description, "AADSTS");

    return mark != NULL ? strtol(mark + strlen("AADSTS"), NULL, 10) : 0;
}

/* What matters of the description: its first sentence. The rest repeats it, and gives ids of
 * the moment. Owned by the caller. */
static char *take_sentence(const char *description, const char *form)
{
    const char *stop = strstr(description, ". ");
    const char *ids = strstr(description, " Trace ID:");
    size_t length = strcspn(description, "\r\n");

    if (stop != NULL && (size_t)(stop - description) + 1 < length)
        length = (size_t)(stop - description) + 1;
    if (ids != NULL && (size_t)(ids - description) < length)
        length = (size_t)(ids - description);

    char *sentence = memory_copy_text(description, length);
    char *shown = secret_redact(sentence, form);

    secret_free(sentence);
    return shown;
}

/* What to quote to Microsoft. Owned by the caller, or NULL. */
static char *read_request_id(const cJSON *body)
{
    const char *id = json_string_at(body, "trace_id");

    if (id == NULL)
        id = json_string_at(body, "correlation_id");
    return id != NULL ? secret_redact(id, NULL) : NULL;
}

/* An answer that says nothing of who asked: the endpoint itself is in trouble. Whoever waits
 * may go on waiting. */
static struct failure *trouble(int status)
{
    struct failure *failure = failure_new(
        "ServiceUnavailable", "the sign-in endpoint answered HTTP %d", status);

    failure->retryable = true;
    return failure_set_cure(failure, "it is not you: try again later");
}

static struct failure *describe(const cJSON *body, int status, const char *form,
                                bool is_known)
{
    const char *description = json_string_at(body, "error_description");
    const char *error = json_string_at(body, "error");
    struct failure *failure;

    if (status == 200)
        return failure_new("ProtocolError", "sign-in answered without an access token");
    if ((status >= 500 || status == 429) && !is_known)
        return trouble(status);
    if (description == NULL && error == NULL)
        return failure_new("AuthenticationFailed",
                           "sign-in refused: HTTP %d without an explanation", status);

    char *words = take_sentence(description != NULL ? description : error, form);

    failure = failure_new("AuthenticationFailed", "sign-in refused: %s", words);
    failure->retryable = error != NULL && strcmp(error, "temporarily_unavailable") == 0;
    free(words);
    return failure;
}

struct failure *entra_failure(const struct transfer *answer, const char *form)
{
    if (answer->failure != NULL)
        return auth_request_failure(answer);

    cJSON *body = json_parse(answer->answer.data != NULL ? answer->answer.data : "",
                             answer->answer.length, NULL);
    const char *description = json_string_at(body, "error_description");
    const struct row *row =
        description != NULL ? find_row(read_number(description)) : NULL;
    struct failure *failure = describe(body, answer->status, form, row != NULL);

    failure->status = answer->status;
    failure->target = memory_copy_string(answer->url);
    failure->request_id = read_request_id(body);
    if (failure->cure == NULL)
        failure_set_cure(failure, row != NULL ? row->cure : default_cure);
    secret_delete_json(body);
    return failure;
}

char *entra_error_name(const struct transfer *answer)
{
    cJSON *body = answer->failure == NULL && answer->answer.length > 0
                      ? json_parse(answer->answer.data, answer->answer.length, NULL)
                      : NULL;
    char *name = memory_copy_string(json_string_at(body, "error"));

    cJSON_Delete(body);
    return name;
}
