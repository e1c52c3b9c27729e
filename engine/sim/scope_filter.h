/* engine/sim/scope_filter.h - $filter of Microsoft.Authorization: questions joined by
 * "and", such as "atScope() and assignedTo('0000..')". */
#ifndef MOONGATE_SIM_SCOPE_FILTER_H
#define MOONGATE_SIM_SCOPE_FILTER_H

#include <stdbool.h>

struct answer;
struct call;

/* A question and how it is written. */
struct scope_question {
    const char *name;
    enum {
        ASK_NOTHING,
        ASK_IN_BRACKETS,
        ASK_EQUALITY
    } form; /* f(), f('..'), p eq '..' */
};

enum { SCOPE_QUESTIONS = 4 };

/* `texts[i]` answers the `i`th question: what stood in quotes, "" for f(), or NULL when it
 * was not asked. */
struct scope_filter {
    char *texts[SCOPE_QUESTIONS];
};

/* Reads the $filter of a call; `questions` ends with one without name. False when it is
 * none that could be answered, and then it has answered; release it all the same. */
bool scope_filter_read(struct scope_filter *filter,
                       const struct scope_question *questions, const struct call *call,
                       struct answer *answer);
void scope_filter_release(struct scope_filter *filter);

#endif
