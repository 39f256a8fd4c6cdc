/*
 * Waiting, as a program sees it: who waits for news of a chat session is woken
 * by whoever commits them, and events are sent as they come.
 */
#ifndef SB_WAITING_H
#define SB_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct sb_error;
struct sb_request;
struct sb_response;

/*
 * Tells whoever listens to that (a chat session's id) that there is news, once
 * the request's transaction is committed.
 */
void	 sb_tell(struct sb_request *, const char *about);

/*
 * Makes the request one that waits, so long in all, for news of that or, with
 * NULL, for time alone.  SB_NEXT, or refuses: with sb_error_waits, which the
 * route declares, to a caller with 4 of them, or a key whose owner's keys have
 * 16, and with a 503 where WAITERS wait.  Asked before whatever is waited for
 * is looked at, nothing is missed.  A HEAD never waits, nor does who has no
 * time to: nothing is done, and sb_pause says false.
 */
extern const struct sb_error sb_error_waits;
enum sb_status sb_listen(struct sb_response *, const char *about,
	    int64_t microseconds);

/*
 * Commits what was written, then waits so long, or until there is news.  False
 * when the time that sb_listen was given is over, and at once if the client has
 * gone, this process should end, or the commit failed.  One may look once more
 * then.  What was read or made since sb_listen is gone: nothing of the answer
 * may have been put yet.
 */
bool	 sb_pause(struct sb_response *, int64_t microseconds);

/*
 * Why the caller may not go on, an error of the access row's: his login, or his
 * key, has ended meanwhile, or he was disabled.  NULL if he may.
 */
const struct sb_error *sb_caller_wrong(struct sb_request *);

/*
 * A route with .stream can answer with events as they come (the HTML standard's
 * server-sent events): always, or if it has .out, too, where the client's
 * Accept asks for them, as sb_streams says.  Its handler, which listens, then
 * only says whether there will be any, as any other does.  After the commit
 * .stream is called again and again, until it says false; cursor is its own, at
 * first 0.  Each call is a round with memory and a transaction of its own,
 * which is committed before an event is sent, and at its end; what was sent
 * before stays sent.  When its time is over it ends, in sb_pause or between
 * rounds: SB_STREAM_MAX at most.  A comment is sent where nothing else was for
 * SB_STREAM_QUIET.  sb_event says false once the client has gone, or if that
 * commit failed; its id may be NULL.
 */
#define SB_EVENT_STREAM	"text/event-stream"
#define SB_STREAM_MAX	(5 * 60 * SB_SECOND)
#define SB_STREAM_QUIET	(15 * SB_SECOND)
bool	 sb_streams(const struct sb_request *);
bool	 sb_event(struct sb_response *, const char *id, const char *name,
	    const char *data);

#endif
