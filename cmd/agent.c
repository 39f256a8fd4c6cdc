/*
 * switchboard agent: lists the keys that agents call with, and takes them away.
 * What a revoked key asks for is refused from the next request on.
 */
#include <stdio.h>

#include "cmd.h"

/* ---------------------------------------------------------------- list */

enum { ID, OWNER, NAME, SCOPES, WEBHOOK, CREATED, COLUMNS };
static const struct cmd_column columns[] = {
	[ID] = { "ID", "id", CMD_TEXT },
	[OWNER] = { "OWNER", "username", CMD_TEXT },
	[NAME] = { "NAME", "name", CMD_TEXT },
	[SCOPES] = { "SCOPES", "scopes", CMD_TEXTS },
	[WEBHOOK] = { "WEBHOOK", "webhook", CMD_BOOL },
	[CREATED] = { "CREATED", "created_at", CMD_TIME },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

/* A webhook's URL may be a secret by itself: that there is one has to do. */
static void
add_key(struct cmd_list *list, struct sb_pool *pool, const struct sb_row *row,
    int64_t now)
{
	(void)now;
	cmd_list_add(list, pool, (struct cmd_value[COLUMNS]){
	    [ID] = { .text = sb_row_text(row, "id") },
	    [OWNER] = { .text = sb_row_text(row, "username") },
	    [NAME] = { .text = sb_row_text(row, "name") },
	    [SCOPES] = { .text = sb_row_text(row, "scopes") },
	    [WEBHOOK] = { .number = sb_row_int(row, "webhook") },
	    [CREATED] = { .number = sb_row_int(row, "created_at") } });
}

enum cmd_exit
cmd_agent_list(char **arguments)
{
	const char *name = "agent list", *who, *wrong;
	const struct sb_row *user = NULL;
	enum cmd_exit status;
	struct cmd_list list;
	bool json = false;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &json }, { NULL, NULL } }, &who, 1);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if (who != NULL && (user = cmd_find_user(&c, who)) == NULL)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	/* Of nobody are those of all. */
	cmd_list_begin(&list, columns, COLUMNS, json);
	cmd_list_all(&c, &list, SB_Q_AGENT_KEY_PAGE, "id",
	    SB_BINDS(sb_bind("user", user == NULL ? NULL :
	    sb_row_text(user, "id"))), add_key);
	return cmd_end(&c, CMD_OK, NULL);
}

/* -------------------------------------------------------------- revoke */

static enum cmd_exit
refuse_id(const char *command, const char *what)
{
	struct sb_pool *pool = sb_pool_new();

	fprintf(stderr, "switchboard %s: %s is not the id of an agent key; "
	    "switchboard agent list shows them\n", command,
	    cmd_visible(pool, what));
	sb_pool_free(pool);
	return CMD_USAGE;
}

static enum cmd_exit
revoke(struct cmd *c, const char *id)
{
	const struct sb_row *key = cmd_lock(c) ? sb_one(c->db,
	    SB_Q_AGENT_KEY_FIND, sb_bind("id", id)) : NULL;

	if (key == NULL) {
		if (!sb_db_failed(c->db))
			fprintf(stderr, "switchboard %s: there is no agent "
			    "key %s\n", c->name, id);
		return cmd_end(c, CMD_NOT_FOUND, NULL);
	}
	sb_run(c->db, SB_Q_AGENT_KEY_DELETE, sb_bind("id", id),
	    sb_bind("user", sb_row_text(key, "user_id")));
	return cmd_end(c, CMD_OK, sb_printf(c->pool,
	    "revoked the agent key \"%s\" of %s",
	    cmd_visible(c->pool, sb_row_text(key, "name")),
	    cmd_visible(c->pool, sb_row_text(key, "username"))));
}

enum cmd_exit
cmd_agent_revoke(char **arguments)
{
	const char *name = "agent revoke", *what;
	char id[CMD_ID_LENGTH + 1];
	enum cmd_exit status;
	struct cmd c;

	status = cmd_parse_one(name, "ID", arguments, NULL, &what);
	if (status != CMD_OK)
		return status;
	if (!cmd_read_id(what, id))
		return refuse_id(name, what);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	return revoke(&c, id);
}
