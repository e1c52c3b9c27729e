/* engine/sim/entra_device_page.c - the page where a person enters a device code. */
#include <string.h>

#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/entra_device.h"
#include "sim/entra_page.h"
#include "sim/world.h"

static const char title[] = "Sign in to a device";

static void append_form(const struct entra_request *request, const char *code)
{
    struct buffer *page = &request->answer->body;

    buffer_append_string(
        page, "<form method=\"post\" action=\"/devicelogin\">"
              "<p><label>Code <input name=\"user_code\" required autofocus value=\"");
    entra_page_append_text(page, code);
    buffer_append_string(page, "\"></label></p>");
    entra_page_append_user(page, request->world, "");
    buffer_append_string(
        page,
        "<p><button name=\"decision\" value=\"approve\">Let it in</button>"
        " <button name=\"decision\" value=\"decline\">Turn it away</button></p></form>");
    if (!request->world->hides_controls)
        buffer_append_string(
            page, "<p>A script says the same by<br><code>POST /_sim/devicecode "
                  "{\"user_code\": \"..\", \"user\": \"..\", \"approve\": true}"
                  "</code></p>");
}

static void ask(const struct entra_request *request, int status, const char *message,
                const char *code)
{
    entra_page_begin(request->answer, status, title, message);
    append_form(request, code);
    entra_page_end(request->answer);
}

static void tell(const struct entra_request *request, const char *message)
{
    entra_page_begin(request->answer, 200, title, message);
    entra_page_end(request->answer);
}

static void take(const struct entra_request *request, const char *code, const char *user,
                 bool is_approved)
{
    switch (entra_device_decide(request->world, code, user, is_approved)) {
    case DEVICE_DECIDED:
        tell(request, is_approved
                          ? "Done: the device is signed in. You may close this page."
                          : "Done: the device was turned away.");
        break;
    case DEVICE_NO_CODE:
        ask(request, 400, "There is no such code, or it has expired.", code);
        break;
    case DEVICE_OLD_CODE:
        ask(request, 400, "This code was used already.", code);
        break;
    case DEVICE_NO_USER:
        ask(request, 400, "There is no such user in this tenant.", code);
        break;
    }
}

void entra_answer_device_page(const struct entra_request *request)
{
    const char *asked = call_parameter(request->call, "user_code");
    const char *code = entra_field(request, "user_code");
    const char *user = entra_field(request, "user");
    const char *decision = entra_field(request, "decision");

    if (request->call->method != CALL_POST)
        ask(request, 200, NULL, asked != NULL ? asked : "");
    else if (code == NULL || decision == NULL)
        ask(request, 400, "Enter a code.", "");
    else
        take(request, code, user != NULL ? user : "", strcmp(decision, "approve") == 0);
}
