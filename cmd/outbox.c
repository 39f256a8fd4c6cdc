/*
 * switchboard outbox: what webhooks are to get and have not got yet, and what
 * was given up.  The worker is told of what is to be sent at once.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

/* ---------------------------------------------------------------- list */

enum { ID, USER, KEY, KEY_ID, SESSION, CREATED, ATTEMPTS, STATE, NEXT, FAILED,
    ERROR, COLUMNS };
static const struct cmd_column columns[] = {
	[ID] = { "ID", "id", CMD_TEXT },
	[USER] = { "USER", "username", CMD_TEXT },
	[KEY] = { "KEY", "key_name", CMD_TEXT },
	[KEY_ID] = { NULL, "key_id", CMD_TEXT },
	[SESSION] = { NULL, "session_id", CMD_TEXT },
	[CREATED] = { "CREATED", "created_at", CMD_TIME },
	[ATTEMPTS] = { "ATTEMPTS", "attempts", CMD_NUMBER },
	[STATE] = { "STATE", "state", CMD_TEXT },
	[NEXT] = { "NEXT", "next_at", CMD_TIME },
	[FAILED] = { NULL, "failed_at", CMD_TIME },
	[ERROR] = { "ERROR", "error", CMD_TEXT },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

static const char *
state_of(const struct sb_row *row, int64_t now)
{
	if (sb_row_int(row, "next_at") == 0)
		return "dead";
	if (sb_row_int(row, "leased_until") > now)
		return "sending";
	return sb_row_int(row, "behind") != 0 ? "behind" : "waiting";
}

/* When that is, of one that is behind, its time doesn't tell. */
static int64_t
next_of(const struct sb_row *row)
{
	return sb_row_int(row, "behind") != 0 ? 0 : sb_row_int(row, "next_at");
}

static void
add_item(struct cmd_list *list, struct sb_pool *pool,
    const struct sb_row *row, int64_t now)
{
	cmd_list_add(list, pool, (struct cmd_value[COLUMNS]){
	    [ID] = { .text = sb_row_text(row, "id") },
	    [USER] = { .text = sb_row_text(row, "username") },
	    [KEY] = { .text = sb_row_text(row, "name") },
	    [KEY_ID] = { .text = sb_row_text(row, "key_id") },
	    [SESSION] = { .text = sb_row_text(row, "session_id") },
	    [CREATED] = { .number = sb_row_int(row, "created_at") },
	    [ATTEMPTS] = { .number = sb_row_int(row, "attempts") },
	    [STATE] = { .text = state_of(row, now) },
	    [NEXT] = { .number = next_of(row) },
	    [FAILED] = { .number = sb_row_int(row, "failed_at") },
	    [ERROR] = { .text = sb_row_text(row, "error") } });
}

enum cmd_exit
cmd_outbox_list(char **arguments)
{
	const char *name = "outbox list", *wrong;
	bool json = false, dead = false;
	enum cmd_exit status;
	struct cmd_list list;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &json }, { "--dead", &dead }, { NULL, NULL } },
	    NULL, 0);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	cmd_list_begin(&list, columns, COLUMNS, json);
	cmd_list_all(&c, &list, SB_Q_OUTBOX_PAGE, "id",
	    SB_BINDS(sb_bind_int("dead", dead)), add_item);
	return cmd_end(&c, CMD_OK, NULL);
}

/* ------------------------------------------------------- retry, and drop */

/* The id as the database has it; false, said on standard error, if none. */
static bool
read_id(const char *command, const char *text, char id[CMD_ID_LENGTH + 1])
{
	struct sb_pool *pool;

	if (cmd_read_id(text, id))
		return true;
	pool = sb_pool_new();
	fprintf(stderr, "switchboard %s: %s is not the id of what is to be "
	    "sent; switchboard outbox list shows them\n", command,
	    cmd_visible(pool, text));
	sb_pool_free(pool);
	return false;
}

/* One under the lock; NULL, said on standard error, if there is none. */
static const struct sb_row *
find(struct cmd *c, const char *id)
{
	const struct sb_row *row = !cmd_lock(c) ? NULL : sb_one(c->db,
	    SB_Q_OUTBOX_FIND, sb_bind("id", id));

	if (row == NULL && !sb_db_failed(c->db))
		fprintf(stderr, "switchboard %s: there is no %s: it was sent "
		    "or deleted\n", c->name, id);
	return row;
}

/* After the commit, so that the worker finds it. */
static enum cmd_exit
end_and_call(struct cmd *c, const char *said)
{
	enum cmd_exit status = cmd_end(c, CMD_OK, said);
	struct sb_pool *pool;

	if (status == CMD_OK) {
		pool = sb_pool_new();
		sb_worker_call(pool);
		sb_pool_free(pool);
	}
	return status;
}

static enum cmd_exit
retry_all(struct cmd *c)
{
	const long long n = cmd_lock(c) ? sb_run(c->db,
	    SB_Q_OUTBOX_REVIVE_ALL) : 0;
	const char *said = sb_printf(c->pool, "%lld to be sent again", n);

	return n > 0 ? end_and_call(c, said) : cmd_end(c, CMD_OK, said);
}

static enum cmd_exit
retry_one(struct cmd *c, const char *id)
{
	const struct sb_row *row = find(c, id);
	bool dead;

	if (row == NULL)
		return cmd_end(c, CMD_NOT_FOUND, NULL);
	if (sb_row_int(row, "leased_until") > sb_db_now(c->db))
		return cmd_end(c, CMD_OK, "it is being sent");
	dead = sb_row_int(row, "next_at") == 0;
	sb_run(c->db, dead ? SB_Q_OUTBOX_REVIVE : SB_Q_OUTBOX_HURRY,
	    sb_bind("id", id));
	return end_and_call(c, dead ? "to be sent again" :
	    "to be tried again now");
}

enum cmd_exit
cmd_outbox_retry(char **arguments)
{
	const char *name = "outbox retry", *what, *wrong;
	char id[CMD_ID_LENGTH + 1];
	enum cmd_exit status;
	bool all = false;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--all", &all }, { NULL, NULL } }, &what, 1);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (all && what != NULL)
		return cmd_misused(name, "ID and --all exclude each other");
	if (!all && what == NULL)
		return cmd_lack(name, "ID or --all");
	if (!all && !read_id(name, what, id))
		return CMD_USAGE;
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	return all ? retry_all(&c) : retry_one(&c, id);
}

enum cmd_exit
cmd_outbox_drop(char **arguments)
{
	const char *name = "outbox drop", *what;
	char id[CMD_ID_LENGTH + 1];
	enum cmd_exit status;
	struct cmd c;

	status = cmd_parse_one(name, "ID", arguments, NULL, &what);
	if (status == CMD_OK && !read_id(name, what, id))
		status = CMD_USAGE;
	if (status != CMD_OK || (status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if (find(&c, id) == NULL)
		return cmd_end(&c, CMD_NOT_FOUND, NULL);
	sb_run(c.db, SB_Q_OUTBOX_DROP, sb_bind("id", id));
	return end_and_call(&c, "deleted");
}
