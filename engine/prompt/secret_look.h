/* engine/prompt/secret_look.h - what secrets look like, whatever they are called. */
#ifndef MOONGATE_PROMPT_SECRET_LOOK_H
#define MOONGATE_PROMPT_SECRET_LOOK_H

#include <stdbool.h>

/* Whether something in the text looks like a secret: a JSON web token (RFC 7519), a private key
 * (RFC 7468), credentials of HTTP (RFC 7617, 6750) or of a URL (RFC 3986, 3.2.1), a member of a
 * connection string or query that holds one, 32 or more characters of a key or its digest in
 * hexadecimal or Base64. GUIDs, resource ids and paths do not. */
bool secret_look_is_in(const char *text);

#endif
