/* tests/fuzz/fuzz_document.c - API documents in each of their formats; what OpenAPI says is
 * written again and read again. */
#include <string.h>

#include "sim/api_document.h"

#include "base/json.h"
#include "fuzz.h"

/* What is written can be read, and is then written as the same. */
static void try_again(const struct api_reading *reading, const cJSON *tree)
{
    cJSON *api = cJSON_CreateObject(), *document, *again;
    char *first, *second, *wrong = NULL;

    json_set_at(api, "name", cJSON_CreateString("api"));
    document = api_openapi_write(api, json_at(tree, "operations"),
                                 json_at(tree, "components.document.components"));
    first = json_print(document);
    again = api_document_read(reading, first, &wrong);
    fuzz_claim(again != NULL);
    cJSON_Delete(document);
    document = api_openapi_write(api, json_at(again, "operations"),
                                 json_at(again, "components.document.components"));
    second = json_print(document);
    fuzz_claim(strcmp(first, second) == 0);
    free(first);
    free(second);
    cJSON_Delete(document);
    cJSON_Delete(again);
    cJSON_Delete(api);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"openapi", "openapi+json", "wsdl", "graphql"};
    const struct api_reading json = {.format = "openapi+json", .schema_name = "s"};
    char *text = memory_copy_text((const char *)data, size);

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct api_reading reading = {.format = formats[i], .schema_name = "s"};
        char *wrong = NULL;
        cJSON *tree = api_document_read(&reading, text, &wrong);

        fuzz_claim((tree == NULL) == (wrong != NULL));
        if (tree != NULL && i < 2)
            try_again(&json, tree);
        cJSON_Delete(tree);
        free(wrong);
    }
    free(text);
    return 0;
}
