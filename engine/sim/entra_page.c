/* engine/sim/entra_page.c - the page where a person enters a device code. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entra.h"
#include "sim/entra_device.h"
#include "sim/world.h"

/* So many users are offered; any other can be typed. */
enum { USERS_SHOWN = 50 };

static void append_html(struct buffer *to, const char *text)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

    for (; *text != '\0'; text++) {
        size_t i = 0;

        while (i < sizeof entities / sizeof entities[0] && entities[i].character != *text)
            i++;
        if (i < sizeof entities / sizeof entities[0])
            buffer_append_string(to, entities[i].entity);
        else
            buffer_append_char(to, *text);
    }
}

static void append_users(struct buffer *to, struct world *world)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT body FROM object WHERE type = 'User' ORDER BY name_key, id LIMIT ?", "i",
        (int64_t)USERS_SHOWN);

    while (database_step(world->database, row)) {
        const char *text = database_column(row, 0);
        cJSON *user = json_parse(text, strlen(text), NULL);
        const char *name = json_string_at(user, "userPrincipalName");

        if (name != NULL) {
            buffer_append_string(to, "<option value=\"");
            append_html(to, name);
            buffer_append_string(to, "\">");
        }
        cJSON_Delete(user);
    }
}

static void append_form(struct buffer *to, struct world *world, const char *code)
{
    buffer_append_string(
        to, "<form method=\"post\" action=\"/devicelogin\">"
            "<p><label>Code <input name=\"user_code\" required autofocus value=\"");
    append_html(to, code);
    buffer_append_string(to, "\"></label></p><p><label>Sign in as <input name=\"user\" "
                             "list=\"users\"></label>"
                             "<datalist id=\"users\">");
    append_users(to, world);
    buffer_append_string(
        to,
        "</datalist></p><p><button name=\"decision\" value=\"approve\">Let it in</button>"
        " <button name=\"decision\" value=\"decline\">Turn it away</button></p></form>"
        "<p>Nobody is asked for a password: all of this tenant is simulated. A script "
        "says the same by<br><code>POST /_sim/devicecode {\"user_code\": \"..\", "
        "\"user\": \"..\", \"approve\": true}</code></p>");
}

/* `message` is ours; with NULL the form is shown. */
static void show(const struct entra_request *request, int status, const char *message,
                 const char *code)
{
    struct buffer *page = &request->answer->body;

    answer_fail(request->answer, status, "text/html; charset=utf-8",
                "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<title>Sign in to a device</title><style>body{font-family:sans-serif;"
                "max-width:34em;margin:4em auto}</style></head><body>"
                "<h1>Sign in to a device</h1>");
    if (message != NULL) {
        buffer_append_string(page, "<p><strong>");
        append_html(page, message);
        buffer_append_string(page, "</strong></p>");
    }
    if (message == NULL || status != 200)
        append_form(page, request->world, code);
    buffer_append_string(page, "</body></html>\n");
}

static void take(const struct entra_request *request, const char *code, const char *user,
                 bool is_approved)
{
    switch (entra_device_decide(request->world, code, user, is_approved)) {
    case DEVICE_DECIDED:
        show(request, 200,
             is_approved ? "Done: the device is signed in. You may close this page."
                         : "Done: the device was turned away.",
             code);
        break;
    case DEVICE_NO_CODE:
        show(request, 400, "There is no such code, or it has expired.", code);
        break;
    case DEVICE_OLD_CODE:
        show(request, 400, "This code was used already.", code);
        break;
    case DEVICE_NO_USER:
        show(request, 400, "There is no such user in this tenant.", code);
        break;
    }
}

void entra_answer_page(const struct entra_request *request)
{
    const char *asked = call_parameter(request->call, "user_code");
    const char *code = entra_field(request, "user_code");
    const char *user = entra_field(request, "user");
    const char *decision = entra_field(request, "decision");

    if (request->call->method != CALL_POST)
        show(request, 200, NULL, asked != NULL ? asked : "");
    else if (code == NULL || decision == NULL)
        show(request, 400, "Enter a code.", "");
    else
        take(request, code, user != NULL ? user : "", strcmp(decision, "approve") == 0);
}
