/*
 * Any bytes as a form: all of them urlencoded, and what follows the first line
 * as multipart/form-data with that line as its Content-Type.
 */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

static void
check(const struct sb_pair *pair, int max)
{
	int count = 0;

	for (; pair != NULL; pair = pair->next) {
		PROMISE(++count <= max);
		PROMISE(sb_utf8_valid(pair->name, strlen(pair->name)));
		PROMISE(pair->value[pair->length] == '\0');
		if (pair->wrong != NULL)
			continue;
		PROMISE(sb_utf8_valid(pair->value, pair->length));
		PROMISE(strlen(pair->value) == pair->length);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	const char *text = (const char *)bytes, *line, *type;

	check(sb_form_urlencoded(pool, text, size), 1000);
	line = size > 0 ? memchr(text, '\n', size) : NULL;
	if (line != NULL) {
		type = sb_copy(pool, text, (size_t)(line - text));
		line++;
		check(sb_form_multipart(pool, type, line,
		    size - (size_t)(line - text)), 100);
	}
	sb_pool_free(pool);
	return 0;
}
