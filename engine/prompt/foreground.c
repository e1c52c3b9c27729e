/* engine/prompt/foreground.c - another program that has the terminal for a while.
 *
 * It is forked and not spawned: it must have the terminal before it runs, which posix_spawn() knows
 * no way to ask for. Only calls that are safe after a fork with threads are made in the child. */
#include "prompt/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop.h"
#include "prompt/prompt.h"
#include "run/wakeup.h"

extern char **environ;

struct foreground {
    struct loop *loop;
    struct prompt *prompt;
    struct wakeup *child;
    pid_t pid;
    int terminal; /* or -1: it has none */
    struct termios mode;
    bool has_mode;
    void (*done)(void *owner, int status);
    void *owner;
};

/* Whoever asks for it from the background is stopped, unless SIGTTOU is blocked. */
static bool give_terminal(int terminal, pid_t group)
{
    sigset_t output, before;

    sigemptyset(&output);
    sigaddset(&output, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &output, &before);

    const bool is_given = tcsetpgrp(terminal, group) == 0;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_given;
}

/* The terminal that can be given away; -1 when there is none, or it is not ours. */
static int open_terminal(void)
{
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (terminal >= 0 && tcgetpgrp(terminal) != getpgrp()) {
        close(terminal);
        return -1;
    }
    return terminal;
}

static void take_back(struct foreground *own)
{
    if (own->terminal >= 0) {
        give_terminal(own->terminal, getpgrp());
        if (own->has_mode)
            tcsetattr(own->terminal, TCSADRAIN, &own->mode);
        close(own->terminal);
    }
    wakeup_free(own->child);
    loop_release(own->loop);
    prompt_resume(own->prompt);
    free(own);
}

/* --- while it runs ------------------------------------------------------------------------ */

/* It was stopped: by Ctrl-Z, or because it has asked for a terminal that is not its own. That it
 * would do again and again, unless it can be given the terminal. */
static void go_on(const struct foreground *own, int signal_number)
{
    const bool wants_terminal = signal_number == SIGTTIN || signal_number == SIGTTOU;
    const bool is_given =
        own->terminal >= 0 ? give_terminal(own->terminal, own->pid) : !wants_terminal;

    kill(-own->pid, is_given ? SIGCONT : SIGKILL);
}

/* Some child of ours has ended or was stopped: this one? */
static void on_child(void *context)
{
    struct foreground *own = context;
    void (*done)(void *owner, int status) = own->done;
    void *owner = own->owner;
    int status;

    if (waitpid(own->pid, &status, WNOHANG | WUNTRACED) != own->pid)
        return;
    if (WIFSTOPPED(status)) {
        go_on(own, WSTOPSIG(status));
        return;
    }
    take_back(own);
    done(owner, status);
}

/* --- starting it -------------------------------------------------------------------------- */

/* Begins with all signals blocked: our handlers must not run in it. */
static void be_program(int terminal, int input, bool sees_terminal, char *const *words)
{
    static const int usual[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,  SIGTSTP,
                                SIGTTIN, SIGTTOU, SIGPIPE, SIGCHLD, SIGWINCH};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    setpgid(0, 0);
    if (terminal >= 0)
        give_terminal(terminal, getpid());
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        sigaction(usual[i], &action, NULL);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    if (terminal >= 0 && !sees_terminal)
        dup2(terminal, STDOUT_FILENO);
    execve(words[0], words, environ);
    _exit(127);
}

/* Returns 0 or an errno. */
static int start(struct foreground *own, int input, char *const *words)
{
    const bool sees_terminal = isatty(STDOUT_FILENO) == 1;
    sigset_t all, before;

    own->child = wakeup_new_signal(own->loop, SIGCHLD, on_child, own); /* misses none */
    if (own->child == NULL)
        return ENOMEM;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    own->pid = fork();
    if (own->pid == 0)
        be_program(own->terminal, input, sees_terminal, words);

    const int reason = own->pid < 0 ? errno : 0;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

struct foreground *foreground_start(struct loop *loop, struct prompt *prompt,
                                    char *const *words,
                                    void (*done)(void *owner, int status), void *owner,
                                    const char **why)
{
    struct foreground *own = memory_new(sizeof *own);
    int input = -1, nothing = -1;

    *own =
        (struct foreground){.loop = loop, .prompt = prompt, .done = done, .owner = owner};
    loop_hold(loop);
    prompt_suspend(prompt);
    own->terminal = open_terminal();
    own->has_mode = own->terminal >= 0 && tcgetattr(own->terminal, &own->mode) == 0;
    if (!isatty(STDIN_FILENO)) {
        nothing = own->terminal < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
        input = own->terminal < 0 ? nothing : own->terminal;
    }

    const int reason = start(own, input, words);

    if (nothing >= 0)
        close(nothing);
    if (reason != 0) {
        *why = strerror(reason);
        take_back(own);
        return NULL;
    }
    setpgid(own->pid, own->pid); /* whichever of us comes first */
    if (own->terminal >= 0)
        give_terminal(own->terminal, own->pid);
    return own;
}

void foreground_cancel(struct foreground *foreground)
{
    kill(-foreground->pid, SIGKILL);
    while (waitpid(foreground->pid, NULL, 0) < 0 && errno == EINTR)
        continue; /* at once: nothing outlives SIGKILL */
    take_back(foreground);
}
