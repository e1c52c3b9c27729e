/* engine/run/config.c - the configuration: where it is, and what its profiles fill in. */
#include "run/config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/home.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/config_parts.h"
#include "run/source.h"
#include "schedule/zone.h"

enum { LARGEST_FILE = 1 << 20 };

static const char local_name[] = "moongate.lua", no_file[] = "/dev/null";
static const char default_name[] = "default";

void *config_keep_block(struct config *config, void *block)
{
    if (config->kept_count == config->kept_room) {
        config->kept_room = 2 * config->kept_room + 16;
        config->kept =
            memory_resize(config->kept, config->kept_room * sizeof *config->kept);
    }
    return config->kept[config->kept_count++] = block;
}

const char *config_keep(struct config *config, char *text)
{
    return config_keep_block(config, text);
}

static void close_zone(void *zone)
{
    zone_close(zone);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->profile_count; i++)
        free(config->profiles[i].name);
    map_deinit(&config->job_places, NULL);
    map_deinit(&config->zones, close_zone);
    map_deinit(&config->scripts, NULL);
    free(config->jobs);
    for (size_t i = 0; i < config->kept_count; i++)
        free(config->kept[i]);
    free(config->profiles);
    free(config->kept);
    free(config->folder);
    free(config->path);
    free(config);
}

const char *config_path(const struct config *config)
{
    return config->path;
}

const char *config_profile_name(const struct config *config, size_t index)
{
    return index < config->profile_count ? config->profiles[index].name : NULL;
}

const struct settings *config_profile_settings(const struct config *config, size_t index)
{
    return &config->profiles[index].settings;
}

void config_set_base(struct config *config, const struct settings *said,
                     const struct settings *base)
{
    config->said = *said;
    config->base = *base;
}

/* --- jobs ---------------------------------------------------------------------------- */

static struct job *find_job(const struct config *config, const char *name)
{
    const uintptr_t place = (uintptr_t)map_find(&config->job_places, name);

    return place != 0 ? &config->jobs[place - 1] : NULL;
}

struct job *config_add_job(struct config *config, const char *name)
{
    struct job *job;

    if (find_job(config, name) != NULL)
        return NULL;
    if (config->job_count == config->job_room) {
        config->job_room = 2 * config->job_room + 16;
        config->jobs =
            memory_resize(config->jobs, config->job_room * sizeof *config->jobs);
    }
    job = &config->jobs[config->job_count++];
    *job = (struct job){.name = config_keep(config, memory_copy_string(name))};
    map_set(&config->job_places, name, (void *)(uintptr_t)config->job_count);
    return job;
}

const struct job *config_job(const struct config *config, size_t index)
{
    return index < config->job_count ? &config->jobs[index] : NULL;
}

size_t config_job_count(const struct config *config)
{
    return config->job_count;
}

const struct job *config_find_job(const struct config *config, const char *name)
{
    return find_job(config, name);
}

/* --- whose file it is --------------------------------------------------------------- */

/* A group of the user's own, as many systems give one to each: nobody else is in it. */
static bool is_private_group(gid_t group)
{
    const struct passwd *user = getpwuid(geteuid());
    char *name = user != NULL ? memory_copy_string(user->pw_name) : NULL;
    const struct group *members = getgrgid(group);
    const bool is_private = name != NULL && members != NULL &&
                            strcmp(members->gr_name, name) == 0 &&
                            members->gr_mem[0] == NULL;

    free(name);
    return is_private;
}

/* Who can write it says where requests, and what one signs in with, go. NULL when nobody else can;
 * a constant. */
static const char *find_stranger(const struct stat *file)
{
    if (file->st_uid != geteuid() && file->st_uid != 0)
        return "another user owns it";
    if ((file->st_mode & S_IWOTH) != 0)
        return "everybody can write it";
    if ((file->st_mode & S_IWGRP) != 0 && !is_private_group(file->st_gid))
        return "its group can write it";
    return NULL;
}

/* One that was named is taken all the same. */
static struct failure *check_owner(const char *path, const struct stat *file,
                                   bool was_named)
{
    const char *stranger = find_stranger(file);

    if (stranger == NULL)
        return NULL;
    if (was_named) {
        log_line(LOG_WARNING, "%s: %s", path, stranger);
        return NULL;
    }
    return failure_set_cure(
        failure_new(
            "BadSetting",
            "%s is not taken: %s, and so could lead requests and sign-ins elsewhere",
            path, stranger),
        "make it yours alone (chown, chmod go-w), or name it by --config or "
        "MOONGATE_CONFIG");
}

/* --- reading ------------------------------------------------------------------------ */

/* Owned by the caller. */
static char *folder_of(const char *path)
{
    char here[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t length = slash != NULL ? (size_t)(slash - path) : 0;

    if (path[0] == '/' || getcwd(here, sizeof here) == NULL)
        return memory_copy_text(path, length);
    return memory_format("%s%s%.*s", here, slash != NULL ? "/" : "", (int)length, path);
}

/* The number of the first line that is no UTF-8 text; 0 when all are. */
static unsigned find_bad_line(const char *text, size_t length)
{
    unsigned line = 1;

    for (size_t at = 0; at < length; line++) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t size = end != NULL ? (size_t)(end - text) - at : length - at;

        if (memchr(text + at, '\0', size) != NULL || !text_is_utf8(text + at, size))
            return line;
        at += size + 1;
    }
    return 0;
}

static char *evaluate(struct config *config, struct config_mistakes *mistakes)
{
    /* of byte order, as some editors write it */
    static const char mark[] = "\xef\xbb\xbf";
    unsigned bad_line;

    if (mistakes->length > 0 && mistakes->source[0] == LUA_SIGNATURE[0])
        return memory_copy_string(" it is compiled Lua, and text is wanted");
    bad_line = find_bad_line(mistakes->source, mistakes->length);
    if (bad_line != 0)
        return memory_format("%u: the line is no UTF-8 text", bad_line);
    if (mistakes->length >= 3 && memcmp(mistakes->source, mark, 3) == 0) {
        mistakes->source += 3;
        mistakes->length -= 3;
    }
    return config_evaluate(config, mistakes);
}

/* Who reads a file, and what is to become of mistakes. */
struct reader {
    bool was_named, passes_jobs;
    /* NULL: the first mistake is the failure */
    void (*tell)(void *context, const char *mistake);
    void *context;
};

/* Takes the text. */
static void tell_one(const struct reader *reader, char *text)
{
    reader->tell(reader->context, text);
    free(text);
}

static void tell_all(const struct reader *reader, const char *path,
                     const struct config_mistakes *mistakes, const char *stopped)
{
    for (size_t i = 0; i < mistakes->count; i++)
        tell_one(reader, memory_format("%s:%d: %s", path, mistakes->list[i].line,
                                       mistakes->list[i].text));
    if (mistakes->omitted > 0)
        tell_one(reader, memory_format("%s: and %zu more", path, mistakes->omitted));
    if (stopped != NULL)
        tell_one(reader, memory_format("%s:%s", path, stopped));
}

/* Whether the file is good; `stopped` is what has ended it, or NULL. */
static bool settle(const struct reader *reader, const char *path,
                   struct config_mistakes *mistakes, const char *stopped,
                   struct failure **failure)
{
    config_sort_mistakes(mistakes);
    if (reader->tell != NULL)
        tell_all(reader, path, mistakes, stopped);
    else if (mistakes->count > 0)
        *failure = failure_new("BadSetting", "%s:%d: %s", path, mistakes->list[0].line,
                               mistakes->list[0].text);
    else if (stopped != NULL)
        *failure = failure_new("BadSetting", "%s:%s", path, stopped);
    return mistakes->count == 0 && stopped == NULL;
}

static struct config *read_stream(FILE *file, const char *path,
                                  const struct reader *reader, struct failure **failure)
{
    struct config_mistakes mistakes = {.are_all = reader->tell != NULL};
    char *text = source_read_stream(file, path, LARGEST_FILE, &mistakes.length, failure);
    struct config *config;

    if (text == NULL)
        return NULL;
    mistakes.source = text;
    config = memory_new(sizeof *config);
    config->passes_jobs = reader->passes_jobs;
    config->path = memory_copy_string(path);
    config->folder = folder_of(path);

    char *stopped = evaluate(config, &mistakes);

    if (!settle(reader, path, &mistakes, stopped, failure)) {
        config_free(config);
        config = NULL;
    }
    free(stopped);
    config_deinit_mistakes(&mistakes);
    free(text);
    return config;
}

static struct failure *check_file(int fd, const char *path, bool was_named)
{
    struct stat file;

    if (fstat(fd, &file) != 0)
        return failure_new("BadSetting", "the configuration %s: %s", path,
                           strerror(errno));
    if (!S_ISREG(file.st_mode))
        return failure_new("BadSetting", "the configuration %s is %s", path,
                           S_ISDIR(file.st_mode) ? "a folder" : "no regular file");
    return check_owner(path, &file, was_named);
}

/* What is looked at is what is read, whoever renames files meanwhile. Where there is none, which is
 * false, that is one call. */
static bool try_file(const char *path, const struct reader *reader,
                     struct config **config, struct failure **failure)
{
    /* a pipe may have no end */
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *file;

    if (fd < 0) {
        if (!reader->was_named && (errno == ENOENT || errno == ENOTDIR))
            return false;
        *failure =
            failure_new("BadSetting", "the configuration %s: %s", path, strerror(errno));
        return true;
    }
    *failure = check_file(fd, path, reader->was_named);
    file = *failure == NULL ? fdopen(fd, "rb") : NULL;
    if (file == NULL) {
        if (*failure == NULL)
            *failure = failure_new("BadSetting", "the configuration %s: %s", path,
                                   strerror(errno));
        close(fd);
        return true;
    }
    *config = read_stream(file, path, reader, failure);
    fclose(file);
    return true;
}

/* The file that was named; NULL when none was. */
static const char *named_file(const char *file)
{
    const char *variable = getenv("MOONGATE_CONFIG");

    return file != NULL || variable == NULL || variable[0] == '\0' ? file : variable;
}

static struct config *find_file(const char *file, struct reader reader,
                                struct failure **failure)
{
    struct config *config = NULL;
    char *home_file;

    file = named_file(file);
    reader.was_named = file != NULL;
    if (file != NULL) {
        if (strcmp(file, no_file) != 0)
            try_file(file, &reader, &config, failure);
        return config;
    }
    if (try_file(local_name, &reader, &config, failure))
        return config;
    home_file = home_config_path("config.lua");
    if (home_file != NULL)
        try_file(home_file, &reader, &config, failure);
    free(home_file);
    return config;
}

struct config *config_read(const char *file, struct failure **failure)
{
    return find_file(file, (struct reader){0}, failure);
}

struct config *config_read_profiles(const char *file, struct failure **failure)
{
    return find_file(file, (struct reader){.passes_jobs = true}, failure);
}

struct config *config_check(const char *file, struct failure **failure,
                            void (*tell)(void *context, const char *mistake),
                            void *context)
{
    return find_file(file, (struct reader){.tell = tell, .context = context}, failure);
}

/* "no moongate.lua here, and no /home/a/.config/moongate/config.lua"; owned by the caller. */
static char *describe_places(void)
{
    char *home_file = home_config_path("config.lua");
    char *places =
        memory_format("no %s here%s%s", local_name, home_file != NULL ? ", and no " : "",
                      home_file != NULL ? home_file : "");

    free(home_file);
    return places;
}

struct failure *config_complain_absence(const char *file)
{
    char *places = named_file(file) != NULL
                       ? memory_format("%s is none", named_file(file))
                       : describe_places();
    struct failure *failure =
        failure_new("BadSetting", "there is no configuration: %s", places);

    free(places);
    return failure;
}

/* --- profiles ----------------------------------------------------------------------- */

static struct failure *complain_no_file(const char *name)
{
    char *places = describe_places();
    struct failure *failure = failure_new(
        "BadSetting", "profile '%s': there is no configuration: %s", name, places);

    free(places);
    return failure;
}

static struct failure *complain_unknown(const struct config *config, const char *name)
{
    const char **names = memory_new((config->profile_count + 1) * sizeof *names);
    struct buffer text = {0};
    const char *near;

    for (size_t i = 0; i < config->profile_count; i++)
        names[i] = config->profiles[i].name;
    near = text_nearest(name, names, config->profile_count);
    buffer_printf(&text, "profile '%s' is not in %s, which has ", name, config->path);
    for (size_t i = 0; i < config->profile_count; i++)
        buffer_printf(&text, "%s%s", i > 0 ? ", " : "", names[i]);
    if (config->profile_count == 0)
        buffer_append_string(&text, "none");
    if (near != NULL)
        buffer_printf(&text, "; did you mean '%s'?", near);

    struct failure *failure = failure_new("BadSetting", "%s", text.data);

    buffer_deinit(&text);
    free(names);
    return failure;
}

/* `*profile` stays NULL when there is none to be used, which is no failure. */
static struct failure *find_profile(const struct config *config, const char *name,
                                    const struct profile **profile)
{
    const char *wanted = name != NULL ? name : default_name;

    if (config == NULL)
        return name != NULL ? complain_no_file(name) : NULL;
    for (size_t i = 0; i < config->profile_count; i++) {
        if (strcmp(config->profiles[i].name, wanted) == 0)
            *profile = &config->profiles[i];
    }
    return *profile == NULL && name != NULL ? complain_unknown(config, name) : NULL;
}

/* Whether a field counts for such settings. */
static bool counts(const struct config_row *row, const struct settings *settings)
{
    if (row->type == CONFIG_STORE) /* as MOONGATE_STORE */
        return !settings->sim || settings->sim_file != NULL;
    return !settings->sim || (row->use & CONFIG_OF_TARGET) == 0;
}

/* What the settings say instead of a text of the profile: another one, or in place of a cloud an
 * endpoint, and the other way round. Or NULL. */
static const char *find_rival(const struct config_row *row,
                              const struct settings *settings)
{
    struct settings copy = *settings;
    const char *own = *config_row_text(row, &copy);

    if (own != NULL || (row->use & CONFIG_OF_DIRECTION) == 0)
        return own;
    return copy.endpoint != NULL ? copy.endpoint : copy.cloud;
}

/* Says so where a text of the profile does not count because of the environment. */
static void warn(const struct config *config, const struct profile *profile,
                 const struct config_row *row, const struct settings *settings)
{
    struct settings own = profile->settings;
    const char *text = *config_row_text(row, &own);
    const char *rival = find_rival(row, settings);

    if (text != NULL && rival != NULL && strcmp(text, rival) != 0 &&
        find_rival(row, &config->said) == NULL)
        log_line(LOG_WARNING,
                 "profile '%s': its %s '%s' does not count, as the environment says '%s'",
                 profile->name, row->field.name, text, rival);
}

static void fill(const struct config *config, const struct profile *profile, unsigned use,
                 struct settings *settings)
{
    const bool has_direction = settings->endpoint != NULL || settings->cloud != NULL;

    for (const struct config_row *row = config_rows; row->field.name != NULL; row++) {
        if (!counts(row, settings) || (use != 0 && (row->use & use) == 0))
            continue;
        if (use == 0 && config_row_is_text(row))
            warn(config, profile, row, settings);
        if (!has_direction || (row->use & CONFIG_OF_DIRECTION) == 0)
            config_row_fill(row, &profile->settings, settings);
    }
    settings->profile = profile->name;
}

void config_leave_profile(struct settings *settings)
{
    if (settings->config == NULL)
        return;
    for (const struct config_row *row = config_rows; row->field.name != NULL; row++) {
        if (row->type != CONFIG_STORE)
            config_row_copy(row, &settings->config->base, settings);
    }
    if (!settings->profile_was_asked)
        settings->profile = NULL;
}

static struct failure *use_profile(const struct config *config, const char *name,
                                   unsigned use, struct settings *settings)
{
    const struct profile *profile = NULL;
    struct failure *failure = find_profile(config, name, &profile);

    if (profile != NULL)
        fill(config, profile, use, settings);
    return failure;
}

struct failure *config_use_profile(const struct config *config, const char *name,
                                   struct settings *settings)
{
    return use_profile(config, name, 0, settings);
}

struct failure *config_use_sign_in(const struct config *config, const char *name,
                                   struct settings *settings)
{
    return use_profile(config, name, CONFIG_OF_SIGN_IN, settings);
}

/* What the command line says of the target was meant for the profile that was. */
static void forget_said_target(const struct config *config, struct settings *settings)
{
    struct settings said = config->said;

    for (const struct config_row *row = config_rows; row->field.name != NULL; row++) {
        if ((row->use & CONFIG_OF_TARGET) != 0 && counts(row, settings) &&
            *config_row_text(row, &said) != NULL)
            *config_row_text(row, settings) = NULL;
    }
}

struct failure *config_change_profile(const struct config *config, const char *name,
                                      struct settings *settings)
{
    struct settings changed;
    struct failure *failure;

    if (config == NULL)
        return complain_no_file(name);
    changed = config->base;
    changed.may_switch = settings->may_switch;
    changed.config = settings->config;
    forget_said_target(config, &changed);
    failure = config_use_profile(config, name, &changed);
    if (failure == NULL)
        *settings = changed;
    return failure;
}
