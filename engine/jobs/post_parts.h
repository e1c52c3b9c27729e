/* engine/jobs/post_parts.h - what the files of post.h share, and nobody else sees. */
#ifndef MOONGATE_JOBS_POST_PARTS_H
#define MOONGATE_JOBS_POST_PARTS_H

#include "jobs/post.h"

struct post_office {
    struct loop *loop;
    struct transport *transport;
    struct mailer *mailer;
};

struct post *post_new(struct post_office *office);

/* Keeps a text (taken) until the post is released, when it is wiped. Returns it. */
const char *post_keep(struct post *post, char *text);

#endif
