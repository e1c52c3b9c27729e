/* engine/cli/settings_options.c - the options that commands share. */
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/url.h"
#include "cli/command.h"
#include "sim/faults.h"

char *option_take_text(const char **to, const char *text)
{
    if (text[0] == '\0')
        return memory_copy_string("the value is empty");
    *to = text;
    return NULL;
}

char *option_take_faults(const char **to, const char *text)
{
    char *wrong = option_take_text(to, text);

    return wrong != NULL ? wrong : faults_check(text);
}

const char faults_help[] =
    "\nFaults are a list of NAME[@TARGET]=VALUE, such as "
    "throttle=0.1,reset-after@gw-7=#3.\n"
    "VALUE is a rate from 0 to 1, #N for the Nth request alone, #A-B for those from the "
    "Ath\n"
    "to the Bth, or Nx for the first N. TARGET is [METHOD:]PATTERN: a name that is part "
    "of\n"
    "the path, or the end of a path with slashes or stars, such as PUT:*/gateways/*.\n"
    "  requests    throttle, error, error-500, error-502, error-503, error-504, reset,\n"
    "              timeout, error-after, reset-after, truncated, malformed, html,\n"
    "              content-type, empty, headers-lost, slow, stale, maintenance,\n"
    "              monitor-lost, revoke\n"
    "  operations  lro-fail, lro-cancel, lro-hang, lro-vanish, also with the name of a\n"
    "              resource whose next one it is: lro-fail=gw-7\n"
    "  other       capacity=REGION; with a duration token-life, replication-lag and\n"
    "              clock-skew";

char *option_take_duration(int64_t *to_ms, const char *text)
{
    int64_t duration_ms;

    if (duration_parse(text, &duration_ms) != 0 || duration_ms < 1)
        return memory_format("'%s' is not a duration such as 30s or 2m", text);
    *to_ms = duration_ms;
    return NULL;
}

char *option_take_number(uint64_t *to, const char *text, uint64_t most)
{
    char *end;
    const unsigned long long number = strtoull(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > most)
        return memory_format("'%s' is not a whole number from 0 to %llu", text,
                             (unsigned long long)most);
    *to = number;
    return NULL;
}

static char *take_endpoint(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->endpoint, text);
}

static char *take_cloud(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->cloud, text);
}

static char *take_subscription(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->subscription, text);
}

static char *take_resource_group(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->resource_group, text);
}

static char *take_service(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->service, text);
}

static char *take_ca_file(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->ca_file, text);
}

char *option_take_allowed_host(void *context, const char *text)
{
    struct settings *settings = context;
    char *origin = strstr(text, "://") == NULL ? memory_format("http://%s", text)
                                               : memory_copy_string(text);
    const bool is_good = url_origin_length(origin) == strlen(origin);

    free(origin);
    if (!is_good)
        return memory_format("'%s' is not a host such as api.example.com", text);
    if (settings->allowed_host_count == MOST_HOSTS)
        return memory_format("more than %d hosts", MOST_HOSTS);
    settings->allowed_hosts[settings->allowed_host_count++] = text;
    return NULL;
}

static char *take_register(void *context, const char *text)
{
    (void)text;
    ((struct settings *)context)->may_register_providers = true;
    return NULL;
}

static char *take_connect_timeout(void *context, const char *text)
{
    return option_take_duration(&((struct settings *)context)->connect_timeout_ms, text);
}

static char *take_request_timeout(void *context, const char *text)
{
    return option_take_duration(&((struct settings *)context)->request_timeout_ms, text);
}

static char *take_max_response(void *context, const char *text)
{
    uint64_t megabytes = 0;
    char *wrong = option_take_number(&megabytes, text, 4096);

    if (wrong == NULL && megabytes == 0)
        wrong = memory_copy_string("at least 1 MiB");
    if (wrong == NULL)
        ((struct settings *)context)->max_response_bytes = (size_t)megabytes << 20;
    return wrong;
}

static char *take_concurrency(void *context, const char *text)
{
    uint64_t number = 0;
    char *wrong = option_take_number(&number, text, 1024);

    if (wrong == NULL && number == 0)
        wrong = memory_copy_string("at least 1");
    if (wrong == NULL)
        ((struct settings *)context)->concurrency = (unsigned)number;
    return wrong;
}

static char *take_output(void *context, const char *text)
{
    struct settings *settings = context;

    if (strcmp(text, "text") == 0)
        settings->output = OUTPUT_TEXT;
    else if (strcmp(text, "json") == 0)
        settings->output = OUTPUT_JSON;
    else
        return memory_format("'%s' is not text or json", text);
    return NULL;
}

static char *take_quiet(void *context, const char *text)
{
    (void)text;
    ((struct settings *)context)->quiet = true;
    return NULL;
}

char *option_take_log_level(void *context, const char *text)
{
    (void)context;
    for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
        if (strcmp(log_level_names[level], text) == 0) {
            log_set_level((enum log_level)level);
            return NULL;
        }
    }
    return memory_format("'%s' is not error, warning, info or debug", text);
}

const struct option common_options[] = {
    {"--endpoint", "URL", "one base URL for ARM, login and Graph: a `moongate sim`",
     take_endpoint},
    {"--cloud", "NAME",
     "public (the default), usgov, china or custom (MOONGATE_ARM_ENDPOINT)", take_cloud},
    {"--subscription", "ID", "the subscription (AZURE_SUBSCRIPTION_ID)",
     take_subscription},
    {"--resource-group", "NAME", "the resource group (MOONGATE_RESOURCE_GROUP)",
     take_resource_group},
    {"--service", "NAME", "the API Management service (MOONGATE_SERVICE)", take_service},
    {"--ca-file", "FILE", "trust the CA certificates in FILE (PEM)", take_ca_file},
    {"--allow-net", "HOST", "let scripts ask HOST, too, without a token (repeatable)",
     option_take_allowed_host},
    {"--register-providers", NULL,
     "register resource providers that the subscription misses", take_register},
    {"--connect-timeout", "TIME", "give up connecting after TIME, 10s by default",
     take_connect_timeout},
    {"--request-timeout", "TIME",
     "give up a request after TIME, 100s by default, 10s with --sim",
     take_request_timeout},
    {"--max-response", "MIB", "refuse larger answers, 64 MiB by default",
     take_max_response},
    {"--concurrency", "N", "requests under way at once, 64 by default", take_concurrency},
    {"--output", "FORMAT", "text, or json: one event a line on stdout", take_output},
    {"--quiet", NULL, "only failures", take_quiet},
    {"--log-level", "LEVEL", "error, warning (the default), info or debug",
     option_take_log_level},
    {0}};

static char *take_profile(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->profile, text);
}

static char *take_config(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->config_file, text);
}

const struct option profile_options[] = {
    {"--profile", "NAME",
     "what the configuration says under NAME (MOONGATE_PROFILE); else \"default\"",
     take_profile},
    {"--config", "FILE",
     "the configuration (MOONGATE_CONFIG); else moongate.lua here, or the user's own",
     take_config},
    {0}};

static char *take_store(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->store, text);
}

static char *take_lease(void *context, const char *text)
{
    struct settings *settings = context;
    char *wrong = option_take_duration(&settings->lease_ms, text);

    if (wrong == NULL && (settings->lease_ms < 1000 || settings->lease_ms > 3600000))
        wrong = memory_copy_string("1s to 1h; Blob Storage takes 15s to 60s");
    return wrong;
}

const struct option store_options[] = {
    {"--store", "WHERE",
     "a folder, azblob://ACCOUNT/CONTAINER[/PREFIX], or none (MOONGATE_STORE)",
     take_store},
    {"--lease", "TIME", "how long a run stays with a process that is not heard of: 60s",
     take_lease},
    {0}};

static char *take_read_only(void *context, const char *text)
{
    (void)text;
    ((struct settings *)context)->guard.read_only = true;
    return NULL;
}

static char *take_within(void *context, const char *text)
{
    struct guard_settings *guard = &((struct settings *)context)->guard;
    const char *wrong = guard_check_scope(text);

    if (wrong != NULL)
        return memory_format("'%s' is no scope: %s", text, wrong);
    if (guard->within_count == GUARD_SCOPES)
        return memory_format("more than %d scopes", GUARD_SCOPES);
    guard->within[guard->within_count++] = text;
    return NULL;
}

static char *take_limit(struct guard_limit *limit, const char *text)
{
    limit->is_set = true;
    return option_take_number(&limit->most, text, UINT32_MAX);
}

static char *take_max_writes(void *context, const char *text)
{
    return take_limit(&((struct settings *)context)->guard.max_writes, text);
}

static char *take_max_deletes(void *context, const char *text)
{
    return take_limit(&((struct settings *)context)->guard.max_deletes, text);
}

const struct option guard_options[] = {
    {"--read-only", NULL, "send nothing that changes anything or reads secrets",
     take_read_only},
    {"--within", "SCOPE",
     "write only at or below SCOPE: an id, a resource group, or graph", take_within},
    {"--max-writes", "N", "send at most N writes, deletions among them", take_max_writes},
    {"--max-deletes", "N", "send at most N deletions", take_max_deletes},
    {0}};

static char *take_sim(void *context, const char *text)
{
    struct settings *settings = context;

    settings->sim = true;
    settings->sim_file = text;
    return text != NULL && text[0] == '\0' ? memory_copy_string("the file name is empty")
                                           : NULL;
}

static char *take_world(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->sim_world, text);
}

static char *take_sim_world(void *context, const char *text)
{
    ((struct settings *)context)->sim = true;
    return take_world(context, text);
}

static char *take_seed(void *context, const char *text)
{
    return option_take_number(&((struct settings *)context)->sim_seed, text, UINT64_MAX);
}

static char *take_faults(void *context, const char *text)
{
    return option_take_faults(&((struct settings *)context)->sim_faults, text);
}

static char *take_clock(void *context, const char *text)
{
    struct settings *settings = context;

    if (clock_parse(text, &settings->clock_mode, &settings->clock_factor) != 0)
        return memory_format("'%s' is not virtual, real, or a factor such as 60x", text);
    return NULL;
}

const struct option sim_options_table[] = {
    {"--sim", "[FILE]", "use the simulator; with FILE its world is kept there", take_sim},
    {"--world", "FILE", "what the simulated world holds (Lua or JSON)", take_world},
    {"--sim-world", "FILE", "the same; with the simulator, as --sim", take_sim_world},
    {"--seed", "N", "the same seed, the same durations and faults", take_seed},
    {"--sim-faults", "LIST", "what shall go wrong, such as throttle=0.1,reset=0.05",
     take_faults},
    {"--clock", "CLOCK", "of the simulator: virtual (the default), real, or such as 60x",
     take_clock},
    {0}};

const char *sim_options_check(const struct settings *settings)
{
    if (settings->sim && (settings->endpoint != NULL || settings->cloud != NULL))
        return "--sim cannot go with --endpoint or --cloud";
    if (!settings->sim && (settings->sim_world != NULL || settings->sim_seed != 0 ||
                           settings->sim_faults != NULL || settings->clock_factor != 0.0))
        return "--world, --seed, --sim-faults and --clock need --sim";
    return NULL;
}
