/* engine/sim/database.c - the SQLite file, or memory, that holds a simulated world. */
#include "sim/database.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/map.h"
#include "base/memory.h"

/* "moon": tells our files from other people's. */
enum { APPLICATION_ID = 0x6d6f6f6e, SCHEMA_VERSION = 3 };

struct database {
    sqlite3 *handle;
    bool is_memory;
    struct map statements;
    bool has_failed;
    char error[256];
};

/* A statement each. */
static const char *const schema[] = {
    "CREATE TABLE world (options TEXT NOT NULL,"
    " now_ms INTEGER NOT NULL, calls INTEGER NOT NULL, version INTEGER NOT NULL);",
    /* Azure resources. A key is the id in lower case. */
    "CREATE TABLE entity (key TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL,"
    " parent TEXT NOT NULL, version INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " body TEXT NOT NULL);",
    "CREATE INDEX entity_parent ON entity (parent, type, key);",
    "CREATE INDEX entity_type ON entity (type, key);",
    /* Which resource names which other one in its body. */
    "CREATE TABLE link (source TEXT NOT NULL, target TEXT NOT NULL, type TEXT NOT NULL,"
    " PRIMARY KEY (source, target)) WITHOUT ROWID;",
    "CREATE INDEX link_target ON link (target, type, source);",
    /* Long operations. `next_ms` is when the clock has to look at it again. */
    "CREATE TABLE monitor (id TEXT PRIMARY KEY, key TEXT NOT NULL, resource TEXT NOT "
    "NULL,"
    " type TEXT NOT NULL, verb TEXT NOT NULL, holds TEXT NOT NULL, status TEXT NOT NULL,"
    " result INTEGER NOT NULL, started_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " next_ms INTEGER, error TEXT) WITHOUT ROWID;",
    "CREATE INDEX monitor_next ON monitor (next_ms) WHERE next_ms IS NOT NULL;",
    "CREATE INDEX monitor_holds ON monitor (holds) WHERE next_ms IS NOT NULL;",
    "CREATE INDEX monitor_key ON monitor (key) WHERE next_ms IS NOT NULL;",
    "CREATE INDEX monitor_due ON monitor (due_ms);",
    /* What resources were until a while ago, for reads that lag; see stale.h. */
    "CREATE TABLE past (key TEXT NOT NULL, ended_ms INTEGER NOT NULL, id TEXT, type TEXT,"
    " parent TEXT, version INTEGER, created_ms INTEGER, body TEXT);",
    "CREATE INDEX past_ended ON past (ended_ms, key);",
    /* The addresses of subnets, ends included. */
    "CREATE TABLE block (subnet TEXT PRIMARY KEY, network TEXT NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX block_range ON block (network, first);",
    "CREATE TABLE assignment (key TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT "
    "NULL,"
    " principal TEXT NOT NULL, role TEXT NOT NULL, from_ms INTEGER NOT NULL) WITHOUT "
    "ROWID;",
    "CREATE UNIQUE INDEX assignment_what ON assignment (principal, scope, role);",
    "CREATE INDEX assignment_scope ON assignment (scope, role);",
    "CREATE UNIQUE INDEX assignment_name ON assignment (name);",
    "CREATE INDEX assignment_role ON assignment (role);",
    "CREATE INDEX assignment_from ON assignment (from_ms);",
    "CREATE INDEX assignment_who ON assignment (principal, from_ms, scope, role);",
    /* Deleted assignments that still count for a while. */
    "CREATE TABLE retired (scope TEXT NOT NULL, principal TEXT NOT NULL,"
    " role TEXT NOT NULL, until_ms INTEGER NOT NULL);",
    "CREATE INDEX retired_principal ON retired (principal);",
    "CREATE INDEX retired_until ON retired (until_ms);",
    /* Custom roles, by GUID. */
    "CREATE TABLE role (id TEXT PRIMARY KEY, name_key TEXT NOT NULL UNIQUE) WITHOUT "
    "ROWID;",
    /* Whom deny assignments are about. */
    "CREATE TABLE denial (key TEXT NOT NULL, principal TEXT NOT NULL,"
    " is_excluded INTEGER NOT NULL, PRIMARY KEY (principal, is_excluded, key))"
    " WITHOUT ROWID;",
    /* Entra objects. Keys are in lower case. */
    "CREATE TABLE object (id TEXT PRIMARY KEY, type TEXT NOT NULL, name_key TEXT NOT "
    "NULL,"
    " nickname_key TEXT, upn_key TEXT, app_id TEXT, secret TEXT,"
    " replicated_ms INTEGER NOT NULL, body TEXT NOT NULL,"
    /* What Graph shows on demand alone, when it shows it at all, what an application may do
       there, and of which application's registration it is. */
    " hidden TEXT, visible_ms INTEGER NOT NULL, rights INTEGER NOT NULL, client_key TEXT)"
    " WITHOUT ROWID;",
    "CREATE INDEX object_name ON object (type, name_key, id);",
    "CREATE INDEX object_nickname ON object (nickname_key) WHERE nickname_key IS NOT "
    "NULL;",
    "CREATE INDEX object_upn ON object (upn_key) WHERE upn_key IS NOT NULL;",
    "CREATE INDEX object_app ON object (app_id) WHERE app_id IS NOT NULL;",
    "CREATE INDEX object_client ON object (client_key) WHERE client_key IS NOT NULL;",
    "CREATE INDEX object_replicated ON object (replicated_ms);",
    "CREATE INDEX object_visible ON object (visible_ms) WHERE visible_ms > 0;",
    "CREATE TABLE member (owner TEXT NOT NULL, member TEXT NOT NULL,"
    " PRIMARY KEY (owner, member)) WITHOUT ROWID;",
    "CREATE INDEX member_of ON member (member, owner);",
    /* Who owns an Entra object. */
    "CREATE TABLE ownership (object TEXT NOT NULL, owner TEXT NOT NULL,"
    " PRIMARY KEY (object, owner)) WITHOUT ROWID;",
    "CREATE INDEX ownership_owner ON ownership (owner, object);",
    /* Secrets that were made by addPassword. */
    "CREATE TABLE credential (key_id TEXT PRIMARY KEY, object TEXT NOT NULL,"
    " app_id TEXT NOT NULL, secret TEXT NOT NULL, start_ms INTEGER NOT NULL,"
    " end_ms INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX credential_app ON credential (app_id);",
    "CREATE INDEX credential_object ON credential (object);",
    /* The directory's recycle bin: the row of `object`, and its links, as JSON. */
    "CREATE TABLE bin (id TEXT PRIMARY KEY, type TEXT NOT NULL, deleted_ms INTEGER NOT "
    "NULL,"
    " body TEXT NOT NULL, object TEXT NOT NULL, links TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX bin_type ON bin (type, id);",
    /* By what applications prove who they are, beyond a secret: the certificate as base64 of
     * DER; what another issuer has to say, and its keys if they are known. */
    "CREATE TABLE app_certificate (object TEXT NOT NULL, key_id TEXT NOT NULL,"
    " app_id TEXT NOT NULL, sha256 TEXT NOT NULL, sha1 TEXT NOT NULL, body TEXT NOT NULL,"
    " start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, PRIMARY KEY (object, key_id))"
    " WITHOUT ROWID;",
    "CREATE INDEX app_certificate_app ON app_certificate (app_id);",
    "CREATE TABLE app_federated (object TEXT NOT NULL, id TEXT NOT NULL,"
    " app_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT, issuer TEXT NOT NULL,"
    " subject TEXT NOT NULL, audience TEXT NOT NULL, keys TEXT,"
    " PRIMARY KEY (object, id)) WITHOUT ROWID;",
    "CREATE INDEX app_federated_app ON app_federated (app_id, issuer);",
    /* Sign-ins of users: those under way, and those that can be renewed. */
    "CREATE TABLE device_code (code TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE,"
    " app_id TEXT NOT NULL, scope TEXT NOT NULL, expires_ms INTEGER NOT NULL,"
    " polled_ms INTEGER NOT NULL, state INTEGER NOT NULL, user TEXT) WITHOUT ROWID;",
    "CREATE INDEX device_code_expires ON device_code (expires_ms);",
    "CREATE TABLE login_code (code TEXT PRIMARY KEY, app_id TEXT NOT NULL,"
    " user TEXT NOT NULL, scope TEXT NOT NULL, redirect_uri TEXT NOT NULL,"
    " challenge TEXT, is_digest INTEGER NOT NULL, nonce TEXT,"
    " expires_ms INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX login_code_expires ON login_code (expires_ms);",
    "CREATE TABLE refresh_token (token TEXT PRIMARY KEY, app_id TEXT NOT NULL,"
    " user TEXT NOT NULL, is_family INTEGER NOT NULL, scope TEXT NOT NULL,"
    " expires_ms INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX refresh_token_expires ON refresh_token (expires_ms);",
    /* Resource providers that were not registered from the start. */
    "CREATE TABLE provider (namespace TEXT PRIMARY KEY, registered_ms INTEGER NOT NULL,"
    " unregistered_ms INTEGER NOT NULL) WITHOUT ROWID;",
    /* Tags of scopes that are no resources. */
    "CREATE TABLE scope_tags (scope TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
    /* Deployments, and what each has to make. A key is the id in lower case. */
    "CREATE TABLE deployment (key TEXT PRIMARY KEY, id TEXT NOT NULL, scope TEXT NOT "
    "NULL,"
    " name TEXT NOT NULL, state TEXT NOT NULL, operation TEXT NOT NULL, caller TEXT NOT "
    "NULL,"
    " application TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " next_ms INTEGER, body TEXT NOT NULL, template TEXT NOT NULL, parameters TEXT NOT "
    "NULL,"
    " error TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX deployment_scope ON deployment (scope, key);",
    "CREATE INDEX deployment_next ON deployment (next_ms) WHERE next_ms IS NOT NULL;",
    "CREATE TABLE deployment_step (deployment TEXT NOT NULL, number INTEGER NOT NULL,"
    " operation TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,"
    " version TEXT NOT NULL, needs TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT "
    "NULL,"
    " code TEXT NOT NULL, error TEXT NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, PRIMARY KEY (deployment, number)) WITHOUT ROWID;",
    "CREATE INDEX deployment_step_key ON deployment_step (lower(id)) WHERE state ="
    " 'Running';",
    /* API Management services that were deleted and can be brought back. */
    "CREATE TABLE deleted_service (name TEXT PRIMARY KEY, id TEXT NOT NULL,"
    " location TEXT NOT NULL, deleted_ms INTEGER NOT NULL, purge_ms INTEGER NOT NULL,"
    " operation TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE INDEX deleted_service_purge ON deleted_service (purge_ms);",
    "CREATE TABLE ledger (key TEXT PRIMARY KEY, id TEXT NOT NULL, created INTEGER NOT "
    "NULL,"
    " changed INTEGER NOT NULL, deleted INTEGER NOT NULL) WITHOUT ROWID;"};

static void remember_error(struct database *database)
{
    if (!database->has_failed)
        snprintf(database->error, sizeof database->error, "%s",
                 sqlite3_errmsg(database->handle));
    database->has_failed = true;
}

static sqlite3_stmt *prepare(struct database *database, const char *sql)
{
    sqlite3_stmt *statement = map_find(&database->statements, sql);

    if (statement == NULL) {
        const int status = sqlite3_prepare_v3(
            database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);

        if (status != SQLITE_OK) {
            remember_error(database);
            return NULL;
        }
        map_set(&database->statements, sql, statement);
    }
    assert(!sqlite3_stmt_busy(statement));
    return statement;
}

static sqlite3_stmt *query(struct database *database, const char *sql, const char *types,
                           va_list arguments)
{
    sqlite3_stmt *statement = prepare(database, sql);

    for (int i = 1; statement != NULL && types[i - 1] != '\0'; i++) {
        if (types[i - 1] == 'i')
            sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
        else
            sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1,
                              SQLITE_STATIC);
    }
    return statement;
}

sqlite3_stmt *database_query(struct database *database, const char *sql,
                             const char *types, ...)
{
    va_list arguments;

    va_start(arguments, types);
    sqlite3_stmt *statement = query(database, sql, types, arguments);
    va_end(arguments);
    return statement;
}

sqlite3_stmt *database_query_once(struct database *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        remember_error(database);
    return statement;
}

bool database_step(struct database *database, sqlite3_stmt *statement)
{
    const int status = statement != NULL ? sqlite3_step(statement) : SQLITE_DONE;

    if (status == SQLITE_ROW)
        return true;
    if (status != SQLITE_DONE)
        remember_error(database);
    database_done(statement);
    return false;
}

void database_done(sqlite3_stmt *statement)
{
    if (statement != NULL)
        sqlite3_reset(statement);
}

const char *database_column(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);

    return text != NULL ? text : "";
}

void database_run(struct database *database, const char *sql, const char *types, ...)
{
    va_list arguments;

    va_start(arguments, types);
    sqlite3_stmt *statement = query(database, sql, types, arguments);
    va_end(arguments);
    while (database_step(database, statement))
        continue;
}

int64_t database_number(struct database *database, int64_t otherwise, const char *sql,
                        const char *types, ...)
{
    va_list arguments;

    va_start(arguments, types);
    sqlite3_stmt *statement = query(database, sql, types, arguments);
    va_end(arguments);
    if (!database_step(database, statement))
        return otherwise;

    const int64_t number = sqlite3_column_type(statement, 0) == SQLITE_NULL
                               ? otherwise
                               : sqlite3_column_int64(statement, 0);

    database_done(statement);
    return number;
}

char *database_text(struct database *database, const char *sql, const char *types, ...)
{
    va_list arguments;

    va_start(arguments, types);
    sqlite3_stmt *statement = query(database, sql, types, arguments);
    va_end(arguments);
    if (!database_step(database, statement))
        return NULL;

    char *text = memory_copy_string(database_column(statement, 0));

    database_done(statement);
    return text;
}

void database_begin(struct database *database)
{
    database->has_failed = false;
    database_run(database, "BEGIN IMMEDIATE", "");
}

void database_undo(struct database *database)
{
    if (sqlite3_get_autocommit(database->handle) == 0)
        database_run(database, "ROLLBACK", "");
}

bool database_commit(struct database *database)
{
    if (!database->has_failed)
        database_run(database, "COMMIT", "");
    if (!database->has_failed)
        return true;
    database_undo(database);
    return false;
}

bool database_is_healthy(struct database *database)
{
    const bool is_healthy = !database->has_failed;

    database->has_failed = false;
    return is_healthy;
}

const char *database_error(const struct database *database)
{
    return database->error;
}

/* Memory has no journal to choose; a file is ours alone as long as we run. In WAL mode
 * with NORMAL a commit is in the file once it was acknowledged, whatever becomes of the
 * process; after a power cut the file is whole, but the last commits may be missing (FULL
 * would keep them, at a tenth of the writes per second). Large pages, because SQLite goes through all pages in memory after a commit that
 * split one. */
static int set_up(struct database *database)
{
    return sqlite3_exec(database->handle,
                        "PRAGMA page_size=16384;"
                        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                        "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;"
                        "BEGIN EXCLUSIVE; COMMIT;",
                        NULL, NULL, NULL);
}

static int make_tables(struct database *database)
{
    char marks[128];

    snprintf(marks, sizeof marks, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             APPLICATION_ID, SCHEMA_VERSION);

    const int status =
        sqlite3_exec(database->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (status != SQLITE_OK)
        return status;
    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++)
        sqlite3_exec(database->handle, schema[i], NULL, NULL, NULL);
    sqlite3_exec(database->handle, marks, NULL, NULL, NULL);
    return sqlite3_exec(database->handle, "COMMIT", NULL, NULL, NULL);
}

static struct failure *describe_error(struct database *database, const char *file)
{
    const int status = sqlite3_errcode(database->handle);

    if (status == SQLITE_BUSY || status == SQLITE_LOCKED)
        return failure_new("IOError", "%s: another process has this state file open",
                           file);
    if (status == SQLITE_NOTADB)
        return failure_new("IOError", "%s: not a state file of the simulator", file);
    if (status == SQLITE_CANTOPEN && sqlite3_system_errno(database->handle) != 0)
        return failure_new("IOError", "%s: %s", file,
                           strerror(sqlite3_system_errno(database->handle)));
    return failure_new("IOError", "%s: %s", file, sqlite3_errmsg(database->handle));
}

/* Refuses a file that somebody else made, or that is broken. */
static struct failure *check_file(struct database *database, const char *file)
{
    const int64_t id = database_number(database, -1, "PRAGMA application_id", "");
    const int64_t version = database_number(database, -1, "PRAGMA user_version", "");

    if (id != APPLICATION_ID)
        return failure_new("IOError", "%s: not a state file of the simulator", file);
    if (version != SCHEMA_VERSION)
        return failure_new("IOError",
                           "%s: made by another version of moongate (%d, not %d)", file,
                           (int)version, SCHEMA_VERSION);

    char *verdict = database_text(database, "PRAGMA quick_check(1)", "");
    struct failure *failure = NULL;

    if (verdict == NULL || strcmp(verdict, "ok") != 0)
        failure = failure_new("IOError", "%s: the file is damaged: %s", file,
                              verdict != NULL ? verdict : database_error(database));
    free(verdict);
    return failure;
}

/* Looks before it touches: what is not ours stays as it is. */
static struct failure *open_file(struct database *database, const char *file)
{
    if (sqlite3_open_v2(file, &database->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                            SQLITE_OPEN_NOMUTEX, /* one thread */
                        NULL) != SQLITE_OK)
        return describe_error(database, file);

    const int64_t tables =
        database_number(database, -1, "SELECT COUNT(*) FROM sqlite_schema", "");
    struct failure *failure = tables > 0 ? check_file(database, file) : NULL;

    if (failure != NULL)
        return failure;
    if (tables < 0 || set_up(database) != SQLITE_OK ||
        (tables == 0 && make_tables(database) != SQLITE_OK))
        return describe_error(database, file);
    return NULL;
}

/* Of databases in memory one that is closed, emptied, with its tables and statements: to
 * make these takes longer than most else that a short life has. */
static struct {
    bool is_on;
    struct database *database; /* or NULL */
} spare;

struct database *database_open(const char *file, struct failure **failure)
{
    if (file == NULL && spare.database != NULL) {
        struct database *reused = spare.database;

        spare.database = NULL;
        return reused;
    }

    /* No counting of memory, which costs a lock at each piece of it. Once SQLite is in use
     * it is too late, and it goes on to count. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

    struct database *database = memory_new(sizeof *database);

    database->is_memory = file == NULL;
    struct failure *found = open_file(database, file != NULL ? file : ":memory:");

    if (found == NULL)
        return database;
    *failure = found;
    database_close(database);
    return NULL;
}

static void finalize(void *statement)
{
    sqlite3_finalize(statement);
}

/* Takes all rows out and lets go of what statements hold. */
static bool make_empty(struct database *database)
{
    sqlite3_stmt *names;

    for (sqlite3_stmt *statement = sqlite3_next_stmt(database->handle, NULL);
         statement != NULL; statement = sqlite3_next_stmt(database->handle, statement)) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    if (!sqlite3_get_autocommit(database->handle))
        database_undo(database);
    database_begin(database);
    names = database_query(database,
                           "SELECT name FROM sqlite_schema WHERE type = 'table'", "");
    while (database_step(database, names)) {
        char *sql = memory_format("DELETE FROM %s", database_column(names, 0));

        database_run(database, sql, "");
        free(sql);
    }
    database_done(names);
    database_commit(database);
    return !database->has_failed;
}

void database_keep_spare(bool is_on)
{
    struct database *unused = spare.database;

    spare.is_on = is_on;
    if (!is_on) {
        spare.database = NULL;
        database_close(unused);
    }
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    if (spare.is_on && spare.database == NULL && database->is_memory &&
        !database->has_failed && make_empty(database)) {
        spare.database = database;
        return;
    }
    map_deinit(&database->statements, finalize);
    sqlite3_close(database->handle);
    free(database);
}
