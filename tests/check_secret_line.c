/* tests/check_secret_line.c - which lines the history must not keep. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "prompt/secret_line.h"
#include "suite.h"

#define GUID "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define KEY88                                                                            \
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"         \
    "KBHBeksoGMGw=="

static const char *const secrets[] = {
    "password = 'hunter2'",
    "local password = \"hunter2\"",
    "db.password='hunter2'",
    "db_password = 'hunter2'",
    "config.dbPassword2 = [[hunter2]]",
    "t = {passwd = [==[hunter2]==]}",
    "t = { [\"client_secret\"] = 'abc' }",
    "t = { ['api-key'] = 'abc' }",
    "x.API_KEY = 'abc'",
    "token = 'abc' .. suffix",
    "sas = -- a comment\n  'abc'",
    "backend:set_password('hunter2')",
    "backend:set_password 'hunter2'",
    "backend:setToken[[hunter2]]",
    "store.put(\"password\", \"hunter2\")",
    "connection_string = 'x'",
    "ws.named_values:create('db', {value = 'hunter2', secret = true})",
    "nv:update{value = 'hunter2'}",
    "s:ensure('x', {primary_key = 'abc'})",
    "ws.certificates:create('c', {data = 'MIIK', password = 'x'})",
    "credentials = {header = {['x-functions-key'] = {'abc'}}}",
    "b = {credentials = {query = {code = {'abc'}}}}",
    "h = {Authorization = 'Bearer abcdef0123456789'}",
    "h = {Authorization = \"Basic dXNlcjpwYXNzd29yZA==\"}",
    "-- eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "print('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N')",
    "x = 'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abcd'",
    "x = 'Endpoint=sb://x/;SharedAccessKeyName=R;SharedAccessKey=abcd'",
    "x = 'SharedAccessSignature sr=sb%3a'",
    "x = 'https://a.blob.core.windows.net/c?sv=2022&sig=ab12%2Fcd'",
    "x = 'Server=tcp:x;User ID=me;Password=hunter2;'",
    "http.get('https://me:hunter2@example.com/')",
    "http.get('https://x?subscription-key=abcd1234')",
    "x = [[-----BEGIN PRIVATE KEY-----\nMII]]",
    "x = [[-----BEGIN RSA PRIVATE KEY-----]]",
    "x = '" KEY88 "'",
    "x = '0123456789abcdef0123456789abcdef'",
    "x = 'abX8Q~2Kd0fLqPz91mNvB3cWtYr5sJhG7eUi4oAx'",
    "-- " KEY88,
    "\\use x 0123456789abcdef0123456789abcdef",
    "password = 'unfinished",
    "password = [[unfinished",
};

static const char *const harmless[] = {
    "",
    "print(1)",
    "password = nil",
    "password = ''",
    "password = \"\"",
    "password == 'x'",
    "password ~= 'x'",
    "password = env.get('DB_PASSWORD')",
    "local token = secret('db')",
    "t = {secret = true, name = 'x'}",
    "keys = {'a', 'b'}",
    "monkey = 'business'",
    "key_vault = 'kv-1'",
    "token_url = 'https://login.example'",
    "secret_name = 'db'",
    "bypass = 'x'",
    "value = 'x'",
    "args.read {{name = 'team', value = 'NAME', help = 'the team'}}",
    "ws.subscriptions:get('x').primary_key",
    "for key, value in pairs(t) do print(key, 'x') end",
    "print('key', 'x')",
    "print('Bearer token')",
    "print('no password= here')",
    "id = '" GUID "'",
    "id = '" GUID "/" GUID "'",
    "id = '/subscriptions/" GUID "/resourceGroups/Rg-Prod01/providers/"
    "Microsoft.ApiManagement/service/apim-Contoso1/workspaces/Team42'",
    "x = 'https://apim-contoso.azure-api.net/invoices/v2/customers/1234567890'",
    "gateways.create('gw-payments-production-westeurope-0001', {units = 1})",
    "aVeryLongVariableNameThatSaysAllOfIt_AndThenSome = otherLongName12",
    "----------------------------------------------------------------",
    "x = '================================================'",
    "x = 12345678901234567890123456789012345",
    "policy = '<set-header name=\"x\"><value>{{password}}</value></set-header>'",
    "x = 'AccountKey={{key}}'",
    "http.get('https://example.com:8080/@me')",
    "x = [[unfinished",
    "x = 'unfinished \\",
    "x = \"\\",
    "x = [==",
    "}}}}{{{{",
    "--[[",
    "-----BEGIN CERTIFICATE-----",
    "x = '-----BEGIN PUBLIC KEY-----'",
};

START_TEST(a_secret_is_seen)
{
    ck_assert_msg(secret_line_is(secrets[_i]), "not seen in: %s", secrets[_i]);
}
END_TEST

START_TEST(what_is_none_is_let_through)
{
    ck_assert_msg(!secret_line_is(harmless[_i]), "seen in: %s", harmless[_i]);
}
END_TEST

/* A lone GUID lies between keys of a run that is joined by signs of Base64. */
START_TEST(a_key_next_to_a_guid_is_seen)
{
    ck_assert(secret_line_is("x = '" GUID "/" KEY88 "'"));
    ck_assert(secret_line_is("x = '" KEY88 "/" GUID "'"));
}
END_TEST

START_TEST(long_text_is_done_in_time_that_grows_with_it)
{
    static const char *const pieces[] = {
        "x", "[",     "[=",  "'",    "-",      "a=",          "=",        "{",
        "/", "://a:", "eyJ", "eyJ-", "Basic ", "-----BEGIN ", "3f2504e0-"};
    struct buffer text = {0};

    while (text.length < 1 << 20)
        buffer_append_string(&text, pieces[_i]);
    secret_line_is(text.data); /* within the test's time */
    buffer_deinit(&text);
}
END_TEST

/* What the reference and the ready scripts show can be typed and kept, but where it is really a
 * secret. */
START_TEST(own_scripts_hold_no_more_than_theirs)
{
    static const char *const files[] = {"scripts/apply.lua", "scripts/bulk_onboard.lua",
                                        "scripts/explain.lua", "scripts/get_started.lua"};

    for (int i = 0; i < COUNT_OF(files); i++) {
        FILE *file = fopen(files[i], "r");
        char line[4096];

        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file) != NULL)
            ck_assert_msg(!secret_line_is(line), "%s: %s", files[i], line);
        fclose(file);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("secret_line");
    TCase *lines = add_case(suite, "lines", NULL, NULL);

    tcase_add_loop_test(lines, a_secret_is_seen, 0, COUNT_OF(secrets));
    tcase_add_loop_test(lines, what_is_none_is_let_through, 0, COUNT_OF(harmless));
    tcase_add_test(lines, a_key_next_to_a_guid_is_seen);
    tcase_add_loop_test(lines, long_text_is_done_in_time_that_grows_with_it, 0, 15);
    tcase_add_test(lines, own_scripts_hold_no_more_than_theirs);
    return run_suite(suite);
}
