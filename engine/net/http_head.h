/* engine/net/http_head.h - whether the head of a request that libevent has read is good
 * HTTP/1.1: what our servers refuse before they look at what is asked. */
#ifndef MOONGATE_NET_HTTP_HEAD_H
#define MOONGATE_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

struct evhttp_request;

/* What two readers could take for two different requests (RFC 9112, 11.2), and what has no
 * clear meaning; NULL when it is good. The text is for people, and constant. */
const char *http_head_find_flaw(struct evhttp_request *request);

/* How many bytes the header fields are, as they were sent at least. */
size_t http_head_size(struct evhttp_request *request);

/* How many header fields there are. */
size_t http_head_count(struct evhttp_request *request);

/* libevent reads no body behind some methods; what comes there must not be the next request. */
bool http_head_has_unread_body(struct evhttp_request *request);

#endif
