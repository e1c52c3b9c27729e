/* lua/post.c - core.post: what tells somebody of a job, for `moongate jobs` alone.
 *
 * Each call waits, and is stopped when its task is closed. What is said of a failure names neither
 * URLs nor passwords. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/secret.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/mailbox.h"
#include "base/uuid.h"
#include "jobs/post.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "net/loop.h"
#include "run/session.h"

enum { ARG_OPTIONS = 1, SLOT_POST = 2, MOST_TEXTS = 64 };

static const lua_Number LATEST_S = 253402300800.0; /* the year 10000 */

static const char office_metatable[] = "post office";

/* --- arguments ---------------------------------------------------------------------------- */

/* A text of the options; NULL when it is absent. The table keeps it. */
static const char *optional_text(lua_State *L, const char *name)
{
    const int type = lua_getfield(L, ARG_OPTIONS, name);
    size_t length;
    const char *text;

    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return NULL;
    }
    if (type != LUA_TSTRING)
        luaL_error(L, "%s: a text expected, got %s", name, luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &length);
    if (strlen(text) != length)
        luaL_error(L, "%s: a text without NUL bytes expected", name);
    lua_pop(L, 1);
    return text;
}

static const char *needed_text(lua_State *L, const char *name)
{
    const char *text = optional_text(L, name);

    if (text == NULL)
        luaL_error(L, "%s is missing", name);
    return text;
}

/* A list of texts (none when it is absent), ended by NULL; at most `most`. The table keeps them. */
static size_t take_texts(lua_State *L, const char *name, const char **texts, size_t most)
{
    size_t count = 0;

    texts[0] = NULL;
    if (lua_getfield(L, ARG_OPTIONS, name) == LUA_TNIL) {
        lua_pop(L, 1);
        return 0;
    }
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) > most)
        luaL_error(L, "%s: a list of at most %d texts expected", name, (int)most);
    for (; count < lua_rawlen(L, -1); count++) {
        size_t length;

        if (lua_rawgeti(L, -1, (lua_Integer)count + 1) != LUA_TSTRING)
            luaL_error(L, "%s: a list of texts expected", name);
        texts[count] = lua_tolstring(L, -1, &length);
        if (strlen(texts[count]) != length)
            luaL_error(L, "%s: texts without NUL bytes expected", name);
        lua_pop(L, 1);
    }
    texts[count] = NULL;
    lua_pop(L, 1);
    return count;
}

/* 0 when it is absent. */
static int64_t take_timeout(lua_State *L)
{
    int64_t timeout_ms = 0;

    if (lua_getfield(L, ARG_OPTIONS, "timeout") != LUA_TNIL)
        timeout_ms = bind_check_duration(L, -1, "timeout");
    lua_pop(L, 1);
    return timeout_ms;
}

/* `otherwise_ms` when it is absent. */
static int64_t take_time(lua_State *L, int64_t otherwise_ms)
{
    lua_Number seconds;

    if (lua_getfield(L, ARG_OPTIONS, "at") != LUA_TNIL) {
        seconds = luaL_checknumber(L, -1);
        if (!(seconds >= 0.0 && seconds < LATEST_S))
            luaL_error(L, "at: a time from 1970 to 9999 expected");
        otherwise_ms = (int64_t)(seconds * 1000.0);
    }
    lua_pop(L, 1);
    return otherwise_ms;
}

static void check_options(lua_State *L, const char *const *names, size_t count)
{
    luaL_checktype(L, ARG_OPTIONS, LUA_TTABLE);
    bind_check_keys(L, ARG_OPTIONS, "option", names, count);
    bind_check_task(L);
    lua_settop(L, ARG_OPTIONS);
}

/* --- waiting ------------------------------------------------------------------------------ */

static struct post_office *office_of(lua_State *L)
{
    return *(struct post_office **)lua_touserdata(L, lua_upvalueindex(1));
}

static void release(void *object)
{
    post_release(object);
}

static int hold(lua_State *L, struct held *held, struct post *post, lua_KFunction finish)
{
    held->object = post;
    held->release = release;
    held->waitable = &post->waitable;
    return finish(L, LUA_OK, 0);
}

/* What is over, or NULL; raises its failure. */
static const struct post *finished(lua_State *L)
{
    const struct post *post = bind_held(L, SLOT_POST)->object;

    if (!post->waitable.is_done)
        return NULL;
    if (post->failure != NULL)
        bind_raise_failure(L, post->failure);
    return post;
}

/* --- the ways ------------------------------------------------------------------------------ */

static int http_finish(lua_State *L, int status, lua_KContext context)
{
    const struct post *post = finished(L);

    (void)status, (void)context;
    if (post == NULL)
        return bind_wait(L, SLOT_POST, http_finish, 0);
    lua_pushinteger(L, post->status);
    lua_pushlstring(L, post->text.data != NULL ? post->text.data : "", post->text.length);
    if (post->retry_after_ms < 0)
        return 2;
    lua_pushnumber(L, (lua_Number)post->retry_after_ms / 1000.0);
    return 3;
}

/* http{url=, body=, headers=, timeout=} -> status, the first 4 KiB of the answer, and for how many
 * seconds it asks to be left alone, or nil. Posts the body; headers are a list of "Name: value",
 * at most 16; redirects are not followed; the timeout is 30 s. Raises a failure: `InvalidAddress`
 * for what is no URL or header, `ConnectionFailed`, `Timeout`, `ProtocolError`. Waits. */
static int post_http(lua_State *L)
{
    static const char *const names[] = {"url", "body", "headers", "timeout"};
    struct post_http what = {0};
    const char *headers[POST_MOST_HEADERS + 1], *wrong;

    check_options(L, names, sizeof names / sizeof names[0]);
    what.url = needed_text(L, "url");
    what.timeout_ms = take_timeout(L);
    take_texts(L, "headers", headers, POST_MOST_HEADERS);
    memcpy(what.headers, headers, sizeof what.headers);
    if (lua_getfield(L, ARG_OPTIONS, "body") != LUA_TSTRING)
        return luaL_error(L, "body: a text expected");
    what.body = lua_tolstring(L, -1, &what.body_length);
    lua_pop(L, 1);
    if ((wrong = post_check_url(what.url)) != NULL)
        return bind_raise(L, "InvalidAddress", "the URL %s", wrong);
    for (size_t i = 0; headers[i] != NULL; i++) {
        if ((wrong = post_check_header(headers[i])) != NULL)
            return bind_raise(L, "InvalidAddress", "header %d %s", (int)i + 1, wrong);
    }

    struct held *held = bind_new_held(L, true);

    return hold(L, held, post_start_http(office_of(L), &what), http_finish);
}

static int status_finish(lua_State *L, int status, lua_KContext context)
{
    const struct post *post = finished(L);

    (void)status, (void)context;
    if (post == NULL)
        return bind_wait(L, SLOT_POST, status_finish, 0);
    lua_pushinteger(L, post->status);
    return 1;
}

static void check_address(lua_State *L, const char *what, const char *address)
{
    const char *wrong = mailbox_check(address);

    if (wrong != NULL)
        bind_raise(L, "InvalidAddress", "%s: '%s' %s", what, address, wrong);
}

static void check_mail(lua_State *L, const struct post_mail *mail)
{
    const char *wrong = mailbox_check_server(mail->server);

    if (wrong != NULL)
        bind_raise(L, "InvalidAddress", "server: '%s' %s", mail->server, wrong);
    check_address(L, "from", mail->from);
    check_address(L, "receiver", mail->receiver);
    for (size_t i = 0; mail->to[i] != NULL; i++)
        check_address(L, "to", mail->to[i]);
    if ((mail->user != NULL) != (mail->password != NULL))
        luaL_error(L, "user and password: both or none expected");
    if ((wrong = post_check_mail_id(mail->id)) != NULL)
        luaL_error(L, "id: '%s' %s", mail->id, wrong);
}

/* mail{server=, user=, password=, from=, to=, receiver=, subject=, text=, id=, at=, timeout=} ->
 * the status of the server's last reply: 250 when it took the mail. To one of the receivers in
 * `to`; `server` is smtp://host:25 or smtps://host:465, and with a password smtp:// needs
 * STARTTLS; `id` is the same when the same mail is sent again, `at` its time in seconds since 1970.
 * Raises a failure as http() does. Waits. */
static int post_mail(lua_State *L)
{
    static const char *const names[] = {"server", "user",     "password", "from",
                                        "to",     "receiver", "subject",  "text",
                                        "id",     "at",       "timeout"};
    struct session *session = bind_session(L);
    const char *to[MOST_TEXTS + 1];
    struct post_mail what = {.to = to};

    check_options(L, names, sizeof names / sizeof names[0]);
    what.server = needed_text(L, "server");
    what.user = optional_text(L, "user");
    what.password = optional_text(L, "password");
    what.from = needed_text(L, "from");
    what.receiver = needed_text(L, "receiver");
    what.subject = needed_text(L, "subject");
    what.text = needed_text(L, "text");
    what.id = needed_text(L, "id");
    what.timeout_ms = take_timeout(L);
    what.at_wall_ms = clock_wall_ms(session_clock(session));
    what.at_wall_ms = take_time(L, what.at_wall_ms);
    take_texts(L, "to", to, MOST_TEXTS);
    check_mail(L, &what);

    struct held *held = bind_new_held(L, true);

    return hold(L, held, post_start_mail(office_of(L), &what), status_finish);
}

/* command{words=, environment=, timeout=} -> its exit code; 128 and the number of the signal that
 * ended it. Runs a program without a shell: its path, or its name in PATH, and its arguments. It
 * has our environment and "NAME=value" of the list `environment`, and 60 s. Raises a failure:
 * `NotFound` when it cannot be started, `Timeout`, `ResponseTooLarge` when it writes without end.
 * Waits. */
static int post_command(lua_State *L)
{
    static const char *const names[] = {"words", "environment", "timeout"};
    const char *words[MOST_TEXTS + 1], *variables[MOST_TEXTS + 1];
    int64_t timeout_ms;

    check_options(L, names, sizeof names / sizeof names[0]);
    if (take_texts(L, "words", words, MOST_TEXTS) == 0)
        return luaL_error(L, "words: the name of a program expected");
    take_texts(L, "environment", variables, MOST_TEXTS);
    for (size_t i = 0; variables[i] != NULL; i++) {
        if (strchr(variables[i], '=') == NULL || variables[i][0] == '=')
            return luaL_error(L, "environment: 'NAME=value' expected");
    }
    timeout_ms = take_timeout(L);

    struct held *held = bind_new_held(L, true);

    return hold(L, held, post_start_command(office_of(L), words, variables, timeout_ms),
                status_finish);
}

/* --- signatures ---------------------------------------------------------------------------- */

/* sign(secret, text) -> "v1,..", as a `webhook-signature` has it (Standard Webhooks): the
 * HMAC-SHA256 of the text in base64. A secret that begins with whsec_ is base64 behind that, any
 * other is the key itself. Raises a failure `InvalidSecret`. */
static int post_sign(lua_State *L)
{
    size_t secret_length, length;
    const char *secret = luaL_checklstring(L, 1, &secret_length);
    const char *text = luaL_checklstring(L, 2, &length);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_length = 0;
    struct buffer key = {0}, signature = {0};
    bool is_good = true;

    if (strncmp(secret, "whsec_", 6) == 0)
        is_good = base64_decode(&key, secret + 6, secret_length - 6);
    else
        buffer_append(&key, secret, secret_length);
    if (!is_good || key.length == 0) {
        secret_deinit(&key);
        return bind_raise(L, "InvalidSecret",
                          "the secret is empty, or no base64 behind whsec_");
    }
    HMAC(EVP_sha256(), key.data, (int)key.length, (const unsigned char *)text, length,
         digest, &digest_length);
    secret_deinit(&key);
    buffer_append_string(&signature, "v1,");
    base64_append(&signature, digest, digest_length);
    lua_pushlstring(L, signature.data, signature.length);
    buffer_deinit(&signature);
    return 1;
}

/* id() -> a random id that nobody else has, such as "msg_6f1c.." */
static int post_id(lua_State *L)
{
    char uuid[UUID_TEXT_SIZE], plain[UUID_TEXT_SIZE];

    uuid_random(uuid);
    uuid_drop_dashes(uuid, plain);
    lua_pushfstring(L, "msg_%s", plain);
    return 1;
}

/* --- the module ----------------------------------------------------------------------------- */

static int close_office(lua_State *L)
{
    struct post_office **office = lua_touserdata(L, 1);

    post_office_free(*office);
    *office = NULL;
    return 0;
}

static void push_office(lua_State *L)
{
    struct session *session = bind_session(L);
    struct post_office **office = lua_newuserdatauv(L, sizeof *office, 0);

    *office = NULL;
    if (luaL_newmetatable(L, office_metatable)) {
        lua_pushcfunction(L, close_office);
        lua_setfield(L, -2, "__gc");
        bind_seal_metatable(L);
    }
    lua_setmetatable(L, -2);
    *office = post_office_new(session_loop(session), session_settings(session)->ca_file);
}

int open_post(lua_State *L)
{
    static const luaL_Reg functions[] = {{"http", post_http},       {"mail", post_mail},
                                         {"command", post_command}, {"sign", post_sign},
                                         {"id", post_id},           {NULL, NULL}};

    if (!session_settings(bind_session(L))->manages_runs)
        return luaL_error(L, "core.post is for `moongate jobs` alone");
    luaL_newlibtable(L, functions);
    push_office(L);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
