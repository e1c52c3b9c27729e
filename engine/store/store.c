/* engine/store/store.c - what all drivers have in common. */
#include "store/store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"

void store_call_deinit(struct store_call *call)
{
    failure_free(call->failure);
    buffer_deinit(&call->bytes);
    for (size_t i = 0; i < call->entry_count; i++)
        free(call->entries[i].name);
    free(call->entries);
    *call = (struct store_call){.done = call->done, .owner = call->owner};
}

static bool is_part(const char *part, size_t length)
{
    if (length == 0 || length > STORE_LONGEST_PART || part[0] == '.' ||
        part[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)part[i];

        if (c >= 0x80 || (!isalnum(c) && strchr("-._", c) == NULL))
            return false;
    }
    return true;
}

bool store_name_is_valid(const char *name)
{
    if (name[0] == '\0' || strlen(name) > STORE_LONGEST_NAME)
        return false;
    while (name[0] !=
           '\0') { /* what is left after a slash: a folder's name ends with one */
        const size_t length = strcspn(name, "/");

        if (!is_part(name, length))
            return false;
        name += length + (name[length] == '/');
    }
    return true;
}

static bool is_wanted(const char *name, unsigned wanted)
{
    const size_t length = strlen(name);

    if (length == 0)
        return (wanted & STORE_ROOT) != 0;
    return store_name_is_valid(name) &&
           (wanted & (name[length - 1] == '/' ? STORE_FOLDER : STORE_TEXT)) != 0;
}

struct failure *store_check_name(const char *name, unsigned wanted)
{
    if (is_wanted(name, wanted))
        return NULL;
    return failure_new(
        "StoreNameInvalid",
        "'%s' cannot be the name of a %s in a store: at most %d bytes of letters, "
        "digits, - . _ and slashes, no part longer than %d or with a dot at "
        "either end",
        name, (wanted & STORE_TEXT) != 0 ? "text" : "folder", STORE_LONGEST_NAME,
        STORE_LONGEST_PART);
}
