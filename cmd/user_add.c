/*
 * switchboard user add and user passwd: accounts and passwords as the API makes
 * them, for whoever looks after the installation.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

/* A hash takes long, and so no lock is held yet. */
static const char *
hash(struct cmd *c, const char *password)
{
	struct sb_request rq = { .pool = c->pool, .db = c->db };

	return sb_password_hash(&rq, password);
}

/* ----------------------------------------------------------------- add */

struct account {
	const char	*name, *address;
	const char	*name_key, *address_key;
	bool		 admin;
};

static enum cmd_exit
refuse(struct cmd *c, const char *what, const char *wrong)
{
	fprintf(stderr, "switchboard %s: %s%s\n", c->name, what, wrong);
	return CMD_DATA;
}

/* All that is wrong is said at once. */
static enum cmd_exit
check(struct cmd *c, struct account *a)
{
	const char *name = cmd_account_wrong(c->pool, CMD_USERNAME, a->name);
	const char *address = cmd_account_wrong(c->pool, CMD_EMAIL,
	    a->address);
	const char *taken;

	if (name != NULL)
		refuse(c, "username: ", name);
	if (address != NULL)
		refuse(c, "email: ", address);
	if (name != NULL || address != NULL)
		return CMD_DATA;
	a->name_key = sb_username_key(c->pool, a->name);
	a->address_key = sb_email_key(c->pool, a->address);
	taken = cmd_account_taken(c->db, a->name_key, a->address_key);
	return taken == NULL ? CMD_OK : refuse(c, "", taken);
}

/* Somebody may have registered while the password was typed. */
static enum cmd_exit
insert(struct cmd *c, const struct account *a, const char *password)
{
	const char *id = sb_uuid(c->pool), *taken;

	if (sb_run(c->db, SB_Q_USER_ADD, sb_bind("id", id),
	    sb_bind("email", a->address), sb_bind("email_key", a->address_key),
	    sb_bind("username", a->name), sb_bind("username_key", a->name_key),
	    sb_bind("password", password)) == 0) {
		taken = cmd_account_taken(c->db, a->name_key, a->address_key);
		return taken == NULL ? CMD_OK : refuse(c, "", taken);
	}
	if (a->admin)
		sb_run(c->db, SB_Q_ACCOUNT_SET_ADMIN, sb_bind_int("on", 1),
		    sb_bind("id", id));
	return CMD_OK;
}

enum cmd_exit
cmd_user_add(char **arguments)
{
	const char *name = "user add", *operands[2], *password, *hashed;
	struct account a = { NULL };
	enum cmd_exit status;
	const char *wrong;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--admin", &a.admin }, { NULL, NULL } }, operands, 2);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (operands[1] == NULL)
		return cmd_lack(name, operands[0] == NULL ? "NAME" :
		    "ADDRESS");
	a.name = operands[0];
	a.address = operands[1];
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if ((status = check(&c, &a)) == CMD_OK && !sb_db_failed(c.db) &&
	    (status = cmd_ask_password(name, c.pool, &password)) == CMD_OK &&
	    (hashed = hash(&c, password)) != NULL)
		status = insert(&c, &a, hashed);
	return cmd_end(&c, status, status != CMD_OK ? NULL :
	    sb_printf(c.pool, "added %s, %s%s", cmd_visible(c.pool, a.name),
	    cmd_visible(c.pool, a.address), a.admin ?
	    ", an administrator" : ""));
}

/* -------------------------------------------------------------- passwd */

static enum cmd_exit
set_password(struct cmd *c, const struct sb_row *user, const char *password)
{
	const char *hashed = hash(c, password), *id = sb_row_text(user, "id");
	const char *who = cmd_visible(c->pool, sb_row_text(user, "username"));

	if (hashed == NULL)
		return cmd_end(c, CMD_OK, NULL);
	if (sb_run(c->db, SB_Q_ACCOUNT_SET_PASSWORD, sb_bind("id", id),
	    sb_bind("password", hashed)) == 0)
		return cmd_end(c, cmd_nobody(c, who), NULL);
	cmd_account_end_logins(c->db, id);
	return cmd_end(c, CMD_OK, sb_printf(c->pool, "%s has a new password, "
	    "and every login from before has ended", who));
}

enum cmd_exit
cmd_user_passwd(char **arguments)
{
	const char *name = "user passwd", *who, *password;
	const struct sb_row *user;
	enum cmd_exit status;
	struct cmd c;

	status = cmd_parse_one(name, "USER", arguments, NULL, &who);
	if (status != CMD_OK || (status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if ((user = cmd_find_user(&c, who)) == NULL)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	status = cmd_ask_password(name, c.pool, &password);
	return status == CMD_OK ? set_password(&c, user, password) :
	    cmd_end(&c, status, NULL);
}
