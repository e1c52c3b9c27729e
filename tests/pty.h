/* tests/pty.h - a program under a pseudo terminal: its screen is looked at and keys are
 * typed.
 *
 * Whatever is waited for has a deadline (PTY_PATIENCE_MS), and nothing is waited for by
 * sleeping. Functions that may fail say so to the caller; pty_story() tells what happened
 * then. It asserts nothing, so that benchmarks can use it, too. Define _XOPEN_SOURCE 700
 * before the first include: posix_openpt() and its like are X/Open functions. */
#ifndef MOONGATE_TESTS_PTY_H
#define MOONGATE_TESTS_PTY_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "emulator.h"

enum { PTY_PATIENCE_MS = 20000, PTY_STORY_BYTES = 1500 };

struct pty {
    int master;   /* -1: hung up */
    int leash;    /* comes to its end when the program has ended, and its children */
    pid_t pid;    /* 0: it was waited for */
    bool is_over; /* nothing more comes from the terminal */
    bool is_rewrapping;    /* pty_resize() wraps again what was wrapped */
    struct termios before; /* the terminal's mode before the program began */
    struct emulator screen;
    struct buffer raw; /* all that it wrote */
};

struct pty_program {
    const char *const *words; /* ends with NULL; the first is the path */
    char *const *environment; /* all of it, ends with NULL */
    const char *folder;       /* where it works; NULL: here */
    int columns, rows;
};

static inline long long pty_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* In the child: makes the terminal its own and becomes the program. */
static inline void pty_become(const struct pty *pty, const struct pty_program *program,
                              const struct winsize *size)
{
    setsid();

    const int terminal = open(ptsname(pty->master), O_RDWR);

    if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0 ||
        ioctl(terminal, TIOCSWINSZ, size) != 0 ||
        (program->folder != NULL && chdir(program->folder) != 0))
        _exit(126);
    close(pty->master);
    dup2(terminal, STDIN_FILENO);
    dup2(terminal, STDOUT_FILENO);
    dup2(terminal, STDERR_FILENO);
    if (terminal > STDERR_FILENO)
        close(terminal);
    execve(program->words[0], (char *const *)(uintptr_t)program->words,
           program->environment);
    _exit(127);
}

/* Starts the program. False when the machine has no terminal for it. */
static inline bool pty_start(struct pty *pty, const struct pty_program *program)
{
    const struct winsize size = {.ws_row = (unsigned short)program->rows,
                                 .ws_col = (unsigned short)program->columns};
    int ends[2];

    memset(pty, 0, sizeof *pty);
    buffer_append_string(&pty->raw, "");
    emulator_init(&pty->screen, program->columns, program->rows);
    pty->leash = -1;
    pty->master = posix_openpt(O_RDWR | O_NOCTTY);
    if (pty->master < 0 || grantpt(pty->master) != 0 || unlockpt(pty->master) != 0 ||
        pipe(ends) != 0)
        return false;
    fcntl(pty->master, F_SETFL, O_NONBLOCK);
    fcntl(pty->master, F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    tcgetattr(pty->master, &pty->before);
    pty->pid = fork();
    if (pty->pid == 0)
        pty_become(pty, program, &size);
    close(ends[1]);
    pty->leash = ends[0];
    return pty->pid > 0;
}

/* Kills it when it still runs. Its terminal is gone. */
static inline void pty_drop(struct pty *pty)
{
    if (pty->pid > 0) {
        kill(pty->pid, SIGKILL);
        waitpid(pty->pid, NULL, 0);
    }
    if (pty->master >= 0)
        close(pty->master);
    if (pty->leash >= 0)
        close(pty->leash);
    emulator_deinit(&pty->screen);
    buffer_deinit(&pty->raw);
    memset(pty, 0, sizeof *pty);
    pty->master = pty->leash = -1;
}

/* --- both ways
 * ---------------------------------------------------------------------------- */

/* Takes in what is there without waiting. */
static inline void pty_take(struct pty *pty)
{
    char piece[65536];
    const ssize_t length = read(pty->master, piece, sizeof piece);

    if (length > 0) {
        buffer_append(&pty->raw, piece, (size_t)length);
        emulator_feed(&pty->screen, piece, (size_t)length);
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        pty->is_over = true; /* EIO: the program's end of the terminal is closed */
    }
}

/* Waits until the terminal can be read, or written when `events` has POLLOUT, and takes
 * in what comes. False after the deadline. */
static inline bool pty_turn(struct pty *pty, short events, long long deadline_us)
{
    const long long left_us = deadline_us - pty_now_us();
    struct pollfd poller = {.fd = pty->master, .events = (short)(events | POLLIN)};

    if (left_us <= 0 || poll(&poller, 1, (int)(left_us / 1000) + 1) < 0)
        return false;
    if (poller.revents & (POLLIN | POLLHUP | POLLERR))
        pty_take(pty);
    return true;
}

static inline long long pty_deadline_us(void)
{
    return pty_now_us() + PTY_PATIENCE_MS * 1000LL;
}

/* Sends bytes as the keyboard does; what the program writes meanwhile is taken in. False
 * when it does not take them. */
static inline bool pty_send(struct pty *pty, const char *bytes, size_t length)
{
    const long long deadline_us = pty_deadline_us();

    while (length > 0 && !pty->is_over) {
        const ssize_t sent = write(pty->master, bytes, length);

        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) ||
                   !pty_turn(pty, POLLOUT, deadline_us)) {
            return false;
        }
    }
    return length == 0;
}

/* Sends what the terminal was asked for. */
static inline void pty_answer(struct pty *pty)
{
    struct buffer *answers = &pty->screen.answers;

    if (answers->length == 0)
        return;

    char *bytes = buffer_take(answers);

    pty_send(pty, bytes, strlen(bytes));
    free(bytes);
}

static inline bool pty_type(struct pty *pty, const char *keys)
{
    return pty_send(pty, keys, strlen(keys));
}

/* Pastes text as terminals do: in brackets when the program wants them, line ends as
 * Enter. */
static inline bool pty_paste(struct pty *pty, const char *text)
{
    const bool has_brackets = pty->screen.is_pasting_bracketed;
    struct buffer bytes = {0};

    buffer_append_string(&bytes, has_brackets ? "\x1b[200~" : "");
    for (; *text != '\0'; text++)
        buffer_append_char(&bytes, *text == '\n' ? '\r' : *text);
    buffer_append_string(&bytes, has_brackets ? "\x1b[201~" : "");

    const bool is_sent = pty_send(pty, bytes.data, bytes.length);

    buffer_deinit(&bytes);
    return is_sent;
}

/* --- waiting
 * ------------------------------------------------------------------------------ */

typedef bool pty_question(const struct pty *pty, const char *text);

/* Waits until the question is answered with yes, between frames only. False when that
 * does not happen in time, or the terminal is over before. */
static inline bool pty_wait_until(struct pty *pty, pty_question *question,
                                  const char *text)
{
    const long long deadline_us = pty_deadline_us();

    for (;;) {
        if (!pty->screen.is_in_frame && pty->screen.pending.length == 0 &&
            question(pty, text))
            return true;
        if (pty->is_over || !pty_turn(pty, 0, deadline_us))
            return false;
        pty_answer(pty);
    }
}

static inline bool pty_has(const struct pty *pty, const char *text)
{
    char *seen = emulator_render(&pty->screen, 0);
    const bool has = strstr(seen, text) != NULL;

    free(seen);
    return has;
}

static inline bool pty_has_not(const struct pty *pty, const char *text)
{
    return !pty_has(pty, text);
}

static inline bool pty_has_said(const struct pty *pty, const char *text)
{
    char *seen = emulator_render(&pty->screen, EMULATOR_WITH_SCROLLED);
    const bool has = strstr(seen, text) != NULL;

    free(seen);
    return has;
}

static inline bool pty_is(const struct pty *pty, const char *text)
{
    char *seen = emulator_render(&pty->screen, EMULATOR_WITH_CURSOR);
    const bool is_it = strcmp(seen, text) == 0;

    free(seen);
    return is_it;
}

/* Until the screen shows the text somewhere; until it shows it no longer; until it was
 * ever shown and stayed; until the screen is the text from the first row to the last with
 * something in it, EMULATOR_CURSOR where the cursor is. */
static inline bool pty_wait_for(struct pty *pty, const char *text)
{
    return pty_wait_until(pty, pty_has, text);
}

static inline bool pty_wait_without(struct pty *pty, const char *text)
{
    return pty_wait_until(pty, pty_has_not, text);
}

static inline bool pty_wait_for_said(struct pty *pty, const char *text)
{
    return pty_wait_until(pty, pty_has_said, text);
}

static inline bool pty_wait_for_screen(struct pty *pty, const char *text)
{
    return pty_wait_until(pty, pty_is, text);
}

/* --- the terminal and its program
 * ----------------------------------------------------------- */

/* The window has another size, and the program gets a SIGWINCH. */
static inline void pty_resize(struct pty *pty, int columns, int rows)
{
    const struct winsize size = {.ws_row = (unsigned short)rows,
                                 .ws_col = (unsigned short)columns};

    if (pty->is_rewrapping)
        emulator_resize_wrapping(&pty->screen, columns, rows);
    else
        emulator_resize(&pty->screen, columns, rows);
    ioctl(pty->master, TIOCSWINSZ, &size);
}

/* The terminal is gone, as when its window is closed: SIGHUP. */
static inline void pty_hang_up(struct pty *pty)
{
    close(pty->master);
    pty->master = -1;
    pty->is_over = true;
}

/* Whether the terminal's mode is what it was before the program began. */
static inline bool pty_is_restored(const struct pty *pty)
{
    struct termios now;

    return tcgetattr(pty->master, &now) == 0 && now.c_iflag == pty->before.c_iflag &&
           now.c_oflag == pty->before.c_oflag && now.c_lflag == pty->before.c_lflag &&
           memcmp(now.c_cc, pty->before.c_cc, sizeof now.c_cc) == 0;
}

/* Waits for the end of the program and takes in all that it wrote until then. Returns its
 * exit code, 128 and the signal that ended it, or -1 when it does not end in time. */
static inline int pty_await_end(struct pty *pty)
{
    const long long deadline_us = pty_deadline_us();
    struct pollfd leash = {.fd = pty->leash, .events = POLLIN};
    int status = 0;

    while (!pty->is_over)
        if (!pty_turn(pty, 0, deadline_us))
            return -1;
    if (poll(&leash, 1, PTY_PATIENCE_MS) <= 0 ||
        waitpid(pty->pid, &status, 0) != pty->pid)
        return -1;
    pty->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- what happened
 * ------------------------------------------------------------------------ */

/* Bytes as C would write them, a new line after each line end. */
static inline void pty_append_escaped(struct buffer *text, const char *bytes,
                                      size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)bytes[i];

        if (c == '\n')
            buffer_append_string(text, "\\n\n");
        else if (c == '\r')
            buffer_append_string(text, "\\r");
        else if (c == 0x1b)
            buffer_append_string(text, "\\e");
        else if (c < 0x20 || c == 0x7f)
            buffer_printf(text, "\\x%02x", (unsigned)c);
        else
            buffer_append_char(text, (char)c);
    }
}

/* The screen with its cursor, what the emulator did not like, and the last bytes. Owned
 * by the caller. */
static inline char *pty_story(const struct pty *pty)
{
    const size_t skipped =
        pty->raw.length > PTY_STORY_BYTES ? pty->raw.length - PTY_STORY_BYTES : 0;
    char *screen = emulator_render(&pty->screen, EMULATOR_WITH_CURSOR);
    struct buffer text = {0};

    buffer_printf(&text, "--- %d by %d, %s ---\n%s", pty->screen.columns,
                  pty->screen.rows, pty->is_over ? "over" : "on", screen);
    if (pty->screen.complaints.length > 0)
        buffer_printf(&text, "--- complaints ---\n%s", pty->screen.complaints.data);
    buffer_append_string(&text, "--- the last bytes ---\n");
    pty_append_escaped(&text, pty->raw.data + skipped, pty->raw.length - skipped);
    buffer_append_string(&text, "\n---\n");
    free(screen);
    return buffer_take(&text);
}

/* The next line of *at, NULL after the last. Owned by the caller. */
static inline char *pty_next_line(const char **at)
{
    const char *start = *at;
    const size_t length = strcspn(start, "\n");

    if (*start == '\0')
        return NULL;
    *at = start + length + (start[length] == '\n');
    return memory_copy_text(start, length);
}

/* Two texts line by line: "  " in front of what is the same, "- " of what was expected,
 * "+ " of what is there instead. Owned by the caller. */
static inline char *pty_compare(const char *expected, const char *seen)
{
    struct buffer text = {0};

    for (;;) {
        char *left = pty_next_line(&expected);
        char *right = pty_next_line(&seen);

        if (left == NULL && right == NULL)
            return buffer_take(&text);
        if (left != NULL && right != NULL && strcmp(left, right) == 0) {
            buffer_printf(&text, "  %s\n", left);
        } else {
            if (left != NULL)
                buffer_printf(&text, "- %s\n", left);
            if (right != NULL)
                buffer_printf(&text, "+ %s\n", right);
        }
        free(left);
        free(right);
    }
}

#endif
