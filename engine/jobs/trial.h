/* engine/jobs/trial.h - what `moongate jobs start --sim` has in place of Azure: a simulator that
 * serves the runs, and a folder for the store. */
#ifndef MOONGATE_JOBS_TRIAL_H
#define MOONGATE_JOBS_TRIAL_H

struct failure;
struct loop;
struct settings;
struct trial;

/* Before the session is opened: when `settings` (borrowed) name no store, they name a new folder
 * from now on. NULL on failure, with the reason in `*failure` (owned by the caller). */
struct trial *trial_new(struct settings *settings, struct failure **failure);

/* Serves on the session's loop, and sets the variables of the environment that lead processes
 * there. NULL, or why it cannot serve, owned by the caller. */
struct failure *trial_serve(struct trial *trial, struct loop *loop);

/* Before the loop goes. */
void trial_stop(struct trial *trial);

/* Removes the folder that it has made, with all that is in it. Accepts NULL. */
void trial_free(struct trial *trial);

#endif
