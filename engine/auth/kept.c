/* engine/auth/kept.c - a person's sign-in, kept on the disk between runs.
 *
 * The file: a line that names the format, 12 bytes of nonce, 16 of tag, and the rest, which is
 * JSON, encrypted. The first line is signed with it. */
#include "auth/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "auth/file.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"

enum { KEY_SIZE = 32, NONCE_SIZE = 12, TAG_SIZE = 16, LARGEST_FILE = 65536 };

static const char format_line[] = "moongate sign-in 1\n";

enum {
    LINE_SIZE = sizeof format_line - 1,
    HEAD_SIZE = LINE_SIZE + NONCE_SIZE + TAG_SIZE
};

char *kept_path(const char *folder)
{
    return memory_format("%s/sign-in", folder);
}

static char *key_path(const char *folder)
{
    return memory_format("%s/sign-in.key", folder);
}

/* --- encryption ---------------------------------------------------------------------------- */

/* Encrypts or decrypts `length` bytes; `tag` is written or compared. */
static bool seal_or_open(bool encrypts, const unsigned char *key,
                         const unsigned char *nonce, unsigned char *tag, const char *from,
                         size_t length, char *to)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int count = 0;
    const bool is_good =
        EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, encrypts) == 1 &&
        (encrypts ||
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1) &&
        EVP_CipherUpdate(context, NULL, &count, (const unsigned char *)format_line,
                         LINE_SIZE) == 1 &&
        EVP_CipherUpdate(context, (unsigned char *)to, &count,
                         (const unsigned char *)from, (int)length) == 1 &&
        EVP_CipherFinal_ex(context, (unsigned char *)to + count, &count) == 1 &&
        (!encrypts ||
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1);

    EVP_CIPHER_CTX_free(context);
    return is_good;
}

/* Reads the key; NULL when it was read, else why not (borrowed). */
static const char *read_key(const char *path, unsigned char key[KEY_SIZE])
{
    struct buffer bytes = {0};
    const char *why = NULL;

    if (file_read_private(path, LARGEST_FILE, &bytes, &why)) {
        if (bytes.length == KEY_SIZE)
            memcpy(key, bytes.data, KEY_SIZE);
        else
            why = "it is damaged";
    }
    secret_deinit(&bytes);
    return why;
}

/* The same, but makes a key where there is none. */
static const char *need_key(const char *path, unsigned char key[KEY_SIZE])
{
    const char *why = NULL;

    if (access(path, F_OK) == 0 || errno != ENOENT)
        return read_key(path, key);
    if (RAND_bytes(key, KEY_SIZE) != 1)
        return "there is no randomness";
    return file_write_private(path, key, KEY_SIZE, &why) ? NULL : why;
}

/* --- reading -------------------------------------------------------------------------------- */

/* From the file's bytes to what they hold. */
static bool decrypt(const struct buffer *bytes, const unsigned char *key,
                    struct kept *kept)
{
    const size_t length = bytes->length > HEAD_SIZE ? bytes->length - HEAD_SIZE : 0;
    char *text = memory_new(length + 1);
    cJSON *tree = NULL;

    if (length > 0 && memcmp(bytes->data, format_line, LINE_SIZE) == 0 &&
        seal_or_open(false, key, (unsigned char *)bytes->data + LINE_SIZE,
                     (unsigned char *)bytes->data + LINE_SIZE + NONCE_SIZE,
                     bytes->data + HEAD_SIZE, length, text))
        tree = json_parse(text, length, NULL);
    *kept = (struct kept){
        .authority = memory_copy_string(json_string_at(tree, "authority")),
        .tenant_id = memory_copy_string(json_string_at(tree, "tenant_id")),
        .client_id = memory_copy_string(json_string_at(tree, "client_id")),
        .refresh_token = memory_copy_string(json_string_at(tree, "refresh_token"))};
    secret_delete_json(tree);
    OPENSSL_cleanse(text, length);
    free(text);
    return kept->authority != NULL && kept->tenant_id != NULL &&
           kept->client_id != NULL && kept->refresh_token != NULL;
}

static char *explain(const char *path, const char *why)
{
    return memory_format("%s: %s; run `moongate logout` and `moongate login --keep`",
                         path, why);
}

bool kept_read(const char *folder, struct kept *kept, char **why)
{
    char *path = kept_path(folder), *key_file = key_path(folder);
    unsigned char key[KEY_SIZE];
    struct buffer bytes = {0};
    const char *reason = NULL;

    *kept = (struct kept){0};
    *why = NULL;
    if (access(path, F_OK) != 0)
        *why = memory_copy_string("there is none; `moongate login --keep` makes one");
    else if (!file_read_private(path, LARGEST_FILE, &bytes, &reason))
        *why = explain(path, reason);
    else if ((reason = read_key(key_file, key)) != NULL)
        *why = explain(key_file, reason);
    else if (!decrypt(&bytes, key, kept))
        *why = explain(path, "it is damaged, or somebody changed it");
    if (*why != NULL)
        kept_deinit(kept);
    OPENSSL_cleanse(key, sizeof key);
    secret_deinit(&bytes);
    free(path);
    free(key_file);
    return *why == NULL;
}

/* --- writing -------------------------------------------------------------------------------- */

static struct failure *cannot(const char *what, const char *path, const char *why)
{
    return failure_new("IOError", "the sign-in cannot be %s: %s: %s", what, path, why);
}

/* As JSON; owned by the caller, who wipes it. */
static char *write_json(const struct kept *kept)
{
    cJSON *tree = cJSON_CreateObject();

    cJSON_AddStringToObject(tree, "authority", kept->authority);
    cJSON_AddStringToObject(tree, "tenant_id", kept->tenant_id);
    cJSON_AddStringToObject(tree, "client_id", kept->client_id);
    cJSON_AddStringToObject(tree, "refresh_token", kept->refresh_token);

    char *text = json_print(tree);

    secret_delete_json(tree);
    return text;
}

/* The file's bytes, owned by the caller; NULL when OpenSSL does not do it. */
static char *encrypt(const struct kept *kept, const unsigned char *key, size_t *size)
{
    char *text = write_json(kept);
    const size_t length = strlen(text);
    char *bytes = memory_new(HEAD_SIZE + length);
    unsigned char *nonce = (unsigned char *)bytes + LINE_SIZE;
    bool is_good;

    memcpy(bytes, format_line, LINE_SIZE);
    is_good = RAND_bytes(nonce, NONCE_SIZE) == 1 &&
              seal_or_open(true, key, nonce, nonce + NONCE_SIZE, text, length,
                           bytes + HEAD_SIZE);
    secret_free(text);
    *size = HEAD_SIZE + length;
    if (is_good)
        return bytes;
    free(bytes);
    return NULL;
}

struct failure *kept_write(const char *folder, const struct kept *kept)
{
    char *path = kept_path(folder), *key_file = key_path(folder), *bytes = NULL;
    struct failure *failure = NULL;
    unsigned char key[KEY_SIZE];
    const char *why = need_key(key_file, key);
    size_t size = 0;

    if (why != NULL)
        failure = cannot("kept", key_file, why);
    else if ((bytes = encrypt(kept, key, &size)) == NULL)
        failure = cannot("kept", path, "OpenSSL cannot encrypt it");
    else if (!file_write_private(path, bytes, size, &why))
        failure = cannot("kept", path, why);
    OPENSSL_cleanse(key, sizeof key);
    free(bytes);
    free(path);
    free(key_file);
    return failure;
}

struct failure *kept_remove(const char *folder, bool *was_there)
{
    char *const paths[] = {kept_path(folder), key_path(folder)};
    struct failure *failure = NULL;

    *was_there = access(paths[0], F_OK) == 0;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (unlink(paths[i]) != 0 && errno != ENOENT && errno != ENOTDIR &&
            failure == NULL)
            failure = cannot("removed", paths[i], strerror(errno));
        free(paths[i]);
    }
    return failure;
}

void kept_deinit(struct kept *kept)
{
    free(kept->authority);
    free(kept->tenant_id);
    free(kept->client_id);
    secret_free(kept->refresh_token);
    *kept = (struct kept){0};
}
