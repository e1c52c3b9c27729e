/* tests/fuzz/fuzz_event.c - lines of events, which say the same once they were read. */
#include "run/event_json.h"

#include "base/json.h"
#include "fuzz.h"

/* What the line says after it was read; NULL when it is no event. Owned by the caller. */
static char *read_and_write(struct event_reader *reader, const char *line)
{
    cJSON *tree = json_parse(line, strlen(line), NULL);
    struct buffer again = {0};

    if (tree != NULL && event_read(reader, tree))
        event_format(&again, &reader->event);
    cJSON_Delete(tree);
    return again.length > 0 ? buffer_take(&again) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_reader reader = {0}, other = {0};

    while (size > 0) {
        char *line = fuzz_text(&data, &size);
        char *once = read_and_write(&reader, line);
        char *twice = once != NULL ? read_and_write(&other, once) : NULL;

        fuzz_claim(once == NULL || (twice != NULL && strcmp(once, twice) == 0));
        free(line);
        free(once);
        free(twice);
    }
    return 0;
}
