/* tests/repl.h - `moongate repl` under a pseudo terminal, in a home of its own.
 *
 * MOONGATE names the binary. A wait that fails ends the test with the screen as it was;
 * so does a byte sequence that no terminal should get, at the end of each test. */
#ifndef MOONGATE_TESTS_REPL_H
#define MOONGATE_TESTS_REPL_H

#include <ftw.h>
#include <sys/stat.h>

#include "keys.h"
#include "pty.h"
#include "suite.h"

enum { REPL_WORDS = 32, REPL_VARIABLES = 24 };

#define REPL_PROMPT "sim rg-apim/contoso-apim> "

static struct {
    struct pty pty;
    char home[64];
    char *environment[REPL_VARIABLES + 1]; /* owned */
    char *moongate;
    struct pty_program program;
} repl;

/* --- a home of its own
 * ---------------------------------------------------------------------- */

/* Sets NAME=VALUE for programs that start from now on; takes the text. */
static inline void repl_set(char *variable)
{
    const size_t length = strcspn(variable, "=") + 1;
    size_t i = 0;

    while (repl.environment[i] != NULL &&
           strncmp(repl.environment[i], variable, length) != 0)
        i++;
    ck_assert_uint_lt(i, REPL_VARIABLES);
    free(repl.environment[i]);
    repl.environment[i] = variable;
}

static inline char *repl_path(const char *name)
{
    return memory_format("%s/%s", repl.home, name);
}

static inline void repl_pass_on(const char *name)
{
    if (getenv(name) != NULL)
        repl_set(memory_format("%s=%s", name, getenv(name)));
}

static inline void repl_begin(void)
{
    memset(&repl, 0, sizeof repl);
    repl.pty.master = repl.pty.leash = -1;
    strcpy(repl.home, "/tmp/check_repl.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(repl.home));
    ck_assert_ptr_nonnull(getenv("MOONGATE"));
    repl.moongate = realpath(getenv("MOONGATE"), NULL);
    ck_assert_ptr_nonnull(repl.moongate);
    repl_set(memory_format("HOME=%s", repl.home));
    repl_set(memory_format("XDG_STATE_HOME=%s/state", repl.home));
    repl_set(memory_format("XDG_CONFIG_HOME=%s/config", repl.home));
    repl_set(memory_copy_string("PATH=/usr/bin:/bin"));
    repl_set(memory_copy_string("TERM=xterm-256color"));
    repl_set(memory_copy_string("LC_ALL=C.UTF-8"));
    repl_set(memory_copy_string("NO_COLOR=1"));
    repl_pass_on("ASAN_OPTIONS");
    repl_pass_on("UBSAN_OPTIONS");
    repl.program = (struct pty_program){
        .environment = repl.environment, .folder = repl.home, .columns = 80, .rows = 24};
}

static inline int repl_remove(const char *path, const struct stat *facts, int type,
                              struct FTW *place)
{
    (void)facts, (void)type, (void)place;
    return remove(path);
}

static inline void repl_check_bytes(void)
{
    char *story = pty_story(&repl.pty);

    ck_assert_msg(repl.pty.screen.complaints.length == 0, "%s", story);
    free(story);
}

static inline void repl_end(void)
{
    if (repl.pty.raw.data != NULL)
        repl_check_bytes();
    pty_drop(&repl.pty);
    for (size_t i = 0; repl.environment[i] != NULL; i++)
        free(repl.environment[i]);
    free(repl.moongate);
    nftw(repl.home, repl_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file in its home, `name` below it; its folders are made. */
static inline void repl_write(const char *name, const char *text)
{
    char *path = repl_path(name);

    for (char *slash = path + strlen(repl.home) + 1; (slash = strchr(slash, '/')) != NULL;
         *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }

    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

/* All of such a file, "" when it is not there. Owned by the caller. */
static inline char *repl_read(const char *name)
{
    struct buffer text = {0};
    char *path = repl_path(name);
    char piece[4096];
    FILE *file = fopen(path, "r");
    size_t length;

    buffer_append_string(&text, "");
    while (file != NULL && (length = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(&text, piece, length);
    if (file != NULL)
        fclose(file);
    free(path);
    return buffer_take(&text);
}

/* --- the session
 * ------------------------------------------------------------------------------ */

/* Fails with the story when it is not so. */
static inline void repl_check(bool is_so, const char *what, const char *text)
{
    char *story = is_so ? NULL : pty_story(&repl.pty);

    ck_assert_msg(is_so, "%s: %s\n%s", what, text, story);
    free(story);
}

static inline void repl_see(const char *text)
{
    repl_check(pty_wait_for(&repl.pty, text), "never on the screen", text);
}

static inline void repl_see_no_more(const char *text)
{
    repl_check(pty_wait_without(&repl.pty, text), "still on the screen", text);
}

/* The screen becomes this one, EMULATOR_CURSOR where the cursor is. */
static inline void repl_see_screen(const char *expected)
{
    if (pty_wait_for_screen(&repl.pty, expected))
        return;

    char *seen = emulator_render(&repl.pty.screen, EMULATOR_WITH_CURSOR);
    char *difference = pty_compare(expected, seen);
    char *story = pty_story(&repl.pty);

    ck_abort_msg("another screen was expected:\n%s%s", difference, story);
}

/* Starts `moongate repl` with these words, separated by blanks. */
static inline void repl_launch(const char *options)
{
    char *text = memory_copy_string(options);
    const char *words[REPL_WORDS + 3] = {repl.moongate, "repl"};
    int count = 2;

    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(count, REPL_WORDS);
        words[count++] = word;
    }
    if (repl.pty.raw.data != NULL) { /* another one before it */
        repl_check_bytes();
        pty_drop(&repl.pty);
    }
    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));
    free(text);
}

static inline bool repl_is_asking(const struct pty *pty, const char *prompt)
{
    char *seen = emulator_render(&pty->screen, EMULATOR_WITH_CURSOR);
    char *end = memory_format("%s" EMULATOR_CURSOR "\n", prompt);
    const size_t length = strlen(seen), end_length = strlen(end);
    const bool is_asking =
        length >= end_length && strcmp(seen + length - end_length, end) == 0;

    free(seen);
    free(end);
    return is_asking;
}

/* Waits until the last row is this prompt with nothing but the cursor behind it. */
static inline void repl_await(const char *prompt)
{
    repl_check(pty_wait_until(&repl.pty, repl_is_asking, prompt), "no prompt", prompt);
}

static inline void repl_await_prompt(void)
{
    repl_await(REPL_PROMPT);
}

static inline void repl_start(const char *options)
{
    repl_launch(options);
    repl_await_prompt();
}

static inline void repl_type(const char *keys)
{
    repl_check(pty_type(&repl.pty, keys), "not taken", keys);
}

/* The session of most tests, with an empty screen. */
static inline void repl_start_empty(void)
{
    repl_start("--sim --clock virtual --seed 1");
    repl_type(CTRL_L);
    repl_see_screen(REPL_PROMPT EMULATOR_CURSOR "\n");
}

static inline bool repl_is_typed(const struct pty *pty, const char *prompt)
{
    return !repl_is_asking(pty, prompt);
}

/* Types a line at the empty prompt, sees it begin, runs it and waits for the next prompt. */
static inline void repl_run(const char *line)
{
    repl_type(line);
    repl_check(pty_wait_until(&repl.pty, repl_is_typed, REPL_PROMPT), "not seen", line);
    repl_type("\r");
    repl_await_prompt();
}

/* Waits for its end and compares its exit code. */
static inline void repl_await_end(int expected)
{
    const int code = pty_await_end(&repl.pty);
    char *story = pty_story(&repl.pty);

    ck_assert_msg(code == expected, "ended with %d, not %d\n%s", code, expected, story);
    free(story);
}

/* Ctrl-D at the empty prompt; the terminal's mode is as it was. */
static inline void repl_leave(void)
{
    repl_type("\x04");
    repl_await_end(0);
    ck_assert(pty_is_restored(&repl.pty));
    ck_assert(!repl.pty.screen.is_cursor_hidden);
    ck_assert(!repl.pty.screen.is_pasting_bracketed);
}

#endif
