/* engine/sim/graph_rights.h - application permissions of Microsoft Graph, as bits. */
#ifndef MOONGATE_SIM_GRAPH_RIGHTS_H
#define MOONGATE_SIM_GRAPH_RIGHTS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

enum graph_right {
    RIGHT_GROUP_READ = 1 << 0,
    RIGHT_GROUP_WRITE = 1 << 1,
    RIGHT_GROUP_CREATE = 1 << 2,
    RIGHT_MEMBER_READ = 1 << 3,
    RIGHT_MEMBER_WRITE = 1 << 4,
    RIGHT_USER_BASIC = 1 << 5,
    RIGHT_USER_READ = 1 << 6,
    RIGHT_USER_WRITE = 1 << 7,
    RIGHT_APPLICATION_READ = 1 << 8,
    RIGHT_APPLICATION_WRITE = 1 << 9,
    RIGHT_DIRECTORY_READ = 1 << 10,
    RIGHT_DIRECTORY_WRITE = 1 << 11,
    RIGHT_ORGANIZATION_READ = 1 << 12,
    RIGHT_DOMAIN_READ = 1 << 13,
    RIGHT_ALL = (1 << 14) - 1,

    /* any one of these does */
    MAY_READ_DIRECTORY = RIGHT_DIRECTORY_READ | RIGHT_DIRECTORY_WRITE,
    MAY_READ_MEMBERS = MAY_READ_DIRECTORY | RIGHT_GROUP_READ | RIGHT_GROUP_WRITE |
                       RIGHT_MEMBER_READ | RIGHT_MEMBER_WRITE,
    MAY_READ_GROUPS = MAY_READ_MEMBERS,
    MAY_CREATE_GROUPS = RIGHT_GROUP_CREATE | RIGHT_GROUP_WRITE | RIGHT_DIRECTORY_WRITE,
    MAY_WRITE_GROUPS = RIGHT_GROUP_WRITE | RIGHT_DIRECTORY_WRITE,
    MAY_WRITE_MEMBERS = MAY_WRITE_GROUPS | RIGHT_MEMBER_WRITE,
    MAY_READ_USERS =
        MAY_READ_DIRECTORY | RIGHT_USER_BASIC | RIGHT_USER_READ | RIGHT_USER_WRITE,
    MAY_WRITE_USERS = RIGHT_USER_WRITE | RIGHT_DIRECTORY_WRITE,
    MAY_READ_APPLICATIONS =
        MAY_READ_DIRECTORY | RIGHT_APPLICATION_READ | RIGHT_APPLICATION_WRITE,
    MAY_WRITE_APPLICATIONS = RIGHT_APPLICATION_WRITE | RIGHT_DIRECTORY_WRITE,
    MAY_READ_OBJECTS = MAY_READ_GROUPS | MAY_READ_USERS | MAY_READ_APPLICATIONS,
    MAY_WRITE_OBJECTS = MAY_WRITE_GROUPS | MAY_WRITE_USERS | MAY_WRITE_APPLICATIONS,
    MAY_READ_TENANT = MAY_READ_DIRECTORY | RIGHT_ORGANIZATION_READ | RIGHT_DOMAIN_READ,
    MAY_ANYTHING_SIGNED_IN = 0 /* a token is enough */
};

/* Reads "admin" (all of them) or a list such as ["Group.Read.All"]. False when it is neither,
 * and then `*unknown` is the name that nobody knows, or NULL (borrowed). */
bool graph_rights_read(const cJSON *value, unsigned *rights, const char **unknown);

/* Their names as an array, owned by the caller. */
cJSON *graph_rights_list(unsigned rights);

#endif
