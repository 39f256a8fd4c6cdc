/*
 * What is sent of chat sessions: their tables of fields, filled in from rows.
 * chat_event.c adds them to the list of events.
 */
#include "internal.h"

#define EXAMPLE_USER	"0199e25a-d365-71a6-b94d-a4f9fc3c6da5"
#define EXAMPLE_MESSAGE	"0199e25b-3a02-7c55-b1f7-90d1c8e2aa04"
#define EXAMPLE_RESPONSE "0199e25c-1177-7a20-a0e6-4be0c4f7de65"
#define EXAMPLE_TIME	"2025-10-14T10:53:47.237987Z"
#define RESPONSES	10	/* of a request, that are shown */

const char *const sb_channels[] = { "websocket", "email", "slack", NULL };
const char *const sb_agent_statuses[] = { "idle", "thinking", "responding",
    "error", NULL };

static const char *const session_statuses[] = { "active", "paused", "ended",
    NULL };
static const char *const message_types[] = { "user", "agent", "system", NULL };
static const char *const message_statuses[] = { "sent", "delivered", "read",
    "failed", NULL };
static const char *const feedback_types[] = { "approval", "input", NULL };
static const char *const feedback_statuses[] = { "pending", "approved",
    "rejected", "answered", "expired", "cancelled", NULL };

const struct sb_error sb_error_session = { SB_NOT_FOUND,
    "Session %s not found", .about = SB_EXAMPLE_SESSION };
const struct sb_error sb_error_feedback = { SB_NOT_FOUND,
    "Feedback request %s not found", .about = SB_EXAMPLE_FEEDBACK };

/* A time that may be none. */
static void
put_time_or_null(struct sb_response *rs, int field, int64_t at)
{
	if (at == 0)
		sb_put_text(rs, field, NULL);
	else
		sb_put_time(rs, field, at);
}

void
sb_put_rows(struct sb_response *rs, int field, const struct sb_row *row,
    void (*put)(struct sb_response *, const struct sb_row *))
{
	sb_open(rs, field);
	for (; row != NULL; row = row->next) {
		sb_open_item(rs, NULL);
		put(rs, row);
		sb_close(rs);
	}
	sb_close(rs);
}

/* ------------------------------------------------------------- a message */

enum { SENT_COMPLETE, SENT_ERRORS, SENT_RETRY };
static const struct sb_field message_metadata[] = {
	[SENT_COMPLETE] = { "streaming_complete", SB_BOOL,
	    "Whether all of it is there.", .example = "true" },
	[SENT_ERRORS] = { "error_count", SB_INT,
	    "How often sending it over its channel failed.", .example = "0" },
	[SENT_RETRY] = { "retry_timestamp", SB_TIME,
	    "When that is tried again.", .optional = true },
	SB_END_AS("MessageMetadata")
};

enum { MESSAGE_ID, MESSAGE_SESSION, MESSAGE_CONTENT, MESSAGE_TYPE,
    MESSAGE_TIME, MESSAGE_STATUS, MESSAGE_CHANNEL, MESSAGE_METADATA };
const struct sb_field sb_message_out[] = {
	[MESSAGE_ID] = { "id", SB_UUID, "The message's id, a cursor, too.",
	    .example = EXAMPLE_MESSAGE },
	[MESSAGE_SESSION] = { "session_id", SB_UUID, "Its session.",
	    .example = SB_EXAMPLE_SESSION },
	[MESSAGE_CONTENT] = { "content", SB_TEXT, "What was said.",
	    .example = "Good morning!" },
	[MESSAGE_TYPE] = { "type", SB_ENUM, "Who said it.",
	    .choices = message_types },
	[MESSAGE_TIME] = { "timestamp", SB_TIME, "When.",
	    .example = EXAMPLE_TIME },
	[MESSAGE_STATUS] = { "status", SB_ENUM, "How far it came.",
	    .choices = message_statuses },
	[MESSAGE_CHANNEL] = { "channel", SB_ENUM, "Where it was said.",
	    .choices = sb_channels },
	[MESSAGE_METADATA] = { "metadata", SB_OBJECT, "How it was sent.",
	    .fields = message_metadata },
	SB_END_AS("Message")
};

void
sb_put_message(struct sb_response *rs, const struct sb_row *row)
{
	sb_put_text(rs, MESSAGE_ID, sb_row_text(row, "id"));
	sb_put_text(rs, MESSAGE_SESSION, sb_row_text(row, "session_id"));
	sb_put_text(rs, MESSAGE_CONTENT, sb_row_text(row, "content"));
	sb_put_text(rs, MESSAGE_TYPE, sb_row_text(row, "type"));
	sb_put_time(rs, MESSAGE_TIME, sb_row_int(row, "created_at"));
	sb_put_text(rs, MESSAGE_STATUS, sb_row_text(row, "status"));
	sb_put_text(rs, MESSAGE_CHANNEL, sb_row_text(row, "channel"));
	sb_open(rs, MESSAGE_METADATA);
	sb_put_bool(rs, SENT_COMPLETE, sb_row_int(row, "streaming_complete"));
	sb_put_int(rs, SENT_ERRORS, sb_row_int(row, "error_count"));
	put_time_or_null(rs, SENT_RETRY, sb_row_int(row, "retry_at"));
	sb_close(rs);
}

/* ------------------------------------------------------------ a response */

enum { JUDGED_VALID, JUDGED_AT };
static const struct sb_field response_metadata[] = {
	[JUDGED_VALID] = { "valid", SB_BOOL,
	    "Whether it decided: in time, the first, and an answer.",
	    .example = "true" },
	[JUDGED_AT] = { "processed_at", SB_TIME, "When that was judged.",
	    .example = EXAMPLE_TIME },
	SB_END_AS("FeedbackResponseMetadata")
};

enum { RESPONSE_ID, RESPONSE_REQUEST, RESPONSE_CONTENT, RESPONSE_TIME,
    RESPONSE_CHANNEL, RESPONSE_RESPONDER, RESPONSE_METADATA };
const struct sb_field sb_feedback_response_out[] = {
	[RESPONSE_ID] = { "id", SB_UUID, "The response's id.",
	    .example = EXAMPLE_RESPONSE },
	[RESPONSE_REQUEST] = { "request_id", SB_UUID, "What it answers.",
	    .example = SB_EXAMPLE_FEEDBACK },
	[RESPONSE_CONTENT] = { "content", SB_TEXT, "As it was typed.",
	    .example = "yes" },
	[RESPONSE_TIME] = { "timestamp", SB_TIME, "When it came.",
	    .example = EXAMPLE_TIME },
	[RESPONSE_CHANNEL] = { "channel", SB_ENUM, "Over which channel.",
	    .choices = sb_channels },
	[RESPONSE_RESPONDER] = { "responder_id", SB_UUID, "Whose it is.",
	    .example = EXAMPLE_USER },
	[RESPONSE_METADATA] = { "metadata", SB_OBJECT, "What became of it.",
	    .fields = response_metadata },
	SB_END_AS("FeedbackResponse")
};

void
sb_put_feedback_response(struct sb_response *rs, const struct sb_row *row)
{
	sb_put_text(rs, RESPONSE_ID, sb_row_text(row, "id"));
	sb_put_text(rs, RESPONSE_REQUEST, sb_row_text(row, "request_id"));
	sb_put_text(rs, RESPONSE_CONTENT, sb_row_text(row, "content"));
	sb_put_time(rs, RESPONSE_TIME, sb_row_int(row, "created_at"));
	sb_put_text(rs, RESPONSE_CHANNEL, sb_row_text(row, "channel"));
	sb_put_text(rs, RESPONSE_RESPONDER, sb_row_text(row, "responder_id"));
	sb_open(rs, RESPONSE_METADATA);
	sb_put_bool(rs, JUDGED_VALID, sb_row_int(row, "is_valid"));
	sb_put_time(rs, JUDGED_AT, sb_row_int(row, "processed_at"));
	sb_close(rs);
}

/* --------------------------------------------------- a feedback request */

enum { ASKED_PRIORITY, ASKED_ATTEMPTS, ASKED_LAST };
static const struct sb_field feedback_metadata[] = {
	[ASKED_PRIORITY] = { "priority", SB_INT, "0 to 9.", .example = "0" },
	[ASKED_ATTEMPTS] = { "attempts_count", SB_INT,
	    "How often it was sent over a channel.", .example = "0" },
	[ASKED_LAST] = { "last_attempt", SB_TIME,
	    "When that was, or when it was put into the chat.",
	    .example = EXAMPLE_TIME },
	SB_END_AS("FeedbackRequestMetadata")
};

enum { FEEDBACK_ID, FEEDBACK_SESSION, FEEDBACK_TYPE, FEEDBACK_STATUS,
    FEEDBACK_PROMPT, FEEDBACK_CHOICES, FEEDBACK_CREATED, FEEDBACK_EXPIRES,
    FEEDBACK_CHANNELS, FEEDBACK_RESPONSES, FEEDBACK_METADATA };
const struct sb_field sb_feedback_out[] = {
	[FEEDBACK_ID] = { "id", SB_UUID, "The request's id.",
	    .example = SB_EXAMPLE_FEEDBACK },
	[FEEDBACK_SESSION] = { "session_id", SB_UUID, "Its session.",
	    .example = SB_EXAMPLE_SESSION },
	[FEEDBACK_TYPE] = { "type", SB_ENUM, "What is asked for.",
	    .choices = feedback_types },
	[FEEDBACK_STATUS] = { "status", SB_ENUM, "What became of it.",
	    .choices = feedback_statuses },
	[FEEDBACK_PROMPT] = { "prompt", SB_TEXT, "The question.",
	    .example = "Deploy version 2.1 to production?" },
	[FEEDBACK_CHOICES] = { "choices", SB_TEXTS,
	    "The answers that there are; null: any.", .optional = true },
	[FEEDBACK_CREATED] = { "created_at", SB_TIME, "When it was asked.",
	    .example = EXAMPLE_TIME },
	[FEEDBACK_EXPIRES] = { "expires_at", SB_TIME,
	    "From here on answers are too late.",
	    .example = "2025-10-16T10:53:47.237987Z" },
	[FEEDBACK_CHANNELS] = { "channels", SB_TEXTS, "Where it is asked.",
	    .choices = sb_channels, .example = "[\"websocket\"]" },
	[FEEDBACK_RESPONSES] = { "responses", SB_LIST,
	    "The one that decided, and the newest others; at most 10.",
	    .fields = sb_feedback_response_out },
	[FEEDBACK_METADATA] = { "metadata", SB_OBJECT, "How it was asked.",
	    .fields = feedback_metadata },
	SB_END_AS("FeedbackRequest")
};

void
sb_put_feedback(struct sb_response *rs, const struct sb_row *row)
{
	const char *id = sb_row_text(row, "id");

	sb_put_text(rs, FEEDBACK_ID, id);
	sb_put_text(rs, FEEDBACK_SESSION, sb_row_text(row, "session_id"));
	sb_put_text(rs, FEEDBACK_TYPE, sb_row_text(row, "type"));
	sb_put_text(rs, FEEDBACK_STATUS, sb_row_text(row, "status"));
	sb_put_text(rs, FEEDBACK_PROMPT, sb_row_text(row, "prompt"));
	if (sb_row_text(row, "choices") == NULL)
		sb_put_text(rs, FEEDBACK_CHOICES, NULL);
	else
		sb_put_json(rs, FEEDBACK_CHOICES, sb_row_text(row, "choices"));
	sb_put_time(rs, FEEDBACK_CREATED, sb_row_int(row, "created_at"));
	sb_put_time(rs, FEEDBACK_EXPIRES, sb_row_int(row, "expires_at"));
	sb_put_json(rs, FEEDBACK_CHANNELS, sb_row_text(row, "channels"));
	sb_put_rows(rs, FEEDBACK_RESPONSES, sb_all(rs->rq->db,
	    SB_Q_FEEDBACK_RESPONSE_LIST, sb_bind("request", id),
	    sb_bind_int("some", RESPONSES)), sb_put_feedback_response);
	sb_open(rs, FEEDBACK_METADATA);
	sb_put_int(rs, ASKED_PRIORITY, sb_row_int(row, "priority"));
	sb_put_int(rs, ASKED_ATTEMPTS, sb_row_int(row, "attempts"));
	sb_put_time(rs, ASKED_LAST, sb_row_int(row, "attempted_at"));
	sb_close(rs);
}

/* ------------------------------------------------------------- a session */

enum { BEGAN_AGENT, BEGAN_ADDRESS, BEGAN_ACTIVE };
static const struct sb_field session_metadata[] = {
	[BEGAN_AGENT] = { "user_agent", SB_TEXT,
	    "The program that began it.", .optional = true,
	    .example = "curl/7.88.1" },
	[BEGAN_ADDRESS] = { "ip_address", SB_TEXT, "Where that was.",
	    .optional = true, .example = "192.0.2.1" },
	[BEGAN_ACTIVE] = { "last_active", SB_TIME,
	    "When something was last done in it.", .example = EXAMPLE_TIME },
	SB_END_AS("SessionMetadata")
};

/* What a session has with its lists and without. */
enum { SESSION_ID, SESSION_USER, SESSION_TITLE, SESSION_STATUS,
    SESSION_CREATED, SESSION_TOUCHED, SESSION_CHANNEL, SESSION_AGENT_STATUS,
    SESSION_REST };
#define SESSION_FIELDS \
	[SESSION_ID] = { "id", SB_UUID, "The session's id.", \
	    .example = SB_EXAMPLE_SESSION }, \
	[SESSION_USER] = { "user_id", SB_UUID, "Whose it is.", \
	    .example = EXAMPLE_USER }, \
	[SESSION_TITLE] = { "title", SB_TEXT, "What its user calls it.", \
	    .optional = true, .example = "Release 2.1" }, \
	[SESSION_STATUS] = { "status", SB_ENUM, \
	    "Paused: by its user, or while a feedback request is pending.", \
	    .choices = session_statuses }, \
	[SESSION_CREATED] = { "created_at", SB_TIME, "When it began.", \
	    .example = EXAMPLE_TIME }, \
	[SESSION_TOUCHED] = { "updated_at", SB_TIME, \
	    "When it last changed.", .example = EXAMPLE_TIME }, \
	[SESSION_CHANNEL] = { "preferred_channel", SB_ENUM, \
	    "Where its user is.", .choices = sb_channels }, \
	[SESSION_AGENT_STATUS] = { "agent_status", SB_ENUM, \
	    "What its agent is doing.", .choices = sb_agent_statuses }

enum { SESSION_MESSAGES = SESSION_REST, SESSION_FEEDBACK, SESSION_METADATA };
const struct sb_field sb_session_out[] = {
	SESSION_FIELDS,
	[SESSION_MESSAGES] = { "messages", SB_LIST,
	    "The newest 50, the oldest first.", .fields = sb_message_out },
	[SESSION_FEEDBACK] = { "feedback_requests", SB_LIST,
	    "Likewise.", .fields = sb_feedback_out },
	[SESSION_METADATA] = { "metadata", SB_OBJECT, "How it began.",
	    .fields = session_metadata },
	SB_END_AS("Session")
};

enum { BARE_METADATA = SESSION_REST };
const struct sb_field sb_bare_session_out[] = {
	SESSION_FIELDS,
	[BARE_METADATA] = { "metadata", SB_OBJECT, "How it began.",
	    .fields = session_metadata },
	SB_END_AS("SessionSummary")
};

static const char *
status_of(const struct sb_row *row)
{
	if (sb_row_int(row, "ended_at") != 0)
		return "ended";
	return sb_row_int(row, "is_paused") || sb_row_int(row, "pending") > 0 ?
	    "paused" : "active";
}

/* As they were when the row was read. */
static void
put_lists(struct sb_response *rs, const struct sb_row *row)
{
	int64_t end = sb_row_int(row, "messages") + 1;

	sb_put_rows(rs, SESSION_MESSAGES, sb_all(rs->rq->db,
	    SB_Q_MESSAGE_BETWEEN, sb_bind("session", sb_row_text(row, "id")),
	    sb_bind_int("from", end - SB_NEWEST),
	    sb_bind_int("before", end)), sb_put_message);
	sb_put_rows(rs, SESSION_FEEDBACK, sb_chat_feedbacks(rs->rq, row,
	    SB_NEWEST), sb_put_feedback);
}

static void
put_session(struct sb_response *rs, const struct sb_row *row, bool lists)
{
	sb_put_text(rs, SESSION_ID, sb_row_text(row, "id"));
	sb_put_text(rs, SESSION_USER, sb_row_text(row, "user_id"));
	sb_put_text(rs, SESSION_TITLE, sb_row_text(row, "title"));
	sb_put_text(rs, SESSION_STATUS, status_of(row));
	sb_put_time(rs, SESSION_CREATED, sb_row_int(row, "created_at"));
	sb_put_time(rs, SESSION_TOUCHED, sb_row_int(row, "updated_at"));
	sb_put_text(rs, SESSION_CHANNEL,
	    sb_row_text(row, "preferred_channel"));
	sb_put_text(rs, SESSION_AGENT_STATUS,
	    sb_row_text(row, "agent_status"));
	if (lists)
		put_lists(rs, row);
	sb_open(rs, lists ? (int)SESSION_METADATA : (int)BARE_METADATA);
	sb_put_text(rs, BEGAN_AGENT, sb_row_text(row, "user_agent"));
	sb_put_text(rs, BEGAN_ADDRESS, sb_row_text(row, "ip_address"));
	sb_put_time(rs, BEGAN_ACTIVE, sb_row_int(row, "active_at"));
	sb_close(rs);
}

void
sb_put_session(struct sb_response *rs, const struct sb_row *row)
{
	put_session(rs, row, true);
}

void
sb_put_bare_session(struct sb_response *rs, const struct sb_row *row)
{
	put_session(rs, row, false);
}
