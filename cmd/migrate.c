/*
 * switchboard migrate: opens the database, which makes it or brings it to the
 * schema of this version, as the first request after an update would.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"

/* A file that is there says by itself what is wrong with it. */
static int
error_of_directory(void)
{
	return faccessat(AT_FDCWD, sb_settings.data, W_OK, AT_EACCESS) == 0 ?
	    0 : errno;
}

enum cmd_exit
cmd_migrate(char **arguments)
{
	enum cmd_exit status;
	struct sb_db *db;
	int before, after, error;

	if (*arguments != NULL)
		return cmd_refuse("migrate", *arguments);
	if ((status = cmd_enter("migrate")) != CMD_OK)
		return status;
	/* The log says why. */
	if (!sb_data_directory())
		return CMD_UNAVAILABLE;
	if ((status = cmd_look("migrate", CMD_DIRECTORY)) != CMD_OK)
		return status;
	db = sb_db_new(SB_STORE_MAIN);
	before = sb_db_step(db);
	if (before == 0 && (error = error_of_directory()) != 0) {
		sb_db_free(db);
		return cmd_refuse_data("migrate", error);
	}
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
