/* tests/check_post.c - what tells somebody of a job: a POST, a mail, a command; by core.post, with
 * servers on the session's own loop. Whoever blocked that loop would wait for himself.
 *
 * Nothing is slept for; only what must be too late takes its fraction of a second. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/base64.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "jobs/mail_text.h"
#include "jobs/post.h"
#include "mail_end.h"
#include "run/run.h"
#include "run/session.h"
#include "server.h"
#include "suite.h"

#define SECRET "s3cr3t-w0rd"

static char folder[] = "/tmp/check_post.XXXXXX";
static char *ca_file;
static struct settings settings;
static struct session *session;
static struct server server;
static struct mail_end mail;
static struct buffer printed; /* what the session said */

static void take_log(void *context, enum log_level level, const char *text)
{
    (void)context, (void)level;
    buffer_printf(&printed, "%s\n", text);
}

static void open_session(void)
{
    struct failure *failure = NULL;

    settings.quiet = true;
    settings.manages_runs = true;
    session = session_open(&settings, &failure);
    ck_assert_ptr_nonnull(session);
}

static void set_up(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_STATE_HOME", folder, 1);
    setenv("HOME", folder, 1);
    ca_file = memory_format("%s/ca.pem", folder);
    settings = (struct settings){0};
}

static void tear_down(void)
{
    char *command = memory_format("rm -rf %s", folder);

    ck_assert_int_eq(system(command), 0);
    free(command);
    free(ca_file);
    buffer_deinit(&printed);
}

/* Runs Lua to its end, with `post` and these arguments; what it asserts must be so. */
static void run(const char *code, const char *first, const char *second,
                const char *third)
{
    char *const arguments[] = {(char *)first, (char *)second, (char *)third};
    char *whole = memory_format(
        "local post, tasks = require 'core.post', require 'tasks'\n"
        "local function refused(code, f, ...)\n"
        "  local ok, why = pcall(f, ...)\n"
        "  assert(not ok, 'nothing was raised')\n"
        "  assert((type(why) == 'string' and code == '') or why.code == code, "
        "tostring(why))\n"
        "  return tostring(why) .. tostring(type(why) ~= 'string' and why.target or '')\n"
        "end\n"
        "%s",
        code);

    log_set_sink(take_log, NULL);
    ck_assert_int_eq(run_script(session, &(struct run_request){.code = whole,
                                                               .arguments = arguments,
                                                               .argument_count = 3}),
                     EXIT_DONE);
    log_set_sink(NULL, NULL);
    free(whole);
}

/* --- HTTP --------------------------------------------------------------------------------- */

static void begin_http(void)
{
    set_up();
    open_session();
    server_open(&server, session_loop(session));
}

static void end_http(void)
{
    server_close(&server);
    session_close(session);
    tear_down();
}

/* `%s` in the code is the server's URL. */
static void run_http(const struct server_step *script, const char *code)
{
    server_play(&server, script);
    run(code, server.base, "", "");
}

START_TEST(a_body_is_posted_and_the_answer_comes_back)
{
    const struct server_step script[] = {
        STEP("POST /hook?a=b", 202, "Retry-After: 7", "taken"), {0}};

    run_http(script,
             "local status, text, after = post.http{url = ... .. '/hook?a=b', body = "
             "'{\"a\":1}',\n"
             "  headers = {'content-type: application/json', 'webhook-id: msg_1'}}\n"
             "assert(status == 202 and text == 'taken' and after == 7.0)");
    ck_assert(server_saw(&server, "content-type: application/json\r\n"));
    ck_assert(server_saw(&server, "webhook-id: msg_1\r\n"));
    ck_assert_str_eq(server.bodies.data, "{\"a\":1}\n");
    ck_assert_uint_eq(server.request_count, 1);
}
END_TEST

static const int statuses[] = {200, 204, 301, 307, 400, 404, 408, 410, 429, 500, 503};

START_TEST(any_status_is_an_answer_and_nothing_is_followed_or_repeated)
{
    const struct server_step script[] = {
        STEP("POST /", statuses[_i], "Location: {base}/elsewhere", ""), {0}};
    char *status = memory_format("%d", statuses[_i]);

    server_play(&server, script);
    run("local url, status = ...\n"
        "local got, _, after = post.http{url = url .. '/', body = ''}\n"
        "assert(got == tonumber(status) and after == nil)",
        server.base, status, "");
    ck_assert_str_eq(server_log(&server), "POST /\n");
    free(status);
}
END_TEST

START_TEST(of_a_long_answer_the_start_is_kept)
{
    char *long_body = memory_new(10001);
    const struct server_step script[] = {
        STEP("POST /", 500, NULL, long_body),
        {.request = "POST /endless", .manner = SERVER_CHATTERS},
        {0}};

    memset(long_body, 'x', 10000);
    run_http(script, "local status, text = post.http{url = ... .. '/', body = ''}\n"
                     "assert(status == 500 and text == ('x'):rep(4096), #text)\n"
                     "status, text = post.http{url = ... .. '/endless', body = ''}\n"
                     "assert(status == 200 and #text == 4096)");
    ck_assert_uint_lt(server.chatter_bytes, 64 << 20);
    free(long_body);
}
END_TEST

START_TEST(what_does_not_answer_is_a_failure_that_names_no_address)
{
    const struct server_step script[] = {
        {.request = "POST /" SECRET, .manner = SERVER_STALLS},
        {.request = "POST /" SECRET, .manner = SERVER_CLOSES},
        {.request = "POST /" SECRET, .manner = SERVER_RESETS},
        {.request = "POST /" SECRET, .manner = SERVER_BABBLES, .body = "hello\r\n\r\n"},
        {0}};

    run_http(script,
             "local url = ... .. '/" SECRET "'\n"
             "local said = {}\n"
             "for _, code in ipairs{'Timeout', 'ConnectionFailed', 'ConnectionFailed',\n"
             "                      'ProtocolError'} do\n"
             "  said[#said + 1] = refused(code, post.http, {url = url, body = '', "
             "timeout = 0.2})\n"
             "end\n"
             "said[5] = refused('ConnectionFailed', post.http,\n"
             "  {url = 'http://127.0.0.1:1/" SECRET "', body = ''})\n"
             "said[6] = refused('ConnectionFailed', post.http,\n"
             "  {url = 'http://" SECRET ".invalid/', body = ''})\n"
             "said = table.concat(said, '\\n')\n"
             "assert(not said:find('" SECRET "', 1, true), said)\n"
             "assert(not said:find('127.0.0.1', 1, true), said)");
    ck_assert_ptr_null(printed.data != NULL ? strstr(printed.data, SECRET) : NULL);
}
END_TEST

static const struct {
    const char *url, *header;
} hostile[] = {
    {"ftp://" SECRET "/", "a: b"},
    {"http://a/" SECRET "\r\nX: y", "a: b"},
    {"http://a/" SECRET " b", "a: b"},
    {"http://u:" SECRET "@a/", "a: b"},
    {"/" SECRET, "a: b"},
    {"", "a: b"},
    {"http://127.0.0.1:1/" SECRET, "a: b\r\nX-Injected: " SECRET},
    {"http://127.0.0.1:1/" SECRET, "a: b\nX-Injected: " SECRET},
    {"http://127.0.0.1:1/" SECRET, "a b: " SECRET},
    {"http://127.0.0.1:1/" SECRET, SECRET},
};

START_TEST(what_is_no_address_and_no_header_is_not_sent)
{
    run("local url, header = ...\n"
        "local said = refused('InvalidAddress', post.http,\n"
        "  {url = url, body = '', headers = {header}})\n"
        "assert(not said:find('" SECRET "', 1, true), said)",
        hostile[_i].url, hostile[_i].header, "");
    ck_assert_uint_eq(server.connection_count, 0);
}
END_TEST

START_TEST(wrong_arguments_are_the_callers)
{
    run("local url = ...\n"
        "refused('', post.http, {body = ''})\n"
        "refused('', post.http, {url = url})\n"
        "refused('', post.http, {url = url, body = 1})\n"
        "refused('', post.http, {url = url .. '\\0', body = ''})\n"
        "refused('', post.http, {url = url, body = '', headers = {1}})\n"
        "refused('', post.http, {url = url, body = '', header = {}})\n"
        "refused('', post.http, url)\n"
        "local many = {}\n"
        "for i = 1, 17 do many[i] = 'a: b' end\n"
        "refused('', post.http, {url = url, body = '', headers = many})\n"
        "refused('', post.command, {})\n"
        "refused('', post.command, {words = {'true'}, environment = {'=x'}})\n"
        "refused('', string.gsub, 'x', 'x', function()\n"
        "  post.http{url = url, body = ''} -- nobody could wake it\n"
        "end)",
        server.base, "", "");
    ck_assert_uint_eq(server.connection_count, 0);
}
END_TEST

START_TEST(closing_the_task_ends_it)
{
    const struct server_step script[] = {
        {.request = "POST /", .manner = SERVER_STALLS, .stays = true}, {0}};

    run_http(script,
             "local url = ...\n"
             "local task = tasks.spawn(post.http, {url = url .. '/', body = ''})\n"
             "local _, why = tasks.try(tasks.timeout, 0.2, task.join, task)\n"
             "assert(why.code == 'Timeout')\n"
             "task:cancel()\n"
             "assert(task:status() == 'canceled')");
    ck_assert_uint_eq(server.request_count, 1);
}
END_TEST

START_TEST(scripts_do_not_get_it)
{
    settings.manages_runs = false;
    ck_assert_int_eq(
        run_script(
            session,
            &(struct run_request){.code = "local ok, why = pcall(require, 'core.post')\n"
                                          "assert(not ok)\n"}),
        EXIT_DONE);
}
END_TEST

/* --- signatures --------------------------------------------------------------------------- */

START_TEST(a_signature_is_that_of_standard_webhooks)
{
    /* the example of the specification's own libraries */
    run("local whole = 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}'\n"
        "assert(post.sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', whole)\n"
        "  == 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')\n"
        /* RFC 4231, 4.3: a key as it is */
        "assert(post.sign('Jefe', 'what do ya want for nothing?')\n"
        "  == 'v1,W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=')\n"
        "for _, secret in ipairs{'', 'whsec_', 'whsec_%%'} do\n"
        "  refused('InvalidSecret', post.sign, secret, whole)\n"
        "end\n"
        "assert(post.id():match '^msg_%x+$' and #post.id() == 36 and post.id() ~= "
        "post.id())",
        "", "", "");
}
END_TEST

/* --- mails -------------------------------------------------------------------------------- */

static void end_mail(void)
{
    mail_end_close(&mail);
    session_close(session);
    tear_down();
}

static void begin_mail(void)
{
    set_up();
    open_session();
    mail_end_open(&mail, session_loop(session), NULL, false);
}

/* The server has TLS, and is trusted or not. */
static void begin_secure(bool is_tls_at_once, bool is_trusted)
{
    set_up();
    settings.ca_file = is_trusted ? ca_file : NULL;
    open_session();
    mail_end_open(&mail, session_loop(session), ca_file, is_tls_at_once);
    mail.features = "250-AUTH PLAIN LOGIN";
}

/* Sends a mail with these members more, and sees that `check` (of `status` or `why`) holds. */
static void send_mail(const char *more, const char *check)
{
    char *code = memory_format(
        "local server = ...\n"
        "local options = {server = server, from = 'Moongate <jobs@corp.example>',\n"
        "  to = {'a@corp.example', 'B <b@corp.example>'}, receiver = 'B "
        "<b@corp.example>',\n"
        "  subject = 'job nightly failed', text = 'It failed.\\n.\\nBye', id = 'msg_1',\n"
        "  at = 1769886000, timeout = 5}\n"
        "for key, value in pairs{%s} do options[key] = value end\n"
        "local status, why = tasks.try(post.mail, options)\n"
        "assert(not tostring(why):find('" SECRET "', 1, true), tostring(why))\n"
        "assert(%s, tostring(status) .. ' ' .. tostring(why))",
        more, check);

    run(code, mail.server, "", "");
    free(code);
}

#define SIGN_IN "user = 'jobs', password = '" SECRET "'"

START_TEST(a_mail_is_handed_to_the_server)
{
    send_mail("", "status == 250");
    ck_assert_ptr_nonnull(strstr(mail_end_log(&mail), "MAIL FROM:<jobs@corp.example>"));
    ck_assert_ptr_nonnull(strstr(mail_end_log(&mail), "RCPT TO:<b@corp.example>"));
    ck_assert_ptr_null(strstr(mail_end_log(&mail), "a@corp.example"));
    ck_assert_str_eq(mail_end_message(&mail),
                     "Date: Sat, 31 Jan 2026 19:00:00 +0000\n"
                     "From: \"Moongate\"\n <jobs@corp.example>\n"
                     "To: <a@corp.example>,\n \"B\"\n <b@corp.example>\n"
                     "Message-ID: <msg_1@corp.example>\n"
                     "Subject: job nightly failed\n"
                     "Auto-Submitted: auto-generated\n"
                     "MIME-Version: 1.0\n"
                     "Content-Type: text/plain; charset=UTF-8\n"
                     "Content-Transfer-Encoding: base64\n"
                     "\n"
                     "SXQgZmFpbGVkLg0KLg0KQnll\n");
    ck_assert_uint_eq(mail.mails, 1);
}
END_TEST

static const struct refusal {
    struct mail_step step;
    int status;
} refusals[] = {
    {{"", "421 too busy", MAIL_REPLIES}, 421},
    {{"", "554 go away", MAIL_CLOSES}, 554},
    {{"MAIL", "451 later", MAIL_REPLIES}, 451},
    {{"MAIL", "553 no", MAIL_REPLIES}, 553},
    {{"RCPT", "450 later", MAIL_REPLIES}, 450},
    {{"RCPT", "550 " SECRET, MAIL_REPLIES}, 550},
    {{"DATA", "554 no", MAIL_REPLIES}, 554},
    {{".", "452 full", MAIL_REPLIES}, 452},
    {{".", "550-spam\r\n550 no", MAIL_REPLIES}, 550},
};

START_TEST(a_refusal_is_an_answer_with_its_status)
{
    /* and nobody waits for what such a server says of QUIT */
    const struct mail_step script[] = {
        refusals[_i].step, {"QUIT", NULL, MAIL_STALLS}, {0}};
    char *check = memory_format("status == %d", refusals[_i].status);

    mail.script = script;
    send_mail("", check);
    free(check);
}
END_TEST

START_TEST(a_server_that_does_not_say_goodbye_is_not_waited_for)
{
    const struct mail_step script[] = {{"QUIT", NULL, MAIL_STALLS}, {0}};

    mail.script = script;
    send_mail("", "status == 250");
    ck_assert_uint_eq(mail.mails, 1);
}
END_TEST

static const char *const words[] = {"", "EHLO", "MAIL", "RCPT", "DATA", "."};

START_TEST(a_server_that_says_nothing_is_too_late)
{
    const struct mail_step script[] = {{words[_i], NULL, MAIL_STALLS}, {0}};

    mail.script = script;
    send_mail("timeout = 0.2", "not status and why.code == 'Timeout'");
}
END_TEST

START_TEST(a_server_that_hangs_up_is_no_connection)
{
    const struct mail_step script[] = {{words[_i], NULL, MAIL_CLOSES}, {0}};

    mail.script = script;
    send_mail("", "not status and why.code == 'ConnectionFailed'");
}
END_TEST

START_TEST(a_mail_ends_with_its_task)
{
    const struct mail_step script[] = {{"DATA", NULL, MAIL_STALLS}, {0}};

    mail.script = script;
    run("local task = tasks.spawn(post.mail, {server = ..., from = 'a@b.example',\n"
        "  to = {'c@d.example'}, receiver = 'c@d.example', subject = '', text = '', id = "
        "'x'})\n"
        "local _, why = tasks.try(tasks.timeout, 0.3, task.join, task)\n"
        "assert(why.code == 'Timeout')\n"
        "task:cancel()",
        mail.server, "", "");
    ck_assert(mail.was_stalled);
    ck_assert_uint_eq(mail.mails, 0);
}
END_TEST

START_TEST(a_password_is_not_told_where_there_is_no_tls)
{
    mail.features = "250-AUTH PLAIN LOGIN";
    send_mail(SIGN_IN, "not status and why.code == 'ConnectionFailed'");
    ck_assert_ptr_null(strstr(mail_end_log(&mail), "AUTH"));
    ck_assert_ptr_null(strstr(mail_end_log(&mail), "MAIL"));
}
END_TEST

START_TEST(who_signs_in_does_so_behind_starttls)
{
    begin_secure(false, true);
    send_mail(SIGN_IN, "status == 250");

    const char *tls = strstr(mail_end_log(&mail), "STARTTLS\n");

    ck_assert_ptr_nonnull(tls);
    ck_assert_ptr_nonnull(strstr(tls, "AUTH PLAIN"));
    ck_assert_ptr_nonnull(strstr(tls, "RCPT TO:<b@corp.example>"));
    ck_assert_uint_eq(mail.mails, 1);
    end_mail();
}
END_TEST

START_TEST(smtps_is_encrypted_from_the_start)
{
    begin_secure(true, true);
    send_mail(SIGN_IN, "status == 250");
    ck_assert_ptr_null(strstr(mail_end_log(&mail), "STARTTLS"));
    ck_assert_ptr_nonnull(strstr(mail_end_log(&mail), "AUTH PLAIN"));
    end_mail();
}
END_TEST

START_TEST(a_server_that_nobody_vouches_for_gets_no_password)
{
    begin_secure(_i == 1, false);
    send_mail(SIGN_IN, "not status and why.code == 'ConnectionFailed'");
    ck_assert_ptr_null(strstr(mail_end_log(&mail), "AUTH"));
    ck_assert_uint_eq(mail.mails, 0);
    end_mail();
}
END_TEST

START_TEST(smtps_without_a_password_is_checked_all_the_same)
{
    begin_secure(true, false);
    send_mail("", "not status and why.code == 'ConnectionFailed'");
    ck_assert_uint_eq(mail.mails, 0);
    end_mail();
}
END_TEST

START_TEST(without_a_password_it_is_encrypted_where_that_can_be)
{
    begin_secure(false, false);
    send_mail("", "status == 250");
    ck_assert(mail.is_encrypted);
    ck_assert_uint_eq(mail.mails, 1);
    end_mail();
}
END_TEST

START_TEST(a_wrong_password_is_refused_with_its_status)
{
    const struct mail_step script[] = {
        {"AUTH", "535 5.7.8 " SECRET " is wrong", MAIL_REPLIES}, {0}};

    begin_secure(false, true);
    mail.script = script;
    send_mail(SIGN_IN, "status == 535");
    ck_assert_uint_eq(mail.mails, 0);
    end_mail();
}
END_TEST

static const char *const bad_members[] = {
    "from = 'a@b.example\\r\\nBcc: x@y.example'",
    "from = 'A\\r\\nBcc: x@y.example <a@b.example>'",
    "receiver = 'b@corp.example>\\r\\nRCPT TO:<x@y.example'",
    "receiver = 'b@corp.example> NOTIFY=NEVER <b@corp.example'",
    "to = {'b@corp.example', 'x@y.example\\nSubject: y'}",
    "to = {'b@corp.example, x@y.example'}",
    "from = ''",
    "from = 'jobs'",
    "from = 'jobs@'",
    "from = 'j\\xc3\\xb6bs@corp.example'",
    "from = '\\xff <jobs@corp.example>'",
    "server = 'smtp://127.0.0.1:1/x\\r\\nQUIT'",
    "server = 'smtp://user:pass@127.0.0.1'",
    "server = 'http://127.0.0.1'",
    "server = '127.0.0.1'",
};

START_TEST(what_is_no_address_gets_no_mail)
{
    send_mail(bad_members[_i], "not status and why.code == 'InvalidAddress'");
    ck_assert_uint_eq(mail.connections, 0);
}
END_TEST

START_TEST(both_of_user_and_password_are_given)
{
    run("local function send(more)\n"
        "  local options = {server = 'smtp://127.0.0.1:1', from = 'a@b.example', to = "
        "{},\n"
        "    receiver = 'a@b.example', subject = '', text = '', id = 'x'}\n"
        "  for key, value in pairs(more) do options[key] = value end\n"
        "  post.mail(options)\n"
        "end\n"
        "refused('', send, {user = 'u'})\n"
        "refused('', send, {password = 'p'})\n"
        "for _, at in ipairs{-1, 0 / 0, 1e300, 'x'} do refused('', send, {at = at}) end\n"
        "refused('', send, {id = 'a b'})\n"
        "refused('', send, {id = 'a>\\r\\nX: y'})",
        "", "", "");
}
END_TEST

/* --- the text of a mail -------------------------------------------------------------------- */

static const struct {
    const char *subject, *line;
} subjects[] = {
    {"short", "Subject: short\r\n"},
    {"", "Subject: \r\n"},
    {"a\r\nBcc: x@y.example", "Subject: =?UTF-8?B?YSAgQmNjOiB4QHkuZXhhbXBsZQ==?=\r\n"},
    {"caf\xc3\xa9", "Subject: =?UTF-8?B?Y2Fmw6k=?=\r\n"},
    {"=?UTF-8?B?YQ==?=", "Subject: =?UTF-8?B?PT9VVEYtOD9CP1lRPT0/PQ==?=\r\n"},
    {"0123456789012345678901234567890123456789abcd\xc3\xa9!", /* é does not fit in the first */
     "Subject: "
     "=?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OWFiY2Q=?=\r\n"
     " =?UTF-8?B?w6kh?=\r\n"},
};

static char *compose(const char *from, const char *subject, const char *text)
{
    const char *to[] = {"b@corp.example", NULL};
    size_t length;

    return mail_compose(&(struct post_mail){.from = from,
                                            .to = to,
                                            .receiver = to[0],
                                            .subject = subject,
                                            .text = text,
                                            .id = "x"},
                        &length);
}

START_TEST(a_subject_is_one_header_field_whatever_it_holds)
{
    char *message = compose("a@b.example", subjects[_i].subject, "");

    ck_assert_ptr_nonnull(strstr(message, subjects[_i].line));
    ck_assert_ptr_null(strstr(message, "\nBcc:"));
    free(message);
}
END_TEST

static const struct {
    const char *from, *line;
} names[] = {
    {"a@b.example", "From: <a@b.example>\r\n"},
    {"J. \"D\" <a@b.example>", "From: \"J. \\\"D\"\r\n <a@b.example>\r\n"},
    {"\"Jobs, Inc\" <a@b.example>", "From: \"Jobs, Inc\"\r\n <a@b.example>\r\n"},
    {"J\xc3\xb6"
     "rg <a@b.example>",
     "From: =?UTF-8?B?SsO2cmc=?=\r\n <a@b.example>\r\n"},
    {"<a@b.example>", "From: <a@b.example>\r\n"},
    {"x <y> <a@b.example>", "From: \"x <y>\"\r\n <a@b.example>\r\n"},
};

START_TEST(a_name_is_quoted_or_encoded)
{
    char *message = compose(names[_i].from, "", "");

    ck_assert_ptr_null(mailbox_check(names[_i].from));
    ck_assert_msg(strstr(message, names[_i].line) != NULL, "%s", message);
    ck_assert_ptr_nonnull(strstr(message, "Message-ID: <x@b.example>\r\n"));
    free(message);
}
END_TEST

START_TEST(a_long_text_comes_back_and_no_line_is_long)
{
    struct buffer text = {0}, body = {0};
    char *message;

    for (int i = 0; i < 500; i++)
        buffer_printf(&text, "line %d \xe2\x9c\x93\r\n", i);
    message = compose("a@b.example", "", text.data);

    const char *start = strstr(message, "\r\n\r\n") + 4;
    struct buffer encoded = {0};

    for (const char *line = message; *line != '\0'; line = strstr(line, "\r\n") + 2)
        ck_assert_uint_le(strcspn(line, "\r"), 78);
    for (; *start != '\0'; start++) {
        if (*start != '\r' && *start != '\n')
            buffer_append_char(&encoded, *start);
    }
    ck_assert(base64_decode(&body, encoded.data, encoded.length));
    ck_assert_uint_eq(body.length, text.length);
    ck_assert_mem_eq(body.data, text.data, text.length);
    buffer_deinit(&text);
    buffer_deinit(&body);
    buffer_deinit(&encoded);
    free(message);
}
END_TEST

/* --- commands ------------------------------------------------------------------------------ */

static void begin_command(void)
{
    set_up();
    open_session();
}

static void end_command(void)
{
    session_close(session);
    tear_down();
}

START_TEST(a_command_gets_its_words_as_they_are_and_the_environment)
{
    setenv("MOONGATE_JOB", "old", 1);
    setenv("CHECK_POST", "kept", 1);
    run("local folder = ...\n"
        "assert(post.command{words = {'sh', '-c',\n"
        "  'printf \"%s|%s|%s|%s\" \"$1\" \"$MOONGATE_JOB\" \"$CHECK_POST\" "
        "\"$(cat)\" > \"$2\"',\n"
        "  'sh', '$HOME; `id`', folder .. '/out'}, environment = {'MOONGATE_JOB=a "
        "b\\n$(id)'}} == 0)\n"
        "local file = io.open(folder .. '/out')\n"
        "local text = file:read 'a'\n"
        "file:close()\n"
        "assert(text == '$HOME; `id`|a b\\n$(id)|kept|', text)\n"
        "assert(post.command{words = {'/bin/sh', '-c', 'exit 75'}} == 75)\n"
        "assert(post.command{words = {'/bin/sh', '-c', 'kill -TERM $$'}} == 128 + 15)",
        folder, "", "");
    unsetenv("MOONGATE_JOB");
    unsetenv("CHECK_POST");
}
END_TEST

START_TEST(a_command_that_cannot_run_or_end_is_a_failure)
{
    run("refused('NotFound', post.command, {words = {'no-such-program-here'}})\n"
        "refused('NotFound', post.command, {words = {'/no/such/program'}})\n"
        "refused('NotFound', post.command, {words = {''}})\n"
        "refused('Timeout', post.command, {words = {'sleep', '60'}, timeout = 0.2})\n"
        "refused('ResponseTooLarge', post.command, {words = {'cat', '/dev/zero'}})\n"
        "local task = tasks.spawn(post.command, {words = {'sleep', '60'}})\n"
        "tasks.yield()\n"
        "task:cancel()",
        "", "", "");
}
END_TEST

/* --- all of it together -------------------------------------------------------------------- */

/* As the documentation has it. */
static const char verify[] =
    "import base64, hashlib, hmac, os, sys, time\n"
    "id, stamp, signature = sys.argv[1:4]\n"
    "body = sys.stdin.buffer.read()\n"
    "key = os.environ['KEY'].encode()\n"
    "digest = hmac.new(key, b'.'.join([id.encode(), stamp.encode(), body]), "
    "hashlib.sha256)\n"
    "good = 'v1,' + base64.b64encode(digest.digest()).decode()\n"
    "fresh = abs(time.time() - int(stamp)) < 300\n"
    "sys.exit(0 if fresh and hmac.compare_digest(good, signature) else 1)\n";

/* The value of a header field that came, owned by the caller. */
static char *header(const char *name)
{
    const char *at = strstr(server.heads.data, name);

    ck_assert_ptr_nonnull(at);
    at += strlen(name);
    return memory_copy_text(at, strcspn(at, "\r"));
}

static void write_file(const char *name, const char *bytes, size_t length)
{
    char *path = memory_format("%s/%s", folder, name);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

static void check_signature(void)
{
    char *id = header("webhook-id: "), *stamp = header("webhook-timestamp: "),
         *signature = header("webhook-signature: ");
    char *command =
        memory_format("KEY=" SECRET " python3 %s/verify.py '%s' '%s' '%s' < %s/body",
                      folder, id, stamp, signature, folder);

    write_file("verify.py", verify, strlen(verify));
    write_file("body", server.body.data, server.body.length);
    if (system("python3 -c '' 2>/dev/null") != 0)
        printf("skipped: no python3 to check the signature with\n");
    else
        ck_assert_int_eq(system(command), 0);
    free(command);
    free(id);
    free(stamp);
    free(signature);
}

/* Whether a file of the store holds the text. */
static bool is_in_store(const char *text)
{
    char *command = memory_format("grep -rqF '%s' %s/store", text, folder);
    const bool is_there = system(command) == 0;

    free(command);
    return is_there;
}

START_TEST(a_failure_is_told_by_a_webhook_whose_signature_is_good)
{
    const struct server_step script[] = {STEP("POST /" SECRET "-url", 200, NULL, ""),
                                         {0}};
    char *store = memory_format("%s/store", folder);

    settings.store = store;
    setenv("CHECK_POST_KEY", SECRET, 1);
    server_play(&server, script);

    char *url = memory_format("%s/" SECRET "-url", server.base);

    setenv("CHECK_POST_URL", url, 1);
    run("local notices = require 'jobs_notices'.new{host = 'here'}\n"
        "local job = {name = 'nightly', notify = {\n"
        "  {way = 'webhook', url_env = 'CHECK_POST_URL', secret_env = "
        "'CHECK_POST_KEY'}}}\n"
        "notices:tell(job, 'failure', {key = '20260131-190000', slot = 1769886000,\n"
        "  status = 'failed', exit_code = 1, error = 'it broke'})\n"
        "while notices:busy() > 0 do tasks.sleep(0.01) end",
        "", "", "");
    ck_assert_str_eq(server_log(&server), "POST /" SECRET "-url\n");
    ck_assert(server_got(&server, "\"error\":\"it broke\""));
    check_signature();
    ck_assert(is_in_store("delivered"));
    ck_assert(!is_in_store(SECRET));
    ck_assert_ptr_null(printed.data != NULL ? strstr(printed.data, SECRET) : NULL);
    unsetenv("CHECK_POST_KEY");
    unsetenv("CHECK_POST_URL");
    free(url);
    free(store);
}
END_TEST

static Suite *post_suite(void)
{
    Suite *suite = suite_create("post");
    TCase *http = add_case(suite, "http", begin_http, end_http);
    TCase *plain = add_case(suite, "mail", begin_mail, end_mail);
    TCase *secure = add_case(suite, "mail with TLS", NULL, NULL);
    TCase *text = add_case(suite, "text of a mail", NULL, NULL);
    TCase *command = add_case(suite, "command", begin_command, end_command);

    tcase_add_test(http, a_body_is_posted_and_the_answer_comes_back);
    tcase_add_loop_test(http, any_status_is_an_answer_and_nothing_is_followed_or_repeated,
                        0, COUNT_OF(statuses));
    tcase_add_test(http, of_a_long_answer_the_start_is_kept);
    tcase_add_test(http, what_does_not_answer_is_a_failure_that_names_no_address);
    tcase_add_loop_test(http, what_is_no_address_and_no_header_is_not_sent, 0,
                        COUNT_OF(hostile));
    tcase_add_test(http, wrong_arguments_are_the_callers);
    tcase_add_test(http, closing_the_task_ends_it);
    tcase_add_test(http, scripts_do_not_get_it);
    tcase_add_test(http, a_signature_is_that_of_standard_webhooks);
    tcase_add_test(http, a_failure_is_told_by_a_webhook_whose_signature_is_good);
    tcase_add_test(plain, a_mail_is_handed_to_the_server);
    tcase_add_loop_test(plain, a_refusal_is_an_answer_with_its_status, 0,
                        COUNT_OF(refusals));
    tcase_add_test(plain, a_server_that_does_not_say_goodbye_is_not_waited_for);
    tcase_add_loop_test(plain, a_server_that_says_nothing_is_too_late, 0,
                        COUNT_OF(words));
    tcase_add_loop_test(plain, a_server_that_hangs_up_is_no_connection, 0,
                        COUNT_OF(words));
    tcase_add_test(plain, a_mail_ends_with_its_task);
    tcase_add_test(plain, a_password_is_not_told_where_there_is_no_tls);
    tcase_add_loop_test(plain, what_is_no_address_gets_no_mail, 0, COUNT_OF(bad_members));
    tcase_add_test(plain, both_of_user_and_password_are_given);
    tcase_add_test(secure, who_signs_in_does_so_behind_starttls);
    tcase_add_test(secure, smtps_is_encrypted_from_the_start);
    tcase_add_loop_test(secure, a_server_that_nobody_vouches_for_gets_no_password, 0, 2);
    tcase_add_test(secure, smtps_without_a_password_is_checked_all_the_same);
    tcase_add_test(secure, without_a_password_it_is_encrypted_where_that_can_be);
    tcase_add_test(secure, a_wrong_password_is_refused_with_its_status);
    tcase_add_loop_test(text, a_subject_is_one_header_field_whatever_it_holds, 0,
                        COUNT_OF(subjects));
    tcase_add_loop_test(text, a_name_is_quoted_or_encoded, 0, COUNT_OF(names));
    tcase_add_test(text, a_long_text_comes_back_and_no_line_is_long);
    tcase_add_test(command, a_command_gets_its_words_as_they_are_and_the_environment);
    tcase_add_test(command, a_command_that_cannot_run_or_end_is_a_failure);
    return suite;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return run_suite(post_suite());
}
