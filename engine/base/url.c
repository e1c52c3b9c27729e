/* engine/base/url.c - absolute http and https URLs. */
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

/* Of an authority "host:port": the host's length, IPv6 brackets included. */
static size_t host_length(const char *authority, size_t length)
{
    const char *bracket =
        length > 0 && authority[0] == '[' ? memchr(authority, ']', length) : NULL;
    const size_t start = bracket != NULL ? (size_t)(bracket - authority) + 1 : 0;
    const char *colon = memchr(authority + start, ':', length - start);

    return colon != NULL ? (size_t)(colon - authority) : length;
}

static size_t scheme_length(const char *url)
{
    if (text_has_prefix_nocase(url, "https://"))
        return strlen("https");
    return text_has_prefix_nocase(url, "http://") ? strlen("http") : 0;
}

size_t url_origin_length(const char *url)
{
    const size_t scheme = scheme_length(url);

    if (scheme == 0)
        return 0;

    const char *authority = url + scheme + 3;
    /* some readers of URLs take a backslash for a slash, others for part of the host */
    const size_t length = strcspn(authority, "/?#\\");

    if (length == 0 || authority[length] == '\\' ||
        memchr(authority, '@', length) != NULL)
        return 0;

    const size_t host = host_length(authority, length);

    /* behind the host: nothing, or a colon and digits */
    if (host == 0 || (host < length &&
                      (authority[host] != ':' ||
                       strspn(authority + host + 1, "0123456789") != length - host - 1)))
        return 0;
    return scheme + 3 + length;
}

const char *url_path(const char *url)
{
    return url + url_origin_length(url);
}

/* An origin taken apart. */
struct origin {
    const char *host;
    size_t host_length;
    long port;
    bool is_https;
};

static bool read_origin(const char *url, struct origin *origin)
{
    const size_t length = url_origin_length(url);

    if (length == 0)
        return false;
    origin->is_https = scheme_length(url) == strlen("https");
    origin->host = url + scheme_length(url) + 3;

    const size_t authority = length - (size_t)(origin->host - url);

    origin->host_length = host_length(origin->host, authority);
    origin->port = origin->host_length + 1 < authority
                       ? strtol(origin->host + origin->host_length + 1, NULL, 10)
                   : origin->is_https ? 443
                                      : 80;
    return true;
}

static bool has_equal_letters(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char x = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] + 32) : a[i];
        const char y = b[i] >= 'A' && b[i] <= 'Z' ? (char)(b[i] + 32) : b[i];

        if (x != y)
            return false;
    }
    return true;
}

bool url_same_origin(const char *a, const char *b)
{
    struct origin x, y;

    return read_origin(a, &x) && read_origin(b, &y) && x.is_https == y.is_https &&
           x.port == y.port && x.host_length == y.host_length &&
           has_equal_letters(x.host, y.host, x.host_length);
}

bool url_is_within(const char *url, const char *origin)
{
    struct origin child, parent;

    if (url_same_origin(url, origin))
        return true;
    return read_origin(url, &child) && read_origin(origin, &parent) && child.is_https &&
           parent.is_https && child.port == parent.port &&
           child.host_length > parent.host_length + 1 &&
           child.host[child.host_length - parent.host_length - 1] == '.' &&
           has_equal_letters(child.host + child.host_length - parent.host_length,
                             parent.host, parent.host_length);
}

/* "127." and three more numbers. */
static bool is_loopback_v4(const char *host, size_t length)
{
    size_t dots = 0;

    if (length < 4 || strncmp(host, "127.", 4) != 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (host[i] == '.')
            dots++;
        else if (host[i] < '0' || host[i] > '9')
            return false;
    }
    return dots == 3 && host[length - 1] != '.';
}

bool url_is_loopback(const char *url)
{
    struct origin origin;

    if (!read_origin(url, &origin))
        return false;
    return is_loopback_v4(origin.host, origin.host_length) ||
           (origin.host_length == strlen("localhost") &&
            has_equal_letters(origin.host, "localhost", origin.host_length)) ||
           (origin.host_length == strlen("[::1]") &&
            strncmp(origin.host, "[::1]", origin.host_length) == 0);
}

bool url_is_clean(const char *url)
{
    for (const char *c = url; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return false;
    }
    return true;
}

/* Appends a path without its "." and ".." segments (RFC 3986, 5.2.4). */
static void append_normal_path(struct buffer *to, const char *path, size_t length)
{
    const size_t start = to->length;

    for (size_t at = 0; at < length;) {
        const char *segment = path + at; /* begins with its slash */
        const char *next = memchr(segment + 1, '/', length - at - 1);
        const size_t size = next != NULL ? (size_t)(next - segment) : length - at;
        const bool is_last = next == NULL;
        const bool is_dot = size == 2 && segment[1] == '.';
        const bool is_parent = size == 3 && segment[1] == '.' && segment[2] == '.';

        if (is_parent) {
            while (to->length > start && to->data[--to->length] != '/')
                ;
        }
        if (!is_dot && !is_parent)
            buffer_append(to, segment, size);
        else if (is_last)
            buffer_append_char(to, '/');
        at += size;
    }
    if (to->length == start)
        buffer_append_char(to, '/');
}

/* `path` begins with a slash or is empty; `rest` is the query. */
static char *build(const char *origin, size_t origin_length, const struct buffer *path,
                   const char *query, size_t query_length)
{
    struct buffer url = {0};

    buffer_append(&url, origin, origin_length);
    append_normal_path(&url, path->length > 0 ? path->data : "/",
                       path->length > 0 ? path->length : 1);
    buffer_append(&url, query, query_length);
    return buffer_take(&url);
}

/* Whether it begins with a scheme of its own, "mailto:". */
static bool has_scheme(const char *reference)
{
    const size_t length = strcspn(reference, ":/?#");

    return reference[length] == ':' && length > 0;
}

char *url_resolve(const char *base, const char *reference)
{
    const size_t end = strcspn(reference, "#");
    const size_t origin = url_origin_length(base);

    if (!url_is_clean(reference))
        return NULL;
    if (has_scheme(reference)) {
        if (url_origin_length(reference) == 0)
            return NULL;
        return memory_copy_text(reference, end);
    }
    if (origin == 0 || strchr(reference, '\\') != NULL)
        return NULL;
    if (strncmp(reference, "//", 2) == 0) { /* the base's scheme */
        char *url = memory_format("%.*s:%.*s", (int)scheme_length(base), base, (int)end,
                                  reference);

        if (url_origin_length(url) > 0)
            return url;
        free(url);
        return NULL;
    }

    const char *old_path = base + origin;
    const size_t old_length = strcspn(old_path, "?#");
    const char *old_query = old_path + old_length;
    const size_t path_length = strcspn(reference, "?#");
    struct buffer path = {0};
    const char *query = reference + path_length;
    size_t query_length = end - path_length;

    if (path_length == 0) {
        buffer_append(&path, old_path, old_length);
        if (query_length == 0) {
            query = old_query;
            query_length = strcspn(old_query, "#");
        }
    } else if (reference[0] == '/') {
        buffer_append(&path, reference, path_length);
    } else {
        size_t folder = old_length;

        while (folder > 0 && old_path[folder - 1] != '/')
            folder--;
        buffer_append(&path, folder > 0 ? old_path : "/", folder > 0 ? folder : 1);
        buffer_append(&path, reference, path_length);
    }

    char *url = build(base, origin, &path, query, query_length);

    buffer_deinit(&path);
    return url;
}

const char *url_parameter(const char *url, const char *name, size_t *length)
{
    const char *at = strchr(url, '?');

    while (at != NULL && *at != '#' && *at != '\0') {
        const char *own = at + 1;
        const size_t whole = strcspn(own, "&#");
        const char *equals = memchr(own, '=', whole);
        const size_t own_length = equals != NULL ? (size_t)(equals - own) : whole;
        const char *wanted = name;
        size_t skipped = 0;

        if (name[0] == '$' && own_length >= 3 && strncmp(own, "%24", 3) == 0) {
            skipped = 3;
            wanted++;
        }
        if (own_length - skipped == strlen(wanted) &&
            has_equal_letters(own + skipped, wanted, own_length - skipped)) {
            *length = equals != NULL ? whole - own_length - 1 : 0;
            return equals != NULL ? equals + 1 : own + whole;
        }
        at = own[whole] == '&' ? own + whole : NULL;
    }
    return NULL;
}
