/*
 * Accounts and logins: register, log in, refresh, and who am I.  The only
 * program that is ever shown a password.
 */
#include "sb.h"

#define GRACE	(10 * SB_SECOND)	/* a refresh token's, after its use */

struct user {
	const char	*id;
	const char	*username;
	const char	*password;	/* its hash */
	int64_t		 version;	/* of the password */
};

/* --------------------------------------------------------------- errors */

static const struct sb_error username_taken = { SB_BAD_REQUEST,
    "Username already registered", NULL };
static const struct sb_error email_taken = { SB_BAD_REQUEST,
    "Email already registered", NULL };
static const struct sb_error bad_login = { SB_UNAUTHORIZED,
    "Incorrect username or password", "invalid_grant" };
static const struct sb_error bad_refresh = { SB_UNAUTHORIZED,
    "Invalid refresh token", "invalid_grant" };

/* ---------------------------------------------------------- a token pair */

enum { PAIR_ACCESS, PAIR_REFRESH, PAIR_TYPE, PAIR_EXPIRES,
    PAIR_REFRESH_EXPIRES };
static const struct sb_field pair_out[] = {
	[PAIR_ACCESS] = { "access_token", SB_SECRET,
	    "For the Authorization header field of further calls." },
	[PAIR_REFRESH] = { "refresh_token", SB_SECRET,
	    "To be changed for a new pair before it expires." },
	[PAIR_TYPE] = { "token_type", SB_TEXT, "What kind they are of.",
	    .example = "bearer" },
	[PAIR_EXPIRES] = { "expires_in", SB_INT,
	    "Seconds that the access token is good for." },
	[PAIR_REFRESH_EXPIRES] = { "refresh_expires_in", SB_INT,
	    "Seconds that the refresh token is good for." },
	SB_END
};

static int64_t
refresh_lifetime(void)
{
	return sb_settings.refresh_token_expire_days * SB_DAY;
}

/* Puts a new access token of the login, and the refresh token as it is. */
static enum sb_status
put_pair(struct sb_request *rq, struct sb_response *rs,
    const struct user *user, const struct sb_token *refresh)
{
	int64_t now = sb_db_now(rq->db) / SB_SECOND;
	int64_t lifetime = sb_settings.access_token_expire_minutes * 60;
	struct sb_token access = { .type = SB_TOKEN_ACCESS,
	    .kid = sb_token_kid(rq), .jti = sb_uuid(rq->pool),
	    .sid = refresh->sid, .sub = user->id,
	    .username = user->username, .iat = now, .exp = now + lifetime };
	const char *text = sb_token_sign(rq, refresh);

	/* The key that signed it may have been retired. */
	if (text == NULL)
		return sb_fail(rs, &bad_refresh);
	sb_put_text(rs, PAIR_ACCESS, sb_token_sign(rq, &access));
	sb_put_text(rs, PAIR_REFRESH, text);
	sb_put_text(rs, PAIR_TYPE, "bearer");
	sb_put_int(rs, PAIR_EXPIRES, lifetime);
	sb_put_int(rs, PAIR_REFRESH_EXPIRES, refresh->exp - now);
	return SB_OK;
}

/* A new refresh token of the login, stored as what it is made from. */
static struct sb_token
add_refresh_token(struct sb_request *rq, const char *user_id,
    const char *login_id)
{
	int64_t now = sb_db_now(rq->db) / SB_SECOND;
	struct sb_token t = { .type = SB_TOKEN_REFRESH,
	    .kid = sb_token_kid(rq), .jti = sb_uuid(rq->pool),
	    .sid = login_id, .sub = user_id, .iat = now,
	    .exp = now + refresh_lifetime() / SB_SECOND };

	sb_run(rq->db, SB_Q_REFRESH_ADD, sb_bind("jti", t.jti),
	    sb_bind("login", login_id), sb_bind("kid", t.kid),
	    sb_bind_int("issued_at", t.iat), sb_bind_int("expires_at", t.exp));
	return t;
}

/* Begins a login, unless the account has changed since it was looked at. */
static enum sb_status
begin_login(struct sb_request *rq, struct sb_response *rs,
    const struct user *user)
{
	const char *login = sb_uuid(rq->pool);
	struct sb_token refresh;

	if (sb_run(rq->db, SB_Q_LOGIN_ADD, sb_bind("id", login),
	    sb_bind("user", user->id),
	    sb_bind_int("version", user->version),
	    sb_bind_int("lifetime", refresh_lifetime()),
	    sb_bind("user_agent", rq->user_agent),
	    sb_bind("ip_address", rq->address)) == 0)
		return sb_fail(rs, &bad_login);
	refresh = add_refresh_token(rq, user->id, login);
	return put_pair(rq, rs, user, &refresh);
}

/* ------------------------------------------------------------- register */

enum { REGISTER_EMAIL, REGISTER_USERNAME, REGISTER_PASSWORD };
static const struct sb_field register_in[] = {
	[REGISTER_EMAIL] = { "email", SB_EMAIL,
	    "Address that nobody else has registered.",
	    .example = "user@example.com", .wrong = sb_email_wrong },
	[REGISTER_USERNAME] = { "username", SB_TEXT,
	    "Name that nobody else has, in any case.", 3, 50,
	    .example = "testuser", .wrong = sb_username_wrong },
	[REGISTER_PASSWORD] = { "password", SB_SECRET, "Its password.",
	    8, 1024, .example = "password123", .wrong = sb_password_wrong },
	SB_END
};

static enum sb_status
register_user(struct sb_request *rq, struct sb_response *rs)
{
	const char *email = sb_text(rq, REGISTER_EMAIL);
	const char *username = sb_text(rq, REGISTER_USERNAME);
	const char *username_key = sb_username_key(rq->pool, username);
	struct user user = { sb_uuid(rq->pool), username,
	    sb_password_hash(rq, sb_text(rq, REGISTER_PASSWORD)), 1 };
	enum sb_status status;

	/* The indexes decide; which of them it was is asked under the lock. */
	if (sb_run(rq->db, SB_Q_USER_ADD, sb_bind("id", user.id),
	    sb_bind("email", email),
	    sb_bind("email_key", sb_email_key(rq->pool, email)),
	    sb_bind("username", username),
	    sb_bind("username_key", username_key),
	    sb_bind("password", user.password)) == 0)
		return sb_fail(rs, sb_one(rq->db, SB_Q_USER_BY_USERNAME,
		    sb_bind("key", username_key)) != NULL ?
		    &username_taken : &email_taken);
	status = begin_login(rq, rs, &user);
	return status == SB_OK ? SB_CREATED : status;
}

/* ---------------------------------------------------------------- login */

enum { LOGIN_GRANT_TYPE, LOGIN_USERNAME, LOGIN_PASSWORD, LOGIN_SCOPE,
    LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET };
static const struct sb_field login_in[] = {
	[LOGIN_GRANT_TYPE] = { "grant_type", SB_TEXT,
	    "OAuth 2 grant (RFC 6749 section 4.3).", .optional = true,
	    .pattern = "^password$", .example = "password" },
	[LOGIN_USERNAME] = { "username", SB_TEXT,
	    "User name or email address.", .example = "testuser" },
	[LOGIN_PASSWORD] = { "password", SB_SECRET, "Its password.", 1, 1024,
	    .example = "password123" },
	[LOGIN_SCOPE] = { "scope", SB_TEXT, "Not used.", .optional = true },
	[LOGIN_CLIENT_ID] = { "client_id", SB_TEXT, "Not used.",
	    .optional = true },
	[LOGIN_CLIENT_SECRET] = { "client_secret", SB_SECRET, "Not used.",
	    .optional = true },
	SB_END
};

/* By name or by address; no name has an @. */
static const struct sb_row *
find_user(struct sb_request *rq, const char *name)
{
	const char *key = sb_email_key(rq->pool, name);

	if (key != NULL)
		return sb_one(rq->db, SB_Q_USER_BY_EMAIL,
		    sb_bind("key", key));
	return sb_one(rq->db, SB_Q_USER_BY_USERNAME,
	    sb_bind("key", sb_username_key(rq->pool, name)));
}

/* Another login may have done so by now, and then this one needn't. */
static void
renew_hash(struct sb_request *rq, const struct user *user)
{
	const char *renewed = sb_password_hash(rq,
	    sb_text(rq, LOGIN_PASSWORD));

	sb_run(rq->db, SB_Q_USER_REHASH, sb_bind("id", user->id),
	    sb_bind("password", user->password), sb_bind("renewed", renewed));
}

static enum sb_status
login(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *row = find_user(rq, sb_text(rq, LOGIN_USERNAME));
	struct user user = { NULL };

	if (row != NULL)
		user = (struct user){ sb_row_text(row, "id"),
		    sb_row_text(row, "username"),
		    sb_row_text(row, "password"),
		    sb_row_int(row, "password_version") };
	/* An unknown name must take as long, and read, as a wrong password. */
	if (!sb_password_matches(rq, user.password,
	    sb_text(rq, LOGIN_PASSWORD)))
		return sb_fail(rs, &bad_login);
	if (!sb_row_int(row, "is_active"))
		return sb_fail(rs, &sb_error_inactive);
	if (sb_password_outdated(user.password))
		renew_hash(rq, &user);
	return begin_login(rq, rs, &user);
}

/* -------------------------------------------------------------- refresh */

enum { REFRESH_GRANT_TYPE, REFRESH_TOKEN };
static const struct sb_field refresh_in[] = {
	[REFRESH_GRANT_TYPE] = { "grant_type", SB_TEXT,
	    "OAuth 2 grant (RFC 6749 section 6).", .optional = true,
	    .pattern = "^refresh_token$", .example = "refresh_token" },
	[REFRESH_TOKEN] = { "refresh_token", SB_SECRET,
	    "Newest refresh token of the login." },
	SB_END
};

/*
 * Somebody uses a token that was changed for another one long ago: it was
 * stolen, or that one was (RFC 9700 section 4.14.2).  Nobody knows who is who.
 */
static enum sb_status
revoke_stolen(struct sb_request *rq, struct sb_response *rs,
    const struct sb_token *t)
{
	if (sb_run(rq->db, SB_Q_LOGIN_REVOKE, sb_bind("id", t->sid)) > 0)
		sb_log(SB_WARNING, "a used refresh token came back: revoking "
		    "login %s of user %s", t->sid, t->sub);
	sb_run(rq->db, SB_Q_REFRESH_FORGET_ALL, sb_bind("login", t->sid));
	sb_db_keep(rq->db);
	return sb_fail(rs, &bad_refresh);
}

/* The token of a row, as it was signed. */
static struct sb_token
token_of(const struct sb_row *row, const struct sb_token *before)
{
	return (struct sb_token){ .type = SB_TOKEN_REFRESH,
	    .kid = sb_row_text(row, "kid"), .jti = sb_row_text(row, "jti"),
	    .sid = before->sid, .sub = before->sub,
	    .iat = sb_row_int(row, "issued_at"),
	    .exp = sb_row_int(row, "expires_at") };
}

/* The first use: there is a successor from now on, and one only. */
static struct sb_token
rotate(struct sb_request *rq, const struct sb_token *t)
{
	struct sb_token next = add_refresh_token(rq, t->sub, t->sid);

	sb_run(rq->db, SB_Q_REFRESH_USE, sb_bind("jti", t->jti),
	    sb_bind("successor", next.jti));
	sb_run(rq->db, SB_Q_REFRESH_FORGET, sb_bind("login", t->sid),
	    sb_bind_int("over", sb_db_now(rq->db) - GRACE),
	    sb_bind_int("beyond", sb_db_now(rq->db) + GRACE));
	sb_run(rq->db, SB_Q_LOGIN_EXTEND, sb_bind("id", t->sid),
	    sb_bind_int("lifetime", refresh_lifetime()));
	return next;
}

/*
 * The successor of a used token, while that may still be asked for; NULL if
 * the token was used too long ago, or in a far future that a clock came back
 * from.  A clock that was set back by a little makes nobody a thief.
 */
static const struct sb_row *
successor(struct sb_request *rq, const struct sb_token *t,
    const struct sb_row *row)
{
	int64_t since = sb_db_now(rq->db) - sb_row_int(row, "used_at");

	if (since < -GRACE || since > GRACE)
		return NULL;
	return sb_one(rq->db, SB_Q_REFRESH_FIND,
	    sb_bind("jti", sb_row_text(row, "successor")),
	    sb_bind("login", t->sid));
}

static enum sb_status
refresh(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *row, *owner, *next;
	struct sb_token t, renewed;
	struct user user;

	/* The lock is taken by the second query; all the rest is under it. */
	if (!sb_token_verify(rq, sb_text(rq, REFRESH_TOKEN), SB_TOKEN_REFRESH,
	    &t) || sb_run(rq->db, SB_Q_LOGIN_REFRESH, sb_bind("id", t.sid),
	    sb_bind("user", t.sub)) == 0 || t.exp <= sb_db_now(rq->db) /
	    SB_SECOND)
		return sb_fail(rs, &bad_refresh);
	owner = sb_one(rq->db, SB_Q_USER_OF_LOGIN, sb_bind("id", t.sub));
	if (owner == NULL)
		return sb_fail(rs, &bad_refresh);
	if (!sb_row_int(owner, "is_active"))
		return sb_fail(rs, &sb_error_inactive);
	user = (struct user){ t.sub, sb_row_text(owner, "username"), NULL, 0 };
	row = sb_one(rq->db, SB_Q_REFRESH_FIND, sb_bind("jti", t.jti),
	    sb_bind("login", t.sid));
	if (row == NULL)
		return revoke_stolen(rq, rs, &t);
	if (sb_row_text(row, "successor") == NULL)
		renewed = rotate(rq, &t);
	else if ((next = successor(rq, &t, row)) != NULL)
		renewed = token_of(next, &t);
	else
		return revoke_stolen(rq, rs, &t);
	return put_pair(rq, rs, &user, &renewed);
}

/* ------------------------------------------------------------------- me */

enum { ME_ID, ME_EMAIL, ME_USERNAME, ME_IS_ACTIVE, ME_CREATED_AT };
static const struct sb_field me_out[] = {
	[ME_ID] = { "id", SB_UUID, "The user's id." },
	[ME_EMAIL] = { "email", SB_EMAIL, "As it was typed." },
	[ME_USERNAME] = { "username", SB_TEXT, "As it was typed." },
	[ME_IS_ACTIVE] = { "is_active", SB_BOOL,
	    "True: a disabled user gets no answer." },
	[ME_CREATED_AT] = { "created_at", SB_TIME, "When it registered." },
	SB_END
};

static enum sb_status
me(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, ME_ID, rq->caller.user_id);
	sb_put_text(rs, ME_EMAIL, rq->caller.email);
	sb_put_text(rs, ME_USERNAME, rq->caller.username);
	sb_put_bool(rs, ME_IS_ACTIVE, true);
	sb_put_time(rs, ME_CREATED_AT, rq->caller.created_at);
	return SB_OK;
}

static const struct sb_route routes[] = {
	{ SB_POST, "/api/auth/register", SB_PUBLIC, register_user,
	  register_in, pair_out, .success = SB_CREATED,
	  .errors = { &username_taken, &email_taken },
	  .doc = "Register an account, and log in to it." },
	{ SB_POST, "/api/auth/login", SB_PUBLIC, login, login_in, pair_out,
	  .body = SB_FORM, .errors = { &bad_login, &sb_error_inactive },
	  .doc = "Log in with a name and a password "
	    "(OAuth 2 password flow)." },
	{ SB_POST, "/api/auth/refresh", SB_PUBLIC, refresh, refresh_in,
	  pair_out, .body = SB_JSON | SB_FORM,
	  .errors = { &bad_refresh, &sb_error_inactive },
	  .doc = "Change a refresh token for a new pair." },
	{ SB_GET, "/api/auth/me", SB_USER, me, NULL, me_out,
	  .doc = "Tell who the caller is." },
	{ SB_NONE }
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, "auth", routes);
}
