/* engine/sim/fault_rule.c - one rule of a list of faults: reading it, and what it is aimed
 * at. */
#include "sim/fault_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/call.h"

enum form { FORM_RATE, FORM_OPERATION, FORM_REGION, FORM_DURATION };

#define DAYS_MS(days) (INT64_C(86400000) * (days))

static const struct {
    const char *name;
    enum form form;
    const char *limits; /* of FORM_DURATION, for people */
    int64_t least_ms, most_ms;
} rows[FAULT_COUNT] = {
    [FAULT_THROTTLE] = {.name = "throttle", .form = FORM_RATE},
    [FAULT_ERROR] = {.name = "error", .form = FORM_RATE},
    [FAULT_ERROR_500] = {.name = "error-500", .form = FORM_RATE},
    [FAULT_ERROR_502] = {.name = "error-502", .form = FORM_RATE},
    [FAULT_ERROR_503] = {.name = "error-503", .form = FORM_RATE},
    [FAULT_ERROR_504] = {.name = "error-504", .form = FORM_RATE},
    [FAULT_RESET] = {.name = "reset", .form = FORM_RATE},
    [FAULT_TIMEOUT] = {.name = "timeout", .form = FORM_RATE},
    [FAULT_ERROR_AFTER] = {.name = "error-after", .form = FORM_RATE},
    [FAULT_RESET_AFTER] = {.name = "reset-after", .form = FORM_RATE},
    [FAULT_TRUNCATED] = {.name = "truncated", .form = FORM_RATE},
    [FAULT_MALFORMED] = {.name = "malformed", .form = FORM_RATE},
    [FAULT_HTML] = {.name = "html", .form = FORM_RATE},
    [FAULT_CONTENT_TYPE] = {.name = "content-type", .form = FORM_RATE},
    [FAULT_EMPTY] = {.name = "empty", .form = FORM_RATE},
    [FAULT_HEADERS_LOST] = {.name = "headers-lost", .form = FORM_RATE},
    [FAULT_SLOW] = {.name = "slow", .form = FORM_RATE},
    [FAULT_STALE] = {.name = "stale", .form = FORM_RATE},
    [FAULT_MAINTENANCE] = {.name = "maintenance", .form = FORM_RATE},
    [FAULT_MONITOR_LOST] = {.name = "monitor-lost", .form = FORM_RATE},
    [FAULT_REVOKE] = {.name = "revoke", .form = FORM_RATE},
    [FAULT_LRO_FAIL] = {.name = "lro-fail", .form = FORM_OPERATION},
    [FAULT_LRO_CANCEL] = {.name = "lro-cancel", .form = FORM_OPERATION},
    [FAULT_LRO_HANG] = {.name = "lro-hang", .form = FORM_OPERATION},
    [FAULT_LRO_VANISH] = {.name = "lro-vanish", .form = FORM_OPERATION},
    [FAULT_CAPACITY] = {.name = "capacity", .form = FORM_REGION},
    [FAULT_TOKEN_LIFE] = {"token-life", FORM_DURATION, "1s to 1d", TOKEN_LIFE_LEAST_MS,
                          TOKEN_LIFE_MOST_MS},
    [FAULT_REPLICATION_LAG] = {"replication-lag", FORM_DURATION, "1ms to 1d", 1,
                               DAYS_MS(1)},
    [FAULT_CLOCK_SKEW] = {"clock-skew", FORM_DURATION, "-30d to 30d", DAYS_MS(-30),
                          DAYS_MS(30)}};

const char *fault_name(enum fault fault)
{
    return rows[fault].name;
}

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

/* ---- values ---- */

/* Reads digits alone, from 1 on; moves `*text` behind them. 0 when there are none. */
static int64_t read_count(const char **text)
{
    const size_t length = strspn(*text, "0123456789");
    const int64_t number = length > 0 && length < 18 ? strtoll(*text, NULL, 10) : 0;

    *text += length;
    return number;
}

/* "#3", "#3-5", "3x". */
static bool read_numbers(struct fault_rule *rule)
{
    const char *rest = rule->value;

    if (*rest == '#') {
        rest++;
        rule->first = rule->last = read_count(&rest);
        if (*rest == '-') {
            rest++;
            rule->last = read_count(&rest);
        }
    } else {
        rule->first = 1;
        rule->last = read_count(&rest);
        if (*rest++ != 'x')
            rule->last = 0;
    }
    if (rule->last > 0 && rule->first > 0 && rule->first <= rule->last && *rest == '\0')
        return true;
    rule->first = rule->last = 0;
    return false;
}

static bool read_rate(struct fault_rule *rule)
{
    char *end;

    if (rule->value[0] == '\0' ||
        strspn(rule->value, "0123456789.") != strlen(rule->value))
        return false;
    rule->rate = strtod(rule->value, &end);
    return *end == '\0' && rule->rate <= 1.0;
}

static char *read_how_often(struct fault_rule *rule)
{
    if (read_numbers(rule) || read_rate(rule))
        return NULL;
    return memory_format("%s: '%s' is neither a rate from 0 to 1 nor the number of "
                         "requests such as #3, #3-5 or 3x",
                         rows[rule->fault].name, rule->value);
}

/* How often, or the name of a resource whose next operation is meant. */
static char *read_operation(struct fault_rule *rule)
{
    const char *name = rows[rule->fault].name;

    if (rule->target != NULL)
        return read_how_often(rule);
    if (rule->value[0] == '\0')
        return memory_format("%s: which resource? %s=NAME", name, name);
    if (!read_numbers(rule) && !read_rate(rule)) {
        rule->pattern = text_lower(memory_copy_string(rule->value));
        rule->first = rule->last = 1;
    }
    return NULL;
}

/* "10m", or "-10m" where that is within the limits. */
static char *read_duration(struct fault_rule *rule)
{
    const bool is_negative = rule->value[0] == '-';

    if (duration_parse(rule->value + (is_negative ? 1 : 0), &rule->duration_ms) == 0) {
        rule->duration_ms *= is_negative ? -1 : 1;
        if (rule->duration_ms >= rows[rule->fault].least_ms &&
            rule->duration_ms <= rows[rule->fault].most_ms)
            return NULL;
    }
    return memory_format("%s: '%s' is not a duration from %s", rows[rule->fault].name,
                         rule->value, rows[rule->fault].limits);
}

static char *read_value(struct fault_rule *rule)
{
    const char *name = rows[rule->fault].name;

    switch (rows[rule->fault].form) {
    case FORM_RATE:
        return read_how_often(rule);
    case FORM_OPERATION:
        return read_operation(rule);
    case FORM_REGION:
    case FORM_DURATION:
        break;
    }
    if (rule->target != NULL)
        return memory_format("%s: it has no target", name);
    if (rows[rule->fault].form == FORM_DURATION)
        return read_duration(rule);
    return rule->value[0] != '\0'
               ? NULL
               : memory_format("%s: which region? %s=REGION", name, name);
}

/* ---- targets ---- */

static const struct {
    const char *name;
    enum call_method method;
} methods[] = {{"GET", CALL_GET},     {"HEAD", CALL_HEAD},     {"PUT", CALL_PUT},
               {"PATCH", CALL_PATCH}, {"DELETE", CALL_DELETE}, {"POST", CALL_POST}};

/* Reads "[METHOD:]PATTERN". */
static char *read_target(struct fault_rule *rule, char *text)
{
    char *pattern = strchr(text, ':');

    rule->target = memory_copy_string(text);
    if (pattern != NULL) {
        *pattern++ = '\0';
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
            if (text_equal_nocase(methods[i].name, text))
                rule->method = methods[i].method;
        }
        if (rule->method == 0)
            return memory_format("%s: '%s' is not a method", rows[rule->fault].name,
                                 text);
        text = pattern;
    }
    if (*text == '\0')
        return memory_format("%s: the target is empty", rows[rule->fault].name);
    rule->pattern = text_lower(memory_copy_string(text));
    return NULL;
}

char *fault_rule_read(struct fault_rule *rule, char *text)
{
    char *value = strchr(text, '='), *target, *wrong = NULL;
    int fault = 0;

    *rule = (struct fault_rule){0};
    if (value != NULL)
        *value++ = '\0';
    target = strchr(text, '@');
    if (target != NULL)
        *target++ = '\0';
    while (fault < FAULT_COUNT && strcmp(rows[fault].name, text) != 0)
        fault++;
    if (fault == FAULT_COUNT)
        return describe_unknown(text);
    rule->fault = (enum fault)fault;
    rule->value = memory_copy_string(value != NULL ? value : "");
    if (target != NULL)
        wrong = read_target(rule, target);
    return wrong != NULL ? wrong : read_value(rule);
}

void fault_rule_deinit(struct fault_rule *rule)
{
    free(rule->target);
    free(rule->pattern);
    free(rule->value);
}

/* ---- matching ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether all of `text` is what a pattern in lower case says. After a mismatch the last star
 * takes one more letter: what an earlier one took need never change. */
static bool is_like(const char *pattern, const char *text)
{
    const char *star = NULL, *taken = NULL;

    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            taken = text;
        } else if (*text == '\0') {
            return *pattern == '\0';
        } else if (*pattern == lower(*text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++taken;
        } else {
            return false;
        }
    }
}

static bool has_segment(const char *path, const char *name)
{
    while (*path != '\0') {
        const size_t length = strcspn(path, "/");
        size_t same = 0;

        while (same < length && name[same] != '\0' && lower(path[same]) == name[same])
            same++;
        if (same == length && name[same] == '\0')
            return true;
        path += length + (path[length] == '/' ? 1 : 0);
    }
    return false;
}

bool fault_rule_matches(const struct fault_rule *rule, unsigned method, const char *path)
{
    const char *pattern = rule->pattern;

    if (rule->method != 0 && rule->method != method)
        return false;
    if (pattern == NULL)
        return true;
    if (strpbrk(pattern, "/*") == NULL)
        return has_segment(path, pattern);
    if (*pattern == '/')
        pattern++;
    while (path != NULL) {
        path += *path == '/' ? 1 : 0;
        if (is_like(pattern, path))
            return true;
        path = strchr(path, '/');
    }
    return false;
}
