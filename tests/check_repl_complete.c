/* tests/check_repl_complete.c - Tab, hints and colours at the prompt of `moongate repl`. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "repl.h"
#include "simulator.h"

#define P      REPL_PROMPT
#define CTRL_C "\x03"
#define CTRL_L "\x0c"
#define CTRL_U "\x15"

static void start(void)
{
    repl_write("config/moongate/init.lua",
               "for _, name in ipairs {'payments', 'orders', 'order-events'} do\n"
               "  workspaces.create(name)\n"
               "end\n"
               "ws = workspaces.get('payments')\n"
               "function double(number) return 2 * number end\n");
    repl_start("--sim --clock virtual --seed 1");
    repl_type(CTRL_L);
    repl_see_screen(P EMULATOR_CURSOR "\n");
}

/* Waits until what is typed is this, up to the hint behind it. */
static void see_typed(const char *text)
{
    char *line = memory_format(P "%s", text);

    repl_see(line);
    free(line);
}

/* Names of resources are fetched at the first Tab, and are there at one of the next. */
static void press_tab_until(const char *text)
{
    const long long deadline_us = pty_deadline_us();

    while (!pty_has(&repl.pty, text)) {
        const long long pause_us = pty_now_us() + 50000;

        repl_check(pause_us < deadline_us, "never completed", text);
        repl_type("\t");
        while (!pty_has(&repl.pty, text) && pty_turn(&repl.pty, 0, pause_us))
            ;
    }
}

/* --- each of its places --------------------------------------------------------------------- */

/* One Tab and what is typed then. */
static const struct {
    const char *typed, *completed;
} places[] = {
    {"doub", "double"},                       /* what a line defined */
    {"workspa", "workspaces"},                /* a module */
    {"loca", "local"},                        /* a keyword */
    {"workspaces.ensu", "workspaces.ensure"}, /* a member of a module */
    {"string.rev", "string.reverse"},         /* of Lua's own */
    {"ws:dele", "ws:delete"},                 /* a method */
    {"ws.disp", "ws.display_name"},           /* a field */
    {"ws.apis:ensu", "ws.apis:ensure"},       /* a method of a nested collection */
    {"x = 1 + doub", "x = 1 + double"},       /* in the middle of a line */
    {"gateways.create('g', {uni", "gateways.create('g', {units"},
    {"gateways.create('g', {network = 'inj",
     "gateways.create('g', {network = 'injection'"},
    {"gateways.create('g', {units = 1, network = \"non",
     "gateways.create('g', {units = 1, network = \"none\""},
    {"workspaces.get('paym", "workspaces.get('payments'"}, /* a live resource */
    {"workspaces.get \"paym", "workspaces.get \"payments\""},
    {"\\timi", "\\timing"}, /* a command */
};

START_TEST(tab_completes)
{
    start();
    repl_type(places[_i].typed);
    see_typed(places[_i].typed);
    press_tab_until(places[_i].completed);
    see_typed(places[_i].completed);
}
END_TEST

START_TEST(one_tab_is_enough_for_names_that_have_to_be_read)
{
    start();
    repl_type("workspaces.get 'paym\t");
    see_typed("workspaces.get 'payments'");
}
END_TEST

/* Whoever types on has another text by then. */
START_TEST(names_that_come_late_change_no_other_text)
{
    start();
    repl_type("workspaces.get 'paym\tx");
    see_typed("workspaces.get 'paymx");
    repl_type("\x7f\t");
    see_typed("workspaces.get 'payments'");
}
END_TEST

START_TEST(tab_shows_what_fits_when_it_is_more_than_one)
{
    start();
    repl_type("tasks.t");
    see_typed("tasks.t");
    repl_type("\t");
    repl_see("\ntimeout");
    repl_see("try");
    see_typed("tasks.t");
    repl_type("r");
    repl_see_no_more("timeout");
    repl_type("\t");
    see_typed("tasks.try");
}
END_TEST

START_TEST(tab_goes_as_far_as_all_that_fits_agrees)
{
    start();
    repl_type("workspaces.get('or");
    see_typed("workspaces.get('or");
    press_tab_until("'order");
    see_typed("workspaces.get('order");
    repl_type("\t");
    repl_see("order-events");
    repl_see("orders");
}
END_TEST

START_TEST(tab_where_nothing_fits_changes_nothing)
{
    start();
    repl_type("nothing_like_this.x\t\t");
    repl_type("y");
    see_typed("nothing_like_this.xy");
}
END_TEST

START_TEST(a_call_hints_at_its_arguments)
{
    start();
    repl_type("tasks.sleep(");
    repl_see("\n    (<duration>): seconds");
    repl_type("1)");
    repl_see_no_more("<duration>");
    repl_type("\r");
    repl_await_prompt();
    ck_assert(pty_has(&repl.pty, P "tasks.sleep(1)\n"));
    repl_leave();
}
END_TEST

/* --- colours ------------------------------------------------------------------------------ */

static bool has_style(const struct pty *pty, const char *text)
{
    char *seen = emulator_render(&pty->screen, EMULATOR_WITH_STYLES);
    const bool has = strstr(seen, text) != NULL;

    free(seen);
    return has;
}

START_TEST(the_simulator_is_green)
{
    repl_set(memory_copy_string("NO_COLOR="));
    repl_launch("--sim --clock virtual");
    repl_check(pty_wait_until(&repl.pty, has_style, "<1;32>sim<0> rg-apim/contoso-apim>"),
               "not green", "");
}
END_TEST

/* The line has left the row that it was typed in. */
static bool is_waiting(const struct pty *pty, const char *unused)
{
    (void)unused;
    return pty->screen.column == 0;
}

static void take_over(const char *name)
{
    char *value = simulator_value(name);

    ck_assert_ptr_nonnull(value);
    repl_set(memory_format("%s=%s", name, value));
    free(value);
}

START_TEST(production_is_white_on_red)
{
    ck_assert(simulator_start((const char *const[]){"--listen", "127.0.0.1:0", NULL}));
    for (size_t i = 0; i < 6; i++)
        take_over((const char *const[]){"AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID",
                                        "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
                                        "AZURE_AUTHORITY_HOST", "MOONGATE_ENDPOINT"}[i]);
    repl_set(memory_copy_string("NO_COLOR="));
    repl_write(
        "config/moongate/config.lua",
        "profile \"prod\" {resource_group = \"rg-apim\", service = \"contoso-apim\", "
        "production = true}\n");
    repl_launch("--profile prod");
    repl_check(
        pty_wait_until(&repl.pty, has_style, "<1;97;41>prod<0> rg-apim/contoso-apim>"),
        "not red", "");
    repl_type("#workspaces.list()\r");
    repl_see("_1 = 0\n");
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
    repl_type("#workspaces.list()\r");
    repl_check(pty_wait_until(&repl.pty, is_waiting, ""), "it does not wait", "");
    repl_type(CTRL_C); /* it would try again for minutes */
    repl_see("interrupted");
    repl_type("1 + 1\r");
    repl_see("_3 = 2\n");
}
END_TEST

static void end(void)
{
    simulator_drop();
    repl_end();
}

int main(void)
{
    Suite *suite = suite_create("repl_complete");
    TCase *topic = add_case(suite, "tab", repl_begin, repl_end);

    tcase_add_loop_test(topic, tab_completes, 0, COUNT_OF(places));
    tcase_add_test(topic, one_tab_is_enough_for_names_that_have_to_be_read);
    tcase_add_test(topic, names_that_come_late_change_no_other_text);
    tcase_add_test(topic, tab_shows_what_fits_when_it_is_more_than_one);
    tcase_add_test(topic, tab_goes_as_far_as_all_that_fits_agrees);
    tcase_add_test(topic, tab_where_nothing_fits_changes_nothing);
    tcase_add_test(topic, a_call_hints_at_its_arguments);

    topic = add_case(suite, "colours", repl_begin, end);
    tcase_add_test(topic, the_simulator_is_green);
    tcase_add_test(topic, production_is_white_on_red);
    return run_suite(suite);
}
