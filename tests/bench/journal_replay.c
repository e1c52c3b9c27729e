/* tests/bench/journal_replay.c - how long it takes to know again what a run has done.
 *
 * Writes the journal of a run of as many records as asked for, each step with its intent, its
 * answer, two states and its end, into a file; then reads that as a run does that is carried on,
 * and begins every step again. Prints the seconds that the reading alone took of a core, and the
 * peak of its memory in MB.
 * usage: journal_replay FILE RECORDS */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sys/resource.h>

#include "base/clock.h"
#include "base/failure.h"
#include "journal/content.h"
#include "journal/format.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "net/loop.h"

enum { PER_STEP = 5, CHUNK = 4 << 20 };

#define RUN "20260131-120000-1f3a"

static void format_target(uint64_t step, char target[160])
{
    snprintf(target, 160,
             "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-apim/"
             "providers/Microsoft.ApiManagement/gateways/gw-%08" PRIu64,
             step);
}

static struct step_content content_of(const char *target)
{
    return (struct step_content){.verb = "ensure", .kind = "gateway", .target = target};
}

static void write_intent(struct buffer *line, uint64_t number, uint64_t step)
{
    char target[160], key[CONTENT_KEY_SIZE];
    const size_t begin = journal_begin_line(line, number, 1764064800000, "intent");

    format_target(step, target);

    const struct step_content content = content_of(target);

    content_hash(RUN, &content, key);
    journal_add_text(line, "key", key);
    journal_add_number(line, "nth", 1);
    journal_add_text(line, "verb", content.verb);
    journal_add_text(line, "kind", content.kind);
    journal_add_text(line, "id", target);
    journal_add_text(line, "action", "create");
    journal_add_text(line, "method", "PUT");
    journal_add_text(line, "request", "6b2d7c1e-9a44-4c7b-8f6d-1f0e2a3b4c5d");
    journal_end_line(line, begin);
}

static void write_rest(struct buffer *line, uint64_t intent)
{
    static const char *const kinds[] = {"answer", "state", "state", "done"};

    for (uint64_t i = 0; i < PER_STEP - 1; i++) {
        const size_t begin =
            journal_begin_line(line, intent + i + 1, 1764064800000, kinds[i]);

        journal_add_number(line, "step", (int64_t)intent);
        if (i == 0) {
            journal_add_number(line, "status", 201);
            journal_add_text(line, "url",
                             "https://management.azure.com/subscriptions/0/providers/"
                             "Microsoft.ApiManagement/locations/westeurope/"
                             "operationResults/cHJvZC1hbXMyLTA0?api-version=2024-05-01");
            journal_add_text(line, "state", "Creating");
            journal_add_text(line, "request_id", "0e1d2c3b-4a59-6877-8695-a4b3c2d1e0f0");
        } else if (i < 3) {
            journal_add_text(line, "state", "Activating");
        } else {
            journal_add_text(line, "outcome", "created");
        }
        journal_end_line(line, begin);
    }
}

static void write_journal(FILE *file, uint64_t steps)
{
    struct buffer line = {0};

    for (uint64_t step = 0; step < steps; step++) {
        buffer_clear(&line);
        write_intent(&line, step * PER_STEP + 1, step);
        write_rest(&line, step * PER_STEP + 1);
        fwrite(line.data, 1, line.length, file);
    }
    buffer_deinit(&line);
}

static void append(struct journal_output *output, const char *bytes, size_t length)
{
    (void)output, (void)bytes, (void)length;
}

static void take(void *context, const cJSON *record)
{
    journal_load(context, record);
}

/* Returns how many lines it read. */
static uint64_t read_journal(FILE *file, struct journal *journal)
{
    struct journal_reader reader = {.take = take, .context = journal};
    struct failure *failure = NULL;
    char *chunk = malloc(CHUNK);
    size_t length = 0;

    while (chunk != NULL && failure == NULL &&
           (length = fread(chunk, 1, CHUNK, file)) > 0)
        failure = journal_read(&reader, chunk, length);
    if (failure != NULL)
        fprintf(stderr, "%s\n", failure->message);
    failure_free(failure);
    free(chunk);
    journal_reader_deinit(&reader);
    return reader.lines;
}

/* Returns how many of the steps are known as done. */
static uint64_t begin_all(struct journal *journal, uint64_t steps)
{
    uint64_t done = 0;

    for (uint64_t step = 0; step < steps; step++) {
        char target[160];

        format_target(step, target);

        const struct step_content content = content_of(target);

        done += step_state(journal_begin(journal, &content)) == STEP_DONE ? 1 : 0;
    }
    return done;
}

int main(int argc, char **argv)
{
    const uint64_t steps = argc == 3 ? strtoull(argv[2], NULL, 10) / PER_STEP : 0;
    struct journal_output output = {.append = append};
    FILE *file = steps > 0 ? fopen(argv[1], "w+") : NULL;
    struct clock real;
    struct rusage usage;

    if (file == NULL) {
        fputs("usage: journal_replay FILE RECORDS\n", stderr);
        return 2;
    }
    clock_init(&real, CLOCK_REAL, 1.0);

    struct loop *loop = loop_new(&real);
    struct journal *journal = journal_new(loop, RUN, &output);

    write_journal(file, steps);
    rewind(file);

    const clock_t from = clock();
    const uint64_t lines = read_journal(file, journal);
    const double read_s = (double)(clock() - from) / CLOCKS_PER_SEC;
    const uint64_t done = begin_all(journal, steps);

    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f %ld\n", read_s, usage.ru_maxrss >> 10);
    journal_free(journal);
    loop_free(loop);
    fclose(file);
    return lines == steps * PER_STEP && done == steps ? 0 : 1;
}
