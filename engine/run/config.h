/* engine/run/config.h - the configuration: profiles, each a name for what is said again and again.
 *
 *     profile "staging" {
 *       subscription = "00000000-0000-0000-0000-000000000001",
 *       resource_group = "apim",
 *       service = "contoso-staging",
 *       max_deletes = 10,
 *     }
 *
 * It is Lua, evaluated where nothing is there but the declarations: no libraries, and no end of
 * memory or time to be had. What it says fills in what the command line and the environment leave
 * open. It holds no secrets. */
#ifndef MOONGATE_RUN_CONFIG_H
#define MOONGATE_RUN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct failure;
struct job;
struct settings;

/* What a profile may say, for help. */
struct config_field {
    const char *name;  /* "subscription" */
    const char *value; /* what help calls its value: "ID" */
    const char *help;
};

/* The fields in the order in which they are told. */
enum { CONFIG_MOST_FIELDS = 32 };
size_t config_field_count(void);
struct config_field config_field(size_t index);

/* Reads `file`, or the one that MOONGATE_CONFIG names, or else the first that is there:
 * moongate.lua in the working folder, $XDG_CONFIG_HOME/moongate/config.lua (~/.config where that is
 * not set). /dev/null is none. NULL when there is none; or on failure, with the reason in
 * `*failure` (owned by the caller). A file that others than its owner can write is not taken unless
 * it was named. */
struct config *config_read(const char *file, struct failure **failure);

/* The same for whoever has nothing to do with jobs: they are passed over, and so are their mistakes. A
 * run of a job is begun faster so, where there are thousands. */
struct config *config_read_profiles(const char *file, struct failure **failure);

/* Settings that were filled in from it hold its strings. Accepts NULL. */
void config_free(struct config *config);

/* Its path, as it was found or named. */
const char *config_path(const struct config *config);

/* The names of the profiles, in the order of the file; NULL behind the last. */
const char *config_profile_name(const struct config *config, size_t index);

/* What the profile says, without what its fields leave open. Borrowed. */
const struct settings *config_profile_settings(const struct config *config, size_t index);

/* --- jobs --------------------------------------------------------------------------- */

/* What a job, or one who is told (`notify`), may say, for help; in the order in which it is told,
 * without a name behind the last. */
struct config_field config_job_field(size_t index);
struct config_field config_notice_field(size_t index);

/* The jobs in the order of the file; NULL behind the last, and when there is none of that name. */
const struct job *config_job(const struct config *config, size_t index);
size_t config_job_count(const struct config *config);
const struct job *config_find_job(const struct config *config, const char *name);

/* Whether a job could be called so. */
bool config_is_job_name(const char *name);

/* That there is no configuration, and where it was looked for; `file` as config_read() had it.
 * Owned by the caller. */
struct failure *config_complain_absence(const char *file);

/* As config_read(), for `moongate jobs check`: goes on after a mistake in a job or a profile, looks
 * whether scripts and programs are there, and tells every mistake in the order of their lines, each
 * as "file:12: job 'a': schedule: ...", behind them what has stopped the file (no Lua, no end). With
 * mistakes it returns NULL; `*failure` is set only for what does not stand in the file: it cannot be
 * read, or is not taken. What is hardly meant is warned of in the log. */
struct config *config_check(const char *file, struct failure **failure,
                            void (*tell)(void *context, const char *mistake),
                            void *context);

/* --- what is said without a profile ------------------------------------------------- */

/* Remembers what is said without any profile: by the command line alone, and with the
 * environment. Copied; strings are borrowed for the configuration's life. */
void config_set_base(struct config *config, const struct settings *said,
                     const struct settings *base);

/* Fills in from a profile what `settings` do not say; of a run with the simulator all but its
 * target. Where the environment is against the profile, that is warned of. `config` may be NULL,
 * and so may `name`: then it is the profile "default", if there is one, else nothing happens.
 * Returns NULL, or the failure for a name that is not there (owned by the caller). */
struct failure *config_use_profile(const struct config *config, const char *name,
                                   struct settings *settings);

/* The same, but only how to sign in, and where runs are kept: for a run that is carried on, which
 * has settings of its own; nothing is warned of. */
struct failure *config_use_sign_in(const struct config *config, const char *name,
                                   struct settings *settings);

/* Takes back what a profile has filled in, but for the store, and its name unless it was asked for:
 * before a run's own settings are filled in. `settings` may be without a configuration. */
void config_leave_profile(struct settings *settings);

/* Settings for a session that goes over to a profile: what the profile says, and what is said
 * without any, but for the target that the command line names. The same failure. */
struct failure *config_change_profile(const struct config *config, const char *name,
                                      struct settings *settings);

#endif
