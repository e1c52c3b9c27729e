/* engine/cli/manual.c - moongate(1), from the tables that --help prints. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/jobs.h"

static const struct {
    const char *name, *help;
} variables[] = {
    {"AZURE_TENANT_ID, AZURE_CLIENT_ID",
     "who signs in; ARM_TENANT_ID and ARM_CLIENT_ID are taken where these are not set"},
    {"AZURE_CLIENT_SECRET", "the secret of that application; or ARM_CLIENT_SECRET"},
    {"ARM_CLIENT_CERTIFICATE_PATH, ARM_CLIENT_CERTIFICATE_PASSWORD, ARM_SUBSCRIPTION_ID",
     "taken where the variable is not set that begins with AZURE_"},
    {"ARM_USE_OIDC", "true: sign in with the token that the host of a pipeline gives"},
    {"AZURE_CLIENT_CERTIFICATE_PATH, AZURE_CLIENT_CERTIFICATE_PASSWORD",
     "its certificate, and what opens the file"},
    {"AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
     "true: send the chain of the certificate, too"},
    {"AZURE_FEDERATED_TOKEN_FILE", "a file with a token of another issuer"},
    {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "the endpoint of a managed identity of a pod"},
    {"AZURE_TOKEN_CREDENTIALS", "which credentials are tried: dev, prod or one by name"},
    {"MOONGATE_ACCESS_TOKEN, MOONGATE_GRAPH_ACCESS_TOKEN, MOONGATE_STORAGE_ACCESS_TOKEN",
     "tokens for Resource Manager, Microsoft Graph and Azure Storage that are there "
     "already"},
    {"AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN",
     "by what right a store in Azure Blob Storage is used, the first that is set; where "
     "none "
     "is, one signs in"},
    {"AZURE_STORAGE_ACCOUNT",
     "whose key or signature that is, so that none is tried at another account"},
    {"AZURE_STORAGE_SERVICE_ENDPOINT", "the server of that store"},
    {"AZURE_SUBSCRIPTION_ID, MOONGATE_RESOURCE_GROUP, MOONGATE_SERVICE",
     "where scripts work, as --subscription, --resource-group and --service"},
    {"AZURE_AUTHORITY_HOST, MOONGATE_ENDPOINT, MOONGATE_ARM_ENDPOINT, "
     "MOONGATE_GRAPH_ENDPOINT",
     "the servers of Entra, of all, of Resource Manager and of Microsoft Graph"},
    {"MOONGATE_ARM_AUDIENCE, MOONGATE_GRAPH_AUDIENCE", "for whom tokens are asked"},
    {"MOONGATE_CLOUD, ARM_ENVIRONMENT", "as --cloud"},
    {"MOONGATE_PROFILE, MOONGATE_CONFIG", "as --profile and --config"},
    {"MOONGATE_CA_FILE, SSL_CERT_FILE, CURL_CA_BUNDLE",
     "certificates (PEM) to trust; the first that is set"},
    {"NO_COLOR, TERM, COLUMNS", "how the terminal is written to"},
    {"VISUAL, EDITOR", "the editor of \\edit at the prompt; else vi"}};

static const struct {
    const char *name, *help;
} files[] = {
    {"moongate.lua", "the configuration in the working folder; see `moongate profiles`"},
    {"$XDG_CONFIG_HOME/moongate/config.lua",
     "the configuration where that is not there; in ~/.config where the "
     "variable is not set"},
    {"$XDG_CONFIG_HOME/moongate/init.lua",
     "what `moongate repl` runs first; in ~/.config where the variable is not set"},
    {"~/.editrc", "keys of the prompt, see editrc(5)"},
    {"$XDG_STATE_HOME/moongate",
     "the sign-in that `moongate login --keep` keeps, the history of the prompt, runs "
     "where --store names no other place, and what the simulator makes once per user; in "
     "~/.local/state where the variable is not set"}};

/* What a command is with a word or an option that has a help of its own. */
static const struct command start_row = {.name = "jobs start", .help = &jobs_start_help};
static const struct command record_row = {.name = "sim --record", .help = &record_help};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

#define REVISED "2026-11-25" /* when the words of this file changed last */

/* One character of text; `is_first` says that a line begins with it. */
static void put(char c, bool is_first)
{
    if (is_first && (c == '.' || c == '\''))
        fputs("\\&", stdout);
    if (c == '\\')
        fputs("\\e", stdout);
    else if (c == '-')
        fputs("\\-", stdout);
    else
        putchar(c);
}

/* Text that roff fills; an empty line begins a paragraph, indented lines stay as they are. */
static void put_text(const char *text)
{
    bool is_code = false;

    for (const char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        const bool is_indented = line[0] == ' ';

        if (is_indented != is_code && length > 0) {
            puts(is_indented ? ".nf" : ".fi");
            is_code = is_indented;
        }
        for (size_t i = 0; i < length; i++)
            put(line[i], i == 0);
        if (length > 0)
            putchar('\n');
        line += length + (line[length] == '\n' ? 1 : 0);
        if (length == 0 && *line != '\0' && line != text + 1)
            puts(".PP");
    }
    if (is_code)
        puts(".fi");
}

static void put_item(const char *name, const char *value, const char *help)
{
    fputs(".TP\n.B ", stdout);
    for (const char *c = name; *c != '\0'; c++)
        put(*c, c == name);
    if (value != NULL) {
        fputs(value[0] == '[' ? "[=" : " ", stdout);
        fputs(value + (value[0] == '[' ? 1 : 0), stdout);
    }
    putchar('\n');
    put_text(help);
}

static void put_options(const struct option *options)
{
    for (; options->name != NULL; options++)
        put_item(options->name, options->value, options->help);
}

/* Whether these options are told once for all commands, below them. */
static bool is_shared(const struct option *options)
{
    return options == common_options || options == guard_options ||
           options == sim_options_table || options == profile_options;
}

static void put_usage(const char *usage)
{
    puts(".nf");
    for (const char *line = usage; *line != '\0';) {
        const size_t length = strcspn(line, "\n"), blank = strspn(line, " ");

        for (size_t i = blank; i < length; i++)
            put(line[i], i == blank);
        putchar('\n');
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    puts(".fi");
}

static void put_command(const struct command *command)
{
    fputs(".SS moongate ", stdout);
    for (const char *c = command->name; *c != '\0'; c++)
        put(*c, false);
    putchar('\n');
    if (command->help->prepare != NULL)
        command->help->prepare();
    put_usage(command->help->usage);
    puts(".PP");
    put_text(command->help->text);
    for (const struct help_section *section = command->help->sections;
         section->options != NULL; section++) {
        if (is_shared(section->options))
            continue;
        if (section->title != NULL) {
            puts(".PP");
            put_text(section->title);
        }
        put_options(section->options);
    }
    if (command->help->exits != NULL) {
        fputs(".PP\nExit codes:\n", stdout);
        put_text(command->help->exits);
    }
}

/* Each of the shared tables once, under the title that the first command gives it. */
static void put_shared(void)
{
    bool is_first = true;

    for (const struct help_section *section = run_help.sections; section->options != NULL;
         section++) {
        if (!is_shared(section->options))
            continue;
        if (!is_first)
            puts(".PP");
        is_first = false;
        put_text(section->title);
        put_options(section->options);
        if (section->note != NULL) {
            puts(".PP");
            put_text(section->note);
        }
    }
}

void manual_print(void)
{
    printf(".TH MOONGATE 1 %s \"moongate %s\" \"User Commands\"\n", REVISED,
           MOONGATE_VERSION);
    puts(".SH NAME\nmoongate \\- automate Azure API Management workspaces with Lua "
         "scripts");
    puts(".SH SYNOPSIS\n.B moongate\n.I COMMAND\n[options]");
    puts(".SH DESCRIPTION\nA command is one of these.");
    for (const struct command *command = commands; command->name != NULL; command++)
        put_item(command->name, NULL, command->summary);
    puts(".SH COMMANDS");
    for (const struct command *command = commands; command->name != NULL; command++)
        put_command(command);
    put_command(&start_row);
    put_command(&record_row);
    puts(".SH OPTIONS OF MORE THAN ONE COMMAND");
    put_shared();
    puts(".SH EXIT STATUS");
    put_text(run_help.exits);
    puts(".SH ENVIRONMENT");
    for (size_t i = 0; i < COUNT(variables); i++)
        put_item(variables[i].name, NULL, variables[i].help);
    puts(".SH FILES");
    for (size_t i = 0; i < COUNT(files); i++)
        put_item(files[i].name, NULL, files[i].help);
    puts(".SH SEE ALSO\nThe reference of modules and resources:\n.B moongate doc");
}
