/* engine/test/line.c - one JSON value a line. */
#include "test/line.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json.h"

bool line_write(int fd, const cJSON *value)
{
    char *text = json_print(value);
    struct buffer line = {0};
    size_t done = 0;

    buffer_append_string(&line, text);
    buffer_append_char(&line, '\n');
    free(text);
    while (done < line.length) {
        const ssize_t count = write(fd, line.data + done, line.length - done);

        if (count > 0)
            done += (size_t)count;
        else if (errno != EINTR)
            break;
    }

    const bool is_written = done == line.length;

    buffer_deinit(&line);
    return is_written;
}
