/* tests/torture/relay.c - a run of three hours is carried by five processes, one after another. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "torture.h"

/* A gateway's three hours are 8.6 s of wall time; the last of them begins about 10 s after the
 * first, since a network takes one change at a time. So the fifth process ends it. */
enum { LEGS = 5, LEG_MS = 5000, HANDED_OVER = 6 };

void relay(struct torture *torture)
{
    const int64_t began_ms = now_ms();
    struct arena arena;
    char *wrong = NULL;
    int code = HANDED_OVER;

    arena_open(&arena, torture, 12, "1250x", "3h");
    arena_begin(&arena);
    for (int leg = 1; leg <= LEGS && wrong == NULL; leg++) {
        const int64_t leg_began_ms = now_ms();

        arena_plan(&arena, &(struct kill_plan){.haste = 1});
        code = arena_wait(arena_start(&arena, arena_find_run(&arena), "--max-wall", "5s"),
                          PATIENCE_MS);
        printf("process %d: %.1f s, exit code %d\n", leg,
               (double)(now_ms() - leg_began_ms) / 1000, code);
        if (code != (leg < LEGS ? HANDED_OVER : 0)) {
            char *said = arena_said(&arena, SAID_LAST);

            wrong = memory_format("process %d ended with %d: %s", leg, code, said);
            free(said);
        }
    }
    if (wrong == NULL)
        wrong = audit(&arena);
    if (wrong == NULL && now_ms() - began_ms < (LEGS - 1) * LEG_MS)
        wrong = memory_copy_string("it took less than four processes have");
    verdict(torture, wrong, "five processes");
    arena_close(&arena);
}
