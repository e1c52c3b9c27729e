/* tests/torture/sweep.c - a run is killed at each point of its life, one round each, and carried
 * on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "torture.h"

enum { MOST_POINTS = 4000, WRONG_SIZE = 900, PROBES = 2 };

/* A row of the table. */
struct row {
    const char *name;
    int kind, side;
    bool in_resume; /* the run is killed half-way first, then its resume at each point */
};

static const struct row rows[] = {
    {"before an append to the journal", POINT_JOURNAL, POINT_BEFORE, false},
    {"half of an append is written", POINT_JOURNAL, POINT_TORN, false},
    {"after an append to the journal", POINT_JOURNAL, POINT_AFTER, false},
    {"before a request", POINT_REQUEST, POINT_BEFORE, false},
    {"its answer has come", POINT_REQUEST, POINT_AFTER, false},
    {"before another change of the store", POINT_STORE, POINT_BEFORE, false},
    {"after another change of the store", POINT_STORE, POINT_AFTER, false},
    {"resume: before an append", POINT_JOURNAL, POINT_BEFORE, true},
    {"resume: half of an append", POINT_JOURNAL, POINT_TORN, true},
    {"resume: its answer has come", POINT_REQUEST, POINT_AFTER, true},
    {"resume: before another change", POINT_STORE, POINT_BEFORE, true},
    {"resume: after another change", POINT_STORE, POINT_AFTER, true},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* What came of a point; shared by all processes. */
struct outcome {
    int row, number;
    bool is_over, was_killed, is_wrong;
    int attempts;
    char wrong[WRONG_SIZE];
};

struct board {
    atomic_int next;
    int count;
    struct outcome outcomes[MOST_POINTS];
};

/* Carries it on until it is done. The number of attempts, or 0, with what happened in `*wrong`. */
static int carry_to_end(struct arena *arena, char **wrong)
{
    int code = 0, attempts = 0;

    while (attempts < MOST_RESUMES) {
        code = arena_carry(arena);
        attempts++;
        if (code == 0)
            return attempts;
    }

    char *said = arena_said(arena, SAID_LAST);

    *wrong =
        memory_format("still exit code %d after %d resumes: %s", code, attempts, said);
    free(said);
    return 0;
}

static void torture_point(struct arena *arena, struct outcome *outcome)
{
    const struct row *row = &rows[outcome->row];
    char *wrong = NULL;
    int code;

    arena_begin(arena);
    if (row->in_resume)
        arena_kill_half_way(arena);
    code = arena_attempt_when_free(arena,
                                   &(struct kill_plan){.kind = row->kind,
                                                       .side = row->side,
                                                       .number = outcome->number,
                                                       .signal = SIGKILL,
                                                       .haste = arena->torture->haste});
    outcome->was_killed = code == -SIGKILL && arena->plan->has_struck;
    outcome->attempts = 1;
    if (code != 0)
        outcome->attempts += carry_to_end(arena, &wrong);
    if (wrong == NULL && !arena_find_run(arena))
        wrong = memory_copy_string("the run is not in the store");
    if (wrong == NULL)
        wrong = audit(arena);
    if (wrong != NULL)
        snprintf(outcome->wrong, sizeof outcome->wrong, "%s", wrong);
    outcome->is_wrong = wrong != NULL;
    outcome->is_over = true;
    free(wrong);
}

static void work(const struct torture *torture, struct board *board)
{
    struct arena arena;
    int i;

    arena_open(&arena, torture, 10, "10000x", "30m");
    while ((i = atomic_fetch_add(&board->next, 1)) < board->count)
        torture_point(&arena, &board->outcomes[i]);
    arena_close(&arena);
}

/* How many points there are: the most that an untroubled run, or resume, had. */
static void count_points(const struct torture *torture, int counts[2][POINT_KIND_COUNT])
{
    struct arena arena;

    memset(counts, 0, 2 * sizeof counts[0]);
    arena_open(&arena, torture, 10, "10000x", "30m");
    for (int i = 0; i < (torture->azurite != NULL ? 2 : 2 * PROBES); i++) {
        arena_begin(&arena);
        if (i % 2 == 1)
            arena_kill_half_way(&arena);
        arena_attempt_when_free(&arena, NULL);
        for (int kind = 0; kind < POINT_KIND_COUNT; kind++)
            if (arena.plan->seen[kind] > counts[i % 2][kind])
                counts[i % 2][kind] = arena.plan->seen[kind];
    }
    arena_close(&arena);
}

/* Each `every`-th point, the first and those of short rows included. */
static void fill(const struct torture *torture, struct board *board)
{
    int counts[2][POINT_KIND_COUNT];

    count_points(torture, counts);
    for (int row = 0; row < ROWS; row++) {
        if (torture->azurite != NULL && rows[row].side == POINT_TORN)
            continue; /* Blob Storage takes an append as a whole */
        for (int number = 1; number <= counts[rows[row].in_resume][rows[row].kind];
             number += torture->every)
            if (board->count < MOST_POINTS)
                board->outcomes[board->count++] =
                    (struct outcome){.row = row, .number = number};
    }
}

static void tell(struct torture *torture, const struct board *board)
{
    printf("%-38s %7s %7s %9s %7s\n", "killed", "points", "killed", "attempts", "wrong");
    for (int row = 0; row < ROWS; row++) {
        int points = 0, killed = 0, most = 0, wrong = 0;

        for (int i = 0; i < board->count; i++) {
            const struct outcome *outcome = &board->outcomes[i];

            if (outcome->row != row)
                continue;
            points++;
            killed += outcome->was_killed;
            most = outcome->attempts > most ? outcome->attempts : most;
            wrong += outcome->is_wrong || !outcome->is_over;
            verdict(torture,
                    outcome->is_over && !outcome->is_wrong
                        ? NULL
                        : memory_copy_string(outcome->is_over ? outcome->wrong
                                                              : "it was not tried"),
                    "%s, the %d.", rows[row].name, outcome->number);
        }
        if (points > 0) {
            printf("%-38s %7d %7d %9d %7d\n", rows[row].name, points, killed, most,
                   wrong);
            verdict(torture,
                    killed == 0 ? memory_copy_string("nothing was killed") : NULL, "%s",
                    rows[row].name);
        }
    }
}

void sweep(struct torture *torture)
{
    struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int running = 0;

    if (board == MAP_FAILED) {
        perror("torture");
        exit(EXIT_FAILURE);
    }
    fill(torture, board);
    fflush(stdout);
    for (int i = 0; i < torture->jobs; i++) {
        const pid_t worker = fork();

        if (worker == 0) {
            work(torture, board);
            _exit(0);
        }
        running += worker > 0;
    }
    while (running-- > 0)
        wait(NULL);
    tell(torture, board);
    munmap(board, sizeof *board);
}
