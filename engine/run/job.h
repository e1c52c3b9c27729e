/* engine/run/job.h - a job of the configuration: a script, and when it is to run.
 *
 *     job "nightly-scale" {
 *       schedule = "0 20 * * 1-5", timezone = "Europe/Berlin",
 *       script = "scale.lua", args = {"--units", "1"},
 *     }
 */
#ifndef MOONGATE_RUN_JOB_H
#define MOONGATE_RUN_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/guard.h"
#include "schedule/schedule.h"

enum {
    JOB_LONGEST_NAME = 40, /* with its slot it is the id of a run */
    JOB_MOST = 100000,
    JOB_MOST_ARGUMENTS = 256,
    JOB_MOST_NOTICES = 16
};

/* What becomes of a slot that is due while a run of the same job goes on. */
enum job_overlap {
    JOB_SKIP,       /* "skip": it is left out */
    JOB_BUFFER_ONE, /* "buffer-one": one waits for the end, further ones are left out */
    JOB_BUFFER_ALL, /* "buffer-all": all wait, and run one after the other */
    JOB_CANCEL,     /* "cancel": the other run is ended first */
    JOB_ALLOW       /* "allow": both run */
};

/* Which of the slots that nobody could begin in time are run later, inside the window. */
enum job_missed { JOB_ALL, JOB_LAST, JOB_NONE };

/* What is told to somebody. */
enum job_event {
    JOB_FAILURE = 1,  /* a slot's run has failed, with all its retries */
    JOB_RECOVERY = 2, /* one succeeded after one that failed */
    JOB_LATENESS = 4  /* one began later than `late_after`, or never */
};

enum notice_way {
    NOTICE_WEBHOOK,
    NOTICE_TEAMS,
    NOTICE_SLACK,
    NOTICE_MAIL,
    NOTICE_COMMAND
};

/* Who is told. Strings are the configuration's, NULL where nothing was said. Secrets are named by
 * the variables of the environment that hold them. */
struct notice {
    enum notice_way way;
    unsigned events;           /* of enum job_event; all when nothing was said */
    const char *url, *url_env; /* webhook, Teams, Slack: one of them */
    const char *secret_env;    /* webhook: the key of its signature */
    const char *server;        /* mail: smtp://host:25, smtps://host:465 */
    const char *user, *password_env;
    const char *from;
    const char *const *to; /* mail: the receivers; ended by NULL */
    const char *const
        *command; /* the words of a program, the first its path; ended by NULL */
};

/* Strings are the configuration's. */
struct job {
    const char *name; /* as a profile's: letters, digits and -._ */
    int line;         /* where it is declared */
    const char *description;
    const char *schedule_text; /* "0 20 * * 1-5", or "every 15m" */
    const char *timezone;      /* "UTC" when nothing was said */
    struct schedule schedule;
    const char *script;           /* an absolute path, or a ready script's name */
    const char *const *arguments; /* ended by NULL */
    const char *profile; /* or NULL: the one of the command line, or the default */
    bool is_disabled;    /* `enabled = false`: never by itself */

    enum job_overlap overlap;
    int64_t
        catch_up_ms; /* how late a slot may begin; 0: "none", but for what a busy host takes */
    enum job_missed missed;
    int64_t jitter_ms; /* a slot begins up to so much later, always by the same time */
    int64_t late_after_ms;  /* a slot that begins later than that is told as late */
    int64_t timeout_ms;     /* of one attempt; 0: none */
    unsigned retries;       /* how often a run that failed is carried on */
    int64_t retry_after_ms; /* how long before that */
    unsigned pause_after;   /* so many failures in a row pause it; 0: never */

    bool read_only;
    struct guard_limit max_writes, max_deletes;
    uint64_t max_memory_bytes; /* of the process; 0: none */
    int64_t max_cpu_ms;        /* of the process; 0: none */

    size_t keep;     /* how many ended slots are kept, with their runs */
    int64_t keep_ms; /* and for how long; 0: whatever their age */

    const struct notice *notices;
    size_t notice_count;
};

/* What it is when nothing is said. */
enum {
    JOB_CATCH_UP_MS = 3600000,
    JOB_LATE_AFTER_MS = 60000,
    JOB_RETRY_AFTER_MS = 60000,
    JOB_KEEP = 100
};

/* The words of the configuration, ended by NULL: "skip", ..; "all", ..; "failure", ..;
 * "webhook", .. */
extern const char *const job_overlap_names[],
    *const job_missed_names[], *const job_event_names[], *const notice_way_names[];

#endif
