/* engine/test/line.h - how the processes of a test run talk: one JSON value a line. */
#ifndef MOONGATE_TEST_LINE_H
#define MOONGATE_TEST_LINE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/* Writes all of it. Returns false when the other side reads no more. */
bool line_write(int fd, const cJSON *value);

#endif
