/*
 * Copies of the database: a backup, what a restore reads, and a place to try
 * something out in.  The command line alone uses them; dbfile.c makes them.
 */
#ifndef SB_COPY_H
#define SB_COPY_H

#include "internal.h"

/*
 * A file at another place than the store's own, which is opened as it is.  Of
 * SB_STORE_MAIN it is written to like that one; of SB_STORE_BACKUP it has no
 * WAL, and isn't flushed.
 */
struct sb_db *sb_db_new_at(enum sb_store, const char *path, bool read_only);

/* Removes such a file, which nobody has open, and what SQLite keeps beside. */
void	 sb_db_remove(const char *path);

/*
 * From here to the end of the request an open database is seen as it is now,
 * whoever writes to it meanwhile; nothing can be written.  On a network file
 * system, where that would stop the writers, it does nothing.
 */
bool	 sb_db_snapshot(struct sb_db *);

/*
 * Replaces all that is in the second by what is in the first, both open, in
 * one transaction, beside whoever reads and writes either.  go_on is told how
 * many pages are left of how many, and may end it.  False if it wasn't done:
 * the second is then as it was, and has failed unless go_on ended it.
 */
bool	 sb_db_copy(struct sb_db *from, struct sb_db *to,
	    bool (*go_on)(int64_t left, int64_t all));

/* Makes the file whole by itself, for whatever place it is taken to. */
bool	 sb_db_settle(struct sb_db *);

/* What is wrong with the file, which is read to its end; NULL: nothing. */
const char *sb_db_flaw(struct sb_db *);

/*
 * Removes the store's own file, which is damaged beyond being opened; false, if
 * a program has it open all the same.
 */
bool	 sb_db_clear(struct sb_db *);

/* Remembers more of the file than one request needs. */
bool	 sb_db_expand(struct sb_db *);

#endif
