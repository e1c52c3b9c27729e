/* tests/bench/prompt.c - how fast the prompt is, seen from the keyboard.
 *
 *     prompt start MOONGATE COUNT               from exec to the prompt on the simulator:
 * the medians of wall-ms and CPU-ms prompt echo MOONGATE COUNT WORLD TASKS    from a key
 * to its echo while TASKS tasks ask the simulator for something each second: the median
 *                                               and the 99th percentile in ms
 *     prompt complete MOONGATE COUNT WORLD      from Tab to the names of live workspaces
 * on the screen: the median and the highest in ms; WORLD has ws-4001, and the first Tab,
 * which fetches them, does not count */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "../pty.h"

enum { COLUMNS = 100, ROWS = 30, MOST_VALUES = 10000, PAUSE_MS = 13, LINE_LENGTH = 40 };

static struct pty pty;
static double values[MOST_VALUES], cpu_values[MOST_VALUES];
static int count;

static void fail(const char *what)
{
    char *story = pty_story(&pty);

    fprintf(stderr, "prompt: %s\n%s", what, story);
    pty_drop(&pty);
    exit(EXIT_FAILURE);
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Of the values, sorted; `share` from 0 to 1. */
static double percentile(double *all, double share)
{
    qsort(all, (size_t)count, sizeof *all, compare);
    return all[(int)(share * (count - 1) + 0.5)];
}

static bool is_asking(const struct pty *terminal, const char *prompt)
{
    char *seen = emulator_render(&terminal->screen, EMULATOR_WITH_CURSOR);
    char *end = memory_format("%s" EMULATOR_CURSOR "\n", prompt);
    const size_t length = strlen(seen), end_length = strlen(end);
    const bool is_so =
        length >= end_length && strcmp(seen + length - end_length, end) == 0;

    free(seen);
    free(end);
    return is_so;
}

static void await_prompt(void)
{
    if (!pty_wait_until(&pty, is_asking, "> "))
        fail("no prompt");
}

static void start(const char *moongate, const char *world)
{
    const char *words[] = {moongate,  "repl", "--sim",   "--no-init", "--clock", "real",
                           "--store", "none", "--world", world,       NULL};
    char *home = memory_format("HOME=%s", getenv("HOME"));
    char *environment[] = {home, "PATH=/usr/bin:/bin", "TERM=xterm-256color",
                           "LC_ALL=C.UTF-8", NULL};

    if (world == NULL)
        words[8] = NULL;
    if (!pty_start(&pty, &(struct pty_program){.words = words,
                                               .environment = environment,
                                               .columns = COLUMNS,
                                               .rows = ROWS}))
        fail("cannot be started");
    free(home);
}

/* --- start
 * -------------------------------------------------------------------------------- */

static double cpu_ms(void)
{
    clockid_t clock;
    struct timespec spent;

    if (clock_getcpuclockid(pty.pid, &clock) != 0 || clock_gettime(clock, &spent) != 0)
        fail("no CPU time");
    return (double)spent.tv_sec * 1e3 + (double)spent.tv_nsec / 1e6;
}

static void measure_start(const char *moongate)
{
    for (int i = 0; i < count; i++) {
        const long long begin_us = pty_now_us();

        start(moongate, NULL);
        await_prompt();
        values[i] = (double)(pty_now_us() - begin_us) / 1e3;
        cpu_values[i] = cpu_ms();
        pty_type(&pty, "\x04");
        if (pty_await_end(&pty) != 0)
            fail("it did not leave");
        pty_drop(&pty);
    }
    printf("%.2f %.2f\n", percentile(values, 0.5), percentile(cpu_values, 0.5));
}

/* --- echo
 * --------------------------------------------------------------------------------- */

/* What the tasks do meanwhile is taken in, so that keys come at any time of it. */
static void pause_typing(void)
{
    const long long deadline_us = pty_now_us() + PAUSE_MS * 1000LL;

    while (pty_turn(&pty, 0, deadline_us) && !pty.is_over)
        ;
}

static int wanted_column;

static bool is_echoed(const struct pty *terminal, const char *key)
{
    const struct emulator *screen = &terminal->screen;

    return screen->column == wanted_column && wanted_column > 0 &&
           strcmp(screen->lines[screen->row]->cells[wanted_column - 1].text, key) == 0;
}

static double time_key(const char *key)
{
    const long long begin_us = pty_now_us();

    wanted_column = pty.screen.column + 1;
    if (!pty_type(&pty, key) || !pty_wait_until(&pty, is_echoed, key))
        fail("a key without an echo");
    return (double)(pty_now_us() - begin_us) / 1e3;
}

static void measure_echo(const char *moongate, const char *world, int tasks)
{
    char *line =
        memory_format("for i = 1, %d do tasks.spawn(function() while true do "
                      "workspaces.find('ws-' .. i) tasks.sleep('1s') end end) end",
                      tasks);

    start(moongate, world);
    await_prompt();
    if (!pty_type(&pty, line) || !pty_wait_for(&pty, "end end) end") ||
        !pty_type(&pty, "\r"))
        fail("the tasks are not begun");
    free(line);
    await_prompt();
    for (int i = 0; i < count; i++) {
        values[i] = time_key((const char *[]){"a", "b", "c", "d", "e"}[i % 5]);
        pause_typing();
        if (i % LINE_LENGTH == LINE_LENGTH - 1) {
            pty_type(&pty, "\x15"); /* Ctrl-U */
            await_prompt();
        }
    }
    pty_drop(&pty);
    printf("%.2f %.2f\n", percentile(values, 0.5), percentile(values, 0.99));
}

/* --- complete
 * ----------------------------------------------------------------------------- */

static double time_tab(void)
{
    static const char line[] = "workspaces.get(\"ws-4";

    if (!pty_type(&pty, line) || !pty_wait_for(&pty, line))
        fail("a line is not seen");

    const long long begin_us = pty_now_us();

    if (!pty_type(&pty, "\t") || !pty_wait_for(&pty, "ws-4001"))
        fail("no names");

    const double spent_ms = (double)(pty_now_us() - begin_us) / 1e3;

    pty_type(&pty, "\x15");
    if (!pty_wait_without(&pty, "ws-4001"))
        fail("the names stay");
    await_prompt();
    return spent_ms;
}

/* The first Tab has nothing yet and lets them be fetched. */
static void fetch_names(void)
{
    const long long deadline_us = pty_deadline_us();

    pty_type(&pty, "workspaces.get(\"ws-4");
    while (!pty_has(&pty, "ws-4001")) {
        if (pty_now_us() > deadline_us)
            fail("names never come");
        pty_type(&pty, "\t");
        pause_typing();
    }
    pty_type(&pty, "\x15");
    await_prompt();
}

static void measure_complete(const char *moongate, const char *world)
{
    start(moongate, world);
    await_prompt();
    fetch_names();
    for (int i = 0; i < count; i++)
        values[i] = time_tab();
    pty_drop(&pty);
    printf("%.2f %.2f\n", percentile(values, 0.5), percentile(values, 1.0));
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    count = argc > 3 ? atoi(argv[3]) : 0;
    if (count < 1 || count > MOST_VALUES) {
        fprintf(stderr,
                "usage: prompt start|echo|complete MOONGATE COUNT [WORLD [TASKS]]\n");
        return 2;
    }
    if (strcmp(mode, "start") == 0)
        measure_start(argv[2]);
    else if (strcmp(mode, "echo") == 0 && argc > 5)
        measure_echo(argv[2], argv[4], atoi(argv[5]));
    else if (strcmp(mode, "complete") == 0 && argc > 4)
        measure_complete(argv[2], argv[4]);
    else
        return 2;
    return 0;
}
