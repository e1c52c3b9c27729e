/* engine/sim/deployment_store.c - deployments in the database, and what both the answers
 * and the course of a deployment need to know. */
#include "sim/deployment_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "sim/database.h"
#include "sim/deployment.h"
#include "sim/entity.h"
#include "sim/world.h"

struct deployment *deployment_find(struct world *world, const char *key)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT id, scope, name, state, operation, caller, application, started_ms,"
        " ended_ms, next_ms, body, template, parameters, error FROM deployment"
        " WHERE key = ?",
        "t", key);

    if (!database_step(world->database, row))
        return NULL;

    struct deployment *deployment = memory_new(sizeof *deployment);
    const char *body = database_column(row, 10);

    *deployment =
        (struct deployment){.key = memory_copy_string(key),
                            .id = memory_copy_string(database_column(row, 0)),
                            .scope = memory_copy_string(database_column(row, 1)),
                            .name = memory_copy_string(database_column(row, 2)),
                            .state = memory_copy_string(database_column(row, 3)),
                            .operation = memory_copy_string(database_column(row, 4)),
                            .caller = memory_copy_string(database_column(row, 5)),
                            .application = memory_copy_string(database_column(row, 6)),
                            .started_ms = sqlite3_column_int64(row, 7),
                            .ended_ms = sqlite3_column_int64(row, 8),
                            .next_ms = sqlite3_column_type(row, 9) == SQLITE_NULL
                                           ? INT64_MAX
                                           : sqlite3_column_int64(row, 9),
                            .body = json_parse(body, strlen(body), NULL),
                            .template = memory_copy_string(database_column(row, 11)),
                            .parameters = memory_copy_string(database_column(row, 12)),
                            .error = memory_copy_string(database_column(row, 13))};
    database_done(row);
    return deployment;
}

void deployment_free(struct deployment *deployment)
{
    if (deployment == NULL)
        return;
    free(deployment->key);
    free(deployment->id);
    free(deployment->scope);
    free(deployment->name);
    free(deployment->state);
    free(deployment->operation);
    free(deployment->caller);
    free(deployment->application);
    cJSON_Delete(deployment->body);
    free(deployment->template);
    free(deployment->parameters);
    free(deployment->error);
    free(deployment);
}

bool deployment_is_active(const struct deployment *deployment)
{
    return deployment->ended_ms == 0;
}

void deployment_save(struct world *world, const struct deployment *deployment)
{
    char *body = json_print(deployment->body);

    database_run(world->database,
                 "REPLACE INTO deployment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                 " NULLIF(?, 9223372036854775807), ?, ?, ?, ?)",
                 "ttttttttiiitttt", deployment->key, deployment->id, deployment->scope,
                 deployment->name, deployment->state, deployment->operation,
                 deployment->caller, deployment->application, deployment->started_ms,
                 deployment->ended_ms, deployment->next_ms, body, deployment->template,
                 deployment->parameters, deployment->error);
    if (deployment->next_ms < world->next_ms)
        world->next_ms = deployment->next_ms;
    free(body);
}

void deployment_remove(struct world *world, const char *key)
{
    database_run(world->database, "DELETE FROM deployment_step WHERE deployment = ?", "t",
                 key);
    database_run(world->database, "DELETE FROM deployment WHERE key = ?", "t", key);
}

void deployment_remove_scope(struct world *world, const char *scope)
{
    database_run(world->database,
                 "DELETE FROM deployment_step WHERE deployment IN"
                 " (SELECT key FROM deployment WHERE scope = ?)",
                 "t", scope);
    database_run(world->database, "DELETE FROM deployment WHERE scope = ?", "t", scope);
}

int64_t deployment_next(struct world *world)
{
    return database_number(
        world->database, INT64_MAX,
        "SELECT MIN(next_ms) FROM deployment WHERE next_ms IS NOT NULL", "");
}

cJSON *deployment_find_group(struct world *world, const char *scope)
{
    return strcmp(scope, world->subscription_key) != 0 ? entity_body(world, scope) : NULL;
}

void deployment_set_place(const struct world *world, struct template_place *place,
                          const char *name, const cJSON *group)
{
    *place = (struct template_place){.tenant_id = world->profile.tenant_id,
                                     .subscription_id = world->profile.subscription_id,
                                     .deployment = name,
                                     .group = group};
}
