/* engine/jobs/post_command.c - a program is told by running it. */
#include "jobs/post.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "jobs/post_parts.h"
#include "net/program.h"

extern char **environ;

static void on_end(void *owner, const struct program_end *end)
{
    struct post *post = owner;

    post->program = NULL;
    post->status = end->exit_code;
    if (end->was_late)
        post->failure = failure_new("Timeout", "it took too long and was stopped");
    else if (end->was_too_chatty)
        post->failure = failure_new("ResponseTooLarge", "it wrote without end");
    waitable_finish(&post->waitable);
}

static bool is_same_variable(const char *a, const char *b)
{
    const size_t length = strcspn(a, "=") + 1;

    return strncmp(a, b, length) == 0;
}

static bool is_among(const char *variable, const char *const *variables)
{
    while (*variables != NULL && !is_same_variable(*variables, variable))
        variables++;
    return *variables != NULL;
}

static size_t count(const char *const *texts)
{
    size_t number = 0;

    while (texts[number] != NULL)
        number++;
    return number;
}

/* Our environment with `variables` in it, which are borrowed as all of it is; the list is owned by
 * the caller. */
static char **join_environment(const char *const *variables)
{
    const size_t room = count((const char *const *)environ) + count(variables) + 1;
    char **joined = memory_new(room * sizeof *joined);
    size_t used = 0;

    for (char **own = environ; *own != NULL; own++) {
        if (!is_among(*own, variables))
            joined[used++] = *own;
    }
    for (; *variables != NULL; variables++)
        joined[used++] = (char *)*variables;
    return joined;
}

/* Starts it. Returns NULL, or why not. */
static const char *start(struct post *post, char *path, const char *const *words,
                         const char *const *variables, int64_t timeout_ms)
{
    const size_t word_count = count(words);
    char **own = memory_new((word_count + 1) * sizeof *own);
    char **environment = join_environment(variables);
    const char *why = NULL;

    memcpy(own, words, word_count * sizeof *own);
    own[0] = path;
    post->program = program_start_with(
        post->office->loop, own, environment,
        timeout_ms != 0 ? timeout_ms : POST_COMMAND_TIMEOUT_MS, on_end, post, &why);
    free(environment);
    free(own);
    return post->program != NULL ? NULL : why;
}

struct post *post_start_command(struct post_office *office, const char *const *words,
                                const char *const *variables, int64_t timeout_ms)
{
    struct post *post = post_new(office);
    char *path = strchr(words[0], '/') != NULL ? memory_copy_string(words[0])
                                               : program_find(words[0], getenv("PATH"));
    const char *why = path == NULL ? "there is no such program in PATH"
                                   : start(post, path, words, variables, timeout_ms);

    if (why != NULL) {
        post->failure =
            failure_new("NotFound", "%s cannot be started: %s", words[0], why);
        waitable_finish(&post->waitable);
    }
    free(path);
    return post;
}
