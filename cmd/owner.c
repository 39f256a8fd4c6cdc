/*
 * Who may work in the data directory: its owner, as whom the programs run.  A
 * file that somebody else makes there, a -wal of root's, would lock them out.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

/* The groups are those that the owner has when logged in. */
static bool
become(const struct stat *st)
{
	const struct passwd *owner = getpwuid(st->st_uid);
	gid_t group = owner != NULL ? owner->pw_gid : st->st_gid;

	if ((owner != NULL ? initgroups(owner->pw_name, group) :
	    setgroups(1, &group)) != 0)
		return false;
	return setgid(group) == 0 && setuid(st->st_uid) == 0;
}

static const char *
name_of(struct sb_pool *pool, uid_t user)
{
	const struct passwd *known = getpwuid(user);

	return known != NULL ? sb_printf(pool, "%s", known->pw_name) :
	    sb_printf(pool, "user %u", (unsigned)user);
}

/* What is wrong is said in one line; CMD_NOPERM. */
static enum cmd_exit
refuse(const char *command, const struct stat *st, int error)
{
	struct sb_pool *pool = sb_pool_new();
	const char *owner = name_of(pool, st->st_uid);

	if (error == 0)
		fprintf(stderr, "switchboard %s: %s belongs to %s, and you are "
		    "%s: call it as %s%s\n", command, sb_settings.data, owner,
		    name_of(pool, geteuid()), owner,
		    st->st_uid == 0 ? "" : " or root");
	else
		fprintf(stderr, "switchboard %s: %s belongs to %s, and root "
		    "can't become %s here: %s\n", command, sb_settings.data,
		    owner, owner, strerror(error));
	sb_pool_free(pool);
	return CMD_NOPERM;
}

enum cmd_exit
cmd_enter(const char *command)
{
	return cmd_read_settings() ? cmd_become_owner(command) : CMD_SETTINGS;
}

enum cmd_exit
cmd_become_owner(const char *command)
{
	struct stat st;

	/* What isn't there, or can't be seen, is for others to complain of. */
	if (stat(sb_settings.data, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid == geteuid())
		return CMD_OK;
	if (geteuid() != 0)
		return refuse(command, &st, 0);
	return become(&st) ? CMD_OK : refuse(command, &st, errno);
}
