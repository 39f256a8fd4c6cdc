/*
 * Rate limits: exact sliding windows that all processes share and that outlive
 * them.  A key has one row in limits.db: the moments that count.  Routes say in
 * their rows which limits they count against; serve.c takes them.
 */
#include <string.h>

#include "internal.h"

#define GUESSES_WINDOW	(15 * 60)	/* seconds, of the account's limit */
#define CLEANED		2		/* rows, by each that is new */

/* What a limit counts, and under which name. */
static const struct rule {
	enum sb_limit	 limit;
	const char	*name;
	const int64_t	*max;		/* 0: off */
	int64_t		 seconds;	/* 0: the settings' */
	const char	*doc;		/* what it counts */
} rules[] = {
	{ SB_LIMIT_ADDRESS, "address",
	  &sb_settings.rate_limit_per_address, 0,
	  "requests without a token of one client address (of IPv6: its /64)" },
	{ SB_LIMIT_USER, "user",
	  &sb_settings.rate_limit_per_user, 0,
	  "requests of one user, or with one agent key" },
	{ SB_LIMIT_SESSION, "session",
	  &sb_settings.rate_limit_per_session, 0,
	  "messages and feedback requests in one chat session" },
	{ SB_LIMIT_CHANNEL, "channel",
	  &sb_settings.rate_limit_per_channel, 0,
	  "messages and responses of one user over one channel" },
	{ SB_LIMIT_ACCOUNT, "account",
	  &sb_settings.login_failures_per_account, GUESSES_WINDOW,
	  "wrong passwords for one account" },
};

/* A limit that a request is about to count against. */
struct count {
	const struct rule *rule;
	const char	*key;
	int64_t		*times;		/* that count, oldest first */
	int64_t		 n;		/* and room for one more */
	int64_t		 expires_at;		/* of its row; 0: none yet */
	struct sb_limit_state state;
};

#define COUNTS	2			/* at most, in one step */

static struct sb_db *counts;		/* the process's, once it is needed */

_Static_assert(sizeof(rules) / sizeof(rules[0]) == SB_LIMITS,
    "a limit without a rule");

static const struct rule *
find_rule(enum sb_limit limit)
{
	for (int i = 0; i < SB_LIMITS; i++)
		if (rules[i].limit == limit)
			return &rules[i];
	sb_fatal("no limit %d", (int)limit);
}

static int64_t
window_of(const struct rule *r)
{
	return r->seconds != 0 ? r->seconds :
	    sb_settings.rate_limit_window_seconds;
}

/* --------------------------------------------------------- the moments */

static int64_t
read_moment(const unsigned char *bytes)
{
	uint64_t t = 0;

	for (int i = 7; i >= 0; i--)
		t = t << 8 | bytes[i];
	return (int64_t)t;
}

static const void *
write_moments(struct sb_pool *pool, const struct count *c)
{
	unsigned char *bytes = sb_alloc(pool, (size_t)c->n * 8), *p = bytes;

	for (int64_t i = 0; i < c->n; i++)
		for (int shift = 0; shift < 64; shift += 8)
			*p++ = (unsigned char)((uint64_t)c->times[i] >> shift);
	return bytes;
}

/*
 * Those of a row that still count.  One that lies in the future, because the
 * clock was set back, is over: else somebody could be shut out for long.
 */
static void
read_moments(struct sb_pool *pool, struct count *c, const struct sb_row *row,
    int64_t now)
{
	int64_t since = now - window_of(c->rule) * SB_SECOND;
	size_t length = 0;
	const unsigned char *bytes = row == NULL ? NULL :
	    sb_row_bytes(row, "times", &length);

	if (length / 8 > SB_LIMIT_MAX)
		length = SB_LIMIT_MAX * (size_t)8;
	c->n = 0;
	c->times = sb_alloc(pool, length + sizeof(c->times[0]));
	for (; length >= 8; bytes += 8, length -= 8) {
		int64_t t = read_moment(bytes);

		if (t > since && t <= now)
			c->times[c->n++] = t;
	}
}

/* A limit that was lowered meanwhile waits for more than the oldest. */
static void
set_state(struct count *c, int64_t now)
{
	int64_t max = *c->rule->max, window = window_of(c->rule);
	int64_t leaves = c->n > max ? c->n - max : 0;

	c->state.limit = max;
	c->state.remaining = c->n < max ? max - c->n : 0;
	c->state.window = window;
	c->state.reset_at = c->n == 0 || max == 0 ? now :
	    c->times[leaves] + window * SB_SECOND;
}

static void
look(struct sb_pool *pool, struct count *c, int64_t now)
{
	const struct sb_row *row = sb_one(counts, SB_Q_LIMIT_FIND,
	    sb_bind("key", c->key));

	c->expires_at = row == NULL ? 0 : sb_row_int(row, "expires_at");
	read_moments(pool, c, row, now);
	set_state(c, now);
}

/*
 * A row's end is set for two windows, so that most requests leave the index
 * over it alone.  Who comes with a new one clears away some that are over, so
 * there are never many more than have counted at the same time.
 */
static void
add_moment(struct sb_request *rq, struct count *c, int64_t now)
{
	int64_t window = window_of(c->rule) * SB_SECOND, written;
	const void *bytes;
	size_t length;

	c->times[c->n++] = now;
	set_state(c, now);
	bytes = write_moments(rq->pool, c);
	length = (size_t)c->n * 8;
	if (c->expires_at >= now + window && c->expires_at <=
	    now + 2 * window) {
		written = sb_run(counts, SB_Q_LIMIT_COUNT,
		    sb_bind("key", c->key),
		    sb_bind_bytes("times", bytes, length));
	} else {
		written = sb_run(counts, SB_Q_LIMIT_PUT,
		    sb_bind("key", c->key),
		    sb_bind_bytes("times", bytes, length),
		    sb_bind_int("expires_at", now + 2 * window));
		if (c->expires_at == 0)
			sb_limit_expire(counts, CLEANED);
	}
	if (written == 0 && !sb_db_failed(counts))
		sb_db_fail(counts, SB_INTERNAL, "a count is not kept");
}

int64_t
sb_limit_expire(struct sb_db *db, int some)
{
	return sb_run(db, SB_Q_LIMIT_EXPIRE, sb_bind_int("some", some));
}

/* -------------------------------------------------------------- a step */

enum outcome { ROOM, FULL, BROKEN };

/* Looks at all of them; the one that is full for longest, or NULL. */
static const struct count *
look_at_all(struct sb_pool *pool, struct count *c, int n, int64_t now)
{
	const struct count *full = NULL;

	for (int i = 0; i < n; i++) {
		look(pool, &c[i], now);
		if (c[i].state.remaining == 0 && (full == NULL ||
		    c[i].state.reset_at > full->state.reset_at))
			full = &c[i];
	}
	return full;
}

/*
 * A full window is refused from a plain read, as time alone can free a place.
 * Else all is read again, decided and written under the lock.  *now becomes
 * the time of the decision.
 */
static enum outcome
take(struct sb_request *rq, struct count *c, int n, enum sb_take how,
    const struct count **full, int64_t *now)
{
	bool done;

	sb_db_attach(counts, rq->pool);
	*now = sb_now();
	*full = look_at_all(rq->pool, c, n, *now);
	if (*full == NULL && how != SB_TAKE_LOOK && !sb_db_failed(counts) &&
	    sb_db_begin(counts)) {
		*now = sb_db_now(counts);
		*full = look_at_all(rq->pool, c, n, *now);
		for (int i = 0; *full == NULL && how == SB_TAKE_COUNT &&
		    i < n; i++)
			add_moment(rq, &c[i], *now);
	}
	done = !sb_db_failed(counts);
	if (!sb_db_finish(counts, *full == NULL) || !done)
		return BROKEN;
	return *full == NULL ? ROOM : FULL;
}

static void
open_counts(void)
{
	if (counts == NULL)
		counts = sb_db_new(SB_STORE_LIMITS);
}

static enum sb_status
take_all(struct sb_response *rs, struct count *c, int n, enum sb_take how)
{
	const struct count *full;
	enum outcome outcome;
	int64_t now;

	open_counts();
	outcome = take(rs->rq, c, n, how, &full, &now);
	/* A file that was damaged is made anew by then. */
	if (outcome == BROKEN && sb_db_damaged(counts))
		outcome = take(rs->rq, c, n, how, &full, &now);
	if (outcome == BROKEN)
		return sb_refuse(rs, &sb_error_unavailable);
	if (outcome == FULL)
		return sb_limited_refuse(rs, full->rule->name, &full->state,
		    now);
	for (int i = 0; i < n && c[i].rule->limit != SB_LIMIT_ACCOUNT; i++)
		sb_limited_tell(rs, c[i].rule->name, &c[i].state, now);
	return SB_NEXT;
}

/* Adds it to those of the step, unless it is off or the route has it not. */
static void
choose(struct sb_request *rq, struct count *c, int *n, enum sb_limit limit,
    const char *key)
{
	const struct rule *rule = find_rule(limit);

	if (!(rq->way->route->limits & limit) || *rule->max == 0 ||
	    key == NULL)
		return;
	c[*n].rule = rule;
	c[(*n)++].key = sb_printf(rq->pool, "%s:%s", rule->name, key);
}

enum sb_status
sb_limit_caller(struct sb_request *rq, struct sb_response *rs)
{
	struct count *c = sb_alloc(rq->pool, sizeof(*c));
	int n = 0;

	choose(rq, c, &n, SB_LIMIT_ADDRESS, rq->address == NULL ? "-" :
	    sb_address_counted(rq->pool, rq->address));
	if (n == 0)
		choose(rq, c, &n, SB_LIMIT_USER, rq->caller.id);
	return n == 0 ? SB_NEXT : take_all(rs, c, n, SB_TAKE_COUNT);
}

/* The key of something of the caller's. */
static const char *
own(struct sb_request *rq, const char *what)
{
	return what == NULL ? NULL : sb_printf(rq->pool, "%s:%s",
	    rq->caller.id, what);
}

enum sb_status
sb_limit_subject(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_route *route = rq->way->route;
	enum sb_status status;
	struct count *c;
	int n = 0;

	if (route->find == NULL)
		return SB_NEXT;
	if ((status = route->find(rq, rs)) != SB_NEXT)
		return status;
	c = sb_alloc(rq->pool, COUNTS * sizeof(*c));
	choose(rq, c, &n, SB_LIMIT_SESSION, own(rq, rq->subject.session_id));
	choose(rq, c, &n, SB_LIMIT_CHANNEL, own(rq, rq->subject.channel));
	return n == 0 ? SB_NEXT : take_all(rs, c, n, SB_TAKE_COUNT);
}

/* ------------------------------------------------------- wrong passwords */

enum sb_status
sb_limit_guess(struct sb_response *rs, const char *key, enum sb_take how,
    int64_t *used)
{
	struct count *c = sb_alloc(rs->rq->pool, sizeof(*c));
	enum sb_status status = SB_NEXT;

	c->rule = find_rule(SB_LIMIT_ACCOUNT);
	c->key = key;
	if (*c->rule->max > 0)
		status = take_all(rs, c, 1, how);
	*used = c->n;
	return status;
}

/* ------------------------------------------------------------- looking */

static const struct sb_limit_state *
copy_state(struct sb_request *rq, const struct count *c, const char *of)
{
	struct sb_limit_state *s = sb_alloc(rq->pool, sizeof(*s));

	*s = c->state;
	s->of = of;
	return s;
}

static const struct sb_limit_state *
look_at_one(struct sb_request *rq, struct count *c, const char *of)
{
	c->key = sb_printf(rq->pool, "%s:%s", c->rule->name,
	    of == NULL ? rq->caller.id : own(rq, of));
	look(rq->pool, c, sb_now());
	return copy_state(rq, c, of);
}

/* All rows of the caller's sessions: their keys begin alike. */
static const struct sb_limit_state *
look_at_sessions(struct sb_request *rq, struct count *c)
{
	const char *prefix = sb_printf(rq->pool, "%s:%s:", c->rule->name,
	    rq->caller.id);
	const char *end = sb_printf(rq->pool, "%s:%s;", c->rule->name,
	    rq->caller.id);
	const struct sb_limit_state *first = NULL, **last = &first;
	int64_t now = sb_now();

	for (const struct sb_row *row = sb_all(counts, SB_Q_LIMIT_FIND_BETWEEN,
	    sb_bind("from", prefix), sb_bind("to", end)); row != NULL;
	    row = row->next) {
		read_moments(rq->pool, c, row, now);
		set_state(c, now);
		if (c->n == 0)
			continue;
		*last = copy_state(rq, c, sb_row_text(row, "key") +
		    strlen(prefix));
		last = (const struct sb_limit_state **)&(*last)->next;
	}
	return first;
}

static const struct sb_limit_state *
look_once(struct sb_request *rq, struct count *c, const char *of)
{
	const struct sb_limit_state *s;

	sb_db_attach(counts, rq->pool);
	s = c->rule->limit == SB_LIMIT_SESSION ? look_at_sessions(rq, c) :
	    look_at_one(rq, c, of);
	sb_db_finish(counts, true);
	return s;
}

const struct sb_limit_state *
sb_limit_look(struct sb_request *rq, enum sb_limit limit, const char *of)
{
	struct count *c = sb_alloc(rq->pool, sizeof(*c));
	const struct sb_limit_state *s;

	c->rule = find_rule(limit);
	if (*c->rule->max == 0)
		return NULL;
	open_counts();
	s = look_once(rq, c, of);
	if (sb_db_damaged(counts))
		s = look_once(rq, c, of);
	if (sb_db_failed(counts))
		sb_db_fail(rq->db, SB_UNAVAILABLE, "the counts can't be read");
	return s;
}

/* A login's guesses have a key of their own, and the account's limit. */
static const struct rule *
rule_of(const char *key)
{
	const size_t n = strcspn(key, ":");

	if (n == strlen("login") && strncmp(key, "login", n) == 0)
		return find_rule(SB_LIMIT_ACCOUNT);
	for (int i = 0; i < SB_LIMITS; i++)
		if (n == strlen(rules[i].name) &&
		    strncmp(key, rules[i].name, n) == 0)
			return &rules[i];
	return NULL;
}

int64_t
sb_limit_counted(struct sb_pool *pool, const struct sb_row *row, int64_t now,
    struct sb_limit_state *state)
{
	struct count c = { .rule = rule_of(sb_row_text(row, "key")) };

	if (c.rule == NULL)
		return 0;
	read_moments(pool, &c, row, now);
	set_state(&c, now);
	*state = c.state;
	return c.n;
}

const char *
sb_limit_name(enum sb_limit limit)
{
	return find_rule(limit)->name;
}

const char *
sb_limit_doc(enum sb_limit limit)
{
	return find_rule(limit)->doc;
}

struct sb_limit_state
sb_limit_full(enum sb_limit limit, int64_t until)
{
	const struct rule *rule = find_rule(limit);

	return (struct sb_limit_state){ .limit = *rule->max,
	    .reset_at = until, .window = window_of(rule) };
}

void
sb_limit_prepare(const struct sb_route *routes)
{
	bool any = false;

	for (const struct sb_route *r = routes; r->method != SB_NONE; r++)
		any |= r->limits != 0;
	if (!any)
		return;
	open_counts();
	sb_db_open(counts, "limits");
}
