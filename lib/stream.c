/*
 * Answers that go out bit by bit: events as the HTML standard has them
 * (text/event-stream), each of which is on its way when sb_event returns.
 */
#include <string.h>

#include "internal.h"

bool
sb_stream_begins(const struct sb_response *rs)
{
	const struct sb_way *way = rs->rq->way;

	return way->route != NULL && way->route->stream != NULL &&
	    rs->refusal == NULL;
}

bool
sb_stream_follows(const struct sb_response *rs)
{
	return sb_stream_begins(rs) && !rs->rq->way->head;
}

static void
leave(void *place)
{
	sb_wait_end();
	sb_slot_leave(*(int *)place);
}

/*
 * The prefork knows of its own children only: under CGI and mod_fcgid the
 * places are what bounds them.
 */
enum sb_status
sb_stream_admit(struct sb_request *rq, struct sb_response *rs)
{
	int *place;

	if (rq->way->route->stream == NULL || rq->way->head)
		return SB_NEXT;
	place = sb_alloc(rq->pool, sizeof(*place));
	*place = sb_data_directory() ? sb_slot_take("stream",
	    (int)sb_settings.waiters, 0) : -1;
	if (*place >= 0) {
		sb_pool_defer(rq->pool, leave, place);
		if (sb_wait_begin())
			return SB_NEXT;
	}
	sb_db_fail(rq->db, SB_UNAVAILABLE, "no place to wait in");
	return sb_refuse(rs, &sb_error_unavailable);
}

/*
 * The transaction has ended.  What fails from here on can't be told by a status
 * any more: the stream ends, and clients of this kind come again.
 */
void
sb_stream_run(struct sb_response *rs)
{
	struct sb_request *rq = rs->rq;
	int64_t cursor = 0;

	if (!rq->way->conn->flush(rq->way->conn))
		return;
	sb_db_attach(rq->db, rq->pool);
	while (rq->way->route->stream(rq, rs, &cursor))
		continue;
	sb_db_finish(rq->db, false);
}

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

bool
sb_event(struct sb_response *rs, const char *id, const char *name,
    const char *data)
{
	struct sb_conn *conn = rs->rq->way->conn;
	const char *text = sb_printf(rs->rq->pool, "%s%s%sevent: %s\n%s\n",
	    id == NULL ? "" : "id: ", id == NULL ? "" : id,
	    id == NULL ? "" : "\n", name, data_lines(rs->rq->pool, data));

	return conn->write(conn, text, strlen(text)) && conn->flush(conn);
}

bool
sb_pause(struct sb_response *rs, int64_t microseconds)
{
	struct sb_conn *conn = rs->rq->way->conn;

	return conn->pause(conn, microseconds);
}
