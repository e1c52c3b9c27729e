/* tests/torture/random.c - a long run is killed again and again at any moment, and so are its
 * resumes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "torture.h"

/* A process lives as long as chance gives it: too short to begin, or long enough to get on. */
enum { TEAMS = 200, SHORTEST_MS = 5, LONGEST_MS = 2500, TRIES = 400, MOST_ROUNDS = 500 };

struct tally {
    atomic_int kills, rounds, attempts, most_kills;
    atomic_int is_wrong;
    char wrong[900];
};

static int64_t draw(unsigned *seed, int64_t least, int64_t most)
{
    return least + rand_r(seed) % (most - least + 1);
}

/* One attempt with a short life. Exit code as arena_wait()'s; -SIGKILL when its time was up. */
static int attempt_for(struct arena *arena, int life_ms)
{
    const bool resumes = arena_find_run(arena);
    const pid_t process = arena_start(arena, resumes, NULL, NULL);
    const int code = arena_wait(process, life_ms);

    return code == STARVED ? -SIGKILL : code;
}

/* A run from its beginning to its end. NULL, or what is wrong. */
static char *play_round(struct arena *arena, struct tally *tally, int most_kills,
                        unsigned *seed)
{
    int kills = 0, code = -SIGKILL;

    arena_begin(arena);
    for (int tries = 0; tries < TRIES && code != 0; tries++) {
        const bool spares = atomic_load(&tally->kills) >= most_kills;

        code = attempt_for(arena, spares ? PATIENCE_MS
                                         : (int)draw(seed, SHORTEST_MS, LONGEST_MS));
        tally->attempts++;
        if (code == -SIGKILL && !spares) {
            kills++;
            tally->kills++;
        } else if (code != 0) {
            char *said = arena_said(arena, SAID_LAST);
            char *wrong = memory_format("exit code %d: %s", code, said);

            free(said);
            return wrong;
        }
    }
    if (kills > tally->most_kills)
        tally->most_kills = kills;
    return code == 0 ? audit(arena) : memory_format("not done after %d attempts", TRIES);
}

static void work(const struct torture *torture, struct tally *tally, unsigned seed)
{
    struct arena arena;

    arena_open(&arena, torture, TEAMS, "10000x", "30m");
    while (tally->kills < torture->kills && tally->rounds < MOST_ROUNDS &&
           !tally->is_wrong) {
        char *wrong = play_round(&arena, tally, torture->kills, &seed);

        tally->rounds++;
        if (wrong != NULL && !atomic_exchange(&tally->is_wrong, 1))
            snprintf(tally->wrong, sizeof tally->wrong, "%s (%s)", wrong, arena.store);
        free(wrong);
    }
    arena_close(&arena);
}

void random_kills(struct torture *torture)
{
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int running = 0;

    if (tally == MAP_FAILED) {
        perror("torture");
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < torture->jobs; i++) {
        const pid_t worker = fork();

        if (worker == 0) {
            work(torture, tally, (unsigned)i + 1);
            _exit(0);
        }
        running += worker > 0;
    }
    while (running-- > 0)
        wait(NULL);
    printf("%d kills in %d runs of %d teams, at most %d in one; %d processes\n",
           tally->kills, tally->rounds, TEAMS, tally->most_kills, tally->attempts);
    verdict(torture, tally->is_wrong ? memory_copy_string(tally->wrong) : NULL,
            "random kills");
    verdict(torture,
            tally->kills < torture->kills ? memory_copy_string("too few kills") : NULL,
            "random kills");
    munmap(tally, sizeof *tally);
}
