/* tests/torture/torture.h - runs of moongate that are killed, stopped and starved, carried on, and
 * then judged.
 *
 * An arena has a simulator of its own, a store for each round, and one process or more that carry a
 * run there. A round begins with a new world and an empty store. */
#ifndef MOONGATE_TORTURE_H
#define MOONGATE_TORTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "kill.h"

enum {
    MOST_RESUMES = 20,
    PATIENCE_MS = 60000, /* what takes longer hangs */
    STARVED = -1000,     /* exit code of who was ended for that */
    HELD = 7             /* exit code of who is not let in */
};

struct torture {
    const char *moongate, *library, *folder;
    const char *azurite; /* http://127.0.0.1:10000, or NULL: stores are folders */
    int every;           /* each every-th point is tried */
    int jobs, kills;     /* arenas at once; random kills */
    int haste;           /* of the processes that are killed; see kill.h */
    int passed, failed;
};

struct arena {
    const struct torture *torture;
    char *folder, *teams;
    const char *network;
    int team_count;
    pid_t simulator;
    int port;
    struct kill_plan *plan;
    char *plan_path;
    char *store, *id; /* of this round; `id` NULL until the run is in the store */
    const char *lease;
    unsigned long file_bytes; /* the longest that its processes may make a file; 0: any */
    int round;
};

/* A world for `team_count` teams, whose gateways take `gateway` ("30m"), on the simulator's clock
 * ("10000x"). Ends the program when that cannot be. */
void arena_open(struct arena *arena, const struct torture *torture, int team_count,
                const char *clock, const char *gateway);
void arena_close(struct arena *arena);

/* The next round: a new world and store, no run. */
void arena_begin(struct arena *arena);

/* What the next process is to meet. NULL: it is only in haste, and counts. */
void arena_plan(struct arena *arena, const struct kill_plan *plan);

/* Starts the run, or resumes it; `option` and `value` may be NULL. */
pid_t arena_start(struct arena *arena, bool resumes, const char *option,
                  const char *value);

/* Waits for its end: the exit code, minus the signal that ended it, or STARVED. */
int arena_wait(pid_t process, int patience_ms);

/* Whether the run is in the store; then `id` is known. */
bool arena_find_run(struct arena *arena);

/* One attempt: begins the run when it is not in the store, else resumes it. Exit code as above. */
int arena_attempt(struct arena *arena, const struct kill_plan *plan);

/* The same once the lease of a process that was killed is over: in a folder it is so at once. */
int arena_attempt_when_free(struct arena *arena, const struct kill_plan *plan);

/* Two processes resume the run at the same time, until not both are refused. */
void arena_compete(struct arena *arena, int *one, int *other);

/* Carries it on: in Azurite by two who compete. The exit code of who was let in. */
int arena_carry(struct arena *arena);

/* A process begins the run, and is killed in the middle. */
void arena_kill_half_way(struct arena *arena);

/* Asks the simulator: GET, POST and so on of a path. Owned by the caller; NULL: no answer in JSON. */
cJSON *arena_ask(const struct arena *arena, const char *method, const char *path);

/* A text of the run in the store, owned by the caller; NULL when there is none. */
char *arena_read(const struct arena *arena, const char *name, size_t *length);

/* What the last process wrote, of its end at most `most` bytes: owned by the caller. */
enum { SAID_LAST = 600, SAID_ALL = 1 << 20 };
char *arena_said(const struct arena *arena, size_t most);

/* What is wrong with a run that is complete, or NULL. Owned by the caller. */
char *audit(const struct arena *arena);

/* The same of one whose journal has lost a part: what the simulator's ledger says. */
char *audit_ledger(const struct arena *arena);

/* How many writes the simulator has had. */
int audit_writes(const struct arena *arena);

/* Counts a verdict, and tells what is wrong (taken; NULL: nothing is). */
void verdict(struct torture *torture, char *wrong, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int64_t now_ms(void);

/* The scenarios. */
void sweep(struct torture *torture);
void random_kills(struct torture *torture);
void rivals(struct torture *torture);
void paused(struct torture *torture);
void mishaps(struct torture *torture);
void relay(struct torture *torture);

#endif
