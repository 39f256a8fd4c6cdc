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

/* Shown by the documentation. */
#define SB_EXAMPLE_SESSION	"0199e25b-0c1f-7d3a-9a55-3f6f1b0d7c21"
#define SB_EXAMPLE_FEEDBACK	"0199e25b-8f40-7b7e-8c14-52a2f6e1d9b3"

extern const char *const sb_channels[];		/* ended by NULL, as all */
extern const char *const sb_agent_statuses[];

/*
 * What is sent: a session with its newest messages and requests, SB_NEWEST of
 * each, or, in lists and events, without; a message, a feedback request with
 * its responses, a response.  Each is put, by the row of a query, into what is
 * open.
 */
#define SB_NEWEST	50
extern const struct sb_field sb_session_out[], sb_bare_session_out[],
    sb_message_out[], sb_feedback_out[], sb_feedback_response_out[];
void	 sb_put_session(struct sb_response *, const struct sb_row *);
void	 sb_put_bare_session(struct sb_response *, const struct sb_row *);
void	 sb_put_message(struct sb_response *, const struct sb_row *);
void	 sb_put_feedback(struct sb_response *, const struct sb_row *);
void	 sb_put_feedback_response(struct sb_response *, const struct sb_row *);

/* Items of a list, one for each row. */
void	 sb_put_rows(struct sb_response *, int field, const struct sb_row *,
	    void (*put)(struct sb_response *, const struct sb_row *));

/* The 404s of a session, and of a request in it. */
extern const struct sb_error sb_error_session, sb_error_feedback;

/*
 * A session of the caller's as it is now: what is due in it has been done, for
 * which alone a transaction may begin.  NULL: there is none.
 */
const struct sb_row *sb_chat_session(struct sb_response *, const char *id);

/* The same under the write lock, where nothing of it can change any more. */
const struct sb_row *sb_chat_lock(struct sb_response *, const char *id);

/*
 * Does what is due in any of the caller's sessions; or in some of all, in the
 * order of time: how many there were.
 */
struct sb_settled {
	int64_t		 sessions;	/* that ended */
	int64_t		 requests;	/* that expired */
};
void	 sb_chat_settle(struct sb_response *);
int	 sb_chat_settle_all(struct sb_response *, int some,
	    struct sb_settled *);

/* SESSION_TIMEOUT_HOURS, in microseconds. */
int64_t	 sb_chat_idle(void);

/* A feedback request of the session's, or NULL; and its newest of that row. */
const struct sb_row *sb_chat_feedback(struct sb_request *,
	    const char *session, const char *id);
const struct sb_row *sb_chat_feedbacks(struct sb_request *,
	    const struct sb_row *session, int some);

/* The answers that a request has, ended by NULL; NULL if it takes any. */
const char *const *sb_chat_choices(struct sb_request *,
	    const struct sb_row *request);

/* What happens in a session. */
enum sb_event {
	SB_SESSION_STARTED,
	SB_SESSION_CHANGED,
	SB_SESSION_ENDED,
	SB_SESSION_RESUMED,
	SB_MESSAGE,
	SB_AGENT_STATUS,
	SB_FEEDBACK_REQUEST,
	SB_FEEDBACK_RESPONSE,
	SB_EVENTS
};

/* Their names, and what tells of them; ended by NULL. */
extern const char *const sb_event_names[];
extern const struct sb_field *const sb_event_payloads[];

/*
 * Adds an event to a session that is locked, and tells who listens.  Of those
 * of a session, a message or a request the row is what is sent; of an agent's
 * status it is the session's.  Returns its number.
 */
int64_t	 sb_chat_event(struct sb_response *, enum sb_event,
	    const char *session, const struct sb_row *, int64_t at);

/*
 * What follows from a request's being decided, expired or cancelled, by its
 * row: the event, what is to be sent because of it and, unless the session has
 * ended, that it may go on.
 */
void	 sb_chat_decided(struct sb_response *, enum sb_event,
	    const struct sb_row *session, const struct sb_row *request);

#include "banned.h"
#endif
