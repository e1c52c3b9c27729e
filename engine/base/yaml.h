/* engine/base/yaml.h - YAML as the JSON that it stands for (YAML 1.2, core schema). */
#ifndef MOONGATE_BASE_YAML_H
#define MOONGATE_BASE_YAML_H

#include <stddef.h>

#include <cjson/cJSON.h>

/* Parses one document. Owned by the caller; NULL when it is none or more than the limits
 * below allow, with `*wrong` (owned by the caller) saying what and in which line. Aliases are
 * copied, keys are texts, and one that comes twice in a mapping is a mistake. */
enum {
    YAML_DEEPEST = 100,      /* levels of nesting */
    YAML_MOST_NODES = 400000 /* after the copying of aliases */
};
cJSON *yaml_parse(const char *text, size_t length, char **wrong);

/* Block style, members in their order. Owned by the caller. */
char *yaml_print(const cJSON *tree);

#endif
