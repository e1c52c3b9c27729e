/* engine/sim/entra_device.c - device codes, from the first request to the person's decision. */
#include "sim/entra_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entra.h"
#include "sim/world.h"

/* As Entra says them (documented). Who polls a second early is not told off. */
enum { LIFE_S = 900, INTERVAL_S = 5, EARLY_MS = 1000 };

enum { CODE_BYTES = 48, USER_CODE_LENGTH = 9 };

enum device_state { DEVICE_PENDING, DEVICE_APPROVED, DEVICE_DECLINED };

/* ---- asking for a code ---- */

static char *make_code(void)
{
    unsigned char bytes[CODE_BYTES];
    struct buffer code = {0};

    RAND_bytes(bytes, sizeof bytes);
    base64_append_url(&code, bytes, sizeof bytes);
    return buffer_take(&code);
}

/* Letters and digits that nobody takes for one another. */
static void make_user_code(char code[USER_CODE_LENGTH + 1])
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    unsigned char bytes[USER_CODE_LENGTH];

    RAND_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < USER_CODE_LENGTH; i++)
        code[i] = letters[bytes[i] % (sizeof letters - 1)];
    code[USER_CODE_LENGTH] = '\0';
}

static void save(struct world *world, const char *code, const char *user_code,
                 const char *app_id, const char *scope)
{
    database_run(world->database, "DELETE FROM device_code WHERE expires_ms < ?", "i",
                 world_client_ms(world) - LIFE_S * INT64_C(1000));
    database_run(
        world->database, "INSERT INTO device_code VALUES (?, ?, ?, ?, ?, 0, ?, NULL)",
        "ttttii", code, user_code, app_id, scope,
        world_client_ms(world) + LIFE_S * INT64_C(1000), (int64_t)DEVICE_PENDING);
}

static void add_seconds(cJSON *body, const struct entra_request *request,
                        const char *name, int seconds)
{
    char text[16];

    snprintf(text, sizeof text, "%d", seconds);
    if (request->is_v1)
        cJSON_AddStringToObject(body, name, text);
    else
        cJSON_AddNumberToObject(body, name, seconds);
}

static void give_code(const struct entra_request *request,
                      const struct entra_client *client, const char *scope)
{
    const char *const page_name =
        request->is_v1 ? "verification_url" : "verification_uri";
    char *code = make_code(), user_code[USER_CODE_LENGTH + 1];
    char *page = memory_format("%s/devicelogin", request->call->base);
    cJSON *body = cJSON_CreateObject();

    make_user_code(user_code);
    save(request->world, code, user_code, client->app_id, scope);

    char *message = memory_format("To sign in, use a web browser to open the page %s and "
                                  "enter the code %s to authenticate.",
                                  page, user_code);

    cJSON_AddStringToObject(body, "user_code", user_code);
    cJSON_AddStringToObject(body, "device_code", code);
    cJSON_AddStringToObject(body, page_name, page);
    add_seconds(body, request, "expires_in", LIFE_S);
    add_seconds(body, request, "interval", world_retry_after(request->world, INTERVAL_S));
    cJSON_AddStringToObject(body, "message", message);
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
    free(message);
    free(page);
    free(code);
}

void entra_answer_device_request(const struct entra_request *request)
{
    char *text = entra_scope_text(request);
    struct entra_scope scope = {0};
    struct entra_client client;

    if (entra_client_open(request, false, &client) &&
        entra_scope_open(request, text, OWNER_USER, &scope))
        give_code(request, &client, text);
    entra_scope_close(&scope);
    free(text);
}

/* ---- asking whether the person has come ---- */

struct device {
    char *app_id, *scope, *user;
    int64_t expires_ms, polled_ms;
    enum device_state state;
};

static bool find_device(struct world *world, const char *code, struct device *device)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT app_id, scope, user, expires_ms, polled_ms, state FROM device_code"
        " WHERE code = ?",
        "t", code);

    if (!database_step(world->database, row))
        return false;
    *device = (struct device){.app_id = memory_copy_string(database_column(row, 0)),
                              .scope = memory_copy_string(database_column(row, 1)),
                              .user = memory_copy_string(database_column(row, 2)),
                              .expires_ms = sqlite3_column_int64(row, 3),
                              .polled_ms = sqlite3_column_int64(row, 4),
                              .state = (enum device_state)sqlite3_column_int64(row, 5)};
    database_done(row);
    return true;
}

/* On a virtual clock that clients in other processes do not go by, no time has to have
 * passed. */
static bool is_too_fast(const struct world *world, const struct device *device)
{
    if (world->clients_are_elsewhere && world->clock->mode == CLOCK_VIRTUAL)
        return false;
    return world_client_ms(world) <
           device->polled_ms + INTERVAL_S * INT64_C(1000) - EARLY_MS;
}

static void answer_pending(const struct entra_request *request,
                           const struct device *device, const char *code)
{
    if (is_too_fast(request->world, device))
        entra_refuse(request, ENTRA_DEVICE_TOO_FAST,
                     "The device code was asked for again before %d seconds were over.",
                     INTERVAL_S);
    else
        entra_refuse(request, ENTRA_DEVICE_PENDING,
                     "OAuth 2.0 device flow error. Authorization is pending. Continue "
                     "polling.");
    database_run(request->world->database,
                 "UPDATE device_code SET polled_ms = ? WHERE code = ?", "it",
                 world_client_ms(request->world), code);
}

/* A code is good for one sign-in. */
static void answer_approved(const struct entra_request *request,
                            const struct entra_client *client,
                            const struct device *device, const char *code)
{
    database_run(request->world->database, "DELETE FROM device_code WHERE code = ?", "t",
                 code);
    entra_give_to_user(request, client, device->user, device->scope);
}

static void answer_poll(const struct entra_request *request,
                        const struct entra_client *client, const struct device *device,
                        const char *code)
{
    if (device->app_id == NULL || strcmp(device->app_id, client->app_id) != 0)
        entra_refuse(request, ENTRA_DEVICE_CODE,
                     "The provided value for the input parameter 'device_code' is not "
                     "valid.");
    else if (device->expires_ms <= world_client_ms(request->world))
        entra_refuse(request, ENTRA_DEVICE_EXPIRED,
                     "The provided value for the input parameter 'device_code' is not "
                     "valid. This device code has expired.");
    else if (device->state == DEVICE_PENDING)
        answer_pending(request, device, code);
    else if (device->state == DEVICE_DECLINED)
        entra_refuse(request, ENTRA_DEVICE_DECLINED,
                     "The end user denied the authorization request.");
    else
        answer_approved(request, client, device, code);
}

void entra_grant_device(const struct entra_request *request)
{
    const char *code = entra_field(request, "device_code");
    struct entra_client client;
    struct device device = {0};

    if (code == NULL)
        code = entra_field(request, "code"); /* the older endpoint's name */
    if (!entra_client_open(request, false, &client))
        return;
    if (code == NULL) {
        entra_refuse(request, ENTRA_FIELD_MISSING,
                     "The request body must contain the following parameter: "
                     "'device_code'.");
        return;
    }
    find_device(request->world, code, &device);
    answer_poll(request, &client, &device, code);
    free(device.app_id);
    free(device.scope);
    free(device.user);
}

/* ---- the person ---- */

static int64_t find_state(struct world *world, const char *user_code)
{
    return database_number(world->database, -1,
                           "SELECT state FROM device_code WHERE user_code = ?"
                           " AND expires_ms > ?",
                           "ti", user_code, world_client_ms(world));
}

static enum device_decision decide(struct world *world, const char *user_code,
                                   const char *user, enum device_state state)
{
    const int64_t old = find_state(world, user_code);

    if (old != DEVICE_PENDING)
        return old < 0 ? DEVICE_NO_CODE : DEVICE_OLD_CODE;

    cJSON *found = state == DEVICE_APPROVED ? entra_find_user(world, user) : NULL;

    if (state == DEVICE_APPROVED && found == NULL)
        return DEVICE_NO_USER;
    database_run(world->database,
                 "UPDATE device_code SET state = ?, user = ? WHERE user_code = ?", "itt",
                 (int64_t)state, json_string_at(found, "id"), user_code);
    cJSON_Delete(found);
    return DEVICE_DECIDED;
}

enum device_decision entra_device_decide(struct world *world, const char *user_code,
                                         const char *user, bool is_approved)
{
    char *code = memory_copy_string(user_code);

    for (char *c = code; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }

    const enum device_decision decision =
        decide(world, code, user, is_approved ? DEVICE_APPROVED : DEVICE_DECLINED);

    free(code);
    return decision;
}

static void answer_decision(struct answer *answer, enum device_decision decision,
                            const char *user_code, const char *user, bool is_approved)
{
    switch (decision) {
    case DEVICE_NO_CODE:
        answer_refuse(answer, REFUSE_PATH, "There is no device code '%s' now.",
                      user_code);
        return;
    case DEVICE_OLD_CODE:
        answer_refuse(answer, REFUSE_BUSY,
                      "The device code '%s' has been decided on already.", user_code);
        return;
    case DEVICE_NO_USER:
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "'user': there is no user '%s' in the tenant.", user);
        return;
    case DEVICE_DECIDED:
        break;
    }

    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "user_code", user_code);
    cJSON_AddStringToObject(body, "state", is_approved ? "approved" : "declined");
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

void entra_device_control(struct world *world, const struct call *call,
                          struct answer *answer)
{
    cJSON *body =
        call->body_length > 0 ? json_parse(call->body, call->body_length, NULL) : NULL;
    const char *code = json_string_at(body, "user_code");
    const char *user = json_string_at(body, "user");
    const cJSON *approve = json_at(body, "approve");
    const bool is_approved = approve == NULL || cJSON_IsTrue(approve);

    if (code == NULL || (approve != NULL && !cJSON_IsBool(approve)) ||
        (is_approved && user == NULL))
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "The body must be such as {\"user_code\": \"ABCDEFGHJ\", \"user\": "
                      "\"ann.adler@contoso.example\", \"approve\": true}.");
    else
        answer_decision(answer, entra_device_decide(world, code, user, is_approved), code,
                        user, is_approved);
    cJSON_Delete(body);
}
