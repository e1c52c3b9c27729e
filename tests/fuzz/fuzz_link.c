/* tests/fuzz/fuzz_link.c - a Link header, then a URL and the link of its next page. */
#include "arm/link.h"

#include "arm/paging.h"
#include "base/failure.h"
#include "base/url.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *field = fuzz_text(&data, &size), *url = fuzz_text(&data, &size);
    char *link = fuzz_text(&data, &size), *target = link_find_next(field);

    fuzz_claim(target == NULL || strstr(field, target) != NULL);
    for (int replaces = 0; replaces < 2; replaces++) {
        struct failure *failure = NULL;
        char *next = paging_resolve(url, link, replaces != 0, &failure);

        fuzz_claim((next != NULL) == (failure == NULL));
        fuzz_claim(next == NULL || url_same_origin(next, url));
        free(next);
        failure_free(failure);
    }
    free(field);
    free(url);
    free(link);
    free(target);
    return 0;
}
