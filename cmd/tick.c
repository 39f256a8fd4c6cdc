/*
 * switchboard tick: does what time has made due in chat sessions, and deletes
 * what is of no more use, beside the requests.  All is as correct without it,
 * as whoever looks does the same.
 */
#include <signal.h>
#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"

#define SHOWN_EVERY	(SB_SECOND / 10)
#define DEAD_KEPT	(30 * SB_DAY)

static volatile sig_atomic_t stopped;

/* How far it is, for whoever watches. */
static struct {
	struct cmd_sweep logins, counts, odd, repeats, dead;
	int		 keys;
	int64_t		 sessions, requests;	/* of chat, that are over */
	bool		 watched;
	int64_t		 shown_at;
	int		 width;		/* of what is shown, or 0 */
} tick;

static void
stop(int number)
{
	(void)number;
	stopped = 1;
}

/* A transaction in hand comes to its end. */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop };

	stopped = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* ------------------------------------------------------------ what it says */

static const char *
number_of(struct sb_pool *pool, int64_t n, const char *what)
{
	return sb_printf(pool, "%lld %s%s", (long long)n, what,
	    n == 1 ? "" : "s");
}

static const char *
summary(struct sb_pool *pool)
{
	return sb_printf(pool, "ended %s, expired %s; deleted %s, %s, %s, %s, "
	    "%s",
	    number_of(pool, tick.sessions, "chat session"),
	    number_of(pool, tick.requests, "feedback request"),
	    number_of(pool, tick.logins.total, "login"),
	    number_of(pool, tick.counts.total + tick.odd.total, "count"),
	    number_of(pool, tick.keys, "key"),
	    number_of(pool, tick.repeats.total, "repeat"),
	    number_of(pool, tick.dead.total, "webhook"));
}

static void
hide_progress(void)
{
	if (tick.width > 0)
		fprintf(stderr, "\r%*s\r", tick.width, "");
	tick.width = 0;
}

/* Says, too, whether to go on. */
static bool
show_progress(void)
{
	int64_t now = sb_monotonic();
	struct sb_pool *pool;

	if (tick.watched && now >= tick.shown_at + SHOWN_EVERY) {
		pool = sb_pool_new();
		tick.width = fprintf(stderr, "\rtick: %s", summary(pool)) - 1;
		tick.shown_at = now;
		sb_pool_free(pool);
	}
	return !stopped;
}

/* -------------------------------------------------------------- logins */

/*
 * From where on to look for logins: revoked ones stay among those that expired,
 * and shouldn't be read again each time.
 */
struct place {
	int64_t		 at;
	char		 id[37];
};

/*
 * The access token of a login that expires may live on for its time.  What a
 * revoked login's refresh token must not do any more ends with the shield.
 */
static bool
drop_logins(struct cmd_sweep *s, int most)
{
	struct place *place = s->own;
	int64_t now = sb_now();
	int64_t over = now - sb_settings.access_token_expire_minutes * 60 *
	    SB_SECOND;
	int64_t forgotten = now - SB_SHIELD - SB_SECOND;
	const struct sb_row *row;
	int n = 0;

	/* It may have to read many rows, and so does it without the lock. */
	row = sb_all(s->db, SB_Q_LOGIN_STALE, sb_bind_int("at", place->at),
	    sb_bind("after", place->id), sb_bind_int("over", over),
	    sb_bind_int("forgotten", forgotten), sb_bind_int("some", most));
	if (row == NULL || !cmd_sweep_lock(s))
		return false;
	for (; row != NULL; row = row->next, n++) {
		place->at = sb_row_int(row, "expires_at");
		snprintf(place->id, sizeof(place->id), "%s",
		    sb_row_text(row, "id"));
		s->deleted += sb_run(s->db, SB_Q_LOGIN_DROP,
		    sb_bind("id", sb_row_text(row, "id")),
		    sb_bind_int("over", over),
		    sb_bind_int("forgotten", forgotten));
	}
	return n == most;
}

/* ---------------------------------------------------------------- counts */

static bool
drop_counts(struct cmd_sweep *s, int most)
{
	if (cmd_sweep_lock(s))
		s->deleted = sb_limit_expire(s->db, most);
	return s->deleted == most;
}

static bool
drop_odd_counts(struct cmd_sweep *s, int most)
{
	if (cmd_sweep_lock(s))
		s->deleted = sb_run(s->db, SB_Q_LIMIT_EXPIRE_ODD,
		    sb_bind_int("beyond", sb_now() + SB_DAY),
		    sb_bind_int("some", most));
	return s->deleted == most;
}

/* A damaged file of counts has been made anew by then. */
static bool
sweep_counts(struct cmd_sweep *s)
{
	return cmd_sweep(s) || (sb_db_damaged(s->db) && cmd_sweep(s));
}

/* ------------------------------------------------------------------ chat */

#define SETTLED	20	/* sessions, in a transaction */

/* One transaction's worth; false if it failed. */
static bool
settle_some(struct sb_db *db, bool *more)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_way way = { .started = sb_monotonic() };
	struct sb_request rq = { .pool = pool, .db = db, .way = &way };
	struct sb_settled settled;
	struct sb_response rs;
	bool done;

	sb_db_attach(db, pool);
	sb_response_begin(&rs, &rq);
	/* A clock that was set back finds them, and nothing due in them. */
	*more = sb_chat_settle_all(&rs, SETTLED, &settled) == SETTLED &&
	    settled.sessions + settled.requests > 0;
	done = !sb_db_failed(db) && sb_response_wrong(&rs) == NULL;
	done &= sb_wait_commit(&rq, done);
	if (done) {
		sb_outbox_committed(&rq);
		tick.sessions += settled.sessions;
		tick.requests += settled.requests;
	}
	sb_pool_free(pool);
	return done;
}

/* What time has changed in chat sessions; nobody had to wait for it. */
static bool
settle_chat(struct sb_db *db)
{
	bool more = true;

	while (more && show_progress())
		if (!settle_some(db, &more))
			return false;
	return true;
}

/* --------------------------------------------------------------- repeats */

static bool
drop_repeats(struct cmd_sweep *s, int most)
{
	if (cmd_sweep_lock(s))
		s->deleted = sb_idempotency_expire(s->db, most);
	return s->deleted == most;
}

/* -------------------------------------------------------------- webhooks */

/* Those that were given up long ago. */
static bool
drop_dead(struct cmd_sweep *s, int most)
{
	if (cmd_sweep_lock(s))
		s->deleted = sb_run(s->db, SB_Q_OUTBOX_EXPIRE,
		    sb_bind_int("over", sb_now() - DEAD_KEPT),
		    sb_bind_int("some", most));
	return s->deleted == most;
}

/* Whoever should have sent them may have been killed. */
static void
call_worker(struct sb_db *db)
{
	struct sb_pool *pool = sb_pool_new();
	const struct sb_row *row;
	int64_t due;

	sb_db_attach(db, pool);
	row = sb_one(db, SB_Q_OUTBOX_OLDEST);
	due = row == NULL ? 0 : sb_row_int(row, "oldest");
	sb_db_finish(db, true);
	if (due != 0 && due <= sb_now())
		sb_worker_call(pool);
	sb_pool_free(pool);
}

/* ------------------------------------------------------------------ all */

static bool
checkpoint(struct sb_db *db)
{
	struct sb_pool *pool = sb_pool_new();
	bool done;

	sb_db_attach(db, pool);
	done = sb_db_checkpoint(db);
	sb_db_finish(db, true);
	sb_pool_free(pool);
	return done;
}

static bool
tidy_keys(void)
{
	int n = stopped ? 0 : sb_key_tidy();

	tick.keys = n < 0 ? 0 : n;
	return n >= 0;
}

/* What can be done is done, whatever else can't. */
static bool
do_all(struct sb_db *db)
{
	struct sb_db *counts = sb_db_new(SB_STORE_LIMITS);
	struct place place = { INT64_MIN, "" };
	bool done;

	tick.logins = (struct cmd_sweep){ .db = db, .group = "admin",
	    .some = drop_logins, .own = &place, .go_on = show_progress };
	tick.counts = (struct cmd_sweep){ .db = counts, .group = "limits",
	    .some = drop_counts, .go_on = show_progress };
	tick.odd = (struct cmd_sweep){ .db = counts, .group = "limits",
	    .some = drop_odd_counts, .go_on = show_progress };
	tick.repeats = (struct cmd_sweep){ .db = db, .group = "idempotency",
	    .some = drop_repeats, .go_on = show_progress };
	tick.dead = (struct cmd_sweep){ .db = db, .group = "outbox",
	    .some = drop_dead, .go_on = show_progress };
	done = settle_chat(db);
	done &= cmd_sweep(&tick.logins);
	done &= cmd_sweep(&tick.repeats);
	done &= cmd_sweep(&tick.dead);
	done &= sweep_counts(&tick.counts);
	done &= sweep_counts(&tick.odd);
	done &= tidy_keys();
	done &= checkpoint(db);
	done &= checkpoint(counts);
	sb_db_free(counts);
	return done;
}

/* For whoever watches that there are ticks. */
static void
remember(struct sb_pool *pool)
{
	struct json_object *o = sb_note_new(pool, SB_NOTE_TICK, sb_now());

	json_object_object_add(o, "sessions",
	    json_object_new_int64(tick.sessions));
	json_object_object_add(o, "requests",
	    json_object_new_int64(tick.requests));
	json_object_object_add(o, "logins",
	    json_object_new_int64(tick.logins.total));
	json_object_object_add(o, "counts",
	    json_object_new_int64(tick.counts.total + tick.odd.total));
	json_object_object_add(o, "keys", json_object_new_int(tick.keys));
	json_object_object_add(o, "repeats",
	    json_object_new_int64(tick.repeats.total));
	json_object_object_add(o, "webhooks",
	    json_object_new_int64(tick.dead.total));
	sb_note_write(pool, SB_NOTE_TICK, o);
}

static enum cmd_exit
run(struct cmd *c, bool quiet)
{
	enum cmd_exit status = CMD_OK;

	tick.watched = !quiet && isatty(STDERR_FILENO);
	catch_signals();
	if (!do_all(c->db)) {
		hide_progress();
		status = cmd_unavailable(c->name);
	}
	sb_wake_tidy(c->pool);
	call_worker(c->db);
	hide_progress();
	if (status == CMD_OK && !stopped)
		remember(c->pool);
	if (!quiet)
		printf("tick: %s%s\n", stopped ? "stopped; " : "",
		    summary(c->pool));
	return status;
}

enum cmd_exit
cmd_tick(char **arguments)
{
	const char *name = "tick", *wrong;
	enum cmd_exit status;
	bool quiet = false;
	struct cmd c;
	int place;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--quiet", &quiet }, { NULL, NULL } }, NULL, 0);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	place = sb_slot_take("tick", 1, 0);
	if (place >= 0) {
		status = run(&c, quiet);
		sb_slot_leave(place);
	} else if (place == -1 && !quiet)
		puts("tick: another one is at work");
	else if (place != -1) {
		fprintf(stderr, "switchboard %s: %s/tick.slots can't be "
		    "locked; the log says why\n", name, sb_settings.data);
		status = CMD_UNAVAILABLE;
	}
	/* A failure was said already. */
	if (status != CMD_OK)
		sb_db_attach(c.db, c.pool);
	return cmd_end(&c, status, NULL);
}
