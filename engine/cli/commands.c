/* engine/cli/commands.c - the table of subcommands. */
#include "cli/command.h"

const struct command commands[] = {
    {"run", command_run, "run a script: moongate run [--sim] SCRIPT [arguments]",
     &run_help},
    {"repl", command_repl,
     "the prompt: type lines, and see what they give: moongate repl", &repl_help},
    {"resume", command_resume, "carry a run on that was interrupted: moongate resume RUN",
     &resume_help},
    {"runs", command_runs, "what runs there are, and what becomes of them", &runs_help},
    {"jobs", command_jobs, "scripts run by the clock: what is due, and what became of it",
     &jobs_help},
    {"sim", command_sim, "serve the simulated control plane on a port", &sim_help},
    {"test", command_test, "run files of tests, each test on a simulator of its own",
     &test_help},
    {"doctor", command_doctor, "is everything there: credentials, rights, tier, network",
     &doctor_help},
    {"profiles", command_profiles, "check the configuration, and list its profiles",
     &profiles_help},
    {"login", command_login, "sign in as a person, and keep it for later runs",
     &login_help},
    {"logout", command_logout, "forget a sign-in that was kept", &logout_help},
    {"export", command_export, "the estate as a folder, to review and to bring elsewhere",
     &export_help},
    {"doc", command_doc, "the reference: moongate doc [NAME]", &doc_help},
    {0}};
