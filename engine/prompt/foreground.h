/* engine/prompt/foreground.h - another program that has the terminal for a while.
 *
 * It is the terminal's foreground process group, so that Ctrl-C and Ctrl-\ are for it alone; the
 * loop goes on meanwhile. When it ends, however it does, the terminal is the prompt's again, in the
 * mode it had. It cannot be stopped: nobody would be there to continue it, so it is continued at
 * once. */
#ifndef MOONGATE_PROMPT_FOREGROUND_H
#define MOONGATE_PROMPT_FOREGROUND_H

struct foreground;
struct loop;
struct prompt;

/* Starts it; words[0] is its full name, NULL ends them. It gets the environment, stdin, stdout and
 * stderr; where stdin or stdout is no terminal, the controlling terminal instead, and for stdin
 * /dev/null when there is none. `done` is called once with its wait status (see waitpid()), never
 * from inside this call. `prompt` and `owner` are borrowed until then. NULL when it cannot be
 * started, with the reason in `*why` (borrowed). */
struct foreground *foreground_start(struct loop *loop, struct prompt *prompt,
                                    char *const *words,
                                    void (*done)(void *owner, int status), void *owner,
                                    const char **why);

/* Kills it without calling `done`. */
void foreground_cancel(struct foreground *foreground);

#endif
