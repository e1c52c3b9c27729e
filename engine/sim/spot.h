/* engine/sim/spot.h - places in a world file, for those who find something wrong there. */
#ifndef MOONGATE_SIM_SPOT_H
#define MOONGATE_SIM_SPOT_H

/* Where something is in the file; on the stack of who looks at it. */
struct spot {
    const struct spot *up; /* NULL: the whole */
    const char *name; /* NULL: `index` says which element it is, from 0; of the whole,
                              what the file's language calls the first one: 0 or 1 */
    int index;
};

/* "groups[3].members[0]: ...", owned by the caller. */
char *spot_complain(const struct spot *spot, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
