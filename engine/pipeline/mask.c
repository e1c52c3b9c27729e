/* engine/pipeline/mask.c - URLs, header fields and text without their secrets. */
#include "pipeline/mask.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "pipeline/mask_parts.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

const char mask_hidden[] = "[hidden]";

/* --- what the model says ---------------------------------------------------------------- */

static void gather(struct mask *mask, const struct kind *kind, const struct field *fields,
                   const char *prefix)
{
    for (const struct field *field = fields; field != NULL && field->name != NULL;
         field++) {
        char *path =
            memory_format("%s%s%s", prefix, prefix[0] != '\0' ? "." : "", field->path);

        if (field->type != FIELD_MAP)
            gather(mask, kind, field->items, path);
        if ((field->flags & FIELD_SECRET) == 0) {
            free(path);
            continue;
        }
        mask->secrets = memory_resize(mask->secrets,
                                      (mask->secret_count + 1) * sizeof *mask->secrets);
        mask->secrets[mask->secret_count++] = (struct mask_secret){kind, path};
    }
}

struct mask *mask_new(void)
{
    struct mask *mask = memory_new(sizeof *mask);

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++)
        gather(mask, *kind, (*kind)->fields, "");
    return mask;
}

void mask_free(struct mask *mask)
{
    if (mask == NULL)
        return;
    for (size_t i = 0; i < mask->secret_count; i++)
        free(mask->secrets[i].path);
    free(mask->secrets);
    free(mask->origin);
    free(mask->name);
    free(mask);
}

void mask_set_alias(struct mask *mask, const char *origin, const char *name)
{
    free(mask->origin);
    free(mask->name);
    mask->origin = memory_copy_string(origin);
    mask->name = memory_copy_string(name);
}

/* The length of the aliased origin when `text` begins with it, or 0. */
static size_t match_origin(const struct mask *mask, const char *text, size_t length)
{
    const size_t origin = mask->origin != NULL ? strlen(mask->origin) : 0;

    return origin > 0 && origin <= length && strncmp(text, mask->origin, origin) == 0
               ? origin
               : 0;
}

/* --- text --------------------------------------------------------------------------------- */

/* A name in front of a secret, as in "AccountKey=..." and password="...", and in JSON or YAML
 * that is part of a text: "password": "...". */
static const char *const secret_names[] = {
    "accesskey",        "accountkey", "api-key", "apikey", "assertion", "password",
    "passphrase",       "pwd",        "sas",     "secret", "sig",       "signature",
    "subscription-key", "token",
};

/* A word in front of a secret, or its beginning. */
static const struct lead {
    const char *text;
    size_t shortest; /* of what follows; less is a word of a sentence */
    bool is_part;    /* it belongs to the secret */
} leads[] = {
    {.text = "bearer ", .shortest = 8},
    {.text = "basic ", .shortest = 8},
    {.text = "sharedkey ", .shortest = 8},
    {.text = "code=", .shortest = 16},
    {.text = "sig%3d", .shortest = 1},
    {.text = "eyj", .shortest = 17, .is_part = true}, /* a JWT: {" in base64 */
};

static const char separators[] = " \t\r\n\"'`&;,<>()\\";

static bool begins_with(const char *text, const char *end, const char *word)
{
    const size_t length = strlen(word);

    return (size_t)(end - text) >= length && strncasecmp(text, word, length) == 0;
}

static const char *skip_blanks(const char *text, const char *end)
{
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    return text;
}

/* Over a quote, also one that is itself in quotes: \" */
static const char *skip_quote(const char *text, const char *end)
{
    const char *at = text < end && *text == '\\' ? text + 1 : text;

    return at < end && (*at == '"' || *at == '\'') ? at + 1 : text;
}

/* Where the value begins that is given to the name which has just ended; NULL when none is. */
static const char *find_value(const char *text, const char *end)
{
    const char *sign = skip_blanks(skip_quote(text, end), end), *value;

    if (sign == end || (*sign != '=' && *sign != ':'))
        return NULL;
    value = skip_quote(skip_blanks(sign + 1, end), end);
    return *sign == '=' || *text == '"' || *text == '\\' || value[-1] == '"' ? value
                                                                             : NULL;
}

static bool stands_alone(const char *text, const char *begin)
{
    return text == begin ||
           (!isalnum((unsigned char)text[-1]) && text[-1] != '-' && text[-1] != '_') ||
           (text - begin >= 6 && memcmp(text - 6, "\\u0026", 6) == 0); /* & in JSON */
}

static const char *find_separator(const char *text, const char *end)
{
    while (text < end && strchr(separators, *text) == NULL)
        text++;
    return text;
}

/* A stretch of a text. */
struct stretch {
    const char *from, *to;
};

static bool find_named(const char *text, const char *end, struct stretch *secret)
{
    for (size_t i = 0; i < COUNT(secret_names); i++) {
        const char *name = secret_names[i], *value;

        if (tolower((unsigned char)*text) != name[0] || !begins_with(text, end, name))
            continue;
        value = find_value(text + strlen(name), end);
        if (value == NULL)
            continue;
        *secret = (struct stretch){value, find_separator(value, end)};
        if (secret->to > value)
            return true;
    }
    return false;
}

static bool find_led(const char *text, const char *begin, const char *end,
                     struct stretch *secret)
{
    for (size_t i = 0; i < COUNT(leads); i++) {
        const struct lead *lead = &leads[i];

        if (tolower((unsigned char)*text) != lead->text[0] ||
            !begins_with(text, end, lead->text) || !stands_alone(text, begin))
            continue;

        const char *value = text + strlen(lead->text);
        const char *after = find_separator(value, end);

        *secret = (struct stretch){lead->is_part ? text : value, after};
        if ((size_t)(after - value) >= lead->shortest)
            return true;
    }
    return false;
}

/* A private key in PEM (RFC 7468), from its first line to its last. */
static bool find_pem(const char *text, const char *end, struct stretch *secret)
{
    static const char key[] = "PRIVATE KEY-----", last[] = "-----END";
    const char *at = text;

    if (*text != '-' || !begins_with(text, end, "-----BEGIN "))
        return false;
    while (at < end && *at != '\n' && *at != '\\' && !begins_with(at, end, key))
        at++;
    if (!begins_with(at, end, key))
        return false;
    while (at < end && !begins_with(at, end, last))
        at++;
    *secret = (struct stretch){text, at};
    return true;
}

/* Whether it has nothing that a secret, or an origin, needs: most texts are names and ids. */
static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];

        if (c == '=' || c == ':' || c == ' ' || c == '%' ||
            ((c == 'e' || c == 'E') && i + 1 < length && (text[i + 1] | 0x20) == 'y'))
            return false;
    }
    return true;
}

/* How many bytes of the text, at most `limit`, are whole characters of UTF-8. */
static size_t cut_length(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

void mask_append_text(const struct mask *mask, struct buffer *to, const char *text,
                      size_t length, size_t limit)
{
    if (is_plain(text, length)) {
        buffer_append(to, text, cut_length(text, length, limit));
        return;
    }

    const char *at = text, *end = text + length,
               *stop = text + cut_length(text, length, limit);
    struct stretch secret;

    while (at < stop) {
        const size_t origin = match_origin(mask, at, (size_t)(end - at));

        if (origin > 0) {
            buffer_append_string(to, mask->name);
            at += origin;
        } else if (find_pem(at, end, &secret) || find_named(at, end, &secret) ||
                   find_led(at, text, end, &secret)) {
            const char *seen = secret.from < stop ? secret.from : stop;

            buffer_append(to, at, (size_t)(seen - at));
            buffer_append_string(to, seen < stop ? mask_hidden : "");
            at = secret.to;
        } else {
            buffer_append_char(to, *at++);
        }
    }
}

/* --- URLs --------------------------------------------------------------------------------- */

/* Parameters whose values are no secrets; besides them those of OData, "$filter". */
static bool is_harmless(const char *name, size_t length)
{
    static const char *const names[] = {
        "api-version", "asynccode",       "asyncid",
        "comp",        "deleterevisions", "deletesubscriptions",
        "delimiter",   "export",          "format",
        "import",      "include",         "marker",
        "maxresults",  "prefix",          "resource",
        "restype",     "timeout",
    };

    if (length > 0 && (name[0] == '$' || (length > 3 && memcmp(name, "%24", 3) == 0)))
        return true;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
            return true;
    }
    return false;
}

static void append_query(const struct mask *mask, struct buffer *to, const char *query)
{
    const char *between = "?";

    while (*query != '\0') {
        const size_t length = strcspn(query, "&#"), name = strcspn(query, "=&#");

        buffer_append_string(to, between);
        if (is_harmless(query, name)) {
            mask_append_text(mask, to, query, length, length);
        } else {
            buffer_append(to, query, name);
            if (name < length)
                buffer_printf(to, "=%s", mask_hidden);
        }
        between = "&";
        query += length + (query[length] != '\0' ? 1 : 0);
    }
}

void mask_append_url(const struct mask *mask, struct buffer *to, const char *url,
                     bool with_query)
{
    const size_t path = strcspn(url, "?#");

    mask_append_text(mask, to, url, path, path);
    if (with_query && url[path] == '?')
        append_query(mask, to, url + path + 1);
}

/* --- header fields ------------------------------------------------------------------------ */

static bool is_secret_field(const char *name, size_t length)
{
    static const char *const parts[] = {"authorization", "cookie", "identity-header",
                                        "password",      "secret", "signature",
                                        "token"};

    for (size_t i = 0; i < COUNT(parts); i++) {
        const size_t part = strlen(parts[i]);

        for (size_t at = 0; at + part <= length; at++) {
            if (strncasecmp(name + at, parts[i], part) == 0)
                return true;
        }
    }
    return length >= 3 && strncasecmp(name + length - 3, "key", 3) == 0;
}

void mask_append_field(const struct mask *mask, struct buffer *to, const char *name,
                       size_t name_length, const char *value)
{
    buffer_append(to, name, name_length);
    buffer_append_string(to, ": ");
    if (is_secret_field(name, name_length))
        buffer_append_string(to, mask_hidden);
    else if (url_origin_length(value) > 0)
        mask_append_url(mask, to, value, true);
    else
        mask_append_text(mask, to, value, strlen(value), strlen(value));
}

/* --- bodies ------------------------------------------------------------------------------- */

/* Whose body goes to or comes from `path`, also as one of a list; NULL when it may be
 * anybody's. */
static const struct kind *find_kind(const char *path)
{
    char *as_list = memory_format("%s/x", path);
    const struct kind *found = NULL;

    for (const struct kind *const *kind = kinds; found == NULL && *kind != NULL; kind++) {
        if (strstr(path, "/providers/") != NULL &&
            (kind_has_id(*kind, path) || kind_has_id(*kind, as_list)))
            found = *kind;
    }
    free(as_list);
    return found;
}

static bool is_json(const char *body, size_t length)
{
    size_t at = length >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < length && strchr(" \t\r\n", body[at]) != NULL)
        at++;
    return at < length && (body[at] == '{' || body[at] == '[');
}

void mask_append_body(const struct mask *mask, struct buffer *to, const char *url,
                      const char *body, size_t length, size_t limit)
{
    const size_t cut = cut_length(body, length, limit);
    size_t read = cut;

    if (!text_is_utf8(body, cut) || memchr(body, '\0', cut) != NULL) {
        buffer_printf(to, "[%zu bytes, no text]", length);
        return;
    }
    if (is_json(body, length)) {
        char *path = memory_copy_text(url_path(url), strcspn(url_path(url), "?#"));

        read = mask_append_json(mask, to, find_kind(path), body, length, limit);
        free(path);
    } else {
        mask_append_text(mask, to, body, length, limit);
    }
    if (read < length)
        buffer_printf(to, "\n... [cut: it has %zu bytes]", length);
}
