/* engine/run/config_notice.c - `notify` of a job: who is told, and by what way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "run/config_parts.h"

enum {
    WEBHOOK = 1 << NOTICE_WEBHOOK,
    TEAMS = 1 << NOTICE_TEAMS,
    SLACK = 1 << NOTICE_SLACK,
    MAIL = 1 << NOTICE_MAIL,
    COMMAND = 1 << NOTICE_COMMAND,
    ALL_WAYS = WEBHOOK | TEAMS | SLACK | MAIL | COMMAND,

    ALL_EVENTS = JOB_FAILURE | JOB_RECOVERY | JOB_LATENESS,
    MOST_RECEIVERS = 50,
    MOST_COMMAND_WORDS = 64,
    LONGEST_VARIABLE = 128
};

struct notice_row {
    struct config_field field;
    unsigned ways; /* with which it goes */
    /* Takes the value on top. NULL, or what is wrong with it, owned by the caller. */
    char *(*take)(struct job_reading *reading, struct notice *notice);
};

/* --- values ------------------------------------------------------------------------- */

/* Whether the table on top has one key, and that. */
static bool has_only(lua_State *L, const char *key)
{
    size_t count = 0, fitting = 0;

    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        count++;
        if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), key) == 0)
            fitting++;
    }
    return count == 1 && fitting == 1;
}

/* Whoever checks the file may be another one than whoever needs the variable. */
static void warn_unset(struct job_reading *reading, const char *variable)
{
    struct map *known = &reading->mistakes->unset_variables;
    const char *value = getenv(variable);

    if (!reading->mistakes->are_all || (value != NULL && value[0] != '\0') ||
        map_set(known, variable, known) != NULL)
        return;
    config_job_warning(reading, "notify",
                       memory_format("the variable %s is not set here", variable));
}

/* {env = "VARIABLE"}: where a secret is. */
static char *take_variable(struct job_reading *reading, const char **to)
{
    static const char form[] = "{env = \"VARIABLE\"}", key[] = "env";
    lua_State *L = reading->L;
    char *wrong = NULL;

    if (lua_type(L, -1) == LUA_TSTRING)
        return memory_format("a configuration holds no secrets: name the variable of the "
                             "environment that has it, %s",
                             form);
    if (!lua_istable(L, -1))
        return config_complain_type(form, L);
    if (!has_only(L, key))
        return memory_format("%s expected, and nothing else in it", form);
    lua_pushstring(L, key);
    lua_rawget(L, -2);

    const char *name = config_look_at_text(L, &wrong);

    if (name != NULL && (strlen(name) > LONGEST_VARIABLE ||
                         !text_matches(name, "^[A-Za-z_][A-Za-z0-9_]*$")))
        wrong = memory_format("'%s' is no name of a variable", name);
    else if (name != NULL)
        *to = config_keep(reading->config, memory_copy_string(name));
    lua_pop(L, 1);
    if (*to != NULL)
        warn_unset(reading, *to);
    return wrong;
}

static char *keep_text(struct job_reading *reading, const char **to)
{
    char *wrong;
    const char *text = config_look_at_text(reading->L, &wrong);

    if (text != NULL)
        *to = config_keep(reading->config, memory_copy_string(text));
    return wrong;
}

/* What is said in it is not repeated: part of it may be a secret. */
static char *take_url(struct job_reading *reading, struct notice *notice)
{
    char *wrong;

    if (lua_istable(reading->L, -1))
        return take_variable(reading, &notice->url_env);
    wrong = keep_text(reading, &notice->url);
    if (wrong == NULL &&
        (url_origin_length(notice->url) == 0 || !url_is_clean(notice->url)))
        wrong = memory_copy_string("a URL such as https://host/path expected, without a "
                                   "user; or {env = \"VARIABLE\"}");
    return wrong;
}

static char *take_hidden_url(struct job_reading *reading, struct notice *notice)
{
    return take_variable(reading, &notice->url_env);
}

static char *take_secret(struct job_reading *reading, struct notice *notice)
{
    return take_variable(reading, &notice->secret_env);
}

static char *take_server(struct job_reading *reading, struct notice *notice)
{
    char *wrong = keep_text(reading, &notice->server);

    /* it is not repeated: there may be a password in it */
    if (wrong == NULL && mailbox_check_server(notice->server) != NULL)
        wrong = memory_format("it %s", mailbox_check_server(notice->server));
    return wrong;
}

static char *take_user(struct job_reading *reading, struct notice *notice)
{
    return keep_text(reading, &notice->user);
}

static char *take_password(struct job_reading *reading, struct notice *notice)
{
    return take_variable(reading, &notice->password_env);
}

static char *keep_address(struct job_reading *reading, const char **to)
{
    char *wrong = keep_text(reading, to);

    if (wrong == NULL && mailbox_check(*to) != NULL)
        wrong = memory_format("'%s' %s", *to, mailbox_check(*to));
    return wrong;
}

static char *take_from(struct job_reading *reading, struct notice *notice)
{
    return keep_address(reading, &notice->from);
}

/* The texts of the list on top, each kept by `keep`, into a list that is ended by NULL. */
static char *take_list(struct job_reading *reading, lua_Integer most,
                       char *(*keep)(struct job_reading *reading, const char **to),
                       const char *const **to)
{
    lua_State *L = reading->L;
    lua_Integer count;
    char *wrong = NULL;

    if (!config_is_list(L, &count) || count == 0)
        return lua_istable(L, -1) ? memory_copy_string("a list expected, {\"a\", \"b\"}")
                                  : config_complain_type("a list", L);
    if (count > most)
        return memory_format("more than %lld of them", (long long)most);

    const char **list = config_keep_block(reading->config,
                                          memory_new(((size_t)count + 1) * sizeof *list));

    for (lua_Integer i = 1; i <= count && wrong == NULL; i++) {
        lua_rawgeti(L, -1, i);
        wrong = keep(reading, &list[i - 1]);
        lua_pop(L, 1);
    }
    *to = list;
    return wrong;
}

static char *take_to(struct job_reading *reading, struct notice *notice)
{
    const char **one;

    if (lua_type(reading->L, -1) != LUA_TSTRING)
        return take_list(reading, MOST_RECEIVERS, keep_address, &notice->to);
    one = config_keep_block(reading->config, memory_new(2 * sizeof *one));
    notice->to = one;
    return keep_address(reading, one);
}

static char *take_command(struct job_reading *reading, struct notice *notice)
{
    char *wrong = take_list(reading, MOST_COMMAND_WORDS, keep_text, &notice->command);

    if (wrong != NULL)
        return wrong;

    const char *program = notice->command[0];

    if (program[0] != '/')
        return memory_format("'%s' is no absolute path of a program", program);
    if (reading->mistakes->are_all && access(program, X_OK) != 0)
        return memory_format("%s: %s", program, strerror(errno));
    return NULL;
}

static char *add_event(struct job_reading *reading, unsigned *events)
{
    char *wrong;
    const char *text = config_look_at_text(reading->L, &wrong);

    for (unsigned i = 0; text != NULL && job_event_names[i] != NULL; i++) {
        if (strcmp(job_event_names[i], text) == 0) {
            *events |= 1U << i;
            return NULL;
        }
    }
    return text == NULL
               ? wrong
               : memory_format("'%s' is not failure, recovery or lateness", text);
}

static char *take_on(struct job_reading *reading, struct notice *notice)
{
    lua_State *L = reading->L;
    lua_Integer count;
    char *wrong = NULL;

    if (lua_type(L, -1) == LUA_TSTRING)
        return add_event(reading, &notice->events);
    if (!config_is_list(L, &count) || count == 0)
        return lua_istable(L, -1)
                   ? memory_copy_string("a list expected, {\"failure\", \"recovery\"}")
                   : config_complain_type("an event or a list of them", L);
    for (lua_Integer i = 1; i <= count && wrong == NULL; i++) {
        lua_rawgeti(L, -1, i);
        wrong = add_event(reading, &notice->events);
        lua_pop(L, 1);
    }
    return wrong;
}

/* --- the table ---------------------------------------------------------------------- */

/* The ways first, in the order of their names. */
static const struct notice_row rows[] = {
    {{"webhook", "URL", "JSON is sent there; or {env = \"VARIABLE\"} that has the URL"},
     WEBHOOK,
     take_url},
    {{"teams", "{env=}", "the variable that has the URL of a webhook of Teams"},
     TEAMS,
     take_hidden_url},
    {{"slack", "{env=}", "the same of Slack"}, SLACK, take_hidden_url},
    {{"mail", "SERVER", "smtps://host:465 or smtp://host:25"}, MAIL, take_server},
    {{"command", "LIST", "an absolute path, and arguments; JSON is in MOONGATE_NOTICE"},
     COMMAND,
     take_command},
    {{"secret", "{env=}", "of webhook: the variable that has the key of the signature"},
     WEBHOOK,
     take_secret},
    {{"from", "ADDRESS", "of mail: who sends it"}, MAIL, take_from},
    {{"to", "ADDRESSES", "of mail: who gets it, one or a list of up to 50"},
     MAIL,
     take_to},
    {{"user", "NAME", "of mail: who signs in at the server"}, MAIL, take_user},
    {{"password", "{env=}", "of mail: the variable that has the user's password"},
     MAIL,
     take_password},
    {{"on", "EVENTS", "failure, recovery, lateness: one or a list; else all of them"},
     ALL_WAYS,
     take_on}};

enum { ROWS = sizeof rows / sizeof rows[0] };

_Static_assert((int)ROWS <= CONFIG_MOST_FIELDS, "CONFIG_MOST_FIELDS is too small");

struct config_field config_notice_field(size_t index)
{
    return index < ROWS ? rows[index].field : (struct config_field){0};
}

/* --- notices ------------------------------------------------------------------------ */

/* Takes the text. */
static void add_mistake(struct job_reading *reading, const char *place, const char *field,
                        char *wrong)
{
    char *whole = memory_format("%s%s%s", place, field[0] != '\0' ? "." : "", field);

    config_job_mistake(reading, whole, wrong);
    free(whole);
}

/* Which of the rows the table on top has; bits. */
static unsigned find_said(lua_State *L)
{
    unsigned said = 0;

    for (unsigned i = 0; i < ROWS; i++) {
        lua_pushstring(L, rows[i].field.name);
        if (lua_rawget(L, -2) != LUA_TNIL)
            said |= 1U << i;
        lua_pop(L, 1);
    }
    return said;
}

/* False when there is none, or more than one. */
static bool find_way(struct job_reading *reading, const char *place, unsigned said,
                     enum notice_way *way)
{
    const unsigned ways = said & ALL_WAYS;
    int i = 0;

    if (ways == 0 || (ways & (ways - 1)) != 0) {
        config_job_mistake(reading, place,
                           memory_copy_string("one of webhook, teams, slack, mail and "
                                              "command expected in each table"));
        return false;
    }
    while (ways != 1U << i)
        i++;
    *way = (enum notice_way)i;
    return true;
}

static bool says(unsigned said, const char *name)
{
    unsigned i = 0;

    while (strcmp(rows[i].field.name, name) != 0)
        i++;
    return (said & 1U << i) != 0;
}

/* Port 587 is for those who sign in, and has STARTTLS (RFC 6409, 4.3; RFC 8314, 3.3). */
static bool may_lack_tls(const struct notice *notice)
{
    return notice->server != NULL && text_matches(notice->server, "^smtp://") &&
           !text_matches(notice->server, ":587$");
}

static void check_mail(struct job_reading *reading, const char *place, unsigned said,
                       const struct notice *notice)
{
    if (!says(said, "from") || !says(said, "to"))
        config_job_mistake(reading, place, memory_copy_string("mail needs from and to"));
    if (says(said, "user") != says(said, "password"))
        config_job_mistake(reading, place,
                           memory_copy_string("user and password go together"));
    else if (says(said, "password") && may_lack_tls(notice))
        config_job_warning(reading, place,
                           memory_copy_string("the password is sent only when the server "
                                              "offers STARTTLS; smtps:// is TLS from the "
                                              "beginning"));
}

/* The table on top; `place` is "notify", or "notify[2]". */
static void take_notice(struct job_reading *reading, const char *place,
                        struct notice *notice)
{
    lua_State *L = reading->L;
    const char *names[ROWS];
    const unsigned said = find_said(L);

    for (unsigned i = 0; i < ROWS; i++)
        names[i] = rows[i].field.name;
    config_check_job_keys(reading, place, names, ROWS);
    if (!find_way(reading, place, said, &notice->way))
        return;
    for (unsigned i = 0; i < ROWS; i++) {
        char *wrong = NULL;

        if ((said & 1U << i) == 0)
            continue;
        lua_pushstring(L, names[i]);
        lua_rawget(L, -2);
        wrong =
            (rows[i].ways & 1U << notice->way) != 0
                ? rows[i].take(reading, notice)
                : memory_format("it does not go with %s", notice_way_names[notice->way]);
        lua_pop(L, 1);
        if (wrong != NULL)
            add_mistake(reading, place, names[i], wrong);
    }
    if (notice->way == NOTICE_MAIL)
        check_mail(reading, place, said, notice);
    if (notice->events == 0)
        notice->events = ALL_EVENTS;
}

static void take_notices(struct job_reading *reading, lua_Integer count,
                         struct notice *notices)
{
    for (lua_Integer i = 1; i <= count; i++) {
        char *place = memory_format("notify[%lld]", (long long)i);

        lua_rawgeti(reading->L, -1, i);
        if (lua_istable(reading->L, -1))
            take_notice(reading, place, &notices[i - 1]);
        else
            config_job_mistake(reading, place,
                               config_complain_type("a table", reading->L));
        lua_pop(reading->L, 1);
        free(place);
    }
}

void config_take_notices(struct job_reading *reading)
{
    lua_State *L = reading->L;
    struct job *job = reading->job;
    lua_Integer count;
    const bool is_list = config_is_list(L, &count) && count > 0;
    struct notice *notices;

    if (!lua_istable(L, -1)) {
        config_job_mistake(reading, "notify",
                           config_complain_type("a table or a list of them", L));
        return;
    }
    if (count > JOB_MOST_NOTICES) {
        config_job_mistake(reading, "notify",
                           memory_format("more than %d of them", JOB_MOST_NOTICES));
        return;
    }
    if (!is_list)
        count = 1;
    notices =
        config_keep_block(reading->config, memory_new((size_t)count * sizeof *notices));
    job->notices = notices;
    job->notice_count = (size_t)count;
    if (is_list)
        take_notices(reading, count, notices);
    else
        take_notice(reading, "notify", notices);
}
