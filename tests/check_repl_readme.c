/* tests/check_repl_readme.c - the session at the prompt that README shows is what one sees:
 * its lines are typed on a terminal of 80 columns, and the rows compared. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "repl.h"

#define COMMAND "$ build/moongate repl "

static char *read_whole(const char *path)
{
    struct buffer text = {0};
    char piece[4096];
    FILE *file = fopen(path, "r");
    size_t length;

    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(&text, piece, length);
    fclose(file);
    return buffer_take(&text);
}

/* The fenced block of the file that begins with the command. Owned by the caller. */
static char *find_session(const char *path)
{
    char *text = read_whole(path);
    const char *start = strstr(text, "\n" COMMAND);
    const char *end = start != NULL ? strstr(start, "\n```") : NULL;
    char *session;

    ck_assert_msg(end != NULL, "%s shows no session that begins with '%s'", path,
                  COMMAND);
    session = memory_copy_text(start + 1, (size_t)(end - start));
    free(text);
    return session;
}

/* How long something took here differs each time: "(4.7 s here)". */
static char *without_times(const char *text)
{
    struct buffer plain = {0};
    const char *end;

    buffer_append_string(&plain, "");
    while ((end = strstr(text, " here)")) != NULL) {
        const char *start = end;

        while (start > text && *start != '(')
            start--;
        buffer_append(&plain, text, (size_t)(start - text));
        buffer_append_string(&plain, "(here)");
        text = end + strlen(" here)");
    }
    buffer_append_string(&plain, text);
    return buffer_take(&plain);
}

/* Whether a line is asked for: a first one or a further one of a statement. */
static bool is_asking(const struct pty *pty, const char *unused)
{
    (void)unused;
    return repl_is_asking(pty, REPL_PROMPT) || repl_is_asking(pty, "\n    ");
}

/* Types what stands behind the prompt in the lines. */
static void type_inputs(const char *lines)
{
    bool is_further = false;
    char *line;

    while ((line = pty_next_line(&lines)) != NULL) {
        const size_t skipped = is_further ? 4 : strlen(REPL_PROMPT);

        if (is_further || strncmp(line, REPL_PROMPT, strlen(REPL_PROMPT)) == 0) {
            ck_assert_uint_ge(strlen(line), skipped);
            repl_type(line + skipped);
            repl_check(pty_wait_until(&repl.pty, repl_is_typed,
                                      is_further ? "\n    " : REPL_PROMPT),
                       "not seen", line);
            repl_type("\r");
            repl_check(pty_wait_until(&repl.pty, is_asking, ""), "no prompt after", line);
            is_further = !repl_is_asking(&repl.pty, REPL_PROMPT);
        }
        free(line);
    }
}

/* All rows but the prompt that asks for the next line. Owned by the caller. */
static char *seen_lines(void)
{
    char *seen = emulator_render(&repl.pty.screen, EMULATOR_WITH_SCROLLED);
    const size_t length = strlen(seen),
                 prompt_length = strlen(REPL_PROMPT); /* less blank, with \n */

    ck_assert_uint_ge(length, prompt_length);
    ck_assert_int_eq(
        strncmp(seen + length - prompt_length, REPL_PROMPT, prompt_length - 1), 0);
    seen[length - prompt_length] = '\0';
    return seen;
}

static void compare(const char *expected)
{
    char *seen = seen_lines();
    char *expected_plain = without_times(expected), *seen_plain = without_times(seen);
    char *difference = pty_compare(expected_plain, seen_plain);

    ck_assert_msg(strcmp(expected_plain, seen_plain) == 0, "%s", difference);
    free(difference);
    free(expected_plain);
    free(seen_plain);
    free(seen);
}

START_TEST(the_session_is_what_one_sees)
{
    char *session = find_session("README.md");
    const char *lines;
    char *command;

    lines = session;
    command = pty_next_line(&lines);
    repl_start(command + strlen(COMMAND));
    free(command);
    type_inputs(lines);
    compare(lines);
    repl_leave();
    free(session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl_readme");
    TCase *topic = add_case(suite, "readme", repl_begin, repl_end);

    tcase_add_test(topic, the_session_is_what_one_sees);
    return run_suite(suite);
}
