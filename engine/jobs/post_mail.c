/* engine/jobs/post_mail.c - a mail is handed to a server. */
#include "jobs/post.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "jobs/mail_text.h"
#include "jobs/post_parts.h"

const char *post_check_server(const char *server)
{
    if (!text_matches(server, "^smtps?://([-A-Za-z0-9.]+|\\[[0-9A-Fa-f:.]+\\])"
                              "(:[0-9]{1,5})?$"))
        return "is not such as smtp://host:25 or smtps://host:465";
    return NULL;
}

/* RFC 5322, 3.4.1, without quoted strings and literals. */
static bool is_bare_address(const char *bare, size_t length)
{
    char text[POST_LONGEST_ADDRESS + 1];

    if (length > POST_LONGEST_ADDRESS)
        return false;
    memcpy(text, bare, length);
    text[length] = '\0';
    return text_matches(text, "^[-A-Za-z0-9!#$%&'*+/=?^_`{|}~]+"
                              "(\\.[-A-Za-z0-9!#$%&'*+/=?^_`{|}~]+)*"
                              "@[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
                              "(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$");
}

const char *post_check_address(const char *address)
{
    size_t length;
    const char *bare = mail_bare_address(address, &length);

    if (!text_is_utf8(address, strlen(address)))
        return "is not UTF-8";
    for (const char *c = address; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "has a control character in it";
    }
    if (bare != address && strcmp(bare + length, ">") != 0)
        return "does not end with its address in <>";
    if (!is_bare_address(bare, length))
        return "is no address such as jobs@example.org or Jobs <jobs@example.org>";
    return NULL;
}

const char *post_check_mail_id(const char *id)
{
    return text_matches(id, "^[-_~A-Za-z0-9]{1,200}$")
               ? NULL
               : "has others than 1 to 200 letters, digits and -_~";
}

static const char *keep_bare(struct post *post, const char *address)
{
    size_t length;
    const char *bare = mail_bare_address(address, &length);

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
