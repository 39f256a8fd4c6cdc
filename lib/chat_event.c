/*
 * What happens in chat sessions: the list of their events, and what time alone
 * does to them.  No process waits for that: whoever looks at a session, or
 * writes in it, first does what is due in it, under the lock and as of when it
 * was due, so that it happens once and all agree on it.
 */
#include <json-c/json.h>

#include "internal.h"

#define HOUR	(3600 * SB_SECOND)
#define QUOTED	200		/* code points of a prompt, in a message */

const char *const sb_event_names[] = {
	[SB_SESSION_STARTED] = "session_started",
	[SB_SESSION_CHANGED] = "session_update",
	[SB_SESSION_ENDED] = "session_ended",
	[SB_SESSION_RESUMED] = "session_resumed",
	[SB_MESSAGE] = "message",
	[SB_AGENT_STATUS] = "agent_status",
	[SB_FEEDBACK_REQUEST] = "feedback_request",
	[SB_FEEDBACK_RESPONSE] = "feedback_response",
	[SB_EVENTS] = NULL
};
_Static_assert(sizeof(sb_event_names) / sizeof(sb_event_names[0]) ==
    SB_EVENTS + 1, "an event without a name");

int64_t
sb_chat_idle(void)
{
	return sb_settings.session_timeout_hours * HOUR;
}

/* ------------------------------------------------------------- an event */

enum { STATUS_AGENT };
static const struct sb_field agent_status_out[] = {
	[STATUS_AGENT] = { "agent_status", SB_ENUM, "What the agent is doing.",
	    .choices = sb_agent_statuses },
	SB_END_AS("AgentStatus")
};

const struct sb_field *const sb_event_payloads[] = { sb_bare_session_out,
    sb_message_out, sb_feedback_out, agent_status_out, NULL };

static const char *
payload(struct sb_response *rs, enum sb_event event, const struct sb_row *row)
{
	switch (event) {
	case SB_MESSAGE:
		sb_draft(rs, sb_message_out);
		sb_put_message(rs, row);
		break;
	case SB_FEEDBACK_REQUEST:
	case SB_FEEDBACK_RESPONSE:
		sb_draft(rs, sb_feedback_out);
		sb_put_feedback(rs, row);
		break;
	case SB_AGENT_STATUS:
		sb_draft(rs, agent_status_out);
		sb_put_text(rs, STATUS_AGENT,
		    sb_row_text(row, "agent_status"));
		break;
	default:
		sb_draft(rs, sb_bare_session_out);
		sb_put_bare_session(rs, row);
	}
	return sb_draft_end(rs);
}

int64_t
sb_chat_event(struct sb_response *rs, enum sb_event event, const char *session,
    const struct sb_row *row, int64_t at)
{
	struct sb_request *rq = rs->rq;
	const struct sb_row *last = sb_one(rq->db, SB_Q_SESSION_EVENT,
	    sb_bind("id", session));
	int64_t number;

	/* After a failure of the store there may be no row. */
	if (row == NULL || last == NULL)
		return 0;
	number = sb_row_int(last, "events");
	sb_run(rq->db, SB_Q_EVENT_ADD, sb_bind("session", session),
	    sb_bind_int("number", number),
	    sb_bind("type", sb_event_names[event]),
	    sb_bind("payload", payload(rs, event, row)),
	    sb_bind_int("at", at));
	sb_tell(rq, session);
	return number;
}

/* ------------------------------------------------------- what time has done */

static void
resume(struct sb_response *rs, const char *id, int64_t at)
{
	const struct sb_row *row = sb_one(rs->rq->db, SB_Q_SESSION_DECIDED,
	    sb_bind("id", id), sb_bind_int("at", at),
	    sb_bind_int("idle", sb_chat_idle()));

	if (row != NULL && sb_row_int(row, "pending") == 0 &&
	    !sb_row_int(row, "is_paused"))
		sb_chat_event(rs, SB_SESSION_RESUMED, id, row, at);
}

void
sb_chat_decided(struct sb_response *rs, enum sb_event event,
    const struct sb_row *session, const struct sb_row *request)
{
	const char *id = sb_row_text(session, "id");
	int64_t at = sb_row_int(request, "decided_at");

	sb_outbox_add(rs->rq, sb_row_text(session, "user_id"), id,
	    sb_chat_event(rs, event, id, request, at),
	    "feedback_request.decided");
	if (sb_row_int(session, "ended_at") == 0)
		resume(rs, id, at);
}

/* Nobody sent it; so it is no sign of life. */
static void
say_expired(struct sb_response *rs, const char *id,
    const struct sb_row *session, const struct sb_row *request)
{
	struct sb_request *rq = rs->rq;
	const char *prompt = sb_row_text(request, "prompt");
	int64_t at = sb_row_int(request, "expires_at");
	const struct sb_row *row = sb_one(rq->db, SB_Q_SESSION_SAY,
	    sb_bind("id", id), sb_bind_int("at", at));
	size_t quoted = sb_utf8_cut(prompt, QUOTED);

	if (row == NULL)
		return;
	row = sb_one(rq->db, SB_Q_MESSAGE_ADD, sb_bind("session", id),
	    sb_bind_int("number", sb_row_int(row, "messages")),
	    sb_bind("id", sb_uuid(rq->pool)), sb_bind("content", sb_printf(
	    rq->pool, "Nobody answered in time: %.*s%s", (int)quoted, prompt,
	    prompt[quoted] == '\0' ? "" : "…")), sb_bind("type", "system"),
	    sb_bind("channel", sb_row_text(session, "preferred_channel")),
	    sb_bind_int("at", at));
	sb_chat_event(rs, SB_MESSAGE, id, row, at);
}

static struct sb_settled
settle(struct sb_response *rs, const struct sb_row *session)
{
	struct sb_db *db = rs->rq->db;
	const char *id = sb_row_text(session, "id");
	struct sb_settled done = { 0, 0 };
	const struct sb_row *row;

	while ((row = sb_one(db, SB_Q_FEEDBACK_EXPIRE, sb_bind("session", id)))
	    != NULL) {
		say_expired(rs, id, session, row);
		sb_chat_decided(rs, SB_FEEDBACK_REQUEST, session, row);
		done.requests++;
	}
	row = sb_one(db, SB_Q_SESSION_TIME_OUT, sb_bind("id", id));
	if (row == NULL)
		return done;
	sb_chat_event(rs, SB_SESSION_ENDED, id, row,
	    sb_row_int(row, "ended_at"));
	done.sessions++;
	return done;
}

/* ------------------------------------------------- a session as it is now */

static bool
is_due(struct sb_db *db, const struct sb_row *row)
{
	int64_t due_at = sb_row_int(row, "due_at");

	return due_at != 0 && due_at <= sb_db_now(db);
}

static const struct sb_row *
lock(struct sb_response *rs, const char *id, const char *user,
    struct sb_settled *done)
{
	struct sb_db *db = rs->rq->db;
	const struct sb_row *row = sb_one(db, SB_Q_SESSION_LOCK,
	    sb_bind("id", id), sb_bind("user", user));

	*done = (struct sb_settled){ 0, 0 };
	if (row == NULL || !is_due(db, row))
		return row;
	*done = settle(rs, row);
	/* It has happened, whatever becomes of the request. */
	sb_db_keep(db);
	return sb_one(db, SB_Q_SESSION_FIND, sb_bind("id", id),
	    sb_bind("user", user));
}

const struct sb_row *
sb_chat_lock(struct sb_response *rs, const char *id)
{
	struct sb_settled done;

	return lock(rs, id, rs->rq->caller.user_id, &done);
}

const struct sb_row *
sb_chat_session(struct sb_response *rs, const char *id)
{
	struct sb_db *db = rs->rq->db;
	const struct sb_row *row = sb_one(db, SB_Q_SESSION_FIND,
	    sb_bind("id", id), sb_bind("user", rs->rq->caller.user_id));

	return row == NULL || !is_due(db, row) ? row : sb_chat_lock(rs, id);
}

void
sb_chat_settle(struct sb_response *rs)
{
	const struct sb_row *row = sb_all(rs->rq->db,
	    SB_Q_SESSION_DUE_OF_USER,
	    sb_bind("user", rs->rq->caller.user_id));

	for (; row != NULL; row = row->next)
		sb_chat_lock(rs, sb_row_text(row, "id"));
}

int
sb_chat_settle_all(struct sb_response *rs, int some, struct sb_settled *all)
{
	const struct sb_row *row = sb_all(rs->rq->db, SB_Q_SESSION_DUE,
	    sb_bind_int("some", some));
	struct sb_settled done;
	int n = 0;

	*all = (struct sb_settled){ 0, 0 };
	for (; row != NULL; row = row->next, n++) {
		lock(rs, sb_row_text(row, "id"), sb_row_text(row, "user_id"),
		    &done);
		all->sessions += done.sessions;
		all->requests += done.requests;
	}
	return n;
}

const struct sb_row *
sb_chat_feedback(struct sb_request *rq, const char *session, const char *id)
{
	return sb_one(rq->db, SB_Q_FEEDBACK_FIND, sb_bind("id", id),
	    sb_bind("session", session));
}

const struct sb_row *
sb_chat_feedbacks(struct sb_request *rq, const struct sb_row *session,
    int some)
{
	const int64_t end = sb_row_int(session, "requests") + 1;

	return sb_all(rq->db, SB_Q_FEEDBACK_BETWEEN,
	    sb_bind("session", sb_row_text(session, "id")),
	    sb_bind_int("from", end - some), sb_bind_int("before", end));
}

const char *const *
sb_chat_choices(struct sb_request *rq, const struct sb_row *request)
{
	const char *json = sb_row_text(request, "choices");
	struct json_object *list;
	const char **texts;
	size_t n;

	if (json == NULL)
		return NULL;
	if ((list = json_tokener_parse(json)) == NULL)
		sb_fatal("choices that are no JSON");
	sb_pool_json(rq->pool, list);
	n = json_object_array_length(list);
	texts = sb_alloc(rq->pool, (n + 1) * sizeof(*texts));
	for (size_t i = 0; i < n; i++)
		texts[i] = json_object_get_string(
		    json_object_array_get_idx(list, i));
	return texts;
}
