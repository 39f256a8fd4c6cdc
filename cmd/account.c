/*
 * What names, addresses and passwords may be: as at POST /api/auth/register,
 * in the same words.  user add, user passwd and import rely on it.
 */
#include <string.h>

#include "check.h"
#include "cmd.h"

static const struct sb_field fields[] = {
	[CMD_USERNAME] = { "username", SB_TEXT, NULL, 3, 50,
	    .wrong = sb_username_wrong },
	[CMD_EMAIL] = { "email", SB_EMAIL, NULL, .wrong = sb_email_wrong },
	[CMD_PASSWORD] = { "password", SB_SECRET, NULL, 8, 1024,
	    .wrong = sb_password_wrong },
};
_Static_assert(sizeof(fields) / sizeof(fields[0]) == CMD_FIELDS,
    "a part of an account without rules");

const char *
cmd_account_wrong(struct sb_pool *pool, enum cmd_field field, const char *text)
{
	struct sb_request rq = { .pool = pool };
	struct sb_check check = { .rq = &rq, .fields = fields };
	struct sb_pair pair = { .value = text, .length = strlen(text) };
	struct json_object *message;
	struct sb_value value;

	if (!sb_utf8_valid(text, pair.length))
		return "must be valid UTF-8";
	if (sb_check_kind(&check, &fields[field],
	    &(struct sb_raw){ .pair = &pair }, &value))
		return NULL;
	message = json_object_object_get(json_object_array_get_idx(
	    check.errors, 0), "msg");
	return json_object_get_string(message);
}

const char *
cmd_account_taken(struct sb_db *db, const char *username_key,
    const char *email_key)
{
	if (sb_one(db, SB_Q_USER_BY_USERNAME, sb_bind("key", username_key)) !=
	    NULL)
		return "Username already registered";
	return sb_one(db, SB_Q_USER_BY_EMAIL, sb_bind("key", email_key)) !=
	    NULL ? "Email already registered" : NULL;
}

void
cmd_account_end_logins(struct sb_db *db, const char *user)
{
	sb_run(db, SB_Q_LOGIN_REVOKE_ALL, sb_bind("user", user));
	sb_run(db, SB_Q_REFRESH_FORGET_USER, sb_bind("user", user));
	sb_run(db, SB_Q_USER_END_LOGINS, sb_bind("user", user));
}
