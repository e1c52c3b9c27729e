/* lua/runs.c - core.runs: the store of the session, for `moongate runs` and `moongate jobs`.
 *
 * A call to the store is the driver's until it is answered. One that nobody waits for any more
 * frees itself then; the module's end, after all tasks, turns the loop until none is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm/steps.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "net/loop.h"
#include "run/depot.h"
#include "run/record.h"
#include "run/session.h"
#include "run/terminal.h"
#include "store/store.h"

enum {
    SLOT_JOB = 1,         /* of functions that wait; their arguments are dropped */
    GIVE_UP_MS = 15000,   /* of a lease; Blob Storage knows none that are shorter */
    MOST_BYTES = 64 << 20 /* of a text that is read */
};

static const char shelf_metatable[] = "shelf", lines_metatable[] = "journal lines";

/* The upvalue of all functions that reach the store. */
struct shelf {
    struct loop *loop;
    struct store *store;
    size_t pending;
};

/* One call to the store, or a chain of them. */
struct job {
    struct waitable waitable;
    struct shelf *shelf;
    struct store_call call;
    void (*next)(struct job *job); /* what follows the call under way, or NULL */
    char *name, *text;
    cJSON *end; /* of giving up: what end.json is to say */
    struct store_lease *lease;
    bool is_held;
    bool is_abandoned; /* nobody waits any more */
};

/* --- jobs ------------------------------------------------------------------------------- */

static void free_job(struct job *job)
{
    store_call_deinit(&job->call);
    cJSON_Delete(job->end);
    free(job->name);
    free(job->text);
    free(job);
}

static void release_job(void *object)
{
    struct job *job = object;

    if (job->waitable.is_done)
        free_job(job);
    else
        job->is_abandoned = true;
}

static void on_done(struct store_call *call)
{
    struct job *job = call->owner;
    void (*next)(struct job * job) = job->next;

    job->shelf->pending--;
    job->next = NULL;
    if (next != NULL)
        next(job);
    if (job->next != NULL)
        return;
    waitable_finish(&job->waitable);
    if (job->is_abandoned)
        free_job(job);
}

/* Readies the job's next call. */
static struct store_call *begin_call(struct job *job, void (*next)(struct job *job))
{
    store_call_deinit(&job->call);
    job->call.done = on_done;
    job->call.owner = job;
    job->next = next;
    job->shelf->pending++;
    return &job->call;
}

/* Pushes a job about `name` to the stack's only slot. */
static struct job *new_job(lua_State *L, const char *name)
{
    char *copy =
        memory_copy_string(name); /* not lost: what follows ends the program or works */
    struct held *held;
    struct job *job;

    lua_settop(L, 0);
    held = bind_new_held(L, true);
    job = memory_new(sizeof *job);
    waitable_init(&job->waitable);
    job->shelf = lua_touserdata(L, lua_upvalueindex(1));
    job->name = copy;
    held->object = job;
    held->release = release_job;
    held->waitable = &job->waitable;
    return job;
}

static const char *check_name(lua_State *L, int index)
{
    const char *name = luaL_checkstring(L, index);

    luaL_argcheck(L, store_name_is_valid(name), index, "a name in the store expected");
    bind_check_task(L);
    return name;
}

/* The job that is over, or NULL while it goes on; raises its failure. */
static struct job *finished(lua_State *L)
{
    struct job *job = bind_held(L, SLOT_JOB)->object;

    if (!job->waitable.is_done)
        return NULL;
    if (job->call.failure != NULL)
        bind_raise_failure(L, job->call.failure);
    return job;
}

/* --- texts ------------------------------------------------------------------------------ */

static void push_entry(lua_State *L, const struct store_entry *entry)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, entry->name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, (lua_Integer)entry->size_bytes);
    lua_setfield(L, -2, "size");
    lua_pushnumber(L, (lua_Number)entry->modified_ms / 1000.0);
    lua_setfield(L, -2, "modified");
}

static int list_finish(lua_State *L, int status, lua_KContext context)
{
    const struct job *job = finished(L);

    (void)status, (void)context;
    if (job == NULL)
        return bind_wait(L, SLOT_JOB, list_finish, 0);
    lua_createtable(L, (int)job->call.entry_count, 0);
    for (size_t i = 0; i < job->call.entry_count; i++) {
        push_entry(L, &job->call.entries[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* list(folder) -> {{name=, size=, modified=}, ...}: what is in it, sorted; a folder's name ends
 * with a slash. Sizes in bytes, times in seconds since 1970; raises a failure. Waits. */
static int runs_list(lua_State *L)
{
    struct job *job = new_job(L, check_name(L, 1));
    struct store *store = job->shelf->store;

    store->list(store, begin_call(job, NULL), job->name);
    return list_finish(L, LUA_OK, 0);
}

static int get_finish(lua_State *L, int status, lua_KContext context)
{
    const struct job *job = finished(L);

    (void)status, (void)context;
    if (job == NULL)
        return bind_wait(L, SLOT_JOB, get_finish, 0);
    if (job->call.is_absent)
        return 0;
    lua_pushlstring(L, job->call.bytes.data != NULL ? job->call.bytes.data : "",
                    job->call.bytes.length);
    lua_pushinteger(L, (lua_Integer)job->call.size_bytes);
    return 2;
}

/* get(name, offset, most) -> at most `most` bytes (64 MiB) from the offset (0) on, and how long it
 * is in all; nothing when it is absent; raises a failure. Waits. */
static int runs_get(lua_State *L)
{
    const lua_Integer offset = luaL_optinteger(L, 2, 0);
    const lua_Integer most = luaL_optinteger(L, 3, MOST_BYTES);
    const char *name = check_name(L, 1);
    struct job *job;

    luaL_argcheck(L, offset >= 0, 2, "an offset of 0 or more expected");
    luaL_argcheck(L, most >= 0 && most <= MOST_BYTES, 3, "0 to 64 MiB expected");
    job = new_job(L, name);
    job->shelf->store->get(job->shelf->store, begin_call(job, NULL), job->name,
                           (uint64_t)offset, (size_t)most);
    return get_finish(L, LUA_OK, 0);
}

static int nothing_finish(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    return finished(L) != NULL ? 0 : bind_wait(L, SLOT_JOB, nothing_finish, 0);
}

/* remove(name): absent is fine; a name that ends with a slash is a folder with all that is in it;
 * raises a failure. Waits. */
static int runs_remove(lua_State *L)
{
    struct job *job = new_job(L, check_name(L, 1));
    struct store *store = job->shelf->store;

    store->remove(store, begin_call(job, NULL), job->name);
    return nothing_finish(L, LUA_OK, 0);
}

static int put_finish(lua_State *L, int status, lua_KContext context)
{
    const struct job *job = finished(L);

    (void)status, (void)context;
    if (job == NULL)
        return bind_wait(L, SLOT_JOB, put_finish, 0);
    lua_pushboolean(L, !job->call.is_there);
    return 1;
}

/* put(name, text) -> whether it is new: a text that is there already stays; raises a failure.
 * Waits. */
static int runs_put(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length), *name = check_name(L, 1);
    char *copy = memory_copy_text(text, length);
    struct job *job = new_job(L, name);

    job->text = copy;
    job->shelf->store->put(job->shelf->store, begin_call(job, NULL), STORE_NEW, job->name,
                           job->text, length);
    return put_finish(L, LUA_OK, 0);
}

/* --- leases ------------------------------------------------------------------------------ */

/* Pushes what a holder said of itself, or nil. */
static void push_holder(lua_State *L, const struct store_call *call)
{
    cJSON *holder = call->bytes.length > 0
                        ? json_parse(call->bytes.data, call->bytes.length, NULL)
                        : NULL;

    if (cJSON_IsObject(holder))
        bind_push_json(L, holder); /* raises nothing but for want of memory */
    else
        lua_pushnil(L);
    cJSON_Delete(holder);
}

static int look_finish(lua_State *L, int status, lua_KContext context)
{
    const struct job *job = finished(L);

    (void)status, (void)context;
    if (job == NULL)
        return bind_wait(L, SLOT_JOB, look_finish, 0);
    lua_createtable(L, 0, 3);
    lua_pushboolean(L, job->call.is_held);
    lua_setfield(L, -2, "is_held");
    lua_pushinteger(L, (lua_Integer)job->call.fence);
    lua_setfield(L, -2, "fence");
    push_holder(L, &job->call);
    lua_setfield(L, -2, "holder");
    return 1;
}

/* look(log) -> {is_held=, fence=, holder=}: who has the lease of a log, or had it last; raises a
 * failure. Waits. */
static int runs_look(lua_State *L)
{
    struct job *job = new_job(L, check_name(L, 1));
    struct store *store = job->shelf->store;

    store->look(store, begin_call(job, NULL), job->name);
    return look_finish(L, LUA_OK, 0);
}

/* What counts is whether the text was put: a lease that cannot be given back ends by itself. */
static void on_released(struct job *job)
{
    failure_free(job->call.failure);
    job->call.failure =
        job->text != NULL ? failure_new("IOError", "%s", job->text) : NULL;
}

static void on_end_put(struct job *job)
{
    char *why =
        job->call.failure != NULL ? memory_copy_string(job->call.failure->message) : NULL;
    struct store_call *call = begin_call(job, on_released);
    struct store_lease *lease = job->lease;

    free(job->text);
    job->text = why;
    job->lease = NULL;
    job->shelf->store->release(job->shelf->store, call, lease);
}

/* "runs/ID/end.json" of the run of "runs/ID/journal.jsonl" */
static void name_end(struct job *job)
{
    char *name = memory_format("%.*s/end.json",
                               (int)(strrchr(job->name, '/') - job->name), job->name);

    free(job->name);
    job->name = name;
}

static void on_acquired(struct job *job)
{
    struct store *store = job->shelf->store;

    job->is_held = job->call.is_held;
    if (job->call.failure != NULL || job->is_held)
        return;
    job->lease = job->call.lease;
    job->call.lease = NULL;
    cJSON_AddNumberToObject(job->end, "fence", (double)job->lease->fence);
    name_end(job);
    free(job->text);
    job->text = json_print(job->end);
    store->put(store, begin_call(job, on_end_put), STORE_REPLACE, job->name, job->text,
               strlen(job->text));
}

static int give_up_finish(lua_State *L, int status, lua_KContext context)
{
    const struct job *job = finished(L);

    (void)status, (void)context;
    if (job == NULL)
        return bind_wait(L, SLOT_JOB, give_up_finish, 0);
    lua_pushboolean(L, !job->is_held);
    return 1;
}

/* give_up(log, ended) -> whether it was done: takes the lease of a run's journal, writes the table
 * `ended` as its end.json, and gives the lease back; false when somebody carries the run. Raises a
 * failure. Waits. */
static int runs_give_up(lua_State *L)
{
    const char *name = check_name(L, 1);
    struct job *job;
    cJSON *end;

    luaL_argcheck(L, strchr(name, '/') != NULL, 1, "the journal of a run expected");
    luaL_checktype(L, 2, LUA_TTABLE);
    end = bind_to_json(L, 2);
    if (end == NULL)
        return lua_error(L); /* with the message on top */
    job = new_job(L, name);
    job->end = end;
    job->text = record_describe_holder();
    job->shelf->store->acquire(job->shelf->store, begin_call(job, on_acquired), job->name,
                               job->text, GIVE_UP_MS);
    return give_up_finish(L, LUA_OK, 0);
}

/* label() -> "folder /home/x/.local/state/moongate" */
static int runs_label(lua_State *L)
{
    const struct shelf *shelf = lua_touserdata(L, lua_upvalueindex(1));

    lua_pushstring(L, shelf->store->label);
    return 1;
}

/* random() -> eight random hexadecimal digits, for a name that no other host gives */
static int runs_random(lua_State *L)
{
    char text[UUID_TEXT_SIZE];

    uuid_random(text);
    lua_pushlstring(L, text, 8); /* its first part */
    return 1;
}

/* --- journals ----------------------------------------------------------------------------- */

/* What reads the lines of a journal: all records are handed on as they come, or those are kept
 * that are about steps which are not over. */
struct journal_lines {
    struct journal_reader reader;
    lua_State *L;
    bool keeps_open;
    cJSON *
        *open; /* by the number that a step began with: the records about it, or NULL */
    size_t capacity;
    char last[CLOCK_TEXT_SIZE]; /* the time of the last record */
};

/* Puts a record at the end of the table on top. */
static void hand_on(void *context, const cJSON *record)
{
    lua_State *L = ((struct journal_lines *)context)->L;

    bind_push_json(L, record);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void make_room(struct journal_lines *lines, size_t number)
{
    const size_t capacity = (number + 1) * 2;

    if (number < lines->capacity)
        return;
    lines->open = memory_resize(lines->open, capacity * sizeof(cJSON *));
    memset(lines->open + lines->capacity, 0,
           (capacity - lines->capacity) * sizeof(cJSON *));
    lines->capacity = capacity;
}

static bool ends_step(const char *what)
{
    return strcmp(what, "done") == 0 || strcmp(what, "failed") == 0 ||
           strcmp(what, "unchanged") == 0;
}

static void keep_open(void *context, const cJSON *record)
{
    struct journal_lines *lines = context;
    const char *what = json_string_at(record, "do"), *at = json_string_at(record, "at");
    const double step = json_number_at(record, "step", json_number_at(record, "n", 0));
    const size_t number = (size_t)step; /* no more than there are lines, if it is good */

    snprintf(lines->last, sizeof lines->last, "%s", at != NULL ? at : "");
    if (what == NULL || step < 1 || step > (double)lines->reader.lines)
        return;
    make_room(lines, number);
    if (ends_step(what)) {
        cJSON_Delete(lines->open[number]);
        lines->open[number] = NULL;
    } else if (json_at(record, "step") != NULL || strcmp(what, "intent") == 0) {
        if (lines->open[number] == NULL)
            lines->open[number] = cJSON_CreateArray();
        cJSON_AddItemToArray(lines->open[number], cJSON_Duplicate(record, true));
    }
}

static int close_lines(lua_State *L)
{
    struct journal_lines *lines = luaL_checkudata(L, 1, lines_metatable);

    journal_reader_deinit(&lines->reader);
    for (size_t i = 0; i < lines->capacity; i++)
        cJSON_Delete(lines->open[i]);
    free(lines->open);
    lines->open = NULL;
    lines->capacity = 0;
    return 0;
}

/* reader(keeps_open) -> what reads the lines of a journal; with `keeps_open` it keeps the records
 * about steps that are not over, for open(), and read() gives none */
static int runs_reader(lua_State *L)
{
    const bool keeps_open = lua_toboolean(L, 1);
    struct journal_lines *lines = lua_newuserdatauv(L, sizeof *lines, 0);

    *lines = (struct journal_lines){0};
    lines->reader.take = keeps_open ? keep_open : hand_on;
    lines->reader.context = lines;
    luaL_setmetatable(L, lines_metatable);
    return 1;
}

/* read(reader, bytes) -> the records that are whole now; and a failure when the journal is damaged
 * behind them: then the reader reads no more */
static int runs_read(lua_State *L)
{
    struct journal_lines *lines = luaL_checkudata(L, 1, lines_metatable);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    struct failure *failure;

    lua_settop(L, 2);
    lua_newtable(L);
    lines->L = L;
    failure = journal_read(&lines->reader, bytes, length);
    if (failure == NULL)
        return 1;
    bind_push_failure(L, failure);
    failure_free(failure);
    return 2;
}

/* open(reader) -> the records about steps that are not over, step by step, and the time of the
 * journal's last record as text */
static int runs_open(lua_State *L)
{
    const struct journal_lines *lines = luaL_checkudata(L, 1, lines_metatable);
    lua_Integer count = 0;

    lua_newtable(L);
    for (size_t i = 0; i < lines->capacity; i++) {
        const cJSON *record;

        cJSON_ArrayForEach (record, lines->open[i]) {
            bind_push_json(L, record);
            lua_rawseti(L, -2, ++count);
        }
    }
    lua_pushstring(L, lines->last);
    return 2;
}

/* rest(reader) -> how many bytes at the end of the journal are a torn tail */
static int runs_rest(lua_State *L)
{
    const struct journal_lines *lines = luaL_checkudata(L, 1, lines_metatable);

    lua_pushinteger(L, (lua_Integer)journal_read_end(&lines->reader));
    return 1;
}

static const char *field(lua_State *L, int index, const char *name)
{
    lua_getfield(L, index, name);
    return lua_tostring(L, -1); /* the table keeps it */
}

/* has_ended(method, answer) -> whether nothing goes on at the service after this answer, a record
 * of the journal */
static int runs_has_ended(lua_State *L)
{
    const char *method = luaL_checkstring(L, 1);
    struct step_answer answer;

    luaL_checktype(L, 2, LUA_TTABLE);
    /* borrowed for the call: nothing of it is changed */
    answer = (struct step_answer){.url = (char *)(uintptr_t)field(L, 2, "url"),
                                  .location = (char *)(uintptr_t)field(L, 2, "location"),
                                  .state = (char *)(uintptr_t)field(L, 2, "state")};
    lua_getfield(L, 2, "status");
    answer.status = (int)lua_tointeger(L, -1);
    lua_pushboolean(L, steps_answer_has_ended(&answer, method));
    return 1;
}

/* --- the terminal ------------------------------------------------------------------------- */

/* columns() -> of the terminal at stdout, or nil when it is none */
static int runs_columns(lua_State *L)
{
    if (!isatty(STDOUT_FILENO))
        return 0;
    lua_pushinteger(L, terminal_read_size(STDOUT_FILENO).columns);
    return 1;
}

/* visible(text, columns) -> the text in one line with its control characters shown, cut to so many
 * columns if given; and the columns that it takes */
static int runs_visible(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    const lua_Integer columns = luaL_optinteger(L, 2, -1);
    struct buffer visible = {0}, cut = {0};
    const struct buffer *shown = &visible;

    terminal_append_visible(&visible, text);
    if (columns >= 0 && visible.length > 0) {
        terminal_append_start(&cut, visible.data,
                              (int)(columns < 10000 ? columns : 10000));
        shown = &cut;
    }
    lua_pushlstring(L, shown->length > 0 ? shown->data : "", shown->length);
    lua_pushinteger(L, shown->length > 0 ? terminal_width(shown->data) : 0);
    buffer_deinit(&visible);
    buffer_deinit(&cut);
    return 2;
}

/* --- the module --------------------------------------------------------------------------- */

static bool has_nothing_pending(void *context)
{
    return ((const struct shelf *)context)->pending == 0;
}

static int close_shelf(lua_State *L)
{
    struct shelf *shelf = lua_touserdata(L, 1);

    if (shelf->pending > 0)
        loop_run(shelf->loop, has_nothing_pending, shelf, true);
    return 0;
}

static void push_shelf(lua_State *L)
{
    struct session *session = bind_session(L);
    struct failure *failure = NULL;
    struct depot *depot = session_depot(session, &failure);
    struct shelf *shelf;

    if (depot == NULL)
        bind_raise_owned(L, failure);
    shelf = lua_newuserdatauv(L, sizeof *shelf, 0);
    *shelf = (struct shelf){.loop = session_loop(session), .store = depot_store(depot)};
    if (luaL_newmetatable(L, shelf_metatable)) {
        lua_pushcfunction(L, close_shelf);
        lua_setfield(L, -2, "__gc");
        bind_seal_metatable(L);
    }
    lua_setmetatable(L, -2);
}

int open_runs(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"columns", runs_columns}, {"get", runs_get},
        {"give_up", runs_give_up}, {"has_ended", runs_has_ended},
        {"label", runs_label},     {"list", runs_list},
        {"look", runs_look},       {"open", runs_open},
        {"put", runs_put},         {"random", runs_random},
        {"read", runs_read},       {"reader", runs_reader},
        {"remove", runs_remove},   {"rest", runs_rest},
        {"visible", runs_visible}, {NULL, NULL}};

    if (!session_settings(bind_session(L))->manages_runs)
        return luaL_error(L,
                          "core.runs is for `moongate runs` and `moongate jobs` alone");
    luaL_newmetatable(L, lines_metatable);
    lua_pushcfunction(L, close_lines);
    lua_setfield(L, -2, "__gc");
    bind_seal_metatable(L);
    lua_pop(L, 1);
    luaL_newlibtable(L, functions);
    push_shelf(L);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
