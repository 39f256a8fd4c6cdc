/*
 * The file of counters of a program: how it is made, found and mapped.  All of
 * it can be lost, so nothing of it is ever repaired: what isn't whole is made
 * anew beside, and takes its place at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics.h"

#define MAGIC		"SBCOUNT"	/* and its NUL */
#define ALIGNED		64		/* a line of a processor's cache */
#define FILE_MAX	((size_t)1024 * 1024)
#define PATIENCE	SB_SECOND

/* Far beyond the end of a file: a byte for each number of a process. */
#define PROCESSES_AT	((off_t)1 << 30)
#define PROCESSES_END	(PROCESSES_AT + ((off_t)1 << 22))

/* Numbers are the machine's own: the file never leaves it. */
struct head {
	char		 magic[8];
	uint64_t	 hash;		/* of the text, which follows */
	uint32_t	 length;	/* of it, in bytes */
	uint32_t	 count;		/* of the counters, aligned, after it */
};

_Static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2,
    "counters that processes share without a lock");

static size_t
counters_at(size_t length)
{
	return (sizeof(struct head) + length + ALIGNED - 1) / ALIGNED *
	    ALIGNED;
}

static size_t
size_of(size_t length, size_t count)
{
	return counters_at(length) + count * sizeof(uint64_t);
}

/* ------------------------------------------------------------- the mapping */

/* The two that a process may have: its own, and one that it reads. */
static struct sb_metrics *mapped[2];

/*
 * A file that somebody cut off, or that its disk can't hold, must not end the
 * process: memory takes its place, and what was counted is lost.  POSIX doesn't
 * list mmap among what a handler may call; Linux' C libraries only pass it on
 * to the kernel, and set errno.
 *
 * Any other signal of that number ends the process, as it would have without
 * us: a fault would come again by itself, but not what somebody sent.
 */
static void
on_bus(int number, siginfo_t *info, void *context)
{
	const char *at = info->si_addr;
	const int error = errno;

	(void)context;
	for (int i = 0; i < 2; i++) {
		struct sb_metrics *m = mapped[i];

		/* Of what was sent, si_addr is no address. */
		if (info->si_code <= 0 || m == NULL ||
		    at < m->map || at >= m->map + m->size ||
		    mmap(m->map, m->size, PROT_READ | PROT_WRITE, MAP_FIXED |
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			continue;
		m->lost = 1;
		errno = error;
		return;
	}
	/* It is blocked here, and so comes as soon as this returns. */
	signal(number, SIG_DFL);
	raise(number);
}

static void
guard(struct sb_metrics *m)
{
	struct sigaction action = { .sa_sigaction = on_bus,
	    .sa_flags = SA_SIGINFO };

	mapped[mapped[0] != NULL] = m;
	sigaction(SIGBUS, &action, NULL);
}

void
sb_metrics_unmap(struct sb_metrics *m)
{
	for (int i = 0; i < 2; i++)
		if (mapped[i] == m)
			mapped[i] = NULL;
	if (m->map != NULL)
		munmap(m->map, m->size);
	*m = (struct sb_metrics){ .map = NULL };
}

/* Whether what is mapped is whole; then sets where its parts are. */
static bool
is_sound(struct sb_metrics *m)
{
	struct head head;

	memcpy(&head, m->map, sizeof(head));
	if (memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0 ||
	    head.length > FILE_MAX || head.count > FILE_MAX ||
	    size_of(head.length, head.count) != m->size)
		return false;
	m->text = m->map + sizeof(head);
	m->length = head.length;
	m->counters = (_Atomic uint64_t *)(void *)(m->map +
	    counters_at(m->length));
	m->count = head.count;
	return sb_fnv1a(m->text, m->length) == head.hash && !m->lost;
}

bool
sb_metrics_map(struct sb_metrics *m, int fd)
{
	const bool writes = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	struct stat st;
	void *map;

	*m = (struct sb_metrics){ .map = NULL };
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)sizeof(struct head) ||
	    st.st_size > (off_t)FILE_MAX)
		return false;
	map = mmap(NULL, (size_t)st.st_size, writes ? PROT_READ | PROT_WRITE :
	    PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	m->map = map;
	m->size = (size_t)st.st_size;
	m->device = st.st_dev;
	m->inode = st.st_ino;
	guard(m);
	if (is_sound(m))
		return true;
	sb_metrics_unmap(m);
	return false;
}

/* ---------------------------------------------------------------- the file */

enum found { NONE, OURS, ANOTHER, DAMAGED, BARRED };

static const char *
path_of(struct sb_pool *pool, const char *program)
{
	return sb_printf(pool, "%s/%s" SB_METRICS_ENDING, sb_settings.data,
	    program);
}

static enum found
find(struct sb_metrics *m, const char *path,
    const struct sb_metrics_layout *want)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool sound;

	if (fd < 0)
		return errno == ENOENT ? NONE : BARRED;
	sound = sb_metrics_map(m, fd);
	close(fd);
	if (!sound)
		return DAMAGED;
	if (m->count == want->counters && m->length == want->length &&
	    memcmp(m->text, want->text, want->length) == 0)
		return OURS;
	sb_metrics_unmap(m);
	return ANOTHER;
}

/* All of its blocks are its own, so that a full disk is noticed here. */
static int
fill(int fd, const struct sb_metrics_layout *want)
{
	const struct head head = { MAGIC, sb_fnv1a(want->text, want->length),
	    (uint32_t)want->length, (uint32_t)want->counters };
	int error = posix_fallocate(fd, 0, (off_t)size_of(want->length,
	    want->counters));

	if (error != 0)
		return error;
	if (fchmod(fd, 0600) != 0 || !sb_data_own(fd, sb_settings.data) ||
	    pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    pwrite(fd, want->text, want->length, sizeof(head)) !=
	    (ssize_t)want->length)
		return errno == 0 ? EIO : errno;
	return 0;
}

static const char *
make(struct sb_pool *pool, const char *path,
    const struct sb_metrics_layout *want)
{
	const char *temporary = sb_printf(pool, "%s.new", path);
	int fd, error;

	/* Of a process that died here. */
	unlink(temporary);
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return strerror(errno);
	errno = 0;
	error = fill(fd, want);
	close(fd);
	if (error == 0 && rename(temporary, path) != 0)
		error = errno;
	if (error != 0)
		unlink(temporary);
	return error == 0 ? NULL : strerror(error);
}

const char sb_metrics_another[] = "is of another version";

static bool
is_to_be_made(enum found found, bool replace)
{
	return found == NONE || found == DAMAGED ||
	    (found == ANOTHER && replace);
}

const char *
sb_metrics_attach(struct sb_metrics *m, const struct sb_metrics_layout *want,
    bool replace)
{
	struct sb_pool *pool = sb_pool_new();
	const char *path = path_of(pool, want->program), *why = NULL;
	enum found found = find(m, path, want);
	int place = -1;

	if (is_to_be_made(found, replace)) {
		if (sb_data_directory())
			place = sb_slot_take("metrics", 1, PATIENCE);
		if (place < 0)
			why = "can't be locked to be made";
		else if (is_to_be_made(found = find(m, path, want), replace) &&
		    (why = make(pool, path, want)) == NULL)
			found = find(m, path, want);
	}
	if (found == BARRED)
		why = strerror(errno);
	else if (found == ANOTHER && why == NULL)
		why = sb_metrics_another;
	else if (found != OURS && why == NULL)
		why = "is not what it should be";
	if (place >= 0)
		sb_slot_leave(place);
	sb_pool_free(pool);
	return why;
}

bool
sb_metrics_is_current(const struct sb_metrics *m, const char *program)
{
	struct sb_pool *pool = sb_pool_new();
	struct stat st;
	bool current = stat(path_of(pool, program), &st) == 0 &&
	    st.st_dev == m->device && st.st_ino == m->inode;

	sb_pool_free(pool);
	return current && !m->lost;
}

/* --------------------------------------------------------------- processes */

/* The kernel frees the lock however the process ends. */
int
sb_metrics_enter(const char *program)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = PROCESSES_AT + getpid(), .l_len = 1 };
	struct sb_pool *pool = sb_pool_new();
	int fd = open(path_of(pool, program), O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	sb_pool_free(pool);
	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * Finds the lowest lock that reaches beyond that byte.  Of several any is told:
 * then there may be others below it.
 */
static bool
find_lock(int fd, off_t from, struct flock *lowest)
{
	off_t to = PROCESSES_END;

	while (from < to) {
		struct flock lock = { .l_type = F_WRLCK,
		    .l_whence = SEEK_SET, .l_start = from,
		    .l_len = to - from };

		if (fcntl(fd, F_OFD_GETLK, &lock) != 0 ||
		    lock.l_type == F_UNLCK)
			break;
		*lowest = lock;
		to = lock.l_start;
	}
	return to < PROCESSES_END;
}

/*
 * Anybody who may read the file may lock as much of it as he likes: what is not
 * a single byte is no process, and is passed over.
 */
int
sb_metrics_processes(int fd)
{
	off_t at = PROCESSES_AT;
	struct flock lock;
	int n = 0;

	while (find_lock(fd, at, &lock)) {
		n += lock.l_len == 1;
		if (lock.l_len == 0)
			break;
		at = lock.l_start + lock.l_len;
	}
	return n;
}
