/*
 * A file system for SQLite (sqlite3_vfs) in memory, for one process that has
 * each file open once: so there are no locks, no journals on a disk, and no
 * WAL.  What a connection has cached is forgotten by itself when a file was put
 * back, as the count of changes in its first page is another one then.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "fuzz.h"

#define FILES	4			/* at most */

struct bytes {
	char	*at;
	size_t	 size, room;
};

static struct file {
	char		 name[256];	/* without its folder; "": free */
	struct bytes	 now, kept;
} files[FILES];

/* What SQLite has of an open file. */
struct open_file {
	sqlite3_file	 base;
	struct file	*file;
};

static struct bytes *
bytes_of(sqlite3_file *f)
{
	return &((struct open_file *)f)->file->now;
}

static void
make_room(struct bytes *b, size_t size)
{
	if (size <= b->room)
		return;
	b->room = size * 2;
	if ((b->at = realloc(b->at, b->room)) == NULL)
		abort();
}

static void
set_size(struct bytes *b, size_t size)
{
	make_room(b, size);
	if (size > b->size)
		memset(b->at + b->size, 0, size - b->size);
	b->size = size;
}

/* ----------------------------------------------------------- an open file */

/* One without a name is of a statement, and goes when it is closed. */
static int
close_file(sqlite3_file *f)
{
	struct open_file *open = (struct open_file *)f;

	if (open->file->name[0] == '\0') {
		free(open->file->now.at);
		free(open->file);
	}
	return SQLITE_OK;
}

static int
read_file(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	const struct bytes *b = bytes_of(f);
	size_t start = (size_t)at, wanted = (size_t)n, there;

	there = start >= b->size ? 0 : b->size - start;
	if (there > wanted)
		there = wanted;
	if (there > 0)
		memcpy(to, b->at + start, there);
	memset((char *)to + there, 0, wanted - there);
	return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
write_file(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	struct bytes *b = bytes_of(f);
	size_t end = (size_t)at + (size_t)n;

	if (end > b->size)
		set_size(b, end);
	memcpy(b->at + at, from, (size_t)n);
	return SQLITE_OK;
}

static int
truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
	set_size(bytes_of(f), (size_t)size);
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)bytes_of(f)->size;
	return SQLITE_OK;
}

static int
do_nothing(sqlite3_file *f, int how)
{
	(void)f;
	(void)how;
	return SQLITE_OK;
}

static int
nobody_else(sqlite3_file *f, int *reserved)
{
	(void)f;
	*reserved = 0;
	return SQLITE_OK;
}

static int
control(sqlite3_file *f, int what, void *with)
{
	(void)f;
	(void)what;
	(void)with;
	return SQLITE_NOTFOUND;
}

static int
sector_size(sqlite3_file *f)
{
	(void)f;
	return 4096;
}

static int
characteristics(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_ATOMIC | SQLITE_IOCAP_SAFE_APPEND |
	    SQLITE_IOCAP_SEQUENTIAL | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, .xClose = close_file, .xRead = read_file,
	.xWrite = write_file, .xTruncate = truncate_file,
	.xSync = do_nothing, .xFileSize = file_size, .xLock = do_nothing,
	.xUnlock = do_nothing, .xCheckReservedLock = nobody_else,
	.xFileControl = control, .xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
};

/* --------------------------------------------------------------- the files */

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static struct file *
find_file(const char *path)
{
	for (int i = 0; i < FILES; i++)
		if (strcmp(files[i].name, last_part(path)) == 0)
			return &files[i];
	return NULL;
}

static struct file *
make_file(const char *path)
{
	struct file *free_one = NULL;

	for (int i = FILES - 1; i >= 0; i--)
		if (files[i].name[0] == '\0')
			free_one = &files[i];
	PROMISE(free_one != NULL);
	snprintf(free_one->name, sizeof(free_one->name), "%s",
	    last_part(path));
	return free_one;
}

static int
open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags,
    int *how)
{
	struct open_file *open = (struct open_file *)f;

	(void)vfs;
	if (path == NULL)
		open->file = calloc(1, sizeof(*open->file));
	else if ((open->file = find_file(path)) == NULL)
		open->file = make_file(path);
	if (open->file == NULL)
		return SQLITE_NOMEM;
	f->pMethods = &methods;
	/* A file that is said to be in memory has its journal there, too. */
	if (how != NULL)
		*how = flags | SQLITE_OPEN_MEMORY;
	return SQLITE_OK;
}

static int
delete_file(sqlite3_vfs *vfs, const char *path, int sync)
{
	(void)vfs;
	(void)path;
	(void)sync;
	return SQLITE_OK;
}

static int
look_at_file(sqlite3_vfs *vfs, const char *path, int what, int *answer)
{
	(void)vfs;
	(void)what;
	*answer = find_file(path) != NULL;
	return SQLITE_OK;
}

void
files_begin(void)
{
	static sqlite3_vfs vfs;

	vfs = *sqlite3_vfs_find(NULL);
	vfs.pNext = NULL;
	vfs.zName = "fuzz";
	vfs.szOsFile = sizeof(struct open_file);
	vfs.xOpen = open_file;
	vfs.xDelete = delete_file;
	vfs.xAccess = look_at_file;
	PROMISE(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}

static void
copy_bytes(struct bytes *to, const struct bytes *from)
{
	make_room(to, from->size);
	if (from->size > 0)
		memcpy(to->at, from->at, from->size);
	to->size = from->size;
}

void
files_keep(void)
{
	for (int i = 0; i < FILES; i++)
		copy_bytes(&files[i].kept, &files[i].now);
}

void
files_restore(void)
{
	for (int i = 0; i < FILES; i++)
		copy_bytes(&files[i].now, &files[i].kept);
}

void
files_change(const char *path, size_t at, unsigned char byte)
{
	struct file *file = find_file(path);

	if (file != NULL && file->now.size > 0)
		file->now.at[at % file->now.size] = (char)byte;
}
