/* engine/run/past_world.c - the simulated world that a run of the past is stepped into. */
#include "run/past_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "run/session.h"
#include "sim/sim.h"

/* --- at the beginning --------------------------------------------------------------- */

static void set_name(const char **to, const cJSON *manifest, const char *path)
{
    if (*to == NULL)
        *to = json_string_at(manifest, path);
}

void past_fill_settings(const struct past *past, struct settings *settings)
{
    const char *world = json_string_at(past->manifest, "settings.sim_world");

    settings->sim = true;
    settings->sim_file = settings->endpoint = settings->cloud = NULL;
    settings->allowed_host_count = 0;
    if (settings->sim_world == NULL && world != NULL && access(world, R_OK) == 0)
        settings->sim_world = world;
    set_name(&settings->subscription, past->manifest, "settings.subscription");
    set_name(&settings->resource_group, past->manifest, "settings.resource_group");
    set_name(&settings->service, past->manifest, "settings.service");
}

static void add_name(cJSON *to, const char *member, const char *name)
{
    if (name != NULL)
        cJSON_AddStringToObject(to, member, name);
}

/* A world in which the run's target is there. */
static char *format_world(const struct past *past)
{
    const struct settings *settings = session_settings(past->session);
    cJSON *world = cJSON_CreateObject();
    char *text;

    if (settings->subscription != NULL)
        add_name(cJSON_AddObjectToObject(world, "subscription"), "id",
                 settings->subscription);
    add_name(world, "resource_group", settings->resource_group);
    add_name(world, "service", settings->service);
    text = json_print(world);
    cJSON_Delete(world);
    return text;
}

struct failure *past_make_world(struct past *past)
{
    const bool is_given = session_settings(past->session)->sim_world != NULL;
    struct clock *clock = session_clock(past->session);
    struct sim *sim = session_sim(past->session);
    char *world = is_given ? NULL : format_world(past);

    if (past->began_ms != 0)
        clock_set_wall(clock, past->began_ms); /* of worlds that do not say when it is */

    struct buffer answer = {0};
    const int status = is_given
                           ? sim_control(sim, CALL_POST, "/_sim/reset", NULL, &answer)
                           : sim_control(sim, CALL_PUT, "/_sim/world", world, &answer);
    struct failure *failure = NULL;

    if (status != 200)
        failure =
            failure_new("BadSetting", "the target of run %s cannot be simulated: %.*s",
                        past->id, (int)answer.length, answer.data);
    buffer_deinit(&answer);
    free(world);
    return failure;
}

/* --- what is done ------------------------------------------------------------------- */

static bool is_gone(const struct past_step *step)
{
    return step->outcome != NULL && (strcmp(step->outcome, "deleted") == 0 ||
                                     strcmp(step->outcome, "absent") == 0);
}

static const char *method_of(const struct past_step *step,
                             const struct step_content *content)
{
    static const struct {
        const char *verb, *method;
    } verbs[] = {
        {"create", "PUT"}, {"ensure", "PUT"}, {"update", "PATCH"}, {"delete", "DELETE"}};

    if (is_gone(step))
        return "DELETE";
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].verb, content->verb) == 0)
            return verbs[i].method;
    }
    return content->verb;
}

static void set_missing(cJSON *body, const cJSON *defaults)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, defaults) {
        cJSON *mine = cJSON_GetObjectItemCaseSensitive(body, member->string);

        if (cJSON_IsObject(mine) && cJSON_IsObject(member))
            set_missing(mine, member);
        else if (mine == NULL)
            cJSON_AddItemToObject(body, member->string, cJSON_Duplicate(member, true));
    }
}

void past_put(struct past *past, const struct past_step *step,
              const struct past_write *write)
{
    const struct step_content *content = &write->content;
    cJSON *body = content->body != NULL ? cJSON_Duplicate(content->body, true) : NULL;
    char *wrong;

    if (body != NULL)
        set_missing(body, write->defaults);
    wrong = sim_plant(session_sim(past->session), method_of(step, content),
                      content->target, body, step->made);
    if (wrong != NULL) {
        free(past->unput);
        past->unput = wrong;
        past->unput_count++;
    }
    cJSON_Delete(body);
}
