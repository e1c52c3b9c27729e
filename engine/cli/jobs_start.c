/* engine/cli/jobs_start.c - moongate jobs start: the scheduler. */
#include <stdio.h>

#include "cli/jobs.h"
#include "run/run.h"

int jobs_start(int argc, char **argv)
{
    (void)argc, (void)argv;
    fputs("moongate jobs start: the scheduler is not part of this build\n", stderr);
    return EXIT_USAGE;
}
