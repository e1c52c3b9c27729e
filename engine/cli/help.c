/* engine/cli/help.c - a command's --help. */
#include "cli/help.h"

#include <stdio.h>

void help_print(const struct help *help)
{
    if (help->prepare != NULL)
        help->prepare();
    printf("usage: %s\n\n%s\n", help->usage, help->text);
    for (const struct help_section *section = help->sections; section->options != NULL;
         section++) {
        printf("\n");
        if (section->title != NULL)
            puts(section->title);
        options_print(section->options);
        if (section->note != NULL)
            puts(section->note);
    }
    if (help->exits != NULL)
        printf("\nexit codes: %s\n", help->exits);
}
