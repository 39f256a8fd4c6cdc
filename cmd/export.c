/*
 * switchboard export: all accounts, as import reads them, of one moment.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "copy.h"
#include "record.h"

static bool
is_boolean(enum cmd_part part)
{
	return part == CMD_PART_ACTIVE || part == CMD_PART_ADMIN;
}

static void
fill(struct sb_pool *pool, const struct sb_row *row, const char **parts)
{
	parts[CMD_PART_ID] = sb_row_text(row, "id");
	parts[CMD_PART_USERNAME] = sb_row_text(row, "username");
	parts[CMD_PART_EMAIL] = sb_row_text(row, "email");
	parts[CMD_PART_HASH] = sb_row_text(row, "password");
	parts[CMD_PART_ACTIVE] = sb_row_int(row, "is_active") ? "true" :
	    "false";
	parts[CMD_PART_ADMIN] = sb_row_int(row, "is_admin") ? "true" : "false";
	parts[CMD_PART_CREATED] = sb_time_text(pool,
	    sb_row_int(row, "created_at"));
}

/* RFC 4180 section 2. */
static void
print_field(const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void
print_csv(const char *const *parts)
{
	for (int i = 0; i < CMD_PARTS; i++) {
		if (i > 0)
			putchar(',');
		print_field(parts[i]);
	}
	fputs("\r\n", stdout);
}

static void
print_json(struct sb_pool *pool, const char *const *parts)
{
	struct json_object *o = json_object_new_object();

	for (int i = 0; i < CMD_PARTS; i++)
		json_object_object_add(o, cmd_part_names[i],
		    is_boolean((enum cmd_part)i) ?
		    json_object_new_boolean(strcmp(parts[i], "true") == 0) :
		    json_object_new_string(parts[i]));
	puts(cmd_visible(pool, json_object_to_json_string_ext(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_object_put(o);
}

static void
print_accounts(struct cmd *c, bool csv)
{
	const char *parts[CMD_PARTS], *after = "";
	const struct sb_row *row;
	int n = CMD_PAGE;

	if (csv)
		print_csv(cmd_part_names);
	while (n == CMD_PAGE && (after = cmd_turn(c, after)) != NULL) {
		row = sb_all(c->db, SB_Q_ACCOUNT_EXPORT,
		    sb_bind("after", after), sb_bind_int("some", CMD_PAGE));
		for (n = 0; row != NULL; row = row->next, n++) {
			fill(c->page, row, parts);
			if (csv)
				print_csv(parts);
			else
				print_json(c->page, parts);
			after = sb_row_text(row, "username_key");
		}
	}
}

enum cmd_exit
cmd_export(char **arguments)
{
	const char *name = "export", *wrong;
	bool csv = false, json = false;
	enum cmd_exit status;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--csv", &csv }, { "--json-lines", &json }, { NULL, NULL } },
	    NULL, 0);
	if (wrong == NULL && csv && json)
		wrong = "--csv with --json-lines";
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	if (sb_db_snapshot(c.db))
		print_accounts(&c, csv);
	return cmd_end(&c, CMD_OK, NULL);
}
