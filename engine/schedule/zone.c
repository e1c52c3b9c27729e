/* engine/schedule/zone.c - time zones: what the clocks on the wall of a place say. */
#include "schedule/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "schedule/zone_file.h"
#include "schedule/zone_folder.h"
#include "schedule/zone_rule.h"

struct zone {
    char *name;
    char *key;
    size_t users;
    struct zone_file file;
};

enum { LONGEST_NAME = 255, LARGEST_FILE = 1 << 20 };

/* No moment that is asked about is farther away; so no sum overflows. */
static const int64_t FARTHEST_S = INT64_C(1) << 60;

/* How far apart two local times of one moment can be. */
enum { WIDEST_S = ZONE_MOST_OFFSET_S - ZONE_LEAST_OFFSET_S };

/* What is open, by key. */
static struct map zones;

/* --- opening -------------------------------------------------------------------------- */

static const char *const vague_names[] = {"localtime", "posixrules"};

enum { COUNT_OF_VAGUE = sizeof vague_names / sizeof vague_names[0] };

/* NULL, or why it is no name of a zone. */
static char *check_name(const char *name)
{
    static const char characters[] =
        "the name of a time zone has letters, digits and _+-/";
    const size_t length = strlen(name);
    const char *stranger = name + strspn(name, ZONE_LETTERS ZONE_OTHERS "_/");

    if (length == 0)
        return memory_copy_string("the name of the time zone is empty");
    if (length > LONGEST_NAME)
        return memory_format("the name of a time zone has no more than %d characters, "
                             "not %zu",
                             LONGEST_NAME, length);
    if (*stranger != '\0' && (*stranger < ' ' || *stranger > '~'))
        return memory_format("%s, not the byte 0x%02x", characters,
                             (unsigned)(unsigned char)*stranger);
    if (*stranger != '\0')
        return memory_format("%s: '%s' has '%c'", characters, name, *stranger);
    if (name[0] == '/' || name[length - 1] == '/' || strstr(name, "//") != NULL)
        return memory_format("'%s' is no name of a time zone, such as Europe/Berlin",
                             name);
    for (size_t i = 0; i < COUNT_OF_VAGUE; i++) {
        if (strcmp(name, vague_names[i]) == 0)
            return memory_format("time zone '%s' is not the same on every host: name the "
                                 "place, such as Europe/Berlin",
                                 name);
    }
    return NULL;
}

/* Whether the file could be read; else errno says why not. */
static bool read_all(int file, struct buffer *content)
{
    char piece[4096];
    ssize_t length;

    while ((length = read(file, piece, sizeof piece)) != 0) {
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return false;
        if (content->length + (size_t)length > LARGEST_FILE) {
            errno = EFBIG;
            return false;
        }
        buffer_append(content, piece, (size_t)length);
    }
    return true;
}

static bool is_regular(int file)
{
    struct stat about;

    return fstat(file, &about) == 0 && S_ISREG(about.st_mode);
}

/* NULL, or what is wrong. */
static char *read_file(const char *path, struct zone_file *content)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const char *wrong = NULL;
    struct buffer bytes = {0};

    if (file < 0)
        return memory_format("%s: %s", path, strerror(errno));
    if (!is_regular(file))
        wrong = "it is no regular file";
    else if (!read_all(file, &bytes))
        wrong = strerror(errno);
    else
        wrong = zone_file_parse(bytes.data, bytes.length, content);
    buffer_deinit(&bytes);
    close(file);
    return wrong != NULL ? memory_format("%s: %s", path, wrong) : NULL;
}

static void make_utc(struct zone_file *content)
{
    *content = (struct zone_file){.kinds = memory_new(sizeof *content->kinds),
                                  .abbreviations = memory_copy_string("UTC")};
    content->kinds[0].abbreviation = content->abbreviations;
}

/* The file of a zone and what tells it from one that takes its place. NULL: there is none, and
 * errno says why. */
static char *find_file(const char *name, char **path)
{
    struct stat about;

    *path = memory_format("%s/%s", zone_folder(), name);
    if (stat(*path, &about) != 0)
        return NULL;
    if (S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        return NULL;
    }
    return memory_format("%s %ju %ju %jd.%09ld", *path, (uintmax_t)about.st_dev,
                         (uintmax_t)about.st_ino, (intmax_t)about.st_mtim.tv_sec,
                         about.st_mtim.tv_nsec);
}

/* Takes the text and adds which zone may be meant. */
static char *suggest(char *wrong, const char *name)
{
    char *nearest = strlen(name) <= LONGEST_NAME ? zone_folder_nearest(name) : NULL;

    if (nearest == NULL)
        return wrong;

    char *both = memory_format("%s; do you mean '%s'?", wrong, nearest);

    free(nearest);
    free(wrong);
    return both;
}

/* For an errno of find_file(). */
static char *describe_absence(const char *name, int error)
{
    struct stat about;

    if (error == EISDIR)
        return memory_format(
            "time zone '%s' is a folder of several: name one of them, such "
            "as Europe/Berlin",
            name);
    if (error != ENOENT && error != ENOTDIR)
        return memory_format("time zone '%s': %s/%s: %s", name, zone_folder(), name,
                             strerror(error));
    if (stat(zone_folder(), &about) != 0)
        return memory_format(
            "time zone '%s': there is no %s; install tzdata, or set TZDIR", name,
            zone_folder());
    return suggest(memory_format("there is no time zone '%s'", name), name);
}

/* Reads the file at `path`, or makes UTC for NULL. Takes the key. */
static struct zone *read_zone(const char *name, const char *path, char *key, char **wrong)
{
    struct zone_file file;

    if (path == NULL) {
        make_utc(&file);
    } else {
        char *damage = read_file(path, &file);

        if (damage != NULL) {
            *wrong = memory_format("time zone '%s': %s", name, damage);
            free(damage);
            free(key);
            return NULL;
        }
    }

    struct zone *zone = memory_new(sizeof *zone);

    *zone = (struct zone){.name = memory_copy_string(name), .key = key, .file = file};
    map_set(&zones, key, zone);
    return zone;
}

struct zone *zone_open(const char *name, char **wrong)
{
    char *path = NULL, *key;

    *wrong = check_name(name);
    if (*wrong != NULL) {
        *wrong = suggest(*wrong, name);
        return NULL;
    }
    key = strcmp(name, "UTC") == 0 ? memory_copy_string(name) : find_file(name, &path);
    if (key == NULL) {
        *wrong = describe_absence(name, errno);
        free(path);
        return NULL;
    }

    struct zone *zone = map_find(&zones, key);

    if (zone != NULL)
        free(key);
    else
        zone = read_zone(name, path, key, wrong);
    if (zone != NULL)
        zone->users++;
    free(path);
    return zone;
}

void zone_close(struct zone *zone)
{
    if (zone == NULL || --zone->users > 0)
        return;
    map_remove(&zones, zone->key);
    if (zones.count == 0) {
        map_deinit(&zones, NULL);
        zones = (struct map){0};
    }
    zone_file_deinit(&zone->file);
    free(zone->name);
    free(zone->key);
    free(zone);
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

/* --- asking --------------------------------------------------------------------------- */

/* What counts from a moment on until before another. At these it may go on alike. */
struct span {
    int64_t from_s, until_s;
    struct zone_offset offset;
};

/* How many shifts are at or before the moment. */
static size_t count_shifts(const struct zone_file *file, int64_t utc_s)
{
    size_t low = 0, high = file->shift_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (file->shifts[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct span find_span(const struct zone_file *file, int64_t utc_s)
{
    const size_t count = count_shifts(file, utc_s), end = file->shift_count;
    const int64_t from_s = count > 0 ? file->shifts[count - 1] : INT64_MIN;
    struct span span = {.from_s = from_s, .until_s = INT64_MAX};

    if (count == end && file->has_rule) {
        span.offset = zone_rule_at(&file->rule, utc_s, &span.from_s, &span.until_s);
        if (span.from_s < from_s)
            span.from_s = from_s;
        return span;
    }
    if (count < end)
        span.until_s = file->shifts[count];
    span.offset = file->kinds[count > 0 ? file->shift_kinds[count - 1] : 0];
    return span;
}

static int64_t clamp(int64_t time_s)
{
    return time_s < -FARTHEST_S ? -FARTHEST_S : time_s > FARTHEST_S ? FARTHEST_S : time_s;
}

struct zone_offset zone_at(const struct zone *zone, int64_t utc_s)
{
    return find_span(&zone->file, clamp(utc_s)).offset;
}

int64_t zone_next_shift(const struct zone *zone, int64_t utc_s)
{
    /* a rule repeats itself after 400 years */
    const size_t most = zone->file.shift_count + 2 * 400;
    struct span span = find_span(&zone->file, clamp(utc_s));

    for (size_t i = 0; i <= most && span.until_s < FARTHEST_S; i++) {
        const struct span next = find_span(&zone->file, span.until_s);

        if (next.offset.offset_s != span.offset.offset_s)
            return next.from_s;
        span = next;
    }
    return INT64_MAX;
}

int64_t zone_latest_local(const struct zone *zone, int64_t utc_s)
{
    const int64_t moment_s = clamp(utc_s);
    struct span span = find_span(&zone->file, moment_s);
    int64_t latest_s = moment_s + span.offset.offset_s;

    while (span.from_s > moment_s - WIDEST_S) {
        const int64_t last_s = span.from_s - 1; /* before the shift */

        span = find_span(&zone->file, last_s);
        if (last_s + span.offset.offset_s > latest_s)
            latest_s = last_s + span.offset.offset_s;
    }
    return latest_s;
}

/* Whether the clocks show the local time again after that span. */
static bool is_shown_after(const struct zone *zone, struct span span, int64_t local_s)
{
    while (span.until_s <= local_s - ZONE_LEAST_OFFSET_S) {
        span = find_span(&zone->file, span.until_s);

        const int64_t moment_s = local_s - span.offset.offset_s;

        if (span.from_s <= moment_s && moment_s < span.until_s)
            return true;
    }
    return false;
}

enum zone_fit zone_from_local(const struct zone *zone, int64_t local_s, int64_t *utc_s)
{
    const int64_t wanted_s = clamp(local_s);
    struct span span = find_span(&zone->file, wanted_s - ZONE_MOST_OFFSET_S);
    int64_t moment_s = wanted_s - span.offset.offset_s;

    while (moment_s >= span.until_s) {
        span = find_span(&zone->file, span.until_s);
        moment_s = wanted_s - span.offset.offset_s;
        if (moment_s < span.from_s) /* passed over */
            moment_s = span.from_s;
    }
    *utc_s = moment_s;
    if (moment_s + span.offset.offset_s > wanted_s)
        return ZONE_NEVER;
    return is_shown_after(zone, span, wanted_s) ? ZONE_TWICE : ZONE_ONCE;
}
