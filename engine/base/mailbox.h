/* engine/base/mailbox.h - who sends and gets mail, and the server that takes it. */
#ifndef MOONGATE_BASE_MAILBOX_H
#define MOONGATE_BASE_MAILBOX_H

#include <stddef.h>

enum { MAILBOX_LONGEST_ADDRESS = 254 /* RFC 5321, 4.5.3.1.3, without its brackets */ };

/* NULL, or what is wrong with "jobs@example.org" or "Jobs <jobs@example.org>"; a constant. The name
 * may be anything in UTF-8 without control characters; the address is ASCII and not quoted. */
const char *mailbox_check(const char *mailbox);

/* The bare address in it, and its length. Borrowed. */
const char *mailbox_address(const char *mailbox, size_t *length);

/* NULL, or what is wrong with "smtp://host:25" or "smtps://host:465"; a constant. */
const char *mailbox_check_server(const char *server);

#endif
