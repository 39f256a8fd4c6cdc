/*
 * switchboard import: accounts out of a file, all of them or none, in one
 * transaction.  A dry run does the same to a copy of the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "record.h"

struct import {
	struct cmd	 cmd;
	struct sb_pool	*pool;		/* beyond the command's end */
	const char	*path;
	FILE		*file;
	FILE		*report;	/* where refused lines are told */
	const char	*beside;	/* the copy of a dry run */
	bool		 dry, skip;
	int64_t		 taken, refused;
	enum cmd_exit	 status;
};

static const char *
shown(const struct import *m)
{
	return strcmp(m->path, "-") == 0 ? "standard input" :
	    cmd_visible(m->cmd.pool, m->path);
}

/* ------------------------------------------------------------------- lines */

static void
tell(struct import *m, int64_t line, const char *why)
{
	cmd_progress_end();
	fprintf(m->report, "%s:%lld: %s\n", shown(m), (long long)line, why);
}

static void
refuse(struct import *m, int64_t line, const char *why)
{
	m->refused++;
	tell(m, line, why);
}

/* The indexes decide, as they do at a registration. */
static void
insert(struct import *m, int64_t line, const struct cmd_account *a)
{
	struct sb_db *db = m->cmd.db;
	const char *taken;

	if (sb_run(db, SB_Q_ACCOUNT_IMPORT, sb_bind("id", a->id),
	    sb_bind("email", a->email), sb_bind("email_key", a->email_key),
	    sb_bind("username", a->username),
	    sb_bind("username_key", a->username_key),
	    sb_bind("password", a->hash), sb_bind_int("active", a->active),
	    sb_bind_int("admin", a->admin),
	    sb_bind_int("created_at", a->created_at)) == 1) {
		m->taken++;
		return;
	}
	if (sb_db_failed(db))
		return;
	taken = cmd_account_taken(db, a->username_key, a->email_key);
	refuse(m, line, taken != NULL ? taken : "id: somebody has it already");
}

/* The file's end is none, if it can't be read. */
static bool
can_read(struct import *m)
{
	int error = errno;

	if (!ferror(m->file))
		return true;
	if (cmd_stopped())
		m->status = cmd_say_stopped("import");
	else {
		fprintf(stderr, "switchboard import: %s: %s\n", shown(m),
		    strerror(error));
		m->status = CMD_INPUT;
	}
	return false;
}

/* False at the end, whatever that is. */
static bool
import_line(struct import *m, struct cmd_reader *reader)
{
	struct sb_pool *pool = m->cmd.page;
	struct cmd_record record;
	struct cmd_account account;
	const char *why = NULL;
	enum cmd_got got = cmd_reader_next(reader, pool, &record, &why);

	if (!can_read(m))
		return false;
	switch (got) {
	case CMD_GOT:
		if ((why = cmd_record_read(pool, &record, &account)) == NULL)
			insert(m, record.line, &account);
		else
			refuse(m, record.line, why);
		return true;
	case CMD_GOT_REFUSED:
		refuse(m, record.line, why);
		return true;
	case CMD_GOT_BROKEN:
		tell(m, record.line, why);
		m->status = CMD_DATA;
		return false;
	case CMD_GOT_END:
		break;
	}
	return false;
}

/* What was read is forgotten after each few lines. */
static void
import_lines(struct import *m, enum cmd_format format)
{
	struct cmd_reader *reader = cmd_reader_new(m->cmd.pool, m->file,
	    format);
	int64_t n = 0;

	while (!sb_db_failed(m->cmd.db) && import_line(m, reader)) {
		if (!cmd_progress("%lld lines, %lld refused", (long long)++n,
		    (long long)m->refused))
			m->status = cmd_say_stopped("import");
		if (m->status != CMD_OK || (n % CMD_PAGE == 0 &&
		    cmd_turn(&m->cmd, "") == NULL))
			break;
	}
	cmd_progress_end();
}

/* -------------------------------------------------------------------- files */

static enum cmd_exit
complain(struct import *m, const char *path, enum cmd_exit status)
{
	fprintf(stderr, "switchboard import: %s: %s\n",
	    cmd_visible(m->cmd.pool, path), strerror(errno));
	return status;
}

static enum cmd_exit
open_files(struct import *m, const char *report)
{
	int fd;

	m->file = strcmp(m->path, "-") == 0 ? stdin : fopen(m->path, "re");
	if (m->file == NULL)
		return complain(m, m->path, CMD_INPUT);
	m->report = stderr;
	if (report == NULL)
		return CMD_OK;
	fd = open(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || (m->report = fdopen(fd, "w")) == NULL) {
		m->report = stderr;
		return complain(m, report, CMD_CREATE);
	}
	return CMD_OK;
}

static void
close_files(struct import *m, const char *report)
{
	if (m->file != NULL && m->file != stdin)
		fclose(m->file);
	if (m->report != NULL && m->report != stderr &&
	    (fclose(m->report) != 0) && m->status == CMD_OK)
		m->status = complain(m, report, CMD_CREATE);
}

/* Nobody has to wait for a dry run. */
static bool
work_beside(struct import *m)
{
	struct sb_db *copy = sb_db_new_at(SB_STORE_MAIN, m->beside, false);
	bool done;

	sb_db_remove(m->beside);
	sb_db_attach(copy, m->cmd.pool);
	done = sb_db_open(copy, "") && sb_db_snapshot(m->cmd.db) &&
	    sb_db_copy(m->cmd.db, copy, NULL);
	sb_db_finish(m->cmd.db, false);
	sb_db_free(m->cmd.db);
	m->cmd.db = copy;
	return done;
}

/* --------------------------------------------------------------------- all */

static const char *
summary(const struct import *m)
{
	return sb_printf(m->cmd.pool, "%s %lld account%s; %lld line%s refused",
	    m->dry ? "would import" : "imported", (long long)m->taken,
	    m->taken == 1 ? "" : "s", (long long)m->refused,
	    m->refused == 1 ? " is" : "s are");
}

/* CMD_OK, if what was imported is to stay. */
static enum cmd_exit
judge(const struct import *m)
{
	if (m->status == CMD_OK && (m->refused == 0 || m->skip || m->dry))
		return CMD_OK;
	if (m->status == CMD_OK)
		fprintf(stderr, "switchboard import: nothing was imported: "
		    "%lld line%s refused\n", (long long)m->refused,
		    m->refused == 1 ? " is" : "s are");
	else if (m->status == CMD_DATA)
		fprintf(stderr, "switchboard import: nothing was imported: %s "
		    "is broken\n", shown(m));
	return m->status == CMD_OK ? CMD_DATA : m->status;
}

static enum cmd_exit
run(struct import *m, enum cmd_format format, const char *report)
{
	int place = m->dry ? sb_slot_take("import", 1, 0) : 0;
	enum cmd_exit status;

	if (place < 0) {
		fputs("switchboard import: another one is at work\n", stderr);
		return cmd_end(&m->cmd, CMD_UNAVAILABLE, NULL);
	}
	cmd_progress_begin("import");
	m->pool = sb_pool_new();
	m->beside = sb_printf(m->pool, "%s/import.db", sb_settings.data);
	m->status = open_files(m, report);
	if (m->status == CMD_OK && (!m->dry || work_beside(m)) &&
	    sb_db_expand(m->cmd.db) && cmd_lock(&m->cmd))
		import_lines(m, format);
	close_files(m, report);
	status = sb_db_failed(m->cmd.db) ? CMD_OK : judge(m);
	status = cmd_end(&m->cmd, status, status == CMD_OK ? summary(m) :
	    NULL);
	if (m->dry) {
		sb_db_remove(m->beside);
		sb_slot_leave(place);
	}
	sb_pool_free(m->pool);
	return status == CMD_OK && m->refused > 0 ? CMD_DATA : status;
}

enum cmd_exit
cmd_import(char **arguments)
{
	const char *name = "import", *wrong, *report = NULL;
	struct import m = { .status = CMD_OK };
	bool csv = false, json = false;
	enum cmd_exit status;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--csv", &csv }, { "--json-lines", &json },
	    { "--dry-run", &m.dry }, { "--skip-refused", &m.skip },
	    { "--report", .value = &report }, { NULL, NULL } }, &m.path, 1);
	if (wrong == NULL && csv && json)
		wrong = "--csv with --json-lines";
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (m.path == NULL)
		return cmd_lack(name, "FILE");
	if ((status = cmd_begin(&m.cmd, name)) != CMD_OK)
		return status;
	return run(&m, csv ? CMD_CSV : json ? CMD_JSON_LINES : CMD_ANY_FORMAT,
	    report);
}
