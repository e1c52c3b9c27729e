/* engine/base/uuid.c - UUIDs as text (RFC 4122). */
#include "base/uuid.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

/* Names made from it are in people's subscriptions: it must never change. */
static const unsigned char namespace[16] = {0x6d, 0x6f, 0x6f, 0x6e, 0x67, 0x61,
                                            0x54, 0x65, 0x8c, 0x1d, 0x2f, 0x7b,
                                            0x90, 0x43, 0xae, 0x51};

static void format(const unsigned char bytes[16], int version, char text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char b[16];

    memcpy(b, bytes, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | version << 4);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *text++ = '-';
        *text++ = digits[b[i] >> 4];
        *text++ = digits[b[i] & 0x0f];
    }
    *text = '\0';
}

void uuid_random(char text[UUID_TEXT_SIZE])
{
    /* A pool: one call of the system for 32 ids, as every request takes one. */
    static unsigned char pool[256];
    static size_t left;

    if (left == 0) {
        const int status = getentropy(pool, sizeof pool);

        assert(status == 0);
        (void)status;
        left = sizeof pool;
    }
    left -= 16;
    format(pool + left, 4, text);
}

void uuid_from_bytes(const unsigned char bytes[16], char text[UUID_TEXT_SIZE])
{
    format(bytes, 4, text);
}

void uuid_from_name(const char *name, char text[UUID_TEXT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert(context != NULL);
    EVP_DigestInit_ex(context, EVP_sha1(), NULL);
    EVP_DigestUpdate(context, namespace, sizeof namespace);
    EVP_DigestUpdate(context, name, strlen(name));
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    format(digest, 5, text);
}

bool uuid_is_valid(const char *text)
{
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-'
                                                    : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[UUID_TEXT_SIZE - 1] == '\0';
}

void uuid_drop_dashes(const char *uuid, char text[UUID_TEXT_SIZE])
{
    size_t length = 0;

    for (; *uuid != '\0' && length + 1 < UUID_TEXT_SIZE; uuid++) {
        if (*uuid != '-')
            text[length++] = *uuid;
    }
    text[length] = '\0';
}
