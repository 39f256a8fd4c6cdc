/*
 * switchboard restore: puts back what backup has saved.  It is checked, copied
 * and brought up to date beside the database first, which it then replaces in
 * one transaction: programs may run, and a crash leaves the one or the other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "copy.h"

#define PATIENCE	(10 * SB_SECOND)

struct restore {
	const char	*path;		/* of the backup */
	const char	*beside;	/* where it is made ready */
	struct sb_pool	*pool;
	struct sb_db	*from, *ready;
	const struct sb_row *files;	/* that it has, or NULL */
	bool		 force, keys;
};

static enum cmd_exit
complain(const struct restore *r, const char *why, enum cmd_exit status)
{
	fprintf(stderr, "switchboard restore: %s: %s\n",
	    cmd_visible(r->pool, r->path), why);
	return status;
}

static bool
show_reading(int64_t left, int64_t all)
{
	return cmd_progress("read %d %%", all == 0 ? 0 :
	    (int)((all - left) * 100 / all));
}

static bool
show_writing(int64_t left, int64_t all)
{
	return cmd_progress("write %d %%", all == 0 ? 0 :
	    (int)((all - left) * 100 / all));
}

/* ------------------------------------------------------------ the backup */

/* Nobody's data is touched before this was content. */
static enum cmd_exit
check(struct restore *r)
{
	const struct sb_row *row;
	const char *flaw;
	int step;

	if (access(r->path, R_OK) != 0)
		return complain(r, strerror(errno), CMD_INPUT);
	if (!sb_db_open(r->from, "") || (row = sb_one(r->from,
	    SB_Q_BACKUP_TABLES)) == NULL)
		return complain(r, "is no database, or can't be read",
		    CMD_DATA);
	if (sb_row_int(row, "ours") != 3)
		return complain(r, "is no database of switchboard's",
		    CMD_DATA);
	if ((flaw = sb_db_flaw(r->from)) != NULL)
		return complain(r, sb_printf(r->pool, "is damaged: %s",
		    cmd_visible(r->pool, flaw)), CMD_DATA);
	step = sb_db_step(r->from);
	if (step < 1 || sb_schema_too_new(r->from, step))
		return complain(r, sb_printf(r->pool, "is at schema step %d; "
		    "this version knows %d: restore it by a newer one", step,
		    sb_db_newest_step()), CMD_DATA);
	if (sb_row_int(row, "files") > 0)
		r->files = sb_all(r->from, SB_Q_BACKUP_FILES);
	return sb_db_failed(r->from) ? complain(r, "can't be read", CMD_DATA) :
	    CMD_OK;
}

static const struct sb_row *
find_file(const struct restore *r, const char *name)
{
	const struct sb_row *row = r->files;

	while (row != NULL && strcmp(sb_row_text(row, "name"), name) != 0)
		row = row->next;
	return row;
}

/* ------------------------------------------------------------ ready beside */

/* A table that only backups have goes. */
static bool
make_ready(struct restore *r)
{
	bool done;

	sb_db_remove(r->beside);
	r->ready = sb_db_new_at(SB_STORE_MAIN, r->beside, false);
	sb_db_attach(r->ready, r->pool);
	done = sb_db_open(r->ready, "") && sb_db_copy(r->from, r->ready,
	    show_reading);
	if (done && r->files != NULL)
		sb_run(r->ready, SB_Q_BACKUP_DROP);
	done = sb_db_finish(r->ready, done) && done;
	sb_db_attach(r->ready, r->pool);
	return done && sb_schema_migrate(r->ready) &&
	    sb_db_flaw(r->ready) == NULL;
}

/* ------------------------------------------------------------ in its place */

/* A file that is too damaged to be opened has nothing to be replaced in. */
static bool
open_place(struct restore *r, struct sb_db *db)
{
	sb_db_attach(db, r->pool);
	if (sb_db_open(db, ""))
		return true;
	if (!sb_db_damaged(db) || !sb_db_clear(db))
		return false;
	sb_db_attach(db, r->pool);
	return sb_db_open(db, "");
}

static bool
replace(struct restore *r)
{
	/* Where there is none, none is made that is still empty. */
	struct sb_db *db = sb_db_new_at(SB_STORE_MAIN, sb_printf(r->pool,
	    "%s/switchboard.db", sb_settings.data), false);
	bool done = open_place(r, db);

	sb_db_deadline(db, PATIENCE);
	done = done && sb_db_copy(r->ready, db, show_writing);
	if (done)
		sb_db_checkpoint(db);
	sb_db_free(db);
	return done;
}

/* Another process that makes one waits, and then finds this one. */
static const char *
put_back(const struct restore *r, const struct cmd_key_file *f)
{
	const struct sb_row *file = find_file(r, f->name);
	const char *why;
	int place;

	if (!r->keys || file == NULL)
		return NULL;
	if ((place = sb_slot_take(f->slot, 1, PATIENCE)) < 0)
		return "can't be locked";
	why = sb_data_write(f->name, sb_row_text(file, "bytes"), true);
	sb_slot_leave(place);
	return why;
}

static enum cmd_exit
put_keys_back(const struct restore *r)
{
	const char *why;

	for (const struct cmd_key_file *f = cmd_key_files; f->name != NULL;
	    f++)
		if ((why = put_back(r, f)) != NULL) {
			fprintf(stderr, "switchboard restore: the database is "
			    "restored, but %s/%s isn't: %s; do it again\n",
			    sb_settings.data, f->name, why);
			return CMD_UNAVAILABLE;
		}
	return CMD_OK;
}

/* -------------------------------------------------------------------- all */

static enum cmd_exit
restore(struct restore *r)
{
	enum cmd_exit status = check(r);

	if (status != CMD_OK)
		return status;
	if (!make_ready(r))
		return cmd_stopped() ? cmd_say_stopped("restore") :
		    cmd_unavailable("restore");
	if (!replace(r))
		return cmd_stopped() ? cmd_say_stopped("restore") :
		    cmd_unavailable("restore");
	return put_keys_back(r);
}

static void
say_done(const struct restore *r)
{
	const struct sb_row *taken = find_file(r, "backup");
	int files = 0;

	for (const struct cmd_key_file *f = cmd_key_files;
	    r->keys && f->name != NULL; f++)
		files += find_file(r, f->name) != NULL;
	printf("restored the database and %d key file%s%s%s\n", files,
	    files == 1 ? "" : "s", taken == NULL ? "" : " of ",
	    taken == NULL ? "" : cmd_time(r->pool,
	    sb_row_int(taken, "kept_at")));
}

static enum cmd_exit
run(struct restore *r)
{
	int place = sb_slot_take("restore", 1, 0);
	enum cmd_exit status;

	if (place < 0) {
		fputs("switchboard restore: another one is at work\n", stderr);
		return CMD_UNAVAILABLE;
	}
	cmd_progress_begin("restore");
	r->beside = sb_printf(r->pool, "%s/restore.db", sb_settings.data);
	r->from = sb_db_new_at(SB_STORE_BACKUP, r->path, true);
	sb_db_attach(r->from, r->pool);
	status = restore(r);
	sb_db_free(r->from);
	if (r->ready != NULL) {
		sb_db_free(r->ready);
		sb_db_remove(r->beside);
	}
	cmd_progress_end();
	if (status == CMD_OK) {
		say_done(r);
		/* There may be keys with webhooks in it. */
		sb_worker_expect();
	}
	sb_slot_leave(place);
	return status;
}

enum cmd_exit
cmd_restore(char **arguments)
{
	const char *name = "restore", *wrong;
	struct restore r = { .keys = true };
	enum cmd_exit status;
	bool without = false;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--force", &r.force }, { "--without-keys", &without },
	    { NULL, NULL } }, &r.path, 1);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (r.path == NULL)
		return cmd_lack(name, "FILE");
	r.keys = !without;
	if ((status = cmd_enter(name)) != CMD_OK)
		return status;
	/* The log says why. */
	if (!sb_data_directory())
		return CMD_UNAVAILABLE;
	if ((status = cmd_look(name, CMD_DIRECTORY)) != CMD_OK)
		return status;
	r.pool = sb_pool_new();
	if (!r.force && !sb_is_empty(sb_printf(r.pool, "%s/switchboard.db",
	    sb_settings.data))) {
		fprintf(stderr, "switchboard restore: there is a database in "
		    "%s already; --force replaces it\n", sb_settings.data);
		status = CMD_CREATE;
	} else
		status = run(&r);
	sb_pool_free(r.pool);
	return status;
}
