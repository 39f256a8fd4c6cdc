/*
 * Who is calling: from a bearer token (RFC 6750) to a login that lives, or to
 * an agent key that is there, and to a user who is active.  Programs whose
 * routes need none don't link this.
 */
#include <string.h>

#include "internal.h"

static sb_handler admit_user, admit_anyone, admit_agent, admit_admin,
    admit_leaver, admit_operator;
static void prepare(struct sb_db *);

static const struct sb_error *const errors[] = { &sb_error_unauthenticated,
    &sb_error_token, &sb_error_inactive, NULL };

static const struct sb_error *const some_errors[] = {
    &sb_error_unauthenticated, &sb_error_token, &sb_error_inactive,
    &sb_error_forbidden, NULL };

static const struct sb_error *const leaver_errors[] = {
    &sb_error_unauthenticated, &sb_error_token, &sb_error_forbidden, NULL };

static const struct sb_error *const token_errors[] = {
    &sb_error_unauthenticated, &sb_error_token, NULL };

static const struct sb_scheme agent = { "agent", NULL,
    "An agent key, `" SB_AGENT_KEY "…`, with which a program speaks for the "
    "user who made it." };

static const struct sb_scheme operator = { "operator", "JWT",
    "A token of a minute that `switchboard check` signs for itself, with the "
    "installation's own key." };

const struct sb_access sb_access_user = { .token = true,
    .errors = some_errors, .admit = admit_user, .prepare = prepare };
const struct sb_access sb_access_anyone = { .token = true, .errors = errors,
    .admit = admit_anyone, .prepare = prepare, .scheme = &agent };
const struct sb_access sb_access_agent = { .errors = some_errors,
    .admit = admit_agent, .prepare = prepare, .scheme = &agent };
const struct sb_access sb_access_admin = { .token = true,
    .errors = some_errors, .admit = admit_admin, .prepare = prepare };
const struct sb_access sb_access_leaver = { .token = true,
    .errors = leaver_errors, .admit = admit_leaver, .prepare = prepare,
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
set_caller(struct sb_request *rq, const struct sb_row *user,
    const char *login, const char *key)
{
	rq->caller = (struct sb_caller){
		.user_id = sb_row_text(user, "id"),
		.login_id = login,
		.agent_key_id = key,
		.id = key != NULL ? key : sb_row_text(user, "id"),
		.email = sb_row_text(user, "email"),
		.username = sb_row_text(user, "username"),
		.created_at = sb_row_int(user, "created_at"),
	};
}

static bool
is_agent_key(const char *text)
{
	return strncmp(text, SB_AGENT_KEY, strlen(SB_AGENT_KEY)) == 0;
}

/*
 * The owner of an agent key, or NULL.  What is looked for is its hash, of which
 * nobody can choose a part: how long that takes tells nothing.
 */
static const struct sb_row *
find_owner(struct sb_request *rq, const char *key)
{
	return sb_one(rq->db, SB_Q_CALLER_BY_KEY,
	    sb_bind("hash", sb_agent_key_hash(rq->pool, key)));
}

/* Whoever the bearer token speaks for, an active user or an agent of one's. */
static enum sb_status
identify(struct sb_request *rq, struct sb_response *rs,
    const struct sb_row **user)
{
	const char *text = sb_bearer_token(rq->way->authorization);
	const char *key = NULL;
	struct sb_token token = { .sid = NULL };

	if (text == NULL)
		return sb_refuse(rs, &sb_error_unauthenticated);
	if (is_agent_key(text)) {
		*user = find_owner(rq, text);
		key = *user == NULL ? NULL : sb_row_text(*user, "key_id");
	} else if (sb_token_verify(rq, text, SB_TOKEN_ACCESS, &token))
		*user = find_user(rq, &token);
	if (*user == NULL)
		return sb_refuse(rs, &sb_error_token);
	if (!sb_row_int(*user, "is_active"))
		return sb_refuse(rs, &sb_error_inactive);
	set_caller(rq, *user, token.sid, key);
	return SB_NEXT;
}

/* Who is known and not allowed has made a request all the same: it counts. */
static enum sb_status
forbid(struct sb_request *rq, struct sb_response *rs)
{
	enum sb_status status = sb_limit_caller(rq, rs);

	return status != SB_NEXT ? status :
	    sb_refuse(rs, &sb_error_forbidden);
}

static enum sb_status
admit_anyone(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *user = NULL;

	return identify(rq, rs, &user);
}

static enum sb_status
admit_user(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *user = NULL;
	enum sb_status status = identify(rq, rs, &user);

	if (status != SB_NEXT || rq->caller.agent_key_id == NULL)
		return status;
	return forbid(rq, rs);
}

static enum sb_status
admit_agent(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *user = NULL;
	enum sb_status status = identify(rq, rs, &user);

	if (status != SB_NEXT || rq->caller.agent_key_id != NULL)
		return status;
	return forbid(rq, rs);
}

static enum sb_status
admit_admin(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *user = NULL;
	enum sb_status status = identify(rq, rs, &user);

	if (status != SB_NEXT || (rq->caller.agent_key_id == NULL &&
	    sb_row_int(user, "is_admin")))
		return status;
	return forbid(rq, rs);
}

const struct sb_error *
sb_caller_wrong(struct sb_request *rq)
{
	const struct sb_caller *c = &rq->caller;
	const struct sb_row *user = c->agent_key_id != NULL ?
	    sb_one(rq->db, SB_Q_OWNER_OF_KEY, sb_bind("id", c->agent_key_id)) :
	    sb_one(rq->db, SB_Q_CALLER, sb_bind("login", c->login_id),
	    sb_bind("user", c->user_id));

	if (user == NULL)
		return &sb_error_token;
	return sb_row_int(user, "is_active") ? NULL : &sb_error_inactive;
}

/*
 * A token that is dead already can still be logged out (RFC 7009 section 2.2),
 * and clients send one along with a body that says whose login it is.  An agent
 * has no login, and may end no other.
 */
static enum sb_status
admit_leaver(struct sb_request *rq, struct sb_response *rs)
{
	const char *text = sb_bearer_token(rq->way->authorization);
	const struct sb_row *user = NULL;
	struct sb_token token;

	if (text != NULL && is_agent_key(text) &&
	    (user = find_owner(rq, text)) != NULL) {
		set_caller(rq, user, NULL, sb_row_text(user, "key_id"));
		return forbid(rq, rs);
	}
	if (text != NULL && sb_token_read(rq, text, SB_TOKEN_ACCESS, &token)) {
		if (token.exp > sb_now() / SB_SECOND)
			user = find_user(rq, &token);
		if (user != NULL)
			set_caller(rq, user, token.sid, NULL);
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
