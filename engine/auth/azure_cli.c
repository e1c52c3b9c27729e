/* engine/auth/azure_cli.c - whoever az is signed in as. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/credential.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/program.h"

enum { TIMEOUT_MS = 30000 };

static const double LONGEST_LIFE_S = 1e7; /* more is as good */

struct azure_cli {
    struct credential base;
    const struct credential_context *context;
    struct program *program; /* or NULL */
    struct token_fetch *fetch;
};

/* --- what it printed --------------------------------------------------------------------- */

/* Local time, "2026-01-31 12:00:00.000000", to seconds since 1970; 0 when it is none. Which
 * of the two hours at the end of summer time is meant it does not say. */
static double parse_local_time(const char *text)
{
    struct tm parts = {.tm_isdst = -1};

    if (sscanf(text, "%d-%d-%d %d:%d:%d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
        return 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return (double)mktime(&parts);
}

static double read_expiry_s(const cJSON *body)
{
    const char *text = json_string_at(body, "expires_on");
    const char *local = json_string_at(body, "expiresOn");
    double expiry_s = json_number_at(body, "expires_on", 0);

    if (text != NULL)
        expiry_s = strtod(text, NULL);
    if (!(expiry_s > 0) && local != NULL) /* az before 2.54 */
        expiry_s = parse_local_time(local);
    return expiry_s;
}

static struct failure *new_failure(const char *why)
{
    return failure_set_cure(
        failure_new("AuthenticationFailed", "az account get-access-token: %s", why),
        "run `az account get-access-token` by hand to see more");
}

static void take_output(struct azure_cli *own, const struct buffer *out)
{
    cJSON *body = json_parse(out->data, out->length, NULL);
    const char *token = json_string_at(body, "accessToken");
    const double now_s = (double)clock_wall_ms(loop_clock(own->context->loop)) / 1000.0;
    const double life_s = read_expiry_s(body) - now_s;

    if (token == NULL || token[0] == '\0') {
        token_fetch_fail(own->fetch, new_failure("its answer holds no token"));
    } else if (!(life_s > 0)) {
        token_fetch_fail(own->fetch, new_failure("its token has expired, or does not say "
                                                 "when it does"));
    } else {
        struct grant grant = {
            .access_token = memory_copy_string(token),
            .life_ms =
                (int64_t)((life_s < LONGEST_LIFE_S ? life_s : LONGEST_LIFE_S) * 1000)};

        token_fetch_give(own->fetch, &grant);
    }
    secret_delete_json(body);
}

/* The first line that says something, fit to be shown. Owned by the caller. */
static char *first_line(const struct buffer *err)
{
    const char *line = err->data + strspn(err->data, " \t\r\n");

    if (text_has_prefix_nocase(line, "ERROR: "))
        line += strlen("ERROR: ");

    char *copy = memory_copy_text(line, strcspn(line, "\r\n"));
    char *shown = secret_redact(copy, NULL);

    secret_free(copy);
    return shown;
}

static void take_error(struct azure_cli *own, const struct program_end *end)
{
    char *line = first_line(end->err);

    if (strstr(end->err->data, "az login") != NULL ||
        strstr(end->err->data, "az account set") != NULL)
        token_fetch_pass(own->fetch, "%s", line);
    else if (line[0] != '\0')
        token_fetch_fail(own->fetch, new_failure(line));
    else
        token_fetch_fail(own->fetch, new_failure("it failed without a word"));
    free(line);
}

static void on_end(void *owner, const struct program_end *end)
{
    struct azure_cli *own = owner;

    own->program = NULL;
    if (end->was_late)
        token_fetch_fail(own->fetch, new_failure("no answer in time: it was stopped"));
    else if (end->was_too_chatty)
        token_fetch_fail(own->fetch, new_failure("it wrote without end"));
    else if (end->exit_code != 0)
        take_error(own, end);
    else
        take_output(own, end->out);
}

/* --- starting it ------------------------------------------------------------------------- */

static void start(struct azure_cli *own, char *path)
{
    const struct credential_settings *settings = &own->context->settings;
    const char *why = NULL;
    char *const words[] = {path,
                           "account",
                           "get-access-token",
                           "--output",
                           "json",
                           "--resource",
                           (char *)settings->resources[own->fetch->audience],
                           settings->tenant_id != NULL ? "--tenant" : NULL,
                           (char *)settings->tenant_id,
                           NULL};

    own->program = program_start(
        own->context->loop, words,
        settings->program_timeout_ms != 0 ? settings->program_timeout_ms : TIMEOUT_MS,
        on_end, own, &why);
    if (own->program == NULL)
        token_fetch_pass(own->fetch, "%s cannot be started: %s", path, why);
}

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct azure_cli *own = (struct azure_cli *)credential;
    char *path = program_find("az", own->context->settings.search_path);

    own->fetch = fetch;
    if (path == NULL)
        token_fetch_pass(fetch, "it is not installed");
    else if (fetch->claims != NULL)
        token_fetch_fail(fetch, failure_set_cure(failure_new("AuthenticationFailed",
                                                             "the service asks for a new "
                                                             "sign-in, which az does not "
                                                             "do by itself"),
                                                 "run `az logout` and `az login`"));
    else
        start(own, path);
    free(path);
}

static void cancel(struct credential *credential)
{
    struct azure_cli *own = (struct azure_cli *)credential;

    if (own->program != NULL)
        program_cancel(own->program);
    own->program = NULL;
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *credential_new_azure_cli(const struct credential_context *context)
{
    struct azure_cli *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
