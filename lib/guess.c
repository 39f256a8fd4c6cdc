/*
 * Guessing passwords is slow: wrong ones are counted for their account, or for
 * a name that nobody has, under a keyed hash, as somebody may have typed a
 * password into the name's field.
 */
#include "internal.h"

/* NULL: the request has failed. */
static const char *
key_of(struct sb_request *rq, const struct sb_guess *guess)
{
	const char *hash;

	if (guess->login != NULL)
		return sb_printf(rq->pool, "login:%s", guess->login);
	hash = sb_secret_hash(rq, "account", guess->account);
	return hash == NULL ? NULL : sb_printf(rq->pool, "account:%s", hash);
}

/*
 * Of many guesses at once, those that come to an end after the limit was
 * reached tell nothing, whether they were right or wrong.
 */
enum sb_status
sb_password_check(struct sb_response *rs, const struct sb_guess *guess,
    const struct sb_error *wrong)
{
	struct sb_request *rq = rs->rq;
	const char *key = key_of(rq, guess);
	enum sb_status status;
	bool right;

	if (!(rq->way->route->limits & SB_LIMIT_ACCOUNT))
		rs->fault = "a password is checked, but not declared to count";
	if (key == NULL)
		return sb_refuse(rs, &sb_error_unavailable);
	if ((status = sb_limit_guess_room(rs, key)) != SB_NEXT)
		return status;
	right = sb_password_matches(rq, guess->hash, guess->password);
	if (sb_db_failed(rq->db))
		return sb_refuse(rs, &sb_error_unavailable);
	status = right ? sb_limit_guess_room(rs, key) :
	    sb_limit_guess(rs, key);
	if (status != SB_NEXT || right)
		return status;
	return sb_fail(rs, wrong);
}
