/* engine/auth/credential.c - what all credentials have in common. */
#include "auth/credential.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

void token_fetch_give(struct token_fetch *fetch, struct grant *grant)
{
    fetch->grant = *grant;
    *grant = (struct grant){0};
    fetch->done(fetch);
}

void token_fetch_pass(struct token_fetch *fetch, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    fetch->unavailable = memory_new((size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(fetch->unavailable, (size_t)length + 1, format, arguments);
    va_end(arguments);
    fetch->done(fetch);
}

void token_fetch_fail(struct token_fetch *fetch, struct failure *failure)
{
    fetch->failure = failure;
    fetch->done(fetch);
}

bool credential_needs_client(const struct credential_context *context,
                             struct token_fetch *fetch)
{
    if (context->settings.tenant_id != NULL && context->settings.client_id != NULL)
        return true;
    token_fetch_pass(fetch, "%s is not set",
                     context->settings.tenant_id == NULL ? "AZURE_TENANT_ID"
                                                         : "AZURE_CLIENT_ID");
    return false;
}

void credential_tell(const struct credential_context *context, const char *text)
{
    char *line = memory_copy_string(text);

    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) /* a terminal may act on them */
            *c = ' ';
    }
    if (context->settings.tell != NULL)
        context->settings.tell(context->settings.tell_context, line);
    else
        log_line(LOG_WARNING, "%s", line);
    free(line);
}
