/* engine/sim/gzip.c - bodies in the content coding "gzip". */
#include "sim/gzip.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "base/buffer.h"

enum {
    GZIP_WINDOW = 15 + 16, /* the largest, with gzip's header rather than zlib's */
    MEMORY_LEVEL = 8,      /* zlib's default */
    PIECE = 16 * 1024
};

/* One member after the other, as the format allows. */
static enum gzip_result unpack(z_stream *stream, struct buffer *to, size_t limit)
{
    const size_t start = to->length;
    int status = Z_OK;

    do {
        buffer_reserve(to, PIECE);
        stream->next_out = (unsigned char *)to->data + to->length;
        stream->avail_out = PIECE;
        status = inflate(stream, Z_NO_FLUSH);
        to->length += PIECE - stream->avail_out;
        if (to->length - start > limit)
            return GZIP_TOO_LARGE;
        if (status == Z_STREAM_END && stream->avail_in > 0)
            status = inflateReset(stream);
    } while (status == Z_OK);
    to->data[to->length] = '\0';
    return status == Z_STREAM_END ? GZIP_DONE : GZIP_BROKEN;
}

enum gzip_result gzip_unpack(struct buffer *to, const void *bytes, size_t length,
                             size_t limit)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes,
                       .avail_in = (unsigned)length};

    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        abort(); /* out of memory, as in base/memory.h */

    const enum gzip_result result = unpack(&stream, to, limit);

    inflateEnd(&stream);
    return result;
}

void gzip_pack(struct buffer *to, const void *bytes, size_t length)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes,
                       .avail_in = (unsigned)length};

    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort();

    const size_t bound = deflateBound(&stream, length);

    buffer_reserve(to, bound);
    stream.next_out = (unsigned char *)to->data + to->length;
    stream.avail_out = (unsigned)bound;

    const int status = deflate(&stream, Z_FINISH);

    assert(status == Z_STREAM_END); /* the bound says so */
    (void)status;
    to->length += bound - stream.avail_out;
    to->data[to->length] = '\0';
    deflateEnd(&stream);
}

/* The weight of one element, "gzip;q=0.5". */
static double read_weight(const char *element, size_t length)
{
    const char *q = memchr(element, ';', length);

    if (q == NULL)
        return 1;
    q += 1 + strspn(q + 1, " \t");
    return strncasecmp(q, "q=", 2) == 0 ? strtod(q + 2, NULL) : 1;
}

bool gzip_is_accepted(const char *accept_encoding)
{
    const char *rest = accept_encoding != NULL ? accept_encoding : "";
    bool is_any_accepted = false;

    while (*(rest += strspn(rest, ", \t")) != '\0') {
        const size_t length = strcspn(rest, ",");
        const size_t name = strcspn(rest, ",; \t");
        const bool is_accepted = read_weight(rest, length) > 0;

        if (name == 4 && strncasecmp(rest, "gzip", 4) == 0)
            return is_accepted;
        if (name == 1 && *rest == '*')
            is_any_accepted = is_accepted;
        rest += length;
    }
    return is_any_accepted;
}
