/* engine/store/azblob_request.c - one request to Azure Blob Storage, and what its answer means. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/secret.h"
#include "base/failure.h"
#include "base/memory.h"
#include "store/azblob_parts.h"

#define VERSION_HEADER "x-ms-version: 2021-12-02"

/* Owned by the caller, a secret. */
static char *format_url(const struct azblob *own, const char *name, const char *query)
{
    const struct azblob_account *account = &own->account;
    struct buffer url = {0};
    const char *mark = "?";

    buffer_printf(&url, "%s/%s", account->base, account->container);
    if (name != NULL) {
        buffer_append_char(&url, '/');
        buffer_append_escaped_path(&url, account->prefix);
        buffer_append_escaped_path(&url, name);
    }
    if (query[0] != '\0') {
        buffer_printf(&url, "%s%s", mark, query);
        mark = "&";
    }
    if (account->sas != NULL)
        buffer_printf(&url, "%s%s", mark, account->sas);
    return buffer_take(&url);
}

char *azblob_format_name(const struct azblob *own, const char *name)
{
    const struct azblob_account *account = &own->account;

    return memory_format("azblob://%s/%s%s%s%s", account->name, account->container,
                         name != NULL ? "/" : "", name != NULL ? account->prefix : "",
                         name != NULL ? name : "");
}

static void on_answer(struct exchange *exchange)
{
    struct azblob_request *request = exchange->owner;

    request->done(request);
}

static struct exchange *new_exchange(const struct azblob *own, const char *method,
                                     const char *url,
                                     void (*done)(struct exchange *exchange))
{
    struct exchange *exchange =
        exchange_new(own->pipeline, method, url, own->audience, done);

    exchange->is_unlogged = true;
    exchange_add_header(exchange, memory_copy_string(VERSION_HEADER));
    /* or libcurl would send a type of its own */
    if (strcmp(method, "PUT") == 0)
        exchange_add_header(exchange,
                            memory_copy_string("Content-Type: application/octet-stream"));
    return exchange;
}

struct azblob_request *azblob_request_new(struct azblob *own, const char *method,
                                          const char *name, const char *query,
                                          const char *doing)
{
    struct azblob_request *request = memory_new(sizeof *request);

    request->own = own;
    request->name = memory_copy_string(name);
    request->doing = doing;
    request->url = format_url(own, name, query);
    request->makes_container = strcmp(method, "PUT") == 0;
    request->exchange = new_exchange(own, method, request->url, on_answer);
    request->exchange->owner = request;
    return request;
}

void azblob_request_add_header(struct azblob_request *request, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);

    const int length = vsnprintf(NULL, 0, format, arguments);
    char *line = memory_new((size_t)length + 1);

    va_end(arguments);
    va_start(arguments, format);
    vsnprintf(line, (size_t)length + 1, format, arguments);
    va_end(arguments);
    exchange_add_header(request->exchange, line);
}

void azblob_request_set_body(struct azblob_request *request, const char *bytes,
                             size_t length)
{
    request->exchange->transfer.body = bytes;
    request->exchange->transfer.body_length = length;
    /* or libcurl would wait a second for a 100 Continue */
    exchange_add_header(request->exchange, memory_copy_string("Expect:"));
}

/* --- the container -------------------------------------------------------------------- */

/* Whether it is there now, and if somebody else made it. */
static bool is_made(const struct transfer *transfer)
{
    const char *code = transfer_field(transfer, "x-ms-error-code");

    return transfer->status == 201 || (transfer->status == 409 && code != NULL &&
                                       strcmp(code, "ContainerAlreadyExists") == 0);
}

static void on_container(struct exchange *exchange)
{
    struct azblob_request *request = exchange->owner;

    if (is_made(&exchange->transfer))
        exchange_start(request->exchange);
    else
        request->done(request);
}

static void make_container(struct azblob_request *request)
{
    struct exchange *exchange;

    request->container_url = format_url(request->own, NULL, "restype=container");
    exchange = new_exchange(request->own, "PUT", request->container_url, on_container);
    exchange->owner = request;
    request->container_exchange = exchange;
    exchange_start(exchange);
}

static void on_first_answer(struct exchange *exchange)
{
    struct azblob_request *request = exchange->owner;

    exchange->done = on_answer;
    if (request->makes_container && azblob_request_has_code(request, "ContainerNotFound"))
        make_container(request);
    else
        request->done(request);
}

/* -------------------------------------------------------------------------------------- */

void azblob_request_start(struct azblob_request *request,
                          void (*done)(struct azblob_request *request), void *owner)
{
    request->done = done;
    request->owner = owner;
    request->exchange->done = on_first_answer;
    exchange_start(request->exchange);
}

void azblob_request_free(struct azblob_request *request)
{
    if (request == NULL)
        return;
    exchange_free(request->exchange);
    exchange_free(request->container_exchange);
    secret_free(request->url);
    secret_free(request->container_url);
    free(request->name);
    free(request);
}

int azblob_request_status(const struct azblob_request *request)
{
    return request->exchange->transfer.status;
}

const char *azblob_request_field(const struct azblob_request *request, const char *name)
{
    return transfer_field(&request->exchange->transfer, name);
}

uint64_t azblob_request_number(const struct azblob_request *request, const char *name)
{
    const char *text = azblob_request_field(request, name);

    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

bool azblob_request_has_code(const struct azblob_request *request, const char *code)
{
    const char *own = azblob_request_field(request, "x-ms-error-code");

    return own != NULL && strcmp(own, code) == 0;
}

bool azblob_request_found_none(const struct azblob_request *request)
{
    return azblob_request_status(request) == 404 &&
           (azblob_request_has_code(request, "BlobNotFound") ||
            azblob_request_has_code(request, "ContainerNotFound"));
}

/* --- failures ------------------------------------------------------------------------- */

/* What the reader can do about a code; learn.microsoft.com, "Azure Blob Storage error codes". */
static const struct {
    const char *code, *cure;
} cures[] = {
    {"AuthenticationFailed", "check the key or signature, whether it has expired or was "
                             "rotated, and this machine's "
                             "clock, which may be 15 minutes off at most"},
    {"InvalidAuthenticationInfo", "check the key, signature or token"},
    {"NoAuthenticationInformation", "set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or "
                                    "AZURE_STORAGE_CONNECTION_STRING, or "
                                    "sign in"},
    {"AuthorizationPermissionMismatch",
     "give who signs in the role Storage Blob Data Contributor at the account or the "
     "container; a shared access signature needs the permissions racwdl"},
    {"KeyBasedAuthenticationNotPermitted",
     "the account allows no keys: unset AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN and "
     "AZURE_STORAGE_CONNECTION_STRING, and sign in"},
    {"AuthorizationFailure",
     "the account's firewall does not let this machine in: allow its address or network "
     "(Azurite says the same of a wrong key)"},
    {"ContainerBeingDeleted",
     "the container was deleted a moment ago: wait half a minute, or take another one"},
    {"LeaseIdMissing", "somebody holds it: wait until that has ended; a lease of the "
                       "dead ends within a minute"},
};

static const char *find_cure(const char *code)
{
    for (size_t i = 0; i < sizeof cures / sizeof cures[0]; i++) {
        if (strcmp(cures[i].code, code) == 0)
            return cures[i].cure;
    }
    return NULL;
}

/* The first line of <Message>, which is followed by ids; owned by the caller, or NULL. */
static char *read_message(const struct transfer *transfer)
{
    static const char mark[] = "<Message>";
    const char *text = transfer->answer.data != NULL ? transfer->answer.data : "";
    const char *message = strstr(text, mark);

    if (message == NULL)
        return NULL;
    message += strlen(mark);

    char *line = memory_copy_text(message, strcspn(message, "<\r\n"));
    char *shown = secret_redact(line, NULL);

    free(line);
    return shown;
}

static struct failure *refusal(const struct transfer *transfer, const char *doing,
                               const char *what)
{
    const char *code = transfer_field(transfer, "x-ms-error-code");
    const char *id = transfer_field(transfer, "x-ms-request-id");
    char *message = read_message(transfer);
    struct failure *failure =
        failure_new(code != NULL ? code : "ProtocolError", "%s %s: %s", doing, what,
                    message != NULL ? message
                    : code != NULL  ? code
                                    : "the answer is none of Azure Blob Storage");

    if (code != NULL)
        failure_set_cure(failure, find_cure(code));
    failure->status = transfer->status;
    failure->retryable = transfer->status == 429 || transfer->status >= 500;
    failure->request_id = memory_copy_string(id);
    free(message);
    return failure;
}

static struct failure *describe(const struct transfer *transfer, const char *doing,
                                const char *what)
{
    struct failure *failure;

    if (transfer->failure == NULL)
        return refusal(transfer, doing, what);
    failure = failure_copy(transfer->failure);
    free(failure->message);
    failure->message =
        memory_format("%s %s: %s", doing, what, transfer->failure->message);
    return failure;
}

struct failure *azblob_request_failure(const struct azblob_request *request)
{
    const struct exchange *container = request->container_exchange;
    const bool is_of_container = container != NULL && !is_made(&container->transfer);
    char *what = azblob_format_name(request->own, is_of_container ? NULL : request->name);
    struct failure *failure =
        is_of_container ? describe(&container->transfer, "making the container", what)
                        : describe(&request->exchange->transfer, request->doing, what);

    if (is_of_container && container->transfer.status == 403)
        failure_set_cure(failure,
                         "who signs in may not make the container: have somebody "
                         "make it, `az storage container create`, or give the "
                         "role Storage Blob Data Contributor at the account");
    free(what);
    return failure;
}
