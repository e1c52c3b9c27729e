/* engine/sim/item_list.c - lists of resources, page by page. */
#include "sim/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/plane.h"
#include "sim/rules.h"
#include "sim/target.h"
#include "sim/world.h"

#define READ_GROUP "Microsoft.Resources/subscriptions/resourceGroups/read"

enum { DEFAULT_TOP = 100, LIMIT_TOP = 1000 };

/* A whole number from `least` on, or -1. */
static long read_number(const char *text, long least)
{
    char *end;
    const long number = strtol(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' && number >= least &&
                   number < 1000000000
               ? number
               : -1;
}

bool page_open(struct page *page, const struct call *call, struct answer *answer)
{
    const char *top = call_parameter(call, "$top");
    const long limit = top != NULL ? read_number(top, 1) : DEFAULT_TOP;

    *page = (struct page){.limit = (size_t)limit};
    if (limit > 0 && limit <= LIMIT_TOP)
        return true;
    answer_add_detail(answer, "$top", "$top must be a number from 1 to %d.", LIMIT_TOP);
    return answer_refuse_details(answer);
}

void page_add(struct page *page, const char *body)
{
    if (page->count++ > 0)
        buffer_append_char(&page->items, ',');
    buffer_append_string(&page->items, body);
}

static void append_next_link(struct buffer *to, const struct call *call, const char *next)
{
    struct buffer url = {0};

    buffer_printf(&url, "%s%s?%s", call->base, call->path, next);
    for (size_t i = 0; i < call->parameter_count; i++) {
        const char *name = call->parameters[i].name;

        if (text_equal_nocase(name, "$skip") || text_equal_nocase(name, "$skiptoken"))
            continue;
        buffer_append_char(&url, '&');
        buffer_append_string(&url, name);
        buffer_append_char(&url, '=');
        buffer_append_escaped(&url, call->parameters[i].value);
    }
    buffer_append_json_string(to, url.data, url.length);
    buffer_deinit(&url);
}

void page_close(struct page *page, const struct call *call, struct answer *answer,
                long total, const char *next)
{
    answer->status = 200;
    buffer_clear(&answer->body);
    buffer_append_string(&answer->body, "{\"value\":[");
    buffer_append(&answer->body, page->items.data, page->items.length);
    buffer_append_char(&answer->body, ']');
    if (total >= 0)
        buffer_printf(&answer->body, ",\"count\":%ld", total);
    if (next != NULL) {
        buffer_append_string(&answer->body, ",\"nextLink\":");
        append_next_link(&answer->body, call, next);
    }
    buffer_append_char(&answer->body, '}');
    buffer_deinit(&page->items);
}

/* Lists of a service's children count all there are and page by $skip. */
static bool is_counted(const struct kind *kind)
{
    return text_has_prefix_nocase(kind->arm_type, "Microsoft.ApiManagement/service/");
}

static void add(struct world *world, struct page *page, sqlite3_stmt *row,
                const struct kind *kind)
{
    const struct rules *rules = rules_find(kind);

    if (rules->present == NULL) {
        page_add(page, database_column(row, 1));
        return;
    }

    struct entity *entity = entity_find(world, database_column(row, 0));
    struct buffer text = {0};

    rules->present(world, entity, &text);
    page_add(page, text.data);
    buffer_deinit(&text);
    entity_free(entity);
}

static sqlite3_stmt *query(struct world *world, const struct target *target,
                           const char *after, long skip, int64_t limit)
{
    const struct kind *kind = target->kind;
    const bool is_whole_subscription =
        kind->parent != NULL && strcmp(target->parent, world->subscription_key) == 0;

    if (is_whole_subscription)
        return database_query(world->database,
                              "SELECT key, body FROM entity WHERE type = ? AND key > ?"
                              " ORDER BY key LIMIT ? OFFSET ?",
                              "ttii", kind->arm_type, after, limit, (int64_t)skip);
    return database_query(
        world->database,
        "SELECT key, body FROM entity WHERE parent = ? AND type = ? AND key > ?"
        " ORDER BY key LIMIT ? OFFSET ?",
        "tttii", target->parent, kind->arm_type, after, limit, (int64_t)skip);
}

/* Whom the items have to be asked about one by one, or NULL: all of them may be seen. */
static const char *find_reader(struct world *world, const struct caller *caller,
                               const struct target *target)
{
    return target->kind != &resource_group_kind ||
                   grants_allow(world, caller->object_id, target->key, READ_GROUP)
               ? NULL
               : caller->object_id;
}

static void list(struct world *world, const struct call *call,
                 const struct caller *caller, const struct target *target, long skip,
                 struct answer *answer)
{
    const char *reader = find_reader(world, caller, target);
    const char *after = call_parameter(call, "$skiptoken");
    struct buffer last = {0}, next = {0};
    struct page page;
    bool has_more = false;
    long total = -1;

    if (!page_open(&page, call, answer))
        return;

    sqlite3_stmt *row = query(world, target, after != NULL ? after : "", skip,
                              reader == NULL ? (int64_t)page.limit + 1 : INT64_MAX);

    while (!has_more && database_step(world->database, row)) {
        if (reader != NULL &&
            !grants_allow(world, reader, database_column(row, 0), READ_GROUP))
            continue;
        if (page.count == page.limit) {
            has_more = true;
            database_done(row);
        } else {
            buffer_clear(&last);
            buffer_append_string(&last, database_column(row, 0));
            add(world, &page, row, target->kind);
        }
    }
    if (is_counted(target->kind))
        total = (long)entity_count(world, target->kind, target->parent);
    if (has_more && is_counted(target->kind)) {
        buffer_printf(&next, "$skip=%ld", skip + (long)page.count);
    } else if (has_more) {
        buffer_append_string(&next, "$skiptoken=");
        buffer_append_escaped(&next, last.data);
    }
    page_close(&page, call, answer, total, next.data);
    buffer_deinit(&last);
    buffer_deinit(&next);
}

void item_list(struct world *world, const struct call *call, const struct caller *caller,
               const struct target *target, struct answer *answer)
{
    const struct rules *rules = rules_find(target->kind);
    const char *skip = call_parameter(call, "$skip");
    const long skipped = skip != NULL ? read_number(skip, 0) : 0;

    if ((target->kind->operations & KIND_LIST) == 0) {
        answer_refuse(answer, REFUSE_METHOD, "'%s' cannot be listed.",
                      target->kind->arm_type);
    } else if (!target_check_parents(target, world, answer)) {
        /* it has answered */
    } else if (rules->list != NULL) {
        rules->list(world, call, target, answer);
    } else if (call_parameter(call, "$filter") != NULL) {
        answer_refuse(answer, REFUSE_FILTER, "$filter is not supported for '%s'.",
                      target->kind->arm_type);
    } else if (skipped < 0) {
        answer_add_detail(answer, "$skip", "$skip must be a number from 0 on.");
        answer_refuse_details(answer);
    } else {
        list(world, call, caller, target, skipped, answer);
    }
}
