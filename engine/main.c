/* engine/main.c - finds the subcommand. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"
#include "run/run.h"

enum { MOST_COMMANDS = 32 };

static void print_help(FILE *to)
{
    fputs("moongate automates Azure API Management workspaces with Lua scripts.\n\n"
          "usage: moongate COMMAND ...\n\n",
          to);
    for (const struct command *command = commands; command->name != NULL; command++)
        fprintf(to, "  %-8s %s\n", command->name, command->summary);
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
    const char *names[MOST_COMMANDS];
    size_t count = 0;

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
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(argv[1], command->name) == 0)
            return command->run(argc - 2, argv + 2);
        if (count < MOST_COMMANDS)
            names[count++] = command->name;
    }

    const char *near = text_nearest(argv[1], names, count);

    fprintf(stderr, "moongate: unknown command '%s'%s%s%s; see `moongate --help`\n",
            argv[1], near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
            near != NULL ? "'?" : "");
    return EXIT_USAGE;
}
