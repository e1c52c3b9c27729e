/* engine/sim/plane.h - the services behind the one port, each in its own file. */
#ifndef MOONGATE_SIM_PLANE_H
#define MOONGATE_SIM_PLANE_H

#include <stdbool.h>

#include "base/uuid.h"

struct answer;
struct call;
struct world;

/* Which service a path belongs to. Sign-in takes what no other wants. */
enum plane { PLANE_MANAGER, PLANE_GRAPH, PLANE_ENTRA, PLANE_CONTROLS, PLANE_COUNT };

/* Who asks, by the token. */
struct caller {
    char object_id[UUID_TEXT_SIZE];
    char application_id[UUID_TEXT_SIZE];
};

enum audience { AUDIENCE_ARM = 1, AUDIENCE_GRAPH = 2 };

/* Hands the call to the service that its path belongs to. Works without HTTP. */
void plane_answer(struct world *world, struct call *call, struct answer *answer);

void plane_manager(struct world *world, struct call *call, struct answer *answer);

/* The same for a call of the service's own in somebody's name: without token and buckets.
 */
void plane_manager_perform(struct world *world, struct call *call,
                           const struct caller *caller, struct answer *answer);
void plane_graph(struct world *world, struct call *call, struct answer *answer);
void plane_controls(struct world *world, struct call *call, struct answer *answer);

/* Sign-in; false when the path is none of its own. */
bool plane_entra(struct world *world, const struct call *call, struct answer *answer);

/* Reads the caller's token; false when it is not good, with `*wrong` saying why. A revoked
 * one stays so, as does its owner's next, until sign-in gets the challenge's claims; what
 * it gives for these is never revoked. */
enum token_fault {
    TOKEN_ABSENT,
    TOKEN_INVALID,
    TOKEN_EXPIRED,
    TOKEN_AUDIENCE,
    TOKEN_REVOKED
};
bool plane_authenticate(struct world *world, const struct call *call,
                        enum audience audience, struct caller *caller,
                        enum token_fault *wrong);

/* The WWW-Authenticate of a revoked token, owned by the caller, and what to say to it. */
char *plane_format_challenge(const struct world *world, const struct call *call);
extern const char plane_revoked_message[];

#endif
