/* engine/net/mailer.c - one mail, handed to an SMTP server once.
 *
 * A thread and the loop share a delivery: the thread gets copies, writes what came of it there, and
 * at last a byte into a pipe. The loop joins it then. One that was canceled goes on until libcurl
 * notices, which is at once but for names that are being looked up: a second at most. */
#include "net/mailer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>

#include "base/failure.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/curl.h"
#include "net/loop.h"

/* Of one mail at a time: an address of each family, and the one before. */
enum { MOST_SOCKETS = 4 };

struct mailer {
    struct loop *loop;
    char *ca_file, *no_proxy;
    struct list deliveries;
};

struct delivery {
    struct list link;
    struct mailer *mailer;
    struct letter *letter; /* NULL: it was canceled */
    const struct curl_functions *curl;
    char *server, *sender, *receiver, *message, *user, *password;
    size_t message_length;
    int64_t timeout_ms;
    struct deferred never_began; /* when there is no thread */
    struct event *ended;
    int ends[2]; /* of the pipe, the loop's first; or -1 */
    pthread_t thread;

    /* the thread's, and after it the loop's */
    size_t sent_bytes;
    CURLcode code;
    long status;
    char error[CURL_ERROR_SIZE];

    pthread_mutex_t mutex; /* of what follows */
    bool is_canceled;
    curl_socket_t sockets[MOST_SOCKETS]; /* open ones; else CURL_SOCKET_BAD */
};

/* --- in the thread ------------------------------------------------------------------------ */

/* Gives libcurl the next piece of the message. */
static size_t give_piece(char *piece, size_t size, size_t count, void *context)
{
    struct delivery *own = context;
    const size_t room = size * count, left = own->message_length - own->sent_bytes;
    const size_t length = left < room ? left : room;

    memcpy(piece, own->message + own->sent_bytes, length);
    own->sent_bytes += length;
    return length;
}

/* The server's replies: libcurl keeps the number of the last one. */
static size_t drop_reply(char *line, size_t size, size_t count, void *context)
{
    (void)line, (void)context;
    return size * count;
}

static void replace_socket(struct delivery *own, curl_socket_t before, curl_socket_t now)
{
    pthread_mutex_lock(&own->mutex);
    for (size_t i = 0; i < MOST_SOCKETS; i++) {
        if (own->sockets[i] == before) {
            own->sockets[i] = now;
            break;
        }
    }
    pthread_mutex_unlock(&own->mutex);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    const curl_socket_t socket = curl_open_socket(NULL, purpose, address);

    if (socket != CURL_SOCKET_BAD)
        replace_socket(context, CURL_SOCKET_BAD, socket);
    return socket;
}

static int close_socket(void *context, curl_socket_t socket)
{
    replace_socket(context, socket, CURL_SOCKET_BAD);
    return close(socket);
}

static void shut_sockets(struct delivery *own, int how)
{
    for (size_t i = 0; i < MOST_SOCKETS; i++) {
        if (own->sockets[i] != CURL_SOCKET_BAD)
            shutdown(own->sockets[i], how);
    }
}

/* After its last words libcurl would wait for the answer to QUIT, for as long as two minutes.
 * They are under way; nothing more is read. */
static int look_for_quit(CURL *easy, curl_infotype type, char *bytes, size_t length,
                         void *context)
{
    struct delivery *own = context;

    (void)easy;
    if (type == CURLINFO_HEADER_OUT && length >= 4 && memcmp(bytes, "QUIT", 4) == 0) {
        pthread_mutex_lock(&own->mutex);
        shut_sockets(own, SHUT_RD);
        pthread_mutex_unlock(&own->mutex);
    }
    return 0;
}

/* Called now and then; what it returns ends the transfer. */
static int look_for_cancel(void *context, curl_off_t to_come, curl_off_t came,
                           curl_off_t to_go, curl_off_t gone)
{
    struct delivery *own = context;
    bool is_canceled;

    (void)to_come, (void)came, (void)to_go, (void)gone;
    pthread_mutex_lock(&own->mutex);
    is_canceled = own->is_canceled;
    pthread_mutex_unlock(&own->mutex);
    return is_canceled;
}

/* Without a password TLS may be left out where the server has none: then a certificate that
 * nobody can check is better than no encryption at all (RFC 7435, 1.2). */
static void set_security(const struct delivery *own, CURL *easy)
{
    const struct curl_functions *curl = own->curl;
    const bool is_optional =
        own->password == NULL && !text_has_prefix_nocase(own->server, "smtps:");

    curl->easy_setopt(easy, CURLOPT_USE_SSL,
                      (long)(is_optional ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_optional ? 0L : 1L);
    curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_optional ? 0L : 2L);
    curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (own->mailer->ca_file != NULL)
        curl->easy_setopt(easy, CURLOPT_CAINFO, own->mailer->ca_file);
    if (own->password == NULL)
        return;
    curl->easy_setopt(easy, CURLOPT_USERNAME, own->user);
    curl->easy_setopt(easy, CURLOPT_PASSWORD, own->password);
}

static void set_message(struct delivery *own, CURL *easy, struct curl_slist *receiver)
{
    const struct curl_functions *curl = own->curl;

    receiver->data = own->receiver;
    receiver->next = NULL;
    curl->easy_setopt(easy, CURLOPT_URL, own->server);
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl->easy_setopt(easy, CURLOPT_MAIL_FROM, own->sender);
    curl->easy_setopt(easy, CURLOPT_MAIL_RCPT, receiver);
    curl->easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl->easy_setopt(easy, CURLOPT_READFUNCTION, give_piece);
    curl->easy_setopt(easy, CURLOPT_READDATA, own);
    curl->easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)own->message_length);
    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, drop_reply);
}

static void set_limits(struct delivery *own, CURL *easy)
{
    const struct curl_functions *curl = own->curl;

    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, own->error);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)own->timeout_ms);
    curl->easy_setopt(easy, CURLOPT_NOPROXY, own->mailer->no_proxy);
    curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L); /* QUIT is said by this handle */
    curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* leaves a name that is looked up */
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, own);
    curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, own);
    curl->easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl->easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
    curl->easy_setopt(easy, CURLOPT_XFERINFODATA, own);
    curl->easy_setopt(easy, CURLOPT_DEBUGFUNCTION, look_for_quit);
    curl->easy_setopt(easy, CURLOPT_DEBUGDATA, own);
    curl->easy_setopt(easy, CURLOPT_VERBOSE,
                      1L); /* else it is not called; it shows nothing */
}

static void *deliver(void *context)
{
    struct delivery *own = context;
    CURL *easy = own->curl->easy_init();
    struct curl_slist receiver;

    if (easy == NULL) {
        own->code = CURLE_FAILED_INIT;
    } else {
        set_limits(own, easy);
        set_security(own, easy);
        set_message(own, easy, &receiver);
        own->code = own->curl->easy_perform(easy);
        own->curl->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &own->status);
        own->curl->easy_cleanup(easy);
    }
    while (write(own->ends[1], "", 1) < 0 && errno == EINTR)
        continue;
    return NULL;
}

/* --- on the loop --------------------------------------------------------------------------- */

static void wipe(char *secret)
{
    if (secret != NULL)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

static void free_delivery(struct delivery *own)
{
    list_remove(&own->link);
    deferred_cancel(&own->never_began);
    if (own->ended != NULL)
        event_free(own->ended);
    for (size_t i = 0; i < 2; i++) {
        if (own->ends[i] >= 0)
            close(own->ends[i]);
    }
    pthread_mutex_destroy(&own->mutex);
    free(own->server);
    free(own->sender);
    free(own->receiver);
    free(own->message);
    free(own->user);
    wipe(own->password);
    free(own);
}

/* What libcurl calls an error may have been an answer: the server's refusal. */
static bool is_answer(const struct delivery *own)
{
    return own->code == CURLE_OK ||
           (own->status >= 400 && own->code != CURLE_OPERATION_TIMEDOUT &&
            own->code != CURLE_PEER_FAILED_VERIFICATION &&
            own->code != CURLE_SSL_CONNECT_ERROR);
}

static struct failure *describe(const struct delivery *own)
{
    struct failure *failure;

    if (own->code == CURLE_OPERATION_TIMEDOUT) {
        failure =
            failure_new("Timeout", "no end in %g s", (double)own->timeout_ms / 1000.0);
        failure->retryable = true;
    } else {
        failure = curl_describe(own->code, own->error[0] != '\0'
                                               ? own->error
                                               : own->curl->easy_strerror(own->code));
    }
    failure->target = memory_copy_string(own->server);
    return failure;
}

/* Frees the delivery, and tells the letter's owner what came of it. */
static void finish(struct delivery *own, struct failure *failure)
{
    struct letter *letter = own->letter;
    struct loop *loop = own->mailer->loop;

    if (letter != NULL) {
        letter->failure = failure;
        letter->status = failure == NULL ? (int)own->status : 0;
        letter->delivery = NULL;
    }
    free_delivery(own);
    if (letter == NULL)
        return;
    loop_release(loop);
    letter->done(letter);
}

static void on_ended(evutil_socket_t fd, short events, void *context)
{
    struct delivery *own = context;

    (void)fd, (void)events;
    pthread_join(own->thread, NULL);
    finish(own, own->letter != NULL && !is_answer(own) ? describe(own) : NULL);
}

static void tell_never_began(struct deferred *deferred)
{
    struct delivery *own = LIST_ENTRY(deferred, struct delivery, never_began);

    finish(own, failure_new("ConnectionFailed", "%s", own->error));
}

/* All signals are the main thread's. */
static int start_thread(struct delivery *own)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&own->thread, NULL, deliver, own);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Returns NULL, or why it cannot begin. */
static const char *begin(struct delivery *own)
{
    const char *why = NULL;

    own->curl = curl_load(&why);
    if (own->curl == NULL)
        return why;
    if (pipe(own->ends) != 0) {
        own->ends[0] = own->ends[1] = -1;
        return strerror(errno);
    }
    fcntl(own->ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(own->ends[1], F_SETFD, FD_CLOEXEC);
    own->ended = event_new(loop_event_base(own->mailer->loop), own->ends[0], EV_READ,
                           on_ended, own);
    event_add(own->ended, NULL);

    const int error = start_thread(own);

    if (error == 0)
        return NULL;
    event_del(own->ended);
    return strerror(error);
}

struct mailer *mailer_new(struct loop *loop, const char *ca_file)
{
    struct mailer *mailer = memory_new(sizeof *mailer);

    mailer->loop = loop;
    mailer->ca_file = curl_find_ca_file(ca_file);
    mailer->no_proxy = curl_find_no_proxy();
    list_init(&mailer->deliveries);
    return mailer;
}

void mailer_free(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    while (!list_is_empty(&mailer->deliveries)) { /* canceled ones alone */
        struct delivery *own = LIST_ENTRY(mailer->deliveries.next, struct delivery, link);

        pthread_join(own->thread, NULL);
        free_delivery(own);
    }
    free(mailer->ca_file);
    free(mailer->no_proxy);
    free(mailer);
}

void letter_start(struct mailer *mailer, struct letter *letter)
{
    struct delivery *own = memory_new(sizeof *own);
    const char *why;

    own->mailer = mailer;
    own->letter = letter;
    own->server = memory_copy_string(letter->server);
    own->sender = memory_copy_string(letter->sender);
    own->receiver = memory_copy_string(letter->receiver);
    own->message = memory_copy_text(letter->message, letter->message_length);
    own->message_length = letter->message_length;
    own->user = memory_copy_string(letter->user);
    own->password = memory_copy_string(letter->password);
    own->timeout_ms = letter->timeout_ms;
    own->never_began.run = tell_never_began;
    own->ends[0] = own->ends[1] = -1;
    pthread_mutex_init(&own->mutex, NULL);
    for (size_t i = 0; i < MOST_SOCKETS; i++)
        own->sockets[i] = CURL_SOCKET_BAD;
    list_append(&mailer->deliveries, &own->link);
    letter->delivery = own;
    loop_hold(mailer->loop);
    why = begin(own);
    if (why == NULL)
        return;
    strncpy(own->error, why, sizeof own->error - 1);
    loop_defer(mailer->loop, &own->never_began);
}

void letter_cancel(struct letter *letter)
{
    struct delivery *own = letter->delivery;

    if (own == NULL)
        return;
    loop_release(own->mailer->loop);
    letter->delivery = NULL;
    own->letter = NULL;
    if (list_is_linked(&own->never_began.link)) {
        free_delivery(own);
        return;
    }
    pthread_mutex_lock(&own->mutex);
    own->is_canceled = true;
    shut_sockets(own, SHUT_RDWR);
    pthread_mutex_unlock(&own->mutex);
}
