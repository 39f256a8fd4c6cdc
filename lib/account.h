/*
 * The end of an account, for those by whom it ends.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "sb.h"

/* Whose account ends, by which login, or NULL, and with which password. */
struct sb_leaver {
	const char	*user, *login;
	int64_t		 version;	/* of the password */
};

/*
 * Deletes what an account keeps; its row takes the rest with it, which the
 * caller deletes next, in the transaction that is open then.  Of one that keeps
 * much, most goes in short transactions before that.  False if the login has
 * ended or the password was changed, or the store failed.
 */
bool	 sb_account_empty(struct sb_db *, struct sb_pool *,
	    const struct sb_leaver *);

#endif
