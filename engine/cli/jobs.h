/* engine/cli/jobs.h - the parts of `moongate jobs`, one a file. */
#ifndef MOONGATE_CLI_JOBS_H
#define MOONGATE_CLI_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct config;
struct help;
struct option;
struct settings;
struct job;
struct zone;

/* `moongate jobs start`: gets the words behind `start`, and returns what the process ends with. */
int jobs_start(int argc, char **argv);
extern const struct help jobs_start_help;

/* The options of the command line that count for the processes of runs, too, as they were said,
 * and where the configuration and the store are, for a process that works in another folder. `own`
 * are tables, ended by NULL, of options that do not count for runs. An array, owned by the
 * caller. */
cJSON *jobs_collect_words(const struct settings *settings,
                          const struct option *const *own, int argc, char **argv);

/* `check`: tells every mistake of the configuration, or that there is none. */
int jobs_check(const char *config_file);

/* A moment on the clocks of a zone: "2027-03-28 03:00:00 +02:00". */
enum { JOBS_TIME_SIZE = 48 };
void jobs_format_time(const struct zone *zone, int64_t utc_ms, char text[JOBS_TIME_SIZE]);

/* The job that is due first after a moment, by itself; NULL when there is none. */
const struct job *jobs_find_first(const struct config *config, int64_t after_ms,
                                  int64_t *slot_ms);

/* What of `next` was asked for. */
struct jobs_next_request {
    const char *const *names; /* the jobs; or all that are enabled, when there are none */
    size_t name_count;
    size_t count;    /* how many slots */
    int64_t from_ms; /* slots after this moment, UTC */
    int64_t now_ms;  /* what "how long until" counts from */
    bool wants_json;
};

/* Prints the coming slots on stdout, the earliest first. The names are those of jobs. */
void jobs_print_next(const struct config *config,
                     const struct jobs_next_request *request);

#endif
