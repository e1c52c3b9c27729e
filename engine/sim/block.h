/* engine/sim/block.h - blocks of IPv4 addresses, such as 10.0.4.0/24. */
#ifndef MOONGATE_SIM_BLOCK_H
#define MOONGATE_SIM_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct block {
    uint32_t first, last; /* ends included */
    int prefix_length;
};

enum block_status {
    BLOCK_OK,
    BLOCK_MALFORMED, /* no CIDR notation; `*block` is untouched */
    BLOCK_UNALIGNED  /* bits are set behind the prefix; `*block` is the one around it */
};

enum block_status block_parse(const char *text, struct block *block);

bool block_contains(const struct block *outer, const struct block *inner);

/* Writes "10.0.4.0/24". */
enum { BLOCK_TEXT_SIZE = 32 };
void block_format(const struct block *block, char text[BLOCK_TEXT_SIZE]);

#endif
