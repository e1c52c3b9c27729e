/* engine/run/config_fields.c - what a profile may say: the one table of it. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "auth/chain.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/cloud.h"
#include "run/config_parts.h"
#include "run/endpoints.h"

/* --- texts -------------------------------------------------------------------------- */

static char *check_endpoint(const char *text)
{
    return endpoints_is_base_url(text)
               ? NULL
               : memory_format("'%s' is not a base URL such as http://127.0.0.1:4280",
                               text);
}

static char *check_cloud(const char *text)
{
    if (cloud_find(text) != NULL || text_equal_nocase(text, "custom"))
        return NULL;
    return memory_format("'%s' is not public, usgov, china or custom", text);
}

static char *check_tenant(const char *text)
{
    return endpoints_is_tenant(text)
               ? NULL
               : memory_format("'%s' is neither an id nor a domain name", text);
}

static char *check_scope(const char *text)
{
    const char *wrong = guard_check_scope(text);

    return wrong != NULL ? memory_format("'%s' is no scope: %s", text, wrong) : NULL;
}

/* --- the table ---------------------------------------------------------------------- */

#define AT(member) offsetof(struct settings, member)

const struct config_row config_rows[] = {
    {{"description", "TEXT", "what it is for, shown beside its name"},
     CONFIG_TEXT,
     0,
     AT(profile_description),
     NULL,
     0,
     0},
    {{"production", "true", "a mistake would hurt: the prompt has another colour"},
     CONFIG_FLAG,
     CONFIG_OF_SIGN_IN,
     AT(is_production),
     NULL,
     0,
     0},
    {{"subscription", "ID", "as --subscription"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET,
     AT(subscription),
     NULL,
     0,
     0},
    {{"resource_group", "NAME", "as --resource-group"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET,
     AT(resource_group),
     NULL,
     0,
     0},
    {{"service", "NAME", "as --service"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET,
     AT(service),
     NULL,
     0,
     0},
    {{"endpoint", "URL", "as --endpoint; not with cloud"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET | CONFIG_OF_DIRECTION,
     AT(endpoint),
     check_endpoint,
     0,
     0},
    {{"cloud", "NAME", "as --cloud"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET | CONFIG_OF_DIRECTION,
     AT(cloud),
     check_cloud,
     0,
     0},
    {{"tenant_id", "TENANT", "as AZURE_TENANT_ID"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET | CONFIG_OF_SIGN_IN,
     AT(credentials.tenant_id),
     check_tenant,
     0,
     0},
    {{"client_id", "ID", "as AZURE_CLIENT_ID; its secret is not said here"},
     CONFIG_TEXT,
     CONFIG_OF_TARGET | CONFIG_OF_SIGN_IN,
     AT(credentials.client_id),
     NULL,
     0,
     0},
    {{"credential", "NAME",
      "as AZURE_TOKEN_CREDENTIALS: dev, prod, AzureCliCredential .."},
     CONFIG_TEXT,
     CONFIG_OF_TARGET | CONFIG_OF_SIGN_IN,
     AT(credentials.selection),
     chain_check_selection,
     0,
     0},
    {{"ca_file", "FILE", "as --ca-file"},
     CONFIG_PATH,
     CONFIG_OF_TARGET | CONFIG_OF_SIGN_IN,
     AT(ca_file),
     NULL,
     0,
     0},
    {{"store", "WHERE", "as --store"},
     CONFIG_STORE,
     CONFIG_OF_SIGN_IN,
     AT(store),
     NULL,
     0,
     0},
    {{"read_only", "true", "as --read-only"},
     CONFIG_FLAG,
     0,
     AT(guard.read_only),
     NULL,
     0,
     0},
    {{"within", "SCOPES", "as --within: one, or a list"},
     CONFIG_SCOPES,
     0,
     AT(guard.within),
     check_scope,
     0,
     0},
    {{"max_writes", "N", "as --max-writes"},
     CONFIG_LIMIT,
     0,
     AT(guard.max_writes),
     NULL,
     0,
     UINT32_MAX},
    {{"max_deletes", "N", "as --max-deletes"},
     CONFIG_LIMIT,
     0,
     AT(guard.max_deletes),
     NULL,
     0,
     UINT32_MAX},
    {{"concurrency", "N", "as --concurrency"},
     CONFIG_NUMBER,
     0,
     AT(concurrency),
     NULL,
     1,
     1024},
    {{0}, CONFIG_TEXT, 0, 0, NULL, 0, 0}};

_Static_assert(sizeof config_rows / sizeof config_rows[0] - 1 <= CONFIG_MOST_FIELDS,
               "CONFIG_MOST_FIELDS is too small");

size_t config_field_count(void)
{
    return sizeof config_rows / sizeof config_rows[0] - 1;
}

struct config_field config_field(size_t index)
{
    return config_rows[index].field;
}

/* --- places ------------------------------------------------------------------------- */

static void *place(const struct config_row *row, struct settings *settings)
{
    return (char *)settings + row->offset;
}

bool config_row_is_text(const struct config_row *row)
{
    return row->type == CONFIG_TEXT || row->type == CONFIG_PATH ||
           row->type == CONFIG_STORE;
}

const char **config_row_text(const struct config_row *row, struct settings *settings)
{
    return place(row, settings);
}

/* --- from Lua ----------------------------------------------------------------------- */

/* The text on top, borrowed from the state; NULL when it is none, then `*wrong` is set. */
static const char *look_at_text(const struct config_row *row, lua_State *L, char **wrong)
{
    const char *text = config_look_at_text(L, wrong);

    if (*wrong == NULL && row->check != NULL)
        *wrong = row->check(text);
    return *wrong == NULL ? text : NULL;
}

static char *take_store(const char *text, struct config *config, const char **to)
{
    if (strcmp(text, "none") != 0 && strncmp(text, "azblob:", 7) != 0)
        return config_take_path(text, config, to);
    *to = config_keep(config, memory_copy_string(text));
    return NULL;
}

static char *take_text(const struct config_row *row, lua_State *L, struct config *config,
                       struct settings *to)
{
    char *wrong;
    const char *text = look_at_text(row, L, &wrong);

    if (text == NULL)
        return wrong;
    if (row->type == CONFIG_PATH)
        return config_take_path(text, config, config_row_text(row, to));
    if (row->type == CONFIG_STORE)
        return take_store(text, config, config_row_text(row, to));
    *config_row_text(row, to) = config_keep(config, memory_copy_string(text));
    return NULL;
}

/* One scope, the text on top. */
static char *take_scope(const struct config_row *row, lua_State *L, struct config *config,
                        struct guard_settings *guard)
{
    char *wrong;
    const char *text = look_at_text(row, L, &wrong);

    if (text == NULL)
        return wrong;
    if (guard->within_count == GUARD_SCOPES)
        return memory_format("more than %d scopes", GUARD_SCOPES);
    guard->within[guard->within_count++] = config_keep(config, memory_copy_string(text));
    return NULL;
}

static char *take_scopes(const struct config_row *row, lua_State *L,
                         struct config *config, struct settings *to)
{
    lua_Integer count;
    const bool is_list = config_is_list(L, &count);
    char *wrong = NULL;

    if (lua_type(L, -1) == LUA_TSTRING)
        return take_scope(row, L, config, &to->guard);
    if (!lua_istable(L, -1))
        return config_complain_type("a scope or a list of them", L);
    if (count == 0 || !is_list)
        return memory_copy_string("a list of scopes expected, {\"a\", \"b\"}");
    for (lua_Integer i = 1; i <= count && wrong == NULL; i++) {
        lua_rawgeti(L, -1, i);
        wrong = take_scope(row, L, config, &to->guard);
        lua_pop(L, 1);
    }
    return wrong;
}

static char *take_number(const struct config_row *row, lua_State *L, struct settings *to)
{
    uint64_t number;
    char *wrong = config_take_whole(L, row->least, row->most, &number);

    if (wrong != NULL)
        return wrong;
    if (row->type == CONFIG_LIMIT)
        *(struct guard_limit *)place(row, to) =
            (struct guard_limit){.is_set = true, .most = number};
    else
        *(unsigned *)place(row, to) = (unsigned)number;
    return NULL;
}

char *config_row_take(const struct config_row *row, lua_State *L, struct config *config,
                      struct settings *to)
{
    switch (row->type) {
    case CONFIG_FLAG:
        return config_take_flag(L, place(row, to));
    case CONFIG_LIMIT:
    case CONFIG_NUMBER:
        return take_number(row, L, to);
    case CONFIG_SCOPES:
        return take_scopes(row, L, config, to);
    default:
        return take_text(row, L, config, to);
    }
}

/* --- to settings -------------------------------------------------------------------- */

static bool is_said(const struct config_row *row, const struct settings *settings)
{
    const void *value = (const char *)settings + row->offset;

    switch (row->type) {
    case CONFIG_FLAG:
        return *(const bool *)value;
    case CONFIG_LIMIT:
        return ((const struct guard_limit *)value)->is_set;
    case CONFIG_NUMBER:
        return *(const unsigned *)value != 0;
    case CONFIG_SCOPES:
        return settings->guard.within_count > 0;
    default:
        return *(const char *const *)value != NULL;
    }
}

static size_t size_of(const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_FLAG:
        return sizeof(bool);
    case CONFIG_LIMIT:
        return sizeof(struct guard_limit);
    case CONFIG_NUMBER:
        return sizeof(unsigned);
    case CONFIG_SCOPES:
        return sizeof((struct guard_settings *)NULL)->within;
    default:
        return sizeof(const char *);
    }
}

void config_row_copy(const struct config_row *row, const struct settings *from,
                     struct settings *to)
{
    memcpy((char *)to + row->offset, (const char *)from + row->offset, size_of(row));
    if (row->type == CONFIG_SCOPES)
        to->guard.within_count = from->guard.within_count;
}

void config_row_fill(const struct config_row *row, const struct settings *from,
                     struct settings *to)
{
    if (!is_said(row, to))
        config_row_copy(row, from, to);
}
