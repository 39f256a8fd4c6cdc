/*
 * What the files of the program chat share: chat.c has the routes.  (What chat
 * and other programs share is lib/chat.h.)
 */
#ifndef CHAT_H
#define CHAT_H

#include "sb.h"

/* -------------------------------------------------------------- chat.c */

/* What most calls begin with: {id} in the path, the first of their fields. */
#define CHAT_ID	0
#define CHAT_SESSION_FIELD { "id", SB_UUID, "The session's id.", \
	.in = SB_IN_PATH, .example = SB_EXAMPLE_SESSION }

extern const struct sb_error chat_ended;

/* Refuses, as there is no such session. */
enum sb_status chat_no_session(struct sb_request *, struct sb_response *);

/*
 * A .find: the subject that limits count is the session, and the channel of
 * that field, or else the session's.
 */
#define CHAT_NO_CHANNEL	(-1)
enum sb_status chat_find(struct sb_request *, struct sb_response *,
	    int channel);

/* Locks a session that is not to have ended.  SB_NEXT, or refuses. */
enum sb_status chat_open(struct sb_request *, struct sb_response *,
	    const struct sb_row **session);

/*
 * Somebody does something in it: how it is then.  With a message or a request,
 * which expires then, there is one more.  NULL if the store has failed.
 */
const struct sb_row *chat_touch(struct sb_request *, int messages,
	    int requests, int64_t expires_at);

/* ----------------------------------------------------- chat_feedback.c */

extern const struct sb_error chat_decided, chat_pending_full;
extern const struct sb_field chat_asked_out[], chat_ask_in[],
    chat_respond_in[];
sb_handler chat_list_feedback, chat_find_to_ask, chat_ask,
    chat_find_to_respond, chat_respond;

#endif
