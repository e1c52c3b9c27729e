/* engine/cli/help.h - what a command says of itself: for its --help and for the manual. */
#ifndef MOONGATE_CLI_HELP_H
#define MOONGATE_CLI_HELP_H

#include "cli/options.h"

enum { MOST_HELP_SECTIONS = 16 };

struct help_section {
    const char *title; /* NULL: the options of the command itself */
    const struct option *options;
    const char *note; /* below them, or NULL */
};

struct help {
    const char *usage; /* one line each way to call it, without "usage: " */
    const char *text;
    void (*prepare)(void); /* fills in options that come from another table; or NULL */
    struct help_section sections[MOST_HELP_SECTIONS]; /* ended by one without options */
    const char *exits;                                /* "0 done, 1 ...", or NULL */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* one line */
    const struct help *help;
};

/* The subcommands, ended by a row without name. */
extern const struct command commands[];

/* Prints it on stdout as --help does. */
void help_print(const struct help *help);

/* Prints moongate(1) on stdout, in roff's man macros. */
void manual_print(void);

#endif
