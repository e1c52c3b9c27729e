/* tests/fuzz/fuzz_id.c - an id, and a name below it, of each kind in the model. */
#include "fuzz.h"
#include "model/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *parent = fuzz_text(&data, &size), *name = fuzz_text(&data, &size);

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        char *wrong = kind_check_name(*kind, name);

        (void)kind_has_id(*kind, parent);
        if (wrong == NULL) {
            char *id = kind_format_id(*kind, parent, name);

            fuzz_claim(strncmp(id, parent, strlen(parent)) == 0);
            /* below a plain parent it is an id of that kind */
            if (strstr(parent, "/providers") == NULL && (*kind)->parent == NULL)
                fuzz_claim(kind_has_id(*kind, id));
            free(id);
        }
        free(wrong);
    }
    free(parent);
    free(name);
    return 0;
}
