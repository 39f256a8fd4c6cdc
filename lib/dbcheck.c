/*
 * A file of the store as it is found: opened to be looked at, without making,
 * changing or mending anything.  switchboard check relies on it; what is wrong
 * is told, and never the end of the process.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "dbcheck.h"

#define PATIENCE	2000	/* milliseconds, for a lock */
#define OFTEN		100000	/* steps of SQLite's machine */

/* Of a database's first bytes (https://sqlite.org/fileformat2.html). */
#define HEADER		20
#define READ_VERSION	19	/* 2: it has a WAL */

struct look {
	struct sb_pool	*pool;
	const char	*path;
	enum sb_store	 store;
	sqlite3		*connection;
	bool		 has_wal;	/* asked while it isn't open */
	bool		(*go_on)(void);
	struct sb_db_state *state;
};

/* ------------------------------------------------------------- opening it */

static bool
has_wal_mode(const struct look *l)
{
	unsigned char header[HEADER] = { 0 };
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	sb_read_all(fd, (char *)header, sizeof(header));
	close(fd);
	return header[READ_VERSION] == 2;
}

/* With nothing in its WAL it is looked at as it lies there. */
static bool
lies_still(const struct look *l)
{
	return l->has_wal && sb_is_empty(sb_printf(l->pool, "%s-wal",
	    l->path));
}

static const char *
uri_of(const struct look *l, bool still)
{
	char *escaped = sb_alloc(l->pool, 3 * strlen(l->path) + 1);
	char *end = escaped;

	for (const char *c = l->path; *c != '\0'; c++)
		if (isalnum((unsigned char)*c) || strchr("/-._~", *c) != NULL)
			*end++ = *c;
		else
			end += snprintf(end, 4, "%%%02X", (unsigned char)*c);
	return sb_printf(l->pool, "file:%s?mode=ro%s", escaped,
	    still ? "&immutable=1" : "");
}

/* -------------------------------------------------------------- asking it */

static const char *
why(const struct look *l)
{
	return sb_printf(l->pool, "%s", sqlite3_errmsg(l->connection));
}

/* The first column of the first row; NULL if there is none. */
static const char *
ask(struct look *l, const char *sql, int *rc)
{
	const char *text = NULL;
	sqlite3_stmt *s;

	*rc = sqlite3_prepare_v2(l->connection, sql, -1, &s, NULL);
	if (*rc == SQLITE_OK)
		*rc = sqlite3_step(s);
	if (*rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		text = sb_printf(l->pool, "%s",
		    (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return text;
}

static int64_t
ask_number(struct look *l, const char *sql)
{
	int rc;
	const char *text = ask(l, sql, &rc);

	return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static bool
is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT;
}

static void
look_at_head(struct look *l)
{
	struct sb_db_state *state = l->state;
	const char *text;
	int rc;

	text = ask(l, "PRAGMA user_version", &rc);
	if (text != NULL && rc == SQLITE_ROW) {
		state->step = (int)strtol(text, NULL, 10);
		/* Of one that lies still SQLite says something else. */
		text = l->has_wal ? "wal" :
		    ask(l, "PRAGMA journal_mode", &rc);
		state->journal = text == NULL ? "" : text;
		/* This is the first to read more than the head. */
		text = ask(l, "PRAGMA schema_version", &rc);
	}
	if (text == NULL || rc != SQLITE_ROW) {
		state->error = why(l);
		state->damaged = is_damage(rc);
	}
}

/*
 * What could not be asked: that the file is damaged is one reason, but a lock
 * and a disk that fails are others, and no backup has to be restored for them.
 */
static void
keep_failure(struct look *l, int rc)
{
	if (rc == SQLITE_INTERRUPT)
		return;
	if (is_damage(rc))
		l->state->flaw = why(l);
	else
		l->state->error = why(l);
}

/* A page that can't be read is among the flaws, with SQLite's code for it. */
static bool
is_out_of_reach(const char *flaw)
{
	static const char code[] = "error code=";
	const char *at = strstr(flaw, code);

	return at != NULL && !is_damage((int)strtol(at + sizeof(code) - 1,
	    NULL, 10));
}

static void
look_for_flaws(struct look *l)
{
	int rc;
	const char *text = ask(l, "PRAGMA integrity_check(1)", &rc);

	if (text == NULL) {
		keep_failure(l, rc);
		return;
	}
	if (strcmp(text, "ok") != 0) {
		if (is_out_of_reach(text))
			l->state->error = text;
		else
			l->state->flaw = text;
		return;
	}
	text = ask(l, "PRAGMA foreign_key_check", &rc);
	if (text != NULL)
		l->state->flaw = sb_printf(l->pool, "a row of %s belongs to "
		    "one that isn't there", text);
	else if (rc != SQLITE_DONE)
		keep_failure(l, rc);
}

/* A bad query can't be deployed: all of them are prepared. */
static void
prepare_all(struct look *l)
{
	sqlite3_stmt *s;

	for (int i = 0; i < SB_QUERIES && l->state->query == NULL; i++) {
		if (!sb_query_is_of(&sb_queries[i], l->store))
			continue;
		if (sqlite3_prepare_v2(l->connection, sb_queries[i].sql, -1,
		    &s, NULL) != SQLITE_OK) {
			l->state->query = sb_queries[i].name;
			l->state->query_error = why(l);
		}
		sqlite3_finalize(s);
	}
}

static int
keep_going(void *arg)
{
	const struct look *l = arg;

	return !l->go_on();
}

static void
look_at(struct look *l, bool still)
{
	struct sb_db_state *state = l->state;

	*state = (struct sb_db_state){ .error = NULL };
	if (sqlite3_open_v2(uri_of(l, still), &l->connection,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
	    NULL) != SQLITE_OK)
		state->error = why(l);
	else {
		sqlite3_extended_result_codes(l->connection, 1);
		sqlite3_busy_timeout(l->connection, PATIENCE);
		sqlite3_progress_handler(l->connection, OFTEN, keep_going, l);
		look_at_head(l);
	}
	if (state->error == NULL)
		look_for_flaws(l);
	if (state->error == NULL) {
		prepare_all(l);
		/* A newer step may have taken away what a query asks for. */
		if (l->store == SB_STORE_MAIN) {
			state->oldest = (int)ask_number(l,
			    sb_queries[SB_Q_CHECK_OLDEST].sql);
			state->newest = ask_number(l,
			    sb_queries[SB_Q_CHECK_NEWEST].sql);
			state->logins = ask_number(l,
			    sb_queries[SB_Q_CHECK_LOGINS].sql) != 0;
			state->dead = ask_number(l,
			    sb_queries[SB_Q_OUTBOX_DEAD].sql);
			state->due = ask_number(l,
			    sb_queries[SB_Q_OUTBOX_OLDEST].sql);
		}
	}
	sqlite3_close(l->connection);
	l->connection = NULL;
}

/* Whoever writes leaves either the file or its WAL another. */
static bool
was_left_alone(const struct look *l, const struct stat *before)
{
	struct stat now;

	return lies_still(l) && stat(l->path, &now) == 0 &&
	    sb_data_same(before, &now);
}

/*
 * SQLite takes a schema that the disk doesn't give for a damaged one; so the
 * file is read through before anybody is told so.
 */
static void
blame_disk(struct look *l)
{
	static char bytes[65536];
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t at = 0;
	ssize_t n;

	do {
		n = fd < 0 ? -1 : pread(fd, bytes, sizeof(bytes), at);
		at += n;
	} while (n > 0 && l->go_on());
	if (n < 0)
		*l->state = (struct sb_db_state){ .error = strerror(errno) };
	if (fd >= 0)
		close(fd);
}

/* Who began to write meanwhile is no flaw. */
void
sb_db_examine(struct sb_pool *pool, enum sb_store store, bool (*go_on)(void),
    struct sb_db_state *state)
{
	struct look l = { .pool = pool, .store = store, .go_on = go_on,
	    .path = sb_db_path(pool, store), .state = state };
	struct stat before;
	bool still;

	l.has_wal = has_wal_mode(&l);
	still = stat(l.path, &before) == 0 && lies_still(&l);
	look_at(&l, still);
	if (still && (state->error != NULL || state->flaw != NULL) &&
	    !was_left_alone(&l, &before))
		look_at(&l, false);
	if (state->damaged || state->flaw != NULL || state->query != NULL)
		blame_disk(&l);
}
