/* engine/arm/paging.c - from one page of a list to the next. */
#include "arm/paging.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/url.h"

static const char version_name[] = "api-version";

/* `url` with the value of its own api-version replaced, or with one added. */
static char *set_version(const char *url, const char *version, size_t length)
{
    size_t old_length = 0;
    const char *old = url_parameter(url, version_name, &old_length);
    struct buffer with = {0};

    if (old != NULL) { /* the name, too: some servers mind its case */
        const char *name = old;

        while (name[-1] != '?' && name[-1] != '&')
            name--;
        buffer_append(&with, url, (size_t)(name - url));
        buffer_printf(&with, "%s=%.*s", version_name, (int)length, version);
        buffer_append_string(&with, old + old_length);
    } else {
        buffer_append_string(&with, url);
        buffer_append_char(&with, strchr(url, '?') != NULL ? '&' : '?');
        buffer_printf(&with, "%s=%.*s", version_name, (int)length, version);
    }
    return buffer_take(&with);
}

char *paging_resolve(const char *url, const char *link, bool replaces_version,
                     struct failure **failure)
{
    char *next = url_resolve(url, link);
    size_t length = 0, own_length;
    const char *version = url_parameter(url, version_name, &length);
    const size_t path_length = strcspn(link, "?"); /* a query may hold a signature */

    if (next == NULL || !url_same_origin(next, url)) {
        *failure =
            failure_new("ProtocolError",
                        next == NULL ? "the link of the next page, '%.*s', is no URL"
                                     : "the next page is at '%.*s', which is another "
                                       "server",
                        (int)(path_length < 200 ? path_length : 200), link);
        free(next);
        return NULL;
    }
    if (version != NULL &&
        (replaces_version || url_parameter(next, version_name, &own_length) == NULL)) {
        char *with = set_version(next, version, length);

        free(next);
        next = with;
    }
    return next;
}
