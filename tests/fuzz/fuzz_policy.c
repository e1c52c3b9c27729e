/* tests/fuzz/fuzz_policy.c - a policy as rawxml and as xml. */
#include "model/policy.h"

#include <cjson/cJSON.h>

#include "base/json.h"
#include "fuzz.h"

static cJSON *new_body(const char *format, const char *text)
{
    cJSON *body = cJSON_CreateObject();

    json_set_at(body, "properties.format", cJSON_CreateString(format));
    json_set_at(body, "properties.value", cJSON_CreateString(text));
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memory_copy_text((const char *)data, size);
    cJSON *raw = new_body("rawxml", text), *xml = new_body("xml", text);
    char *raw_wrong = policy_check(raw), *xml_wrong = policy_check(xml);

    /* what is well-formed says what it says itself */
    fuzz_claim(raw_wrong != NULL || policy_is_same(raw, raw));
    fuzz_claim(xml_wrong != NULL || policy_is_same(xml, xml));
    policy_is_same(raw, xml);
    free(policy_check_fragment(raw));
    free(raw_wrong);
    free(xml_wrong);
    cJSON_Delete(raw);
    cJSON_Delete(xml);
    free(text);
    return 0;
}
