/* engine/base/home.c - where a user's files are. */
#include "base/home.h"

#include <stdlib.h>

#include "base/memory.h"

static char *format_path(const char *variable, const char *below_home, const char *name)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    const char *slash = name != NULL ? "/" : "";

    name = name != NULL ? name : "";
    if (folder != NULL && folder[0] == '/')
        return memory_format("%s/moongate%s%s", folder, slash, name);
    return home != NULL && home[0] == '/'
               ? memory_format("%s/%s/moongate%s%s", home, below_home, slash, name)
               : NULL;
}

char *home_state_path(const char *name)
{
    return format_path("XDG_STATE_HOME", ".local/state", name);
}

char *home_config_path(const char *name)
{
    return format_path("XDG_CONFIG_HOME", ".config", name);
}
