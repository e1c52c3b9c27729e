/* engine/sim/database.h - the SQLite file, or memory, that holds a simulated world.
 *
 * Statements are prepared once and kept by their text. An error of SQLite is remembered
 * until the end of the transaction, so that only database_commit() has to be asked. */
#ifndef MOONGATE_SIM_DATABASE_H
#define MOONGATE_SIM_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

struct database;
struct failure;

/* Opens the file, or memory when `file` is NULL, and makes the tables when it is new.
 * NULL on failure, with the reason in `*failure` (owned by the caller). */
struct database *database_open(const char *file, struct failure **failure);

/* Accepts NULL. */
void database_close(struct database *database);

/* From now on the memory of a database that is closed serves the next one; or no more. For
 * processes that open many in turn. */
void database_keep_spare(bool is_on);

/* A statement with its parameters bound, ready for database_step(): `types` says what
 * follows, 't' a text (borrowed until the statement is over, NULL is allowed), 'i' an
 * int64_t. It must not be in use already: step it to its end or call database_done()
 * before it is asked for again. */
sqlite3_stmt *database_query(struct database *database, const char *sql,
                             const char *types, ...);

/* The same of a text that is not likely to come again, without parameters bound. Owned by the
 * caller (sqlite3_finalize), or NULL, which database_step() takes as one without a row. */
sqlite3_stmt *database_query_once(struct database *database, const char *sql);

/* Whether there is a (next) row. After the last one the statement is free again. */
bool database_step(struct database *database, sqlite3_stmt *statement);
void database_done(sqlite3_stmt *statement);

/* Column `index` as text, "" for NULL. Borrowed until the next step. */
const char *database_column(sqlite3_stmt *statement, int index);

void database_run(struct database *database, const char *sql, const char *types, ...);

/* The number in the first column of the first row, or `otherwise`. */
int64_t database_number(struct database *database, int64_t otherwise, const char *sql,
                        const char *types, ...);

/* The text in the first column of the first row, owned by the caller, or NULL. */
char *database_text(struct database *database, const char *sql, const char *types, ...);

/* Transactions. A commit that fails has undone everything since the begin. */
void database_begin(struct database *database);
bool database_commit(struct database *database);

/* Ends a transaction by undoing it. */
void database_undo(struct database *database);

/* Whether nothing has failed since this was asked, or a transaction begun, the last time.
 */
bool database_is_healthy(struct database *database);

/* What failed last. Borrowed. */
const char *database_error(const struct database *database);

#endif
