/* tests/check_config.c - the configuration: where it is found, whose it must be, what it may say, and
 * that nothing but declarations can be done in it. */
#include "tests/configured.h"
#include "tests/suite.h"

static void write_home_file(const char *text)
{
    ck_assert_int_eq(mkdir("home/.config", 0700), 0);
    ck_assert_int_eq(mkdir("home/.config/moongate", 0700), 0);
    write_text("home/.config/moongate/config.lua", text);
}

/* Reads moongate.lua with this text, which must be wrong, as `message` says. */
static void assert_wrong(const char *text, size_t length, const char *message)
{
    write_bytes("moongate.lua", text, length);
    config = config_read(NULL, &failure);
    ck_assert_ptr_null(config);
    ck_assert_ptr_nonnull(failure);
    ck_assert_str_eq(failure->code, "BadSetting");
    ck_assert_str_eq(failure->message, message);
}

/* --- where it is found -------------------------------------------------------------- */

START_TEST(there_need_be_none)
{
    struct settings settings = {0};

    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_ptr_null(failure);
    ck_assert_ptr_null(config_use_profile(NULL, NULL, &settings));
    ck_assert_ptr_null(settings.profile);
    failure = config_use_profile(NULL, "staging", &settings);
    ck_assert_ptr_nonnull(strstr(failure->message,
                                 "profile 'staging': there is no configuration: no "
                                 "moongate.lua here, and no /tmp/check_config."));
}
END_TEST

START_TEST(the_working_folder_comes_before_the_home)
{
    write_home_file("profile 'of-home' {}");
    read_good(NULL);
    ck_assert_str_eq(config_profile_name(config, 0), "of-home");
    config_free(config);
    write_text("moongate.lua", "profile 'of-here' {}");
    read_good(NULL);
    ck_assert_str_eq(config_path(config), "moongate.lua");
    ck_assert_str_eq(config_profile_name(config, 0), "of-here");
    ck_assert_ptr_null(config_profile_name(config, 1));
}
END_TEST

START_TEST(xdg_config_home_names_the_folder)
{
    ck_assert_int_eq(mkdir("home/moongate", 0700), 0);
    write_text("home/moongate/config.lua", "profile 'x' {}");
    setenv("XDG_CONFIG_HOME", getenv("HOME"), 1);
    read_good(NULL);
    ck_assert_str_eq(config_profile_name(config, 0), "x");
}
END_TEST

START_TEST(a_named_file_comes_before_the_variable_and_that_before_all)
{
    write_text("moongate.lua", "profile 'of-here' {}");
    write_text("a.lua", "profile 'a' {}");
    write_text("b.lua", "profile 'b' {}");
    setenv("MOONGATE_CONFIG", "a.lua", 1);
    read_good(NULL);
    ck_assert_str_eq(config_profile_name(config, 0), "a");
    config_free(config);
    read_good("b.lua");
    ck_assert_str_eq(config_profile_name(config, 0), "b");
}
END_TEST

START_TEST(a_named_file_must_be_there)
{
    ck_assert_ptr_null(config_read("nope.lua", &failure));
    ck_assert_str_eq(failure->message,
                     "the configuration nope.lua: No such file or directory");
}
END_TEST

START_TEST(dev_null_is_none)
{
    write_text("moongate.lua", "this is wrong");
    ck_assert_ptr_null(config_read("/dev/null", &failure));
    ck_assert_ptr_null(failure);
}
END_TEST

START_TEST(a_folder_is_no_configuration)
{
    ck_assert_int_eq(mkdir("moongate.lua", 0700), 0);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_str_eq(failure->message, "the configuration moongate.lua is a folder");
}
END_TEST

START_TEST(a_pipe_is_no_configuration_and_nobody_waits_for_it)
{
    ck_assert_int_eq(mkfifo("moongate.lua", 0600), 0);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_str_eq(failure->message,
                     "the configuration moongate.lua is no regular file");
}
END_TEST

START_TEST(an_unreadable_file_is_an_error_and_not_none)
{
    write_text("moongate.lua", "");
    ck_assert_int_eq(chmod("moongate.lua", 0), 0);
    if (geteuid() == 0 && (chown("moongate.lua", 0, 0) != 0 || seteuid(65534) != 0))
        return; /* root reads everything */
    config = config_read(NULL, &failure);
    if (geteuid() == 65534)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_ptr_null(config);
    ck_assert_ptr_nonnull(failure);
    ck_assert_ptr_nonnull(strstr(failure->message, "Permission denied"));
}
END_TEST

START_TEST(a_large_file_is_refused)
{
    const size_t size = (1 << 20) + 1;
    char *blanks = memory_new(size);

    memset(blanks, ' ', size);
    write_bytes("moongate.lua", blanks, size);
    free(blanks);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_ptr_nonnull(strstr(failure->message, "larger than 1048576 bytes"));
}
END_TEST

/* --- whose it is -------------------------------------------------------------------- */

START_TEST(a_file_that_everybody_can_write_is_taken_only_when_it_was_named)
{
    write_text("moongate.lua", "profile 'a' {}");
    ck_assert_int_eq(chmod("moongate.lua", 0666), 0);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_str_eq(
        failure->message,
        "moongate.lua is not taken: everybody can write it, and so could lead "
        "requests and sign-ins elsewhere");
    ck_assert_ptr_nonnull(strstr(failure->cure, "--config"));
    failure_free(failure);
    failure = NULL;
    read_good("moongate.lua");
    ck_assert_str_eq(logged.data, "warning: moongate.lua: everybody can write it\n");
}
END_TEST

START_TEST(a_file_that_a_group_can_write_is_refused_unless_it_is_the_users_own)
{
    write_text("moongate.lua", "profile 'a' {}");
    ck_assert_int_eq(chmod("moongate.lua", 0664), 0);
    if (geteuid() != 0)
        return; /* who else is in a group of somebody's is not ours to say */
    ck_assert_int_eq(chown("moongate.lua", 0, 0), 0);
    read_good(NULL); /* the group root of the user root */
    ck_assert_int_eq(chown("moongate.lua", 0, 65533), 0);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_ptr_nonnull(strstr(failure->message, "its group can write it"));
}
END_TEST

START_TEST(a_file_of_another_user_is_refused)
{
    write_text("moongate.lua", "profile 'a' {}");
    if (geteuid() != 0)
        return; /* only root can give files away */
    ck_assert_int_eq(chown("moongate.lua", 65533, 0), 0);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_ptr_nonnull(strstr(failure->message, "another user owns it"));
}
END_TEST

/* --- mistakes ----------------------------------------------------------------------- */

#define NO_GLOBAL       " is unknown: there are no libraries, and no globals but declarations"
#define PROFILE(fields) "profile \"a\" { " fields " }"
#define OF_PROFILE      "moongate.lua:1: profile 'a': "

static const struct {
    const char *text, *message;
} mistakes[] = {
    /* what it is made of */
    {"\n\nprofile \"a\" {\n x",
     "moongate.lua:4: '}' expected (to close '{' at line 3) near "
     "<eof>"},
    {"\x1bLua", "moongate.lua: it is compiled Lua, and text is wanted"},
    {"-- a\n-- \xff\n", "moongate.lua:2: the line is no UTF-8 text"},
    {"\xff\xfe-", "moongate.lua:1: the line is no UTF-8 text"},
    {"return 1", "moongate.lua: the file returns something, which nobody takes"},
    /* declarations */
    {"profil \"a\" {}", "moongate.lua:1: 'profil'" NO_GLOBAL "; did you mean 'profile'?"},
    {"\nx = 1",
     "moongate.lua:2: 'x' is set, and nobody reads it: say local for a name of the "
     "file's own"},
    {"profile = nil",
     "moongate.lua:1: 'profile' is set, and nobody reads it: say local for a "
     "name of the file's own"},
    {"profile \"a\"", "moongate.lua:1: profile 'a' has no table: profile \"a\" { .. }"},
    {"profile 'a'\nprofile 'b' {}",
     "moongate.lua:1: profile 'a' has no table: profile \"a\" { .. }"},
    {"local p = profile 'a' local q = profile 'b'",
     "moongate.lua:1: profile 'a' has no table: profile \"a\" { .. }"},
    {"profile 'a' {}\n\nprofile 'a' {}",
     "moongate.lua:3: profile 'a': there is one of that name in line 1"},
    {"local p = profile 'a'\np {}\np {}",
     "moongate.lua:3: a declaration has one table; this is one more"},
    {"profile {}",
     "moongate.lua:1: profile: a name expected, then a table: profile \"name\" { .. }"},
    {"profile('a', {})",
     "moongate.lua:1: profile: a name expected, then a table: profile \"name\" { .. }"},
    {"profile 'a b' {}",
     "moongate.lua:1: profile: a name is 1 to 64 letters, digits and -._, "
     "the first of them a letter or digit"},
    {"profile '' {}",
     "moongate.lua:1: profile: a name is 1 to 64 letters, digits and -._, "
     "the first of them a letter or digit"},
    {"profile 'a\\0' {}",
     "moongate.lua:1: profile: a name is 1 to 64 letters, digits and -._, "
     "the first of them a letter or digit"},
    {"profile 'a' 'b'", "moongate.lua:1: profile 'a': a table expected, got a string"},
    {"return profile 'a' {x = 1}", "moongate.lua:1: profile 'a': unknown field 'x'"},
    /* fields */
    {PROFILE("servic = 'x'"),
     OF_PROFILE "unknown field 'servic'; did you mean 'service'?"},
    {PROFILE("z = 1, y = 2, x = 3"), OF_PROFILE "unknown field 'x'"},
    {PROFILE("'x'"), OF_PROFILE "fields have names: service = \"..\""},
    {PROFILE("service = 1"), OF_PROFILE "service: a text expected, got a number"},
    {PROFILE("service = ''"), OF_PROFILE "service: the text is empty"},
    {PROFILE("service = 'a\\nb'"),
     OF_PROFILE "service: the text has a control character"},
    {PROFILE("service = 'a\\0b'"),
     OF_PROFILE "service: the text has a control character"},
    {PROFILE("service = '\\xff'"), OF_PROFILE "service: the text is no UTF-8"},
    {PROFILE("cloud = 'mars'"),
     OF_PROFILE "cloud: 'mars' is not public, usgov, china or custom"},
    {PROFILE("endpoint = 'x'"),
     OF_PROFILE "endpoint: 'x' is not a base URL such as http://127.0.0.1:4280"},
    {PROFILE("endpoint = 'https://x', cloud = 'usgov'"),
     OF_PROFILE "endpoint and cloud exclude each other"},
    {PROFILE("tenant_id = 'a/b'"),
     OF_PROFILE "tenant_id: 'a/b' is neither an id nor a domain name"},
    {PROFILE("credential = 'az'"),
     OF_PROFILE "credential: 'az' is not dev, prod, ReadyTokenCredential, "
                "EnvironmentCredential, WorkloadIdentityCredential, "
                "ManagedIdentityCredential, AzureCliCredential, KeptSignInCredential, "
                "DeviceCodeCredential"},
    {PROFILE("ca_file = '~/ca.pem'"), OF_PROFILE
     "ca_file: '~/ca.pem': nobody expands '~'; a path begins with '/', or at the "
     "folder of this file"},
    {PROFILE("store = '~/runs'"),
     OF_PROFILE "store: '~/runs': nobody expands '~'; a path begins with '/', or at the "
                "folder of this file"},
    {PROFILE("production = 'yes'"),
     OF_PROFILE "production: true or false expected, got a string"},
    {PROFILE("read_only = 1"),
     OF_PROFILE "read_only: true or false expected, got a number"},
    {PROFILE("max_writes = '1'"),
     OF_PROFILE "max_writes: a whole number from 0 to 4294967295 expected, got a string"},
    {PROFILE("max_writes = -1"),
     OF_PROFILE "max_writes: a whole number from 0 to 4294967295 expected"},
    {PROFILE("max_deletes = 1.5"),
     OF_PROFILE "max_deletes: a whole number from 0 to 4294967295 expected"},
    {PROFILE("max_deletes = 4294967296"),
     OF_PROFILE "max_deletes: a whole number from 0 to 4294967295 expected"},
    {PROFILE("concurrency = 0"),
     OF_PROFILE "concurrency: a whole number from 1 to 1024 expected"},
    {PROFILE("within = {}"),
     OF_PROFILE "within: a list of scopes expected, {\"a\", \"b\"}"},
    {PROFILE("within = {'a', x = 'b'}"),
     OF_PROFILE "within: a list of scopes expected, {\"a\", \"b\"}"},
    {PROFILE("within = {'a', 2}"), OF_PROFILE "within: a text expected, got a number"},
    {PROFILE("within = 'a/b'"),
     OF_PROFILE "within: 'a/b' is no scope: an id begins with a slash"},
    {PROFILE("within = true"),
     OF_PROFILE "within: a scope or a list of them expected, got a boolean"},
    {PROFILE(
         "within = {'1','2','3','4','5','6','7','8','9','10','11','12','13','14','15',"
         "'16','17'}"),
     OF_PROFILE "within: more than 16 scopes"},
    /* what cannot be done */
    {"local g = _G", "moongate.lua:1: '_G'" NO_GLOBAL},
    {"require 'os'", "moongate.lua:1: 'require'" NO_GLOBAL},
    {"local x = ('x'):rep(1e9)",
     "moongate.lua:1: attempt to index a string value (constant 'x')"},
    {"local x = #_ENV\nlocal y = _ENV.string", "moongate.lua:2: 'string'" NO_GLOBAL},
    {"while true do end", "moongate.lua:1: it does not come to an end"},
    {"local function f() return f() end\nf()",
     "moongate.lua:1: it does not come to an end"},
    {"local function f() f() end f()",
     "moongate.lua: it needs more than 16 MiB of memory"},
    {"local s = 'x' for i = 1, 40 do s = s .. s end",
     "moongate.lua: it needs more than 16 MiB of memory"},
    {"local s = 'x' while true do s = s .. 'y' end",
     "moongate.lua:1: it does not come to an end"},
    {"local s = 'x' for i = 1, 21 do s = s .. s end local t = s .. 'a'\n"
     "while s ~= t and s < t do end",
     "moongate.lua:2: it does not come to an end"},
    {"local t = {} for i = 1, 1e8 do t[i] = i end",
     "moongate.lua: it needs more than 16 MiB of memory"},
};

START_TEST(each_mistake_is_told_with_its_line)
{
    assert_wrong(mistakes[_i].text, strlen(mistakes[_i].text), mistakes[_i].message);
}
END_TEST

START_TEST(a_zero_byte_is_no_text)
{
    static const char text[] = "-- a\nprofile 'a' {}\0";

    assert_wrong(text, sizeof text - 1, "moongate.lua:2: the line is no UTF-8 text");
}
END_TEST

static const char *const secrets[] = {"client_secret", "certificate_password",
                                      "access_token",  "AZURE_CLIENT_SECRET",
                                      "storage_key",   "sas_token",
                                      "sas",           "connection_string"};

START_TEST(secrets_are_refused_and_not_repeated)
{
    char *text = memory_format("profile 'a' { %s = 'hunter2' }", secrets[_i]);

    write_text("moongate.lua", text);
    free(text);
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_ptr_nonnull(strstr(failure->message, "a configuration holds no secrets"));
    ck_assert_ptr_nonnull(strstr(failure->message, secrets[_i]));
    ck_assert_ptr_nonnull(strstr(failure->message, "AZURE_CLIENT_CERTIFICATE_PATH"));
    ck_assert_ptr_null(strstr(failure->message, "hunter2"));
}
END_TEST

START_TEST(too_many_profiles_are_refused)
{
    write_text("moongate.lua", "for i = 1, 1001 do profile('p' .. i) {} end");
    ck_assert_ptr_null(config_read(NULL, &failure));
    ck_assert_str_eq(failure->message,
                     "moongate.lua:1: profile 'p1001': more than 1000 profiles");
}
END_TEST

/* --- what is right ------------------------------------------------------------------ */

START_TEST(a_profile_says_every_field)
{
    struct settings settings = {0};
    char *path = memory_format("%s/ca.pem", folder);

    write_text(
        "moongate.lua",
        "\xef\xbb\xbf-- with a byte order mark, as some editors write it\n"
        "profile \"prod\" {\n"
        "  description = \"The shop\", production = true,\n"
        "  subscription = \"s\", resource_group = \"g\", service = \"a\",\n"
        "  cloud = \"usgov\", tenant_id = \"contoso.com\", client_id = \"c\",\n"
        "  credential = \"prod\", ca_file = \"ca.pem\", store = \"azblob://a/c\",\n"
        "  read_only = true, within = {\"g\", \"graph\"},\n"
        "  max_writes = 10, max_deletes = 0, concurrency = 8.0,\n"
        "}\n");
    read_good(NULL);
    use("prod", &settings);
    ck_assert_str_eq(settings.profile, "prod");
    ck_assert_str_eq(settings.profile_description, "The shop");
    ck_assert(settings.is_production);
    ck_assert_str_eq(settings.subscription, "s");
    ck_assert_str_eq(settings.resource_group, "g");
    ck_assert_str_eq(settings.service, "a");
    ck_assert_str_eq(settings.cloud, "usgov");
    ck_assert_str_eq(settings.credentials.tenant_id, "contoso.com");
    ck_assert_str_eq(settings.credentials.client_id, "c");
    ck_assert_str_eq(settings.credentials.selection, "prod");
    ck_assert_str_eq(settings.ca_file, path);
    ck_assert_str_eq(settings.store, "azblob://a/c");
    ck_assert(settings.guard.read_only);
    ck_assert_uint_eq(settings.guard.within_count, 2);
    ck_assert_str_eq(settings.guard.within[1], "graph");
    ck_assert_uint_eq(settings.guard.max_writes.most, 10);
    ck_assert(settings.guard.max_deletes.is_set);
    ck_assert_uint_eq(settings.guard.max_deletes.most, 0);
    ck_assert_uint_eq(settings.concurrency, 8);
    ck_assert_uint_eq(logged.length, 0);
    free(path);
}
END_TEST

START_TEST(every_field_has_help)
{
    for (size_t i = 0; i < config_field_count(); i++) {
        const struct config_field field = config_field(i);

        ck_assert_uint_gt(strlen(field.name), 0);
        ck_assert_uint_gt(strlen(field.value), 0);
        ck_assert_uint_gt(strlen(field.help), 0);
    }
}
END_TEST

START_TEST(paths_begin_at_the_folder_of_the_file)
{
    struct settings settings = {0};
    char *store = memory_format("%s/home/runs", folder);

    write_text("home/c.lua",
               "profile \"a\" { store = \"runs\", ca_file = \"/etc/ca.pem\" }"
               "profile \"b\" { store = \"none\" }");
    read_good("home/c.lua");
    use("a", &settings);
    ck_assert_str_eq(settings.store, store);
    ck_assert_str_eq(settings.ca_file, "/etc/ca.pem");
    settings = (struct settings){0};
    use("b", &settings);
    ck_assert_str_eq(settings.store, "none");
    free(store);
}
END_TEST

START_TEST(lua_itself_is_there)
{
    struct settings settings = {0};

    write_text("moongate.lua", "local common = \"apim-\"\n"
                               "for _, stage in next, {} do end\n");
    ck_assert_ptr_null(config_read(NULL, &failure)); /* next is a library's */
    failure_free(failure);
    failure = NULL;
    write_text(
        "moongate.lua",
        "local common = \"apim-\"\n"
        "local function stage(name) profile(name) { service = common .. name } end\n"
        "stage \"test\" stage \"prod\"\n");
    read_good(NULL);
    use("prod", &settings);
    ck_assert_str_eq(settings.service, "apim-prod");
}
END_TEST

/* --- the suite ---------------------------------------------------------------------- */

static void add_file_cases(Suite *suite)
{
    TCase *found = add_case(suite, "found", set_up, tear_down);
    TCase *owned = add_case(suite, "owned", set_up, tear_down);

    tcase_add_test(found, there_need_be_none);
    tcase_add_test(found, the_working_folder_comes_before_the_home);
    tcase_add_test(found, xdg_config_home_names_the_folder);
    tcase_add_test(found, a_named_file_comes_before_the_variable_and_that_before_all);
    tcase_add_test(found, a_named_file_must_be_there);
    tcase_add_test(found, dev_null_is_none);
    tcase_add_test(found, a_folder_is_no_configuration);
    tcase_add_test(found, a_pipe_is_no_configuration_and_nobody_waits_for_it);
    tcase_add_test(found, an_unreadable_file_is_an_error_and_not_none);
    tcase_add_test(found, a_large_file_is_refused);
    tcase_add_test(owned,
                   a_file_that_everybody_can_write_is_taken_only_when_it_was_named);
    tcase_add_test(owned,
                   a_file_that_a_group_can_write_is_refused_unless_it_is_the_users_own);
    tcase_add_test(owned, a_file_of_another_user_is_refused);
}

static void add_text_cases(Suite *suite)
{
    TCase *wrong = add_case(suite, "mistakes", set_up, tear_down);
    TCase *right = add_case(suite, "fields", set_up, tear_down);

    tcase_add_loop_test(wrong, each_mistake_is_told_with_its_line, 0, COUNT_OF(mistakes));
    tcase_add_test(wrong, a_zero_byte_is_no_text);
    tcase_add_loop_test(wrong, secrets_are_refused_and_not_repeated, 0,
                        COUNT_OF(secrets));
    tcase_add_test(wrong, too_many_profiles_are_refused);
    tcase_add_test(right, a_profile_says_every_field);
    tcase_add_test(right, every_field_has_help);
    tcase_add_test(right, paths_begin_at_the_folder_of_the_file);
    tcase_add_test(right, lua_itself_is_there);
}

int main(void)
{
    Suite *suite = suite_create("config");

    add_file_cases(suite);
    add_text_cases(suite);
    return run_suite(suite);
}
