/*
 * What switchboard check says of the keys that sign tokens, and of the secret
 * that names are counted under; and the token that it signs for itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "findings.h"
#include "keyfile.h"

#define LIFETIME	60	/* seconds, of a token of ours */
#define SECRET_BYTES	32
#define SECRET_DIGITS	43	/* of base64url */

/* --------------------------------------------------------------- the keys */

/* Before the first login there needn't be one. */
static void
judge_lack(struct cmd_check *c)
{
	if (c->logins)
		cmd_is_broken(c, sb_printf(c->pool, "put " SB_KEY_FILE " back "
		    "into %s; it is in every backup: switchboard restore "
		    "--force FILE brings that of the database, too\nwithout "
		    "it: %s, and all log in anew", sb_settings.data,
		    cmd_init_call(c->pool)), "the signing key is gone, though "
		    "somebody is logged in: no token of before is taken");
	else
		cmd_is_unwise(c, cmd_init_call(c->pool), "there is no signing "
		    "key; the first login would make it");
}

static void
judge_ring(struct cmd_check *c, struct sb_keyfile *file)
{
	struct sb_keyring ring;
	int gone = 0;

	sb_keyring_make(&ring, file);
	for (int i = 0; i < ring.count; i++)
		gone += sb_key_is_retired(&ring.keys[i]);
	if (gone > 0)
		cmd_is_unwise(c, "switchboard tick", "%d key%s no token any "
		    "more, and could go", gone, gone == 1 ? " is of" :
		    "s are of");
	if (ring.signer == NULL && file->is_new)
		judge_lack(c);
	else if (ring.signer == NULL)
		cmd_is_broken(c, "switchboard key rotate", "no key may sign");
	/* This changes the set in memory, and nothing else. */
	else if (sb_keyring_settle(file))
		cmd_is_unwise(c, ring.signer->is_setting ? "give this command "
		    "the SECRET_KEY of the programs, or start them with this "
		    "one" : "give this command the SECRET_KEY of the programs",
		    "the programs' SECRET_KEY is not this one: they have not "
		    "signed by key %.8s last", ring.signer->kid);
	else
		cmd_is_fine(c, "%s signs, key %.8s; %d key%s verif%s",
		    ring.signer->is_setting ? "SECRET_KEY" : SB_KEY_FILE,
		    ring.signer->kid, ring.count - gone, ring.count - gone == 1
		    ? "" : "s", ring.count - gone == 1 ? "ies" : "y");
}

void
cmd_check_keys(struct cmd_check *c)
{
	struct sb_keyfile file;
	const char *wrong;

	if (!c->data ||
	    cmd_check_is_shut(c, cmd_data_path(c, SB_KEY_FILE)))
		return;
	wrong = sb_keyfile_read(&file, c->pool);
	if (wrong != NULL)
		cmd_is_broken(c, sb_printf(c->pool, "put it back from a "
		    "backup; or remove it, which logs everybody out: rm %s",
		    cmd_quoted(c->pool, file.path)), "%s: %s", file.path,
		    wrong);
	else
		judge_ring(c, &file);
	sb_keyfile_close(&file);
}

const char *
cmd_check_sign(struct cmd_check *c)
{
	struct sb_token token = { .type = SB_TOKEN_CHECK, .sub = "check",
	    .sid = "check", .jti = sb_uuid(c->pool),
	    .iat = sb_now() / SB_SECOND };
	struct sb_keyfile file;
	struct sb_keyring ring = { .count = 0 };
	const char *text = NULL;

	token.exp = token.iat + LIFETIME;
	if (sb_keyfile_read(&file, c->pool) == NULL)
		sb_keyring_make(&ring, &file);
	if (ring.signer != NULL)
		text = sb_token_sign_by(c->pool, ring.signer, &token);
	sb_keyfile_close(&file);
	return text;
}

/* ------------------------------------------------------------- the secret */

static bool
is_secret(struct cmd_check *c, int fd)
{
	char text[SECRET_DIGITS + 2];
	ssize_t n = sb_read_all(fd, text, sizeof(text));
	size_t length = 0;
	bool whole;

	whole = (n == SECRET_DIGITS || (n == SECRET_DIGITS + 1 &&
	    text[SECRET_DIGITS] == '\n')) && sb_unbase64url(c->pool, text,
	    SECRET_DIGITS, &length) != NULL && length == SECRET_BYTES;
	explicit_bzero(text, sizeof(text));
	return whole;
}

void
cmd_check_secret(struct cmd_check *c)
{
	const char *path = cmd_data_path(c, "secret");
	int fd;

	if (!c->data || cmd_check_is_shut(c, path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		cmd_is_fine(c, "there is no secret yet; the first login will "
		    "make it");
	else if (fd < 0)
		cmd_is_broken(c, sb_printf(c->pool, "chmod 600 %s",
		    cmd_quoted(c->pool, path)), "%s: %s", path,
		    strerror(errno));
	else if (!is_secret(c, fd))
		cmd_is_broken(c, "put it back from a backup; without it, what "
		    "it named is unknown", "%s is damaged, and nobody can log "
		    "in", path);
	else
		cmd_is_fine(c, "the secret is whole");
	if (fd >= 0)
		close(fd);
}
