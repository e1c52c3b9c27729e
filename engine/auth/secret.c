/* engine/auth/secret.c - wiping secrets, and keeping them out of what is shown. */
#include "auth/secret.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/memory.h"
#include "base/text.h"

enum { SHORTEST_KEY = 32, SHORTEST_SECRET = 4, GUID_LENGTH = 36 };

static const char hidden[] = "[hidden]";

void secret_free(char *text)
{
    if (text == NULL)
        return;
    OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void secret_deinit(struct buffer *buffer)
{
    if (buffer->data != NULL)
        OPENSSL_cleanse(buffer->data, buffer->capacity);
    buffer_deinit(buffer);
}

static void wipe_json(const cJSON *tree)
{
    for (const cJSON *item = tree; item != NULL; item = item->next) {
        if (cJSON_IsString(item))
            OPENSSL_cleanse(item->valuestring, strlen(item->valuestring));
        wipe_json(item->child);
    }
}

void secret_delete_json(cJSON *tree)
{
    wipe_json(tree);
    cJSON_Delete(tree);
}

/* --- what may be shown ----------------------------------------------------------------- */

/* Puts "[hidden]" in place of each `secret` in `*text`. */
static void hide(char **text, const char *secret)
{
    struct buffer shown = {0};
    const char *from = *text, *found;

    if (strlen(secret) < SHORTEST_SECRET)
        return;
    while ((found = strstr(from, secret)) != NULL) {
        buffer_append(&shown, from, (size_t)(found - from));
        buffer_append_string(&shown, hidden);
        from = found + strlen(secret);
    }
    buffer_append_string(&shown, from);
    secret_free(*text);
    *text = buffer_take(&shown);
}

/* Hides the values of the form's fields that are secrets. */
static void hide_form(char **text, const char *form)
{
    static const char *const names[] = {
        "client_secret=", "client_assertion=", "refresh_token=", "device_code="};

    while (form != NULL && *form != '\0') {
        const size_t length = strcspn(form, "&");

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            const size_t name = strlen(names[i]);

            if (strncmp(form, names[i], name) == 0) {
                char *value = memory_copy_text(form + name, length - name);

                text_unescape(value);
                hide(text, value);
                secret_free(value);
            }
        }
        form += length + (form[length] == '&' ? 1 : 0);
    }
}

static bool is_guid(const char *word, size_t length)
{
    if (length != GUID_LENGTH)
        return false;
    for (size_t i = 0; i < length; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? word[i] != '-' : !isxdigit((unsigned char)word[i]))
            return false;
    }
    return true;
}

/* A word that is long and has letters and digits is no word. */
static bool looks_secret(const char *word, size_t length)
{
    bool has_digit = false, has_letter = false;

    while (length > 0 && *word == '/')
        word++, length--;
    if (length < SHORTEST_KEY || is_guid(word, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        has_digit = has_digit || isdigit((unsigned char)word[i]);
        has_letter = has_letter || isalpha((unsigned char)word[i]);
    }
    return has_digit && has_letter;
}

char *secret_redact(const char *text, const char *form)
{
    static const char separators[] = " '\"`,;:=&()<>[]{}|\\";
    char *copy = memory_copy_string(text);
    struct buffer shown = {0};

    for (char *c = copy; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
    hide_form(&copy, form);
    for (const char *at = copy; *at != '\0';) {
        const size_t gap = strspn(at, separators);
        const size_t length = strcspn(at + gap, separators);

        buffer_append(&shown, at, gap);
        if (looks_secret(at + gap, length))
            buffer_append_string(&shown, hidden);
        else
            buffer_append(&shown, at + gap, length);
        at += gap + length;
    }
    secret_free(copy);
    return buffer_take(&shown);
}
