/*
 * Answers that go out bit by bit: events as the HTML standard has them
 * (text/event-stream), each of which is on its way when sb_event returns.
 */
#include <string.h>

#include "internal.h"

bool
sb_stream_follows(const struct sb_response *rs)
{
	const struct sb_way *way = rs->rq->way;

	return way->route != NULL && way->route->stream != NULL &&
	    rs->refusal == NULL && !way->head;
}

/*
 * The transaction has ended.  What fails from here on can't be told by a status
 * any more: the stream ends, and clients of this kind come again.
 */
void
sb_stream_run(struct sb_response *rs)
{
	struct sb_request *rq = rs->rq;

	if (!rq->way->conn->flush(rq->way->conn))
		return;
	sb_db_attach(rq->db, rq->pool);
	sb_wait_begin();
	rq->way->route->stream(rq, rs);
	sb_wait_end();
	sb_db_finish(rq->db, false);
}

/* A line of its own for each of the text's: they are what is looked for. */
static const char *
data_lines(struct sb_pool *pool, const char *data)
{
	const char *lines = "";
	size_t n;

	for (;; data += n + 1) {
		n = strcspn(data, "\r\n");
		lines = sb_printf(pool, "%sdata: %.*s\n", lines, (int)n, data);
		if (data[n] == '\0')
			return lines;
		if (data[n] == '\r' && data[n + 1] == '\n')
			n++;
	}
}

bool
sb_event(struct sb_response *rs, const char *name, const char *data)
{
	struct sb_conn *conn = rs->rq->way->conn;
	const char *text = sb_printf(rs->rq->pool, "event: %s\n%s\n", name,
	    data_lines(rs->rq->pool, data));

	return conn->write(conn, text, strlen(text)) && conn->flush(conn);
}

bool
sb_pause(struct sb_response *rs, int64_t microseconds)
{
	struct sb_conn *conn = rs->rq->way->conn;

	return conn->pause(conn, microseconds);
}
