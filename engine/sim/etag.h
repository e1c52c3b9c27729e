/* engine/sim/etag.h - entity tags in conditional requests (RFC 9110, 13.1). */
#ifndef MOONGATE_SIM_ETAG_H
#define MOONGATE_SIM_ETAG_H

#include <stdbool.h>

/* Whether the value of If-Match or If-None-Match names the tag (`"..."` or `W/"..."`): "*"
 * alone names any, a list is looked through. Weak tags count as their strong ones, as the
 * tags of networks are weak and are meant for If-Match all the same; a tag without quotes
 * counts too, because bodies show API Management's so and clients send them back. */
bool etag_matches(const char *list, const char *etag);

#endif
