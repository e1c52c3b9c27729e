/* engine/cli/command.h - the subcommands, one a file. Each gets the words behind its name
 * and returns what the process ends with. */
#ifndef MOONGATE_CLI_COMMAND_H
#define MOONGATE_CLI_COMMAND_H

#include "cli/help.h"
#include "cli/options.h"
#include "run/settings.h"

struct failure;
struct session;

int command_doc(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_export(int argc, char **argv);
int command_jobs(int argc, char **argv);
int command_login(int argc, char **argv);
int command_logout(int argc, char **argv);
int command_profiles(int argc, char **argv);
int command_record(int argc, char **argv);
int command_repl(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_run(int argc, char **argv);
int command_runs(int argc, char **argv);
int command_sim(int argc, char **argv);
int command_test(int argc, char **argv);

/* What they say of themselves. */
extern const struct help doc_help, doctor_help, export_help, jobs_help, login_help,
    logout_help, profiles_help, record_help, repl_help, resume_help, run_help, runs_help,
    sim_help, test_help;

/* Fills in what the environment and a profile of the configuration say. False after a message on
 * stderr: EXIT_USAGE. What it opens is closed by command_drop_settings(), when nobody works with
 * the settings any more; also after false. */
bool command_read_settings(const char *command, struct settings *settings);

/* The same for a run that is carried on: of a profile only how to sign in, and where runs are kept;
 * the rest is the run's. */
bool command_read_sign_in(const char *command, struct settings *settings);
void command_drop_settings(struct settings *settings);

/* Runs `code` of the library with the word (or without, when it is NULL) and the options as its
 * arguments: a run of which nothing is kept. Returns its exit code. */
int command_run_library(struct session *session, const char *code, const char *word,
                        char *options);

/* Says on stderr what went wrong; takes the failure. */
void command_complain(const char *command, struct failure *failure);

/* The options that all commands share that touch Azure; their context is a settings. */
extern const struct option common_options[];

/* Which profile of which configuration counts, in the same context. */
extern const struct option profile_options[];
#define PROFILE_TITLE                                                                    \
    "with a profile of the configuration; of --sim only its guards count"

/* What a run may not do, in the same context. */
extern const struct option guard_options[];

/* Where runs are kept, in the same context. */
extern const struct option store_options[];

/* Those of a simulator inside the process. */
extern const struct option sim_options_table[];

/* What is wrong with options of it beside others; NULL when nothing is. */
const char *sim_options_check(const struct settings *settings);

/* What is wrong with a text that must not be empty, a list of faults; NULL when nothing is. */
char *option_take_text(const char **to, const char *text);
char *option_take_faults(const char **to, const char *text);

/* A host that scripts may ask; the context is a settings. */
char *option_take_allowed_host(void *context, const char *text);

/* A duration of 1 ms or more; a whole number up to `most`; the level of the log, without a
 * context. */
char *option_take_duration(int64_t *to_ms, const char *text);
char *option_take_number(uint64_t *to, const char *text, uint64_t most);
char *option_take_log_level(void *context, const char *text);

/* A moment in milliseconds since 1970: "2027-03-27T19:00Z", "2027-03-27T20:00:00+01:00",
 * "2027-03-27" (its beginning, UTC), or as slots are named, "20270327-190000" (UTC). */
char *option_take_time(int64_t *to_ms, const char *text);

/* What to tell about faults, below the options. */
extern const char faults_help[];

#endif
