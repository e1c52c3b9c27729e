/* tests/fuzz/fuzz_template.c - an expression of a template, a filter of a list, a list of
 * entity tags: what the simulator reads by hand. */
#include "sim/expression.h"
#include "sim/template.h"

#include "base/json.h"
#include "fuzz.h"
#include "sim/etag.h"
#include "sim/list_filter.h"

static const char outline[] =
    "{\"parameters\":{\"p\":{\"type\":\"string\",\"defaultValue\":\"x\"}},"
    "\"variables\":{\"v\":\"[concat(parameters('p'), '1')]\"},"
    "\"resources\":[{\"type\":\"N/t\",\"apiVersion\":\"1\"}],\"outputs\":{}}";

/* The expression as a variable, as a resource's name and as an output. */
static void deploy(const char *text)
{
    const struct template_place place = {
        .tenant_id = "t", .subscription_id = "s", .deployment = "d"};
    cJSON *source = json_parse(outline, strlen(outline), NULL);
    struct template template;
    char *wrong;

    json_set_at(source, "variables.w", cJSON_CreateString(text));
    cJSON_AddStringToObject(
        cJSON_GetArrayItem(cJSON_GetObjectItem(source, "resources"), 0), "name", text);
    json_set_at(source, "outputs.o.type", cJSON_CreateString("string"));
    json_set_at(source, "outputs.o.value", cJSON_CreateString(text));
    wrong = template_open(&template, source, NULL, &place);
    if (wrong == NULL) {
        cJSON *outputs = template_evaluate_outputs(&template, NULL, NULL, &wrong);

        fuzz_claim((outputs == NULL) == (wrong != NULL));
        cJSON_Delete(outputs);
    }
    template_close(&template);
    cJSON_Delete(source);
    free(wrong);
}

static void filter(const char *text)
{
    static const struct list_field fields[] = {{"name", "name", LIST_ALL}, {0}};
    char *wrong = NULL;
    struct list_filter *parsed = list_filter_parse(text, fields, &wrong);
    cJSON *body = json_parse("{\"name\":\"a\"}", 12, NULL);

    fuzz_claim((parsed == NULL) == (wrong != NULL));
    if (parsed != NULL)
        list_filter_matches(parsed, body);
    list_filter_free(parsed);
    cJSON_Delete(body);
    free(wrong);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *expression = fuzz_text(&data, &size), *asked = fuzz_text(&data, &size);
    char *tags = fuzz_text(&data, &size);

    deploy(expression);
    filter(asked);
    fuzz_claim(!etag_matches(tags, "\"a\"") || strpbrk(tags, "a*") != NULL);
    free(expression);
    free(asked);
    free(tags);
    return 0;
}
