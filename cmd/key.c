/*
 * switchboard key: lists the keys that sign tokens, makes a new one without
 * logging anybody out, and takes away one that has leaked.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "keyfile.h"

#define PATIENCE	(5 * SB_SECOND)
#define PREFIX_MIN	4

/* Says what is wrong with the key file. */
static enum cmd_exit
complain(const char *command, const struct sb_keyfile *file, const char *wrong)
{
	fprintf(stderr, "switchboard %s: %s: %s%s\n", command, file->path,
	    wrong, file->place < 0 ? "" : "; nothing was changed");
	return file->why == SB_INTERNAL ? CMD_INTERNAL : CMD_UNAVAILABLE;
}

/* -------------------------------------------------------------------- list */

enum { KID, WHERE, IS_SECRET_KEY, IN_FILE, SINCE, WHAT, STATE, UNTIL, COLUMNS };
static const struct cmd_column columns[] = {
	[KID] = { "KID", "kid", CMD_TEXT },
	[WHERE] = { "WHERE", NULL, CMD_TEXT },
	[IS_SECRET_KEY] = { NULL, "is_secret_key", CMD_BOOL },
	[IN_FILE] = { NULL, "in_file", CMD_BOOL },
	[SINCE] = { "SINCE", "since", CMD_TIME },
	[WHAT] = { "STATE", NULL, CMD_TEXT },
	[STATE] = { NULL, "state", CMD_TEXT },
	[UNTIL] = { NULL, "until", CMD_TIME },
};
_Static_assert(sizeof(columns) / sizeof(columns[0]) == COLUMNS, "columns");

static const char *
state_name(const struct sb_keyring *ring, const struct sb_key *key)
{
	if (key == ring->signer)
		return "signs";
	if (sb_key_is_retired(key))
		return "retired";
	return key->waits && key->until == INT64_MAX ? "waits" : "verifies";
}

static const char *
state_text(struct sb_pool *pool, const struct sb_keyring *ring,
    const struct sb_key *key)
{
	const char *name = state_name(ring, key);

	if (strcmp(name, "waits") == 0)
		return "waits to be set as SECRET_KEY";
	if (strcmp(name, "verifies") == 0 && key->until < INT64_MAX)
		return sb_printf(pool, "verifies until %s",
		    cmd_time(pool, key->until));
	return name;
}

static void
add_key(struct cmd_list *list, struct sb_pool *pool,
    const struct sb_keyring *ring, const struct sb_key *key)
{
	const bool in_file = key->place >= 0;

	cmd_list_add(list, pool, (struct cmd_value[COLUMNS]){
	    [KID] = { .text = key->kid },
	    [WHERE] = { .text = !key->is_setting ? "file" : in_file ?
		"SECRET_KEY, file" : "SECRET_KEY" },
	    [IS_SECRET_KEY] = { .number = key->is_setting },
	    [IN_FILE] = { .number = in_file },
	    [SINCE] = { .number = key->since },
	    [WHAT] = { .text = state_text(pool, ring, key) },
	    [STATE] = { .text = state_name(ring, key) },
	    [UNTIL] = { .number = key->until == INT64_MAX ? 0 :
		key->until } });
}

static enum cmd_exit
print_keys(const char *command, struct sb_pool *pool, bool json)
{
	struct sb_keyfile file;
	struct sb_keyring ring;
	struct cmd_list list;
	const char *wrong = sb_keyfile_read(&file, pool);

	sb_keyring_make(&ring, &file);
	sb_keyfile_close(&file);
	if (wrong != NULL)
		return complain(command, &file, wrong);
	if (ring.count == 0 && !json) {
		puts("There is no key yet. The first request makes one.");
		return CMD_OK;
	}
	cmd_list_begin(&list, columns, COLUMNS, json);
	for (int i = 0; i < ring.count; i++)
		add_key(&list, pool, &ring, &ring.keys[i]);
	cmd_list_print(&list, pool);
	cmd_list_end(&list);
	return CMD_OK;
}

enum cmd_exit
cmd_key_list(char **arguments)
{
	const char *name = "key list", *wrong;
	struct sb_pool *pool;
	enum cmd_exit status;
	bool json = false;

	wrong = cmd_parse(arguments, (const struct cmd_option[]){
	    { "--json", &json }, { NULL, NULL } }, NULL, 0);
	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	if ((status = cmd_enter(name)) != CMD_OK)
		return status;
	pool = sb_pool_new();
	status = print_keys(name, pool, json);
	sb_pool_free(pool);
	return status;
}

/* ------------------------------------------------------------- a change */

/* Takes the key file's lock for a change; the argument is the command's. */
static enum cmd_exit
change(const char *command, const char *argument, enum cmd_exit (*make)(
    const char *command, struct sb_keyfile *, const char *argument))
{
	struct sb_keyfile file;
	struct sb_pool *pool;
	enum cmd_exit status;
	const char *wrong;

	if ((status = cmd_enter(command)) != CMD_OK ||
	    (status = cmd_look(command, CMD_DIRECTORY)) != CMD_OK)
		return status;
	pool = sb_pool_new();
	wrong = sb_keyfile_lock(&file, pool, PATIENCE);
	status = wrong == NULL ? make(command, &file, argument) :
	    complain(command, &file, wrong);
	sb_keyfile_close(&file);
	sb_pool_free(pool);
	return status;
}

/* ------------------------------------------------------------------ rotate */

/* The kid of the new key in the set, or NULL: it is full. */
static const char *
add_random(struct sb_keyfile *file)
{
	unsigned char *secret = sb_alloc(file->pool, SB_KEY_MIN);

	sb_random(secret, SB_KEY_MIN);
	if (!sb_keyfile_add(file, secret, SB_KEY_MIN, sb_keyfile_now(file),
	    SB_KEY_TO_SIGN))
		return NULL;
	return file->keys[file->count - 1].kid;
}

/* A value for SECRET_KEY that the settings will accept, whatever they are. */
static const char *
new_setting(struct sb_pool *pool)
{
	unsigned char *secret = sb_alloc(pool, SB_KEY_MIN);
	const char *text;

	do {
		sb_random(secret, SB_KEY_MIN);
		text = sb_base64url(pool, secret, SB_KEY_MIN);
	} while (sb_setting_is_placeholder(pool, text));
	return text;
}

/* The new value, or NULL: the set is full. */
static const char *
add_setting(struct sb_keyfile *file)
{
	const char *old = sb_settings.secret_key;
	const char *value = new_setting(file->pool);
	struct sb_keyring ring;

	sb_keyring_settle(file);
	sb_keyring_make(&ring, file);
	if (ring.signer->place < 0 && !sb_keyfile_add(file, old, strlen(old),
	    ring.signer->since, SB_KEY_TO_VERIFY))
		return NULL;
	return sb_keyfile_add(file, value, strlen(value),
	    sb_keyfile_now(file), SB_KEY_TO_WAIT) ? value : NULL;
}

static void
explain_setting(void)
{
	fputs("The line on standard output is the new SECRET_KEY: put it in "
	    "the place of the\nold one, and restart the programs, in any "
	    "order. Nobody is logged out: they know\nboth by now, and take "
	    "tokens of the old one until the last has expired.\n", stderr);
}

static void
explain_file(const struct sb_keyfile *file, const char *kid)
{
	printf("%s signs within two seconds, in every program without "
	    "SECRET_KEY. Nobody is\nlogged out.\n", kid);
	if (file->begun > 0)
		fprintf(stderr, "switchboard key rotate: SECRET_KEY has signed "
		    "since %s and is not set here:\nif it is for the programs, "
		    "rotate with their settings.\n",
		    cmd_time(file->pool, file->began[0].since));
}

static enum cmd_exit
rotate(const char *command, struct sb_keyfile *file, const char *argument)
{
	const bool by_setting = sb_settings.secret_key != NULL;
	const char *added = by_setting ? add_setting(file) : add_random(file);
	const char *wrong = added != NULL ? sb_keyfile_save(file) :
	    "has no room for another key; retire one";

	(void)argument;
	if (wrong != NULL)
		return complain(command, file, wrong);
	if (by_setting) {
		printf("SECRET_KEY=%s\n", added);
		explain_setting();
	} else
		explain_file(file, added);
	return CMD_OK;
}

enum cmd_exit
cmd_key_rotate(char **arguments)
{
	const char *name = "key rotate";
	const char *wrong = cmd_parse(arguments, NULL, NULL, 0);

	return wrong != NULL ? cmd_refuse(name, wrong) :
	    change(name, NULL, rotate);
}

/* ------------------------------------------------------------------ retire */

/* What is wrong with the one that is to go, or NULL. */
static const char *
choose(const struct sb_keyring *ring, const char *prefix,
    const struct sb_key **chosen, enum cmd_exit *status)
{
	const size_t n = strlen(prefix);

	*chosen = NULL;
	*status = CMD_USAGE;
	if (n < PREFIX_MIN || strspn(prefix, "0123456789abcdefABCDEF") < n)
		return "is not the id of a key, nor its first 4 digits or more";
	for (int i = 0; i < ring->count; i++) {
		if (strncasecmp(ring->keys[i].kid, prefix, n) != 0)
			continue;
		if (*chosen != NULL && strcmp((*chosen)->kid,
		    ring->keys[i].kid) != 0)
			return "is the beginning of several keys' ids";
		*chosen = &ring->keys[i];
	}
	if (*chosen == NULL) {
		*status = CMD_NOT_FOUND;
		return "is not the id of a key that there is";
	}
	if ((*chosen)->is_setting)
		return "is SECRET_KEY, which signs: change that, by "
		    "switchboard key rotate, and retire it then";
	return *chosen == ring->signer ? "is the key that signs: make another "
	    "first, by switchboard key rotate" : NULL;
}

static enum cmd_exit
retire(const char *command, struct sb_keyfile *file, const char *prefix)
{
	const struct sb_key *key;
	struct sb_keyring ring;
	enum cmd_exit status;
	const char *wrong;

	sb_keyring_make(&ring, file);
	if ((wrong = choose(&ring, prefix, &key, &status)) != NULL) {
		fprintf(stderr, "switchboard %s: %s %s\n", command,
		    cmd_visible(file->pool, prefix), wrong);
		return status;
	}
	/* That SECRET_KEY signs explains a file without keys. */
	if (sb_settings.secret_key != NULL)
		sb_keyring_settle(file);
	sb_keyfile_remove(file, key->kid);
	if ((wrong = sb_keyfile_save(file)) != NULL)
		return complain(command, file, wrong);
	printf("%s is gone: its tokens are refused within two seconds.\n",
	    key->kid);
	return CMD_OK;
}

enum cmd_exit
cmd_key_retire(char **arguments)
{
	const char *name = "key retire", *kid;
	const char *wrong = cmd_parse(arguments, NULL, &kid, 1);

	if (wrong != NULL)
		return cmd_refuse(name, wrong);
	return kid == NULL ? cmd_lack(name, "KID") : change(name, kid, retire);
}
