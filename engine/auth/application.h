/* engine/auth/application.h - what the credentials of an application share: the client
 * credentials grant (RFC 6749, 4.4), whatever stands for who it is. */
#ifndef MOONGATE_AUTH_APPLICATION_H
#define MOONGATE_AUTH_APPLICATION_H

#include "auth/credential.h"
#include "auth/request.h"

struct application {
    struct credential base;
    const struct credential_context *context;
    struct auth_request request;
    struct token_fetch *fetch; /* that is under way */
};

/* One that fetches by `fetch`. `context` is borrowed. */
struct credential *application_new(const struct credential_context *context,
                                   void (*fetch)(struct credential *credential,
                                                 struct token_fetch *fetch));

/* Asks for the token of the fetch under way, by a secret or a signed assertion (RFC 7523, 2.2).
 * Borrowed for the call. */
void application_ask_by_secret(struct application *own, const char *secret);
void application_ask_by_assertion(struct application *own, const char *assertion);

#endif
