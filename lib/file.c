/*
 * Answers out of files of the installation: share/switchboard, in the folder
 * that it is all in, or found from the program's own place so that it can be
 * moved, else as configured.
 * Pages know the mount prefix; other files are under names that change with
 * what is in them, so that browsers may keep them for good.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define FILE_MAX	(16 * 1024 * 1024)
#define WORTH_GZIP	1024		/* bytes */

static int
open_below(struct sb_pool *pool, const char *home, const char *name)
{
	return open(sb_printf(pool, "%s/share/switchboard/%s", home, name),
	    O_RDONLY | O_CLOEXEC);
}

const char *
sb_home(struct sb_pool *pool)
{
	char self[PATH_MAX];
	ssize_t n;

	if (sb_settings.home != NULL)
		return sb_settings.home;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	/* From PREFIX/libexec/switchboard/PROGRAM. */
	for (int up = 0; up < 3 && n > 0; up++)
		while (n > 0 && self[--n] != '/')
			continue;
	return n > 0 ? sb_copy(pool, self, (size_t)n) : NULL;
}

static int
open_file(struct sb_pool *pool, const char *name)
{
	const char *home = sb_home(pool);
	int fd = home == NULL ? -1 : open_below(pool, home, name);

	if (fd >= 0 || sb_settings.home != NULL)
		return fd;
	return open(sb_printf(pool, "%s/%s", SB_PKGDATADIR, name),
	    O_RDONLY | O_CLOEXEC);
}

/* The file's bytes and a NUL; NULL if it is none, or of no use. */
static char *
read_file(struct sb_pool *pool, const char *name, size_t *size)
{
	int fd = open_file(pool, name);
	struct stat st;
	char *bytes;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > FILE_MAX) {
		close(fd);
		return NULL;
	}
	*size = (size_t)st.st_size;
	bytes = sb_alloc(pool, *size + 1);
	if (sb_read_all(fd, bytes, *size) != (ssize_t)*size)
		sb_fatal("%s: cannot be read", name);
	close(fd);
	bytes[*size] = '\0';
	return bytes;
}

/* ------------------------------------------------------------------ pages */

static char *
put(char *to, const char *bytes, size_t n)
{
	memcpy(to, bytes, n);
	return to + n;
}

/* The text with the value in every place of the marker. */
static char *
fill_in(struct sb_pool *pool, char *text, size_t *length, const char *marker,
    const char *value)
{
	size_t n = strlen(marker), with = strlen(value), times = 0;
	const char *p, *from = text;
	char *filled, *to;

	for (p = text; (p = strstr(p, marker)) != NULL; p += n)
		times++;
	if (times == 0)
		return text;
	filled = to = sb_alloc(pool, *length + times * with + 1);
	for (; (p = strstr(from, marker)) != NULL; from = p + n) {
		to = put(to, from, (size_t)(p - from));
		to = put(to, value, with);
	}
	to = put(to, from, *length - (size_t)(from - text));
	*to = '\0';
	*length = (size_t)(to - filled);
	return filled;
}

enum sb_status
sb_put_packed(struct sb_response *rs, const char *bytes, size_t n)
{
	size_t length = n;
	char *packed = NULL;

	sb_put_header(rs, "Vary", "Accept-Encoding");
	if (n >= WORTH_GZIP && sb_gzip_accepted(sb_param(rs->rq->way->conn,
	    "HTTP_ACCEPT_ENCODING")))
		packed = sb_gzip(rs->rq->pool, bytes, n, &length);
	if (packed != NULL)
		sb_put_header(rs, "Content-Encoding", "gzip");
	rs->content = packed != NULL ? packed : bytes;
	rs->content_length = packed != NULL ? length : n;
	rs->media = rs->rq->way->route->media;
	return SB_OK;
}

enum sb_status
sb_put_page(struct sb_response *rs, const char *name)
{
	struct sb_request *rq = rs->rq;
	size_t size;
	char *text = read_file(rq->pool, name, &size);

	if (text == NULL) {
		sb_log(SB_ERROR, "%s: not in the installation", name);
		return sb_refuse(rs, &sb_error_internal);
	}
	text = fill_in(rq->pool, text, &size, SB_MARK_PREFIX, rq->prefix);
	text = fill_in(rq->pool, text, &size, SB_MARK_SERVER,
	    rq->prefix[0] == '\0' ? "/" : rq->prefix);
	rs->cache = "no-cache";
	return sb_put_packed(rs, text, size);
}

/* ----------------------------------------------------------- static files */

static const struct {
	const char	*ending, *media;
} medias[] = {
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".txt", "text/plain; charset=utf-8" },
};

/* By a file's name; NULL for one that is nobody's business. */
static const char *
media_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; i < sizeof(medias) / sizeof(medias[0]); i++)
		if (dot != NULL && strcmp(dot, medias[i].ending) == 0)
			return medias[i].media;
	return NULL;
}

/* One step down, and to no hidden file. */
static bool
is_step(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
	    strchr(name, '/') == NULL && strlen(name) < NAME_MAX - 3;
}

/* A file may be there in a moment: no cache should know better. */
static enum sb_status
fail(struct sb_response *rs)
{
	const enum sb_status status = sb_fail(rs, &sb_error_not_found);

	rs->cache = "no-store";
	return status;
}

enum sb_status
sb_put_static(struct sb_response *rs, const char *folder, const char *name)
{
	struct sb_pool *pool = rs->rq->pool;
	const char *path, *bytes = NULL;
	size_t size;

	if (!is_step(folder) || !is_step(name) || media_of(name) == NULL)
		return fail(rs);
	path = sb_printf(pool, "static/%s/%s", folder, name);
	if (sb_gzip_accepted(sb_param(rs->rq->way->conn,
	    "HTTP_ACCEPT_ENCODING")))
		bytes = read_file(pool, sb_printf(pool, "%s.gz", path), &size);
	if (bytes != NULL)
		sb_put_header(rs, "Content-Encoding", "gzip");
	else if ((bytes = read_file(pool, path, &size)) == NULL)
		return fail(rs);
	sb_put_header(rs, "Vary", "Accept-Encoding");
	rs->cache = "public, max-age=31536000, immutable";
	rs->content = bytes;
	rs->content_length = size;
	rs->media = media_of(name);
	return SB_OK;
}
