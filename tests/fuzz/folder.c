/*
 * The folder that folder.h tells of.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "fuzz.h"

static char folder[256];
static pid_t owner;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_all(void)
{
	if (getpid() == owner)
		nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
folder_begin(void)
{
	const char *in = getenv("TMPDIR");

	if (in == NULL)
		in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(folder, sizeof(folder), "%s/switchboard-fuzz-XXXXXX", in);
	PROMISE(mkdtemp(folder) != NULL);
	owner = getpid();
	atexit(remove_all);
	return folder;
}

void
folder_make(const char *path)
{
	char whole[4096];
	size_t n = (size_t)snprintf(whole, sizeof(whole), "%s/%s/", folder,
	    path);

	PROMISE(n < sizeof(whole));
	for (size_t i = strlen(folder) + 1; i < n; i++) {
		if (whole[i] != '/')
			continue;
		whole[i] = '\0';
		PROMISE(mkdir(whole, 0700) == 0 || errno == EEXIST);
		whole[i] = '/';
	}
}

void
folder_write(const char *path, const void *bytes, size_t n)
{
	char whole[4096];
	int fd;

	snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	PROMISE(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}
