/*
 * The schema's steps: who comes first brings an older file up to date, and what
 * a newer one asks of programs is honoured.  db.c relies on it.
 */
#include <stdio.h>

#include "internal.h"

bool
sb_schema_too_new(struct sb_db *db, int step)
{
	const struct sb_row *row;
	int64_t oldest;

	if (step <= SB_STEPS)
		return false;
	row = sb_one(db, SB_Q_STEP_OLDEST, sb_bind_int("known", SB_STEPS));
	if (row == NULL || (oldest = sb_row_int(row, "oldest")) <= SB_STEPS)
		return false;
	sb_log(SB_ERROR, "the database is at schema step %d and needs programs "
	    "that know step %d; this one knows %d: install the newer programs",
	    step, (int)oldest, SB_STEPS);
	return true;
}

static void
apply_step(struct sb_db *db, int step)
{
	const struct sb_step_text *s = &sb_steps[step - 1];
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", step);
	if (!sb_db_script(db, s->sql, s->name) ||
	    !sb_db_script(db, sql, s->name))
		return;
	sb_run(db, SB_Q_STEP_ADD, sb_bind_int("step", step),
	    sb_bind("name", s->name), sb_bind_int("oldest", s->oldest));
	if (!sb_db_failed(db))
		sb_log(SB_INFO, "database: applied schema step %s", s->name);
}

/* Whoever comes first migrates; the others wait for its lock, then look. */
bool
sb_schema_migrate(struct sb_db *db)
{
	int step = sb_db_step(db);

	if (sb_db_failed(db) || step >= SB_STEPS)
		return !sb_db_failed(db);
	if (!sb_db_begin(db))
		return false;
	for (step = sb_db_step(db); !sb_db_failed(db) && step < SB_STEPS;
	    step++)
		apply_step(db, step + 1);
	return sb_db_end(db, true);
}
