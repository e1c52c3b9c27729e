/* engine/model/action.h - actions, the patterns of them that roles and deny assignments hold.
 *
 * A pattern is an action in which '*' stands for any characters, also none and also '/'. Case
 * does not matter. */
#ifndef MOONGATE_MODEL_ACTION_H
#define MOONGATE_MODEL_ACTION_H

#include <stdbool.h>

/* Whether the text is what the pattern says. A '*' in the text is a character that only a
 * '*' of the pattern fits, so for one pattern in another this is true only if the other
 * contains it. */
bool action_matches(const char *pattern, const char *text);

/* Whether a role may hold it: "*", "*" and a verb, or a namespace, types and a verb, with a
 * '*' anywhere. */
bool action_is_pattern(const char *text);

/* The actions that one of `patterns` fits and none of `exceptions` does; each ended by NULL,
 * or NULL. What a permission allows is one of these, and what it allows on data another. */
struct action_set {
    const char *const *patterns, *const *exceptions;
};

/* The first of the patterns that fits, or NULL. Borrowed. */
const char *action_find_match(const char *const *patterns, const char *action);

bool action_is_in(const struct action_set *set, const char *action);

#endif
