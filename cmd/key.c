/*
 * switchboard key: lists the keys that sign tokens, makes a new one without
 * logging anybody out, and takes away one that has leaked.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "keyfile.h"

#define PATIENCE	(5 * SB_SECOND)
#define PREFIX_MIN	4

/* Says what is wrong with the key file. */
static enum cmd_exit
complain(const struct sb_keyfile *file, const char *wrong)
{
	fprintf(stderr, "switchboard key: %s: %s%s\n", file->path, wrong,
	    file->place < 0 ? "" : "; nothing was changed");
	return file->why == SB_INTERNAL ? CMD_INTERNAL : CMD_UNAVAILABLE;
}

/* -------------------------------------------------------------------- list */

static const char *
time_text(struct sb_pool *pool, int64_t time)
{
	return sb_printf(pool, "%.19sZ", sb_time_text(pool, time));
}

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
		    time_text(pool, key->until));
	return name;
}

static void
print_table(struct sb_pool *pool, const struct sb_keyring *ring)
{
	if (ring->count == 0) {
		puts("There is no key yet. The first request makes one.");
		return;
	}
	printf("%-16s  %-16s  %-20s  %s\n", "KID", "WHERE", "SINCE", "STATE");
	for (int i = 0; i < ring->count; i++) {
		const struct sb_key *key = &ring->keys[i];

		printf("%-16s  %-16s  %-20s  %s\n", key->kid,
		    !key->is_setting ? "file" : key->place < 0 ? "SECRET_KEY" :
		    "SECRET_KEY, file", key->since == 0 ? "unknown" :
		    time_text(pool, key->since), state_text(pool, ring, key));
	}
}

static void
put_time(struct sb_pool *pool, struct json_object *to, const char *name,
    int64_t time)
{
	json_object_object_add(to, name, time == 0 || time == INT64_MAX ?
	    NULL : json_object_new_string(time_text(pool, time)));
}

static struct json_object *
describe(struct sb_pool *pool, const struct sb_keyring *ring,
    const struct sb_key *key)
{
	struct json_object *to = json_object_new_object(),
	    *where = json_object_new_array();

	if (key->is_setting)
		json_object_array_add(where,
		    json_object_new_string("SECRET_KEY"));
	if (key->place >= 0)
		json_object_array_add(where, json_object_new_string("file"));
	json_object_object_add(to, "kid", json_object_new_string(key->kid));
	json_object_object_add(to, "where", where);
	put_time(pool, to, "since", key->since);
	json_object_object_add(to, "state",
	    json_object_new_string(state_name(ring, key)));
	put_time(pool, to, "until", key->until);
	return to;
}

static void
print_json(struct sb_pool *pool, const struct sb_keyring *ring)
{
	struct json_object *all = json_object_new_object(),
	    *keys = json_object_new_array();

	for (int i = 0; i < ring->count; i++)
		json_object_array_add(keys, describe(pool, ring,
		    &ring->keys[i]));
	json_object_object_add(all, "keys", keys);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
	json_object_put(all);
}

static enum cmd_exit
list(struct sb_pool *pool, char **arguments)
{
	const bool as_json = *arguments != NULL &&
	    strcmp(*arguments, "--json") == 0;
	struct sb_keyfile file;
	struct sb_keyring ring;
	const char *wrong;

	if (arguments[as_json] != NULL)
		return cmd_refuse("key list", arguments[as_json]);
	wrong = sb_keyfile_read(&file, pool);
	sb_keyring_make(&ring, &file);
	sb_keyfile_close(&file);
	if (wrong != NULL)
		return complain(&file, wrong);
	if (as_json)
		print_json(pool, &ring);
	else
		print_table(pool, &ring);
	return CMD_OK;
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
		fprintf(stderr, "switchboard key: SECRET_KEY has signed since "
		    "%s and is not set here:\nif it is for the programs, "
		    "rotate with their settings.\n",
		    time_text(file->pool, file->began[0].since));
}

static enum cmd_exit
rotate(struct sb_pool *pool, char **arguments)
{
	const bool by_setting = sb_settings.secret_key != NULL;
	const char *added = NULL, *wrong;
	struct sb_keyfile file;
	enum cmd_exit status = CMD_OK;

	if (*arguments != NULL)
		return cmd_refuse("key rotate", *arguments);
	wrong = sb_keyfile_lock(&file, pool, PATIENCE);
	if (wrong == NULL) {
		added = by_setting ? add_setting(&file) : add_random(&file);
		wrong = added != NULL ? sb_keyfile_save(&file) :
		    "has no room for another key; retire one";
	}
	if (wrong != NULL)
		status = complain(&file, wrong);
	else if (by_setting) {
		printf("SECRET_KEY=%s\n", added);
		explain_setting();
	} else
		explain_file(&file, added);
	sb_keyfile_close(&file);
	return status;
}

/* ------------------------------------------------------------------ retire */

/* What is wrong with the one that is to go, or NULL. */
static const char *
choose(const struct sb_keyring *ring, const char *prefix,
    const struct sb_key **chosen)
{
	const size_t n = strlen(prefix);

	*chosen = NULL;
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
	if (*chosen == NULL)
		return "is not the id of a key that there is";
	if ((*chosen)->is_setting)
		return "is SECRET_KEY, which signs: change that, by "
		    "switchboard key rotate, and retire it then";
	return *chosen == ring->signer ? "is the key that signs: make another "
	    "first, by switchboard key rotate" : NULL;
}

static enum cmd_exit
retire_one(struct sb_keyfile *file, const char *prefix)
{
	const struct sb_key *key;
	struct sb_keyring ring;
	const char *wrong;

	sb_keyring_make(&ring, file);
	if ((wrong = choose(&ring, prefix, &key)) != NULL) {
		fprintf(stderr, "switchboard key: %s %s\n",
		    sb_setting_visible(file->pool, prefix), wrong);
		return CMD_USAGE;
	}
	/* That SECRET_KEY signs explains a file without keys. */
	if (sb_settings.secret_key != NULL)
		sb_keyring_settle(file);
	sb_keyfile_remove(file, key->kid);
	if ((wrong = sb_keyfile_save(file)) != NULL)
		return complain(file, wrong);
	printf("%s is gone: its tokens are refused within two seconds.\n",
	    key->kid);
	return CMD_OK;
}

static enum cmd_exit
retire(struct sb_pool *pool, char **arguments)
{
	struct sb_keyfile file;
	enum cmd_exit status;
	const char *wrong;

	if (*arguments == NULL)
		return cmd_lack("key retire", "KID");
	if (arguments[1] != NULL)
		return cmd_refuse("key retire", arguments[1]);
	wrong = sb_keyfile_lock(&file, pool, PATIENCE);
	status = wrong == NULL ? retire_one(&file, *arguments) :
	    complain(&file, wrong);
	sb_keyfile_close(&file);
	return status;
}

/* ---------------------------------------------------------------- together */

static enum cmd_exit
run(enum cmd_exit (*action)(struct sb_pool *, char **), char **arguments)
{
	struct sb_pool *pool;
	enum cmd_exit status;

	if (!cmd_read_settings())
		return CMD_SETTINGS;
	pool = sb_pool_new();
	status = action(pool, arguments);
	sb_pool_free(pool);
	return status;
}

enum cmd_exit
cmd_key_list(char **arguments)
{
	return run(list, arguments);
}

enum cmd_exit
cmd_key_rotate(char **arguments)
{
	return run(rotate, arguments);
}

enum cmd_exit
cmd_key_retire(char **arguments)
{
	return run(retire, arguments);
}
