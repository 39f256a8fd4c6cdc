/*
 * Who is calling: from a bearer token (RFC 6750) to a login that lives and a
 * user who is active.  Programs whose routes need none don't link this.
 */
#include <string.h>

#include "internal.h"

static enum sb_status admit(struct sb_request *, struct sb_response *);
static void prepare(struct sb_db *);

static const struct sb_error *const errors[] = { &sb_error_unauthenticated,
    &sb_error_token, &sb_error_inactive, NULL };

const struct sb_access sb_access_user = { "bearer", errors, admit, prepare };

/*
 * The token after the scheme, "" if it isn't exactly one word.  NULL if there
 * is no header field or its scheme is another.
 */
static const char *
bearer_token(const char *field)
{
	size_t n;

	if (field == NULL || strncasecmp(field, "bearer", 6) != 0 ||
	    (field[6] != ' ' && field[6] != '\0'))
		return NULL;
	field += 6;
	field += strspn(field, " ");
	n = strcspn(field, " \t,");
	return field[n] == '\0' ? field : "";
}

/* A process that has the keys goes on although their file gets damaged. */
static void
prepare(struct sb_db *db)
{
	enum sb_status why;

	sb_db_open(db, "login");
	sb_key_find(NULL, &why);
}

static enum sb_status
admit(struct sb_request *rq, struct sb_response *rs)
{
	const char *text = bearer_token(rq->way->authorization);
	const struct sb_row *user;
	struct sb_token token;

	if (text == NULL)
		return sb_refuse(rs, &sb_error_unauthenticated);
	if (!sb_token_verify(rq, text, SB_TOKEN_ACCESS, &token))
		return sb_refuse(rs, &sb_error_token);
	user = sb_one(rq->db, SB_Q_CALLER, sb_bind("login", token.sid),
	    sb_bind("user", token.sub));
	if (user == NULL)
		return sb_refuse(rs, &sb_error_token);
	if (!sb_row_int(user, "is_active"))
		return sb_refuse(rs, &sb_error_inactive);
	rq->caller = (struct sb_caller){
		.user_id = sb_row_text(user, "id"),
		.login_id = token.sid,
		.email = sb_row_text(user, "email"),
		.username = sb_row_text(user, "username"),
		.created_at = sb_row_int(user, "created_at"),
	};
	return SB_NEXT;
}
