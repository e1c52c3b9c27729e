/* engine/auth/secret.h - memory that held a secret is wiped before it is given back. */
#ifndef MOONGATE_AUTH_SECRET_H
#define MOONGATE_AUTH_SECRET_H

#include <cjson/cJSON.h>

#include "base/buffer.h"

/* Wipes and frees. Accepts NULL. */
void secret_free(char *text);

/* As buffer_deinit(). */
void secret_deinit(struct buffer *buffer);

/* As cJSON_Delete(), of a tree with secrets among its strings. Accepts NULL. */
void secret_delete_json(cJSON *tree);

/* A copy of what somebody else wrote, fit to be shown: one line, and whatever looks like a
 * secret (a JWT, a long key) or is one of the secrets in `form` (form-urlencoded, or NULL)
 * left out. Owned by the caller. */
char *secret_redact(const char *text, const char *form);

#endif
