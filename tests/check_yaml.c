/* tests/check_yaml.c - YAML as JSON and back. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/yaml.h"
#include "tests/suite.h"

static const struct {
    const char *yaml, *json;
} readable[] = {
    {"a: 1", "{\"a\":1}"},
    {"- ~\n- true\n- 'true'\n- -1.5e2\n- 0x1f\n- 0o17\n- yes",
     "[null,true,\"true\",-150,31,15,\"yes\"]"},
    {"{a: [1, {b: c}]}", "{\"a\":[1,{\"b\":\"c\"}]}"},
    {"a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}"},
    {"x: &n {a: 1}\ny: *n", "{\"x\":{\"a\":1},\"y\":{\"a\":1}}"},
    {"200: ok", "{\"200\":\"ok\"}"},
    {"a:", "{\"a\":null}"},
    {"\"\\u00e9\"", "\"\xc3\xa9\""},
    {"1.2.3", "\"1.2.3\""},
    {"{\"openapi\": \"3.0.1\"}", "{\"openapi\":\"3.0.1\"}"},
};

START_TEST(yaml_is_read)
{
    char *wrong = NULL, *text;
    cJSON *tree = yaml_parse(readable[_i].yaml, strlen(readable[_i].yaml), &wrong);

    ck_assert_msg(tree != NULL, "%s", wrong);
    text = json_print(tree);
    ck_assert_str_eq(text, readable[_i].json);
    free(text);
    cJSON_Delete(tree);
}
END_TEST

static const struct {
    const char *yaml, *complaint;
} unreadable[] = {
    {"", "nothing in it"},
    {"a: 1\nb: [", "line 3"},
    {"a: 1\na: 2", "'a' comes twice"},
    {"? [a]\n: 1", "a key that is no text"},
    {"a: *nowhere", "line 1"},
    {"a: \xc3(", "line"},
    {"a: \"\\0\"", "NUL"},
    {"&a [*a]", "nested too deep"},
};

START_TEST(what_is_no_yaml_is_told_with_its_line)
{
    char *wrong = NULL;

    ck_assert_ptr_null(
        yaml_parse(unreadable[_i].yaml, strlen(unreadable[_i].yaml), &wrong));
    ck_assert_msg(strstr(wrong, unreadable[_i].complaint) != NULL, "%s", wrong);
    free(wrong);
}
END_TEST

/* Each line has the one before nine times. */
START_TEST(aliases_do_not_blow_up)
{
    struct buffer text = {0};
    char *wrong = NULL;

    buffer_append_string(&text, "a0: &a0 x\n");
    for (int i = 1; i < 12; i++) {
        buffer_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            buffer_printf(&text, "%s*a%d", j > 0 ? "," : "", i - 1);
        buffer_append_string(&text, "]\n");
    }
    ck_assert_ptr_null(yaml_parse(text.data, text.length, &wrong));
    ck_assert_ptr_nonnull(strstr(wrong, "aliases"));
    free(wrong);
    buffer_deinit(&text);
}
END_TEST

static const char *const printable[] = {
    "{\"a\":{\"b\":[1,\"true\",\"1.0\",\"\",null,false,\"two\\nlines\\n\"],\"c\":{}}}",
    "[[],{},\"- x\",\"a: b\",\"#\",\"'\",\"\\\"\"]",
    "{\"/a/{b}\":{\"200\":\"\xc3\xa9\",\"x\":1.5,\"y\":-3,\"z\":\" lead\"}}",
};

START_TEST(what_is_written_reads_as_the_same)
{
    cJSON *tree = json_parse(printable[_i], strlen(printable[_i]), NULL), *again;
    char *text = yaml_print(tree), *wrong = NULL, *json;

    again = yaml_parse(text, strlen(text), &wrong);
    ck_assert_msg(again != NULL, "%s in\n%s", wrong, text);
    json = json_print(again);
    ck_assert_str_eq(json, printable[_i]);
    free(json);
    free(text);
    cJSON_Delete(tree);
    cJSON_Delete(again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *yaml = tcase_create("yaml");

    tcase_add_loop_test(yaml, yaml_is_read, 0, COUNT_OF(readable));
    tcase_add_loop_test(yaml, what_is_no_yaml_is_told_with_its_line, 0,
                        COUNT_OF(unreadable));
    tcase_add_test(yaml, aliases_do_not_blow_up);
    tcase_add_loop_test(yaml, what_is_written_reads_as_the_same, 0, COUNT_OF(printable));
    suite_add_tcase(suite, yaml);
    return run_suite(suite);
}
