/* tests/torture/mishaps.c - disks that are full or read-only, and journals that are damaged: each is
 * told clearly, nothing is lost, and the run goes on once it is mended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/format.h"
#include "torture.h"

/* What a journal is damaged with; `bytes` are its `length` bytes, at most `length` + 1024 may be
 * written. Returns the new length. */
typedef size_t damage(char *bytes, size_t length);

enum { ROOM = 1024 };

static char *journal_path(const struct arena *arena)
{
    return memory_format("%s/runs/%s/journal.jsonl", arena->store, arena->id);
}

static bool write_journal(const struct arena *arena, const char *bytes, size_t length)
{
    char *path = journal_path(arena);
    FILE *file = fopen(path, "w");
    bool is_written = file != NULL && fwrite(bytes, 1, length, file) == length;

    if (file != NULL)
        is_written = fclose(file) == 0 && is_written;
    free(path);
    return is_written;
}

static int resume_with(struct arena *arena, const char *option)
{
    arena_plan(arena, NULL);
    return arena_wait(arena_start(arena, true, option, NULL), PATIENCE_MS);
}

/* Prints the line of what was said that has `word`; what is wrong when there is none. */
static char *expect_said(const struct arena *arena, const char *word)
{
    char *said = arena_said(arena, SAID_ALL), *found = strstr(said, word);
    char *wrong = NULL;

    if (found == NULL) {
        wrong = memory_format("it did not say '%s' but: %s", word, said);
    } else {
        while (found > said && found[-1] != '\n')
            found--;
        printf("    %.*s\n", (int)strcspn(found, "\n"), found);
    }
    free(said);
    return wrong;
}

/* The run goes on to its end. `knows_all`: the journal lacks nothing. */
static char *go_on(struct arena *arena, const char *option, bool knows_all)
{
    const int code = resume_with(arena, option);

    if (code != 0) {
        char *said = arena_said(arena, SAID_LAST);
        char *wrong = memory_format("after mending: exit code %d: %s", code, said);

        free(said);
        return wrong;
    }
    return knows_all ? audit(arena) : audit_ledger(arena);
}

/* --- damaged journals ------------------------------------------------------------------------- */

static size_t tear(char *bytes, size_t length)
{
    (void)bytes;
    return length - 7;
}

static size_t flip_in_the_middle(char *bytes, size_t length)
{
    bytes[length / 2] ^= 1;
    return length;
}

static size_t flip_in_the_last_line(char *bytes, size_t length)
{
    bytes[length - 30] ^= 1;
    return length;
}

static size_t unwritten_block(char *bytes, size_t length)
{
    memset(bytes + length, 0, ROOM);
    return length + ROOM;
}

/* A line as a later moongate may write it. */
static size_t add_newer_line(char *bytes, size_t length)
{
    int lines = 0;
    char crc[JOURNAL_CRC_SIZE];
    char *line;

    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    line = memory_format("{\"v\":%d,\"n\":%d,\"at\":\"2031-01-01T00:00:00.000Z\",\"do\":"
                         "\"ponder\"",
                         JOURNAL_VERSION + 1, lines + 1);
    journal_format_crc(line, strlen(line), crc);
    length += (size_t)snprintf(bytes + length, ROOM, "%s,\"crc\":\"%s\"}\n", line, crc);
    free(line);
    return length;
}

static const struct damage_case {
    const char *name;
    damage *damage;
    const char *says;
    int code;           /* of a plain resume */
    const char *option; /* that mends it; NULL: the old journal is put back */
} damages[] = {
    {"the last line is not whole", tear, "was not whole", 0, NULL},
    {"a block at the end was never written", unwritten_block, "was not whole", 0, NULL},
    {"a byte in the middle is another", flip_in_the_middle, "line", 1, "--cut-damaged"},
    {"a byte of the last line is another", flip_in_the_last_line, "line", 1,
     "--cut-damaged"},
    {"a line is from a newer version", add_newer_line, "newer", 1, NULL},
};

/* A refused journal is as it was. */
static char *check_untouched(const struct arena *arena, const char *bytes, size_t length)
{
    size_t now_length = 0;
    char *now = arena_read(arena, "journal.jsonl", &now_length);
    const bool is_same =
        now != NULL && now_length == length && memcmp(now, bytes, length) == 0;

    free(now);
    return is_same ? NULL : memory_copy_string("the refused journal was changed");
}

static char *resume_damaged(struct arena *arena, const struct damage_case *it,
                            char *bytes, size_t length)
{
    char *whole = memory_copy_text(bytes, length), *wrong = NULL;
    const size_t damaged = it->damage(bytes, length);
    const int writes = audit_writes(arena);
    int code;

    if (!write_journal(arena, bytes, damaged))
        wrong = memory_copy_string("the journal cannot be written");
    code = resume_with(arena, NULL);
    if (wrong == NULL && code != it->code)
        wrong = memory_format("exit code %d, not %d", code, it->code);
    if (wrong == NULL)
        wrong = expect_said(arena, it->says);
    if (wrong == NULL && code == 0)
        wrong = audit_ledger(arena);
    if (wrong == NULL && code != 0)
        wrong = check_untouched(arena, bytes, damaged);
    if (wrong == NULL && code != 0 && audit_writes(arena) != writes)
        wrong = memory_copy_string("something was sent under a journal that was refused");
    if (wrong == NULL && code != 0 && it->option == NULL)
        write_journal(arena, whole, length);
    if (wrong == NULL && code != 0)
        wrong = go_on(arena, it->option, it->option == NULL);
    free(whole);
    return wrong;
}

static char *damage_and_resume(struct arena *arena, const struct damage_case *it)
{
    size_t length = 0;
    char *bytes, *wrong;

    arena_kill_half_way(arena);
    if (!arena_find_run(arena))
        return memory_copy_string("the run is not in the store");
    bytes = arena_read(arena, "journal.jsonl", &length);
    bytes = memory_resize(bytes, length + ROOM);
    wrong = resume_damaged(arena, it, bytes, length);
    free(bytes);
    return wrong;
}

/* --- disks ------------------------------------------------------------------------------------ */

/* A disk of its own for the store. Only root may; errno says why not. */
static bool mount_disk(const struct arena *arena, const char *size)
{
    return mkdir(arena->store, 0700) == 0 &&
           mount("torture", arena->store, "tmpfs", 0, size) == 0;
}

static bool remount(const struct arena *arena, unsigned long flags, const char *size)
{
    return mount("torture", arena->store, "tmpfs", MS_REMOUNT | flags, size) == 0;
}

static char *refused_then(struct arena *arena, int code, const char *says)
{
    if (code == 0)
        return memory_copy_string("it did not fail");
    return expect_said(arena, says);
}

/* The disk is full in the middle of the run, and of its first resume, then has room. */
static char *fill_disk(struct arena *arena)
{
    char *wrong = NULL;

    if (!mount_disk(arena, "size=48k"))
        return memory_format("no disk can be mounted: %s", strerror(errno));
    wrong = refused_then(arena, arena_attempt(arena, NULL), "No space left on device");
    if (wrong == NULL && !arena_find_run(arena))
        wrong = memory_copy_string("the run is not in the store");
    if (wrong == NULL)
        wrong = refused_then(arena, resume_with(arena, NULL), "No space left on device");
    if (wrong == NULL && !remount(arena, 0, "size=16m"))
        wrong = memory_format("no larger disk: %s", strerror(errno));
    if (wrong == NULL)
        wrong = go_on(arena, NULL, true);
    umount2(arena->store, MNT_DETACH);
    return wrong;
}

/* No file may be longer than what is allowed. */
static char *limit_files(struct arena *arena)
{
    char *wrong;

    arena->file_bytes = 40000;
    wrong = refused_then(arena, arena_attempt(arena, NULL), "File too large");
    arena->file_bytes = 0;
    if (wrong == NULL && !arena_find_run(arena))
        wrong = memory_copy_string("the run is not in the store");
    return wrong != NULL ? wrong : go_on(arena, NULL, true);
}

static char *lock_disk(struct arena *arena)
{
    char *wrong;

    if (!mount_disk(arena, "size=16m"))
        return memory_format("no disk can be mounted: %s", strerror(errno));
    arena_kill_half_way(arena);
    if (!arena_find_run(arena) || !remount(arena, MS_RDONLY, "size=16m"))
        wrong = memory_format("it cannot be made read-only: %s", strerror(errno));
    else
        wrong = refused_then(arena, resume_with(arena, NULL), "Read-only file system");
    if (wrong == NULL && !remount(arena, 0, "size=16m"))
        wrong = memory_format("it cannot be made writable: %s", strerror(errno));
    if (wrong == NULL)
        wrong = go_on(arena, NULL, true);
    umount2(arena->store, MNT_DETACH);
    return wrong;
}

/* To who is not root, a folder without the permission to write says the same. */
static char *lock_folder(struct arena *arena)
{
    char *folder, *wrong;

    arena_kill_half_way(arena);
    if (!arena_find_run(arena))
        return memory_copy_string("the run is not in the store");
    folder = memory_format("%s/runs/%s", arena->store, arena->id);
    chmod(folder, 0500);
    wrong = refused_then(arena, resume_with(arena, NULL), "Permission denied");
    chmod(folder, 0700);
    free(folder);
    return wrong != NULL ? wrong : go_on(arena, NULL, true);
}

/* A store that cannot be written to when the run begins: nothing is sent. */
static char *begin_nowhere(struct arena *arena)
{
    char *wrong;
    FILE *file = fopen(arena->store, "w"); /* a file where the folder should be */

    if (file != NULL)
        fclose(file);
    wrong = refused_then(arena, arena_attempt(arena, NULL), "Not a directory");
    if (wrong == NULL && audit_writes(arena) != 0)
        wrong = memory_copy_string("something was sent that no journal knows");
    return wrong;
}

static const struct disk_case {
    const char *name;
    char *(*play)(struct arena *arena);
    bool needs_root, refuses_root;
} disks[] = {
    {"the disk is full", fill_disk, true, false},
    {"files may not be longer", limit_files, false, false},
    {"the disk is read-only", lock_disk, true, false},
    {"the folder is read-only", lock_folder, false, true},
    {"the store is no folder", begin_nowhere, false, false},
};

void mishaps(struct torture *torture)
{
    struct arena arena;
    const bool is_root = geteuid() == 0;

    arena_open(&arena, torture, 10, "10000x", "30m");
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        printf("%s\n", damages[i].name);
        arena_begin(&arena);
        verdict(torture, damage_and_resume(&arena, &damages[i]), "%s", damages[i].name);
    }
    for (size_t i = 0; i < sizeof disks / sizeof disks[0]; i++) {
        if (is_root ? disks[i].refuses_root : disks[i].needs_root)
            continue;
        printf("%s\n", disks[i].name);
        arena_begin(&arena);
        verdict(torture, disks[i].play(&arena), "%s", disks[i].name);
    }
    arena_close(&arena);
}
