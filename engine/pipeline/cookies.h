/* engine/pipeline/cookies.h - what a server asks to be told again, for the length of one operation.
 *
 * ARM needs none; some services keep an operation on one of their machines by a cookie. They
 * go back to the origin that the operation began at and nowhere else; the attributes Domain
 * and Path are not looked at (RFC 6265, cut down to what that leaves). */
#ifndef MOONGATE_PIPELINE_COOKIES_H
#define MOONGATE_PIPELINE_COOKIES_H

#include "base/buffer.h"

enum { COOKIES_LIMIT = 8192 }; /* bytes of all of them; what is too much is left out */

/* A zeroed struct holds none. */
struct cookies {
    const char *origin;  /* a URL of it, borrowed */
    struct buffer pairs; /* "name=value" NUL ... */
};

void cookies_deinit(struct cookies *cookies);

#endif
