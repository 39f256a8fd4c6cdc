/*
 * What reads and what writes the keys that sign tokens: the key file as it
 * stands, and the ring that key.c makes of it.  The command line uses both.
 */
#ifndef SB_KEYFILE_H
#define SB_KEYFILE_H

#include "internal.h"

#define SB_KEY_FILE	"signing-keys.json"
#define SB_KEYS_MAX	256

/* That SECRET_KEY of that id began to sign; no secret. */
struct sb_began {
	const char	*kid;
	int64_t		 since;
};

/*
 * The file, a JWK Set (RFC 7517), with a member "secret_key" of our own beside
 * its keys: which SECRET_KEY signs, and since when.  What else is in it stays
 * there when it is written.
 */
struct sb_keyfile {
	struct sb_pool	*pool;
	const char	*path;
	struct json_object *set;	/* NULL: there is no file */
	struct sb_key	*keys;		/* in the file's order */
	int		 count;
	struct sb_began	*began;		/* the newest first */
	int		 begun;		/* how many */
	bool		 is_new;	/* there was no file */
	int		 place;		/* of sb_slot_take, or -1 */
	enum sb_status	 why;		/* if it is wrong: as sb_key_find's */
};

/*
 * Reads the file.  Returns NULL, also if there is none, or what is wrong.
 * The keys are in the pool; sb_keyfile_close is due in either case.
 */
const char *sb_keyfile_read(struct sb_keyfile *, struct sb_pool *);

/*
 * The same for a change, which no other process makes meanwhile; waits so many
 * microseconds for that.  Where there is no file, an empty set is at hand.
 */
const char *sb_keyfile_lock(struct sb_keyfile *, struct sb_pool *,
	    int64_t patience);

/* Writes it down, whole or not at all.  NULL, or why not. */
const char *sb_keyfile_save(struct sb_keyfile *);
void	 sb_keyfile_close(struct sb_keyfile *);

/* What a key is added for. */
enum sb_key_use {
	SB_KEY_TO_SIGN,
	SB_KEY_TO_VERIFY,	/* it has been SECRET_KEY */
	SB_KEY_TO_WAIT,		/* it may become SECRET_KEY */
	SB_KEY_USES
};

/* What wants to be later than all that is in the file takes this time. */
int64_t	 sb_keyfile_now(const struct sb_keyfile *);

/* Changes of the set; false if it is full. */
bool	 sb_keyfile_add(struct sb_keyfile *, const void *secret, size_t length,
	    int64_t since, enum sb_key_use);
void	 sb_keyfile_remove(struct sb_keyfile *, const char *kid);
void	 sb_keyfile_begin(struct sb_keyfile *, const char *kid, int64_t since);

/* The key of that id in the file, or NULL. */
struct sb_key *sb_keyfile_find(const struct sb_keyfile *, const char *kid);

/* When SECRET_KEY of that id began to sign last, or 0. */
int64_t	 sb_keyfile_began(const struct sb_keyfile *, const char *kid);

void	 sb_key_set_kid(struct sb_key *);

/* ---------------------------------------------------------------- key.c */

/* All keys, SECRET_KEY and the file's; the newest first. */
struct sb_keyring {
	struct sb_key	*keys;
	int		 count;
	const struct sb_key *signer;	/* NULL: none may sign */
};

/* Judges the keys by the settings and the time.  All is in the file's pool. */
void	 sb_keyring_make(struct sb_keyring *, const struct sb_keyfile *);

/* Whether every token that the key can have signed has expired. */
bool	 sb_key_is_retired(const struct sb_key *);

/*
 * Writes into the set who signs, if it has that otherwise: that SECRET_KEY
 * does, or without it a new key, if there is none that may.  True if it did.
 */
bool	 sb_keyring_settle(struct sb_keyfile *);

#endif
