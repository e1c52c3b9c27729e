/* engine/prompt/secret_line.h - lines that hold a secret, which nothing may keep. */
#ifndef MOONGATE_PROMPT_SECRET_LINE_H
#define MOONGATE_PROMPT_SECRET_LINE_H

#include <stdbool.h>

/* Whether the text of Lua seems to hold a secret: a string given to a name that stands for one
 * (string fields of the model that are secret; names whose last word is "password", "secret",
 * "token", "key" and such; anything within `credentials = {...}`), or text that looks like one
 * wherever it stands, comments included: a signed token, a private key, a part of a connection
 * string or of a URL that holds one, long text without words. It takes any text, and rather takes
 * too much for a secret than too little. */
bool secret_line_is(const char *text);

#endif
