/* tests/check_statement.c - when what is typed at the prompt is whole. */
#include "prompt/statement.h"

#include <lauxlib.h>

#include "suite.h"

static lua_State *L;

static void begin(void)
{
    L = luaL_newstate();
    ck_assert_ptr_nonnull(L);
}

static void end(void)
{
    ck_assert_int_eq(lua_gettop(L), 0);
    lua_close(L);
}

static const struct {
    const char *text;
    bool is_whole;
} rows[] = {{"", true},
            {"  \t\n", true},
            {"1 + 1", true},
            {"1 +", false},
            {"x = 5 +", false},
            {"x =", false},
            {"f(", false},
            {"f(1,", false},
            {"f(1))", true},
            {"{1, 2", false},
            {"a.b.c", true},
            {"a.", false},
            {"local x", true},
            {"local x = {", false},
            {"for i = 1, 2 do", false},
            {"for i = 1, 2 do\n  print(i)\nend", true},
            {"function f(a)", false},
            {"if a then b() else", false},
            {"if a b", true},
            {"repeat x()", false},
            {"\"open", true}, /* wrong for good: a string ends with its line */
            {"[[open", false},
            {"[==[open]]", false},
            {"[==[open]==]", true},
            {"--[[ a comment", false},
            {"-- a comment", true},
            {"f() &", true},
            {"f( &", false},
            {"f(\n#", true},
            {"#", false}, /* the length of what comes */
            {"f(#", false},
            {"\\watch f(", true},
            {"  \\x", true},
            {"gateways.create?", true},
            {"gateways.create??", true},
            {"ws:update?", true},
            {"?", true},
            {"x = [[ is it?", false},
            {"\xff\xfe", true},
            {"return", true},
            {"goto", false}};

START_TEST(what_lua_wants_more_of_is_not_whole)
{
    ck_assert_msg(statement_is_whole(L, rows[_i].text) == rows[_i].is_whole, "'%s'",
                  rows[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statement");
    TCase *topic = add_case(suite, "whole", begin, end);

    tcase_add_loop_test(topic, what_lua_wants_more_of_is_not_whole, 0, COUNT_OF(rows));
    return run_suite(suite);
}
