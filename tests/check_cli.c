/* tests/check_cli.c - the program as people and programs meet it: its words, exit codes,
 * signals and streams.
 *
 * Drives the binary that MOONGATE names through pipes, or a pseudo-terminal where it
 * matters. Whatever it waits for has a deadline; nothing sleeps to be right. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"

enum { MOST_WORDS = 32, PATIENCE_MS = 25000, TEST_TIMEOUT_S = 60, PIPED = -2 };

#define SECRET "s3cret-of-this-test"
#define BULK   "bulk_onboard", "--teams"

struct program {
    pid_t pid;
    int out, err; /* our ends of its pipes, -1 once they have ended */
    struct buffer out_text, err_text;
};

/* What every test may use; each test runs in a process of its own. */
static struct program program, server;
static int silence[2]; /* a byte comes for each request that the stub leaves unanswered */
static char moongate[4096], teams_csv[4096], folder[] = "/tmp/check_cli.XXXXXX";

/* --- programs ------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void make_pipe(int ends[2])
{
    ck_assert_int_eq(pipe(ends), 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
}

/* Starts moongate with these words, which end with NULL. Its stdout is a pipe of ours when
 * `out` is PIPED, else `out` itself, and closed when that is -1. */
static void launch(struct program *p, int out, char *const *words)
{
    int out_ends[2] = {-1, -1}, err_ends[2];

    if (out == PIPED)
        make_pipe(out_ends);
    make_pipe(err_ends);
    buffer_deinit(&p->out_text);
    buffer_deinit(&p->err_text);
    *p = (struct program){.out = out_ends[0], .err = err_ends[0]};
    p->pid = fork();
    ck_assert_int_ge(p->pid, 0);
    if (p->pid == 0) {
        const int nothing = open("/dev/null", O_RDONLY);

        dup2(nothing, STDIN_FILENO);
        dup2(err_ends[1], STDERR_FILENO);
        close(err_ends[1]);
        if (out == -1)
            close(STDOUT_FILENO);
        else
            dup2(out == PIPED ? out_ends[1] : out, STDOUT_FILENO);
        if (out == PIPED)
            close(out_ends[1]);
        execv(moongate, words);
        _exit(127);
    }
    close(err_ends[1]);
    if (out == PIPED)
        close(out_ends[1]);
}

static void collect(char *words[MOST_WORDS], const char *first, va_list rest)
{
    size_t count = 0;

    words[count++] = moongate;
    for (const char *word = first; word != NULL; word = va_arg(rest, const char *)) {
        ck_assert_uint_lt(count, MOST_WORDS - 1);
        words[count++] = (char *)word;
    }
    words[count] = NULL;
}

/* Starts it with these words; the last is NULL. */
static void start(struct program *p, int out, const char *first, ...)
{
    char *words[MOST_WORDS];
    va_list rest;

    va_start(rest, first);
    collect(words, first, rest);
    va_end(rest);
    launch(p, out, words);
}

static void read_some(int *fd, struct buffer *text)
{
    char piece[65536];
    const ssize_t length = read(*fd, piece, sizeof piece);

    if (length > 0) {
        buffer_append(text, piece, (size_t)length);
    } else if (length == 0 || errno != EINTR) {
        close(*fd);
        *fd = -1;
    }
}

static void fail_late(struct program *p, const char *what)
{
    kill(p->pid, SIGKILL);
    ck_abort_msg("%s did not come in time\nstdout: %s\nstderr: %s", what,
                 p->out_text.data != NULL ? p->out_text.data : "",
                 p->err_text.data != NULL ? p->err_text.data : "");
}

/* Takes what the program writes next. Returns false when both its streams have ended. */
static bool listen_to(struct program *p, int64_t deadline_ms, const char *what)
{
    struct pollfd fds[] = {{.fd = p->out, .events = POLLIN},
                           {.fd = p->err, .events = POLLIN}};
    const int64_t left_ms = deadline_ms - now_ms();

    if (p->out < 0 && p->err < 0)
        return false;
    if (left_ms <= 0 || poll(fds, 2, (int)left_ms) == 0)
        fail_late(p, what);
    if (fds[0].revents != 0)
        read_some(&p->out, &p->out_text);
    if (fds[1].revents != 0)
        read_some(&p->err, &p->err_text);
    return true;
}

static bool holds(const struct buffer *text, const char *part)
{
    return text->data != NULL && strstr(text->data, part) != NULL;
}

static void await_text(struct program *p, const struct buffer *text, const char *part)
{
    const int64_t deadline_ms = now_ms() + PATIENCE_MS;

    while (!holds(text, part)) {
        if (!listen_to(p, deadline_ms, part))
            ck_abort_msg("it ended without '%s'\nstdout: %s\nstderr: %s", part,
                         p->out_text.data != NULL ? p->out_text.data : "",
                         p->err_text.data != NULL ? p->err_text.data : "");
    }
}

/* Reads until the program ends. Returns its exit code, or 128 and the signal's number. */
static int await_end(struct program *p)
{
    const int64_t deadline_ms = now_ms() + PATIENCE_MS;
    int status;

    while (listen_to(p, deadline_ms, "the end"))
        ;
    buffer_append_string(&p->out_text, "");
    buffer_append_string(&p->err_text, "");
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs `moongate WORDS` to its end. Returns its exit code. */
static int moon(const char *first, ...)
{
    char *words[MOST_WORDS];
    va_list rest;

    buffer_deinit(&program.out_text);
    buffer_deinit(&program.err_text);
    va_start(rest, first);
    collect(words, first, rest);
    va_end(rest);
    launch(&program, PIPED, words);
    return await_end(&program);
}

static const char *out(void)
{
    return program.out_text.data != NULL ? program.out_text.data : "";
}

static const char *err(void)
{
    return program.err_text.data != NULL ? program.err_text.data : "";
}

static void assert_exit(int code, int expected)
{
    ck_assert_msg(code == expected, "exit code %d, expected %d\nstdout: %s\nstderr: %s",
                  code, expected, out(), err());
}

static void assert_says(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "expected '%s' in: %s", part, text);
}

static void assert_hides(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "'%s' must not be in: %s", part, text);
}

static void assert_says_once(const char *text, const char *part)
{
    assert_says(text, part);
    assert_hides(strstr(text, part) + 1, part);
}

/* --- files and results ---------------------------------------------------------------- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* The last line of what it printed, decoded. Owned by the caller. */
static cJSON *last_line(void)
{
    const char *line = out(), *next;

    while ((next = strchr(line, '\n')) != NULL && next[1] != '\0')
        line = next + 1;

    cJSON *tree = cJSON_Parse(line);

    ck_assert_msg(tree != NULL, "not JSON: %s", line);
    return tree;
}

static void assert_count(const char *name, int expected)
{
    cJSON *summary = last_line();

    ck_assert_msg(json_number_at(summary, name, -1) == expected, "%s is not %d: %s", name,
                  expected, out());
    cJSON_Delete(summary);
}

/* --- the world outside ---------------------------------------------------------------- */

static void setup(void)
{
    static const char *const names[] = {
        "AZURE_TENANT_ID",         "AZURE_CLIENT_ID",        "AZURE_CLIENT_SECRET",
        "AZURE_SUBSCRIPTION_ID",   "AZURE_AUTHORITY_HOST",   "MOONGATE_ENDPOINT",
        "MOONGATE_RESOURCE_GROUP", "MOONGATE_SERVICE",       "MOONGATE_CLOUD",
        "MOONGATE_CA_FILE",        "ARM_TENANT_ID",          "ARM_CLIENT_ID",
        "ARM_CLIENT_SECRET",       "ARM_SUBSCRIPTION_ID",    "ARM_ENVIRONMENT",
        "MOONGATE_ACCESS_TOKEN",   "AZURE_TOKEN_CREDENTIALS"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("NO_COLOR", "1", 1);
    signal(SIGPIPE, SIG_IGN);
}

static void teardown(void)
{
    if (server.pid > 0)
        kill(server.pid, SIGKILL);
    buffer_deinit(&program.out_text);
    buffer_deinit(&program.err_text);
    buffer_deinit(&server.out_text);
    buffer_deinit(&server.err_text);
}

static void set_credentials(const char *endpoint)
{
    setenv("AZURE_TENANT_ID", "5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10", 1);
    setenv("AZURE_CLIENT_ID", "0b1f6471-1bf0-4dda-aec3-cb9272f09591", 1);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    setenv("AZURE_SUBSCRIPTION_ID", "0b1f6471-1bf0-4dda-aec3-cb9272f09590", 1);
    setenv("MOONGATE_RESOURCE_GROUP", "rg-apim", 1);
    setenv("MOONGATE_SERVICE", "contoso-apim", 1);
    setenv("MOONGATE_ENDPOINT", endpoint, 1);
}

/* Starts `moongate sim` and takes over the environment it prints. */
static void start_sim(const char *option, const char *value)
{
    start(&server, PIPED, "sim", "--listen", "127.0.0.1:0", option, value, NULL);
    await_text(&server, &server.out_text, "ready\n");
    for (char *line = server.out_text.data; strncmp(line, "export ", 7) == 0;) {
        char *name = line + 7, *value_at = strchr(name, '='), *end = strchr(line, '\n');

        ck_assert_ptr_nonnull(value_at);
        *value_at = *end = '\0';
        setenv(name, value_at + 1, 1);
        line = end + 1;
    }
}

static int end_sim(int number)
{
    kill(server.pid, number);

    const int code = await_end(&server);

    server.pid = 0; /* nothing is left to be killed */
    return code;
}

enum stub_manner {
    STUB_SILENT,   /* takes requests and never answers */
    STUB_GARBAGE,  /* what it answers is no HTTP */
    STUB_ENDLESS,  /* 100 MB of JSON */
    STUB_SIGNS_IN, /* gives a token, then is silent */
    STUB_CIRCLE,   /* gives a token, then pages that name one another for ever */
};

static bool stub_read_request(int client)
{
    struct buffer text = {0};
    char byte;

    while (!holds(&text, "\r\n\r\n") && read(client, &byte, 1) == 1)
        buffer_append_char(&text, byte);

    const bool wants_token = holds(&text, "/token");

    buffer_deinit(&text);
    return wants_token;
}

static void stub_send(int client, const char *text)
{
    (void)!write(client, text, strlen(text));
}

static void stub_send_json(int client, const char *json)
{
    char head[160];

    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
             "Connection: close\r\nContent-Length: %zu\r\n\r\n",
             strlen(json));
    stub_send(client, head);
    stub_send(client, json);
}

static void stub_send_page(int client, int number)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char page[160];

    getsockname(client, (struct sockaddr *)&address, &size);
    snprintf(page, sizeof page,
             "{\"value\":[],\"nextLink\":\"http://127.0.0.1:%d/page/%d\"}",
             ntohs(address.sin_port), number % 2);
    stub_send_json(client, page);
}

static void stub_send_much(int client)
{
    static char block[1 << 20];
    ssize_t sent = 1;

    memset(block, ' ', sizeof block);
    stub_send(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      "Connection: close\r\n\r\n{");
    for (int i = 0; i < 100 && sent > 0; i++)
        sent = write(client, block, sizeof block);
}

static void stub_serve(int listener, enum stub_manner manner)
{
    static const char token[] = "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                                "\"access_token\":\"eyJtoken-of-this-test\"}";

    for (int number = 0;; number++) {
        const int client = accept(listener, NULL, NULL);
        const bool wants_token = client >= 0 && stub_read_request(client);

        if (client < 0)
            _exit(1);
        if ((manner == STUB_SIGNS_IN || manner == STUB_CIRCLE) && wants_token) {
            stub_send_json(client, token);
        } else if (manner == STUB_CIRCLE) {
            stub_send_page(client, number);
        } else if (manner == STUB_SILENT || manner == STUB_SIGNS_IN) {
            (void)!write(silence[1], "", 1);
            continue; /* it stays open */
        } else if (manner == STUB_GARBAGE) {
            stub_send(client, "\x01\x02 \xff garbage\r\n\r\n\x03 and more\r\n");
        } else {
            stub_send_much(client);
        }
        shutdown(client, SHUT_WR);
        stub_read_request(client); /* until the other side has closed, too */
        close(client);
    }
}

/* Starts a server with bad manners and sets the environment for it. */
static void start_stub(enum stub_manner manner)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    char url[64];

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 64), 0);
    ck_assert_int_eq(pipe(silence), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    server.pid = fork();
    if (server.pid == 0)
        stub_serve(listener, manner);
    close(listener);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    set_credentials(url);
}

/* --- words ---------------------------------------------------------------------------- */

START_TEST(version_and_help_are_printed_to_stdout)
{
    static const char *const commands[] = {"run", "sim", "doctor", "doc"};

    assert_exit(moon("--version", NULL), 0);
    ck_assert_str_eq(out(), "moongate " MOONGATE_VERSION "\n");
    assert_exit(moon("--help", NULL), 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_says(out(), commands[i]);
    ck_assert_str_eq(err(), "");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char usage[64];

        snprintf(usage, sizeof usage, "usage: moongate %s", commands[i]);
        assert_exit(moon(commands[i], "--help", NULL), 0);
        assert_says(out(), usage);
        ck_assert_str_eq(err(), "");
    }
    assert_exit(moon("run", "--sim", "bulk_onboard", "--help", NULL), 0);
    assert_says(out(), "--teams FILE");
    assert_exit(moon("run", "--sim", "explain", "--help", NULL), 0);
    assert_says(out(), "usage: explain PRINCIPAL [ACTION] [SCOPE] [options]");
}
END_TEST

START_TEST(explain_says_who_may_do_what_by_its_exit_code_too)
{
    const char *action = "Microsoft.ApiManagement/service/read";

    assert_exit(moon("run", "--sim", "explain", "me", action, NULL), 0);
    assert_says(out(), "may Microsoft.ApiManagement/service/read");
    assert_says(out(), "+ role 'Owner' at /subscriptions/");
    assert_exit(
        moon("run", "--sim", "explain", "api-team-orders", action, "subscription", NULL),
        1);
    assert_says(out(), "because it has no role here or above");
    assert_exit(moon("run", "--sim", "explain", "me", "-", "service", NULL), 0);
    assert_says(out(), "allows *");
    assert_exit(moon("run", "--sim", "explain", "me", action, "workspace/a", NULL), 2);
    assert_says(err(), "SCOPE: 'workspace/a' is no id");
}
END_TEST

static const struct usage {
    const char *words[5];
    const char *says;
} wrong_usage[] = {
    {{NULL}, "usage: moongate COMMAND"},
    {{"rnu"}, "unknown command 'rnu', did you mean 'run'?"},
    {{"run"}, "which script?"},
    {{"run", "--sim", "missing.lua"}, "missing.lua: No such file or directory"},
    {{"run", "--ouptut", "json", "-e", ""},
     "unknown option '--ouptut'; did you mean '--output'?"},
    {{"run", "--output", "yaml", "-e", ""}, "'yaml' is not text or json"},
    {{"run", "--request-timeout", "soon", "-e", ""}, "'soon' is not a duration"},
    {{"run", "--max-response", "0", "-e", ""}, "at least 1 MiB"},
    {{"run", "--seed", "7", "-e", ""},
     "--world, --seed, --sim-faults and --clock need --sim"},
    {{"run", "--sim", "--endpoint", "http://127.0.0.1:1", "x"},
     "--sim cannot go with --endpoint"},
    {{"run", "--within", "a/b", "-e", ""},
     "'a/b' is no scope: an id begins with a slash"},
    {{"run", "--within", "/", "-e", ""}, "'/' is no scope: it is everything"},
    {{"run", "--max-writes", "-1", "-e", ""}, "'-1' is not a whole number"},
    {{"run", "-e", "require 'workspaces'.list()"}, "nothing says which side to use"},
    {{"run", "--sim", "bulk_onboard"}, "either --teams FILE or --groups-prefix TEXT"},
    {{"run", "--sim", "bulk_onboard", "--team", "x"}, "did you mean '--teams'?"},
    {{"run", "--sim", "bulk_onboard", "--role", "develper"}, "did you mean 'developer'?"},
    {{"run", "--sim", "bulk_onboard", "--units", "13"}, "13 is outside 1 to 12"},
    {{"run", "--sim", "explain"}, "PRINCIPAL is required"},
    {{"run", "--sim", "explain", "me", "--date"}, "did you mean '--data'?"},
    {{"sim", "--clock", "fast"}, "'fast' is not virtual, real, or a factor"},
    {{"sim", "--faults", "trottle=1"}, "--faults: unknown fault 'trottle'; did you mean"},
    {{"sim", "--sim-faults", "reset=2"}, "--sim-faults: reset: '2' is neither a rate"},
    {{"run", "--sim", "--sim-faults", "lro-fail"}, "lro-fail: which resource?"},
    {{"run", "--sim", "--sim-faults="}, "--sim-faults: the value is empty"},
    {{"run", "--sim-faults", "reset=1", "-e", ""}, "--sim-faults and --clock need --sim"},
    {{"sim", "now"}, "unexpected word 'now'"},
    {{"doc", "a", "b"}, "one name expected"},
};

START_TEST(wrong_usage_is_told_once_and_exits_with_2)
{
    const struct usage *usage = &wrong_usage[_i];
    const char *const *w = usage->words;

    assert_exit(moon(w[0], w[0] ? w[1] : NULL, w[1] ? w[2] : NULL, w[2] ? w[3] : NULL,
                     w[3] ? w[4] : NULL, NULL),
                2);
    ck_assert_str_eq(out(), "");
    assert_says_once(err(), usage->says);
    assert_hides(err(), " write");
}
END_TEST

/* --- scripts that fail ---------------------------------------------------------------- */

static const struct mistake {
    const char *script, *says, *says_too;
} mistakes[] = {
    {"local x = = 1", "s.lua:1: unexpected symbol near '='", "failed"},
    {"\nerror 'no way'", "s.lua:2: no way", "s.lua:2: in main chunk"},
    {"error {}", "table: ", "failed"},
    {"error(setmetatable({}, {__tostring = error, __index = error}))",
     "an error object that has no text", "s.lua:1: in main chunk"},
    {"local w = require 'workspaces'\nw.ensure('pay*', {})",
     "s.lua:2: workspace name 'pay*' does not match", "s.lua:2: in main chunk"},
    {"local n = require 'networks'\nn.ensure_gateway_subnet {vnet = 'vnet-apim', name = "
     "'s',\n"
     "  mode = 'integration', prefix = '10.0.0.1/27'}",
     "'10.0.0.1/27' does not begin at a multiple of its size", "s.lua:2: prefix"},
    {"require 'gateways'.ensure('gw', {units = 13})", "s.lua:1: units 13", "12"},
    {"require 'workspaces'.ensure('a', {dispaly_name = 'A'})",
     "s.lua:1: unknown option 'dispaly_name'; did you mean 'display_name'?", "failed"},
    {"local _ = require 'rbac'.role_id('API Management Workspace Raeder')",
     "RoleNotFound: there is no role 'API Management Workspace Raeder'",
     "did you mean 'API Management Workspace Reader'?"},
    {"require 'tasks'.sleep('soon')", "s.lua:1: duration 'soon' is not a duration",
     "failed"},
    {"require 'nothing'", "module 'nothing' not found", "s.lua:1: in main chunk"},
};

START_TEST(a_mistake_in_a_script_is_told_with_its_line_and_nothing_is_written)
{
    const struct mistake *mistake = &mistakes[_i];

    write_file("s.lua", mistake->script);
    assert_exit(moon("run", "--sim", "s.lua", NULL), 1);
    ck_assert_str_eq(out(), "");
    assert_says_once(err(), mistake->says);
    assert_says(err(), mistake->says_too);
    assert_hides(err(), " write");
    assert_exit(moon("run", "--sim", "--output", "json", "s.lua", NULL), 1);
    assert_says_once(out(), "\"error\":");
    assert_count("writes", 0);
}
END_TEST

START_TEST(an_error_deep_in_a_task_is_traced_to_the_lines_of_the_script)
{
    write_file("deep.lua", "local tasks = require 'tasks'\n"
                           "local function inner()\n"
                           "  tasks.sleep(1)\n"
                           "  error 'deep down'\n"
                           "end\n"
                           "local function outer()\n"
                           "  inner()\n"
                           "  return 1\n"
                           "end\n"
                           "tasks.all {outer}\n");
    assert_exit(moon("run", "--sim", "deep.lua", NULL), 1);
    assert_says_once(err(), "deep.lua:4: deep down");
    assert_says(err(), "deep.lua:4: in upvalue 'inner'");
    assert_says(err(), "deep.lua:7: in function");
    assert_says(err(), "deep.lua:10: in main chunk");
    assert_hides(err(), "[C]");
}
END_TEST

START_TEST(a_task_that_fails_unseen_fails_the_run)
{
    assert_exit(moon("run", "--sim", "-e",
                     "require 'tasks'.spawn(function() error 'unseen' end)", NULL),
                1);
    assert_says_once(err(), "unseen\n");
    assert_says(err(), "a task failed that nobody waited for");
    assert_exit(moon("run", "--sim", "-e",
                     "local t; t = require 'tasks'.spawn(function() t:join() end)", NULL),
                1);
    assert_says(err(), "a task cannot wait for itself");
    assert_exit(moon("run", "--sim", "-e",
                     "local t, a, b = require 'tasks'\n"
                     "a = t.spawn(function() b:join() end)\n"
                     "b = t.spawn(function() a:join() end)\n",
                     NULL),
                1);
    assert_says_once(err(), "wait for each other for ever");
}
END_TEST

/* Here, as a full collection after each of their steps would take too long. */
START_TEST(ten_thousand_tasks_wait_side_by_side)
{
    assert_exit(moon("run", "--sim", "-e",
                     "local tasks, sum, list = require 'tasks', 0, {}\n"
                     "for i = 1, 10000 do\n"
                     "  list[i] = tasks.spawn(function()\n"
                     "    tasks.sleep(i % 10)\n"
                     "    sum = sum + i\n"
                     "  end)\n"
                     "end\n"
                     "for i = 1, 10000 do list[i]:join() end\n"
                     "print(sum, require 'clock'.elapsed())",
                     NULL),
                0);
    ck_assert_str_eq(out(), "50005000\t9.0\n");
}
END_TEST

static const struct csv {
    const char *text, *says[3];
} bad_csvs[] = {
    {"", {"teams.csv:1: the file is empty"}},
    {"team,display_nam,group\na,A,g\n",
     {"teams.csv:1: column 'display_name' is missing",
      "teams.csv:1: unknown column 'display_nam'; did you mean 'display_name'?"}},
    {"team,display_name,group\na,A,g\nb,B,g\nA,C,g\n",
     {"teams.csv:4: team 'A' was named before on line 2"}},
    {"team,display_name,group,units,role\na*,A,g,13,\nb,B,g,1,develper\n",
     {"teams.csv:2: team: workspace name 'a*' does not match",
      "teams.csv:2: units '13' is not a whole number from 1 to 12",
      "teams.csv:3: role 'develper' is unknown, did you mean 'developer'?"}},
    {"team,display_name,group,network,subnet_prefix\na,A,g,integration,10.0.0.0/33\n"
     "b,B,g,integration,10.0.1.0/26\nc,C,g,integration,10.0.1.32/27\n",
     {"teams.csv:2: subnet_prefix: '10.0.0.0/33' is not an IPv4 block",
      "teams.csv:4: subnet_prefix 10.0.1.32/27 overlaps 10.0.1.0/26 of team 'b' on line "
      "3"}},
    {"team,display_name,group\na,A\n\"b,B,g\n",
     {"teams.csv:2: 2 fields where the first line has 3",
      "teams.csv:3: a quote is opened and never closed"}},
};

START_TEST(mistakes_in_a_file_of_teams_are_told_together_and_nothing_is_sent)
{
    const struct csv *csv = &bad_csvs[_i];

    write_file("teams.csv", csv->text);
    assert_exit(moon("run", "--sim", BULK, "teams.csv", NULL), 1);
    ck_assert_str_eq(out(), "");
    for (size_t i = 0; i < 3 && csv->says[i] != NULL; i++)
        assert_says_once(err(), csv->says[i]);
    assert_says_once(err(), "nothing was sent");
    assert_exit(moon("run", "--sim", "--output", "json", BULK, "teams.csv", NULL), 1);
    assert_count("requests", 0);
}
END_TEST

START_TEST(a_missing_file_of_teams_is_named)
{
    assert_exit(moon("run", "--sim", BULK, "missing.csv", NULL), 1);
    assert_says_once(err(), "IOError: missing.csv: No such file or directory");
    assert_hides(err(), "request");
}
END_TEST

/* --- servers that fail ---------------------------------------------------------------- */

#define READ "-e", "require 'workspaces'.list()"

START_TEST(an_endpoint_that_refuses_is_told)
{
    set_credentials("http://127.0.0.1:1");
    assert_exit(moon("run", READ, NULL), 1);
    assert_says_once(err(), "ConnectionFailed: ");
    assert_says(err(), "127.0.0.1 port 1");
    assert_hides(err(), SECRET);
}
END_TEST

START_TEST(an_endpoint_that_never_answers_is_given_up)
{
    start_stub(STUB_SILENT);
    assert_exit(moon("run", "--request-timeout", "1s", READ, NULL), 1);
    assert_says_once(err(), "Timeout: ");
    assert_hides(err(), SECRET);
}
END_TEST

START_TEST(an_endpoint_that_sends_garbage_is_told)
{
    start_stub(STUB_GARBAGE);
    assert_exit(moon("run", READ, NULL), 1);
    assert_says_once(err(), "ProtocolError: ");
    assert_hides(err(), SECRET);
}
END_TEST

#define NSG                                                                              \
    "require 'networks'.ensure_gateway_subnet {vnet = 'vnet-apim', name = 'snet-a', "    \
    "prefix = '10.0.4.0/24', mode = 'integration'}"

START_TEST(a_missing_resource_provider_is_registered_when_asked_for)
{
    write_file("world.json", "{\"unregistered_providers\":[\"Microsoft.Network\"]}");
    assert_exit(moon("run", "--sim", "--world", "world.json", "-e", NSG, NULL), 1);
    assert_says_once(err(), "network security group 'nsg-snet-a' failed: "
                            "MissingSubscriptionRegistration");
    assert_says(err(), "--register-providers");
    assert_exit(moon("run", "--sim", "--world", "world.json", "--register-providers",
                     "-e", NSG, NULL),
                0);
    assert_says_once(err(), "registering resource provider Microsoft.Network");
    assert_says_once(err(), "subnet 'snet-a' created");
}
END_TEST

START_TEST(the_doctor_ends_with_4_when_something_essential_is_missing)
{
    assert_exit(moon("doctor", "--sim", NULL), 0);
    assert_says(out(), "ok       tier");
    ck_assert_str_eq(err(), "");
    assert_exit(moon("doctor", "--sim", "--service", "nope", NULL), 4);
    assert_says_once(out(), "failed   service");
    ck_assert_str_eq(err(), "");
    assert_exit(moon("doctor", "--sim", "--output", "json", NULL), 0);

    cJSON *findings = last_line();

    ck_assert(cJSON_IsTrue(json_at(findings, "ok")));
    cJSON_Delete(findings);
    assert_exit(moon("doctor", "now", NULL), 2);
}
END_TEST

START_TEST(an_export_is_read_only_and_applied_again_by_the_ready_script)
{
    assert_exit(moon("export", "--sim", "--out", "estate", NULL), 0);
    assert_says(out(), "estate: 0 workspaces, 0 gateways, 1 file");
    assert_exit(moon("export", "--sim", "--out", "estate", "--output", "json", NULL), 0);

    cJSON *summary = last_line();

    ck_assert_int_eq(json_at(summary, "files")->valueint, 1);
    cJSON_Delete(summary);
    assert_exit(moon("run", "--sim", "apply", "--folder", "estate", NULL), 0);
    assert_says(out(), "estate: 0 created, 0 changed, 0 unchanged, 0 deleted");
    assert_exit(moon("export", "--sim", "--out", "estate", "--workspace", "nope", NULL),
                1);
    assert_says(err(), "there is no workspace 'nope'");
    assert_exit(moon("export", "--sim", "--out", "world.json", NULL), 1);
    assert_says(err(), "world.json");
    assert_exit(moon("export", "--sim", NULL), 2);
    assert_says(err(), "--out DIR is needed");
    assert_exit(moon("export", "--sim", "--out", "estate", "now", NULL), 2);
}
END_TEST

START_TEST(the_doctor_does_not_call_groups_readable_when_graph_was_not_asked)
{
    start_sim(NULL, NULL);
    setenv("MOONGATE_ACCESS_TOKEN", "a.b.c", 1); /* and none for Graph */
    assert_exit(moon("doctor", NULL), 4);
    assert_says_once(out(), "failed   graph");
    ck_assert_ptr_null(strstr(out(), "groups can be read"));
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

START_TEST(the_doctor_says_what_to_set_and_not_where_it_stood)
{
    assert_exit(moon("doctor", NULL), 2);
    assert_says_once(err(), "NoTarget: nothing says which side to use");
    ck_assert_ptr_null(strstr(err(), "stack traceback"));
}
END_TEST

START_TEST(pages_that_go_round_in_a_circle_are_told)
{
    start_stub(STUB_CIRCLE);
    assert_exit(moon("run", "-e", "require 'workspaces'.list()", NULL), 1);
    assert_says_once(err(), "the pages of a list go round in a circle");
}
END_TEST

START_TEST(an_answer_without_an_end_is_refused_at_the_limit)
{
    start_stub(STUB_ENDLESS);
    assert_exit(moon("run", "--max-response", "8", READ, NULL), 1);
    assert_says_once(err(), "larger than 8388608 bytes (--max-response)");
    assert_hides(err(), SECRET);
}
END_TEST

/* --- a simulator in another process --------------------------------------------------- */

#define MAKE                                                                             \
    "-e", "print(require 'workspaces'.ensure('pay', {display_name = 'Pay'}).name)"
#define FIND "-e", "print(require 'workspaces'.find 'pay')"

START_TEST(sim_serves_a_run_elsewhere_and_ends_on_sigterm_with_0)
{
    start_sim(NULL, NULL);
    assert_exit(moon("run", MAKE, NULL), 0);
    ck_assert_str_eq(out(), "pay\n");

    char *endpoint = strdup(getenv("MOONGATE_ENDPOINT"));

    unsetenv("MOONGATE_ENDPOINT");
    assert_exit(moon("run", "--endpoint", endpoint, FIND, NULL), 0);
    assert_says(out(), "workspace 'pay' (display_name = Pay");
    free(endpoint);
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

START_TEST(sim_ends_on_ctrl_c_with_0)
{
    start_sim(NULL, NULL);
    ck_assert_int_eq(end_sim(SIGINT), 0);
}
END_TEST

START_TEST(a_state_file_survives_kill_9)
{
    unlink("killed.db");
    start_sim("--state", "killed.db");
    assert_exit(moon("run", MAKE, NULL), 0);
    ck_assert_int_eq(end_sim(SIGKILL), 128 + SIGKILL);
    assert_exit(moon("run", "--sim=killed.db", FIND, NULL), 0);
    assert_says(out(), "workspace 'pay'");
    start_sim("--state", "killed.db");
    assert_exit(moon("run", FIND, NULL), 0);
    assert_says(out(), "workspace 'pay'");
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

START_TEST(a_listening_address_that_is_taken_is_told)
{
    start_sim(NULL, NULL);

    const char *address = strstr(getenv("MOONGATE_ENDPOINT"), "//") + 2;

    assert_exit(moon("sim", "--listen", address, NULL), 1);
    assert_says_once(err(), address);
    ck_assert_str_eq(out(), "");
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

START_TEST(a_wrong_secret_exits_with_4_and_is_not_shown)
{
    start_sim(NULL, NULL);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    assert_exit(moon("run", "--log-level", "debug", READ, NULL), 4);
    assert_says(err(), "AuthenticationFailed");
    assert_hides(err(), SECRET);
    assert_hides(out(), SECRET);
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

START_TEST(a_guest_without_rights_exits_with_4)
{
    start_sim(NULL, NULL);
    setenv("AZURE_CLIENT_ID", getenv("MOONGATE_SIM_GUEST_ID"), 1);
    setenv("AZURE_CLIENT_SECRET", getenv("MOONGATE_SIM_GUEST_SECRET"), 1);
    assert_exit(moon("run", MAKE, NULL), 4);
    assert_says(err(), "AuthorizationFailed");
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

START_TEST(without_a_home_nobody_is_asked_to_sign_in_for_good)
{
    unsetenv("HOME");
    unsetenv("XDG_STATE_HOME");
    setenv("MOONGATE_ENDPOINT", "http://127.0.0.1:1", 1);
    assert_exit(moon("login", "--keep", NULL), 1);
    assert_says(err(), "there is no HOME");
    assert_hides(err(), "ConnectionFailed");
}
END_TEST

START_TEST(a_token_that_the_service_does_not_take_exits_with_4)
{
    static const char *const codes[] = {"InvalidAuthenticationToken",
                                        "ExpiredAuthenticationToken", "Unauthorized",
                                        "Forbidden"};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char code[64];

        snprintf(code, sizeof code, "error({code = '%s'})", codes[i]);
        assert_exit(moon("run", "-e", code, NULL), 4);
    }
}
END_TEST

#define PUT "require 'arm'.put('/subscriptions/s/resourceGroups/rg', {}, {})"

static const struct guarded {
    const char *option, *value, *says;
} guardeds[] = {
    {"--read-only", NULL,
     "--read-only: PUT /subscriptions/s/resourceGroups/rg is a write"},
    {"--within=/subscriptions/s/resourceGroups/r", NULL,
     "is outside of /subscriptions/s/resourcegroups/r"},
    {"--max-writes", "0", "would be write 1, and the limit is 0"},
};

/* The stub is silent: a run that sent anything would wait for it. */
START_TEST(what_a_guard_refuses_is_not_sent_and_exits_with_5)
{
    const struct guarded *row = &guardeds[_i];
    const char *rest = row->value != NULL ? row->value : "--output=json";

    start_stub(STUB_SILENT);
    assert_exit(moon("run", "--output=json", row->option, rest, "-e", PUT, NULL), 5);
    assert_says(out(), "GuardRefused");
    assert_says(out(), row->says);
    assert_count("requests", 0);
}
END_TEST

START_TEST(teams_that_a_guard_refused_exit_with_5)
{
    assert_exit(moon("run", "--sim", "--read-only", BULK, teams_csv, NULL), 5);
    assert_says(out(), "GuardRefused");
}
END_TEST

START_TEST(a_script_may_go_on_but_not_hide_that_a_guard_refused)
{
    assert_exit(
        moon("run", "--sim", "--read-only", "-e", "pcall(function() " PUT " end)", NULL),
        0);
    assert_says_once(err(), "warning: refused by --read-only: PUT /subscriptions/s/");
}
END_TEST

START_TEST(a_resource_group_by_name_needs_a_subscription)
{
    start_stub(STUB_SILENT);
    unsetenv("AZURE_SUBSCRIPTION_ID");
    assert_exit(moon("run", "--within", "rg", "-e", PUT, NULL), 2);
    assert_says(err(), "BadSetting: --within rg: a name is a resource group");
}
END_TEST

START_TEST(a_run_that_stays_inside_its_guards_is_not_disturbed)
{
    assert_exit(moon("run", "--sim", "--output=json", "--within=rg-apim",
                     "--max-writes=1", "--max-deletes=0", "-e",
                     "require 'workspaces'.ensure 'a'", NULL),
                0);
    assert_count("writes", 1);
}
END_TEST

/* Access tokens are signed JSON, which begins with these letters in base64. */
static void assert_no_secret(const char *text, const char *secret)
{
    assert_hides(text, secret);
    assert_hides(text, "eyJ");
    assert_hides(text, "Bearer ");
}

START_TEST(secrets_are_in_no_output)
{
    start_sim(NULL, NULL);

    const char *secret = getenv("AZURE_CLIENT_SECRET");
    const char *const levels[] = {"debug", "error"}, *const outputs[] = {"text", "json"};

    write_file(
        "secrets.lua",
        "local arm, json = require 'arm', require 'json'\n"
        "require 'workspaces'.ensure('pay', {description = 'x'})\n"
        "local answer = arm.get('/_sim/clock')\n"
        "print(json.encode(answer.headers), require 'tasks'.try(arm.get, '/nowhere'))\n"
        "print(pcall(arm.request, {url = 'http://127.0.0.2:9/'}))\n"
        "arm.get '/subscriptions/none'\n");
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 2; k++) {
            assert_exit(moon("run", "--log-level", levels[i], "--output", outputs[k],
                             "secrets.lua", NULL),
                        1);
            assert_no_secret(out(), secret);
            assert_no_secret(err(), secret);
        }
    }
    ck_assert_int_eq(end_sim(SIGTERM), 0);
}
END_TEST

/* --- results -------------------------------------------------------------------------- */

START_TEST(the_last_json_line_has_just_these_members)
{
    static const char *const members[] = {
        "event",   "run",    "status",   "created", "changed",      "unchanged",
        "deleted", "failed", "requests", "writes",  "wall_seconds", "virtual_seconds"};
    enum { COUNT = sizeof members / sizeof members[0] };
    size_t i = 0;

    assert_exit(moon("run", "--sim", "--output", "json", MAKE, NULL), 0);

    cJSON *summary = last_line();
    const cJSON *member;

    cJSON_ArrayForEach (member, summary) {
        ck_assert_uint_lt(i, COUNT);
        ck_assert_str_eq(member->string, members[i]);
        i++;
    }
    ck_assert_uint_eq(i, COUNT);
    ck_assert_str_eq(json_string_at(summary, "event"), "run.finished");
    ck_assert_str_eq(json_string_at(summary, "status"), "succeeded");
    ck_assert_int_eq((int)json_number_at(summary, "created", -1), 1);
    ck_assert_int_eq((int)json_number_at(summary, "writes", -1), 1);
    cJSON_Delete(summary);
}
END_TEST

START_TEST(every_json_line_is_an_object_with_an_event)
{
    assert_exit(moon("run", "--sim", "--output", "json", BULK, teams_csv, NULL), 0);
    for (const char *line = out(); *line != '\0'; line = strchr(line, '\n') + 1) {
        cJSON *tree = cJSON_Parse(line);

        ck_assert_msg(json_string_at(tree, "event") != NULL, "%s", line);
        ck_assert_ptr_nonnull(strchr(line, '\n'));
        cJSON_Delete(tree);
    }
}
END_TEST

START_TEST(onboarding_twice_writes_96_then_nothing)
{
    unlink("twice.db");
    for (int i = 0; i < 2; i++) {
        assert_exit(moon("run", "--sim=twice.db", "--output", "json", BULK, teams_csv,
                         "--network", "integration", NULL),
                    0);
        assert_count("writes", i == 0 ? 96 : 0);
        assert_count("created", i == 0 ? 96 : 0);
        assert_count("changed", 0);
        assert_count("unchanged", i == 0 ? 0 : 96);
        assert_count("failed", 0);
    }
    assert_exit(moon("run", "--sim=twice.db", "-e",
                     "print(require 'arm'.get '/_sim/ledger'.text)", NULL),
                0);

    cJSON *ledger = cJSON_Parse(out());
    const cJSON *entry;
    int count = 0;

    cJSON_ArrayForEach (entry, cJSON_GetObjectItem(ledger, "resources")) {
        ck_assert_int_eq((int)json_number_at(entry, "created", -1), 1);
        ck_assert_int_eq((int)json_number_at(entry, "changed", -1), 0);
        ck_assert_int_eq((int)json_number_at(entry, "deleted", -1), 0);
        count++;
    }
    ck_assert_int_eq(count, 96);
    cJSON_Delete(ledger);
}
END_TEST

/* --- streams -------------------------------------------------------------------------- */

#define CHATTY "-e", "for i = 1, 20000 do print('line ' .. i) end"

static void assert_stdout_fails(int stream, const char *format)
{
    start(&program, stream, "run", "--sim", "--output", format, CHATTY, NULL);
    assert_exit(await_end(&program), 1);
    assert_says_once(err(), "cannot write to standard output");
}

START_TEST(a_full_or_closed_stdout_exits_with_1)
{
    const int full = open("/dev/full", O_WRONLY);

    ck_assert_int_ge(full, 0);
    assert_stdout_fails(full, "text");
    assert_stdout_fails(full, "json");
    close(full);
    assert_stdout_fails(-1, "text");
    assert_stdout_fails(-1, "json");
}
END_TEST

START_TEST(a_reader_that_goes_away_does_not_kill_the_run)
{
    start(&program, PIPED, "run", "--sim", "--output", "json", CHATTY, NULL);
    await_text(&program, &program.out_text, "\n"); /* as head -1 */
    close(program.out);
    program.out = -1;
    assert_exit(await_end(&program), 0);
    assert_says_once(err(), "standard output is closed; the run goes on");
}
END_TEST

START_TEST(results_go_to_stdout_and_all_else_to_stderr)
{
    assert_exit(moon("run", "--sim", "-e",
                     "io.write('a', 1)\nprint(2)\nio.stdout:write 'b'\n"
                     "require 'workspaces'.ensure('w', {})\nrequire 'log'.error 'oh'",
                     NULL),
                0);
    ck_assert_str_eq(out(), "a12\nb");
    assert_says_once(err(), "oh");
    assert_says_once(err(), "succeeded");
    assert_says_once(err(), "1 created");
    assert_exit(moon("run", "--sim", "--quiet", "-e", "print(1)", NULL), 0);
    ck_assert_str_eq(out(), "1\n");
    ck_assert_str_eq(err(), "");
}
END_TEST

/* --- signals -------------------------------------------------------------------------- */

#define GATEWAY "-e", "print 'begun' require 'gateways'.ensure('gw-1', {})"

static void start_gateway(const char *clock)
{
    start(&program, PIPED, "run", "--sim", "--clock", clock, GATEWAY, NULL);
    await_text(&program, &program.err_text, "gateway 'gw-1' started");
}

START_TEST(an_interrupt_during_a_wait_exits_with_6_and_says_what_goes_on)
{
    static const struct {
        const char *clock;
        int number;
    } cases[] = {{"60x", SIGINT}, {"real", SIGINT}, {"60x", SIGTERM}, {"real", SIGHUP}};

    start_gateway(cases[_i].clock);
    kill(program.pid, cases[_i].number);
    assert_exit(await_end(&program), 6);
    assert_says_once(err(), "interrupted: nothing new is sent");
    assert_says_once(err(), "still going on at the service: gateway 'gw-1'");
    assert_says_once(err(), "run the same script again");
}
END_TEST

/* A thousand writes that the request budget holds back; a simulator in real time. */
START_TEST(what_was_never_sent_is_not_said_to_go_on)
{
    write_file("world.json", "{\"limits\":{\"workspaces_per_service\":2000}}");
    start(&program, PIPED, "run", "--sim", "--world", "world.json", "--clock", "real",
          "-e",
          "local workspaces, tasks = require 'workspaces', require 'tasks'\n"
          "local names, count = {}, 0\n"
          "for i = 1, 1000 do names[i] = 'w' .. i end\n"
          "tasks.map(names, function(name)\n"
          "  workspaces.create(name, {})\n"
          "  count = count + 1\n"
          "  if count == 190 then print 'now' end\n" /* the bucket is as good as empty */
          "end, {limit = 1000})",
          NULL);
    await_text(&program, &program.out_text, "now");
    kill(program.pid, SIGINT);
    assert_exit(await_end(&program), 6);
    assert_says_once(err(), " not begun; ");
    assert_hides(err(), "still going on at the service");
    assert_hides(err(), "no longer waited for");
}
END_TEST

START_TEST(a_second_interrupt_does_not_wait_for_answers)
{
    start_stub(STUB_SIGNS_IN);
    start(&program, PIPED, "run", "-e", "print 'begun' require 'workspaces'.list()",
          NULL);

    struct pollfd asked = {.fd = silence[0], .events = POLLIN};

    ck_assert_int_eq(poll(&asked, 1, PATIENCE_MS), 1);
    kill(program.pid, SIGINT);
    await_text(&program, &program.err_text, "again: stop at once");
    kill(program.pid, SIGINT);
    assert_exit(await_end(&program), 6);
    assert_says_once(err(), "interrupted again: stopping at once");
}
END_TEST

START_TEST(an_interrupted_run_of_two_can_be_finished_by_the_same_script)
{
    unlink("again.db");
    start(&program, PIPED, "run", "--sim=again.db", "--clock", "60x", GATEWAY, NULL);
    await_text(&program, &program.err_text, "gateway 'gw-1' started");
    kill(program.pid, SIGINT);
    assert_exit(await_end(&program), 6);
    assert_exit(moon("run", "--sim=again.db", "--output", "json", GATEWAY, NULL), 0);
    assert_count("failed", 0);
    assert_exit(
        moon("run", "--sim=again.db", "-e",
             "for _, r in ipairs(require 'arm'.get '/_sim/ledger'.body.resources) do\n"
             "  print(r.id:match '[^/]+$', r.created, r.changed)\nend",
             NULL),
        0);
    ck_assert_str_eq(out(), "gw-1\t1\t0\n");
}
END_TEST

START_TEST(an_interrupt_stops_a_busy_script_that_catches_errors)
{
    static const char *const loops[] = {
        "print 'begun' while true do end",
        "print 'begun' while true do pcall(function() while true do end end) end",
        "print 'begun' local function f() pcall(f) return f() end f()",
        "coroutine.wrap(function() print 'begun' while true do pcall(error) end end)()",
        "coroutine.wrap(function() while true do pcall(coroutine.wrap(function()\n"
        "  print 'begun' while true do end\nend)) end end)()",
        "print 'begun' while true do pcall(string.rep, 'x', 100) end",
        "print 'begun' local t = {} for i = 1, 1e5 do t[i] = i end\n"
        "while true do table.sort(t, function(a, b) return a > b end) end"};

    start(&program, PIPED, "run", "--sim", "-e", loops[_i], NULL);
    await_text(&program, &program.out_text, "begun");
    kill(program.pid, SIGINT);
    assert_exit(await_end(&program), 6);
    assert_says_once(err(), "interrupted after");
    assert_hides(err(), "traceback");
}
END_TEST

/* Starts it with a terminal of its own as stdin, stdout and stderr. */
static void start_on_terminal(struct program *p, char *const *words)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    *p = (struct program){.out = master, .err = -1};
    p->pid = fork();
    if (p->pid == 0) {
        const struct winsize size = {.ws_row = 24, .ws_col = 80};

        setsid();

        const int terminal = open(ptsname(master), O_RDWR);

        ioctl(terminal, TIOCSCTTY, 0);
        ioctl(terminal, TIOCSWINSZ, &size);
        close(master);
        for (int fd = 0; fd <= 2; fd++)
            dup2(terminal, fd);
        execv(moongate, words);
        _exit(127);
    }
}

START_TEST(ctrl_c_on_a_terminal_ends_the_picture)
{
    char *words[] = {moongate,
                     (char *)"run",
                     (char *)"--sim",
                     (char *)"--clock",
                     (char *)"60x",
                     (char *)"-e",
                     (char *)"require 'gateways'.ensure('gw-1', {})",
                     NULL};

    start_on_terminal(&program, words);
    await_text(&program, &program.out_text, "gw-1");
    ck_assert_int_eq((int)write(program.out, "\x03", 1), 1);
    assert_exit(await_end(&program), 6);
    assert_says(out(), "still going on at the service: gateway 'gw-1'");
    assert_says(out(), "\x1b[?25h"); /* the cursor is back */
}
END_TEST

/* --- the suite ------------------------------------------------------------------------ */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, TEST_TIMEOUT_S);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static void add_script_cases(Suite *suite)
{
    TCase *words = add_case(suite, "words");
    TCase *scripts = add_case(suite, "scripts");

    tcase_add_test(words, version_and_help_are_printed_to_stdout);
    tcase_add_test(words, explain_says_who_may_do_what_by_its_exit_code_too);
    tcase_add_loop_test(words, wrong_usage_is_told_once_and_exits_with_2, 0,
                        (int)(sizeof wrong_usage / sizeof wrong_usage[0]));
    tcase_add_loop_test(
        scripts, a_mistake_in_a_script_is_told_with_its_line_and_nothing_is_written, 0,
        (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(scripts, an_error_deep_in_a_task_is_traced_to_the_lines_of_the_script);
    tcase_add_test(scripts, a_task_that_fails_unseen_fails_the_run);
    tcase_add_test(scripts, ten_thousand_tasks_wait_side_by_side);
    tcase_add_loop_test(scripts,
                        mistakes_in_a_file_of_teams_are_told_together_and_nothing_is_sent,
                        0, (int)(sizeof bad_csvs / sizeof bad_csvs[0]));
    tcase_add_test(scripts, a_missing_file_of_teams_is_named);
}

static void add_server_cases(Suite *suite)
{
    TCase *servers = add_case(suite, "servers");
    TCase *simulator = add_case(suite, "simulator");

    tcase_add_test(servers, an_endpoint_that_refuses_is_told);
    tcase_add_test(servers, an_endpoint_that_never_answers_is_given_up);
    tcase_add_test(servers, an_endpoint_that_sends_garbage_is_told);
    tcase_add_test(servers, a_missing_resource_provider_is_registered_when_asked_for);
    tcase_add_test(servers, the_doctor_ends_with_4_when_something_essential_is_missing);
    tcase_add_test(servers, an_export_is_read_only_and_applied_again_by_the_ready_script);
    tcase_add_test(servers,
                   the_doctor_does_not_call_groups_readable_when_graph_was_not_asked);
    tcase_add_test(servers, the_doctor_says_what_to_set_and_not_where_it_stood);
    tcase_add_test(servers, pages_that_go_round_in_a_circle_are_told);
    tcase_add_test(servers, an_answer_without_an_end_is_refused_at_the_limit);
    tcase_add_test(simulator, sim_serves_a_run_elsewhere_and_ends_on_sigterm_with_0);
    tcase_add_test(simulator, sim_ends_on_ctrl_c_with_0);
    tcase_add_test(simulator, a_state_file_survives_kill_9);
    tcase_add_test(simulator, a_listening_address_that_is_taken_is_told);
    tcase_add_test(simulator, a_wrong_secret_exits_with_4_and_is_not_shown);
    tcase_add_test(simulator, a_guest_without_rights_exits_with_4);
    tcase_add_test(simulator, without_a_home_nobody_is_asked_to_sign_in_for_good);
    tcase_add_test(simulator, a_token_that_the_service_does_not_take_exits_with_4);
    tcase_add_test(simulator, secrets_are_in_no_output);
}

static void add_run_cases(Suite *suite)
{
    TCase *results = add_case(suite, "results");
    TCase *guards = add_case(suite, "guards");
    TCase *streams = add_case(suite, "streams");
    TCase *signals = add_case(suite, "signals");

    tcase_add_test(results, the_last_json_line_has_just_these_members);
    tcase_add_test(results, every_json_line_is_an_object_with_an_event);
    tcase_add_test(results, onboarding_twice_writes_96_then_nothing);
    tcase_add_loop_test(guards, what_a_guard_refuses_is_not_sent_and_exits_with_5, 0,
                        (int)(sizeof guardeds / sizeof guardeds[0]));
    tcase_add_test(guards, teams_that_a_guard_refused_exit_with_5);
    tcase_add_test(guards, a_script_may_go_on_but_not_hide_that_a_guard_refused);
    tcase_add_test(guards, a_resource_group_by_name_needs_a_subscription);
    tcase_add_test(guards, a_run_that_stays_inside_its_guards_is_not_disturbed);
    tcase_add_test(streams, a_full_or_closed_stdout_exits_with_1);
    tcase_add_test(streams, a_reader_that_goes_away_does_not_kill_the_run);
    tcase_add_test(streams, results_go_to_stdout_and_all_else_to_stderr);
    tcase_add_loop_test(
        signals, an_interrupt_during_a_wait_exits_with_6_and_says_what_goes_on, 0, 4);
    tcase_add_test(signals, what_was_never_sent_is_not_said_to_go_on);
    tcase_add_test(signals, a_second_interrupt_does_not_wait_for_answers);
    tcase_add_test(signals, an_interrupted_run_of_two_can_be_finished_by_the_same_script);
    tcase_add_loop_test(signals, an_interrupt_stops_a_busy_script_that_catches_errors, 0,
                        7);
    const int master = posix_openpt(O_RDWR | O_NOCTTY); /* a bare chroot has none */

    if (master >= 0) {
        close(master);
        tcase_add_test(signals, ctrl_c_on_a_terminal_ends_the_picture);
    } else {
        puts("skipped: Ctrl-C at a terminal, as there are no pseudo-terminals here");
    }
}

/* Works in a folder of its own. Returns false, with the reason told, when it cannot. */
static bool enter_folder(void)
{
    const char *binary = getenv("MOONGATE");

    if (realpath(binary != NULL ? binary : "build/moongate", moongate) == NULL ||
        realpath("scripts/teams.csv", teams_csv) == NULL || mkdtemp(folder) == NULL ||
        chdir(folder) != 0) {
        perror("check_cli: the binary, scripts/teams.csv or a folder of its own");
        return false;
    }
    return true;
}

static void remove_folder(void)
{
    DIR *open_folder = opendir(folder);
    const struct dirent *entry;

    while (open_folder != NULL && (entry = readdir(open_folder)) != NULL)
        unlink(entry->d_name); /* . and .. stay */
    if (open_folder != NULL)
        closedir(open_folder);
    rmdir(folder);
}

int main(void)
{
    Suite *suite = suite_create("cli");

    if (!enter_folder())
        return 1;
    add_script_cases(suite);
    add_server_cases(suite);
    add_run_cases(suite);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    remove_folder();
    return failed == 0 ? 0 : 1;
}
