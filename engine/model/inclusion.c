/* engine/model/inclusion.c - inclusion of patterns less patterns in a union of such.
 *
 * The question: is L(p) \ (L(e1) | L(e2) ..) a part of the union over the sets j of
 * (L(q1) | L(q2) ..) \ (L(m1) | L(m2) ..)? It is answered by walking all texts at once:
 *
 * 1. Each pattern is a deterministic automaton with one state for each of its positions. A
 *    pattern is segments with stars between. Once a star is reached, whatever the rest could
 *    still fit from an earlier star it can fit from this one too, as a star takes any text;
 *    so only the latest star counts, and within the segment behind it the longest part that
 *    the text ends with, as in the search of Knuth, Morris and Pratt. Behind the last
 *    segment, when no star follows, the same goes on: the text may end later.
 * 2. A state of the product holds where each pattern is. What a text does to all patterns is
 *    the state it leads to, so a text that is on the left and not on the right exists if and
 *    only if such a state can be reached. The states are searched breadth first.
 * 3. Characters that no pattern has do the same to all of them: one stands for all.
 *
 * States that answer the same whatever follows are not told apart: a set that can fit
 * nothing any more is forgotten, and a branch ends where the left side is out or the
 * right side has everything. Where more than STATE_LIMIT states are left, the answer is that
 * it is not known, never that all is there. */
#include "model/inclusion.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { STATE_LIMIT = 1 << 16, LENGTH_LIMIT = 4096, CHARACTERS = UCHAR_MAX + 1 };

/* One pattern. Its states are positions, 0 to `length`, and `length` + 1: it cannot fit. */
struct automaton {
    uint16_t *next; /* [state * symbols + symbol] */
    uint16_t start, length;
    bool is_open; /* it ends with a star: it fits whatever follows its last position */
};

/* Where the patterns of a set are among all. */
struct range {
    size_t patterns, exceptions, end;
};

struct product {
    struct automaton *all;     /* the pattern, its exceptions, then by `ranges` */
    size_t count, limit, left; /* `left`: how many of them are on the left side */
    struct range *ranges;
    size_t range_count;
    char symbols[CHARACTERS];
    size_t symbol_count;
    /* The states that were reached, and how. */
    uint16_t *states; /* [number * count] */
    uint32_t *parents;
    uint8_t *steps;
    uint32_t state_count, state_limit;
    uint32_t *slots; /* hashed: numbers from 1, 0 is free */
    size_t slot_count;
};

/* ---- one pattern ---- */

/* In lower case, with one star where there are several. Owned by the caller. */
static char *tidy(const char *pattern)
{
    char *text = text_lower(memory_copy_string(pattern)), *end = text;

    for (const char *c = text; *c != '\0'; c++) {
        if (*c != '*' || end == text || end[-1] != '*')
            *end++ = *c;
    }
    *end = '\0';
    return text;
}

/* Where the text goes on in the pattern that has come to `at`: behind a star. */
static uint16_t behind_star(const char *text, size_t at)
{
    return (uint16_t)(text[at] == '*' ? at + 1 : at);
}

/* Fills the steps out of the positions of one segment, `from` to `to`, where a star, or the
 * end, follows. `has_star`: one is in front. */
static void build_segment(const struct product *product, struct automaton *automaton,
                          const char *text, size_t from, size_t to, bool has_star)
{
    const size_t symbols = product->symbol_count;
    const uint16_t dead = (uint16_t)(automaton->length + 1);
    const size_t last = text[to] == '*' ? to : to + 1; /* at a star one is behind it */
    size_t shorter = from; /* where the longest shorter part that fits leads */

    for (size_t at = from; at < last; at++) {
        for (size_t i = 0; i < symbols; i++) {
            uint16_t *next = &automaton->next[at * symbols + i];

            if (at < to && text[at] == product->symbols[i])
                *next = behind_star(text, at + 1);
            else if (!has_star)
                *next = dead;
            else
                *next =
                    at == from ? (uint16_t)from : automaton->next[shorter * symbols + i];
        }
        if (at > from && at < to && has_star) {
            size_t i = 0;

            while (product->symbols[i] != text[at])
                i++;
            shorter = automaton->next[shorter * symbols + i];
        }
    }
}

static void build(const struct product *product, struct automaton *automaton,
                  const char *text)
{
    const size_t length = strlen(text), symbols = product->symbol_count;
    bool has_star = false;

    automaton->length = (uint16_t)length;
    automaton->start = behind_star(text, 0);
    automaton->is_open = length > 0 && text[length - 1] == '*';
    automaton->next = memory_new((length + 2) * symbols * sizeof *automaton->next);
    for (size_t i = 0; i < symbols; i++)
        automaton->next[(length + 1) * symbols + i] = (uint16_t)(length + 1);
    for (size_t from = 0; from <= length;) {
        const size_t to = from + strcspn(text + from, "*");

        build_segment(product, automaton, text, from, to, has_star);
        has_star = true;
        from = to + 1;
    }
}

/* ---- all of them ---- */

static bool is_dead(const struct automaton *automaton, uint16_t state)
{
    return state > automaton->length;
}

static bool fits(const struct automaton *automaton, uint16_t state)
{
    return state == automaton->length;
}

static bool fits_forever(const struct automaton *automaton, uint16_t state)
{
    return automaton->is_open && state == automaton->length;
}

static bool any(const struct product *product, const uint16_t *state, size_t from,
                size_t to, bool (*is)(const struct automaton *, uint16_t))
{
    while (from < to && !is(&product->all[from], state[from]))
        from++;
    return from < to;
}

static bool all_dead(const struct product *product, const uint16_t *state, size_t from,
                     size_t to)
{
    while (from < to && is_dead(&product->all[from], state[from]))
        from++;
    return from == to;
}

static void forget(const struct product *product, uint16_t *state, size_t from, size_t to)
{
    for (; from < to; from++)
        state[from] = (uint16_t)(product->all[from].length + 1);
}

/* Of several patterns of which one has everything that follows, that one is enough. */
static void keep_open(const struct product *product, uint16_t *state, size_t from,
                      size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (fits_forever(&product->all[i], state[i])) {
            forget(product, state, from, i);
            forget(product, state, i + 1, to);
            return;
        }
    }
}

/* Makes states that answer the same the same. False when nothing can be missing behind. */
static bool reduce(const struct product *product, uint16_t *state)
{
    if (is_dead(&product->all[0], state[0]) ||
        any(product, state, 1, product->left, fits_forever))
        return false;
    for (size_t i = 0; i < product->range_count; i++) {
        const struct range *range = &product->ranges[i];

        if (all_dead(product, state, range->patterns, range->exceptions) ||
            any(product, state, range->exceptions, range->end, fits_forever)) {
            forget(product, state, range->patterns, range->end);
            continue;
        }
        keep_open(product, state, range->patterns, range->exceptions);
        if (any(product, state, range->patterns, range->exceptions, fits_forever) &&
            all_dead(product, state, range->exceptions, range->end))
            return false;
    }
    return true;
}

/* Whether the text that led here is on the left side and not on the right one. */
static bool is_missing(const struct product *product, const uint16_t *state)
{
    if (!fits(&product->all[0], state[0]) || any(product, state, 1, product->left, fits))
        return false;
    for (size_t i = 0; i < product->range_count; i++) {
        const struct range *range = &product->ranges[i];

        if (any(product, state, range->patterns, range->exceptions, fits) &&
            !any(product, state, range->exceptions, range->end, fits))
            return false;
    }
    return true;
}

/* ---- the search ---- */

static size_t hash(const struct product *product, const uint16_t *state)
{
    uint64_t value = 0xcbf29ce484222325u; /* FNV-1a */

    for (size_t i = 0; i < product->count; i++)
        value = (value ^ state[i]) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32) & (product->slot_count - 1);
}

static uint32_t *find_slot(const struct product *product, const uint16_t *state)
{
    const size_t size = product->count * sizeof *state;
    size_t i = hash(product, state);

    while (product->slots[i] != 0 &&
           memcmp(&product->states[(product->slots[i] - 1) * product->count], state,
                  size) != 0)
        i = (i + 1) & (product->slot_count - 1);
    return &product->slots[i];
}

static void grow(struct product *product)
{
    const size_t limit = product->state_limit == 0 ? 256 : product->state_limit * 2;

    product->state_limit = (uint32_t)limit;
    product->states =
        memory_resize(product->states, limit * product->count * sizeof *product->states);
    product->parents = memory_resize(product->parents, limit * sizeof *product->parents);
    product->steps = memory_resize(product->steps, limit * sizeof *product->steps);
    free(product->slots);
    product->slot_count = limit * 2;
    product->slots = memory_new(product->slot_count * sizeof *product->slots);
    for (uint32_t i = 0; i < product->state_count; i++)
        *find_slot(product, &product->states[i * product->count]) = i + 1;
}

/* Notes a state, unless it is there or nothing can be missing behind it. */
static void add_state(struct product *product, uint16_t *state, uint32_t parent,
                      size_t step)
{
    uint32_t *slot;

    if (!reduce(product, state))
        return;
    if (product->state_count == product->state_limit)
        grow(product);
    slot = find_slot(product, state);
    if (*slot != 0)
        return;
    memcpy(&product->states[product->state_count * product->count], state,
           product->count * sizeof *state);
    product->parents[product->state_count] = parent;
    product->steps[product->state_count] = (uint8_t)step;
    *slot = ++product->state_count;
}

/* The text that leads to a state, owned by the caller. */
static char *spell(const struct product *product, uint32_t number)
{
    size_t length = 0;
    char *text;

    for (uint32_t i = number; i != 0; i = product->parents[i])
        length++;
    text = memory_new(length + 1);
    for (uint32_t i = number; i != 0; i = product->parents[i])
        text[--length] = product->symbols[product->steps[i]];
    return text;
}

/* Adds all that one more character leads to; `state` is room for one. */
static void go_on(struct product *product, uint32_t number, uint16_t *state)
{
    for (size_t step = 0; step < product->symbol_count; step++) {
        const uint16_t *here = &product->states[number * product->count];

        for (size_t i = 0; i < product->count; i++)
            state[i] = product->all[i].next[here[i] * product->symbol_count + step];
        add_state(product, state, number, step);
    }
}

static enum inclusion search(struct product *product, char **example)
{
    uint16_t *state = memory_new(product->count * sizeof *state);
    uint32_t number = 0;

    for (size_t i = 0; i < product->count; i++)
        state[i] = product->all[i].start;
    add_state(product, state, 0, 0);
    while (number < product->state_count && product->state_count <= STATE_LIMIT &&
           !is_missing(product, &product->states[number * product->count]))
        go_on(product, number++, state);
    free(state);
    if (number == product->state_count)
        return INCLUSION_WHOLE;
    if (product->state_count > STATE_LIMIT)
        return INCLUSION_UNDECIDED;
    *example = spell(product, number);
    return INCLUSION_LACKS;
}

/* ---- from patterns and back ---- */

static size_t count_patterns(const char *const *patterns)
{
    size_t count = 0;

    while (patterns != NULL && patterns[count] != NULL)
        count++;
    return count;
}

/* All patterns of a question, in the order of a product's. */
struct texts {
    char **all;
    size_t count;
};

static bool add_text(struct texts *texts, const char *pattern)
{
    texts->all[texts->count] = tidy(pattern);
    return strlen(texts->all[texts->count++]) <= LENGTH_LIMIT;
}

static bool add_texts(struct texts *texts, const char *const *patterns)
{
    bool is_good = true;

    for (; patterns != NULL && *patterns != NULL; patterns++)
        is_good = add_text(texts, *patterns) && is_good;
    return is_good;
}

/* The characters of all patterns, and one that stands for all others. */
static void find_symbols(struct product *product, const struct texts *texts)
{
    static const char others[] = "xyzqjkwvuabcdefghilmnoprst0123456789_-.";
    bool is_there[CHARACTERS] = {false};
    const char *other = others;

    for (size_t i = 0; i < texts->count; i++) {
        for (const char *c = texts->all[i]; *c != '\0'; c++)
            is_there[(unsigned char)*c] = *c != '*';
    }
    while (*other != '\0' && is_there[(unsigned char)*other])
        other++;
    if (*other != '\0') /* else no action has another character */
        is_there[(unsigned char)*other] = true;
    for (size_t c = 0; c < CHARACTERS; c++) {
        if (is_there[c])
            product->symbols[product->symbol_count++] = (char)c;
    }
}

/* False when a pattern is too long. */
static bool read_question(struct product *product, struct texts *texts,
                          const char *pattern, const char *const *exceptions,
                          const struct action_set *have)
{
    size_t count = 1 + count_patterns(exceptions);
    bool is_good;

    for (size_t i = 0; i < product->range_count; i++)
        count += count_patterns(have[i].patterns) + count_patterns(have[i].exceptions);
    texts->all = memory_new(count * sizeof *texts->all);
    is_good = add_text(texts, pattern);
    is_good = add_texts(texts, exceptions) && is_good;
    product->left = texts->count;
    for (size_t i = 0; i < product->range_count; i++) {
        struct range *range = &product->ranges[i];

        range->patterns = texts->count;
        is_good = add_texts(texts, have[i].patterns) && is_good;
        range->exceptions = texts->count;
        is_good = add_texts(texts, have[i].exceptions) && is_good;
        range->end = texts->count;
    }
    product->count = count;
    return is_good;
}

static void release(struct product *product, struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->all[i]);
    for (size_t i = 0; product->all != NULL && i < product->count; i++)
        free(product->all[i].next);
    free(texts->all);
    free(product->all);
    free(product->ranges);
    free(product->states);
    free(product->parents);
    free(product->steps);
    free(product->slots);
}

/* A text that the pattern fits: `ending` for a star at its end, "x" for the others. Owned by
 * the caller. */
static char *fill(const char *pattern, const char *ending)
{
    const size_t length = strlen(pattern);
    char *text = memory_new(length + strlen(ending) + 1), *end = text;

    for (size_t i = 0; i < length; i++)
        *end++ = pattern[i] == '*' ? 'x' : pattern[i];
    if (length > 0 && pattern[length - 1] == '*')
        strcpy(end - 1, ending);
    return text;
}

/* An example in which people know an action, when a simple one shows it; else the one that
 * was found. Takes `found`. */
static char *prefer_plain(const char *pattern, const char *const *exceptions,
                          const struct action_set *have, size_t count, char *found)
{
    static const char *const endings[] = {"x/read", "x/write", "x/delete", "x/action",
                                          "read",   "write",   "delete",   "action"};

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char *text = fill(pattern, endings[i]);
        bool is_had = action_find_match(exceptions, text) != NULL;

        for (size_t n = 0; n < count && !is_had; n++)
            is_had = action_is_in(&have[n], text);
        if (!is_had) {
            free(found);
            return text;
        }
        free(text);
    }
    return found;
}

enum inclusion inclusion_decide(const char *pattern, const char *const *exceptions,
                                const struct action_set *have, size_t count,
                                char **example)
{
    struct product product = {.range_count = count};
    struct texts texts = {0};
    enum inclusion result = INCLUSION_UNDECIDED;

    *example = NULL;
    product.ranges = memory_new((count + 1) * sizeof *product.ranges);
    if (read_question(&product, &texts, pattern, exceptions, have)) {
        find_symbols(&product, &texts);
        product.all = memory_new(product.count * sizeof *product.all);
        for (size_t i = 0; i < product.count; i++)
            build(&product, &product.all[i], texts.all[i]);
        result = search(&product, example);
    }
    if (result == INCLUSION_LACKS)
        *example = prefer_plain(pattern, exceptions, have, count, *example);
    release(&product, &texts);
    return result;
}
