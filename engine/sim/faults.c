/* engine/sim/faults.c - what shall go wrong, by name, and how often it has. */
#include "sim/faults.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "sim/call.h"
#include "sim/chance.h"
#include "sim/fault_rule.h"
#include "sim/shape.h"

enum { RULE_LIMIT = 100 };

struct faults {
    uint64_t seed;
    struct fault_rule rules[RULE_LIMIT];
    size_t rule_count;
    int64_t struck;
    struct map locks; /* of int64_t, UTC until when, by key */
    int64_t last_lock_ms;
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
        fault_rule_deinit(&faults->rules[i]);
    memset(faults->rules, 0, sizeof faults->rules);
    faults->rule_count = 0;
    map_deinit(&faults->locks, free);
    faults->locks = (struct map){0};
    faults->last_lock_ms = 0;
}

void faults_free(struct faults *faults)
{
    if (faults == NULL)
        return;
    drop_rules(faults);
    free(faults);
}

/* ---- reading ---- */

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
            wrong = fault_rule_read(&read->rules[read->rule_count++], word);
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

bool faults_has(const struct faults *faults, enum fault fault)
{
    for (size_t i = 0; i < faults->rule_count; i++) {
        if (faults->rules[i].fault == fault)
            return true;
    }
    return false;
}

static void count(struct faults *faults, struct fault_rule *rule)
{
    rule->struck++;
    faults->struck++;
    faults->latest = fault_name(rule->fault);
}

/* Whether a rule hits the chance that it has just counted. */
static bool hits(const struct faults *faults, const struct fault_rule *rule,
                 uint64_t *draw)
{
    const uint64_t seed = faults->seed + (uint64_t)(rule - faults->rules);

    *draw = chance_draw(seed, fault_name(rule->fault), "strike", (uint64_t)rule->chances);
    if (rule->first > 0)
        return rule->chances >= rule->first && rule->chances <= rule->last;
    return chance_fraction(*draw) < rule->rate;
}

/* All rules count the chance; the first that hits is the one that strikes. */
static bool strike(struct faults *faults, enum fault fault, unsigned method,
                   const char *path, uint64_t *bits)
{
    struct fault_rule *struck = NULL;
    uint64_t draw;

    for (size_t i = 0; i < faults->rule_count; i++) {
        struct fault_rule *rule = &faults->rules[i];

        if (rule->fault != fault || !fault_rule_matches(rule, method, path))
            continue;
        rule->chances++;
        if (struck != NULL || !hits(faults, rule, &draw))
            continue;
        struck = rule;
        if (bits != NULL)
            *bits = chance_draw(draw, fault_name(fault), "form", 0);
    }
    if (struck == NULL)
        return false;
    count(faults, struck);
    return true;
}

bool faults_strike(struct faults *faults, enum fault fault, const struct call *call,
                   uint64_t *bits)
{
    return strike(faults, fault, call->method, call->path, bits);
}

bool faults_strike_operation(struct faults *faults, enum fault fault, const char *verb,
                             const char *id)
{
    return strike(faults, fault, strcmp(verb, "delete") == 0 ? CALL_DELETE : CALL_PUT, id,
                  NULL);
}

bool faults_strike_region(struct faults *faults, const char *region)
{
    for (size_t i = 0; i < faults->rule_count; i++) {
        struct fault_rule *rule = &faults->rules[i];

        if (rule->fault != FAULT_CAPACITY || !shape_is_same_location(rule->value, region))
            continue;
        count(faults, rule);
        return true;
    }
    return false;
}

int64_t faults_duration_ms(const struct faults *faults, enum fault fault,
                           int64_t otherwise_ms)
{
    for (size_t i = faults->rule_count; i-- > 0;) {
        if (faults->rules[i].fault == fault)
            return faults->rules[i].duration_ms;
    }
    return otherwise_ms;
}

/* ---- locks ---- */

void faults_lock(struct faults *faults, const char *key, int64_t until_ms)
{
    int64_t *lock = memory_new(sizeof *lock);

    *lock = until_ms;
    free(map_set(&faults->locks, key, lock));
    if (until_ms > faults->last_lock_ms)
        faults->last_lock_ms = until_ms;
}

int64_t faults_locked_until_ms(const struct faults *faults, const char *key)
{
    const int64_t *lock = map_find(&faults->locks, key);

    return lock != NULL ? *lock : 0;
}

int64_t faults_next_event(const struct faults *faults, int64_t now_ms)
{
    return faults->last_lock_ms > now_ms ? faults->last_lock_ms : INT64_MAX;
}

/* ---- telling ---- */

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
    for (size_t i = 0; i < faults->rule_count; i++) {
        const struct fault_rule *rule = &faults->rules[i];

        buffer_printf(to, "%s%s%s%s=%s", i > 0 ? "," : "", fault_name(rule->fault),
                      rule->target != NULL ? "@" : "",
                      rule->target != NULL ? rule->target : "", rule->value);
    }
}

void faults_describe(const struct faults *faults, struct buffer *to)
{
    buffer_printf(to, "{\"struck\":%" PRId64 ",\"faults\":[", faults->struck);
    for (size_t i = 0; i < faults->rule_count; i++) {
        const struct fault_rule *rule = &faults->rules[i];

        buffer_printf(to, "%s{\"name\":\"%s\",\"value\":", i > 0 ? "," : "",
                      fault_name(rule->fault));
        buffer_append_json_string(to, rule->value, strlen(rule->value));
        if (rule->target != NULL) {
            buffer_append_string(to, ",\"target\":");
            buffer_append_json_string(to, rule->target, strlen(rule->target));
        }
        buffer_printf(to, ",\"chances\":%" PRId64 ",\"struck\":%" PRId64 "}",
                      rule->chances, rule->struck);
    }
    buffer_append_string(to, "]}");
}
