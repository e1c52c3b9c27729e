/* engine/net/mailer.h - one mail, handed to an SMTP server once.
 *
 * libcurl does that in a thread of its own, for its SMTP waits for the server's last reply and for
 * the answer to QUIT in the middle of whatever loop it runs on. Whoever starts a letter owns its
 * memory and all it points to, which must stay as it is until `done` or letter_cancel(). */
#ifndef MOONGATE_NET_MAILER_H
#define MOONGATE_NET_MAILER_H

#include <stddef.h>
#include <stdint.h>

struct failure;
struct loop;
struct mailer;

struct letter {
    const char *server;            /* smtp://host:25 or smtps://host:465 */
    const char *sender, *receiver; /* bare addresses: the envelope */
    const char *message;           /* whole (RFC 5322), CR LF at the end of each line */
    size_t message_length;
    /* NULL: nobody signs in. A password is sent only where STARTTLS or smtps:// has shown whose
     * server it is; without one, smtp:// is encrypted where the server can do that. */
    const char *user, *password;
    int64_t timeout_ms;

    /* Called once when it is over, never from inside letter_start(). */
    void (*done)(struct letter *letter);

    int status; /* the server's last reply (RFC 5321, 4.2); 0 when there was none */
    struct failure *failure; /* why there was none, or NULL; owned by the caller */

    struct delivery *delivery; /* the mailer's own */
};

/* Cheap: libcurl starts with the first letter. `ca_file` (PEM, copied) or NULL: as
 * curl_find_ca_file(). */
struct mailer *mailer_new(struct loop *loop, const char *ca_file);

/* No letter may be under way. Accepts NULL. */
void mailer_free(struct mailer *mailer);

void letter_start(struct mailer *mailer, struct letter *letter);

/* Stops it without calling `done`; nothing happens when it is not under way. */
void letter_cancel(struct letter *letter);

#endif
