/* engine/cli/command.c - what all commands say alike. */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/failure.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/run.h"

void command_complain(const char *command, struct failure *failure)
{
    char *text = failure_describe(failure);

    fprintf(stderr, "moongate %s: %s\n", command, text);
    free(text);
    failure_free(failure);
}

typedef struct failure *use_profile(const struct config *config, const char *name,
                                    struct settings *settings);

static bool read_settings(const char *command, struct settings *settings,
                          use_profile *use)
{
    const struct settings said = *settings;
    const char *variable = getenv("MOONGATE_PROFILE"), *wanted = settings->profile;
    struct failure *failure = NULL;

    settings_read_environment(settings);
    settings->profile = NULL;
    if (wanted == NULL && variable != NULL && variable[0] != '\0')
        wanted = variable;
    settings->profile_was_asked = wanted != NULL;
    settings->config = settings->wants_jobs
                           ? config_read(settings->config_file, &failure)
                           : config_read_profiles(settings->config_file, &failure);
    if (settings->config != NULL)
        config_set_base(settings->config, &said, settings);
    if (failure == NULL)
        failure = use(settings->config, wanted, settings);
    if (failure != NULL)
        command_complain(command, failure);
    return failure == NULL;
}

bool command_read_settings(const char *command, struct settings *settings)
{
    return read_settings(command, settings, config_use_profile);
}

bool command_read_sign_in(const char *command, struct settings *settings)
{
    return read_settings(command, settings, config_use_sign_in);
}

void command_drop_settings(struct settings *settings)
{
    config_free(settings->config);
    settings->config = NULL;
}

int command_run_library(struct session *session, const char *code, const char *word,
                        char *options)
{
    char *copy = word != NULL ? memory_copy_string(word) : NULL;
    char *arguments[] = {copy, options};
    const int skipped = copy == NULL ? 1 : 0;
    const struct run_request request = {.code = code,
                                        .arguments = arguments + skipped,
                                        .argument_count = 2 - skipped,
                                        .keep = RUN_NOT_KEPT};
    const int exit_code = run_script(session, &request);

    free(copy);
    return exit_code;
}
