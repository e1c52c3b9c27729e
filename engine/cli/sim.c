/* engine/cli/sim.c - moongate sim: serve the simulated control plane. */
#include "sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "cli/command.h"
#include "net/loop.h"
#include "run/run.h"

struct sim_command {
    const char *address, *ca_file, *state_file, *world_file, *clock, *seed, *faults;
    bool is_tls, has_controls, wants_help;
    int signal_count;
    struct sim *sim;
};

static char *take_listen(void *context, const char *text)
{
    return option_take_text(&((struct sim_command *)context)->address, text);
}

static char *take_tls(void *context, const char *text)
{
    (void)text;
    ((struct sim_command *)context)->is_tls = true;
    return NULL;
}

static char *take_ca_out(void *context, const char *text)
{
    return option_take_text(&((struct sim_command *)context)->ca_file, text);
}

static char *take_control(void *context, const char *text)
{
    (void)text;
    ((struct sim_command *)context)->has_controls = true;
    return NULL;
}

static char *take_state(void *context, const char *text)
{
    return option_take_text(&((struct sim_command *)context)->state_file, text);
}

static char *take_world(void *context, const char *text)
{
    return option_take_text(&((struct sim_command *)context)->world_file, text);
}

static char *take_clock(void *context, const char *text)
{
    return option_take_text(&((struct sim_command *)context)->clock, text);
}

static char *take_seed(void *context, const char *text)
{
    char *end;

    (void)strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0')
        return memory_format("'%s' is not a whole number", text);
    ((struct sim_command *)context)->seed = text;
    return NULL;
}

static char *take_faults(void *context, const char *text)
{
    return option_take_faults(&((struct sim_command *)context)->faults, text);
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct sim_command *)context)->wants_help = true;
    return NULL;
}

static const struct option options[] = {
    {"--listen", "ADDRESS", "where to listen, 127.0.0.1:4280 by default", take_listen},
    {"--tls", NULL, "HTTPS, with a certificate of the simulator's own CA", take_tls},
    {"--ca-out", "FILE", "where to write the certificate of that CA (PEM)", take_ca_out},
    {"--control", NULL, "serve /_sim/: its ledger, clock, faults, world", take_control},
    {"--state", "FILE", "keep the world in FILE between runs", take_state},
    {"--world", "FILE", "what the world holds (Lua or JSON)", take_world},
    {"--clock", "CLOCK", "real (the default), virtual, or a factor such as 60x",
     take_clock},
    {"--seed", "N", "the same seed, the same durations and faults", take_seed},
    {"--faults", "LIST", "what shall go wrong, such as throttle=0.1,reset=0.05",
     take_faults},
    {"--sim-faults", "LIST", "the same, as `moongate run` calls it", take_faults},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help sim_help = {
    .usage = "moongate sim [options]",
    .text = "Serves a simulated Azure: Resource Manager, Entra's token endpoint and "
            "Microsoft\n"
            "Graph on one port. Prints what a client needs as lines for a shell, then "
            "`ready`;\n"
            "ends on SIGTERM or Ctrl-C, once what is being asked is answered.\n"
            "\n"
            "With `--record FILE` it serves nothing but writes what there is in Azure as "
            "a world\n"
            "file; see `moongate sim --record FILE --help`.",
    .sections = {{NULL, options, faults_help}, {0}},
};

static bool is_over(void *context)
{
    const struct sim_command *command = context;

    return command->signal_count > 1 || sim_is_finished(command->sim);
}

/* The first asks for an orderly end, the second for one at once. */
static void on_signal(evutil_socket_t number, short events, void *context)
{
    struct sim_command *command = context;

    (void)number, (void)events;
    command->signal_count++;
    sim_finish(command->sim);
}

/* As one word of a shell. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\", stdout); /* ends the quotes; what follows is plain */
        putchar(*text);
        if (*text == '\'')
            putchar('\'');
    }
    puts("'");
}

/* What makes clients trust the CA that know nothing of moongate: Node.js adds it to those
 * that it has; Python's requests (az, the SDK) trusts it in place of them. The like of it for
 * OpenSSL and curl is left to the user: it would cut off every other tool of the shell. */
static void print_ca(const char *file)
{
    static const char *const names[] = {"MOONGATE_CA_FILE", "NODE_EXTRA_CA_CERTS",
                                        "REQUESTS_CA_BUNDLE"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        printf("export %s=", names[i]);
        print_quoted(file);
    }
}

static void print_variable(void *context, const char *name, const char *value)
{
    (void)context;
    printf("export %s=%s\n", name, value);
}

static void print_profile(const struct sim_profile *profile)
{
    sim_tell_variables(profile, print_variable, NULL);
    if (profile->ca_file != NULL)
        print_ca(profile->ca_file);
    if (profile->control_token != NULL)
        printf("export MOONGATE_SIM_CONTROL_TOKEN=%s\n", profile->control_token);
    puts("ready");
    fflush(stdout);
}

/* Hundreds of clients, as far as the system lets us. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit); /* where it fails the old one holds */
    }
}

static void turn(struct sim_command *command, struct loop *loop)
{
    struct event *term = evsignal_new(loop_event_base(loop), SIGTERM, on_signal, command);
    struct event *interrupt =
        evsignal_new(loop_event_base(loop), SIGINT, on_signal, command);

    event_add(term, NULL);
    event_add(interrupt, NULL);
    print_profile(sim_profile(command->sim));
    loop_hold(loop); /* its own jumps are the simulator's to make */
    loop_run(loop, is_over, command, true);
    loop_release(loop);
    event_free(term);
    event_free(interrupt);
}

static int serve(struct sim_command *command, struct loop *loop)
{
    const struct sim_options settings = {
        .state_file = command->state_file,
        .world_file = command->world_file,
        .faults = command->faults,
        .address = command->address != NULL ? command->address : "127.0.0.1:4280",
        .ca_file = command->ca_file,
        .seed = command->seed != NULL ? strtoull(command->seed, NULL, 10) : 0,
        .is_tls = command->is_tls,
        .hides_controls = !command->has_controls};
    struct failure *failure = NULL;

    command->sim = sim_open(loop, &settings, &failure);
    if (command->sim == NULL) {
        command_complain("sim", failure);
        return EXIT_SCRIPT_FAILED;
    }
    if (sim_profile(command->sim)->is_public)
        fprintf(stderr,
                "moongate sim: warning: %s is not of this machine alone, and the "
                "simulator's secrets are no secrets: whoever reaches it can use it\n",
                settings.address);
    raise_descriptor_limit();
    sim_serve_others(command->sim);
    turn(command, loop);
    sim_close(command->sim);
    return EXIT_DONE;
}

/* Whether the words ask for a recording, which is a command with options of its own. */
static bool wants_record(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--record") == 0 || strncmp(argv[i], "--record=", 9) == 0)
            return true;
    }
    return false;
}

int command_sim(int argc, char **argv)
{
    if (wants_record(argc, argv))
        return command_record(argc, argv);

    static const struct option *const tables[] = {options, NULL};
    struct sim_command command = {0};
    enum clock_mode mode = CLOCK_REAL;
    double factor = 1.0;
    struct clock clock;
    int index = 0;

    if (!options_read("sim", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&sim_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate sim: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }
    if (command.ca_file != NULL && !command.is_tls) {
        fputs("moongate sim: --ca-out: there is a CA only with --tls\n", stderr);
        return EXIT_USAGE;
    }
    if (command.clock != NULL && clock_parse(command.clock, &mode, &factor) != 0) {
        fprintf(stderr,
                "moongate sim: --clock: '%s' is not virtual, real, or a factor such "
                "as 60x\n",
                command.clock);
        return EXIT_USAGE;
    }
    clock_init(&clock, mode, factor);
    /* One call of epoll per socket and turn, in place of one per change, saves a tenth of
     * what a request costs. Only here: it asks for descriptors that no child process has a
     * copy of, and this command starts none. */
    setenv("EVENT_EPOLL_USE_CHANGELIST", "1", 0);

    struct loop *loop = loop_new(&clock);

    if (loop == NULL) {
        fputs("moongate sim: the system gives no event loop\n", stderr);
        return EXIT_SCRIPT_FAILED;
    }

    const int code = serve(&command, loop);

    loop_free(loop);
    return code;
}
