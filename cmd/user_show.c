/*
 * switchboard user show and user delete: all that is known of one account, and
 * its end.
 */
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "cmd.h"

/* ---------------------------------------------------------------- show */

enum { ID, NAME, ADDRESS, ACTIVE, ADMIN, CREATED, LOGINS, USED, PASSWORD,
    COLUMNS };
static const struct cmd_column columns[] = {
	[ID] = { "id", "id", CMD_TEXT },
	[NAME] = { "name", "username", CMD_TEXT },
	[ADDRESS] = { "address", "email", CMD_TEXT },
	[ACTIVE] = { "active", "is_active", CMD_BOOL },
	[ADMIN] = { "administrator", "is_admin", CMD_BOOL },
	[CREATED] = { "created", "created_at", CMD_TIME },
	[LOGINS] = { "logins alive", "logins", CMD_NUMBER },
	[USED] = { "last used", "last_used_at", CMD_TIME },
	[PASSWORD] = { "password by", "password_by", CMD_TEXT },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

/* How a password is hashed, without the hash. */
static const char *
method(struct sb_pool *pool, const char *password)
{
	unsigned int n, r, p;

	if (sscanf(password, "$s1$%2x%2x%2x$", &n, &r, &p) == 3 && n < 63)
		return sb_printf(pool, "scrypt, N=%lld, r=%u, p=%u",
		    1LL << n, r, p);
	if (sscanf(password, "$2%*[aby]$%2u$", &n) == 1)
		return sb_printf(pool, "bcrypt, cost %u, until the next login",
		    n);
	return "nothing that is known here: nobody can log in";
}

enum cmd_exit
cmd_user_show(char **arguments)
{
	const char *name = "user show", *who;
	const struct sb_row *row;
	enum cmd_exit status;
	bool json = false;
	struct cmd c;

	status = cmd_parse_one(name, "USER", arguments,
	    (const struct cmd_option[]){ { "--json", &json }, { NULL, NULL } },
	    &who);
	if (status != CMD_OK || (status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	row = cmd_find_user(&c, who);
	if (row == NULL || (row = sb_one(c.db, SB_Q_ACCOUNT_SHOW,
	    sb_bind("id", sb_row_text(row, "id")))) == NULL)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	cmd_print_one(columns, COLUMNS, json, c.pool,
	    (struct cmd_value[COLUMNS]){
	    [ID] = { .text = sb_row_text(row, "id") },
	    [NAME] = { .text = sb_row_text(row, "username") },
	    [ADDRESS] = { .text = sb_row_text(row, "email") },
	    [ACTIVE] = { .number = sb_row_int(row, "is_active") },
	    [ADMIN] = { .number = sb_row_int(row, "is_admin") },
	    [CREATED] = { .number = sb_row_int(row, "created_at") },
	    [LOGINS] = { .number = sb_row_int(row, "logins") },
	    [USED] = { .number = sb_row_int(row, "last_used_at") },
	    [PASSWORD] = { .text = method(c.pool,
		sb_row_text(row, "password")) } });
	return cmd_end(&c, CMD_OK, NULL);
}

/* -------------------------------------------------------------- delete */

/* All that is the account's own goes with its row, or before it. */
enum cmd_exit
cmd_user_delete(char **arguments)
{
	const char *name = "user delete", *who, *whom;
	const struct sb_row *user;
	enum cmd_exit status;
	bool yes = false;
	struct cmd c;

	status = cmd_parse_one(name, "USER", arguments,
	    (const struct cmd_option[]){ { "--yes", &yes }, { NULL, NULL } },
	    &who);
	if (status != CMD_OK || (status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if ((user = cmd_find_user(&c, who)) == NULL)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	whom = cmd_visible(c.pool, sb_row_text(user, "username"));
	status = cmd_confirm(name, c.pool, sb_printf(c.pool,
	    "Delete %s and all that is this account's own?", whom), &yes);
	if (status != CMD_OK || !yes)
		return cmd_end(&c, status, "nothing was deleted");
	if (!sb_account_empty(c.db, c.pool, &(struct sb_leaver){
	    .user = sb_row_text(user, "id") }) ||
	    sb_run(c.db, SB_Q_ACCOUNT_DELETE, sb_bind("id",
	    sb_row_text(user, "id"))) == 0)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	return cmd_end(&c, CMD_OK, sb_printf(c.pool, "deleted %s", whom));
}
