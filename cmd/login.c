/*
 * switchboard login: lists a user's logins, and ends them.  An access token of
 * a revoked login stops at the next request.
 */
#include <stdio.h>

#include "cmd.h"

/* ---------------------------------------------------------------- list */

enum { ID, CREATED, USED, EXPIRES, STATE, REVOKED, ADDRESS, AGENT, COLUMNS };
static const struct cmd_column columns[] = {
	[ID] = { "ID", "id", CMD_TEXT },
	[CREATED] = { "CREATED", "created_at", CMD_TIME },
	[USED] = { "LAST USED", "last_used_at", CMD_TIME },
	[EXPIRES] = { "EXPIRES", "expires_at", CMD_TIME },
	[STATE] = { "STATE", "state", CMD_TEXT },
	[REVOKED] = { NULL, "revoked_at", CMD_TIME },
	[ADDRESS] = { "ADDRESS", "ip_address", CMD_TEXT },
	[AGENT] = { "USER AGENT", "user_agent", CMD_TEXT },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

static const char *
state_of(const struct sb_row *row, int64_t now)
{
	if (sb_row_int(row, "revoked_at") != 0)
		return "revoked";
	return sb_row_int(row, "expires_at") <= now ? "expired" : "alive";
}

static void
add_login(struct cmd_list *list, struct sb_pool *pool,
    const struct sb_row *row, int64_t now)
{
	cmd_list_add(list, pool, (struct cmd_value[COLUMNS]){
	    [ID] = { .text = sb_row_text(row, "id") },
	    [CREATED] = { .number = sb_row_int(row, "created_at") },
	    [USED] = { .number = sb_row_int(row, "last_used_at") },
	    [EXPIRES] = { .number = sb_row_int(row, "expires_at") },
	    [STATE] = { .text = state_of(row, now) },
	    [REVOKED] = { .number = sb_row_int(row, "revoked_at") },
	    [ADDRESS] = { .text = sb_row_text(row, "ip_address") },
	    [AGENT] = { .text = sb_row_text(row, "user_agent") } });
}

enum cmd_exit
cmd_login_list(char **arguments)
{
	const char *name = "login list", *who;
	bool json = false, all = false;
	const struct sb_row *user;
	struct cmd_list list;
	enum cmd_exit status;
	struct cmd c;

	status = cmd_parse_one(name, "USER", arguments,
	    (const struct cmd_option[]){ { "--json", &json },
	    { "--all", &all }, { NULL, NULL } }, &who);
	if (status != CMD_OK || (status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if ((user = cmd_find_user(&c, who)) == NULL)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	cmd_list_begin(&list, columns, COLUMNS, json);
	cmd_list_all(&c, &list, SB_Q_LOGIN_PAGE, "id",
	    SB_BINDS(sb_bind("user", sb_row_text(user, "id")),
	    sb_bind_int("all", all), sb_bind_int("now", sb_now())), add_login);
	return cmd_end(&c, CMD_OK, NULL);
}

/* -------------------------------------------------------------- revoke */

static enum cmd_exit
revoke_one(struct cmd *c, const char *id)
{
	const struct sb_row *login = cmd_lock(c) ? sb_one(c->db,
	    SB_Q_LOGIN_FIND, sb_bind("id", id)) : NULL;
	bool already;

	if (login == NULL) {
		if (!sb_db_failed(c->db))
			fprintf(stderr, "switchboard %s: there is no login "
			    "%s\n", c->name, id);
		return cmd_end(c, CMD_NOT_FOUND, NULL);
	}
	already = sb_row_int(login, "revoked_at") != 0;
	sb_run(c->db, SB_Q_LOGIN_REVOKE, sb_bind("id", id));
	sb_run(c->db, SB_Q_REFRESH_FORGET_ALL, sb_bind("login", id));
	return cmd_end(c, CMD_OK, sb_printf(c->pool, already ?
	    "this login of %s was revoked already" : "revoked 1 login of %s",
	    cmd_visible(c->pool, sb_row_text(login, "username"))));
}

static enum cmd_exit
revoke_all(struct cmd *c, const char *who)
{
	const struct sb_row *user = cmd_lock(c) ? cmd_find_user(c, who) : NULL;
	const struct sb_row *newest;
	long long live, all;
	const char *id;

	if (user == NULL)
		return cmd_end(c, cmd_nobody(c, who), NULL);
	id = sb_row_text(user, "id");
	newest = sb_one(c->db, SB_Q_LOGIN_LIST, sb_bind("user", id),
	    sb_bind_int("listed", 1));
	live = newest == NULL ? 0 : sb_row_int(newest, "total");
	all = sb_run(c->db, SB_Q_LOGIN_REVOKE_ALL, sb_bind("user", id));
	cmd_account_end_logins(c->db, id);
	return cmd_end(c, CMD_OK, sb_printf(c->pool,
	    "revoked %lld login%s of %s%s", live, live == 1 ? "" : "s",
	    cmd_visible(c->pool, sb_row_text(user, "username")),
	    all == live ? "" : sb_printf(c->pool,
		", and %lld that had expired", all - live)));
}

static enum cmd_exit
refuse_id(const char *command, const char *what)
{
	struct sb_pool *pool = sb_pool_new();
	const char *text = cmd_visible(pool, what);

	fprintf(stderr, "switchboard %s: %s is not the id of a login; for all "
	    "logins of a user: switchboard %s --all %s\n", command, text,
	    command, text);
	sb_pool_free(pool);
	return CMD_USAGE;
}

enum cmd_exit
cmd_login_revoke(char **arguments)
{
	const char *name = "login revoke", *what, *wrong;
	char id[CMD_ID_LENGTH + 1];
	enum cmd_exit status;
	bool all = false;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--all", &all }, { NULL, NULL } }, &what, 1);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (what == NULL)
		return cmd_lack(name, all ? "USER" : "ID or --all USER");
	if (!all && !cmd_read_id(what, id))
		return refuse_id(name, what);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	return all ? revoke_all(&c, what) : revoke_one(&c, id);
}

/* The same by the name that it has in the API. */
enum cmd_exit
cmd_user_logout(char **arguments)
{
	const char *name = "user logout", *who;
	enum cmd_exit status;
	struct cmd c;

	status = cmd_parse_one(name, "USER", arguments, NULL, &who);
	if (status != CMD_OK || (status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	return revoke_all(&c, who);
}
