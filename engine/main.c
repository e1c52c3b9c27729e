/* engine/main.c - the table of subcommands. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"
#include "run/run.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", command_run, "run a script: moongate run [--sim] SCRIPT [arguments]"},
    {"sim", command_sim, "serve the simulated control plane on a port"},
    {"test", command_test, "run files of tests, each test on a simulator of its own"},
    {"doctor", command_doctor, "is everything there: credentials, rights, tier, network"},
    {"login", command_login, "sign in as a person, and keep it for later runs"},
    {"logout", command_logout, "forget a sign-in that was kept"},
    {"export", command_export,
     "the estate as a folder, to review and to bring elsewhere"},
    {"doc", command_doc, "the reference: moongate doc [NAME]"}};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fputs("moongate automates Azure API Management workspaces with Lua scripts.\n\n"
          "usage: moongate COMMAND ...\n\n",
          to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-6s %s\n", commands[i].name, commands[i].help);
    fputs("\nTry it without Azure: moongate run --sim bulk_onboard --help\n"
          "Each command has its own --help. --version prints the version.\n",
          to);
}

/* A file or socket must never get the number of a standard stream that is closed: what is
 * printed would end up in it. Opened for reading, stdout and stderr still refuse writes. */
static void occupy_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    const char *names[COMMAND_COUNT];

    occupy_standard_streams();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is told by EPIPE */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("moongate " MOONGATE_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
        if (strcmp(argv[1], names[i]) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }

    const char *near = text_nearest(argv[1], names, COMMAND_COUNT);

    fprintf(stderr, "moongate: unknown command '%s'%s%s%s; see `moongate --help`\n",
            argv[1], near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
            near != NULL ? "'?" : "");
    return EXIT_USAGE;
}
