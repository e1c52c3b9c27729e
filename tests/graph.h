/* tests/graph.h - a world and calls to its Microsoft Graph, for the suites of it. */
#ifndef MOONGATE_TESTS_GRAPH_H
#define MOONGATE_TESTS_GRAPH_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/plane.h"

static struct {
    struct clock clock;
    struct world *world;
    struct answer answer; /* the last one */
    cJSON *json;          /* its body, or NULL */
    char *bearer;
    const char *consistency;
} h;

/* Signs in to Graph as any application. Its status; the token is kept when it is 200. */
static inline int graph_sign_in(const char *client_id, const char *secret)
{
    char *url = memory_format("/%s/oauth2/v2.0/token", h.world->profile.tenant_id);
    char *form =
        memory_format("grant_type=client_credentials&client_id=%s&client_secret=%s&"
                      "scope=https://graph.microsoft.com/.default",
                      client_id, secret);
    const int status = plane_ask(h.world, &h.answer, &h.json, url,
                                 (struct call){.method = CALL_POST, .body = form});

    free(url);
    free(form);
    if (status == 200) {
        free(h.bearer);
        h.bearer = memory_format("Bearer %s", json_string_at(h.json, "access_token"));
    }
    return status;
}

/* A world that `description` (the text of a world file, or NULL) changes. */
static inline void graph_open(const char *description)
{
    char file[] = "/tmp/check_graph.XXXXXX";
    const int fd = description != NULL ? mkstemp(file) : -1;
    const struct sim_options options = {.seed = 3, .world_file = fd >= 0 ? file : NULL};
    struct failure *failure = NULL;

    memset(&h, 0, sizeof h);
    if (fd >= 0) {
        ck_assert_int_eq(write(fd, description, strlen(description)),
                         (ssize_t)strlen(description));
        close(fd);
    }
    clock_init(&h.clock, CLOCK_VIRTUAL, 1);
    h.world = world_open(&options, &h.clock, &failure);
    if (fd >= 0)
        unlink(file);
    ck_assert_ptr_nonnull(h.world);
    ck_assert_int_eq(
        graph_sign_in(h.world->profile.client_id, h.world->profile.client_secret), 200);
}

static inline void open_default(void)
{
    graph_open(NULL);
}

static inline void close_world(void)
{
    answer_deinit(&h.answer);
    cJSON_Delete(h.json);
    world_close(h.world);
    free(h.bearer);
}

static inline int exchange(enum call_method method, const char *url, const char *body)
{
    return plane_ask(h.world, &h.answer, &h.json, url,
                     (struct call){.method = method,
                                   .authorization = h.bearer,
                                   .consistency_level = h.consistency,
                                   .body = body});
}

static inline int get(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline int get(const char *format, ...)
{
    va_list arguments;
    char url[8192];

    va_start(arguments, format);
    vsnprintf(url, sizeof url, format, arguments);
    va_end(arguments);
    return exchange(CALL_GET, url, NULL);
}

/* The text at a path of the last answer, "" when there is none. */
static inline const char *said(const char *path)
{
    const char *text = json_string_at(h.json, path);

    return text != NULL ? text : "";
}

static inline int count_values(void)
{
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

static inline const cJSON *value_of(int index)
{
    return cJSON_GetArrayItem(json_at(h.json, "value"), index);
}

static inline const char *value_at(int index, const char *path)
{
    const char *text = json_string_at(value_of(index), path);

    return text != NULL ? text : "";
}

/* A text member whose name has dots, "" when there is none. */
static inline const char *annotation(const cJSON *object, const char *name)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL ? text : "";
}

static inline const char *header(const char *name)
{
    for (size_t i = 0; i < h.answer.header_count; i++) {
        if (strcmp(h.answer.headers[i].name, name) == 0)
            return h.answer.headers[i].value;
    }
    return NULL;
}

/* The id of a group of the default world; owned by the caller. */
static inline char *find_group(const char *name)
{
    ck_assert_int_eq(get("/v1.0/groups?$filter=displayName%%20eq%%20'%s'", name), 200);
    ck_assert_int_eq(count_values(), 1);
    return memory_copy_string(value_at(0, "id"));
}

/* Posts a body that has to be taken. The new object's id, owned by the caller. */
static inline char *create(const char *collection, const char *body)
{
    char *url = memory_format("/v1.0/%s", collection);

    ck_assert_int_eq(exchange(CALL_POST, url, body), 201);
    free(url);
    return memory_copy_string(said("id"));
}

#endif
