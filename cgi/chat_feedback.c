/*
 * What an agent asks people in a chat session, and what they answer: a part of
 * the program chat.
 */
#include <string.h>

#include "chat.h"

#define TEXT(x)		#x
#define TEXT_OF(x)	TEXT(x)

#define CHOICE_MAX	200	/* code points */
#define LISTED		100	/* requests at most */
#define PENDING_MAX	100	/* of a session */

/* --------------------------------------------------------------- errors */

enum { DECIDED_DETAIL, DECIDED_REQUEST };
static const struct sb_field decided_out[] = {
	[DECIDED_DETAIL] = { "detail", SB_TEXT, "What went wrong." },
	[DECIDED_REQUEST] = { "feedback_request", SB_OBJECT,
	    "The request as it was decided.", .fields = sb_feedback_out },
	SB_END_AS("Decided")
};
const struct sb_error chat_decided = { SB_CONFLICT,
    "Feedback request is already %s", .about = "approved",
    .fields = decided_out };
const struct sb_error chat_pending_full = { SB_CONFLICT,
    "Session cannot have more than %s pending feedback requests",
    .about = TEXT_OF(PENDING_MAX) };

/* ------------------------------------------------------ feedback requests */

enum { ASKED_REQUESTS, ASKED_TOTAL, ASKED_SESSION };
const struct sb_field chat_asked_out[] = {
	[ASKED_REQUESTS] = { "feedback_requests", SB_LIST,
	    "The newest 100, the oldest first.", .fields = sb_feedback_out },
	[ASKED_TOTAL] = { "total", SB_INT, "How many the session has.",
	    .example = "1" },
	[ASKED_SESSION] = { "session_id", SB_UUID, "The session.",
	    .example = SB_EXAMPLE_SESSION },
	SB_END_AS("FeedbackRequestList")
};

enum sb_status
chat_list_feedback(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *session;

	sb_db_hold(rq->db);
	session = sb_chat_session(rs, sb_text(rq, CHAT_ID));
	if (session == NULL)
		return chat_no_session(rq, rs);
	sb_put_rows(rs, ASKED_REQUESTS, sb_chat_feedbacks(rq, session,
	    LISTED), sb_put_feedback);
	sb_put_int(rs, ASKED_TOTAL, sb_row_int(session, "requests"));
	sb_put_text(rs, ASKED_SESSION, sb_row_text(session, "id"));
	return SB_OK;
}

/* What decides an approval, and as what. */
static const char *const approvals[] = { "approved", "approve", "yes", "y",
    "rejected", "reject", "no", "n", NULL };
#define APPROVING	4		/* of them */

/* The place of a text in a list, whatever its case; -1: it isn't there. */
static int
place_in(const char *const *list, const char *text)
{
	for (int i = 0; list[i] != NULL; i++)
		if (strcasecmp(list[i], text) == 0)
			return i;
	return -1;
}

enum { ASK_ID, ASK_TYPE, ASK_PROMPT, ASK_CHANNELS, ASK_CHOICES, ASK_PRIORITY,
    ASK_EXPIRES, ASK_KEY };
static const char *const kinds[] = { "approval", "input", NULL };
const struct sb_field chat_ask_in[] = {
	[ASK_ID] = CHAT_SESSION_FIELD,
	[ASK_TYPE] = { "type", SB_ENUM, "What is asked for.",
	    .choices = kinds },
	[ASK_PROMPT] = { "prompt", SB_TEXT, "The question.", 1, 4000,
	    .example = "Deploy version 2.1 to production?" },
	[ASK_CHANNELS] = { "channels", SB_TEXTS,
	    "Where to ask; the session's unless given.",
	    .choices = sb_channels, .optional = true, .fewest = 1,
	    .most = 3 },
	[ASK_CHOICES] = { "choices", SB_TEXTS,
	    "The answers that there are, of at most 200 characters; of an "
	    "approval, out of the words that decide one.", 1, CHOICE_MAX,
	    .optional = true, .fewest = 2, .most = 10 },
	[ASK_PRIORITY] = { "priority", SB_INT, "0 unless given.", 0, 9,
	    .optional = true, .example = "0" },
	[ASK_EXPIRES] = { "expires_in", SB_INT,
	    "Seconds to wait for an answer, at most what "
	    "FEEDBACK_TIMEOUT_HOURS comes to, which it is unless given.",
	    60, 8760 * 3600, .optional = true, .example = "3600" },
	[ASK_KEY] = SB_IDEMPOTENCY_KEY,
	SB_END_AS("NewFeedbackRequest")
};

enum sb_status
chat_find_to_ask(struct sb_request *rq, struct sb_response *rs)
{
	const char *const *choices = sb_texts(rq, ASK_CHOICES);
	int64_t most = sb_settings.feedback_timeout_hours * 3600;
	enum sb_status status = SB_NEXT;

	for (int i = 0; choices != NULL && choices[i] != NULL; i++)
		if (strcmp(sb_text(rq, ASK_TYPE), "approval") == 0 &&
		    place_in(approvals, choices[i]) < 0) {
			status = sb_invalid(rs, ASK_CHOICES,
			    "must be words that decide an approval");
			break;
		}
	if (sb_int(rq, ASK_EXPIRES) > most)
		status = sb_too_great(rs, ASK_EXPIRES, most);
	return status != SB_NEXT ? status :
	    chat_find(rq, rs, CHAT_NO_CHANNEL);
}

enum sb_status
chat_ask(struct sb_request *rq, struct sb_response *rs)
{
	const char *channels = sb_texts_json(rq, ASK_CHANNELS);
	const struct sb_row *row;
	enum sb_status status = chat_open(rq, rs, &row);
	int64_t expires_at = sb_db_now(rq->db) + SB_SECOND *
	    (sb_has(rq, ASK_EXPIRES) ? sb_int(rq, ASK_EXPIRES) :
	    sb_settings.feedback_timeout_hours * 3600);

	if (status != SB_NEXT)
		return status;
	if (sb_row_int(row, "pending") >= PENDING_MAX)
		return sb_fail_about(rs, &chat_pending_full,
		    TEXT_OF(PENDING_MAX));
	if (channels == NULL)
		channels = sb_printf(rq->pool, "[\"%s\"]",
		    sb_row_text(row, "preferred_channel"));
	if ((row = chat_touch(rq, 0, 1, expires_at)) == NULL ||
	    (row = sb_one(rq->db, SB_Q_FEEDBACK_ADD,
	    sb_bind("session", sb_text(rq, ASK_ID)),
	    sb_bind_int("number", sb_row_int(row, "requests")),
	    sb_bind("id", sb_uuid(rq->pool)),
	    sb_bind("type", sb_text(rq, ASK_TYPE)),
	    sb_bind("prompt", sb_text(rq, ASK_PROMPT)),
	    sb_bind("choices", sb_texts_json(rq, ASK_CHOICES)),
	    sb_bind("channels", channels),
	    sb_bind_int("priority", sb_int(rq, ASK_PRIORITY)),
	    sb_bind_int("expires_at", expires_at))) == NULL)
		return chat_no_session(rq, rs);
	sb_chat_event(rs, SB_FEEDBACK_REQUEST, sb_text(rq, ASK_ID), row,
	    sb_db_now(rq->db));
	sb_put_feedback(rs, row);
	return SB_CREATED;
}

/* --------------------------------------------------------------- responses */

enum { RESPOND_ID, RESPOND_REQUEST, RESPOND_CONTENT, RESPOND_CHANNEL,
    RESPOND_KEY };
const struct sb_field chat_respond_in[] = {
	[RESPOND_ID] = CHAT_SESSION_FIELD,
	[RESPOND_REQUEST] = { "request_id", SB_UUID, "The request's id.",
	    .in = SB_IN_PATH, .example = SB_EXAMPLE_FEEDBACK },
	[RESPOND_CONTENT] = { "content", SB_TEXT,
	    "The answer: to an approval approved, approve, yes, y, rejected, "
	    "reject, no or n, in any case; with choices, one of them.",
	    1, 4000, .example = "yes" },
	[RESPOND_CHANNEL] = { "channel", SB_ENUM,
	    "Over which channel; websocket unless given.",
	    .choices = sb_channels, .optional = true },
	[RESPOND_KEY] = SB_IDEMPOTENCY_KEY,
	SB_END_AS("NewFeedbackResponse")
};

static enum sb_status
no_request(struct sb_request *rq, struct sb_response *rs)
{
	return sb_fail_about(rs, &sb_error_feedback,
	    sb_text(rq, RESPOND_REQUEST));
}

enum sb_status
chat_find_to_respond(struct sb_request *rq, struct sb_response *rs)
{
	enum sb_status status = chat_find(rq, rs, RESPOND_CHANNEL);

	if (status != SB_NEXT)
		return status;
	if (!sb_has(rq, RESPOND_CHANNEL))
		rq->subject.channel = sb_channels[0];
	return sb_chat_feedback(rq, rq->subject.session_id,
	    sb_text(rq, RESPOND_REQUEST)) == NULL ? no_request(rq, rs) :
	    SB_NEXT;
}

/* Without the space around it. */
static const char *
trim(struct sb_pool *pool, const char *text)
{
	static const char space[] = " \t\r\n\v\f";
	size_t n;

	text += strspn(text, space);
	for (n = strlen(text); n > 0 && strchr(space, text[n - 1]) != NULL;)
		n--;
	return sb_printf(pool, "%.*s", (int)n, text);
}

/*
 * The status that a content makes of a request; NULL if it is no answer to it,
 * and then *among is what the answers are.
 */
static const char *
judge(struct sb_request *rq, const struct sb_row *request,
    const char *const **among)
{
	const char *content = sb_text(rq, RESPOND_CONTENT);
	const char *const *choices = sb_chat_choices(rq, request);
	int place;

	*among = choices;
	if (strcmp(sb_row_text(request, "type"), "approval") == 0) {
		content = trim(rq->pool, content);
		if (choices == NULL)
			*among = approvals;
		place = place_in(approvals, content);
		return place < 0 || place_in(*among, content) < 0 ? NULL :
		    place < APPROVING ? "approved" : "rejected";
	}
	for (int i = 0; choices != NULL && strcmp(choices[i], content) != 0;)
		if (choices[++i] == NULL)
			return NULL;
	return "answered";
}

/* What came is kept and marked, whatever becomes of it. */
static const struct sb_row *
log_response(struct sb_request *rq, bool valid)
{
	return sb_one(rq->db, SB_Q_FEEDBACK_RESPONSE_ADD,
	    sb_bind("request", sb_text(rq, RESPOND_REQUEST)),
	    sb_bind("id", sb_uuid(rq->pool)),
	    sb_bind("content", sb_text(rq, RESPOND_CONTENT)),
	    sb_bind("channel", rq->subject.channel),
	    sb_bind("responder", rq->caller.user_id),
	    sb_bind_int("valid", valid));
}

/* One that decides nothing, as it is none or too late. */
static void
log_failure(struct sb_request *rq, struct sb_response *rs,
    const struct sb_row *session, const struct sb_row *request)
{
	log_response(rq, false);
	if (sb_row_int(session, "ended_at") == 0)
		chat_touch(rq, 0, 0, 0);
	sb_chat_event(rs, SB_FEEDBACK_RESPONSE, sb_row_text(session, "id"),
	    request, sb_db_now(rq->db));
	sb_db_keep(rq->db);
}

static enum sb_status
refuse_decided(struct sb_request *rq, struct sb_response *rs,
    const struct sb_row *session, const struct sb_row *request)
{
	enum sb_status status;

	log_failure(rq, rs, session, request);
	status = sb_fail_about(rs, &chat_decided,
	    sb_row_text(request, "status"));
	sb_open(rs, DECIDED_REQUEST);
	sb_put_feedback(rs, request);
	sb_close(rs);
	return status;
}

enum sb_status
chat_respond(struct sb_request *rq, struct sb_response *rs)
{
	const char *id = sb_text(rq, RESPOND_ID), *outcome;
	const struct sb_row *session = sb_chat_lock(rs, id), *request, *row;
	const char *const *among;

	if (session == NULL)
		return chat_no_session(rq, rs);
	request = sb_chat_feedback(rq, id, sb_text(rq, RESPOND_REQUEST));
	if (request == NULL)
		return no_request(rq, rs);
	if (sb_row_int(request, "decided_at") != 0)
		return refuse_decided(rq, rs, session, request);
	if ((outcome = judge(rq, request, &among)) == NULL) {
		log_failure(rq, rs, session, request);
		return sb_invalid_choice(rs, RESPOND_CONTENT, among);
	}
	chat_touch(rq, 0, 0, 0);
	request = sb_one(rq->db, SB_Q_FEEDBACK_DECIDE,
	    sb_bind("id", sb_text(rq, RESPOND_REQUEST)),
	    sb_bind("session", id), sb_bind("status", outcome));
	row = log_response(rq, true);
	if (request == NULL || row == NULL)
		return no_request(rq, rs);
	sb_chat_decided(rs, SB_FEEDBACK_RESPONSE, session, request);
	sb_put_feedback_response(rs, row);
	return SB_CREATED;
}
