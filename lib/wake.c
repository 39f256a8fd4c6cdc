/*
 * Wakes who waits for news, in whichever process: a listener is a Unix datagram
 * socket in the folder waiting/ABOUT of the data directory, and whoever has
 * committed news of that sends each one a datagram.  wait.c relies on it, and
 * the outbox's worker.
 *
 * Measured: 2 us if nobody is there, 0.1 ms to wake one.  inotify is faster,
 * but a user has 128; PRAGMA data_version costs 0.1 ms a look, of everybody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

#define NAME_SIZE	17		/* of a socket, with its NUL */
#define TRIES		256		/* against those who clear away */

static const char *
path_of(struct sb_pool *pool, const char *about)
{
	return sb_printf(pool, "%s/waiting%s%s", sb_settings.data,
	    *about == '\0' ? "" : "/", about);
}

/* A data directory's path may be longer than a socket's can be. */
static struct sockaddr_un
address_of(int folder, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/%.64s", folder, name);
	return address;
}

/* ---------------------------------------------------------------- to listen */

/* A folder, made if need be, for its owner alone.  -1: with errno. */
static int
make_folder(int in, const char *path)
{
	int fd;

	if (mkdirat(in, path, 0700) != 0 && errno != EEXIST)
		return -1;
	fd = openat(in, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* What root makes is the programs', too. */
	if (fd >= 0 && !sb_data_own(fd, sb_settings.data)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
own(int folder, const char *name)
{
	struct stat st;

	return geteuid() != 0 || (fstat(folder, &st) == 0 &&
	    fchownat(folder, name, st.st_uid, st.st_gid,
	    AT_SYMLINK_NOFOLLOW) == 0);
}

/*
 * A socket is put into the folder where it is looked for when it can be sent to
 * already: one there that can't is dead.  -1: with errno.
 */
static int
listen_in(int all, const char *about)
{
	unsigned char chance[(NAME_SIZE - 1) / 2];
	char name[NAME_SIZE];
	int folder = make_folder(all, about), error;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;

	sb_random(chance, sizeof(chance));
	sb_hex(name, chance, sizeof(chance));
	address = address_of(all, name);
	if (folder >= 0 && fd >= 0 && bind(fd,
	    (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    own(all, name) && renameat(all, name, folder, name) == 0) {
		close(folder);
		return fd;
	}
	error = errno;
	if (fd >= 0) {
		unlinkat(all, name, 0);
		close(fd);
	}
	if (folder >= 0)
		close(folder);
	errno = error;
	return -1;
}

int
sb_wake_listen(struct sb_pool *pool, const char *about)
{
	const char *path = path_of(pool, "");
	int all = make_folder(AT_FDCWD, path), fd = -1;

	/* What is empty may be removed at any moment. */
	for (int i = 0; all >= 0 && fd < 0 && i < TRIES &&
	    (i == 0 || errno == ENOENT); i++)
		fd = listen_in(all, about);
	if (fd < 0)
		sb_log(SB_ERROR, "%s/%s: %s", path, about, strerror(errno));
	if (all >= 0)
		close(all);
	return fd;
}

bool
sb_wake_drain(int listener)
{
	char bytes[64];
	bool news = false;

	while (recv(listener, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		news = true;
	return news;
}

/* The kernel remembers under which name it was bound. */
void
sb_wake_end(struct sb_pool *pool, int listener, const char *about)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);
	const char *folder = path_of(pool, about), *name;

	if (getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
	    (name = strrchr(address.sun_path, '/')) != NULL) {
		unlink(sb_printf(pool, "%s%s", folder, name));
		rmdir(folder);
	}
	close(listener);
}

/* ------------------------------------------------------------------ to wake */

/*
 * Sends what is news to whoever is there, or with NULL nothing; takes away what
 * dead processes have left.  One whose queue is full is about to look anyway.
 * False if nobody is there.
 */
static bool
call_on(DIR *folder, const char *path, const char *about)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	const struct dirent *entry;
	struct sockaddr_un address;
	bool anyone = false;

	while (fd >= 0 && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		address = address_of(dirfd(folder), entry->d_name);
		if ((connect(fd, (struct sockaddr *)&address,
		    sizeof(address)) == 0 && (about == NULL ||
		    send(fd, about, strlen(about), flags) >= 0)) ||
		    errno == EAGAIN)
			anyone = true;
		else if (errno == ECONNREFUSED)
			unlinkat(dirfd(folder), entry->d_name, 0);
		else if (errno != ENOENT)
			sb_log(SB_WARNING, "%s/%s: %s", path, entry->d_name,
			    strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return anyone;
}

static void
call_at(struct sb_pool *pool, const char *where, const char *about)
{
	const char *path = path_of(pool, where);
	DIR *folder = opendir(path);
	bool anyone;

	if (folder == NULL) {
		if (errno != ENOENT && errno != ENOTDIR)
			sb_log(SB_WARNING, "%s: %s", path, strerror(errno));
		return;
	}
	anyone = call_on(folder, path, about);
	closedir(folder);
	/* The one that all others are in stays, as they are made by it. */
	if (!anyone && *where != '\0')
		rmdir(path);
}

void
sb_wake(struct sb_pool *pool, const char *about)
{
	call_at(pool, about, about);
}

void
sb_wake_tidy(struct sb_pool *pool)
{
	DIR *all = opendir(path_of(pool, ""));
	const struct dirent *entry;

	if (all == NULL)
		return;
	while ((entry = readdir(all)) != NULL)
		if (entry->d_name[0] != '.')
			call_at(pool, entry->d_name, NULL);
	closedir(all);
	call_at(pool, "", NULL);
}
