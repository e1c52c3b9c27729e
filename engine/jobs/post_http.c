/* engine/jobs/post_http.c - a body is posted to a URL. */
#include "jobs/post.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "jobs/post_parts.h"
#include "pipeline/retry_after.h"

const char *post_check_url(const char *url)
{
    if (!url_is_clean(url))
        return "has spaces, control characters or bytes beyond ASCII in it";
    if (url_origin_length(url) == 0)
        return "is no http or https URL with a host, or has a user in it";
    return NULL;
}

const char *post_check_header(const char *header)
{
    /* RFC 9110, 5.6.2: a token; 5.5: no control characters */
    if (!text_matches(header, "^[-!#$%&'*+.^_`|~0-9A-Za-z]+: "))
        return "has no name that a header field can have";
    for (const char *c = header; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "has a control character in it";
    }
    return NULL;
}

static void on_answered(struct transfer *transfer)
{
    struct post *post = LIST_ENTRY(transfer, struct post, transfer);

    post->failure = transfer->failure;
    transfer->failure = NULL;
    post->status = transfer->status;
    post->text = transfer->answer;
    transfer->answer = (struct buffer){0};
    post->retry_after_ms = retry_after_ms(transfer);
    waitable_finish(&post->waitable);
}

struct post *post_start_http(struct post_office *office, const struct post_http *what)
{
    struct post *post = post_new(office);
    struct transfer *transfer = &post->transfer;

    transfer->method = "POST";
    transfer->url = post_keep(post, memory_copy_string(what->url));
    transfer->is_secret = true;
    transfer->body = post_keep(post, memory_copy_text(what->body, what->body_length));
    transfer->body_length = what->body_length;
    for (size_t i = 0; i < POST_MOST_HEADERS && what->headers[i] != NULL; i++)
        transfer->headers[i] = post_keep(post, memory_copy_string(what->headers[i]));
    transfer->timeout_ms = what->timeout_ms != 0 ? what->timeout_ms : POST_TIMEOUT_MS;
    transfer->kept_bytes = POST_KEPT_BYTES;
    transfer->done = on_answered;
    transfer_start(office->transport, transfer);
    return post;
}
