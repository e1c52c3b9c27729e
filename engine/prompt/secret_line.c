/* engine/prompt/secret_line.c */
#include "prompt/secret_line.h"

#include <string.h>

bool secret_line_is(const char *text)
{
    return strstr(text, "password") != NULL;
}
