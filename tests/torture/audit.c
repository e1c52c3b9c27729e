/* tests/torture/audit.c - what must be true of a run that came to its end: the simulator's ledger
 * and log against the journal. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/reader.h"
#include "torture.h"

enum { RESOURCES_OF_A_TEAM = 8, LOG_PAGE = 1000 };

/* What is known of one resource. */
struct target {
    char *id;
    int intents, writes;
    bool is_answered; /* the journal has a good answer, and no failure since */
};

struct audit {
    struct target *targets;
    size_t count;
    char **steps; /* by the number of their first intent: the target */
    size_t step_count;
    char *wrong; /* the first thing */
};

static void complain(struct audit *audit, char *wrong)
{
    if (audit->wrong == NULL)
        audit->wrong = wrong;
    else
        free(wrong);
}

static struct target *find_target(struct audit *audit, const char *id, size_t length)
{
    for (size_t i = 0; i < audit->count; i++)
        if (strncasecmp(audit->targets[i].id, id, length) == 0 &&
            audit->targets[i].id[length] == '\0')
            return &audit->targets[i];
    audit->targets =
        memory_resize(audit->targets, (audit->count + 1) * sizeof *audit->targets);
    audit->targets[audit->count] = (struct target){.id = memory_copy_text(id, length)};
    return &audit->targets[audit->count++];
}

/* --- the journal ------------------------------------------------------------------------------ */

/* The target of the step whose first intent is line `n`, or NULL. */
static const char *target_of(const struct audit *audit, size_t n)
{
    return n < audit->step_count ? audit->steps[n] : NULL;
}

static void set_target(struct audit *audit, size_t n, const char *id)
{
    audit->steps = memory_resize(audit->steps, (n + 1) * sizeof *audit->steps);
    for (size_t i = audit->step_count; i <= n; i++)
        audit->steps[i] = NULL;
    audit->step_count = n + 1;
    audit->steps[n] = memory_copy_string(id);
}

/* One that is sent again names the step, and not its target. */
static void take_intent(struct audit *audit, const cJSON *record)
{
    const size_t n = (size_t)json_number_at(record, "n", 0),
                 step = (size_t)json_number_at(record, "step", 0);
    const char *id = step != 0 ? target_of(audit, step) : json_string_at(record, "id");
    struct target *target;

    if (id == NULL || n < audit->step_count) {
        complain(audit,
                 memory_format("line %zu of the journal: an intent of nothing", n));
        return;
    }
    target = find_target(audit, id, strlen(id));
    target->intents++;
    if (target->is_answered)
        complain(audit, memory_format("line %zu of the journal: %s is sent again though "
                                      "it was answered",
                                      n, id));
    if (step == 0)
        set_target(audit, n, id);
}

static void take_record(void *context, const cJSON *record)
{
    struct audit *audit = context;
    const char *what = json_string_at(record, "do");
    const char *id = target_of(audit, (size_t)json_number_at(record, "step", 0));

    if (strcmp(what, "intent") == 0)
        take_intent(audit, record);
    else if (id != NULL && strcmp(what, "answer") == 0)
        find_target(audit, id, strlen(id))->is_answered =
            json_number_at(record, "status", 0) < 400;
    else if (id != NULL && strcmp(what, "failed") == 0)
        find_target(audit, id, strlen(id))->is_answered = false;
}

static void read_whole_journal(const struct arena *arena, struct audit *audit)
{
    struct journal_reader reader = {.take = take_record, .context = audit};
    struct failure *failure = NULL;
    size_t length = 0;
    char *bytes = arena_read(arena, "journal.jsonl", &length);

    if (bytes == NULL)
        complain(audit, memory_copy_string("there is no journal"));
    else
        failure = journal_read(&reader, bytes, length);
    if (failure != NULL)
        complain(audit, memory_format("the journal does not load: %s", failure->message));
    else if (bytes != NULL && journal_read_end(&reader) != 0)
        complain(audit, memory_format("the journal ends torn: %" PRIu64 " bytes",
                                      journal_read_end(&reader)));
    failure_free(failure);
    journal_reader_deinit(&reader);
    free(bytes);
}

/* --- the simulator ---------------------------------------------------------------------------- */

static bool is_write(const cJSON *request)
{
    const char *method = json_string_at(request, "method");
    const char *target = json_string_at(request, "target");

    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
           strstr(target, "/oauth2/") == NULL && strncmp(target, "/_sim/", 6) != 0;
}

/* Calls `take` for each write that came; false when the log has forgotten some. */
static bool each_write(const struct arena *arena,
                       void (*take)(void *context, const cJSON *request), void *context)
{
    int last = 0, newest;
    bool is_whole = true;

    do {
        char *path = memory_format("/_sim/log?since=%d&limit=%d", last, LOG_PAGE);
        cJSON *page = arena_ask(arena, "GET", path);
        const cJSON *request;

        newest = (int)json_number_at(page, "last", 0);
        is_whole = is_whole && page != NULL && json_number_at(page, "oldest", 1) <= 1;
        cJSON_ArrayForEach (request, json_at(page, "requests")) {
            last = (int)json_number_at(request, "number", 0);
            if (is_write(request))
                take(context, request);
        }
        if (cJSON_GetArraySize(json_at(page, "requests")) == 0)
            last = newest;
        cJSON_Delete(page);
        free(path);
    } while (last < newest);
    return is_whole;
}

static void take_write(void *context, const cJSON *request)
{
    const char *path = json_string_at(request, "target");

    find_target(context, path, strcspn(path, "?"))->writes++;
}

static void count_write(void *context, const cJSON *request)
{
    (void)request;
    ++*(int *)context;
}

int audit_writes(const struct arena *arena)
{
    int count = 0;

    each_write(arena, count_write, &count);
    return count;
}

static void check_writes(const struct arena *arena, struct audit *audit)
{
    if (!each_write(arena, take_write, audit))
        return; /* a long run: the ledger tells, and the journal itself */
    for (size_t i = 0; i < audit->count; i++) {
        const struct target *target = &audit->targets[i];

        if (target->writes > target->intents)
            complain(audit, memory_format("%s: %d writes came, of which the journal has "
                                          "%d",
                                          target->id, target->writes, target->intents));
    }
}

static void check_ledger(const struct arena *arena, struct audit *audit)
{
    cJSON *ledger = arena_ask(arena, "GET", "/_sim/ledger");
    const cJSON *resources = json_at(ledger, "resources"), *entry;
    const int count = cJSON_GetArraySize(resources);

    if (count != arena->team_count * RESOURCES_OF_A_TEAM)
        complain(audit, memory_format("%d resources were made, not %d", count,
                                      arena->team_count * RESOURCES_OF_A_TEAM));
    cJSON_ArrayForEach (entry, resources) {
        const double created = json_number_at(entry, "created", 0),
                     changed = json_number_at(entry, "changed", 0),
                     deleted = json_number_at(entry, "deleted", 0);

        if (created != 1 || changed != 0 || deleted != 0)
            complain(audit, memory_format(
                                "%s: created %.0f, changed %.0f, deleted %.0f times",
                                json_string_at(entry, "id"), created, changed, deleted));
    }
    cJSON_Delete(ledger);
}

static void check_end(const struct arena *arena, struct audit *audit)
{
    size_t length = 0;
    char *text = arena_read(arena, "end.json", &length);
    cJSON *end = text != NULL ? json_parse(text, length, NULL) : NULL;
    const char *status = json_string_at(end, "status");

    if (status == NULL || strcmp(status, "succeeded") != 0)
        complain(audit, memory_format("end.json says '%s'",
                                      status != NULL ? status : "nothing"));
    cJSON_Delete(end);
    free(text);
}

char *audit_ledger(const struct arena *arena)
{
    struct audit all = {0};

    check_ledger(arena, &all);
    check_end(arena, &all);
    return all.wrong;
}

char *audit(const struct arena *arena)
{
    struct audit all = {0};

    check_ledger(arena, &all);
    check_end(arena, &all);
    read_whole_journal(arena, &all);
    check_writes(arena, &all);
    for (size_t i = 0; i < all.count; i++)
        free(all.targets[i].id);
    for (size_t i = 0; i < all.step_count; i++)
        free(all.steps[i]);
    free(all.targets), free(all.steps);
    return all.wrong;
}
