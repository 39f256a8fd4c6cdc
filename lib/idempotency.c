/*
 * Requests that may be sent again: the first answer that was a success is kept
 * under an Idempotency-Key, in the transaction of what it did, and repeated
 * (section 7 of the contract).  serve.c goes through it with every request.
 */
#include <string.h>

#include "internal.h"

#define LIFETIME	SB_DAY

/* What a request that may be repeated is known by. */
struct sb_repeat {
	const char	*user, *caller, *target, *key;
	const char	*body_hash;
};

#define BINDS(r)	sb_bind("user", (r)->user), \
			sb_bind("caller", (r)->caller), \
			sb_bind("target", (r)->target), sb_bind("key", (r)->key)

const struct sb_error sb_error_repeat = { SB_UNPROCESSABLE,
	"Idempotency-Key was used with a different request", NULL };

int
sb_idempotency_field(const struct sb_route *route)
{
	static const struct sb_field key = SB_IDEMPOTENCY_KEY;

	for (int i = 0; route->in != NULL && route->in[i].name != NULL; i++)
		if (route->in[i].in == key.in &&
		    strcmp(route->in[i].name, key.name) == 0)
			return i;
	return -1;
}

void
sb_idempotency_prepare(struct sb_db *db, const struct sb_route *routes)
{
	for (const struct sb_route *r = routes; r->method != SB_NONE; r++)
		if (sb_idempotency_field(r) >= 0) {
			sb_db_open(db, "idempotency");
			return;
		}
}

/* The method and the path, however it was written. */
static const char *
target_of(struct sb_request *rq)
{
	const char *path = rq->way->path;
	size_t n = strlen(path);

	if (n > 1 && path[n - 1] == '/')
		n--;
	return sb_printf(rq->pool, "%s %.*s",
	    sb_method_names[rq->way->route->method], (int)n, path);
}

/* NULL: it can't be repeated. */
static struct sb_repeat *
repeat_of(struct sb_request *rq)
{
	int field = sb_idempotency_field(rq->way->route);
	struct sb_repeat *r;

	if (field < 0 || !sb_has(rq, field))
		return NULL;
	if (rq->caller.user_id == NULL)
		sb_fatal("%s: repeated, but nobody's", rq->way->route->path);
	r = sb_alloc(rq->pool, sizeof(*r));
	r->user = rq->caller.user_id;
	r->caller = rq->caller.id;
	r->target = target_of(rq);
	r->key = sb_text(rq, field);
	r->body_hash = sb_sha256_hex(rq->pool, rq->way->body,
	    rq->way->body_length);
	return r;
}

/* Makes the answer the one that was kept. */
static enum sb_status
repeat(struct sb_response *rs, const struct sb_row *row)
{
	const int64_t number = sb_row_int(row, "status");
	enum sb_status status = SB_OK;

	while (status < SB_STATUSES && sb_status_number(status) != number)
		status++;
	if (status == SB_STATUSES)
		sb_fatal("an answer was kept with status %lld",
		    (long long)number);
	rs->content = sb_row_text(row, "answer");
	if (rs->content != NULL) {
		rs->content_length = strlen(rs->content);
		rs->media = SB_MEDIA_JSON;
	}
	rs->replayed = true;
	sb_put_header(rs, sb_headers[SB_IDEMPOTENCY_REPLAYED].name, "true");
	return status;
}

/*
 * The first statement that writes, so that of two at once the second waits here
 * until the first has its answer.
 */
enum sb_status
sb_idempotency_begin(struct sb_request *rq, struct sb_response *rs)
{
	struct sb_repeat *r = repeat_of(rq);
	const struct sb_row *row;

	if (r == NULL)
		return SB_NEXT;
	if (sb_run(rq->db, SB_Q_IDEMPOTENCY_TAKE, BINDS(r),
	    sb_bind("body_hash", r->body_hash),
	    sb_bind_int("lifetime", LIFETIME)) > 0) {
		rq->way->repeat = r;
		return SB_NEXT;
	}
	if ((row = sb_one(rq->db, SB_Q_IDEMPOTENCY_FIND, BINDS(r))) == NULL)
		return sb_refuse(rs, sb_db_failed(rq->db) ?
		    sb_db_error(rq->db) : &sb_error_token);
	if (strcmp(sb_row_text(row, "body_hash"), r->body_hash) != 0)
		return sb_refuse(rs, &sb_error_repeat);
	return repeat(rs, row);
}

/* What was written may be kept although the request is refused: no key is. */
void
sb_idempotency_end(struct sb_response *rs, bool succeeded)
{
	struct sb_db *db = rs->rq->db;
	const struct sb_repeat *r = rs->rq->way->repeat;

	if (r == NULL)
		return;
	if (succeeded)
		sb_run(db, SB_Q_IDEMPOTENCY_PUT, BINDS(r),
		    sb_bind_int("status", sb_status_number(rs->status)),
		    sb_bind("answer", rs->content));
	else
		sb_run(db, SB_Q_IDEMPOTENCY_DROP, BINDS(r));
}

int64_t
sb_idempotency_expire(struct sb_db *db, int some)
{
	return sb_run(db, SB_Q_IDEMPOTENCY_EXPIRE,
	    sb_bind_int("lifetime", LIFETIME), sb_bind_int("some", some));
}
