/* engine/sim/filter.h - OData $filter and $search of Microsoft Graph, as a condition of SQL
 * on the directory's table of objects.
 *
 *   filter   = and *( "or" and );  and = term *( "and" term )
 *   term     = "(" filter ")" / "not" term / "startsWith(" name "," text ")"
 *            / "endsWith(" name "," text ")" / name operator value / name "in (" texts ")"
 *            / name "/any(" x ":" x "eq" text / "startsWith(" x "," text ")" .. ")"
 *   operator = "eq" / "ne" / "ge" / "le", the latter two of dates
 *   value    = 'text' (a doubled quote stands for itself) / true / false / null / date / guid
 *   search   = the same of "name:text" in double quotes with AND, OR and parentheses
 *
 * Which properties there are, of which type, says sim/graph_model.h. Texts compare without
 * regard to ASCII case. Work and memory are linear in the length of the text. */
#ifndef MOONGATE_SIM_FILTER_H
#define MOONGATE_SIM_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* The texts of a condition are its parameters ?FILTER_FIRST, ?FILTER_FIRST + 1 .. */
enum {
    FILTER_FIRST = 10,
    FILTER_TEXTS = 40,
    FILTER_TERMS = 40,
    FILTER_DEEPEST = 8,  /* parentheses and "not" */
    FILTER_OR_LIMIT = 15 /* terms joined by "or", and texts of an "in" */
};

/* Which index finds the rows. */
enum filter_speed {
    FILTER_IN_ORDER, /* that of the list itself: type and name */
    FILTER_BY_NAME,  /* the same, as it is one equality with the name */
    FILTER_BY_KEY    /* that of the one column that is asked for */
};

enum filter_fault {
    FILTER_GOOD,
    FILTER_SYNTAX,      /* `at` says where */
    FILTER_PROPERTY,    /* no type has a property of this name */
    FILTER_CLAUSE,      /* the property does not take this operator or value */
    FILTER_SIZE,        /* too deep, or too many terms or texts */
    FILTER_ALTERNATIVES /* too many joined by "or": `count` */
};

enum { FILTER_NAME_SIZE = 64 };

struct filter_sql {
    struct buffer condition;
    char *texts[FILTER_TEXTS];
    size_t text_count;
    enum filter_speed speed;
    size_t term_count;
    bool reads_body; /* not columns alone */
    unsigned types;  /* bit i: graph_types[i] has all the properties that are named */
    const char *advanced; /* an operator that asks for an advanced query, or NULL */

    /* what is wrong with it */
    enum filter_fault fault;
    char name[FILTER_NAME_SIZE]; /* the property that was read last */
    size_t at, count;
};

/* False when the text is not understood, and then `fault` says why. Release it either way. */
bool filter_compile(struct filter_sql *sql, const char *filter);

/* Adds a $search, as one more condition, to what filter_compile() has left, or to a zeroed
 * struct. */
bool filter_add_search(struct filter_sql *sql, const char *search);

void filter_release(struct filter_sql *sql);

#endif
