/* engine/cli/jobs_check.c - moongate jobs check: is the configuration right? */
#include <stdio.h>

#include "base/clock.h"
#include "base/failure.h"
#include "cli/command.h"
#include "cli/jobs.h"
#include "run/config.h"
#include "run/job.h"
#include "run/run.h"
#include "schedule/zone.h"

static void print_mistake(void *context, const char *mistake)
{
    ++*(size_t *)context;
    puts(mistake);
}

static void print_summary(const struct config *config)
{
    const size_t count = config_job_count(config);
    char time[JOBS_TIME_SIZE];
    int64_t slot_ms;
    const struct job *first = jobs_find_first(config, clock_machine_wall_ms(), &slot_ms);

    printf("%s: %zu job%s", config_path(config), count, count != 1 ? "s" : "");
    if (first != NULL) {
        jobs_format_time(first->schedule.zone, slot_ms, time);
        printf(", next: %s at %s %s", first->name, time, zone_name(first->schedule.zone));
    }
    putchar('\n');
}

int jobs_check(const char *config_file)
{
    struct failure *failure = NULL;
    size_t mistakes = 0;
    struct config *config = config_check(config_file, &failure, print_mistake, &mistakes);

    if (config != NULL)
        print_summary(config);
    else if (failure == NULL && mistakes == 0)
        failure = config_complain_absence(config_file);
    if (failure != NULL)
        command_complain("jobs", failure);

    const int code = config != NULL ? EXIT_DONE : EXIT_USAGE;

    config_free(config);
    return code;
}
