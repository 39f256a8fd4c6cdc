/*
 * Folders for switchboard init, each reached from the one above by an open
 * handle: as root, whoever owns one on the way could lead a path elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

/*
 * Whether a link in an open folder may be followed.  Root goes through folders
 * of others, too, who could have it make or give away something elsewhere.
 */
static bool
may_follow(int folder)
{
	struct stat st;

	return geteuid() != 0 || (fstat(folder, &st) == 0 && st.st_uid == 0 &&
	    (st.st_mode & 022) == 0);
}

/* Many a folder on the way, as a host's /home, may be passed and not read. */
#define PASS	(O_PATH | O_DIRECTORY | O_CLOEXEC)

static int
open_folder(int in, const char *name)
{
	struct stat st;

	if (may_follow(in))
		return openat(in, name, PASS);
	if (fstatat(in, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	return openat(in, name, PASS | O_NOFOLLOW);
}

/* What is made is for everybody to pass.  Closes the one that it is in. */
static int
enter_folder(int in, const char *name)
{
	int fd = open_folder(in, name), error;
	mode_t mask;

	if (fd < 0 && errno == ENOENT) {
		mask = umask(022);
		if (mkdirat(in, name, 0755) == 0 || errno == EEXIST)
			fd = open_folder(in, name);
		umask(mask);
	}
	error = errno;
	close(in);
	errno = error;
	return fd;
}

int
cmd_open_above(struct sb_pool *pool, const char *path, const char **last)
{
	int fd = open(*path == '/' ? "/" : ".", PASS);
	size_t n;

	for (path += strspn(path, "/"); fd >= 0; path += strspn(path, "/")) {
		n = strcspn(path, "/");
		*last = sb_copy(pool, path, n);
		path += n;
		if (path[strspn(path, "/")] == '\0')
			break;
		fd = enter_folder(fd, *last);
	}
	return fd;
}

const char *
cmd_folder_error(int error)
{
	return error == ELOOP ? "a link in a folder of somebody else's leads "
	    "there; name the place itself" : strerror(error);
}

int
cmd_make_below(int folder, const char *name, const struct passwd *owner)
{
	int fd = -1, error;
	struct stat st;

	if (mkdirat(folder, name, 0700) != 0)
		return -1;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	errno = fd < 0 ? errno : EPERM;
	/* Whoever owns the folder may have put another in its place. */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    fchmod(fd, 0700) == 0 && (owner == NULL || fchown(fd,
	    owner->pw_uid, owner->pw_gid) == 0))
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	unlinkat(folder, name, AT_REMOVEDIR);
	errno = error;
	return -1;
}
