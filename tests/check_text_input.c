/* tests/check_text_input.c - statements from a pipe, and how deep their lines are nested. */
#include "prompt/text_input.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "prompt/nesting.h"
#include "suite.h"

/* --- nesting ----------------------------------------------------------------------------- */

static const struct {
    const char *text;
    bool is_open;
} nested[] = {{"x = 1\n", false},
              {"do\n", true},
              {"do end\n", false},
              {"while a do\nif b then\nend\n", true},
              {"for i = 1, 2 do\nif b then\nend\nend\n", false},
              {"repeat\nuntil x\n", false},
              {"f(\n", true},
              {"f(1))\n", false},
              {"x = {[[a]], {\n", true},
              {"x = [[\n", true},
              {"x = [==[\n]]\n", true},
              {"x = [==[ do ]==]\n", false},
              {"-- do\n", false},
              {"--[[ do\n", true},
              {"--[=[ do\n]=]\n", false},
              {"'do' \"(\"\n", false},
              {"'it\\'s ('\n", false},
              {"'open (\n", false}, /* a short string ends with its line */
              {"'open \\\n", true},
              {"'open \\\n('\n", false},
              {"'open \\z\n\n  ('\n", false},
              {"endless = undo + dot + i_do + do1\n", false},
              {"\xff do \xc3\xa9\n", true}};

START_TEST(what_is_open_is_known_line_by_line)
{
    struct nesting nesting = {0};
    const char *line = nested[_i].text;

    while (*line != '\0') {
        const size_t length = strcspn(line, "\n") + 1;

        nesting_read(&nesting, line, length);
        line += length;
    }
    ck_assert_msg(nesting_is_open(&nesting) == nested[_i].is_open, "%s", nested[_i].text);
}
END_TEST

/* --- statements -------------------------------------------------------------------------- */

static struct text_input input;
static int end_of_writer;

static void begin(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    end_of_writer = ends[1];
    input = (struct text_input){.fd = ends[0], .compiler = luaL_newstate()};
    ck_assert_ptr_nonnull(input.compiler);
}

static void end(void)
{
    lua_close(input.compiler);
    text_input_deinit(&input);
    close(input.fd);
    if (end_of_writer >= 0)
        close(end_of_writer);
}

static void send(const char *text, size_t length)
{
    ck_assert_int_eq(write(end_of_writer, text, length), (ssize_t)length);
    text_input_read(&input);
}

static void finish(void)
{
    close(end_of_writer);
    end_of_writer = -1;
    text_input_read(&input);
    ck_assert(input.is_ended);
}

static void expect(const char *text)
{
    char *taken = text_input_take(&input);

    ck_assert_pstr_eq(taken, text);
    free(taken);
}

static const struct {
    const char *text, *statements[4];
} pieces[] = {
    {"1\n2\n", {"1\n", "2\n"}},
    {"1\n2", {"1\n", "2"}},
    {"\n1\n", {"\n", "1\n"}},
    {"for i = 1, 2 do\n\n  f(i)\nend\nx\n", {"for i = 1, 2 do\n\n  f(i)\nend\n", "x\n"}},
    {"x = 1 +\n2\n", {"x = 1 +\n2\n"}},
    {"if a then\nf(\n#\nx\n", {"if a then\nf(\n#\n", "x\n"}},
    {"\\watch f(\nx\n", {"\\watch f(\n", "x\n"}},
    /* nothing runs of a block in which something is wrong */
    {"do\nx = = 1\nf()\nend\ng()\n", {"do\nx = = 1\nf()\nend\n", "g()\n"}},
    {"f(\ng()\n", {"f(\ng()\n"}},
};

START_TEST(a_statement_ends_where_it_is_whole)
{
    send(pieces[_i].text, strlen(pieces[_i].text));
    finish();
    for (size_t i = 0; i < COUNT_OF(pieces[_i].statements); i++)
        expect(pieces[_i].statements[i]);
}
END_TEST

START_TEST(lines_may_come_in_any_pieces)
{
    static const char text[] = "do\n  x()\nend\n1\n";

    for (size_t i = 0; text[i] != '\0'; i++) {
        send(text + i, 1);
        if (i == strlen("do\n  x()\nend\n") - 1)
            expect("do\n  x()\nend\n");
        else if (text[i + 1] != '\0')
            expect(NULL);
    }
    expect("1\n");
}
END_TEST

START_TEST(a_nul_byte_ends_it_before_its_line)
{
    static const char text[] = "1\ndelete('a\0b')\n3\n";

    send(text, sizeof text - 1);
    ck_assert(input.is_ended);
    ck_assert_pstr_eq(input.trouble, "a NUL byte is no text");
    expect("1\n");
    expect(NULL);
}
END_TEST

START_TEST(what_cannot_be_read_is_trouble)
{
    const int pipe_end = input.fd;

    input.fd = open("/", O_RDONLY);
    text_input_read(&input);
    ck_assert(input.is_ended);
    ck_assert_pstr_eq(input.trouble, "Is a directory");
    expect(NULL);
    close(input.fd);
    input.fd = pipe_end;
}
END_TEST

/* Compiling all of it line after line took the square of its length: minutes. */
START_TEST(a_long_block_takes_no_longer_than_its_length)
{
    enum { LINES = 100000 };
    static const char line[] = "  print(1)\n";
    struct buffer *text = &input.text;

    buffer_append_string(text, "do\n");
    for (int i = 0; i < LINES; i++)
        buffer_append_string(text, line);
    buffer_append_string(text, "end\n");

    const size_t length = text->length;
    char *taken = text_input_take(&input);

    ck_assert_ptr_nonnull(taken);
    ck_assert_uint_eq(strlen(taken), length);
    free(taken);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text input");
    TCase *nesting = add_case(suite, "nesting", NULL, NULL),
          *statements = add_case(suite, "statements", begin, end);

    tcase_add_loop_test(nesting, what_is_open_is_known_line_by_line, 0, COUNT_OF(nested));
    tcase_add_loop_test(statements, a_statement_ends_where_it_is_whole, 0,
                        COUNT_OF(pieces));
    tcase_add_test(statements, lines_may_come_in_any_pieces);
    tcase_add_test(statements, a_nul_byte_ends_it_before_its_line);
    tcase_add_test(statements, what_cannot_be_read_is_trouble);
    tcase_add_test(statements, a_long_block_takes_no_longer_than_its_length);
    return run_suite(suite);
}
