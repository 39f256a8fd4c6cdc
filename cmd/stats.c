/*
 * switchboard stats: how much there is of everything, for whoever watches an
 * installation.
 */
#include <sys/stat.h>

#include "cmd.h"

enum { USERS, ACTIVE, DISABLED, ADMINS, NEWEST, NEWEST_AT, LOGINS, ALIVE,
    TOKENS, OUTBOX, DEAD, COUNTS, STEP, KNOWN, BYTES, WAL_BYTES, COUNTS_BYTES,
    TICK_AT, BACKUP_AT, BACKUP_FILE, CHATS, CHATS_OPEN, MESSAGES, PENDING,
    AGENT_KEYS, COLUMNS };
static const struct cmd_column columns[] = {
	[USERS] = { "users", "users", CMD_NUMBER },
	[ACTIVE] = { "  active", "users_active", CMD_NUMBER },
	[DISABLED] = { "  disabled", "users_disabled", CMD_NUMBER },
	[ADMINS] = { "  administrators", "users_admin", CMD_NUMBER },
	[NEWEST] = { "newest account", "newest_username", CMD_TEXT },
	[NEWEST_AT] = { "  made", "newest_created_at", CMD_TIME },
	[LOGINS] = { "logins", "logins", CMD_NUMBER },
	[ALIVE] = { "  alive", "logins_alive", CMD_NUMBER },
	[TOKENS] = { "refresh tokens", "refresh_tokens", CMD_NUMBER },
	[OUTBOX] = { "webhooks waiting", "outbox", CMD_NUMBER },
	[DEAD] = { "  given up", "outbox_dead", CMD_NUMBER },
	[COUNTS] = { "counts of limits", "counts", CMD_NUMBER },
	[STEP] = { "schema step", "schema_step", CMD_NUMBER },
	[KNOWN] = { "  of this version", "schema_step_known", CMD_NUMBER },
	[BYTES] = { "database, bytes", "database_bytes", CMD_NUMBER },
	[WAL_BYTES] = { "  its WAL", "wal_bytes", CMD_NUMBER },
	[COUNTS_BYTES] = { "  counts", "counts_bytes", CMD_NUMBER },
	[TICK_AT] = { "last tick", "tick_ended_at", CMD_TIME },
	[BACKUP_AT] = { "last backup", "backup_taken_at", CMD_TIME },
	[BACKUP_FILE] = { "  in", "backup_file", CMD_TEXT },
	[CHATS] = { "chat sessions", "chat_sessions", CMD_NUMBER },
	[CHATS_OPEN] = { "  not ended", "chat_sessions_open", CMD_NUMBER },
	[MESSAGES] = { "messages", "messages", CMD_NUMBER },
	[PENDING] = { "pending requests", "requests_pending", CMD_NUMBER },
	[AGENT_KEYS] = { "agent keys", "agent_keys", CMD_NUMBER },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

/* 0 for what isn't there. */
static struct cmd_value
size_of(struct sb_pool *pool, const char *name)
{
	struct stat st;

	return (struct cmd_value){ .number = stat(sb_printf(pool, "%s/%s",
	    sb_settings.data, name), &st) == 0 ? (int64_t)st.st_size : 0 };
}

static struct cmd_value
number(const struct sb_row *row, const char *column)
{
	return (struct cmd_value){ .number = row == NULL ? 0 :
	    sb_row_int(row, column) };
}

/* ------------------------------------------------------------- the parts */

static void
look_at_users(struct cmd *c, struct cmd_value *values)
{
	const struct sb_row *all = sb_one(c->db, SB_Q_STATS_USERS);
	const struct sb_row *newest = sb_one(c->db, SB_Q_STATS_NEWEST);

	values[USERS] = number(all, "users");
	values[ACTIVE] = number(all, "active");
	values[DISABLED].number = values[USERS].number - values[ACTIVE].number;
	values[ADMINS] = number(all, "admins");
	values[NEWEST].text = newest == NULL ? NULL :
	    sb_row_text(newest, "username");
	values[NEWEST_AT] = number(newest, "created_at");
}

static void
look_at_logins(struct cmd *c, struct cmd_value *values)
{
	const struct sb_row *all = sb_one(c->db, SB_Q_STATS_LOGINS);

	values[LOGINS] = number(all, "logins");
	values[ALIVE] = number(all, "alive");
	values[TOKENS] = number(sb_one(c->db, SB_Q_STATS_TOKENS), "tokens");
}

static void
look_at_outbox(struct cmd *c, struct cmd_value *values)
{
	const struct sb_row *all = sb_one(c->db, SB_Q_OUTBOX_STATE);

	values[OUTBOX] = number(all, "waiting");
	values[DEAD] = number(all, "dead");
}

static void
look_at_chats(struct cmd *c, struct cmd_value *values)
{
	const struct sb_row *all = sb_one(c->db, SB_Q_STATS_CHATS);

	values[CHATS] = number(all, "chats");
	values[CHATS_OPEN] = number(all, "open");
	values[MESSAGES] = number(all, "messages");
	values[PENDING] = number(all, "pending");
	values[AGENT_KEYS] = number(sb_one(c->db, SB_Q_STATS_AGENT_KEYS),
	    "agent_keys");
}

/* A file of counts that is damaged has none. */
static void
look_at_counts(struct cmd *c, struct cmd_value *values)
{
	struct sb_db *counts;

	values[COUNTS_BYTES] = size_of(c->pool, "limits.db");
	if (values[COUNTS_BYTES].number == 0)
		return;
	counts = sb_db_new(SB_STORE_LIMITS);
	sb_db_attach(counts, c->pool);
	values[COUNTS] = number(sb_one(counts, SB_Q_LIMIT_TOTAL), "total");
	sb_db_finish(counts, true);
	sb_db_free(counts);
}

/* What backup and tick have written down; nothing if they never did. */
static void
look_at_notes(struct sb_pool *pool, struct cmd_value *values)
{
	struct json_object *backup = sb_note_read(pool, SB_NOTE_BACKUP);

	values[BACKUP_AT].number = sb_note_time(pool, SB_NOTE_BACKUP);
	values[BACKUP_FILE].text = sb_json_text(backup, "file");
	values[TICK_AT].number = sb_note_time(pool, SB_NOTE_TICK);
}

enum cmd_exit
cmd_stats(char **arguments)
{
	struct cmd_value values[COLUMNS] = { { 0 } };
	const char *name = "stats", *wrong;
	enum cmd_exit status;
	bool json = false;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &json }, { NULL, NULL } }, NULL, 0);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	look_at_users(&c, values);
	look_at_logins(&c, values);
	look_at_outbox(&c, values);
	look_at_chats(&c, values);
	look_at_counts(&c, values);
	look_at_notes(c.pool, values);
	values[STEP].number = sb_db_step(c.db);
	values[KNOWN].number = sb_db_newest_step();
	values[BYTES] = size_of(c.pool, "switchboard.db");
	values[WAL_BYTES] = size_of(c.pool, "switchboard.db-wal");
	if (!sb_db_failed(c.db))
		cmd_print_one(columns, COLUMNS, json, c.pool, values);
	return cmd_end(&c, CMD_OK, NULL);
}
