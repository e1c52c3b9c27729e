/* engine/sim/graph_keys.c - certificates of applications and service principals.
 *
 * They come with the object ("keyCredentials", as az sends them) or by addKey. That a key
 * counts no longer than its certificate, and that one without dates counts as long, is
 * assumed; that addKey and removeKey want a proof that the caller has an earlier key, whose
 * audience is Azure AD Graph: documented. Keys of other types are listed, but nobody signs
 * in by them. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/app_credentials.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/jws.h"
#include "sim/world.h"

#define KEYS            "keyCredentials"
#define CERTIFICATE     "AsymmetricX509Cert"
#define PROOFS_AUDIENCE "00000002-0000-0000-c000-000000000000"

/* The one of this id, or NULL. Borrowed. */
static cJSON *find_key(const cJSON *list, const char *key_id)
{
    cJSON *key;

    cJSON_ArrayForEach (key, list) {
        if (key_id != NULL && text_equal_nocase(json_string_at(key, "keyId"), key_id))
            return key;
    }
    return NULL;
}

/* ---- one key ---- */

/* The id that it is given, or a new one. */
static bool choose_id(const struct graph_request *request, const cJSON *given,
                      char id[UUID_TEXT_SIZE])
{
    const char *said = json_string_at(given, "keyId");

    if (said == NULL) {
        world_make_id(request->world, id);
        return true;
    }
    if (!uuid_is_valid(said))
        return graph_refuse_value(request, KEYS);
    memcpy(id, said, UUID_TEXT_SIZE);
    text_lower(id);
    return true;
}

static bool read_life(const struct graph_request *request, const cJSON *given,
                      const X509 *certificate, struct app_key *key)
{
    int64_t start_ms, end_ms;

    app_credentials_read_validity(certificate, &start_ms, &end_ms);
    if (!graph_read_time(given, "startDateTime", start_ms, &key->start_ms) ||
        key->start_ms / 1000 < start_ms / 1000)
        return graph_refuse(request, 400, "KeyCredentialsInvalidStartDate",
                            "Key credential start date is invalid.");
    return (graph_read_time(given, "endDateTime", end_ms, &key->end_ms) &&
            key->end_ms / 1000 <= end_ms / 1000 && key->end_ms > key->start_ms) ||
           graph_refuse(request, 400, "KeyCredentialsInvalidEndDate",
                        "Key credential end date is invalid.");
}

/* A new certificate as it is kept, with its key; NULL when it has refused. */
static cJSON *read_certificate(const struct graph_request *request, const cJSON *given,
                               const char *id, const char *text)
{
    X509 *certificate = app_credentials_decode_certificate(text);
    struct app_key key = {.key_id = id, .name = json_string_at(given, "displayName")};
    cJSON *made = NULL;

    if (certificate == NULL) {
        graph_refuse(request, 400, "KeyCredentialsInvalidKey",
                     "Key credential key is invalid: an X.509 certificate with an RSA "
                     "key expected.");
    } else if (read_life(request, given, certificate, &key)) {
        made = app_credentials_describe(&key, certificate);
        json_set_at(made, "key", cJSON_CreateString(text));
    }
    X509_free(certificate);
    return made;
}

/* A key as it is kept; NULL when it has refused. */
static cJSON *read_key(const struct graph_request *request, const cJSON *given,
                       const cJSON *before)
{
    const char *text = json_string_at(given, "key"),
               *type = json_string_at(given, "type");
    const cJSON *old = find_key(before, json_string_at(given, "keyId"));
    char id[UUID_TEXT_SIZE];
    cJSON *made;

    if (text == NULL && old != NULL)
        return cJSON_Duplicate(old, true);
    if (text == NULL || type == NULL || json_string_at(given, "usage") == NULL) {
        graph_refuse_required(request, KEYS);
        return NULL;
    }
    if (!choose_id(request, given, id))
        return NULL;
    if (strcmp(type, CERTIFICATE) == 0 &&
        strcmp(json_string_at(given, "usage"), "Verify") == 0)
        return read_certificate(request, given, id, text);
    made = cJSON_Duplicate(given, true);
    json_set_at(made, "keyId", cJSON_CreateString(id));
    json_set_at(made, "key", cJSON_CreateNull());
    return made;
}

bool graph_check_keys(const struct graph_request *request, cJSON *body,
                      const cJSON *before)
{
    const cJSON *given;
    cJSON *list;

    if (!cJSON_IsArray(json_at(body, KEYS)))
        return true;
    list = cJSON_CreateArray();
    cJSON_ArrayForEach (given, json_at(body, KEYS)) {
        cJSON *key = read_key(request, given, before);

        if (key == NULL || find_key(list, json_string_at(key, "keyId")) != NULL) {
            if (key != NULL)
                graph_refuse_value(request, KEYS); /* two of one id */
            cJSON_Delete(key);
            cJSON_Delete(list);
            return false;
        }
        cJSON_AddItemToArray(list, key);
    }
    json_set_at(body, KEYS, list);
    return true;
}

/* ---- keeping them ---- */

static void save_key(const struct graph_request *request, const cJSON *body, cJSON *key)
{
    X509 *certificate = app_credentials_decode_certificate(json_string_at(key, "key"));
    char *app_id = text_lower(memory_copy_string(json_string_at(body, "appId")));
    struct app_key row = {.object = json_string_at(body, "id"),
                          .key_id = json_string_at(key, "keyId"),
                          .app_id = app_id};

    graph_read_time(key, "startDateTime", 0, &row.start_ms);
    graph_read_time(key, "endDateTime", 0, &row.end_ms);
    app_credentials_add_certificate(request->world, &row, certificate);
    json_set_at(key, "key", cJSON_CreateNull());
    X509_free(certificate);
    free(app_id);
}

/* Forgets certificates that the object lists no more. */
static void drop_keys(const struct graph_request *request, const cJSON *body)
{
    struct database *database = request->world->database;
    char *kept = json_print(json_at(body, KEYS));

    database_run(database,
                 "DELETE FROM app_certificate WHERE object = ? AND key_id NOT IN"
                 " (SELECT value ->> 'keyId' FROM json_each(?))",
                 "tt", json_string_at(body, "id"), kept);
    free(kept);
}

void graph_save_keys(const struct graph_request *request, cJSON *body)
{
    cJSON *key;

    if (!cJSON_IsArray(json_at(body, KEYS)))
        return;
    drop_keys(request, body);
    cJSON_ArrayForEach (key, json_at(body, KEYS)) {
        if (json_string_at(key, "key") != NULL)
            save_key(request, body, key);
    }
}

/* ---- addKey and removeKey ---- */

static bool is_signed_by_own(struct world *world, const char *object,
                             const struct jws *jws)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT body FROM app_certificate WHERE object = ?1 AND start_ms <= ?2"
        " AND end_ms > ?2",
        "ti", object, world_client_ms(world));
    bool is_signed = false;

    while (database_step(world->database, row)) {
        X509 *certificate = app_credentials_decode_certificate(database_column(row, 0));

        is_signed = (certificate != NULL &&
                     jws_is_signed_by(jws, X509_get0_pubkey(certificate))) ||
                    is_signed;
        X509_free(certificate);
    }
    return is_signed;
}

static bool check_proof(const struct graph_request *request, const cJSON *given)
{
    const char *text = json_string_at(given, "proof"), *audience, *issuer;
    struct jws jws;
    bool is_good = false;

    if (text == NULL)
        return graph_refuse_required(request, "proof");
    if (jws_open(&jws, text)) {
        audience = json_string_at(jws.claims, "aud");
        issuer = json_string_at(jws.claims, "iss");
        is_good = audience != NULL && strcmp(audience, PROOFS_AUDIENCE) == 0 &&
                  issuer != NULL && text_equal_nocase(issuer, request->id) &&
                  json_number_at(jws.claims, "exp", 0) * 1000 >
                      (double)world_client_ms(request->world) &&
                  is_signed_by_own(request->world, request->id, &jws);
    }
    jws_close(&jws);
    return is_good || graph_refuse(request, 401, "Authentication_MissingOrMalformed",
                                   "Access Token missing or malformed: the proof of "
                                   "possession of an existing key is not valid.");
}

/* Saves the list that was changed in `body`. */
static void save(struct graph_request *request, cJSON *body)
{
    graph_save_keys(request, body);
    directory_save(request->world, request->type->name, body, request->world->now_ms,
                   NULL);
    graph_log(request, GRAPH_CHANGED, request->type, request->id, NULL, NULL);
}

static void answer_key(struct graph_request *request, const cJSON *key)
{
    cJSON *shown = cJSON_CreateObject();
    const cJSON *member;
    char *context = memory_format("%s/v1.0/$metadata#microsoft.graph.keyCredential",
                                  request->call->base);

    cJSON_AddStringToObject(shown, "@odata.context", context);
    cJSON_ArrayForEach (member, key)
        cJSON_AddItemToObject(shown, member->string, cJSON_Duplicate(member, true));
    answer_set_json(request->answer, 200, shown);
    cJSON_Delete(shown);
    free(context);
}

static cJSON *list_of(cJSON *body)
{
    if (!cJSON_IsArray(json_at(body, KEYS)))
        json_set_at(body, KEYS, cJSON_CreateArray());
    return cJSON_GetObjectItemCaseSensitive(body, KEYS);
}

static void add_key(struct graph_request *request, const cJSON *given, cJSON *body)
{
    cJSON *key = read_key(request, json_at(given, "keyCredential"), NULL);

    if (key == NULL)
        return;
    if (find_key(list_of(body), json_string_at(key, "keyId")) != NULL) {
        graph_refuse_value(request, KEYS);
        cJSON_Delete(key);
        return;
    }
    cJSON_AddItemToArray(list_of(body), key);
    database_begin(request->world->database);
    save(request, body);
    answer_key(request, key);
    graph_commit(request);
}

void graph_add_key(struct graph_request *request)
{
    const cJSON *given = call_json(request->call);
    cJSON *body = directory_load(request->world, request->type->name, request->id);

    if (body == NULL)
        graph_refuse_missing(request, request->id);
    else if (check_proof(request, given))
        add_key(request, given, body);
    cJSON_Delete(body);
}

void graph_remove_key(struct graph_request *request)
{
    const cJSON *given = call_json(request->call);
    cJSON *body = directory_load(request->world, request->type->name, request->id), *key;

    if (body == NULL) {
        graph_refuse_missing(request, request->id);
    } else if (check_proof(request, given)) {
        key = find_key(list_of(body), json_string_at(given, "keyId"));
        if (key == NULL) {
            graph_refuse(request, 400, "Request_BadRequest",
                         "No credential found with keyId.");
        } else {
            cJSON_Delete(cJSON_DetachItemViaPointer(list_of(body), key));
            database_begin(request->world->database);
            save(request, body);
            request->answer->status = 204;
            graph_commit(request);
        }
    }
    cJSON_Delete(body);
}
