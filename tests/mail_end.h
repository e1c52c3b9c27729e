/* tests/mail_end.h - an SMTP server that answers as a script says, on the test's own loop.
 *
 * It goes through RFC 5321 by itself; a row of the script says what it does instead at one of the
 * words that a client says, at its first use. */
#ifndef MOONGATE_TESTS_MAIL_END_H
#define MOONGATE_TESTS_MAIL_END_H

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/listening.h"
#include "net/loop.h"
#include "sim/tls.h"

enum mail_manner {
    MAIL_REPLIES,
    MAIL_STALLS, /* says nothing more */
    MAIL_CLOSES  /* at once */
};

struct mail_step {
    const char *word;  /* "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"; "" is the
                          connection itself, "." the end of the message; NULL ends the script */
    const char *reply; /* without CR LF at its end */
    enum mail_manner manner;
};

struct mail_end {
    struct loop *loop;
    struct listening listening;
    struct evconnlistener *listener;
    struct tls *tls;      /* or NULL */
    bool is_tls_at_once;  /* smtps:// */
    const char *features; /* what EHLO tells, "250-AUTH PLAIN\r\n" */
    const struct mail_step *script;
    struct bufferevent *stream; /* of the connection that is there, or NULL */
    bool is_in_data, is_signing_in, is_encrypted, was_stalled;
    unsigned connections, mails;
    struct buffer log;     /* what the client said, without the message */
    struct buffer message; /* the last one, as it came */
    char server[64];       /* its URL */
};

static inline void mail_end_take(struct bufferevent *stream, void *context);

static inline void mail_end_hang_up(struct mail_end *end)
{
    if (end->stream != NULL)
        bufferevent_free(end->stream);
    end->stream = NULL;
}

static inline void mail_end_on_event(struct bufferevent *stream, short what,
                                     void *context)
{
    (void)stream;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        mail_end_hang_up(context);
}

static inline void mail_end_serve(struct mail_end *end, struct bufferevent *stream)
{
    end->stream = stream;
    bufferevent_setcb(stream, mail_end_take, NULL, mail_end_on_event, end);
    bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static inline void mail_end_say(struct mail_end *end, const char *reply)
{
    bufferevent_write(end->stream, reply, strlen(reply));
    bufferevent_write(end->stream, "\r\n", 2);
}

/* Past the stream, which is about to go. Accepts NULL. */
static inline void mail_end_say_at_once(struct mail_end *end, const char *reply)
{
    char *line = memory_format("%s\r\n", reply != NULL ? reply : "");

    if (reply != NULL)
        ck_assert_int_ge(send(bufferevent_getfd(end->stream), line, strlen(line), 0), 0);
    free(line);
}

/* Does what the script says at this word; false when that is nothing special. */
static inline bool mail_end_play(struct mail_end *end, const char *word)
{
    const struct mail_step *step = end->script;

    while (step != NULL && step->word != NULL &&
           (strncmp(step->word, word, strlen(step->word)) != 0 ||
            (step->word[0] == '\0') != (word[0] == '\0')))
        step++;
    if (step == NULL || step->word == NULL)
        return false;
    if (step->manner == MAIL_CLOSES) {
        mail_end_say_at_once(end, step->reply);
        mail_end_hang_up(end);
        return true;
    }
    if (step->reply != NULL)
        mail_end_say(end, step->reply);
    if (step->manner == MAIL_STALLS)
        end->was_stalled = true;
    return true;
}

/* From now on what is said is encrypted. */
static inline void mail_end_encrypt(struct mail_end *end)
{
    const evutil_socket_t fd = dup(bufferevent_getfd(end->stream));

    mail_end_hang_up(end);
    end->is_encrypted = true;
    mail_end_serve(end, tls_new_stream(end->tls, loop_event_base(end->loop)));
    bufferevent_setfd(end->stream, fd);
}

static inline void mail_end_reply(struct mail_end *end, const char *line)
{
    if (mail_end_play(end, line))
        return;
    if (strncmp(line, "EHLO", 4) == 0) {
        if (end->tls != NULL && !end->is_encrypted)
            mail_end_say(end, "250-STARTTLS");
        if (end->features != NULL)
            mail_end_say(end, end->features);
        mail_end_say(end, "250 SIZE 1000000");
    } else if (strncmp(line, "STARTTLS", 8) == 0) {
        /* past the stream, which is about to go */
        ck_assert_int_eq(send(bufferevent_getfd(end->stream), "220 go on\r\n", 11, 0),
                         11);
        mail_end_encrypt(end);
    } else if (strcmp(line, "AUTH PLAIN") == 0) {
        end->is_signing_in = true;
        mail_end_say(end, "334 ");
    } else if (strcmp(line, "DATA") == 0) {
        end->is_in_data = true;
        buffer_clear(&end->message);
        mail_end_say(end, "354 go on");
    } else if (strcmp(line, "QUIT") == 0) {
        mail_end_say(end, "221 bye");
    } else {
        mail_end_say(end, "250 fine");
    }
}

static inline void mail_end_take_line(struct mail_end *end, const char *line)
{
    if (end->is_signing_in) {
        end->is_signing_in = false;
        buffer_printf(&end->log, "%s\n", line);
        mail_end_say(end, "235 welcome");
    } else if (!end->is_in_data) {
        buffer_printf(&end->log, "%s\n", line);
        mail_end_reply(end, line);
    } else if (strcmp(line, ".") != 0) {
        buffer_printf(&end->message, "%s\n", line[0] == '.' ? line + 1 : line);
    } else {
        end->is_in_data = false;
        end->mails++;
        if (!mail_end_play(end, "."))
            mail_end_say(end, "250 taken");
    }
}

static inline void mail_end_take(struct bufferevent *stream, void *context)
{
    struct mail_end *end = context;

    while (stream != NULL && stream == end->stream) {
        char *line = evbuffer_readln(bufferevent_get_input(stream), NULL,
                                     EVBUFFER_EOL_CRLF_STRICT);

        if (line == NULL)
            return;
        if (!end->was_stalled)
            mail_end_take_line(end, line);
        free(line);
    }
}

static inline void mail_end_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                                      struct sockaddr *address, int length, void *context)
{
    struct mail_end *end = context;
    struct event_base *base = loop_event_base(end->loop);

    (void)listener, (void)address, (void)length;
    end->connections++;
    end->is_in_data = end->is_signing_in = end->was_stalled = false;
    end->is_encrypted = end->is_tls_at_once;
    mail_end_hang_up(end);
    if (end->is_tls_at_once) {
        mail_end_serve(end, tls_new_stream(end->tls, base));
        bufferevent_setfd(end->stream, fd);
    } else {
        mail_end_serve(end, bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE));
    }
    if (!mail_end_play(end, ""))
        mail_end_say(end, "220 mail.test ready");
}

/* Listens on a free port of the loopback. With `ca_file` it has TLS: at once, or by STARTTLS; the
 * certificate of its authority is written there. */
static inline void mail_end_open(struct mail_end *end, struct loop *loop,
                                 const char *ca_file, bool is_tls_at_once)
{
    struct failure *failure;

    *end = (struct mail_end){.loop = loop, .is_tls_at_once = is_tls_at_once};
    failure = listening_open(&end->listening, "127.0.0.1:0");
    ck_assert_ptr_null(failure);
    if (ca_file != NULL) {
        end->tls = tls_open(&end->listening, ca_file, &failure);
        ck_assert_msg(end->tls != NULL, "%s", failure != NULL ? failure->message : "");
    }
    evutil_make_socket_nonblocking(end->listening.fd);
    end->listener = evconnlistener_new(loop_event_base(loop), mail_end_on_accept, end,
                                       LEV_OPT_CLOSE_ON_FREE, -1, end->listening.fd);
    ck_assert_ptr_nonnull(end->listener);
    snprintf(end->server, sizeof end->server, "%s://127.0.0.1:%d",
             is_tls_at_once ? "smtps" : "smtp", end->listening.port);
}

/* What the client said, and what it sent. Borrowed. */
static inline const char *mail_end_log(const struct mail_end *end)
{
    return end->log.data != NULL ? end->log.data : "";
}

static inline const char *mail_end_message(const struct mail_end *end)
{
    return end->message.data != NULL ? end->message.data : "";
}

static inline void mail_end_close(struct mail_end *end)
{
    mail_end_hang_up(end);
    evconnlistener_free(end->listener);
    tls_close(end->tls);
    buffer_deinit(&end->log);
    buffer_deinit(&end->message);
}

#endif
