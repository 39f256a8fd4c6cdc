/*
 * Records what a program asks of a disk: each write, change of a size, name and
 * flush below the folder SB_RECORDED, in one order over all processes, into
 * SB_RECORD.  Preloaded (LD_PRELOAD), it stands between the C library and
 * whoever calls it, SQLite among them; disk.py makes of its record what a power
 * cut may leave.
 *
 * A call and its line in the record are one step under a lock that all share.
 * It is of the kind that the kernel takes back from a process that dies, and
 * that a child doesn't inherit.  What is mapped into memory is not seen: SQLite
 * maps only what it makes anew, and counters of metrics are promised to nobody.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HIGH	700	/* descriptors from here on are nobody else's */

_Static_assert(sizeof(long) == sizeof(off_t), "calls pass an offset whole");

/* disk.py reads them. */
enum kind { MADE = 1, WRITTEN, SIZED, GROWN, FLUSHED, FOLDER_FLUSHED, RENAMED,
    LINKED, UNLINKED, FOLDER_MADE, FOLDER_REMOVED };

struct head {
	uint32_t	kind, length;	/* of what was written */
	uint64_t	inode;
	int64_t		at;		/* its offset, or a size */
	uint32_t	name, other;	/* the lengths of two paths */
};

/* Before main begins, so that a program may shut itself in later. */
static int to = -1;
static char folder[PATH_MAX];
static size_t folder_length;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("SB_RECORD"), *below = getenv("SB_RECORDED");
	int fd;

	if (path == NULL || below == NULL || strlen(below) >= sizeof(folder) ||
	    (fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND |
	    O_CLOEXEC, 0)) < 0)
		return;
	to = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	close(fd);
	folder_length = strlen(below);
	memcpy(folder, below, folder_length + 1);
}

static void
lock(short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };

	while (to >= 0 && fcntl(to, F_SETLKW, &all) != 0 && errno == EINTR)
		continue;
}

/* The result of a call is what its caller sees, and errno is of that. */
static long
done(long result)
{
	int error = errno;

	lock(F_UNLCK);
	errno = error;
	return result;
}

static bool
is_below(const char *path)
{
	return to >= 0 && strncmp(path, folder, folder_length) == 0 &&
	    (path[folder_length] == '/' || path[folder_length] == '\0');
}

/* The whole path of a name; false: it is of no interest. */
static bool
find(int in, const char *name, char path[PATH_MAX])
{
	char link[64];
	ssize_t n = 0;

	if (to < 0)
		return false;
	if (*name != '/') {
		snprintf(link, sizeof(link), in == AT_FDCWD ? "/proc/self/cwd" :
		    "/proc/self/fd/%d", in);
		n = readlink(link, path, PATH_MAX - 1);
		if (n < 0)
			return false;
	}
	snprintf(path + n, PATH_MAX - (size_t)n, "%s%s", n == 0 || *name == '\0'
	    ? "" : "/", name);
	return is_below(path);
}

/* The file that a descriptor is of, if that lies below. */
static bool
is_recorded(int fd, struct stat *st)
{
	char path[PATH_MAX];

	return to >= 0 && fstat(fd, st) == 0 && (S_ISREG(st->st_mode) ||
	    S_ISDIR(st->st_mode)) && find(fd, "", path);
}

static void
put(struct head h, const char *name, const char *other, const void *bytes)
{
	struct iovec parts[] = { { &h, sizeof(h) },
	    { (char *)name, strlen(name) }, { (char *)other, strlen(other) },
	    { (void *)bytes, h.length } };
	const int error = errno;
	ssize_t all;

	h.name = (uint32_t)parts[1].iov_len;
	h.other = (uint32_t)parts[2].iov_len;
	all = (ssize_t)(sizeof(h) + h.name + h.other + h.length);
	/* A record with a gap is worse than none. */
	if (writev(to, parts, 4) != all)
		_Exit(121);
	errno = error;
}

/* ------------------------------------------------------------------ files */

/*
 * Whether it was made is told by trying: the kernel says so only to who asks
 * that it be so.
 */
static long
open_noting(int in, const char *path, int flags, mode_t mode)
{
	long fd = -1;

	if (flags & O_CREAT) {
		fd = syscall(SYS_openat, in, path, flags | O_EXCL, mode);
		if (fd >= 0) {
			struct stat st;

			fstat((int)fd, &st);
			put((struct head){ .kind = MADE, .inode = st.st_ino },
			    path, "", NULL);
		}
	}
	if (fd < 0 && (!(flags & O_CREAT) || (errno == EEXIST &&
	    !(flags & O_EXCL))))
		fd = syscall(SYS_openat, in, path, flags & ~O_CREAT, mode);
	return fd;
}

static int
open_at(int in, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	struct stat st;
	long fd;

	if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE
	    || !find(in, name, path))
		return (int)syscall(SYS_openat, in, name, flags, mode);
	lock(F_WRLCK);
	fd = open_noting(in, path, flags, mode);
	if (fd >= 0 && flags & O_TRUNC && fstat((int)fd, &st) == 0)
		put((struct head){ .kind = SIZED, .inode = st.st_ino }, "", "",
		    NULL);
	return (int)done(fd);
}

#define MODE_OF(flags)	va_list rest;					\
	mode_t mode;							\
									\
	va_start(rest, flags);						\
	mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
	va_end(rest)

int
open(const char *path, int flags, ...)
{
	MODE_OF(flags);

	return open_at(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	MODE_OF(flags);

	return open_at(AT_FDCWD, path, flags, mode);
}

int
openat(int in, const char *path, int flags, ...)
{
	MODE_OF(flags);

	return open_at(in, path, flags, mode);
}

int __open_2(const char *, int);

int
__open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	struct stat st;
	off_t at;
	long put_in;

	if (!is_recorded(fd, &st))
		return syscall(SYS_write, fd, bytes, n);
	lock(F_WRLCK);
	at = lseek(fd, 0, SEEK_CUR);
	if (fcntl(fd, F_GETFL) & O_APPEND && fstat(fd, &st) == 0)
		at = st.st_size;
	if ((put_in = syscall(SYS_write, fd, bytes, n)) > 0)
		put((struct head){ WRITTEN, (uint32_t)put_in, st.st_ino, at, 0,
		    0 }, "", "", bytes);
	return done(put_in);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	struct stat st;
	long put_in;

	if (!is_recorded(fd, &st))
		return syscall(SYS_pwrite64, fd, bytes, n, at);
	lock(F_WRLCK);
	if ((put_in = syscall(SYS_pwrite64, fd, bytes, n, at)) > 0)
		put((struct head){ WRITTEN, (uint32_t)put_in, st.st_ino, at, 0,
		    0 }, "", "", bytes);
	return done(put_in);
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

int
ftruncate64(int fd, off_t size)
{
	struct stat st;
	long rc;

	if (!is_recorded(fd, &st))
		return (int)syscall(SYS_ftruncate, fd, size);
	lock(F_WRLCK);
	if ((rc = syscall(SYS_ftruncate, fd, size)) == 0)
		put((struct head){ .kind = SIZED, .inode = st.st_ino,
		    .at = size }, "", "", NULL);
	return (int)done(rc);
}

int
ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

int
posix_fallocate(int fd, off_t at, off_t length)
{
	struct stat st;
	long rc;

	lock(F_WRLCK);
	rc = syscall(SYS_fallocate, fd, 0, at, length);
	if (rc == 0 && is_recorded(fd, &st))
		put((struct head){ .kind = GROWN, .inode = st.st_ino,
		    .at = at + length }, "", "", NULL);
	/* It says what is wrong by what it returns. */
	return done(rc) == 0 ? 0 : errno;
}

/* Of a folder what is flushed are the names in it. */
static int
flush(long call, int fd)
{
	char path[PATH_MAX];
	struct stat st;
	long rc;

	if (!is_recorded(fd, &st))
		return (int)syscall(call, fd);
	lock(F_WRLCK);
	if ((rc = syscall(call, fd)) == 0 && find(fd, "", path))
		put((struct head){ .kind = S_ISDIR(st.st_mode) ?
		    FOLDER_FLUSHED : FLUSHED, .inode = st.st_ino }, path, "",
		    NULL);
	return (int)done(rc);
}

int
fsync(int fd)
{
	return flush(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return flush(SYS_fdatasync, fd);
}

/* ------------------------------------------------------------------ names */

/* Those of sockets and other links are of no interest to disk.py. */
static void
put_names(enum kind kind, const char *name, const char *other)
{
	put((struct head){ .kind = kind }, name, other, NULL);
}

static int
rename_at(int from, const char *name, int into, const char *new)
{
	char path[PATH_MAX], other[PATH_MAX];
	long rc;

	if (!find(from, name, path) || !find(into, new, other))
		return (int)syscall(SYS_renameat2, from, name, into, new, 0);
	lock(F_WRLCK);
	if ((rc = syscall(SYS_renameat2, from, name, into, new, 0)) == 0)
		put_names(RENAMED, path, other);
	return (int)done(rc);
}

int
rename(const char *name, const char *new)
{
	return rename_at(AT_FDCWD, name, AT_FDCWD, new);
}

int
renameat(int from, const char *name, int into, const char *new)
{
	return rename_at(from, name, into, new);
}

int
link(const char *name, const char *new)
{
	char path[PATH_MAX], other[PATH_MAX];
	long rc;

	if (!find(AT_FDCWD, name, path) || !find(AT_FDCWD, new, other))
		return (int)syscall(SYS_linkat, AT_FDCWD, name, AT_FDCWD, new,
		    0);
	lock(F_WRLCK);
	if ((rc = syscall(SYS_linkat, AT_FDCWD, name, AT_FDCWD, new, 0)) == 0)
		put_names(LINKED, path, other);
	return (int)done(rc);
}

static int
unlink_at(int in, const char *name, int flags)
{
	char path[PATH_MAX];
	long rc;

	if (!find(in, name, path))
		return (int)syscall(SYS_unlinkat, in, name, flags);
	lock(F_WRLCK);
	if ((rc = syscall(SYS_unlinkat, in, name, flags)) == 0)
		put_names(flags & AT_REMOVEDIR ? FOLDER_REMOVED : UNLINKED,
		    path, "");
	return (int)done(rc);
}

int
unlink(const char *name)
{
	return unlink_at(AT_FDCWD, name, 0);
}

int
unlinkat(int in, const char *name, int flags)
{
	return unlink_at(in, name, flags);
}

int
rmdir(const char *name)
{
	return unlink_at(AT_FDCWD, name, AT_REMOVEDIR);
}

static int
make_folder(int in, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	long rc;

	if (!find(in, name, path))
		return (int)syscall(SYS_mkdirat, in, name, mode);
	lock(F_WRLCK);
	if ((rc = syscall(SYS_mkdirat, in, name, mode)) == 0)
		put_names(FOLDER_MADE, path, "");
	return (int)done(rc);
}

int
mkdir(const char *name, mode_t mode)
{
	return make_folder(AT_FDCWD, name, mode);
}

int
mkdirat(int in, const char *name, mode_t mode)
{
	return make_folder(in, name, mode);
}
