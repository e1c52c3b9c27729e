/* engine/arm/paging.h - from one page of a list to the next.
 *
 * The link of a next page is opaque and is asked as it stands (Azure REST API guidelines,
 * "Collections"); it never leads away from the origin that gave it. */
#ifndef MOONGATE_ARM_PAGING_H
#define MOONGATE_ARM_PAGING_H

#include <stdbool.h>

struct failure;

/* The absolute URL of the page that `link` in an answer from `url` means, owned by the caller.
 * A link without an api-version gets the one of `url`; with `replaces_version` its own is
 * replaced by that, too. NULL, with `*failure` (owned by the caller), when it is no URL or
 * leads elsewhere. */
char *paging_resolve(const char *url, const char *link, bool replaces_version,
                     struct failure **failure);

#endif
