/* engine/sim/entra_device.h - device codes (RFC 8628) as the person sees them: a short code
 * that is let in or turned away. */
#ifndef MOONGATE_SIM_ENTRA_DEVICE_H
#define MOONGATE_SIM_ENTRA_DEVICE_H

#include <stdbool.h>

struct answer;
struct call;
struct world;

enum device_decision {
    DEVICE_DECIDED,
    DEVICE_NO_CODE,  /* there is no such code, or it has expired */
    DEVICE_OLD_CODE, /* somebody has decided already */
    DEVICE_NO_USER
};

/* Lets the device in as `user` (a user principal name or an object id), or turns it away, and
 * then `user` is not looked at. `user_code` is taken in either case of letters. */
enum device_decision entra_device_decide(struct world *world, const char *user_code,
                                         const char *user, bool is_approved);

/* POST /_sim/devicecode {"user_code": .., "user": .., "approve": true}: the same for scripts.
 * Without "approve" it is true. */
void entra_device_control(struct world *world, const struct call *call,
                          struct answer *answer);

#endif
