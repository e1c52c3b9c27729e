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
    char *path;
    char *folder; /* of the file, absolute: what paths in it begin at */
    struct profile *profiles;
    size_t profile_count;
    struct job *jobs;
    size_t job_count, job_room;
    struct map job_places; /* name -> index + 1, as a pointer */
    void **kept; /* strings of settings and jobs, and lists of them */
    size_t kept_count, kept_room;
    struct settings said, base; /* see config_set_base() */
};

/* Takes memory for the life of the configuration. Returns it. */
void *config_keep_block(struct config *config, void *block);
const char *config_keep(struct config *config, char *text);

/* A new job of that name, zeroed; valid until the next one. NULL when there is one already. */
struct job *config_add_job(struct config *config, const char *name);

/* Whether a profile or a job can be called so: letters, digits and -._, the first a letter or
 * digit. */
bool config_check_name(const char *name, size_t length, size_t longest);

/* Evaluates the text of the file: fills in `profiles`. NULL, or what is wrong with it, with the
 * line: "12: profile 'a': ...", owned by the caller. */
char *config_evaluate(struct config *config, const char *text, size_t length);

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
