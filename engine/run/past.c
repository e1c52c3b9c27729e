/* engine/run/past.c - what becomes of the writes of a run that is stepped into. */
#include "run/past_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "journal/content.h"
#include "run/carry.h"
#include "run/session.h"
#include "task/task.h"

/* --- the journal that operations ask ------------------------------------------------ */

static void append(struct journal_output *output, const char *bytes, size_t length)
{
    struct past *past = LIST_ENTRY(output, struct past, output);

    (void)bytes, (void)length; /* nothing is kept */
    loop_defer(session_loop(past->session), &past->appended);
}

static void on_appended(struct deferred *deferred)
{
    journal_appended(LIST_ENTRY(deferred, struct past, appended)->journal, NULL);
}

static void drop_journal(struct past *past)
{
    deferred_cancel(&past->appended);
    if (past->session != NULL)
        session_set_journal(past->session, NULL);
    journal_free(past->journal);
    past->journal = NULL;
}

static void on_watched(struct waiter *waiter)
{
    past_tell(LIST_ENTRY(waiter, struct past, watch));
}

/* --- opening ------------------------------------------------------------------------ */

struct past *past_open(const struct settings *settings, const char *id,
                       struct failure **failure)
{
    struct past *past = memory_new(sizeof *past);

    past->id = memory_copy_string(id);
    past->output.append = append;
    past->appended.run = on_appended;
    list_init(&past->holds);
    waitable_init(&past->news);
    past->watch.wake = on_watched;
    *failure = past_load(past, settings);
    if (*failure == NULL)
        return past;
    past_close(past);
    return NULL;
}

void past_close(struct past *past)
{
    if (past == NULL)
        return;
    for (size_t i = 0; i < past->code_count; i++)
        free((char *)(uintptr_t)past->code_names[i]);
    free(past->code_names);
    free(past->unput);
    past_unload(past);
    free(past->id);
    free(past);
}

void past_attach(struct past *past, struct session *session)
{
    past->session = session;
    session_set_past(session, past);
    carry_enter_folder(past->manifest);
}

void past_leave(struct past *past)
{
    waiter_remove(&past->watch);
    drop_journal(past);
    past->session = NULL;
}

void past_choose(struct past *past, const char *step, const char *script)
{
    past->chosen_step = step;
    past->chosen_script = script;
}

const char *past_chosen_step(const struct past *past)
{
    return past->chosen_step;
}

const char *past_chosen_script(const struct past *past)
{
    return past->chosen_script;
}

const char *past_id(const struct past *past)
{
    return past->id;
}

const cJSON *past_manifest(const struct past *past)
{
    return past->manifest;
}

const char *past_store(const struct past *past)
{
    return past->store_label;
}

const char *past_damage(const struct past *past)
{
    return past->damage;
}

unsigned past_attempts(const struct past *past)
{
    return past->attempts;
}

const struct past_step *const *past_steps(const struct past *past, size_t *count)
{
    *count = past->step_count;
    return (const struct past_step *const *)past->steps;
}

/* --- code --------------------------------------------------------------------------- */

const char *past_find_code(const struct past *past, const char *name, size_t *length)
{
    const struct buffer *file = map_find(&past->files, name);

    if (file == NULL)
        return NULL;
    *length = file->length;
    return file->data != NULL ? file->data : "";
}

void past_note_code(struct past *past, const char *name)
{
    for (size_t i = 0; i < past->code_count; i++) { /* it was begun before */
        if (strcmp(past->code_names[i], name) == 0)
            return;
    }
    past->code_names =
        memory_resize(past->code_names, (past->code_count + 2) * sizeof(const char *));
    past->code_names[past->code_count++] = memory_copy_string(name);
    past->code_names[past->code_count] = NULL;
}

const char *const *past_code_names(const struct past *past)
{
    static const char *const none[] = {NULL};

    return past->code_names != NULL ? past->code_names : none;
}

/* --- beginning ---------------------------------------------------------------------- */

static void forget_steps(struct past *past)
{
    for (size_t i = 0; i < past->step_count; i++) {
        past->steps[i]->is_begun = false;
        past->steps[i]->begun_alike = NULL;
    }
}

struct failure *past_begin(struct past *past, uint64_t target)
{
    struct session *session = past->session;
    struct failure *failure;

    drop_journal(past);
    forget_steps(past);
    failure = past_make_world(past);
    if (failure != NULL)
        return failure;
    past->journal = journal_new(session_loop(session), past->id, &past->output);
    past_fill_journal(past);
    session_set_journal(session, past->journal);
    session_set_facts(
        session, &(struct run_facts){.id = past->id,
                                     .attempt = past->attempts > 0 ? past->attempts : 1});
    past->has_stopped = past->stops_next = false;
    past->target = target;
    return NULL;
}

void past_mark(struct past *past, struct task *task)
{
    task_set_mark(task, past);
}

bool past_is_of(const struct past *past, const struct task *task)
{
    return task != NULL && task_mark(task) == past;
}

/* --- a write ------------------------------------------------------------------------ */

/* The step that the write would be; NULL: the journal knows none like it, or no more of them. */
static struct past_step *find_next(struct past *past, const struct step_content *content,
                                   struct past_step **first)
{
    char key[CONTENT_KEY_SIZE];

    content_hash(past->id, content, key);
    *first = map_find(&past->alike, key);
    if (*first == NULL || content->is_single || (*first)->begun_alike == NULL)
        return *first;
    return (*first)->begun_alike->next_alike;
}

struct failure *past_refusal(const struct past_step *step)
{
    struct failure *failure;

    if (step == NULL || step->state != STEP_FAILED)
        return NULL;
    failure = failure_new(step->code != NULL ? step->code : "Failed", "%s",
                          step->message != NULL ? step->message : "it was refused");
    failure->status = step->status;
    failure->target = memory_copy_string(step->target);
    failure->request_id = memory_copy_string(step->cause_request_id);
    return failure;
}

enum past_verdict past_ask(struct past *past, const struct past_write *write,
                           bool is_let_go, struct failure **failure)
{
    struct past_step *first, *step = find_next(past, &write->content, &first);

    if (!is_let_go &&
        (past->stops_next || (step != NULL && step->number == past->target))) {
        past->stops_next = past->has_stopped = true;
        return PAST_HOLDS;
    }
    if (step == NULL)
        return PAST_GOES_ON;
    first->begun_alike = step;
    step->is_begun = true;
    if (step->state == STEP_DONE && strcmp(write->content.verb, "once") != 0)
        past_put(past, step, write);
    if (step->state == STEP_FAILED && !past->has_stopped) {
        *failure = past_refusal(step);
        return PAST_FAILS;
    }
    return PAST_GOES_ON;
}

char *past_take_unput(struct past *past, unsigned *count)
{
    char *unput = past->unput;

    *count = past->unput_count;
    past->unput = NULL;
    past->unput_count = 0;
    return unput;
}

/* --- what waits --------------------------------------------------------------------- */

struct past_hold *past_hold(struct past *past, const struct past_write *write,
                            struct task *task, struct lua_State *thread)
{
    struct past_hold *hold = memory_new(sizeof *hold);
    struct past_step *first;

    waitable_init(&hold->waitable);
    hold->past = past;
    hold->number = ++past->last_hold;
    hold->verb = memory_copy_string(write->content.verb);
    hold->kind = memory_copy_string(write->content.kind);
    hold->target = memory_copy_string(write->content.target);
    hold->step = find_next(past, &write->content, &first);
    hold->task = task;
    hold->thread = thread;
    list_append(&past->holds, &hold->link);
    past_tell(past);
    return hold;
}

void past_hold_free(struct past_hold *hold)
{
    list_remove(&hold->link);
    free(hold->verb);
    free(hold->kind);
    free(hold->target);
    free(hold);
}

struct past_hold *past_next_hold(const struct past *past, const struct past_hold *hold)
{
    struct list *next = hold != NULL ? hold->link.next : past->holds.next;

    return next != &past->holds ? LIST_ENTRY(next, struct past_hold, link) : NULL;
}

void past_let_go(struct past_hold *hold, enum past_release how)
{
    list_remove(&hold->link);
    hold->release = how;
    waitable_finish(&hold->waitable);
}

void past_stop_at(struct past *past, uint64_t target)
{
    past->stops_next = target == 0;
    past->target = target;
}

struct waitable *past_news(struct past *past)
{
    return &past->news;
}

void past_tell(struct past *past)
{
    waitable_finish(&past->news);
    waitable_init(&past->news);
}

void past_watch(struct past *past, struct task *task)
{
    struct waitable *waitable = task_waitable(task);

    waiter_remove(&past->watch);
    if (!waitable->is_done)
        waitable_add(waitable, &past->watch);
}
