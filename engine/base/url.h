/* engine/base/url.h - absolute http and https URLs (RFC 3986): whose they are, and what a
 * reference next to one means.
 *
 * What a token may be sent to is decided here, so these are strict: a URL with user
 * information, or with a backslash in its authority, has no origin. */
#ifndef MOONGATE_BASE_URL_H
#define MOONGATE_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* The length of "scheme://host:port" at the start of an http or https URL; 0 when it has none
 * or hides its host. */
size_t url_origin_length(const char *url);

/* Where the path begins: behind the origin. Borrowed from `url`. */
const char *url_path(const char *url);

/* Whether both have the same scheme, host and port; letters without regard to case, the
 * scheme's own port may be left out (RFC 6454, 5). */
bool url_same_origin(const char *a, const char *b);

/* Whether `url` belongs to `origin`: the same, or, both being https, a host below it, as the
 * regional front ends of ARM are. */
bool url_is_within(const char *url, const char *origin);

/* Whether it leads to this machine itself. */
bool url_is_loopback(const char *url);

/* Whether it can be sent as it is: no spaces, control characters or bytes beyond ASCII. */
bool url_is_clean(const char *url);

/* What `reference` means in an answer to `base` (RFC 3986, 5.2), without its fragment. Owned
 * by the caller; NULL when it is no http or https URL. */
char *url_resolve(const char *base, const char *reference);

/* The value of a query parameter as it stands, its length in `*length`, or NULL; names compare
 * without regard to case, "%24" counts as "$". Borrowed from `url`. */
const char *url_parameter(const char *url, const char *name, size_t *length);

#endif
