/* engine/cli/doc.c - moongate doc: the reference, from the model and the doc comments. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "run/run.h"
#include "run/session.h"

#define MARK ".moongate-doc" /* is in each folder that was written here */
#define PART ".part"         /* ends the name of a file until all are there */

struct doc_command {
    const char *face; /* NULL: text */
    const char *folder;
    bool wants_manual, wants_help;
};

static char *choose(struct doc_command *command, const char *face, const char *folder)
{
    if (command->face != NULL)
        return memory_format("there is --%s already", command->face);
    if (folder != NULL && folder[0] == '\0')
        return memory_format("a folder expected");
    command->face = face;
    command->folder = folder;
    return NULL;
}

static char *take_html(void *context, const char *text)
{
    return choose(context, "html", text);
}

static char *take_json(void *context, const char *text)
{
    return choose(context, "json", text);
}

static char *take_luacats(void *context, const char *text)
{
    return choose(context, "luacats", text);
}

static char *take_man(void *context, const char *text)
{
    (void)text;
    ((struct doc_command *)context)->wants_manual = true;
    return choose(context, "man", NULL);
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct doc_command *)context)->wants_help = true;
    return NULL;
}

static const struct option doc_options[] = {
    {"--html", "DIR", "write pages for a browser into this folder", take_html},
    {"--json", NULL, "print all of it as one JSON document", take_json},
    {"--luacats", "DIR", "write definitions for lua-language-server", take_luacats},
    {"--man", NULL, "print the manual page, moongate(1), in roff", take_man},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help doc_help = {
    .usage = "moongate doc [options] [NAME]",
    .text = "Prints the reference of a module (workspaces), a function\n"
            "(workspaces.ensure), a kind of resource (gateway), a collection (ws.apis),\n"
            "a property (gateway.units) or, without NAME, what there is.",
    .sections = {{NULL, doc_options, NULL}, {0}},
};

/* Whether nothing of others is in the folder: it is empty or has our mark. */
static bool is_ours(DIR *folder)
{
    bool is_empty = true;

    for (const struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        if (strcmp(entry->d_name, MARK) == 0)
            return true;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_empty = false;
    }
    return is_empty;
}

/* Makes the folder and marks it. Returns false after a message. */
static bool prepare_folder(const char *path)
{
    DIR *folder = mkdir(path, 0777) == 0 || errno == EEXIST ? opendir(path) : NULL;

    if (folder == NULL) {
        fprintf(stderr, "moongate doc: %s: %s\n", path, strerror(errno));
        return false;
    }

    const bool is_free = is_ours(folder);
    const int mark =
        is_free ? openat(dirfd(folder), MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;

    if (!is_free)
        fprintf(
            stderr,
            "moongate doc: %s has files that moongate doc did not write; name another "
            "folder\n",
            path);
    else if (mark < 0)
        fprintf(stderr, "moongate doc: %s: %s\n", path, strerror(errno));
    if (mark >= 0)
        close(mark);
    closedir(folder);
    return mark >= 0;
}

/* The width of the terminal as text, by COLUMNS or what the terminal says; "80" else. */
static char *columns(void)
{
    const char *told = getenv("COLUMNS");
    struct winsize size = {0};

    if (told != NULL && strtol(told, NULL, 10) > 0)
        return memory_format("%ld", strtol(told, NULL, 10));
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return memory_format("%d", size.ws_col);
    return memory_format("80");
}

static int execute(const char *code, char **arguments, int count)
{
    const struct settings settings = {.quiet = true};
    const struct run_request request = {
        .code = code, .arguments = arguments, .argument_count = count};
    struct session *session = session_open(&settings, NULL);
    const int result = run_script(session, &request);

    session_close(session);
    return result;
}

static int print_text(char *name)
{
    char *width = columns();
    char *arguments[] = {width, name};
    const int code = execute("local width, name = ... require 'doc'.print(name, width)",
                             arguments, name != NULL ? 2 : 1);

    free(width);
    return code;
}

/* Gives the files that end with PART their names, or removes them when the run failed.
 * Returns false after a message. */
static bool settle_parts(const char *path, bool is_whole)
{
    DIR *folder = opendir(path);
    bool is_fine = folder != NULL;

    for (const struct dirent *entry = is_fine ? readdir(folder) : NULL; entry != NULL;
         entry = readdir(folder)) {
        const size_t length = strlen(entry->d_name), end = strlen(PART);

        if (length <= end || strcmp(entry->d_name + length - end, PART) != 0)
            continue;

        char *name = memory_copy_text(entry->d_name, length - end);

        if (is_whole)
            is_fine = renameat(dirfd(folder), entry->d_name, dirfd(folder), name) == 0 &&
                      is_fine;
        else
            unlinkat(dirfd(folder), entry->d_name, 0);
        free(name);
    }
    if (!is_fine)
        fprintf(stderr, "moongate doc: %s: %s\n", path, strerror(errno));
    if (folder != NULL)
        closedir(folder);
    return is_fine;
}

static int render(const struct doc_command *command)
{
    char *arguments[] = {(char *)command->face, (char *)command->folder};

    if (command->folder != NULL && !prepare_folder(command->folder))
        return EXIT_SCRIPT_FAILED;

    const int code =
        execute("require 'doc'.render(...)", arguments, command->folder != NULL ? 2 : 1);

    if (command->folder != NULL && !settle_parts(command->folder, code == EXIT_DONE))
        return EXIT_SCRIPT_FAILED;
    return code;
}

int command_doc(int argc, char **argv)
{
    static const struct option *const tables[] = {doc_options, NULL};
    struct doc_command command = {0};
    int index = 0;

    if (!options_read("doc", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&doc_help);
        return EXIT_DONE;
    }
    if (argc - index > (command.face == NULL ? 1 : 0)) {
        fprintf(stderr,
                command.face == NULL
                    ? "moongate doc: one name expected; see `moongate doc --help`\n"
                    : "moongate doc: no name expected beside such an option\n");
        return EXIT_USAGE;
    }
    if (command.wants_manual) {
        manual_print();
        return EXIT_DONE;
    }
    return command.face != NULL ? render(&command)
                                : print_text(index < argc ? argv[index] : NULL);
}
