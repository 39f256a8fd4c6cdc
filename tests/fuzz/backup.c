/*
 * A backup that somebody has tampered with: any bytes as where it was changed,
 * three for the place and one for what stands there then.  What restore asks
 * of such a file is answered, or it is damaged; nothing in it ends the process.
 */
#include <string.h>

#include "fuzz.h"
#include "db.h"
#include "copy.h"
#include "files.h"
#include "folder.h"

#define CHANGES	64

static char path[512];

/* A backup of a new installation, in memory; and the files in it. */
static void
make_backup(void)
{
	struct sb_pool *pool = sb_pool_new();
	struct sb_db *from = sb_db_new(SB_STORE_MAIN);
	struct sb_db *to = sb_db_new_at(SB_STORE_BACKUP, path, false);

	sb_db_attach(from, pool);
	sb_db_attach(to, pool);
	PROMISE(sb_db_open(from, "") && sb_db_open(to, ""));
	PROMISE(sb_db_copy(from, to, NULL));
	sb_run(to, SB_Q_BACKUP_CREATE);
	sb_run(to, SB_Q_BACKUP_PUT, sb_bind("name", "secret"),
	    sb_bind_bytes("bytes", "0123456789", 10), sb_bind_int("at", 1));
	PROMISE(sb_db_finish(to, true) && sb_db_finish(from, true));
	sb_db_free(to);
	sb_db_free(from);
	sb_pool_free(pool);
	files_keep();
}

static void
look(struct sb_pool *pool)
{
	struct sb_db *db = sb_db_new_at(SB_STORE_BACKUP, path, true);
	const struct sb_row *row;
	const char *flaw;

	sb_db_attach(db, pool);
	if (sb_db_open(db, "") &&
	    (row = sb_one(db, SB_Q_BACKUP_TABLES)) != NULL &&
	    sb_row_int(row, "ours") == 3) {
		flaw = sb_db_flaw(db);
		if (flaw == NULL && sb_row_int(row, "files") > 0)
			sb_all(db, SB_Q_BACKUP_FILES);
	}
	sb_db_finish(db, false);
	sb_db_free(db);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool;

	if (sb_settings.data == NULL) {
		sb_settings.data = folder_begin();
		sb_settings.log_level = "none";
		snprintf(path, sizeof(path), "%s/backup", sb_settings.data);
		files_begin();
		make_backup();
	}
	pool = sb_pool_new();
	files_restore();
	for (size_t i = 0; i + 4 <= size && i / 4 < CHANGES; i += 4)
		files_change(path, (size_t)bytes[i] << 16 |
		    (size_t)bytes[i + 1] << 8 | bytes[i + 2], bytes[i + 3]);
	look(pool);
	sb_pool_free(pool);
	return 0;
}
