/* engine/jobs/mail_text.h - a mail as it goes over the wire (RFC 5322, with MIME). */
#ifndef MOONGATE_JOBS_MAIL_TEXT_H
#define MOONGATE_JOBS_MAIL_TEXT_H

#include <stddef.h>

struct post_mail;

/* The whole message, CR LF at the end of each line, owned by the caller. What it is made of is
 * right, as the checks of post.h say. */
char *mail_compose(const struct post_mail *mail, size_t *length);

#endif
