/*
 * Accounts as lines of a file, which export writes and import reads: CSV (RFC
 * 4180) or JSON, one object a line.
 */
#ifndef CMD_RECORD_H
#define CMD_RECORD_H

#include "cmd.h"

enum cmd_part {
	CMD_PART_ID,
	CMD_PART_USERNAME,
	CMD_PART_EMAIL,
	CMD_PART_HASH,
	CMD_PART_ACTIVE,
	CMD_PART_ADMIN,
	CMD_PART_CREATED,
	CMD_PARTS
};

/* What a part is called, as a column or a member. */
extern const char *const cmd_part_names[CMD_PARTS];

/* The part of that name; CMD_PARTS if there is none. */
enum cmd_part cmd_part_find(const char *name);

/* A line of the file; a part that is NULL isn't there. */
struct cmd_record {
	int64_t		 line;		/* in which it begins, from 1 */
	const char	*parts[CMD_PARTS];
};

/* The account that a record is. */
struct cmd_account {
	const char	*id, *username, *username_key, *email, *email_key;
	const char	*hash;
	bool		 active, admin;
	int64_t		 created_at;
};

/* NULL, and the account; or all that is wrong with the record. */
const char *cmd_record_read(struct sb_pool *, const struct cmd_record *,
	    struct cmd_account *);

/* -------------------------------------------------------------- reader.c */

#define CMD_RECORD_MAX	65536	/* bytes */

enum cmd_got {
	CMD_GOT,
	CMD_GOT_REFUSED,	/* this line makes no sense */
	CMD_GOT_END,
	CMD_GOT_BROKEN		/* nor does what follows */
};

struct cmd_reader;

/*
 * Reads an open file in one of the two formats; the file stays the caller's.
 */
enum cmd_format { CMD_ANY_FORMAT, CMD_CSV, CMD_JSON_LINES };
struct cmd_reader *cmd_reader_new(struct sb_pool *, void *file,
	    enum cmd_format);

/* The next record, in the pool; *why says what is wrong with it. */
enum cmd_got cmd_reader_next(struct cmd_reader *, struct sb_pool *,
	    struct cmd_record *, const char **why);

#endif
