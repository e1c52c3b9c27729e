/* lua/export.c - core.export: the document of an API, as the service writes it.
 *
 * ARM answers with a link to the document, which lies in a storage outside of ARM. Nobody but
 * this file asks for such a link: it takes it from ARM's own answer, so no script can have
 * another one fetched, and sends no token there. */
#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/operation.h"
#include "arm/resource.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "base/yaml.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "model/kind.h"

enum { ARG_KIND = 1, ARG_ID = 2, ARG_FORMAT = 3, SLOT_ASKED = 3, SLOT_LINKED = 4 };

static void hold_operation(lua_State *L, const struct operation_request *request)
{
    struct held *held = bind_new_held(L, true);

    held->object = operation_start(bind_client(L), request);
    held->release = (void (*)(void *))operation_release;
    held->waitable = operation_waitable(held->object);
}

static int text_finish(lua_State *L, int status, lua_KContext context)
{
    const struct held *held = bind_held(L, SLOT_LINKED);
    const struct buffer *text;

    (void)status, (void)context;
    if (!held->waitable->is_done)
        return bind_wait(L, SLOT_LINKED, text_finish, 0);
    if (operation_failure(held->object) != NULL)
        return bind_raise_failure(L, operation_failure(held->object));
    text = operation_text(held->object);
    lua_pushlstring(L, text->data != NULL ? text->data : "", text->length);
    return 1;
}

/* Whether the document may be fetched from there: by https, or from this machine when that is
 * where ARM is, too. */
static bool is_fit(const struct client *client, const char *link)
{
    return url_origin_length(link) > 0 && url_is_clean(link) &&
           (text_has_prefix_nocase(link, "https://") ||
            (url_is_loopback(link) &&
             url_is_loopback(client->origins.by_audience[AUDIENCE_ARM])));
}

static int link_finish(lua_State *L, int status, lua_KContext context)
{
    const struct held *held = bind_held(L, SLOT_ASKED);
    struct client *client = bind_client(L);
    const char *link;

    (void)status, (void)context;
    if (!held->waitable->is_done)
        return bind_wait(L, SLOT_ASKED, link_finish, 0);
    if (operation_failure(held->object) != NULL)
        return bind_raise_failure(L, operation_failure(held->object));
    link = json_string_at(operation_body(held->object), "value.link");
    if (link == NULL)
        link = json_string_at(operation_body(held->object), "properties.value.link");
    if (link == NULL)
        return bind_raise(L, "ProtocolError",
                          "export of '%s': there is no link in the answer",
                          lua_tostring(L, ARG_ID));
    if (!is_fit(client, link)) /* its query may be a signature */
        return bind_raise(L, "ProtocolError",
                          "export of '%s': the link '%.*s' is not https",
                          lua_tostring(L, ARG_ID), (int)strcspn(link, "?"), link);

    struct operation_request request = {.method = "GET",
                                        .audience = AUDIENCE_NONE,
                                        .is_text = true,
                                        .url = memory_copy_string(link),
                                        .label = memory_copy_string("read the export")};

    hold_operation(L, &request);
    return text_finish(L, LUA_OK, 0);
}

/* export.document(kind, id, format) -> text of the API's document in a format such as
 * "openapi-link"; raises a failure. Waits. */
static int export_document(lua_State *L)
{
    const struct kind *kind = kind_find(luaL_checkstring(L, ARG_KIND));
    const char *id = luaL_checkstring(L, ARG_ID);
    const char *format = luaL_checkstring(L, ARG_FORMAT);
    struct client *client = bind_client(L);
    struct buffer query = {0};

    luaL_argcheck(L, kind != NULL, ARG_KIND, "kind expected");
    luaL_argcheck(L, kind_has_id(kind, id), ARG_ID, "an id of that kind expected");
    bind_check_task(L);
    buffer_append_string(&query, "&export=true&format=");
    buffer_append_escaped(&query, format);

    struct operation_request request = {
        .method = "GET",
        .audience = AUDIENCE_ARM,
        .url = resource_url(client, id, kind->api_version, query.data),
        .label = memory_format("export %s '%s'", kind->name, strrchr(id, '/') + 1)};

    buffer_deinit(&query);
    lua_settop(L, ARG_ID);
    hold_operation(L, &request);
    return link_finish(L, LUA_OK, 0);
}

/* export.parse(text) -> what a document says, JSON or YAML, or nil and what is wrong with it */
static int export_parse(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    char *wrong = NULL;
    cJSON *tree = json_parse(text, length, NULL);

    if (tree == NULL)
        tree = yaml_parse(text, length, &wrong);
    if (tree == NULL) {
        lua_pushnil(L);
        lua_pushstring(L, wrong);
        free(wrong);
        return 2;
    }
    bind_push_json(L,
                   tree); /* as in json.decode: raises nothing but for want of memory */
    cJSON_Delete(tree);
    return 1;
}

/* export.pretty(text) -> JSON text with a line for each member, or the text as it is when it is
 * no JSON */
static int export_pretty(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    cJSON *tree = json_parse(text, length, NULL);
    char *printed = tree != NULL ? cJSON_Print(tree) : NULL;

    if (printed != NULL)
        lua_pushfstring(L, "%s\n", printed);
    free(printed);
    cJSON_Delete(tree);
    return 1;
}

int open_export(lua_State *L)
{
    static const luaL_Reg functions[] = {{"document", export_document},
                                         {"parse", export_parse},
                                         {"pretty", export_pretty},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
