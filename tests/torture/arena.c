/* tests/torture/arena.c - a simulator, a store, and the processes that carry a run there. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/depot.h"
#include "run/settings.h"
#include "store/store.h"
#include "torture.h"

enum { AGAIN_MS = 200 }; /* how soon who was refused comes again */

static void fail(const char *what)
{
    fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

int64_t now_ms(void)
{
    return clock_machine_ms();
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L},
              NULL);
}

/* --- the simulator ---------------------------------------------------------------------------- */

static void write_teams(const struct arena *arena)
{
    FILE *file = fopen(arena->teams, "w");

    if (file == NULL)
        fail(arena->teams);
    fputs("team,display_name,group\n", file);
    for (int i = 1; i <= arena->team_count; i++)
        fprintf(file, "team-%04d,Team %d,api-team-%04d\n", i, i, i);
    fclose(file);
}

static char *write_world(const struct arena *arena, const char *gateway)
{
    char *path = memory_format("%s/world.json", arena->folder);
    FILE *file = fopen(path, "w");

    if (file == NULL)
        fail(path);
    fprintf(file,
            "{\"durations\": {\"gateway.create\": \"%s\"}, \"limits\": {\"reads\": null, "
            "\"writes\": null, \"deletes\": null, \"workspaces_per_service\": 1000}, "
            "\"groups\": {\"prefix\": \"api-team-\", \"count\": %d}}\n",
            gateway, arena->team_count);
    fclose(file);
    return path;
}

/* Lines "export NAME=VALUE" go into our environment, and so into that of each process. */
static void take_exports(struct arena *arena, FILE *output)
{
    char line[1024];

    while (fgets(line, sizeof line, output) != NULL && strcmp(line, "ready\n") != 0) {
        char *value = strchr(line, '=');

        line[strcspn(line, "\n")] = '\0';
        if (value == NULL || strncmp(line, "export ", 7) != 0)
            continue;
        *value++ = '\0';
        setenv(line + 7, value, 1);
        if (strcmp(line + 7, "MOONGATE_ENDPOINT") == 0)
            arena->port = atoi(strrchr(value, ':') + 1);
    }
    if (arena->port == 0) {
        fprintf(stderr, "torture: the simulator does not start\n");
        exit(EXIT_FAILURE);
    }
}

static void start_simulator(struct arena *arena, const char *clock, const char *world)
{
    int ends[2];

    if (pipe(ends) != 0 || (arena->simulator = fork()) < 0)
        fail("simulator");
    if (arena->simulator == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(arena->torture->moongate, arena->torture->moongate, "sim", "--listen",
              "127.0.0.1:0", "--control", "--clock", clock, "--world", world,
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);

    FILE *output = fdopen(ends[0], "r");

    take_exports(arena, output);
    fclose(output);
}

static int connect_to(const struct arena *arena)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)arena->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("the simulator is not there");
    return fd;
}

cJSON *arena_ask(const struct arena *arena, const char *method, const char *path)
{
    const int fd = connect_to(arena);
    char *request = memory_format("%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                  "Content-Length: 0\r\n\r\n",
                                  method, path);
    struct buffer answer = {0};
    char piece[65536];
    ssize_t count = send(fd, request, strlen(request), MSG_NOSIGNAL);

    while (count > 0 || (count < 0 && errno == EINTR)) {
        count = recv(fd, piece, sizeof piece, 0);
        if (count > 0)
            buffer_append(&answer, piece, (size_t)count);
    }
    close(fd);
    free(request);

    const char *body = answer.length > 0 ? strstr(answer.data, "\r\n\r\n") : NULL;
    cJSON *json =
        body != NULL
            ? json_parse(body + 4, answer.length - (size_t)(body + 4 - answer.data), NULL)
            : NULL;

    buffer_deinit(&answer);
    return json;
}

/* --- the arena -------------------------------------------------------------------------------- */

static void map_plan(struct arena *arena)
{
    arena->plan_path = memory_format("%s/plan", arena->folder);

    const int fd = open(arena->plan_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, sizeof *arena->plan) != 0)
        fail(arena->plan_path);
    arena->plan =
        mmap(NULL, sizeof *arena->plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (arena->plan == MAP_FAILED)
        fail(arena->plan_path);
    close(fd);
}

void arena_open(struct arena *arena, const struct torture *torture, int team_count,
                const char *clock, const char *gateway)
{
    *arena = (struct arena){.torture = torture,
                            .team_count = team_count,
                            .network = "integration",
                            .lease = torture->azurite != NULL ? "15s" : "1h",
                            .folder = memory_format("%s/arena.XXXXXX", torture->folder)};
    if (mkdtemp(arena->folder) == NULL)
        fail(arena->folder);
    arena->teams = memory_format("%s/teams.csv", arena->folder);
    write_teams(arena);
    map_plan(arena);

    char *world = write_world(arena, gateway);

    start_simulator(arena, clock, world);
    free(world);
}

void arena_close(struct arena *arena)
{
    kill(arena->simulator, SIGTERM);
    waitpid(arena->simulator, NULL, 0);
    munmap(arena->plan, sizeof *arena->plan);
    free(arena->folder), free(arena->teams), free(arena->plan_path);
    free(arena->store), free(arena->id);
}

void arena_begin(struct arena *arena)
{
    arena->round++;
    cJSON_Delete(arena_ask(arena, "POST", "/_sim/reset"));
    free(arena->store), free(arena->id);
    arena->id = NULL;
    arena->store = arena->torture->azurite != NULL
                       ? memory_format("azblob://devstoreaccount1/torture%d/%d", getpid(),
                                       arena->round)
                       : memory_format("%s/store%d", arena->folder, arena->round);
    arena_plan(arena, NULL);
}

void arena_plan(struct arena *arena, const struct kill_plan *plan)
{
    const char *port =
        arena->torture->azurite != NULL ? strrchr(arena->torture->azurite, ':') : NULL;

    *arena->plan = (struct kill_plan){.haste = arena->torture->haste};
    if (plan != NULL)
        *arena->plan = *plan;
    arena->plan->store_port = port != NULL ? atoi(port + 1) : 0;
}

/* --- processes -------------------------------------------------------------------------------- */

static void become(const struct arena *arena, char **words)
{
    char *said = memory_format("%s/said", arena->folder);
    const int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

    if (fd < 0)
        _exit(127);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
    if (arena->file_bytes != 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = arena->file_bytes,
                                                 .rlim_max = arena->file_bytes});
    }
    setenv("LD_PRELOAD", arena->torture->library, 1);
    setenv("TORTURE_FILE", arena->plan_path, 1);
    /* a sanitizer that moongate is built with need not be the first library */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    execv(words[0], words);
    _exit(127);
}

pid_t arena_start(struct arena *arena, bool resumes, const char *option,
                  const char *value)
{
    char *words[24] = {(char *)(uintptr_t)arena->torture->moongate,
                       resumes ? "resume" : "run",
                       "--store",
                       arena->store,
                       "--lease",
                       (char *)(uintptr_t)arena->lease,
                       "--request-timeout",
                       "1h"};
    int count = 8;
    const pid_t process = fork();

    if (process != 0)
        return process > 0 ? process : (fail("fork"), -1);
    if (option != NULL)
        words[count++] = (char *)(uintptr_t)option;
    if (value != NULL)
        words[count++] = (char *)(uintptr_t)value;
    if (resumes) {
        words[count++] = arena->id;
    } else {
        words[count++] = "bulk_onboard";
        words[count++] = "--teams";
        words[count++] = arena->teams;
        words[count++] = "--network";
        words[count++] = (char *)(uintptr_t)arena->network;
    }
    become(arena, words);
    return -1;
}

int arena_wait(pid_t process, int patience_ms)
{
    const int64_t until_ms = now_ms() + patience_ms;
    int status;

    while (waitpid(process, &status, WNOHANG) == 0) {
        if (now_ms() >= until_ms) {
            kill(process, SIGKILL);
            waitpid(process, &status, 0);
            return STARVED;
        }
        pause_ms(2);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int arena_attempt(struct arena *arena, const struct kill_plan *plan)
{
    arena_plan(arena, plan);
    return arena_wait(arena_start(arena, arena_find_run(arena), NULL, NULL), PATIENCE_MS);
}

int arena_attempt_when_free(struct arena *arena, const struct kill_plan *plan)
{
    const int64_t until_ms = now_ms() + PATIENCE_MS;
    int code;

    while ((code = arena_attempt(arena, plan)) == HELD && now_ms() < until_ms)
        pause_ms(AGAIN_MS);
    return code;
}

void arena_compete(struct arena *arena, int *one, int *other)
{
    const int64_t until_ms = now_ms() + PATIENCE_MS;

    for (;;) {
        arena_plan(arena, NULL);

        const pid_t first = arena_start(arena, true, NULL, NULL),
                    second = arena_start(arena, true, NULL, NULL);

        *one = arena_wait(first, PATIENCE_MS);
        *other = arena_wait(second, PATIENCE_MS);
        if (*one != HELD || *other != HELD || now_ms() >= until_ms)
            return;
        pause_ms(AGAIN_MS);
    }
}

int arena_carry(struct arena *arena)
{
    int one, other;

    if (arena->torture->azurite == NULL || !arena_find_run(arena))
        return arena_attempt(arena, NULL);
    arena_compete(arena, &one, &other);
    return one == HELD || one == 0 ? other == HELD ? one : other : one;
}

void arena_kill_half_way(struct arena *arena)
{
    arena_attempt(arena, &(struct kill_plan){.kind = POINT_REQUEST,
                                             .side = POINT_AFTER,
                                             .number = 14 * arena->team_count,
                                             .signal = SIGKILL,
                                             .haste = arena->torture->haste});
}

char *arena_said(const struct arena *arena, size_t most)
{
    char *path = memory_format("%s/said", arena->folder), *text = memory_new(most + 1);
    FILE *file = fopen(path, "r");

    if (file != NULL) {
        if (fseek(file, -(long)most, SEEK_END) != 0)
            rewind(file);
        text[fread(text, 1, most, file)] = '\0';
        fclose(file);
    }
    free(path);
    return text;
}

/* --- the store -------------------------------------------------------------------------------- */

/* Opens the arena's store for a moment; `look` borrows the depot. */
static void with_depot(const struct arena *arena,
                       void (*look)(struct depot *depot, void *context), void *context)
{
    struct settings settings = {.store = arena->store};
    struct failure *failure = NULL;
    struct clock clock;
    struct depot *depot;
    struct loop *loop;

    settings_read_environment(&settings);
    clock_init(&clock, CLOCK_REAL, 1.0);
    loop = loop_new(&clock);
    depot = loop != NULL ? depot_open(&settings, loop, &failure) : NULL;
    if (depot == NULL) {
        fprintf(stderr, "torture: %s\n", failure != NULL ? failure->message : "no loop");
        exit(EXIT_FAILURE);
    }
    look(depot, context);
    depot_close(depot);
    loop_free(loop);
}

/* "runs/ID/": without a manifest nothing was begun there. */
static bool has_manifest(struct depot *depot, const char *run)
{
    char *name = memory_format("%srun.json", run), *bytes = NULL;
    size_t length;
    struct failure *failure = depot_read(depot, name, &bytes, &length);
    const bool is_there = failure == NULL;

    failure_free(failure);
    free(name), free(bytes);
    return is_there;
}

static void find_run(struct depot *depot, void *context)
{
    struct arena *arena = context;
    struct store_call *call = depot_begin(depot);
    char **names;
    size_t count;

    depot_store(depot)->list(depot_store(depot), call, "runs/");
    depot_wait(depot);
    count = call->entry_count;
    names = memory_new((count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = memory_copy_string(call->entries[i].name);
    for (size_t i = 0; i < count; i++) {
        if (arena->id == NULL && has_manifest(depot, names[i]))
            arena->id = memory_copy_text(names[i] + strlen("runs/"),
                                         strlen(names[i]) - strlen("runs/") - 1);
        free(names[i]);
    }
    free(names);
}

bool arena_find_run(struct arena *arena)
{
    if (arena->id == NULL)
        with_depot(arena, find_run, arena);
    return arena->id != NULL;
}

struct reading {
    char *name, *bytes;
    size_t length;
};

static void read_text(struct depot *depot, void *context)
{
    struct reading *reading = context;

    failure_free(depot_read(depot, reading->name, &reading->bytes, &reading->length));
}

char *arena_read(const struct arena *arena, const char *name, size_t *length)
{
    struct reading reading = {.name = memory_format("runs/%s/%s", arena->id, name)};

    with_depot(arena, read_text, &reading);
    free(reading.name);
    *length = reading.length;
    return reading.bytes;
}
