/* engine/sim/list_filter.c - OData $filter of Azure Resource Manager's lists. */
#include "sim/list_filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { DEEPEST = 32 };

enum comparison {
    EQ,
    NE,
    GT,
    GE,
    LT,
    LE,
    CONTAINS,
    STARTS_WITH,
    ENDS_WITH,
    SUBSTRING_OF,
    COMPARISON_COUNT
};

static const struct {
    const char *name;
    unsigned operators;
} comparisons[COMPARISON_COUNT] = {
    [EQ] = {"eq", LIST_EQUAL},
    [NE] = {"ne", LIST_EQUAL},
    [GT] = {"gt", LIST_ORDER},
    [GE] = {"ge", LIST_ORDER},
    [LT] = {"lt", LIST_ORDER},
    [LE] = {"le", LIST_ORDER},
    [CONTAINS] = {"contains", LIST_FUNCTIONS},
    [STARTS_WITH] = {"startswith", LIST_FUNCTIONS},
    [ENDS_WITH] = {"endswith", LIST_FUNCTIONS},
    [SUBSTRING_OF] = {"substringof", LIST_SUBSTRING},
};

enum node_type { NODE_COMPARE, NODE_AND, NODE_OR, NODE_NOT };

struct list_filter {
    enum node_type type;
    struct list_filter *left, *right;
    const struct list_field *field;
    enum comparison comparison;
    char *text; /* lowered */
};

struct parser {
    const char *text, *at;
    const struct list_field *fields;
    char *wrong;
    int depth;
};

/* ---- reading ---- */

static struct list_filter *fail(struct parser *parser)
{
    struct buffer known = {0};

    for (const struct list_field *field = parser->fields; field->name != NULL; field++)
        buffer_printf(&known, "%s%s", known.length > 0 ? ", " : "", field->name);
    if (parser->wrong == NULL)
        parser->wrong =
            memory_format("The filter '%s' is not understood at position %zu. "
                          "It can ask for: %s.",
                          parser->text, (size_t)(parser->at - parser->text),
                          known.data != NULL ? known.data : "nothing");
    buffer_deinit(&known);
    return NULL;
}

static void skip_spaces(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static bool accept_char(struct parser *parser, char c)
{
    skip_spaces(parser);
    if (*parser->at != c)
        return false;
    parser->at++;
    return true;
}

/* The length of the word that comes next. */
static size_t word_length(struct parser *parser)
{
    size_t length = 0;

    skip_spaces(parser);
    while (isalnum((unsigned char)parser->at[length]) || parser->at[length] == '/' ||
           parser->at[length] == '_')
        length++;
    return length;
}

static bool is_word(const struct parser *parser, size_t length, const char *word)
{
    return strlen(word) == length && text_has_prefix_nocase(parser->at, word);
}

static bool accept_word(struct parser *parser, const char *word)
{
    const size_t length = word_length(parser);

    if (!is_word(parser, length, word))
        return false;
    parser->at += length;
    return true;
}

static const struct list_field *read_field(struct parser *parser)
{
    const size_t length = word_length(parser);

    for (const struct list_field *field = parser->fields; field->name != NULL; field++) {
        if (is_word(parser, length, field->name)) {
            parser->at += length;
            return field;
        }
    }
    return NULL;
}

/* In quotes; a doubled one stands for itself. Owned by the caller, or NULL. */
static char *read_text(struct parser *parser)
{
    struct buffer text = {0};

    if (!accept_char(parser, '\''))
        return NULL;
    for (; *parser->at != '\0'; parser->at++) {
        if (*parser->at == '\'' && *++parser->at != '\'')
            return text_lower(buffer_take(&text));
        buffer_append_char(&text, *parser->at);
    }
    buffer_deinit(&text);
    return NULL;
}

static enum comparison read_comparison(struct parser *parser, enum comparison first,
                                       enum comparison last)
{
    for (enum comparison i = first; i <= last; i++) {
        if (accept_word(parser, comparisons[i].name))
            return i;
    }
    return COMPARISON_COUNT;
}

/* Behind the name of a function. */
static bool read_call(struct parser *parser, struct list_filter *filter)
{
    const bool is_turned = filter->comparison == SUBSTRING_OF;

    if (!accept_char(parser, '('))
        return false;
    if (is_turned &&
        ((filter->text = read_text(parser)) == NULL || !accept_char(parser, ',')))
        return false;
    filter->field = read_field(parser);
    if (filter->field == NULL)
        return false;
    if (!is_turned &&
        (!accept_char(parser, ',') || (filter->text = read_text(parser)) == NULL))
        return false;
    return accept_char(parser, ')');
}

static struct list_filter *read_compare(struct parser *parser)
{
    struct list_filter *filter = memory_new(sizeof *filter);
    bool is_good;

    filter->comparison = read_comparison(parser, CONTAINS, SUBSTRING_OF);
    if (filter->comparison != COMPARISON_COUNT) {
        is_good = read_call(parser, filter);
    } else {
        filter->field = read_field(parser);
        filter->comparison = read_comparison(parser, EQ, LE);
        is_good = filter->field != NULL && filter->comparison != COMPARISON_COUNT &&
                  (filter->text = read_text(parser)) != NULL;
    }
    if (is_good &&
        (filter->field->operators & comparisons[filter->comparison].operators) != 0)
        return filter;
    if (is_good)
        parser->wrong = memory_format(
            "The filter '%s' asks '%s' of '%s', which cannot be "
            "asked that way.",
            parser->text, comparisons[filter->comparison].name, filter->field->name);
    list_filter_free(filter);
    return fail(parser);
}

static struct list_filter *join(enum node_type type, struct list_filter *left,
                                struct list_filter *right)
{
    struct list_filter *filter = memory_new(sizeof *filter);

    filter->type = type;
    filter->left = left;
    filter->right = right;
    return filter;
}

static struct list_filter *read_or(struct parser *parser);

static struct list_filter *read_term(struct parser *parser)
{
    struct list_filter *filter;

    if (++parser->depth > DEEPEST)
        return fail(parser);
    if (accept_word(parser, "not")) {
        filter = read_term(parser);
        filter = filter != NULL ? join(NODE_NOT, filter, NULL) : NULL;
    } else if (accept_char(parser, '(')) {
        filter = read_or(parser);
        if (filter != NULL && !accept_char(parser, ')')) {
            list_filter_free(filter);
            filter = fail(parser);
        }
    } else {
        filter = read_compare(parser);
    }
    parser->depth--;
    return filter;
}

static struct list_filter *read_and(struct parser *parser)
{
    struct list_filter *filter = read_term(parser), *next;

    while (filter != NULL && accept_word(parser, "and")) {
        if ((next = read_term(parser)) == NULL) {
            list_filter_free(filter);
            return NULL;
        }
        filter = join(NODE_AND, filter, next);
    }
    return filter;
}

static struct list_filter *read_or(struct parser *parser)
{
    struct list_filter *filter = read_and(parser), *next;

    while (filter != NULL && accept_word(parser, "or")) {
        if ((next = read_and(parser)) == NULL) {
            list_filter_free(filter);
            return NULL;
        }
        filter = join(NODE_OR, filter, next);
    }
    return filter;
}

struct list_filter *list_filter_parse(const char *text, const struct list_field *fields,
                                      char **wrong)
{
    struct parser parser = {.text = text, .at = text, .fields = fields};
    struct list_filter *filter = read_or(&parser);

    skip_spaces(&parser);
    if (filter != NULL && *parser.at != '\0') {
        list_filter_free(filter);
        filter = fail(&parser);
    }
    *wrong = parser.wrong;
    return filter;
}

void list_filter_free(struct list_filter *filter)
{
    if (filter == NULL)
        return;
    list_filter_free(filter->left);
    list_filter_free(filter->right);
    free(filter->text);
    free(filter);
}

/* ---- asking ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool compare(const struct list_filter *filter, const char *value)
{
    const int order = strcmp(value, filter->text);

    switch (filter->comparison) {
    case EQ:
        return order == 0;
    case NE:
        return order != 0;
    case GT:
        return order > 0;
    case GE:
        return order >= 0;
    case LT:
        return order < 0;
    case LE:
        return order <= 0;
    case CONTAINS:
    case SUBSTRING_OF:
        return strstr(value, filter->text) != NULL;
    case STARTS_WITH:
        return strncmp(value, filter->text, strlen(filter->text)) == 0;
    case ENDS_WITH:
        return ends_with(value, filter->text);
    case COMPARISON_COUNT:
        break;
    }
    return false;
}

bool list_filter_matches(const struct list_filter *filter, const cJSON *body)
{
    const char *text;
    char *value;
    bool is_match;

    switch (filter->type) {
    case NODE_AND:
        return list_filter_matches(filter->left, body) &&
               list_filter_matches(filter->right, body);
    case NODE_OR:
        return list_filter_matches(filter->left, body) ||
               list_filter_matches(filter->right, body);
    case NODE_NOT:
        return !list_filter_matches(filter->left, body);
    case NODE_COMPARE:
        break;
    }
    text = json_string_at(body, filter->field->path);
    value = text_lower(memory_copy_string(text != NULL ? text : ""));
    is_match = compare(filter, value);
    free(value);
    return is_match;
}
