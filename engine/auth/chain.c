/* engine/auth/chain.c - the credentials in the order they are tried. */
#include "auth/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { FOR_PROD = 1, FOR_DEV = 2 };

static const struct row {
    const char *name;
    const char *sdk_name; /* as AZURE_TOKEN_CREDENTIALS has it */
    unsigned groups;
    struct credential *(*make)(const struct credential_context *context);
} rows[CHAIN_LENGTH] = {
    {"ready token", "ReadyTokenCredential", FOR_PROD | FOR_DEV, credential_new_ready},
    {"client secret", "EnvironmentCredential", FOR_PROD, credential_new_secret},
    {"client certificate", "EnvironmentCredential", FOR_PROD, credential_new_certificate},
    {"workload identity", "WorkloadIdentityCredential", FOR_PROD,
     credential_new_federated},
    {"managed identity", "ManagedIdentityCredential", FOR_PROD,
     credential_new_managed_identity},
    {"az", "AzureCliCredential", FOR_DEV, credential_new_azure_cli},
    {"kept sign-in", "KeptSignInCredential", FOR_DEV, credential_new_kept},
    {"device code", "DeviceCodeCredential", FOR_DEV, credential_new_device_code}};

struct member {
    const struct row *row;
    struct credential *credential;
    enum credential_state state;
    char *reason;
};

struct chain {
    const struct credential_context *context;
    struct member members[CHAIN_LENGTH];
    size_t count;
    struct member *chosen;       /* kept to from then on, or NULL */
    struct member *trying;       /* for the current fetch */
    struct token_fetch *current; /* or NULL */
    struct token_fetch inner;    /* what the credential gets to see of it */
    struct list waiting;         /* of token_fetch */
};

static bool is_selected(const struct row *row, const char *selection)
{
    if (selection == NULL)
        return true;
    if (text_equal_nocase(selection, "prod"))
        return (row->groups & FOR_PROD) != 0;
    if (text_equal_nocase(selection, "dev"))
        return (row->groups & FOR_DEV) != 0;
    return text_equal_nocase(selection, row->sdk_name);
}

/* The chosen one stays that, whatever becomes of later fetches. */
static void set_state(struct chain *chain, struct member *member,
                      enum credential_state state, const char *reason)
{
    free(member->reason);
    member->state = member == chain->chosen ? CREDENTIAL_CHOSEN : state;
    member->reason = memory_copy_string(reason);
}

/* --- failures --------------------------------------------------------------------------- */

char *chain_check_selection(const char *selection)
{
    struct buffer text = {0};

    for (size_t i = 0; i < CHAIN_LENGTH; i++) {
        if (is_selected(&rows[i], selection))
            return NULL;
    }
    buffer_printf(&text, "'%s' is not dev, prod", selection);
    for (size_t i = 0; i < CHAIN_LENGTH; i++) {
        if (i == 0 || strcmp(rows[i].sdk_name, rows[i - 1].sdk_name) != 0)
            buffer_printf(&text, ", %s", rows[i].sdk_name);
    }
    return buffer_take(&text);
}

static struct failure *wrong_selection(const struct chain *chain)
{
    char *wrong = chain_check_selection(chain->context->settings.selection);
    struct failure *failure =
        failure_new("BadSetting", "AZURE_TOKEN_CREDENTIALS %s", wrong);

    free(wrong);
    return failure;
}

static struct failure *nothing_available(const struct chain *chain)
{
    struct buffer reasons = {0};

    for (size_t i = 0; i < chain->count; i++)
        buffer_printf(&reasons, "%s%s: %s", i > 0 ? "; " : "",
                      chain->members[i].row->name, chain->members[i].reason);

    struct failure *failure = failure_new(
        "NoCredentials", "there is nothing to sign in with: %s", reasons.data);

    buffer_deinit(&reasons);
    return failure_set_cure(
        failure, "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run "
                 "`az login` or `moongate login --keep`; without Azure: --sim");
}

static struct failure *gone(const struct member *member)
{
    return failure_set_cure(
        failure_new("AuthenticationFailed",
                    "what this run signed in with is not available any more: %s: %s",
                    member->row->name, member->reason),
        "sign in again; no other credential is tried in the middle of a run");
}

/* --- one fetch after the other ---------------------------------------------------------- */

static void start_next(struct chain *chain);

/* Ends the current fetch with what the inner one holds. */
static void finish(struct chain *chain)
{
    struct token_fetch *fetch = chain->current;

    fetch->grant = chain->inner.grant;
    fetch->failure = chain->inner.failure;
    chain->inner = (struct token_fetch){0};
    chain->current = NULL;
    fetch->done(fetch);
    if (chain->current == NULL)
        start_next(chain);
}

static void fail(struct chain *chain, struct failure *failure)
{
    chain->inner.failure = failure;
    finish(chain);
}

static void try_it(struct chain *chain)
{
    log_line(LOG_DEBUG, "sign-in: trying %s", chain->trying->row->name);
    chain->trying->credential->fetch(chain->trying->credential, &chain->inner);
}

static void go_on(struct chain *chain)
{
    struct member *member = chain->trying;

    set_state(chain, member, CREDENTIAL_UNAVAILABLE, chain->inner.unavailable);
    log_line(LOG_DEBUG, "sign-in: %s: %s", member->row->name, member->reason);
    free(chain->inner.unavailable);
    chain->inner.unavailable = NULL;
    if (member == chain->chosen) {
        fail(chain, gone(member));
    } else if (member + 1 == chain->members + chain->count) {
        fail(chain, nothing_available(chain));
    } else {
        chain->trying++;
        try_it(chain);
    }
}

static void on_answer(struct token_fetch *inner)
{
    struct chain *chain = LIST_ENTRY(inner, struct chain, inner);
    struct member *member = chain->trying;
    struct failure *failure = inner->failure;

    if (inner->unavailable != NULL) {
        go_on(chain);
        return;
    }
    if (failure != NULL) {
        set_state(chain, member, CREDENTIAL_REFUSED, failure->message);
        free(failure->operation);
        failure->operation = memory_format("sign-in (%s)", member->row->name);
    } else {
        if (chain->chosen == NULL)
            log_line(LOG_INFO, "signed in: %s", member->row->name);
        chain->chosen = member;
        set_state(chain, member, CREDENTIAL_CHOSEN, NULL);
    }
    finish(chain);
}

static void start_next(struct chain *chain)
{
    struct list *link = list_take_first(&chain->waiting);

    if (link == NULL)
        return;
    chain->current = LIST_ENTRY(link, struct token_fetch, link);
    chain->inner = (struct token_fetch){.audience = chain->current->audience,
                                        .claims = chain->current->claims,
                                        .done = on_answer};
    if (chain->count == 0) {
        fail(chain, wrong_selection(chain));
        return;
    }
    chain->trying = chain->chosen != NULL ? chain->chosen : chain->members;
    try_it(chain);
}

void chain_fetch(struct chain *chain, struct token_fetch *fetch)
{
    list_append(&chain->waiting, &fetch->link);
    if (chain->current == NULL)
        start_next(chain);
}

struct chain *chain_new(const struct credential_context *context)
{
    struct chain *chain = memory_new(sizeof *chain);

    chain->context = context;
    list_init(&chain->waiting);
    for (size_t i = 0; i < CHAIN_LENGTH; i++) {
        if (is_selected(&rows[i], context->settings.selection))
            chain->members[chain->count++] =
                (struct member){.row = &rows[i], .credential = rows[i].make(context)};
    }
    return chain;
}

void chain_free(struct chain *chain)
{
    if (chain == NULL)
        return;
    if (chain->current != NULL)
        chain->trying->credential->cancel(chain->trying->credential);
    for (size_t i = 0; i < chain->count; i++) {
        chain->members[i].credential->free(chain->members[i].credential);
        free(chain->members[i].reason);
    }
    free(chain);
}

size_t chain_describe(const struct chain *chain,
                      struct credential_report reports[CHAIN_LENGTH])
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct member *member = &chain->members[i];

        reports[i] =
            (struct credential_report){member->row->name, member->state, member->reason};
    }
    return chain->count;
}
