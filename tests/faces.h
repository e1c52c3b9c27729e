/* tests/faces.h - a face that is fed events, before a terminal or files.
 *
 * Text is captured in files, pictures on a pseudo-terminal whose screen is compared as a
 * whole. The clocks of run and machine are moved by hand. */
#ifndef MOONGATE_TESTS_FACES_H
#define MOONGATE_TESTS_FACES_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "net/loop.h"
#include "run/event.h"
#include "run/event_json.h"
#include "screen.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, FRAME_END = '\x05' };

static const int64_t START_WALL_MS = 1769860987000; /* 2026-01-31T12:03:07Z */

static struct {
    struct clock clock;
    struct loop *loop;
    struct face *face;
    int saved_out, saved_err;
    int out_file;         /* what went to stdout, unless a test led it elsewhere */
    int err_file;         /* what went to stderr, unless that is the terminal */
    int master, terminal; /* of the pseudo-terminal, or -1 */
    struct screen screen;
    struct event_reader *reader_of_lines; /* or NULL: the face gets the very event */

    /* A pseudo-terminal holds little, so a thread of its own reads from it. */
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t was_read;
    struct buffer read; /* not shown on the screen yet */
} h;

/* The machine's time, libevent's included, moves when a test says so and only then: this
 * stands before the C library's function of this name. */
static int64_t machine_ms = 1000000;

int clock_gettime(clockid_t id, struct timespec *now)
{
    (void)id;
    *now = (struct timespec){.tv_sec = (time_t)(machine_ms / 1000),
                             .tv_nsec = (long)(machine_ms % 1000) * 1000000};
    return 0;
}

static inline int new_file(void)
{
    char name[] = "/tmp/check_faces.XXXXXX";
    const int fd = mkstemp(name);

    ck_assert_int_ge(fd, 0);
    unlink(name);
    return fd;
}

/* What has been written to the file so far. Owned by the caller. */
static inline char *read_file(int fd)
{
    struct buffer text = {0};
    char piece[4096];
    ssize_t length;

    while ((length = pread(fd, piece, sizeof piece, (off_t)text.length)) > 0)
        buffer_append(&text, piece, (size_t)length);
    return buffer_take(&text);
}

static inline void assert_file(int fd, const char *expected)
{
    char *text = read_file(fd);

    ck_assert_str_eq(text, expected);
    free(text);
}

/* The terminal is none that is known to wrap its lines anew. */
static inline void cut_lines(void)
{
    static const char *const names[] = {
        "TMUX",       "VTE_VERSION",   "KONSOLE_VERSION",       "KITTY_WINDOW_ID",
        "WT_SESSION", "WEZTERM_PANE",  "GHOSTTY_RESOURCES_DIR", "ITERM_SESSION_ID",
        "STY",        "XTERM_VERSION", "ALACRITTY_WINDOW_ID"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

static inline void setup(void)
{
    setenv("TZ", "UTC0", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("NO_COLOR", "1", 1);
    cut_lines();
    signal(SIGPIPE, SIG_IGN);
    clock_init(&h.clock, CLOCK_VIRTUAL, 1.0);
    h.clock.wall_base_ms = START_WALL_MS;
    h.loop = loop_new(&h.clock);
    h.saved_out = dup(STDOUT_FILENO);
    h.saved_err = dup(STDERR_FILENO);
    h.out_file = new_file();
    h.err_file = new_file();
    h.master = h.terminal = -1;
    pthread_mutex_init(&h.lock, NULL);
    pthread_cond_init(&h.was_read, NULL);
    fflush(stdout);
    dup2(h.out_file, STDOUT_FILENO);
    dup2(h.err_file, STDERR_FILENO);
}

static inline void free_face(void)
{
    if (h.face != NULL)
        h.face->free(h.face);
    h.face = NULL;
}

static inline void teardown(void)
{
    free_face();
    dup2(h.saved_out, STDOUT_FILENO);
    dup2(h.saved_err, STDERR_FILENO);
    close(h.saved_out);
    close(h.saved_err);
    close(h.out_file);
    close(h.err_file);
    if (h.master >= 0) {
        close(h.terminal);
        pthread_join(h.reader, NULL);
        close(h.master);
    }
    buffer_deinit(&h.read);
    loop_free(h.loop);
    h.reader_of_lines = NULL;
    buffer_deinit(&h.screen.scrolled);
    memset(&h.screen, 0, sizeof h.screen);
}

/* What becomes of the screen is another's matter. */
static inline void set_size_only(int columns, int rows)
{
    const struct winsize size = {.ws_col = (unsigned short)columns,
                                 .ws_row = (unsigned short)rows};

    ck_assert_int_eq(ioctl(h.terminal, TIOCSWINSZ, &size), 0);
}

static inline void set_terminal_size(int columns, int rows)
{
    set_size_only(columns, rows);
    screen_resize(&h.screen, columns, rows);
}

static inline void *read_terminal(void *context)
{
    char piece[4096];
    ssize_t length;

    (void)context;
    while ((length = read(h.master, piece, sizeof piece)) >
           0) { /* EIO when all left it */
        pthread_mutex_lock(&h.lock);
        buffer_append(&h.read, piece, (size_t)length);
        pthread_cond_signal(&h.was_read);
        pthread_mutex_unlock(&h.lock);
    }
    return NULL;
}

/* Makes stderr a terminal, and stdout too when `with_output`. Nobody reads from it yet. */
static inline void make_terminal(int columns, int rows, bool with_output)
{
    h.master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(h.master, 0);
    ck_assert_int_eq(grantpt(h.master), 0);
    ck_assert_int_eq(unlockpt(h.master), 0);
    h.terminal = open(ptsname(h.master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(h.terminal, 0);
    set_terminal_size(columns, rows);
    dup2(h.terminal, STDERR_FILENO);
    if (with_output)
        dup2(h.terminal, STDOUT_FILENO);
}

/* A test that forks does it before: the thread may hold a lock that the child would wait for. */
static inline void start_reader(void)
{
    ck_assert_int_eq(pthread_create(&h.reader, NULL, read_terminal, NULL), 0);
}

static inline void open_terminal(int columns, int rows, bool with_output)
{
    make_terminal(columns, rows, with_output);
    start_reader();
}

/* What was written to the terminal: all before a mark of our own. Owned by the caller. */
static inline char *take_written(void)
{
    const char mark = FRAME_END;

    ck_assert_int_eq(write(h.terminal, &mark, 1), 1);
    pthread_mutex_lock(&h.lock);
    while (h.read.length == 0 || h.read.data[h.read.length - 1] != FRAME_END)
        pthread_cond_wait(&h.was_read, &h.lock);

    char *text = buffer_take(&h.read);

    pthread_mutex_unlock(&h.lock);
    text[strlen(text) - 1] = '\0';
    return text;
}

/* Shows on the screen what was written to the terminal. */
static inline void show(void)
{
    char *text = take_written();

    screen_write(&h.screen, text);
    free(text);
}

/* The spinner stands still, so that screens can be compared. */
static inline void stop_spinner(char *text)
{
    static const char *const steps[] = {"\u280b", "\u2819", "\u2839", "\u2838", "\u283c",
                                        "\u2834", "\u2826", "\u2827", "\u2807", "\u280f"};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (char *at; (at = strstr(text, steps[i])) != NULL;) {
            *at = '*';
            memmove(at + 1, at + 3, strlen(at + 3) + 1);
        }
    }
}

static inline void assert_screen(const char *expected)
{
    show();

    char *text = screen_text(&h.screen);

    stop_spinner(text);
    ck_assert_str_eq(text, expected);
    free(text);
}

static inline bool is_second_call(void *context)
{
    return (*(int *)context)++ > 0;
}

/* Lets the loop do what is due, without waiting. */
static inline void turn(void)
{
    for (int i = 0; i < 2; i++) {
        int calls = 0;

        loop_run(h.loop, is_second_call, &calls, true);
    }
}

/* So much time passes on the machine. */
static inline void pass_machine(int64_t ms)
{
    machine_ms += ms;
    turn();
}

/* So much time passes in the run. */
static inline void pass(int64_t ms)
{
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + ms);
}

static inline void draw(void)
{
    pass_machine(100);
}

/* The event's line is read and written again as it was. Its tree, owned by the caller, holds
 * the strings of what the reader read. */
static inline cJSON *pass_through_line(struct event_reader *reader,
                                       const struct event *event)
{
    struct buffer line = {0}, again = {0};

    event_format(&line, event);
    ck_assert_int_eq(line.data[line.length - 1], '\n');

    cJSON *tree = json_parse(line.data, line.length, NULL);

    ck_assert_ptr_nonnull(tree);
    ck_assert_msg(event_read(reader, tree), "%s", line.data);
    event_format(&again, &reader->event);
    ck_assert_str_eq(again.data, line.data);
    buffer_deinit(&line);
    buffer_deinit(&again);
    return tree;
}

static inline void feed(struct event event)
{
    event.elapsed_ms = clock_now_ms(&h.clock);
    event.wall_ms = clock_wall_ms(&h.clock);
    if (h.reader_of_lines == NULL) {
        h.face->handle(h.face, &event);
        return;
    }

    cJSON *tree = pass_through_line(h.reader_of_lines, &event);

    h.face->handle(h.face, &h.reader_of_lines->event);
    cJSON_Delete(tree);
}

static inline void feed_text(enum event_type type, const char *text)
{
    feed((struct event){.type = type, .text = text});
}

static inline void begin(uint64_t number, const char *verb, const char *kind,
                         const char *name)
{
    feed((struct event){.type = EVENT_OPERATION_STARTED,
                        .operation = number,
                        .verb = verb,
                        .kind = kind,
                        .name = name,
                        .percent = -1});
}

static inline void progress(uint64_t number, const char *state, double percent)
{
    feed((struct event){.type = EVENT_OPERATION_STATE,
                        .operation = number,
                        .state = state,
                        .percent = percent});
}

static inline void foresee(uint64_t number, const char *state, double percent,
                           int64_t age_ms, struct forecast forecast)
{
    feed((struct event){.type = EVENT_OPERATION_STATE,
                        .operation = number,
                        .state = state,
                        .percent = percent,
                        .age_ms = age_ms,
                        .forecast = &forecast});
}

static inline void end(uint64_t number, const char *kind, const char *name,
                       enum event_outcome outcome, int64_t age_ms)
{
    feed((struct event){.type = EVENT_OPERATION_FINISHED,
                        .operation = number,
                        .kind = kind,
                        .name = name,
                        .outcome = outcome,
                        .age_ms = age_ms,
                        .percent = -1});
}

static inline void end_badly(uint64_t number, const char *kind, const char *name,
                             const struct failure *failure)
{
    feed((struct event){.type = EVENT_OPERATION_FINISHED,
                        .operation = number,
                        .kind = kind,
                        .name = name,
                        .outcome = OUTCOME_FAILED,
                        .failure = failure,
                        .age_ms = 12000,
                        .percent = -1});
}

static inline void end_run(struct run_summary summary, const char *why)
{
    summary.run = "20260131-120307-ab12";
    feed((struct event){.type = EVENT_RUN_FINISHED, .summary = &summary, .text = why});
}

/* A bare chroot has no /dev/pts. */
static inline bool has_terminals(void)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    const bool is_there = master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0;

    if (master >= 0)
        close(master);
    return is_there;
}

#endif
