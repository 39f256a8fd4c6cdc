/*
 * A request of the command line's own, by libcurl.  switchboard check alone
 * makes any; those of webhooks, in webhook.c, trust the same authorities.
 */
#ifndef CMD_FETCH_H
#define CMD_FETCH_H

#include "cmd.h"

/* Why there is no answer. */
enum cmd_failure {
	CMD_ANSWERED,
	CMD_NO_NAME,		/* nobody knows the host */
	CMD_NO_SERVER,		/* nobody listens there */
	CMD_NO_TIME,		/* it took too long */
	CMD_NO_TRUST,		/* its certificate is not good */
	CMD_NO_TLS,		/* it doesn't speak TLS, or none of ours */
	CMD_NO_ANSWER,		/* something else */
	CMD_FAILURES
};

struct cmd_answer {
	enum cmd_failure failure;
	const char	*why;		/* of a failure, libcurl's words */
	int		 status;	/* HTTP's */
	const char	*fields;	/* header lines, each with its CRLF */
	const char	*body;		/* its first 64 KiB, and a NUL */
	size_t		 length;
	int64_t		 first, last;	/* when bytes came, monotonic */
	const char	*own_address;	/* of the connection; or NULL */
};

/*
 * Asks for a URL: TLS is verified, no redirect is followed, no proxy used, and
 * it takes 20 s at most.  Fields are "Name: value", ended by NULL; in the pool.
 */
struct cmd_answer *cmd_fetch(struct sb_pool *, const char *url,
	    const char *const *fields);

/* The file of the authorities that this system trusts; NULL: none is found. */
const char *cmd_fetch_trusted(void);

/* A header field's value, or NULL. */
const char *cmd_answer_field(struct sb_pool *, const struct cmd_answer *,
	    const char *name);

/* A header field that is a time; 0 if it is none. */
int64_t	 cmd_answer_time(struct sb_pool *, const struct cmd_answer *,
	    const char *name);

#endif
