/*
 * Unicode's tables, by libunistring, for texts in a pool.  What compares names,
 * addresses and passwords relies on it; programs that don't, don't link it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#include "internal.h"

/* Moves what libunistring made, perhaps of a secret, into the pool. */
static const char *
keep(struct sb_pool *pool, uint8_t *text, size_t length)
{
	const char *copy;

	if (text == NULL)
		sb_fatal("libunistring: %s", strerror(errno));
	copy = sb_copy(pool, (const char *)text, length);
	explicit_bzero(text, length);
	free(text);
	return copy;
}

static const char *
normalize(struct sb_pool *pool, uninorm_t form, const char *text)
{
	size_t length;
	uint8_t *made = u8_normalize(form, (const uint8_t *)text,
	    strlen(text), NULL, &length);

	return keep(pool, made, length);
}

const char *
sb_nfc(struct sb_pool *pool, const char *text)
{
	return normalize(pool, UNINORM_NFC, text);
}

const char *
sb_nfkc(struct sb_pool *pool, const char *text)
{
	return normalize(pool, UNINORM_NFKC, text);
}

/* Without a language: that Turkish folds I to a dotless i is no key's part. */
const char *
sb_casefold(struct sb_pool *pool, const char *text)
{
	size_t length;
	uint8_t *made = u8_casefold((const uint8_t *)text, strlen(text), NULL,
	    NULL, NULL, &length);

	return keep(pool, made, length);
}
