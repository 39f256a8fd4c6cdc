/*
 * Who may work in the data directory: its owner, as whom the programs run.  A
 * file that somebody else makes there, a -wal of root's, would lock them out.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
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

const char *
cmd_user_name(struct sb_pool *pool, uid_t user)
{
	const struct passwd *known = getpwuid(user);

	return known != NULL ? sb_printf(pool, "%s", known->pw_name) :
	    sb_printf(pool, "%u", (unsigned)user);
}

/* For a sentence, in which a bare number would say nothing. */
static const char *
who(struct sb_pool *pool, uid_t user)
{
	const char *name = cmd_user_name(pool, user);

	return strspn(name, "0123456789") != strlen(name) ? name :
	    sb_printf(pool, "user %s", name);
}

/* What is wrong is said in one line; CMD_NOPERM. */
static enum cmd_exit
refuse(const char *command, const char *path, const struct stat *st, int error)
{
	struct sb_pool *pool = sb_pool_new();
	const char *owner = who(pool, st->st_uid);

	if (error == 0)
		fprintf(stderr, "switchboard %s: %s belongs to %s, and you are "
		    "%s: call it as %s%s\n", command, path, owner,
		    who(pool, geteuid()), owner,
		    st->st_uid == 0 ? "" : " or root");
	else
		fprintf(stderr, "switchboard %s: %s belongs to %s, and root "
		    "can't become %s here: %s\n", command, path,
		    owner, owner, strerror(error));
	sb_pool_free(pool);
	return CMD_NOPERM;
}

/* Root is led somewhere else by nobody. */
static enum cmd_exit
refuse_path(const char *command, const char *path, const struct stat *st,
    const char *where)
{
	struct sb_pool *pool = sb_pool_new();
	const char *owner = who(pool, st->st_uid);
	struct stat step;
	const char *whose = lstat(where, &step) != 0 ? "somebody" :
	    who(pool, step.st_uid);

	fprintf(stderr, "switchboard %s: %s belongs to %s, but %s on the way "
	    "there is %s's, or others can write in it, so root does not go "
	    "there: call it as %s\n", command, path, owner, where, whose,
	    owner);
	sb_pool_free(pool);
	return CMD_NOPERM;
}

static enum cmd_exit
become_owner_of(const char *command, const char *path)
{
	char where[PATH_MAX];
	struct stat st;

	/* What isn't there, or can't be seen, is for others to complain of. */
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return CMD_OK;
	if (geteuid() != 0)
		return st.st_uid == geteuid() ? CMD_OK :
		    refuse(command, path, &st, 0);
	if (!cmd_is_trusted(path, st.st_uid, where, sizeof(where)))
		return refuse_path(command, path, &st, where);
	return st.st_uid == 0 || become(&st) ? CMD_OK :
	    refuse(command, path, &st, errno);
}

enum cmd_exit
cmd_become_owner(const char *command)
{
	return become_owner_of(command, sb_settings.data);
}

/* The settings may lie in the owner's folder, and are read by the owner. */
enum cmd_exit
cmd_become_owner_early(const char *command)
{
	const char *folder = geteuid() == 0 ? sb_settings_folder() : NULL;

	return folder == NULL ? CMD_OK : become_owner_of(command, folder);
}

enum cmd_exit
cmd_enter(const char *command)
{
	enum cmd_exit status = cmd_become_owner_early(command);

	if (status != CMD_OK)
		return status;
	return cmd_read_settings() ? cmd_become_owner(command) : CMD_SETTINGS;
}
