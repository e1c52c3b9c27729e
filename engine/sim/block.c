/* engine/sim/block.c - blocks of IPv4 addresses, such as 10.0.4.0/24. */
#include "sim/block.h"

#include <stddef.h>
#include <stdio.h>

/* Reads a number of at most `limit`, without leading zeros, and moves on. -1 when there
 * is none. */
static int read_number(const char **text, int limit)
{
    const char *digit = *text;
    int number = 0;

    for (; *digit >= '0' && *digit <= '9' && number <= limit; digit++)
        number = number * 10 + (*digit - '0');
    if (digit == *text || number > limit || (**text == '0' && digit - *text > 1))
        return -1;
    *text = digit;
    return number;
}

enum block_status block_parse(const char *text, struct block *block)
{
    uint32_t address = 0;

    for (int i = 0; i < 4; i++) {
        const int part = read_number(&text, 255);

        if (part < 0 || *text++ != (i < 3 ? '.' : '/'))
            return BLOCK_MALFORMED;
        address = address << 8 | (uint32_t)part;
    }

    const int length = read_number(&text, 32);

    if (length < 0 || *text != '\0')
        return BLOCK_MALFORMED;

    const uint32_t rest = length == 0 ? UINT32_MAX : ((uint32_t)1 << (32 - length)) - 1;

    block->first = address & ~rest;
    block->last = address | rest;
    block->prefix_length = length;
    return block->first == address ? BLOCK_OK : BLOCK_UNALIGNED;
}

bool block_contains(const struct block *outer, const struct block *inner)
{
    return outer->first <= inner->first && inner->last <= outer->last;
}

void block_format(const struct block *block, char text[BLOCK_TEXT_SIZE])
{
    snprintf(text, BLOCK_TEXT_SIZE, "%u.%u.%u.%u/%d", block->first >> 24,
             block->first >> 16 & 255, block->first >> 8 & 255, block->first & 255,
             block->prefix_length);
}
