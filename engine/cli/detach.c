/* engine/cli/detach.c - going on in a process of its own, without a terminal.
 *
 * Until its run is kept, the process writes to a pipe that its parent reads: what it has to say,
 * and then a line that begins with a byte which no message has. */
#include "cli/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"

enum { KEPT_MARK = 1, FAILED = 1 };

static int point_at_null(int fd, int flags)
{
    const int null = open("/dev/null", flags);

    if (null < 0)
        return -1;
    dup2(null, fd);
    close(null);
    return 0;
}

void detach_kept(void *context, const char *id)
{
    (void)context;
    fprintf(stderr, "%c%s\n", KEPT_MARK, id);
    fflush(stderr);
    point_at_null(STDERR_FILENO, O_WRONLY); /* closes the pipe */
}

/* The child: a session of its own, so that no terminal's end reaches it. */
static int go_on(detach_work *work, void *context, int pipe_end)
{
    setsid();
    dup2(pipe_end, STDERR_FILENO);
    close(pipe_end);
    if (point_at_null(STDIN_FILENO, O_RDONLY) != 0 ||
        point_at_null(STDOUT_FILENO, O_WRONLY) != 0)
        return FAILED;
    return work(context);
}

static void read_all(int fd, struct buffer *said)
{
    char bytes[1024];
    ssize_t count;

    while ((count = read(fd, bytes, sizeof bytes)) > 0 || (count < 0 && errno == EINTR)) {
        if (count > 0)
            buffer_append(said, bytes, (size_t)count);
    }
}

static int exit_code_of(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

/* The parent: what came of it. */
static int report(pid_t child, int pipe_end)
{
    struct buffer said = {0};
    const char *mark;
    int code = 0;

    read_all(pipe_end, &said);
    mark = said.data != NULL ? strchr(said.data, KEPT_MARK) : NULL;
    if (said.data != NULL)
        fwrite(said.data, 1, mark != NULL ? (size_t)(mark - said.data) : said.length,
               stderr);
    if (mark != NULL)
        fputs(mark + 1, stdout);
    else
        code = exit_code_of(child);
    buffer_deinit(&said);
    return code;
}

int detach(detach_work *work, void *context)
{
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0) {
        fprintf(stderr, "moongate: no process of its own: %s\n", strerror(errno));
        return FAILED;
    }
    if (child == 0) {
        close(ends[0]);
        exit(go_on(work, context, ends[1]));
    }
    close(ends[1]);

    const int code = report(child, ends[0]);

    close(ends[0]);
    return code;
}
