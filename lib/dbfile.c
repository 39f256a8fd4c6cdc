/*
 * The files of the store: where they are, how they are opened, made and made
 * anew.  db.c relies on it.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "db.h"

#define LIMITS_VERSION	1	/* of limits.db; another one is made anew */

static bool make_main(struct sb_db *);
static bool make_limits(struct sb_db *);

/* What power cuts may take, and how much of a file a process remembers. */
static const struct {
	const char	*name;
	const char	*pragmas;
	bool		(*make)(struct sb_db *);
} files[] = {
	[SB_STORE_MAIN] = { "switchboard.db", "PRAGMA synchronous = FULL;"
	    "PRAGMA secure_delete = ON;"
	    "PRAGMA cache_size = -1000", make_main },
	[SB_STORE_LIMITS] = { "limits.db", "PRAGMA synchronous = OFF;"
	    "PRAGMA secure_delete = OFF;"
	    "PRAGMA cache_size = -250", make_limits },
	/* Whoever makes one flushes it when it is done. */
	[SB_STORE_BACKUP] = { NULL, "PRAGMA synchronous = OFF;"
	    "PRAGMA trusted_schema = OFF;"
	    "PRAGMA cache_size = -1000", NULL },
};
_Static_assert(sizeof(files) / sizeof(files[0]) == SB_STORES,
    "a store without a file");

const char *
sb_db_path(struct sb_pool *pool, enum sb_store store)
{
	return sb_printf(pool, "%s/%s", sb_settings.data, files[store].name);
}

static const char *
path_of(struct sb_pool *pool, const struct sb_db *db)
{
	return db->path != NULL ? db->path : sb_db_path(pool, db->store);
}

void
sb_db_disconnect(struct sb_db *db)
{
	for (int i = 0; i < SB_QUERIES; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	sqlite3_finalize(db->begin);
	sqlite3_finalize(db->commit);
	sqlite3_finalize(db->hold);
	db->begin = db->commit = db->hold = NULL;
	sqlite3_close(db->connection);
	db->connection = NULL;
	db->reopen = false;
}

void
sb_db_frugal(struct sb_db *db)
{
	if (db->connection != NULL)
		sb_db_script(db, "PRAGMA cache_size = -200", "frugal");
}

/*
 * What SQLite is asked while a file is opened is right: if it says otherwise,
 * the file's head is of no format that there is.
 */
static void
trouble_opening(struct sb_db *db, int rc, const char *what)
{
	sb_db_trouble(db, rc == SQLITE_ERROR ? SQLITE_CORRUPT : rc, what);
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
		trouble_opening(db, rc, sql);
	sqlite3_finalize(s);
	return n;
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

	do
		rc = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);
	while ((rc & 0xff) == SQLITE_BUSY && sb_db_wait(db, 0));
	/* A file that can't be written to can still be read. */
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_READONLY)
		trouble_opening(db, rc, "journal_mode");
	return !db->failed;
}

static bool
set(struct sb_db *db, const char *pragmas)
{
	int rc = sqlite3_exec(db->connection, pragmas, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		trouble_opening(db, rc, "configure");
	return rc == SQLITE_OK;
}

static bool
configure(struct sb_db *db)
{
	int on = 1;

	sqlite3_extended_result_codes(db->connection, 1);
	sqlite3_busy_handler(db->connection, sb_db_wait, db);
	if (db->store == SB_STORE_BACKUP)
		return set(db, files[db->store].pragmas);
	/* A lonely CGI request must not fold the WAL back each time. */
	sqlite3_db_config(db->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	    NULL);
	sqlite3_file_control(db->connection, NULL, SQLITE_FCNTL_PERSIST_WAL,
	    &on);
	return choose_journal(db) && set(db,
	    "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
	    "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 200;"
	    "PRAGMA journal_size_limit = 4194304") &&
	    set(db, files[db->store].pragmas);
}

static bool
make_main(struct sb_db *db)
{
	if (sb_schema_migrate(db))
		db->outdated = sb_schema_too_new(db, sb_db_step(db));
	return !db->failed && !db->outdated;
}

/* Counts can be lost: a file of another version is no better than none. */
static bool
make_limits(struct sb_db *db)
{
	int version = pragma(db, "PRAGMA user_version");

	if (version == LIMITS_VERSION || db->failed)
		return !db->failed;
	if (version != 0) {
		sb_db_fail(db, SB_INTERNAL, "limits.db is of another version");
		return false;
	}
	return sb_db_begin(db) &&
	    sb_db_script(db, sb_queries[SB_Q_LIMITS_CREATE].sql, "limits") &&
	    sb_db_script(db, sb_queries[SB_Q_LIMITS_CREATE_INDEX].sql,
		"limits") &&
	    sb_db_script(db, sb_printf(db->pool, "PRAGMA user_version = %d",
		LIMITS_VERSION), "limits") && sb_db_end(db, true);
}

/*
 * What root makes belongs to whom the directory belongs, as SQLite does it with
 * the files beside it.
 */
static void
give_away(const char *path)
{
	int fd;

	if (geteuid() != 0 || (fd = open(path, O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600)) < 0)
		return;
	sb_data_own(fd, sb_settings.data);
	close(fd);
}

/* Opens, and brings up to date, the file of that path. */
static void
connect_path(struct sb_db *db, struct sb_pool *pool, const char *path)
{
	struct sb_pool *request = db->pool;
	int rc;

	if (!db->read_only)
		give_away(path);
	rc = sqlite3_open_v2(path, &db->connection, SQLITE_OPEN_NOMUTEX |
	    (db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE), NULL);

	if (rc != SQLITE_OK)
		sb_db_trouble(db, rc, path);
	else if (configure(db)) {
		db->pool = pool;
		if (db->path == NULL)
			db->failed |= !files[db->store].make(db);
		sb_db_end(db, false);
		db->pool = request;
		sb_log(SB_DEBUG, "database: opened %s", path);
	}
}

static void
remove_files(struct sb_pool *pool, const char *path)
{
	unlink(path);
	unlink(sb_printf(pool, "%s-wal", path));
	unlink(sb_printf(pool, "%s-shm", path));
}

/*
 * An empty file is one that was never filled, and is so now: unless there is a
 * WAL beside it, which SQLite would delete, and which there isn't before the
 * file is on the disk.
 */
static bool
is_emptied(struct sb_pool *pool, const struct sb_db *db, const char *path)
{
	return db->store == SB_STORE_MAIN && access(path, F_OK) == 0 &&
	    sb_is_empty(path) && !sb_is_empty(sb_printf(pool, "%s-wal", path));
}

/*
 * Where there is no file yet, one process at a time looks again, and clears
 * away what another file of this name has left: SQLite would follow its index.
 */
bool
sb_db_connect(struct sb_db *db)
{
	struct sb_pool *pool = sb_pool_new();
	const char *path = path_of(pool, db);
	int place = -1;

	db->deadline = sb_monotonic() + db->patience;
	if (!sb_data_directory())
		sb_db_fail(db, SB_UNAVAILABLE, "no data directory");
	else if (is_emptied(pool, db, path)) {
		sb_log(SB_ERROR, "database: %s is empty, though it has a WAL: "
		    "restore it", path);
		sb_db_fail(db, SB_INTERNAL, "the database is damaged");
	} else {
		if (db->store != SB_STORE_BACKUP && sb_is_empty(path)) {
			place = sb_slot_take("open", 1, db->patience);
			if (place >= 0 && sb_is_empty(path))
				remove_files(pool, path);
		}
		connect_path(db, pool, path);
	}
	if (place >= 0)
		sb_slot_leave(place);
	sb_pool_free(pool);
	sb_db_stop_waiting(db);
	if (db->failed)
		sb_db_disconnect(db);
	return !db->failed;
}

/* Whether the file is no more what its path leads to. */
bool
sb_db_has_moved(struct sb_db *db)
{
	int moved = 0;

	return db->connection != NULL &&
	    sqlite3_file_control(db->connection, NULL,
	    SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

/*
 * The step of a file that isn't open yet, without changing it.  Who opens it
 * first at that moment has it locked.
 */
static int
look_at_step(const struct sb_db *db)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_db look = { .pool = pool, .store = SB_STORE_MAIN };
	int step = 0;

	if (sqlite3_open_v2(path_of(pool, &look), &look.connection,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sb_db_deadline(&look, db->patience);
		sqlite3_busy_handler(look.connection, sb_db_wait, &look);
		step = pragma(&look, "PRAGMA user_version");
		sb_db_stop_waiting(&look);
	}
	sqlite3_close(look.connection);
	sb_pool_free(pool);
	return step;
}

int
sb_db_step(struct sb_db *db)
{
	return db->connection == NULL ? look_at_step(db) :
	    pragma(db, "PRAGMA user_version");
}

/*
 * Whoever waited for the place finds another file there, and leaves it alone.
 */
void
sb_db_discard(struct sb_db *db)
{
	struct sb_pool *pool = sb_pool_new();
	const char *path = path_of(pool, db);
	int place = sb_slot_take("open", 1, db->patience);
	bool bad = place >= 0 && !sb_db_has_moved(db);
	bool damaged = db->damaged;

	if (bad && db->connection == NULL) {
		db->failed = db->damaged = false;
		connect_path(db, pool, path);
		bad = db->damaged;
	}
	if (bad) {
		sb_log(SB_WARNING, "%s is made anew", path);
		remove_files(pool, path);
	}
	sb_db_disconnect(db);
	db->damaged = damaged;
	if (place >= 0)
		sb_slot_leave(place);
	sb_pool_free(pool);
}

/* ----------------------------------------------------------------- copies */

#define PAGES	256		/* that are copied at once */

/* Where SQLite's unix locks are: whoever has a file open holds one there. */
#define LOCKS	0x40000000

struct sb_db *
sb_db_new_at(enum sb_store store, const char *path, bool read_only)
{
	struct sb_db *db = sb_db_new(store);

	db->path = path;
	db->read_only = read_only;
	return db;
}

void
sb_db_remove(const char *path)
{
	struct sb_pool *pool = sb_pool_new();

	remove_files(pool, path);
	unlink(sb_printf(pool, "%s-journal", path));
	sb_pool_free(pool);
}

static bool
is_wal(struct sb_db *db)
{
	sqlite3_stmt *s;
	bool yes = sqlite3_prepare_v2(db->connection, "PRAGMA journal_mode",
	    -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;

	sqlite3_finalize(s);
	return yes;
}

bool
sb_db_snapshot(struct sb_db *db)
{
	/* Only what has been read from is held fast. */
	return !is_wal(db) || (sb_db_script(db, "BEGIN", "snapshot") &&
	    pragma(db, "PRAGMA user_version") >= 0);
}

/* Without a WAL, whoever writes meanwhile would make it begin anew. */
bool
sb_db_copy(struct sb_db *from, struct sb_db *to,
    bool (*go_on)(int64_t left, int64_t all))
{
	const int some = is_wal(from) ? PAGES : -1;
	sqlite3_backup *copy = sqlite3_backup_init(to->connection, "main",
	    from->connection, "main");
	bool wanted = true;
	int rc = SQLITE_OK, last;

	if (copy == NULL) {
		sb_db_trouble(to, sqlite3_errcode(to->connection), "copy");
		return false;
	}
	to->deadline = sb_monotonic() + to->patience;
	while (wanted && (rc == SQLITE_OK || (((rc & 0xff) == SQLITE_BUSY ||
	    (rc & 0xff) == SQLITE_LOCKED) && sb_db_wait(to, 0)))) {
		rc = sqlite3_backup_step(copy, some);
		if (rc == SQLITE_OK && go_on != NULL)
			wanted = go_on(sqlite3_backup_remaining(copy),
			    sqlite3_backup_pagecount(copy));
	}
	last = sqlite3_backup_finish(copy);
	if (wanted && (rc != SQLITE_DONE || last != SQLITE_OK))
		sb_db_trouble(to, rc != SQLITE_DONE ? rc : last, "copy");
	return wanted && !to->failed;
}

bool
sb_db_settle(struct sb_db *db)
{
	return sb_db_script(db, "PRAGMA journal_mode = DELETE", "settle");
}

const char *
sb_db_flaw(struct sb_db *db)
{
	const char *flaw = NULL, *text;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db->connection, "PRAGMA integrity_check(1)", -1,
	    &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(s, 0);
		if (text == NULL || strcmp(text, "ok") != 0)
			flaw = sb_printf(db->pool, "%s", text == NULL ? "" :
			    text);
	} else
		flaw = sb_printf(db->pool, "%s",
		    sqlite3_errmsg(db->connection));
	sqlite3_finalize(s);
	return flaw;
}

bool
sb_db_clear(struct sb_db *db)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = LOCKS, .l_len = 512 };
	struct sb_pool *pool = sb_pool_new();
	const char *path = path_of(pool, db);
	int fd, place = sb_slot_take("open", 1, db->patience);
	bool alone;

	sb_db_disconnect(db);
	fd = open(path, O_RDWR | O_CLOEXEC);
	alone = fd >= 0 && place >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0;
	if (alone)
		remove_files(pool, path);
	if (fd >= 0)
		close(fd);
	if (place >= 0)
		sb_slot_leave(place);
	sb_pool_free(pool);
	return alone;
}

bool
sb_db_expand(struct sb_db *db)
{
	return sb_db_script(db, "PRAGMA cache_size = -200000", "expand");
}
