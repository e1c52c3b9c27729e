/* tests/check_operation.c - operations followed to their end, against scripted answers.
 *
 * The clock is virtual, so hours of polling pass at once; the answers come over a socket. */
#include <string.h>

#include <check.h>

#include "arm/operation.h"
#include "base/failure.h"
#include "base/json.h"
#include "harness.h"

static struct harness h;

static void set_up(void)
{
    harness_open(&h, &(struct transport_options){0});
}

static void tear_down(void)
{
    harness_close(&h);
}

static struct operation_request request_of(const char *method, const char *path)
{
    const bool has_body = strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0 ||
                          strcmp(method, "POST") == 0;

    return (struct operation_request){
        .method = method,
        .url = memory_format("%s%s", h.server.base, path),
        .audience = AUDIENCE_ARM,
        .body = has_body ? memory_copy_string("{\"properties\":{}}") : NULL,
        .label = memory_format("%s thing 'x'", method),
        .waits = true};
}

static struct operation *start(const char *method, const char *path)
{
    const struct operation_request request = request_of(method, path);

    return operation_start(&h.client, &request);
}

/* Starts one and waits until it is over. */
static struct operation *run(const char *method, const char *path)
{
    struct operation *operation = start(method, path);

    harness_settle(&h);
    ck_assert(operation_waitable(operation)->is_done);
    return operation;
}

static const char *code_of(const struct operation *operation)
{
    const struct failure *failure = operation_failure(operation);

    return failure != NULL ? failure->code : "none";
}

/* The requests of a script, in the order they stand there. Owned by the caller. */
static char *expected_log(const struct server_step *script)
{
    struct buffer log = {0};

    for (; script->request != NULL; script++)
        buffer_printf(&log, "%s\n", script->request);
    return buffer_take(&log);
}

static bool was_asked(void *context)
{
    (void)context;
    return h.server.request_count > 0;
}

static bool was_asked_twice(void *context)
{
    (void)context;
    return h.server.request_count > 1;
}

/* --- long-running operations ---------------------------------------------------------- */

#define DONE          "{\"id\":\"/t/x\",\"properties\":{\"provisioningState\":\"Succeeded\"}}"
#define CREATING      "{\"id\":\"/t/x\",\"properties\":{\"provisioningState\":\"Creating\"}}"
#define DELETING      "{\"id\":\"/t/x\",\"properties\":{\"provisioningState\":\"Deleting\"}}"
#define FAILED        "{\"id\":\"/t/x\",\"properties\":{\"provisioningState\":\"Failed\"}}"
#define CANCELED      "{\"id\":\"/t/x\",\"properties\":{\"provisioningState\":\"Canceled\"}}"
#define PLAIN         "{\"id\":\"/t/x\",\"name\":\"x\"}"
#define RUNNING       "{\"status\":\"InProgress\"}"
#define ENDED         "{\"status\":\"Succeeded\"}"
#define MONITOR       "Azure-AsyncOperation: {base}/m/1"
#define MONITOR2      "Azure-AsyncOperation: {base}/m/2"
#define LOCATION      "Location: {base}/l/1"
#define NOW           "Retry-After: 0"
#define MISSING(path) STEP("GET " path, 404, NULL, "<html>")
#define JUNK          "Location: not-to-be-asked"

/* One exchange: what is sent, what is answered to each request in turn, how it ends. */
struct exchange_row {
    const char *name;
    const char *method;
    struct server_step script[14];
    const char *code; /* of the failure, or NULL */
    int status;       /* of the failure */
    const char *body; /* what the result covers, or NULL: no body */
};

#define PAGE "Content-Type: text/html"

static const struct exchange_row rows[] = {
    {"PUT answered by somebody's page",
     "PUT",
     {STEP("PUT /t/x", 200, PAGE, "<html>")},
     .code = "ProtocolError"},
    {"DELETE answered by somebody's page",
     "DELETE",
     {STEP("DELETE /t/x", 200, PAGE, "<html>")},
     .code = "ProtocolError"},
    {"PUT whose result is somebody's page",
     "PUT",
     {STEP("PUT /t/x", 201, MONITOR, CREATING), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, PAGE, "<html>")},
     .code = "ProtocolError"},
    {"PUT answered in JSON that calls itself a page",
     "PUT",
     {STEP("PUT /t/x", 200, PAGE, DONE)},
     .body = DONE},
    {"PUT done at once", "PUT", {STEP("PUT /t/x", 200, NULL, DONE)}, .body = DONE},
    {"PUT made at once", "PUT", {STEP("PUT /t/x", 201, NULL, DONE)}, .body = DONE},
    {"PUT without a state is done",
     "PUT",
     {STEP("PUT /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"PUT 204 is done", "PUT", {STEP("PUT /t/x", 204, NULL, NULL)}, .body = NULL},
    {"PUT 201 with a Location but no state is done",
     "PUT",
     {STEP("PUT /t/x", 201, "Location: {base}/t/x", PLAIN)},
     .body = PLAIN},
    {"PUT 201 polls the resource",
     "PUT",
     {STEP("PUT /t/x", 201, NULL, CREATING), STEP("GET /t/x", 200, NULL, CREATING),
      STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PUT 200 polls the resource",
     "PUT",
     {STEP("PUT /t/x", 200, NULL, CREATING), STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"PUT of a resource that ends as Failed",
     "PUT",
     {STEP("PUT /t/x", 201, NULL, CREATING), STEP("GET /t/x", 200, NULL, FAILED)},
     .code = "OperationFailed"},
    {"PUT of a resource that ends as Canceled",
     "PUT",
     {STEP("PUT /t/x", 200, NULL, CREATING), STEP("GET /t/x", 200, NULL, CANCELED)},
     .code = "Canceled"},
    {"PUT 202 follows its Location",
     "PUT",
     {STEP("PUT /t/x", 202, LOCATION, NULL), STEP("GET /l/1", 202, NULL, NULL),
      STEP("GET /l/1", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"PUT 202 with a state follows its Location all the same",
     "PUT",
     {STEP("PUT /t/x", 202, LOCATION, CREATING), STEP("GET /l/1", 202, NULL, NULL),
      STEP("GET /l/1", 200, NULL, DONE)},
     .body = DONE},
    {"a Location that is the resource itself with a parameter",
     "PUT",
     {STEP("PUT /t/x", 202, "Location: {base}/t/x?asyncId=7&asyncCode=201\n" NOW, NULL),
      STEP("GET /t/x?asyncId=7&asyncCode=201", 202, NULL, NULL),
      STEP("GET /t/x?asyncId=7&asyncCode=201", 201, NULL, PLAIN)},
     .body = PLAIN},
    {"PUT 202 without a header polls the resource, which appears later",
     "PUT",
     {STEP("PUT /t/x", 202, NULL, NULL), STEP("GET /t/x", 404, NULL, NULL),
      STEP("GET /t/x", 200, NULL, CREATING), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PUT 200 follows the monitor, whose URL changes, and reads the resource",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR "\nLocation: {base}/m/1\n" NOW, CREATING),
      STEP("GET /m/1", 202, MONITOR2 "\nLocation: {base}/m/2\n" NOW, RUNNING),
      STEP("GET /m/2", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PUT 201 follows the monitor and leaves an unusable Location alone",
     "PUT",
     {STEP("PUT /t/x", 201, MONITOR "\n" JUNK, CREATING),
      STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PUT 202 without a body follows the monitor",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR "\n" JUNK, NULL),
      STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"a PUT that is Succeeded in its first body waits for its monitor",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, DONE), STEP("GET /m/1", 200, NULL, RUNNING),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"Operation-Location is a monitor",
     "PUT",
     {STEP("PUT /t/x", 201, "Operation-Location: {base}/m/1", CREATING),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"Azure-AsyncOperation goes before Operation-Location",
     "PUT",
     {STEP("PUT /t/x", 201, "Operation-Location: {base}/o/1\n" MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"the monitor names the place of the result",
     "PUT",
     {STEP("PUT /t/x", 201, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL,
           "{\"status\":\"Succeeded\",\"resourceLocation\":\"{base}/t/y\"}"),
      STEP("GET /t/y", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"a relative monitor belongs to the server that was asked",
     "PUT",
     {STEP("PUT /t/x", 202, "Azure-AsyncOperation: /m/1?t=9&c=a", NULL),
      STEP("GET /m/1?t=9&c=a", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"states compare without case, Completed is success",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"notStarted\"}"),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"NeverSeenBefore\"}"),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"completed\"}"),
      STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"the result is there, but not readable",
     "PUT",
     {STEP("PUT /t/x", 201, MONITOR, CREATING), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 404, NULL, NULL), STEP("GET /t/x", 404, NULL, NULL),
      STEP("GET /t/x", 404, NULL, NULL), STEP("GET /t/x", 404, NULL, NULL)},
     .code = "NotFound",
     .status = 404},
    {"a failed monitor",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING),
      STEP("GET /m/1", 202, MONITOR2 "\n" NOW, RUNNING),
      STEP("GET /m/2", 200, NULL,
           "{\"status\":\"Failed\",\"error\":{\"code\":\"SubnetFull\",\"message\":\"none "
           "left\"}}")},
     .code = "SubnetFull"},
    {"a failed monitor without an explanation",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"Failed\"}")},
     .code = "OperationFailed"},
    {"a failed monitor whose code is a number",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL,
           "{\"status\":\"Failed\",\"error\":{\"code\":500,\"message\":\"Internal\"}}")},
     .code = "500"},
    {"a canceled monitor",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"Canceled\"}")},
     .code = "Canceled"},
    {"a monitor canceled in the other spelling",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"Cancelled\"}")},
     .code = "Canceled"},
    {"PATCH done at once", "PATCH", {STEP("PATCH /t/x", 200, NULL, DONE)}, .body = DONE},
    {"PATCH with a monitor alone",
     "PATCH",
     {STEP("PATCH /t/x", 201, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"Accepted\"}"),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PATCH with both headers reads the resource at the end",
     "PATCH",
     {STEP("PATCH /t/x", 202, MONITOR "\n" LOCATION, DONE),
      STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PATCH 202 follows its Location",
     "PATCH",
     {STEP("PATCH /t/x", 202, LOCATION, NULL),
      STEP("GET /l/1", 202, "Location: {base}/l/2", NULL),
      STEP("GET /l/2", 200, NULL, DONE)},
     .body = DONE},
    {"PATCH 200 polls the resource",
     "PATCH",
     {STEP("PATCH /t/x", 200, NULL, CREATING), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"DELETE done at once",
     "DELETE",
     {STEP("DELETE /t/x", 200, NULL, NULL)},
     .body = NULL},
    {"DELETE of nothing", "DELETE", {STEP("DELETE /t/x", 204, NULL, NULL)}, .body = NULL},
    {"DELETE follows its Location to 204",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION, NULL), STEP("GET /l/1", 202, NULL, NULL),
      STEP("GET /l/1", 204, NULL, NULL)},
     .body = NULL},
    {"DELETE follows its Location to 200",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION "\n" NOW, DELETING),
      STEP("GET /l/1", 200, NULL, DONE)},
     .body = DONE},
    {"a Location of a DELETE is gone, and so is the resource",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION, NULL), STEP("GET /l/1", 202, NULL, NULL),
      MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"),
      MISSING("/l/1"), MISSING("/t/x")},
     .body = NULL},
    {"a Location of a DELETE is gone, but the resource is still being deleted",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION, NULL), STEP("GET /l/1", 202, NULL, NULL),
      MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"),
      MISSING("/l/1"), STEP("GET /t/x", 200, NULL, DELETING), MISSING("/t/x")},
     .body = NULL},
    {"a Location of a DELETE that nobody ever knew",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION, NULL), MISSING("/l/1"), MISSING("/l/1"),
      MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1")},
     .code = "NotFound",
     .status = 404},
    {"a Location of a DELETE that is the resource itself",
     "DELETE",
     {STEP("DELETE /t/x", 202, "Location: {base}/T/x?code=1", NULL),
      STEP("GET /T/x?code=1", 202, NULL, NULL), STEP("GET /T/x?code=1", 404, NULL, NULL)},
     .body = NULL},
    {"a monitor of a PUT is gone, but the resource is still being made",
     "PUT",
     {STEP("PUT /t/x", 201, MONITOR, CREATING), MISSING("/m/1"), MISSING("/m/1"),
      MISSING("/m/1"), MISSING("/m/1"), MISSING("/m/1"), MISSING("/m/1"),
      STEP("GET /t/x", 200, NULL, CREATING), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"a Location of a POST is gone",
     "POST",
     {STEP("POST /t/x", 202, LOCATION, NULL), MISSING("/l/1"), MISSING("/l/1"),
      MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1"), MISSING("/l/1")},
     .code = "NotFound",
     .status = 404},
    {"a result is readable a moment later",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 200, NULL, ENDED),
      MISSING("/t/x"), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"a PUT that is complete stands when its monitor is elsewhere",
     "PUT",
     {STEP("PUT /t/x", 200, "Azure-AsyncOperation: http://localhost/fakeurl", DONE)},
     .body = DONE},
    {"a PUT that is complete stands when its monitor refuses",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, DONE), STEP("GET /m/1", 400, NULL, NULL)},
     .body = DONE},
    {"a PUT that is complete stands when its monitor says nothing",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, DONE), STEP("GET /m/1", 200, NULL, "<html>")},
     .body = DONE},
    {"a PUT that is complete does not stand when its monitor says it failed",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, DONE),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"Failed\"}")},
     .code = "OperationFailed"},
    {"PUT 201 without a body asks the resource",
     "PUT",
     {STEP("PUT /t/x", 201, NULL, NULL), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"a monitor that moves to another server is asked where it was",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL),
      STEP("GET /m/1", 200, "Azure-AsyncOperation: http://elsewhere.example/m", RUNNING),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"a relative Location belongs to what was asked",
     "POST",
     {STEP("POST /t/x", 202, "Location: ../l/1?a=b", NULL),
      STEP("GET /l/1?a=b", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"a poll that is forbidden for a moment",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 403, NULL, NULL),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"the header of a Location vanishes midway",
     "PUT",
     {STEP("PUT /t/x", 202, LOCATION, NULL), STEP("GET /l/1", 202, NULL, NULL),
      STEP("GET /l/1", 202, NULL, "{}"), STEP("GET /l/1", 201, NULL, DONE)},
     .body = DONE},
    {"a Location of a DELETE tells a failure",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION "\n" NOW, DELETING),
      STEP("GET /l/1", 200, NULL, FAILED)},
     .code = "OperationFailed"},
    {"a Location of a DELETE tells a cancellation",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION "\n" NOW, DELETING),
      STEP("GET /l/1", 200, NULL, CANCELED)},
     .code = "Canceled"},
    {"DELETE with a monitor needs no result",
     "DELETE",
     {STEP("DELETE /t/x", 202, MONITOR "\n" JUNK, NULL),
      STEP("GET /m/1", 200, NULL, RUNNING), STEP("GET /m/1", 200, NULL, ENDED)},
     .body = ENDED},
    {"DELETE with a monitor that moves",
     "DELETE",
     {STEP("DELETE /t/x", 202, MONITOR "\n" NOW, NULL),
      STEP("GET /m/1", 202, MONITOR2 "\n" NOW, RUNNING),
      STEP("GET /m/2", 200, NULL, ENDED)},
     .body = ENDED},
    {"a monitor of a DELETE that answers 204",
     "DELETE",
     {STEP("DELETE /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 204, NULL, NULL)},
     .body = NULL},
    {"a monitor of a DELETE tells a failure",
     "DELETE",
     {STEP("DELETE /t/x", 202, MONITOR, NULL),
      STEP("GET /m/1", 200, NULL, "{\"status\":\"Failed\"}")},
     .code = "OperationFailed"},
    {"DELETE 202 without a header waits until the resource is gone",
     "DELETE",
     {STEP("DELETE /t/x", 202, NULL, NULL), STEP("GET /t/x", 200, NULL, DELETING),
      STEP("GET /t/x", 404, NULL, NULL)},
     .body = NULL},
    {"POST 202 without a header cannot be waited for",
     "POST",
     {STEP("POST /t/x", 202, NULL, NULL)},
     .code = "ProtocolError"},
    {"POST 202 follows its Location, which changes",
     "POST",
     {STEP("POST /t/x", 202, LOCATION, NULL),
      STEP("GET /l/1", 202, "Location: {base}/l/2", NULL),
      STEP("GET /l/2", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"POST with both headers reads its Location at the end",
     "POST",
     {STEP("POST /t/x", 202, MONITOR "\n" LOCATION, NULL),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /l/1", 200, NULL, PLAIN)},
     .body = PLAIN},
    /* refusals, and answers that are not as they should be */
    {"PUT refused",
     "PUT",
     {STEP("PUT /t/x", 400, NULL, "{\"message\":\"Expected bad request\"}")},
     .code = "BadRequest",
     .status = 400},
    {"a poll of the resource refused",
     "PUT",
     {STEP("PUT /t/x", 201, NULL, CREATING),
      STEP("GET /t/x", 400, NULL, "{\"message\":\"Error from the server\"}")},
     .code = "BadRequest",
     .status = 400},
    {"a poll refused in broken JSON",
     "PUT",
     {STEP("PUT /t/x", 201, NULL, CREATING), STEP("GET /t/x", 400, NULL, "{\"message\"")},
     .code = "BadRequest",
     .status = 400},
    {"a monitor refused without a body",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING), STEP("GET /m/1", 400, NULL, NULL)},
     .code = "BadRequest",
     .status = 400},
    {"a monitor that answers 409 tells nothing that a second write would mend",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL),
      STEP("GET /m/1", 409, NULL,
           "{\"error\":{\"code\":\"RetryableError\",\"message\":\"no\"}}")},
     .code = "RetryableError",
     .status = 409},
    {"a Location tells that the operation was refused",
     "DELETE",
     {STEP("DELETE /t/x", 202, LOCATION, NULL),
      STEP("GET /l/1", 409, NULL, "{\"error\":{\"code\":\"InUse\",\"message\":\"no\"}}")},
     .code = "InUse",
     .status = 409},
    {"a poll of the resource without a body",
     "PUT",
     {STEP("PUT /t/x", 201, NULL, CREATING), STEP("GET /t/x", 200, NULL, NULL)},
     .code = "ProtocolError"},
    {"a monitor without a status",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING), STEP("GET /m/1", 200, NULL, "{}")},
     .code = "ProtocolError"},
    {"a monitor whose status is no text",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING),
      STEP("GET /m/1", 200, NULL, "{\"status\":7}")},
     .code = "ProtocolError"},
    {"a monitor without a body",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING), STEP("GET /m/1", 200, NULL, NULL)},
     .code = "ProtocolError"},
    {"a monitor of a DELETE without a status",
     "DELETE",
     {STEP("DELETE /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 200, NULL, "{}")},
     .code = "ProtocolError"},
    {"a monitor of a PUT that answers 204",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING), STEP("GET /m/1", 204, NULL, NULL)},
     .code = "ProtocolError"},
    {"a first answer in broken JSON",
     "PUT",
     {STEP("PUT /t/x", 200, NULL, "{\"properties\":{\"provisioningState\":\"Succ")},
     .code = "ProtocolError"},
    {"a monitor in broken JSON",
     "PUT",
     {STEP("PUT /t/x", 200, MONITOR, CREATING), STEP("GET /m/1", 200, NULL, "<status>")},
     .code = "ProtocolError"},
    {"a monitor of a DELETE in broken JSON",
     "DELETE",
     {STEP("DELETE /t/x", 202, MONITOR, NULL),
      STEP("GET /m/1", 200, NULL, "{\"status\":")},
     .code = "ProtocolError"},
    {"a monitor that nobody knows, with a Retry-After that says nothing",
     "PUT",
     {STEP("PUT /t/x", 200, "Azure-AsyncOperation: /foo\nRetry-After: /bar", CREATING),
      MISSING("/foo"), MISSING("/foo"), MISSING("/foo"), MISSING("/foo"), MISSING("/foo"),
      MISSING("/foo"), MISSING("/t/x"), MISSING("/t/x"), MISSING("/t/x"),
      MISSING("/t/x")},
     .code = "NotFound",
     .status = 404},
    {"a monitor that is known a moment later",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 404, NULL, NULL),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"a monitor of another server is not asked at all",
     "PUT",
     {STEP("PUT /t/x", 202, "Azure-AsyncOperation: https://elsewhere.example/m", NULL)},
     .code = "ProtocolError"},
    /* each first answer is a 500 */
    {"PUT 201 with passing errors of the server",
     "PUT",
     {STEP("PUT /t/x", 500, NULL, NULL), STEP("PUT /t/x", 201, NULL, CREATING),
      STEP("GET /t/x", 500, NULL, NULL), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"PUT with a monitor and passing errors of the server",
     "PUT",
     {STEP("PUT /t/x", 500, MONITOR "\n" NOW, NULL),
      STEP("PUT /t/x", 200, MONITOR "\n" NOW, CREATING),
      STEP("GET /m/1", 500, NULL, NULL), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 500, NULL, NULL), STEP("GET /t/x", 200, NULL, DONE)},
     .body = DONE},
    {"DELETE with a Location and passing errors of the server",
     "DELETE",
     {STEP("DELETE /t/x", 500, NULL, NULL),
      STEP("DELETE /t/x", 202, LOCATION "\n" NOW, NULL),
      STEP("GET /l/1", 500, NULL, NULL), STEP("GET /l/1", 200, NULL, NULL)},
     .body = NULL},
    {"DELETE with a monitor and passing errors of the server",
     "DELETE",
     {STEP("DELETE /t/x", 500, NULL, NULL),
      STEP("DELETE /t/x", 202, MONITOR "\n" NOW, NULL), STEP("GET /m/1", 500, NULL, NULL),
      STEP("GET /m/1", 200, NULL, ENDED)},
     .body = ENDED},
    {"polls that fail for longer than one request is repeated",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 503, NULL, NULL),
      STEP("GET /m/1", 503, NULL, NULL), STEP("GET /m/1", 502, NULL, NULL),
      STEP("GET /m/1", 504, NULL, NULL), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"polls whose connection breaks",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL),
      {"GET /m/1", .manner = SERVER_RESETS},
      {"GET /m/1", .manner = SERVER_CLOSES},
      {"GET /m/1", .manner = SERVER_RESETS},
      {"GET /m/1", .manner = SERVER_CLOSES},
      STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"a throttled poll",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL),
      STEP("GET /m/1", 429, "Retry-After: 40", NULL), STEP("GET /m/1", 200, NULL, ENDED),
      STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
    {"a refused token during the wait is renewed",
     "PUT",
     {STEP("PUT /t/x", 202, MONITOR, NULL), STEP("GET /m/1", 401, NULL, NULL),
      STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, PLAIN)},
     .body = PLAIN},
};

START_TEST(an_exchange_goes_as_written_and_ends_as_it_should)
{
    const struct exchange_row *row = &rows[_i];
    char *expected = expected_log(row->script);

    server_play(&h.server, row->script);

    struct operation *operation = run(row->method, "/t/x");
    const struct failure *failure = operation_failure(operation);
    const cJSON *body = operation_body(operation);

    ck_assert_msg(strcmp(server_log(&h.server), expected) == 0,
                  "%s: the requests were\n%sinstead of\n%s", row->name,
                  server_log(&h.server), expected);
    ck_assert_msg(strcmp(code_of(operation), row->code != NULL ? row->code : "none") == 0,
                  "%s: ended with %s (%s)", row->name, code_of(operation),
                  failure != NULL ? failure->message : "");
    if (failure != NULL) {
        ck_assert_msg(failure->status == row->status, "%s: HTTP %d", row->name,
                      failure->status);
        ck_assert_ptr_nonnull(strstr(failure->operation, "thing 'x'"));
    } else if (row->body != NULL) {
        cJSON *wanted = json_parse(row->body, strlen(row->body), NULL);

        ck_assert_msg(body != NULL && json_covers(body, wanted, NULL),
                      "%s: ended with another body: %s", row->name,
                      operation_text(operation)->data);
        cJSON_Delete(wanted);
    } else {
        ck_assert_msg(body == NULL, "%s: ended with a body", row->name);
    }
    operation_release(operation);
    free(expected);
}
END_TEST

/* --- in time -------------------------------------------------------------------------- */

START_TEST(the_first_poll_waits_as_long_as_the_answer_asks)
{
    const struct server_step script[] = {
        STEP("PUT /t/x", 202, MONITOR "\nRetry-After: 77", NULL),
        STEP("GET /m/1", 200, "retry-after-ms: 1500\nRetry-After: 50", RUNNING),
        STEP("GET /m/1", 200, NULL, ENDED),
        STEP("GET /t/x", 200, NULL, PLAIN),
        {0}};

    server_play(&h.server, script);
    operation_release(run("PUT", "/t/x"));
    ck_assert_int_eq(h.server.times[0], 0);
    ck_assert_int_eq(h.server.times[1], 80000); /* a whole number of ten seconds */
    ck_assert_int_ge(h.server.times[2] - h.server.times[1], 1500);
    ck_assert_int_lt(h.server.times[2] - h.server.times[1], 10000);
    ck_assert_int_eq(h.server.times[3], h.server.times[2]);
}
END_TEST

static int64_t until_ms;

static bool is_late(void *context)
{
    (void)context;
    return clock_now_ms(&h.clock) >= until_ms;
}

START_TEST(three_hours_take_a_few_dozen_polls)
{
    const struct server_step script[] = {STEP("PUT /t/x", 202, MONITOR, NULL),
                                         {"GET /m/1", 200, NULL, RUNNING, .stays = true},
                                         {0}};
    const struct server_step end[] = {
        STEP("GET /m/1", 200, NULL, ENDED), STEP("GET /t/x", 200, NULL, PLAIN), {0}};

    server_play(&h.server, script);

    struct operation *operation = start("PUT", "/t/x");

    until_ms = 3 * 3600000;
    ck_assert(loop_run(h.loop, is_late, NULL, false));
    ck_assert(!operation_waitable(operation)->is_done);
    ck_assert_uint_gt(h.server.request_count, 30);
    ck_assert_uint_lt(h.server.request_count, 120);
    server_play(&h.server, end);
    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "none");
    ck_assert_int_le(clock_now_ms(&h.clock), 3 * 3600000 + 2 * 300000);
    operation_release(operation);
}
END_TEST

struct seen {
    unsigned count;
    char states[256];
    double percent;
    bool was_accepted;
};

static void note(void *context, const struct operation *operation)
{
    struct seen *seen = context;
    const char *state = operation_state(operation);

    seen->count++;
    seen->percent = operation_percent(operation);
    seen->was_accepted = operation_is_accepted(operation);
    if (strlen(seen->states) + strlen(state != NULL ? state : "-") + 2 <
        sizeof seen->states)
        strcat(strcat(seen->states, state != NULL ? state : "-"), " ");
}

START_TEST(the_signature_of_a_foreign_monitor_is_not_told)
{
    const struct server_step script[] = {
        STEP("PUT /t/x", 202,
             "Azure-AsyncOperation: https://elsewhere.example/m?s=SIGNED", NULL),
        {0}};

    server_play(&h.server, script);

    struct operation *operation = run("PUT", "/t/x");
    const char *message = operation_failure(operation)->message;

    ck_assert_ptr_nonnull(strstr(message, "https://elsewhere.example/m"));
    ck_assert_ptr_null(strstr(message, "SIGNED"));
    operation_release(operation);
}
END_TEST

START_TEST(progress_tells_each_new_state_and_percentage)
{
    const struct server_step script[] = {STEP("PUT /t/x", 201, NULL, CREATING),
                                         STEP("GET /t/x", 200, NULL,
                                              "{\"percentComplete\":40,\"properties\":{"
                                              "\"provisioningState\":\"Activating\"}}"),
                                         STEP("GET /t/x", 200, NULL,
                                              "{\"percentComplete\":40,\"properties\":{"
                                              "\"provisioningState\":\"Activating\"}}"),
                                         STEP("GET /t/x", 200, NULL, DONE),
                                         {0}};
    struct seen seen = {0};

    server_play(&h.server, script);

    struct operation *operation = start("PUT", "/t/x");

    operation_watch(operation, note, &seen);
    ck_assert(!operation_is_accepted(operation));
    harness_settle(&h);
    ck_assert_ptr_nonnull(strstr(seen.states, "Creating Activating Succeeded"));
    ck_assert(seen.was_accepted);
    ck_assert_double_eq(seen.percent, -1.0); /* the last answer tells none */
    operation_release(operation);
}
END_TEST

START_TEST(a_watched_resource_is_read_until_its_state_is_final)
{
    const struct server_step script[] = {STEP("GET /t/x", 200, NULL, CREATING),
                                         STEP("GET /t/x", 200, NULL, CREATING),
                                         STEP("GET /t/x", 200, "ETag: \"7\"", DONE),
                                         {0}};
    struct operation_request request = request_of("GET", "/t/x");

    request.waits = false;
    request.watches = true;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "none");
    ck_assert_uint_eq(h.server.request_count, 3);
    ck_assert_str_eq(operation_field(operation, "etag"), "\"7\"");
    operation_release(operation);
}
END_TEST

START_TEST(an_operation_that_does_not_wait_ends_with_the_first_answer)
{
    const struct server_step script[] = {STEP("PUT /t/x", 202, MONITOR, CREATING), {0}};
    struct operation_request request = request_of("PUT", "/t/x");

    request.waits = false;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    harness_settle(&h);
    ck_assert_int_eq(operation_status(operation), 202);
    ck_assert_str_eq(code_of(operation), "none");
    ck_assert_uint_eq(h.server.request_count, 1);
    operation_release(operation);
}
END_TEST

/* --- final-state-via ------------------------------------------------------------------ */

START_TEST(a_post_ends_where_final_state_via_says)
{
    static const struct {
        const char *via, *last; /* the last request */
    } cases[] = {{"location", "GET /l/1\n"},
                 {"azure-async-operation", "GET /m/1\n"},
                 {"original-uri", "GET /t/x\n"}};
    const struct server_step script[] = {
        STEP("POST /t/x", 202, MONITOR "\n" LOCATION, NULL),
        STEP("GET /m/1", 200, NULL, "{\"status\":\"succeeded\",\"id\":\"/t/x\"}"),
        STEP("GET /l/1", 200, NULL, PLAIN),
        STEP("GET /t/x", 200, NULL, PLAIN),
        {0}};
    struct operation_request request = request_of("POST", "/t/x");

    request.final_state_via = cases[_i].via;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "none");
    ck_assert_str_eq(json_string_at(operation_body(operation), "id"), "/t/x");

    const char *log = server_log(&h.server);

    ck_assert_str_eq(log + strlen(log) - strlen(cases[_i].last), cases[_i].last);
    operation_release(operation);
}
END_TEST

/* --- refusals that heal --------------------------------------------------------------- */

#define REFUSED(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"not yet\"}}"

static const struct healing_row {
    int status;
    const char *refusal;
} healing_rows[] = {{400, REFUSED("PrincipalNotFound")},
                    {409, REFUSED("PessimisticConcurrencyConflict")},
                    {429, REFUSED("RetryableError")},
                    {409, REFUSED("ResourceGroupBeingDeleted")}};

START_TEST(a_passing_refusal_is_waited_out)
{
    const struct healing_row *row = &healing_rows[_i];
    const struct server_step script[] = {
        STEP("PUT /t/x", row->status, NULL, row->refusal),
        STEP("PUT /t/x", row->status, NULL, row->refusal),
        STEP("PUT /t/x", 201, NULL, PLAIN),
        {0}};

    server_play(&h.server, script);

    struct operation *operation = run("PUT", "/t/x");

    ck_assert_str_eq(code_of(operation), "none");
    ck_assert_uint_eq(h.server.request_count, 3);
    ck_assert_int_gt(h.server.times[1], 0);
    ck_assert_int_gt(h.server.times[2], h.server.times[1]);
    ck_assert_str_eq(h.server.body.data, "{\"properties\":{}}");
    operation_release(operation);
}
END_TEST

START_TEST(a_passing_refusal_told_by_the_monitor_is_waited_out)
{
    const struct server_step script[] = {
        STEP("PUT /t/x", 202, MONITOR, NULL),
        STEP("GET /m/1", 200, NULL,
             "{\"status\":\"Failed\",\"error\":{\"code\":\"AnotherOperationInProgress\","
             "\"message\":\"not yet\"}}"),
        STEP("GET /t/x", 404, NULL, NULL),
        STEP("PUT /t/x", 202, MONITOR2, NULL),
        STEP("GET /m/2", 200, NULL, ENDED),
        STEP("GET /t/x", 200, NULL, PLAIN),
        {0}};
    char *expected = expected_log(script);

    server_play(&h.server, script);

    struct operation *operation = run("PUT", "/t/x");

    ck_assert_str_eq(server_log(&h.server), expected);
    ck_assert_str_eq(code_of(operation), "none");
    operation_release(operation);
    free(expected);
}
END_TEST

/* What goes on there, or a write whose answer was lost, is waited for by reading. */
START_TEST(a_busy_resource_is_looked_at_until_it_rests)
{
    const struct server_step script[] = {
        {"PUT /t/x", .manner = SERVER_RESETS},
        STEP("PUT /t/x", 409, NULL, REFUSED("AnotherOperationInProgress")),
        STEP("GET /t/x", 200, NULL, CREATING),
        STEP("GET /t/x", 503, NULL, NULL),
        STEP("GET /t/x", 200, NULL, CREATING),
        STEP("GET /t/x", 200, NULL, DONE),
        STEP("PUT /t/x", 200, NULL, DONE),
        {0}};
    char *expected = expected_log(script);

    server_play(&h.server, script);

    struct operation *operation = run("PUT", "/t/x");

    ck_assert_str_eq(server_log(&h.server), expected);
    ck_assert_str_eq(code_of(operation), "none");
    operation_release(operation);
    free(expected);
}
END_TEST

#define SIGN_IN "POST /tenant/oauth2/v2.0/token"
#define HOUR    "{\"access_token\":\"a\",\"expires_in\":3600}"

/* The token runs out while the sign-in endpoint is in trouble for longer than one request is
 * repeated. */
START_TEST(a_wait_outlives_trouble_at_sign_in)
{
    const struct server_step script[] = {STEP(SIGN_IN, 200, NULL, HOUR),
                                         STEP("PUT /t/x", 202, MONITOR, NULL),
                                         {"GET /m/1", 200, NULL, RUNNING, .stays = true},
                                         {0}};
    const struct server_step trouble[] = {
        {SIGN_IN, 503, NULL, "<html>down</html>", .stays = true}, {0}};
    const struct server_step end[] = {STEP(SIGN_IN, 200, NULL, HOUR),
                                      STEP("GET /m/1", 200, NULL, ENDED),
                                      STEP("GET /t/x", 200, NULL, PLAIN),
                                      {0}};

    server_play(&h.server, script);

    struct operation *operation = start("PUT", "/t/x");

    until_ms = 3000000;
    ck_assert(loop_run(h.loop, is_late, NULL, false));
    server_play(&h.server, trouble);
    until_ms = 3 * 3600000;
    ck_assert(loop_run(h.loop, is_late, NULL, false));
    ck_assert(!operation_waitable(operation)->is_done);
    ck_assert_uint_gt(h.server.request_count, 20); /* it went on asking for a token */
    server_play(&h.server, end);
    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "none");
    operation_release(operation);
}
END_TEST

START_TEST(an_operation_ends_at_its_own_time_limit)
{
    const struct server_step script[] = {STEP("PUT /t/x", 202, MONITOR, NULL),
                                         {"GET /m/1", 200, NULL, RUNNING, .stays = true},
                                         {0}};
    struct operation_request request = request_of("PUT", "/t/x");

    request.time_limit_ms = 3600000;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "Timeout");
    ck_assert_ptr_nonnull(strstr(operation_failure(operation)->message, "1:00:00"));
    ck_assert_ptr_nonnull(strstr(operation_failure(operation)->message, "goes on"));
    ck_assert_int_ge(clock_now_ms(&h.clock), 3600000);
    ck_assert_int_lt(clock_now_ms(&h.clock), 3610000);
    operation_release(operation);
}
END_TEST

static bool is_done(void *operation)
{
    return operation_waitable(operation)->is_done;
}

START_TEST(the_time_limit_ends_a_request_that_is_not_answered)
{
    const struct server_step script[] = {
        {"GET /t/x", 200, NULL, PLAIN, .manner = SERVER_STALLS}, {0}};
    struct operation_request request = request_of("GET", "/t/x");

    request.time_limit_ms = 2000;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    ck_assert(loop_run(h.loop, was_asked, NULL, false));
    clock_advance_to(&h.clock, 2000); /* it stands still while a request is under way */
    ck_assert(loop_run(h.loop, is_done, operation, false));
    ck_assert_str_eq(code_of(operation), "Timeout");
    operation_release(operation);
}
END_TEST

START_TEST(a_wait_that_would_be_longer_than_the_limit_is_not_begun)
{
    const struct server_step script[] = {
        {"GET /t/x", 429, "Retry-After: 7200", NULL, .stays = true}, {0}};
    struct operation_request request = request_of("GET", "/t/x");

    request.time_limit_ms = 3600000;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "Throttled");
    ck_assert_int_eq(clock_now_ms(&h.clock), 0);
    operation_release(operation);
}
END_TEST

START_TEST(a_long_retry_after_is_waited_for)
{
    const struct server_step script[] = {STEP("GET /t/x", 429, "Retry-After: 7200", NULL),
                                         STEP("GET /t/x", 429, "Retry-After: 7200", NULL),
                                         STEP("GET /t/x", 200, NULL, PLAIN),
                                         {0}};

    server_play(&h.server, script);

    struct operation *operation = run("GET", "/t/x");

    ck_assert_str_eq(code_of(operation), "none");
    ck_assert_int_ge(clock_now_ms(&h.clock), 2 * 7200000);
    operation_release(operation);
}
END_TEST

/* --- identifiers and cookies ---------------------------------------------------------- */

START_TEST(all_requests_of_an_operation_carry_one_client_request_id)
{
    const struct server_step script[] = {STEP("PUT /t/x", 202, MONITOR, NULL),
                                         STEP("GET /m/1", 200, NULL, ENDED),
                                         STEP("GET /t/x", 200, NULL, PLAIN),
                                         {0}};
    struct operation_request request = request_of("PUT", "/t/x");
    const char *at;
    int count = 0;

    strcpy(request.client_request_id, "9c4d50ee-2d56-4cd3-8152-34347dc9f2b0");
    server_play(&h.server, script);
    operation_release(operation_start(&h.client, &request)); /* nothing is sent */

    struct operation *operation;

    request = request_of("PUT", "/t/x");
    strcpy(request.client_request_id, "9c4d50ee-2d56-4cd3-8152-34347dc9f2b0");
    operation = operation_start(&h.client, &request);
    harness_settle(&h);
    for (at = h.server.heads.data;
         (at = strstr(at, "x-ms-client-request-id: 9c4d50ee-2d56-")) != NULL; at++)
        count++;
    ck_assert_int_eq(count, 3);
    operation_release(operation);
}
END_TEST

START_TEST(cookies_are_kept_for_the_length_of_an_operation)
{
    const struct server_step script[] = {
        STEP("PUT /t/x", 202,
             MONITOR "\nSet-Cookie: scenario=first; Path=/; HttpOnly\nSet-Cookie: b=2",
             NULL),
        STEP("GET /m/1", 200, "Set-Cookie: scenario=second; Path=/", RUNNING),
        STEP("GET /m/1", 200, "Set-Cookie: b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
             ENDED),
        STEP("GET /t/x", 200, NULL, PLAIN),
        STEP("GET /t/y", 200, NULL, PLAIN),
        {0}};

    server_play(&h.server, script);
    operation_release(run("PUT", "/t/x"));
    ck_assert(server_saw(&h.server, "Cookie: scenario=first; b=2\r\n"));
    ck_assert(server_saw(&h.server, "Cookie: b=2; scenario=second\r\n"));
    ck_assert(server_saw(&h.server, "Cookie: scenario=second\r\n"));
    buffer_clear(&h.server.heads);
    operation_release(run("GET", "/t/y"));
    ck_assert(!server_saw(&h.server, "Cookie:"));
}
END_TEST

/* --- resource providers ---------------------------------------------------------------- */

#define PROVIDER "/subscriptions/s-1/providers/Microsoft.Network"
#define THING    "/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Network/x/y"
#define UNREGISTERED                                                                     \
    "{\"error\":{\"code\":\"MissingSubscriptionRegistration\",\"message\":\"The "        \
    "subscription is not registered to use namespace 'Microsoft.Network'. See "          \
    "https://aka.ms/rps-not-found\"}}"
#define REGISTRATION(state) "{\"registrationState\":\"" state "\"}"

static const struct server_step registration_script[] = {
    STEP("PUT " THING, 409, NULL, UNREGISTERED),
    STEP("PUT " THING, 409, NULL, UNREGISTERED),
    STEP("POST " PROVIDER "/register?api-version=2021-04-01", 200, NULL,
         REGISTRATION("Registering")),
    STEP("GET " PROVIDER "?api-version=2021-04-01", 200, NULL,
         REGISTRATION("Registering")),
    STEP("GET " PROVIDER "?api-version=2021-04-01", 200, NULL,
         REGISTRATION("Registered")),
    STEP("PUT " THING, 200, NULL, PLAIN),
    STEP("PUT " THING, 200, NULL, PLAIN),
    {0}};

START_TEST(a_missing_provider_is_registered_once_when_the_run_may)
{
    char *expected = expected_log(registration_script);
    struct operation *operations[2];

    h.client.may_register = true;
    server_play(&h.server, registration_script);
    for (size_t i = 0; i < 2; i++)
        operations[i] = start("PUT", THING);
    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server), expected);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(code_of(operations[i]), "none");
        operation_release(operations[i]);
    }
    free(expected);
}
END_TEST

START_TEST(a_missing_provider_is_a_refusal_when_the_run_may_not)
{
    server_play(&h.server, registration_script);

    struct operation *operation = run("PUT", THING);

    ck_assert_str_eq(code_of(operation), "MissingSubscriptionRegistration");
    ck_assert_ptr_nonnull(
        strstr(operation_failure(operation)->cure, "--register-providers"));
    ck_assert_uint_eq(h.server.request_count, 1);
    operation_release(operation);
}
END_TEST

START_TEST(a_registration_that_is_refused_fails_those_who_wait)
{
    const struct server_step script[] = {STEP("PUT " THING, 409, NULL, UNREGISTERED),
                                         STEP("POST " PROVIDER
                                              "/register?api-version=2021-04-01",
                                              403, NULL, REFUSED("AuthorizationFailed")),
                                         {0}};

    h.client.may_register = true;
    server_play(&h.server, script);

    struct operation *operation = run("PUT", THING);

    ck_assert_str_eq(code_of(operation), "AuthorizationFailed");
    operation_release(operation);
}
END_TEST

START_TEST(a_registration_that_needs_itself_is_refused)
{
    const struct server_step script[] = {STEP("PUT " THING, 409, NULL, UNREGISTERED),
                                         STEP("POST " PROVIDER
                                              "/register?api-version=2021-04-01",
                                              409, NULL, UNREGISTERED),
                                         {0}};

    h.client.may_register = true;
    server_play(&h.server, script);

    struct operation *operation = run("PUT", THING);

    ck_assert_str_eq(code_of(operation), "MissingSubscriptionRegistration");
    ck_assert_uint_eq(h.server.request_count, 2);
    ck_assert_int_eq(clock_now_ms(&h.clock), 0);
    operation_release(operation);
}
END_TEST

START_TEST(the_time_limit_ends_the_wait_for_a_registration)
{
    struct server_step script[] = {STEP("PUT " THING, 409, NULL, UNREGISTERED),
                                   STEP("POST " PROVIDER
                                        "/register?api-version=2021-04-01",
                                        200, NULL, REGISTRATION("Registering")),
                                   STEP("GET " PROVIDER "?api-version=2021-04-01", 200,
                                        NULL, REGISTRATION("Registering")),
                                   {0}};
    struct operation_request request = request_of("PUT", THING);

    script[2].stays = true;
    request.time_limit_ms = 300000;
    h.client.may_register = true;
    server_play(&h.server, script);

    struct operation *operation = operation_start(&h.client, &request);

    harness_settle(&h);
    ck_assert_str_eq(code_of(operation), "Timeout");
    ck_assert_int_lt(clock_now_ms(&h.clock), 320000);
    operation_release(operation);
}
END_TEST

START_TEST(one_that_is_released_while_a_provider_is_registered_is_not_sent_again)
{
    h.client.may_register = true;
    server_play(&h.server, registration_script);

    struct operation *operation = start("PUT", THING);

    ck_assert(loop_run(h.loop, was_asked_twice, NULL, false));
    operation_release(operation);
    harness_settle(&h);
    ck_assert_uint_le(h.server.request_count, 3);
}
END_TEST

START_TEST(a_refusal_that_does_not_pass_is_given_up_in_the_end)
{
    const struct server_step script[] = {
        {"PUT /t/x", 400, NULL, REFUSED("PrincipalNotFound"), .stays = true}, {0}};

    server_play(&h.server, script);

    struct operation *operation = run("PUT", "/t/x");

    ck_assert_str_eq(code_of(operation), "PrincipalNotFound");
    ck_assert_int_ge(clock_now_ms(&h.clock), 600000);
    ck_assert_int_lt(clock_now_ms(&h.clock), 700000);
    operation_release(operation);
}
END_TEST

START_TEST(any_other_refusal_ends_it_at_once)
{
    const struct server_step script[] = {
        STEP("PUT /t/x", 409, "x-ms-request-id: r-7", REFUSED("RoleAssignmentExists")),
        {0}};

    server_play(&h.server, script);

    struct operation *operation = run("PUT", "/t/x");

    ck_assert_str_eq(code_of(operation), "RoleAssignmentExists");
    ck_assert_str_eq(operation_failure(operation)->request_id, "r-7");
    ck_assert_int_eq(clock_now_ms(&h.clock), 0);
    operation_release(operation);
}
END_TEST

/* --- turns, and the end of interest --------------------------------------------------- */

START_TEST(writes_with_one_key_go_one_after_another)
{
    const struct server_step script[] = {
        STEP("PUT /t/1", 202, LOCATION, NULL), STEP("GET /l/1", 202, NULL, NULL),
        STEP("GET /l/1", 200, NULL, PLAIN),    STEP("PUT /t/2", 200, NULL, PLAIN),
        STEP("DELETE /t/3", 204, NULL, NULL),  {0}};
    char *expected = expected_log(script);
    struct operation_request requests[] = {request_of("PUT", "/t/1"),
                                           request_of("PUT", "/t/2"),
                                           request_of("DELETE", "/t/3")};
    struct operation *operations[3];

    server_play(&h.server, script);
    for (size_t i = 0; i < 3; i++) {
        requests[i].serial_key = memory_copy_string("/networks/n");
        operations[i] = operation_start(&h.client, &requests[i]);
    }
    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server), expected);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(code_of(operations[i]), "none");
        operation_release(operations[i]);
    }
    free(expected);
}
END_TEST

START_TEST(one_released_in_the_queue_is_never_sent_and_holds_up_nobody)
{
    const struct server_step script[] = {
        STEP("PUT /t/1", 200, NULL, PLAIN), STEP("PUT /t/3", 200, NULL, PLAIN), {0}};
    char *expected = expected_log(script);
    struct operation_request requests[] = {
        request_of("PUT", "/t/1"), request_of("PUT", "/t/2"), request_of("PUT", "/t/3")};
    struct operation *operations[3];

    server_play(&h.server, script);
    for (size_t i = 0; i < 3; i++) {
        requests[i].serial_key = memory_copy_string("/networks/n");
        operations[i] = operation_start(&h.client, &requests[i]);
    }
    operation_release(operations[1]);
    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server), expected);
    operation_release(operations[0]);
    operation_release(operations[2]);
    free(expected);
}
END_TEST

static bool has_polled(void *context)
{
    (void)context;
    return h.server.request_count > 2;
}

START_TEST(one_released_on_the_wire_lets_the_next_go)
{
    const struct server_step script[] = {
        {"PUT /t/1", .manner = SERVER_STALLS}, STEP("PUT /t/2", 200, NULL, PLAIN), {0}};
    struct operation_request requests[] = {request_of("PUT", "/t/1"),
                                           request_of("PUT", "/t/2")};
    struct operation *operations[2];

    server_play(&h.server, script);
    for (size_t i = 0; i < 2; i++) {
        requests[i].serial_key = memory_copy_string("/networks/n");
        operations[i] = operation_start(&h.client, &requests[i]);
    }
    ck_assert(loop_run(h.loop, was_asked, NULL, false));
    operation_release(operations[0]);
    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server), "PUT /t/1\nPUT /t/2\n");
    ck_assert_str_eq(code_of(operations[1]), "none");
    operation_release(operations[1]);
}
END_TEST

START_TEST(one_released_between_two_polls_asks_no_more)
{
    const struct server_step script[] = {STEP("PUT /t/x", 202, MONITOR, NULL),
                                         {"GET /m/1", 200, NULL, RUNNING, .stays = true},
                                         {0}};

    server_play(&h.server, script);

    struct operation *operation = start("PUT", "/t/x");

    ck_assert(loop_run(h.loop, has_polled, NULL, false));
    operation_release(operation);
    harness_settle(&h);
    ck_assert_uint_eq(h.server.request_count, 3);
}
END_TEST

START_TEST(the_body_can_be_taken)
{
    const struct server_step script[] = {STEP("GET /t/x", 200, NULL, PLAIN), {0}};

    server_play(&h.server, script);

    struct operation *operation = run("GET", "/t/x");
    cJSON *body = operation_take_body(operation);

    ck_assert_str_eq(json_string_at(body, "name"), "x");
    operation_release(operation);
    cJSON_Delete(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operation");
    TCase *exchanges = harness_add_case(suite, "exchanges", set_up, tear_down);
    TCase *time = harness_add_case(suite, "in time", set_up, tear_down);
    TCase *healing = harness_add_case(suite, "healing", set_up, tear_down);
    TCase *turns = harness_add_case(suite, "turns and release", set_up, tear_down);

    tcase_add_loop_test(exchanges, an_exchange_goes_as_written_and_ends_as_it_should, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(exchanges, a_post_ends_where_final_state_via_says, 0, 3);
    tcase_add_test(exchanges, an_operation_that_does_not_wait_ends_with_the_first_answer);
    tcase_add_test(exchanges, the_body_can_be_taken);
    tcase_add_test(time, the_first_poll_waits_as_long_as_the_answer_asks);
    tcase_add_test(time, three_hours_take_a_few_dozen_polls);
    tcase_add_test(time, the_signature_of_a_foreign_monitor_is_not_told);
    tcase_add_test(time, progress_tells_each_new_state_and_percentage);
    tcase_add_test(time, a_watched_resource_is_read_until_its_state_is_final);
    tcase_add_loop_test(healing, a_passing_refusal_is_waited_out, 0,
                        sizeof healing_rows / sizeof healing_rows[0]);
    tcase_add_test(healing, a_passing_refusal_told_by_the_monitor_is_waited_out);
    tcase_add_test(healing, a_busy_resource_is_looked_at_until_it_rests);
    tcase_add_test(healing, a_refusal_that_does_not_pass_is_given_up_in_the_end);
    tcase_add_test(healing, a_missing_provider_is_registered_once_when_the_run_may);
    tcase_add_test(healing, a_missing_provider_is_a_refusal_when_the_run_may_not);
    tcase_add_test(healing, a_registration_that_is_refused_fails_those_who_wait);
    tcase_add_test(healing, a_registration_that_needs_itself_is_refused);
    tcase_add_test(healing, the_time_limit_ends_the_wait_for_a_registration);
    tcase_add_test(healing,
                   one_that_is_released_while_a_provider_is_registered_is_not_sent_again);
    tcase_add_test(time, a_wait_outlives_trouble_at_sign_in);
    tcase_add_test(time, an_operation_ends_at_its_own_time_limit);
    tcase_add_test(time, the_time_limit_ends_a_request_that_is_not_answered);
    tcase_add_test(time, a_wait_that_would_be_longer_than_the_limit_is_not_begun);
    tcase_add_test(time, a_long_retry_after_is_waited_for);
    tcase_add_test(exchanges, all_requests_of_an_operation_carry_one_client_request_id);
    tcase_add_test(exchanges, cookies_are_kept_for_the_length_of_an_operation);
    tcase_add_test(healing, any_other_refusal_ends_it_at_once);
    tcase_add_test(turns, writes_with_one_key_go_one_after_another);
    tcase_add_test(turns, one_released_in_the_queue_is_never_sent_and_holds_up_nobody);
    tcase_add_test(turns, one_released_on_the_wire_lets_the_next_go);
    tcase_add_test(turns, one_released_between_two_polls_asks_no_more);
    return harness_run_suite(suite);
}
