/* engine/jobs/post_parts.h - what the files of post.h share, and nobody else sees. */
#ifndef MOONGATE_JOBS_POST_PARTS_H
#define MOONGATE_JOBS_POST_PARTS_H

#include "jobs/post.h"

struct post_office {
    struct loop *loop;
    struct transport *transport;
};

struct post *post_new(struct post_office *office);

/* Keeps a text (taken) until the post is released, when it is wiped. Returns it. */
const char *post_keep(struct post *post, char *text);

/* Sends its transfer, which is ready but for what all have in common. */
void post_send(struct post *post, int64_t timeout_ms);

#endif
