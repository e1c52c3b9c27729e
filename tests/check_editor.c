/* tests/check_editor.c - typing: keys in, text out, at a real terminal. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "prompt/editor.h"
#include "suite.h"

/* The owner: text is whole unless it ends with " do". */
struct typist {
    int far_end, terminal; /* of the pseudo-terminal */
    struct editor *editor;
    struct buffer accepted; /* each with a bar behind it */
    int completions, again, ends, clears;
    bool waits;                /* does not go on at once */
    const char *completion;    /* what Tab inserts at the cursor */
    char folder[64], *history; /* the file */
};

static struct typist t;

static bool is_whole(void *context, const char *text)
{
    const size_t length = strlen(text);

    (void)context;
    return length < 3 || strstr(text, " do") == NULL || strstr(text, "end") != NULL;
}

static void on_accepted(void *context, const char *text)
{
    struct typist *typist = context;

    buffer_append_string(&typist->accepted, text);
    buffer_append_char(&typist->accepted, '|');
    if (!typist->waits)
        editor_go_on(typist->editor);
}

static void on_complete(void *context, bool is_again)
{
    struct typist *typist = context;
    struct editor_view view;

    typist->completions++;
    typist->again += is_again;
    editor_look(typist->editor, &view);
    if (typist->completion != NULL)
        editor_replace(typist->editor, view.cursor, view.cursor, typist->completion);
}

static void on_ended(void *context)
{
    ((struct typist *)context)->ends++;
}

static void on_cleared(void *context)
{
    ((struct typist *)context)->clears++;
}

static const struct editor_owner owner = {is_whole, on_accepted, on_complete, on_ended,
                                          on_cleared};

static struct editor *open_editor(void)
{
    struct failure *failure = NULL;
    struct editor *editor = editor_open(t.terminal, t.history, 100, &owner, &t, &failure);

    ck_assert_msg(editor != NULL, "%s", failure == NULL ? "" : failure->message);
    return editor;
}

static void begin(void)
{
    memset(&t, 0, sizeof(t));
    strcpy(t.folder, "/tmp/editor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.folder));
    t.history = memory_format("%s/deep/er/history", t.folder);
    setenv("HOME", t.folder, 1);
    setenv("TERM", "xterm", 1);
    t.far_end = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(grantpt(t.far_end) == 0 && unlockpt(t.far_end) == 0);
    t.terminal = open(ptsname(t.far_end), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(t.terminal, 0);
    t.editor = open_editor();
}

static void end(void)
{
    editor_close(t.editor);
    close(t.terminal);
    close(t.far_end);
    buffer_deinit(&t.accepted);
    free(t.history);
}

static void type(const char *keys)
{
    editor_feed(t.editor, keys, strlen(keys));
}

/* What is shown, with the cursor as a caret. */
static char *shown(void)
{
    static char text[8192];
    struct editor_view view;

    editor_look(t.editor, &view);
    snprintf(text, sizeof(text), "%.*s^%s", (int)view.cursor, view.text,
             view.text + view.cursor);
    return text;
}

START_TEST(a_line_that_was_typed_is_accepted)
{
    type("print(1)");
    ck_assert_str_eq(shown(), "print(1)^");
    type("\r");
    ck_assert_str_eq(t.accepted.data, "print(1)|");
    ck_assert_str_eq(shown(), "^");
}
END_TEST

struct keys {
    const char *typed, *shown;
};

static const struct keys keys[] = {
    {"ab\x1b[Dc", "ac^b"},
    {"ab\x1bODc", "ac^b"},
    {"ab\x1b[D\x1b[D\x1b[C", "a^b"},
    {"ab\x1b[D\x1b[D\x1bOC", "a^b"},
    {"ab\x02\x02\x06", "a^b"},
    {"abc\x1b[H", "^abc"},
    {"abc\x1bOH", "^abc"},
    {"abc\x1b[1~", "^abc"},
    {"abc\x01", "^abc"},
    {"abc\x01\x1b[F", "abc^"},
    {"abc\x01\x1bOF", "abc^"},
    {"abc\x01\x1b[4~", "abc^"},
    {"abc\x01\x05", "abc^"},
    {"abc\x01\x1b[3~", "^bc"},
    {"abc\x01\x04", "^bc"},
    {"abc\x7f", "ab^"},
    {"abc\x08", "ab^"},
    {"a.bc d\x1b[1;5D", "a.bc ^d"},
    {"a.bc d\x1b[1;5D\x1b[1;5D", "a.^bc d"},
    {"a.bc d\x1b[1;3D\x1b[1;3D", "a.^bc d"},
    {"a.bc d\x1b"
     "b\x1b"
     "b",
     "a.^bc d"},
    {"a.bc d\x01\x1b[1;5C", "a^.bc d"},
    {"a.bc d\x01\x1b"
     "f\x1b"
     "f",
     "a.bc^ d"},
    {"f(x, y)\x17", "f(x, ^"},
    {"f(x, y)\x1b\x7f", "f(x, ^"},
    {"f(x, y)\x01\x1b"
     "d",
     "^(x, y)"},
    {"abc\x02\x0b", "ab^"},
    {"abc\x02\x15", "^c"},
    {"abc\x15x\x19", "xabc^"},
    {"a b c\x17\x17\x19\x19", "a b cb c^"},
    {"abc\x02\x14", "acb^"},
    {"one two\x1f", "one ^"},
    {"one two\x1f\x1f", "^"},
    {"abc\x15\x1f", "abc^"},
    {"a do\rb", "a do\nb^"},
    {"  a do\rb", "  a do\n  b^"},
    {"a\x1b\rb", "a\nb^"},
    {"a\x1b\nb", "a\nb^"},
    {"abc\x1b\rd\x1b[A", "a^bc\nd"},
    {"abc\x1b\rd\x1b\refg\x1b[A\x1b[A\x1b[H\x1b[F\x1b[B\x1b[B", "abc\nd\nefg^"},
    {"abc\x1b\rdef\x1b[H", "abc\n^def"},
    {"abc\x1b\rde\x1b[A\x0b", "ab^\nde"},
    {"abc\x1b\rdef\x1b[A\x0b", "abc^def"},
    {"ab\x1b\rc\x1b[H\x15", "ab^c"},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x02\x02",
     "\xc3\xa9^\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xc3\xa2\xc3\xa4\xc3\xb1\xc3\xb8", "\xc3\xa2\xc3\xa4\xc3\xb1\xc3\xb8^"},
    {"a\xff\xc3(", "a\xef\xbf\xbd\xef\xbf\xbd(^"},
    {"\x16\x07", "\x07^"},
    {"a\xc2\x82"
     "b",
     "ab^"},
    {"\x1b[200~a\rb\r\nc\x07\n\x1b[201~", "a\nb\nc\n^"},
    {"\x1b[200~a\x1b[200~b\x1b[20\x1b[201~", "a[200~b[20^"},
};

START_TEST(each_key_does_what_it_should)
{
    type(keys[_i].typed);
    ck_assert_str_eq(shown(), keys[_i].shown);
    ck_assert_ptr_null(t.accepted.data);
}
END_TEST

START_TEST(keys_may_come_byte_by_byte)
{
    for (const char *key = keys[_i].typed; *key != '\0'; key++)
        editor_feed(t.editor, key, 1);
    ck_assert_str_eq(shown(), keys[_i].shown);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("editor");
    TCase *typing = add_case(suite, "typing", begin, end);

    tcase_add_test(typing, a_line_that_was_typed_is_accepted);
    tcase_add_loop_test(typing, each_key_does_what_it_should, 0, COUNT_OF(keys));
    tcase_add_loop_test(typing, keys_may_come_byte_by_byte, 0, COUNT_OF(keys));
    return run_suite(suite);
}
