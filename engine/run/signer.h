/* engine/run/signer.h - whose tokens a run's requests carry: those of its own credential, or
 * for a while those of the simulator's guest. */
#ifndef MOONGATE_RUN_SIGNER_H
#define MOONGATE_RUN_SIGNER_H

#include <stdbool.h>

#include "pipeline/pipeline.h"

struct tokens;

/* A zeroed struct that signer_init() fills; it stays where it is while a pipeline uses it. */
struct signer {
    struct token_provider provider; /* first: for the credential stage */
    struct tokens *own, *guest;     /* borrowed; `guest` may be NULL */
    bool is_guest;                  /* `guest` gives the tokens */
};

void signer_init(struct signer *signer, struct tokens *own);

#endif
