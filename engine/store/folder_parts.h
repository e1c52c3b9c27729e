/* engine/store/folder_parts.h - what the files of the folder driver know of each other.
 *
 * folder.c hands requests to the thread; the other files do them there, with calls that block. What
 * the driver keeps for itself lies beside what it is about and has a tilde in its name, which
 * names of the store never have: "journal.jsonl~lease-3". */
#ifndef MOONGATE_STORE_FOLDER_PARTS_H
#define MOONGATE_STORE_FOLDER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "store/store.h"

/* A lease file that a contender keeps an eye on, and for how long. */
struct folder_watch {
    int64_t for_ms;       /* 0: it need not look again */
    uint64_t fence;       /* whose; 0: none so far */
    struct timespec beat; /* its last one */
};

/* One call. All is borrowed but `watch`. */
struct folder_request {
    const char *root, *name;
    struct store_call *call; /* gets the results */
    enum store_put how;
    const char *bytes; /* put, append; acquire: the holder */
    size_t length;     /* of these; get: at most so many */
    uint64_t position; /* get, append, cut */
    int64_t duration_ms;
    bool is_durable;
    struct folder_lease *lease;
    struct folder_watch watch;
};

/* --- folder_place.c ------------------------------------------------------------------------ */

/* Where a name lies. Symbolic links below the root are not followed. */
struct place {
    const char *root, *name; /* borrowed */
    const char *leaf;        /* what of the name follows its last slash */
    int folder;              /* the folder that it is in, open; -1: there is none */
};

/* Opens the folder anew, which over NFS makes the client forget what it believed to be in it.
 * `makes`: it is made when it is absent; else `folder` is -1 then, and that is no failure. */
struct failure *place_open(struct place *place, const char *root, const char *name,
                           bool makes);
void place_close(struct place *place);

/* IOError: "cannot write '/x/runs/1/journal.jsonl': No space left on device". `reason` is an errno. */
struct failure *place_failure(const struct place *place, const char *doing, int reason);

/* The functions below return 0 or an errno. */

/* Makes a new file beside it: `name` is owned by the caller, and as the descriptor only valid when
 * it worked. */
int place_make_temporary(const struct place *place, char **name, int *fd);

/* Gives the file `from` the second name `to`; EEXIST when that is taken. `fd` is the file. */
int place_link(const struct place *place, int fd, const char *from, const char *to);

int place_write(int fd, const char *bytes, size_t length);

/* Makes durable which names are in the folder. */
int place_sync(int folder);

/* --- what calls do; all return a failure or NULL ---------------------------------------------- */

/* folder_texts.c */
struct failure *folder_put(struct folder_request *request);
struct failure *folder_get(struct folder_request *request);
struct failure *folder_list(struct folder_request *request);
struct failure *folder_remove(struct folder_request *request);

/* folder_log.c */
struct failure *folder_append(struct folder_request *request);
struct failure *folder_cut(struct folder_request *request);

/* folder_lease.c. Acquire and look are not over while `watch.for_ms` is not 0: they want to be called
 * again after that time. */
struct failure *folder_acquire(struct folder_request *request);
struct failure *folder_look(struct folder_request *request);
struct failure *folder_renew(struct folder_request *request);
struct failure *folder_release(struct folder_request *request); /* frees the lease */

/* LeaseLost when somebody took the lease, or could have. */
struct failure *lease_check(const struct folder_lease *lease, const char *root);

/* LeaseLost unless `fd` is the leased log itself. */
struct failure *lease_check_log(const struct folder_lease *lease,
                                const struct place *place, int fd);

#endif
