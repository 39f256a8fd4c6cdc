/*
 * What the worker's files share: an item of the outbox that is in hand, how it
 * is taken and settled, and how it is sent.
 */
#ifndef CMD_WORK_H
#define CMD_WORK_H

#include <curl/curl.h>

#include "cmd.h"

#define WORK_LANES	8		/* that are sent at once */
#define WORK_PER_KEY	2		/* of those, of one receiver */
#define WORK_PER_USER	4		/* likewise, of all of a user's */
#define WORK_PATIENCE	(10 * SB_SECOND) /* with a receiver, in all */
#define WORK_LEASE	(30 * SB_SECOND) /* more than an attempt can take */

struct sockaddr;

struct work_item {
	struct sb_pool	*pool;		/* NULL: none */
	const char	*id, *key_id, *session_id, *user_id;
	const char	*url, *secret, *body;
	int64_t		 attempts;	/* this one, too */
	int64_t		 began;		/* monotonic, as settle_at */
	CURL		*curl;		/* it is being sent; or NULL */
	struct curl_slist *fields;
	size_t		 answered;	/* bytes of the answer so far */
	bool		 refused;	/* an address was */
	const char	*failure;	/* why it wasn't sent; NULL: it was */
	int64_t		 settle_at;	/* when that is written down again */
};

struct work {
	struct sb_db	*db;
	const char	*lease;		/* this worker's name */
	struct work_item items[WORK_LANES];
	CURLM		*multi;
	bool		 surplus;	/* more was due than could be taken */
};

/* --------------------------------------------------------- work_store.c */

/*
 * Takes what is due into free places, each for longer than it can take to send
 * it; the number, or -1 if the database failed.
 */
int	 work_take(struct work *);

/* The same for what follows in the lane of an item that was sent. */
int	 work_take_next(struct work *, const char *key_id,
	    const char *session_id);

/*
 * Writes down how it went, and when it is tried again.  False if that failed:
 * it stays in hand.
 */
bool	 work_settle(struct work *, struct work_item *);

/* Whether something is due; and how long until something is, at most that. */
bool	 work_is_due(struct work *);
int64_t	 work_until_next(struct work *, int64_t most);

/* -------------------------------------------------------------- webhook.c */

/* What all of them need: CMD_OK, or says what is wrong. */
enum cmd_exit webhook_begin(const char *command);

/* Begins to send one that was taken; work_sent says how that went. */
void	 webhook_send(struct work *, struct work_item *);
void	 webhook_sent(struct work *, struct work_item *, CURLcode);

/* -------------------------------------------------------------- outward.c */

/* Whether the address is one of the Internet at large, and not our own. */
bool	 cmd_is_outward(const struct sockaddr *);

#endif
