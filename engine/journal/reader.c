/* engine/journal/reader.c - the lines of a journal, checked one by one as they come. */
#include "journal/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "journal/format.h"

static const char crc_member[] = ",\"crc\":\"";

/* What follows the bytes that are checked: ,"crc":"1a2b3c4d"} */
enum { CRC_LENGTH = sizeof crc_member - 1 + JOURNAL_CRC_SIZE - 1 + 2 };

static bool has_good_checksum(const char *line, size_t length)
{
    char crc[JOURNAL_CRC_SIZE];

    if (length < CRC_LENGTH || memcmp(line + length - 2, "\"}", 2) != 0)
        return false;

    const char *member = line + length - CRC_LENGTH;

    if (memcmp(member, crc_member, sizeof crc_member - 1) != 0)
        return false;
    journal_format_crc(line, (size_t)(member - line), crc);
    return memcmp(member + sizeof crc_member - 1, crc, JOURNAL_CRC_SIZE - 1) == 0;
}

static struct failure *fail_damaged(const struct journal_reader *reader, const char *how)
{
    return failure_set_cure(
        failure_new("JournalDamaged", "line %" PRIu64 " of the journal is damaged: %s",
                    reader->lines + 1, how),
        "bring the file back from a copy; or let `resume --cut-damaged` cut it there: "
        "what it said from there on is looked up at the service");
}

/* The version that a line claims to have; 0 when it claims none. Its checksum is good, so
 * something that is no digit ends the number. */
static long version_of(const char *line, size_t length)
{
    static const char member[] = "{\"v\":";

    if (length < sizeof member || memcmp(line, member, sizeof member - 1) != 0)
        return 0;
    return strtol(line + sizeof member - 1, NULL, 10);
}

/* A line without its end. */
static struct failure *take_line(struct journal_reader *reader, const char *line,
                                 size_t length)
{
    if (length > JOURNAL_LONGEST_LINE)
        return fail_damaged(reader, "it is longer than 4 MiB");
    if (!has_good_checksum(line, length)) {
        if (memchr(line, '\0', length) == NULL || reader->is_torn)
            return fail_damaged(reader, "its checksum does not match");
        reader->is_torn =
            true; /* blocks that were promised to a file and never written */
        return NULL;
    }
    if (reader->is_torn)
        return fail_damaged(reader, "there are zeros in it, and good lines behind it");

    const long version = version_of(line, length);

    if (version > JOURNAL_VERSION)
        return failure_set_cure(
            failure_new("JournalTooNew",
                        "line %" PRIu64 " of the journal has the form %ld of a newer "
                        "moongate, and this one knows %d",
                        reader->lines + 1, version, JOURNAL_VERSION),
            "carry the run on with the moongate that began it, or a newer one");
    if (version < 1)
        return fail_damaged(reader, "it does not say which form it has");

    cJSON *record = json_parse(line, length, NULL);
    struct failure *failure = NULL;

    if (json_number_at(record, "n", 0) != (double)(reader->lines + 1)) {
        failure = fail_damaged(reader, "its number is not the next one");
    } else {
        reader->lines++;
        reader->take(reader->context, record);
    }
    cJSON_Delete(record);
    return failure;
}

struct failure *journal_read(struct journal_reader *reader, const char *bytes,
                             size_t length)
{
    struct failure *failure = NULL;

    if (length == 0)
        return NULL; /* then `bytes` may be NULL */

    const char *end = bytes + length, *newline;

    while (failure == NULL &&
           (newline = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
        const char *line = bytes;
        size_t line_length = (size_t)(newline - bytes);

        if (reader->partial.length > 0) {
            buffer_append(&reader->partial, bytes, line_length);
            line = reader->partial.data;
            line_length = reader->partial.length;
        }
        failure = take_line(reader, line, line_length);
        if (failure == NULL && !reader->is_torn)
            reader->good_bytes += line_length + 1;
        if (reader->is_torn)
            reader->torn_bytes += line_length + 1;
        buffer_clear(&reader->partial);
        bytes = newline + 1;
    }
    if (failure == NULL &&
        reader->partial.length + (size_t)(end - bytes) > JOURNAL_LONGEST_LINE)
        return fail_damaged(reader, "it is longer than 4 MiB");
    if (failure == NULL)
        buffer_append(&reader->partial, bytes, (size_t)(end - bytes));
    return failure;
}

uint64_t journal_read_end(const struct journal_reader *reader)
{
    return reader->torn_bytes + reader->partial.length;
}

void journal_reader_deinit(struct journal_reader *reader)
{
    buffer_deinit(&reader->partial);
}
