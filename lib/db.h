/*
 * What the files of the store share, db.c, dbfile.c and dbcheck.c: a
 * connection, and what is known of the request in hand.
 */
#ifndef SB_DB_H
#define SB_DB_H

#include <sqlite3.h>

#include "internal.h"

struct sb_db {
	enum sb_store	 store;
	const char	*path;		/* NULL: in the data directory */
	bool		 read_only;
	sqlite3		*connection;	/* NULL: not open */
	struct sb_pool	*pool;		/* the request's */
	sqlite3_stmt	*statements[SB_QUERIES];
	sqlite3_stmt	*begin, *commit, *hold;
	bool		 holding;	/* what is read, as of one moment */
	bool		 writing;	/* in the request's transaction */
	bool		 failed;	/* the request is a 503 */
	bool		 damaged;	/* no: a 500, as the file is damaged */
	bool		 keep;
	bool		 reopen;	/* the connection is of no more use */
	bool		 changed;	/* somebody changed the schema */
	bool		 outdated;	/* beyond what this program knows */
	bool		 waiting;	/* said so to the prefork */
	int64_t		 now;		/* of the transaction */
	int64_t		 patience, deadline;
};

/* Says what is wrong, and with whom: the world, the file or us. */
void	 sb_db_trouble(struct sb_db *, int rc, const char *what);

/* SQLite's busy handler: false once the deadline is over. */
int	 sb_db_wait(void *db, int tries);
void	 sb_db_stop_waiting(struct sb_db *);

/* Whether a query is of that file. */
bool	 sb_query_is_of(const struct sb_query_text *, enum sb_store);

/* Where a file of the data directory is. */
const char *sb_db_path(struct sb_pool *, enum sb_store);

/* Opens the file, makes it or brings it up to date.  False: not now. */
bool	 sb_db_connect(struct sb_db *);
void	 sb_db_disconnect(struct sb_db *);

/* Removes a damaged file of which nothing will be missed. */
void	 sb_db_discard(struct sb_db *);

/* Whether the file is no more what its path leads to. */
bool	 sb_db_has_moved(struct sb_db *);

#include "banned.h"
#endif
