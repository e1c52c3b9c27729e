/* tests/torture/rivals.c - two processes want one run: at once, or the second while the first is
 * stopped. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "torture.h"

/* --- at once ---------------------------------------------------------------------------------- */

static char *resume_twice(struct arena *arena)
{
    int one, other;

    arena_begin(arena);
    arena_kill_half_way(arena);
    if (!arena_find_run(arena))
        return memory_copy_string("the run is not in the store");
    arena_compete(arena, &one, &other);
    if ((one != 0 || other != HELD) && (one != HELD || other != 0))
        return memory_format("exit codes %d and %d, not 0 and %d", one, other, HELD);
    return audit(arena);
}

void rivals(struct torture *torture)
{
    const int rounds = torture->every == 1 ? 20 : 3;
    struct arena arena;
    int carried = 0;

    arena_open(&arena, torture, 10, "10000x", "30m");
    for (int i = 0; i < rounds; i++) {
        char *wrong = resume_twice(&arena);

        carried += wrong == NULL;
        verdict(torture, wrong, "two processes, round %d", i + 1);
    }
    printf(
        "%d times two processes resumed one run: %d times one carried it and the other "
        "ended with %d\n",
        rounds, carried, HELD);
    arena_close(&arena);
}

/* --- one is stopped --------------------------------------------------------------------------- */

/* Where the first process is stopped; a request is one that is on the wire. Between the look at the
 * lease and the call that sends there is no place where a stop could be made good. */
static const struct stop {
    const char *name;
    int kind, side, number;
} stops[] = {
    {"before an append", POINT_JOURNAL, POINT_BEFORE, 12},
    {"before an append", POINT_JOURNAL, POINT_BEFORE, 3},
    {"after an append", POINT_JOURNAL, POINT_AFTER, 5},
    {"after an append", POINT_JOURNAL, POINT_AFTER, 20},
    {"while an answer comes", POINT_REQUEST, POINT_AFTER, 16},
    {"while an answer comes", POINT_REQUEST, POINT_AFTER, 30},
    {"while an answer comes", POINT_REQUEST, POINT_AFTER, 50},
};
enum { STOPS = sizeof stops / sizeof stops[0] };

/* Waits until it is stopped; otherwise what it ended with is in `*code`. */
static bool wait_for_stop(pid_t process, int *code)
{
    int status;

    if (waitpid(process, &status, WUNTRACED) != process)
        return false;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return WIFSTOPPED(status);
}

/* The second process comes until the first one's lease is over. */
static char *take_over(struct arena *arena, int *refusals)
{
    const int64_t until_ms = now_ms() + PATIENCE_MS;
    int code;

    *refusals = -1;
    do {
        if (*refusals >= 0)
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        ++*refusals;
        code = arena_attempt(arena, &(struct kill_plan){.haste = 1});
    } while (code == HELD && now_ms() < until_ms);
    return code == 0 ? NULL : memory_format("the second process ended with %d", code);
}

static char *compare(const struct arena *arena, const char *before, size_t length,
                     int writes)
{
    size_t now_length = 0;
    char *now = arena_read(arena, "journal.jsonl", &now_length);
    const bool is_same = now != NULL && before != NULL && now_length == length &&
                         memcmp(now, before, length) == 0;
    const int more = audit_writes(arena) - writes;

    free(now);
    if (!is_same)
        return memory_format(
            "the first process changed the journal, from %zu bytes to %zu", length,
            now_length);
    return more == 0 ? audit(arena)
                     : memory_format("the first process sent %d writes more", more);
}

/* What is true once the first process, with the journal of the second there, goes on. */
static char *go_on(struct arena *arena, pid_t first)
{
    size_t length = 0;
    char *journal = arena_read(arena, "journal.jsonl", &length);
    const int writes = audit_writes(arena);
    int code;
    char *wrong;

    kill(first, SIGCONT);
    code = arena_wait(first, PATIENCE_MS);
    wrong = compare(arena, journal, length, writes);
    free(journal);
    if (wrong == NULL && code != HELD) {
        char *said = arena_said(arena, SAID_LAST);

        wrong = memory_format("the first process ended with %d, not %d: %s", code, HELD,
                              said);
        free(said);
    }
    return wrong;
}

static char *stop_and_go(struct arena *arena, const struct stop *stop)
{
    const struct kill_plan plan = {.kind = stop->kind,
                                   .side = stop->side,
                                   .number = stop->number,
                                   .signal = SIGSTOP,
                                   .haste = 1};
    int code = 0, refusals = 0;
    pid_t first;
    char *wrong;

    arena_begin(arena);
    arena_plan(arena, &plan);
    first = arena_start(arena, false, NULL, NULL);
    if (!wait_for_stop(first, &code))
        return memory_format("it was not stopped: exit code %d", code);
    if (!arena_find_run(arena))
        wrong = memory_copy_string("the run is not in the store");
    else
        wrong = take_over(arena, &refusals);
    if (wrong == NULL) {
        wrong = go_on(arena, first);
    } else {
        kill(first, SIGKILL);
        waitpid(first, NULL, 0);
    }
    printf("stopped %s (the %d.), refused %d times, then taken over%s\n", stop->name,
           stop->number, refusals,
           wrong == NULL ? "; the first one did nothing more" : "");
    return wrong;
}

void paused(struct torture *torture)
{
    const int rounds = torture->every == 1 ? STOPS : 1;
    struct arena arena;

    arena_open(&arena, torture, 3, "10000x", "30m");
    arena.lease = torture->azurite != NULL ? "15s" : "1s";
    for (int i = 0; i < rounds; i++)
        verdict(torture, stop_and_go(&arena, &stops[i]), "stopped %s, the %d.",
                stops[i].name, stops[i].number);
    arena_close(&arena);
}
