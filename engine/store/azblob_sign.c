/* engine/store/azblob_sign.c - the stage that dates and signs requests to Azure Storage.
 *
 * It stands right before the wire: each attempt has its own date, which the service compares
 * with its clock (it may be 15 minutes off), so it is the machine's and not the run's.
 * Rules: learn.microsoft.com, "Authorize with Shared Key". */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "store/azblob_parts.h"

struct sign_stage {
    struct stage stage;
    const struct azblob_account *account;
};

/* --- what is signed ------------------------------------------------------------------- */

/* The value of a header of the request, or "". */
static const char *header(const struct transfer *transfer, const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < TRANSFER_HEADERS && transfer->headers[i] != NULL; i++) {
        const char *line = transfer->headers[i];

        if (text_has_prefix_nocase(line, name) && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " ");
    }
    return "";
}

/* Of a letter of "name:value" or "name=value": a name comes before those that it begins. */
static int weight(char letter)
{
    return letter == ':' || letter == '=' ? 0 : (unsigned char)letter;
}

static int compare_names(const void *a, const void *b)
{
    const char *one = *(char *const *)a, *other = *(char *const *)b;

    while (weight(*one) == weight(*other) && weight(*one) != 0)
        one++, other++;
    return weight(*one) - weight(*other);
}

/* Each x-ms- header as "name:value", sorted, a line each. Names are written in lower case. */
static void append_headers(struct buffer *text, const struct transfer *transfer)
{
    const char *lines[TRANSFER_HEADERS];
    size_t count = 0;

    for (size_t i = 0; i < TRANSFER_HEADERS && transfer->headers[i] != NULL; i++) {
        if (strncmp(transfer->headers[i], "x-ms-", 5) == 0)
            lines[count++] = transfer->headers[i];
    }
    qsort(lines, count, sizeof lines[0], compare_names);
    for (size_t i = 0; i < count; i++) {
        const char *colon = strchr(lines[i], ':');

        buffer_append(text, lines[i], (size_t)(colon - lines[i]));
        buffer_printf(text, ":%s\n", colon + 1 + strspn(colon + 1, " "));
    }
}

/* The path as it is sent, then each parameter as "\nname:value", sorted, its value decoded. We
 * send none twice. */
static void append_resource(struct buffer *text, const char *account, const char *url)
{
    enum { MOST_PARAMETERS = 16 };
    const char *path = url_path(url);
    const size_t length = strcspn(path, "?");
    char *query = memory_copy_string(path[length] == '?' ? path + length + 1 : "");
    char *parameters[MOST_PARAMETERS], *rest = query, *word;
    size_t count = 0;

    buffer_printf(text, "/%s%.*s", account, (int)length, path);
    while (count < MOST_PARAMETERS && (word = strtok_r(rest, "&", &rest)) != NULL)
        parameters[count++] = word;
    qsort(parameters, count, sizeof parameters[0], compare_names);
    for (size_t i = 0; i < count; i++) {
        char *value = strchr(parameters[i], '=');

        *value = '\0';
        text_unescape(value + 1);
        buffer_printf(text, "\n%s:%s", parameters[i], value + 1);
    }
    free(query);
}

static void append_string_to_sign(struct buffer *text, const char *account,
                                  const struct transfer *transfer)
{
    static const char *const names[] = {
        "Content-MD5",   "Content-Type",        "Date", "If-Modified-Since", "If-Match",
        "If-None-Match", "If-Unmodified-Since", "Range"};

    buffer_printf(text, "%s\n%s\n%s\n", transfer->method,
                  header(transfer, "Content-Encoding"),
                  header(transfer, "Content-Language"));
    if (transfer->body_length > 0)
        buffer_printf(text, "%zu", transfer->body_length);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        buffer_printf(text, "\n%s", header(transfer, names[i]));
    buffer_append_char(text, '\n');
    append_headers(text, transfer);
    append_resource(text, account, transfer->url);
}

/* "Authorization: SharedKey account:signature", owned by the caller. */
static char *format_authorization(const struct azblob_account *account,
                                  const struct transfer *transfer)
{
    struct buffer text = {0}, line = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    append_string_to_sign(&text, account->name, transfer);
    HMAC(EVP_sha256(), account->key.data, (int)account->key.length,
         (const unsigned char *)text.data, text.length, digest, &length);
    buffer_printf(&line, "Authorization: SharedKey %s:", account->name);
    base64_append(&line, digest, length);
    buffer_deinit(&text);
    return buffer_take(&line);
}

/* --- the stage ------------------------------------------------------------------------ */

/* "x-ms-date: Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), whatever the locale. */
static char *format_date(void)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t now = (time_t)(clock_machine_wall_ms() / 1000);
    struct tm utc;

    gmtime_r(&now, &utc);
    return memory_format("x-ms-date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT",
                         days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon,
                         utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* Where the stage's own headers are: behind those that were added and the credential's. */
static const char **own_headers(struct exchange *exchange)
{
    return exchange->transfer.headers + exchange->header_count +
           (exchange->audience != AUDIENCE_NONE ? 1 : 0);
}

static void drop_headers(struct exchange *exchange)
{
    const char **headers = own_headers(exchange);

    for (size_t i = 0; i < 2; i++) {
        free((char *)headers[i]);
        headers[i] = NULL;
    }
}

static void send(struct stage *stage, struct exchange *exchange)
{
    const struct azblob_account *account = ((struct sign_stage *)stage)->account;
    const char **headers = own_headers(exchange);

    headers[0] = format_date();
    headers[1] = NULL;
    if (account->key.length > 0)
        headers[1] = format_authorization(account, &exchange->transfer);
    exchange_forward(exchange);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    (void)stage;
    drop_headers(exchange);
    exchange_backward(exchange);
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    (void)stage;
    drop_headers(exchange);
}

static void release(struct stage *stage)
{
    free(stage);
}

struct stage *azblob_stage_new_sign(const struct azblob_account *account)
{
    struct sign_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "sign",
                                .send = send,
                                .answered = answered,
                                .cancel = cancel,
                                .free = release};
    own->account = account;
    return &own->stage;
}
