/* engine/cli/options.c - options of the command line, from tables. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { MOST_OPTIONS = 64 };

static const struct option *find(const struct option *const *tables, const char *name,
                                 size_t length)
{
    for (; *tables != NULL; tables++) {
        for (const struct option *option = *tables; option->name != NULL; option++) {
            if (strlen(option->name) == length &&
                strncmp(option->name, name, length) == 0)
                return option;
        }
    }
    return NULL;
}

static void complain_unknown(const char *command, const struct option *const *tables,
                             const char *name, size_t length)
{
    const char *names[MOST_OPTIONS];
    char *word = memory_copy_text(name, length);
    size_t count = 0;

    for (; *tables != NULL; tables++) {
        for (const struct option *option = *tables; option->name != NULL; option++) {
            if (count < MOST_OPTIONS)
                names[count++] = option->name;
        }
    }

    const char *near = text_nearest(word, names, count);

    fprintf(stderr, "moongate %s: unknown option '%s'%s%s%s\n", command, word,
            near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
            near != NULL ? "'?" : "");
    free(word);
}

bool options_read(const char *command, const struct option *const *tables, void *context,
                  int argc, char **argv, int *index)
{
    for (; *index < argc; (*index)++) {
        const char *word = argv[*index];
        const size_t length = strcspn(word, "=");
        const char *text = word[length] == '=' ? word + length + 1 : NULL;

        if (word[0] != '-' || word[1] == '\0')
            return true;
        if (strcmp(word, "--") == 0) {
            (*index)++;
            return true;
        }

        const struct option *option = find(tables, word, length);

        if (option == NULL) {
            complain_unknown(command, tables, word, length);
            return false;
        }
        if (option->value == NULL && text != NULL) {
            fprintf(stderr, "moongate %s: %s takes no value\n", command, option->name);
            return false;
        }
        if (option->value != NULL && option->value[0] != '[' && text == NULL) {
            if (*index + 1 >= argc) {
                fprintf(stderr, "moongate %s: %s needs a value: %s\n", command,
                        option->name, option->value);
                return false;
            }
            text = argv[++*index];
        }

        char *wrong = option->take(context, text);

        if (wrong != NULL) {
            fprintf(stderr, "moongate %s: %s: %s\n", command, option->name, wrong);
            free(wrong);
            return false;
        }
    }
    return true;
}

void options_print(const struct option *table)
{
    for (const struct option *option = table; option->name != NULL; option++) {
        const bool is_optional = option->value != NULL && option->value[0] == '[';
        char *left =
            is_optional
                ? memory_format("%s[=%.*s]", option->name, (int)strlen(option->value) - 2,
                                option->value + 1)
                : memory_format("%s%s%s", option->name, option->value != NULL ? " " : "",
                                option->value != NULL ? option->value : "");

        printf("  %-26s %s\n", left, option->help);
        free(left);
    }
}
