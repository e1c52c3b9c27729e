/* tests/fuzz/fuzz_challenge.c - a WWW-Authenticate field, then a token that may be a JWT. */
#include "pipeline/challenge.h"

#include "auth/jwt.h"
#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *field = fuzz_text(&data, &size), *token = fuzz_text(&data, &size);
    char *realm = challenge_parameter(field, "Basic", "realm");
    char *claims = challenge_claims(field);

    if (claims != NULL) { /* it becomes a form field: it must be what it says */
        cJSON *json = json_parse(claims, strlen(claims), NULL);

        fuzz_claim(json != NULL);
        cJSON_Delete(json);
    }
    fuzz_claim(realm == NULL || strlen(realm) < strlen(field));
    cJSON_Delete(jwt_read_claims(token));
    free(field);
    free(token);
    free(realm);
    free(claims);
    return 0;
}
