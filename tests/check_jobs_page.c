/* tests/check_jobs_page.c - the routes of the status page, from outside: who may read and do what,
 * and what hostile texts become. The dispatcher is tests/browser/stand_in.lua, in a process of its
 * own. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "page_host.h"
#include "suite.h"

#define BEARER "Authorization: Bearer a-token-of-24-letters-ok\r\n"

static char folder[] = "/tmp/check_jobs_page.XXXXXX";
static pid_t host; /* 0: it has ended */
static int port;
static struct buffer heard; /* the last answer: its head and its body */

/* ---- the host ---- */

static void start(const char *token, const char *count, const char *listen)
{
    char *fifo, *store, line[64];
    FILE *file;

    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    fifo = memory_format("%s/address", folder);
    store = memory_format("%s/store", folder);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    host = fork();
    if (host == 0) {
        char *arguments[] = {fifo, (char *)token, (char *)count, (char *)listen};

        _exit(page_host_run(store, "tests/browser/stand_in.lua", arguments, 4));
    }
    file = fopen(fifo, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    port = atoi(strrchr(line, ':') + 1);
    fclose(file);
    unlink(fifo);
    free(fifo);
    free(store);
}

static void start_with_token(void)
{
    start("a-token-of-24-letters-ok", "3", "127.0.0.1:0");
}

static void start_without_token(void)
{
    start("", "3", "127.0.0.1:0");
}

static void start_large(void)
{
    start("a-token-of-24-letters-ok", "10000", "127.0.0.1:0");
}

static void start_for_others(void)
{
    start("a-token-of-24-letters-ok", "3", "0.0.0.0:0");
}

static void stop(void)
{
    char *command = memory_format("rm -rf %s", folder);

    if (host > 0) {
        kill(host, SIGKILL);
        waitpid(host, NULL, 0);
    }
    ck_assert_int_eq(system(command), 0);
    free(command);
    buffer_deinit(&heard);
}

/* ---- asking ---- */

static int dial(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
                     0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until the text comes; NULL: to the end. */
static void hear(int fd, const char *text)
{
    char bytes[65536];
    ssize_t count;

    while ((text == NULL || heard.length == 0 || strstr(heard.data, text) == NULL) &&
           (count = recv(fd, bytes, sizeof bytes, 0)) > 0)
        buffer_append(&heard, bytes, (size_t)count);
    ck_assert_msg(text == NULL || (heard.length > 0 && strstr(heard.data, text) != NULL),
                  "no %s in: %s", text != NULL ? text : "", heard.data);
}

/* Returns the status. `fields` end with line breaks; the Host header is ours unless they have one.
 */
static int ask(const char *method, const char *path, const char *fields, const char *body)
{
    const int fd = dial();
    char *request = memory_format(
        "%s %s HTTP/1.1\r\n%sContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s",
        method, path, strstr(fields, "Host:") != NULL ? "" : "Host: localhost\r\n",
        strlen(body), fields, body);

    buffer_clear(&heard);
    say(fd, request);
    hear(fd, NULL);
    close(fd);
    free(request);
    ck_assert_uint_gt(heard.length, 12);
    return atoi(heard.data + 9);
}

static int get(const char *path)
{
    return ask("GET", path, "", "");
}

static const char *body_of_answer(void)
{
    return strstr(heard.data, "\r\n\r\n") + 4;
}

static bool says(const char *text)
{
    return strstr(heard.data, text) != NULL;
}

static cJSON *read_json(void)
{
    cJSON *tree = json_parse(body_of_answer(), strlen(body_of_answer()), NULL);

    ck_assert_msg(tree != NULL, "%s", heard.data);
    return tree;
}

/* ---- reading ---- */

static const struct path_row {
    const char *method, *path;
    int status;
    const char *text;
} paths[] = {
    {"GET", "/", 200, "Content-Type: text/html; charset=utf-8\r\n"},
    {"GET", "/page.css", 200, "Content-Type: text/css; charset=utf-8\r\n"},
    {"GET", "/page.js", 200, "Content-Type: text/javascript; charset=utf-8\r\n"},
    {"GET", "/run.js", 200, "export function showRun"},
    {"GET", "/icon.svg", 200, "Content-Type: image/svg+xml\r\n"},
    {"GET", "/healthz", 200, "alive\n"},
    {"GET", "/readyz", 200, "ready\n"},
    {"GET", "/metrics", 200,
     "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
    {"GET", "/api/jobs", 200, "\"name\":\"nightly\""},
    {"GET", "/api/jobs/nightly", 200, "\"zone\":\"CET\""},
    {"GET", "/api/jobs/nightly/history", 200, "\"status\":\"timed out\""},
    {"GET", "/api/jobs/nightly/history?most=1", 200, "\"history\":[{"},
    {"GET", "/api/jobs/nightly/history?most=501", 400, "N from 1 to 500"},
    {"GET", "/api/jobs/nightly/history?limit=1", 400, "N from 1 to 500"},
    {"GET", "/api/jobs/nobody", 404, "there is no such job"},
    {"GET", "/api/jobs/nobody/history", 404, "there is no such job"},
    {"GET", "/api/runs/20260131-190000-nightly", 200, "\"outcome\":\"failed\""},
    {"GET", "/api/runs/20260131-190000-nobody", 404, "no such run"},
    {"GET", "/api/runs/..%2f..%2fetc", 404, "no such run"},
    {"GET", "/api/runs/20260131-190000-nightly/log?from=0", 200, "\"level\":\"output\""},
    {"GET", "/api/runs/20260131-190000-nobody/log", 404, "no such run"},
    {"GET", "/api/estate", 200, "\"gw-shared\""},
    {"GET", "/api/session", 200, "\"can_sign_in\":true"},
    {"GET", "/../../etc/passwd", 404, "there is nothing here"},
    {"GET", "/page.html", 404, "there is nothing here"},
    {"GET", "/events?run=../x", 400, "not the id of a run"},
    {"HEAD", "/api/jobs", 200, "Content-Type: application/json\r\n"},
    {"POST", "/api/jobs", 405, "Allow: GET, HEAD\r\n"},
    {"GET", "/api/jobs/nightly/run", 405, "Allow: POST\r\n"},
    {"PUT", "/api/session", 405, "Allow: GET, HEAD, POST, DELETE\r\n"},
    {"OPTIONS", "/api/jobs/nightly/run", 405, "Allow: POST\r\n"},
};

START_TEST(each_path_is_answered)
{
    const struct path_row *row = &paths[_i];

    ck_assert_int_eq(ask(row->method, row->path, "", ""), row->status);
    ck_assert_msg(says(row->text), "%s", heard.data);
}
END_TEST

static const char *const all_have[] = {
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
    "'none'\r\n",
    "X-Content-Type-Options: nosniff\r\n",
    "X-Frame-Options: DENY\r\n",
    "Referrer-Policy: no-referrer\r\n",
    "Cross-Origin-Opener-Policy: same-origin\r\n",
    "Cross-Origin-Resource-Policy: same-origin\r\n",
    "Permissions-Policy: ",
    "Cache-Control: no-"};

START_TEST(all_answers_have_the_headers_that_protect)
{
    static const char *const some[] = {"/", "/page.js", "/api/jobs", "/nothing",
                                       "/metrics"};

    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        get(some[i]);
        for (size_t j = 0; j < sizeof all_have / sizeof all_have[0]; j++)
            ck_assert_msg(says(all_have[j]), "%s has no %s", some[i], all_have[j]);
        ck_assert(!says("Access-Control-"));
    }
}
END_TEST

START_TEST(the_page_loads_nothing_from_elsewhere)
{
    static const char *const parts[] = {
        "/",       "/page.css", "/page.js",  "/jobs.js",   "/job.js",
        "/run.js", "/dom.js",   "/state.js", "/estate.js", "/actions.js"};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ck_assert_int_eq(get(parts[i]), 200);

        const char *body = body_of_answer(), *url = strstr(body, "http");

        ck_assert_ptr_null(strstr(body, "innerHTML"));
        ck_assert_ptr_null(strstr(body, " style="));
        for (; url != NULL; url = strstr(url + 1, "http")) /* a name, not an address */
            ck_assert_int_eq(strncmp(url, "http://www.w3.org/2000/svg", 26), 0);
    }
}
END_TEST

START_TEST(an_asset_that_is_known_is_not_sent_again)
{
    char *tag, *fields;

    ck_assert_int_eq(get("/page.js"), 200);
    tag = strstr(heard.data, "ETag: ") + 6;
    fields = memory_format("If-None-Match: %.*s\r\n", (int)strcspn(tag, "\r"), tag);
    ck_assert_int_eq(ask("GET", "/page.js", fields, ""), 304);
    ck_assert_str_eq(body_of_answer(), "");
    free(fields);
}
END_TEST

static const struct host_row {
    const char *host;
    int status;
} hosts[] = {
    {"localhost", 200},      {"localhost:8280", 200}, {"127.0.0.1:1", 200},
    {"[::1]:80", 200},       {"192.0.2.7", 200},      {"jobs.example:443", 200},
    {"JOBS.example", 200},   {"evil.example", 421},   {"localhost.evil.example", 421},
    {"127.0.0.1.evil", 421}, {"1.2.3", 421}};

START_TEST(only_known_names_of_the_host_are_answered)
{
    char *fields = memory_format("Host: %s\r\n", hosts[_i].host);

    ck_assert_int_eq(ask("GET", "/api/jobs", fields, ""), hosts[_i].status);
    free(fields);
}
END_TEST

/* ---- sessions ---- */

static char cookie[128], csrf[65];

#define SAME       "Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n"
#define JSON       "Content-Type: application/json\r\n"
#define GOOD_TOKEN "{\"token\":\"a-token-of-24-letters-ok\"}"

static void sign_in(void)
{
    const char *found;
    cJSON *answer;

    ck_assert_int_eq(ask("POST", "/api/session", SAME JSON, GOOD_TOKEN), 200);
    ck_assert(says("; Path=/; HttpOnly; SameSite=Strict; Max-Age="));
    found = strstr(heard.data, "Set-Cookie: ") + 12;
    snprintf(cookie, sizeof cookie, "%.*s", (int)strcspn(found, ";"), found);
    answer = read_json();
    snprintf(csrf, sizeof csrf, "%s", json_string_at(answer, "csrf"));
    cJSON_Delete(answer);
    ck_assert_uint_eq(strlen(csrf), 64);
}

/* What is wrong with a request to pause a job, and how it is answered. */
static const struct matrix_row {
    const char *cookie; /* NULL: the right one */
    const char *csrf;   /* NULL: the right one; "": none */
    const char *fields;
    const char *body;
    int status;
} matrix[] = {
    {NULL, NULL, SAME JSON, "{}", 200},
    {NULL, NULL, "Origin: http://localhost\r\n" JSON, "{}", 200},
    {NULL, NULL, JSON, "{}", 200}, /* an old browser, whose cookie is SameSite */
    {NULL, NULL, SAME "Content-Type: application/json; charset=utf-8\r\n", "{}", 200},
    {"", NULL, SAME JSON, "{}", 401},
    {"moongate_1=0123", NULL, SAME JSON, "{}", 401},
    {NULL, "", SAME JSON, "{}", 403},
    {NULL, "0123", SAME JSON, "{}", 403},
    {NULL, NULL, "Sec-Fetch-Site: cross-site\r\n" JSON, "{}", 403},
    {NULL, NULL, "Sec-Fetch-Site: same-site\r\n" JSON, "{}", 403},
    {NULL, NULL, "Origin: http://evil.example\r\n" JSON, "{}", 403},
    {NULL, NULL, "Origin: http://localhost:81\r\n" JSON, "{}", 403},
    {NULL, NULL, "Origin: null\r\n" JSON, "{}", 403},
    {NULL, NULL, SAME "Content-Type: text/plain\r\n", "{}", 415},
    {NULL, NULL, SAME "Content-Type: application/x-www-form-urlencoded\r\n", "{}", 415},
    {NULL, NULL, SAME, "{}", 415},
    {NULL, NULL, SAME JSON, "{", 400},
    {NULL, NULL, SAME JSON, "1", 400},
    {NULL, NULL, SAME JSON, "{\"slot\":\"2027-03-27\"}", 400},
    {NULL, NULL, SAME JSON, "{\"reason\":5}", 400},
    {NULL, NULL, SAME JSON, "{\"reason\":\"two\\nlines\"}", 400},
    {NULL, NULL, SAME JSON, "{\"reason\":\"\\ud83c\\udf19\"}", 200},
    {"", "", BEARER JSON, "{}", 200},
    {"", "", BEARER, "{}", 415},
    {"", "", "Authorization: Bearer wrong\r\n" JSON, "{}", 401},
    {"", "", "Authorization: Basic YTpi\r\n" JSON, "{}", 401},
};

static bool is_paused(void)
{
    cJSON *answer;
    bool paused;

    ck_assert_int_eq(get("/api/jobs/nightly"), 200);
    answer = read_json();
    paused = json_at(json_at(answer, "job"), "paused") != NULL;
    cJSON_Delete(answer);
    return paused;
}

START_TEST(only_the_right_request_does_something)
{
    const struct matrix_row *row = &matrix[_i];
    char *fields;

    sign_in();
    fields = memory_format(
        "%s%s%s%s%s%s%s",
        row->cookie != NULL && row->cookie[0] == '\0' ? "" : "Cookie: a=b; ",
        row->cookie == NULL ? cookie : row->cookie,
        row->cookie != NULL && row->cookie[0] == '\0' ? "" : "\r\n",
        row->csrf != NULL && row->csrf[0] == '\0' ? "" : "X-CSRF-Token: ",
        row->csrf == NULL ? csrf : row->csrf,
        row->csrf != NULL && row->csrf[0] == '\0' ? "" : "\r\n", row->fields);
    ck_assert_int_eq(ask("POST", "/api/jobs/nightly/pause", fields, row->body),
                     row->status);
    ck_assert_int_eq(is_paused(), row->status == 200);
    free(fields);
}
END_TEST

START_TEST(a_job_is_run_paused_and_resumed)
{
    ck_assert_int_eq(ask("POST", "/api/jobs/nightly/run", BEARER JSON, "{}"), 202);
    ck_assert(says("{\"key\":\"20260131-190512-m1f3a\"}"));
    ck_assert_int_eq(get("/api/jobs/nightly"), 200);
    ck_assert(says("\"host\":\"the page, by token\""));
    ck_assert_int_eq(
        ask("POST", "/api/jobs/nightly/pause", BEARER JSON, "{\"reason\":\"audit\"}"),
        200);
    ck_assert_int_eq(get("/api/jobs/nightly"), 200);
    ck_assert(says("\"reason\":\"audit\""));
    ck_assert_int_eq(ask("POST", "/api/jobs/nightly/resume", BEARER JSON, "{}"), 200);
    ck_assert(!is_paused());
    ck_assert_int_eq(ask("POST", "/api/jobs/nobody/run", BEARER JSON, "{}"), 404);
}
END_TEST

START_TEST(what_goes_wrong_is_told_without_why)
{
    ck_assert_int_eq(
        ask("POST", "/api/jobs/nightly/pause", BEARER JSON, "{\"reason\":\"raise\"}"),
        500);
    ck_assert(!says("on fire"));
    ck_assert_int_eq(get("/healthz"), 200);
}
END_TEST

static const struct reach_row {
    const char *path;
    int status; /* without a token */
} reach[] = {{"/", 200},
             {"/page.js", 200},
             {"/healthz", 200},
             {"/readyz", 200},
             {"/api/session", 200},
             {"/metrics", 401},
             {"/api/jobs", 401},
             {"/api/estate", 401},
             {"/api/jobs/nightly/history", 401},
             {"/events", 401},
             {"/api/jobs/nobody", 401},
             {"/api/runs/20260131-190000-nightly", 401}};

START_TEST(where_others_can_come_reading_takes_the_token)
{
    const struct reach_row *row = &reach[_i];
    char *fields;

    ck_assert_int_eq(get(row->path), row->status);
    ck_assert_int_eq(ask("GET", row->path, "Authorization: Bearer wrong\r\n", ""),
                     row->status);
    if (strcmp(row->path, "/events") == 0)
        return; /* it has no end */
    ck_assert_int_ne(ask("GET", row->path, BEARER, ""), 401);
    sign_in();
    fields = memory_format("Cookie: %s\r\n", cookie);
    ck_assert_int_ne(ask("GET", row->path, fields, ""), 401);
    free(fields);
}
END_TEST

START_TEST(a_session_ends_when_it_is_left)
{
    char *fields;

    sign_in();
    fields = memory_format("Cookie: %s\r\nX-CSRF-Token: %s\r\n" SAME JSON, cookie, csrf);
    ck_assert_int_eq(ask("DELETE", "/api/session", fields, ""), 204);
    ck_assert(says("Max-Age=0"));
    ck_assert_int_eq(ask("POST", "/api/jobs/nightly/pause", fields, "{}"), 401);
    free(fields);
}
END_TEST

static const struct session_row {
    const char *fields, *body;
    int status;
} sessions[] = {{SAME JSON, "{\"token\":\"a-token-of-24-letters-oK\"}", 401},
                {SAME JSON, "{\"token\":\"\"}", 401},
                {SAME JSON, "{\"token\":7}", 400},
                {SAME JSON, "{}", 400},
                {SAME, GOOD_TOKEN, 415},
                {"Sec-Fetch-Site: cross-site\r\n" JSON, GOOD_TOKEN, 403},
                {"Origin: http://evil.example\r\n" JSON, GOOD_TOKEN, 403}};

START_TEST(a_session_needs_the_token)
{
    const struct session_row *row = &sessions[_i];

    ck_assert_int_eq(ask("POST", "/api/session", row->fields, row->body), row->status);
    ck_assert(!says("Set-Cookie"));
}
END_TEST

/* Four of them wait for their answers; the fifth hears at once that it is one too many. */
START_TEST(wrong_tokens_are_slow_and_few_at_a_time)
{
    static const char wrong[] = "POST /api/session HTTP/1.1\r\nHost: localhost\r\n" JSON
                                "Content-Length: 13\r\n\r\n{\"token\":\"x\"}";
    struct timespec before, after;
    int fds[4];

    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial();
        say(fds[i], wrong);
    }
    do /* until they have come in */
        ck_assert_int_ne(ask("POST", "/api/session", JSON, "{\"token\":7}"), 200);
    while (ask("POST", "/api/session", JSON, GOOD_TOKEN) != 429 &&
           (clock_gettime(CLOCK_MONOTONIC, &after), after.tv_sec - before.tv_sec < 1));
    ck_assert_msg(says("Retry-After: "), "%s", heard.data);
    for (int i = 0; i < 4; i++) {
        buffer_clear(&heard);
        hear(fds[i], "the token is wrong");
        close(fds[i]);
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000 +
                         (after.tv_nsec - before.tv_nsec) / 1000000,
                     950);
    ck_assert_int_eq(ask("POST", "/api/session", JSON, GOOD_TOKEN), 200);
}
END_TEST

START_TEST(without_a_token_the_page_is_read_only)
{
    ck_assert_int_eq(get("/api/session"), 200);
    ck_assert(says("\"can_sign_in\":false"));
    ck_assert_int_eq(get("/api/jobs"), 200);
    ck_assert_int_eq(ask("POST", "/api/session", JSON, "{\"token\":\"\"}"), 403);
    ck_assert_int_eq(ask("POST", "/api/jobs/nightly/run", JSON, "{}"), 403);
    ck_assert(says("without a token"));
    ck_assert_int_eq(
        ask("POST", "/api/jobs/nightly/run", "Authorization: Bearer \r\n" JSON, "{}"),
        403);
}
END_TEST

START_TEST(where_others_could_come_without_a_token_it_does_not_begin)
{
    char *arguments[] = {"/dev/null", "", "3", "0.0.0.0:0"};
    const pid_t pid = fork();
    int status;

    if (pid == 0) {
        ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
        _exit(page_host_run(folder, "tests/browser/stand_in.lua", arguments, 4));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_GUARD_REFUSED);
}
END_TEST

/* ---- hostile texts ---- */

START_TEST(hostile_texts_stay_texts_in_json)
{
    static const char hostile[] =
        "<img src=x "
        "onerror=\"window.pwned=1\">'\"</script><script>window.pwned=2</script>";
    cJSON *answer;
    const cJSON *job;

    ck_assert_int_eq(get("/api/jobs"), 200);
    ck_assert(says("Content-Type: application/json\r\n"));
    answer = read_json();
    job = cJSON_GetArrayItem(json_at(answer, "jobs"), 1);
    ck_assert_str_eq(json_string_at(job, "name"), hostile);
    ck_assert_str_eq(json_string_at(json_at(job, "paused"), "reason"), hostile);
    cJSON_Delete(answer);
    ck_assert_int_eq(
        get("/api/jobs/%3Cimg%20src=x%20onerror=%22window.pwned=1%22%3E'%22%3C%2F"
            "script%3E%3Cscript%3Ewindow.pwned=2%3C%2Fscript%3E"),
        200);
}
END_TEST

START_TEST(hostile_names_are_escaped_in_the_metrics)
{
    ck_assert_int_eq(get("/metrics"), 200);
    ck_assert(
        says("moongate_job_enabled{job=\"back\\\\slash \\\"quote\\\"\\nline\"} 1\n"));
    ck_assert(says("moongate_job_slots_total{job=\"nightly\",status=\"succeeded\"} 5\n"));
    ck_assert(says("moongate_job_last_duration_seconds{job=\"nightly\"} 60\n"));
    ck_assert(!says("moongate_job_last_duration_seconds{job=\"back"));
    ck_assert(says("# TYPE moongate_job_slots_total counter\n"));
    ck_assert(says("# HELP process_cpu_seconds_total "));
}
END_TEST

/* Each line is a comment, or a name, labels and a number; each family is said once. */
START_TEST(the_metrics_have_the_form_of_the_text_format)
{
    char *rest = NULL, *copy;
    int types = 0;

    ck_assert_int_eq(get("/metrics"), 200);
    copy = memory_copy_string(body_of_answer());
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *end;

        if (strncmp(line, "# TYPE ", 7) == 0)
            types++;
        if (line[0] == '#')
            continue;
        ck_assert_uint_gt(strspn(line, "abcdefghijklmnopqrstuvwxyz_"), 3);
        strtod(strrchr(line, ' ') + 1, &end);
        ck_assert_msg(*end == '\0', "%s", line);
    }
    ck_assert_int_gt(types, 15);
    free(copy);
}
END_TEST

/* ---- events ---- */

static int follow(const char *fields)
{
    const int fd = dial();
    char *request =
        memory_format("GET /events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", fields);

    buffer_clear(&heard);
    say(fd, request);
    free(request);
    hear(fd, "event: hello");
    ck_assert(says("Content-Type: text/event-stream\r\n"));
    ck_assert(says("retry: 3000\n"));
    return fd;
}

/* Does something to the job while `heard` goes on. */
static void do_quietly(const char *what, const char *body)
{
    struct buffer kept = heard;
    char *path = memory_format("/api/jobs/nightly/%s", what);

    heard = (struct buffer){0};
    ck_assert_int_lt(ask("POST", path, BEARER JSON, body), 300);
    buffer_deinit(&heard);
    heard = kept;
    free(path);
}

START_TEST(changes_are_told_to_those_who_follow)
{
    const int fd = follow("");

    do_quietly("pause", "{\"reason\":\"audit\"}");
    hear(fd, "\"reason\":\"audit\"");
    ck_assert(says("event: job\ndata: {"));
    close(fd);
}
END_TEST

START_TEST(who_comes_again_hears_what_was_missed)
{
    int fd = follow(""), other = dial();
    char id[64], *fields;
    const char *found = strstr(heard.data, "\nid: ") + 5;

    snprintf(id, sizeof id, "%.*s", (int)strcspn(found, "\n"), found);
    say(other, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* somebody stays */
    buffer_clear(&heard);
    hear(other, "event: hello");
    close(fd);
    do_quietly("pause", "{\"reason\":\"missed\"}");
    hear(other, "\"reason\":\"missed\"");
    fields = memory_format("Last-Event-ID: %s\r\n", id);
    fd = follow(fields);
    hear(fd, "\"reason\":\"missed\"");
    ck_assert(!says("event: reload"));
    free(fields);
    close(fd);
    fd = follow("Last-Event-ID: 01234567-3\r\n"); /* of a process that is gone */
    hear(fd, "event: reload");
    close(fd);
    close(other);
}
END_TEST

START_TEST(a_run_is_told_to_those_who_look_at_it)
{
    const int fd = dial();

    buffer_clear(&heard);
    say(fd,
        "GET /events?run=20260131-190000-nightly HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear(fd, "event: run\ndata: {");
    hear(fd, "\"state\":\"died\"");
    ck_assert(says("\"level\":\"output\""));
    ck_assert(says("not an event: no event at all"));
    close(fd);
}
END_TEST

START_TEST(of_a_large_run_the_newest_operations_are_told_and_those_that_go_on)
{
    cJSON *answer;
    const cJSON *operations;
    const int fd = dial();

    buffer_clear(&heard);
    say(fd, "GET /events?run=20260131-200000-large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear(fd, "\"is_too_much\":true");
    ck_assert_uint_lt(heard.length, 16384);
    ck_assert_int_eq(get("/api/runs/20260131-200000-large"), 200);
    answer = read_json();
    operations = json_at(answer, "operations");
    ck_assert_int_eq(cJSON_GetArraySize(operations), 2001);
    ck_assert_int_eq((int)json_number_at(answer, "omitted", 0), 499);
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(operations, 0), "name"), "w1");
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(operations, 2000), "name"),
                     "w2500");
    cJSON_Delete(answer);
    close(fd);
}
END_TEST

START_TEST(at_the_end_the_streams_end_and_the_program_is_over)
{
    const int fd = follow("");
    int status;

    do_quietly("pause", "{\"reason\":\"drain\"}");
    {
        struct buffer kept = heard;

        heard = (struct buffer){0};
        ck_assert_int_eq(get("/readyz"), 503);
        ck_assert_int_eq(get("/healthz"), 200);
        buffer_deinit(&heard);
        heard = kept;
    }
    do_quietly("pause", "{\"reason\":\"end\"}");
    hear(fd, NULL);
    close(fd);
    ck_assert_int_eq(waitpid(host, &status, 0), host);
    host = 0;
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* ---- many jobs ---- */

static double seconds_for(const char *path)
{
    double best = 1e9;

    for (int i = 0; i < 3; i++) {
        struct timespec before, after;

        clock_gettime(CLOCK_MONOTONIC, &before);
        ck_assert_int_eq(get(path), 200);
        clock_gettime(CLOCK_MONOTONIC, &after);

        const double took = (double)(after.tv_sec - before.tv_sec) +
                            (double)(after.tv_nsec - before.tv_nsec) / 1e9;

        best = took < best ? took : best;
    }
    return best;
}

/* Generous limits: sanitizers and a busy machine are slow. */
START_TEST(ten_thousand_jobs_are_told_in_a_moment)
{
    const double metrics = seconds_for("/metrics"), jobs = seconds_for("/api/jobs");

    printf("10,000 jobs: /metrics %.0f ms, /api/jobs %.0f ms\n", metrics * 1000,
           jobs * 1000);
    ck_assert(metrics < 5.0);
    ck_assert(jobs < 5.0);
}
END_TEST

START_TEST(when_all_jobs_change_those_who_follow_are_told_to_load_anew)
{
    const int fd = follow("");

    do_quietly("pause", "{\"reason\":\"many\"}");
    hear(fd, "event: reload");
    ck_assert(!says("event: job\n"));
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs page");
    TCase *reading = add_case(suite, "reading", start_with_token, stop);
    TCase *acting = add_case(suite, "acting", start_with_token, stop);
    TCase *closed = add_case(suite, "without a token", start_without_token, stop);
    TCase *hostile = add_case(suite, "hostile texts", start_with_token, stop);
    TCase *events = add_case(suite, "events", start_with_token, stop);
    TCase *others = add_case(suite, "open to others", start_for_others, stop);
    TCase *large = add_case(suite, "many jobs", start_large, stop);

    signal(SIGPIPE, SIG_IGN);
    tcase_add_loop_test(reading, each_path_is_answered, 0, COUNT_OF(paths));
    tcase_add_test(reading, all_answers_have_the_headers_that_protect);
    tcase_add_test(reading, the_page_loads_nothing_from_elsewhere);
    tcase_add_test(reading, an_asset_that_is_known_is_not_sent_again);
    tcase_add_loop_test(reading, only_known_names_of_the_host_are_answered, 0,
                        COUNT_OF(hosts));
    tcase_add_loop_test(acting, only_the_right_request_does_something, 0,
                        COUNT_OF(matrix));
    tcase_add_test(acting, a_job_is_run_paused_and_resumed);
    tcase_add_test(acting, what_goes_wrong_is_told_without_why);
    tcase_add_loop_test(others, where_others_can_come_reading_takes_the_token, 0,
                        COUNT_OF(reach));
    tcase_add_test(acting, a_session_ends_when_it_is_left);
    tcase_add_loop_test(acting, a_session_needs_the_token, 0, COUNT_OF(sessions));
    tcase_add_test(acting, wrong_tokens_are_slow_and_few_at_a_time);
    tcase_add_test(closed, where_others_could_come_without_a_token_it_does_not_begin);
    tcase_add_test(closed, without_a_token_the_page_is_read_only);
    tcase_add_test(hostile, hostile_texts_stay_texts_in_json);
    tcase_add_test(hostile, hostile_names_are_escaped_in_the_metrics);
    tcase_add_test(hostile, the_metrics_have_the_form_of_the_text_format);
    tcase_add_test(events, changes_are_told_to_those_who_follow);
    tcase_add_test(events, who_comes_again_hears_what_was_missed);
    tcase_add_test(events, a_run_is_told_to_those_who_look_at_it);
    tcase_add_test(events,
                   of_a_large_run_the_newest_operations_are_told_and_those_that_go_on);
    tcase_add_test(events, at_the_end_the_streams_end_and_the_program_is_over);
    tcase_add_test(large, ten_thousand_jobs_are_told_in_a_moment);
    tcase_add_test(large, when_all_jobs_change_those_who_follow_are_told_to_load_anew);
    return run_suite(suite);
}
