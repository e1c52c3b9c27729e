/* engine/prompt/own_terminal.c */
#include "prompt/own_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/memory.h"

struct own_terminal {
    int fd;
    int ends[2]; /* of the pseudo-terminal; libedit has [1] */
    struct termios before;
    bool has_brackets; /* it knows bracketed pastes */
    volatile sig_atomic_t is_taken;
};

/* Opens both ends; false with errno. */
static bool open_stand_in(int ends[2])
{
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    if (ends[0] < 0)
        return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);

    const char *name =
        grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0 ? ptsname(ends[0]) : NULL;

    ends[1] = name != NULL ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (ends[1] >= 0)
        return true;

    const int reason = errno;

    close(ends[0]);
    errno = reason;
    return false;
}

struct own_terminal *own_terminal_open(int fd)
{
    const char *kind = getenv("TERM");
    struct termios mode;
    int ends[2];

    if (!open_stand_in(ends))
        return NULL;
    if (tcgetattr(fd, &mode) == 0) /* whatever comes of it: libedit has defaults */
        tcsetattr(ends[1], TCSANOW, &mode);

    struct own_terminal *terminal = memory_new(sizeof(*terminal));

    terminal->fd = fd;
    memcpy(terminal->ends, ends, sizeof(ends));
    terminal->has_brackets = kind != NULL && *kind != '\0' && strcmp(kind, "dumb") != 0;
    return terminal;
}

void own_terminal_close(struct own_terminal *terminal)
{
    if (terminal == NULL)
        return;
    own_terminal_give_back(terminal);
    close(terminal->ends[1]);
    close(terminal->ends[0]);
    free(terminal);
}

/* Async-signal-safe. A terminal that is gone cannot be told, nor does it matter any more. */
static void set_mode(const struct own_terminal *terminal, const struct termios *mode,
                     const char *brackets)
{
    while (tcsetattr(terminal->fd, TCSANOW, mode) != 0 && errno == EINTR)
        continue;
    if (terminal->has_brackets &&
        write(terminal->fd, brackets, strlen(brackets)) < (ssize_t)strlen(brackets))
        return;
}

void own_terminal_take(struct own_terminal *terminal)
{
    if (terminal->is_taken || tcgetattr(terminal->fd, &terminal->before) != 0)
        return;

    struct termios mode = terminal->before;

    mode.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP);
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
    mode.c_lflag |= ISIG;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    terminal->is_taken = 1; /* first: a signal may come in between */
    set_mode(terminal, &mode, "\x1b[?2004h");
}

void own_terminal_give_back(struct own_terminal *terminal)
{
    const int reason = errno;

    if (terminal->is_taken) {
        terminal->is_taken = 0;
        set_mode(terminal, &terminal->before, "\x1b[?2004l");
    }
    errno = reason;
}

int own_terminal_stand_in(const struct own_terminal *terminal)
{
    return terminal->ends[1];
}
