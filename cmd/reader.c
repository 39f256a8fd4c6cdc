/*
 * Reads accounts from a file, a line at a time and in bounded memory: CSV (RFC
 * 4180), whose first line names the columns, or a JSON object a line.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "record.h"

#define COLUMNS_MAX	32

struct cmd_reader {
	FILE		*file;
	enum cmd_format	 format;
	int64_t		 line;		/* that is read now, from 1 */
	char		*bytes;		/* of the record */
	size_t		 length;
	size_t		 fields[COLUMNS_MAX];	/* where each begins */
	int		 count;
	bool		 quoted;	/* any of them */
	enum cmd_part	 columns[COLUMNS_MAX];
	int		 named;		/* how many columns there are */
};

/* --------------------------------------------------------------- the bytes */

/* False if there is no room for it. */
static bool
take(struct cmd_reader *r, int c)
{
	if (r->length == CMD_RECORD_MAX)
		return false;
	r->bytes[r->length++] = (char)c;
	return true;
}

/* A line feed after a carriage return is one end of a line. */
static int
next(struct cmd_reader *r)
{
	int c = getc_unlocked(r->file), after;

	if (c == '\r') {
		after = getc_unlocked(r->file);
		if (after == '\n')
			c = '\n';
		else if (after != EOF)
			ungetc(after, r->file);
	}
	if (c == '\n')
		r->line++;
	return c;
}

static bool
begin_field(struct cmd_reader *r)
{
	if (r->count == COLUMNS_MAX)
		return false;
	r->fields[r->count++] = r->length;
	return true;
}

enum state { START, PLAIN, QUOTED, CLOSED, DONE, BAD };

/* What a character makes of the field in hand; *why for BAD. */
static enum state
step(struct cmd_reader *r, enum state state, int c, const char **why)
{
	*why = "a record of more than 65536 bytes, or 32 fields";
	if (state == QUOTED && c == EOF) {
		*why = "a quote is opened and never closed";
		return BAD;
	}
	if (state == QUOTED)
		return c == '"' ? CLOSED : take(r, c) ? QUOTED : BAD;
	if (c == ',' || c == '\n' || c == EOF) {
		if (!take(r, '\0'))
			return BAD;
		return c != ',' ? DONE : begin_field(r) ? START : BAD;
	}
	if (state == CLOSED && c == '"')
		return take(r, c) ? QUOTED : BAD;
	if (state == CLOSED) {
		*why = "something follows the quote that closes a field";
		return BAD;
	}
	if (c != '"')
		return take(r, c) ? PLAIN : BAD;
	*why = "a quote in a field that doesn't begin with one";
	r->quoted = true;
	return state == START ? QUOTED : BAD;
}

/* The fields of a record; blank lines are none. */
static enum cmd_got
read_fields(struct cmd_reader *r, int64_t *line, const char **why)
{
	enum state state = START;
	int c;

	do {
		*line = r->line;
		r->length = 0;
		r->count = 0;
		r->quoted = false;
		begin_field(r);
		for (state = START; state != DONE && state != BAD;) {
			c = next(r);
			if (c == EOF && r->length == 0 && state == START)
				return CMD_GOT_END;
			state = step(r, state, c, why);
		}
	} while (state == DONE && r->count == 1 && r->length == 1 &&
	    !r->quoted);
	return state == DONE ? CMD_GOT : CMD_GOT_BROKEN;
}

/* -------------------------------------------------------------------- CSV */

static const char *
check_columns(struct sb_pool *pool, const struct cmd_reader *r)
{
	static const enum cmd_part needed[] = { CMD_PART_USERNAME,
	    CMD_PART_EMAIL, CMD_PART_HASH };
	bool there[CMD_PARTS + 1] = { false };

	for (int i = 0; i < r->named; i++) {
		if (there[r->columns[i]])
			return sb_printf(pool, "the column %s is there twice",
			    cmd_part_names[r->columns[i]]);
		there[r->columns[i]] = true;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!there[needed[i]])
			return sb_printf(pool, "there is no column %s",
			    cmd_part_names[needed[i]]);
	return NULL;
}

/* The first line names the columns. */
static enum cmd_got
read_header(struct cmd_reader *r, struct sb_pool *pool, int64_t *line,
    const char **why)
{
	enum cmd_got got = read_fields(r, line, why);
	const char *name;

	if (got == CMD_GOT_END)
		*why = "is empty: a first line that names the columns is "
		    "missing";
	if (got != CMD_GOT)
		return CMD_GOT_BROKEN;
	for (int i = 0; i < r->count; i++) {
		name = r->bytes + r->fields[i];
		r->columns[i] = cmd_part_find(name);
		if (r->columns[i] == CMD_PARTS) {
			*why = sb_printf(pool, "a column \"%s\" is not known",
			    cmd_visible(pool, name));
			return CMD_GOT_BROKEN;
		}
	}
	r->named = r->count;
	*why = check_columns(pool, r);
	return *why == NULL ? CMD_GOT : CMD_GOT_BROKEN;
}

static enum cmd_got
next_csv(struct cmd_reader *r, struct sb_pool *pool, struct cmd_record *to,
    const char **why)
{
	enum cmd_got got = CMD_GOT;
	const char *text;
	size_t end;

	if (r->named == 0)
		got = read_header(r, pool, &to->line, why);
	if (got != CMD_GOT || (got = read_fields(r, &to->line, why)) != CMD_GOT)
		return got;
	if (r->count != r->named) {
		*why = sb_printf(pool, "%d fields, where there are %d columns",
		    r->count, r->named);
		return CMD_GOT_REFUSED;
	}
	for (int i = 0; i < r->count; i++) {
		end = i + 1 < r->count ? r->fields[i + 1] : r->length;
		text = r->bytes + r->fields[i];
		*why = "is not UTF-8, or has a NUL";
		if (strlen(text) + 1 != end - r->fields[i] ||
		    !sb_utf8_valid(text, strlen(text)))
			return CMD_GOT_REFUSED;
		/* Nothing is as much as no such column. */
		if (*text != '\0')
			to->parts[r->columns[i]] = text;
	}
	return CMD_GOT;
}

/* ------------------------------------------------------------- JSON lines */

static const char *
take_members(struct sb_pool *pool, struct json_object *object,
    struct cmd_record *to)
{
	enum cmd_part part;

	json_object_object_foreach(object, name, value) {
		if ((part = cmd_part_find(name)) == CMD_PARTS)
			return sb_printf(pool, "a member \"%s\" is not known",
			    cmd_visible(pool, name));
		if (value == NULL)
			continue;
		if (!json_object_is_type(value, json_type_string) &&
		    !json_object_is_type(value, json_type_boolean))
			return sb_printf(pool, "%s: neither a string nor a "
			    "boolean", name);
		to->parts[part] = json_object_get_string(value);
	}
	return NULL;
}

static enum cmd_got
next_json(struct cmd_reader *r, struct sb_pool *pool, struct cmd_record *to,
    const char **why)
{
	struct json_object *object = NULL;
	size_t at = 0;
	int c;

	do {
		to->line = r->line;
		r->length = 0;
		*why = "a line of more than 65536 bytes";
		while ((c = next(r)) != '\n' && c != EOF)
			if (!take(r, c))
				return CMD_GOT_BROKEN;
		if (c == EOF && r->length == 0)
			return CMD_GOT_END;
	} while (r->length == 0);
	*why = sb_json_parse(r->bytes, r->length, &object, &at);
	if (*why != NULL) {
		*why = sb_printf(pool, "no JSON: %s at byte %zu", *why, at);
		return CMD_GOT_REFUSED;
	}
	sb_pool_json(pool, object);
	*why = "no JSON object";
	if (!json_object_is_type(object, json_type_object))
		return CMD_GOT_REFUSED;
	*why = take_members(pool, object, to);
	return *why == NULL ? CMD_GOT : CMD_GOT_REFUSED;
}

/* ------------------------------------------------------------------ either */

/* Spreadsheets put a byte order mark before UTF-8. */
static void
skip_mark(FILE *file)
{
	static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };
	int c;

	if ((c = getc_unlocked(file)) != mark[0]) {
		ungetc(c, file);
		return;
	}
	/* It begins nothing else that could be read here. */
	if (getc_unlocked(file) != mark[1] || getc_unlocked(file) != mark[2])
		ungetc(0xff, file);
}

struct cmd_reader *
cmd_reader_new(struct sb_pool *pool, void *file, enum cmd_format format)
{
	struct cmd_reader *r = sb_alloc(pool, sizeof(*r));
	int c;

	r->file = file;
	r->line = 1;
	r->bytes = sb_alloc(pool, CMD_RECORD_MAX);
	skip_mark(file);
	if (format == CMD_ANY_FORMAT) {
		c = getc_unlocked(file);
		ungetc(c, file);
		format = c == '{' ? CMD_JSON_LINES : CMD_CSV;
	}
	r->format = format;
	return r;
}

enum cmd_got
cmd_reader_next(struct cmd_reader *r, struct sb_pool *pool,
    struct cmd_record *to, const char **why)
{
	*to = (struct cmd_record){ 0 };
	return r->format == CMD_CSV ? next_csv(r, pool, to, why) :
	    next_json(r, pool, to, why);
}
