/* engine/run/job.c - the words that a job is declared with. */
#include "run/job.h"

const char *const job_overlap_names[] = {"skip",   "buffer-one", "buffer-all",
                                         "cancel", "allow",      NULL};
const char *const job_missed_names[] = {"all", "last", "none", NULL};
const char *const job_event_names[] = {"failure", "recovery", "lateness", NULL};
const char *const notice_way_names[] = {"webhook", "teams",   "slack",
                                        "mail",    "command", NULL};
