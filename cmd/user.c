/*
 * switchboard user: lists the accounts, disables and enables them, and makes
 * administrators.  A disabled user's tokens stop at the next request.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

#define TEXT_MAX	1000	/* bytes, that no name or address has */

/* ---------------------------------------------------------------- list */

enum { ID, NAME, ADDRESS, STATE, ACTIVE, ADMIN, CREATED, LOGINS, COLUMNS };
static const struct cmd_column columns[] = {
	[ID] = { NULL, "id", CMD_TEXT },
	[NAME] = { "NAME", "username", CMD_TEXT },
	[ADDRESS] = { "ADDRESS", "email", CMD_TEXT },
	[STATE] = { "STATE", NULL, CMD_TEXT },
	[ACTIVE] = { NULL, "is_active", CMD_BOOL },
	[ADMIN] = { NULL, "is_admin", CMD_BOOL },
	[CREATED] = { "CREATED", "created_at", CMD_TIME },
	[LOGINS] = { "LOGINS", "logins", CMD_NUMBER },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

static const char *
state_of(const struct sb_row *row)
{
	if (sb_row_int(row, "is_active"))
		return sb_row_int(row, "is_admin") ? "active, administrator" :
		    "active";
	return sb_row_int(row, "is_admin") ? "disabled, administrator" :
	    "disabled";
}

static void
add_user(struct cmd_list *list, struct sb_pool *pool, const struct sb_row *row,
    int64_t now)
{
	(void)now;
	cmd_list_add(list, pool, (struct cmd_value[COLUMNS]){
	    [ID] = { .text = sb_row_text(row, "id") },
	    [NAME] = { .text = sb_row_text(row, "username") },
	    [ADDRESS] = { .text = sb_row_text(row, "email") },
	    [STATE] = { .text = state_of(row) },
	    [ACTIVE] = { .number = sb_row_int(row, "is_active") },
	    [ADMIN] = { .number = sb_row_int(row, "is_admin") },
	    [CREATED] = { .number = sb_row_int(row, "created_at") },
	    [LOGINS] = { .number = sb_row_int(row, "logins") } });
}

/* Part of an address, as such parts are in keys. */
static const char *
address_part(struct sb_pool *pool, const char *text)
{
	const char *key = sb_email_key(pool, text);

	if (key == NULL && text[0] == '@' && (key = sb_email_key(pool,
	    sb_printf(pool, "x%s", text))) != NULL)
		key++;
	return key != NULL ? key :
	    sb_nfc(pool, sb_casefold(pool, sb_nfc(pool, text)));
}

/* For LIKE: whatever has this text in it. */
static const char *
anywhere(struct sb_pool *pool, const char *text)
{
	char *pattern = sb_alloc(pool, 2 * strlen(text) + 3), *end = pattern;

	*end++ = '%';
	for (; *text != '\0'; text++) {
		if (strchr("%_!", *text) != NULL)
			*end++ = '!';
		*end++ = *text;
	}
	*end = '%';
	return pattern;
}

static void
print_users(struct cmd *c, const char *text, bool json)
{
	const char *name = NULL, *address = NULL;
	struct cmd_list list;

	if (text != NULL) {
		name = anywhere(c->pool, sb_username_key(c->pool, text));
		address = anywhere(c->pool, address_part(c->pool, text));
	}
	cmd_list_begin(&list, columns, COLUMNS, json);
	cmd_list_all(c, &list, SB_Q_ACCOUNT_PAGE, "username_key",
	    SB_BINDS(sb_bind("name", name), sb_bind("address", address)),
	    add_user);
}

enum cmd_exit
cmd_user_list(char **arguments)
{
	const char *name = "user list", *text, *wrong;
	enum cmd_exit status;
	bool json = false;
	struct cmd c;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &json }, { NULL, NULL } }, &text, 1);
	if (wrong == NULL && text != NULL &&
	    !sb_utf8_valid(text, strlen(text)))
		wrong = text;
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if (text != NULL && strlen(text) > TEXT_MAX)
		return cmd_refuse(name, "a TEXT of more than 1000 bytes");
	if ((status = cmd_begin(&c, name)) != CMD_OK)
		return status;
	print_users(&c, text, json);
	return cmd_end(&c, CMD_OK, NULL);
}

/* ------------------------------------------------------------- changes */

/* A flag of a user's, and what is said of him with and without it. */
struct flag {
	const char	*column;
	enum sb_query	 query;
	const char	*words[2];
	const char	*already[2];
};

static const struct flag active = { "is_active", SB_Q_ACCOUNT_SET_ACTIVE,
    { "is disabled now", "is enabled now" },
    { "was disabled already", "was enabled already" } };
static const struct flag admin = { "is_admin", SB_Q_ACCOUNT_SET_ADMIN,
    { "is no administrator any more", "is an administrator now" },
    { "was no administrator", "was an administrator already" } };

static enum cmd_exit
change(const char *command, const char *who, const struct flag *flag, bool on)
{
	const struct sb_row *user;
	enum cmd_exit status;
	const char *words;
	struct cmd c;

	if ((status = cmd_begin(&c, command)) != CMD_OK)
		return status;
	user = cmd_lock(&c) ? cmd_find_user(&c, who) : NULL;
	if (user == NULL)
		return cmd_end(&c, cmd_nobody(&c, who), NULL);
	words = flag->already[on];
	if ((sb_row_int(user, flag->column) != 0) != on) {
		sb_run(c.db, flag->query, sb_bind_int("on", on),
		    sb_bind("id", sb_row_text(user, "id")));
		words = flag->words[on];
	}
	return cmd_end(&c, CMD_OK, sb_printf(c.pool, "%s %s",
	    cmd_visible(c.pool, sb_row_text(user, "username")), words));
}

static enum cmd_exit
change_active(const char *command, char **arguments, bool on)
{
	const char *who;
	enum cmd_exit status = cmd_parse_one(command, "USER", arguments, NULL,
	    &who);

	return status != CMD_OK ? status : change(command, who, &active, on);
}

enum cmd_exit
cmd_user_disable(char **arguments)
{
	return change_active("user disable", arguments, false);
}

enum cmd_exit
cmd_user_enable(char **arguments)
{
	return change_active("user enable", arguments, true);
}

static bool
is_switch(const char *word)
{
	return strcmp(word, "on") == 0 || strcmp(word, "off") == 0;
}

/* Whoever says it the other way round learns the order. */
static enum cmd_exit
refuse_switch(const char *command, const char *const *words)
{
	struct sb_pool *pool;

	if (!is_switch(words[0]))
		return cmd_refuse(command, words[1]);
	pool = sb_pool_new();
	fprintf(stderr, "switchboard %s: the user comes first: "
	    "switchboard %s %s %s\n", command, command,
	    cmd_visible(pool, words[1]), words[0]);
	sb_pool_free(pool);
	return CMD_USAGE;
}

enum cmd_exit
cmd_user_admin(char **arguments)
{
	const char *command = "user admin", *operands[2];
	const char *wrong = cmd_parse(arguments, NULL, operands, 2);

	if (wrong != NULL)
		return cmd_refuse(command, wrong);
	if (operands[1] == NULL)
		return cmd_lack(command, operands[0] == NULL ? "USER" :
		    "on or off");
	if (!is_switch(operands[1]))
		return refuse_switch(command, operands);
	return change(command, operands[0], &admin,
	    strcmp(operands[1], "on") == 0);
}
