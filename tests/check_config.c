/* tests/check_config.c - the configuration: where it is found, what it may say, which of its values
 * count, and that nothing but declarations can be done in it.
 *
 * Each test works in a folder of its own, with a home of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/run.h"
#include "run/session.h"
#include "tests/suite.h"

static char folder[] = "/tmp/check_config.XXXXXX", moongate[4096];
static struct config *config;
static struct failure *failure;
static struct buffer logged, output;

static void take_log(void *context, enum log_level level, const char *text)
{
    (void)context;
    buffer_printf(&logged, "%s: %s\n", log_level_names[level], text);
}

static void set_up(void)
{
    static const char *const variables[] = {
        "MOONGATE_CONFIG",   "MOONGATE_PROFILE",    "MOONGATE_STORE",
        "MOONGATE_ENDPOINT", "MOONGATE_SERVICE",    "AZURE_SUBSCRIPTION_ID",
        "AZURE_TENANT_ID",   "ARM_SUBSCRIPTION_ID", "XDG_CONFIG_HOME"};
    char home[sizeof folder + 8];

    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    snprintf(home, sizeof home, "%s/home", folder);
    ck_assert_int_eq(mkdir("home", 0700), 0);
    setenv("HOME", home, 1);
    setenv("XDG_STATE_HOME", home, 1);
    umask(022);
    log_set_sink(take_log, NULL);
}

static void tear_down(void)
{
    char *command = memory_format("rm -rf %s", folder);

    log_set_sink(NULL, NULL);
    config_free(config);
    config = NULL;
    failure_free(failure);
    failure = NULL;
    buffer_deinit(&logged);
    buffer_deinit(&output);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

static void write_bytes(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(name, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void write_home_file(const char *text)
{
    ck_assert_int_eq(mkdir("home/.config", 0700), 0);
    ck_assert_int_eq(mkdir("home/.config/moongate", 0700), 0);
    write_text("home/.config/moongate/config.lua", text);
}

/* Reads a configuration that must be right. */
static void read_good(const char *file)
{
    config = config_read(file, &failure);
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
    ck_assert_ptr_nonnull(config);
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

static void use(const char *name, struct settings *settings)
{
    const struct settings said = *settings;

    settings_read_environment(settings);
    config_set_base(config, &said, settings);
    failure = config_use_profile(config, name, settings);
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
}

/* --- where it is found --------------------------------------------------------------------- */

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

/* --- whose it is ------------------------------------------------------------------------------ */

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

/* --- mistakes --------------------------------------------------------------------------------- */

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
     "moongate.lua: it needs more than 64 MiB of memory"},
    {"local s = 'x' for i = 1, 40 do s = s .. s end",
     "moongate.lua: it needs more than 64 MiB of memory"},
    {"local t = {} for i = 1, 1e8 do t[i] = i end",
     "moongate.lua: it needs more than 64 MiB of memory"},
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

/* --- what is right ---------------------------------------------------------------------------- */

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

/* --- which value counts -------------------------------------------------------------------------- */

static const struct {
    const char *said, *variable, *counts;
    bool is_warned;
} ranks[] = {{"of-line", "of-env", "of-line", false},
             {"of-line", NULL, "of-line", false},
             {NULL, "of-env", "of-env", true},
             {NULL, "of-profile", "of-profile", false},
             {NULL, NULL, "of-profile", false}};

START_TEST(the_command_line_comes_first_then_the_environment_then_the_profile)
{
    struct settings settings = {.service = ranks[_i].said};

    if (ranks[_i].variable != NULL)
        setenv("MOONGATE_SERVICE", ranks[_i].variable, 1);
    write_text("moongate.lua", "profile \"default\" { service = \"of-profile\" }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_str_eq(settings.service, ranks[_i].counts);
    ck_assert_str_eq(settings.profile, "default");
    if (ranks[_i].is_warned)
        ck_assert_str_eq(logged.data,
                         "warning: profile 'default': its service 'of-profile' "
                         "does not count, as the environment says 'of-env'\n");
    else
        ck_assert_uint_eq(logged.length, 0);
}
END_TEST

START_TEST(guards_of_the_command_line_come_first_and_read_only_stays)
{
    struct settings settings = {.guard = {.read_only = true,
                                          .max_writes = {true, 5},
                                          .within = {"mine"},
                                          .within_count = 1}};

    write_text("moongate.lua", "profile \"default\" { read_only = false, max_writes = 1, "
                               "max_deletes = 2, within = {\"a\", \"b\"} }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert(settings.guard.read_only);
    ck_assert_uint_eq(settings.guard.max_writes.most, 5);
    ck_assert_uint_eq(settings.guard.max_deletes.most, 2);
    ck_assert_uint_eq(settings.guard.within_count, 1);
    ck_assert_str_eq(settings.guard.within[0], "mine");
}
END_TEST

START_TEST(an_endpoint_elsewhere_keeps_the_profiles_cloud_from_counting)
{
    struct settings settings = {0};

    setenv("MOONGATE_ENDPOINT", "http://127.0.0.1:1", 1);
    write_text("moongate.lua", "profile \"default\" { cloud = \"usgov\" }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_ptr_null(settings.cloud);
    ck_assert_ptr_nonnull(strstr(logged.data, "its cloud 'usgov' does not count, as the "
                                              "environment says 'http://127.0.0.1:1'"));
}
END_TEST

START_TEST(with_the_simulator_the_guards_count_and_the_target_does_not)
{
    struct settings settings = {.sim = true};

    write_text("moongate.lua",
               "profile \"default\" { service = \"a\", subscription = \"s\", "
               "endpoint = \"https://x\", tenant_id = \"t\", store = \"x\", "
               "max_writes = 1, production = true }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_ptr_null(settings.service);
    ck_assert_ptr_null(settings.subscription);
    ck_assert_ptr_null(settings.endpoint);
    ck_assert_ptr_null(settings.credentials.tenant_id);
    ck_assert_ptr_null(settings.store); /* a world in memory leaves nothing to be kept */
    ck_assert_uint_eq(settings.guard.max_writes.most, 1);
    ck_assert(settings.is_production);
}
END_TEST

START_TEST(no_profile_counts_when_none_is_named_default)
{
    struct settings settings = {0};

    write_text("moongate.lua", "profile \"a\" { service = \"a\" }");
    read_good(NULL);
    use(NULL, &settings);
    ck_assert_ptr_null(settings.profile);
    ck_assert_ptr_null(settings.service);
}
END_TEST

START_TEST(an_unknown_profile_is_told_with_those_that_are_there)
{
    struct settings settings = {.service = "mine"};

    write_text("moongate.lua", "profile \"staging\" {} profile \"production\" {}");
    read_good(NULL);
    failure = config_use_profile(config, "producton", &settings);
    ck_assert_str_eq(failure->code, "BadSetting");
    ck_assert_str_eq(failure->message,
                     "profile 'producton' is not in moongate.lua, which has "
                     "staging, production; did you mean 'production'?");
    ck_assert_ptr_null(settings.profile);
}
END_TEST

/* --- another profile ------------------------------------------------------------------------------- */

START_TEST(a_change_takes_nothing_over_from_the_profile_that_was)
{
    struct settings settings = {.service = "of-line",
                                .guard = {.max_deletes = {true, 9}}};

    write_text(
        "moongate.lua",
        "profile \"a\" { resource_group = \"ga\", service = \"sa\", read_only = true }"
        "profile \"b\" { service = \"sb\" }");
    read_good(NULL);
    settings.config = config;
    use("a", &settings);
    ck_assert_str_eq(settings.service, "of-line");
    failure = config_change_profile(config, "b", &settings);
    ck_assert_ptr_null(failure);
    ck_assert_str_eq(settings.profile, "b");
    ck_assert_str_eq(settings.service, "sb"); /* what the line says was meant for a */
    ck_assert_ptr_null(settings.resource_group);
    ck_assert(!settings.guard.read_only);
    ck_assert_uint_eq(settings.guard.max_deletes.most, 9);
    ck_assert_ptr_eq(settings.config, config);
    failure = config_change_profile(config, "c", &settings);
    ck_assert_ptr_nonnull(failure);
    ck_assert_str_eq(settings.profile, "b");
}
END_TEST

/* Runs a line of Lua in a session that may be switched, on the simulator; it must end well. Returns
 * how many writes were sent in all. */
static uint64_t run_line(const char *profile, const char *code)
{
    struct run_summary summary = {0};
    struct settings settings = {
        .sim = true, .clock_mode = CLOCK_VIRTUAL, .quiet = true, .may_switch = true};
    const struct run_request request = {.code = code};
    struct session *session;

    write_text("moongate.lua", "profile \"a\" { max_writes = 1, description = \"First\" }"
                               "profile \"b\" { read_only = true, production = true }");
    read_good(NULL);
    settings.config = config;
    use(profile, &settings);
    session = session_open(&settings, &failure);
    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
    session_summarize(session, &summary);
    session_close(session);
    log_set_sink(take_log, NULL);
    return summary.writes;
}

START_TEST(a_session_goes_over_to_a_profile_and_back)
{
    const uint64_t writes = run_line(
        "a", "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "local tasks = require 'tasks'\n"
             "local function code(f, ...)\n"
             "  local ok, failure = tasks.try(f, ...)\n"
             "  return ok and 'ok' or failure.code\n"
             "end\n"
             "assert(session.profiles()[1] == 'a' and session.profiles()[2] == 'b')\n"
             "assert(session.info().profile == 'a')\n"
             "assert(session.info().description == 'First')\n"
             "assert(code(workspaces.ensure, 'one', {}) == 'ok')\n"
             "assert(code(workspaces.ensure, 'two', {}) == 'GuardRefused')\n"
             "session.set_scope {service = 'elsewhere'}\n"
             "session.use 'b'\n"
             "local info = session.info()\n"
             "assert(info.profile == 'b' and info.is_production and info.read_only)\n"
             "assert(info.description == nil and info.service ~= 'elsewhere')\n"
             "assert(info.signed_in_by == nil)\n"
             "assert(code(workspaces.delete, 'one') == 'GuardRefused')\n"
             "assert(#workspaces.list() == 1)\n"
             "session.use 'a'\n"
             "assert(code(workspaces.ensure, 'two', {}) == 'ok')\n"
             "assert(code(session.use, 'c') == 'BadSetting')\n"
             "assert(session.info().profile == 'a' and #workspaces.list() == 2)\n");

    ck_assert_uint_eq(writes, 2); /* of all ways to the service */
}
END_TEST

START_TEST(a_session_is_not_switched_while_an_operation_is_not_over)
{
    run_line(NULL,
             "local session, gateways = require 'core.session', require 'gateways'\n"
             "local tasks = require 'tasks'\n"
             "local operation = gateways.create('gw', {wait = false})\n"
             "tasks.sleep '1m'\n"
             "local _, failure = tasks.try(session.use, 'a')\n"
             "assert(failure.code == 'Busy', tostring(failure))\n"
             "assert(failure.message:find 'not over yet', failure.message)\n"
             "assert(session.info().profile == nil)\n"
             "operation:wait()\n"
             "session.use 'a'\n"
             "assert(session.info().profile == 'a')\n"
             "assert(gateways.get('gw').name == 'gw')\n");
}
END_TEST

START_TEST(a_session_is_not_switched_while_a_request_is_under_way)
{
    run_line(NULL,
             "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "local tasks = require 'tasks'\n"
             "local task = tasks.spawn(workspaces.list)\n"
             "tasks.sleep(0)\n"
             "local _, failure = tasks.try(session.use, 'a')\n"
             "assert(failure and failure.code == 'Busy', tostring(failure))\n"
             "task:cancel()\n"
             "session.use 'a'\n"
             "assert(#workspaces.list() == 0)\n");
}
END_TEST

START_TEST(what_nobody_waits_for_any_more_does_not_keep_a_session_from_being_switched)
{
    run_line(NULL,
             "local session, workspaces = require 'core.session', require 'workspaces'\n"
             "workspaces.ensure('one', {wait = false})\n"
             "session.use 'a'\n"
             "assert(session.info().profile == 'a')\n");
}
END_TEST

START_TEST(a_script_cannot_lift_what_it_may_not_do)
{
    struct settings settings = {.sim = true, .clock_mode = CLOCK_VIRTUAL, .quiet = true};
    const struct run_request request = {
        .code =
            "local session = require 'core.session'\n"
            "for _, call in ipairs {{session.set_read_only, false}, {session.use, 'a'},\n"
            "                       {session.set_scope, {}}} do\n"
            "  local ok, message = pcall(call[1], call[2])\n"
            "  assert(not ok and message:find 'only at the prompt', message)\n"
            "end\n"};
    struct session *session = session_open(&settings, &failure);

    ck_assert_ptr_nonnull(session);
    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
    session_close(session);
}
END_TEST

/* --- the program ------------------------------------------------------------------------------------- */

/* Runs moongate with these words for a shell; what it says on both streams is in `output`. Returns
 * its exit code. */
static int moon(const char *format, ...)
{
    char words[2048], piece[4096];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);

    char *command = memory_format("%s %s 2>&1", moongate, words);
    FILE *pipe = popen(command, "r");

    ck_assert_ptr_nonnull(pipe);
    buffer_clear(&output);
    while ((length = fread(piece, 1, sizeof piece, pipe)) > 0)
        buffer_append(&output, piece, length);
    free(command);

    const int status = pclose(pipe);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_says(const char *part)
{
    ck_assert_msg(output.data != NULL && strstr(output.data, part) != NULL,
                  "'%s' is not in: %s", part, output.data);
}

static const char run_words[] =
    "run --quiet -e 'local i = require(\"core.session\").info() print(i.profile, "
    "i.service)'";

START_TEST(a_run_works_by_the_profile_that_is_named)
{
    write_text("moongate.lua", "profile \"default\" { service = \"d\" }"
                               "profile \"a\" { service = \"s\" }");
    ck_assert_int_eq(moon("%s", run_words), EXIT_DONE);
    assert_says("default\td\n");
    ck_assert_int_eq(moon("run --profile a%s", run_words + 3), EXIT_DONE);
    assert_says("a\ts\n");
    setenv("MOONGATE_PROFILE", "a", 1);
    ck_assert_int_eq(moon("%s", run_words), EXIT_DONE);
    assert_says("a\ts\n");
    ck_assert_int_eq(moon("run --profile default%s", run_words + 3), EXIT_DONE);
    assert_says("default\td\n");
    ck_assert_int_eq(moon("run --config /dev/null --profile a%s", run_words + 3),
                     EXIT_USAGE);
    assert_says("moongate run: BadSetting: profile 'a': there is no configuration");
}
END_TEST

START_TEST(a_wrong_configuration_ends_a_run_before_it_begins)
{
    write_text("moongate.lua", "\nprofile \"default\" { servic = \"d\" }");
    ck_assert_int_eq(moon("%s", run_words), EXIT_USAGE);
    ck_assert_str_eq(
        output.data,
        "moongate run: BadSetting: moongate.lua:2: profile 'default': unknown "
        "field 'servic'; did you mean 'service'?\n");
    ck_assert_int_eq(moon("runs"), EXIT_USAGE);
    assert_says("moongate runs: BadSetting: moongate.lua:2:");
}
END_TEST

START_TEST(guards_of_a_profile_hold_on_the_simulator)
{
    write_text("moongate.lua", "profile \"a\" { max_writes = 1 }");
    ck_assert_int_eq(moon("run --sim --profile a -e '%s'",
                          "local w = require(\"workspaces\") w.ensure(\"one\", {}) "
                          "w.ensure(\"two\", {})"),
                     EXIT_GUARD_REFUSED);
    assert_says("the limit is 1");
}
END_TEST

START_TEST(profiles_lists_what_there_is_and_what_counts)
{
    ck_assert_int_eq(moon("profiles"), EXIT_DONE);
    ck_assert_str_eq(output.data,
                     "there is no configuration; see `moongate profiles --help`\n");
    write_text("moongate.lua", "profile 'default' { service = 'd' }"
                               "profile 'b' { production = true, description = 'Live' }");
    ck_assert_int_eq(moon("profiles"), EXIT_DONE);
    ck_assert_str_eq(output.data, "moongate.lua:\n*  default, service d\n ! b: Live\n");
    ck_assert_int_eq(moon("profiles --profile b"), EXIT_DONE);
    ck_assert_str_eq(output.data, "moongate.lua:\n   default, service d\n*! b: Live\n");
    ck_assert_int_eq(moon("profiles --profile c"), EXIT_USAGE);
    write_text("moongate.lua", "profile 'a' { client_secret = 'x' }");
    ck_assert_int_eq(moon("profiles"), EXIT_USAGE);
    assert_says("moongate.lua:1: profile 'a': client_secret: a configuration holds no");
}
END_TEST

START_TEST(profiles_tells_every_field)
{
    ck_assert_int_eq(moon("profiles --help"), EXIT_DONE);
    for (size_t i = 0; i < config_field_count(); i++)
        assert_says(config_field(i).name);
}
END_TEST

static const struct {
    const char *text, *words, *says;
} findings[] = {
    {NULL, "", "skipped  profile                          there is no configuration\n"},
    {"", "", "skipped  profile                          moongate.lua has none\n"},
    {"profile 'a' {} profile 'b' {}", "",
     "skipped  profile                          none of those in moongate.lua counts: a, "
     "b\n"},
    {"profile 'a' {} profile 'b' {production = true}", "--profile b",
     "ok       profile                          'b' of moongate.lua, for production\n"},
};

START_TEST(the_doctor_says_which_profile_of_which_file_counts)
{
    if (findings[_i].text != NULL)
        write_text("moongate.lua", findings[_i].text);
    ck_assert_int_eq(moon("doctor --sim %s", findings[_i].words), EXIT_DONE);
    assert_says(findings[_i].says);
}
END_TEST

/* --- runs that are carried on ---------------------------------------------------------------------- */

/* A run on the simulator `world` that hands over at once, by profile "a". */
static void begin_run(void)
{
    write_text("moongate.lua", "profile \"default\" { store = \"store\" }"
                               "profile \"a\" { store = \"store\", max_writes = 3 }");
    write_text("script.lua", "local workspaces = require 'workspaces'\n"
                             "workspaces.ensure('one', {})\n"
                             "if require('run').attempt == 1 then error 'enough' end\n"
                             "local info = require('core.session').info()\n"
                             "print(info.profile, info.is_production, info.read_only)\n"
                             "for i = 1, 3 do workspaces.ensure('w' .. i, {}) end\n");
    ck_assert_int_eq(
        moon("run --sim=world.db --quiet --run-id r1 --profile a script.lua"),
        EXIT_SCRIPT_FAILED);
    assert_says("enough");
}

START_TEST(a_resumed_run_keeps_its_profile_and_what_that_said)
{
    begin_run();
    write_text("moongate.lua",
               "profile \"default\" { store = \"store\", read_only = true }"
               "profile \"a\" { store = \"store\", max_writes = 99, "
               "production = true }");
    ck_assert_int_eq(moon("resume r1"), EXIT_GUARD_REFUSED);
    assert_says("a\ttrue\tfalse\n"); /* whose profile is a matter of today */
    assert_says("the limit is 3");
}
END_TEST

START_TEST(the_same_command_takes_a_run_on_with_its_profile_only)
{
    begin_run();
    ck_assert_int_eq(moon("run --sim=world.db --run-id r1 --profile default script.lua"),
                     EXIT_USAGE);
    assert_says("run r1 did not begin with profile 'default' but with 'a'");
    ck_assert_int_eq(moon("run --sim=world.db --run-id r1 script.lua"),
                     EXIT_GUARD_REFUSED);
    assert_says("the limit is 3");
}
END_TEST

START_TEST(a_run_whose_profile_is_gone_is_carried_on_all_the_same)
{
    begin_run();
    write_text("moongate.lua", "profile \"default\" { store = \"store\" }");
    ck_assert_int_eq(moon("resume --log-level info r1"), EXIT_GUARD_REFUSED);
    assert_says("profile 'a' is not in moongate.lua");
    assert_says("a\tfalse\tfalse\n");
}
END_TEST

/* --- the suite ---------------------------------------------------------------------------------------- */

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

static void add_rank_cases(Suite *suite)
{
    TCase *rank = add_case(suite, "rank", set_up, tear_down);

    tcase_add_loop_test(
        rank, the_command_line_comes_first_then_the_environment_then_the_profile, 0,
        COUNT_OF(ranks));
    tcase_add_test(rank, guards_of_the_command_line_come_first_and_read_only_stays);
    tcase_add_test(rank, an_endpoint_elsewhere_keeps_the_profiles_cloud_from_counting);
    tcase_add_test(rank, with_the_simulator_the_guards_count_and_the_target_does_not);
    tcase_add_test(rank, no_profile_counts_when_none_is_named_default);
    tcase_add_test(rank, an_unknown_profile_is_told_with_those_that_are_there);
}

static void add_session_cases(Suite *suite)
{
    TCase *change = add_case(suite, "change", set_up, tear_down);

    tcase_add_test(change, a_change_takes_nothing_over_from_the_profile_that_was);
    tcase_add_test(change, a_session_goes_over_to_a_profile_and_back);
    tcase_add_test(change, a_session_is_not_switched_while_an_operation_is_not_over);
    tcase_add_test(change, a_session_is_not_switched_while_a_request_is_under_way);
    tcase_add_test(
        change,
        what_nobody_waits_for_any_more_does_not_keep_a_session_from_being_switched);
    tcase_add_test(change, a_script_cannot_lift_what_it_may_not_do);
}

static void add_program_cases(Suite *suite)
{
    TCase *program = add_case(suite, "program", set_up, tear_down);

    tcase_add_test(program, a_run_works_by_the_profile_that_is_named);
    tcase_add_test(program, a_wrong_configuration_ends_a_run_before_it_begins);
    tcase_add_test(program, guards_of_a_profile_hold_on_the_simulator);
    tcase_add_test(program, profiles_lists_what_there_is_and_what_counts);
    tcase_add_test(program, profiles_tells_every_field);
    tcase_add_loop_test(program, the_doctor_says_which_profile_of_which_file_counts, 0,
                        COUNT_OF(findings));
    tcase_add_test(program, a_resumed_run_keeps_its_profile_and_what_that_said);
    tcase_add_test(program, the_same_command_takes_a_run_on_with_its_profile_only);
    tcase_add_test(program, a_run_whose_profile_is_gone_is_carried_on_all_the_same);
}

int main(void)
{
    const char *binary = getenv("MOONGATE");
    Suite *suite = suite_create("config");

    if (realpath(binary != NULL ? binary : "build/moongate", moongate) == NULL) {
        perror("check_config: the binary");
        return 1;
    }
    add_file_cases(suite);
    add_text_cases(suite);
    add_rank_cases(suite);
    add_session_cases(suite);
    add_program_cases(suite);
    return run_suite(suite);
}
