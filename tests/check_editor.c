/* tests/check_editor.c - typing: keys in, text out. */
#include <time.h>

#include "typist.h"

START_TEST(a_line_that_was_typed_is_accepted)
{
    typist_type("print(1)");
    ck_assert_str_eq(typist_shown(), "print(1)^");
    typist_type("\r");
    ck_assert_str_eq(typist.accepted.data, "print(1)|");
    ck_assert_str_eq(typist_shown(), "^");
}
END_TEST

static const struct typist_keys keys[] = {
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
    typist_type(keys[_i].typed);
    ck_assert_str_eq(typist_shown(), keys[_i].shown);
    ck_assert_ptr_null(typist.accepted.data);
}
END_TEST

START_TEST(keys_may_come_byte_by_byte)
{
    for (const char *key = keys[_i].typed; *key != '\0'; key++)
        editor_feed(typist.editor, key, 1);
    ck_assert_str_eq(typist_shown(), keys[_i].shown);
}
END_TEST

/* --- Enter ------------------------------------------------------------------------------- */

START_TEST(an_empty_line_runs_what_is_unfinished)
{
    typist_type("for x do\r");
    ck_assert_str_eq(typist_shown(), "for x do\n^");
    typist_type("  f()\r");
    ck_assert_str_eq(typist_shown(), "for x do\n  f()\n  ^");
    typist_type("\r");
    ck_assert_str_eq(typist.accepted.data, "for x do\n  f()|");
}
END_TEST

START_TEST(a_new_line_is_indented_but_not_in_a_paste_without_brackets)
{
    typist_type("  a do\r");
    ck_assert_str_eq(typist_shown(), "  a do\n  ^");
    editor_cancel(typist.editor);
    typist_type("  a do\r  b\r");
    ck_assert_str_eq(typist_shown(), "  a do\n  b\n  ^");
}
END_TEST

START_TEST(enter_in_the_middle_of_a_whole_text_runs_it)
{
    typist_type("a\x1b\rb\x1b[A\r");
    ck_assert_str_eq(typist.accepted.data, "a\nb|");
}
END_TEST

START_TEST(keys_behind_an_accepted_line_wait_until_it_is_over)
{
    typist.waits = true;
    typist_type("one\rtwo\rthr");
    ck_assert_str_eq(typist.accepted.data, "one|");
    ck_assert_str_eq(typist_shown(), "^");
    typist_type("ee\r");
    ck_assert_str_eq(typist.accepted.data, "one|");
    editor_go_on(typist.editor);
    ck_assert_str_eq(typist.accepted.data, "one|two|");
    typist.waits = false;
    editor_go_on(typist.editor);
    ck_assert_str_eq(typist.accepted.data, "one|two|three|");
}
END_TEST

/* They were edited on, and accepted when nobody had asked for a line. */
START_TEST(keys_behind_the_end_wait_until_a_line_is_wanted)
{
    typist.waits = true;
    typist_type("\x04one\r");
    ck_assert_int_eq(typist.ends, 1);
    ck_assert_uint_eq(typist.accepted.length, 0);
    typist.waits = false;
    editor_go_on(typist.editor);
    ck_assert_str_eq(typist.accepted.data, "one|");
}
END_TEST

START_TEST(keys_wait_until_the_first_line_is_wanted)
{
    editor_close(typist.editor);
    typist.editor = typist_open_idle();
    typist_type("one\r");
    ck_assert_uint_eq(typist.accepted.length, 0);
    editor_go_on(typist.editor);
    ck_assert_str_eq(typist.accepted.data, "one|");
}
END_TEST

START_TEST(a_paste_without_brackets_is_run_line_by_line)
{
    struct buffer pasted = {0};

    for (int i = 0; i < 1000; i++)
        buffer_printf(&pasted, "x%d = 1\r", i);
    editor_feed(typist.editor, pasted.data, pasted.length);
    for (size_t i = 0; i < pasted.length; i++)
        if (pasted.data[i] == '\r')
            pasted.data[i] = '|';
    ck_assert_str_eq(typist.accepted.data, pasted.data);
    buffer_deinit(&pasted);
}
END_TEST

START_TEST(control_d_ends_only_when_nothing_is_typed)
{
    typist_type("a\x04");
    ck_assert_int_eq(typist.ends, 0);
    typist_type("\x7f\x04");
    ck_assert_int_eq(typist.ends, 1);
    typist_type("b");
    ck_assert_str_eq(typist_shown(), "b^");
    editor_feed(typist.editor, "", 0);
    ck_assert_int_eq(typist.ends, 2);
}
END_TEST

START_TEST(control_l_asks_for_an_empty_screen_and_leaves_the_text)
{
    typist_type("abc\x0c");
    ck_assert_int_eq(typist.clears, 1);
    ck_assert_str_eq(typist_shown(), "abc^");
}
END_TEST

/* --- what the owner changes -------------------------------------------------------------- */

START_TEST(tab_lets_the_owner_insert_and_says_when_it_comes_again)
{
    typist.completion = "\xc3\xa9(";
    typist_type("a\t");
    ck_assert_str_eq(typist_shown(), "a\xc3\xa9(^");
    ck_assert_int_eq(typist.again, 0);
    typist_type("\t");
    ck_assert_int_eq(typist.again, 1);
    typist_type("x\t");
    ck_assert_int_eq(typist.completions, 3);
    ck_assert_int_eq(typist.again, 1);
    typist_type("\x1f");
    ck_assert_str_eq(typist_shown(), "a\xc3\xa9(\xc3\xa9(x^");
}
END_TEST

START_TEST(keys_that_come_while_the_owner_is_asked_count_afterwards)
{
    typist.completion = "xyz";
    typist.fed = "(1)\r";
    typist_type("a\tb");
    ck_assert_str_eq(typist.accepted.data, "axyzb(1)|");
    typist.cancels = true;
    typist_type("a\tb");
    ck_assert_str_eq(typist_shown(), "^");
    ck_assert_str_eq(typist.accepted.data, "axyzb(1)|");
    typist_type("b\r");
    ck_assert_str_eq(typist.accepted.data, "axyzb(1)|b|");
}
END_TEST

START_TEST(a_part_is_replaced_by_bytes)
{
    typist_type("\xc3\xa9"
                "abc");
    editor_replace(typist.editor, 2, 4, "\xe2\x82\xac");
    ck_assert_str_eq(typist_shown(), "\xc3\xa9\xe2\x82\xac^c");
    editor_replace(typist.editor, 0, 2, "");
    ck_assert_str_eq(typist_shown(), "^\xe2\x82\xac"
                                     "c");
    editor_replace(typist.editor, 4, 4, "x");
    ck_assert_str_eq(typist_shown(), "\xe2\x82\xac"
                                     "cx^");
    typist_type("y");
    ck_assert_str_eq(typist_shown(), "\xe2\x82\xac"
                                     "cxy^");
}
END_TEST

static const char *const states[] = {
    "",
    "abc",
    "a do\rb",
    "\x12"
    "a",
    "\x13",
    "\x16",
    "\x1b",
    "\x1b[",
    "\x1b[20",
    "\x1b[200~a",
    "\x1b[200~a\x1b[20",
    "\x1b"
    "5",
    "\xe2\x82",
    "\x1bx",
    "\x1bxbind",
    "\x18",
};

START_TEST(all_is_dropped_in_every_state)
{
    typist_type("old\r");
    editor_remember(typist.editor, "older");
    typist_type(states[_i]);
    editor_cancel(typist.editor);
    ck_assert_str_eq(typist_shown(), "^");
    typist_type("abc\r");
    ck_assert_str_eq(typist.accepted.data, "old|abc|");
}
END_TEST

START_TEST(it_is_closed_in_every_state)
{
    editor_remember(typist.editor, "older");
    typist_type(states[_i]); /* the fixture closes it */
}
END_TEST

START_TEST(typed_ahead_is_dropped_too)
{
    typist.waits = true;
    typist_type("one\rtwo\r");
    editor_cancel(typist.editor);
    editor_go_on(typist.editor);
    ck_assert_str_eq(typist.accepted.data, "one|");
    ck_assert_str_eq(typist_shown(), "^");
}
END_TEST
/* --- pastes ------------------------------------------------------------------------------ */

static struct buffer make_paste(size_t size)
{
    struct buffer paste = {0};

    buffer_append_string(&paste, "\x1b[200~");
    for (int i = 0; paste.length < size; i++)
        buffer_printf(&paste, "print('line %d of the \xc3\xa9t\xc3\xa9') -- do\r", i);
    buffer_append_string(&paste, "\x1b[201~");
    return paste;
}

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* In pieces as a terminal's driver gives them, so that marks and letters are torn. */
START_TEST(a_large_paste_is_one_text_and_takes_no_time)
{
    struct buffer paste = make_paste(1 << 20);
    struct editor_view view;
    const double started = now();

    for (size_t at = 0; at < paste.length; at += 4095)
        editor_feed(typist.editor, paste.data + at,
                    paste.length - at < 4095 ? paste.length - at : 4095);
    editor_look(typist.editor, &view);
    ck_assert_uint_eq(strlen(view.text), paste.length - 12);
    ck_assert_uint_eq(view.cursor, paste.length - 12);
    ck_assert_ptr_null(typist.accepted.data);
    typist_type("x\x7f\x1b[A\x1b[D\x05\x1f\x1f\x1f");
    editor_look(typist.editor, &view);
    ck_assert_uint_eq(strlen(view.text), 0);
    ck_assert_msg(now() - started < 10, "%.3f s", now() - started);
    buffer_deinit(&paste);
}
END_TEST

START_TEST(a_paste_waits_for_enter)
{
    typist_type("\x1b[200~a\rb\r\x1b[201~");
    ck_assert_ptr_null(typist.accepted.data);
    typist_type("\r");
    ck_assert_str_eq(typist.accepted.data, "a\nb|");
}
END_TEST

START_TEST(a_paste_that_is_too_long_is_refused_as_a_whole)
{
    struct buffer paste = make_paste(17 << 20), said = {0};

    log_set_sink(typist_keep_log, &said);
    typist_type("ab");
    editor_feed(typist.editor, paste.data, paste.length);
    typist_type("c");
    ck_assert_str_eq(typist_shown(), "abc^");
    ck_assert_ptr_nonnull(strstr(said.data, "16 million characters"));
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
    buffer_deinit(&paste);
}
END_TEST

static void add_typing(Suite *suite)
{
    TCase *topic = add_case(suite, "typing", typist_begin, typist_end);

    tcase_add_test(topic, a_line_that_was_typed_is_accepted);
    tcase_add_loop_test(topic, each_key_does_what_it_should, 0, COUNT_OF(keys));
    tcase_add_loop_test(topic, keys_may_come_byte_by_byte, 0, COUNT_OF(keys));
    tcase_add_test(topic, an_empty_line_runs_what_is_unfinished);
    tcase_add_test(topic, a_new_line_is_indented_but_not_in_a_paste_without_brackets);
    tcase_add_test(topic, enter_in_the_middle_of_a_whole_text_runs_it);
    tcase_add_test(topic, keys_behind_an_accepted_line_wait_until_it_is_over);
    tcase_add_test(topic, keys_behind_the_end_wait_until_a_line_is_wanted);
    tcase_add_test(topic, keys_wait_until_the_first_line_is_wanted);
    tcase_add_test(topic, a_paste_without_brackets_is_run_line_by_line);
    tcase_add_test(topic, control_d_ends_only_when_nothing_is_typed);
    tcase_add_test(topic, control_l_asks_for_an_empty_screen_and_leaves_the_text);
}

static void add_owner(Suite *suite)
{
    TCase *topic = add_case(suite, "owner", typist_begin, typist_end);

    tcase_add_test(topic, tab_lets_the_owner_insert_and_says_when_it_comes_again);
    tcase_add_test(topic, keys_that_come_while_the_owner_is_asked_count_afterwards);
    tcase_add_test(topic, a_part_is_replaced_by_bytes);
    tcase_add_loop_test(topic, all_is_dropped_in_every_state, 0, COUNT_OF(states));
    tcase_add_loop_test(topic, it_is_closed_in_every_state, 0, COUNT_OF(states));
    tcase_add_test(topic, typed_ahead_is_dropped_too);
}

static void add_pastes(Suite *suite)
{
    TCase *topic = add_case(suite, "pastes", typist_begin, typist_end);

    tcase_add_test(topic, a_large_paste_is_one_text_and_takes_no_time);
    tcase_add_test(topic, a_paste_waits_for_enter);
    tcase_add_test(topic, a_paste_that_is_too_long_is_refused_as_a_whole);
}

int main(void)
{
    Suite *suite = suite_create("editor");

    add_typing(suite);
    add_owner(suite);
    add_pastes(suite);
    return run_suite(suite);
}
