/* engine/sim/jsonc.h - JSON as deployments take it beyond RFC 8259: comments, names without
 * quotes, line breaks in strings. az sends templates so: {"properties": {.., template:{..}}},
 * the file as it is (observed). */
#ifndef MOONGATE_SIM_JSONC_H
#define MOONGATE_SIM_JSONC_H

#include <stddef.h>

/* The same as strict JSON, owned by the caller. What cannot be understood stays as it is, for
 * the parser to refuse. */
char *jsonc_to_json(const char *text, size_t length);

#endif
