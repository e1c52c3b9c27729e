/* tests/check_access.c - patterns of actions: what they fit, and whether some contain others,
 * compared with trying all texts of a small alphabet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "model/action.h"
#include "model/inclusion.h"
#include "model/role.h"
#include "tests/suite.h"

static void begin(void)
{
}
static void end(void)
{
}

/* ---- patterns ---- */

static const struct fit {
    const char *pattern, *text;
    bool fits;
} fits[] = {
    {"*", "", true},
    {"*", "a/b", true},
    {"a/*/read", "a/b/read", true},
    {"a/*/read", "a/b/c/read", true},
    {"a/*/read", "a/read", false},
    {"A/B", "a/b", true},
    {"a*b*c", "abbc", true},
    {"a*b*c", "acb", false},
    {"*/read", "x/read/read", true},
    {"", "", true},
    {"", "a", false},
    {"a.b", "axb", false},
};

START_TEST(a_pattern_fits)
{
    ck_assert_int_eq(action_matches(fits[_i].pattern, fits[_i].text), fits[_i].fits);
}
END_TEST

static const struct form {
    const char *text;
    bool is_good;
} forms[] = {
    {"*", true},
    {"*/read", true},
    {"Microsoft.ApiManagement/service/*", true},
    {"Microsoft.ApiManagement/*/read", true},
    {"Microsoft.ApiManagement/service/backup/action", true},
    {"Microsoft.ApiManagement", false},
    {"Microsoft.ApiManagement/service/reed", false},
    {"Microsoft.ApiManagement//read", false},
    {"all", false},
    {"", false},
    {"a b/read", false},
};

START_TEST(a_pattern_has_a_form)
{
    ck_assert_int_eq(action_is_pattern(forms[_i].text), forms[_i].is_good);
}
END_TEST

/* ---- inclusion ---- */

enum { SETS = 3, LIST = 3, TEXT = 6, LONGEST = 7 };

static struct {
    unsigned long long random;
    char texts[SETS + 1][2][LIST][TEXT + 1];
    const char *lists[SETS + 1][2][LIST + 1]; /* the last: the left side */
    struct action_set sets[SETS + 1];
    size_t count;
} q;

static unsigned draw(unsigned limit)
{
    q.random = q.random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(q.random >> 33) % limit;
}

static void draw_pattern(char *text)
{
    const unsigned length = draw(TEXT);

    for (unsigned i = 0; i < length; i++)
        text[i] = "ab**"[draw(4)];
    text[length] = '\0';
}

static void draw_list(size_t set, int which, unsigned least, unsigned most)
{
    const unsigned count = least + draw(most - least + 1);

    for (unsigned i = 0; i < count; i++) {
        draw_pattern(q.texts[set][which][i]);
        q.lists[set][which][i] = q.texts[set][which][i];
    }
    q.lists[set][which][count] = NULL;
}

static void draw_question(void)
{
    q.count = draw(SETS + 1);
    for (size_t i = 0; i <= SETS; i++) {
        draw_list(i, 0, i == SETS, i == SETS ? 1 : LIST);
        draw_list(i, 1, 0, 2);
        q.sets[i] = (struct action_set){q.lists[i][0], q.lists[i][1]};
    }
}

/* Another way to the same answer than action_matches(). */
static bool fits_slowly(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return fits_slowly(pattern + 1, text) ||
               (*text != '\0' && fits_slowly(pattern, text + 1));
    return *pattern == *text && fits_slowly(pattern + 1, text + 1);
}

static bool is_in_slowly(const struct action_set *set, const char *text)
{
    const char *const *list = set->patterns;

    while (*list != NULL && !fits_slowly(*list, text))
        list++;
    if (*list == NULL)
        return false;
    for (list = set->exceptions; *list != NULL; list++) {
        if (fits_slowly(*list, text))
            return false;
    }
    return true;
}

static bool is_missing(const char *text)
{
    if (!is_in_slowly(&q.sets[SETS], text))
        return false;
    for (size_t i = 0; i < q.count; i++) {
        if (is_in_slowly(&q.sets[i], text))
            return false;
    }
    return true;
}

/* Whether any text up to LONGEST characters, of those in patterns and one more, is missing. */
static bool search(char *text, size_t length)
{
    text[length] = '\0';
    if (is_missing(text))
        return true;
    for (const char *c = "abx"; length < LONGEST && *c != '\0'; c++) {
        text[length] = *c;
        if (search(text, length + 1))
            return true;
    }
    return false;
}

/* No text tried contradicts an inclusion, and each example of a lack is one. */
START_TEST(inclusion_is_what_trying_all_texts_says)
{
    int wholes = 0, lacks = 0;
    char text[LONGEST + 1], *example;

    q.random = 20250611 + (unsigned long long)_i;
    for (int i = 0; i < 2000; i++) {
        draw_question();
        switch (inclusion_decide(q.lists[SETS][0][0], q.lists[SETS][1], q.sets, q.count,
                                 &example)) {
        case INCLUSION_WHOLE:
            wholes++;
            ck_assert_ptr_null(example);
            ck_assert_msg(!search(text, 0), "'%s' is missing: %d", text, i);
            break;
        case INCLUSION_LACKS:
            lacks++;
            ck_assert_msg(is_missing(example), "'%s' is not missing: %d", example, i);
            break;
        case INCLUSION_UNDECIDED:
            ck_abort_msg("small patterns are decided");
        }
        free(example);
    }
    ck_assert_int_gt(wholes, 200);
    ck_assert_int_gt(lacks, 200);
}
END_TEST

/* A built-in role contains itself, and what "*" is given without exceptions contains all. */
START_TEST(a_role_contains_itself)
{
    static const char *const all[] = {"*", NULL};
    const struct action_set everything = {all, NULL};

    for (const struct role *role = roles; role->name != NULL; role++) {
        const struct permission *own = &role->permission;
        const struct action_set set = {own->actions, own->not_actions};
        char *example;

        for (size_t i = 0; own->actions != NULL && own->actions[i] != NULL; i++) {
            ck_assert_int_eq(
                inclusion_decide(own->actions[i], own->not_actions, &set, 1, &example),
                INCLUSION_WHOLE);
            ck_assert_int_eq(
                inclusion_decide(own->actions[i], NULL, &everything, 1, &example),
                INCLUSION_WHOLE);
        }
    }
}
END_TEST

START_TEST(what_is_too_entangled_is_not_said_to_be_there)
{
    char texts[24][16];
    const char *patterns[25] = {NULL};
    struct action_set set = {patterns, NULL};
    char *example;

    for (int i = 0; i < 24; i++) { /* each text has or lacks each of many words */
        snprintf(texts[i], sizeof texts[i], "*q%cz*w%cy*r", 'a' + i, 'a' + i);
        patterns[i] = texts[i];
    }
    ck_assert_int_eq(inclusion_decide("*r", patterns, &set, 1, &example),
                     INCLUSION_LACKS); /* a short text shows it */
    free(example);
    patterns[0] = NULL;
    ck_assert_int_eq(inclusion_decide("*", NULL, &set, 1, &example), INCLUSION_LACKS);
    free(example);
    patterns[0] = texts[0];

    char longer[5000];

    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(inclusion_decide(longer, NULL, &set, 1, &example),
                     INCLUSION_UNDECIDED);
    ck_assert_ptr_null(example);

    /* what is left out at the end only where all words came before */
    const struct action_set rest[] = {{(const char *const[]){"*", NULL}, patterns},
                                      {(const char *const[]){"*r", NULL}, NULL}};

    ck_assert_int_eq(inclusion_decide("*", NULL, rest, 2, &example), INCLUSION_UNDECIDED);
    ck_assert_ptr_null(example);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access");
    TCase *patterns = add_case(suite, "patterns", begin, end);
    TCase *inclusion = add_case(suite, "inclusion", begin, end);

    tcase_add_loop_test(patterns, a_pattern_fits, 0, COUNT_OF(fits));
    tcase_add_loop_test(patterns, a_pattern_has_a_form, 0, COUNT_OF(forms));
    tcase_add_loop_test(inclusion, inclusion_is_what_trying_all_texts_says, 0, 4);
    tcase_add_test(inclusion, a_role_contains_itself);
    tcase_add_test(inclusion, what_is_too_entangled_is_not_said_to_be_there);
    return run_suite(suite);
}
