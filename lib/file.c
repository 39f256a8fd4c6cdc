/*
 * Answers out of files of the installation: share/switchboard, found from the
 * program's own place so that an installation can be moved, else as configured.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define FILE_MAX	(16 * 1024 * 1024)

static int
open_file(struct sb_pool *pool, const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fd = -1;

	/* From PREFIX/libexec/switchboard/PROGRAM. */
	for (int up = 0; up < 3 && n > 0; up++)
		while (n > 0 && self[--n] != '/')
			continue;
	if (n > 0) {
		self[n] = '\0';
		fd = open(sb_printf(pool, "%s/share/switchboard/%s", self,
		    name), O_RDONLY | O_CLOEXEC);
	}
	return fd >= 0 ? fd : open(sb_printf(pool, "%s/%s", SB_PKGDATADIR,
	    name), O_RDONLY | O_CLOEXEC);
}

enum sb_status
sb_put_file(struct sb_response *rs, const char *name, const char *head,
    size_t skip)
{
	struct sb_pool *pool = rs->rq->pool;
	size_t front = head == NULL ? 0 : strlen(head), size;
	int fd = open_file(pool, name);
	struct stat st;
	char *bytes;
	bool done;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > FILE_MAX ||
	    (size_t)st.st_size < skip) {
		sb_log(SB_ERROR, "%s: not in the installation", name);
		if (fd >= 0)
			close(fd);
		return sb_refuse(rs, &sb_error_internal);
	}
	size = (size_t)st.st_size - skip;
	bytes = sb_alloc(pool, front + size + 1);
	if (front > 0)
		memcpy(bytes, head, front);
	done = lseek(fd, (off_t)skip, SEEK_SET) >= 0 &&
	    sb_read_all(fd, bytes + front, size) == (ssize_t)size;
	close(fd);
	if (!done)
		sb_fatal("%s: cannot be read", name);
	rs->content = bytes;
	rs->content_length = front + size;
	rs->media = rs->rq->way->route->media;
	return SB_OK;
}
