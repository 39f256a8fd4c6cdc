/*
 * The end of an account.  One that keeps little goes at once, with its row; of
 * one that keeps much most is deleted before, beside requests that want the
 * same lock.  cgi/auth.c and switchboard user delete rely on it.
 */
#include "account.h"
#include "internal.h"

#define ROWS_FIRST	200
#define ROWS_MOST	2000	/* of 64 KB at most */
#define LOCKED_MAX	(SB_SECOND / 10)	/* somebody waits for it */

struct emptying {
	struct sb_db	*db;
	const struct sb_leaver *who;
	int		 most, deleted;	/* rows, in a transaction */
};

/* Whether there was none left. */
static bool
is_rid_of(struct emptying *e, enum sb_query query)
{
	if (e->deleted < e->most)
		e->deleted += (int)sb_run(e->db, query,
		    sb_bind("user", e->who->user),
		    sb_bind_int("some", e->most - e->deleted));
	return e->deleted < e->most;
}

/* What hangs on the first of the sessions, and then that one. */
static bool
empty_session(struct emptying *e)
{
	return is_rid_of(e, SB_Q_LEAVER_OUTBOX) &&
	    is_rid_of(e, SB_Q_LEAVER_EVENTS) &&
	    is_rid_of(e, SB_Q_LEAVER_MESSAGES) &&
	    is_rid_of(e, SB_Q_LEAVER_RESPONSES) &&
	    is_rid_of(e, SB_Q_LEAVER_REQUESTS) &&
	    sb_run(e->db, SB_Q_LEAVER_SESSION,
	    sb_bind("user", e->who->user)) > 0;
}

static void
empty_some(struct emptying *e)
{
	while (e->deleted < e->most && empty_session(e))
		e->deleted++;
	if (!is_rid_of(e, SB_Q_LEAVER_REPEATS))
		return;
	e->deleted += (int)sb_run(e->db, SB_Q_LEAVER_LOGINS,
	    sb_bind("user", e->who->user),
	    sb_bind("login", e->who->login == NULL ? "" : e->who->login),
	    sb_bind_int("some", e->most - e->deleted));
}

/* Asked under the lock, each time. */
static bool
may_go_on(struct sb_db *db, const struct sb_leaver *who)
{
	return who->login == NULL || sb_one(db, SB_Q_CALLER_LIVES,
	    sb_bind("login", who->login),
	    sb_bind_int("version", who->version)) != NULL;
}

bool
sb_account_empty(struct sb_db *db, struct sb_pool *pool,
    const struct sb_leaver *who)
{
	struct emptying e = { .db = db, .who = who, .most = ROWS_FIRST };
	int64_t began;

	for (;;) {
		e.deleted = 0;
		if (!sb_db_begin(db))
			return false;
		began = sb_monotonic();
		if (!may_go_on(db, who))
			return false;
		empty_some(&e);
		if (sb_db_failed(db) || e.deleted < e.most)
			return !sb_db_failed(db);
		if (!sb_db_finish(db, true))
			return false;
		e.most = sb_pace(e.most, ROWS_MOST, sb_monotonic() - began,
		    LOCKED_MAX);
		sb_db_attach(db, pool);
	}
}
