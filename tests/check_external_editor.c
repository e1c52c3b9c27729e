/* tests/check_external_editor.c - a text in another editor, which owns the terminal meanwhile.
 *
 * The test is the person at the keyboard of a pseudo-terminal; a process of its own, whose terminal
 * that is, runs a script in a session whose lines do not come from there. The editor is a shell
 * script that says when it is ready, so that nobody waits for time to pass. */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "prompt/prompt.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

enum { PATIENCE_MS = 20000 };

static struct {
    int keyboard;         /* the terminal's other side */
    int out;              /* what the session prints */
    struct buffer screen; /* what the terminal got */
    struct buffer printed;
    pid_t pid;
    char *folder; /* TMPDIR */
    bool is_in_background;
} h;

static void set_up(void)
{
    h.folder = memory_copy_string("/tmp/check-editor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(h.folder));
    setenv("TMPDIR", h.folder, 1);
    unsetenv("VISUAL");
}

static void tear_down(void)
{
    ck_assert_msg(rmdir(h.folder) == 0, "%s is not empty",
                  h.folder); /* all was removed */
    free(h.folder);
    buffer_deinit(&h.screen);
    buffer_deinit(&h.printed);
}

/* --- the process at the terminal ------------------------------------------------------------ */

/* Whether the terminal is in our hands again, in its mode. */
static bool is_as_before(int terminal, const struct termios *mode)
{
    struct termios now;

    return tcgetpgrp(terminal) == getpgrp() && tcgetattr(terminal, &now) == 0 &&
           now.c_lflag == mode->c_lflag && now.c_iflag == mode->c_iflag;
}

/* As a shell does with `moongate repl &`: the terminal stays with somebody else. */
static void go_to_background(void)
{
    const pid_t child = fork();

    if (child != 0) {
        waitpid(child, NULL, 0);
        _exit(0);
    }
    setpgid(0, 0);
}

static void be_session(const char *terminal_name, int out, const char *code)
{
    const struct settings settings = {
        .sim = true, .quiet = true, .clock_mode = CLOCK_REAL, .clock_factor = 1.0};
    struct failure *failure = NULL;
    struct termios mode;

    setsid();

    const int terminal = open(terminal_name, O_RDWR);

    ioctl(terminal, TIOCSCTTY, 0);
    tcsetpgrp(terminal, getpgrp());
    tcgetattr(terminal, &mode);
    if (h.is_in_background)
        go_to_background();
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);

    struct session *session = session_open(&settings, &failure);
    struct prompt *prompt = prompt_open(session, &(struct prompt_options){0}, &failure);
    const int status =
        run_script(session, &(struct run_request){.code = code, .keep = RUN_NOT_KEPT});

    prompt_close(prompt);
    session_close(session);
    printf("exit %d, terminal %s\n", status,
           is_as_before(terminal, &mode) ? "as before" : "changed");
    fflush(stdout);
    _exit(0);
}

static void start(const char *editor, const char *code)
{
    int ends[2];

    setenv("EDITOR", editor, 1);
    h.keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(h.keyboard, 0);
    ck_assert_int_eq(grantpt(h.keyboard), 0);
    ck_assert_int_eq(unlockpt(h.keyboard), 0);
    ck_assert_int_eq(pipe(ends), 0);

    char *name = memory_copy_string(ptsname(h.keyboard));

    h.pid = fork();
    ck_assert_int_ge(h.pid, 0);
    if (h.pid == 0)
        be_session(name, ends[1], code);
    close(ends[1]);
    free(name);
    h.out = ends[0];
}

/* --- the person at it ------------------------------------------------------------------------ */

/* Takes what comes on either side. False once nothing more will. */
static bool listen_once(void)
{
    struct pollfd sides[] = {{.fd = h.keyboard, .events = POLLIN},
                             {.fd = h.out, .events = POLLIN}};
    struct buffer *const texts[] = {&h.screen, &h.printed};
    char bytes[4096];

    ck_assert_msg(poll(sides, 2, PATIENCE_MS) > 0,
                  "nothing comes; screen: %s; printed: %s", h.screen.data,
                  h.printed.data);
    for (int i = 0; i < 2; i++) {
        if (sides[i].revents == 0)
            continue;

        const ssize_t count = read(sides[i].fd, bytes, sizeof bytes);

        if (count > 0)
            buffer_append(texts[i], bytes, (size_t)count);
        else if (i == 1)
            return false;
        else
            h.keyboard = -1; /* the terminal is closed; its last words are read */
    }
    return true;
}

static void expect_on_screen(const char *text)
{
    while (h.screen.data == NULL || strstr(h.screen.data, text) == NULL)
        ck_assert_msg(listen_once(), "no '%s'; screen: %s; printed: %s", text,
                      h.screen.data, h.printed.data);
}

static void type(const char *keys)
{
    ck_assert_int_eq(write(h.keyboard, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void finish(void)
{
    while (listen_once())
        continue;
    waitpid(h.pid, NULL, 0);
}

static void assert_printed(const char *text)
{
    ck_assert_msg(h.printed.data != NULL && strstr(h.printed.data, text) != NULL,
                  "no '%s' in: %s", text, h.printed.data);
}

#define EDIT                                                                             \
    "local text, trouble = require('core.external_editor').edit('before', '.lua') "
#define SHOW "print('<' .. text .. '>', trouble)"

/* `file` is where the editor got to know the file's name. */
START_TEST(what_the_editor_leaves_is_the_text)
{
    start("sh -c 'stat -c \"mode %a\" \"$1\" \"${1%/*}\"; cat \"$1\"; "
          "printf \"it'\\''s \\\"after\\\"\" > \"$1\"; touch \"$1~\"' -",
          EDIT SHOW);
    finish();
    assert_printed("<it's \"after\">\tnil");
    assert_printed("exit 0, terminal as before");
    ck_assert_ptr_nonnull(strstr(h.screen.data, "mode 600"));
    ck_assert_ptr_nonnull(strstr(h.screen.data, "mode 700"));
    ck_assert_ptr_nonnull(strstr(h.screen.data, "before"));
}
END_TEST

START_TEST(visual_goes_before_editor)
{
    setenv("VISUAL", "sh -c 'printf visual > \"$1\"' -", 1);
    start("false", EDIT SHOW);
    finish();
    assert_printed("<visual>\tnil");
}
END_TEST

START_TEST(keys_and_signals_of_the_keyboard_are_the_editors)
{
    start("sh -c 'trap \"echo interrupted\" INT; stty -icanon; echo ready; until read "
          "word; do :; "
          "done; printf \"$word\" > \"$1\"' -",
          EDIT SHOW);
    expect_on_screen("ready");
    type("\x03");
    type("\x1a");
    type("typed\n");
    finish();
    ck_assert_ptr_nonnull(strstr(h.screen.data, "interrupted"));
    assert_printed("<typed>\tnil");
    assert_printed("exit 0, terminal as before"); /* the mode, too */
}
END_TEST

START_TEST(other_tasks_go_on_meanwhile)
{
    start("sh -c 'echo ready; read word' -",
          "local tasks = require 'tasks' "
          "tasks.spawn(function() tasks.sleep(0.01) io.stdout:write('other task\\n') "
          "end) " EDIT SHOW);
    expect_on_screen("ready");
    while (h.printed.data == NULL || strstr(h.printed.data, "other task") == NULL)
        ck_assert(listen_once());
    type("\n");
    finish();
    assert_printed("<before>\tnil");
}
END_TEST

static const struct {
    const char *editor, *trouble;
} trouble_rows[] = {
    {"sh -c 'exit 3' -", "<before>\tsh -c 'exit 3' - ended with status 3"},
    {"sh -c 'kill -9 $$' -", "status 137"},
    {"kill -9 $$;", "<before>\tkill -9 $$; was ended by signal 9"},
    {"/no/such/editor", "<before>\t/no/such/editor cannot be started"},
    {"sh -c 'printf half > \"$1\"; exit 1' -", "<half>\t"},
};

START_TEST(an_editor_that_fails_says_how_and_the_text_is_kept)
{
    start(trouble_rows[_i].editor, EDIT SHOW);
    finish();
    assert_printed(trouble_rows[_i].trouble);
    assert_printed("exit 0, terminal as before");
}
END_TEST

START_TEST(a_file_that_is_gone_raises)
{
    start("rm", EDIT SHOW);
    finish();
    assert_printed("IOError");
    assert_printed("exit 1, terminal as before");
}
END_TEST

START_TEST(closing_the_task_ends_the_editor)
{
    start("sh -c 'echo ready; read word; echo too late' -",
          "local tasks = require 'tasks' "
          "local task = tasks.spawn(function() " EDIT
          " end) tasks.sleep(0.05) task:cancel() "
          "print(task:status())");
    finish();
    assert_printed("canceled");
    assert_printed("exit 0, terminal as before");
}
END_TEST

/* It would be stopped each time it was continued. */
START_TEST(an_editor_that_asks_for_anothers_terminal_is_ended)
{
    h.is_in_background = true;
    start("sh -c 'read word < /dev/tty' -", EDIT SHOW);
    finish();
    assert_printed("was ended by signal 9");
}
END_TEST

START_TEST(without_a_folder_for_its_file_there_is_no_editor)
{
    setenv("TMPDIR", "/no/such/folder", 1);
    start("true", EDIT SHOW);
    finish();
    assert_printed("IOError");
    assert_printed("/no/such/folder");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("external editor");
    TCase *topic = add_case(suite, "editor", set_up, tear_down);

    tcase_add_test(topic, what_the_editor_leaves_is_the_text);
    tcase_add_test(topic, visual_goes_before_editor);
    tcase_add_test(topic, keys_and_signals_of_the_keyboard_are_the_editors);
    tcase_add_test(topic, other_tasks_go_on_meanwhile);
    tcase_add_loop_test(topic, an_editor_that_fails_says_how_and_the_text_is_kept, 0,
                        (int)(sizeof trouble_rows / sizeof *trouble_rows));
    tcase_add_test(topic, a_file_that_is_gone_raises);
    tcase_add_test(topic, closing_the_task_ends_the_editor);
    tcase_add_test(topic, an_editor_that_asks_for_anothers_terminal_is_ended);
    tcase_add_test(topic, without_a_folder_for_its_file_there_is_no_editor);
    return run_suite(suite);
}
