/*
 * The store: one connection a process, named queries, and a request's one
 * transaction.  The only file that knows SQLite; every program relies on it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sqlite3.h>

#include "internal.h"

#define PATIENCE	(2 * SB_SECOND)
#define LONG_WAIT	(SB_SECOND / 10)

struct sb_db {
	sqlite3		*connection;	/* NULL: not open */
	struct sb_pool	*pool;		/* the request's */
	sqlite3_stmt	*statements[SB_QUERIES];
	bool		 writing;	/* in the request's transaction */
	bool		 failed;	/* the request is a 503 */
	bool		 damaged;	/* no: a 500, as the file is damaged */
	bool		 keep;
	bool		 reopen;	/* the connection is of no more use */
	bool		 changed;	/* somebody changed the schema */
	bool		 outdated;	/* beyond what this program knows */
	bool		 waiting;	/* said so to the prefork */
	int64_t		 now;		/* of the transaction */
	int64_t		 patience, deadline;
};

/*
 * SQLite's own handler sleeps ever longer and so starves whoever has waited
 * longest.  Short sleeps of random length share the lock fairly.
 */
static int
wait_for_lock(void *arg, int tries)
{
	struct sb_db *db = arg;
	int64_t now = sb_monotonic();
	unsigned short chance;
	struct timespec nap = { 0, 0 };

	(void)tries;
	if (now >= db->deadline)
		return 0;
	/* Whoever holds it for so long may hold it longer. */
	if (!db->waiting && now > db->deadline - db->patience + LONG_WAIT) {
		db->waiting = true;
		sb_wait_begin();
	}
	sb_random(&chance, sizeof(chance));
	nap.tv_nsec = 50000 + chance % 450 * 1000;
	nanosleep(&nap, NULL);
	return 1;
}

static void
stop_waiting(struct sb_db *db)
{
	if (db->waiting)
		sb_wait_end();
	db->waiting = false;
}

struct sb_db *
sb_db_new(void)
{
	struct sb_db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		sb_fatal("out of memory");
	db->patience = PATIENCE;
	return db;
}

static void
disconnect(struct sb_db *db)
{
	for (int i = 0; i < SB_QUERIES; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	sqlite3_close(db->connection);
	db->connection = NULL;
	db->reopen = false;
}

void
sb_db_free(struct sb_db *db)
{
	disconnect(db);
	free(db);
}

void
sb_db_fail(struct sb_db *db, enum sb_status status, const char *why)
{
	if (!db->failed)
		sb_log(SB_WARNING, "given up: %s", why);
	db->failed = true;
	db->damaged |= status == SB_INTERNAL;
}

bool
sb_db_failed(const struct sb_db *db)
{
	return db->failed;
}

bool
sb_db_damaged(const struct sb_db *db)
{
	return db->damaged;
}

/*
 * What the world can cause is a 503, a damaged file a 500 that a process lives
 * through, as /health must tell of it; what is left is a fault of ours.
 */
static void
trouble(struct sb_db *db, int rc, const char *what)
{
	const char *why = db->connection == NULL ? sqlite3_errstr(rc) :
	    sqlite3_errmsg(db->connection);

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		db->damaged = true;
		__attribute__((fallthrough));
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
	case SQLITE_PROTOCOL:
	case SQLITE_READONLY:
		db->reopen = true;
		break;
	case SQLITE_BUSY:
	case SQLITE_FULL:
	case SQLITE_LOCKED:
		break;
	default:
		sb_fatal("database: %s: %s (%d)", what, why, rc);
	}
	if (!db->failed)
		sb_log(db->damaged ? SB_ERROR : SB_WARNING,
		    "database: %s: %s (%d)", what, why, rc);
	db->failed = true;
}

bool
sb_db_script(struct sb_db *db, const char *sql, const char *what)
{
	int rc = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		trouble(db, rc, what);
	return rc == SQLITE_OK;
}

/* An integer that SQLite says of itself; -1 if it can't. */
static int
pragma(struct sb_db *db, const char *sql)
{
	sqlite3_stmt *s;
	int rc, n = -1;

	rc = sqlite3_prepare_v2(db->connection, sql, -1, &s, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		n = sqlite3_column_int(s, 0);
	else
		trouble(db, rc, sql);
	sqlite3_finalize(s);
	return n;
}

static sqlite3_stmt *
prepare(struct sb_db *db, enum sb_query query)
{
	sqlite3_stmt **s = &db->statements[query];
	int rc;

	if (*s != NULL)
		return *s;
	rc = sqlite3_prepare_v3(db->connection, sb_queries[query].sql, -1,
	    SQLITE_PREPARE_PERSISTENT, s, NULL);
	if (rc != SQLITE_OK)
		trouble(db, rc, sb_queries[query].name);
	return *s;
}

/*
 * WAL needs memory that all processes share, which no network file system
 * has.  Turning it on can be refused without the busy handler being asked.
 */
static bool
choose_journal(struct sb_db *db)
{
	const char *sql = sb_on_network(sb_settings.data) ?
	    "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL";
	int rc;

	while ((rc = sqlite3_exec(db->connection, sql, NULL, NULL, NULL)) ==
	    SQLITE_BUSY && wait_for_lock(db, 0))
		continue;
	/* A file that can't be written to can still be read. */
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_READONLY)
		trouble(db, rc, "journal_mode");
	return !db->failed;
}

static bool
configure(struct sb_db *db)
{
	int on = 1;

	sqlite3_extended_result_codes(db->connection, 1);
	sqlite3_busy_handler(db->connection, wait_for_lock, db);
	/* A lonely CGI request must not fold the WAL back each time. */
	sqlite3_db_config(db->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	    NULL);
	sqlite3_file_control(db->connection, NULL, SQLITE_FCNTL_PERSIST_WAL,
	    &on);
	return choose_journal(db) && sb_db_script(db,
	    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
	    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
	    "PRAGMA wal_autocheckpoint = 200; PRAGMA cache_size = -1000;"
	    "PRAGMA journal_size_limit = 4194304", "configure");
}

/* Opens, and brings up to date, the file of that path. */
static void
connect_path(struct sb_db *db, struct sb_pool *pool, const char *path)
{
	struct sb_pool *request = db->pool;
	int rc = sqlite3_open_v2(path, &db->connection,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);

	if (rc != SQLITE_OK)
		trouble(db, rc, path);
	else if (configure(db)) {
		db->pool = pool;
		if (sb_schema_migrate(db))
			db->outdated = sb_schema_too_new(db, sb_db_step(db));
		db->failed |= db->outdated;
		db->pool = request;
		sb_log(SB_DEBUG, "database: opened %s", path);
	}
}

/*
 * Where there is no file yet, one process at a time looks again, and clears
 * away what another file of this name has left: SQLite would follow its index.
 */
static bool
connect_file(struct sb_db *db)
{
	struct sb_pool *pool = sb_pool_new();
	const char *path = sb_printf(pool, "%s/switchboard.db",
	    sb_settings.data);
	int place = -1;

	db->deadline = sb_monotonic() + db->patience;
	if (!sb_data_directory())
		sb_db_fail(db, SB_UNAVAILABLE, "no data directory");
	else {
		if (sb_is_empty(path)) {
			place = sb_slot_take("open", 1, db->patience);
			if (place >= 0 && sb_is_empty(path)) {
				unlink(sb_printf(pool, "%s-wal", path));
				unlink(sb_printf(pool, "%s-shm", path));
			}
		}
		connect_path(db, pool, path);
	}
	if (place >= 0)
		sb_slot_leave(place);
	sb_pool_free(pool);
	stop_waiting(db);
	if (db->failed)
		disconnect(db);
	return !db->failed;
}

bool
sb_db_open(struct sb_db *db, const char *group)
{
	if (db->connection == NULL && !connect_file(db))
		return false;
	for (int i = 0; i < SB_QUERIES; i++)
		if (group == NULL || strcmp(sb_queries[i].group, group) == 0)
			prepare(db, (enum sb_query)i);
	return !db->failed;
}

/* Whether the file is no more what its path leads to. */
static bool
has_moved(struct sb_db *db)
{
	int moved = 0;

	return db->connection != NULL &&
	    sqlite3_file_control(db->connection, NULL,
	    SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

void
sb_db_attach(struct sb_db *db, struct sb_pool *pool)
{
	db->pool = pool;
	db->failed = db->damaged = db->keep = false;
	sb_db_deadline(db, PATIENCE);
	if (has_moved(db))
		disconnect(db);
}

void
sb_db_deadline(struct sb_db *db, int64_t microseconds)
{
	db->patience = microseconds;
	db->deadline = sb_monotonic() + microseconds;
}

void
sb_db_keep(struct sb_db *db)
{
	db->keep = true;
}

int64_t
sb_db_now(struct sb_db *db)
{
	return db->writing ? db->now : sb_now();
}

bool
sb_db_begin(struct sb_db *db)
{
	db->deadline = sb_monotonic() + db->patience;
	if (!sb_db_script(db, "BEGIN IMMEDIATE", "begin"))
		return false;
	db->writing = true;
	db->now = sb_now();
	return true;
}

bool
sb_db_end(struct sb_db *db, bool commit)
{
	bool done = !db->failed;

	if (db->writing && done && commit)
		done = sb_db_script(db, "COMMIT", "commit");
	/* SQLite may have rolled back by itself. */
	if (db->connection != NULL && !sqlite3_get_autocommit(db->connection))
		sqlite3_exec(db->connection, "ROLLBACK", NULL, NULL, NULL);
	db->writing = false;
	return done;
}

bool
sb_db_finish(struct sb_db *db, bool commit)
{
	bool done = sb_db_end(db, commit || db->keep);

	if (db->reopen)
		disconnect(db);
	stop_waiting(db);
	db->pool = NULL;
	return done;
}

static void
bind(struct sb_db *db, sqlite3_stmt *s, enum sb_query query,
    const struct sb_bind *binds)
{
	int count = sqlite3_bind_parameter_count(s), given = 0, used = 0;

	for (const struct sb_bind *b = binds; b->name != NULL; b++)
		given++;
	for (int i = 1; i <= count; i++) {
		const char *name = sqlite3_bind_parameter_name(s, i) + 1;
		const struct sb_bind *b = binds;

		while (b->name != NULL && strcmp(b->name, name) != 0)
			b++;
		if (b->name == NULL && strcmp(name, "now") == 0)
			sqlite3_bind_int64(s, i, sb_db_now(db));
		else if (b->is_number)
			sqlite3_bind_int64(s, i, b->number);
		else
			sqlite3_bind_text(s, i, b->text, -1, SQLITE_STATIC);
		used += b->name != NULL;
	}
	if (used != given)
		sb_fatal("query %s: given a parameter that it doesn't have",
		    sb_queries[query].name);
}

static const struct sb_row *
copy_row(struct sb_db *db, sqlite3_stmt *s)
{
	struct sb_row *row = sb_alloc(db->pool, sizeof(*row));
	int n = sqlite3_column_count(s);
	struct sb_cell *cells = sb_alloc(db->pool, (size_t)n * sizeof(*cells));

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(s, i);

		cells[i].name = sb_copy(db->pool, name, strlen(name));
		if (sqlite3_column_type(s, i) == SQLITE_TEXT)
			cells[i].text = sb_copy(db->pool,
			    (const char *)sqlite3_column_text(s, i),
			    (size_t)sqlite3_column_bytes(s, i));
		else
			cells[i].number = sqlite3_column_int64(s, i);
	}
	row->columns = n;
	row->cells = cells;
	return row;
}

const struct sb_row *
sb_db_rows(struct sb_db *db, enum sb_query query, const struct sb_bind *binds)
{
	const struct sb_row *first = NULL, **end = &first;
	sqlite3_stmt *s;
	int rc;

	if (db->failed || (db->connection == NULL && !connect_file(db)) ||
	    (s = prepare(db, query)) == NULL)
		return NULL;
	if (!db->writing && !sqlite3_stmt_readonly(s) && !sb_db_begin(db))
		return NULL;
	bind(db, s, query, binds);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		*end = copy_row(db, s);
		end = (const struct sb_row **)&(*end)->next;
	}
	if (rc != SQLITE_DONE)
		trouble(db, rc, sb_queries[query].name);
	if (sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 1) > 0)
		db->changed = true;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return db->failed ? NULL : first;
}

int64_t
sb_db_run(struct sb_db *db, enum sb_query query, const struct sb_bind *binds)
{
	sb_db_rows(db, query, binds);
	return db->failed ? 0 : sqlite3_changes64(db->connection);
}

bool
sb_db_outdated(struct sb_db *db)
{
	if (db->changed && db->connection != NULL) {
		db->changed = false;
		db->pool = sb_pool_new();
		db->outdated = sb_schema_too_new(db, sb_db_step(db));
		sb_pool_free(db->pool);
		db->pool = NULL;
	}
	return db->outdated;
}

/* The step of a file that isn't open yet, without changing it. */
static int
look_at_step(void)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_db look = { .pool = pool, .patience = PATIENCE };
	const char *path = sb_printf(pool, "%s/switchboard.db",
	    sb_settings.data);
	int step = 0;

	if (sqlite3_open_v2(path, &look.connection, SQLITE_OPEN_READONLY |
	    SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
		step = pragma(&look, "PRAGMA user_version");
	sqlite3_close(look.connection);
	sb_pool_free(pool);
	return step;
}

int
sb_db_step(struct sb_db *db)
{
	return db->connection == NULL ? look_at_step() :
	    pragma(db, "PRAGMA user_version");
}

int
sb_db_newest_step(void)
{
	return SB_STEPS;
}
