/* engine/cli/jobs_next.c - moongate jobs next: the coming slots over all jobs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "cli/jobs.h"
#include "run/config.h"
#include "run/job.h"
#include "schedule/zone.h"

/* --- times --------------------------------------------------------------------------- */

enum { OFFSET_SIZE = 16 };

/* "+02:00"; of times before there were zones "+00:53:28". */
static void format_offset(int32_t offset_s, char text[OFFSET_SIZE])
{
    const int size = abs((int)offset_s) % (48 * 3600);
    const int length = snprintf(text, OFFSET_SIZE, "%c%02d:%02d",
                                offset_s < 0 ? '-' : '+', size / 3600, size / 60 % 60);

    if (size % 60 != 0)
        snprintf(text + length, OFFSET_SIZE - (size_t)length, ":%02d", size % 60);
}

/* Local seconds as if they were UTC: "2027-03-28", and "03:00:00" behind it. */
static void format_local(int64_t local_s, char date[16], char time[16])
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(local_s * 1000, text);
    snprintf(date, 16, "%.10s", text);
    snprintf(time, 16, "%.8s", text + 11);
}

static int64_t local_s(const struct zone *zone, int64_t utc_s)
{
    return utc_s + zone_at(zone, utc_s).offset_s;
}

static void format_time(const struct zone *zone, int64_t utc_ms, char separator,
                        char text[JOBS_TIME_SIZE])
{
    char date[16], time[16], offset[OFFSET_SIZE];

    format_local(local_s(zone, utc_ms / 1000), date, time);
    format_offset(zone_at(zone, utc_ms / 1000).offset_s, offset);
    snprintf(text, JOBS_TIME_SIZE, "%s%c%s%s%s", date, separator, time,
             separator == ' ' ? " " : "", offset);
}

void jobs_format_time(const struct zone *zone, int64_t utc_ms, char text[JOBS_TIME_SIZE])
{
    format_time(zone, utc_ms, ' ', text);
}

/* --- the earliest first -------------------------------------------------------------- */

/* The coming slot of a job. */
struct coming {
    const struct job *job;
    size_t place; /* of jobs that are due at once the first of the file comes first */
    int64_t before_ms; /* the slot before it, or where one began to look */
    int64_t slot_ms;
    enum schedule_note note;
};

/* A heap: none is later than the two at 2i+1 and 2i+2. */
struct agenda {
    struct coming *list;
    size_t count;
};

static bool is_earlier(const struct coming *a, const struct coming *b)
{
    return a->slot_ms != b->slot_ms ? a->slot_ms < b->slot_ms : a->place < b->place;
}

static void sink(struct agenda *agenda, size_t at)
{
    const struct coming own = agenda->list[at];

    for (size_t child; (child = 2 * at + 1) < agenda->count; at = child) {
        if (child + 1 < agenda->count &&
            is_earlier(&agenda->list[child + 1], &agenda->list[child]))
            child++;
        if (!is_earlier(&agenda->list[child], &own))
            break;
        agenda->list[at] = agenda->list[child];
    }
    agenda->list[at] = own;
}

/* False when it has no slot any more. */
static bool advance(struct coming *coming, int64_t after_ms)
{
    coming->before_ms = after_ms;
    coming->slot_ms = schedule_next(&coming->job->schedule, after_ms, &coming->note);
    return coming->slot_ms != INT64_MAX;
}

static void add(struct agenda *agenda, const struct job *job, int64_t from_ms)
{
    struct coming *coming = &agenda->list[agenda->count];

    *coming = (struct coming){.job = job, .place = agenda->count};
    if (advance(coming, from_ms))
        agenda->count++;
}

static void add_named(struct agenda *agenda, const struct config *config,
                      const struct jobs_next_request *request)
{
    struct map seen = {0};

    for (size_t i = 0; i < request->name_count; i++) {
        const struct job *job = config_find_job(config, request->names[i]);

        if (map_set(&seen, job->name, (void *)(uintptr_t)job->name) == NULL)
            add(agenda, job, request->from_ms);
    }
    map_deinit(&seen, NULL);
}

/* Its list is the caller's to free. */
static struct agenda make_agenda(const struct config *config,
                                 const struct jobs_next_request *request)
{
    const size_t most =
        request->name_count > 0 ? request->name_count : config_job_count(config);
    struct agenda agenda = {.list = memory_new((most + 1) * sizeof *agenda.list)};

    if (request->name_count > 0)
        add_named(&agenda, config, request);
    for (size_t i = 0; request->name_count == 0 && i < most; i++) {
        if (!config_job(config, i)->is_disabled)
            add(&agenda, config_job(config, i), request->from_ms);
    }
    for (size_t i = agenda.count / 2; i-- > 0;)
        sink(&agenda, i);
    return agenda;
}

/* Takes the earliest, and its job moves on to the next one. */
static struct coming take_first(struct agenda *agenda)
{
    const struct coming first = agenda->list[0];

    if (!advance(&agenda->list[0], first.slot_ms))
        agenda->list[0] = agenda->list[--agenda->count];
    if (agenda->count > 0)
        sink(agenda, 0);
    return first;
}

const struct job *jobs_find_first(const struct config *config, int64_t after_ms,
                                  int64_t *slot_ms)
{
    const struct jobs_next_request request = {.from_ms = after_ms};
    struct agenda agenda = make_agenda(config, &request);
    const struct job *job = agenda.count > 0 ? agenda.list[0].job : NULL;

    if (job != NULL)
        *slot_ms = agenda.list[0].slot_ms;
    free(agenda.list);
    return job;
}

/* --- shifts of the clocks ------------------------------------------------------------ */

/* The local times that the clocks jump over, at the slot, and that the job names. */
static char *describe_gap(const struct coming *coming)
{
    const struct schedule *schedule = &coming->job->schedule;
    const int64_t slot_s = coming->slot_ms / 1000;
    const int64_t end_s = local_s(schedule->zone, slot_s);
    const int64_t begin_s = slot_s + zone_at(schedule->zone, slot_s - 1).offset_s;
    const int64_t missing_s = cron_next(&schedule->cron, begin_s - 1);
    char date[16], time[16], missing_date[16], missing_time[16];

    format_local(end_s, date, time);
    format_local(missing_s, missing_date, missing_time);

    const bool is_same_day = strcmp(date, missing_date) == 0;
    const bool are_many = cron_next(&schedule->cron, missing_s) < end_s;

    return memory_format(
        "%s%s%.5s%s %s: fires at the shift", is_same_day ? "" : missing_date,
        is_same_day ? "" : " ", missing_time, are_many ? " and more" : "",
        is_same_day ? (are_many ? "do not exist that day" : "does not exist that day")
                    : (are_many ? "do not exist" : "does not exist"));
}

/* What the clocks did since the slot before; NULL when that is nothing. */
static char *describe_shift(const struct coming *coming)
{
    const struct zone *zone = coming->job->schedule.zone;
    const int64_t before_s = coming->before_ms / 1000, slot_s = coming->slot_ms / 1000;
    const int64_t shift_s = zone_next_shift(zone, before_s);
    const int64_t size_s =
        (int64_t)zone_at(zone, slot_s).offset_s - zone_at(zone, before_s).offset_s;
    char size[DURATION_TEXT_SIZE], date[16], time[16];

    if (shift_s > slot_s || size_s == 0)
        return NULL;
    duration_format_parts(1000 * (size_s < 0 ? -size_s : size_s), size);
    format_local(local_s(zone, shift_s), date, time);
    return memory_format("the clocks go %s by %s on %s", size_s > 0 ? "forward" : "back",
                         size, date);
}

/* Owned by the caller; NULL when there is nothing to be said. */
static char *describe_clocks(const struct coming *coming)
{
    char date[16], time[16];

    if (coming->note == SCHEDULE_SHIFTED)
        return describe_gap(coming);
    if (coming->note != SCHEDULE_FIRST)
        return describe_shift(coming);
    format_local(local_s(coming->job->schedule.zone, coming->slot_ms / 1000), date, time);
    return memory_format("%.5s comes twice: the first", time);
}

static char *describe_jitter(const struct job *job)
{
    char text[DURATION_TEXT_SIZE];

    if (job->jitter_ms == 0)
        return NULL;
    duration_format_parts(job->jitter_ms, text);
    return memory_format("begins up to %s later", text);
}

/* What is to be said of a slot: owned by the caller, "" when it is nothing. */
static char *describe(const struct coming *coming)
{
    char *clocks = describe_clocks(coming), *jitter = describe_jitter(coming->job);
    const char *disabled = coming->job->is_disabled ? "disabled" : NULL;
    const char *const parts[] = {clocks, jitter, disabled};
    char *text = memory_copy_string("");

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i] != NULL) {
            char *longer =
                memory_format("%s%s%s", text, text[0] != '\0' ? "; " : "", parts[i]);

            free(text);
            text = longer;
        }
    }
    free(clocks);
    free(jitter);
    return text;
}

/* --- printing ------------------------------------------------------------------------ */

/* "in 2d 03:00:00", "42 s ago" or "now" */
static void format_distance(int64_t span_ms, char text[DURATION_TEXT_SIZE + 8])
{
    char span[DURATION_TEXT_SIZE];

    if (span_ms == 0) {
        strcpy(text, "now");
        return;
    }

    duration_format(span_ms < 0 ? -span_ms : span_ms, span);
    snprintf(text, DURATION_TEXT_SIZE + 8, span_ms < 0 ? "%s ago" : "in %s", span);
}

static void format_utc(int64_t utc_ms, char text[CLOCK_TEXT_SIZE])
{
    char whole[CLOCK_TEXT_SIZE];

    clock_format_utc(utc_ms, whole);
    snprintf(text, CLOCK_TEXT_SIZE, "%.19sZ", whole);
}

enum { COLUMNS = 6 };

static const char *const heading[COLUMNS] = {"LOCAL TIME", "ZONE", "UTC",
                                             "WHEN",       "JOB",  "REMARK"};

/* Owned by the caller, as are its texts. */
static void fill_row(const struct coming *coming, int64_t now_ms, char *row[COLUMNS])
{
    char local[JOBS_TIME_SIZE], utc[CLOCK_TEXT_SIZE], distance[DURATION_TEXT_SIZE + 8];
    const struct zone *zone = coming->job->schedule.zone;

    jobs_format_time(zone, coming->slot_ms, local);
    format_utc(coming->slot_ms, utc);
    format_distance(coming->slot_ms - now_ms, distance);
    row[0] = memory_copy_string(local);
    row[1] = memory_copy_string(zone_name(zone));
    row[2] = memory_copy_string(utc);
    row[3] = memory_copy_string(distance);
    row[4] = memory_copy_string(coming->job->name);
    row[5] = describe(coming);
}

static void print_row(const char *const row[COLUMNS], const size_t widths[COLUMNS])
{
    size_t last = COLUMNS - 1;

    while (last > 0 && row[last][0] == '\0')
        last--;
    for (size_t i = 0; i < last; i++)
        printf("%-*s  ", (int)widths[i], row[i]);
    puts(row[last]);
}

static void print_table(char *(*rows)[COLUMNS], size_t count)
{
    size_t widths[COLUMNS];

    for (size_t i = 0; i < COLUMNS; i++)
        widths[i] = strlen(heading[i]);
    for (size_t row = 0; row < count; row++) {
        for (size_t i = 0; i < COLUMNS; i++) {
            const size_t width = strlen(rows[row][i]);

            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    print_row(heading, widths);
    for (size_t row = 0; row < count; row++)
        print_row((const char *const *)rows[row], widths);
}

static void print_text(struct agenda *agenda, const struct jobs_next_request *request)
{
    char *(*rows)[COLUMNS] = memory_new(request->count * sizeof *rows);
    size_t count = 0;

    for (; count < request->count && agenda->count > 0; count++) {
        const struct coming coming = take_first(agenda);

        fill_row(&coming, request->now_ms, rows[count]);
    }
    if (count > 0)
        print_table(rows, count);
    else
        puts("no slot comes: no job is declared and enabled that has one");
    for (size_t row = 0; row < count; row++) {
        for (size_t i = 0; i < COLUMNS; i++)
            free(rows[row][i]);
    }
    free(rows);
}

static cJSON *describe_for_json(const struct coming *coming, int64_t now_ms)
{
    static const char *const notes[] = {NULL, "shifted", "first"};
    const struct job *job = coming->job;
    char local[JOBS_TIME_SIZE], utc[CLOCK_TEXT_SIZE], *remark = describe(coming);
    cJSON *row = cJSON_CreateObject();

    format_time(job->schedule.zone, coming->slot_ms, 'T', local);
    clock_format_utc(coming->slot_ms, utc); /* as `list` and `history` have it */
    cJSON_AddStringToObject(row, "job", job->name);
    cJSON_AddStringToObject(row, "slot", utc);
    cJSON_AddStringToObject(row, "local", local);
    cJSON_AddStringToObject(row, "timezone", zone_name(job->schedule.zone));
    cJSON_AddNumberToObject(row, "in", (double)(coming->slot_ms - now_ms) / 1000.0);
    if (job->jitter_ms != 0)
        cJSON_AddNumberToObject(row, "jitter", (double)job->jitter_ms / 1000.0);
    if (notes[coming->note] != NULL)
        cJSON_AddStringToObject(row, "note", notes[coming->note]);
    if (remark[0] != '\0')
        cJSON_AddStringToObject(row, "remark", remark);
    free(remark);
    return row;
}

static void print_json(struct agenda *agenda, const struct jobs_next_request *request)
{
    cJSON *tree = cJSON_CreateObject(), *slots = cJSON_AddArrayToObject(tree, "slots");
    char *text;

    for (size_t i = 0; i < request->count && agenda->count > 0; i++) {
        const struct coming coming = take_first(agenda);

        cJSON_AddItemToArray(slots, describe_for_json(&coming, request->now_ms));
    }
    text = json_print(tree);
    puts(text);
    free(text);
    cJSON_Delete(tree);
}

void jobs_print_next(const struct config *config, const struct jobs_next_request *request)
{
    struct agenda agenda = make_agenda(config, request);

    if (request->wants_json)
        print_json(&agenda, request);
    else
        print_text(&agenda, request);
    free(agenda.list);
}
