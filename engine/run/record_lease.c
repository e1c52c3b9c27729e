/* engine/run/record_lease.c - the right to carry a run on. */
#include "run/record_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"

static void tell(struct record *record, enum record_news news, const char *text)
{
    if (record->hear != NULL)
        record->hear(record->context, news, text);
}

void record_lose(struct record *record, const char *how)
{
    if (record->is_lost)
        return;
    record->is_lost = true;
    tell(record, RECORD_LOST, how);
}

/* A quarter of the time is left for what is on its way when nothing more is sent. A process that
 * was stopped for longer comes by here first when it goes on. */
static void hold_from(struct record *record, int64_t asked_ms)
{
    const int64_t left_ms = asked_ms + record->lease_ms / 4 * 3 - clock_machine_ms();

    record->held_until_ms = asked_ms + record->lease_ms / 4 * 3;
    machine_timer_start(record->loop, &record->guard, left_ms > 0 ? left_ms : 0);
}

bool record_has_expired(const struct record *record)
{
    return record->lease != NULL && clock_machine_ms() >= record->held_until_ms;
}

static void expire(struct machine_timer *timer)
{
    struct record *record = LIST_ENTRY(timer, struct record, guard);

    if (record->is_lost)
        return;
    record->is_lost = true;
    record->held_until_ms = 0;
    tell(record, RECORD_EXPIRED, "its lease could not be renewed in time");
}

struct failure *record_check_lease(struct journal_output *output)
{
    struct record *record = LIST_ENTRY(output, struct record, output);

    if (!record->is_made && record->lease == NULL)
        return NULL; /* it is not there yet, and so nobody else's */
    if (!record->is_lost && clock_machine_ms() < record->held_until_ms)
        return NULL;
    record_lose(record, "its lease could not be renewed in time");
    return failure_set_cure(
        failure_new("LeaseLost",
                    "this process did not renew its lease of the run in time; "
                    "the run may be carried on elsewhere"),
        "`moongate runs show` tells who carries it");
}

static void on_canceled(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_renewing = false;
    if (call->failure == NULL && !call->is_absent)
        tell(record, RECORD_CANCELED, "somebody asked for the end of the run");
}

/* Once in a while somebody may have asked for the end of the run. */
static void look_for_cancel(struct record *record)
{
    store_call_deinit(&record->renew_call);
    record->renew_call.done = on_canceled;
    record->renew_call.owner = record;
    record->is_renewing = true;
    record->store->get(record->store, &record->renew_call, record->cancel_name, 0, 1);
}

static void on_told(struct journal_wait *wait, const struct failure *failure)
{
    (void)wait, (void)failure; /* whoever builds on the journal hears of it */
}

/* What is only told, such as the states of what is waited for, is written now and then: others
 * look at it. */
static void write_what_is_told(struct record *record)
{
    record->told.safe = on_told;
    if (record->is_made && !list_is_linked(&record->told.link))
        journal_sync(record->journal, &record->told);
}

static void on_renewed(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_renewing = false;
    if (call->failure == NULL) {
        hold_from(record, record->renewed_ms);
        write_what_is_told(record);
        look_for_cancel(record);
    } else if (strcmp(call->failure->code, "LeaseLost") == 0) {
        record->held_until_ms = 0;
        record_lose(record, call->failure->message);
    }
    /* else it is asked for again at the next beat; the time runs on */
}

static void renew(struct machine_timer *timer)
{
    struct record *record = LIST_ENTRY(timer, struct record, renewal);

    machine_timer_start(record->loop, timer, record->lease_ms / 3);
    if (record->is_renewing || record->is_lost || record->lease == NULL)
        return;
    store_call_deinit(&record->renew_call);
    record->renew_call.done = on_renewed;
    record->renew_call.owner = record;
    record->is_renewing = true;
    record->renewed_ms = clock_machine_ms();
    record->store->renew(record->store, &record->renew_call, record->lease);
}

static void start_timers(struct record *record)
{
    record->guard = (struct machine_timer){.fire = expire, .goes_first = true};
    record->renewal = (struct machine_timer){.fire = renew};
    hold_from(record, record->renewed_ms);
    machine_timer_start(record->loop, &record->renewal, record->lease_ms / 3);
}

char *record_describe_holder(void)
{
    cJSON *holder = cJSON_CreateObject();
    char host[256] = "", since[CLOCK_TEXT_SIZE], *text;

    gethostname(host, sizeof host - 1);
    clock_format_utc(clock_machine_wall_ms(), since);
    cJSON_AddStringToObject(holder, "host", host);
    cJSON_AddNumberToObject(holder, "pid", getpid());
    cJSON_AddStringToObject(holder, "since", since);
    text = json_print(holder);
    cJSON_Delete(holder);
    return text;
}

void record_acquire(struct record *record, void (*next)(struct record *record))
{
    struct store_call *call = record_begin_call(record, "journal.jsonl", next);

    record->text = record_describe_holder();
    record->renewed_ms = clock_machine_ms();
    record->store->acquire(record->store, call, record->name, record->text,
                           record->lease_ms);
}

/* "process 4711 on host builder-3, since 2026-..": owned by the caller. */
static char *name_holder(const struct store_call *call)
{
    cJSON *holder = call->bytes.length > 0
                        ? json_parse(call->bytes.data, call->bytes.length, NULL)
                        : NULL;
    const char *host = json_string_at(holder, "host");
    char *name = memory_format(
        "process %.0f on host '%s', since %s", json_number_at(holder, "pid", 0),
        host != NULL ? host : "?", json_string_at(holder, "since"));

    cJSON_Delete(holder);
    return name;
}

static struct failure *fail_held(const struct record *record)
{
    char *holder = name_holder(&record->call);
    struct failure *failure =
        failure_new("RunHeld", "run %s is carried by %s", record->id, holder);
    char *cure = memory_format("`moongate runs attach %s` shows what it does; when that "
                               "process is gone, its lease ends within %.0f s",
                               record->id, (double)record->call.held_for_ms / 1000.0);

    failure_set_cure(failure, cure);
    free(holder);
    free(cure);
    return failure;
}

/* Takes the lease out of the call that asked for it. */
struct failure *record_take_lease(struct record *record)
{
    if (record->call.failure != NULL)
        return record_take_failure(&record->call);
    if (record->call.is_held)
        return fail_held(record);
    record->lease = record->call.lease;
    record->call.lease = NULL;
    start_timers(record);
    return NULL;
}

void record_release_lease(struct record *record)
{
    struct store_call *call;

    if (record->lease == NULL)
        return;
    machine_timer_stop(&record->renewal);
    machine_timer_stop(&record->guard);
    loop_run(record->loop, record_is_quiet, record, true);
    call = record_begin_call(record, "journal.jsonl", record_do_nothing);
    record->store->release(record->store, call, record->lease);
    record->lease = NULL;
    record_settle(record);
}
