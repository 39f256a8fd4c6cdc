/*
 * Any bytes as a file of accounts for switchboard import, in both of its
 * formats: what comes out are lines in order, and accounts within the rules.
 */
#include <string.h>

#include "fuzz.h"
#include "record.h"

static void
check_account(struct sb_pool *pool, const struct cmd_record *record)
{
	struct cmd_account a;
	const char *wrong = cmd_record_read(pool, record, &a);

	if (wrong != NULL) {
		PROMISE(*wrong != '\0');
		return;
	}
	PROMISE(sb_is_uuid(a.id));
	PROMISE(sb_username_wrong(pool, a.username) == NULL);
	PROMISE(sb_email_wrong(pool, a.email) == NULL);
	PROMISE(sb_password_hash_wrong(a.hash) == NULL);
	PROMISE(a.username_key != NULL && a.email_key != NULL);
	PROMISE(record->parts[CMD_PART_CREATED] == NULL || strlen(
	    sb_time_text(pool, a.created_at)) == 27);
}

static void
check(const uint8_t *bytes, size_t size, enum cmd_format format)
{
	struct sb_pool *pool = sb_pool_new();
	FILE *file = fmemopen((void *)(uintptr_t)bytes, size, "r");
	struct cmd_reader *reader;
	struct cmd_record record;
	const char *why = NULL;
	int64_t line = 0;
	enum cmd_got got;

	if (file == NULL)
		abort();
	reader = cmd_reader_new(pool, file, format);
	do {
		got = cmd_reader_next(reader, pool, &record, &why);
		PROMISE(record.line > line || got == CMD_GOT_END);
		line = record.line;
		if (got == CMD_GOT)
			check_account(pool, &record);
		else
			PROMISE(got == CMD_GOT_END || *why != '\0');
	} while (got == CMD_GOT || got == CMD_GOT_REFUSED);
	fclose(file);
	sb_pool_free(pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* An empty one can't be opened so. */
	if (size > 0) {
		check(bytes, size, CMD_CSV);
		check(bytes, size, CMD_JSON_LINES);
	}
	return 0;
}
