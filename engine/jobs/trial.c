/* engine/jobs/trial.c - a simulator and a store for trying jobs. */
#include "jobs/trial.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/settings.h"
#include "sim/sim.h"

enum { OPEN_FOLDERS = 16 };

struct trial {
    const struct settings *settings;
    struct sim *sim;
    char *folder; /* that was made; or NULL */
};

struct trial *trial_new(struct settings *settings, struct failure **failure)
{
    const char *place = getenv("TMPDIR");
    struct trial *trial = memory_new(sizeof *trial);

    trial->settings = settings;
    if (settings->store != NULL)
        return trial;
    trial->folder = memory_format("%s/moongate-jobs-XXXXXX",
                                  place != NULL && place[0] == '/' ? place : "/tmp");
    if (mkdtemp(trial->folder) != NULL) {
        settings->store = trial->folder;
        return trial;
    }
    *failure = failure_new("IOError", "no folder %s: %s", trial->folder, strerror(errno));
    free(trial->folder);
    free(trial);
    return NULL;
}

static void set_variable(void *context, const char *name, const char *value)
{
    (void)context;
    setenv(name, value, 1);
}

struct failure *trial_serve(struct trial *trial, struct loop *loop)
{
    const struct sim_options options = {.state_file = trial->settings->sim_file,
                                        .world_file = trial->settings->sim_world,
                                        .address = "127.0.0.1:0",
                                        .faults = trial->settings->sim_faults,
                                        .seed = trial->settings->sim_seed};
    struct failure *failure = NULL;

    trial->sim = sim_open(loop, &options, &failure);
    if (trial->sim == NULL)
        return failure;
    sim_serve_others(trial->sim);
    sim_tell_variables(sim_profile(trial->sim), set_variable, NULL);
    return NULL;
}

void trial_stop(struct trial *trial)
{
    if (trial->sim != NULL)
        sim_close(trial->sim);
    trial->sim = NULL;
}

static int remove_one(const char *path, const struct stat *facts, int type,
                      struct FTW *place)
{
    (void)facts, (void)type, (void)place;
    return remove(path);
}

void trial_free(struct trial *trial)
{
    if (trial == NULL)
        return;
    if (trial->folder != NULL &&
        nftw(trial->folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0)
        log_line(LOG_WARNING, "the folder %s is left: %s", trial->folder,
                 strerror(errno));
    free(trial->folder);
    free(trial);
}
