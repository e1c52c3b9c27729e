/* engine/journal/content.c - the hash that a step is known by.
 *
 * Every text goes in with its length and every value with its type, so that no two contents
 * give the same bytes. */
#include "journal/content.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "base/memory.h"
#include "journal/journal.h"

static void hash_bytes(EVP_MD_CTX *hash, char type, const char *bytes, size_t length)
{
    char head[24];
    const int head_length = snprintf(head, sizeof head, "%c%zu:", type, length);

    EVP_DigestUpdate(hash, head, (size_t)head_length);
    EVP_DigestUpdate(hash, bytes, length);
}

/* NULL is not the same as empty. */
static void hash_text(EVP_MD_CTX *hash, char type, const char *text)
{
    if (text != NULL)
        hash_bytes(hash, type, text, strlen(text));
    else
        hash_bytes(hash, '-', "", 0);
}

static void hash_value(EVP_MD_CTX *hash, const cJSON *value);

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static void hash_object(EVP_MD_CTX *hash, const cJSON *object)
{
    const size_t count = (size_t)cJSON_GetArraySize(object);
    const cJSON **members = memory_new((count + 1) * sizeof *members), *member;
    size_t index = 0;

    cJSON_ArrayForEach (member, object)
        members[index++] = member;
    qsort(members, count, sizeof *members, compare_names);
    hash_bytes(hash, '{', "", 0);
    for (index = 0; index < count; index++) {
        hash_text(hash, 'k', members[index]->string);
        hash_value(hash, members[index]);
    }
    hash_bytes(hash, '}', "", 0);
    free(members);
}

static void hash_array(EVP_MD_CTX *hash, const cJSON *array)
{
    const cJSON *element;

    hash_bytes(hash, '[', "", 0);
    cJSON_ArrayForEach (element, array)
        hash_value(hash, element);
    hash_bytes(hash, ']', "", 0);
}

static void hash_value(EVP_MD_CTX *hash, const cJSON *value)
{
    char number[32];

    if (cJSON_IsObject(value)) {
        hash_object(hash, value);
    } else if (cJSON_IsArray(value)) {
        hash_array(hash, value);
    } else if (cJSON_IsNumber(value)) {
        snprintf(number, sizeof number, "%.17g", value->valuedouble);
        hash_text(hash, 'n', number);
    } else if (cJSON_IsString(value)) {
        hash_text(hash, 's', value->valuestring);
    } else {
        hash_text(hash, 'l',
                  cJSON_IsTrue(value)    ? "true"
                  : cJSON_IsFalse(value) ? "false"
                                         : "null");
    }
}

void content_hash(const char *run, const struct step_content *content,
                  char key[CONTENT_KEY_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    assert(hash != NULL);
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    hash_text(hash, 'r', run);
    hash_text(hash, 'v', content->verb);
    hash_text(hash, 'k', content->kind);
    hash_text(hash, 't', content->target);
    hash_text(hash, 'q', content->query);
    if (content->body != NULL)
        hash_value(hash, content->body);
    if (content->text != NULL)
        hash_bytes(hash, 'x', content->text, content->text_length);
    EVP_DigestFinal_ex(hash, digest, NULL);
    EVP_MD_CTX_free(hash);
    for (size_t i = 0; i < (CONTENT_KEY_SIZE - 1) / 2; i++)
        snprintf(key + 2 * i, 3, "%02x", digest[i]);
}
