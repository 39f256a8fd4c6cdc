/*
 * Places that all processes share, a byte-range lock each: whoever dies leaves
 * his free, and it counts under plain CGI, too.  Hashes, the making of files,
 * tick and the worker rely on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

enum outcome { TAKEN, FULL, BROKEN };

/* Tries every place once, from a random one on. */
static enum outcome
try_all(int fd, int64_t offset, int slots)
{
	unsigned int first;

	sb_random(&first, sizeof(first));
	for (int i = 0; i < slots; i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		    .l_start = (off_t)(offset + (first + (unsigned int)i) %
			(unsigned int)slots), .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return TAKEN;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
			sb_log(SB_ERROR, "slots: %s", strerror(errno));
			return BROKEN;
		}
	}
	return FULL;
}

static enum outcome
take_one(int fd, int64_t first, int slots, int64_t patience)
{
	int64_t end = sb_monotonic() + patience;
	enum outcome outcome;
	unsigned short chance;

	while ((outcome = try_all(fd, first, slots)) == FULL &&
	    sb_monotonic() < end) {
		struct timespec nap = { 0, 0 };

		sb_random(&chance, sizeof(chance));
		nap.tv_nsec = (2000 + chance % 8000) * 1000L;
		nanosleep(&nap, NULL);
	}
	return outcome;
}

int
sb_slot_take_from(const char *name, int64_t first, int slots, int64_t patience)
{
	struct sb_pool *pool = sb_pool_new();
	const char *path = sb_printf(pool, "%s/%s.slots", sb_settings.data,
	    name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum outcome outcome;

	if (fd < 0)
		sb_log(SB_ERROR, "%s: %s", path, strerror(errno));
	sb_pool_free(pool);
	if (fd < 0)
		return -2;
	/* Made by root for its owner, as the programs couldn't open it. */
	sb_data_own(fd, sb_settings.data);
	if ((outcome = take_one(fd, first, slots, patience)) == TAKEN)
		return fd;
	close(fd);
	return outcome == FULL ? -1 : -2;
}

bool
sb_slot_is_taken(const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_len = 1 };
	struct sb_pool *pool = sb_pool_new();
	int fd = open(sb_printf(pool, "%s/%s.slots", sb_settings.data, name),
	    O_RDWR | O_CLOEXEC);
	bool taken = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	sb_pool_free(pool);
	return taken;
}

void
sb_slot_leave(int handle)
{
	close(handle);
}
