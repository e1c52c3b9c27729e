/* engine/jobs/post.h - what leaves the program to tell somebody of a job: a POST, a mail, or a
 * command that is run.
 *
 * These are no requests of a run: they go past the pipeline, whose guards and budget are about
 * what scripts send to the service. Nobody is asked twice; who wants that starts another. */
#ifndef MOONGATE_JOBS_POST_H
#define MOONGATE_JOBS_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/waitable.h"
#include "net/mailer.h"
#include "net/transfer.h"

struct failure;
struct loop;
struct post_office;
struct program;

enum {
    POST_TIMEOUT_MS = 30000,
    POST_COMMAND_TIMEOUT_MS = 60000,
    POST_KEPT_BYTES = 4096, /* of an answer */
    POST_MOST_HEADERS = TRANSFER_HEADERS
};

/* Cheap: libcurl starts with the first post. `ca_file` (PEM, copied) or NULL: the system's. */
struct post_office *post_office_new(struct loop *loop, const char *ca_file);

/* No post may be under way. Accepts NULL. */
void post_office_free(struct post_office *office);

/* One of them; it is over once. */
struct post {
    struct waitable waitable;

    /* What came of it. */
    struct failure *failure; /* why there was no answer, or NULL. It names no URL */
    int status;             /* of HTTP; the last reply of SMTP; the command's exit code */
    struct buffer text;     /* HTTP: the start of the answer; its data may be NULL */
    int64_t retry_after_ms; /* HTTP: what the answer asks for; negative: nothing */

    /* Its own. */
    struct post_office *office;
    struct transfer transfer;
    struct letter letter;
    struct program *program;
    char *strings[POST_MOST_HEADERS + 6]; /* what the two point to */
    size_t string_count;
};

/* What is to be posted; all of it is copied. */
struct post_http {
    const char *url; /* http or https */
    const char *body;
    size_t body_length;
    const char *headers[POST_MOST_HEADERS]; /* "Name: value"; the first NULL ends them */
    int64_t timeout_ms;                     /* 0: POST_TIMEOUT_MS */
};

/* NULL, or what is wrong with it; borrowed. */
const char *post_check_url(const char *url);
const char *post_check_header(const char *header);

/* They must be right, as the checks say. Redirects are not followed: they are answers. */
struct post *post_start_http(struct post_office *office, const struct post_http *what);

/* A mail of plain text to one receiver; copied. */
struct post_mail {
    const char *server;          /* smtp://host:25, smtps://host:465 */
    const char *user, *password; /* both or none; with them smtp:// needs STARTTLS */
    const char *from;            /* "jobs@example.org" or "Jobs <jobs@example.org>" */
    const char *const *to;       /* the same: who is named as receivers; ended by NULL */
    const char *receiver;        /* the one of them who gets it now */
    const char *subject, *text; /* UTF-8; control characters of a subject become spaces */
    const char *id;             /* letters, digits and -_~: the same mail has the same */
    int64_t at_wall_ms;         /* UTC, of its Date */
    int64_t timeout_ms;         /* 0: POST_TIMEOUT_MS */
};

/* NULL, or what is wrong with it; borrowed. */
const char *post_check_mail_id(const char *id);

/* It must be right, as that and base/mailbox.h say. */
struct post *post_start_mail(struct post_office *office, const struct post_mail *what);

/* Runs a program without a shell and with nothing to read: words[0] is its path, or its name in
 * the folders of PATH. It has our environment and `variables` ("NAME=value"); both lists are
 * ended by NULL and copied. What it writes is dropped. */
struct post *post_start_command(struct post_office *office, const char *const *words,
                                const char *const *variables, int64_t timeout_ms);

/* Stops it when it is not over, and frees it. Accepts NULL. */
void post_release(struct post *post);

#endif
