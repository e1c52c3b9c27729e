/* engine/sim/graph_relations.c - members, owners and their like, as SQL.
 *
 * UNION, not UNION ALL: groups may contain each other in a circle. */
#include "sim/graph_relations.h"

#include <string.h>

#include "base/text.h"

#define REACHED "reached CROSS JOIN object ON object.id = reached.node"

static const struct graph_relation relations[] = {
    {"members", "", "member CROSS JOIN object ON object.id = member.member",
     "member.owner = ?1", "member.member"},
    {"transitiveMembers",
     "WITH RECURSIVE reached (node) AS (SELECT member FROM member WHERE owner = ?1 UNION"
     " SELECT member.member FROM reached CROSS JOIN member ON member.owner = "
     "reached.node) ",
     REACHED, "object.id <> ?1", "object.id"},
    {"memberOf", "", "member CROSS JOIN object ON object.id = member.owner",
     "member.member = ?1", "member.owner"},
    {"transitiveMemberOf",
     "WITH RECURSIVE reached (node) AS (SELECT owner FROM member WHERE member = ?1 UNION"
     " SELECT member.owner FROM reached CROSS JOIN member ON member.member = "
     "reached.node) ",
     REACHED, "object.id <> ?1", "object.id"},
    {"owners", "", "ownership CROSS JOIN object ON object.id = ownership.owner",
     "ownership.object = ?1", "ownership.owner"},
    {"ownedObjects", "", "ownership CROSS JOIN object ON object.id = ownership.object",
     "ownership.owner = ?1", "ownership.object"}};

const struct graph_relation *graph_relation_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        if (strlen(relations[i].name) == length &&
            text_has_prefix_nocase(name, relations[i].name))
            return &relations[i];
    }
    return NULL;
}
