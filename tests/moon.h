/* tests/moon.h - the program itself, in a folder of the test's own (tests/configured.h). */
#ifndef MOONGATE_TESTS_MOON_H
#define MOONGATE_TESTS_MOON_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <check.h>

#include "base/buffer.h"
#include "base/memory.h"

static char moongate[PATH_MAX];
static struct buffer output;

/* Finds the program before anybody changes folders; false after a message. */
static inline bool find_moongate(void)
{
    const char *binary = getenv("MOONGATE");

    if (realpath(binary != NULL ? binary : "build/moongate", moongate) != NULL)
        return true;
    perror("the binary");
    return false;
}

/* Runs moongate with these words for a shell; what it says on both streams is in `output`. Returns
 * its exit code. */
static inline int moon(const char *format, ...)
{
    char words[2048], piece[4096];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);

    char *command = memory_format("%s %s 2>&1", moongate, words);
    FILE *pipe = popen(command, "r");

    ck_assert_ptr_nonnull(pipe);
    buffer_clear(&output);
    while ((length = fread(piece, 1, sizeof piece, pipe)) > 0)
        buffer_append(&output, piece, length);
    free(command);

    const int status = pclose(pipe);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void assert_says(const char *part)
{
    ck_assert_msg(output.data != NULL && strstr(output.data, part) != NULL,
                  "'%s' is not in: %s", part, output.data);
}

#endif
