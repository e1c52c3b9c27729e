/* engine/net/letter.h - what libcurl is told of a mail. The transport's own. */
#ifndef MOONGATE_NET_LETTER_H
#define MOONGATE_NET_LETTER_H

#include <stdbool.h>

#include "net/curl.h"

struct letter_way;
struct transfer;

/* Readies a new handle, with its URL and its limits, for `transfer`, which has a letter. What it
 * returns is owned by the caller (free), and must live as long as the handle. */
struct letter_way *letter_set_up(const struct curl_functions *curl, CURL *easy,
                                 const struct transfer *transfer);

/* The socket was closed. Accepts NULL. */
void letter_forget_socket(struct letter_way *way, curl_socket_t socket);

/* Whether a transfer that ended so has the server's reply as its answer. */
bool letter_is_answer(CURLcode code, long status);

#endif
