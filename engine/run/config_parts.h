/* engine/run/config_parts.h - what the files of the configuration share, and nobody else sees. */
#ifndef MOONGATE_RUN_CONFIG_PARTS_H
#define MOONGATE_RUN_CONFIG_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/map.h"
#include "run/config.h"
#include "run/job.h"
#include "run/settings.h"

enum { MOST_PROFILES = 1000 };

struct profile {
    char *name;
    int line;                 /* where it is declared */
    struct settings settings; /* what it says */
};

struct config {
    bool passes_jobs; /* it is read as if it had none */
    char *path;
    char *folder; /* of the file, absolute: what paths in it begin at */
    struct profile *profiles;
    size_t profile_count;
    struct job *jobs;
    size_t job_count, job_room;
    struct map job_places; /* name -> index + 1, as a pointer */
    struct map zones;      /* as jobs say it -> zone, closed at the end */
    struct map scripts;    /* as jobs say it -> what it is for them, kept */
    void **kept;           /* strings of settings and jobs, and lists of them */
    size_t kept_count, kept_room;
    struct settings said, base; /* see config_set_base() */
};

/* Takes memory for the life of the configuration. Returns it. */
void *config_keep_block(struct config *config, void *block);
const char *config_keep(struct config *config, char *text);

/* A new job of that name, zeroed; valid until the next one. NULL when there is one already. */
struct job *config_add_job(struct config *config, const char *name);

/* --- mistakes ----------------------------------------------------------------------- */

struct config_mistake {
    int line;
    size_t place; /* how many jobs were declared by then: the order of one line */
    char *text;   /* "job 'a': schedule: ..." */
};

/* What is wrong with a file. Of one that is read the first mistake is its end, of one that is
 * checked all are told. */
struct config_mistakes {
    bool are_all;       /* the file is checked: go on, and look at the disk, too */
    const char *source; /* the text of the file, borrowed */
    size_t length;
    size_t *starts; /* of its lines, once somebody has asked for one */
    size_t line_count;
    struct config_mistake *list;
    size_t count, room;
    size_t omitted;             /* how many more there were; they are not in the list */
    struct map unset_variables; /* that were warned of, each once */
};

/* Adds one; takes the text. */
void config_add_mistake(struct config_mistakes *mistakes, int line, size_t place,
                        char *text);

/* The first line from `line` on, before that of another declaration, on which `name` stands before
 * a `=`; `line` itself when there is none. */
int config_find_line(struct config_mistakes *mistakes, int line, const char *name);

/* In the order of their lines. */
void config_sort_mistakes(struct config_mistakes *mistakes);
void config_deinit_mistakes(struct config_mistakes *mistakes);

/* Evaluates the text of the file, which `mistakes` has as its source: fills in profiles and jobs,
 * and adds mistakes. NULL, or what has stopped it, with the line: "12: profile 'a': ...", owned by
 * the caller. */
char *config_evaluate(struct config *config, struct config_mistakes *mistakes);

/* --- values ------------------------------------------------------------------------- */

/* Each of these returns NULL, or what is wrong, owned by the caller; values are on top of the
 * stack. */

/* A text is shown, becomes part of URLs and of paths: 1 to 4096 bytes of UTF-8 without control
 * characters. */
char *config_check_text(const char *text, size_t length);
char *config_complain_type(const char *expected, lua_State *L);
char *config_take_flag(lua_State *L, bool *to);
char *config_take_whole(lua_State *L, uint64_t least, uint64_t most, uint64_t *to);
/* A text such as "1h30m", or a number of seconds, from `least_ms` to `most_ms`. */
char *config_take_duration(lua_State *L, int64_t least_ms, int64_t most_ms, int64_t *to);
char *config_take_path(const char *text, struct config *config, const char **to);

/* The text, borrowed from the state; NULL when it is none, then `*wrong` is set. */
const char *config_look_at_text(lua_State *L, char **wrong);

/* Whether it is a table that has 1 to `*count` as its keys, and no others. */
bool config_is_list(lua_State *L, lua_Integer *count);

/* Whether the name is one of a secret, which a configuration does not hold. */
bool config_is_secret(const char *key);

/* "; did you mean 'x'?", or nothing. Owned by the caller. */
char *config_suggest(const char *word, const char *const *names, size_t count);

/* --- jobs --------------------------------------------------------------------------- */

/* A job while it is read from the table on top. */
struct job_reading {
    lua_State *L;
    struct config *config;
    struct config_mistakes *mistakes;
    struct job *job;
    bool has_cron, has_every, has_timezone, has_script; /* was said, right or wrong */
};

/* Takes a job from the table on top; adds what is wrong with it to the mistakes. */
void config_take_job(lua_State *L, struct config *config,
                     struct config_mistakes *mistakes, const char *name, int line);

/* What can only be said when the whole file is read. */
void config_finish_jobs(struct config *config, struct config_mistakes *mistakes);

/* Adds a mistake in a field, such as "schedule", "notify.on" or "notify[2].on"; "" is the job as a
 * whole. Takes the text. */
void config_job_mistake(struct job_reading *reading, const char *field, char *wrong);

/* A log line about what is right, but hardly meant; only when the file is checked. Takes the text. */
void config_job_warning(struct job_reading *reading, const char *field, char *warning);

/* Tells the keys of the table on top that `names` lack; `field` is where the table is, or "". */
void config_check_job_keys(struct job_reading *reading, const char *field,
                           const char *const *names, size_t count);

/* Takes all fields that the table says, and checks that there are no others. */
void config_take_job_fields(struct job_reading *reading);

/* The value of `notify`, on top. */
void config_take_notices(struct job_reading *reading);

/* --- fields ------------------------------------------------------------------------- */

enum config_type {
    CONFIG_TEXT,
    CONFIG_PATH,
    CONFIG_STORE,
    CONFIG_SCOPES, /* a text, or a list of them */
    CONFIG_FLAG,
    CONFIG_LIMIT,
    CONFIG_NUMBER
};

/* When a field counts. */
enum {
    CONFIG_OF_TARGET = 1,  /* not with the simulator */
    CONFIG_OF_SIGN_IN = 2, /* for whoever carries a run on, too, and signs in by itself */
    CONFIG_OF_DIRECTION = 4, /* which Azure; not when something else names one already */
};

struct config_row {
    struct config_field field;
    enum config_type type;
    unsigned use;
    size_t offset; /* in struct settings */
    /* What is wrong with a text, owned by the caller, or NULL. Or NULL: it may be any text. */
    char *(*check)(const char *text);
    uint64_t least, most; /* of a limit or number */
};

/* Ended by a row without name. */
extern const struct config_row config_rows[];

/* Takes the value on top of the stack into the settings of a profile. NULL, or what is wrong with
 * it, owned by the caller. */
char *config_row_take(const struct config_row *row, lua_State *L, struct config *config,
                      struct settings *to);

/* Whether it is a text, a path or a store, and the place of that. */
bool config_row_is_text(const struct config_row *row);
const char **config_row_text(const struct config_row *row, struct settings *settings);

/* Copies the field, whatever `to` says; or only when it says nothing. */
void config_row_copy(const struct config_row *row, const struct settings *from,
                     struct settings *to);
void config_row_fill(const struct config_row *row, const struct settings *from,
                     struct settings *to);

#endif
