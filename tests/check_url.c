/* tests/check_url.c - whose a URL is, and what a reference next to one means. */
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"

static const struct {
    const char *url;
    size_t length;
} origins[] = {{"https://management.azure.com/a", 28},
               {"https://management.azure.com", 28},
               {"HTTPS://A:8443?x", 14},
               {"http://[::1]:80/x", 15},
               {"http://[::1]", 12},
               {"ftp://a/", 0},
               {"https://", 0},
               {"https:///path", 0},
               {"https://:80/", 0},
               {"https://user@host/", 0},
               {"https://a.example\\@evil.example/", 0},
               {"https://a:80b/", 0},
               {"/relative", 0},
               {"", 0}};

START_TEST(an_origin_is_told_or_there_is_none)
{
    ck_assert_uint_eq(url_origin_length(origins[_i].url), origins[_i].length);
}
END_TEST

static const struct {
    const char *url, *origin;
    bool is_same, is_within;
} pairs[] = {
    {"https://management.azure.com/x", "https://management.azure.com", true, true},
    {"https://Management.Azure.COM:443/x", "https://management.azure.com", true, true},
    {"https://westeurope.management.azure.com/x", "https://management.azure.com", false,
     true},
    {"https://evilmanagement.azure.com/x", "https://management.azure.com", false, false},
    {"https://management.azure.com.evil.example/", "https://management.azure.com", false,
     false},
    {"http://management.azure.com/x", "https://management.azure.com", false, false},
    {"http://a.127.0.0.1:80/", "http://127.0.0.1:80", false, false},
    {"https://management.azure.com:8443/x", "https://management.azure.com", false, false},
    {"https://a@management.azure.com/", "https://management.azure.com", false, false},
    {"http://127.0.0.1:4280/x", "http://127.0.0.1:4280", true, true},
    {"http://127.0.0.1:4281/x", "http://127.0.0.1:4280", false, false},
    {"https://.management.azure.com/", "https://management.azure.com", false, false}};

START_TEST(urls_belong_to_an_origin_or_do_not)
{
    ck_assert_int_eq(url_same_origin(pairs[_i].url, pairs[_i].origin), pairs[_i].is_same);
    ck_assert_int_eq(url_is_within(pairs[_i].url, pairs[_i].origin), pairs[_i].is_within);
}
END_TEST

static const struct {
    const char *url;
    bool is_loopback;
} loopbacks[] = {
    {"http://127.0.0.1:1/", true},     {"http://127.8.9.1", true},
    {"http://localhost/", true},       {"http://LOCALHOST:80/", true},
    {"http://[::1]:8/", true},         {"http://127.0.0.1.evil.example/", false},
    {"http://127.evil.0.1/", false},   {"http://127.0.0/", false},
    {"http://localhost.evil/", false}, {"http://128.0.0.1/", false},
    {"file:///127.0.0.1", false}};

START_TEST(loopback_is_this_machine_alone)
{
    ck_assert_int_eq(url_is_loopback(loopbacks[_i].url), loopbacks[_i].is_loopback);
}
END_TEST

/* RFC 3986, 5.4, with an http base, and what is met besides. */
static const struct {
    const char *reference, *url;
} references[] = {{"g", "http://a/b/c/g"},
                  {"./g", "http://a/b/c/g"},
                  {"g/", "http://a/b/c/g/"},
                  {"/g", "http://a/g"},
                  {"//g", "http://g"},
                  {"?y", "http://a/b/c/d;p?y"},
                  {"g?y", "http://a/b/c/g?y"},
                  {"#s", "http://a/b/c/d;p?q"},
                  {"g#s", "http://a/b/c/g"},
                  {"g?y#s", "http://a/b/c/g?y"},
                  {";x", "http://a/b/c/;x"},
                  {"", "http://a/b/c/d;p?q"},
                  {".", "http://a/b/c/"},
                  {"./", "http://a/b/c/"},
                  {"..", "http://a/b/"},
                  {"../", "http://a/b/"},
                  {"../g", "http://a/b/g"},
                  {"../..", "http://a/"},
                  {"../../g", "http://a/g"},
                  {"../../../g", "http://a/g"},
                  {"/./g", "http://a/g"},
                  {"/../g", "http://a/g"},
                  {"g.", "http://a/b/c/g."},
                  {"..g", "http://a/b/c/..g"},
                  {"./../g", "http://a/b/g"},
                  {"g/./h", "http://a/b/c/g/h"},
                  {"g/../h", "http://a/b/c/h"},
                  {"g?y/../x", "http://a/b/c/g?y/../x"},
                  {"https://b/c?%24d=e#f", "https://b/c?%24d=e"},
                  {"mailto:x", NULL},
                  {"http://", NULL},
                  {"a b", NULL},
                  {"/a\\b", NULL},
                  {"//u@g/", NULL},
                  {"caf\xc3\xa9", NULL}};

START_TEST(a_reference_is_resolved)
{
    char *url = url_resolve("http://a/b/c/d;p?q", references[_i].reference);

    if (references[_i].url == NULL)
        ck_assert_ptr_null(url);
    else
        ck_assert_str_eq(url, references[_i].url);
    free(url);
}
END_TEST

START_TEST(a_base_without_a_path_resolves_too)
{
    char *url = url_resolve("https://a.example", "b/c?d");

    ck_assert_str_eq(url, "https://a.example/b/c?d");
    free(url);
    ck_assert_ptr_null(url_resolve("nothing", "/a"));
}
END_TEST

static const struct {
    const char *url, *name, *value;
} parameters[] = {{"http://a/?api-version=1&b=2", "api-version", "1"},
                  {"http://a/?Api-Version=1", "api-version", "1"},
                  {"http://a/?b=2&api-version=", "api-version", ""},
                  {"http://a/?b&api-version", "api-version", ""},
                  {"http://a/?%24skip=5&x", "$skip", "5"},
                  {"http://a/?$skip=5", "$skip", "5"},
                  {"http://a/?xapi-version=1", "api-version", NULL},
                  {"http://a/", "api-version", NULL},
                  {"http://a/?b#?api-version=1", "api-version", NULL},
                  {"http://a/?", "a", NULL}};

START_TEST(a_parameter_is_found_or_not)
{
    size_t length = 99;
    const char *value = url_parameter(parameters[_i].url, parameters[_i].name, &length);

    if (parameters[_i].value == NULL) {
        ck_assert_ptr_null(value);
    } else {
        ck_assert_uint_eq(length, strlen(parameters[_i].value));
        ck_assert_int_eq(strncmp(value, parameters[_i].value, length), 0);
    }
}
END_TEST

START_TEST(the_path_begins_behind_the_origin)
{
    ck_assert_str_eq(url_path("https://a:1/b?c"), "/b?c");
    ck_assert_str_eq(url_path("/b"), "/b");
    ck_assert(url_is_clean("https://a/%20?$x=%C3"));
    ck_assert(!url_is_clean("https://a/ "));
    ck_assert(!url_is_clean("https://a/\x7f"));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("url");
    TCase *topic = harness_add_case(suite, "url", NULL, NULL);

    tcase_add_loop_test(topic, an_origin_is_told_or_there_is_none, 0, COUNT(origins));
    tcase_add_loop_test(topic, urls_belong_to_an_origin_or_do_not, 0, COUNT(pairs));
    tcase_add_loop_test(topic, loopback_is_this_machine_alone, 0, COUNT(loopbacks));
    tcase_add_loop_test(topic, a_reference_is_resolved, 0, COUNT(references));
    tcase_add_test(topic, a_base_without_a_path_resolves_too);
    tcase_add_loop_test(topic, a_parameter_is_found_or_not, 0, COUNT(parameters));
    tcase_add_test(topic, the_path_begins_behind_the_origin);
    return harness_run_suite(suite);
}
