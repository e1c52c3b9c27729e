/* engine/sim/deployment_run.c - the course of a deployment: what is due is made, what has
 * been made is looked at, until nothing is left.
 *
 * A resource that fails keeps those that need it from being made, and no others; the
 * deployment fails when the last of the others is over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/deployment.h"
#include "sim/deployment_parts.h"
#include "sim/entity.h"
#include "sim/plane.h"
#include "sim/world.h"

enum { CHECK_AGAIN_MS = 1000 };

enum step_state { STEP_WAITING, STEP_RUNNING, STEP_DONE, STEP_FAILED };

/* One resource of a deployment. */
struct step {
    int64_t number;
    char *id, *version, *body;
    cJSON *needs; /* numbers of others */
    enum step_state state;
};

/* As they are stored; those of a step that waits are not shown. */
static const char *const state_names[] = {[STEP_WAITING] = "Waiting",
                                          [STEP_RUNNING] = "Running",
                                          [STEP_DONE] = "Succeeded",
                                          [STEP_FAILED] = "Failed"};

struct course {
    struct world *world;
    struct deployment *deployment;
    struct step *steps;
    size_t count;
};

static void load_steps(struct course *course)
{
    struct world *world = course->world;
    const int64_t count = database_number(
        world->database, 0, "SELECT COUNT(*) FROM deployment_step WHERE deployment = ?",
        "t", course->deployment->key);
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT number, id, version, body, needs, state FROM"
                       " deployment_step WHERE deployment = ? ORDER BY number",
                       "t", course->deployment->key);

    course->steps = memory_new(((size_t)count + 1) * sizeof *course->steps);
    while (database_step(world->database, row)) {
        struct step *step = &course->steps[course->count++];
        const char *needs = database_column(row, 4), *state = database_column(row, 5);

        step->number = sqlite3_column_int64(row, 0);
        step->id = memory_copy_string(database_column(row, 1));
        step->version = memory_copy_string(database_column(row, 2));
        step->body = memory_copy_string(database_column(row, 3));
        step->needs = json_parse(needs, strlen(needs), NULL);
        while (strcmp(state_names[step->state], state) != 0 && step->state < STEP_FAILED)
            step->state++;
    }
}

static void free_steps(struct course *course)
{
    for (size_t i = 0; i < course->count; i++) {
        free(course->steps[i].id);
        free(course->steps[i].version);
        free(course->steps[i].body);
        cJSON_Delete(course->steps[i].needs);
    }
    free(course->steps);
}

/* Notes what has become of a step; `code` is an HTTP status by name, `error` JSON or "".
 */
static void enter(struct course *course, struct step *step, enum step_state state,
                  const char *code, const char *error)
{
    struct world *world = course->world;

    step->state = state;
    database_run(world->database,
                 "UPDATE deployment_step SET state = ?1, code = ?2, error = ?3,"
                 " started_ms = CASE started_ms WHEN 0 THEN ?4 ELSE started_ms END,"
                 " ended_ms = CASE WHEN ?1 = 'Running' THEN 0 ELSE ?4 END, body = ''"
                 " WHERE deployment = ?5 AND number = ?6",
                 "tttiti", state_names[state], code, error, world->now_ms,
                 course->deployment->key, step->number);
}

static void fail(struct course *course, struct step *step, const char *code,
                 const char *error_code, const char *message)
{
    cJSON *error = cJSON_CreateObject();

    cJSON_AddStringToObject(error, "code", error_code);
    cJSON_AddStringToObject(error, "message", message);

    char *text = json_print(error);

    enter(course, step, STEP_FAILED, code, text);
    free(text);
    cJSON_Delete(error);
}

/* ---- one step ---- */

/* When the operation on a resource is due to end, or INT64_MAX when none runs: a nested
 * deployment's or any other one's. */
static int64_t find_due(struct world *world, const char *key)
{
    const int64_t due_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MAX(due_ms) FROM monitor WHERE key = ? AND next_ms IS NOT NULL", "t",
        key);

    return database_number(world->database, due_ms,
                           "SELECT next_ms FROM deployment WHERE key = ?", "t", key);
}

/* The state that a finished resource is in, owned by the caller, or NULL when it is gone.
 */
static char *find_final_state(struct world *world, const char *key)
{
    char *nested = database_text(world->database,
                                 "SELECT state FROM deployment WHERE key = ?", "t", key);
    cJSON *body = nested == NULL ? entity_body(world, key) : NULL;
    const char *state = json_string_at(body, "properties.provisioningState");

    if (nested == NULL && body != NULL)
        nested = memory_copy_string(state != NULL ? state : "Succeeded");
    cJSON_Delete(body);
    return nested;
}

static void look_at(struct course *course, struct step *step)
{
    char *key = entity_make_key(step->id);

    if (find_due(course->world, key) == INT64_MAX) {
        char *state = find_final_state(course->world, key);

        if (state != NULL && strcmp(state, "Failed") != 0 &&
            strcmp(state, "Canceled") != 0)
            enter(course, step, STEP_DONE, "OK", "");
        else if (state == NULL)
            fail(course, step, "NotFound", "ResourceNotFound",
                 "The resource was deleted while it was being deployed.");
        else {
            char *message =
                memory_format("The resource write operation failed to complete "
                              "successfully, because it reached terminal "
                              "provisioning state '%s'.",
                              state);

            fail(course, step, "Conflict", "ResourceDeploymentFailure", message);
            free(message);
        }
        free(state);
    }
    free(key);
}

static const char *find_status_name(int status)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {{200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {400, "BadRequest"},
                 {403, "Forbidden"},
                 {404, "NotFound"},
                 {405, "MethodNotAllowed"},
                 {409, "Conflict"},
                 {412, "PreconditionFailed"},
                 {500, "InternalServerError"}};
    size_t i = 0;

    while (i + 1 < sizeof names / sizeof names[0] && names[i].status != status)
        i++;
    return names[i].name;
}

/* Keeps what a refusal says. */
static void note_refusal(struct course *course, struct step *step,
                         const struct answer *answer)
{
    const char *code = find_status_name(answer->status);
    cJSON *body = answer->body.length > 0
                      ? json_parse(answer->body.data, answer->body.length, NULL)
                      : NULL;
    char *error = json_print(json_at(body, "error"));

    if (json_at(body, "error") != NULL)
        enter(course, step, STEP_FAILED, code, error);
    else
        fail(course, step, code, code, "The resource was refused.");
    free(error);
    cJSON_Delete(body);
}

/* Sends the PUT that the template asks for. */
static void start(struct course *course, struct step *step)
{
    struct world *world = course->world;
    struct caller caller = {0};
    struct answer answer;
    struct buffer path = {0}, query = {0};
    char *key = entity_make_key(step->id);

    buffer_append_escaped_path(&path, step->id);
    buffer_append_string(&query, "api-version=");
    buffer_append_escaped(&query, step->version);

    struct call call = {.method = CALL_PUT,
                        .base = "",
                        .path = path.data,
                        .query = query.data,
                        .body = step->body,
                        .body_length = strlen(step->body)};

    snprintf(caller.object_id, sizeof caller.object_id, "%s", course->deployment->caller);
    snprintf(caller.application_id, sizeof caller.application_id, "%s",
             course->deployment->application);
    answer_init(&answer);
    if (call_open(&call))
        plane_manager_perform(world, &call, &caller, &answer);
    if (answer.status >= 300)
        note_refusal(course, step, &answer);
    else if (find_due(world, key) != INT64_MAX)
        enter(course, step, STEP_RUNNING, find_status_name(answer.status), "");
    else
        enter(course, step, STEP_DONE, find_status_name(answer.status), "");
    call_close(&call);
    answer_deinit(&answer);
    buffer_deinit(&path);
    buffer_deinit(&query);
    free(key);
}

static bool has_all_it_needs(const struct course *course, const struct step *step)
{
    const cJSON *need;

    cJSON_ArrayForEach (need, step->needs) {
        if (course->steps[need->valueint].state != STEP_DONE)
            return false;
    }
    return true;
}

/* Until nothing more happens at this moment. */
static void go_on(struct course *course)
{
    bool has_moved;

    do {
        has_moved = false;
        for (size_t i = 0; i < course->count; i++) {
            struct step *step = &course->steps[i];
            const enum step_state before = step->state;

            if (step->state == STEP_RUNNING)
                look_at(course, step);
            else if (step->state == STEP_WAITING && has_all_it_needs(course, step))
                start(course, step);
            has_moved = has_moved || step->state != before;
        }
    } while (has_moved);
}

/* ---- the end ---- */

static cJSON *refer(void *context, const char *id)
{
    char *key = entity_make_key(id);
    cJSON *body = entity_body(context, key);

    if (body == NULL) { /* a nested deployment's outputs */
        struct deployment *nested = deployment_find(context, key);

        if (nested != NULL)
            body = cJSON_Duplicate(nested->body, true);
        deployment_free(nested);
    }
    free(key);
    return body;
}

/* NULL with what is wrong in `*wrong`, owned by the caller. */
static cJSON *find_outputs(struct course *course, char **wrong)
{
    struct deployment *deployment = course->deployment;
    cJSON *group = deployment_find_group(course->world, deployment->scope);
    cJSON *source = json_parse(deployment->template, strlen(deployment->template), NULL);
    cJSON *parameters =
        json_parse(deployment->parameters, strlen(deployment->parameters), NULL);
    cJSON *outputs = NULL;
    struct template_place place;
    struct template template;

    deployment_set_place(course->world, &place, deployment->name, group);
    *wrong = template_open(&template, source, parameters, &place);
    if (*wrong == NULL)
        outputs = template_evaluate_outputs(&template, refer, course->world, wrong);
    template_close(&template);
    cJSON_Delete(source);
    cJSON_Delete(parameters);
    cJSON_Delete(group);
    return outputs;
}

static cJSON *list_made(const struct course *course)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < course->count; i++) {
        if (course->steps[i].state == STEP_DONE) {
            cJSON *one = cJSON_CreateObject();

            cJSON_AddStringToObject(one, "id", course->steps[i].id);
            cJSON_AddItemToArray(list, one);
        }
    }
    return list;
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = memory_copy_string(text);
}

static void set_error(struct deployment *deployment, const char *code,
                      const char *message, cJSON *details)
{
    cJSON *error = cJSON_CreateObject();

    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    if (details != NULL)
        cJSON_AddItemToObject(error, "details", details);
    free(deployment->error);
    deployment->error = json_print(error);
    cJSON_Delete(error);
}

static cJSON *list_errors(const struct course *course)
{
    cJSON *details = cJSON_CreateArray();
    sqlite3_stmt *row =
        database_query(course->world->database,
                       "SELECT error FROM deployment_step WHERE deployment = ? AND"
                       " error <> '' ORDER BY number",
                       "t", course->deployment->key);

    while (database_step(course->world->database, row))
        cJSON_AddItemToArray(details, cJSON_CreateRaw(database_column(row, 0)));
    return details;
}

static void end(struct course *course, bool is_good)
{
    struct deployment *deployment = course->deployment;
    char *wrong = NULL;
    cJSON *outputs = is_good ? find_outputs(course, &wrong) : NULL;

    deployment->ended_ms = course->world->now_ms;
    deployment->next_ms = INT64_MAX;
    set_text(&deployment->state, outputs != NULL ? "Succeeded" : "Failed");
    set_text(&deployment->parameters, "");
    json_set_at(deployment->body, "properties.outputResources", list_made(course));
    if (outputs != NULL)
        json_set_at(deployment->body, "properties.outputs", outputs);
    else if (wrong != NULL)
        set_error(deployment, "DeploymentOutputEvaluationFailed", wrong, NULL);
    else
        set_error(deployment, "DeploymentFailed",
                  "At least one resource deployment operation failed. Please list "
                  "deployment operations for details. Please see "
                  "https://aka.ms/arm-deployment-operations for usage details.",
                  list_errors(course));
    free(wrong);
    database_run(course->world->database,
                 "UPDATE deployment_step SET body = '' WHERE deployment = ?", "t",
                 deployment->key);
    /* whoever waits for it as a nested one looks again now */
    database_run(course->world->database,
                 "UPDATE deployment SET next_ms = ? WHERE next_ms IS NOT NULL AND key IN"
                 " (SELECT deployment FROM deployment_step WHERE lower(id) = ? AND"
                 " state = 'Running')",
                 "it", course->world->now_ms, deployment->key);
}

static void conclude(struct course *course)
{
    struct world *world = course->world;
    struct deployment *deployment = course->deployment;
    int64_t next_ms = INT64_MAX;
    bool is_good = true;

    for (size_t i = 0; i < course->count; i++) {
        const struct step *step = &course->steps[i];

        is_good = is_good && step->state == STEP_DONE;
        if (step->state == STEP_RUNNING) {
            char *key = entity_make_key(step->id);
            const int64_t due_ms = find_due(world, key);

            next_ms = due_ms < next_ms ? due_ms : next_ms;
            free(key);
        }
    }
    set_text(&deployment->state, "Running");
    deployment->next_ms =
        next_ms > world->now_ms ? next_ms : world->now_ms + CHECK_AGAIN_MS;
    if (next_ms == INT64_MAX)
        end(course, is_good);
    database_begin(world->database);
    deployment_save(world, deployment);
    world_save_time(world);
    database_commit(world->database);
}

static void settle_one(struct world *world, const char *key)
{
    struct course course = {.world = world, .deployment = deployment_find(world, key)};

    if (course.deployment == NULL)
        return;
    if (deployment_is_active(course.deployment)) {
        load_steps(&course);
        go_on(&course);
        conclude(&course);
        free_steps(&course);
    } else { /* one that is being deleted */
        deployment_remove(world, key);
    }
    deployment_free(course.deployment);
}

void deployment_settle(struct world *world)
{
    char *last = NULL, *key;

    while ((key = database_text(world->database,
                                "SELECT key FROM deployment WHERE next_ms <= ?"
                                " ORDER BY next_ms LIMIT 1",
                                "i", world->now_ms)) != NULL &&
           (last == NULL || strcmp(key, last) != 0)) { /* else the file has failed */
        settle_one(world, key);
        free(last);
        last = key;
    }
    free(key);
    free(last);
}
