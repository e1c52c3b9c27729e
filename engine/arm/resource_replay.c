/* engine/arm/resource_replay.c - verbs of a run that is carried on: what the journal knows of them. */
#include "arm/resource_parts.h"

#include <string.h>

#include "arm/client.h"
#include "arm/poll.h"
#include "arm/steps.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "journal/journal.h"

/* What the write of a step will have done, as the journal says it. */
static const char *const action_names[] = {[RESOURCE_CREATED] = "create",
                                           [RESOURCE_CHANGED] = "change",
                                           [RESOURCE_DELETED] = "delete"};

const char *resource_action(const struct resource_operation *own)
{
    return action_names[own->outcome];
}

/* What the write of an earlier attempt was to do. */
enum resource_outcome resource_planned(const struct resource_operation *own)
{
    const char *action = step_action(own->step);

    for (size_t i = 0; action != NULL && i < sizeof action_names / sizeof action_names[0];
         i++) {
        if (action_names[i] != NULL && strcmp(action_names[i], action) == 0)
            return (enum resource_outcome)i;
    }
    return own->verb == RESOURCE_DELETE ? RESOURCE_DELETED : RESOURCE_CHANGED;
}

/* What the journal says that it had come to. */
enum resource_outcome resource_outcome_of_step(const struct resource_operation *own)
{
    const char *outcome = step_outcome(own->step);

    for (size_t i = 0; outcome != NULL && i < RESOURCE_OUTCOME_COUNT; i++) {
        if (strcmp(resource_outcome_names[i], outcome) == 0)
            return (enum resource_outcome)i;
    }
    return resource_planned(own);
}

const char *resource_method_of_step(const struct resource_operation *own)
{
    return own->verb == RESOURCE_DELETE ? "DELETE" : "PUT";
}

void resource_begin_step(struct resource_operation *own)
{
    if (own->client->journal == NULL || own->verb < RESOURCE_CREATE)
        return;
    own->step =
        journal_begin(own->client->journal,
                      &(struct step_content){.verb = resource_verb_names[own->verb],
                                             .kind = own->kind->name,
                                             .target = own->id,
                                             .body = own->wanted});
    if (!step_is_replayed(own->step))
        return;
    own->is_replayed = steps_has_ended(own->step, resource_method_of_step(own));
    own->is_adopting = !own->is_replayed && step_state(own->step) == STEP_ANSWERED;
    own->is_unsure =
        step_state(own->step) == STEP_INTENDED ||
        (step_state(own->step) == STEP_FAILED && step_answer(own->step) != NULL);
}

/* What an earlier attempt has done: it is only read, to be given to the script. */
void resource_judge_replayed(struct resource_operation *own)
{
    if (resource_is_being_made(own->body)) {
        resource_wait_for_it(own);
        return;
    }
    resource_note_written(own);
    resource_end(own, resource_outcome_of_step(own));
}

/* An earlier attempt sent the creation and did not hear what became of it: is this ours? */
void resource_judge_lost_creation(struct resource_operation *own)
{
    if (resource_is_being_made(own->body))
        resource_wait_for_it(own);
    else if (poll_judge_state(poll_resource_state(own->body)) != POLL_SUCCEEDED)
        resource_write_difference(own);
    else if (resource_may_differ(own))
        resource_fail(
            own,
            failure_set_cure(
                failure_new("AlreadyExists",
                            "it exists, and is not what this run asked for: an earlier "
                            "attempt sent the creation, and its answer was lost"),
                "somebody else has made or changed it; use ensure to take it as it is"));
    else
        resource_end(own, RESOURCE_CREATED);
}

/* What the run had done is not there. Its script may have deleted it later, and will come to
 * that again: until then it is as it was written. False when it is to be done again. */
bool resource_recall_deleted(struct resource_operation *own)
{
    if (!journal_deletes_later(own->client->journal, own->step, own->id)) {
        log_line(LOG_WARNING,
                 "%s '%s': the run had done it, and it is gone; doing it again",
                 own->kind->name, resource_name(own));
        own->is_replayed = false;
        return false;
    }
    own->body = cJSON_Duplicate(own->wanted, true);
    json_set_at(own->body, "id", cJSON_CreateString(own->id));
    json_set_at(own->body, "name", cJSON_CreateString(resource_name(own)));
    resource_end(own, resource_outcome_of_step(own));
    return true;
}
