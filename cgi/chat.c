/*
 * Chat sessions: what a user and an agent say in them, and what the agent asks
 * people.  What waits for any of it is events.c.
 */
#include <string.h>

#include "chat.h"

#define TITLE_MAX	200	/* code points */
#define LISTED		200	/* messages at most */

/* --------------------------------------------------------------- errors */

static const struct sb_error too_many = { SB_CONFLICT,
    "User cannot have more than %s concurrent sessions", .about = "3" };
const struct sb_error chat_ended = { SB_CONFLICT,
    "Cannot update an ended session", NULL };
static const struct sb_error pending = { SB_CONFLICT,
    "A feedback request is pending", NULL };

/* ------------------------------------------------------ a session by its id */

static const struct sb_field by_id_in[] = {
	[CHAT_ID] = CHAT_SESSION_FIELD,
	SB_END
};

enum sb_status
chat_no_session(struct sb_request *rq, struct sb_response *rs)
{
	return sb_fail_about(rs, &sb_error_session, sb_text(rq, CHAT_ID));
}

/*
 * What limits count is known before they do.  Whether the session still takes
 * anything is decided later, under the lock.
 */
enum sb_status
chat_find(struct sb_request *rq, struct sb_response *rs, int channel)
{
	const struct sb_row *row = sb_one(rq->db, SB_Q_SESSION_FIND,
	    sb_bind("id", sb_text(rq, CHAT_ID)),
	    sb_bind("user", rq->caller.user_id));

	if (row == NULL)
		return chat_no_session(rq, rs);
	rq->subject.session_id = sb_row_text(row, "id");
	rq->subject.channel = channel != CHAT_NO_CHANNEL &&
	    sb_has(rq, channel) ? sb_text(rq, channel) :
	    sb_row_text(row, "preferred_channel");
	return SB_NEXT;
}

enum sb_status
chat_open(struct sb_request *rq, struct sb_response *rs,
    const struct sb_row **session)
{
	*session = sb_chat_lock(rs, sb_text(rq, CHAT_ID));
	if (*session == NULL)
		return chat_no_session(rq, rs);
	return sb_row_int(*session, "ended_at") != 0 ?
	    sb_fail(rs, &chat_ended) : SB_NEXT;
}

const struct sb_row *
chat_touch(struct sb_request *rq, int messages, int requests,
    int64_t expires_at)
{
	return sb_one(rq->db, SB_Q_SESSION_TOUCH,
	    sb_bind("id", sb_text(rq, CHAT_ID)),
	    sb_bind_int("messages", messages),
	    sb_bind_int("requests", requests),
	    sb_bind_int("expires_at", expires_at),
	    sb_bind_int("idle", sb_chat_idle()));
}

/* ----------------------------------------------------------- a new session */

enum { BEGIN_CHANNEL, BEGIN_TITLE, BEGIN_KEY };
static const struct sb_field begin_in[] = {
	[BEGIN_CHANNEL] = { "preferred_channel", SB_ENUM,
	    "Where its user is; websocket unless given.",
	    .choices = sb_channels, .optional = true },
	[BEGIN_TITLE] = { "title", SB_TEXT, "What to call it.", 1,
	    TITLE_MAX, .optional = true, .example = "Release 2.1" },
	[BEGIN_KEY] = SB_IDEMPOTENCY_KEY,
	SB_END_AS("NewSession")
};

static enum sb_status
begin_session(struct sb_request *rq, struct sb_response *rs)
{
	const char *channel = sb_text(rq, BEGIN_CHANNEL);
	const char *id = sb_uuid(rq->pool);
	const struct sb_error *wrong;
	const struct sb_row *row;

	sb_chat_settle(rs);
	row = sb_one(rq->db, SB_Q_SESSION_ADD, sb_bind("id", id),
	    sb_bind("user", rq->caller.user_id),
	    sb_bind("title", sb_text(rq, BEGIN_TITLE)),
	    sb_bind("channel", channel == NULL ? sb_channels[0] : channel),
	    sb_bind_int("idle", sb_chat_idle()),
	    sb_bind_int("most", sb_settings.max_concurrent_sessions),
	    sb_bind("user_agent", rq->user_agent),
	    sb_bind("ip_address", rq->address));
	/* Whoever was deleted since he was let in has none, and begins none. */
	if (row == NULL && (wrong = sb_caller_wrong(rq)) != NULL)
		return sb_fail(rs, wrong);
	if (row == NULL)
		return sb_fail_about(rs, &too_many, sb_printf(rq->pool, "%d",
		    (int)sb_settings.max_concurrent_sessions));
	sb_chat_event(rs, SB_SESSION_STARTED, id, row, sb_db_now(rq->db));
	sb_put_session(rs, row);
	return SB_CREATED;
}

/* ------------------------------------------------------------- the list */

enum { LIST_ACTIVE, LIST_LIMIT, LIST_BEFORE };
static const struct sb_field list_in[] = {
	[LIST_ACTIVE] = { "active_only", SB_BOOL,
	    "Only those that have not ended.", .in = SB_IN_QUERY,
	    .optional = true },
	[LIST_LIMIT] = { "limit", SB_INT, "How many; 50 unless given.",
	    1, 100, SB_IN_QUERY, true },
	[LIST_BEFORE] = { "before", SB_UUID,
	    "Only those that are older than this one.", .in = SB_IN_QUERY,
	    .optional = true },
	SB_END
};

enum { LISTED_SESSIONS, LISTED_TOTAL, LISTED_ACTIVE };
static const struct sb_field list_out[] = {
	[LISTED_SESSIONS] = { "sessions", SB_LIST,
	    "The newest first, without their lists.",
	    .fields = sb_bare_session_out },
	[LISTED_TOTAL] = { "total", SB_INT, "How many there are.",
	    .example = "1" },
	[LISTED_ACTIVE] = { "active_count", SB_INT,
	    "How many have not ended.", .example = "1" },
	SB_END_AS("SessionList")
};

static enum sb_status
list_sessions(struct sb_request *rq, struct sb_response *rs)
{
	const bool all = !sb_bool(rq, LIST_ACTIVE);
	const char *before = sb_text(rq, LIST_BEFORE);
	const struct sb_bind user = sb_bind("user", rq->caller.user_id);
	const struct sb_row *row = NULL, *counts;

	sb_db_hold(rq->db);
	sb_chat_settle(rs);
	if (before != NULL && (row = sb_one(rq->db, SB_Q_SESSION_FIND,
	    sb_bind("id", before), user)) == NULL)
		return sb_invalid(rs, LIST_BEFORE, "not a session of yours");
	counts = sb_one(rq->db, SB_Q_SESSION_COUNTS, user);
	row = sb_all(rq->db, SB_Q_SESSION_PAGE, user,
	    sb_bind_int("before_at", row == NULL ? INT64_MAX :
	    sb_row_int(row, "created_at")),
	    sb_bind("before", before == NULL ? "" : before),
	    sb_bind_int("all", all), sb_bind_int("some",
	    sb_has(rq, LIST_LIMIT) ? sb_int(rq, LIST_LIMIT) : 50));
	sb_put_rows(rs, LISTED_SESSIONS, row, sb_put_bare_session);
	sb_put_int(rs, LISTED_TOTAL, counts == NULL ? 0 :
	    sb_row_int(counts, all ? "total" : "active"));
	sb_put_int(rs, LISTED_ACTIVE, counts == NULL ? 0 :
	    sb_row_int(counts, "active"));
	return SB_OK;
}

/* ------------------------------------------------------- looking at one */

static enum sb_status
show_session(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *row;

	sb_db_hold(rq->db);
	row = sb_chat_session(rs, sb_text(rq, CHAT_ID));
	if (row == NULL)
		return chat_no_session(rq, rs);
	sb_put_session(rs, row);
	return SB_OK;
}

/* ------------------------------------------------------------ changing it */

enum { CHANGE_ID, CHANGE_CHANNEL, CHANGE_TITLE, CHANGE_STATUS,
    CHANGE_AGENT_STATUS };
static const char *const changes[] = { "active", "paused", NULL };
static const struct sb_field change_in[] = {
	[CHANGE_ID] = CHAT_SESSION_FIELD,
	[CHANGE_CHANNEL] = { "preferred_channel", SB_ENUM,
	    "Where its user is.", .choices = sb_channels, .optional = true },
	[CHANGE_TITLE] = { "title", SB_TEXT, "What to call it.", 1,
	    TITLE_MAX, .optional = true, .example = "Release 2.1" },
	[CHANGE_STATUS] = { "status", SB_ENUM,
	    "Paused until it is made active again.", .choices = changes,
	    .optional = true },
	[CHANGE_AGENT_STATUS] = { "agent_status", SB_ENUM,
	    "What the agent is doing: for agent keys, and all that they may.",
	    .choices = sb_agent_statuses, .optional = true },
	SB_END_AS("SessionChange")
};

static bool
may_change(const struct sb_request *rq)
{
	if (rq->caller.agent_key_id == NULL)
		return !sb_has(rq, CHANGE_AGENT_STATUS);
	return !sb_has(rq, CHANGE_CHANNEL) && !sb_has(rq, CHANGE_TITLE) &&
	    !sb_has(rq, CHANGE_STATUS);
}

/* What a change comes to for whoever listens. */
static void
tell_change(struct sb_request *rq, struct sb_response *rs,
    const struct sb_row *was, const struct sb_row *row)
{
	int64_t at = sb_db_now(rq->db);
	const char *id = sb_row_text(row, "id");
	bool resumed = sb_row_int(was, "is_paused") &&
	    !sb_row_int(row, "is_paused");

	if (strcmp(sb_row_text(was, "agent_status"),
	    sb_row_text(row, "agent_status")) != 0)
		sb_chat_event(rs, SB_AGENT_STATUS, id, row, at);
	if (rq->caller.agent_key_id != NULL)
		return;
	sb_chat_event(rs, resumed ? SB_SESSION_RESUMED : SB_SESSION_CHANGED,
	    id, row, at);
}

static enum sb_status
change_session(struct sb_request *rq, struct sb_response *rs)
{
	const char *wanted = sb_text(rq, CHANGE_STATUS);
	const struct sb_row *was, *row;
	enum sb_status status;

	if (!may_change(rq))
		return sb_fail(rs, &sb_error_forbidden);
	if ((status = chat_open(rq, rs, &was)) != SB_NEXT)
		return status;
	if (wanted != NULL && strcmp(wanted, "active") == 0 &&
	    sb_row_int(was, "pending") > 0)
		return sb_fail(rs, &pending);
	chat_touch(rq, 0, 0, 0);
	row = sb_one(rq->db, SB_Q_SESSION_CHANGE,
	    sb_bind("id", sb_text(rq, CHANGE_ID)),
	    sb_bind("title", sb_text(rq, CHANGE_TITLE)),
	    sb_bind("channel", sb_text(rq, CHANGE_CHANNEL)),
	    sb_bind("agent_status", sb_text(rq, CHANGE_AGENT_STATUS)),
	    wanted == NULL ? sb_bind("paused", NULL) :
	    sb_bind_int("paused", strcmp(wanted, "paused") == 0));
	if (row == NULL)
		return chat_no_session(rq, rs);
	tell_change(rq, rs, was, row);
	sb_put_session(rs, row);
	return SB_OK;
}

/* -------------------------------------------------------------- ending it */

static enum sb_status
end_session(struct sb_request *rq, struct sb_response *rs)
{
	const char *id = sb_text(rq, CHAT_ID);
	const struct sb_row *session = sb_chat_lock(rs, id), *request;

	if (session == NULL)
		return chat_no_session(rq, rs);
	if (sb_row_int(session, "ended_at") != 0)
		return SB_NO_CONTENT;
	session = sb_one(rq->db, SB_Q_SESSION_END, sb_bind("id", id));
	while ((request = sb_one(rq->db, SB_Q_FEEDBACK_CANCEL,
	    sb_bind("session", id))) != NULL)
		sb_chat_decided(rs, SB_FEEDBACK_REQUEST, session, request);
	sb_chat_event(rs, SB_SESSION_ENDED, id, session, sb_db_now(rq->db));
	return SB_NO_CONTENT;
}

/* --------------------------------------------------------------- messages */

enum { SAID_ID, SAID_LIMIT, SAID_BEFORE, SAID_AFTER };
static const struct sb_field said_in[] = {
	[SAID_ID] = CHAT_SESSION_FIELD,
	[SAID_LIMIT] = { "limit", SB_INT, "How many; 50 unless given.",
	    1, LISTED, SB_IN_QUERY, true },
	[SAID_BEFORE] = { "before", SB_UUID,
	    "The newest of those before this message.", .in = SB_IN_QUERY,
	    .optional = true },
	[SAID_AFTER] = { "after", SB_UUID,
	    "The oldest of those after this one.", .in = SB_IN_QUERY,
	    .optional = true },
	SB_END
};

enum { SAID_MESSAGES, SAID_TOTAL, SAID_SESSION };
static const struct sb_field said_out[] = {
	[SAID_MESSAGES] = { "messages", SB_LIST,
	    "The newest or, with a cursor, those next to it; the oldest "
	    "first.", .fields = sb_message_out },
	[SAID_TOTAL] = { "total", SB_INT, "How many the session has.",
	    .example = "1" },
	[SAID_SESSION] = { "session_id", SB_UUID, "The session.",
	    .example = SB_EXAMPLE_SESSION },
	SB_END_AS("MessageList")
};

/* The place of the message that a cursor names; -1: there is none. */
static int64_t
place_of(struct sb_request *rq, int field)
{
	const struct sb_row *row = sb_one(rq->db, SB_Q_MESSAGE_NUMBER,
	    sb_bind("id", sb_text(rq, field)),
	    sb_bind("session", sb_text(rq, SAID_ID)));

	return row == NULL ? -1 : sb_row_int(row, "number");
}

static const struct sb_row *
find_messages(struct sb_request *rq, int cursor, int64_t place)
{
	int64_t some = sb_has(rq, SAID_LIMIT) ? sb_int(rq, SAID_LIMIT) : 50;
	struct sb_bind session = sb_bind("session", sb_text(rq, SAID_ID));

	if (cursor == SAID_AFTER)
		return sb_all(rq->db, SB_Q_MESSAGE_AFTER, session,
		    sb_bind_int("after", place), sb_bind_int("some", some));
	return sb_all(rq->db, SB_Q_MESSAGE_BETWEEN, session,
	    sb_bind_int("from", place - some), sb_bind_int("before", place));
}

static enum sb_status
list_messages(struct sb_request *rq, struct sb_response *rs)
{
	const int cursor = sb_has(rq, SAID_AFTER) ? SAID_AFTER : SAID_BEFORE;
	const struct sb_row *session;
	int64_t place;

	sb_db_hold(rq->db);
	session = sb_chat_session(rs, sb_text(rq, SAID_ID));
	if (session == NULL)
		return chat_no_session(rq, rs);
	if (sb_has(rq, SAID_AFTER) && sb_has(rq, SAID_BEFORE))
		return sb_invalid(rs, SAID_AFTER,
		    "must not be given beside before");
	place = sb_has(rq, cursor) ? place_of(rq, cursor) :
	    sb_row_int(session, "messages") + 1;
	if (place < 0)
		return sb_invalid(rs, cursor, "not a message of this session");
	sb_put_rows(rs, SAID_MESSAGES, find_messages(rq, cursor, place),
	    sb_put_message);
	sb_put_int(rs, SAID_TOTAL, sb_row_int(session, "messages"));
	sb_put_text(rs, SAID_SESSION, sb_row_text(session, "id"));
	return SB_OK;
}

enum { SAY_ID, SAY_CONTENT, SAY_CHANNEL, SAY_TYPE, SAY_KEY };
static const char *const types[] = { "user", "agent", "system", NULL };
static const struct sb_field say_in[] = {
	[SAY_ID] = CHAT_SESSION_FIELD,
	[SAY_CONTENT] = { "content", SB_TEXT, "What to say.", 1, 32000,
	    .example = "Good morning!" },
	[SAY_CHANNEL] = { "channel", SB_ENUM,
	    "Where it is said; the session's unless given.",
	    .choices = sb_channels, .optional = true },
	[SAY_TYPE] = { "type", SB_ENUM,
	    "Of a user, user; of an agent key, agent unless given, or system.",
	    .choices = types, .optional = true },
	[SAY_KEY] = SB_IDEMPOTENCY_KEY,
	SB_END_AS("NewMessage")
};

static enum sb_status
find_to_say(struct sb_request *rq, struct sb_response *rs)
{
	const char *type = sb_text(rq, SAY_TYPE);

	if (type != NULL && (strcmp(type, "user") == 0) !=
	    (rq->caller.agent_key_id == NULL))
		return sb_fail(rs, &sb_error_forbidden);
	return chat_find(rq, rs, SAY_CHANNEL);
}

static enum sb_status
say(struct sb_request *rq, struct sb_response *rs)
{
	const char *type = sb_text(rq, SAY_TYPE);
	const struct sb_row *row;
	enum sb_status status = chat_open(rq, rs, &row);

	if (status != SB_NEXT)
		return status;
	if (type == NULL)
		type = rq->caller.agent_key_id == NULL ? "user" : "agent";
	if ((row = chat_touch(rq, 1, 0, 0)) == NULL ||
	    (row = sb_one(rq->db, SB_Q_MESSAGE_ADD,
	    sb_bind("session", sb_text(rq, SAY_ID)),
	    sb_bind_int("number", sb_row_int(row, "messages")),
	    sb_bind("id", sb_uuid(rq->pool)),
	    sb_bind("content", sb_text(rq, SAY_CONTENT)),
	    sb_bind("type", type), sb_bind("channel", rq->subject.channel),
	    sb_bind_int("at", sb_db_now(rq->db)))) == NULL)
		return chat_no_session(rq, rs);
	sb_chat_event(rs, SB_MESSAGE, sb_text(rq, SAY_ID), row,
	    sb_db_now(rq->db));
	sb_put_message(rs, row);
	return SB_CREATED;
}

/* ----------------------------------------------------------------- cleanup */

#define CLEANED	500		/* sessions, in one transaction */

enum { CLEANUP_KEY };
static const struct sb_field cleanup_in[] = {
	[CLEANUP_KEY] = SB_IDEMPOTENCY_KEY,
	SB_END
};

enum { CLEANUP_SESSIONS, CLEANUP_REQUESTS, CLEANUP_MESSAGE };
static const struct sb_field cleanup_out[] = {
	[CLEANUP_SESSIONS] = { "expired_sessions", SB_INT,
	    "Sessions that ended for being idle.", .example = "0" },
	[CLEANUP_REQUESTS] = { "expired_feedback_requests", SB_INT,
	    "Feedback requests that nobody answered in time.",
	    .example = "0" },
	[CLEANUP_MESSAGE] = { "message", SB_TEXT, "That it was done.",
	    .example = "Cleanup completed" },
	SB_END_AS("Cleanup")
};

static enum sb_status
clean_up(struct sb_request *rq, struct sb_response *rs)
{
	struct sb_settled done;

	(void)rq;
	sb_chat_settle_all(rs, CLEANED, &done);
	sb_put_int(rs, CLEANUP_SESSIONS, done.sessions);
	sb_put_int(rs, CLEANUP_REQUESTS, done.requests);
	sb_put_text(rs, CLEANUP_MESSAGE, "Cleanup completed");
	return SB_OK;
}

/* ----------------------------------------------------------------- routes */

static const struct sb_route routes[] = {
	{ SB_POST, "/api/sessions", SB_USER, begin_session, begin_in,
	  sb_session_out, .success = SB_CREATED, .limits = SB_LIMIT_USER,
	  .errors = { &too_many },
	  .doc = "Begin a chat session.",
	  .name = "begin_session" },
	{ SB_GET, "/api/sessions", SB_ANYONE, list_sessions, list_in,
	  list_out, .limits = SB_LIMIT_USER,
	  .doc = "List the caller's chat sessions.",
	  .name = "list_sessions" },
	{ SB_POST, "/api/sessions/cleanup/expired", SB_ADMIN, clean_up,
	  cleanup_in, cleanup_out, .limits = SB_LIMIT_USER,
	  .doc = "Do for all users what time has made due.",
	  .name = "clean_up_expired",
	  .more = "For administrators, and never needed: whoever looks at a "
	    "session finds it as it should be. At most 500 sessions a call." },
	{ SB_GET, "/api/sessions/{id}", SB_ANYONE, show_session, by_id_in,
	  sb_session_out, .limits = SB_LIMIT_USER,
	  .errors = { &sb_error_session },
	  .doc = "Show a chat session with what is new in it.",
	  .name = "get_session" },
	{ SB_PATCH, "/api/sessions/{id}", SB_ANYONE, change_session,
	  change_in, sb_session_out, .limits = SB_LIMIT_USER,
	  .errors = { &sb_error_session, &chat_ended, &pending,
	    &sb_error_forbidden },
	  .doc = "Change a chat session, pause it or make it active again.",
	  .name = "update_session",
	  .more = "With an agent key only `agent_status`, without one all "
	    "else." },
	{ SB_DELETE, "/api/sessions/{id}", SB_USER, end_session, by_id_in,
	  .success = SB_NO_CONTENT, .limits = SB_LIMIT_USER,
	  .errors = { &sb_error_session },
	  .doc = "End a chat session.",
	  .name = "end_session",
	  .more = "It stays in the history. Feedback requests that are pending "
	    "are cancelled." },
	{ SB_GET, "/api/sessions/{id}/messages", SB_ANYONE, list_messages,
	  said_in, said_out, .limits = SB_LIMIT_USER,
	  .errors = { &sb_error_session },
	  .doc = "List a chat session's messages.",
	  .name = "list_messages" },
	{ SB_POST, "/api/sessions/{id}/messages", SB_ANYONE, say, say_in,
	  sb_message_out, .success = SB_CREATED,
	  .limits = SB_LIMIT_USER | SB_LIMIT_SESSION | SB_LIMIT_CHANNEL,
	  .find = find_to_say,
	  .errors = { &sb_error_session, &chat_ended, &sb_error_forbidden },
	  .doc = "Say something in a chat session.",
	  .name = "post_message" },
	{ SB_GET, "/api/sessions/{id}/feedback", SB_ANYONE,
	  chat_list_feedback, by_id_in, chat_asked_out, .limits = SB_LIMIT_USER,
	  .errors = { &sb_error_session },
	  .doc = "List what people were asked in a chat session.",
	  .name = "list_feedback_requests" },
	{ SB_POST, "/api/sessions/{id}/feedback", SB_AGENT, chat_ask,
	  chat_ask_in,
	  sb_feedback_out, .success = SB_CREATED,
	  .limits = SB_LIMIT_USER | SB_LIMIT_SESSION, .find = chat_find_to_ask,
	  .errors = { &sb_error_session, &chat_ended, &chat_pending_full },
	  .doc = "Ask people, and pause the chat session until one answers.",
	  .name = "request_feedback" },
	{ SB_POST, "/api/sessions/{id}/feedback/{request_id}/respond", SB_USER,
	  chat_respond, chat_respond_in, sb_feedback_response_out,
	  .success = SB_CREATED, .limits = SB_LIMIT_USER | SB_LIMIT_CHANNEL,
	  .find = chat_find_to_respond,
	  .errors = { &sb_error_session, &sb_error_feedback, &chat_decided },
	  .doc = "Answer a feedback request.",
	  .name = "respond_to_feedback",
	  .more = "The first valid response decides. All others are kept, "
	    "too, and marked." },
	{ SB_NONE }
};

static const struct sb_program program = {
	"chat", "Chat sessions, their messages, and feedback requests.",
	routes, NULL, .sends = true
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
