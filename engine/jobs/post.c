/* engine/jobs/post.c - what all ways to tell somebody have in common. */
#include "jobs/post.h"

#include <assert.h>
#include <stdlib.h>

#include "auth/secret.h"
#include "base/failure.h"
#include "base/memory.h"
#include "jobs/post_parts.h"
#include "net/program.h"
#include "pipeline/retry_after.h"

enum { AT_ONCE = 16 };

struct post_office *post_office_new(struct loop *loop, const char *ca_file)
{
    struct post_office *office = memory_new(sizeof *office);

    office->loop = loop;
    office->transport = transport_new(
        loop, &(struct transport_options){.ca_file = ca_file, .concurrency = AT_ONCE});
    return office;
}

void post_office_free(struct post_office *office)
{
    if (office == NULL)
        return;
    transport_free(office->transport);
    free(office);
}

struct post *post_new(struct post_office *office)
{
    struct post *post = memory_new(sizeof *post);

    waitable_init(&post->waitable);
    post->office = office;
    post->retry_after_ms = -1;
    return post;
}

const char *post_keep(struct post *post, char *text)
{
    assert(post->string_count < sizeof post->strings / sizeof post->strings[0]);
    post->strings[post->string_count++] = text;
    return text;
}

static void on_sent(struct transfer *transfer)
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

void post_send(struct post *post, int64_t timeout_ms)
{
    post->transfer.timeout_ms = timeout_ms != 0 ? timeout_ms : POST_TIMEOUT_MS;
    post->transfer.kept_bytes = POST_KEPT_BYTES;
    post->transfer.done = on_sent;
    transfer_start(post->office->transport, &post->transfer);
}

void post_release(struct post *post)
{
    if (post == NULL)
        return;
    if (!post->waitable.is_done && post->program != NULL)
        program_cancel(post->program);
    if (!post->waitable.is_done && post->transfer.done != NULL)
        transfer_cancel(post->office->transport, &post->transfer);
    transfer_reset(&post->transfer);
    buffer_deinit(&post->text);
    failure_free(post->failure);
    for (size_t i = 0; i < post->string_count; i++)
        secret_free(post->strings[i]);
    free(post);
}
