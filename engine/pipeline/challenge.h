/* engine/pipeline/challenge.h - what a WWW-Authenticate field asks for (RFC 9110, 11.6.1).
 *
 * Strict, because a stranger may write it: a field that breaks the grammar, has a parameter
 * twice in one challenge, or is larger than any real one, asks for nothing. One thing is
 * let pass that the grammar forbids: a value without quotes may be a path, as Azure Arc
 * sends it. */
#ifndef MOONGATE_PIPELINE_CHALLENGE_H
#define MOONGATE_PIPELINE_CHALLENGE_H

/* The value of a parameter of the first challenge with this scheme, quotes undone; NULL when
 * there is none. Names without regard to case. Owned by the caller. */
char *challenge_parameter(const char *field, const char *scheme, const char *name);

/* The claims that a Bearer challenge asks a new token to have (continuous access
 * evaluation): JSON text, owned by the caller; NULL when the field asks for none. Counts only
 * when the token was refused for want of them, or is not valid any more. */
char *challenge_claims(const char *field);

#endif
