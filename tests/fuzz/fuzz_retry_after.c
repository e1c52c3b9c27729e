/* tests/fuzz/fuzz_retry_after.c - four texts: the header fields that say when to come again. */
#include "pipeline/retry_after.h"

#include "fuzz.h"
#include "net/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"retry-after-ms", "x-ms-retry-after-ms",
                                        "retry-after", "date"};
    struct transfer transfer = {0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *value = fuzz_text(&data, &size);

        if (value[0] != '\0') {
            buffer_append(&transfer.fields, names[i], strlen(names[i]) + 1);
            buffer_append(&transfer.fields, value, strlen(value) + 1);
        }
        free(value);
    }

    const int64_t wait_ms = retry_after_ms(&transfer);

    fuzz_claim(wait_ms >= -1 && wait_ms <= 86400000);
    transfer_reset(&transfer);
    return 0;
}
