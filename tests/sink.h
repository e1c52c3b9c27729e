/* tests/sink.h - a journal that is written to memory, and read again from there.
 *
 * What the sink has taken is what a store would have: a journal is ended as a process is by
 * kill -9, and the next one is given the lines that were safe by then. */
#ifndef MOONGATE_TESTS_SINK_H
#define MOONGATE_TESTS_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "net/loop.h"

struct sink {
    struct journal_output output;
    struct loop *loop;
    struct journal *journal;
    struct buffer log;  /* all that is safe */
    struct buffer last; /* of the last append */
    struct deferred reply;
    unsigned appends;
    bool holds;       /* answers when sink_answer() is called, else at the next turn */
    bool is_asked;    /* an append waits for its answer */
    const char *code; /* of the failure that appends end in, or NULL */
    const char *lost; /* of the failure that the lease check ends in, or NULL */
};

/* Answers the append that is held. */
static inline void sink_answer(struct sink *sink)
{
    ck_assert(sink->is_asked);
    sink->is_asked = false;
    loop_release(sink->loop);
    if (sink->code != NULL) {
        journal_appended(sink->journal, failure_new(sink->code, "no room is left"));
        return;
    }
    buffer_append(&sink->log, sink->last.data, sink->last.length);
    journal_appended(sink->journal, NULL);
}

static inline void sink_reply(struct deferred *deferred)
{
    sink_answer(LIST_ENTRY(deferred, struct sink, reply));
}

static inline void sink_append(struct journal_output *output, const char *bytes,
                               size_t length)
{
    struct sink *sink = LIST_ENTRY(output, struct sink, output);

    sink->appends++;
    sink->is_asked = true;
    loop_hold(sink->loop); /* as stores do */
    buffer_clear(&sink->last);
    buffer_append(&sink->last, bytes, length);
    if (!sink->holds)
        loop_defer(sink->loop, &sink->reply);
}

static inline struct failure *sink_check(struct journal_output *output)
{
    const struct sink *sink = LIST_ENTRY(output, struct sink, output);

    return sink->lost != NULL ? failure_new(sink->lost, "another may have it") : NULL;
}

static inline void sink_load(void *context, const cJSON *record)
{
    journal_load(context, record);
}

static inline bool sink_is_asked(void *context)
{
    return ((const struct sink *)context)->is_asked;
}

/* Turns the loop until an append is held. */
static inline void sink_wait(struct sink *sink)
{
    ck_assert(loop_run(sink->loop, sink_is_asked, sink, false));
}

/* Reads `text` into the sink's journal. NULL, or the failure, owned by the caller. */
static inline struct failure *sink_read(struct sink *sink, const char *text,
                                        size_t length)
{
    struct journal_reader reader = {.take = sink_load, .context = sink->journal};
    struct failure *failure = journal_read(&reader, text, length);

    journal_reader_deinit(&reader);
    return failure;
}

/* Begins an attempt of the run with what is safe of those before. */
static inline void sink_begin(struct sink *sink, struct loop *loop, const char *run)
{
    sink->output =
        (struct journal_output){.append = sink_append, .check_lease = sink_check};
    sink->loop = loop;
    sink->reply.run = sink_reply;
    sink->journal = journal_new(loop, run, &sink->output);
    ck_assert_ptr_null(sink_read(sink, sink->log.data, sink->log.length));
}

/* The process is gone; what was not safe is gone with it. */
static inline void sink_kill(struct sink *sink)
{
    deferred_cancel(&sink->reply);
    if (sink->is_asked)
        loop_release(sink->loop);
    sink->is_asked = false;
    journal_free(sink->journal);
    sink->journal = NULL;
}

static inline void sink_deinit(struct sink *sink)
{
    sink_kill(sink);
    buffer_deinit(&sink->log);
    buffer_deinit(&sink->last);
}

/* The lines that are safe, as text. Borrowed. */
static inline const char *sink_text(const struct sink *sink)
{
    return sink->log.data != NULL ? sink->log.data : "";
}

#endif
