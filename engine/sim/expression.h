/* engine/sim/expression.h - the expressions of deployment templates: "[concat('a', ..)]". */
#ifndef MOONGATE_SIM_EXPRESSION_H
#define MOONGATE_SIM_EXPRESSION_H

#include <stdbool.h>

#include "sim/template.h"

struct evaluation {
    struct template *template;
    template_refer *refer; /* NULL: reference() is not known here */
    void *context;
    char *wrong; /* what went wrong first, owned by the caller, or NULL */
    int depth;
};

/* A copy of the tree with all expressions in it evaluated, owned by the caller; NULL when
 * `wrong` is set. */
cJSON *expression_evaluate(struct evaluation *evaluation, const cJSON *tree);

/* The same of one text, which must be a string when it is evaluated. Owned by the caller.
 */
char *expression_evaluate_string(struct evaluation *evaluation, const char *text);

/* Whether all functions that the texts in the tree call are known; `wrong` says which one
 * is not. */
bool expression_check_names(struct evaluation *evaluation, const cJSON *tree);

/* Sets what went wrong, unless something has before. Returns NULL. */
void *expression_fail(struct evaluation *evaluation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
