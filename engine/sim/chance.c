/* engine/sim/chance.c - draws that depend on nothing but a seed, a name and a number. */
#include "sim/chance.h"

uint64_t chance_draw(uint64_t seed, const char *key, const char *use, uint64_t number)
{
    uint64_t hash = 14695981039346656037u ^ seed * 0x9e3779b97f4a7c15u;

    for (const char *c = key; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    for (const char *c = use; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    hash += number * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    return hash ^ hash >> 31;
}

double chance_fraction(uint64_t bits)
{
    return (double)(bits >> 11) / 9007199254740992.0;
}

void chance_uuid(uint64_t seed, const char *key, const char *use, uint64_t number,
                 char text[UUID_TEXT_SIZE])
{
    const uint64_t high = chance_draw(seed, key, use, number);
    const uint64_t low = chance_draw(high, key, use, number);
    unsigned char bytes[16];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(high >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(low >> (56 - 8 * i));
    }
    uuid_from_bytes(bytes, text);
}
