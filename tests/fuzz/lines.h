/*
 * An input of several lines, for targets that take more than one text.
 */
#ifndef SB_FUZZ_LINES_H
#define SB_FUZZ_LINES_H

#include <string.h>

#include "internal.h"

struct lines {
	const char	*at;
	size_t		 left;
};

/* The next line, without its end and in the pool; "" behind the last. */
static inline const char *
next_line(struct sb_pool *pool, struct lines *l)
{
	const char *end = l->left > 0 ? memchr(l->at, '\n', l->left) : NULL;
	size_t n = end != NULL ? (size_t)(end - l->at) : l->left;
	const char *line = sb_copy(pool, n > 0 ? l->at : "", n);

	n += end != NULL;
	l->at += n;
	l->left -= n;
	return line;
}

#endif
