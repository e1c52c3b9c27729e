/* engine/sim/chance.h - draws that depend on nothing but a seed, a name and a number: the
 * same world does the same again. */
#ifndef MOONGATE_SIM_CHANCE_H
#define MOONGATE_SIM_CHANCE_H

#include <stdint.h>

#include "base/uuid.h"

/* 64 bits that look random. `key` and `use` together are the name. */
uint64_t chance_draw(uint64_t seed, const char *key, const char *use, uint64_t number);

/* The same bits as a number from 0 to below 1. */
double chance_fraction(uint64_t bits);

/* A UUID in the form of a random one, drawn like that. */
void chance_uuid(uint64_t seed, const char *key, const char *use, uint64_t number,
                 char text[UUID_TEXT_SIZE]);

#endif
