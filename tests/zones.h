/* tests/zones.h - a folder of time zones of the test's own, with files right and wrong. */
#ifndef MOONGATE_TESTS_ZONES_H
#define MOONGATE_TESTS_ZONES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "schedule/zone.h"
#include "suite.h"

static char folder[] = "/tmp/check_zone.XXXXXX";

static inline void begin_folder(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("TZDIR", folder, 1), 0);
}

static inline void end_folder(void)
{
    char *command = memory_format("rm -rf '%s'", folder);

    ck_assert_int_eq(system(command), 0);
    free(command);
    unsetenv("TZDIR");
}

static inline void put_file(const char *name, const void *bytes, size_t length)
{
    char *path = memory_format("%s/%s", folder, name);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

static inline void put_folder(const char *name)
{
    char *path = memory_format("%s/%s", folder, name);

    ck_assert_int_eq(mkdir(path, 0700), 0);
    free(path);
}

/* --- TZif as RFC 9636 has it ---------------------------------------------------------- */

struct shift {
    int64_t at_s;
    int kind;
};

/* What a file says; each of it may be wrong. */
struct content {
    char version;
    struct shift shifts[4];
    size_t shift_count;
    struct {
        int32_t offset_s;
        int is_dst, abbreviation;
    } kinds[3];
    size_t kind_count;
    const char *text; /* the abbreviations, each with its end */
    size_t text_length, leap_count, standard_count, universal_count;
    const char *footer;
};

static inline void append_number(struct buffer *file, int64_t number, int size)
{
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
        buffer_append_char(file, (char)((uint64_t)number >> shift & 0xff));
}

static inline void append_zeros(struct buffer *file, size_t count)
{
    while (count-- > 0)
        buffer_append_char(file, '\0');
}

static inline void append_part(struct buffer *file, const struct content *content,
                               int time_size)
{
    const size_t counts[] = {content->universal_count, content->standard_count,
                             content->leap_count,      content->shift_count,
                             content->kind_count,      content->text_length};

    buffer_append(file, "TZif", 4);
    buffer_append_char(file, content->version);
    append_zeros(file, 15);
    for (int i = 0; i < COUNT_OF(counts); i++)
        append_number(file, (int64_t)counts[i], 4);
    for (size_t i = 0; i < content->shift_count; i++)
        append_number(file, content->shifts[i].at_s, time_size);
    for (size_t i = 0; i < content->shift_count; i++)
        append_number(file, content->shifts[i].kind, 1);
    for (size_t i = 0; i < content->kind_count; i++) {
        append_number(file, content->kinds[i].offset_s, 4);
        append_number(file, content->kinds[i].is_dst, 1);
        append_number(file, content->kinds[i].abbreviation, 1);
    }
    buffer_append(file, content->text, content->text_length);
    append_zeros(file, content->leap_count * ((size_t)time_size + 4) +
                           content->standard_count + content->universal_count);
}

static inline void append_content(struct buffer *file, const struct content *content)
{
    append_part(file, content, 4);
    if (content->version == '\0')
        return;
    append_part(file, content, 8);
    buffer_printf(file, "\n%s\n", content->footer);
}

/* Writes the content to the zone "Own". */
static inline void put_content(const struct content *content)
{
    struct buffer file = {0};

    append_content(&file, content);
    put_file("Own", file.data, file.length);
    buffer_deinit(&file);
}

static inline struct zone *open_content(const struct content *content)
{
    char *wrong;

    put_content(content);

    struct zone *zone = zone_open("Own", &wrong);

    if (zone == NULL)
        ck_abort_msg("%s", wrong);
    return zone;
}

#endif
