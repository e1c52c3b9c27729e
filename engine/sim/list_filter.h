/* engine/sim/list_filter.h - OData $filter of Azure Resource Manager's lists, asked of one
 * body after the other.
 *
 * Understood: `name eq 'text'` with the operators eq, ne, gt, ge, lt, le;
 * `contains(name,'text')`, startswith, endswith; `substringof('text',name)`; `and`, `or`,
 * `not`, parentheses. Texts compare without regard to case, and what is not there compares
 * as the empty text (both assumed). */
#ifndef MOONGATE_SIM_LIST_FILTER_H
#define MOONGATE_SIM_LIST_FILTER_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct list_filter;

/* What a list can be asked for. */
enum list_operators {
    LIST_EQUAL = 1,     /* eq, ne */
    LIST_ORDER = 2,     /* gt, ge, lt, le */
    LIST_FUNCTIONS = 4, /* contains, startswith, endswith */
    LIST_SUBSTRING = 8, /* substringof */
    LIST_ALL = 15
};

struct list_field {
    const char *name, *path; /* in the filter; in the body */
    unsigned operators;      /* of enum list_operators */
};

/* Owned by the caller; NULL with what is wrong with the text in `*wrong` (owned by the
 * caller). `fields` ends with a row without name and must outlive the filter. */
struct list_filter *list_filter_parse(const char *text, const struct list_field *fields,
                                      char **wrong);

/* Accepts NULL. */
void list_filter_free(struct list_filter *filter);

bool list_filter_matches(const struct list_filter *filter, const cJSON *body);

#endif
