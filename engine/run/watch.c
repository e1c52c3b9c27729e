/* engine/run/watch.c - seeing what a run says and said, from another process.
 *
 * Its log of events grows while the run goes on, and is read on from time to time. */
#include "run/watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/depot.h"
#include "run/event_json.h"
#include "run/face.h"
#include "run/run.h"
#include "run/session.h"
#include "run/terminal.h"
#include "run/wakeup.h"
#include "store/store.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

enum {
    SIGNAL_COUNT = sizeof signals / sizeof signals[0],
    CHUNK_BYTES = 256 << 10,
    PAUSE_MS = 300,     /* between two looks */
    FAR_PAUSE_MS = 2000 /* where each look is two requests */
};

struct watch {
    struct session *session;
    const struct watch_request *request;
    struct depot *depot;
    struct store *store;
    char *events, *journal; /* names of the logs */
    uint64_t offset;        /* of what is not read yet */
    struct buffer partial;  /* of a line that is not whole yet */
    struct event_reader reader;
    uint64_t strange; /* lines that are no event that we know */
    struct wakeup *timer, *interrupts[SIGNAL_COUNT];
    uint64_t fence; /* of who carries the run, or did last */
    bool is_carried, is_awake, is_left;
};

/* --- waiting ------------------------------------------------------------------------------ */

static void on_signal(void *context)
{
    ((struct watch *)context)->is_left = true;
}

static void on_time(void *context)
{
    ((struct watch *)context)->is_awake = true;
}

static void start_waking(struct watch *watch)
{
    struct loop *loop = session_loop(watch->session);

    watch->timer = wakeup_new_timer(loop, on_time, watch);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        watch->interrupts[i] = wakeup_new_signal(loop, signals[i], on_signal, watch);
}

static void stop_waking(struct watch *watch)
{
    wakeup_free(watch->timer);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        wakeup_free(watch->interrupts[i]);
}

static bool is_awake(void *context)
{
    const struct watch *watch = context;

    return watch->is_awake || watch->is_left;
}

static void pause_a_while(struct watch *watch)
{
    const bool is_near = strncmp(watch->store->label, "folder ", strlen("folder ")) == 0;

    watch->is_awake = false;
    wakeup_start(watch->timer, is_near ? PAUSE_MS : FAR_PAUSE_MS);
    loop_run(session_loop(watch->session), is_awake, watch, true);
}

/* --- events ------------------------------------------------------------------------------- */

static struct face *new_face(const struct watch *watch)
{
    struct loop *loop = session_loop(watch->session);

    return watch->request->is_plain || !terminal_can_draw(STDERR_FILENO)
               ? face_new_plain(loop, false)
               : face_new_live(loop);
}

/* What a script printed may come from anywhere: a terminal gets what cannot harm it. */
static void hand_on(const struct watch *watch, const struct event *event)
{
    struct face *face = session_face(watch->session);
    struct event tame = *event;
    struct buffer text = {0};

    if (event->type == EVENT_OUTPUT && event->text != NULL && isatty(STDOUT_FILENO)) {
        terminal_append_output(&text, event->text);
        tame.text = text.length > 0 ? text.data : "";
    }
    face->handle(face, &tame);
    buffer_deinit(&text);
}

/* A line without its end. */
static void show_line(struct watch *watch, const char *line, size_t length)
{
    cJSON *tree = json_parse(line, length, NULL);

    if (tree == NULL || !event_read(&watch->reader, tree)) {
        watch->strange++;
        cJSON_Delete(tree);
        return;
    }
    if (watch->reader.event.type == EVENT_RUN_STARTED) /* another attempt */
        session_set_face(watch->session, new_face(watch));
    hand_on(watch, &watch->reader.event);
    cJSON_Delete(tree);
}

static void show(struct watch *watch, const struct buffer *bytes)
{
    const char *at = bytes->data, *newline;
    size_t left = bytes->length;

    while ((newline = left > 0 ? memchr(at, '\n', left) : NULL) != NULL) {
        const size_t length = (size_t)(newline - at);

        if (watch->partial.length > 0) {
            buffer_append(&watch->partial, at, length);
            show_line(watch, watch->partial.data, watch->partial.length);
            buffer_clear(&watch->partial);
        } else {
            show_line(watch, at, length);
        }
        at += length + 1;
        left -= length + 1;
    }
    buffer_append(&watch->partial, at, left);
}

static struct failure *take_failure(struct store_call *call)
{
    struct failure *failure = call->failure;

    call->failure = NULL;
    return failure;
}

/* Shows what the log has grown by. */
static struct failure *read_on(struct watch *watch)
{
    struct store_call *call;

    do {
        call = depot_begin(watch->depot);
        watch->store->get(watch->store, call, watch->events, watch->offset, CHUNK_BYTES);
        depot_wait(watch->depot);
        if (call->failure != NULL)
            return take_failure(call);
        watch->offset += call->bytes.length;
        show(watch, &call->bytes);
    } while (call->bytes.length > 0 && !watch->is_left);
    return NULL;
}

/* --- the run ------------------------------------------------------------------------------ */

static struct failure *look(struct watch *watch)
{
    struct store_call *call = depot_begin(watch->depot);

    watch->store->look(watch->store, call, watch->journal);
    depot_wait(watch->depot);
    watch->is_carried = call->is_held;
    watch->fence = call->fence;
    return take_failure(call);
}

/* Until the run has ended, or somebody has enough. Whoever gives the lease back has written all
 * events before, so they are read once more after that. */
static struct failure *follow(struct watch *watch)
{
    struct failure *failure = look(watch);

    while (failure == NULL) {
        const bool was_carried = watch->is_carried;

        failure = read_on(watch);
        if (failure != NULL || !was_carried || watch->is_left)
            break;
        pause_a_while(watch);
        failure = look(watch);
    }
    return failure;
}

/* Reads a text of the run; NULL in `*tree` when there is none. */
static struct failure *read_json(const struct watch *watch, const char *name,
                                 cJSON **tree)
{
    char *path = memory_format("runs/%s/%s", watch->request->id, name), *text = NULL;
    size_t length = 0;
    struct failure *failure = depot_read(watch->depot, path, &text, &length);

    *tree = failure == NULL ? json_parse(text, length, NULL) : NULL;
    if (failure == NULL && *tree == NULL)
        failure = failure_new("JournalDamaged", "'%s' is no JSON", path);
    free(text);
    free(path);
    return failure;
}

static struct failure *check_run(const struct watch *watch)
{
    cJSON *manifest = NULL;
    struct failure *failure = read_json(watch, "run.json", &manifest);

    cJSON_Delete(manifest);
    if (failure == NULL || strcmp(failure->code, "NotFound") != 0)
        return failure;
    failure_free(failure);
    return failure_new("RunNotFound", "there is no run '%s' in %s", watch->request->id,
                       watch->store->label);
}

static void say_left(const struct watch *watch)
{
    const char *id = watch->request->id;

    fprintf(stderr,
            "left run %s, which goes on; moongate runs attach %s shows it again\n", id,
            id);
}

/* How the run ended. A run that nobody carries and whose last carrier wrote no end has died. */
static struct failure *find_exit_code(const struct watch *watch, int *code)
{
    cJSON *end = NULL;
    struct failure *failure = read_json(watch, "end.json", &end);

    if (failure != NULL && strcmp(failure->code, "NotFound") != 0)
        return failure;
    failure_free(failure);
    *code = EXIT_SCRIPT_FAILED;
    if (json_number_at(end, "fence", -1) == (double)watch->fence)
        *code = (int)json_number_at(end, "exit_code", EXIT_SCRIPT_FAILED);
    else
        fprintf(stderr, "run %s died; carry it on: moongate resume %s\n",
                watch->request->id, watch->request->id);
    cJSON_Delete(end);
    return NULL;
}

/* `is_lost` says that stdout did not take all. */
static int conclude(const struct watch *watch, bool is_lost, struct failure **failure)
{
    int code = EXIT_DONE;

    if (watch->strange > 0 || watch->partial.length > 0)
        fprintf(stderr,
                "%" PRIu64 " lines of the log of run %s are no events that this moongate "
                "knows%s\n",
                watch->strange, watch->request->id,
                watch->partial.length > 0 ? ", and its last line is not whole" : "");
    if (watch->is_left)
        say_left(watch);
    else if (watch->request->takes_exit_code)
        *failure = find_exit_code(watch, &code);
    if (code == EXIT_DONE && is_lost)
        code = EXIT_SCRIPT_FAILED;
    return *failure != NULL ? EXIT_SCRIPT_FAILED : code;
}

int watch_run(struct session *session, const struct watch_request *request,
              struct failure **failure)
{
    struct watch watch = {.session = session, .request = request};
    int code = EXIT_SCRIPT_FAILED;

    watch.depot = session_depot(session, failure);
    if (watch.depot == NULL)
        return EXIT_USAGE;
    watch.store = depot_store(watch.depot);
    watch.events = memory_format("runs/%s/events.jsonl", request->id);
    watch.journal = memory_format("runs/%s/journal.jsonl", request->id);
    if (request->follows)
        start_waking(&watch);
    session_set_face(session, new_face(&watch));
    *failure = check_run(&watch);
    if (*failure == NULL)
        *failure = request->follows ? follow(&watch) : read_on(&watch);

    const bool is_lost = face_output_failed(session_face(session));

    /* a picture is over before anything is written below it */
    session_set_face(session, face_new_plain(session_loop(session), false));
    if (*failure == NULL)
        code = conclude(&watch, is_lost, failure);
    stop_waking(&watch);
    free(watch.events);
    free(watch.journal);
    buffer_deinit(&watch.partial);
    return code;
}
