/*
 * What commands that work with the database have in common: they open it, look
 * for a user, read lists page by page, and commit before they say so.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"

#define GROUP	"admin"		/* sql/admin.sql */

enum cmd_exit
cmd_unavailable(const char *command)
{
	fflush(stdout);
	fprintf(stderr, "switchboard %s: the database in %s is busy, or can't "
	    "be read or written; the log says which\n", command,
	    sb_settings.data);
	return CMD_UNAVAILABLE;
}

enum cmd_exit
cmd_refuse_data(const char *command, int error)
{
	fprintf(stderr, "switchboard %s: %s: %s; call it as the user that the "
	    "programs run as\n", command, sb_settings.data, strerror(error));
	return CMD_UNAVAILABLE;
}

static const struct {
	const char	*path, *lack;
} places[] = {
	/* Only who may enter the directory finds this. */
	[CMD_DIRECTORY] = { ".", "no directory" },
	[CMD_DATABASE] = { "switchboard.db", "no database in" },
};
_Static_assert(sizeof(places) / sizeof(places[0]) == CMD_PLACES, "places");

enum cmd_exit
cmd_look(const char *command, enum cmd_place place)
{
	struct sb_pool *pool = sb_pool_new();
	struct stat st;
	int error = stat(sb_printf(pool, "%s/%s", sb_settings.data,
	    places[place].path), &st) == 0 ? 0 : errno;

	sb_pool_free(pool);
	if (error != 0 && error != ENOENT && error != ENOTDIR)
		return cmd_refuse_data(command, error);
	if (error == 0 && (st.st_size > 0 || S_ISDIR(st.st_mode)))
		return CMD_OK;
	fprintf(stderr, "switchboard %s: there is %s %s; set SWITCHBOARD_DATA "
	    "to the directory of the installation, or make one by "
	    "switchboard migrate\n", command, places[place].lack,
	    sb_settings.data);
	return CMD_UNAVAILABLE;
}

enum cmd_exit
cmd_begin(struct cmd *c, const char *name)
{
	enum cmd_exit status;

	if ((status = cmd_enter(name)) != CMD_OK ||
	    (status = cmd_look(name, CMD_DATABASE)) != CMD_OK)
		return status;
	*c = (struct cmd){ .name = name, .pool = sb_pool_new(),
	    .page = sb_pool_new(), .db = sb_db_new(SB_STORE_MAIN) };
	sb_db_attach(c->db, c->pool);
	return sb_db_open(c->db, GROUP) ? CMD_OK :
	    cmd_end(c, CMD_OK, NULL);
}

enum cmd_exit
cmd_end(struct cmd *c, enum cmd_exit status, const char *said)
{
	bool failed = sb_db_failed(c->db);

	if (!sb_db_finish(c->db, status == CMD_OK) || failed)
		status = cmd_unavailable(c->name);
	else if (said != NULL)
		puts(said);
	sb_db_free(c->db);
	sb_pool_free(c->page);
	sb_pool_free(c->pool);
	return status;
}

bool
cmd_lock(struct cmd *c)
{
	return sb_db_open(c->db, GROUP) && sb_db_begin(c->db);
}

const char *
cmd_turn(struct cmd *c, const char *kept)
{
	struct sb_pool *next;
	const char *copy;

	if (sb_db_failed(c->db) || ferror(stdout))
		return NULL;
	next = sb_pool_new();
	copy = sb_copy(next, kept, strlen(kept));
	sb_pool_free(c->page);
	c->page = next;
	sb_db_attach(c->db, next);
	return copy;
}

void
cmd_list_all(struct cmd *c, struct cmd_list *list, enum sb_query query,
    const char *column, const struct sb_bind *binds,
    void (*add)(struct cmd_list *, struct sb_pool *, const struct sb_row *,
	int64_t))
{
	struct sb_bind all[CMD_BINDS + 3] = { sb_bind_int("some", CMD_PAGE) };
	const char *after = "";
	int64_t now = sb_now();
	const struct sb_row *row;
	int n = CMD_PAGE;

	for (int i = 0; i < CMD_BINDS && binds[i].name != NULL; i++)
		all[i + 2] = binds[i];
	while (n == CMD_PAGE && (after = cmd_turn(c, after)) != NULL) {
		all[1] = sb_bind("after", after);
		row = sb_db_rows(c->db, query, all);
		for (n = 0; row != NULL; row = row->next, n++) {
			add(list, c->page, row, now);
			after = sb_row_text(row, column);
		}
		if (!sb_db_failed(c->db))
			cmd_list_print(list, c->page);
	}
	if (!sb_db_failed(c->db))
		cmd_list_end(list);
}

const struct sb_row *
cmd_find_user(struct cmd *c, const char *name)
{
	return sb_one(c->db, strchr(name, '@') != NULL ?
	    SB_Q_USER_BY_EMAIL : SB_Q_USER_BY_USERNAME,
	    sb_bind("key", sb_name_key(c->pool, name)));
}

enum cmd_exit
cmd_nobody(struct cmd *c, const char *name)
{
	if (!sb_db_failed(c->db))
		fprintf(stderr, "switchboard %s: nobody has the %s \"%s\"\n",
		    c->name, strchr(name, '@') != NULL ? "address" : "name",
		    cmd_visible(c->pool, name));
	return CMD_NOT_FOUND;
}

const char *
cmd_left_of_database(struct sb_pool *pool)
{
	/* The programs make all of them after it. */
	static const char *const names[] = { "switchboard.db-wal",
	    "signing-keys.json", "secret", "last-backup.json",
	    "last-tick.json" };
	const char *left = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!sb_is_empty(sb_printf(pool, "%s/%s", sb_settings.data,
		    names[i])))
			left = left == NULL ? names[i] : sb_printf(pool,
			    "%s, %s", left, names[i]);
	return left;
}
