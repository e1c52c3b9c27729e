/* engine/jobs/mail_text.c - a mail as it goes over the wire (RFC 5322, with MIME).
 *
 * Whatever a text holds, it cannot become a header line: control characters do not get there. */
#include "jobs/mail_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/mailbox.h"
#include "jobs/post.h"

enum {
    WORD_BYTES = 45, /* in an encoded word, whose limit is 75 characters (RFC 2047, 2) */
    PLAIN_SUBJECT = 66, /* longest one that needs no second line (RFC 5322, 2.1.1) */
    BODY_LINE = 76      /* RFC 2045, 6.8 */
};

static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            return false;
    }
    return true;
}

/* How many of the `left` bytes go into one encoded word: whole characters. */
static size_t word_length(const char *text, size_t left)
{
    size_t length = left < WORD_BYTES ? left : WORD_BYTES;

    while (length < left && length > 1 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* Appends UTF-8 as encoded words, a line each (RFC 2047). */
static void append_encoded(struct buffer *to, const char *text, size_t length)
{
    char piece[WORD_BYTES];
    size_t used = 0;

    while (used < length) {
        const size_t size = word_length(text + used, length - used);

        for (size_t i = 0; i < size; i++) {
            const char c = text[used + i];

            piece[i] = (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
        }
        buffer_append_string(to, used > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        base64_append(to, piece, size);
        buffer_append_string(to, "?=");
        used += size;
    }
}

static void append_subject(struct buffer *to, const char *subject)
{
    const size_t length = strlen(subject);

    buffer_append_string(to, "Subject: ");
    if (length <= PLAIN_SUBJECT && is_plain(subject, length) &&
        strstr(subject, "=?") == NULL)
        buffer_append(to, subject, length);
    else
        append_encoded(to, subject, length);
    buffer_append_string(to, "\r\n");
}

/* A name in front of an address, as a quoted string or encoded. */
static void append_name(struct buffer *to, const char *name, size_t length)
{
    while (length > 0 && (name[length - 1] == ' ' || name[length - 1] == '"'))
        length--;
    while (length > 0 && (*name == ' ' || *name == '"'))
        name++, length--;
    if (length == 0)
        return;
    if (length > WORD_BYTES || !is_plain(name, length)) {
        append_encoded(to, name, length);
    } else {
        buffer_append_char(to, '"');
        for (size_t i = 0; i < length; i++) {
            if (name[i] == '"' || name[i] == '\\')
                buffer_append_char(to, '\\');
            buffer_append_char(to, name[i]);
        }
        buffer_append_char(to, '"');
    }
    buffer_append_string(to, "\r\n ");
}

static void append_address(struct buffer *to, const char *address)
{
    size_t length;
    const char *bare = mailbox_address(address, &length);

    if (bare != address)
        append_name(to, address, (size_t)(bare - 1 - address));
    buffer_append_char(to, '<');
    buffer_append(to, bare, length);
    buffer_append_char(to, '>');
}

static void append_people(struct buffer *to, const struct post_mail *mail)
{
    buffer_append_string(to, "From: ");
    append_address(to, mail->from);
    buffer_append_string(to, "\r\nTo: ");
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        buffer_append_string(to, i > 0 ? ",\r\n " : "");
        append_address(to, mail->to[i]);
    }
    buffer_append_string(to, "\r\n");
}

/* "Date: Sat, 31 Jan 2026 19:00:00 +0000", whatever the locale. */
static void append_date(struct buffer *to, int64_t wall_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    buffer_printf(to, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n",
                  days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon,
                  1900 + utc.tm_year, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* <id@domain of the sender>: the same wherever it is sent from. */
static void append_id(struct buffer *to, const struct post_mail *mail)
{
    size_t length;
    const char *bare = mailbox_address(mail->from, &length);
    const char *domain = strchr(bare, '@');

    buffer_printf(to, "Message-ID: <%s%.*s>\r\n", mail->id,
                  (int)(length - (size_t)(domain - bare)), domain);
}

/* Appends the text with CR LF for each line's end (RFC 2045, 6.8). */
static void append_canonical(struct buffer *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\r' && text[1] == '\n')
            continue;
        if (*text == '\n' || *text == '\r')
            buffer_append_string(to, "\r\n");
        else
            buffer_append_char(to, *text);
    }
}

static void append_body(struct buffer *to, const char *text)
{
    struct buffer lines = {0}, encoded = {0};

    append_canonical(&lines, text);
    base64_append(&encoded, lines.data != NULL ? lines.data : "", lines.length);
    for (size_t at = 0; at < encoded.length; at += BODY_LINE) {
        const size_t left = encoded.length - at;

        buffer_append(to, encoded.data + at, left < BODY_LINE ? left : BODY_LINE);
        buffer_append_string(to, "\r\n");
    }
    buffer_deinit(&lines);
    buffer_deinit(&encoded);
}

char *mail_compose(const struct post_mail *mail, size_t *length)
{
    struct buffer message = {0};

    append_date(&message, mail->at_wall_ms);
    append_people(&message, mail);
    append_id(&message, mail);
    append_subject(&message, mail->subject);
    buffer_append_string(&message, "Auto-Submitted: auto-generated\r\n" /* RFC 3834, 5 */
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: text/plain; charset=UTF-8\r\n"
                                   "Content-Transfer-Encoding: base64\r\n"
                                   "\r\n");
    append_body(&message, mail->text);
    *length = message.length;
    return buffer_take(&message);
}
