/* tests/check_sim_kill.c - kills the simulator while it writes, again and again: its state
 * file opens, and holds every write that was acknowledged.
 *
 * MOONGATE_KILLS says how often, 10 by default; `make bench` does it 200 times. */
#include "tests/simulator.h"
#include "tests/suite.h"

#include <poll.h>
#include <sqlite3.h>
#include <time.h>

#include "base/json.h"

enum { NAMES = 40, STREAMS = 4, MOST_ACKS = 60, DELETE_EACH = 4, DEFAULT_KILLS = 10 };

/* Each write gives a workspace the next number as its name on display, or deletes it, which
 * counts as the number 0. */
struct workspace {
    int sent, acknowledged; /* what the last ones said */
};

/* A connection; what it waits for is one of its own names. */
struct stream {
    int fd, first_name, name, number;
};

static struct workspace workspaces[NAMES];
static int write_count;
static char folder[64];
static char *state, *bearer, *prefix; /* a header line; the path of a workspace */

static void give_a_folder(void)
{
    strcpy(folder, "/tmp/check_sim_kill.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    state = memory_format("%s/state", folder);

    char *world = memory_format("%s/world", folder);
    FILE *file = fopen(world, "w");

    fputs("{\"limits\":{\"reads\":null,\"writes\":null,\"deletes\":null}}", file);
    fclose(file);
    free(world);
}

static void take_the_folder(void)
{
    char *command = memory_format("rm -rf %s", folder);

    simulator_drop();
    ck_assert_int_eq(system(command), 0);
    free(command), free(state), free(bearer), free(prefix);
}

static void say_request(int fd, const char *method, const char *path, const char *fields,
                        const char *body)
{
    char *text =
        memory_format("%s %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s",
                      method, path, fields, strlen(body), body);

    simulator_say(fd, text);
    free(text);
}

static void sign_in(int fd)
{
    struct reply reply = {0};
    char *tenant = simulator_value("AZURE_TENANT_ID"),
         *id = simulator_value("AZURE_CLIENT_ID"),
         *secret = simulator_value("AZURE_CLIENT_SECRET"),
         *subscription = simulator_value("AZURE_SUBSCRIPTION_ID");
    char *path = memory_format("/%s/oauth2/v2.0/token", tenant);
    char *form =
        memory_format("grant_type=client_credentials&client_id=%s&client_secret=%s"
                      "&scope=https://management.azure.com/.default",
                      id, secret);

    say_request(fd, "POST", path, "", form);
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 200);

    cJSON *json = json_parse(reply.body.data, reply.body.length, NULL);

    free(bearer), free(prefix);
    bearer = memory_format("Authorization: Bearer %s\r\n",
                           json_string_at(json, "access_token"));
    prefix = memory_format("/subscriptions/%s/resourceGroups/rg-apim/providers/"
                           "Microsoft.ApiManagement/service/contoso-apim/workspaces/",
                           subscription);
    cJSON_Delete(json);
    reply_deinit(&reply);
    free(tenant), free(id), free(secret), free(subscription), free(path), free(form);
}

static char *format_path(int name)
{
    return memory_format("%sw%d?api-version=2024-05-01", prefix, name);
}

/* ---- writing ---- */

static void write_next(struct stream *stream)
{
    stream->name = stream->first_name + STREAMS * (int)(random() % (NAMES / STREAMS));
    write_count++;
    stream->number = random() % DELETE_EACH == 0 ? 0 : write_count;
    workspaces[stream->name].sent = stream->number;

    char *path = format_path(stream->name);
    char *body =
        stream->number == 0
            ? memory_copy_string("")
            : memory_format("{\"properties\":{\"displayName\":\"%d\"}}", stream->number);
    char *fields =
        memory_format("%s%s", bearer, stream->number == 0 ? "If-Match: *\r\n" : "");

    say_request(stream->fd, stream->number == 0 ? "DELETE" : "PUT", path, fields, body);
    free(path), free(body), free(fields);
}

/* False when the connection has ended. */
static bool take_answer(struct stream *stream)
{
    struct reply reply = {0};
    const bool is_there = reply_read(&reply, stream->fd, true);

    if (is_there) {
        ck_assert_msg(reply.status >= 200 && reply.status <= 204, "%d %s", reply.status,
                      reply.body.data);
        workspaces[stream->name].acknowledged = stream->number;
    }
    reply_deinit(&reply);
    return is_there;
}

/* Takes the answers that are there, and writes on where they came. */
static int take_answers(struct stream streams[STREAMS])
{
    struct pollfd waits[STREAMS];
    int count = 0;

    for (int i = 0; i < STREAMS; i++)
        waits[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
    ck_assert_int_gt(poll(waits, STREAMS, SIMULATOR_PATIENCE_S * 1000), 0);
    for (int i = 0; i < STREAMS; i++) {
        if (waits[i].revents == 0)
            continue;
        ck_assert(take_answer(&streams[i]));
        write_next(&streams[i]);
        count++;
    }
    return count;
}

/* Anywhere within a write: nobody knows where it is by now. */
static void linger_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = random() % 400000};

    nanosleep(&moment, NULL);
}

/* What was acknowledged before the end counts, even when it is read after it. */
static void write_until_killed(void)
{
    struct stream streams[STREAMS];
    int left = 1 + (int)(random() % MOST_ACKS);

    for (int i = 0; i < STREAMS; i++) {
        streams[i] = (struct stream){.fd = simulator_connect(), .first_name = i};
        ck_assert_int_ge(streams[i].fd, 0);
        if (i == 0)
            sign_in(streams[i].fd);
        write_next(&streams[i]);
    }
    while (left > 0)
        left -= take_answers(streams);
    linger_a_moment();
    ck_assert_int_eq(simulator_end(SIGKILL), -1);
    for (int i = 0; i < STREAMS; i++) {
        take_answer(&streams[i]);
        close(streams[i].fd);
    }
}

/* ---- looking ---- */

/* The number that a workspace has now; 0 when it is not there. */
static int read_number(int fd, int name)
{
    struct reply reply = {0};
    char *path = format_path(name);
    int number = 0;

    say_request(fd, "GET", path, bearer, "");
    ck_assert(reply_read(&reply, fd, true));
    if (reply.status == 200) {
        cJSON *json = json_parse(reply.body.data, reply.body.length, NULL);

        number = atoi(json_string_at(json, "properties.displayName"));
        cJSON_Delete(json);
    } else {
        ck_assert_int_eq(reply.status, 404);
    }
    reply_deinit(&reply);
    free(path);
    return number;
}

/* A write that was not acknowledged may be there or not. */
static void check_writes(void)
{
    const int fd = simulator_connect();

    ck_assert_int_ge(fd, 0);
    sign_in(fd);
    for (int i = 0; i < NAMES; i++) {
        const int number = read_number(fd, i);

        ck_assert_msg(number == workspaces[i].acknowledged ||
                          number == workspaces[i].sent,
                      "w%d: %d is there, %d was acknowledged, %d sent", i, number,
                      workspaces[i].acknowledged, workspaces[i].sent);
        workspaces[i].acknowledged = workspaces[i].sent = number;
    }
    close(fd);
}

static void check_integrity(void)
{
    sqlite3 *database;
    sqlite3_stmt *verdict;

    ck_assert_int_eq(sqlite3_open(state, &database), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &verdict, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(verdict), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(verdict, 0), "ok");
    sqlite3_finalize(verdict);
    sqlite3_close(database);
}

static void start(void)
{
    char *world = memory_format("%s/world", folder);

    ck_assert(simulator_start((const char *const[]){"--listen", "127.0.0.1:0", "--state",
                                                    state, "--world", world, NULL}));
    simulator_learn_port();
    free(world);
}

START_TEST(what_was_acknowledged_outlives_any_number_of_kills)
{
    const char *asked = getenv("MOONGATE_KILLS");
    const int kills = asked != NULL ? atoi(asked) : DEFAULT_KILLS;

    srandom((unsigned)getpid());
    for (int i = 0; i < kills; i++) {
        start();
        check_writes();
        write_until_killed();
        unlink(simulator.errors);
    }
    start();
    check_writes();
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
    check_integrity();
    printf("%d kills, %d writes\n", kills, write_count);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim kill");
    TCase *kills = tcase_create("kills");

    tcase_add_checked_fixture(kills, give_a_folder, take_the_folder);
    tcase_set_timeout(kills, 600);
    tcase_add_test(kills, what_was_acknowledged_outlives_any_number_of_kills);
    suite_add_tcase(suite, kills);

    return run_suite(suite);
}
