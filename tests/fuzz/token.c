/*
 * Any bytes as a token: none is good.  The key that signs is known to the
 * seeds, so that some of them get as far as their claims, and fail there: no
 * seed may be a token that is whole.  The data directory goes at the end.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "internal.h"

static char data[] = "/tmp/switchboard-fuzz-XXXXXX";

static void
remove_data(void)
{
	DIR *dir = opendir(data);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(data);
}

static void
make_data(void)
{
	PROMISE(mkdtemp(data) != NULL);
	atexit(remove_data);
	sb_settings.data = data;
	sb_settings.secret_key = "the key that the seeds are signed with";
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct sb_db *db;
	struct sb_request rq = { .pool = sb_pool_new() };
	const char *text = sb_copy(rq.pool, (const char *)bytes, size);
	struct sb_token token;

	if (db == NULL) {
		make_data();
		db = sb_db_new(SB_STORE_MAIN);
	}
	rq.db = db;
	sb_db_attach(db, rq.pool);
	for (int type = 0; type < SB_TOKEN_TYPES; type++)
		PROMISE(!sb_token_verify(&rq, text, (enum sb_token_type)type,
		    &token));
	sb_pool_free(rq.pool);
	return 0;
}
