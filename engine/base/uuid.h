/* engine/base/uuid.h - UUIDs as text (RFC 4122): 36 characters, lower case. */
#ifndef MOONGATE_BASE_UUID_H
#define MOONGATE_BASE_UUID_H

#include <stdbool.h>

enum { UUID_TEXT_SIZE = 37 };

/* A random one (version 4). */
void uuid_random(char text[UUID_TEXT_SIZE]);

/* The one that these bytes give which somebody else drew at random (version 4). */
void uuid_from_bytes(const unsigned char bytes[16], char text[UUID_TEXT_SIZE]);

/* The one that stands for `name` (version 5, SHA-1) within moongate's own namespace: the
 * same name gives the same UUID on every machine, for ever. */
void uuid_from_name(const char *name, char text[UUID_TEXT_SIZE]);

bool uuid_is_valid(const char *text);

/* Writes a UUID without its dashes, as some of Azure's messages have it. `uuid` is at most
 * UUID_TEXT_SIZE - 1 long. */
void uuid_drop_dashes(const char *uuid, char text[UUID_TEXT_SIZE]);

#endif
