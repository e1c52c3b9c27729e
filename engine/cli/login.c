/* engine/cli/login.c - moongate login and moongate logout: a person's sign-in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/kept.h"
#include "auth/tokens.h"
#include "base/failure.h"
#include "base/memory.h"
#include "cli/command.h"
#include "net/loop.h"
#include "run/run.h"
#include "run/session.h"

struct login_command {
    struct settings settings; /* first: the shared options take it as their context */
    bool wants_help;
};

/* A wait for the token. */
struct login {
    struct token_request request;
    bool is_over;
};

static char *take_tenant(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->credentials.tenant_id, text);
}

static char *take_client(void *context, const char *text)
{
    return option_take_text(&((struct settings *)context)->credentials.client_id, text);
}

static char *take_keep(void *context, const char *text)
{
    (void)text;
    ((struct settings *)context)->credentials.keeps_sign_in = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct login_command *)context)->wants_help = true;
    return NULL;
}

static const struct option login_options[] = {
    {"--tenant", "TENANT", "the tenant's id or domain name (AZURE_TENANT_ID)",
     take_tenant},
    {"--client-id", "ID", "sign in through this application; az's own by default",
     take_client},
    {"--keep", NULL, "keep the sign-in for later runs", take_keep},
    {"--help", NULL, "this text", take_help},
    {0}};

static const struct option logout_options[] = {{"--help", NULL, "this text", take_help},
                                               {0}};

static int complain(const char *command, struct failure *failure)
{
    const bool is_usage = strcmp(failure->code, "BadSetting") == 0;
    const bool is_disk = strcmp(failure->code, "IOError") == 0;

    command_complain(command, failure);
    return is_usage ? EXIT_USAGE : is_disk ? EXIT_SCRIPT_FAILED : EXIT_NO_RIGHTS;
}

/* --- login ------------------------------------------------------------------------------- */

const struct help login_help = {
    .usage = "moongate login [options]",
    .text =
        "Signs a person in: it names a page and a code to enter there, in a browser on "
        "any\n"
        "machine. With --keep later runs sign in as this person by themselves, until\n"
        "`moongate logout`; without, it only shows who that would be.\n"
        "\n"
        "What is kept is encrypted, with a key that lies beside it: safe in a backup of\n"
        "the one file, not from who can read all files of this user.",
    .sections = {{NULL, login_options, NULL},
                 {"which Azure", common_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}},
    .exits = "0 done, 1 it cannot be kept, 2 wrong usage, 4 not signed in"};

static void tell(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "%s\n", text);
}

static void on_token(struct token_request *request)
{
    ((struct login *)request)->is_over = true;
}

static bool is_over(void *login)
{
    return ((const struct login *)login)->is_over;
}

static void print_outcome(const struct settings *settings, const struct tokens *tokens)
{
    struct tokens_description who;

    tokens_describe(tokens, &who);
    printf("signed in (%s)", who.chosen);
    if (who.user_name != NULL || who.object_id != NULL)
        printf(" as %s", who.user_name != NULL ? who.user_name : who.object_id);
    if (who.tenant_id != NULL)
        printf(", tenant %s", who.tenant_id);
    if (settings->credentials.keeps_sign_in) {
        char *path = kept_path(settings->credentials.state_folder);

        printf("\nkept in %s; `moongate logout` removes it\n", path);
        free(path);
    } else {
        puts("\nnothing was kept: `moongate login --keep` does that");
    }
    tokens_description_deinit(&who);
}

static int sign_in(struct session *session)
{
    struct failure *failure = NULL;
    struct login login = {.request = {.audience = AUDIENCE_ARM, .done = on_token}};

    if (session_client(session, &failure) == NULL)
        return complain("login", failure);

    struct tokens *tokens = session_tokens(session);
    struct token_provider *provider = tokens_provider(tokens);

    provider->get(provider, &login.request);
    loop_run(session_loop(session), is_over, &login, false);
    if (login.request.failure != NULL)
        return complain("login", login.request.failure);
    print_outcome(session_settings(session), tokens);
    token_release(login.request.token);
    return EXIT_DONE;
}

/* Somebody who signs in means Azure, and a device code, whatever else the environment says
 * or a profile of applications and their secrets. False after a message. */
static bool prepare(struct settings *settings)
{
    struct credential_settings *credentials = &settings->credentials;
    const char *client_id = credentials->client_id;

    if (!command_read_settings("login", settings))
        return false;
    credentials->client_id = client_id;
    credentials->selection = "DeviceCodeCredential";
    credentials->tell = tell;
    return true;
}

static int execute(struct login_command *command)
{
    const struct credential_settings *credentials = &command->settings.credentials;
    struct failure *failure = NULL;
    struct session *session;
    int code;

    if (!prepare(&command->settings))
        return EXIT_USAGE;
    if (credentials->keeps_sign_in && credentials->state_folder == NULL)
        return complain("login", failure_new("IOError", "the sign-in cannot be kept: "
                                                        "there is no HOME to keep it "
                                                        "in"));
    session = session_open(&command->settings, &failure);
    if (session == NULL)
        return complain("login", failure);
    code = sign_in(session);
    session_close(session);
    return code;
}

int command_login(int argc, char **argv)
{
    static const struct option *const tables[] = {login_options, common_options,
                                                  profile_options, NULL};
    struct login_command command = {.settings = {.quiet = true}};
    int index = 0;

    if (!options_read("login", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&login_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate login: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }

    const int code = execute(&command);

    command_drop_settings(&command.settings);
    return code;
}

/* --- logout ------------------------------------------------------------------------------ */

const struct help logout_help = {
    .usage = "moongate logout",
    .text = "Removes the sign-in that `moongate login --keep` keeps, and its key.",
    .sections = {{NULL, logout_options, NULL}, {0}}};

int command_logout(int argc, char **argv)
{
    static const struct option *const tables[] = {logout_options, NULL};
    struct login_command command = {0};
    const char *folder;
    bool was_there = false;
    int index = 0;

    if (!options_read("logout", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&logout_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate logout: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }
    settings_read_environment(&command.settings);
    folder = command.settings.credentials.state_folder;

    struct failure *failure = folder != NULL ? kept_remove(folder, &was_there) : NULL;

    if (failure != NULL)
        return complain("logout", failure);
    puts(was_there ? "the kept sign-in is removed" : "there was no kept sign-in");
    return EXIT_DONE;
}
