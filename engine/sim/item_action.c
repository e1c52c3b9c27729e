/* engine/sim/item_action.c - actions: what a POST on a resource does besides the verbs. */
#include "sim/item.h"

#include <stddef.h>

#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/entity.h"
#include "sim/rules.h"
#include "sim/target.h"
#include "sim/world.h"

/* What the service's specification has, and no row: nothing here does it. */
static const struct {
    const struct kind *kind;
    const char *name;
} others[] = {{&service_kind, "applynetworkconfigurationupdates"},
              {&service_kind, "backup"},
              {&service_kind, "restore"},
              {&service_kind, "getssotoken"},
              {&service_kind, "migrateToStv2"},
              {&service_kind, "validatePolicies"}};

static const struct action *find_action(const struct kind *kind, const char *name)
{
    const struct action *action = kind->actions;

    while (action != NULL && action->name != NULL &&
           !text_equal_nocase(action->name, name))
        action++;
    return action != NULL && action->name != NULL ? action : NULL;
}

static bool is_other(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].kind == kind && text_equal_nocase(others[i].name, name))
            return true;
    }
    return false;
}

void item_act(struct world *world, const struct call *call, const struct target *target,
              struct answer *answer)
{
    const struct rules *rules = rules_find(target->kind);
    const struct action *action = find_action(target->kind, target->action);
    struct entity *entity = entity_find(world, target->key);

    if (action == NULL && !is_other(target->kind, target->action))
        answer_refuse(answer, REFUSE_ACTION, "The action '%s' is not known for '%s'.",
                      target->action, target->kind->arm_type);
    else if (entity == NULL)
        target_answer_missing(target, world, answer);
    else if (action == NULL || rules->act == NULL)
        answer_refuse(answer, REFUSE_NOT_SIMULATED,
                      "The simulator does not carry out '%s' on '%s'.", target->action,
                      target->kind->arm_type);
    else
        rules->act(world, call, entity, action->name, answer);
    entity_free(entity);
}
