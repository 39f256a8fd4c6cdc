/*
 * switchboard migrate: opens the database, which makes it or brings it to the
 * schema of this version, as the first request after an update would.
 */
#include <stdio.h>

#include "cmd.h"

enum cmd_exit
cmd_migrate(char **arguments)
{
	struct sb_db *db;
	int before, after;

	if (*arguments != NULL)
		return cmd_refuse("migrate", *arguments);
	if (!cmd_read_settings())
		return CMD_SETTINGS;
	db = sb_db_new(SB_STORE_MAIN);
	before = sb_db_step(db);
	after = sb_db_open(db, NULL) ? sb_db_step(db) : -1;
	sb_db_free(db);
	if (after < 0) {
		fprintf(stderr, "switchboard migrate: the database in %s can't "
		    "be opened now\n", sb_settings.data);
		return CMD_UNAVAILABLE;
	}
	/* A newer version was here; its schema still serves this one. */
	if (after > sb_db_newest_step())
		printf("schema: already at step %d (this version knows %d)\n",
		    after, sb_db_newest_step());
	else if (before == after)
		printf("schema: already at step %d\n", after);
	else
		printf("schema: step %d (was %d)\n", after,
		    before < 0 ? 0 : before);
	return CMD_OK;
}
