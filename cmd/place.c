/*
 * Whether switchboard init may make what is missing in a data directory: not
 * where the world could download it, not beside files of another user, and not
 * in place of a database that was lost.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

static enum cmd_exit
refuse(const char *what, const char *why)
{
	fprintf(stderr, "switchboard init: %s: %s\n", what, why);
	return CMD_DATA;
}

static enum cmd_exit
judge_web(struct sb_pool *pool)
{
	bool sure;
	const char *sign = cmd_web_sign(pool, sb_settings.data, &sure);

	if (sign != NULL && sure)
		return refuse(sb_settings.data, sb_printf(pool, "%s; set "
		    "SWITCHBOARD_DATA to a folder that no web server gives out",
		    sign));
	if (sign != NULL)
		fprintf(stderr, "switchboard init: warning: %s %s\n",
		    sb_settings.data, sign);
	return CMD_OK;
}

/* A file in the directory that isn't its owner's, and whose; or NULL. */
static const char *
find_foreign(struct sb_pool *pool, DIR *dir, uid_t own, uid_t *whose)
{
	const struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    st.st_uid != own) {
			*whose = st.st_uid;
			return sb_printf(pool, "%s", entry->d_name);
		}
	return NULL;
}

static enum cmd_exit
judge_owners(struct sb_pool *pool, const char *user)
{
	DIR *dir = opendir(sb_settings.data);
	const char *name = NULL, *owner;
	uid_t whose = 0;
	struct stat st;

	if (dir == NULL)
		return CMD_OK;
	if (fstat(dirfd(dir), &st) == 0)
		name = find_foreign(pool, dir, st.st_uid, &whose);
	closedir(dir);
	if (name == NULL)
		return CMD_OK;
	owner = user != NULL ? user : cmd_user_name(pool, st.st_uid == 0 ?
	    whose : st.st_uid);
	return refuse(sb_printf(pool, "%s/%s", sb_settings.data, name),
	    sb_printf(pool, "belongs to %s, and the directory to %s; to change "
	    "that: chown -R %s: %s", cmd_user_name(pool, whose),
	    cmd_user_name(pool, st.st_uid), owner,
	    cmd_quoted(pool, sb_settings.data)));
}

enum cmd_exit
cmd_judge_place(struct sb_pool *pool, const char *user)
{
	const bool anew = sb_is_empty(sb_printf(pool, "%s/switchboard.db",
	    sb_settings.data));
	const char *left = anew ? cmd_left_of_database(pool) : NULL;
	enum cmd_exit status;

	if (anew && (status = judge_web(pool)) != CMD_OK)
		return status;
	if ((status = judge_owners(pool, user)) != CMD_OK || left == NULL)
		return status;
	return refuse(sb_settings.data, sb_printf(pool, "its database is gone, "
	    "though there is %s; to put it back: %s restore --force FILE; to "
	    "begin anew without the accounts, remove what is left", left,
	    cmd_own_call(pool)));
}
