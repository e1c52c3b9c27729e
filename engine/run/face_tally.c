/* engine/run/face_tally.c - what a text face remembers of a run. */
#include "run/face_tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"

enum { NUMBER_SIZE = 24, DISTINCT_FAILURES = 10 };

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void format_number(const struct event *event, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%" PRIu64, event->operation);
}

/* Stands for the resource in the run, by its id or else its kind and name. */
static void make_key(const struct event *event, char key[TEXT_KEY_SIZE])
{
    char *text = event->target != NULL ? memory_copy_string(event->target)
                                       : memory_format("%s/%s", or_empty(event->kind),
                                                       or_empty(event->name));

    text_format_key(text, key);
    free(text);
}

static void free_operation(struct tally_operation *operation)
{
    list_remove(&operation->link);
    list_remove(&operation->fresh_link);
    free(operation->verb);
    free(operation->kind);
    free(operation->name);
    free(operation->state);
    free(operation);
}

static void free_group(struct tally_group *group)
{
    while (!list_is_empty(&group->operations))
        free_operation(LIST_ENTRY(group->operations.next, struct tally_operation, link));
    free(group->kind);
    free(group);
}

static void free_failure(struct tally_failure *failure)
{
    free(failure->code);
    free(failure->message);
    free(failure->cure);
    free(failure->first);
    free(failure);
}

/* Kinds are few. */
static struct tally_group *find_group(struct tally *tally, const char *kind)
{
    for (struct list *at = tally->groups.next; at != &tally->groups; at = at->next) {
        struct tally_group *group = LIST_ENTRY(at, struct tally_group, link);

        if (strcmp(group->kind, kind) == 0)
            return group;
    }

    struct tally_group *group = memory_new(sizeof *group);

    group->kind = memory_copy_string(kind);
    group->is_sorted = true;
    list_init(&group->operations);
    list_append(&tally->groups, &group->link);
    return group;
}

static void join_group(struct tally *tally, struct tally_operation *operation)
{
    struct tally_group *group = find_group(tally, operation->kind);

    if (group->count > 0) {
        const struct tally_operation *last =
            LIST_ENTRY(group->operations.previous, struct tally_operation, link);

        group->is_sorted = group->is_sorted && last->began_ms <= operation->began_ms;
    }
    list_append(&group->operations, &operation->link);
    group->count++;
    tally->waiting++;
}

static void leave_group(struct tally *tally, struct tally_operation *operation)
{
    list_remove(&operation->link);
    find_group(tally, operation->kind)->count--;
    tally->waiting--;
}

/* The run deals with the resource again, so it is no longer left to itself. */
static void take_up_again(struct tally *tally, const char *key)
{
    struct tally_operation *left = map_remove(&tally->left_by_key, key);

    if (left != NULL)
        free_operation(left);
}

static void leave_at_service(struct tally *tally, struct tally_operation *operation)
{
    take_up_again(tally, operation->key);
    list_remove(&operation->fresh_link);
    list_append(&tally->left, &operation->link);
    map_set(&tally->left_by_key, operation->key, operation);
}

static void set_state(struct tally_operation *operation, const struct event *event)
{
    operation->percent = event->percent;
    operation->forecast_ms = event->forecast != NULL ? event->elapsed_ms : -1;
    if (event->forecast != NULL)
        operation->forecast = *event->forecast;
    if (event->state == NULL ||
        (operation->state != NULL && strcmp(operation->state, event->state) == 0))
        return;
    free(operation->state);
    operation->state = memory_copy_string(event->state);
}

static bool is_same_failure(const struct tally_failure *seen,
                            const struct failure *failure)
{
    return strcmp(seen->code, failure->code) == 0 &&
           strcmp(seen->message, failure->message) == 0 &&
           strcmp(or_empty(seen->cure), or_empty(failure->cure)) == 0;
}

static void note_failure(struct tally *tally, const struct event *event)
{
    const struct failure *failure = event->failure;

    for (struct list *at = tally->failures.next; at != &tally->failures; at = at->next) {
        struct tally_failure *seen = LIST_ENTRY(at, struct tally_failure, link);

        if (is_same_failure(seen, failure)) {
            seen->count++;
            return;
        }
    }
    if (tally->failure_count == DISTINCT_FAILURES) {
        tally->untold++;
        return;
    }

    struct tally_failure *seen = memory_new(sizeof *seen);

    seen->code = memory_copy_string(failure->code);
    seen->message = memory_copy_string(failure->message);
    seen->cure = memory_copy_string(failure->cure);
    seen->first = memory_format("%s '%s'", or_empty(event->kind), or_empty(event->name));
    seen->count = 1;
    list_append(&tally->failures, &seen->link);
    tally->failure_count++;
}

static int compare_age(const void *a, const void *b)
{
    const struct tally_operation *one = *(struct tally_operation *const *)a;
    const struct tally_operation *other = *(struct tally_operation *const *)b;

    return (one->began_ms > other->began_ms) - (one->began_ms < other->began_ms);
}

void tally_init(struct tally *tally)
{
    *tally = (struct tally){0};
    list_init(&tally->groups);
    list_init(&tally->left);
    list_init(&tally->failures);
}

void tally_deinit(struct tally *tally)
{
    struct list *link;

    while ((link = list_take_first(&tally->groups)) != NULL)
        free_group(LIST_ENTRY(link, struct tally_group, link));
    while (!list_is_empty(&tally->left))
        free_operation(LIST_ENTRY(tally->left.next, struct tally_operation, link));
    while ((link = list_take_first(&tally->failures)) != NULL)
        free_failure(LIST_ENTRY(link, struct tally_failure, link));
    map_deinit(&tally->by_number, NULL);
    map_deinit(&tally->left_by_key, NULL);
}

struct tally_operation *tally_find(const struct tally *tally, const struct event *event)
{
    char number[NUMBER_SIZE];

    format_number(event, number);
    return map_find(&tally->by_number, number);
}

struct tally_operation *tally_begin(struct tally *tally, const struct event *event)
{
    struct tally_operation *operation = tally_find(tally, event);
    char number[NUMBER_SIZE];

    if (operation == NULL) {
        operation = memory_new(sizeof *operation);
        operation->verb = memory_copy_string(or_empty(event->verb));
        operation->kind = memory_copy_string(or_empty(event->kind));
        operation->name = memory_copy_string(or_empty(event->name));
        make_key(event, operation->key);
        operation->seen_ms = event->elapsed_ms;
        operation->seen_wall_ms = event->wall_ms;
        operation->began_ms = event->elapsed_ms - event->age_ms;
        take_up_again(tally, operation->key);
        join_group(tally, operation);
        format_number(event, number);
        map_set(&tally->by_number, number, operation);
    }
    set_state(operation, event);
    return operation;
}

void tally_finish(struct tally *tally, const struct event *event)
{
    char number[NUMBER_SIZE];

    format_number(event, number);

    struct tally_operation *operation = map_remove(&tally->by_number, number);

    tally->outcomes[event->outcome]++;
    if (event->outcome == OUTCOME_FAILED && event->failure != NULL)
        note_failure(tally, event);
    if (operation != NULL) {
        leave_group(tally, operation);
        if (event->outcome == OUTCOME_CANCELED)
            leave_at_service(tally, operation);
        else
            free_operation(operation);
    } else if (tally->left_by_key.count > 0) {
        char key[TEXT_KEY_SIZE];

        make_key(event, key);
        take_up_again(tally, key);
    }
}

void tally_sort(struct tally_group *group)
{
    if (group->is_sorted)
        return;

    struct tally_operation **sorted = memory_new(group->count * sizeof *sorted);
    struct list *link;
    size_t count = 0;

    while ((link = list_take_first(&group->operations)) != NULL)
        sorted[count++] = LIST_ENTRY(link, struct tally_operation, link);
    qsort(sorted, count, sizeof(struct tally_operation *), compare_age);
    for (size_t i = 0; i < count; i++)
        list_append(&group->operations, &sorted[i]->link);
    free(sorted);
    group->is_sorted = true;
}
