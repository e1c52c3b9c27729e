/* engine/pipeline/cookies.c - the stage that tells servers what they asked to be told again.
 *
 * It stands below the retries: an answer that is repeated may have set one. */
#include "pipeline/cookies.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "pipeline/pipeline.h"

/* Takes the cookie of that name out. */
static void drop(struct cookies *cookies, const char *name, size_t length)
{
    struct buffer *pairs = &cookies->pairs;

    for (size_t at = 0; at < pairs->length;) {
        const size_t size = strlen(pairs->data + at) + 1;

        if (strncmp(pairs->data + at, name, length) == 0 &&
            pairs->data[at + length] == '=') {
            memmove(pairs->data + at, pairs->data + at + size,
                    pairs->length - at - size + 1); /* with the NUL that does not count */
            pairs->length -= size;
        } else {
            at += size;
        }
    }
}

/* Whether the attributes (from the first semicolon on) say that it is over: a Max-Age of
 * nothing, or an Expires of the year 1970, which is what servers write to drop one. */
static bool is_over(const char *attributes)
{
    while (*attributes != '\0') {
        attributes += strspn(attributes, "; \t");
        if (text_has_prefix_nocase(attributes, "max-age="))
            return atol(attributes + strlen("max-age=")) <= 0;
        if (text_has_prefix_nocase(attributes, "expires=") &&
            strstr(attributes, "1970") != NULL)
            return true;
        attributes += strcspn(attributes, ";");
    }
    return false;
}

static void take(struct cookies *cookies, const char *text)
{
    const size_t length = strcspn(text, ";");
    const char *equals = memchr(text, '=', length);

    if (equals == NULL || equals == text)
        return;
    drop(cookies, text, (size_t)(equals - text));
    if (is_over(text + length) || cookies->pairs.length + length + 1 > COOKIES_LIMIT)
        return;
    buffer_append(&cookies->pairs, text, length);
    buffer_append_char(&cookies->pairs, '\0');
}

/* Takes each Set-Cookie of the header fields (name NUL value NUL ...). */
static void take_all(struct cookies *cookies, const struct buffer *fields)
{
    for (size_t at = 0; at < fields->length;) {
        const char *name = fields->data + at;
        const char *value = name + strlen(name) + 1;

        if (strcmp(name, "set-cookie") == 0)
            take(cookies, value);
        at = (size_t)(value - fields->data) + strlen(value) + 1;
    }
}

/* "Cookie: a=1; b=2", owned by the caller, or NULL when there are none. */
static char *format(const struct cookies *cookies)
{
    const struct buffer *pairs = &cookies->pairs;
    struct buffer field = {0};

    for (size_t at = 0; at < pairs->length; at += strlen(pairs->data + at) + 1)
        buffer_printf(&field, "%s%s", at == 0 ? "Cookie: " : "; ", pairs->data + at);
    return field.length > 0 ? buffer_take(&field) : NULL;
}

static bool is_theirs(const struct exchange *exchange)
{
    return exchange->cookies != NULL &&
           url_same_origin(exchange->transfer.url, exchange->cookies->origin);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    /* behind the headers that were added and the credential's */
    const size_t place =
        exchange->header_count + (exchange->audience != AUDIENCE_NONE ? 1 : 0);

    (void)stage;
    free(exchange->cookie_header);
    exchange->cookie_header = is_theirs(exchange) ? format(exchange->cookies) : NULL;
    exchange->transfer.headers[place] = exchange->cookie_header;
    exchange_forward(exchange);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    (void)stage;
    if (is_theirs(exchange))
        take_all(exchange->cookies, &exchange->transfer.fields);
    exchange_backward(exchange);
}

static void release(struct stage *stage)
{
    free(stage);
}

struct stage *stage_new_cookies(void)
{
    struct stage *stage = memory_new(sizeof *stage);

    *stage = (struct stage){
        .name = "cookies", .send = send, .answered = answered, .free = release};
    return stage;
}

void cookies_deinit(struct cookies *cookies)
{
    buffer_deinit(&cookies->pairs);
}
