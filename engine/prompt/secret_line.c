/* engine/prompt/secret_line.c - which strings are given to names that stand for secrets.
 *
 * Lua is looked at as symbols, names and strings; what comes between, and whether it makes
 * sense, does not matter. */
#include "prompt/secret_line.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "model/kind.h"
#include "prompt/secret_look.h"

/* --- names ------------------------------------------------------------------------------- */

/* Bytes of the text, which need not end there. */
struct piece {
    const char *start;
    size_t length;
};

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

/* Whether the name ends with the word, a word of its own: "db_password", "clientSecret". */
static bool ends_with(struct piece name, const char *word)
{
    const size_t length = strlen(word);

    if (name.length < length)
        return false;

    const char *end = name.start + name.length - length;

    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)end[i]) != word[i])
            return false;
    return name.length == length || !is_letter(end[-1]) ||
           (isupper((unsigned char)end[0]) && islower((unsigned char)end[-1]));
}

static bool has_secret_word(struct piece name)
{
    static const char *const words[] = {"password",
                                        "passwd",
                                        "passphrase",
                                        "pwd",
                                        "pass",
                                        "secret",
                                        "secrets",
                                        "token",
                                        "key",
                                        "apikey",
                                        "accesskey",
                                        "sas",
                                        "jwt",
                                        "pin",
                                        "credential",
                                        "credentials",
                                        "connection_string",
                                        "connectionstring",
                                        "connstr"};

    while (name.length > 0 && isdigit((unsigned char)name.start[name.length - 1]))
        name.length--;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (ends_with(name, words[i]))
            return true;
    return false;
}

static bool is_secret_field(const struct field *fields, struct piece name)
{
    for (const struct field *field = fields; field != NULL && field->name != NULL;
         field++) {
        const bool is_it = (field->flags & FIELD_SECRET) != 0 &&
                           field->type == FIELD_STRING &&
                           strlen(field->name) == name.length &&
                           memcmp(field->name, name.start, name.length) == 0;

        if (is_it || is_secret_field(field->items, name))
            return true;
    }
    return false;
}

/* A field of the model that is secret. Some are called "value" or "data". */
static bool is_secret_of_model(struct piece name)
{
    for (size_t i = 0; kinds[i] != NULL; i++)
        if (is_secret_field(kinds[i]->fields, name))
            return true;
    return false;
}

/* --- symbols ----------------------------------------------------------------------------- */

enum symbol_kind { SYMBOL_NAME, SYMBOL_STRING, SYMBOL_SIGN };

struct symbol {
    enum symbol_kind kind;
    struct piece piece; /* of a string: what is in it */
};

enum { BEFORE = 4, DEEPEST = 64 };

struct reader {
    const char *at;
    struct symbol before[BEFORE]; /* the newest first */
    bool is_secret[DEEPEST]; /* whether the table at that depth is one of credentials */
    size_t depth;
    bool writes; /* the name of a verb that writes was read: fields get values */
};

/* The level of the long bracket that begins here, or -1 (Lua 5.4 manual, 3.1). */
static int measure_bracket(const char *at)
{
    const size_t level = at[0] == '[' ? strspn(at + 1, "=") : 0;

    return at[0] == '[' && at[1 + level] == '[' ? (int)level : -1;
}

/* Takes what is in a long bracket, to its end or to that of the text. */
static struct piece read_bracket(struct reader *reader, int level)
{
    const size_t mark = (size_t)level + 2;
    struct piece piece = {reader->at + mark, 0};
    const char *end = piece.start;

    while ((end = strchr(end, ']')) != NULL &&
           (strspn(end + 1, "=") != (size_t)level || end[1 + level] != ']'))
        end++;
    piece.length = end != NULL ? (size_t)(end - piece.start) : strlen(piece.start);
    reader->at = piece.start + piece.length + (end != NULL ? mark : 0);
    return piece;
}

static struct piece read_quoted(struct reader *reader)
{
    const char quote = *reader->at++;
    struct piece piece = {reader->at, 0};

    while (*reader->at != '\0' && *reader->at != quote && *reader->at != '\n')
        reader->at += reader->at[0] == '\\' && reader->at[1] != '\0' ? 2 : 1;
    piece.length = (size_t)(reader->at - piece.start);
    reader->at += *reader->at == quote;
    return piece;
}

static void skip_blanks_and_comments(struct reader *reader)
{
    for (;;) {
        reader->at += strspn(reader->at, " \t\r\n\v\f");
        if (reader->at[0] != '-' || reader->at[1] != '-')
            return;
        reader->at += 2;

        const int level = measure_bracket(reader->at);

        if (level >= 0)
            read_bracket(reader, level);
        else
            reader->at += strcspn(reader->at, "\n");
    }
}

static bool read_symbol(struct reader *reader, struct symbol *symbol)
{
    static const char name[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    skip_blanks_and_comments(reader);

    const char *at = reader->at;
    const int level = measure_bracket(at);
    const size_t letters = strspn(at, name);

    if (*at == '\0')
        return false;
    if (level >= 0 || *at == '"' || *at == '\'') {
        symbol->kind = SYMBOL_STRING;
        symbol->piece = level >= 0 ? read_bracket(reader, level) : read_quoted(reader);
        return true;
    }
    symbol->kind = letters > 0 ? SYMBOL_NAME : SYMBOL_SIGN;
    symbol->piece = (struct piece){at, letters > 0 ? letters : 1};
    if (letters == 0 && at[1] == '=' && strchr("=~<>", at[0]) != NULL)
        symbol->piece.length = 2; /* compares, and gives nothing */
    reader->at += symbol->piece.length;
    return true;
}

/* --- who gets what ----------------------------------------------------------------------- */

static bool is_sign(const struct symbol *symbol, char sign)
{
    return symbol->kind == SYMBOL_SIGN && symbol->piece.length == 1 &&
           *symbol->piece.start == sign;
}

/* The name that gets what comes next, by `name =`, `["name"] =`, `name(` or just `name`. */
static struct piece find_receiver(const struct reader *reader)
{
    const struct symbol *before = reader->before;

    if (is_sign(&before[0], '=') && is_sign(&before[1], ']'))
        return before[2].kind == SYMBOL_STRING ? before[2].piece : (struct piece){"", 0};
    if (is_sign(&before[0], '=') || is_sign(&before[0], '('))
        before++;
    return before[0].kind == SYMBOL_NAME ? before[0].piece : (struct piece){"", 0};
}

static bool is_name(struct piece name, const char *text)
{
    return name.length == strlen(text) && memcmp(name.start, text, name.length) == 0;
}

static bool is_writing_verb(struct piece name)
{
    return is_name(name, "create") || is_name(name, "ensure") || is_name(name, "update");
}

/* Whether the string that is given to the name is a secret. Who is called and does not set it may
 * as well ask by the string: secret("db"). A "value" is one of a named value, or a policy in XML. */
static bool is_secret_of(const struct reader *reader, struct piece name,
                         struct piece string)
{
    if (name.length == 0)
        return false;
    if (!is_sign(&reader->before[0], '='))
        return name.length > 3 && memcmp(name.start, "set", 3) == 0 &&
               has_secret_word(name);
    return has_secret_word(name) ||
           (reader->writes && *string.start != '<' && is_secret_of_model(name));
}

/* put("password", "..."): the second is what the first is called. */
static bool is_named_by_first(const struct reader *reader)
{
    static const char *const verbs[] = {"set", "put", "store", "save", "add", "create"};
    const struct symbol *before = reader->before;

    if (!is_sign(&before[0], ',') || before[1].kind != SYMBOL_STRING ||
        !is_sign(&before[2], '(') || !has_secret_word(before[1].piece))
        return false;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (before[3].kind == SYMBOL_NAME && is_name(before[3].piece, verbs[i]))
            return true;
    return false;
}

static bool is_given_to_secret(const struct reader *reader, struct piece string)
{
    return string.length > 0 &&
           (reader->is_secret[reader->depth] || is_named_by_first(reader) ||
            is_secret_of(reader, find_receiver(reader), string));
}

/* Follows the tables: one that a name of credentials gets, and those within. */
static void follow(struct reader *reader, const struct symbol *symbol)
{
    if (is_sign(symbol, '{') && reader->depth + 1 < DEEPEST) {
        const bool is_secret =
            reader->is_secret[reader->depth] ||
            (is_sign(&reader->before[0], '=') && has_secret_word(find_receiver(reader)));

        reader->is_secret[++reader->depth] = is_secret;
    } else if (is_sign(symbol, '}') && reader->depth > 0) {
        reader->depth--;
    }
    reader->writes =
        reader->writes || (symbol->kind == SYMBOL_NAME && is_writing_verb(symbol->piece));
    memmove(reader->before + 1, reader->before, (BEFORE - 1) * sizeof(reader->before[0]));
    reader->before[0] = *symbol;
}

bool secret_line_is(const char *text)
{
    struct reader reader = {.at = text};
    struct symbol symbol;

    for (size_t i = 0; i < BEFORE; i++)
        reader.before[i] = (struct symbol){SYMBOL_SIGN, {"", 0}};
    while (read_symbol(&reader, &symbol)) {
        if (symbol.kind == SYMBOL_STRING && is_given_to_secret(&reader, symbol.piece))
            return true;
        follow(&reader, &symbol);
    }
    return secret_look_is_in(text);
}
