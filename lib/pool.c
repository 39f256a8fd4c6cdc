/*
 * Memory that belongs to a request: taken piecemeal, given back at once.  It
 * is overwritten then, as passwords and tokens have lain in it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "internal.h"

#define CHUNK	((size_t)16 * 1024)

struct chunk {
	struct chunk	*next;
	size_t		 size, used;
	_Alignas(max_align_t) char bytes[];
};

struct deferred {
	struct deferred	*next;
	void		(*call)(void *);
	void		*with;
};

struct sb_pool {
	struct chunk	*chunks;	/* the newest first */
	struct deferred	*deferred;
};

static void *
must(void *memory)
{
	if (memory == NULL)
		sb_fatal("out of memory");
	return memory;
}

static struct chunk *
add_chunk(struct sb_pool *pool, size_t size)
{
	struct chunk *c = must(calloc(1, sizeof(*c) + size));

	c->size = size;
	c->next = pool->chunks;
	pool->chunks = c;
	return c;
}

struct sb_pool *
sb_pool_new(void)
{
	struct sb_pool *pool = must(calloc(1, sizeof(*pool)));

	add_chunk(pool, CHUNK);
	return pool;
}

void *
sb_alloc(struct sb_pool *pool, size_t size)
{
	struct chunk *c = pool->chunks;
	const size_t unit = _Alignof(max_align_t);
	void *p;

	if (size > SIZE_MAX / 2)
		sb_fatal("out of memory");
	size = (size + unit - 1) / unit * unit;
	if (size > c->size - c->used)
		c = add_chunk(pool, size > CHUNK ? size : CHUNK);
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

char *
sb_copy(struct sb_pool *pool, const char *text, size_t length)
{
	char *copy = sb_alloc(pool, length + 1);

	if (length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *
sb_printf(struct sb_pool *pool, const char *format, ...)
{
	va_list ap, again;
	char *text;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		sb_fatal("bad format: %s", format);
	text = sb_alloc(pool, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

void
sb_pool_defer(struct sb_pool *pool, void (*call)(void *), void *with)
{
	struct deferred *d = sb_alloc(pool, sizeof(*d));

	d->call = call;
	d->with = with;
	d->next = pool->deferred;
	pool->deferred = d;
}

static void
put_json(void *object)
{
	json_object_put(object);
}

void
sb_pool_json(struct sb_pool *pool, struct json_object *object)
{
	sb_pool_defer(pool, put_json, object);
}

void
sb_pool_clear(struct sb_pool *pool)
{
	struct chunk *c;

	for (struct deferred *d = pool->deferred; d != NULL; d = d->next)
		d->call(d->with);
	pool->deferred = NULL;
	while ((c = pool->chunks)->next != NULL) {
		pool->chunks = c->next;
		explicit_bzero(c->bytes, c->used);
		free(c);
	}
	explicit_bzero(c->bytes, c->used);
	c->used = 0;
}

void
sb_pool_free(struct sb_pool *pool)
{
	sb_pool_clear(pool);
	free(pool->chunks);
	free(pool);
}
