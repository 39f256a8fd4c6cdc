/*
 * What switchboard check says of files that the programs can't get at: those
 * of the data directory, the settings file and the log.  The command is the
 * directory's owner by now, as the programs are, and so it is asked what it may
 * do itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "findings.h"

/* ------------------------------------------------ of the data directory */

static bool
is_denied(const char *path, int how)
{
	return faccessat(AT_FDCWD, path, how, AT_EACCESS) != 0 &&
	    errno == EACCES;
}

/* The files of others are told of once, with what mends all of them. */
bool
cmd_check_is_shut(struct cmd_check *c, const char *path)
{
	const char *quoted = cmd_quoted(c->pool, path);
	struct stat st;

	if (!is_denied(path, R_OK | W_OK))
		return false;
	if (c->foreign)
		return true;
	if (stat(path, &st) == 0 && st.st_uid != geteuid())
		cmd_is_broken(c, sb_printf(c->pool, "chown %s: %s",
		    cmd_user_name(c->pool, geteuid()), quoted), "%s belongs to "
		    "%s: the programs can't read or write it", path,
		    cmd_user_name(c->pool, st.st_uid));
	else
		cmd_is_broken(c, sb_printf(c->pool, "chmod 600 %s", quoted),
		    "the programs can't read or write %s", path);
	return true;
}

/* ---------------------------------------------------- the settings file */

static const char *
own_group(struct cmd_check *c)
{
	const struct group *known = getgrgid(getegid());

	return known != NULL ? sb_printf(c->pool, "%s", known->gr_name) :
	    sb_printf(c->pool, "%u", (unsigned)getegid());
}

/* What lets the programs read a file; in the data directory it is their own. */
const char *
cmd_letting_in(struct cmd_check *c, const char *path)
{
	const char *quoted = cmd_quoted(c->pool, path);
	const char *user = cmd_user_name(c->pool, geteuid());
	struct stat st;

	if (stat(path, &st) != 0)
		return sb_printf(c->pool, "let %s pass the folders above it: "
		    "namei -l %s shows them", user, quoted);
	if (strcmp(path, cmd_data_path(c, ".env")) == 0)
		return sb_printf(c->pool, "%schown %s: %s && chmod 600 %s",
		    c->root ? "" : "as root: ", user, quoted, quoted);
	return sb_printf(c->pool, "%schgrp %s %s && chmod 640 %s",
	    c->root ? "" : "as root: ", own_group(c), quoted, quoted);
}

bool
cmd_check_reads_settings(void)
{
	return sb_settings.env_file == NULL ||
	    !is_denied(sb_settings.env_file, R_OK);
}

/* Whether the programs could read it, if others might not. */
static bool
is_let_in(struct cmd_check *c, const struct stat *st)
{
	int n = getgroups(0, NULL);
	gid_t *groups = sb_alloc(c->pool, ((size_t)n + 1) * sizeof(*groups));
	bool member = st->st_gid == getegid();

	n = getgroups(n, groups);
	for (int i = 0; i < n; i++)
		member |= groups[i] == st->st_gid;
	return geteuid() == 0 || (st->st_uid == geteuid() ?
	    (st->st_mode & S_IRUSR) : member && (st->st_mode & S_IRGRP));
}

/* A settings file elsewhere may be read by others, unless it has a secret. */
void
cmd_check_secrets(struct cmd_check *c)
{
	const char *path = sb_settings.env_file;
	struct stat st;
	int secrets = 0;

	for (size_t i = 0; i < sb_setting_count; i++)
		secrets += sb_setting_table[i].type == SECRET &&
		    sb_setting_found[i].origin == SETTINGS_FILE;
	if (path == NULL || secrets == 0 || stat(path, &st) != 0)
		return;
	if (st.st_mode & 07)
		cmd_is_broken(c, is_let_in(c, &st) ? sb_printf(c->pool,
		    "chmod o= %s", cmd_quoted(c->pool, path)) :
		    cmd_letting_in(c, path), "everybody on this machine can "
		    "read the secret%s in %s", secrets == 1 ? "" : "s", path);
	else
		cmd_is_fine(c, "%s has secrets, and not everybody can read it",
		    path);
}

/* --------------------------------------------------------------- the log */

void
cmd_check_log(struct cmd_check *c)
{
	const char *path = sb_settings.log_file, *folder;
	const char *user = cmd_user_name(c->pool, geteuid());
	struct stat st;

	if (path == NULL || path[0] != '/')
		return;
	folder = dirname(sb_printf(c->pool, "%s", path));
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		cmd_is_unwise(c, "another LOG_FILE", "the log %s is a folder: "
		    "its lines go to standard error alone", path);
	else if (access(path, W_OK) == 0 || (errno == ENOENT &&
	    access(folder, W_OK | X_OK) == 0))
		cmd_is_fine(c, "the log can be written, in %s", path);
	else if (access(path, F_OK) == 0)
		cmd_is_unwise(c, sb_printf(c->pool, "chown %s: %s", user,
		    cmd_quoted(c->pool, path)), "%s can't write the log in %s: "
		    "its lines go to standard error alone", user, path);
	else
		cmd_is_unwise(c, sb_printf(c->pool, "install -d -o %s %s, or "
		    "another LOG_FILE", user, cmd_quoted(c->pool, folder)),
		    "%s can't make the log %s: its lines go to standard error "
		    "alone", user, path);
}
