/* engine/net/curl.c - libcurl, loaded when the first request needs it. */
#include "net/curl.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/memory.h"

#ifdef __APPLE__
static const char library_name[] = "libcurl.4.dylib";
#else
static const char library_name[] = "libcurl.so.4";
#endif

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
#define SYMBOL(function)                                                                 \
    {                                                                                    \
        "curl_" #function, offsetof(struct curl_functions, function)                     \
    }
    SYMBOL(global_init),         SYMBOL(easy_init),
    SYMBOL(easy_setopt),         SYMBOL(easy_perform),
    SYMBOL(easy_getinfo),        SYMBOL(easy_strerror),
    SYMBOL(easy_cleanup),        SYMBOL(easy_reset),
    SYMBOL(multi_init),          SYMBOL(multi_setopt),
    SYMBOL(multi_add_handle),    SYMBOL(multi_remove_handle),
    SYMBOL(multi_socket_action), SYMBOL(multi_info_read),
    SYMBOL(multi_cleanup)
#undef SYMBOL
};

static bool load(struct curl_functions *functions, const char **error)
{
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        *error = dlerror();
        return false;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *symbol = dlsym(library, symbols[i].name);

        if (symbol == NULL) {
            *error = dlerror();
            dlclose(library);
            return false;
        }
        /* ISO C has no conversion from an object to a function pointer; POSIX has this. */
        memcpy((char *)functions + symbols[i].offset, &symbol, sizeof symbol);
    }
    if (functions->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        *error = "libcurl does not start";
        return false;
    }
    return true;
}

const struct curl_functions *curl_load(const char **error)
{
    static struct curl_functions functions;
    static bool is_loaded;

    if (!is_loaded)
        is_loaded = load(&functions, error);
    return is_loaded ? &functions : NULL;
}

curl_socket_t curl_open_socket(void *context, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    (void)context, (void)purpose;
#ifdef SOCK_CLOEXEC
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
    const int fd = socket(address->family, address->socktype, address->protocol);

    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
#endif
}

struct failure *curl_describe(CURLcode code, const char *why)
{
    struct failure *failure;

    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: /* the handshake was cut: nothing was sent */
        failure = failure_new("ConnectionFailed", "%s", why);
        failure->retryable = true;
        return failure;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        failure = failure_new("ConnectionFailed", "the connection broke: %s", why);
        failure->retryable = true;
        return failure;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return failure_set_cure(failure_new("ConnectionFailed", "%s", why),
                                "if the server has a CA of its own, name its "
                                "certificate with --ca-file FILE");
    case CURLE_WRITE_ERROR:
        return failure_new("ProtocolError", "%s", why);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return failure_new("ProtocolError", "the answer is not as it should be: %s", why);
    default:
        return failure_new("ConnectionFailed", "%s", why);
    }
}

char *curl_find_ca_file(const char *asked)
{
    const char *const candidates[] = {asked,
                                      getenv("CURL_CA_BUNDLE"),
                                      getenv("SSL_CERT_FILE"),
                                      "/etc/ssl/certs/ca-certificates.crt",
                                      "/etc/pki/tls/certs/ca-bundle.crt",
                                      "/etc/ssl/cert.pem"};

    if (asked != NULL)
        return memory_copy_string(asked); /* if it cannot be read, let libcurl say so */
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (candidates[i] != NULL && access(candidates[i], R_OK) == 0)
            return memory_copy_string(candidates[i]);
    }
    return NULL;
}

char *curl_find_no_proxy(void)
{
    const char *given = getenv("no_proxy");

    if (given == NULL)
        given = getenv("NO_PROXY");
    if (given != NULL && strcmp(given, "*") == 0)
        return memory_copy_string("*");
    return memory_format("%s%slocalhost,127.0.0.1,::1", given != NULL ? given : "",
                         given != NULL && given[0] != '\0' ? "," : "");
}
