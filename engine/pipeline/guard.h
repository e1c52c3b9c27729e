/* engine/pipeline/guard.h - the stage that lets no write pass which nobody meant to allow.
 *
 * It comes first and looks at the request as it would be sent: its method and the path of its
 * URL. A write is whatever is no GET or HEAD, wherever it goes, but for signing in and a few
 * POSTs that only ask (effect.c has them). Those that read keys or secrets are writes here. What a
 * guard refuses is not sent and fails with GuardRefused; a warning goes to the
 * log, so a script cannot hide it. */
#ifndef MOONGATE_PIPELINE_GUARD_H
#define MOONGATE_PIPELINE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct stage;

enum { GUARD_SCOPES = 16 };

struct guard_limit {
    bool is_set;
    uint64_t most;
};

/* Zeroed: everything passes. Strings are borrowed. */
struct guard_settings {
    bool read_only;
    /* Where writes may go: ARM ids, "graph", or names of resource groups. */
    const char *within[GUARD_SCOPES];
    size_t within_count;
    struct guard_limit max_writes;  /* PUT, PATCH, POST and DELETE */
    struct guard_limit max_deletes; /* DELETE alone */
    /* What earlier attempts of the run have done counts, too. */
    uint64_t writes_before, deletes_before;
};

/* Why a text is no scope, or NULL. A constant. */
const char *guard_check_scope(const char *scope);

/* Scopes must have passed guard_check_scope(). Names of resource groups are looked for in
 * `subscription`, which may be NULL when there are none of them; else NULL is returned and
 * the reason in `*failure` (owned by the caller). Nothing of the settings is kept. */
struct stage *stage_new_guard(const struct guard_settings *settings,
                              const char *subscription, struct failure **failure);

/* From now on it lets no write pass, or, when nothing else is against it, all of them. */
void guard_set_read_only(struct stage *guard, bool is_read_only);

#endif
