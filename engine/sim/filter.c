/* engine/sim/filter.c - OData $filter and $search of Microsoft Graph, as a condition of SQL.
 *
 * Which operators need an advanced query: documented. The most that "or" may join, and that
 * it counts texts of an "in" too: observed and assumed. */
#include "sim/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "sim/graph_model.h"

struct parser {
    const char *start, *at;
    struct filter_sql *sql;
    int depth, negations;
    bool is_conjunction; /* no "or" and no "not" so far */
};

/* A property, and how SQL reads it. */
struct operand {
    const struct graph_property *property;
    unsigned flags;          /* what any type says of it */
    const char *column;      /* lowered; NULL: a member of the body */
    enum filter_speed speed; /* of an equality */
};

/* Columns of the table of objects. */
static const struct {
    const char *name, *column;
    enum filter_speed speed;
} columns[] = {{"displayName", "name_key", FILTER_BY_NAME},
               {"mailNickname", "nickname_key", FILTER_BY_KEY},
               {"userPrincipalName", "upn_key", FILTER_BY_KEY},
               {"id", "object.id", FILTER_BY_KEY},
               {"appId", "coalesce(app_id, client_key)", FILTER_BY_KEY}};

enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

/* ---- words ---- */

static bool fail(struct parser *parser, enum filter_fault fault)
{
    if (parser->sql->fault == FILTER_GOOD) {
        parser->sql->fault = fault;
        parser->sql->at = (size_t)(parser->at - parser->start);
    }
    return false;
}

static void skip_spaces(struct parser *parser)
{
    while (*parser->at == ' ')
        parser->at++;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Passes over `word` when it comes next, whatever its case. */
static bool accept(struct parser *parser, const char *word)
{
    const size_t length = strlen(word);

    skip_spaces(parser);
    if (!text_has_prefix_nocase(parser->at, word) ||
        (is_word(word[length - 1]) && is_word(parser->at[length])))
        return false;
    parser->at += length;
    return true;
}

static bool expect(struct parser *parser, const char *word)
{
    return accept(parser, word) || fail(parser, FILTER_SYNTAX);
}

static bool enter(struct parser *parser)
{
    return ++parser->depth <= FILTER_DEEPEST || fail(parser, FILTER_SIZE);
}

/* Copies the name that comes next into the filter's `name`. */
static bool read_name(struct parser *parser)
{
    size_t length = 0;

    skip_spaces(parser);
    while (is_word(parser->at[length]))
        length++;
    if (length == 0 || length >= FILTER_NAME_SIZE)
        return fail(parser, FILTER_SYNTAX);
    memcpy(parser->sql->name, parser->at, length);
    parser->sql->name[length] = '\0';
    parser->at += length;
    return true;
}

/* ---- properties ---- */

/* Narrows the types to those that have it. */
static bool find_operand(struct parser *parser, struct operand *operand)
{
    const char *name = parser->sql->name;
    unsigned known = 0;

    *operand = (struct operand){0};
    for (size_t i = 0; i < GRAPH_TYPE_COUNT; i++) {
        const struct graph_property *property =
            graph_property_find(&graph_types[i], name, strlen(name));

        if (property == NULL)
            continue;
        known |= 1U << i;
        operand->property = property;
        operand->flags |= property->flags;
    }
    if (known == 0)
        return fail(parser, FILTER_PROPERTY);
    parser->sql->types &= known;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (text_equal_nocase(columns[i].name, name)) {
            operand->column = columns[i].column;
            operand->speed = columns[i].speed;
        }
    }
    parser->sql->reads_body = parser->sql->reads_body || operand->column == NULL;
    return true;
}

static bool read_operand(struct parser *parser, struct operand *operand)
{
    return read_name(parser) && find_operand(parser, operand);
}

/* The member of the object's text, which lies in either of two columns. */
static void append_member(struct buffer *to, const struct operand *operand)
{
    buffer_printf(to, "ifnull(json_extract(body, '$.%s'), json_extract(hidden, '$.%s'))",
                  operand->property->name, operand->property->name);
}

static void append_operand(struct buffer *to, const struct operand *operand)
{
    if (operand->column != NULL) {
        buffer_append_string(to, operand->column);
    } else if (operand->property->shape == GRAPH_TEXT) {
        buffer_append_string(to, "lower(");
        append_member(to, operand);
        buffer_append_char(to, ')');
    } else {
        append_member(to, operand);
    }
}

/* Whether it is one column with an index, and not either of two with one each. */
static bool has_own_index(const struct operand *operand)
{
    return operand->speed == FILTER_BY_KEY && strchr(operand->column, '(') == NULL;
}

/* ---- values ---- */

static int add_text(struct parser *parser, const char *text, size_t length)
{
    struct filter_sql *sql = parser->sql;

    if (sql->text_count == FILTER_TEXTS) {
        fail(parser, FILTER_SIZE);
        return 0;
    }
    sql->texts[sql->text_count] = text_lower(memory_copy_text(text, length));
    return FILTER_FIRST + (int)sql->text_count++;
}

/* A text in quotes; a doubled one stands for itself. Returns its parameter's number, or 0. */
static int read_text(struct parser *parser)
{
    struct buffer text = {0};
    int number = 0;

    skip_spaces(parser);
    if (*parser->at == '\'') {
        for (parser->at++; *parser->at != '\0'; parser->at++) {
            if (*parser->at == '\'' && *++parser->at != '\'') {
                number =
                    add_text(parser, text.data != NULL ? text.data : "", text.length);
                break;
            }
            buffer_append_char(&text, *parser->at);
        }
    }
    buffer_deinit(&text);
    if (number == 0)
        fail(parser, FILTER_SYNTAX);
    return number;
}

/* A date or a GUID stands without quotes. Returns its parameter's number, or 0. */
static int read_bare(struct parser *parser, bool is_date)
{
    char text[CLOCK_TEXT_SIZE + UUID_TEXT_SIZE];
    size_t length = 0;
    int64_t ms;

    skip_spaces(parser);
    while (length < sizeof text - 1 && parser->at[length] != '\0' &&
           strchr(" )", parser->at[length]) == NULL)
        length++;
    memcpy(text, parser->at, length);
    text[length] = '\0';
    if (is_date && strchr(text, 'T') == NULL && length == strlen("2026-01-31"))
        memcpy(text + length, "T00:00:00Z", sizeof "T00:00:00Z");
    if (is_date ? clock_parse_utc(text, &ms) != 0 : !uuid_is_valid(text)) {
        fail(parser, FILTER_SYNTAX);
        return 0;
    }
    parser->at += length;
    return add_text(parser, text, strlen(text));
}

/* ---- terms ---- */

/* In an equality that nothing negates the rows come by the property's index. */
static void note_speed(struct parser *parser, enum filter_speed speed)
{
    struct filter_sql *sql = parser->sql;

    if (!parser->is_conjunction || parser->negations > 0)
        return;
    if (speed == FILTER_BY_KEY || (speed == FILTER_BY_NAME && sql->term_count == 1))
        sql->speed = speed;
}

static void need_advanced(struct parser *parser, const char *operator)
{
    if (parser->sql->advanced == NULL)
        parser->sql->advanced = operator;
}

/* What compares with null is false, and true once it is negated. */
static void open_comparison(struct parser *parser)
{
    if (parser->negations > 0)
        buffer_append_string(&parser->sql->condition, "ifnull(");
}

static void close_comparison(struct parser *parser)
{
    if (parser->negations > 0)
        buffer_append_string(&parser->sql->condition, ", 0)");
}

/* "startsWith" of a subject that SQL reads as `subject`. */
static void append_prefix_test(struct buffer *to, const char *subject, int text)
{
    buffer_printf(to, "(%s >= ?%d AND %s < ?%d || char(1114111))", subject, text, subject,
                  text);
}

static void append_suffix_test(struct buffer *to, const char *subject, int text)
{
    buffer_printf(to, "(?%d = '' OR substr(%s, -length(?%d)) = ?%d)", text, subject, text,
                  text);
}

typedef void append_test(struct buffer *to, const char *subject, int text);

static bool parse_affix(struct parser *parser, append_test *append, unsigned flag)
{
    struct operand operand;
    struct buffer subject = {0};
    int text;

    if (!expect(parser, "(") || !read_operand(parser, &operand))
        return false;
    if (operand.property->shape != GRAPH_TEXT || (operand.flags & flag) == 0)
        return fail(parser, FILTER_CLAUSE);
    if (!expect(parser, ",") || (text = read_text(parser)) == 0 || !expect(parser, ")"))
        return false;
    append_operand(&subject, &operand);
    open_comparison(parser);
    append(&parser->sql->condition, subject.data, text);
    close_comparison(parser);
    buffer_deinit(&subject);
    if (flag == GRAPH_FILTER && has_own_index(&operand))
        note_speed(parser, FILTER_BY_KEY);
    return true;
}

/* "(c:c eq 'x')" or "(c:startsWith(c,'x'))", once "any" was read. */
static bool parse_any(struct parser *parser, const struct operand *operand)
{
    struct filter_sql *sql = parser->sql;
    append_test *append = NULL;
    char name[FILTER_NAME_SIZE], inner[FILTER_NAME_SIZE + 1];
    int text;

    memcpy(name, sql->name, sizeof name); /* messages name the property */
    if (operand->property->shape != GRAPH_TEXTS)
        return fail(parser, FILTER_CLAUSE);
    if (!expect(parser, "(") || !read_name(parser))
        return false;
    memcpy(inner, sql->name, sizeof sql->name);
    memcpy(sql->name, name, sizeof name);
    if (!expect(parser, ":"))
        return false;
    if (accept(parser, "startsWith"))
        append = append_prefix_test;
    else if ((operand->flags & GRAPH_ENDS_WITH) != 0 && accept(parser, "endsWith")) {
        append = append_suffix_test;
        need_advanced(parser, "endsWith");
    }
    if ((append != NULL && !expect(parser, "(")) || !expect(parser, inner) ||
        !expect(parser, append != NULL ? "," : "eq") || (text = read_text(parser)) == 0 ||
        (append != NULL && !expect(parser, ")")) || !expect(parser, ")"))
        return false;
    if (append == NULL && text_equal_nocase(name, "servicePrincipalNames") &&
        uuid_is_valid(sql->texts[text - FILTER_FIRST])) {
        open_comparison(parser);
        buffer_printf(&sql->condition, "app_id = ?%d", text); /* one of them always */
        close_comparison(parser);
        note_speed(parser, FILTER_BY_KEY);
        return true;
    }
    buffer_append_string(&sql->condition, "EXISTS (SELECT 1 FROM json_each(");
    append_member(&sql->condition, operand);
    buffer_append_string(&sql->condition, ") AS entry WHERE ");
    if (append != NULL)
        append(&sql->condition, "lower(entry.value)", text);
    else
        buffer_printf(&sql->condition, "lower(entry.value) = ?%d", text);
    buffer_append_char(&sql->condition, ')');
    return true;
}

static bool parse_in(struct parser *parser, const struct operand *operand)
{
    struct buffer *condition = &parser->sql->condition;
    size_t count = 0;

    if (operand->property->shape != GRAPH_TEXT)
        return fail(parser, FILTER_CLAUSE);
    if (!expect(parser, "("))
        return false;
    open_comparison(parser);
    append_operand(condition, operand);
    buffer_append_string(condition, " IN (");
    do {
        const int text = read_text(parser);

        if (text == 0)
            return false;
        if (++count > FILTER_OR_LIMIT) {
            parser->sql->count = count;
            return fail(parser, FILTER_ALTERNATIVES);
        }
        buffer_printf(condition, "%s?%d", count > 1 ? ", " : "", text);
    } while (accept(parser, ","));
    buffer_append_char(condition, ')');
    close_comparison(parser);
    if (has_own_index(operand))
        note_speed(parser, FILTER_BY_KEY);
    return expect(parser, ")");
}

static bool append_text_equality(struct parser *parser, const struct operand *operand)
{
    struct buffer *condition = &parser->sql->condition;
    const int text = *parser->at == '\'' ? read_text(parser) : read_bare(parser, false);

    if (text == 0)
        return false;
    note_speed(parser, operand->speed);
    if (operand->speed == FILTER_BY_KEY && !has_own_index(operand)) {
        buffer_printf(condition, "(app_id = ?%d OR client_key = ?%d)", text, text);
        return true;
    }
    append_operand(condition, operand);
    buffer_printf(condition, " = ?%d", text);
    return true;
}

/* Appends what follows "eq". */
static bool append_equality(struct parser *parser, const struct operand *operand)
{
    struct buffer *condition = &parser->sql->condition;
    bool is_true;

    if (accept(parser, "null")) {
        append_operand(condition, operand);
        buffer_append_string(condition, " IS NULL");
        return true;
    }
    if (operand->property->shape == GRAPH_FLAG) {
        is_true = accept(parser, "true");
        if (!is_true && !accept(parser, "false"))
            return fail(parser, FILTER_CLAUSE);
        append_operand(condition, operand);
        buffer_printf(condition, " = %d", is_true);
        return true;
    }
    skip_spaces(parser);
    if (operand->property->shape == GRAPH_TEXT)
        return append_text_equality(parser, operand);
    return fail(parser, FILTER_CLAUSE);
}

static bool parse_date(struct parser *parser, const struct operand *operand)
{
    static const char *const operators[][2] = {{"eq", "="}, {"ge", ">="}, {"le", "<="}};
    struct buffer *condition = &parser->sql->condition;
    size_t i = 0;
    int text;

    while (i < 3 && !accept(parser, operators[i][0]))
        i++;
    if (i == 3)
        return fail(parser, FILTER_CLAUSE);
    if ((text = read_bare(parser, true)) == 0)
        return false;
    open_comparison(parser);
    buffer_append_string(condition, "julianday(");
    append_member(condition, operand);
    buffer_printf(condition, ") %s julianday(upper(?%d))", operators[i][1], text);
    close_comparison(parser);
    return true;
}

static bool parse_comparison(struct parser *parser)
{
    struct operand operand;
    bool is_good;

    if (!read_operand(parser, &operand))
        return false;
    if ((operand.flags & GRAPH_FILTER) == 0)
        return fail(parser, FILTER_CLAUSE);
    if (accept(parser, "/"))
        return accept(parser, "any") ? parse_any(parser, &operand)
                                     : fail(parser, FILTER_CLAUSE);
    if (operand.property->shape == GRAPH_DATE)
        return parse_date(parser, &operand);
    if (accept(parser, "in"))
        return parse_in(parser, &operand);
    if (accept(parser, "eq")) {
        open_comparison(parser);
        is_good = append_equality(parser, &operand);
        close_comparison(parser);
        return is_good;
    }
    if (!accept(parser, "ne"))
        return read_name(parser) ? fail(parser, FILTER_CLAUSE) : false;
    need_advanced(parser, "ne");
    parser->negations++;
    buffer_append_string(&parser->sql->condition, "NOT ifnull(");
    is_good = append_equality(parser, &operand);
    buffer_append_string(&parser->sql->condition, ", 0)");
    parser->negations--;
    return is_good;
}

/* ---- expressions ---- */

typedef bool parse_rule(struct parser *parser);

/* What one of the two languages calls things. */
struct grammar {
    const char *and, * or, *not ;
    parse_rule *term;
};

static bool parse_or(struct parser *parser, const struct grammar *grammar);

static bool parse_not(struct parser *parser, const struct grammar *grammar);

static bool parse_term(struct parser *parser, const struct grammar *grammar)
{
    struct buffer *condition = &parser->sql->condition;
    bool is_good;

    if (grammar->not != NULL && accept(parser, grammar->not ))
        return parse_not(parser, grammar);
    if (!accept(parser, "(")) {
        return ++parser->sql->term_count <= FILTER_TERMS ? grammar->term(parser)
                                                         : fail(parser, FILTER_SIZE);
    }
    buffer_append_char(condition, '(');
    is_good = enter(parser) && parse_or(parser, grammar) && expect(parser, ")");
    buffer_append_char(condition, ')');
    parser->depth--;
    return is_good;
}

static bool parse_not(struct parser *parser, const struct grammar *grammar)
{
    bool is_good;

    need_advanced(parser, grammar->not );
    parser->is_conjunction = false;
    parser->sql->speed = FILTER_IN_ORDER;
    parser->negations++;
    buffer_append_string(&parser->sql->condition, "NOT (");
    is_good = enter(parser) && parse_term(parser, grammar);
    buffer_append_char(&parser->sql->condition, ')');
    parser->depth--;
    parser->negations--;
    return is_good;
}

static bool parse_and(struct parser *parser, const struct grammar *grammar)
{
    bool is_good = parse_term(parser, grammar);

    while (is_good && accept(parser, grammar->and)) {
        buffer_append_string(&parser->sql->condition, " AND ");
        is_good = parse_term(parser, grammar);
    }
    if (parser->sql->term_count > 1 && parser->sql->speed == FILTER_BY_NAME)
        parser->sql->speed = FILTER_IN_ORDER;
    return is_good;
}

static bool parse_or(struct parser *parser, const struct grammar *grammar)
{
    bool is_good = parse_and(parser, grammar);
    size_t count = 1;

    while (is_good && accept(parser, grammar->or)) {
        parser->is_conjunction = false;
        parser->sql->speed = FILTER_IN_ORDER;
        buffer_append_string(&parser->sql->condition, " OR ");
        is_good = parse_and(parser, grammar);
        count++;
    }
    if (is_good && count > FILTER_OR_LIMIT) {
        parser->sql->count = count;
        return fail(parser, FILTER_ALTERNATIVES);
    }
    return is_good;
}

static bool parse_filter_term(struct parser *parser)
{
    if (accept(parser, "startsWith"))
        return parse_affix(parser, append_prefix_test, GRAPH_FILTER);
    if (accept(parser, "endsWith")) {
        need_advanced(parser, "endsWith");
        return parse_affix(parser, append_suffix_test, GRAPH_ENDS_WITH);
    }
    return parse_comparison(parser);
}

/* ---- $search ---- */

/* Where a word of displayName or description begins: behind what is no letter or digit. */
static void append_word_test(struct buffer *to, const struct operand *operand, int text)
{
    static const char marks[] = "-_./@,:";

    buffer_append_string(to, "instr(' ' || ");
    for (size_t i = 0; i < sizeof marks - 1; i++)
        buffer_append_string(to, "replace(");
    append_operand(to, operand);
    for (size_t i = 0; i < sizeof marks - 1; i++)
        buffer_printf(to, ", '%c', ' ')", marks[i]);
    buffer_append_string(to, ", ' ' || ");
    for (size_t i = 0; i < sizeof marks - 1; i++)
        buffer_append_string(to, "replace(");
    buffer_printf(to, "?%d", text);
    for (size_t i = 0; i < sizeof marks - 1; i++)
        buffer_printf(to, ", '%c', ' ')", marks[i]);
    buffer_append_char(to, ')');
}

/* "name:text" in double quotes, a backslash before a quote inside. */
static bool parse_search_term(struct parser *parser)
{
    struct operand operand;
    struct buffer text = {0}, subject = {0};
    int number = 0;

    if (!expect(parser, "\"") || !read_operand(parser, &operand))
        return false;
    if ((operand.flags & GRAPH_SEARCH) == 0)
        return fail(parser, FILTER_CLAUSE);
    if (!expect(parser, ":"))
        return false;
    skip_spaces(parser);
    for (; *parser->at != '\0' && *parser->at != '"'; parser->at++) {
        if (*parser->at == '\\' && parser->at[1] != '\0')
            parser->at++;
        buffer_append_char(&text, *parser->at);
    }
    if (text.length > 0 && expect(parser, "\""))
        number = add_text(parser, text.data, text.length);
    else
        fail(parser, FILTER_SYNTAX);
    buffer_deinit(&text);
    if (number == 0)
        return false;
    if (text_equal_nocase(parser->sql->name, "displayName") ||
        text_equal_nocase(parser->sql->name, "description")) {
        append_word_test(&parser->sql->condition, &operand, number);
        return true;
    }
    append_operand(&subject, &operand);
    append_prefix_test(&parser->sql->condition, subject.data, number);
    buffer_deinit(&subject);
    return true;
}

/* ---- whole texts ---- */

static bool parse_all(struct parser *parser, const struct grammar *grammar)
{
    if (!parse_or(parser, grammar))
        return false;
    skip_spaces(parser);
    return *parser->at == '\0' || fail(parser, FILTER_SYNTAX);
}

static const unsigned ALL_TYPES = (1U << GRAPH_TYPE_COUNT) - 1;

bool filter_compile(struct filter_sql *sql, const char *filter)
{
    static const struct grammar grammar = {"and", "or", "not", parse_filter_term};
    struct parser parser = {
        .start = filter, .at = filter, .sql = sql, .is_conjunction = true};

    *sql = (struct filter_sql){.types = ALL_TYPES};
    return parse_all(&parser, &grammar);
}

bool filter_add_search(struct filter_sql *sql, const char *search)
{
    static const struct grammar grammar = {"AND", "OR", NULL, parse_search_term};
    struct parser parser = {.start = search, .at = search, .sql = sql};
    const bool has_filter = sql->condition.length > 0;
    bool is_good;

    if (!has_filter)
        sql->types = ALL_TYPES;
    if (has_filter)
        buffer_append_string(&sql->condition, ") AND (");
    is_good = parse_all(&parser, &grammar);
    if (sql->speed == FILTER_BY_NAME)
        sql->speed = FILTER_IN_ORDER;
    return is_good;
}

void filter_release(struct filter_sql *sql)
{
    buffer_deinit(&sql->condition);
    for (size_t i = 0; i < sql->text_count; i++)
        free(sql->texts[i]);
}
