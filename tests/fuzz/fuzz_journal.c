/* tests/fuzz/fuzz_journal.c - a log as a store gives it, and what a run knows from it.
 *
 * The first byte says how to read the rest: as it is; or each line as members of a record that is
 * given a version, a number, the key of a step and a checksum, so that loading is reached. */
#include "journal/journal.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "fuzz.h"
#include "journal/content.h"
#include "journal/format.h"
#include "journal/reader.h"
#include "net/loop.h"

static struct loop *loop;

static void append(struct journal_output *output, const char *bytes, size_t length)
{
    (void)output, (void)bytes, (void)length; /* it never answers */
}

static void take(void *context, const cJSON *record)
{
    journal_load(context, record);
}

/* Contents that a digit stands for; those of '8' and '9' are single. */
static struct step_content content_of(char digit)
{
    static char targets[10][8];
    char *target = targets[digit - '0'];

    snprintf(target, sizeof targets[0], "/a/%c", digit);
    return (struct step_content){.verb = digit < '4' ? "create" : "delete",
                                 .kind = "gateway",
                                 .target = target,
                                 .is_single = digit >= '8'};
}

/* Makes records of lines: "3,"do":"intent"" becomes a record with the key of '3'. */
static void seal_lines(struct buffer *text, const uint8_t *data, size_t size)
{
    for (uint64_t number = 1; size > 0; number++) {
        char *line = fuzz_text(&data, &size), key[CONTENT_KEY_SIZE];
        const size_t begin = text->length;

        buffer_printf(text, "{\"v\":1,\"n\":%llu", (unsigned long long)number);
        if (line[0] >= '0' && line[0] <= '9') {
            const struct step_content content = content_of(line[0]);

            content_hash("run", &content, key);
            buffer_printf(text, ",\"key\":\"%s\"%s", key, line + 1);
        } else {
            buffer_append_string(text, line);
        }
        journal_end_line(text, begin);
        free(line);
    }
}

struct reading {
    uint64_t lines, torn;
    char code[32];
};

/* In two pieces. */
static struct reading read_log(struct journal *journal, const char *bytes, size_t length,
                               size_t first)
{
    struct journal_reader reader = {.take = take, .context = journal};
    struct failure *failure = journal_read(&reader, bytes, first);
    struct reading reading = {0};

    if (failure == NULL)
        failure = journal_read(&reader, bytes + first, length - first);
    if (failure == NULL) {
        fuzz_claim(reader.good_bytes + journal_read_end(&reader) == length);
        reading.torn = journal_read_end(&reader);
    } else {
        snprintf(reading.code, sizeof reading.code, "%s", failure->code);
    }
    reading.lines = reader.lines;
    failure_free(failure);
    journal_reader_deinit(&reader);
    return reading;
}

static uint64_t count_steps(const struct journal *journal)
{
    struct journal_counts counts;
    uint64_t steps = 0;

    journal_count(journal, &counts);
    for (int i = 0; i < STEP_STATE_COUNT; i++)
        steps += counts.by_state[i];
    fuzz_claim(steps <= counts.records);
    return steps;
}

/* What a script does with a step that begins. */
static void go_on(struct journal *journal, struct step *step)
{
    const struct step_answer answer = {.status = 200};

    journal_deletes_later(journal, step, "/a/1/b");
    if (step_state(step) == STEP_DONE)
        return;
    journal_intend(journal, step, "delete", "DELETE", NULL);
    fuzz_claim(step_state(step) == STEP_INTENDED && step_answer(step) == NULL);
    journal_answer(journal, step, &answer);
    journal_done(journal, step, "deleted", NULL);
}

/* No step is given out twice unless it is single. */
static void carry_on(struct journal *journal)
{
    uint64_t skipped;

    for (char digit = '0'; digit <= '9'; digit++) {
        const struct step_content content = content_of(digit);
        struct step *last = NULL;

        for (int i = 0; i < 4; i++) {
            struct step *next = journal_peek(journal, &content);
            struct step *step = journal_begin(journal, &content);

            fuzz_claim(next == NULL || next == step);
            fuzz_claim(step != last || content.is_single);
            go_on(journal, step);
            last = step;
        }
    }
    free(journal_find_skipped(journal, &skipped));
    free(journal_find_new(journal));
    count_steps(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct clock clock;
    static struct journal_output output = {.append = append};
    struct buffer text = {0};
    struct journal *journal, *other;
    struct reading a, b;

    if (loop == NULL) {
        clock_init(&clock, CLOCK_VIRTUAL, 1.0);
        loop = loop_new(&clock);
    }
    if (size == 0)
        return 0;
    buffer_append(&text, "", 0);
    if (data[0] == 'r')
        buffer_append(&text, data + 1, size - 1);
    else
        seal_lines(&text, data + 1, size - 1);
    journal = journal_new(loop, "run", &output);
    other = journal_new(loop, "run", &output);
    a = read_log(journal, text.data, text.length, text.length);
    b = read_log(other, text.data, text.length, data[0] % (text.length + 1));
    fuzz_claim(a.lines == b.lines && a.torn == b.torn && strcmp(a.code, b.code) == 0);
    fuzz_claim(count_steps(journal) == count_steps(other));
    carry_on(journal);
    journal_free(journal);
    journal_free(other);
    buffer_deinit(&text);
    return 0;
}
