/* engine/net/letter.c - what libcurl is told of a mail. */
#include "net/letter.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/transfer.h"

/* Of one mail at a time: an address of each family, and the one before. */
enum { MOST_SOCKETS = 4 };

struct letter_way {
    struct curl_slist receiver;
    const struct transfer *transfer;
    size_t sent_bytes;
    curl_socket_t sockets[MOST_SOCKETS]; /* open ones; else CURL_SOCKET_BAD */
};

/* Gives libcurl the next piece of the message. */
static size_t give_piece(char *piece, size_t size, size_t count, void *context)
{
    struct letter_way *way = context;
    const size_t room = size * count, left = way->transfer->body_length - way->sent_bytes;
    const size_t length = left < room ? left : room;

    memcpy(piece, way->transfer->body + way->sent_bytes, length);
    way->sent_bytes += length;
    return length;
}

/* The server's replies: libcurl keeps the number of the last one. */
static size_t drop_reply(char *line, size_t size, size_t count, void *context)
{
    (void)line, (void)context;
    return size * count;
}

static int note_socket(void *context, curl_socket_t socket, curlsocktype purpose)
{
    struct letter_way *way = context;

    (void)purpose;
    for (size_t i = 0; i < MOST_SOCKETS; i++) {
        if (way->sockets[i] == CURL_SOCKET_BAD) {
            way->sockets[i] = socket;
            break;
        }
    }
    return CURL_SOCKOPT_OK;
}

/* libcurl says QUIT at the end, and waits for the answer in the middle of the event loop, for as
 * long as two minutes. What it said is under way; nothing more is read. */
static int look_for_quit(CURL *easy, curl_infotype type, char *bytes, size_t length,
                         void *context)
{
    const struct letter_way *way = context;

    (void)easy;
    if (type != CURLINFO_HEADER_OUT || length < 4 || memcmp(bytes, "QUIT", 4) != 0)
        return 0;
    for (size_t i = 0; i < MOST_SOCKETS; i++) {
        if (way->sockets[i] != CURL_SOCKET_BAD)
            shutdown(way->sockets[i], SHUT_RD);
    }
    return 0;
}

/* Without a password TLS may be left out where the server has none: then a certificate that
 * nobody can check is better than no encryption at all (RFC 7435, 1.2). */
static void set_security(const struct curl_functions *curl, CURL *easy,
                         const struct transfer *transfer)
{
    const struct letter *letter = transfer->letter;
    const bool is_optional =
        letter->password == NULL && !text_has_prefix_nocase(transfer->url, "smtps:");

    curl->easy_setopt(easy, CURLOPT_USE_SSL,
                      (long)(is_optional ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_optional ? 0L : 1L);
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_optional ? 0L : 2L);
    if (letter->password == NULL)
        return;
    curl->easy_setopt(easy, CURLOPT_USERNAME, letter->user);
    curl->easy_setopt(easy, CURLOPT_PASSWORD, letter->password);
}

struct letter_way *letter_set_up(const struct curl_functions *curl, CURL *easy,
                                 const struct transfer *transfer)
{
    struct letter_way *way = memory_new(sizeof *way);

    way->transfer = transfer;
    way->receiver.data = (char *)transfer->letter->receiver;
    for (size_t i = 0; i < MOST_SOCKETS; i++)
        way->sockets[i] = CURL_SOCKET_BAD;
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl->easy_setopt(easy, CURLOPT_MAIL_FROM, transfer->letter->sender);
    curl->easy_setopt(easy, CURLOPT_MAIL_RCPT, &way->receiver);
    curl->easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl->easy_setopt(easy, CURLOPT_READFUNCTION, give_piece);
    curl->easy_setopt(easy, CURLOPT_READDATA, way);
    curl->easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->body_length);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, drop_reply);
    curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl->easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, note_socket);
    curl->easy_setopt(easy, CURLOPT_SOCKOPTDATA, way);
    curl->easy_setopt(easy, CURLOPT_DEBUGFUNCTION, look_for_quit);
    curl->easy_setopt(easy, CURLOPT_DEBUGDATA, way);
    curl->easy_setopt(easy, CURLOPT_VERBOSE,
                      1L); /* else it is not called; it shows nothing */
    set_security(curl, easy, transfer);
    return way;
}

void letter_forget_socket(struct letter_way *way, curl_socket_t socket)
{
    for (size_t i = 0; way != NULL && i < MOST_SOCKETS; i++) {
        if (way->sockets[i] == socket)
            way->sockets[i] = CURL_SOCKET_BAD;
    }
}

bool letter_is_answer(CURLcode code, long status)
{
    if (code == CURLE_OK)
        return true;
    return status >= 400 && code != CURLE_OPERATION_TIMEDOUT &&
           code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CONNECT_ERROR;
}
