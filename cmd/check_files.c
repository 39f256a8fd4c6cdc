/*
 * What switchboard check says of the data directory: whether it is there, whose
 * it and its files are, who can read them, where it lies, and how much room is
 * left.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "findings.h"

#define MIB		(INT64_C(1) << 20)
#define HTACCESS_MAX	4096	/* bytes that are looked at */

static const char *
data(struct cmd_check *c)
{
	return cmd_quoted(c->pool, sb_settings.data);
}

/* -------------------------------------------------------- the directory */

/* Of a file in it, if there is one that isn't root's; 0: there is none. */
static uid_t
guest(void)
{
	DIR *dir = opendir(sb_settings.data);
	const struct dirent *entry;
	uid_t user = 0;
	struct stat st;

	while (dir != NULL && user == 0 && (entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			user = st.st_uid;
	if (dir != NULL)
		closedir(dir);
	return user;
}

static void
judge_mode(struct cmd_check *c, const struct stat *st)
{
	const char *fix = sb_printf(c->pool, "chmod 700 %s", data(c));

	if (st->st_mode & 07)
		cmd_is_broken(c, fix, "everybody on this machine can look into "
		    "%s", sb_settings.data);
	else if (st->st_mode & 070)
		cmd_is_unwise(c, fix, "the group of %s can look into it",
		    sb_settings.data);
	else if (st->st_uid == 0 && c->open)
		cmd_is_unwise(c, sb_printf(c->pool, "chown -R %s: %s, "
		    "for the user that the programs run as", guest() == 0 ?
		    "www-data" : cmd_user_name(c->pool, guest()), data(c)),
		    "%s belongs to root: programs of the web server's own "
		    "user can't work in it, and should not be root's",
		    sb_settings.data);
	else
		cmd_is_fine(c, "%s is %s's alone", sb_settings.data,
		    cmd_user_name(c->pool, st->st_uid));
}

void
cmd_check_directory(struct cmd_check *c)
{
	struct stat st;

	if (stat(sb_settings.data, &st) != 0 && errno != ENOENT) {
		cmd_is_broken(c, "call this as the user that the programs run "
		    "as", "%s can't be entered", sb_settings.data);
		return;
	}
	if (stat(sb_settings.data, &st) != 0) {
		cmd_is_broken(c, sb_printf(c->pool, "%s, or set "
		    "SWITCHBOARD_DATA to where it is", cmd_init_call(c->pool)),
		    "there is no data directory %s", sb_settings.data);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		cmd_is_broken(c, "set SWITCHBOARD_DATA to a directory",
		    "%s is no directory", sb_settings.data);
		return;
	}
	c->data = true;
	judge_mode(c, &st);
	if (sb_on_network(sb_settings.data))
		cmd_is_unwise(c, "move it to a disk of this machine",
		    "%s is on a network file system: the database goes without "
		    "a WAL there, and is slow", sb_settings.data);
}

/* ------------------------------------------------------------- its files */

/* Files that one thing is wrong with, and what mends that. */
struct bad {
	const char	*names;		/* "" if there are none */
	const char	*paths;
	int		 count;
	bool		 open;		/* to everybody */
	uid_t		 owner;		/* of one of them */
};

static void
add(struct cmd_check *c, struct bad *b, const char *name)
{
	b->names = sb_printf(c->pool, "%s%s%s", b->names,
	    b->count == 0 ? "" : ", ", name);
	b->paths = sb_printf(c->pool, "%s %s", b->paths,
	    cmd_quoted(c->pool, cmd_data_path(c, name)));
	b->count++;
}

static void
look_at_files(struct cmd_check *c, DIR *dir, struct bad *shared,
    struct bad *foreign, int *all)
{
	const struct dirent *entry;
	struct stat st, own;

	if (fstat(dirfd(dir), &own) != 0)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		++*all;
		if (st.st_mode & 077)
			add(c, shared, entry->d_name);
		shared->open |= (st.st_mode & 07) != 0;
		if (st.st_uid == own.st_uid)
			continue;
		add(c, foreign, entry->d_name);
		foreign->owner = st.st_uid;
	}
}

/* A directory of root's is the wrong one, not files of the programs' user. */
static void
tell_foreign(struct cmd_check *c, const struct bad *foreign, uid_t own)
{
	const char *user = cmd_user_name(c->pool, own == 0 && c->open ?
	    foreign->owner : own);

	c->foreign = true;
	cmd_is_broken(c, sb_printf(c->pool, "%schown -R %s: %s",
	    c->root ? "" : "as root: ", user, data(c)),
	    "not %s's, as the directory is, and so out of reach for the "
	    "programs: %s", cmd_user_name(c->pool, own),
	    foreign->names);
}

void
cmd_check_files(struct cmd_check *c)
{
	struct bad shared = { "", "", 0, false }, foreign = shared;
	const char *fix;
	struct stat own;
	int all = 0;
	DIR *dir;

	if (!c->data)
		return;
	dir = opendir(sb_settings.data);
	if (dir == NULL || fstat(dirfd(dir), &own) != 0) {
		cmd_is_broken(c, sb_printf(c->pool, "chmod 700 %s", data(c)),
		    "%s can't be read: %s", sb_settings.data, strerror(errno));
		if (dir != NULL)
			closedir(dir);
		c->data = false;
		return;
	}
	look_at_files(c, dir, &shared, &foreign, &all);
	closedir(dir);
	fix = sb_printf(c->pool, "chmod 600%s", shared.paths);
	if (shared.open)
		cmd_is_broken(c, fix, "everybody may read or write what is "
		    "secret, in %s: %s", sb_settings.data, shared.names);
	else if (shared.count > 0)
		cmd_is_unwise(c, fix, "a group may read or write what is "
		    "secret, in %s: %s", sb_settings.data, shared.names);
	if (foreign.count > 0)
		tell_foreign(c, &foreign, own.st_uid);
	if (shared.count + foreign.count == 0)
		cmd_is_fine(c, "nobody else can read a file in it (%d)", all);
}

/* ----------------------------------------------------------- the web root */

/* Whether a .htaccess refuses everybody, as Apache has it. */
static bool
shuts(struct sb_pool *pool, const char *path)
{
	char *text = sb_alloc(pool, HTACCESS_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	sb_read_all(fd, text, HTACCESS_MAX);
	close(fd);
	return strcasestr(text, "Require all denied") != NULL ||
	    strcasestr(text, "Deny from all") != NULL;
}

/*
 * Whether a folder looks as if a web server gave out what is in it.  A
 * .htaccess in the data directory itself may be there to shut it, as the one in
 * the archive for shared hosting is; an account may have one for other things.
 * Elsewhere what is in it tells.
 */
static const char *
sign_of_web(struct sb_pool *pool, const char *folder, bool is_data)
{
	const size_t first = sb_settings.home != NULL || is_data;
	static const char *const signs[] = { ".htaccess", "index.html",
	    "index.htm", "index.php", "wp-config.php", "robots.txt" };
	const char *path;

	for (size_t i = first; i < sizeof(signs) / sizeof(signs[0]); i++) {
		path = sb_printf(pool, "%s/%s", folder, signs[i]);
		if (access(path, F_OK) == 0 && (i > 0 || !shuts(pool, path)))
			return signs[i];
	}
	return NULL;
}

static bool
is_web_name(const char *name)
{
	static const char *const names[] = { "public_html", "htdocs",
	    "httpdocs", "www", "html", "webroot" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/*
 * From the directory upwards.  A name alone is no proof: some hosts have all of
 * an account below such a folder, what no web server gives out, too.
 */
const char *
cmd_web_sign(struct sb_pool *pool, const char *data, bool *sure)
{
	char *folder = sb_printf(pool, "%s", data), *slash;
	const char *sign, *name = NULL;
	bool is_data = true;

	*sure = true;
	for (size_t n = strlen(folder); n > 0 && folder[n - 1] == '/'; n--)
		folder[n - 1] = '\0';
	for (; (slash = strrchr(folder, '/')) != NULL;
	    *slash = '\0', is_data = false) {
		if ((sign = sign_of_web(pool, folder, is_data)) != NULL)
			return sb_printf(pool, "looks like a part of a web "
			    "site (there is %s/%s): anybody could download the "
			    "database", folder, sign);
		if (name == NULL && is_web_name(slash + 1))
			name = sb_printf(pool, "%s", slash + 1);
	}
	*sure = false;
	return name == NULL ? NULL : sb_printf(pool, "looks like a part of a "
	    "web site, by its name (%s): if it is one, anybody can download "
	    "the database", name);
}

/* Where it isn't there yet, it shouldn't be made there. */
void
cmd_check_web_root(struct cmd_check *c)
{
	const char *fix = c->data ? "move it out of there, where only programs "
	    "can get at it, and set SWITCHBOARD_DATA to that" : "set "
	    "SWITCHBOARD_DATA to a folder that no web server gives out";
	bool sure;
	const char *sign = cmd_web_sign(c->pool, sb_settings.data, &sure);

	if (sign == NULL && c->data)
		cmd_is_fine(c, "it does not look like a part of a web site");
	else if (sign != NULL && sure)
		cmd_is_broken(c, fix, "%s %s", sb_settings.data, sign);
	else if (sign != NULL)
		cmd_is_unwise(c, fix, "%s %s", sb_settings.data, sign);
}

/* --------------------------------------------------------------- the room */

void
cmd_check_space(struct cmd_check *c)
{
	struct statvfs fs;
	struct stat st;
	int64_t left, needed = 100 * MIB;

	if (!c->data || statvfs(sb_settings.data, &fs) != 0)
		return;
	left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (stat(cmd_data_path(c, "switchboard.db"), &st) == 0 &&
	    st.st_size > needed)
		needed = (int64_t)st.st_size;
	if (fs.f_flag & ST_RDONLY)
		cmd_is_broken(c, "mount it for writing; the kernel's log "
		    "(dmesg) may say why it is not", "the file system of %s "
		    "is read-only", sb_settings.data);
	else if (left < 10 * MIB || (fs.f_files > 0 && fs.f_favail < 100))
		cmd_is_broken(c, "free some: df and df -i show which file "
		    "system", "the disk is full: %lld MiB and %lld files are "
		    "left", (long long)(left / MIB), (long long)fs.f_favail);
	else if (left < needed || (fs.f_files > 0 && fs.f_favail < 1000))
		cmd_is_unwise(c, "free some: df and df -i show which file "
		    "system", "%lld MiB and %lld files are left on the disk",
		    (long long)(left / MIB), (long long)fs.f_favail);
	else
		cmd_is_fine(c, "%lld MiB are left on the disk",
		    (long long)(left / MIB));
}
