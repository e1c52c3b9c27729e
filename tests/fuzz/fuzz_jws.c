/* tests/fuzz/fuzz_jws.c - a token that claims to be signed: taken apart, and its key read from
 * its own claims. Whatever it says, a key that never signed anything has not signed it. */
#include "sim/jws.h"

#include <openssl/rsa.h>

#include "fuzz.h"

static EVP_PKEY *key;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memory_copy_text((const char *)data, size);
    struct jws jws;

    if (key == NULL)
        key = EVP_RSA_gen(2048);
    if (jws_open(&jws, text)) {
        EVP_PKEY *own = jws_read_key(jws.claims);

        fuzz_claim(cJSON_IsObject(jws.header) && cJSON_IsObject(jws.claims));
        fuzz_claim(jws.signed_length < strlen(text));
        fuzz_claim(!jws_is_signed_by(&jws, key));
        if (own != NULL)
            (void)jws_is_signed_by(&jws, own);
        EVP_PKEY_free(own);
    }
    jws_close(&jws);
    free(text);
    return 0;
}
