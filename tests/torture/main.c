/* tests/torture/main.c - which scenarios are run, and what came of them.
 *
 *     torture [--every N] [--kills N] [--jobs N] [--haste N] MOONGATE LIBRARY FOLDER [SCENARIO...]
 *
 * AZURITE, the address of an account in Azurite, makes its stores containers there. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torture.h"

static const struct scenario {
    const char *name, *title;
    void (*play)(struct torture *torture);
} scenarios[] = {
    {"sweep", "the onboarding of 10 teams, killed at each point and carried on", sweep},
    {"rivals", "two processes resume one run at once", rivals},
    {"paused", "a process is stopped for longer than its lease", paused},
    {"mishaps", "disks and journals that fail", mishaps},
    {"relay", "12 teams, three hours, five processes of 5 s each", relay},
    {"random", "a long run is killed at any moment", random_kills},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

void verdict(struct torture *torture, char *wrong, const char *format, ...)
{
    va_list arguments;

    if (wrong == NULL) {
        torture->passed++;
        return;
    }
    torture->failed++;
    printf("FAILED ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf(": %s\n", wrong);
    free(wrong);
}

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    fprintf(stderr, "torture: there is no scenario '%s'\n", name);
    exit(2);
}

static void play(struct torture *torture, const struct scenario *scenario)
{
    const int64_t began_ms = now_ms();

    printf("%s\n", scenario->title);
    fflush(stdout);
    scenario->play(torture);
    printf("in %.1f s\n\n", (double)(now_ms() - began_ms) / 1000);
}

/* Takes "--every 7" and its like. */
static bool take_option(struct torture *torture, const char *name, const char *value)
{
    const struct {
        const char *name;
        int *number;
    } options[] = {{"--every", &torture->every},
                   {"--kills", &torture->kills},
                   {"--jobs", &torture->jobs},
                   {"--haste", &torture->haste}};

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(name, options[i].name) == 0 && value != NULL && atoi(value) > 0) {
            *options[i].number = atoi(value);
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    struct torture torture = {
        .every = 1, .jobs = 2, .kills = 500, .haste = 100, .azurite = getenv("AZURITE")};
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i += 2)
        if (!take_option(&torture, argv[i], argv[i + 1]))
            break;
    if (argc - i < 3 || argv[i][0] == '-') {
        fprintf(stderr,
                "usage: torture [--every N] [--kills N] [--jobs N] [--haste N] MOONGATE "
                "LIBRARY FOLDER [SCENARIO...]\n");
        return 2;
    }
    torture.moongate = argv[i++];
    torture.library = argv[i++];
    torture.folder = argv[i++];
    if (i == argc)
        for (size_t k = 0; k < SCENARIOS; k++)
            play(&torture, &scenarios[k]);
    for (; i < argc; i++)
        play(&torture, find_scenario(argv[i]));
    printf("%d passed, %d failed\n", torture.passed, torture.failed);
    return torture.failed == 0 ? 0 : 1;
}
