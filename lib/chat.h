/*
 * Chat sessions, as every program that touches them sees them: what is sent of
 * them, the list of their events, and what time alone does to them.  chat and
 * events rely on it, and tick.
 */
#ifndef SB_CHAT_H
#define SB_CHAT_H

#include <stdbool.h>
#include <stdint.h>

struct sb_error;
struct sb_field;
struct sb_request;
struct sb_response;
struct sb_row;

extern const char *const sb_channels[];		/* ended by NULL, as all */
extern const char *const sb_agent_statuses[];

/*
 * What is sent: a session without its lists, a message, a feedback request with
 * its responses, a response.  Each is put, by the row of a query, into what is
 * open (an object or an item).
 */
extern const struct sb_field sb_session_out[], sb_message_out[],
    sb_feedback_out[], sb_feedback_response_out[];
void	 sb_put_session(struct sb_response *, const struct sb_row *);
void	 sb_put_message(struct sb_response *, const struct sb_row *);
void	 sb_put_feedback(struct sb_response *, const struct sb_row *);
void	 sb_put_feedback_response(struct sb_response *, const struct sb_row *);

/* The 404s of a session, and of a request in it. */
extern const struct sb_error sb_error_session, sb_error_feedback;

/*
 * A session of the caller's as it is now: what is due in it has been done, for
 * which alone a transaction may begin.  NULL: there is none.
 */
const struct sb_row *sb_chat_session(struct sb_response *, const char *id);

/* The same under the write lock, where nothing of it can change any more. */
const struct sb_row *sb_chat_lock(struct sb_response *, const char *id);

/* A feedback request of the session's, or NULL. */
const struct sb_row *sb_chat_feedback(struct sb_request *,
	    const char *session, const char *id);

/* What happens in a session. */
enum sb_event {
	SB_SESSION_STARTED,
	SB_SESSION_UPDATE,
	SB_SESSION_ENDED,
	SB_SESSION_RESUMED,
	SB_MESSAGE,
	SB_AGENT_STATUS,
	SB_FEEDBACK_REQUEST,
	SB_FEEDBACK_RESPONSE,
	SB_EVENTS
};

#include "banned.h"
#endif
