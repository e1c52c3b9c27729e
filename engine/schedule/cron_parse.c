/* engine/schedule/cron_parse.c - reading the five fields of cron, and saying what is wrong in them. */
#include "schedule/cron.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELD_COUNT };

enum { LONGEST_TEXT = 1000, LONGEST_WORD = 100 };

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
static const char *const weekday_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};

/* The names begin with the value `first`. */
static const struct field {
    const char *name;
    int first, last;
    const char *const *names;
    size_t name_count;
} fields[FIELD_COUNT] = {
    [MINUTE] = {"minute", 0, 59, NULL, 0},
    [HOUR] = {"hour", 0, 23, NULL, 0},
    [DAY] = {"day of month", 1, 31, NULL, 0},
    [MONTH] = {"month", 1, 12, month_names, 12},
    [WEEKDAY] = {"day of week", 0, 7, weekday_names, 7},
};

static const struct macro {
    const char *name, *text;
} macros[] = {{"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
              {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
              {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
              {"@hourly", "0 * * * *"}};

enum { MACRO_COUNT = sizeof macros / sizeof macros[0] };

/* --- one item of a field's list ------------------------------------------------------- */

/* An item, the field it is in, and where its bits go. */
struct item {
    const struct field *field;
    const char *text;
    struct cron *cron;
    uint64_t *bits;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char *complain(const struct item *item, const char *what)
{
    return memory_format("%s: '%s' %s", item->field->name, item->text, what);
}

/* The value of the name that `length` letters are, or -1. */
static int find_name(const struct field *field, const char *word, size_t length)
{
    char letters[4] = {0};

    if (length != 3)
        return -1;
    memcpy(letters, word, 3);
    for (size_t i = 0; i < field->name_count; i++) {
        if (text_has_prefix_nocase(field->names[i], letters))
            return field->first + (int)i;
    }
    return -1;
}

/* The full name that somebody meant: by how it begins, or a near one. */
static const char *find_meant(const struct field *field, const char *word)
{
    for (size_t i = 0; strlen(word) >= 2 && i < field->name_count; i++) {
        if (text_has_prefix_nocase(field->names[i], word))
            return field->names[i];
    }
    return strlen(word) > 3 ? text_nearest(word, field->names, field->name_count) : NULL;
}

static char *complain_of_word(const struct field *field, const char *word)
{
    const char *meant = find_meant(field, word);

    if (meant != NULL)
        return memory_format("%s: '%s' is none; do you mean %.3s?", field->name, word,
                             meant);
    if (field->names != NULL)
        return memory_format("%s: '%s' is neither a number nor a name such as %.3s",
                             field->name, word, field->names[1]);
    return memory_format("%s: '%s' is no number", field->name, word);
}

/* A number or name of `length` characters. NULL, or what is wrong. */
static char *read_value(const struct field *field, const char *at, size_t length,
                        int *value)
{
    char word[LONGEST_WORD + 1];

    memcpy(word, at, length);
    word[length] = '\0';
    *value = find_name(field, word, length);
    if (*value >= 0)
        return NULL;
    if (length == 0 || strspn(word, "0123456789") != length)
        return complain_of_word(field, word);
    *value = length <= 4 ? atoi(word) : field->last + 1;
    return *value < field->first || *value > field->last
               ? memory_format("%s: '%s' is not in %d to %d", field->name, word,
                               field->first, field->last)
               : NULL;
}

static char *read_whole(const struct item *item, const char *at, size_t length,
                        int *value)
{
    return length == 0 ? complain(item, "lacks a number")
                       : read_value(item->field, at, length, value);
}

struct range {
    int first, last, step;
    bool is_single; /* one value, written without a dash */
};

/* "*", "1-5" or "MON", which are `length` characters. */
static char *read_ends(const struct item *item, size_t length, struct range *range)
{
    const char *text = item->text, *dash = memchr(text, '-', length);

    if (length == 1 && text[0] == '*')
        return NULL;
    if (dash == NULL) {
        char *wrong = read_whole(item, text, length, &range->first);

        range->last = range->first;
        range->is_single = true;
        return wrong;
    }

    const char *second = dash + 1;
    char *wrong = read_whole(item, text, (size_t)(dash - text), &range->first);

    if (wrong == NULL)
        wrong = read_whole(item, second, length - (size_t)(second - text), &range->last);
    if (wrong == NULL && range->last == 0 && !is_digit(*second))
        range->last = range->first > 0 ? 7 : 0; /* SAT-SUN */
    if (wrong == NULL && range->first > range->last)
        return complain(item, "goes backward: write two ranges with a comma between");
    return wrong;
}

/* What follows the slash. */
static char *read_step(const struct item *item, const char *slash, struct range *range)
{
    const int most = item->field->last;
    char *end;
    const long step = strtol(slash + 1, &end, 10);

    if (!is_digit(slash[1]) || *end != '\0')
        return complain(item, "has no number as its step");
    if (step < 1 || step > most)
        return memory_format("%s: the step of '%s' is not in 1 to %d", item->field->name,
                             item->text, most);
    if (range->is_single)
        return memory_format("%s: '%s' is a step without a range: write %.*s-%d%s",
                             item->field->name, item->text, (int)(slash - item->text),
                             item->text, most, slash);
    range->step = (int)step;
    return NULL;
}

/* "*", "1-5", "MON"; behind one of the first two a step, "/2". */
static char *read_range(const struct item *item)
{
    const size_t length = strcspn(item->text, "/");
    struct range range = {
        .first = item->field->first, .last = item->field->last, .step = 1};
    char *wrong = read_ends(item, length, &range);

    if (wrong == NULL && item->text[length] == '/')
        wrong = read_step(item, item->text + length, &range);
    for (int value = range.first; wrong == NULL && value <= range.last;
         value += range.step)
        *item->bits |= UINT64_C(1) << value;
    return wrong;
}

/* L, L-3, LW, 15W. `*is_one` tells whether it is one of these. */
static char *read_special_day(const struct item *item, bool *is_one)
{
    const char *text = item->text;
    const size_t length = strlen(text);
    int value;

    *is_one = true;
    if (text_equal_nocase(text, "LW")) {
        item->cron->last_workday = true;
        return NULL;
    }
    if (text_equal_nocase(text, "L")) {
        item->cron->from_last |= 1;
        return NULL;
    }
    if (text_has_prefix_nocase(text, "L-")) {
        if (length > 4 || length == 2 || strspn(text + 2, "0123456789") != length - 2 ||
            atoi(text + 2) > 30)
            return complain(item, "is not in L-0 to L-30, days before the last");
        item->cron->from_last |= UINT32_C(1) << atoi(text + 2);
        return NULL;
    }
    if (length > 1 && text_equal_nocase(text + length - 1, "W")) {
        if (memchr(text, '-', length) != NULL)
            return complain(item, "is more than one day: W stands behind a single one");

        char *wrong = read_value(item->field, text, length - 1, &value);

        if (wrong == NULL)
            item->cron->workdays |= UINT32_C(1) << value;
        return wrong;
    }
    *is_one = false;
    return NULL;
}

/* 5L, FRIL, 5#2. */
static char *read_special_weekday(const struct item *item, bool *is_one)
{
    const char *text = item->text, *hash = strchr(text, '#');
    const size_t length = strlen(text);
    int value;

    *is_one = true;
    if (text_equal_nocase(text, "L"))
        return complain(item, "is the last of which day? Write 5L for the last Friday");
    if (hash != NULL) {
        char *wrong = read_whole(item, text, (size_t)(hash - text), &value);

        if (wrong != NULL)
            return wrong;
        if (strlen(hash) != 2 || hash[1] < '1' || hash[1] > '5')
            return complain(item, "is not in #1 to #5: a month has no more of a weekday");
        item->cron->nth_weekdays[value % 7] |= (uint8_t)(1U << (hash[1] - '0'));
        return NULL;
    }
    if (length > 1 && text_equal_nocase(text + length - 1, "L")) {
        if (memchr(text, '-', length) != NULL)
            return complain(item, "is more than one day: L stands behind a single one");

        char *wrong = read_value(item->field, text, length - 1, &value);

        if (wrong == NULL)
            item->cron->last_weekdays |= (uint8_t)(1U << value % 7);
        return wrong;
    }
    *is_one = false;
    return NULL;
}

static char *read_item(const struct item *item)
{
    char *wrong = NULL;
    bool is_special = false;

    if (item->text[0] == '\0')
        return memory_format("%s: a comma has nothing before or behind it",
                             item->field->name);
    if (item->field == &fields[DAY])
        wrong = read_special_day(item, &is_special);
    else if (item->field == &fields[WEEKDAY])
        wrong = read_special_weekday(item, &is_special);
    return is_special ? wrong : read_range(item);
}

/* --- a field -------------------------------------------------------------------------- */

/* `word` is the field's text, in which commas become ends. */
static char *read_field(int which, char *word, struct cron *cron, uint64_t *bits)
{
    struct item item = {.field = &fields[which], .cron = cron, .bits = bits};
    bool is_last;

    *bits = 0;
    if (strcmp(word, "?") == 0) {
        if (which != DAY && which != WEEKDAY)
            return memory_format("%s: '?' is for the fields of days only",
                                 item.field->name);
        word[0] = '*';
    }
    do {
        const size_t length = strcspn(word, ",");

        is_last = word[length] == '\0';
        word[length] = '\0';
        if (length > LONGEST_WORD)
            return memory_format("%s: a word is longer than %d characters",
                                 item.field->name, LONGEST_WORD);
        item.text = word;

        char *wrong = read_item(&item);

        if (wrong != NULL)
            return wrong;
        word += length + 1;
    } while (!is_last);
    return NULL;
}

static char *read_fields(char *const words[FIELD_COUNT], struct cron *cron)
{
    uint64_t bits[FIELD_COUNT];

    if (strcmp(words[DAY], "?") == 0 && strcmp(words[WEEKDAY], "?") == 0)
        return memory_copy_string(
            "day of week: '?' cannot stand for both fields of days");
    cron->any_day = words[DAY][0] == '*' || words[DAY][0] == '?';
    cron->any_weekday = words[WEEKDAY][0] == '*' || words[WEEKDAY][0] == '?';
    for (int i = 0; i < FIELD_COUNT; i++) {
        char *wrong = read_field(i, words[i], cron, &bits[i]);

        if (wrong != NULL)
            return wrong;
    }
    cron->minutes = bits[MINUTE];
    cron->hours = (uint32_t)bits[HOUR];
    cron->days = (uint32_t)bits[DAY];
    cron->months = (uint16_t)bits[MONTH];
    cron->weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f); /* 7 is 0 */
    return NULL;
}

/* --- the text ------------------------------------------------------------------------- */

static char *check_text(const char *text)
{
    const size_t length = strlen(text);

    if (length > LONGEST_TEXT)
        return memory_format("a schedule has no more than %d characters, not %zu",
                             LONGEST_TEXT, length);
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];

        if ((c < ' ' && c != '\t') || c > '~')
            return memory_format(
                "character %zu of the schedule is the byte 0x%02x; it is "
                "made of letters, digits, blanks and */-,?#@",
                i + 1, (unsigned)c);
    }
    return NULL;
}

/* Splits at blanks, in place. Returns how many words there are; the first five are kept. */
static size_t split(char *text, char *words[FIELD_COUNT])
{
    size_t count = 0;
    char *rest;

    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (count < FIELD_COUNT)
            words[count] = word;
        count++;
    }
    return count;
}

static char *complain_of_count(size_t count)
{
    static const char five[] = "minute, hour, day of month, month, day of week";

    if (count == 0)
        return memory_format("the schedule is empty; it has five fields: %s", five);
    if (count == FIELD_COUNT + 1)
        return memory_format("six fields; there are five: %s. Seconds are not supported: "
                             "use every = \"30s\"",
                             five);
    return memory_format("%zu field%s; there are five: %s", count, count == 1 ? "" : "s",
                         five);
}

/* What "@daily" stands for, or NULL with what is wrong. */
static const char *find_macro(const char *word, char **wrong)
{
    const char *names[MACRO_COUNT];

    for (size_t i = 0; i < MACRO_COUNT; i++) {
        names[i] = macros[i].name;
        if (text_equal_nocase(word, names[i]))
            return macros[i].text;
    }
    if (text_equal_nocase(word, "@reboot")) {
        *wrong =
            memory_copy_string("'@reboot' is no time: it would run on each host, and "
                               "again whenever one starts");
    } else if (text_equal_nocase(word, "@every")) {
        *wrong = memory_copy_string("'@every' is written every = \"15m\"");
    } else {
        const char *meant = text_nearest(word, names, MACRO_COUNT);

        *wrong = strlen(word) > LONGEST_WORD
                     ? memory_copy_string("an unknown word with @")
                 : meant != NULL
                     ? memory_format("'%s' is unknown; do you mean %s?", word, meant)
                     : memory_format("'%s' is unknown; there are @yearly, @annually, "
                                     "@monthly, @weekly, @daily, @midnight and @hourly",
                                     word);
    }
    return NULL;
}

/* What never comes: "30 2" in the fields of days and months, or two fields of days that never
 * meet. */
static char *check_that_it_comes(const struct cron *cron, char *const words[FIELD_COUNT])
{
    struct cron days_alone = *cron;

    if (cron_next(cron, 0) != INT64_MAX)
        return NULL;
    days_alone.weekdays = 0x7f;
    days_alone.any_day = days_alone.any_weekday = true;
    if (cron_next(&days_alone, 0) == INT64_MAX)
        return memory_format("day of month: '%s' never comes in month '%s'", words[DAY],
                             words[MONTH]);
    return memory_format(
        "day of week: '%s' never comes on day of month '%s' in month '%s'",
        words[WEEKDAY], words[DAY], words[MONTH]);
}

static char *parse(char *text, char *original, struct cron *cron)
{
    char *words[FIELD_COUNT], *kept[FIELD_COUNT];
    const size_t count = split(text, words);

    if (count != FIELD_COUNT)
        return complain_of_count(count);
    split(original, kept);

    char *wrong = read_fields(words, cron);

    return wrong != NULL ? wrong : check_that_it_comes(cron, kept);
}

char *cron_parse(const char *text, struct cron *cron)
{
    char *wrong = check_text(text), *word;

    *cron = (struct cron){0};
    if (wrong != NULL)
        return wrong;
    text += strspn(text, " \t");
    if (text[0] == '@') {
        const size_t length = strcspn(text, " \t");

        if (text[length + strspn(text + length, " \t")] != '\0' &&
            strncmp(text, "@every", length) != 0)
            return memory_format("'%.*s' stands alone", (int)length, text);
        word = memory_copy_text(text, length);
        text = find_macro(word, &wrong);
        free(word);
        if (text == NULL)
            return wrong;
    }

    char *fields_text = memory_copy_string(text), *kept = memory_copy_string(text);

    wrong = parse(fields_text, kept, cron);
    free(fields_text);
    free(kept);
    return wrong;
}
