/*
 * Accounts, their logins and their care: register, log in, refresh, log out,
 * who am I, agent keys, and how the caller's limits stand.  The only program
 * that is ever shown a password, and therefore longer than others.
 */
#include <string.h>

#include "account.h"
#include "auth.h"

/* Shown by the documentation: somebody, a login and its first tokens. */
#define EXAMPLE_USER	"0199e25a-d365-71a6-b94d-a4f9fc3c6da5"
#define EXAMPLE_LOGIN	"0199e25a-d3a1-7171-8027-ac435a7a97c6"
#define EXAMPLE_TIME	"2025-10-14T10:53:47.237987Z"
#define EXAMPLE_NAME	"testuser"
#define EXAMPLE_EMAIL	"user@example.com"
#define EXAMPLE_PASSWORD "password123"
#define EXAMPLE_ACCESS \
	"eyJhbGciOiJIUzI1NiIsImtpZCI6IjE0NGRkZmI5YzY0ZWM1ZGQiLCJ0eXAi" \
	"OiJKV1QifQ.eyJleHAiOjE3NjA0NDA3MjcsImlhdCI6MTc2MDQzOTIyNywia" \
	"nRpIjoiMDE5OWUyNWEtZDNhMi03OGNhLWE1NjYtY2VhYjM2MDUxMmJkIiwic" \
	"2lkIjoiMDE5OWUyNWEtZDNhMS03MTcxLTgwMjctYWM0MzVhN2E5N2M2Iiwic" \
	"3ViIjoiMDE5OWUyNWEtZDM2NS03MWE2LWI5NGQtYTRmOWZjM2M2ZGE1Iiwid" \
	"HlwZSI6ImFjY2VzcyIsInVzZXJuYW1lIjoidGVzdHVzZXIifQ.eJ7FJCy0eP" \
	"N-S8Cqtt-4ig_Pf4oS0BsAeFJg7dasQCk"
#define EXAMPLE_REFRESH \
	"eyJhbGciOiJIUzI1NiIsImtpZCI6IjE0NGRkZmI5YzY0ZWM1ZGQiLCJ0eXAi" \
	"OiJKV1QifQ.eyJleHAiOjE3NjEwNDQwMjcsImlhdCI6MTc2MDQzOTIyNywia" \
	"nRpIjoiMDE5OWUyNWEtZDNhMi03YzNlLTgxZmQtNzI0NDUyY2NlYTcxIiwic" \
	"2lkIjoiMDE5OWUyNWEtZDNhMS03MTcxLTgwMjctYWM0MzVhN2E5N2M2Iiwic" \
	"3ViIjoiMDE5OWUyNWEtZDM2NS03MWE2LWI5NGQtYTRmOWZjM2M2ZGE1Iiwid" \
	"HlwZSI6InJlZnJlc2gifQ.zdMgvn-mnx-Evx-pcFO03D-iyVlryWLF3iesNl" \
	"pSaOc"

#define GRACE	(10 * SB_SECOND)	/* a refresh token's, after its use */

struct user {
	const char	*id;
	const char	*username;
	const char	*password;	/* its hash */
	int64_t		 version;	/* of the password */
};

static struct user
user_of(const struct sb_row *row)
{
	return (struct user){ sb_row_text(row, "id"),
	    sb_row_text(row, "username"), sb_row_text(row, "password"),
	    sb_row_int(row, "password_version") };
}

/* --------------------------------------------------------------- errors */

static const struct sb_error username_taken = { SB_BAD_REQUEST,
    "Username already registered", NULL };
static const struct sb_error email_taken = { SB_BAD_REQUEST,
    "Email already registered", NULL };
static const struct sb_error bad_login = { SB_UNAUTHORIZED,
    "Incorrect username or password", "invalid_grant" };
static const struct sb_error bad_password = { SB_BAD_REQUEST,
    "Incorrect password", NULL };
static const struct sb_error bad_refresh = { SB_UNAUTHORIZED,
    "Invalid refresh token", "invalid_grant" };

/* ---------------------------------------------------------- a token pair */

enum { PAIR_ACCESS, PAIR_REFRESH, PAIR_TYPE, PAIR_EXPIRES,
    PAIR_REFRESH_EXPIRES };
static const struct sb_field pair_out[] = {
	[PAIR_ACCESS] = { "access_token", SB_SECRET,
	    "For the Authorization header field of further calls.",
	    .example = EXAMPLE_ACCESS },
	[PAIR_REFRESH] = { "refresh_token", SB_SECRET,
	    "To be changed for a new pair before it expires.",
	    .example = EXAMPLE_REFRESH },
	[PAIR_TYPE] = { "token_type", SB_TEXT, "What kind they are of.",
	    .example = "bearer" },
	[PAIR_EXPIRES] = { "expires_in", SB_INT,
	    "Seconds that the access token is good for.", .example = "1500" },
	[PAIR_REFRESH_EXPIRES] = { "refresh_expires_in", SB_INT,
	    "Seconds that the refresh token is good for.",
	    .example = "604800" },
	SB_END_AS("TokenPair")
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

/* Their file may have to be waited for, which mustn't be under the lock. */
static void
know_keys(struct sb_request *rq)
{
	sb_token_kid(rq);
}

/* Begins a login, unless the account has changed since it was looked at. */
static enum sb_status
begin_login(struct sb_request *rq, struct sb_response *rs,
    const struct user *user)
{
	const char *login = sb_uuid(rq->pool);
	const struct sb_row *row;
	struct user now = { user->id, NULL, NULL, 0 };
	struct sb_token refresh;

	if (sb_run(rq->db, SB_Q_LOGIN_ADD, sb_bind("id", login),
	    sb_bind("user", user->id),
	    sb_bind_int("version", user->version),
	    sb_bind_int("lifetime", refresh_lifetime()),
	    sb_bind("user_agent", rq->user_agent),
	    sb_bind("ip_address", rq->address)) == 0)
		return sb_fail(rs, &bad_login);
	/* The name may be another one since it was looked at. */
	row = sb_one(rq->db, SB_Q_USER_OF_LOGIN, sb_bind("id", user->id));
	now.username = row == NULL ? "" : sb_row_text(row, "username");
	refresh = add_refresh_token(rq, user->id, login);
	return put_pair(rq, rs, &now, &refresh);
}

/* ------------------------------------------------------------- register */

enum { REGISTER_EMAIL, REGISTER_USERNAME, REGISTER_PASSWORD };
static const struct sb_field register_in[] = {
	[REGISTER_EMAIL] = { "email", SB_EMAIL,
	    "Address that nobody else has registered.",
	    .example = EXAMPLE_EMAIL, .wrong = sb_email_wrong },
	[REGISTER_USERNAME] = { "username", SB_TEXT,
	    "Name that nobody else has, in any case.", 3, 50,
	    .example = EXAMPLE_NAME, .wrong = sb_username_wrong },
	[REGISTER_PASSWORD] = { "password", SB_SECRET, "Its password.",
	    8, 1024, .example = EXAMPLE_PASSWORD, .wrong = sb_password_wrong },
	SB_END_AS("NewUser")
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

	know_keys(rq);
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
    LOGIN_CLIENT_ID, LOGIN_CLIENT_SECRET, LOGIN_REFRESH_TOKEN };
static const struct sb_field login_in[] = {
	[LOGIN_GRANT_TYPE] = { "grant_type", SB_TEXT,
	    "OAuth 2 grant (RFC 6749 section 4.3).", .optional = true,
	    .pattern = "^password$", .example = "password" },
	[LOGIN_USERNAME] = { "username", SB_TEXT,
	    "User name or email address.", .example = EXAMPLE_NAME },
	[LOGIN_PASSWORD] = { "password", SB_SECRET, "Its password.", 1, 1024,
	    .example = EXAMPLE_PASSWORD },
	[LOGIN_SCOPE] = { "scope", SB_TEXT, "Not used.", .optional = true },
	[LOGIN_CLIENT_ID] = { "client_id", SB_TEXT, "Not used.",
	    .optional = true },
	[LOGIN_CLIENT_SECRET] = { "client_secret", SB_SECRET, "Not used.",
	    .optional = true },
	[LOGIN_REFRESH_TOKEN] = { "refresh_token", SB_SECRET,
	    "Any that the account has had: others' wrong passwords don't count "
	    "against its bearer.", .optional = true },
	SB_END_AS("PasswordGrant")
};

static const struct sb_row *
find_user(struct sb_request *rq, const char *name)
{
	return sb_one(rq->db, strchr(name, '@') != NULL ?
	    SB_Q_USER_BY_EMAIL : SB_Q_USER_BY_USERNAME,
	    sb_bind("key", sb_name_key(rq->pool, name)));
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

/*
 * The login of a refresh token that came along, for which wrong passwords are
 * counted alone: strangers can't lock out an owner who has one.  It may be used
 * up or expired; of a login that was revoked it may have been stolen.  A token
 * takes as long for an unknown name.
 */
static const char *
known_login(struct sb_request *rq, const struct user *user)
{
	struct sb_token t;

	if (!sb_has(rq, LOGIN_REFRESH_TOKEN) || !sb_token_read(rq,
	    sb_text(rq, LOGIN_REFRESH_TOKEN), SB_TOKEN_REFRESH, &t) ||
	    sb_one(rq->db, SB_Q_LOGIN_SHIELDS, sb_bind("user", t.sub),
	    sb_bind("login", t.sid), sb_bind_int("issued_at", t.iat)) == NULL)
		return NULL;
	if (user->id == NULL || strcmp(t.sub, user->id) != 0 ||
	    t.exp + SB_SHIELD / SB_SECOND < sb_now() / SB_SECOND)
		return NULL;
	return t.sid;
}

static enum sb_status
login(struct sb_request *rq, struct sb_response *rs)
{
	const char *name = sb_text(rq, LOGIN_USERNAME);
	const struct sb_row *row = find_user(rq, name);
	struct user user = { NULL };
	enum sb_status status;

	know_keys(rq);
	if (row != NULL)
		user = user_of(row);
	/* An unknown name must take as long, and read, as a wrong password. */
	status = sb_password_check(rs, &(struct sb_guess){
	    .account = user.id, .name = sb_name_key(rq->pool, name),
	    .login = known_login(rq, &user), .hash = user.password,
	    .password = sb_text(rq, LOGIN_PASSWORD) }, &bad_login);
	if (status != SB_NEXT)
		return status;
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
	    "Newest refresh token of the login.",
	    .example = EXAMPLE_REFRESH },
	SB_END_AS("RefreshGrant")
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
	struct user user = { NULL };

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
	sb_run(rq->db, SB_Q_LOGIN_USED, sb_bind("id", t.sid));
	return put_pair(rq, rs, &user, &renewed);
}

/* ------------------------------------------------------------------- me */

enum { ME_ID, ME_EMAIL, ME_USERNAME, ME_IS_ACTIVE, ME_CREATED_AT };
static const struct sb_field me_out[] = {
	[ME_ID] = { "id", SB_UUID, "The user's id.",
	    .example = EXAMPLE_USER },
	[ME_EMAIL] = { "email", SB_EMAIL, "As it was typed.",
	    .example = EXAMPLE_EMAIL },
	[ME_USERNAME] = { "username", SB_TEXT, "As it was typed.",
	    .example = EXAMPLE_NAME },
	[ME_IS_ACTIVE] = { "is_active", SB_BOOL,
	    "True: a disabled user gets no answer.", .example = "true" },
	[ME_CREATED_AT] = { "created_at", SB_TIME, "When it registered.",
	    .example = EXAMPLE_TIME },
	SB_END_AS("User")
};

static enum sb_status
put_me(struct sb_request *rq, struct sb_response *rs, const char *email,
    const char *username)
{
	sb_put_text(rs, ME_ID, rq->caller.user_id);
	sb_put_text(rs, ME_EMAIL, email);
	sb_put_text(rs, ME_USERNAME, username);
	sb_put_bool(rs, ME_IS_ACTIVE, true);
	sb_put_time(rs, ME_CREATED_AT, rq->caller.created_at);
	return SB_OK;
}

static enum sb_status
me(struct sb_request *rq, struct sb_response *rs)
{
	return put_me(rq, rs, rq->caller.email, rq->caller.username);
}

/* -------------------------------------------------- care of one's account */

/*
 * SB_NEXT if that is the caller's password.  Until the lock is taken the login
 * may end: what changes the account asks once more whether it lives.
 */
static enum sb_status
check_current(struct sb_request *rq, struct sb_response *rs,
    const char *password, struct user *user)
{
	const struct sb_row *row = sb_one(rq->db, SB_Q_USER_BY_ID,
	    sb_bind("id", rq->caller.user_id));

	if (row == NULL)
		return sb_fail(rs, &sb_error_token);
	*user = user_of(row);
	return sb_password_check(rs, &(struct sb_guess){
	    .account = user->id, .login = rq->caller.login_id,
	    .both = true, .hash = user->password, .password = password },
	    &bad_password);
}

enum { CHANGE_EMAIL, CHANGE_USERNAME, CHANGE_PASSWORD };
static const struct sb_field change_in[] = {
	[CHANGE_EMAIL] = { "email", SB_EMAIL, "A new address.",
	    .optional = true, .example = EXAMPLE_EMAIL,
	    .wrong = sb_email_wrong },
	[CHANGE_USERNAME] = { "username", SB_TEXT, "A new name.", 3, 50,
	    .optional = true, .example = EXAMPLE_NAME,
	    .wrong = sb_username_wrong },
	[CHANGE_PASSWORD] = { "current_password", SB_SECRET,
	    "The password as it is.", 1, 1024, .example = EXAMPLE_PASSWORD },
	SB_END_AS("UserChange")
};

/* Which of them somebody else has is asked under the lock. */
static enum sb_status
refuse_change(struct sb_request *rq, struct sb_response *rs,
    const struct user *user, const char *username_key)
{
	const struct sb_row *other;

	if (sb_one(rq->db, SB_Q_CALLER_LIVES,
	    sb_bind("login", rq->caller.login_id),
	    sb_bind_int("version", user->version)) == NULL)
		return sb_fail(rs, &sb_error_token);
	other = sb_one(rq->db, SB_Q_USER_BY_USERNAME,
	    sb_bind("key", username_key));
	return sb_fail(rs, other != NULL && strcmp(sb_row_text(other, "id"),
	    rq->caller.user_id) != 0 ? &username_taken : &email_taken);
}

static enum sb_status
change_me(struct sb_request *rq, struct sb_response *rs)
{
	const char *email = sb_text(rq, CHANGE_EMAIL);
	const char *username = sb_text(rq, CHANGE_USERNAME);
	const char *username_key = username == NULL ? NULL :
	    sb_username_key(rq->pool, username);
	const struct sb_row *row;
	enum sb_status status;
	struct user user = { NULL };

	if (email == NULL && username == NULL)
		return sb_invalid(rs, SB_WHOLE,
		    "there must be an email or a username");
	status = check_current(rq, rs, sb_text(rq, CHANGE_PASSWORD), &user);
	if (status != SB_NEXT)
		return status;
	row = sb_one(rq->db, SB_Q_USER_CHANGE, sb_bind("id", user.id),
	    sb_bind("login", rq->caller.login_id),
	    sb_bind_int("version", user.version), sb_bind("email", email),
	    sb_bind("email_key", email == NULL ? NULL :
		sb_email_key(rq->pool, email)),
	    sb_bind("username", username),
	    sb_bind("username_key", username_key));
	if (row == NULL)
		return refuse_change(rq, rs, &user, username_key);
	return put_me(rq, rs, sb_row_text(row, "email"),
	    sb_row_text(row, "username"));
}

enum { DELETE_PASSWORD };
static const struct sb_field delete_in[] = {
	[DELETE_PASSWORD] = { "current_password", SB_SECRET,
	    "The password as it is.", 1, 1024, .example = EXAMPLE_PASSWORD },
	SB_END_AS("CurrentPassword")
};

/* All that is the account's own goes with its row, or before it. */
static enum sb_status
delete_me(struct sb_request *rq, struct sb_response *rs)
{
	struct user user = { NULL };
	enum sb_status status = check_current(rq, rs,
	    sb_text(rq, DELETE_PASSWORD), &user);

	if (status != SB_NEXT)
		return status;
	if (!sb_account_empty(rq->db, rq->pool, &(struct sb_leaver){
	    user.id, rq->caller.login_id, user.version }) ||
	    sb_run(rq->db, SB_Q_USER_DELETE, sb_bind("id", user.id),
	    sb_bind("login", rq->caller.login_id),
	    sb_bind_int("version", user.version)) == 0)
		return sb_fail(rs, &sb_error_token);
	return SB_NO_CONTENT;
}

static void
end_all_logins(struct sb_request *rq)
{
	sb_run(rq->db, SB_Q_LOGIN_REVOKE_ALL,
	    sb_bind("user", rq->caller.user_id));
	sb_run(rq->db, SB_Q_REFRESH_FORGET_USER,
	    sb_bind("user", rq->caller.user_id));
	sb_run(rq->db, SB_Q_USER_END_LOGINS,
	    sb_bind("user", rq->caller.user_id));
}

enum { PASSWORD_CURRENT, PASSWORD_NEW };
static const struct sb_field password_in[] = {
	[PASSWORD_CURRENT] = { "current_password", SB_SECRET,
	    "The password as it is.", 1, 1024, .example = EXAMPLE_PASSWORD },
	[PASSWORD_NEW] = { "new_password", SB_SECRET, "The one to come.",
	    8, 1024, .example = "password456", .wrong = sb_password_wrong },
	SB_END_AS("PasswordChange")
};

static enum sb_status
change_password(struct sb_request *rq, struct sb_response *rs)
{
	const char *hash;
	struct user user = { NULL };
	enum sb_status status = check_current(rq, rs,
	    sb_text(rq, PASSWORD_CURRENT), &user);

	if (status != SB_NEXT)
		return status;
	hash = sb_password_hash(rq, sb_text(rq, PASSWORD_NEW));
	if (sb_run(rq->db, SB_Q_USER_SET_PASSWORD, sb_bind("id", user.id),
	    sb_bind("login", rq->caller.login_id),
	    sb_bind_int("version", user.version),
	    sb_bind("password", hash)) == 0)
		return sb_fail(rs, &sb_error_token);
	end_all_logins(rq);
	user.version++;
	return begin_login(rq, rs, &user);
}

/* ----------------------------------------------------------- logging out */

static void
end_login(struct sb_request *rq, const char *login)
{
	sb_run(rq->db, SB_Q_LOGIN_REVOKE, sb_bind("id", login));
	sb_run(rq->db, SB_Q_REFRESH_FORGET_ALL, sb_bind("login", login));
}

enum { LOGOUT_TOKEN };
static const struct sb_field logout_in[] = {
	[LOGOUT_TOKEN] = { "refresh_token", SB_SECRET,
	    "One of the login to be ended.", .example = EXAMPLE_REFRESH },
	SB_END_AS("LogoutToken")
};

/* A token that is dead, or none of ours, is logged out already (RFC 7009). */
static enum sb_status
logout(struct sb_request *rq, struct sb_response *rs)
{
	struct sb_token t = { .sid = rq->caller.login_id };

	(void)rs;
	if (sb_has(rq, LOGOUT_TOKEN) && !sb_token_read(rq,
	    sb_text(rq, LOGOUT_TOKEN), SB_TOKEN_REFRESH, &t))
		return SB_NO_CONTENT;
	/* One that is dead stays so, and needs no lock. */
	if (sb_one(rq->db, SB_Q_LOGIN_ALIVE, sb_bind("id", t.sid)) != NULL)
		end_login(rq, t.sid);
	return SB_NO_CONTENT;
}

static enum sb_status
logout_all(struct sb_request *rq, struct sb_response *rs)
{
	(void)rs;
	end_all_logins(rq);
	return SB_NO_CONTENT;
}

/* --------------------------------------------------------------- sessions */

#define LISTED	100

enum { SESSION_ID, SESSION_CREATED, SESSION_LAST_USED, SESSION_EXPIRES,
    SESSION_USER_AGENT, SESSION_ADDRESS, SESSION_CURRENT };
static const struct sb_field session_out[] = {
	[SESSION_ID] = { "id", SB_UUID, "The login's id.",
	    .example = EXAMPLE_LOGIN },
	[SESSION_CREATED] = { "created_at", SB_TIME, "When it began.",
	    .example = EXAMPLE_TIME },
	[SESSION_LAST_USED] = { "last_used_at", SB_TIME,
	    "When it last got a token pair.", .example = EXAMPLE_TIME },
	[SESSION_EXPIRES] = { "expires_at", SB_TIME,
	    "When it ends, unless it gets another one.",
	    .example = "2025-10-21T10:53:47.237987Z" },
	[SESSION_USER_AGENT] = { "user_agent", SB_TEXT,
	    "The program that logged in.", .optional = true,
	    .example = "curl/7.88.1" },
	[SESSION_ADDRESS] = { "ip_address", SB_TEXT, "Where that was.",
	    .optional = true, .example = "192.0.2.1" },
	[SESSION_CURRENT] = { "current", SB_BOOL,
	    "Whether it is the caller's own.", .example = "true" },
	SB_END_AS("Login")
};

enum { SESSIONS_LIST, SESSIONS_TOTAL };
static const struct sb_field sessions_out[] = {
	[SESSIONS_LIST] = { "sessions", SB_LIST,
	    "The caller's own, then those last used; at most 100.",
	    .fields = session_out },
	[SESSIONS_TOTAL] = { "total", SB_INT, "How many there are.",
	    .example = "1" },
	SB_END_AS("LoginList")
};

static void
put_session(struct sb_request *rq, struct sb_response *rs,
    const struct sb_row *row)
{
	const char *id = sb_row_text(row, "id");

	sb_open_item(rs, NULL);
	sb_put_text(rs, SESSION_ID, id);
	sb_put_time(rs, SESSION_CREATED, sb_row_int(row, "created_at"));
	sb_put_time(rs, SESSION_LAST_USED, sb_row_int(row, "last_used_at"));
	sb_put_time(rs, SESSION_EXPIRES, sb_row_int(row, "expires_at"));
	sb_put_text(rs, SESSION_USER_AGENT, sb_row_text(row, "user_agent"));
	sb_put_text(rs, SESSION_ADDRESS, sb_row_text(row, "ip_address"));
	sb_put_bool(rs, SESSION_CURRENT,
	    strcmp(id, rq->caller.login_id) == 0);
	sb_close(rs);
}

static enum sb_status
list_sessions(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_row *row = sb_all(rq->db, SB_Q_LOGIN_LIST,
	    sb_bind("user", rq->caller.user_id),
	    sb_bind("current", rq->caller.login_id),
	    sb_bind_int("listed", LISTED));
	int64_t total = row == NULL ? 0 : sb_row_int(row, "total");

	sb_open(rs, SESSIONS_LIST);
	for (; row != NULL; row = row->next)
		put_session(rq, rs, row);
	sb_close(rs);
	sb_put_int(rs, SESSIONS_TOTAL, total);
	return SB_OK;
}

enum { END_ID };
static const struct sb_field end_in[] = {
	[END_ID] = { "id", SB_UUID, "The login's id.", .in = SB_IN_PATH,
	    .example = EXAMPLE_LOGIN },
	SB_END
};

/*
 * One that has ended already ends again.  Whether there is one is told by the
 * statement that ends it: the account may go while this waits for the lock.
 */
static enum sb_status
end_session(struct sb_request *rq, struct sb_response *rs)
{
	const char *id = sb_text(rq, END_ID);

	if (sb_run(rq->db, SB_Q_LOGIN_END, sb_bind("id", id),
	    sb_bind("user", rq->caller.user_id)) == 0)
		return sb_fail(rs, &sb_error_not_found);
	sb_run(rq->db, SB_Q_REFRESH_FORGET_ALL, sb_bind("login", id));
	return SB_NO_CONTENT;
}

/* ----------------------------------------------------------------- limits */

enum { LIMIT_LIMIT, LIMIT_REMAINING, LIMIT_RESET, LIMIT_WINDOW };
static const struct sb_field limit_out[] = {
	[LIMIT_LIMIT] = { "limit", SB_INT, "Requests in a window.",
	    .example = "30" },
	[LIMIT_REMAINING] = { "remaining", SB_INT, "How many may come now.",
	    .example = "29" },
	[LIMIT_RESET] = { "reset_at", SB_UNIX_TIME,
	    "When the oldest that counts leaves the window, or now.",
	    .example = "1760439287.237987" },
	[LIMIT_WINDOW] = { "window_seconds", SB_INT, "Its length.",
	    .example = "60" },
	SB_END_AS("LimitState")
};

enum { CHANNEL_WEBSOCKET, CHANNEL_EMAIL, CHANNEL_SLACK };
static const struct sb_field channels_out[] = {
	[CHANNEL_WEBSOCKET] = { "websocket", SB_OBJECT, "Over the chat.",
	    .fields = limit_out, .optional = true },
	[CHANNEL_EMAIL] = { "email", SB_OBJECT, "Over email.",
	    .fields = limit_out, .optional = true },
	[CHANNEL_SLACK] = { "slack", SB_OBJECT, "Over Slack.",
	    .fields = limit_out, .optional = true },
	SB_END_AS("ChannelLimits")
};

enum { LIMITS_USER, LIMITS_CHANNELS, LIMITS_SESSIONS };
static const struct sb_field limits_out[] = {
	[LIMITS_USER] = { "user", SB_OBJECT, "All of the caller's requests.",
	    .fields = limit_out, .optional = true },
	[LIMITS_CHANNELS] = { "channels", SB_OBJECT,
	    "Messages and responses over each channel.",
	    .fields = channels_out },
	[LIMITS_SESSIONS] = { "sessions", SB_MAP,
	    "Messages and requests in each chat session of late, by its id.",
	    .fields = limit_out },
	SB_END_AS("Limits")
};

static void
put_state(struct sb_response *rs, const struct sb_limit_state *s)
{
	sb_put_int(rs, LIMIT_LIMIT, s->limit);
	sb_put_int(rs, LIMIT_REMAINING, s->remaining);
	sb_put_time(rs, LIMIT_RESET, s->reset_at);
	sb_put_int(rs, LIMIT_WINDOW, s->window);
	sb_close(rs);
}

/* One that is off is null. */
static void
put_limit(struct sb_response *rs, int field, const struct sb_limit_state *s)
{
	if (s == NULL) {
		sb_put_text(rs, field, NULL);
		return;
	}
	sb_open(rs, field);
	put_state(rs, s);
}

static enum sb_status
limits(struct sb_request *rq, struct sb_response *rs)
{
	put_limit(rs, LIMITS_USER, sb_limit_look(rq, SB_LIMIT_USER, NULL));
	sb_open(rs, LIMITS_CHANNELS);
	for (int i = CHANNEL_WEBSOCKET; i <= CHANNEL_SLACK; i++)
		put_limit(rs, i, sb_limit_look(rq, SB_LIMIT_CHANNEL,
		    channels_out[i].name));
	sb_close(rs);
	sb_open(rs, LIMITS_SESSIONS);
	for (const struct sb_limit_state *s = sb_limit_look(rq,
	    SB_LIMIT_SESSION, NULL); s != NULL; s = s->next) {
		sb_open_item(rs, s->of);
		put_state(rs, s);
	}
	sb_close(rs);
	return SB_OK;
}

/* ----------------------------------------------------------------- routes */

static const struct sb_route routes[] = {
	{ SB_POST, "/api/auth/register", SB_PUBLIC, register_user,
	  register_in, pair_out, .success = SB_CREATED,
	  .limits = SB_LIMIT_ADDRESS,
	  .errors = { &username_taken, &email_taken },
	  .doc = "Register an account, and log in to it.",
	  .name = "register_user",
	  .more = "A name or an address that differs from another's in case, "
	    "or in how it is coded, alone is taken, too." },
	{ SB_POST, "/api/auth/login", SB_PUBLIC, login, login_in, pair_out,
	  .body = SB_FORM, .limits = SB_LIMIT_ADDRESS | SB_LIMIT_ACCOUNT,
	  .errors = { &bad_login, &sb_error_inactive },
	  .doc = "Log in with a name and a password "
	    "(OAuth 2 password flow).",
	  .name = "login", .flow = SB_TOKEN_URL },
	{ SB_POST, "/api/auth/refresh", SB_PUBLIC, refresh, refresh_in,
	  pair_out, .body = SB_JSON | SB_FORM, .limits = SB_LIMIT_ADDRESS,
	  .errors = { &bad_refresh, &sb_error_inactive },
	  .doc = "Change a refresh token for a new pair.",
	  .name = "refresh_tokens", .flow = SB_REFRESH_URL,
	  .more = "This uses the refresh token up: go on with the new one. "
	    "For 10 seconds it can still be used and gives the same new one, "
	    "so that tabs may race for it; used later it counts as stolen, "
	    "and ends the login." },
	{ SB_POST, "/api/auth/logout", SB_LEAVER, logout, logout_in,
	  .success = SB_NO_CONTENT, .body = SB_JSON | SB_NO_BODY,
	  .limits = SB_LIMIT_USER,
	  .doc = "Log out: the login of a refresh token or, without a body, "
	    "the caller's.",
	  .name = "logout",
	  .more = "A refresh token that is dead is answered like one that "
	    "lives." },
	{ SB_POST, "/api/auth/logout-all", SB_USER, logout_all,
	  .success = SB_NO_CONTENT, .limits = SB_LIMIT_USER,
	  .doc = "Log out everywhere.",
	  .name = "logout_everywhere",
	  .more = "Every login of the caller ends, the one that asks among "
	    "them. Agent keys are no logins, and stay." },
	{ SB_GET, "/api/auth/sessions", SB_USER, list_sessions, NULL,
	  sessions_out, .limits = SB_LIMIT_USER,
	  .doc = "List the caller's logins.",
	  .name = "list_logins",
	  .more = "`total` counts those, too, that are beyond the list." },
	{ SB_DELETE, "/api/auth/sessions/{id}", SB_USER, end_session, end_in,
	  .success = SB_NO_CONTENT, .limits = SB_LIMIT_USER,
	  .errors = { &sb_error_not_found },
	  .doc = "End one of the caller's logins.",
	  .name = "revoke_login",
	  .more = "Its tokens are dead from then on." },
	{ SB_POST, "/api/auth/keys", SB_USER, auth_key_make, auth_key_in,
	  auth_key_out, .success = SB_CREATED, .limits = SB_LIMIT_USER,
	  .errors = { &auth_too_many_keys },
	  .doc = "Make a key for an agent, which speaks for the caller.",
	  .name = "create_agent_key",
	  .more = "The key, and the secret of its webhook, are in this answer "
	    "and never shown again; nothing keeps the answer to be repeated. "
	    "If it is lost, delete the key and make another. A key is no "
	    "login: it lives until it or its owner's account is deleted, "
	    "whatever becomes of the password and of logins, and stands still "
	    "while the account is disabled." },
	{ SB_GET, "/api/auth/keys", SB_USER, auth_key_list, NULL,
	  auth_keys_out, .limits = SB_LIMIT_USER,
	  .doc = "List the keys of the caller's agents.",
	  .name = "list_agent_keys",
	  .more = "Without what is secret. `webhook_url` is null where there "
	    "is none." },
	{ SB_DELETE, "/api/auth/keys/{id}", SB_USER, auth_key_delete,
	  auth_key_delete_in, .success = SB_NO_CONTENT,
	  .limits = SB_LIMIT_USER, .errors = { &sb_error_not_found },
	  .doc = "Delete one of the keys of the caller's agents.",
	  .name = "delete_agent_key",
	  .more = "Its requests are refused from then on, and nothing more is "
	    "sent to its webhook." },
	{ SB_GET, "/api/auth/me", SB_USER, me, NULL, me_out,
	  .limits = SB_LIMIT_USER, .doc = "Tell who the caller is.",
	  .name = "get_me" },
	{ SB_PATCH, "/api/auth/me", SB_USER, change_me, change_in, me_out,
	  .limits = SB_LIMIT_USER | SB_LIMIT_ACCOUNT,
	  .errors = { &bad_password, &username_taken, &email_taken },
	  .doc = "Change the caller's name or address.",
	  .name = "update_me",
	  .more = "There must be a name, an address or both." },
	{ SB_DELETE, "/api/auth/me", SB_USER, delete_me, delete_in,
	  .success = SB_NO_CONTENT,
	  .limits = SB_LIMIT_USER | SB_LIMIT_ACCOUNT,
	  .errors = { &bad_password },
	  .doc = "Delete the caller's account and all that is its own.",
	  .name = "delete_me",
	  .more = "At once, and for good: the name and the address are free "
	    "again." },
	{ SB_POST, "/api/auth/password", SB_USER, change_password,
	  password_in, pair_out,
	  .limits = SB_LIMIT_USER | SB_LIMIT_ACCOUNT,
	  .errors = { &bad_password },
	  .doc = "Change the password, end all logins, and log in anew.",
	  .name = "change_password",
	  .more = "The caller's own login ends, too: go on with the tokens "
	    "of the answer. Agent keys are no logins, and stay." },
	{ SB_GET, "/api/limits", SB_ANYONE, limits, NULL, limits_out,
	  .doc = "Tell how the caller's limits stand.",
	  .name = "get_limits",
	  .more = "A limit that is off is null. An agent key has limits of its "
	    "own." },
	{ SB_GET, "/api/auth/check", SB_OPERATOR, auth_check, NULL,
	  auth_check_out,
	  .doc = "Tell what of a request comes through the web server.",
	  .name = "check_installation",
	  .more = "For `switchboard check --url`, which has the key of its "
	    "token." },
	{ SB_GET, "/api/auth/check/stream", SB_OPERATOR, auth_check_stream,
	  .media = SB_EVENT_STREAM, .stream = auth_check_events,
	  .doc = "Send four events within a second.",
	  .name = "check_stream",
	  .more = "Likewise, to see whether they come one by one." },
	{ SB_NONE }
};

static const struct sb_program program = {
	"auth",
	"Accounts and their care: logins, tokens, agent keys and limits.",
	routes, NULL
};

int
main(int argc, char **argv)
{
	return sb_main(argc, argv, &program);
}
