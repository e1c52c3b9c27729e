/* engine/schedule/zone_file.c - the content of a zone's file: TZif, RFC 9636.
 *
 * A header with the counts, then what they count, all big-endian. From version 2 on all that is
 * there twice, the second time with times of 64 bits, and a footer follows. */
#include "schedule/zone_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { HEADER_SIZE = 44, KIND_SIZE = 6, SMALL_TIME_SIZE = 4, TIME_SIZE = 8 };

/* Moments of files; more is no moment of the universe (RFC 9636, 3.2, has the lower one). */
static const int64_t FARTHEST_S = INT64_C(1) << 59;

static const char IS_CUT_OFF[] = "it is cut off";

/* What is left of the file. */
struct input {
    const unsigned char *at;
    size_t left;
};

struct header {
    char version;
    uint32_t universal_count, standard_count, leap_count, shift_count, kind_count,
        text_count;
};

static uint32_t get_32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* As two's complement, without the casts that the compiler decides about. */
static int64_t get_signed(const unsigned char *at, size_t size)
{
    uint64_t value = (at[0] & 0x80) != 0 ? UINT64_MAX : 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value <= INT64_MAX ? (int64_t)value : -(int64_t)(UINT64_MAX - value) - 1;
}

static const unsigned char *take(struct input *input, size_t size)
{
    const unsigned char *taken = input->at;

    if (size > input->left)
        return NULL;
    input->at += size;
    input->left -= size;
    return taken;
}

static const char *read_header(struct input *input, struct header *header)
{
    const unsigned char *at = take(input, HEADER_SIZE);

    if (at == NULL)
        return IS_CUT_OFF;
    if (memcmp(at, "TZif", 4) != 0)
        return "it is no file of time zones (TZif)";
    *header = (struct header){.version = (char)at[4],
                              .universal_count = get_32(at + 20),
                              .standard_count = get_32(at + 24),
                              .leap_count = get_32(at + 28),
                              .shift_count = get_32(at + 32),
                              .kind_count = get_32(at + 36),
                              .text_count = get_32(at + 40)};
    return header->version == '\0' || (header->version >= '2' && header->version <= '9')
               ? NULL
               : "its version is unknown";
}

/* The counts have 32 bits, the sum 64: it cannot overflow. */
static uint64_t data_size(const struct header *header, size_t time_size)
{
    return (uint64_t)header->shift_count * (time_size + 1) +
           (uint64_t)header->kind_count * KIND_SIZE + header->text_count +
           (uint64_t)header->leap_count * (time_size + 4) + header->standard_count +
           header->universal_count;
}

static const char *read_shifts(struct input *input, const struct header *header,
                               size_t time_size, struct zone_file *file)
{
    const size_t count = header->shift_count;
    const unsigned char *times = take(input, count * time_size);
    const unsigned char *kinds = take(input, count);

    file->shift_count = count;
    file->shifts = memory_resize(NULL, (count + 1) * sizeof *file->shifts);
    file->shift_kinds = memory_resize(NULL, count + 1);
    for (size_t i = 0; i < count; i++) {
        file->shifts[i] = get_signed(times + i * time_size, time_size);
        file->shift_kinds[i] = kinds[i];
        if (i > 0 && file->shifts[i] <= file->shifts[i - 1])
            return "its shifts are not in order";
        if (file->shifts[i] < -FARTHEST_S || file->shifts[i] > FARTHEST_S)
            return "one of its shifts is at an impossible time";
        if (kinds[i] >= header->kind_count)
            return "one of its shifts leads nowhere";
    }
    return NULL;
}

/* Abbreviations reach terminals and pages. */
static bool is_abbreviation(const char *text)
{
    return text[strspn(text, ZONE_LETTERS ZONE_OTHERS)] == '\0';
}

static const char *read_kinds(struct input *input, const struct header *header,
                              struct zone_file *file)
{
    const unsigned char *kinds = take(input, (size_t)header->kind_count * KIND_SIZE);
    const unsigned char *text = take(input, header->text_count);

    if (text[header->text_count - 1] != '\0')
        return "one of its abbreviations has no end";
    file->abbreviations = memory_copy_text((const char *)text, header->text_count);
    file->kinds = memory_resize(NULL, header->kind_count * sizeof *file->kinds);
    for (size_t i = 0; i < header->kind_count; i++) {
        const unsigned char *kind = kinds + i * KIND_SIZE;
        const int64_t offset_s = get_signed(kind, 4);

        if (offset_s < ZONE_LEAST_OFFSET_S || offset_s > ZONE_MOST_OFFSET_S)
            return "one of its offsets is not between -25 and 26 hours";
        if (kind[4] > 1)
            return "one of its offsets neither is daylight saving nor is not";
        if (kind[5] >= header->text_count ||
            !is_abbreviation(file->abbreviations + kind[5]))
            return "one of its abbreviations is none";
        file->kinds[i] =
            (struct zone_offset){.offset_s = (int32_t)offset_s,
                                 .is_dst = kind[4] == 1,
                                 .abbreviation = file->abbreviations + kind[5]};
    }
    return NULL;
}

/* Reads what the header counts; its size has been looked at. */
static const char *read_data(struct input *input, const struct header *header,
                             size_t time_size, struct zone_file *file)
{
    if (header->kind_count == 0 || header->kind_count > 256 || header->text_count == 0 ||
        (header->universal_count != 0 && header->universal_count != header->kind_count) ||
        (header->standard_count != 0 && header->standard_count != header->kind_count))
        return "its counts contradict each other";
    if (header->leap_count != 0)
        return "it counts leap seconds, as the zones below \"right/\" do: choose the one "
               "without";

    const char *wrong = read_shifts(input, header, time_size, file);

    if (wrong == NULL)
        wrong = read_kinds(input, header, file);
    if (wrong == NULL)
        take(input, (size_t)header->standard_count + header->universal_count);
    return wrong;
}

/* Between two line ends; empty: nothing is known behind the last shift. */
static const char *read_footer(struct input *input, struct zone_file *file)
{
    const unsigned char *end =
        input->left > 1 ? memchr(input->at + 1, '\n', input->left - 1) : NULL;

    if (end == NULL || input->at[0] != '\n')
        return IS_CUT_OFF;

    const size_t length = (size_t)(end - input->at) - 1;
    char *text = memory_copy_text((const char *)input->at + 1, length);
    const bool is_rule = strlen(text) == length && zone_rule_parse(text, &file->rule);

    free(text);
    file->has_rule = is_rule;
    return is_rule || length == 0 ? NULL : "the rule in its footer is none";
}

static const char *parse(struct input *input, struct zone_file *file)
{
    struct header header;
    const char *wrong = read_header(input, &header);

    if (wrong != NULL)
        return wrong;
    if (data_size(&header, SMALL_TIME_SIZE) > input->left)
        return IS_CUT_OFF;
    if (header.version == '\0')
        return read_data(input, &header, SMALL_TIME_SIZE, file);

    take(input, (size_t)data_size(&header, SMALL_TIME_SIZE));
    wrong = read_header(input, &header);
    if (wrong != NULL)
        return wrong;
    if (data_size(&header, TIME_SIZE) > input->left)
        return IS_CUT_OFF;
    wrong = read_data(input, &header, TIME_SIZE, file);
    return wrong != NULL ? wrong : read_footer(input, file);
}

const char *zone_file_parse(const void *bytes, size_t length, struct zone_file *file)
{
    struct input input = {.at = bytes, .left = length};

    *file = (struct zone_file){0};

    const char *wrong = parse(&input, file);

    if (wrong != NULL)
        zone_file_deinit(file);
    return wrong;
}

void zone_file_deinit(struct zone_file *file)
{
    free(file->shifts);
    free(file->shift_kinds);
    free(file->kinds);
    free(file->abbreviations);
    *file = (struct zone_file){0};
}
