/* engine/sim/keepsake.h - small files that the simulator makes once per user and finds again
 * at each later start: its keys and certificates.
 *
 * They lie in $XDG_STATE_HOME/moongate/sim, or ~/.local/state/moongate/sim. */
#ifndef MOONGATE_SIM_KEEPSAKE_H
#define MOONGATE_SIM_KEEPSAKE_H

struct failure;

/* What the file `name` holds, a text owned by the caller. A file that is not there is made
 * first: `make` gives its text, owned by us, or NULL with `*failure` set. Only its owner can
 * read it, and it appears whole or not at all: of several that make it at once all return
 * what the first one made. Where no folder can be written the text is of this call alone.
 *
 * NULL on failure, with the reason in `*failure` (owned by the caller): `make` failed, or
 * the file is there and is not to be trusted (of another user, open to others, larger than
 * 64 KiB), or cannot be read. */
char *keepsake_read_or_make(const char *name,
                            char *(*make)(void *context, struct failure **failure),
                            void *context, struct failure **failure);

/* The path of the file `name`, there or not, owned by the caller, or NULL when this user has
 * no such folder. For messages, and for copies that others may read. */
char *keepsake_path(const char *name);

/* Writes a text that is no secret to `path`, whole or not at all, in place of what was
 * there; all may read it. Returns NULL, or why not, owned by the caller. */
struct failure *keepsake_publish(const char *path, const char *text);

#endif
