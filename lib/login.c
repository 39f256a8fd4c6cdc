/*
 * Who is calling: from a bearer token (RFC 6750) to a login that lives and a
 * user who is active.  Programs whose routes need none don't link this.
 */
#include <string.h>

#include "internal.h"

static enum sb_status admit(struct sb_request *, struct sb_response *);
static enum sb_status admit_leaver(struct sb_request *, struct sb_response *);
static enum sb_status admit_operator(struct sb_request *,
    struct sb_response *);
static void prepare(struct sb_db *);

static const struct sb_error *const errors[] = { &sb_error_unauthenticated,
    &sb_error_token, &sb_error_inactive, NULL };

static const struct sb_error *const token_errors[] = {
    &sb_error_unauthenticated, &sb_error_token, NULL };

static const struct sb_scheme operator = { "operator", "JWT",
    "A token of a minute that `switchboard check` signs for itself, with the "
    "installation's own key." };

const struct sb_access sb_access_user = { .token = true, .errors = errors,
    .admit = admit, .prepare = prepare };
const struct sb_access sb_access_leaver = { .token = true,
    .errors = token_errors, .admit = admit_leaver, .prepare = prepare,
    .tokenless = true };
const struct sb_access sb_access_operator = { .errors = token_errors,
    .admit = admit_operator, .prepare = prepare, .scheme = &operator };

/* A process that has the keys goes on although their file gets damaged. */
static void
prepare(struct sb_db *db)
{
	enum sb_status why;

	sb_db_open(db, "login");
	sb_key_find(NULL, &why);
}

/* The user of a login that lives, or NULL. */
static const struct sb_row *
find_user(struct sb_request *rq, const struct sb_token *token)
{
	return sb_one(rq->db, SB_Q_CALLER, sb_bind("login", token->sid),
	    sb_bind("user", token->sub));
}

static void
set_caller(struct sb_request *rq, const struct sb_token *token,
    const struct sb_row *user)
{
	rq->caller = (struct sb_caller){
		.user_id = sb_row_text(user, "id"),
		.login_id = token->sid,
		.email = sb_row_text(user, "email"),
		.username = sb_row_text(user, "username"),
		.created_at = sb_row_int(user, "created_at"),
	};
}

static enum sb_status
admit(struct sb_request *rq, struct sb_response *rs)
{
	const char *text = sb_bearer_token(rq->way->authorization);
	const struct sb_row *user;
	struct sb_token token;

	if (text == NULL)
		return sb_refuse(rs, &sb_error_unauthenticated);
	if (!sb_token_verify(rq, text, SB_TOKEN_ACCESS, &token) ||
	    (user = find_user(rq, &token)) == NULL)
		return sb_refuse(rs, &sb_error_token);
	if (!sb_row_int(user, "is_active"))
		return sb_refuse(rs, &sb_error_inactive);
	set_caller(rq, &token, user);
	return SB_NEXT;
}

/*
 * A token that is dead already can still be logged out (RFC 7009 section 2.2),
 * and clients send one along with a body that says whose login it is.
 */
static enum sb_status
admit_leaver(struct sb_request *rq, struct sb_response *rs)
{
	const char *text = sb_bearer_token(rq->way->authorization);
	const struct sb_row *user = NULL;
	struct sb_token token;

	if (text != NULL && sb_token_read(rq, text, SB_TOKEN_ACCESS, &token)) {
		if (token.exp > sb_now() / SB_SECOND)
			user = find_user(rq, &token);
		if (user != NULL)
			set_caller(rq, &token, user);
		rq->caller.login_id = token.sid;
		return SB_NEXT;
	}
	if (rq->way->body_length > 0)
		return SB_NEXT;
	return sb_refuse(rs, text == NULL ? &sb_error_unauthenticated :
	    &sb_error_token);
}

/* Which of the two it is tells a lost header field from a foreign key. */
static enum sb_status
admit_operator(struct sb_request *rq, struct sb_response *rs)
{
	const char *text = sb_bearer_token(rq->way->authorization);
	struct sb_token token;

	if (text == NULL)
		return sb_refuse(rs, &sb_error_unauthenticated);
	return sb_token_verify(rq, text, SB_TOKEN_CHECK, &token) ? SB_NEXT :
	    sb_refuse(rs, &sb_error_token);
}
