/*
 * What an answer says of rate limits: the header fields of the strictest that
 * was taken, and the refusal.  limit.c takes them, response.c sends.
 */
#include <ctype.h>
#include <json-c/json.h>

#include "internal.h"

enum { LIMITED_DETAIL, LIMITED_LIMIT, LIMITED_REMAINING, LIMITED_RETRY_AFTER,
    LIMITED_RESET_AT };
const struct sb_field sb_limited_fields[] = {
	[LIMITED_DETAIL] = { "detail", SB_TEXT,
	    "Which limit it was, and how long to wait." },
	[LIMITED_LIMIT] = { "limit", SB_INT,
	    "Requests that it lets through in a window." },
	[LIMITED_REMAINING] = { "remaining", SB_INT, "None." },
	[LIMITED_RETRY_AFTER] = { "retry_after", SB_INT,
	    "Seconds to wait, rounded up.", 1, 0 },
	[LIMITED_RESET_AT] = { "reset_at", SB_UNIX_TIME,
	    "When one more may come." },
	SB_END_AS("RateLimited")
};

static int64_t
seconds_to(int64_t at, int64_t now)
{
	return at <= now ? 0 : (at - now + SB_SECOND - 1) / SB_SECOND;
}

static bool
is_stricter(const struct sb_limit_state *a, const struct sb_limit_state *b)
{
	return a->remaining < b->remaining || (a->remaining == b->remaining &&
	    a->reset_at > b->reset_at);
}

void
sb_limited_tell(struct sb_response *rs, const char *name,
    const struct sb_limit_state *state, int64_t now)
{
	if (rs->limit != NULL && !is_stricter(state, &rs->strictest))
		return;
	rs->limit = name;
	rs->strictest = *state;
	rs->limited_at = now;
}

static void
put_header(struct sb_response *rs, enum sb_header_field field,
    const char *value)
{
	sb_put_header(rs, sb_headers[field].name, value);
}

static void
put_number(struct sb_response *rs, enum sb_header_field field, int64_t number)
{
	put_header(rs, field, sb_printf(rs->rq->pool, "%lld",
	    (long long)number));
}

static void
put(struct json_object *body, int field, struct json_object *value)
{
	json_object_object_add(body, sb_limited_fields[field].name, value);
}

enum sb_status
sb_limited_refuse(struct sb_response *rs, const char *name,
    const struct sb_limit_state *state, int64_t now)
{
	struct sb_pool *pool = rs->rq->pool;
	struct json_object *body = json_object_new_object();
	int64_t seconds = seconds_to(state->reset_at, now);

	if (seconds == 0)
		seconds = 1;
	rs->limit = NULL;
	sb_limited_tell(rs, name, state, now);
	put(body, LIMITED_DETAIL, json_object_new_string(sb_printf(pool,
	    "%c%s rate limit exceeded. Try again in %lld seconds.",
	    toupper((unsigned char)name[0]), name + 1, (long long)seconds)));
	put(body, LIMITED_LIMIT, json_object_new_int64(state->limit));
	put(body, LIMITED_REMAINING, json_object_new_int64(0));
	put(body, LIMITED_RETRY_AFTER, json_object_new_int64(seconds));
	put(body, LIMITED_RESET_AT, sb_json_seconds(pool, state->reset_at));
	sb_refuse_with(rs, SB_TOO_MANY, body);
	put_number(rs, SB_RETRY_AFTER, seconds);
	return SB_TOO_MANY;
}

/* The old service's fields, and draft-ietf-httpapi-ratelimit-headers-10's. */
void
sb_limited_headers(struct sb_response *rs)
{
	const struct sb_limit_state *s = &rs->strictest;
	struct sb_pool *pool = rs->rq->pool;

	if (rs->limit == NULL)
		return;
	put_number(rs, SB_X_RATELIMIT_LIMIT, s->limit);
	put_number(rs, SB_X_RATELIMIT_REMAINING, s->remaining);
	put_number(rs, SB_X_RATELIMIT_RESET, seconds_to(s->reset_at, 0));
	put_number(rs, SB_X_RATELIMIT_WINDOW, s->window);
	put_header(rs, SB_RATELIMIT_POLICY, sb_printf(pool,
	    "\"%s\";q=%lld;w=%lld", rs->limit, (long long)s->limit,
	    (long long)s->window));
	put_header(rs, SB_RATELIMIT, sb_printf(pool,
	    "\"%s\";r=%lld;t=%lld", rs->limit, (long long)s->remaining,
	    (long long)seconds_to(s->reset_at, rs->limited_at)));
	if (s->remaining * 5 < s->limit)
		put_header(rs, SB_X_RATELIMIT_WARNING, "approaching");
}
