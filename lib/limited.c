/*
 * What an answer says of rate limits: the header fields of the strictest that
 * was taken, and the refusal.  limit.c takes them, response.c sends.
 */
#include <ctype.h>
#include <json-c/json.h>

#include "internal.h"

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
	json_object_object_add(body, "detail", json_object_new_string(
	    sb_printf(pool, "%c%s rate limit exceeded. Try again in %lld "
	    "seconds.", toupper((unsigned char)name[0]), name + 1,
	    (long long)seconds)));
	json_object_object_add(body, "limit",
	    json_object_new_int64(state->limit));
	json_object_object_add(body, "remaining", json_object_new_int64(0));
	json_object_object_add(body, "retry_after",
	    json_object_new_int64(seconds));
	json_object_object_add(body, "reset_at",
	    sb_json_seconds(pool, state->reset_at));
	sb_refuse_with(rs, SB_TOO_MANY, body);
	sb_put_header(rs, "Retry-After", sb_printf(pool, "%lld",
	    (long long)seconds));
	return SB_TOO_MANY;
}

static void
put_number(struct sb_response *rs, const char *name, int64_t number)
{
	sb_put_header(rs, name, sb_printf(rs->rq->pool, "%lld",
	    (long long)number));
}

/* The old service's fields, and draft-ietf-httpapi-ratelimit-headers-10's. */
void
sb_limited_headers(struct sb_response *rs)
{
	const struct sb_limit_state *s = &rs->strictest;
	struct sb_pool *pool = rs->rq->pool;

	if (rs->limit == NULL)
		return;
	put_number(rs, "X-RateLimit-Limit", s->limit);
	put_number(rs, "X-RateLimit-Remaining", s->remaining);
	put_number(rs, "X-RateLimit-Reset", seconds_to(s->reset_at, 0));
	put_number(rs, "X-RateLimit-Window", s->window);
	sb_put_header(rs, "RateLimit-Policy", sb_printf(pool,
	    "\"%s\";q=%lld;w=%lld", rs->limit, (long long)s->limit,
	    (long long)s->window));
	sb_put_header(rs, "RateLimit", sb_printf(pool,
	    "\"%s\";r=%lld;t=%lld", rs->limit, (long long)s->remaining,
	    (long long)seconds_to(s->reset_at, rs->limited_at)));
	if (s->remaining * 5 < s->limit)
		sb_put_header(rs, "X-RateLimit-Warning", "approaching");
}
