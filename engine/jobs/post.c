/* engine/jobs/post.c - what all ways to tell somebody have in common. */
#include "jobs/post.h"

#include <assert.h>
#include <stdlib.h>

#include "auth/secret.h"
#include "base/failure.h"
#include "base/memory.h"
#include "jobs/post_parts.h"
#include "net/program.h"

enum { AT_ONCE = 16 };

struct post_office *post_office_new(struct loop *loop, const char *ca_file)
{
    struct post_office *office = memory_new(sizeof *office);

    office->loop = loop;
    office->transport = transport_new(
        loop, &(struct transport_options){.ca_file = ca_file, .concurrency = AT_ONCE});
    office->mailer = mailer_new(loop, ca_file);
    return office;
}

void post_office_free(struct post_office *office)
{
    if (office == NULL)
        return;
    transport_free(office->transport);
    mailer_free(office->mailer);
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

void post_release(struct post *post)
{
    if (post == NULL)
        return;
    if (post->program != NULL)
        program_cancel(post->program);
    if (post->transfer.handle != NULL || list_is_linked(&post->transfer.link))
        transfer_cancel(post->office->transport, &post->transfer);
    letter_cancel(&post->letter);
    transfer_reset(&post->transfer);
    buffer_deinit(&post->text);
    failure_free(post->failure);
    for (size_t i = 0; i < post->string_count; i++)
        secret_free(post->strings[i]);
    free(post);
}
