/* engine/sim/filter.h - OData $filter of Microsoft Graph, as a condition of SQL.
 *
 * Understood: `name eq 'text'`, `name eq true`, `startswith(name,'text')`,
 * `servicePrincipalNames/any(c:c eq 'text')`, `and`, `or`, parentheses. */
#ifndef MOONGATE_SIM_FILTER_H
#define MOONGATE_SIM_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* The texts of a condition are its parameters ?FILTER_FIRST, ?FILTER_FIRST + 1 ... */
enum { FILTER_FIRST = 10, FILTER_TEXTS = 8 };

/* Which index finds the rows. */
enum filter_speed {
    FILTER_IN_ORDER, /* that of the list itself: type and name */
    FILTER_BY_NAME,  /* the same, as it is one equality with the name */
    FILTER_BY_KEY    /* that of the one column that is asked for */
};

struct filter_sql {
    struct buffer condition;
    char *texts[FILTER_TEXTS];
    size_t text_count;
    enum filter_speed speed;
};

/* False when the filter is not understood; release it all the same. */
bool filter_compile(struct filter_sql *sql, const char *filter);
void filter_release(struct filter_sql *sql);

/* Adds a text, lowered, and returns its parameter's number, or 0 when there are too many.
 */
int filter_add_text(struct filter_sql *sql, const char *text, size_t length);

#endif
