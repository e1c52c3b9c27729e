/* engine/sim/target.c - what a path of Azure Resource Manager points to. */
#include "sim/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/api_revision.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/provider.h"
#include "sim/world.h"

enum { GROUP_LENGTH = 4 }; /* segments of "/subscriptions/s/resourceGroups/g" */

/* The first `count` segments as an id. Owned by the caller. */
static char *join(const struct call *call, size_t count)
{
    struct buffer id = {0};

    for (size_t i = 0; i < count; i++) {
        buffer_append_char(&id, '/');
        buffer_append_string(&id, call->segments[i]);
    }
    return buffer_take(&id);
}

static bool is_unknown_type(struct answer *answer, const struct call *call,
                            const char *namespace)
{
    return answer_refuse(
        answer, REFUSE_RESOURCE_TYPE,
        "The resource type could not be found in the namespace '%s' for api "
        "version '%s'.",
        namespace, call_parameter(call, "api-version"));
}

/* Fills in an item whose id are the first `count` segments, of which those before
 * `parent_count` are its parent. */
static void set_item(struct target *target, const struct call *call,
                     const struct kind *kind, size_t parent_count, size_t count)
{
    char *parent = join(call, parent_count);

    target->form = TARGET_ITEM;
    target->kind = kind;
    target->id = join(call, count);
    target->key = entity_make_key(target->id);
    target->parent = text_lower(parent);
    target->name = call->segments[count - 1];
}

static void set_list(struct target *target, const struct call *call,
                     const struct kind *kind, size_t parent_count)
{
    target->form = TARGET_LIST;
    target->kind = kind;
    target->id = join(call, parent_count);
    target->key = entity_make_key(target->id);
    target->parent = memory_copy_string(target->key);
}

/* A role is one and the same at whatever scope it is asked for; it is kept at the
 * subscription. `id` stays as it was asked for. */
static void use_subscription(struct target *target, const struct world *world)
{
    char *id = kind_format_id(target->kind, world->subscription_id, target->name);

    free(target->key);
    free(target->parent);
    target->key = text_lower(id);
    target->parent = memory_copy_string(world->subscription_key);
}

/* The last ".../providers/Namespace/type[/name]" whose type lives on any resource. */
static bool find_extension(struct target *target, const struct world *world,
                           const struct call *call)
{
    for (size_t i = call->segment_count; i-- > 0;) {
        if (!call_segment_is(call, i, "providers") || i + 3 > call->segment_count)
            continue;
        if (i + 4 < call->segment_count)
            return false;

        char *type = memory_format("%s/%s", call->segments[i + 1], call->segments[i + 2]);
        const struct kind *kind = world_find_kind(world, type);

        free(type);
        if (kind == NULL || !kind->is_extension)
            return false;
        if (i + 4 == call->segment_count)
            set_item(target, call, kind, i, i + 4);
        else
            set_list(target, call, kind, i);
        if (kind == &role_definition_kind && target->form == TARGET_ITEM)
            use_subscription(target, world);
        return true;
    }
    return false;
}

/* "{scope}/providers/Microsoft.Authorization/permissions". */
static bool find_permissions(struct target *target, const struct call *call)
{
    const size_t count = call->segment_count;

    if (count < 5 || !call_segment_is(call, count - 3, "providers") ||
        !call_segment_is(call, count - 2, "Microsoft.Authorization") ||
        !call_segment_is(call, count - 1, "permissions"))
        return false;
    target->form = TARGET_PERMISSIONS;
    target->id = join(call, count - 3);
    target->key = entity_make_key(target->id);
    return true;
}

/* "{scope}/providers/Microsoft.Resources/deployments[/name[/action[/detail]]]", and the
 * older "{group}/deployments/name/operations[/id]". The scope is a group or the
 * subscription. */
static bool find_deployment(struct target *target, const struct call *call)
{
    const size_t count = call->segment_count;
    const size_t scope = call_segment_is(call, 2, "resourceGroups") ? GROUP_LENGTH : 2;
    size_t name = scope + 3; /* its segment */

    if (call_segment_is(call, scope, "deployments"))
        name = scope + 1;
    else if (!call_segment_is(call, scope, "providers") ||
             !call_segment_is(call, scope + 1, "Microsoft.Resources") ||
             !call_segment_is(call, scope + 2, "deployments"))
        return false;
    if (count > name + 3 || (name == scope + 1 && count < name + 2))
        return false;
    target->form = TARGET_DEPLOYMENT;
    target->id = join(call, scope);
    target->key = entity_make_key(target->id);
    target->name = count > name ? call->segments[name] : NULL;
    target->action = count > name + 1 ? call->segments[name + 1] : NULL;
    target->detail = count > name + 2 ? call->segments[name + 2] : NULL;
    return true;
}

static void set_scope(struct target *target, enum target_form form,
                      const struct call *call, size_t count)
{
    target->form = form;
    target->id = join(call, count);
    target->key = entity_make_key(target->id);
}

/* "{scope}/resources" and "{scope}/providers/Microsoft.Resources/tags/default". */
static bool find_scope_part(struct target *target, const struct call *call)
{
    const size_t count = call->segment_count;
    const bool is_in_group = call_segment_is(call, 2, "resourceGroups");

    if (count == (is_in_group ? GROUP_LENGTH + 1u : 3u) &&
        call_segment_is(call, count - 1, "resources")) {
        set_scope(target, TARGET_RESOURCES, call, count - 1);
        return true;
    }
    if (count < 6 || !call_segment_is(call, count - 4, "providers") ||
        !call_segment_is(call, count - 3, "Microsoft.Resources") ||
        !call_segment_is(call, count - 2, "tags") ||
        !call_segment_is(call, count - 1, "default"))
        return false;
    set_scope(target, TARGET_TAGS, call, count - 4);
    return true;
}

/* What API Management has at a subscription, and the tiers of its resources. */
static bool find_management(struct target *target, const struct call *call)
{
    enum { NAMESPACE = 3, TYPE = 4, REGION = 5, NAME = 7, MONITOR = 9, SKUS = 8 };
    const size_t count = call->segment_count;

    if (call_segment_is(call, GROUP_LENGTH + 1, "Microsoft.ApiManagement") &&
        count == SKUS + 1 && call_segment_is(call, SKUS, "skus") &&
        (call_segment_is(call, SKUS - 2, "service") ||
         call_segment_is(call, SKUS - 2, "gateways"))) {
        set_scope(target, TARGET_SKUS, call, SKUS);
        target->kind =
            call_segment_is(call, SKUS - 2, "service") ? &service_kind : &gateway_kind;
        return true;
    }
    if (!call_segment_is(call, 2, "providers") ||
        !call_segment_is(call, NAMESPACE, "Microsoft.ApiManagement"))
        return false;
    if (count == TYPE + 1 && call_segment_is(call, TYPE, "checkNameAvailability")) {
        target->form = TARGET_NAME_CHECK;
        return true;
    }
    if (count == TYPE + 1 && call_segment_is(call, TYPE, "deletedservices")) {
        target->form = TARGET_DELETED_SERVICE;
        return true;
    }
    if (!call_segment_is(call, TYPE, "locations") ||
        !call_segment_is(call, NAME - 1, "deletedservices") ||
        (count != NAME + 1 &&
         !(count == MONITOR + 1 && call_segment_is(call, NAME + 1, "operationresults"))))
        return false;
    target->form = TARGET_DELETED_SERVICE;
    target->action = call->segments[REGION];
    target->name = call->segments[NAME];
    target->detail = count == MONITOR + 1 ? call->segments[MONITOR] : NULL;
    return true;
}

/* "operationresults/{id}" and the like in their several places. */
static bool find_monitor(struct target *target, const struct call *call)
{
    static const char *const names[] = {"operationresults", "operationStatuses",
                                        "operationsStatuses"};
    const size_t count = call->segment_count;

    if (count < 4)
        return false;

    bool is_one = call_segment_is(call, count - 2, "operations") &&
                  call_segment_is(call, count - 4, "locations");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        is_one = is_one || call_segment_is(call, count - 2, names[i]);
    if (!is_one)
        return false;
    target->form = TARGET_MONITOR;
    target->name = call->segments[count - 1];
    return true;
}

/* What stands behind "providers" at segment `at`: a namespace, then types and names. */
static bool open_resource(struct target *target, const struct world *world,
                          const struct call *call, size_t at, struct answer *answer)
{
    const size_t count = call->segment_count;
    struct buffer type = {0};
    size_t end = count; /* of the part that is types and names */

    if (at + 2 >= count)
        return answer_refuse(answer, REFUSE_PATH, "No resource type in the path.");
    if (call->method == CALL_POST && (end - at) % 2 == 1) {
        target->action = call->segments[count - 1];
        end--;
    }
    buffer_append_string(&type, call->segments[at + 1]);
    for (size_t i = at + 2; i < end; i += 2) {
        buffer_append_char(&type, '/');
        buffer_append_string(&type, call->segments[i]);
    }

    const struct kind *kind = world_find_kind(world, type.data);
    const bool is_item = (end - at) % 2 == 0;
    const bool is_top = end - at <= 4;

    buffer_deinit(&type);
    if (!provider_is_known(call->segments[at + 1]))
        return answer_refuse(answer, REFUSE_NAMESPACE,
                             "The resource namespace '%s' is invalid.",
                             call->segments[at + 1]);
    if (kind == NULL || kind->is_extension ||
        (at == 2 && (is_item || kind->parent != &resource_group_kind)))
        return is_unknown_type(answer, call, call->segments[at + 1]);
    if (is_item)
        set_item(target, call, kind, is_top ? at : end - 2, end);
    else
        set_list(target, call, kind, is_top ? at : end - 1);
    if (target->action != NULL)
        target->form = TARGET_ACTION;
    return true;
}

static bool open_below_subscription(struct target *target, const struct world *world,
                                    const struct call *call, struct answer *answer)
{
    const size_t count = call->segment_count;

    if (find_permissions(target, call) || find_deployment(target, call) ||
        find_scope_part(target, call) || find_management(target, call) ||
        find_monitor(target, call) || find_extension(target, world, call))
        return true;
    if (call_segment_is(call, 2, "locations") && count == 3) {
        target->form = TARGET_LOCATIONS;
        return true;
    }
    if (call_segment_is(call, 2, "resourceGroups")) {
        if (count == GROUP_LENGTH - 1)
            set_list(target, call, &resource_group_kind, 2);
        else if (count == GROUP_LENGTH)
            set_item(target, call, &resource_group_kind, 2, GROUP_LENGTH);
        else if (call_segment_is(call, GROUP_LENGTH, "providers"))
            return open_resource(target, world, call, GROUP_LENGTH, answer);
        else
            return answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.",
                                 call->segments[GROUP_LENGTH]);
        return true;
    }
    if (call_segment_is(call, 2, "providers") &&
        (count == 3 || count == 4 || (count == 5 && call->method == CALL_POST))) {
        target->form = TARGET_PROVIDER;
        target->name = count > 3 ? call->segments[3] : NULL;
        target->action = count == 5 ? call->segments[4] : NULL;
        return true;
    }
    if (call_segment_is(call, 2, "providers"))
        return open_resource(target, world, call, 2, answer);
    return answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.",
                         call->segments[2]);
}

bool target_open(struct target *target, const struct world *world,
                 const struct call *call, struct answer *answer)
{
    *target = (struct target){0};
    if (call->segment_count == 1) {
        target->form =
            call_segment_is(call, 0, "tenants") ? TARGET_TENANTS : TARGET_SUBSCRIPTIONS;
        return true;
    }
    if (call_segment_is(call, 0, "providers"))
        return find_extension(target, world, call) ||
               answer_refuse(
                   answer, REFUSE_MISSING_SUBSCRIPTION,
                   "The request did not have a subscription or a valid tenant level "
                   "resource provider.");
    if (!call_segment_is(call, 0, "subscriptions"))
        return answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.",
                             call->segments[0]);
    if (!uuid_is_valid(call->segments[1]))
        return answer_refuse(
            answer, REFUSE_SUBSCRIPTION_ID,
            "The provided subscription identifier '%s' is malformed or invalid.",
            call->segments[1]);
    if (!text_equal_nocase(call->segments[1], world->profile.subscription_id))
        return answer_refuse(answer, REFUSE_SUBSCRIPTION,
                             "The subscription '%s' could not be found.",
                             call->segments[1]);
    if (call->segment_count == 2) {
        target->form = TARGET_SUBSCRIPTION;
        return true;
    }
    return open_below_subscription(target, world, call, answer);
}

void target_resolve(struct target *target, struct world *world)
{
    if (target->key != NULL)
        target->key = api_revision_resolve(world, target->key);
    if (target->parent != NULL)
        target->parent = api_revision_resolve(world, target->parent);
}

void target_close(struct target *target)
{
    free(target->id);
    free(target->key);
    free(target->parent);
}

/* The part of an id from segment `from` on, without the slash; "" when it has no more. */
static const char *skip_segments(const char *id, int from)
{
    while (*id != '\0' && from-- > 0)
        id += strcspn(id + 1, "/") + 1;
    return *id == '/' ? id + 1 : id;
}

/* The key of the group that an id is of or lies in, owned by the caller, or NULL. */
static char *find_group(const char *id)
{
    const char *rest = skip_segments(id, GROUP_LENGTH);

    if (!text_has_prefix_nocase(skip_segments(id, 2), "resourceGroups/"))
        return NULL;
    return text_lower(
        memory_copy_text(id, strlen(id) - strlen(rest) - (*rest != '\0' ? 1 : 0)));
}

/* Whether the group that a key lies in exists; has answered when not. */
static bool check_group(const char *id, struct world *world, struct answer *answer)
{
    const char *name = skip_segments(id, GROUP_LENGTH - 1);
    char *key = find_group(id);
    const bool exists = key == NULL || entity_exists(world, key);

    if (!exists)
        answer_refuse(answer, REFUSE_RESOURCE_GROUP,
                      "Resource group '%.*s' could not be found.",
                      (int)strcspn(name, "/"), name);
    free(key);
    return exists;
}

static bool is_root_or_subscription(const struct world *world, const char *key)
{
    return *grants_find_scope(world, key) == '\0' ||
           strcmp(key, world->subscription_key) == 0;
}

bool target_check_group(const struct target *target, struct world *world,
                        struct answer *answer)
{
    return check_group(target->id, world, answer);
}

bool target_check_group_stays(const struct target *target, struct world *world,
                              struct answer *answer)
{
    char *group = find_group(target->id);
    const bool is_going =
        group != NULL &&
        database_number(world->database, 0,
                        "SELECT 1 FROM monitor WHERE key = ? AND next_ms IS NOT NULL AND"
                        " type = 'Microsoft.Resources/resourceGroups'",
                        "t", group) != 0;

    free(group);
    return !is_going ||
           answer_refuse(answer, REFUSE_GROUP_DELETING,
                         "The resource group of '%s' is being deleted.", target->id);
}

bool target_check_parents(const struct target *target, struct world *world,
                          struct answer *answer)
{
    if (is_root_or_subscription(world, target->parent) ||
        entity_exists(world, target->parent))
        return true;
    if (!check_group(target->id, world, answer))
        return false;
    if (target->kind->is_extension)
        return answer_refuse(
            answer, REFUSE_RESOURCE,
            "The Resource '%s' was not found. For more details please go to "
            "https://aka.ms/ARMResourceNotFoundFix",
            target->parent);

    const char *parent_end = target->id + strlen(target->parent), *name = parent_end;

    while (name > target->id && name[-1] != '/')
        name--;
    return answer_refuse(
        answer, REFUSE_PARENT,
        "Can not perform requested operation on nested resource. Parent resource "
        "'%.*s' not found.",
        (int)(parent_end - name), name);
}

/* "Microsoft.ApiManagement/service/contoso/workspaces/payments" of an id in a group. */
static const char *skip_to_provider(const char *id)
{
    const char *rest = skip_segments(id, GROUP_LENGTH + 1);

    return *rest != '\0' ? rest : id;
}

void target_answer_missing(const struct target *target, struct world *world,
                           struct answer *answer)
{
    if (target->kind == &resource_group_kind) {
        answer_refuse(answer, REFUSE_RESOURCE_GROUP,
                      "Resource group '%s' could not be found.", target->name);
        return;
    }
    if (!target_check_parents(target, world, answer))
        return;

    const char *group = skip_segments(target->id, GROUP_LENGTH - 1);

    answer_refuse(
        answer, REFUSE_RESOURCE,
        "The Resource '%s' under resource group '%.*s' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix",
        skip_to_provider(target->id), (int)strcspn(group, "/"), group);
}
