/* engine/auth/kept.h - a person's sign-in, kept on the disk between runs.
 *
 * It is a refresh token, which stands for the person for weeks, encrypted by AES-256-GCM with a
 * key of its own that lies beside it. That protects against whoever gets hold of the one file
 * (in a backup, a bug report, a synchronised folder) and shows when somebody changed it. It
 * does not protect against who can read all files of this user: then the key is in reach,
 * too. Both files are for their owner only, and are not used when others can read them. */
#ifndef MOONGATE_AUTH_KEPT_H
#define MOONGATE_AUTH_KEPT_H

#include <stdbool.h>

struct failure;

/* Strings are owned; kept_deinit() wipes them. */
struct kept {
    char *authority, *tenant_id, *client_id, *refresh_token;
};

/* The file that holds it, owned by the caller. */
char *kept_path(const char *folder);

/* Reads it. Returns false with the reason in `*why`, owned by the caller. */
bool kept_read(const char *folder, struct kept *kept, char **why);

/* Writes it in place of the one before. Returns NULL, or why not, owned by the caller. */
struct failure *kept_write(const char *folder, const struct kept *kept);

/* Removes it and its key. Returns NULL when nothing is left, or why not, owned by the caller;
 * `*was_there` says whether there was one. */
struct failure *kept_remove(const char *folder, bool *was_there);

/* Wipes it; it is empty again. */
void kept_deinit(struct kept *kept);

#endif
