/* engine/net/curl.c - libcurl, loaded when the first request needs it. */
#include "net/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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
    SYMBOL(global_init),      SYMBOL(easy_init),           SYMBOL(easy_setopt),
    SYMBOL(easy_getinfo),     SYMBOL(easy_strerror),       SYMBOL(easy_cleanup),
    SYMBOL(easy_reset),       SYMBOL(multi_init),          SYMBOL(multi_setopt),
    SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle), SYMBOL(multi_socket_action),
    SYMBOL(multi_info_read),  SYMBOL(multi_cleanup)
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
