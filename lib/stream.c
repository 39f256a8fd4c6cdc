/*
 * Answers that go out bit by bit: events as the HTML standard has them
 * (text/event-stream), in rounds that each have memory and a transaction of
 * their own.
 */
#include <string.h>

#include "internal.h"

/* ------------------------------------------------- what the client asks for */

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* A weight (RFC 9110 section 12.4.2) in thousandths; what is none is 0. */
static int
weight_of(const char *p)
{
	int weight = 0, unit = 1000;

	for (; (*p >= '0' && *p <= '9') || *p == '.'; p++)
		if (*p != '.') {
			weight += (*p - '0') * unit;
			unit /= 10;
		}
	return weight;
}

/* The weight that an Accept gives a media type by its name. */
static int
weight_for(const char *accept, const char *media)
{
	size_t n = strlen(media);

	while (*(accept = accept + strspn(accept, " \t,")) != '\0') {
		const char *end = accept + strcspn(accept, ","), *p = accept;
		bool same = strncasecmp(p, media, n) == 0;
		int weight = 1000;

		p += strcspn(p, ";, \t");
		same = same && (size_t)(p - accept) == n;
		for (p = skip_blanks(p); *p == ';';
		    p += strcspn(p, ";,")) {
			p = skip_blanks(p + 1);
			if ((*p == 'q' || *p == 'Q') && p[1] == '=')
				weight = weight_of(p + 2);
		}
		if (same)
			return weight;
		accept = end;
	}
	return 0;
}

bool
sb_streams(const struct sb_request *rq)
{
	const struct sb_route *route = rq->way->route;
	const char *accept = sb_variable(rq, "HTTP_ACCEPT");
	int weight;

	if (route->stream == NULL || route->out == NULL)
		return route->stream != NULL;
	weight = accept == NULL ? 0 : weight_for(accept, SB_EVENT_STREAM);
	return weight > 0 && weight >= weight_for(accept, SB_MEDIA_JSON);
}

/* ------------------------------------------------------------------ its way */

bool
sb_stream_begins(const struct sb_response *rs)
{
	const struct sb_way *way = rs->rq->way;

	return way->route != NULL && rs->refusal == NULL &&
	    sb_streams(rs->rq);
}

bool
sb_stream_follows(const struct sb_response *rs)
{
	return sb_stream_begins(rs) && !rs->rq->way->head;
}

/* A draft that isn't as its table has it is our fault, and kept nowhere. */
static bool
is_right(const struct sb_response *rs)
{
	if (rs->fault != NULL)
		sb_log(SB_ERROR, "stream of %s: %s", rs->rq->way->route->path,
		    rs->fault);
	return rs->fault == NULL;
}

/* Whatever goes through a stream, it holds what one round takes. */
static bool
run_round(struct sb_response *rs, int64_t *cursor)
{
	struct sb_request *rq = rs->rq;
	struct sb_conn *conn = rq->way->conn;
	bool more, right;

	sb_db_attach(rq->db, rq->pool);
	more = rq->way->route->stream(rq, rs, cursor);
	right = is_right(rs);
	more = sb_wait_commit(rq, right) && right && more;
	sb_outbox_committed(rq);
	sb_pool_clear(rq->pool);
	return conn->flush(conn) && more;
}

/*
 * The transaction has ended.  What fails from here on can't be told by a status
 * any more: the stream ends, and clients of this kind come again.
 */
void
sb_stream_run(struct sb_response *rs)
{
	struct sb_way *way = rs->rq->way;
	int64_t cursor = 0;

	if (way->wait == NULL)
		sb_fatal("%s streams, and doesn't listen", way->route->path);
	way->wait->streams = true;
	sb_conn_limit(way->wait->end - sb_monotonic());
	if (way->conn->flush(way->conn))
		while (run_round(rs, &cursor) &&
		    sb_monotonic() < way->wait->end)
			continue;
	sb_conn_limit(0);
}

/* -------------------------------------------------------------- its events */

/*
 * A line of its own for each of the text's: they are what is looked for.  Their
 * memory is had at once, as it isn't given back before the stream ends.
 */
static const char *
data_lines(struct sb_pool *pool, const char *data)
{
	static const char field[] = "data: ";
	size_t n, size = strlen(data) + sizeof(field) + 1;
	char *lines, *to;

	for (n = 0; data[n] != '\0'; n++)
		if (data[n] == '\r' || data[n] == '\n')
			size += strlen(field);
	to = lines = sb_alloc(pool, size);
	for (;; data += n + 1) {
		n = strcspn(data, "\r\n");
		to = stpcpy(to, field);
		memcpy(to, data, n);
		to += n;
		*to++ = '\n';
		if (data[n] == '\0')
			return lines;
		if (data[n] == '\r' && data[n + 1] == '\n')
			n++;
	}
}

/* What a round has written is on the disk before anybody is told of it. */
static bool
commit_first(struct sb_response *rs)
{
	struct sb_request *rq = rs->rq;

	if (!sb_db_writing(rq->db))
		return true;
	if (!is_right(rs) || !sb_wait_commit(rq, true))
		return false;
	sb_db_attach(rq->db, rq->pool);
	return true;
}

/*
 * It goes out when the round ends or pauses, with all others of it, or earlier:
 * a CGI program has no buffer, and that of FastCGI is small.
 */
bool
sb_event(struct sb_response *rs, const char *id, const char *name,
    const char *data)
{
	struct sb_way *way = rs->rq->way;
	const char *text = sb_printf(rs->rq->pool, "%s%s%sevent: %s\n%s\n",
	    id == NULL ? "" : "id: ", id == NULL ? "" : id,
	    id == NULL ? "" : "\n", name, data_lines(rs->rq->pool, data));

	if (!commit_first(rs))
		return false;
	way->wait->sent_at = sb_monotonic();
	return way->conn->write(way->conn, text, strlen(text));
}
