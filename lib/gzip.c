/*
 * Compressed answers: whether a client takes gzip (RFC 9110 section 12.5.3),
 * and a text in that format (RFC 1952).  Files are compressed by the build;
 * this is for pages, which are put together at each request.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "internal.h"

#define WINDOW_GZIP	(15 + 16)	/* zlib's way to ask for that format */
#define MEMORY_LEVEL	8		/* zlib's default */

/* Whether the parameters after a coding give it a weight other than 0. */
static bool
is_wanted(const char *parameters, size_t n)
{
	const char *q = memchr(parameters, '=', n);

	return q == NULL || strtod(q + 1, NULL) > 0;
}

bool
sb_gzip_accepted(const char *accept_encoding)
{
	const char *p = accept_encoding;
	bool any = false;

	while (p != NULL && *p != '\0') {
		size_t item, name;

		p += strspn(p, " \t,");
		item = strcspn(p, ",");
		name = strcspn(p, " \t;,");
		if (name == 4 && strncasecmp(p, "gzip", name) == 0)
			return is_wanted(p + name, item - name);
		if (name == 1 && *p == '*')
			any = is_wanted(p + name, item - name);
		p += item;
	}
	return any;
}

char *
sb_gzip(struct sb_pool *pool, const char *bytes, size_t n, size_t *length)
{
	z_stream z = { .zalloc = Z_NULL };
	char *packed;
	uLong most;

	if (n > UINT_MAX / 2 || deflateInit2(&z, Z_DEFAULT_COMPRESSION,
	    Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	most = deflateBound(&z, n);
	packed = sb_alloc(pool, most);
	z.next_in = (z_const Bytef *)bytes;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)packed;
	z.avail_out = (uInt)most;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		packed = NULL;
	*length = z.total_out;
	deflateEnd(&z);
	return packed;
}
