/*
 * The store: one connection a process, named queries, and a request's one
 * transaction.  It and dbfile.c alone know SQLite, and every program relies on
 * them.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db.h"

#define PATIENCE	(2 * SB_SECOND)
#define LONG_WAIT	(SB_SECOND / 10)

/*
 * SQLite's own handler sleeps ever longer and so starves whoever has waited
 * longest.  Short sleeps of random length share the lock fairly.
 */
int
sb_db_wait(void *arg, int tries)
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

void
sb_db_stop_waiting(struct sb_db *db)
{
	if (db->waiting)
		sb_wait_end();
	db->waiting = false;
}

struct sb_db *
sb_db_new(enum sb_store store)
{
	struct sb_db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		sb_fatal("out of memory");
	db->store = store;
	db->patience = PATIENCE;
	return db;
}

void
sb_db_free(struct sb_db *db)
{
	sb_db_disconnect(db);
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

bool
sb_db_writing(const struct sb_db *db)
{
	return db->writing;
}

const struct sb_error *
sb_db_error(const struct sb_db *db)
{
	return db->damaged ? &sb_error_internal : &sb_error_unavailable;
}

/*
 * What the world can cause is a 503, a damaged file a 500 that a process lives
 * through, as /health must tell of it; what is left is a fault of ours.
 */
void
sb_db_trouble(struct sb_db *db, int rc, const char *what)
{
	const char *why = db->connection == NULL ? sqlite3_errstr(rc) :
	    sqlite3_errmsg(db->connection);
	const char *file = db->connection == NULL ? NULL :
	    sqlite3_db_filename(db->connection, "main");

	/* Of counts anything that can't be read is made anew. */
	if (db->store == SB_STORE_LIMITS && (rc == SQLITE_IOERR_SHORT_READ ||
	    (rc & 0xff) == SQLITE_MISMATCH || (rc & 0xff) == SQLITE_CONSTRAINT))
		rc = SQLITE_CORRUPT;
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
		    "database: %s: %s (%d): %s", what, why, rc,
		    file == NULL ? "not open" : file);
	db->failed = true;
}

bool
sb_db_script(struct sb_db *db, const char *sql, const char *what)
{
	int rc = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		sb_db_trouble(db, rc, what);
	return rc == SQLITE_OK;
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
	/* Counts, and backups, may have been put into another shape. */
	if (rc == SQLITE_ERROR && db->store != SB_STORE_MAIN)
		rc = SQLITE_CORRUPT;
	if (rc != SQLITE_OK)
		sb_db_trouble(db, rc, sb_queries[query].name);
	return *s;
}

/* Two groups are of the files of their names, all others of the first. */
bool
sb_query_is_of(const struct sb_query_text *query, enum sb_store store)
{
	if (strcmp(query->group, "limits") == 0)
		return store == SB_STORE_LIMITS;
	if (strcmp(query->group, "backup") == 0)
		return store == SB_STORE_BACKUP;
	return store == SB_STORE_MAIN;
}

bool
sb_db_open(struct sb_db *db, const char *group)
{
	if (db->connection == NULL && !sb_db_connect(db))
		return false;
	for (int i = 0; i < SB_QUERIES; i++)
		if (sb_query_is_of(&sb_queries[i], db->store) &&
		    (group == NULL ||
		    strcmp(sb_queries[i].group, group) == 0))
			prepare(db, (enum sb_query)i);
	return !db->failed;
}

void
sb_db_attach(struct sb_db *db, struct sb_pool *pool)
{
	db->pool = pool;
	db->failed = db->damaged = db->keep = false;
	sb_db_deadline(db, PATIENCE);
	/* A transaction that goes on over several pools isn't lost. */
	if (!db->writing && sb_db_has_moved(db))
		sb_db_disconnect(db);
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

/* One of the statements that each writing request needs, parsed once. */
static bool
run_parsed(struct sb_db *db, sqlite3_stmt **s, const char *sql)
{
	int rc = SQLITE_OK;

	if (*s == NULL)
		rc = sqlite3_prepare_v3(db->connection, sql, -1,
		    SQLITE_PREPARE_PERSISTENT, s, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_step(*s);
		rc = sqlite3_reset(*s);
	}
	if (rc != SQLITE_OK)
		sb_db_trouble(db, rc, sql);
	return rc == SQLITE_OK;
}

void
sb_db_hold(struct sb_db *db)
{
	if (db->holding || db->writing || db->failed ||
	    (db->connection == NULL && !sb_db_connect(db)))
		return;
	db->holding = run_parsed(db, &db->hold, "BEGIN");
}

bool
sb_db_begin(struct sb_db *db)
{
	db->deadline = sb_monotonic() + db->patience;
	/* A moment that is over by now can't be written to. */
	if (db->holding && !run_parsed(db, &db->commit, "COMMIT"))
		return false;
	db->holding = false;
	if (!run_parsed(db, &db->begin, "BEGIN IMMEDIATE"))
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
		done = run_parsed(db, &db->commit, "COMMIT");
	/* SQLite may have rolled back by itself. */
	if (db->connection != NULL && !sqlite3_get_autocommit(db->connection))
		sqlite3_exec(db->connection, "ROLLBACK", NULL, NULL, NULL);
	db->writing = db->holding = false;
	return done;
}

bool
sb_db_finish(struct sb_db *db, bool commit)
{
	bool done = sb_db_end(db, commit || db->keep);

	if (db->damaged && db->store == SB_STORE_LIMITS)
		sb_db_discard(db);
	if (db->reopen)
		sb_db_disconnect(db);
	sb_db_stop_waiting(db);
	db->pool = NULL;
	return done;
}

bool
sb_db_checkpoint(struct sb_db *db)
{
	int rc;

	if (db->failed || (db->connection == NULL && !sb_db_connect(db)))
		return false;
	rc = sqlite3_wal_checkpoint_v2(db->connection, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	/* Where nobody is at it, what was deleted is overwritten, too. */
	db->deadline = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_wal_checkpoint_v2(db->connection, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		sb_db_trouble(db, rc, "checkpoint");
	return !db->failed;
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
		else if (b->bytes != NULL)
			sqlite3_bind_blob64(s, i, b->bytes, b->length,
			    SQLITE_STATIC);
		else
			sqlite3_bind_text(s, i, b->text, -1, SQLITE_STATIC);
		used += b->name != NULL;
	}
	if (used != given)
		sb_fatal("query %s: given a parameter that it doesn't have",
		    sb_queries[query].name);
}

/* The names of columns are those of FIRST, the first row, if there is one. */
static const struct sb_row *
copy_row(struct sb_db *db, sqlite3_stmt *s, const struct sb_row *first)
{
	struct sb_row *row = sb_alloc(db->pool, sizeof(*row));
	int n = sqlite3_column_count(s);
	struct sb_cell *cells = sb_alloc(db->pool, (size_t)n * sizeof(*cells));

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(s, i);
		int type = sqlite3_column_type(s, i);

		cells[i].name = first != NULL ? first->cells[i].name :
		    sb_copy(db->pool, name, strlen(name));
		if (type == SQLITE_TEXT)
			cells[i].text = sb_copy(db->pool,
			    (const char *)sqlite3_column_text(s, i),
			    (size_t)sqlite3_column_bytes(s, i));
		else if (type == SQLITE_BLOB)
			cells[i].text = sb_copy(db->pool,
			    sqlite3_column_bytes(s, i) == 0 ? "" :
			    sqlite3_column_blob(s, i),
			    (size_t)sqlite3_column_bytes(s, i));
		else
			cells[i].number = sqlite3_column_int64(s, i);
		if (type == SQLITE_BLOB)
			cells[i].length = (size_t)sqlite3_column_bytes(s, i);
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

	if (db->failed || (db->connection == NULL && !sb_db_connect(db)) ||
	    (s = prepare(db, query)) == NULL)
		return NULL;
	if (!db->writing && !sqlite3_stmt_readonly(s) && !sb_db_begin(db))
		return NULL;
	bind(db, s, query, binds);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		*end = copy_row(db, s, first);
		end = (const struct sb_row **)&(*end)->next;
	}
	/* What counts, and a backup, may have triggers of others. */
	if (db->store != SB_STORE_MAIN && ((rc & 0xff) == SQLITE_ERROR ||
	    (rc & 0xff) == SQLITE_TOOBIG))
		rc = SQLITE_CORRUPT;
	if (rc != SQLITE_DONE)
		sb_db_trouble(db, rc, sb_queries[query].name);
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

int
sb_db_newest_step(void)
{
	return SB_STEPS;
}
