/* engine/net/curl.h - libcurl, loaded when the first request needs it.
 *
 * Linked in the usual way, libcurl and the libraries it brings along would double the
 * memory of a run that sends nothing and take half of its start-up time. */
#ifndef MOONGATE_NET_CURL_H
#define MOONGATE_NET_CURL_H

#include <curl/curl.h>

struct failure;

/* The functions in use, by their names without "curl_". */
struct curl_functions {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *easy);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    void (*easy_cleanup)(CURL *easy);
    void (*easy_reset)(CURL *easy);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t socket, int events,
                                     int *running);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
    CURLMcode (*multi_cleanup)(CURLM *multi);
};

/* Loads and initialises libcurl at the first call. NULL when it cannot be had, and then the
 * reason in `*error` (borrowed). */
const struct curl_functions *curl_load(const char **error);

/* A socket as libcurl makes it by itself, but one that no program we start inherits: for
 * CURLOPT_OPENSOCKETFUNCTION. In several threads at once. */
curl_socket_t curl_open_socket(void *context, curlsocktype purpose,
                               struct curl_sockaddr *address);

/* The failure that such an error is, owned by the caller; `why` are libcurl's words for it. */
struct failure *curl_describe(CURLcode code, const char *why);

/* The CA file (PEM) to be used: `asked`, or the first that is there; owned by the caller. NULL
 * leaves it to libcurl. */
char *curl_find_ca_file(const char *asked);

/* What the environment exempts from proxies, and always this machine itself. Owned by the
 * caller. */
char *curl_find_no_proxy(void);

#endif
