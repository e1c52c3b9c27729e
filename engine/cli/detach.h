/* engine/cli/detach.h - going on in a process of its own, without a terminal. */
#ifndef MOONGATE_CLI_DETACH_H
#define MOONGATE_CLI_DETACH_H

/* Work that goes on without its caller. It calls detach_kept() once its run is in the store. */
typedef int detach_work(void *context);

/* Starts `work` in a process of its own and waits until its run is kept; then prints the run's id on
 * stdout and returns 0. When the work ends before, what it said on stderr is said here, and its
 * exit code returned. One thread and no open event loop may be there. */
int detach(detach_work *work, void *context);

/* For the request's `kept`, whose context is not used: says that the run is safe without us. */
void detach_kept(void *context, const char *id);

#endif
