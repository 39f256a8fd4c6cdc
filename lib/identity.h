/*
 * Who somebody is: the keys of names and addresses, passwords and the guesses
 * at them, tokens, and agent keys.
 */
#ifndef SB_IDENTITY_H
#define SB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

struct sb_error;
struct sb_pool;
struct sb_request;
struct sb_response;

/*
 * The key under which a user name is unique: NFKC, full case
 * folding, NFKC again.  NULL if it is not UTF-8.  In the pool.
 */
const char *sb_username_key(struct sb_pool *, const char *username);

/* What is wrong with a user name, as "must not …", or NULL. */
const char *sb_username_wrong(struct sb_pool *, const char *username);

/*
 * The key under which an address is unique: local part in NFC and case-folded,
 * domain as lower-case A-labels (RFC 5891).  NULL if it is no address.
 */
const char *sb_email_key(struct sb_pool *, const char *address);

/* What a name or an address is looked for by; no user name has an @. */
const char *sb_name_key(struct sb_pool *, const char *name);

/* What is wrong with an email address, a sentence, or NULL. */
const char *sb_email_wrong(struct sb_pool *, const char *address);

/* What is wrong with a new password, or NULL: RFC 8265 has no controls. */
const char *sb_password_wrong(struct sb_pool *, const char *password);

/*
 * Hashes a password by scrypt (RFC 7914) into an MCF string, with the
 * settings' parameters.  At most HASHES processes hash at a time; NULL if no
 * place came free within 5 s: the store has then failed, and the answer is a
 * 503.
 */
const char *sb_password_hash(struct sb_request *, const char *password);

/* A guess at the password of an account, or of a name that nobody has. */
struct sb_guess {
	const char	*account;	/* the user's id; NULL: nobody's */
	const char	*name;		/* the key of the name, if nobody's */
	const char	*login;		/* decided by its own count, or NULL */
	bool		 both;		/* counts for the account, too */
	const char	*hash;		/* NULL: nobody's; takes as long */
	const char	*password;
};

/*
 * How long after its end a refresh token still stands for its login when a
 * password is guessed; until then it is known of a login that it was revoked.
 */
#define SB_SHIELD	(90 * SB_DAY)

/*
 * SB_NEXT if it is right.  Else refuses with that error, after it was counted
 * against the account's limit, or with a 429 where that is reached.
 */
enum sb_status sb_password_check(struct sb_response *, const struct sb_guess *,
	    const struct sb_error *wrong);

/* Whether a hash is weaker than the settings, or not by scrypt. */
bool	 sb_password_outdated(const char *hash);

enum sb_token_type { SB_TOKEN_ACCESS, SB_TOKEN_REFRESH, SB_TOKEN_CHECK,
    SB_TOKEN_TYPES };

/* The claims of a token (RFC 7519). */
struct sb_token {
	enum sb_token_type type;
	const char	*kid;
	const char	*jti;
	const char	*sid;		/* the login; of a check "check" */
	const char	*sub;		/* the user; likewise */
	const char	*username;	/* access tokens only */
	int64_t		 iat;		/* seconds */
	int64_t		 exp;		/* seconds */
};

/*
 * Signs the claims (JWS compact serialisation, HS256).  The same claims and
 * kid give the same text.  NULL if there is no key of that kid any more, or if
 * the key file can't be had or is damaged: then the request has failed, as it
 * has where the two below say no for that reason.
 */
const char *sb_token_sign(struct sb_request *, const struct sb_token *);

/*
 * Reads a token that we signed, of that type.  False for any other.  What it
 * says is in the request's memory.
 */
bool	 sb_token_read(struct sb_request *, const char *text,
	    enum sb_token_type, struct sb_token *);

/* The same, but not an expired one. */
bool	 sb_token_verify(struct sb_request *, const char *text,
	    enum sb_token_type, struct sb_token *);

/* The kid of the key that signs now; NULL if the request has failed. */
const char *sb_token_kid(struct sb_request *);

/*
 * An agent key: how each begins, a new one that cannot be guessed, and what is
 * stored of it, SHA-256 (FIPS 180-4) as 64 hex digits.
 */
#define SB_AGENT_KEY	"sbk_"
const char *sb_agent_key_new(struct sb_pool *);
const char *sb_agent_key_hash(struct sb_pool *, const char *key);

/*
 * The secret by which what is sent to a key's webhook is signed, as Standard
 * Webhooks has it: whsec_ and base64 of 32 bytes.  It is made from the
 * installation's own secret.  NULL if that can't be had: then the request has
 * failed.
 */
const char *sb_webhook_secret(struct sb_request *, const char *key_id);

/* From now on there are webhooks, which those that answer may have sent. */
void	 sb_worker_expect(void);

#endif
