/* engine/jobs/post_mail.c - a mail is handed to a server. */
#include "jobs/post.h"

#include <string.h>

#include "base/mailbox.h"
#include "base/memory.h"
#include "base/text.h"
#include "jobs/mail_text.h"
#include "jobs/post_parts.h"

const char *post_check_mail_id(const char *id)
{
    return text_matches(id, "^[-_~A-Za-z0-9]{1,200}$")
               ? NULL
               : "has others than 1 to 200 letters, digits and -_~";
}

static const char *keep_bare(struct post *post, const char *address)
{
    size_t length;
    const char *bare = mailbox_address(address, &length);

    return post_keep(post, memory_copy_text(bare, length));
}

static void on_taken(struct letter *letter)
{
    struct post *post = LIST_ENTRY(letter, struct post, letter);

    post->failure = letter->failure;
    post->status = letter->status;
    waitable_finish(&post->waitable);
}

struct post *post_start_mail(struct post_office *office, const struct post_mail *what)
{
    struct post *post = post_new(office);
    struct letter *letter = &post->letter;

    letter->server = post_keep(post, memory_copy_string(what->server));
    letter->message = post_keep(post, mail_compose(what, &letter->message_length));
    letter->sender = keep_bare(post, what->from);
    letter->receiver = keep_bare(post, what->receiver);
    if (what->password != NULL) {
        letter->user = post_keep(post, memory_copy_string(what->user));
        letter->password = post_keep(post, memory_copy_string(what->password));
    }
    letter->timeout_ms = what->timeout_ms != 0 ? what->timeout_ms : POST_TIMEOUT_MS;
    letter->done = on_taken;
    letter_start(office->mailer, letter);
    return post;
}
