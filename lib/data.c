/*
 * The data directory: where the database, the keys and the slots are.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"

/* Who may not read the folder above can do no more. */
bool
sb_data_make(void)
{
	struct sb_pool *pool;

	if (mkdir(sb_settings.data, 0700) != 0)
		return false;
	pool = sb_pool_new();
	sb_sync_path(dirname(sb_copy(pool, sb_settings.data,
	    strlen(sb_settings.data))));
	sb_pool_free(pool);
	return true;
}

bool
sb_data_directory(void)
{
	struct stat st;

	if (stat(sb_settings.data, &st) == 0 ||
	    (errno == ENOENT && sb_data_make()) || errno == EEXIST)
		return true;
	sb_log(SB_ERROR, "SWITCHBOARD_DATA: %s: %s: make the directory, for "
	    "the user that the programs run as", sb_settings.data,
	    strerror(errno));
	return false;
}

static bool
is_same_place(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The folder that it is, lies in, or will be made in; "/.." may follow. */
static bool
find_folder(const char *of, char *path, size_t size, struct stat *st)
{
	size_t n = (size_t)snprintf(path, size, "%s", of);

	if (n >= size)
		return false;
	if (stat(path, st) == 0 && S_ISDIR(st->st_mode))
		return true;
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	path[n] = '\0';
	return stat(path, st) == 0;
}

static bool
ends_below(const char *path, const struct stat *wanted)
{
	char up[PATH_MAX];
	struct stat here, below;
	size_t n;

	if (!find_folder(path, up, sizeof(up), &here))
		return false;
	n = strlen(up);
	do {
		if (is_same_place(&here, wanted))
			return true;
		below = here;
		n += (size_t)snprintf(up + n, sizeof(up) - n, "/..");
	} while (n < sizeof(up) && stat(up, &here) == 0 &&
	    !is_same_place(&here, &below));
	return false;
}

/* What a link in it leads to is served as well.  Links and ".." mix badly. */
static bool
passes_through(const char *path, const struct stat *wanted)
{
	char part[PATH_MAX];
	struct stat here;

	if (strstr(path, "/..") != NULL)
		return false;
	for (const char *p = path; (p = strchr(p + 1, '/')) != NULL;) {
		int n = snprintf(part, sizeof(part), "%.*s", (int)(p - path),
		    path);

		if (n < (int)sizeof(part) && stat(part, &here) == 0 &&
		    is_same_place(&here, wanted))
			return true;
	}
	return false;
}

bool
sb_lies_in(const char *path, const char *directory)
{
	struct stat root, wanted;

	if (*path == '\0' || stat(directory, &wanted) != 0 ||
	    stat("/", &root) != 0 || is_same_place(&wanted, &root))
		return false;
	return passes_through(path, &wanted) || ends_below(path, &wanted);
}

bool
sb_is_empty(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 ? errno == ENOENT : st.st_size == 0;
}

bool
sb_on_network(const char *directory)
{
	static const unsigned long types[] = {
		0x6969,		/* NFS */
		0x517b,		/* SMB */
		0xff534d42,	/* CIFS */
		0xfe534d42,	/* SMB2 */
		0x01021997,	/* 9P */
		0x5346414f,	/* AFS */
		0x00c36400,	/* Ceph */
		0x0bd00bd0,	/* Lustre */
		0x01161970,	/* GFS2 */
		0x7461636f,	/* OCFS2 */
		0x47504653,	/* GPFS */
		0x786f4256,	/* VirtualBox's shared folders */
		0x65735546,	/* FUSE: sshfs and the like, one cannot tell */
	};
	struct statfs fs;

	if (statfs(directory, &fs) != 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (((unsigned long)fs.f_type & 0xffffffff) == types[i])
			return true;
	return false;
}

/* ------------------------------------------------------------- whole files */

bool
sb_data_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool
sb_data_own(int fd, const char *path)
{
	const bool root = geteuid() == 0;
	struct stat like, mine;

	if ((stat(path, &like) != 0 && (!root ||
	    stat(sb_settings.data, &like) != 0)) || fstat(fd, &mine) != 0)
		return true;
	if (like.st_uid == mine.st_uid && (!root ||
	    like.st_gid == mine.st_gid))
		return true;
	return fchown(fd, like.st_uid, like.st_gid) == 0;
}

ssize_t
sb_read_all(int fd, char *bytes, size_t n)
{
	size_t done = 0;
	ssize_t got;

	do {
		got = read(fd, bytes + done, n - done);
		if (got > 0)
			done += (size_t)got;
	} while ((got > 0 && done < n) || (got < 0 && errno == EINTR));
	return got < 0 ? -1 : (ssize_t)done;
}

static bool
write_and_sync(int fd, const char *text)
{
	size_t n = strlen(text);
	ssize_t put;

	for (; n > 0; text += put, n -= (size_t)put)
		while ((put = write(fd, text, n)) < 0)
			if (errno != EINTR)
				return false;
	return fsync(fd) == 0;
}

static bool
write_beside(const char *path, const char *temporary, const char *text)
{
	int fd, error;
	bool done;

	/* Of a process that died here. */
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	done = fchmod(fd, 0600) == 0 && sb_data_own(fd, path) &&
	    write_and_sync(fd, text);
	error = errno;
	close(fd);
	errno = error;
	return done;
}

bool
sb_sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

const char *
sb_data_write(const char *name, const char *text, bool replace)
{
	struct sb_pool *pool = sb_pool_new();
	const char *path = sb_printf(pool, "%s/%s", sb_settings.data, name);
	const char *temporary = sb_printf(pool, "%s.new", path);
	const char *why = NULL;

	if (!write_beside(path, temporary, text) || (replace ?
	    rename(temporary, path) : link(temporary, path)) != 0)
		why = strerror(errno);
	if (why != NULL || !replace)
		unlink(temporary);
	if (why == NULL && !sb_sync_path(sb_settings.data))
		why = strerror(errno);
	sb_pool_free(pool);
	return why;
}
