/*
 * All that waits: the events of a chat session, and the decision of a feedback
 * request.  A program of its own, so that nothing else lacks a process.
 */
#include <stdlib.h>
#include <string.h>

#include "sb.h"

#define LOOK_EVERY	(15 * SB_SECOND)	/* whoever may have told */
#define EVENTS_MAX	200		/* of an answer */
#define ROUND_MAX	100		/* of a stream's round */
#define BYTES_MAX	((size_t)128 * 1024)	/* of either's payloads */

#define EXAMPLE_TIME	"2025-10-14T10:53:47.237987Z"
#define EXAMPLE_PAYLOAD \
	"{\"id\":\"0199e25b-3a02-7c55-b1f7-90d1c8e2aa04\"," \
	"\"session_id\":\"" SB_EXAMPLE_SESSION "\"," \
	"\"content\":\"Good morning!\",\"type\":\"user\"," \
	"\"timestamp\":\"" EXAMPLE_TIME "\",\"status\":\"sent\"," \
	"\"channel\":\"websocket\",\"metadata\":{" \
	"\"streaming_complete\":true,\"error_count\":0," \
	"\"retry_timestamp\":null}}"

static const char id_doc[] = "The session's id.";

/* ---------------------------------------------------------------- one look */

/*
 * The session as it is now.  Whoever waits may have lost his login meanwhile,
 * or the session.  SB_NEXT, or refuses.
 */
static enum sb_status
look(struct sb_request *rq, struct sb_response *rs, const char *id,
    const struct sb_row **session)
{
	const struct sb_error *wrong;

	sb_db_hold(rq->db);
	if ((wrong = sb_caller_wrong(rq)) != NULL)
		return sb_fail(rs, wrong);
	*session = sb_chat_session(rs, id);
	return *session != NULL ? SB_NEXT :
	    sb_fail_about(rs, &sb_error_session, id);
}

/* For how long nothing happens in it by itself. */
static int64_t
until_due(const struct sb_row *session)
{
	const int64_t due_at = sb_row_int(session, "due_at");
	const int64_t now = sb_now();

	return due_at == 0 || due_at - now > LOOK_EVERY ? LOOK_EVERY :
	    due_at - now;
}

/* ------------------------------------------------------------------ events */

enum { EVENTS_SESSION, EVENTS_AFTER, EVENTS_WAIT, EVENTS_LAST_ID };
static const struct sb_field events_in[] = {
	[EVENTS_SESSION] = { "id", SB_UUID, id_doc, .in = SB_IN_PATH,
	    .example = SB_EXAMPLE_SESSION },
	[EVENTS_AFTER] = { "after", SB_INT,
	    "Only those after this one; all unless given.",
	    0, INT64_MAX, SB_IN_QUERY, true },
	[EVENTS_WAIT] = { "wait", SB_INT,
	    "Seconds to wait for one; 0 unless given.",
	    0, 25, SB_IN_QUERY, true },
	[EVENTS_LAST_ID] = { "last-event-id", SB_TEXT,
	    "The last event that a client of a stream has seen; the larger "
	    "of it and `after` counts.",
	    .in = SB_IN_HEADER, .optional = true },
	SB_END
};

enum { EVENT_ID, EVENT_TYPE, EVENT_PAYLOAD, EVENT_TIME };
static const struct sb_field event_out[] = {
	[EVENT_ID] = { "id", SB_INT, "It grows within the session.",
	    .example = "2" },
	[EVENT_TYPE] = { "type", SB_ENUM, "What happened.",
	    .choices = sb_event_names, .example = "message" },
	[EVENT_PAYLOAD] = { "payload", SB_ANY,
	    "What it happened to, as it was then: of session_… the session, "
	    "of feedback_… the request.", .any = sb_event_payloads,
	    .example = EXAMPLE_PAYLOAD },
	[EVENT_TIME] = { "timestamp", SB_TIME, "When.",
	    .example = EXAMPLE_TIME },
	SB_END_AS("Event")
};

enum { EVENTS_LIST, EVENTS_LAST };
static const struct sb_field events_out[] = {
	[EVENTS_LIST] = { "events", SB_LIST,
	    "In their order; at most 200, the others come next.",
	    .fields = event_out },
	[EVENTS_LAST] = { "last_id", SB_INT,
	    "The last one's id, or else `after`: the next call's.",
	    .example = "2" },
	SB_END_AS("EventList")
};

/* What is no number is none of ours. */
static int64_t
first_cursor(const struct sb_request *rq)
{
	const char *last = sb_text(rq, EVENTS_LAST_ID);
	int64_t after = sb_int(rq, EVENTS_AFTER), id = 0;
	size_t digits = last == NULL ? 0 : strspn(last, "0123456789");

	if (digits > 0 && digits <= 18 && last[digits] == '\0')
		id = strtoll(last, NULL, 10);
	return id > after ? id : after;
}

static const struct sb_row *
next_event(struct sb_request *rq, int64_t after)
{
	return sb_one(rq->db, SB_Q_EVENT_NEXT,
	    sb_bind("session", sb_text(rq, EVENTS_SESSION)),
	    sb_bind_int("after", after));
}

static void
put_event(struct sb_response *rs, const struct sb_row *event)
{
	sb_open_item(rs, NULL);
	sb_put_int(rs, EVENT_ID, sb_row_int(event, "number"));
	sb_put_text(rs, EVENT_TYPE, sb_row_text(event, "type"));
	sb_put_json(rs, EVENT_PAYLOAD, sb_row_text(event, "payload"));
	sb_put_time(rs, EVENT_TIME, sb_row_int(event, "created_at"));
	sb_close(rs);
}

static void
put_events(struct sb_request *rq, struct sb_response *rs, int64_t after)
{
	const struct sb_row *event;
	size_t bytes = 0;

	sb_open(rs, EVENTS_LIST);
	for (int i = 0; i < EVENTS_MAX && bytes < BYTES_MAX &&
	    (event = next_event(rq, after)) != NULL; i++) {
		put_event(rs, event);
		after = sb_row_int(event, "number");
		bytes += strlen(sb_row_text(event, "payload"));
	}
	sb_close(rs);
	sb_put_int(rs, EVENTS_LAST, after);
}

/* A stream begins where it can; else the first look that finds any is it. */
static enum sb_status
list_events(struct sb_request *rq, struct sb_response *rs)
{
	const int64_t after = first_cursor(rq);
	const char *id = sb_text(rq, EVENTS_SESSION);
	const struct sb_row *session = NULL;
	enum sb_status status;

	status = sb_listen(rs, id, sb_streams(rq) ? SB_STREAM_MAX :
	    sb_int(rq, EVENTS_WAIT) * SB_SECOND);
	if (status != SB_NEXT)
		return status;
	do
		if ((status = look(rq, rs, id, &session)) != SB_NEXT)
			return status;
	while (!sb_streams(rq) && next_event(rq, after) == NULL &&
	    sb_pause(rs, until_due(session)));
	if (!sb_streams(rq))
		put_events(rq, rs, after);
	return SB_OK;
}

/* Those that are there; and what comes, one pause later. */
static bool
send_events(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	const char *id = sb_text(rq, EVENTS_SESSION);
	const struct sb_row *session, *event;
	size_t bytes = 0;

	if (*cursor == 0)
		*cursor = first_cursor(rq);
	if (sb_caller_wrong(rq) != NULL ||
	    (session = sb_chat_session(rs, id)) == NULL)
		return false;
	for (int i = 0; i < ROUND_MAX && bytes < BYTES_MAX; i++) {
		const char *payload;

		if ((event = next_event(rq, *cursor)) == NULL)
			return sb_pause(rs, until_due(session));
		*cursor = sb_row_int(event, "number");
		payload = sb_row_text(event, "payload");
		bytes += strlen(payload);
		if (!sb_event(rs, sb_printf(rq->pool, "%lld",
		    (long long)*cursor), sb_row_text(event, "type"), payload))
			return false;
	}
	return true;
}

/* ------------------------------------------------------ a feedback request */

enum { ASKED_SESSION, ASKED_REQUEST, ASKED_WAIT };
static const struct sb_field asked_in[] = {
	[ASKED_SESSION] = { "id", SB_UUID, id_doc, .in = SB_IN_PATH,
	    .example = SB_EXAMPLE_SESSION },
	[ASKED_REQUEST] = { "request_id", SB_UUID, "The request's id.",
	    .in = SB_IN_PATH, .example = SB_EXAMPLE_FEEDBACK },
	[ASKED_WAIT] = { "wait", SB_INT,
	    "Seconds to wait for its decision; 0 unless given.",
	    0, 60, SB_IN_QUERY, true },
	SB_END
};

static enum sb_status
show_request(struct sb_request *rq, struct sb_response *rs)
{
	const char *id = sb_text(rq, ASKED_SESSION);
	const char *asked = sb_text(rq, ASKED_REQUEST);
	const struct sb_row *session = NULL, *request;
	enum sb_status status;
	bool again = true;

	status = sb_listen(rs, id, sb_int(rq, ASKED_WAIT) * SB_SECOND);
	if (status != SB_NEXT)
		return status;
	for (;; again = sb_pause(rs, until_due(session))) {
		if ((status = look(rq, rs, id, &session)) != SB_NEXT)
			return status;
		request = sb_chat_feedback(rq, id, asked);
		if (request == NULL)
			return sb_fail_about(rs, &sb_error_feedback, asked);
		if (!again || sb_row_int(request, "decided_at") != 0)
			break;
	}
	sb_put_feedback(rs, request);
	return SB_OK;
}

/* -------------------------------------------------------------- the program */

static const struct sb_route routes[] = {
	{ SB_GET, "/api/sessions/{id}/events", SB_ANYONE, list_events,
	  events_in, events_out,
	  .errors = { &sb_error_session, &sb_error_waits },
	  .stream = send_events,
	  .doc = "List what happened in a chat session, and wait for more.",
	  .name = "list_events",
	  .more = "With `Accept: text/event-stream` the same come as "
	    "server-sent events, each with its `id`, its type as `event`, and "
	    "its payload as `data`, for at most 5 minutes at a time." },
	{ SB_GET, "/api/sessions/{id}/feedback/{request_id}", SB_ANYONE,
	  show_request, asked_in, sb_feedback_out,
	  .errors = { &sb_error_session, &sb_error_feedback,
	    &sb_error_waits },
	  .doc = "Show a feedback request, as soon as it is decided.",
	  .name = "get_feedback_request" },
	{ SB_NONE }
};

static const struct sb_program program = {
	"events", "What happens in chat sessions, as it happens.",
	routes, "chat", .sends = true
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
