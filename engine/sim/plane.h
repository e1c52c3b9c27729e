/* engine/sim/plane.h - the services behind the one port, each in its own file. */
#ifndef MOONGATE_SIM_PLANE_H
#define MOONGATE_SIM_PLANE_H

#include <stdbool.h>

struct answer;
struct call;
struct world;

/* Who asks, by the token. */
struct caller {
    char object_id[40];
    char application_id[40];
    bool is_admin; /* may do anything in Microsoft Graph */
};

enum audience { AUDIENCE_ARM = 1, AUDIENCE_GRAPH = 2 };

/* Hands the call to the service that its path belongs to. Works without HTTP. */
void plane_answer(struct world *world, struct call *call, struct answer *answer);

void plane_manager(struct world *world, struct call *call, struct answer *answer);
void plane_graph(struct world *world, struct call *call, struct answer *answer);
void plane_controls(struct world *world, const struct call *call, struct answer *answer);

/* Sign-in; false when the path is none of its own. */
bool plane_entra(struct world *world, const struct call *call, struct answer *answer);

/* Reads the caller's token; false when it is not good, with `*wrong` saying why. */
enum token_fault { TOKEN_ABSENT, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_AUDIENCE };
bool plane_authenticate(struct world *world, const struct call *call,
                        enum audience audience, struct caller *caller,
                        enum token_fault *wrong);

#endif
