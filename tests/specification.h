/* tests/specification.h - Azure's published models, when they are at hand. */
#ifndef MOONGATE_TESTS_SPECIFICATION_H
#define MOONGATE_TESTS_SPECIFICATION_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"

/* One of the files, owned by the caller; NULL, having said so, when it is not there. */
static inline cJSON *specification_read(const char *name)
{
    const char *folder = getenv("MOONGATE_SPECS");
    char *path =
        memory_format("%s/%s", folder != NULL ? folder : "../shared/specs", name);
    FILE *file = fopen(path, "rb");
    struct buffer text = {0};
    char block[65536];
    size_t length;

    if (file == NULL) {
        printf("skipped: no %s (MOONGATE_SPECS names the folder)\n", path);
        free(path);
        return NULL;
    }
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        buffer_append(&text, block, length);
    fclose(file);
    free(path);

    cJSON *tree = json_parse(text.data, text.length, NULL);

    buffer_deinit(&text);
    if (tree == NULL) { /* Check's own words are for inside a test */
        printf("%s is not JSON\n", name);
        abort();
    }
    return tree;
}

/* What model.json says of a kind, or NULL. */
static inline const cJSON *specification_find(const cJSON *model, const struct kind *kind)
{
    const cJSON *element;

    cJSON_ArrayForEach (element, json_at(model, "kinds")) {
        if (text_equal_nocase(element->string, kind->arm_type))
            return element;
    }
    return NULL;
}

/* Which of our operations one of the specification's is; 0: none of them. */
static inline unsigned specification_operation(const cJSON *operation)
{
    static const struct {
        const char *role, *method;
        unsigned bit;
    } bits[] = {{"item", "GET", KIND_GET},       {"item", "HEAD", KIND_HEAD},
                {"item", "PUT", KIND_PUT},       {"item", "PATCH", KIND_PATCH},
                {"item", "DELETE", KIND_DELETE}, {"collection", "GET", KIND_LIST}};
    const char *path = json_string_at(operation, "path");
    const char *method = json_string_at(operation, "method");
    const char *role = json_string_at(operation, "role");

    if (role == NULL) /* of extensions it is not told */
        role = path[strlen(path) - 1] == '}' ? "item" : "collection";
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if (strcmp(role, bits[i].role) == 0 && strcmp(method, bits[i].method) == 0)
            return bits[i].bit;
    }
    return 0;
}

#endif
