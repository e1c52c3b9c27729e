/* engine/run/face_forecast.c - what the text faces say of how much longer something takes. */
#include "run/face_forecast.h"

#include <string.h>

#include "base/duration.h"
#include "run/summary.h"
#include "run/terminal.h"

enum { PERCENTILE_SAMPLES = 100 }; /* with fewer, 99 of 100 are all of them */

bool face_forecast_is_known(const struct tally_operation *operation)
{
    const struct forecast *forecast = &operation->forecast;

    return operation->forecast_ms >= 0 &&
           (forecast->samples > 0 || forecast->unusual_among > 0);
}

/* "30:00-1:10:00 more" */
static void append_range(struct buffer *text, int64_t from_ms, int64_t to_ms)
{
    char from[DURATION_TEXT_SIZE], to[DURATION_TEXT_SIZE];

    summary_format_running(from_ms, from);
    summary_format_running(to_ms, to);
    if (strcmp(from, to) != 0)
        buffer_printf(text, "%s-", from);
    buffer_printf(text, "%s more", to);
}

static void append_usual(struct buffer *text, const struct forecast *forecast,
                         int64_t passed_ms, enum forecast_form form)
{
    const bool is_due = passed_ms >= forecast->p90_ms;

    if (is_due)
        buffer_append_string(text, "usually done by now");
    else if (form != FORECAST_SHORT)
        buffer_append_string(text, "usually done in ");
    if (!is_due)
        append_range(text, forecast->p50_ms - passed_ms, forecast->p90_ms - passed_ms);
    if (form == FORECAST_LONG)
        buffer_printf(text, " (from %u like it)", forecast->samples);
}

void face_forecast_append(struct buffer *text, const struct tally_operation *operation,
                          int64_t now_ms, enum forecast_form form)
{
    const struct forecast *forecast = &operation->forecast;

    if (form == FORECAST_NONE)
        return;
    if (forecast->unusual_among > 0)
        buffer_append_string(text, "longer than usual");
    else if (forecast->samples == 0)
        buffer_append_string(text, "no history yet");
    else
        append_usual(text, forecast, now_ms - operation->forecast_ms, form);
}

void face_forecast_warn(struct buffer *text, struct tally_operation *operation,
                        const struct event *event)
{
    const unsigned among = event->forecast != NULL ? event->forecast->unusual_among : 0;
    const char *name = *operation->name != '\0' ? operation->name : operation->kind;
    const char *state = operation->state != NULL ? operation->state : "under way";
    char age[DURATION_TEXT_SIZE];

    if (among == 0 || operation->was_warned_of)
        return;
    operation->was_warned_of = true;
    duration_format(event->age_ms, age);
    summary_append_time(text, event->wall_ms);
    buffer_append_string(text, "warning: ");
    terminal_append_visible(text, name);
    buffer_append_string(text, ": ");
    terminal_append_visible(text, state);
    buffer_printf(text, " for %s, longer than ", age);
    if (among >= PERCENTILE_SAMPLES)
        buffer_printf(text, "99 of 100 like it (from %u)", among);
    else
        buffer_printf(text, "all %u like it", among);
    buffer_append_string(text, "; the portal's activity log may say why\n");
}
