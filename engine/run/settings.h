/* engine/run/settings.h - what the command line and the environment say about a run. */
#ifndef MOONGATE_RUN_SETTINGS_H
#define MOONGATE_RUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/settings.h"
#include "base/clock.h"
#include "pipeline/guard.h"

enum { MOST_HOSTS = 16 };

enum output_format { OUTPUT_TEXT, OUTPUT_JSON };

struct config;

/* Strings are borrowed and NULL where nothing was said. */
struct settings {
    const char *config_file; /* --config; NULL: where it is looked for */
    struct config *config;   /* what was found there, borrowed, or NULL */
    const char *profile;     /* the profile that counts, or that was asked for */
    bool profile_was_asked;
    bool wants_jobs; /* of the configuration; else they are passed over */
    const char *profile_description;
    bool is_production; /* the profile says that a mistake would hurt */
    /* Lua code may change profile and guards: at the prompt, and in tests, each of which has a
     * simulator of its own. */
    bool may_switch;

    const char *endpoint; /* one base URL for ARM, login and Graph */
    const char *cloud;
    const char *authority_host; /* of every cloud */
    const char *arm_endpoint, *graph_endpoint, *arm_audience,
        *graph_audience;                    /* of the cloud "custom" */
    struct credential_settings credentials; /* without the cloud's part */
    const char *subscription, *resource_group, *service;
    const char *ca_file;
    const char *allowed_hosts[MOST_HOSTS]; /* --allow-net: host, host:port or an origin */
    size_t allowed_host_count;
    bool may_register_providers;
    int64_t connect_timeout_ms, request_timeout_ms; /* 0: the default */
    size_t max_response_bytes;                      /* 0: the default */
    unsigned concurrency;                           /* 0: the default */

    struct guard_settings guard;

    const char *store; /* where runs are kept: a folder, or azblob://...; "none" */
    int64_t
        lease_ms; /* how long a run stays with a process that is not heard of; 0: 60 s */
    bool manages_runs; /* that of `moongate runs` or `jobs`: it may touch all runs */
    bool repeats_lost; /* send POSTs again whose answer an earlier attempt lost */

    bool sim; /* start the simulated control plane */
    const char *sim_file, *sim_world, *sim_faults;
    uint64_t sim_seed;
    enum clock_mode clock_mode; /* of the simulator and so of the run */
    double clock_factor;

    enum output_format output;
    bool quiet;
    bool stress_gc; /* collect garbage after each resume: for tests */
};

/* Fills in from AZURE_* and MOONGATE_* what is still NULL; with the simulator only the store. */
void settings_read_environment(struct settings *settings);

/* Whether scripts may send requests there although it is none of the run's endpoints. */
bool settings_allow_url(const struct settings *settings, const char *url);

#endif
