/* engine/cli/options.h - options of the command line, from tables.
 *
 * "--name value", "--name=value" and "--flag"; "--" ends them. A wrong one is named with
 * the near one that exists. */
#ifndef MOONGATE_CLI_OPTIONS_H
#define MOONGATE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option {
    const char *name; /* "--endpoint" */
    const char
        *value; /* what help calls its value: "URL"; "[FILE]" when it may be left out,
                          and then it is only taken after "="; NULL for a flag */
    const char *help;
    /* Takes the text (NULL for a flag, or when left out). Returns NULL, or what is wrong
     * with it, owned by the caller. */
    char *(*take)(void *context, const char *text);
};

/* Reads options from argv[*index] on and stops at the first word that is none. `tables` are
 * ended by NULL, each by a row without name. Returns false after a message on stderr. */
bool options_read(const char *command, const struct option *const *tables, void *context,
                  int argc, char **argv, int *index);

/* Prints the rows of a table on stdout, aligned. */
void options_print(const struct option *table);

#endif
