/*
 * Requests that wait: each has a place among its caller's, a place among all, a
 * listener, and memory that is given back whenever it has looked.  It is woken
 * by whoever commits news, and nothing of it outlives the request.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define WAITS_MAX	4	/* of one caller */
#define KEYS_WAITS_MAX	16	/* of all keys of one user */
#define COME_AGAIN	5	/* seconds; others wait for long, too */
#define AT_ONCE		(SB_SECOND / 2)

const struct sb_error sb_error_waits = {
	SB_TOO_MANY, "Too many open waits", NULL };

/* Whoever is to be told once the transaction is committed. */
struct sb_news {
	const struct sb_news *next;
	const char	*about;
};

/* ------------------------------------------------------------------ to tell */

void
sb_tell(struct sb_request *rq, const char *about)
{
	struct sb_news *news;

	for (const struct sb_news *n = rq->way->news; n != NULL; n = n->next)
		if (strcmp(n->about, about) == 0)
			return;
	news = sb_alloc(rq->pool, sizeof(*news));
	news->about = sb_copy(rq->pool, about, strlen(about));
	news->next = rq->way->news;
	rq->way->news = news;
}

bool
sb_wait_commit(struct sb_request *rq, bool commit)
{
	const struct sb_news *news = rq->way->news;
	bool done = sb_db_finish(rq->db, commit);

	rq->way->news = NULL;
	for (; done && news != NULL; news = news->next)
		sb_wake(rq->pool, news->about);
	return done;
}

/* ---------------------------------------------------------------- to listen */

/* What is given back at the request's end, in the reverse order. */
static void
leave_place(void *place)
{
	sb_slot_leave(*(int *)place);
}

static void
stop_waiting(void *with)
{
	(void)with;
	sb_wait_end();
}

static void
stop_listening(void *with)
{
	struct sb_wait *wait = with;
	struct sb_pool *pool = sb_pool_new();

	sb_wake_end(pool, wait->listener, wait->about);
	sb_pool_free(pool);
}

static void
free_pool(void *pool)
{
	sb_pool_free(pool);
}

/* Somebody else's number may be the same, and who has it is random. */
static int64_t
first_place(const char *caller, int places)
{
	return (int64_t)(sb_fnv1a(caller, strlen(caller)) >> 8) * places;
}

/* As sb_slot_take_from; held to the request's end. */
static int
take_place(struct sb_request *rq, const char *name, int64_t first, int places)
{
	int *place = sb_alloc(rq->pool, sizeof(*place));

	*place = sb_slot_take_from(name, first, places, 0);
	if (*place >= 0)
		sb_pool_defer(rq->pool, leave_place, place);
	return *place;
}

/* Of a user's own waits, or of each key's; and of all of the keys together. */
static int
take_own_places(struct sb_request *rq)
{
	const struct sb_caller *c = &rq->caller;
	int place = take_place(rq, "wait", first_place(c->id, WAITS_MAX),
	    WAITS_MAX);

	return place < 0 || c->agent_key_id == NULL ? place :
	    take_place(rq, "wait-keys", first_place(c->user_id,
	    KEYS_WAITS_MAX), KEYS_WAITS_MAX);
}

/*
 * A place among the caller's, but for an operator, then one among all.  The
 * prefork knows of its own children only: under CGI and mod_fcgid the places
 * are what bounds them.
 */
static enum sb_status
take_places(struct sb_request *rq, struct sb_response *rs)
{
	int place = 0;

	if (sb_data_directory() && rq->caller.id != NULL)
		place = take_own_places(rq);
	if (place == -1)
		return sb_fail(rs, &sb_error_waits);
	if (place >= 0 && take_place(rq, "stream", 0,
	    (int)sb_settings.waiters) >= 0) {
		sb_pool_defer(rq->pool, stop_waiting, NULL);
		if (sb_wait_begin())
			return SB_NEXT;
	}
	sb_db_fail(rq->db, SB_UNAVAILABLE, "no place to wait in");
	rs->retry_after = COME_AGAIN;
	return sb_refuse(rs, &sb_error_unavailable);
}

enum sb_status
sb_listen(struct sb_response *rs, const char *about, int64_t microseconds)
{
	struct sb_request *rq = rs->rq;
	struct sb_wait *wait;
	enum sb_status status;

	if (rq->way->head || microseconds <= 0)
		return SB_NEXT;
	if (sb_db_failed(rq->db))
		return sb_refuse(rs, sb_db_error(rq->db));
	if ((status = take_places(rq, rs)) != SB_NEXT)
		return status;
	wait = sb_alloc(rq->pool, sizeof(*wait));
	wait->listener = -1;
	if (about != NULL) {
		sb_db_frugal(rq->db);
		wait->about = sb_copy(rq->pool, about, strlen(about));
		wait->listener = sb_wake_listen(rq->pool, about);
		if (wait->listener < 0) {
			sb_db_fail(rq->db, SB_UNAVAILABLE, "nobody can wake");
			return sb_refuse(rs, &sb_error_unavailable);
		}
		sb_pool_defer(rq->pool, stop_listening, wait);
	}
	wait->pool = sb_pool_new();
	sb_pool_defer(rq->pool, free_pool, wait->pool);
	wait->sent_at = sb_monotonic();
	wait->end = wait->sent_at + microseconds;
	rq->way->wait = wait;
	rq->pool = wait->pool;
	sb_db_attach(rq->db, rq->pool);
	return SB_NEXT;
}

/* ----------------------------------------------------------------- to pause */

/* Somebody between us and a client may cut off who is silent for long. */
static bool
say_something(struct sb_conn *conn, struct sb_wait *wait)
{
	static const char comment[] = ": still here\n\n";

	if (!wait->streams ||
	    sb_monotonic() < wait->sent_at + SB_STREAM_QUIET - AT_ONCE)
		return true;
	wait->sent_at = sb_monotonic();
	return conn->write(conn, comment, sizeof(comment) - 1) &&
	    conn->flush(conn);
}

/* What is due at about one time is done when we wake for the last of it. */
static int64_t
next_wake(const struct sb_wait *wait, int64_t until)
{
	const int64_t quiet = wait->sent_at + SB_STREAM_QUIET;

	return wait->streams && quiet < until - AT_ONCE ? quiet : until;
}

static bool
pause_until(struct sb_way *way, int64_t until)
{
	struct sb_wait *wait = way->wait;
	struct sb_conn *conn = way->conn;
	int64_t now;

	if (until > wait->end)
		until = wait->end;
	while ((now = sb_monotonic()) < until) {
		if (!conn->pause(conn, next_wake(wait, until) - now,
		    wait->listener))
			return false;
		if (wait->listener >= 0 && sb_wake_drain(wait->listener))
			return true;
		if (!say_something(conn, wait))
			return false;
	}
	return now < wait->end;
}

bool
sb_pause(struct sb_response *rs, int64_t microseconds)
{
	struct sb_request *rq = rs->rq;
	struct sb_wait *wait = rq->way->wait;
	struct sb_conn *conn = rq->way->conn;
	int64_t until = sb_monotonic() + microseconds;
	bool go_on;

	if (wait == NULL || !sb_wait_commit(rq, true))
		return false;
	sb_outbox_committed(rq);
	sb_pool_clear(wait->pool);
	go_on = (!wait->streams || conn->flush(conn)) &&
	    pause_until(rq->way, until);
	sb_db_attach(rq->db, rq->pool);
	return go_on;
}
