/* tests/configured.h - a folder and a home of the test's own, and a configuration in them. */
#ifndef MOONGATE_TESTS_CONFIGURED_H
#define MOONGATE_TESTS_CONFIGURED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/settings.h"

static char folder[] = "/tmp/check_config.XXXXXX";
static struct config *config;
static struct failure *failure;
static struct buffer logged;

static inline void take_log(void *context, enum log_level level, const char *text)
{
    (void)context;
    buffer_printf(&logged, "%s: %s\n", log_level_names[level], text);
}

static inline void set_up(void)
{
    static const char *const variables[] = {
        "MOONGATE_CONFIG",   "MOONGATE_PROFILE",    "MOONGATE_STORE",
        "MOONGATE_ENDPOINT", "MOONGATE_SERVICE",    "AZURE_SUBSCRIPTION_ID",
        "AZURE_TENANT_ID",   "ARM_SUBSCRIPTION_ID", "XDG_CONFIG_HOME"};
    char home[sizeof folder + 8];

    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    snprintf(home, sizeof home, "%s/home", folder);
    ck_assert_int_eq(mkdir("home", 0700), 0);
    setenv("HOME", home, 1);
    setenv("XDG_STATE_HOME", home, 1);
    umask(022);
    log_set_sink(take_log, NULL);
}

static inline void tear_down(void)
{
    char *command = memory_format("rm -rf %s", folder);

    log_set_sink(NULL, NULL);
    config_free(config);
    config = NULL;
    failure_free(failure);
    failure = NULL;
    buffer_deinit(&logged);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

static inline void write_bytes(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(name, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Reads a configuration that must be right. */
static inline void read_good(const char *file)
{
    config = config_read(file, &failure);
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
    ck_assert_ptr_nonnull(config);
}

static inline void use(const char *name, struct settings *settings)
{
    const struct settings said = *settings;

    settings_read_environment(settings);
    config_set_base(config, &said, settings);
    failure = config_use_profile(config, name, settings);
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
}

#endif
