/* engine/model/action.c - actions and patterns of them. */
#include "model/action.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"

static char lowered(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool action_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern != '\0' && lowered(*pattern) == lowered(*text)) {
            pattern++, text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool action_is_pattern(const char *text)
{
    char *low = text_lower(memory_copy_string(text));
    const bool is_good =
        text_matches(low, "^([*]|[a-z0-9.*]+(/[a-z0-9_.*-]+)*/"
                          "(read|write|delete|action|[a-z0-9_.-]*[*][a-z0-9_.*-]*))$");

    free(low);
    return is_good;
}

const char *action_find_match(const char *const *patterns, const char *action)
{
    while (patterns != NULL && *patterns != NULL && !action_matches(*patterns, action))
        patterns++;
    return patterns != NULL ? *patterns : NULL;
}

bool action_is_in(const struct action_set *set, const char *action)
{
    return action_find_match(set->patterns, action) != NULL &&
           action_find_match(set->exceptions, action) == NULL;
}
