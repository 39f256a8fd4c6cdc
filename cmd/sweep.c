/*
 * Deleting many rows beside requests that want the same lock, as lib/pace.c has
 * it, and saying how far it is.  tick and limits reset rely on it.
 */
#include "cmd.h"

#define LOCKED_MAX	(SB_SECOND / 50)	/* a transaction's time */
#define ROWS_FIRST	32

bool
cmd_sweep_lock(struct cmd_sweep *s)
{
	if (!sb_db_open(s->db, s->group) || !sb_db_begin(s->db))
		return false;
	s->locked_at = sb_monotonic();
	return true;
}

/* One transaction; false if it failed. */
static bool
sweep_some(struct cmd_sweep *s, int most, bool *more)
{
	bool done;

	s->pool = sb_pool_new();
	s->deleted = s->locked_at = 0;
	sb_db_attach(s->db, s->pool);
	*more = s->some(s, most);
	done = sb_db_finish(s->db, true);
	sb_pool_free(s->pool);
	if (done)
		s->total += s->deleted;
	return done;
}

bool
cmd_sweep(struct cmd_sweep *s)
{
	int rows = ROWS_FIRST;
	bool more = true;
	int64_t took;

	while (more && (s->go_on == NULL || s->go_on())) {
		if (!sweep_some(s, rows, &more))
			return false;
		if (!more || s->locked_at == 0)
			continue;
		took = sb_monotonic() - s->locked_at;
		rows = sb_pace(rows, CMD_PAGE, took, LOCKED_MAX);
	}
	return true;
}
