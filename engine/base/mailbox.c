/* engine/base/mailbox.c - who sends and gets mail, and the server that takes it. */
#include "base/mailbox.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

const char *mailbox_check_server(const char *server)
{
    if (!text_matches(server, "^smtps?://([-A-Za-z0-9.]+|\\[[0-9A-Fa-f:.]+\\])"
                              "(:[0-9]{1,5})?$"))
        return "is not such as smtp://host:25 or smtps://host:465";
    return NULL;
}

const char *mailbox_address(const char *mailbox, size_t *length)
{
    const char *open = strrchr(mailbox, '<');

    if (open == NULL) {
        *length = strlen(mailbox);
        return mailbox;
    }
    *length = strcspn(open + 1, ">");
    return open + 1;
}

/* RFC 5322, 3.4.1, without quoted strings and literals. */
static bool is_bare_address(const char *bare, size_t length)
{
    char text[MAILBOX_LONGEST_ADDRESS + 1];

    if (length > MAILBOX_LONGEST_ADDRESS)
        return false;
    memcpy(text, bare, length);
    text[length] = '\0';
    return text_matches(text, "^[-A-Za-z0-9!#$%&'*+/=?^_`{|}~]+"
                              "(\\.[-A-Za-z0-9!#$%&'*+/=?^_`{|}~]+)*"
                              "@[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
                              "(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$");
}

const char *mailbox_check(const char *mailbox)
{
    size_t length;
    const char *bare = mailbox_address(mailbox, &length);

    if (!text_is_utf8(mailbox, strlen(mailbox)))
        return "is not UTF-8";
    for (const char *c = mailbox; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "has a control character in it";
    }
    if (bare != mailbox && strcmp(bare + length, ">") != 0)
        return "does not end with its address in <>";
    if (!is_bare_address(bare, length))
        return "is no address such as jobs@example.org or Jobs <jobs@example.org>";
    return NULL;
}
