/* engine/run/event.c - the words of event.h's tables. */
#include "run/event.h"

#include <stddef.h>

const char *const outcome_names[] = {[OUTCOME_CREATED] = "created",
                                     [OUTCOME_CHANGED] = "changed",
                                     [OUTCOME_UNCHANGED] = "unchanged",
                                     [OUTCOME_DELETED] = "deleted",
                                     [OUTCOME_ABSENT] = "absent",
                                     [OUTCOME_FAILED] = "failed",
                                     [OUTCOME_CANCELED] = "canceled",
                                     [OUTCOME_NOT_BEGUN] = "not begun",
                                     [OUTCOME_COUNT] = NULL};

const char *const run_status_names[] = {[RUN_SUCCEEDED] = "succeeded",
                                        [RUN_FAILED] = "failed",
                                        [RUN_INTERRUPTED] = "interrupted",
                                        NULL};
