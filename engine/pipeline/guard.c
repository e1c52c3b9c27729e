/* engine/pipeline/guard.c - the stage that lets no write pass which nobody meant to allow. */
#include "pipeline/guard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "pipeline/effect.h"
#include "pipeline/path.h"
#include "pipeline/pipeline.h"

struct guard_stage {
    struct stage stage;
    bool is_read_only, has_scopes, includes_graph;
    char *scopes[GUARD_SCOPES]; /* normal paths */
    size_t scope_count;
    struct guard_limit max_writes, max_deletes;
    uint64_t writes, deletes; /* let through */
    struct buffer path;       /* of the request that is looked at */
};

/* "PUT /subscriptions/..." as the request has it. Owned by the caller. */
static char *name_of(const struct exchange *exchange)
{
    const char *path = url_path(exchange->transfer.url);

    return memory_format("%s %.*s", exchange->transfer.method, (int)strcspn(path, "?#"),
                         path);
}

/* --- the guards: each returns NULL or its refusal, owned by the caller ------------------ */

static char *check_read_only(const struct guard_stage *own, const char *name)
{
    return own->is_read_only ? memory_format("--read-only: %s is a write", name) : NULL;
}

static char *check_within(const struct guard_stage *own, const char *name,
                          const char *path, enum audience audience)
{
    if (!own->has_scopes)
        return NULL;
    if (audience == AUDIENCE_GRAPH)
        return own->includes_graph
                   ? NULL
                   : memory_format("--within: %s goes to Graph; --within graph allows it",
                                   name);
    if (audience == AUDIENCE_NONE)
        return memory_format("--within: %s goes to another host", name);
    if (path == NULL)
        return memory_format("--within: the path of %s can be read in more than one way",
                             name);
    for (size_t i = 0; i < own->scope_count; i++) {
        if (path_is_within(path, own->scopes[i]))
            return NULL;
    }
    if (own->scope_count == 0)
        return memory_format("--within: %s is no request to Graph", name);
    return memory_format("--within: %s is outside of %s%s", name, own->scopes[0],
                         own->scope_count > 1 ? " and the other scopes" : "");
}

static char *check_limits(const struct guard_stage *own, const char *name, bool is_delete)
{
    if (own->max_writes.is_set && own->writes >= own->max_writes.most)
        return memory_format("--max-writes: %s would be write %" PRIu64
                             ", and the limit is %" PRIu64,
                             name, own->writes + 1, own->max_writes.most);
    if (is_delete && own->max_deletes.is_set && own->deletes >= own->max_deletes.most)
        return memory_format("--max-deletes: %s would be deletion %" PRIu64
                             ", and the limit is %" PRIu64,
                             name, own->deletes + 1, own->max_deletes.most);
    return NULL;
}

/* Asks all guards about a write; one that passes is counted, once, however often it is sent
 * or where to. */
static char *check_write(struct guard_stage *own, struct exchange *exchange,
                         const char *path)
{
    const bool is_delete =
        strcmp(exchange->transfer.method, "DELETE") == 0 || effect_hides_method(exchange);
    char *name = name_of(exchange);
    char *refusal = check_read_only(own, name);

    if (refusal == NULL)
        refusal = check_within(own, name, path, exchange->audience);
    if (refusal == NULL && !exchange->guard.is_counted) {
        refusal = check_limits(own, name, is_delete);
        if (refusal == NULL) {
            exchange->guard.is_counted = true;
            own->writes++;
            own->deletes += is_delete ? 1 : 0;
        }
    }
    free(name);
    return refusal;
}

static void refuse(struct exchange *exchange, char *refusal)
{
    log_line(LOG_WARNING, "refused by %s", refusal);
    transfer_reset(&exchange->transfer);
    exchange->transfer.failure = failure_new("GuardRefused", "%s", refusal);
    exchange->is_refused = true;
    free(refusal);
    exchange_backward(exchange);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    struct guard_stage *own = (struct guard_stage *)stage;
    char *refusal = NULL;
    const char *path;

    if (!exchange->is_sign_in &&
        effect_of_exchange(exchange, &own->path, &path) != EFFECT_NONE)
        refusal = check_write(own, exchange, path);
    if (refusal != NULL)
        refuse(exchange, refusal);
    else
        exchange_forward(exchange);
}

static void release(struct stage *stage)
{
    struct guard_stage *own = (struct guard_stage *)stage;

    for (size_t i = 0; i < own->scope_count; i++)
        free(own->scopes[i]);
    buffer_deinit(&own->path);
    free(own);
}

/* --- scopes ----------------------------------------------------------------------------- */

const char *guard_check_scope(const char *scope)
{
    struct buffer path = {0};
    const bool is_clear =
        path_normalize(&path, scope) && scope[strcspn(scope, "?#")] == '\0';
    const bool is_root = path.length == 0;

    buffer_deinit(&path);
    if (!is_clear)
        return "its path can be read in more than one way";
    if (is_root)
        return "it is everything";
    if (scope[0] != '/' && strchr(scope, '/') != NULL)
        return "an id begins with a slash";
    return NULL;
}

static char *scope_path(struct guard_stage *own, const char *scope,
                        const char *subscription)
{
    char *id = scope[0] == '/' ? memory_copy_string(scope)
                               : memory_format("/subscriptions/%s/resourceGroups/%s",
                                               subscription, scope);

    path_normalize(&own->path, id);
    free(id);
    return memory_copy_string(own->path.data);
}

struct stage *stage_new_guard(const struct guard_settings *settings,
                              const char *subscription, struct failure **failure)
{
    struct guard_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "guard", .send = send, .free = release};
    own->is_read_only = settings->read_only;
    own->has_scopes = settings->within_count > 0;
    own->max_writes = settings->max_writes;
    own->max_deletes = settings->max_deletes;
    own->writes = settings->writes_before;
    own->deletes = settings->deletes_before;
    for (size_t i = 0; i < settings->within_count; i++) {
        const char *scope = settings->within[i];

        if (text_equal_nocase(scope, "graph")) {
            own->includes_graph = true;
        } else if (scope[0] == '/' || subscription != NULL) {
            own->scopes[own->scope_count++] = scope_path(own, scope, subscription);
        } else {
            *failure = failure_new("BadSetting",
                                   "--within %s: a name is a resource group of the run's "
                                   "subscription, and there is none",
                                   scope);
            release(&own->stage);
            return NULL;
        }
    }
    return &own->stage;
}

void guard_set_read_only(struct stage *guard, bool is_read_only)
{
    ((struct guard_stage *)guard)->is_read_only = is_read_only;
}
