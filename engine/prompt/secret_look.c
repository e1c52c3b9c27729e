/* engine/prompt/secret_look.c */
#include "prompt/secret_look.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

static const char digits[] = "0123456789";
static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char hex[] = "0123456789abcdefABCDEF";
static const char base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/* Of tokens (RFC 6750, 2.1) and of what Entra makes client secrets. */
static const char token_signs[] = "-._~+/=";
static const char token[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";

enum kind { KIND_OTHER, KIND_DIGIT, KIND_SMALL, KIND_CAPITAL, KIND_COUNT };

static enum kind kind_of(char c)
{
    return c >= '0' && c <= '9'   ? KIND_DIGIT
           : c >= 'a' && c <= 'z' ? KIND_SMALL
           : c >= 'A' && c <= 'Z' ? KIND_CAPITAL
                                  : KIND_OTHER;
}

static bool is_letter_or_digit(char c)
{
    return kind_of(c) != KIND_OTHER;
}

static bool is_in_token(char c)
{
    return is_letter_or_digit(c) || (c != '\0' && strchr(token_signs, c) != NULL);
}

static bool is_hex(char c)
{
    return kind_of(c) == KIND_DIGIT || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Three parts, of which the first is a JSON object: '{"' begins with "eyJ" in Base64. The length of
 * that part is in `*head`: what lies within it is no token either if this is none. */
static bool is_web_token(const char *text, size_t *head)
{
    *head = strncmp(text, "eyJ", 3) == 0 ? strspn(text, base64_url) : 0;
    if (*head < 10 || text[*head] != '.')
        return false;

    const char *claims = text + *head + 1;
    const size_t length = strspn(claims, base64_url);

    return length >= 10 && claims[length] == '.';
}

/* The header's value: a scheme and what is no word. */
static bool is_http_credentials(const char *text)
{
    const size_t scheme = text_has_prefix_nocase(text, "bearer ")  ? 7
                          : text_has_prefix_nocase(text, "basic ") ? 6
                                                                   : 0;
    const size_t length = scheme == 0 ? 0 : strspn(text + scheme, token);

    return length >= 8 && (strcspn(text + scheme, digits) < length ||
                           (strcspn(text + scheme, upper) < length && length >= 12));
}

static bool is_private_key(const char *text)
{
    static const char begin[] = "-----BEGIN ", end[] = "PRIVATE KEY-----";
    const size_t words = strlen("PRIVATE KEY");

    if (strncmp(text, begin, strlen(begin)) != 0)
        return false;
    text += strlen(begin);

    const size_t length = strcspn(text, "-");

    return length >= words && strncmp(text + length - words, end, strlen(end)) == 0;
}

/* "https://somebody:secret@host" */
static bool is_url_with_password(const char *text)
{
    const size_t user =
        strncmp(text, "://", 3) == 0 ? strcspn(text + 3, ":/?#@ \"'\n") : 0;

    if (user == 0 || text[3 + user] != ':')
        return false;

    const char *password = text + 3 + user + 1;
    const size_t length = strcspn(password, "/?#@ \"'\n");

    return length > 0 && password[length] == '@' && password[0] != '{';
}

/* Members of connection strings and of URLs with a shared access signature. What follows must be
 * a value: templates put theirs in braces. */
static bool is_secret_member(const char *text)
{
    static const char *const names[] = {"AccountKey=",
                                        "SharedAccessKey=",
                                        "SharedAccessSignature=",
                                        "sig=",
                                        "Password=",
                                        "Pwd=",
                                        "client_secret=",
                                        "access_token=",
                                        "refresh_token=",
                                        "client_assertion=",
                                        "subscription-key=",
                                        "api_key=",
                                        "apikey="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_has_prefix_nocase(text, names[i]) &&
            strcspn(text + strlen(names[i]), " \t\r\n\"'\\;&{}<>$%=)(,") >= 4)
            return true;
    return text_has_prefix_nocase(text, "SharedAccessSignature sr=");
}

/* A GUID is no secret, and has few characters besides. */
static size_t measure_guid(const char *text)
{
    static const unsigned char parts[] = {8, 4, 4, 4, 12};
    size_t at = 0;

    for (size_t i = 0; i < sizeof(parts); at += parts[i++]) {
        if (i > 0 && text[at++] != '-')
            return 0;
        if (strspn(text + at, hex) < parts[i])
            return 0;
    }
    return is_hex(text[at]) ? 0 : at;
}

/* Whether characters of a key are none of a path or of words: in those the kind of characters
 * (digits, small, capital) seldom changes from one to the next. */
static bool is_without_words(const char *text, size_t length)
{
    size_t kinds[KIND_COUNT] = {0}, changes = 0, hex_length = 0;
    enum kind before = KIND_OTHER;

    for (size_t i = 0; i < length; i++) {
        const enum kind kind = kind_of(text[i]);

        kinds[kind]++;
        changes += kind != KIND_OTHER && before != KIND_OTHER && kind != before;
        before = kind;
        hex_length = is_hex(text[i]) ? hex_length + 1 : 0;
        if (hex_length >= 32 && kinds[KIND_DIGIT] > 4 &&
            kinds[KIND_SMALL] + kinds[KIND_CAPITAL] > 4)
            return true;
    }
    return length >= 32 && kinds[KIND_DIGIT] > 0 && kinds[KIND_SMALL] > 0 &&
           kinds[KIND_CAPITAL] > 0 && changes * 100 >= length * 30;
}

/* Whether the run of such characters that begins here holds a key; its length in `*length`. */
static bool is_key(const char *text, size_t *length)
{
    size_t from = 0, at = 0;

    while (is_in_token(text[at])) {
        const size_t guid =
            at == 0 || !is_letter_or_digit(text[at - 1]) ? measure_guid(text + at) : 0;

        if (guid > 0 && is_without_words(text + from, at - from))
            break;
        at += guid > 0 ? guid : 1;
        from = guid > 0 ? at : from;
    }
    *length = at;
    return is_without_words(text + from, at - from) || is_in_token(text[at]);
}

bool secret_look_is_in(const char *text)
{
    size_t no_token = 0; /* begins before this */

    for (size_t at = 0; text[at] != '\0'; at++) {
        const bool is_start = at == 0 || !is_letter_or_digit(text[at - 1]);
        size_t length = 0;

        if (is_start && at >= no_token) {
            if (is_web_token(text + at, &length))
                return true;
            no_token = at + length;
        }
        if (is_url_with_password(text + at) || is_private_key(text + at))
            return true;
        if (is_start && (is_http_credentials(text + at) || is_secret_member(text + at)))
            return true;
        if ((at == 0 || !is_in_token(text[at - 1])) && is_key(text + at, &length))
            return true;
    }
    return false;
}
