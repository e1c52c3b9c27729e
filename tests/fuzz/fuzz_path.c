/* tests/fuzz/fuzz_path.c - two paths as guards compare them. */
#include "pipeline/path.h"

#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = fuzz_text(&data, &size), *scope = fuzz_text(&data, &size);
    struct buffer normal = {0}, again = {0}, other = {0};

    if (path_normalize(&normal, path)) {
        const char *text = normal.data != NULL ? normal.data : "";
        size_t length = 0;

        fuzz_claim(strstr(text, "//") == NULL && strstr(text, "/../") == NULL);
        fuzz_claim(text_is_utf8(text, strlen(text)));
        fuzz_claim(path_is_within(text, text) && path_is_within(text, ""));
        /* it is in its only spelling already, but for signs that had to be escaped */
        if (strpbrk(text, "%?#") == NULL && path_normalize(&again, text))
            fuzz_claim(strcmp(again.data != NULL ? again.data : "", text) == 0);
        if (path_provider(text, &length) != NULL)
            fuzz_claim(length <= strlen(text));
        if (path_normalize(&other, scope) && other.data != NULL &&
            path_is_within(text, other.data))
            fuzz_claim(strncmp(text, other.data, other.length) == 0);
    }
    buffer_deinit(&normal);
    buffer_deinit(&again);
    buffer_deinit(&other);
    free(path);
    free(scope);
    return 0;
}
