/*
 * A file of the store as it is found; dbcheck.c looks, and the command line
 * tells.
 */
#ifndef SB_DBCHECK_H
#define SB_DBCHECK_H

#include "internal.h"

/* What it is like.  With an error the rest isn't known. */
struct sb_db_state {
	const char	*error;		/* it can't be read; or NULL */
	bool		 damaged;	/* because it is no database any more */
	int		 step;		/* the schema's */
	int		 oldest;	/* that programs have to know; 0: any */
	const char	*journal;	/* its mode: "wal", "delete" */
	const char	*flaw;		/* what is damaged, or NULL */
	const char	*query;		/* that can't be prepared, or NULL */
	const char	*query_error;
	int64_t		 newest;	/* the latest time in it, or 0 */
	bool		 logins;	/* there are some */
	int64_t		 dead;		/* webhooks that were given up */
	int64_t		 due;		/* since when one is; 0: none is left */
};

/*
 * Looks at a file of the data directory; go_on is asked from time to time, and
 * can end it.  Nothing is made or changed, but for the -shm of a database that
 * has a WAL.  The texts are in the pool.
 */
void	 sb_db_examine(struct sb_pool *, enum sb_store, bool (*go_on)(void),
	    struct sb_db_state *);

#endif
