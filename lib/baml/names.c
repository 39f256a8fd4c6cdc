/*
 * Names and what has them, found by hash: a project may have thousands, and the
 * check of each must not go over all.
 */
#include <string.h>

#include "baml/internal.h"

struct entry {
	const char	*name;
	const void	*value;
};

struct baml_names {
	struct sb_pool	*pool;
	struct entry	*entries;
	size_t		 size, count;	/* the size is a power of two */
};

#define FIRST_SIZE	4

static struct entry *
place(const struct baml_names *names, const char *name)
{
	size_t i = (size_t)sb_fnv1a(name, strlen(name)) & (names->size - 1);

	while (names->entries[i].name != NULL &&
	    strcmp(names->entries[i].name, name) != 0)
		i = (i + 1) & (names->size - 1);
	return &names->entries[i];
}

struct baml_names *
baml_names_new(struct sb_pool *pool)
{
	struct baml_names *names = sb_alloc(pool, sizeof(*names));

	names->pool = pool;
	names->size = FIRST_SIZE;
	names->entries = sb_alloc(pool, FIRST_SIZE * sizeof(struct entry));
	return names;
}

static void
grow(struct baml_names *names)
{
	struct entry *old = names->entries;
	size_t size = names->size;

	names->size = 2 * size;
	names->entries = sb_alloc(names->pool,
	    names->size * sizeof(struct entry));
	for (size_t i = 0; i < size; i++)
		if (old[i].name != NULL)
			*place(names, old[i].name) = old[i];
}

const void *
baml_names_add(struct baml_names *names, const char *name, const void *value)
{
	struct entry *entry = place(names, name);

	if (entry->name != NULL)
		return entry->value;
	entry->name = name;
	entry->value = value;
	if (++names->count > names->size / 2)
		grow(names);
	return NULL;
}

const void *
baml_names_find(const struct baml_names *names, const char *name)
{
	return place(names, name)->value;
}
