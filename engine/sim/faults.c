/* engine/sim/faults.c - what shall go wrong, by name, and how often it has. */
#include "sim/faults.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/chance.h"

enum { RULE_LIMIT = 100 };

enum form { FORM_RATE, FORM_DURATION, FORM_NAME };

static const struct {
    const char *name;
    enum form form;
} rows[FAULT_COUNT] = {[FAULT_THROTTLE] = {"throttle", FORM_RATE},
                       [FAULT_ERROR] = {"error", FORM_RATE},
                       [FAULT_ERROR_AFTER] = {"error-after", FORM_RATE},
                       [FAULT_RESET] = {"reset", FORM_RATE},
                       [FAULT_RESET_AFTER] = {"reset-after", FORM_RATE},
                       [FAULT_TIMEOUT] = {"timeout", FORM_RATE},
                       [FAULT_REVOKE] = {"revoke", FORM_RATE},
                       [FAULT_MONITOR_LOST] = {"monitor-lost", FORM_RATE},
                       [FAULT_TOKEN_LIFE] = {"token-life", FORM_DURATION},
                       [FAULT_LRO_FAIL] = {"lro-fail", FORM_NAME},
                       [FAULT_LRO_CANCEL] = {"lro-cancel", FORM_NAME}};

struct rule {
    enum fault fault;
    char *value;     /* as it was given */
    double rate;     /* FORM_RATE */
    int64_t nth;     /* of FORM_RATE, or 0: by rate */
    int64_t life_ms; /* FORM_DURATION */
    int64_t struck;
};

struct faults {
    uint64_t seed;
    struct rule rules[RULE_LIMIT];
    size_t rule_count;
    int64_t chances[FAULT_COUNT]; /* requests that could have it */
    int64_t struck;
    const char *latest; /* what has struck last, or NULL */
};

struct faults *faults_new(uint64_t seed)
{
    struct faults *faults = memory_new(sizeof *faults);

    faults->seed = seed;
    return faults;
}

static void drop_rules(struct faults *faults)
{
    for (size_t i = 0; i < faults->rule_count; i++)
        free(faults->rules[i].value);
    memset(faults->rules, 0, sizeof faults->rules);
    memset(faults->chances, 0, sizeof faults->chances);
    faults->rule_count = 0;
}

void faults_free(struct faults *faults)
{
    if (faults == NULL)
        return;
    drop_rules(faults);
    free(faults);
}

/* ---- reading ---- */

static char *describe_unknown(const char *name)
{
    const char *names[FAULT_COUNT];
    struct buffer text = {0};

    for (int i = 0; i < FAULT_COUNT; i++)
        names[i] = rows[i].name;

    const char *near = text_nearest(name, names, FAULT_COUNT);

    if (near != NULL)
        return memory_format("unknown fault '%s'; did you mean '%s'?", name, near);
    buffer_printf(&text, "unknown fault '%s'; there are", name);
    for (int i = 0; i < FAULT_COUNT; i++)
        buffer_printf(&text, "%s %s", i > 0 ? "," : "", names[i]);
    return buffer_take(&text);
}

static char *read_rate(struct rule *rule)
{
    const bool is_nth = rule->value[0] == '#';
    const char *digits = rule->value + (is_nth ? 1 : 0);
    char *end;

    if (is_nth)
        rule->nth = strtoll(digits, &end, 10);
    else
        rule->rate = strtod(digits, &end);
    if (strspn(digits, is_nth ? "0123456789" : "0123456789.") == strlen(digits) &&
        end != digits && *end == '\0' &&
        (is_nth ? rule->nth > 0 : rule->rate >= 0.0 && rule->rate <= 1.0))
        return NULL;
    return memory_format("%s: '%s' is neither a rate from 0 to 1 nor the number of a "
                         "request such as #3",
                         rows[rule->fault].name, rule->value);
}

static char *read_value(struct rule *rule)
{
    const char *name = rows[rule->fault].name;

    switch (rows[rule->fault].form) {
    case FORM_RATE:
        return read_rate(rule);
    case FORM_DURATION:
        if (duration_parse(rule->value, &rule->life_ms) == 0 &&
            rule->life_ms >= TOKEN_LIFE_LEAST_MS && rule->life_ms <= TOKEN_LIFE_MOST_MS)
            return NULL;
        return memory_format("%s: '%s' is not a duration from 1s to 1d", name,
                             rule->value);
    case FORM_NAME:
        break;
    }
    return rule->value[0] != '\0'
               ? NULL
               : memory_format("%s: which resource? %s=NAME", name, name);
}

/* Reads "name=value" in place. */
static char *read_rule(struct rule *rule, char *text)
{
    char *value = strchr(text, '=');
    int fault = 0;

    if (value != NULL)
        *value++ = '\0';
    while (fault < FAULT_COUNT && strcmp(rows[fault].name, text) != 0)
        fault++;
    if (fault == FAULT_COUNT)
        return describe_unknown(text);
    rule->fault = (enum fault)fault;
    rule->value = memory_copy_string(value != NULL ? value : "");
    return read_value(rule);
}

/* The next rule's text without the space around it, or NULL at the end. */
static char *take_word(char **rest)
{
    static const char space[] = " \t\r\n";
    char *word = *rest + strspn(*rest, space);
    char *end = word + strcspn(word, ",");

    if (*word == '\0')
        return NULL;
    *rest = end + (*end != '\0' ? 1 : 0);
    while (end > word && strchr(space, end[-1]) != NULL)
        end--;
    *end = '\0';
    return word;
}

char *faults_set(struct faults *faults, const char *text)
{
    struct faults *read = faults_new(faults->seed);
    char *copy = memory_copy_string(text), *rest = copy, *word, *wrong = NULL;

    while (wrong == NULL && (word = take_word(&rest)) != NULL) {
        if (read->rule_count == RULE_LIMIT)
            wrong = memory_format("more than %d faults", RULE_LIMIT);
        else
            wrong = read_rule(&read->rules[read->rule_count++], word);
    }
    if (wrong == NULL) {
        drop_rules(faults);
        memcpy(faults->rules, read->rules, sizeof faults->rules);
        faults->rule_count = read->rule_count;
        read->rule_count = 0; /* their texts have moved */
    }
    faults_free(read);
    free(copy);
    return wrong;
}

char *faults_check(const char *text)
{
    struct faults *faults = faults_new(0);
    char *wrong = faults_set(faults, text);

    faults_free(faults);
    return wrong;
}

/* ---- striking ---- */

static void count(struct faults *faults, struct rule *rule)
{
    rule->struck++;
    faults->struck++;
    faults->latest = rows[rule->fault].name;
}

bool faults_strike(struct faults *faults, enum fault fault, uint64_t *bits)
{
    const int64_t chance = ++faults->chances[fault];

    for (size_t i = 0; i < faults->rule_count; i++) {
        struct rule *rule = &faults->rules[i];

        if (rule->fault != fault)
            continue;

        const uint64_t draw =
            chance_draw(faults->seed + i, rows[fault].name, "strike", (uint64_t)chance);

        if (rule->nth > 0 ? rule->nth != chance : chance_fraction(draw) >= rule->rate)
            continue;
        if (bits != NULL)
            *bits = chance_draw(draw, rows[fault].name, "form", 0);
        count(faults, rule);
        return true;
    }
    return false;
}

bool faults_strike_operation(struct faults *faults, enum fault fault, const char *name)
{
    for (size_t i = 0; i < faults->rule_count; i++) {
        struct rule *rule = &faults->rules[i];

        if (rule->fault == fault && rule->struck == 0 &&
            text_equal_nocase(rule->value, name)) {
            count(faults, rule);
            return true;
        }
    }
    return false;
}

int64_t faults_token_life_ms(const struct faults *faults, int64_t otherwise_ms)
{
    for (size_t i = faults->rule_count; i-- > 0;) {
        if (faults->rules[i].fault == FAULT_TOKEN_LIFE)
            return faults->rules[i].life_ms;
    }
    return otherwise_ms;
}

int64_t faults_count(const struct faults *faults)
{
    return faults->struck;
}

const char *faults_latest(const struct faults *faults)
{
    return faults->latest != NULL ? faults->latest : "";
}

void faults_write(const struct faults *faults, struct buffer *to)
{
    for (size_t i = 0; i < faults->rule_count; i++)
        buffer_printf(to, "%s%s=%s", i > 0 ? "," : "", rows[faults->rules[i].fault].name,
                      faults->rules[i].value);
}

void faults_describe(const struct faults *faults, struct buffer *to)
{
    buffer_printf(to, "{\"struck\":%" PRId64 ",\"faults\":[", faults->struck);
    for (size_t i = 0; i < faults->rule_count; i++) {
        const struct rule *rule = &faults->rules[i];

        buffer_printf(to, "%s{\"name\":\"%s\",\"value\":", i > 0 ? "," : "",
                      rows[rule->fault].name);
        buffer_append_json_string(to, rule->value, strlen(rule->value));
        buffer_printf(to, ",\"struck\":%" PRId64 "}", rule->struck);
    }
    buffer_append_string(to, "]}");
}
