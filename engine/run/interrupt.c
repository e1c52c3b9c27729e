/* engine/run/interrupt.c - signals as events of the loop. */
#include "run/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <lauxlib.h>

#include "base/clock.h"
#include "net/loop.h"
#include "run/face.h"
#include "task/task.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

enum {
    SIGNAL_COUNT = sizeof signals / sizeof signals[0],
    GRACE_MS = 20,     /* of computing: for a script to come back to the loop by itself */
    LOOK_EVERY = 1000, /* steps of a script that is busy */
    /* of the machine's time: keys that are pressed faster than a prompt could have listened are
     * no wish to end the program */
    HASTE_MS = 1000
};

/* A handler has no argument for its context, so there is one listener in a process. */
static struct {
    struct event *event;
    struct scheduler *scheduler;
    void (*asked)(void *context, int number, int times);
    void (*dying)(void);                           /* or NULL */
    void (*stopping)(void *context, lua_State *L); /* or NULL */
    void *context;
    int pipe[2];
    volatile sig_atomic_t times, number; /* how many came, and the last of them */
    int64_t first_ms;                    /* when the first came, as computing_ms() says */
    int64_t first_machine_ms;            /* the same, as clock_machine_ms() says */
    bool is_heard;                       /* the loop has turned since */
    const struct task *stopped;          /* since the first came, or NULL */
    void (*taken)(void *taker, int number); /* who has the signals instead, or NULL */
    void *taker;
    volatile sig_atomic_t came[SIGNAL_COUNT]; /* for the taker: how many, */
    sig_atomic_t told[SIGNAL_COUNT];          /* and of how many it knows */
} listener = {.pipe = {-1, -1}};

/* How long this thread has been computing: waiting for a busy machine does not count. */
static int64_t computing_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void restore(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};

    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(signals[i], &action, NULL);
}

/* A script that does not come back to the loop in a while is stopped where it is; what its
 * tasks have on the wire is not waited for then. From there on it is set for each step, so that
 * a pcall in the script does not catch it for good. */
static void stop_script(lua_State *L, lua_Debug *where)
{
    void (*stopping)(void *context, lua_State *L) = listener.stopping;
    const struct task *task = scheduler_running_task(listener.scheduler);

    (void)where;
    if (listener.times == 0 || (listener.times == 1 && listener.is_heard)) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (listener.times == 1 && (computing_ms() - listener.first_ms < GRACE_MS ||
                                (listener.stopped != NULL && listener.stopped != task)))
        return; /* it is not what kept the loop from hearing of it */
    listener.stopped = task;
    lua_sethook(L, stop_script, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
    listener.stopping = NULL;
    if (stopping != NULL)
        stopping(listener.context, L);
    luaL_error(L, "interrupted");
}

/* Whoever asks a third time does not want to wait. */
static bool wants_to_die(int number)
{
    const bool may_be_haste = listener.dying != NULL && number == SIGINT;

    return listener.times > 2 &&
           (!may_be_haste || clock_machine_ms() - listener.first_machine_ms >= HASTE_MS);
}

static void die_of(int number)
{
    face_restore_terminal();
    if (listener.dying != NULL)
        listener.dying();
    restore();
    if (getpid() == 1) /* of a container: the usual effect is none there */
        _exit(128 + number);
    raise(number);
}

/* A handler: the loop shall hear of it. */
static void wake_loop(void)
{
    if (write(listener.pipe[1], "", 1) < 0 && errno != EAGAIN)
        restore(); /* nobody would hear of it: the next one ends the program */
}

/* The same while somebody has taken the signals: no script is stopped. */
static void on_taken_signal(int number)
{
    const int error = errno;
    int ends = 0;

    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signals[i] == number)
            listener.came[i]++;
        if (signals[i] != SIGHUP)
            ends += listener.came[i];
    }
    if (number != SIGHUP && ends > 2)
        die_of(number);
    wake_loop();
    errno = error;
}

static void on_signal(int number)
{
    const int error = errno;
    lua_State *running = scheduler_running(listener.scheduler);

    listener.number = number;
    if (++listener.times == 1) {
        listener.first_ms = computing_ms();
        listener.first_machine_ms = clock_machine_ms();
    }
    if (wants_to_die(number))
        die_of(number);
    if (running != NULL) /* as lua.c does: this call is safe in a handler */
        lua_sethook(running, stop_script, LUA_MASKCOUNT, LOOK_EVERY);
    wake_loop();
    errno = error;
}

static void tell_taker(void)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        while (listener.taken != NULL && listener.told[i] != listener.came[i]) {
            listener.told[i]++;
            listener.taken(listener.taker, signals[i]);
        }
}

static void on_pipe(evutil_socket_t fd, short events, void *context)
{
    char bytes[16];

    (void)events, (void)context;
    while (read((int)fd, bytes, sizeof bytes) > 0)
        ;
    listener.is_heard = true;
    if (listener.times > 0)
        listener.asked(listener.context, listener.number, listener.times >= 2 ? 2 : 1);
    tell_taker();
}

static void listen_with(void (*handler)(int number))
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(signals[i], &action, NULL);
}

void interrupt_open(struct loop *loop, struct scheduler *scheduler,
                    void (*asked)(void *context, int number, int times), void *context)
{
    listener.scheduler = scheduler;
    listener.asked = asked;
    listener.context = context;
    listener.times = 0;
    listener.is_heard = false;
    listener.stopped = NULL;
    if (pipe(listener.pipe) != 0)
        return; /* the signals keep their usual effect */
    for (int i = 0; i < 2; i++) {
        fcntl(listener.pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(listener.pipe[i], F_SETFD, FD_CLOEXEC);
    }
    listener.event = event_new(loop_event_base(loop), listener.pipe[0],
                               EV_READ | EV_PERSIST, on_pipe, NULL);
    event_priority_set(listener.event, 0); /* no later than the keys that follow */
    event_add(listener.event, NULL);
    scheduler_set_stop(scheduler, &listener.times, stop_script, LOOK_EVERY);
    listen_with(on_signal);
}

bool interrupt_take(void (*taken)(void *taker, int number), void *taker)
{
    if (listener.event == NULL || listener.taken != NULL)
        return false;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        listener.came[i] = listener.told[i] = 0;
    listener.taken = taken;
    listener.taker = taker;
    listen_with(on_taken_signal);
    return true;
}

void interrupt_give_back(const void *taker)
{
    if (listener.taken == NULL || listener.taker != taker)
        return;
    listener.taken = NULL;
    if (listener.event != NULL)
        listen_with(on_signal);
}

bool interrupt_has_stopped(void)
{
    return listener.stopped != NULL;
}

void interrupt_forget(void)
{
    listener.times = 0;
    listener.is_heard = false;
    listener.stopped = NULL;
}

void interrupt_set_dying(void (*dying)(void))
{
    listener.dying = dying;
}

void interrupt_set_stopping(void (*stopping)(void *context, lua_State *L))
{
    listener.stopping = stopping;
}

int interrupt_close(void)
{
    if (listener.event == NULL)
        return 0;
    restore();
    scheduler_set_stop(listener.scheduler, NULL, NULL, 0);
    listener.stopping = NULL;
    listener.taken = NULL;
    event_free(listener.event);
    listener.event = NULL;
    for (int i = 0; i < 2; i++) {
        close(listener.pipe[i]);
        listener.pipe[i] = -1;
    }
    return listener.times;
}
