/* engine/sim/tags.c - the tags of a scope.
 *
 * A resource keeps them in its body; the subscription's have a table of their own. The
 * limits are documented, the code of what breaks them is assumed. Newer versions of the
 * interface may answer a write with 202; here it is done at once. */
#include "sim/tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/ledger.h"
#include "sim/target.h"
#include "sim/world.h"

enum { TAG_LIMIT = 50, NAME_LIMIT = 512, VALUE_LIMIT = 256 };

bool tags_check(const cJSON *tags, struct answer *answer)
{
    const int count = cJSON_GetArraySize(tags);
    const cJSON *tag;

    if (count > TAG_LIMIT)
        return answer_refuse(answer, REFUSE_TAGS,
                             "There are %d tags; a resource can have %d.", count,
                             TAG_LIMIT);
    cJSON_ArrayForEach (tag, tags) {
        if (!cJSON_IsString(tag))
            return answer_refuse(answer, REFUSE_TAGS, "The value of tag '%s' is no text.",
                                 tag->string);
        if (tag->string[0] == '\0' || strlen(tag->string) > NAME_LIMIT ||
            strpbrk(tag->string, "<>%&\\?/") != NULL)
            return answer_refuse(
                answer, REFUSE_TAGS,
                "The tag name '%.64s' is not valid: it must have 1 to %d "
                "characters, none of <>%%&\\?/.",
                tag->string, NAME_LIMIT);
        if (strlen(tag->valuestring) > VALUE_LIMIT)
            return answer_refuse(answer, REFUSE_TAGS,
                                 "The value of tag '%s' has %zu characters; %d are "
                                 "allowed.",
                                 tag->string, strlen(tag->valuestring), VALUE_LIMIT);
    }
    return true;
}

cJSON *tags_of_subscription(struct world *world)
{
    char *text =
        database_text(world->database, "SELECT body FROM scope_tags WHERE scope = ?", "t",
                      world->subscription_key);
    cJSON *tags = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;

    free(text);
    return tags;
}

/* What is tagged: the subscription when `entity` is NULL. */
struct tagged {
    struct world *world;
    const struct target *target;
    struct entity *entity;
    cJSON *body, *tags; /* `body` NULL for the subscription */
};

static bool open_tagged(struct tagged *tagged, struct world *world,
                        const struct target *target, struct answer *answer)
{
    const bool is_subscription = strcmp(target->key, world->subscription_key) == 0;

    *tagged = (struct tagged){.world = world, .target = target};
    if (is_subscription) {
        tagged->tags = tags_of_subscription(world);
    } else {
        tagged->entity = entity_find(world, target->key);
        if (tagged->entity == NULL)
            return target_check_group(target, world, answer) &&
                   answer_refuse(answer, REFUSE_RESOURCE,
                                 "The Resource '%s' was not found. For more details "
                                 "please go to https://aka.ms/ARMResourceNotFoundFix",
                                 target->id);
        if (!kind_has_tags(tagged->entity->kind))
            return answer_refuse(answer, REFUSE_TAGS,
                                 "The resource type '%s' does not support tags.",
                                 tagged->entity->kind->arm_type);
        tagged->body =
            json_parse(tagged->entity->body, strlen(tagged->entity->body), NULL);
        tagged->tags = cJSON_DetachItemFromObjectCaseSensitive(tagged->body, "tags");
    }
    if (tagged->tags == NULL)
        tagged->tags = cJSON_CreateObject();
    return true;
}

static void close_tagged(struct tagged *tagged)
{
    entity_free(tagged->entity);
    cJSON_Delete(tagged->body);
    cJSON_Delete(tagged->tags);
}

static void show(const struct tagged *tagged, struct answer *answer)
{
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("%s/providers/Microsoft.Resources/tags/default",
                             tagged->entity != NULL ? tagged->entity->id
                                                    : tagged->world->subscription_id);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", "default");
    cJSON_AddStringToObject(body, "type", "Microsoft.Resources/tags");
    json_set_at(body, "properties.tags", cJSON_Duplicate(tagged->tags, true));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
    free(id);
}

static void save(struct tagged *tagged, struct answer *answer)
{
    struct world *world = tagged->world;
    char *text = json_print(tagged->tags);

    database_begin(world->database);
    if (tagged->entity == NULL) {
        database_run(world->database, "REPLACE INTO scope_tags VALUES (?, ?)", "tt",
                     world->subscription_key, text);
    } else {
        cJSON_AddItemToObject(tagged->body, "tags", cJSON_Duplicate(tagged->tags, true));
        entity_save(world, tagged->entity->kind, tagged->entity->parent, tagged->body);
        ledger_changed(world, tagged->entity->id);
    }
    world_save_time(world);
    if (database_commit(world->database))
        show(tagged, answer);
    free(text);
}

/* Tag names do not mind case. */
static void set_tag(cJSON *tags, const cJSON *tag)
{
    cJSON_DeleteItemFromObject(tags, tag->string);
    cJSON_AddItemToObject(tags, tag->string, cJSON_Duplicate(tag, true));
}

static void merge(cJSON *tags, const cJSON *given)
{
    const cJSON *tag;

    cJSON_ArrayForEach (tag, given)
        set_tag(tags, tag);
}

/* Those that have the name and the value. */
static void subtract(cJSON *tags, const cJSON *given)
{
    const cJSON *tag;

    cJSON_ArrayForEach (tag, given) {
        const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(tags, tag->string));

        if (value != NULL && cJSON_IsString(tag) && strcmp(value, tag->valuestring) == 0)
            cJSON_DeleteItemFromObject(tags, tag->string);
    }
}

static void replace(struct tagged *tagged, const cJSON *given)
{
    cJSON_Delete(tagged->tags);
    tagged->tags = cJSON_CreateObject();
    merge(tagged->tags, given);
}

static void change(struct tagged *tagged, struct call *call, struct answer *answer)
{
    const cJSON *body = call_json(call), *given = json_at(body, "properties.tags");
    const char *operation = json_string_at(body, "operation");
    const bool is_put = call->method == CALL_PUT;

    if (!cJSON_IsObject(given)) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "The request content was invalid: 'properties.tags' is required.");
        return;
    }
    if (!tags_check(given, answer))
        return;
    if (is_put || (operation != NULL && text_equal_nocase(operation, "Replace"))) {
        replace(tagged, given);
    } else if (operation != NULL && text_equal_nocase(operation, "Merge")) {
        merge(tagged->tags, given);
    } else if (operation != NULL && text_equal_nocase(operation, "Delete")) {
        subtract(tagged->tags, given);
    } else {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "The operation '%s' is not one of Replace, Merge, Delete.",
                      operation != NULL ? operation : "");
        return;
    }
    if (tags_check(tagged->tags, answer))
        save(tagged, answer);
}

static void remove_all(struct tagged *tagged, struct answer *answer)
{
    replace(tagged, NULL);
    save(tagged, answer);
    buffer_clear(&answer->body);
}

void tags_answer(struct world *world, struct call *call, const struct target *target,
                 struct answer *answer)
{
    struct tagged tagged;

    if (open_tagged(&tagged, world, target, answer)) {
        if (call->method == CALL_GET)
            show(&tagged, answer);
        else if (!target_check_group_stays(target, world, answer))
            ; /* it has answered */
        else if (call->method == CALL_PUT || call->method == CALL_PATCH)
            change(&tagged, call, answer);
        else if (call->method == CALL_DELETE)
            remove_all(&tagged, answer);
        else
            answer_refuse(answer, REFUSE_METHOD, "The method is not allowed on '%s'.",
                          call->path);
    }
    close_tagged(&tagged);
}
