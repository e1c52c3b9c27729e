/* tests/torture/kill.h - what a process under torture and its torturer share: a file that both
 * map, named by TORTURE_FILE.
 *
 * A point is a place in the life of a process: its n-th append to the journal, or its n-th request
 * over HTTP. All are counted; at one of them the process may be killed or stopped. */
#ifndef MOONGATE_TORTURE_KILL_H
#define MOONGATE_TORTURE_KILL_H

#include <stdatomic.h>

enum point_kind {
    POINT_JOURNAL, /* a write to journal.jsonl: a file, or an append blob */
    POINT_REQUEST, /* a request that is not one about the journal */
    POINT_STORE,   /* any other change of a folder that holds runs */
    POINT_KIND_COUNT
};

enum point_side {
    POINT_BEFORE, /* nothing of it has happened */
    POINT_TORN,   /* half of its bytes are written; of a file alone */
    POINT_AFTER   /* it has happened, and the program was not told */
};

struct kill_plan {
    int kind, side;
    int number; /* from 1 on; 0: only count */
    int signal; /* SIGKILL or SIGSTOP */
    int haste;  /* how many times faster time goes for the process; 0 and 1: as it does */
    int store_port; /* requests to this port are the store's, not the service's; or 0 */
    atomic_int seen[POINT_KIND_COUNT];
    atomic_int has_struck;
};

#endif
