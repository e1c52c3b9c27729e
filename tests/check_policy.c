/* tests/check_policy.c - policies are read before they are sent: XML, expressions in it, and
 * what two of them have in common. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/policy.h"
#include "suite.h"

static cJSON *new_body(const char *format, const char *value)
{
    cJSON *body = cJSON_CreateObject();

    if (format != NULL)
        json_set_at(body, "properties.format", cJSON_CreateString(format));
    json_set_at(body, "properties.value", cJSON_CreateString(value));
    return body;
}

/* --- the check ------------------------------------------------------------------------ */

#define IN(text)   "<policies><inbound>" text "</inbound></policies>"
#define WHEN(code) IN("<choose><when condition=\"" code "\"/></choose>")

static const struct check_row {
    const char *format, *value;
    const char *complaint; /* a part of it, or NULL */
} check_rows[] = {
    {NULL, "<policies/>", NULL},
    {"xml", "<policies><inbound/><backend/><outbound/><on-error/></policies>", NULL},
    {"xml", "<?xml version=\"1.0\" encoding=\"utf-16\"?><policies/>", NULL},
    {"XML", "<policies>", "line 1, column 11: no element found"},
    {"xml", "", "line 1, column 1: no element found"},
    {"xml", "<policies>\n  <inbound>\n </policies>", "line 3, column 4: mismatched tag"},
    {"xml", "<policy/>",
     "line 1, column 1: the root is <policy>, and must be <policies>"},
    {"xml", "<policies>\n <inbond/>\n</policies>",
     "line 2, column 2: <inbond> is no section of a policy; did you mean <inbound>?"},
    {"xml", "<policies><choose/></policies>", "there are inbound, backend, outbound and"},
    {"xml", WHEN("@(a &amp;&amp; b == &quot;x&quot;)"), NULL},
    {"xml", WHEN("@(a == \"x\")"), "not well-formed"},
    {NULL, WHEN("@(a && b)"), "not well-formed"},
    {"xml-link", "https://example.com/policy.xml", NULL},
    {"rawxml-link", "https://example.com/policy.xml", NULL},
    {"rawxml", WHEN("@(a && b[\"x\"] < 3)"), NULL},
    {"RawXml", WHEN("@(a && b)"), NULL},
    {"rawxml", WHEN("@(\")\" + ')' + '\\'' + '\\u0041')"), NULL},
    {"rawxml", WHEN("@(@\"a\\\" + @\"say \"\"(\"\"\")"), NULL},
    {"rawxml", WHEN("@($\"{x[\"(\"]}{{(\" + $@\"{y}\")"), NULL},
    {"rawxml", WHEN("@(a /* ) */ + b)"), NULL},
    {"rawxml", IN("<set-body>@{ // don't )}\n  return \"}\"; }</set-body>"), NULL},
    {"rawxml", IN("<!-- @( and @{ --><set-body><![CDATA[@( <a> ]]></set-body>"), NULL},
    {"rawxml", IN("<set-body>me@(here</set-body>"), NULL},
    {"rawxml", IN("<set-body>it's @(a < b), don't</set-body>"), NULL},
    {"rawxml",
     "<policies>\n <inbound>\n  <set-body> @(a(b)</set-body></inbound></policies>",
     "line 3, column 14: the expression @( is never closed"},
    {"rawxml", "@(a)<policies/>", "line 1, column 1: not well-formed"},
    {"rawxml", "<policies @(a)/>", "not well-formed"},
    {"rawxml", WHEN("@(\xf4u)"), "not well-formed"},
    {"rawxml", WHEN("@(\x01)"), "not well-formed"},
    {"rawxml", WHEN("@{ return 1;"), "the expression @{ is never closed"},
    {"rawxml", WHEN("@(\"\xc3\xa9\xc3\xa9\")") "<x>", "junk after document element"},
    {"rawxml", "<policies><inbound><a b=\"@(\"\xc3\xa9\")\"></inbound></policies>",
     "line 1, column 36: mismatched tag"},
    {"rawxml", "<policies><inbound><a b=\"@(1,\n2)\"></inbound></policies>",
     "line 2, column 7: mismatched tag"},
};

START_TEST(a_policy_is_read_before_it_is_sent)
{
    const struct check_row *row = &check_rows[_i];
    cJSON *body = new_body(row->format, row->value);
    char *complaint = policy_check(body);

    if (row->complaint == NULL)
        ck_assert_msg(complaint == NULL, "%s: %s", row->value, complaint);
    else
        ck_assert_msg(complaint != NULL && strstr(complaint, row->complaint) != NULL,
                      "%s: %s", row->value, complaint != NULL ? complaint : "accepted");
    free(complaint);
    cJSON_Delete(body);
}
END_TEST

START_TEST(a_fragment_has_a_root_of_its_own_and_no_sections)
{
    cJSON *good =
        new_body("rawxml", "<fragment><set-header a=\"@(b[\"c\"])\"/></fragment>");
    cJSON *bad = new_body("rawxml", "<policies/>");
    char *complaint = policy_check_fragment(bad);

    ck_assert_ptr_null(policy_check_fragment(good));
    ck_assert_str_eq(complaint,
                     "value: line 1, column 1: the root is <policies>, and must be "
                     "<fragment>");
    free(complaint);
    cJSON_Delete(good);
    cJSON_Delete(bad);
}
END_TEST

START_TEST(a_body_without_text_is_not_complained_of)
{
    cJSON *body = cJSON_CreateObject();

    ck_assert_ptr_null(policy_check(body));
    cJSON_Delete(body);
}
END_TEST

/* Runs of what could be looked at again and again take no longer than their length allows. */
START_TEST(a_long_text_takes_the_time_of_its_length)
{
    static const char *const runs[] = {"@", "@(", "$\"{", "'", "\"", "/*", "@{"};
    struct buffer text = {0};
    cJSON *body;
    char *complaint;

    buffer_append_string(&text, "<policies>@(");
    for (int i = 0; i < 1000000; i++)
        buffer_append_string(&text, runs[_i]);
    body = new_body("rawxml", text.data);
    complaint = policy_check(body);
    ck_assert_ptr_nonnull(complaint);
    free(complaint);
    cJSON_Delete(body);
    buffer_deinit(&text);
}
END_TEST

/* --- comparing ------------------------------------------------------------------------ */

static const struct same_row {
    const char *format, *value, *other_format, *other;
    bool is_same;
} same_rows[] = {
    {"xml", "<policies/>", NULL, "<policies></policies>", true},
    {"xml", IN("<a c='1' b='2'/>"), "xml",
     "<policies>\n  <inbound>\n    <a b=\"2\" c=\"1\" />\n  </inbound>\n</policies>",
     true},
    {"rawxml", WHEN("@(a && b[\"x\"] < 'c')"), "xml",
     WHEN("@(a &amp;&amp; b[&quot;x&quot;] &lt; 'c')"), true},
    {"rawxml", IN("<a>@{ return \"x\" < y; }</a>"), "xml",
     IN("<a>@{ return \"x\" &lt; y; }</a>"), true},
    {"rawxml", IN("<a>@(b[c[1]]>d)</a>"), "xml", IN("<a>@(b[c[1]]&gt;d)</a>"), true},
    {"xml", IN("<a b=\"1\"/>"), "xml", IN("<a b=\"2\"/>"), false},
    {"xml", IN("<a>x y</a>"), "xml", IN("<a>xy</a>"), false},
    {"xml", IN("<a/><b/>"), "xml", IN("<b/><a/>"), false},
    {"xml", IN("<a/><b/>"), "xml", IN("<a><b/></a>"), false},
    {"xml", IN("<!--x-->"), "xml", IN("<!--y-->"), false},
    {"rawxml", WHEN("@(a)"), "rawxml", WHEN("@(b)"), false},
    {"xml-link", "http://a", "xml-link", "http://a", false},
    {"xml", "<a", "xml", "<a", false},
    {"rawxml", IN("<a>@(</a>"), "rawxml", IN("<a>@(</a>"), false},
};

START_TEST(policies_are_compared_by_what_they_say)
{
    const struct same_row *row = &same_rows[_i];
    cJSON *a = new_body(row->format, row->value),
          *b = new_body(row->other_format, row->other);

    ck_assert_msg(policy_is_same(a, b) == row->is_same, "%s, %s", row->value, row->other);
    ck_assert(policy_is_same(b, a) == row->is_same);
    cJSON_Delete(a);
    cJSON_Delete(b);
}
END_TEST

START_TEST(the_description_of_a_fragment_counts_where_it_is_given)
{
    cJSON *have = new_body("xml", "<fragment/>"),
          *wanted = new_body("rawxml", "<fragment />");

    json_set_at(have, "properties.description", cJSON_CreateString("a"));
    ck_assert(policy_is_same_fragment(have, wanted));
    json_set_at(wanted, "properties.description", cJSON_CreateString("b"));
    ck_assert(!policy_is_same_fragment(have, wanted));
    ck_assert(!policy_is_same_fragment(wanted, have));
    json_set_at(have, "properties.description", cJSON_CreateString("b"));
    ck_assert(policy_is_same_fragment(have, wanted));
    cJSON_Delete(have);
    cJSON_Delete(wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *check = add_case(suite, "check", NULL, NULL),
          *same = add_case(suite, "same", NULL, NULL);

    tcase_add_loop_test(check, a_policy_is_read_before_it_is_sent, 0,
                        COUNT_OF(check_rows));
    tcase_add_test(check, a_fragment_has_a_root_of_its_own_and_no_sections);
    tcase_add_test(check, a_body_without_text_is_not_complained_of);
    tcase_add_loop_test(check, a_long_text_takes_the_time_of_its_length, 0, 7);
    tcase_add_loop_test(same, policies_are_compared_by_what_they_say, 0,
                        COUNT_OF(same_rows));
    tcase_add_test(same, the_description_of_a_fragment_counts_where_it_is_given);
    return run_suite(suite);
}
