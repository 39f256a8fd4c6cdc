/*
 * Guessing passwords is slow: wrong ones are counted for their account, or for
 * a name that nobody has, under a keyed hash, as somebody may have typed a
 * password into the name's field.
 */
#include "internal.h"

/* NULL: the request has failed. */
static const char *
account_key(struct sb_request *rq, const struct sb_guess *guess)
{
	/* Nobody's name can be another's id. */
	const char *hash = guess->account != NULL ?
	    sb_secret_hash(rq, "account", guess->account) :
	    sb_secret_hash(rq, "name", guess->name);

	return hash == NULL ? NULL : sb_printf(rq->pool, "account:%s", hash);
}

/* What a guess is decided by. */
struct decision {
	const struct sb_guess *guess;
	const char	*account, *own;	/* keys; the same for most */
};

/*
 * Somebody who is logged in and has not guessed wrong lately is not refused for
 * what strangers did: they can't keep an owner from changing the password.
 */
static enum sb_status
look(struct sb_response *rs, const struct decision *d, enum sb_take how)
{
	int64_t used;
	enum sb_status status = sb_limit_guess(rs, d->own, how, &used);

	if (status != SB_NEXT || !d->guess->both || used == 0)
		return status;
	return sb_limit_guess(rs, d->account, how, &used);
}

/* From a stolen token, too, a guess counts for the account. */
static enum sb_status
count(struct sb_response *rs, const struct decision *d)
{
	int64_t used, of_account;
	enum sb_status status = sb_limit_guess(rs, d->own, SB_TAKE_COUNT,
	    &used);
	struct sb_response before = *rs;

	if (status != SB_NEXT || !d->guess->both)
		return status;
	status = sb_limit_guess(rs, d->account, SB_TAKE_COUNT, &of_account);
	if (status != SB_TOO_MANY || used > 1)
		return status;
	*rs = before;
	return SB_NEXT;
}

/*
 * Of many guesses at once, those that come to an end after the limit was
 * reached tell nothing, whether they were right or wrong; and a right one waits
 * for the lock as a wrong one does, so that a failing store tells nothing.
 */
enum sb_status
sb_password_check(struct sb_response *rs, const struct sb_guess *guess,
    const struct sb_error *wrong)
{
	struct sb_request *rq = rs->rq;
	struct decision d = { .guess = guess };
	enum sb_status status;
	bool right;

	if (!(rq->way->route->limits & SB_LIMIT_ACCOUNT))
		rs->fault = "a password is checked, but not declared to count";
	if ((d.own = d.account = account_key(rq, guess)) == NULL)
		return sb_refuse(rs, sb_db_error(rq->db));
	if (guess->login != NULL)
		d.own = sb_printf(rq->pool, "login:%s", guess->login);
	if ((status = look(rs, &d, SB_TAKE_LOOK)) != SB_NEXT)
		return status;
	right = sb_password_matches(rq, guess->hash, guess->password);
	if (sb_db_failed(rq->db))
		return sb_refuse(rs, sb_db_error(rq->db));
	status = right ? look(rs, &d, SB_TAKE_LOCK) : count(rs, &d);
	if (status != SB_NEXT || right)
		return status;
	return sb_fail(rs, wrong);
}
