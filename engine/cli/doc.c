/* engine/cli/doc.c - moongate doc: the reference, from the model and the doc comments. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "run/run.h"
#include "run/session.h"

int command_doc(int argc, char **argv)
{
    const struct settings settings = {.quiet = true};
    const struct run_request request = {
        .code = "require 'doc'.print(...)", .arguments = argv, .argument_count = argc};

    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        puts("usage: moongate doc [NAME]\n\n"
             "Prints the reference of a module (workspaces), a function\n"
             "(workspaces.ensure), a kind of resource (gateway) or, without NAME, what "
             "there\n"
             "is.");
        return EXIT_DONE;
    }
    if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
        fprintf(stderr, "moongate doc: one name expected; see `moongate doc --help`\n");
        return EXIT_USAGE;
    }

    struct session *session = session_open(&settings, NULL);
    const int code = run_script(session, &request);

    session_close(session);
    return code;
}
