/* tests/fuzz/fuzz_url.c - two texts: a URL, and a reference in an answer from it. */
#include "base/url.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *base = fuzz_text(&data, &size), *reference = fuzz_text(&data, &size);
    char *url = url_resolve(base, reference);
    size_t length = 0;

    fuzz_claim(url_origin_length(base) <= strlen(base));
    fuzz_claim(!url_same_origin(base, reference) || url_is_within(base, reference));
    fuzz_claim(url_same_origin(base, reference) == url_same_origin(reference, base));
    (void)url_is_loopback(base);
    if (url_parameter(base, "api-version", &length) != NULL)
        fuzz_claim(length < strlen(base));
    if (url != NULL) {
        fuzz_claim(url_origin_length(url) > 0 && strchr(url, '#') == NULL);
        fuzz_claim(!url_is_clean(base) || url_is_clean(url));
        /* what has neither scheme nor host stays where it is */
        if (strchr(reference, ':') == NULL && strncmp(reference, "//", 2) != 0)
            fuzz_claim(url_same_origin(url, base));
    }
    free(base);
    free(reference);
    free(url);
    return 0;
}
