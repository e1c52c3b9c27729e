/* engine/pipeline/effect.c - what a request does to the world. */
#include "pipeline/effect.h"

#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "pipeline/path.h"

/* POSTs that change nothing and give no secret away, by the provider's namespace (NULL: any
 * path of Graph) and the last segment. */
static const struct {
    const char *provider, *action;
} harmless[] = {{"microsoft.resourcegraph", "resources"},
                {"microsoft.resources", "validate"},
                {"microsoft.resources", "whatif"},
                {"microsoft.apimanagement", "checknameavailability"},
                {NULL, "getbyids"}};

static bool is_harmless(const char *path, enum audience audience)
{
    size_t length = 0;
    const char *provider = audience == AUDIENCE_ARM ? path_provider(path, &length) : NULL;
    const char *slash = strrchr(path, '/');

    if (slash == NULL || audience == AUDIENCE_NONE ||
        (audience == AUDIENCE_ARM && provider == NULL))
        return false;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        const char *wanted = harmless[i].provider;
        const bool is_there =
            wanted == NULL || provider == NULL
                ? wanted == provider
                : strlen(wanted) == length && strncmp(wanted, provider, length) == 0;

        if (is_there && strcmp(slash + 1, harmless[i].action) == 0)
            return true;
    }
    return false;
}

/* ARM's custom for actions that read what a GET does not give: listSecrets, listKeys. */
static bool is_list(const char *path, enum audience audience)
{
    const char *slash = strrchr(path, '/');

    return audience == AUDIENCE_ARM && slash != NULL &&
           strncmp(slash + 1, "list", sizeof "list" - 1) == 0;
}

enum effect effect_of(const char *method, const char *path, enum audience audience)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return EFFECT_NONE;
    if (strcmp(method, "POST") != 0 || path == NULL)
        return EFFECT_WRITE;
    if (is_harmless(path, audience))
        return EFFECT_NONE;
    return is_list(path, audience) ? EFFECT_REVEAL : EFFECT_WRITE;
}

bool effect_is_method_header(const char *header)
{
    return text_has_prefix_nocase(header, "x-http-method");
}

bool effect_hides_method(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (effect_is_method_header(exchange->transfer.headers[i]))
            return true;
    }
    return false;
}

enum effect effect_of_exchange(const struct exchange *exchange, struct buffer *scratch,
                               const char **path)
{
    const char *method = exchange->transfer.method;

    *path = NULL;
    if (effect_hides_method(exchange))
        method = ""; /* whatever it is */
    else if (effect_of(method, "", exchange->audience) == EFFECT_NONE)
        return EFFECT_NONE;
    if (path_normalize(scratch, url_path(exchange->transfer.url)))
        *path = scratch->data;
    return effect_of(method, *path, exchange->audience);
}
