/*
 * What switchboard check says of the database and its companions: looked at by
 * lib/dbcheck.c, which changes nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "findings.h"
#include "dbcheck.h"

#define LONG_WAL	(INT64_C(16) << 20)	/* bytes */

static bool
go_on(void)
{
	return cmd_progress("the database");
}

/* ----------------------------------------------------------- the database */

static void
judge_step(struct cmd_check *c, const struct sb_db_state *db)
{
	const int known = sb_db_newest_step();

	if (db->step < known)
		cmd_is_unwise(c, "switchboard migrate", "the database is at "
		    "schema step %d, and this version brings step %d: the "
		    "next request will take it there", db->step, known);
	else if (db->step > known && db->oldest > known)
		cmd_is_broken(c, "install the newer version again, or restore "
		    "a backup of before", "the database is at schema step %d "
		    "and needs programs that know step %d; these know %d",
		    db->step, db->oldest, known);
	else if (db->step > known && db->query != NULL)
		cmd_is_broken(c, "install the newer version everywhere",
		    "a newer version has brought the database to schema step "
		    "%d, and it lacks what %s of this one asks for: %s",
		    db->step, db->query, db->query_error);
	else if (db->step > known)
		cmd_is_unwise(c, "install the newer version everywhere",
		    "a newer version has brought the database to schema step "
		    "%d; this one knows %d, and can go on", db->step, known);
	else if (db->query != NULL)
		cmd_is_broken(c, "switchboard restore --force FILE, with the "
		    "last backup",
		    "the database lacks what %s asks for: %s", db->query,
		    db->query_error);
	else
		cmd_is_fine(c, "the database is at schema step %d, and takes "
		    "all %d queries", db->step, SB_QUERIES);
}

static void
judge_journal(struct cmd_check *c, const struct sb_db_state *db)
{
	const bool wal = strcmp(db->journal, "wal") == 0;

	if (sb_on_network(sb_settings.data)) {
		if (wal)
			cmd_is_broken(c, "stop the programs, then sqlite3 "
			    "switchboard.db 'PRAGMA journal_mode = DELETE'",
			    "the database has a WAL, on a network file system: "
			    "two machines would damage it");
	} else if (!wal)
		cmd_is_unwise(c, "nothing: the next program to open it turns "
		    "the WAL on", "the database has no WAL (journal mode %s)",
		    db->journal);
}

static void
judge_lack(struct cmd_check *c)
{
	const char *left = cmd_left_of_database(c->pool);
	const char *call = cmd_own_call(c->pool);

	if (left == NULL)
		cmd_is_unwise(c, cmd_init_call(c->pool), "there is no database "
		    "in %s; the first request would make it",
		    sb_settings.data);
	else
		cmd_is_broken(c, sb_printf(c->pool, "%s restore --force FILE, "
		    "with the last backup\nor, to begin anew without the "
		    "accounts, remove %s from %s, then %s", call, left,
		    sb_settings.data, cmd_init_call(c->pool)), "the database "
		    "in %s is gone, though there is %s: the next request would "
		    "make an empty one", sb_settings.data, left);
}

/* The database, or what SQLite opens with it. */
static bool
is_shut(struct cmd_check *c, const char *path)
{
	return cmd_check_is_shut(c, path) ||
	    cmd_check_is_shut(c, sb_printf(c->pool, "%s-wal", path)) ||
	    cmd_check_is_shut(c, sb_printf(c->pool, "%s-shm", path));
}

void
cmd_check_database(struct cmd_check *c)
{
	const char *path = cmd_data_path(c, "switchboard.db");
	struct sb_db_state db;

	if (!c->data)
		return;
	if (sb_is_empty(path)) {
		judge_lack(c);
		return;
	}
	if (is_shut(c, path))
		return;
	sb_db_examine(c->pool, SB_STORE_MAIN, go_on, &db);
	if (cmd_stopped())
		return;
	if (db.error != NULL) {
		cmd_is_broken(c, db.damaged ? "switchboard restore --force "
		    "FILE, with the last backup" : "see who holds it (fuser), "
		    "and whether the disk is well (dmesg)",
		    "%s can't be read: %s", path, db.error);
		return;
	}
	c->database = true;
	c->newest = db.newest;
	c->logins = db.logins;
	c->dead = db.dead;
	c->due = db.due;
	if (db.flaw != NULL)
		cmd_is_broken(c, "switchboard restore --force FILE, with the "
		    "last backup", "the database is damaged: %s", db.flaw);
	else
		cmd_is_fine(c, "the database is whole");
	judge_step(c, &db);
	judge_journal(c, &db);
}

void
cmd_check_wal(struct cmd_check *c)
{
	struct stat st;

	if (!c->database || stat(cmd_data_path(c, "switchboard.db-wal"),
	    &st) != 0)
		return;
	if (st.st_size > LONG_WAL)
		cmd_is_unwise(c, "switchboard tick; if it stays so, somebody "
		    "reads all the time: fuser shows who", "the WAL has grown "
		    "to %lld MiB: reading gets slow",
		    (long long)st.st_size >> 20);
	else
		cmd_is_fine(c, "the WAL has %lld KiB",
		    (long long)st.st_size >> 10);
}

/* Counts can be lost; programs make the file anew by themselves. */
void
cmd_check_counts(struct cmd_check *c)
{
	const char *path = cmd_data_path(c, "limits.db");
	struct sb_db_state db;

	if (!c->data || sb_is_empty(path) || is_shut(c, path))
		return;
	sb_db_examine(c->pool, SB_STORE_LIMITS, go_on, &db);
	if (cmd_stopped())
		return;
	if (db.error != NULL && !db.damaged)
		cmd_is_unwise(c, "see who holds it (fuser), and whether the "
		    "disk is well (dmesg)", "%s can't be read: %s", path,
		    db.error);
	else if (db.error != NULL || db.flaw != NULL || db.query != NULL)
		cmd_is_unwise(c, "nothing: the next request that counts makes "
		    "it anew", "the counts of limits are damaged: %s",
		    db.error != NULL ? db.error : db.flaw != NULL ? db.flaw :
		    db.query_error);
	else
		cmd_is_fine(c, "the counts of limits are whole");
}
