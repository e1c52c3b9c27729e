/* engine/prompt/secret_line.h - lines that hold a secret, which nothing may keep. */
#ifndef MOONGATE_PROMPT_SECRET_LINE_H
#define MOONGATE_PROMPT_SECRET_LINE_H

#include <stdbool.h>

/* Whether the text of Lua seems to hold a secret: a string given to a name that stands for one
 * (fields of the model that are secret, "password", "client_secret", "token", "key" ...), or one
 * that looks like a token, a key or a connection string. */
bool secret_line_is(const char *text);

#endif
