/* engine/pipeline/challenge.c - what a WWW-Authenticate field asks for. */
#include "pipeline/challenge.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { MOST_BYTES = 16384, MOST_PARAMETERS = 64 };

/* One name=value, and whose challenge it belongs to. */
struct parameter {
    size_t challenge; /* 1 for the first */
    char *scheme, *name, *value;
};

struct parameters {
    struct parameter all[MOST_PARAMETERS];
    size_t count, challenges;
};

static void deinit(struct parameters *parameters)
{
    for (size_t i = 0; i < parameters->count; i++) {
        free(parameters->all[i].scheme);
        free(parameters->all[i].name);
        free(parameters->all[i].value);
    }
}

/* --- the grammar ----------------------------------------------------------------------- */

static size_t token_length(const char *text)
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) ||
           (text[length] != '\0' && strchr("!#$%&'*+-.^_`|~", text[length]) != NULL))
        length++;
    return length;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

static bool ends_element(const char *at)
{
    at = skip_space(at);
    return *at == ',' || *at == '\0';
}

/* Behind the token68 at `at`, or `at` when there is none: "name=value" is none, "name=" is. */
static const char *skip_token68(const char *at)
{
    const char *end = at;

    while (isalnum((unsigned char)*end) ||
           (*end != '\0' && strchr("-._~+/", *end) != NULL))
        end++;
    if (end == at)
        return at;
    end += strspn(end, "=");
    return ends_element(end) ? end : at;
}

/* Reads the quoted string at `*at`. NULL when it does not end, or hides controls. */
static char *read_quoted(const char **at)
{
    struct buffer value = {0};
    const char *c = *at + 1;

    for (; *c != '"'; c++) {
        if (*c == '\\')
            c++;
        if (*c == '\0' || ((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) {
            buffer_deinit(&value);
            return NULL;
        }
        buffer_append_char(&value, *c);
    }
    *at = c + 1;
    return buffer_take(&value);
}

/* Reads the value at `*at`, in quotes or without. NULL when there is none. */
static char *read_value(const char **at)
{
    const char *start = *at;

    if (*start == '"')
        return read_quoted(at);
    while ((unsigned char)**at > ' ' && (unsigned char)**at < 0x7f &&
           strchr(",\"\\", **at) == NULL)
        (*at)++;
    return *at > start ? memory_copy_text(start, (size_t)(*at - start)) : NULL;
}

/* --- the list -------------------------------------------------------------------------- */

static bool is_repeated(const struct parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++) {
        if (parameters->all[i].challenge == parameters->challenges &&
            text_equal_nocase(parameters->all[i].name, name))
            return true;
    }
    return false;
}

/* Takes name (taken) and the value at `*at` into the challenge under way. */
static bool add_parameter(struct parameters *parameters, const char *scheme,
                          size_t scheme_length, char *name, const char **at)
{
    char *value = NULL;

    if (scheme != NULL && parameters->count < MOST_PARAMETERS &&
        !is_repeated(parameters, name))
        value = read_value(at);
    if (value == NULL || !ends_element(*at)) {
        free(name);
        free(value);
        return false;
    }
    parameters->all[parameters->count++] =
        (struct parameter){.challenge = parameters->challenges,
                           .scheme = memory_copy_text(scheme, scheme_length),
                           .name = name,
                           .value = value};
    return true;
}

/* Reads the whole field; false when it breaks the grammar. */
static bool parse(const char *field, struct parameters *parameters)
{
    const char *scheme = NULL, *at = field;
    size_t scheme_length = 0;

    if (strlen(field) > MOST_BYTES)
        return false;
    for (;;) {
        at += strspn(at, " \t,");
        if (*at == '\0')
            return true;

        const size_t length = token_length(at);
        const char *behind = skip_space(at + length);

        if (length == 0)
            return false;
        if (*behind == '=') {
            char *name = memory_copy_text(at, length);

            at = skip_space(behind + 1);
            if (!add_parameter(parameters, scheme, scheme_length, name, &at))
                return false;
        } else {
            if (behind == at + length && !ends_element(behind))
                return false; /* neither a space nor a comma ends the scheme */
            scheme = at;
            scheme_length = length;
            parameters->challenges++;
            at = skip_token68(behind);
        }
    }
}

/* The value of `name` in this challenge, or NULL. Borrowed. */
static const char *find(const struct parameters *parameters, size_t challenge,
                        const char *scheme, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->all[i];

        if (parameter->challenge == challenge &&
            text_equal_nocase(parameter->scheme, scheme) &&
            text_equal_nocase(parameter->name, name))
            return parameter->value;
    }
    return NULL;
}

char *challenge_parameter(const char *field, const char *scheme, const char *name)
{
    struct parameters *parameters = memory_new(sizeof *parameters);
    char *found = NULL;

    if (parse(field, parameters)) {
        for (size_t i = 1; i <= parameters->challenges && found == NULL; i++)
            found = memory_copy_string(find(parameters, i, scheme, name));
    }
    deinit(parameters);
    free(parameters);
    return found;
}

/* Base64 of a JSON object, as JSON text; NULL when it is none. */
static char *decode_claims(const char *text)
{
    struct buffer json = {0};
    cJSON *tree = NULL;

    if (base64_decode(&json, text, strlen(text)))
        tree = json_parse(json.data, json.length, NULL);

    char *claims = cJSON_IsObject(tree) ? json_print(tree) : NULL;

    cJSON_Delete(tree);
    buffer_deinit(&json);
    return claims;
}

char *challenge_claims(const char *field)
{
    struct parameters *parameters = memory_new(sizeof *parameters);
    char *claims = NULL;

    if (parse(field, parameters)) {
        for (size_t i = 1; i <= parameters->challenges && claims == NULL; i++) {
            const char *text = find(parameters, i, "Bearer", "claims");
            const char *error = find(parameters, i, "Bearer", "error");

            if (text != NULL && error != NULL &&
                (strcmp(error, "insufficient_claims") == 0 ||
                 strcmp(error, "invalid_token") == 0))
                claims = decode_claims(text);
        }
    }
    deinit(parameters);
    free(parameters);
    return claims;
}
