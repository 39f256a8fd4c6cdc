/*
 * The outbox as the worker sees it: what is due is leased by one statement, so
 * that nobody else sends it meanwhile, and the attempt is counted before it is
 * made.  A worker that is killed costs its items that attempt and the lease.
 */
#include <stdio.h>
#include <string.h>

#include "work.h"

#define ATTEMPTS	10
#define APART_MOST	(3600 * SB_SECOND)
#define AHEAD_MOST	(APART_MOST + APART_MOST / 5 + SB_SECOND)

/* -------------------------------------------------------------------- take */

/*
 * Whether a receiver has as many in hand as it may; or a user, who may have a
 * hundred of them.
 */
static bool
is_busy(const struct work *w, const char *key_id, const char *user_id)
{
	int of_key = 0, of_user = 0;

	for (int i = 0; i < WORK_LANES; i++) {
		const struct work_item *item = &w->items[i];

		if (item->pool == NULL)
			continue;
		of_key += strcmp(item->key_id, key_id) == 0;
		of_user += strcmp(item->user_id, user_id) == 0;
	}
	return of_key >= WORK_PER_KEY || of_user >= WORK_PER_USER;
}

/* The ids of all keys and users that have as many as they may. */
static const char *
busy_ones(const struct work *w, struct sb_pool *pool)
{
	const char *all = "";

	for (int i = 0; i < WORK_LANES; i++) {
		const struct work_item *item = &w->items[i];

		if (item->pool == NULL)
			continue;
		if (is_busy(w, item->key_id, ""))
			all = sb_printf(pool, "%s %s", all, item->key_id);
		if (is_busy(w, "", item->user_id))
			all = sb_printf(pool, "%s %s", all, item->user_id);
	}
	return all;
}

static struct work_item *
free_place(struct work *w)
{
	for (int i = 0; i < WORK_LANES; i++)
		if (w->items[i].pool == NULL)
			return &w->items[i];
	return NULL;
}

/* Why one that is due is not sent any more, or NULL. */
static const char *
end_of(const struct sb_row *row)
{
	if (sb_row_int(row, "attempts") >= ATTEMPTS)
		return "the last attempt was broken off";
	return sb_row_int(row, "is_active") ? NULL : "the user is disabled";
}

static void
bury(struct work *w, const struct sb_row *row, const char *why)
{
	const char *id = sb_row_text(row, "id");

	if (sb_run(w->db, SB_Q_OUTBOX_BURY, sb_bind("id", id),
	    sb_bind("error", why),
	    sb_bind_int("attempts", sb_row_int(row, "attempts")),
	    sb_bind_int("lease_beyond", sb_db_now(w->db) + WORK_LEASE)) > 0)
		sb_log(SB_WARNING, "webhook %s: given up: %s", id, why);
}

static const char *
copy(struct sb_pool *pool, const struct sb_row *row, const char *column)
{
	return sb_printf(pool, "%s", sb_row_text(row, column));
}

/* False if somebody else has it, or it is dead now. */
static bool
take(struct work *w, const struct sb_row *row, struct work_item *item)
{
	const char *why = end_of(row), *id = sb_row_text(row, "id");
	struct sb_request rq;
	int64_t now;

	if (!sb_db_writing(w->db) && !sb_db_begin(w->db))
		return false;
	now = sb_db_now(w->db);
	if (why != NULL) {
		bury(w, row, why);
		return false;
	}
	if (sb_one(w->db, SB_Q_OUTBOX_TAKE, sb_bind("id", id),
	    sb_bind_int("attempts", sb_row_int(row, "attempts")),
	    sb_bind("lease", w->lease), sb_bind_int("until", now + WORK_LEASE),
	    sb_bind_int("beyond", now + AHEAD_MOST),
	    sb_bind_int("lease_beyond", now + WORK_LEASE)) == NULL)
		return false;
	*item = (struct work_item){ .pool = sb_pool_new(),
	    .attempts = sb_row_int(row, "attempts") + 1 };
	item->id = copy(item->pool, row, "id");
	item->key_id = copy(item->pool, row, "key_id");
	item->session_id = copy(item->pool, row, "session_id");
	item->user_id = copy(item->pool, row, "user_id");
	item->url = copy(item->pool, row, "webhook_url");
	item->body = sb_printf(item->pool,
	    "{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":%s}",
	    sb_row_text(row, "type"), sb_time_text(item->pool,
	    sb_row_int(row, "happened_at")), sb_row_text(row, "payload"));
	rq = (struct sb_request){ .pool = item->pool, .db = w->db };
	item->secret = sb_webhook_secret(&rq, item->key_id);
	return true;
}

/* Those that weren't committed were not taken. */
static int
finish(struct work *w, struct work_item **taken, int n)
{
	const bool failed = sb_db_failed(w->db);

	if (sb_db_finish(w->db, true) && !failed)
		return n;
	for (int i = 0; i < n; i++) {
		sb_pool_free(taken[i]->pool);
		*taken[i] = (struct work_item){ .pool = NULL };
	}
	return -1;
}

/* Begins to send what was taken, once that is committed. */
static int
send_all(struct work *w, struct work_item **taken, int n)
{
	n = finish(w, taken, n);
	for (int i = 0; i < n; i++)
		webhook_send(w, taken[i]);
	return n;
}

static const struct sb_row *
due(struct work *w, struct sb_pool *pool, int some)
{
	const int64_t now = sb_db_now(w->db);

	return sb_all(w->db, SB_Q_OUTBOX_DUE,
	    sb_bind_int("beyond", now + AHEAD_MOST),
	    sb_bind_int("lease_beyond", now + WORK_LEASE),
	    sb_bind("busy", busy_ones(w, pool)), sb_bind_int("some", some));
}

int
work_take(struct work *w)
{
	struct sb_pool *pool = sb_pool_new();
	struct work_item *taken[WORK_LANES], *place;
	const struct sb_row *row;
	int n = 0, seen = 0;

	sb_db_attach(w->db, pool);
	w->surplus = false;
	for (row = due(w, pool, WORK_LANES); row != NULL; row = row->next) {
		seen++;
		place = free_place(w);
		if (place == NULL || is_busy(w, sb_row_text(row, "key_id"),
		    sb_row_text(row, "user_id")))
			w->surplus = true;
		else if (take(w, row, place))
			taken[n++] = place;
	}
	w->surplus |= seen == WORK_LANES;
	n = send_all(w, taken, n);
	sb_pool_free(pool);
	return n;
}

int
work_take_next(struct work *w, const char *key_id, const char *session_id)
{
	struct sb_pool *pool = sb_pool_new();
	struct work_item *place = free_place(w);
	const struct sb_row *row;
	int n;

	sb_db_attach(w->db, pool);
	row = sb_one(w->db, SB_Q_OUTBOX_LANE, sb_bind("key", key_id),
	    sb_bind("session", session_id));
	n = send_all(w, &place, row != NULL && place != NULL &&
	    take(w, row, place));
	sb_pool_free(pool);
	return n;
}

/* ------------------------------------------------------------------ settle */

/* 1 s, 4 s, 16 s and so on, at most an hour, each by up to a fifth off. */
static int64_t
apart(int64_t failures)
{
	int64_t pause = SB_SECOND, fifth;
	uint32_t chance;

	for (; failures > 1 && pause < APART_MOST; failures--)
		pause *= 4;
	if (pause > APART_MOST)
		pause = APART_MOST;
	fifth = pause / 5;
	sb_random(&chance, sizeof(chance));
	return pause - fifth + 2 * fifth / 1000 * (chance % 1001);
}

static void
log_failure(const struct work_item *item, int64_t pause)
{
	if (pause < 0)
		sb_log(SB_WARNING, "webhook %s: given up after %lld attempts: "
		    "%s", item->id, (long long)item->attempts, item->failure);
	else
		sb_log(SB_INFO, "webhook %s: attempt %lld failed: %s; the "
		    "next in %lld.%lld s", item->id, (long long)item->attempts,
		    item->failure, (long long)(pause / SB_SECOND),
		    (long long)(pause / (SB_SECOND / 10) % 10));
}

static void
log_success(const struct work_item *item)
{
	const int64_t took = sb_monotonic() - item->began;

	sb_log(SB_INFO, "webhook %s: sent by attempt %lld, %lld.%03lld ms",
	    item->id, (long long)item->attempts, (long long)(took / 1000),
	    (long long)(took % 1000));
}

static int64_t
write_failure(struct work *w, const struct work_item *item)
{
	const int64_t pause = item->attempts >= ATTEMPTS ? -1 :
	    apart(item->attempts);
	const struct sb_bind at = pause < 0 ? sb_bind("at", NULL) :
	    sb_bind_int("at", sb_now() + pause);

	sb_run(w->db, SB_Q_OUTBOX_FAILED, sb_bind("id", item->id),
	    sb_bind("lease", w->lease), sb_bind("error", item->failure), at);
	return pause;
}

bool
work_settle(struct work *w, struct work_item *item)
{
	int64_t pause = 0;
	bool failed;

	sb_db_attach(w->db, item->pool);
	if (item->failure == NULL)
		sb_run(w->db, SB_Q_OUTBOX_SENT, sb_bind("id", item->id),
		    sb_bind("lease", w->lease));
	else
		pause = write_failure(w, item);
	failed = sb_db_failed(w->db);
	if (!sb_db_finish(w->db, true) || failed) {
		item->settle_at = sb_monotonic() + SB_SECOND;
		return false;
	}
	if (item->failure == NULL)
		log_success(item);
	else
		log_failure(item, pause);
	return true;
}

/* -------------------------------------------------------------------- when */

bool
work_is_due(struct work *w)
{
	struct sb_pool *pool = sb_pool_new();
	bool is;

	sb_db_attach(w->db, pool);
	is = due(w, pool, 1) != NULL;
	sb_db_finish(w->db, true);
	sb_pool_free(pool);
	return is;
}

int64_t
work_until_next(struct work *w, int64_t most)
{
	struct sb_pool *pool = sb_pool_new();
	const struct sb_row *row;
	int64_t at, until = most;

	sb_db_attach(w->db, pool);
	row = sb_one(w->db, SB_Q_OUTBOX_NEXT);
	at = row == NULL ? 0 : sb_row_int(row, "at");
	if (at != 0 && at - sb_now() < most)
		until = at - sb_now();
	sb_db_finish(w->db, true);
	sb_pool_free(pool);
	return until;
}
