/* engine/sim/item_list.c - lists of resources, page by page. */
#include "sim/item.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/list_filter.h"
#include "sim/plane.h"
#include "sim/rules.h"
#include "sim/shape.h"
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
    if (rules_find(kind)->present == NULL && !shape_hides(kind)) {
        page_add(page, database_column(row, 1));
        return;
    }

    struct entity *entity = entity_find(world, database_column(row, 0));
    struct buffer text = {0};

    item_present(world, entity, &text);
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

/* What the lists of a kind can be asked for: documented for workspaces (but for `name`,
 * which other lists of the service have); groups of a subscription by their tags alone. */
static const struct list_field workspace_list_fields[] = {
    {"name", "name", LIST_ALL},
    {"displayName", "properties.displayName", LIST_ALL},
    {"description", "properties.description", LIST_ALL},
    {0}};

/* Which of the rows a list shows, and from where. */
struct selection {
    long skip;
    const char *after;          /* a key, or "" */
    struct list_filter *filter; /* or NULL */
    char *tag, *value;          /* that a row must have, or NULL */
};

/* "tagName eq 'a' and tagValue eq 'b'". */
bool item_read_tag_filter(const char *filter, char **tag, char **value)
{
    static const char pattern[] =
        "^ *tagName +eq +'([^']|'')*'( +and +tagValue +eq +'([^']|'')*')? *$";
    struct buffer texts[2] = {{0}, {0}};
    size_t index = 0;
    bool is_inside = false;

    if (!text_matches(filter, pattern))
        return false;
    for (const char *c = filter; *c != '\0'; c++) {
        if (*c == '\'' && is_inside && c[1] == '\'')
            buffer_append_char(&texts[index], *c++);
        else if (*c == '\'')
            index += (size_t)is_inside, is_inside = !is_inside;
        else if (is_inside)
            buffer_append_char(&texts[index], *c);
    }
    *tag = buffer_take(&texts[0]);
    *value = index == 2 ? buffer_take(&texts[1]) : NULL;
    return true;
}

bool item_has_tag(const cJSON *body, const char *tag, const char *value)
{
    const char *found = cJSON_GetStringValue(
        cJSON_GetObjectItem(cJSON_GetObjectItemCaseSensitive(body, "tags"), tag));

    return found != NULL && (value == NULL || strcmp(found, value) == 0);
}

static bool read_filter(struct selection *selection, const char *text,
                        const struct kind *kind, struct answer *answer)
{
    char *wrong = NULL;

    if (text == NULL)
        return true;
    if (kind == &resource_group_kind)
        return item_read_tag_filter(text, &selection->tag, &selection->value) ||
               answer_refuse(answer, REFUSE_FILTER,
                             "The filter '%s' is not supported. Resource groups can be "
                             "asked for: tagName eq '..' and tagValue eq '..'.",
                             text);
    if (kind != &workspace_kind)
        return answer_refuse(answer, REFUSE_FILTER, "$filter is not supported for '%s'.",
                             kind->arm_type);
    selection->filter = list_filter_parse(text, workspace_list_fields, &wrong);
    if (wrong != NULL)
        answer_refuse(answer, REFUSE_FILTER, "%s", wrong);
    free(wrong);
    return selection->filter != NULL;
}

static bool is_selected(const struct selection *selection, const char *text)
{
    cJSON *body;
    bool is_match;

    if (selection->filter == NULL && selection->tag == NULL)
        return true;
    body = json_parse(text, strlen(text), NULL);
    is_match = selection->tag != NULL
                   ? item_has_tag(body, selection->tag, selection->value)
                   : list_filter_matches(selection->filter, body);
    cJSON_Delete(body);
    return is_match;
}

/* All that match are counted when the list says how many there are. */
static void select_rows(struct world *world, const struct caller *caller,
                        const struct target *target, const struct selection *selection,
                        struct page *page, struct selection *rest, long *total)
{
    const char *reader = find_reader(world, caller, target);
    const bool is_filtered =
        selection->filter != NULL || selection->tag != NULL || reader != NULL;
    sqlite3_stmt *row =
        query(world, target, selection->after, is_filtered ? 0 : selection->skip,
              is_filtered ? -1 : (int64_t)page->limit + 1);
    long matched = is_filtered ? 0 : selection->skip;
    struct buffer last = {0};

    while (database_step(world->database, row)) {
        if (reader != NULL &&
            !grants_allow(world, reader, database_column(row, 0), READ_GROUP))
            continue;
        if (!is_selected(selection, database_column(row, 1)) ||
            matched++ < selection->skip)
            continue;
        if (page->count < page->limit) {
            buffer_clear(&last);
            buffer_append_string(&last, database_column(row, 0));
            add(world, page, row, target->kind);
        } else if (rest->after == NULL) {
            rest->after = buffer_take(&last);
            rest->skip = selection->skip + (long)page->count;
        }
    }
    *total =
        is_filtered ? matched : (long)entity_count(world, target->kind, target->parent);
    buffer_deinit(&last);
}

static void list(struct world *world, const struct call *call,
                 const struct caller *caller, const struct target *target,
                 const struct selection *selection, struct answer *answer)
{
    const bool has_count = is_counted(target->kind);
    struct selection rest = {0};
    struct buffer next = {0};
    struct page page;
    long total = -1;

    if (!page_open(&page, call, answer))
        return;
    select_rows(world, caller, target, selection, &page, &rest, &total);
    if (rest.after != NULL && has_count) {
        buffer_printf(&next, "$skip=%ld", rest.skip);
    } else if (rest.after != NULL) {
        buffer_append_string(&next, "$skiptoken=");
        buffer_append_escaped(&next, rest.after);
    }
    page_close(&page, call, answer, has_count ? total : -1, next.data);
    free((char *)(uintptr_t)rest.after);
    buffer_deinit(&next);
}

/* Has answered when it is false. */
static bool read_selection(struct selection *selection, const struct call *call,
                           const struct kind *kind, struct answer *answer)
{
    const char *skip = call_parameter(call, "$skip");
    const char *after = call_parameter(call, "$skiptoken");

    *selection = (struct selection){.skip = skip != NULL ? read_number(skip, 0) : 0,
                                    .after = after != NULL ? after : ""};
    if (selection->skip >= 0)
        return read_filter(selection, call_parameter(call, "$filter"), kind, answer);
    answer_add_detail(answer, "$skip", "$skip must be a number from 0 on.");
    return answer_refuse_details(answer);
}

void item_list(struct world *world, const struct call *call, const struct caller *caller,
               const struct target *target, struct answer *answer)
{
    const struct rules *rules = rules_find(target->kind);
    struct selection selection = {0};

    if ((target->kind->operations & KIND_LIST) == 0)
        answer_refuse(answer, REFUSE_METHOD, "'%s' cannot be listed.",
                      target->kind->arm_type);
    else if (!target_check_parents(target, world, answer))
        return;
    else if (rules->list != NULL)
        rules->list(world, call, target, answer);
    else if (read_selection(&selection, call, target->kind, answer))
        list(world, call, caller, target, &selection, answer);
    list_filter_free(selection.filter);
    free(selection.tag);
    free(selection.value);
}
