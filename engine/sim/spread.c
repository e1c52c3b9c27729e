/* engine/sim/spread.c - how long a thing takes, as a world file says it. */
#include "sim/spread.h"

#include <math.h>

#include "base/duration.h"
#include "base/memory.h"
#include "sim/chance.h"

static const int64_t longest_ms = INT64_C(10) * 366 * 24 * 3600 * 1000;

/* Of the standard normal distribution. */
static const double percentile_95 = 1.6448536269514722;

static char *read_duration(const cJSON *value, int64_t *to_ms)
{
    if (cJSON_IsString(value) && duration_parse(value->valuestring, to_ms) == 0)
        return NULL;
    if (cJSON_IsString(value))
        return memory_format("'%s' is not a duration such as \"45m\"",
                             value->valuestring);
    return memory_copy_string("a duration such as \"3h\" expected, two such as [\"5m\", "
                              "\"10m\"], or an object with 'from' and 'to' or with "
                              "'median' and 'p95'");
}

/* Reads the two, which are there, and checks their order. */
static char *read_pair(const cJSON *low, const cJSON *high, struct spread *spread)
{
    struct spread read = {.form = spread->form};
    char *wrong = read_duration(low, &read.low_ms);

    if (wrong == NULL)
        wrong = read_duration(high, &read.high_ms);
    if (wrong == NULL && read.low_ms > read.high_ms)
        wrong = memory_format("%s is more than %s", low->valuestring, high->valuestring);
    if (wrong == NULL && read.form == SPREAD_LOG_NORMAL && read.low_ms == 0)
        wrong = memory_copy_string("the median must be more than 0");
    if (wrong == NULL)
        *spread = read;
    return wrong;
}

char *spread_read(const cJSON *value, struct spread *spread)
{
    static const struct {
        enum spread_form form;
        const char *low, *high;
    } pairs[] = {{SPREAD_UNIFORM, "from", "to"}, {SPREAD_LOG_NORMAL, "median", "p95"}};

    spread->form = SPREAD_UNIFORM;
    if (cJSON_IsArray(value) && cJSON_GetArraySize(value) == 2)
        return read_pair(value->child, value->child->next, spread);
    for (size_t i = 0; cJSON_IsObject(value) && i < sizeof pairs / sizeof pairs[0]; i++) {
        const cJSON *low = cJSON_GetObjectItemCaseSensitive(value, pairs[i].low);
        const cJSON *high = cJSON_GetObjectItemCaseSensitive(value, pairs[i].high);

        spread->form = pairs[i].form;
        if (low != NULL && high != NULL && cJSON_GetArraySize(value) == 2)
            return read_pair(low, high, spread);
    }
    if (cJSON_IsString(value))
        return read_pair(value, value, spread);
    return read_duration(NULL, &spread->low_ms);
}

/* A number of the standard normal distribution (Box and Muller). */
static double draw_normal(uint64_t seed, const char *key, const char *use)
{
    const double radius = 1.0 - chance_fraction(chance_draw(seed, key, use, 0));
    const double turn = chance_fraction(chance_draw(seed, key, use, 1));

    return sqrt(-2.0 * log(radius)) * cos(2.0 * acos(-1.0) * turn);
}

static int64_t draw_log_normal(const struct spread *spread, uint64_t seed,
                               const char *key, const char *use)
{
    const double median_ms = (double)spread->low_ms;
    const double deviation = log((double)spread->high_ms / median_ms) / percentile_95;
    const double drawn_ms = median_ms * exp(deviation * draw_normal(seed, key, use));

    if (drawn_ms < 1.0)
        return 1;
    return drawn_ms < (double)longest_ms ? (int64_t)drawn_ms : longest_ms;
}

int64_t spread_draw(const struct spread *spread, uint64_t seed, const char *key,
                    const char *use)
{
    if (spread->form == SPREAD_LOG_NORMAL)
        return draw_log_normal(spread, seed, key, use);
    return spread->low_ms + (int64_t)((double)(spread->high_ms - spread->low_ms) *
                                      chance_fraction(chance_draw(seed, key, use, 0)));
}
