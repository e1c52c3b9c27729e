/* engine/sim/graph_rights.c - application permissions of Microsoft Graph, as bits.
 *
 * Which permission a request needs (MAY_...): documented for groups, members and users; for
 * applications and the rest assumed. */
#include "sim/graph_rights.h"

#include <string.h>

static const struct {
    const char *name;
    enum graph_right right;
} names[] = {{"Group.Read.All", RIGHT_GROUP_READ},
             {"Group.ReadWrite.All", RIGHT_GROUP_WRITE},
             {"Group.Create", RIGHT_GROUP_CREATE},
             {"GroupMember.Read.All", RIGHT_MEMBER_READ},
             {"GroupMember.ReadWrite.All", RIGHT_MEMBER_WRITE},
             {"User.ReadBasic.All", RIGHT_USER_BASIC},
             {"User.Read.All", RIGHT_USER_READ},
             {"User.ReadWrite.All", RIGHT_USER_WRITE},
             {"Application.Read.All", RIGHT_APPLICATION_READ},
             {"Application.ReadWrite.All", RIGHT_APPLICATION_WRITE},
             {"Directory.Read.All", RIGHT_DIRECTORY_READ},
             {"Directory.ReadWrite.All", RIGHT_DIRECTORY_WRITE},
             {"Organization.Read.All", RIGHT_ORGANIZATION_READ},
             {"Domain.Read.All", RIGHT_DOMAIN_READ}};

enum { NAME_COUNT = sizeof names / sizeof names[0] };

bool graph_rights_read(const cJSON *value, unsigned *rights, const char **unknown)
{
    const cJSON *name;
    unsigned found = 0;

    *unknown = NULL;
    if (cJSON_IsString(value) && strcmp(value->valuestring, "admin") == 0) {
        *rights = RIGHT_ALL;
        return true;
    }
    if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach (name, value) {
        size_t i = 0;

        if (!cJSON_IsString(name))
            return false;
        while (i < NAME_COUNT && strcmp(names[i].name, name->valuestring) != 0)
            i++;
        if (i == NAME_COUNT) {
            *unknown = name->valuestring;
            return false;
        }
        found |= names[i].right;
    }
    *rights = found;
    return true;
}

cJSON *graph_rights_list(unsigned rights)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < NAME_COUNT; i++) {
        if ((rights & names[i].right) != 0)
            cJSON_AddItemToArray(list, cJSON_CreateString(names[i].name));
    }
    return list;
}
