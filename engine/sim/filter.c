/* engine/sim/filter.c - OData $filter of Microsoft Graph, as a condition of SQL. */
#include "sim/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { DEEPEST = 8 };

struct parser {
    const char *at;
    struct filter_sql *sql;
    int depth;
    size_t term_count;
};

/* What a property is called in the table of objects. */
static const struct {
    const char *name, *column;
    enum filter_speed speed; /* of an equality */
} columns[] = {
    {"displayName", "name_key", FILTER_BY_NAME},
    {"mailNickname", "nickname_key", FILTER_BY_KEY},
    {"userPrincipalName", "upn_key", FILTER_BY_KEY},
    {"id", "id", FILTER_BY_KEY},
    {"appId", "app_id", FILTER_BY_KEY},
    {"mail", "lower(json_extract(body, '$.mail'))", FILTER_IN_ORDER},
    {"givenName", "lower(json_extract(body, '$.givenName'))", FILTER_IN_ORDER},
    {"surname", "lower(json_extract(body, '$.surname'))", FILTER_IN_ORDER},
    {"securityEnabled", "json_extract(body, '$.securityEnabled')", FILTER_IN_ORDER},
    {"mailEnabled", "json_extract(body, '$.mailEnabled')", FILTER_IN_ORDER}};

enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static void skip_spaces(struct parser *parser)
{
    while (*parser->at == ' ')
        parser->at++;
}

/* Passes over `word` when it comes next, whatever its case. */
static bool accept(struct parser *parser, const char *word)
{
    const size_t length = strlen(word);

    skip_spaces(parser);
    if (!text_has_prefix_nocase(parser->at, word) ||
        (isalpha((unsigned char)word[length - 1]) &&
         isalnum((unsigned char)parser->at[length])))
        return false;
    parser->at += length;
    return true;
}

/* The index of the property that comes next, or COLUMN_COUNT. */
static size_t accept_column(struct parser *parser)
{
    size_t i = 0;

    while (i < COLUMN_COUNT && !accept(parser, columns[i].name))
        i++;
    return i;
}

int filter_add_text(struct filter_sql *sql, const char *text, size_t length)
{
    if (sql->text_count == FILTER_TEXTS)
        return 0;
    sql->texts[sql->text_count] = text_lower(memory_copy_text(text, length));
    return FILTER_FIRST + (int)sql->text_count++;
}

/* A text in quotes; a doubled one stands for itself. Returns its parameter's number, or
 * 0. */
static int accept_text(struct parser *parser)
{
    struct buffer text = {0};
    int number = 0;

    skip_spaces(parser);
    if (*parser->at != '\'')
        return 0;
    for (parser->at++; *parser->at != '\0'; parser->at++) {
        if (*parser->at == '\'' && *++parser->at != '\'') {
            number = filter_add_text(parser->sql, text.data != NULL ? text.data : "",
                                     text.length);
            break;
        }
        buffer_append_char(&text, *parser->at);
    }
    buffer_deinit(&text);
    return number;
}

static bool parse_starts_with(struct parser *parser)
{
    const size_t column = accept(parser, "(") ? accept_column(parser) : COLUMN_COUNT;
    const int text =
        column < COLUMN_COUNT && accept(parser, ",") ? accept_text(parser) : 0;

    if (text == 0 || !accept(parser, ")"))
        return false;
    buffer_printf(&parser->sql->condition, "(%s >= ?%d AND %s < ?%d || char(1114111))",
                  columns[column].column, text, columns[column].column, text);
    return true;
}

static bool parse_equality(struct parser *parser)
{
    const size_t column = accept_column(parser);
    struct buffer *condition = &parser->sql->condition;
    int text;

    if (column == COLUMN_COUNT || !accept(parser, "eq"))
        return false;
    if (accept(parser, "true")) {
        buffer_printf(condition, "%s = 1", columns[column].column);
    } else if (accept(parser, "false")) {
        buffer_printf(condition, "%s = 0", columns[column].column);
    } else if ((text = accept_text(parser)) != 0) {
        buffer_printf(condition, "%s = ?%d", columns[column].column, text);
        parser->sql->speed =
            parser->term_count == 1 ? columns[column].speed : FILTER_IN_ORDER;
    } else {
        return false;
    }
    return true;
}

/* The names of a service principal are its application id. */
static bool parse_names(struct parser *parser)
{
    const bool is_begun =
        accept(parser, "(") && accept(parser, "c:c") && accept(parser, "eq");
    const int text = is_begun ? accept_text(parser) : 0;

    if (text == 0 || !accept(parser, ")"))
        return false;
    buffer_printf(&parser->sql->condition, "app_id = ?%d", text);
    parser->sql->speed = parser->term_count == 1 ? FILTER_BY_KEY : FILTER_IN_ORDER;
    return true;
}

static bool parse_or(struct parser *parser);

static bool parse_term(struct parser *parser)
{
    bool is_good;

    if (accept(parser, "(")) {
        if (++parser->depth > DEEPEST)
            return false;
        buffer_append_char(&parser->sql->condition, '(');
        is_good = parse_or(parser) && accept(parser, ")");
        buffer_append_char(&parser->sql->condition, ')');
        return is_good;
    }
    parser->term_count++;
    parser->sql->speed = FILTER_IN_ORDER;
    if (accept(parser, "startswith"))
        return parse_starts_with(parser);
    if (accept(parser, "servicePrincipalNames/any"))
        return parse_names(parser);
    return parse_equality(parser);
}

static bool parse_and(struct parser *parser)
{
    bool is_good = parse_term(parser);

    while (is_good && accept(parser, "and")) {
        buffer_append_string(&parser->sql->condition, " AND ");
        is_good = parse_term(parser);
    }
    return is_good;
}

static bool parse_or(struct parser *parser)
{
    bool is_good = parse_and(parser);

    while (is_good && accept(parser, "or")) {
        buffer_append_string(&parser->sql->condition, " OR ");
        is_good = parse_and(parser);
    }
    return is_good;
}

bool filter_compile(struct filter_sql *sql, const char *filter)
{
    struct parser parser = {.at = filter, .sql = sql};

    *sql = (struct filter_sql){0};
    if (!parse_or(&parser))
        return false;
    skip_spaces(&parser);
    return *parser.at == '\0';
}

void filter_release(struct filter_sql *sql)
{
    buffer_deinit(&sql->condition);
    for (size_t i = 0; i < sql->text_count; i++)
        free(sql->texts[i]);
}
