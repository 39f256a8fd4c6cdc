/*
 * Deleting many rows beside requests that want the same lock: little at a time,
 * and as long a pause after each as it took.  tick and limits reset rely on it.
 */
#include <time.h>

#include "cmd.h"

#define LOCKED_MAX	(SB_SECOND / 50)	/* a transaction's time */
#define PAUSE_MIN	(SB_SECOND / 1000)
#define ROWS_FIRST	32

bool
cmd_sweep_lock(struct cmd_sweep *s)
{
	if (!sb_db_open(s->db, s->group) || !sb_db_begin(s->db))
		return false;
	s->locked_at = sb_monotonic();
	return true;
}

/* A signal to stop ends it, too. */
static void
pause_for(int64_t microseconds)
{
	struct timespec nap;

	if (microseconds < PAUSE_MIN)
		microseconds = PAUSE_MIN;
	nap.tv_sec = (time_t)(microseconds / SB_SECOND);
	nap.tv_nsec = (long)(microseconds % SB_SECOND) * 1000;
	nanosleep(&nap, NULL);
}

/* How many rows are right next time: a disk's flush counts as well. */
static int
adapt(int rows, int64_t took)
{
	if (took > LOCKED_MAX)
		return rows > 1 ? rows / 2 : 1;
	if (took < LOCKED_MAX / 2 && rows < CMD_PAGE)
		return rows + rows / 4 + 1;
	return rows;
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
		rows = adapt(rows, took);
		pause_for(took);
	}
	return true;
}
