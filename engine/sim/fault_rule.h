/* engine/sim/fault_rule.h - one rule of a list of faults, as sim/faults.h describes it. */
#ifndef MOONGATE_SIM_FAULT_RULE_H
#define MOONGATE_SIM_FAULT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/faults.h"

struct fault_rule {
    enum fault fault;
    char *value;         /* as it was given */
    char *target;        /* the same, or NULL */
    char *pattern;       /* in lower case and without the method, or NULL: any path */
    unsigned method;     /* of enum call_method, or 0: any */
    double rate;         /* where `first` is 0 */
    int64_t first, last; /* those that it strikes, counted from 1 */
    int64_t duration_ms;
    int64_t chances; /* requests that could have had it */
    int64_t struck;
};

/* What a fault is called in a list. */
const char *fault_name(enum fault fault);

/* Reads one rule, and changes the text meanwhile. NULL, or what is wrong (owned by the
 * caller); fault_rule_deinit() is due either way. */
char *fault_rule_read(struct fault_rule *rule, char *text);
void fault_rule_deinit(struct fault_rule *rule);

/* Whether a request (one of enum call_method) to this path is meant. */
bool fault_rule_matches(const struct fault_rule *rule, unsigned method, const char *path);

#endif
