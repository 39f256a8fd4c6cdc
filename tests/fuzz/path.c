/*
 * Any bytes as a path, and their first three lines as the raw target, as
 * PATH_INFO and as SCRIPT_NAME, of which a program finds its mount prefix.
 */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

static void
decode(struct sb_pool *pool, const char *bytes, size_t size)
{
	const char *path = sb_path_decode(pool, bytes, size);

	if (path == NULL)
		return;
	PROMISE(strlen(path) <= size);
	PROMISE(sb_utf8_valid(path, strlen(path)));
}

/* Takes a line; NULL, as what a web server doesn't send, behind the last. */
static const char *
take_line(struct sb_pool *pool, const char **bytes, size_t *size)
{
	const char *end, *line;
	size_t n;

	if (*size == 0)
		return NULL;
	end = memchr(*bytes, '\n', *size);
	n = end != NULL ? (size_t)(end - *bytes) : *size;
	line = sb_copy(pool, *bytes, n);
	n += end != NULL;
	*bytes += n;
	*size -= n;
	return line;
}

static void
locate(struct sb_pool *pool, const char *bytes, size_t size)
{
	const char *target = take_line(pool, &bytes, &size);
	const char *path_info = take_line(pool, &bytes, &size);
	const char *script_name = take_line(pool, &bytes, &size);
	struct sb_way way = { .query = "" };
	struct sb_request rq = { .pool = pool, .prefix = "", .way = &way };

	sb_route_locate(&rq, target, path_info, script_name);
	PROMISE(rq.prefix != NULL);
	PROMISE(sb_utf8_valid(rq.prefix, strlen(rq.prefix)));
	if (way.path != NULL)
		PROMISE(sb_utf8_valid(way.path, strlen(way.path)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();

	if (sb_settings.root_path == NULL)
		sb_settings.root_path = "";
	decode(pool, (const char *)bytes, size);
	locate(pool, (const char *)bytes, size);
	sb_pool_free(pool);
	return 0;
}
