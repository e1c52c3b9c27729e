/* engine/cli/command.c - what all commands say alike. */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/failure.h"

void command_complain(const char *command, struct failure *failure)
{
    char *text = failure_describe(failure);

    fprintf(stderr, "moongate %s: %s\n", command, text);
    free(text);
    failure_free(failure);
}
