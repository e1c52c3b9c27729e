/* engine/prompt/nesting.c - how deep code is in blocks and brackets, line by line. */
#include "prompt/nesting.h"

#include <ctype.h>
#include <string.h>

struct piece {
    const char *at, *end;
};

static bool is_in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Which way a word leads: into a block, out of one, or neither. "while" and "for" have a "do". */
static int turn_of_word(const char *word, size_t length)
{
    static const struct {
        const char *word;
        int turn;
    } words[] = {{"do", 1},     {"function", 1}, {"if", 1},
                 {"repeat", 1}, {"end", -1},     {"until", -1}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == length && memcmp(words[i].word, word, length) == 0)
            return words[i].turn;
    }
    return 0;
}

static void read_word(struct nesting *nesting, struct piece *rest)
{
    const char *start = rest->at;

    while (rest->at < rest->end && is_in_name(*rest->at))
        rest->at++;
    nesting->depth += turn_of_word(start, (size_t)(rest->at - start));
}

/* A long bracket that begins here ("[[", "[==["). */
static bool open_bracket(struct nesting *nesting, struct piece *rest)
{
    const char *at = rest->at;

    if (at == rest->end || *at++ != '[')
        return false;
    while (at < rest->end && *at == '=')
        at++;
    if (at == rest->end || *at != '[')
        return false;
    nesting->quote = '[';
    nesting->level = (size_t)(at - rest->at - 1);
    rest->at = at + 1;
    return true;
}

static bool closes_bracket(const struct nesting *nesting, const char *at, const char *end)
{
    if ((size_t)(end - at) < nesting->level + 2 || at[0] != ']')
        return false;
    for (size_t i = 1; i <= nesting->level; i++) {
        if (at[i] != '=')
            return false;
    }
    return at[nesting->level + 1] == ']';
}

static void read_bracket(struct nesting *nesting, struct piece *rest)
{
    while (rest->at < rest->end && !closes_bracket(nesting, rest->at, rest->end))
        rest->at++;
    if (rest->at < rest->end) {
        rest->at += nesting->level + 2;
        nesting->quote = '\0';
    }
}

static void read_escape(struct nesting *nesting, struct piece *rest)
{
    rest->at++;
    nesting->skips_blanks = rest->at < rest->end && *rest->at == 'z';
    if (rest->at < rest->end)
        rest->at++;
}

/* A short string ends with its line, unless a backslash takes the line end in. */
static void read_string(struct nesting *nesting, struct piece *rest)
{
    while (rest->at < rest->end) {
        const char c = *rest->at;

        if (nesting->skips_blanks && isspace((unsigned char)c)) {
            rest->at++;
            continue;
        }
        nesting->skips_blanks = false;
        if (c == '\\') {
            read_escape(nesting, rest);
            continue;
        }
        rest->at++;
        if (c == nesting->quote || c == '\n') {
            nesting->quote = '\0';
            return;
        }
    }
}

static void read_comment(struct nesting *nesting, struct piece *rest)
{
    rest->at += 2;
    if (!open_bracket(nesting, rest))
        rest->at = rest->end;
}

static void read_sign(struct nesting *nesting, struct piece *rest)
{
    const char c = *rest->at;

    if (open_bracket(nesting, rest))
        return;
    rest->at++;
    if (c == '"' || c == '\'')
        nesting->quote = c;
    else if (strchr("([{", c) != NULL)
        nesting->depth++;
    else if (strchr(")]}", c) != NULL)
        nesting->depth--;
}

void nesting_read(struct nesting *nesting, const char *line, size_t length)
{
    struct piece rest = {line, line + length};

    while (rest.at < rest.end) {
        if (nesting->quote == '[')
            read_bracket(nesting, &rest);
        else if (nesting->quote != '\0')
            read_string(nesting, &rest);
        else if (is_in_name(*rest.at))
            read_word(nesting, &rest);
        else if (rest.end - rest.at >= 2 && rest.at[0] == '-' && rest.at[1] == '-')
            read_comment(nesting, &rest);
        else
            read_sign(nesting, &rest);
    }
}

bool nesting_is_open(const struct nesting *nesting)
{
    return nesting->depth > 0 || nesting->quote != '\0';
}
