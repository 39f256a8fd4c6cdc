/*
 * Any bytes as three lines: the proxies that are trusted, the peer, and what it
 * forwards.
 */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

#define STRANGER	"192.0.2.77"

/* Takes a line. */
static const char *
take_line(struct sb_pool *pool, const char **bytes, size_t *size)
{
	const char *end = *size > 0 ? memchr(*bytes, '\n', *size) : NULL;
	size_t n = end != NULL ? (size_t)(end - *bytes) : *size;
	const char *line = sb_copy(pool, *bytes, n);

	n += end != NULL;
	*bytes += n;
	*size -= n;
	return line;
}

/* What is stored and logged is short and has no control characters. */
static void
look_at(struct sb_pool *pool, const char *address)
{
	const char *counted = sb_address_counted(pool, address), *again;

	PROMISE(strlen(address) > 0 && strlen(address) <= 64);
	for (const char *c = address; *c != '\0'; c++)
		PROMISE(*c >= ' ' && *c <= '~');
	again = sb_address_client(pool, address, NULL);
	PROMISE(again != NULL && strcmp(again, address) == 0);
	again = sb_address_counted(pool, counted);
	PROMISE(strcmp(again, counted) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_pool *pool = sb_pool_new();
	const char *bytes = (const char *)data;
	const char *list = take_line(pool, &bytes, &size);
	const char *peer = take_line(pool, &bytes, &size);
	const char *header = sb_copy(pool, bytes, size);
	const char *alone, *client, *added;

	sb_settings.trusted_proxies = sb_is_networks(list) ? list : NULL;
	alone = sb_address_client(pool, peer, NULL);
	client = sb_address_client(pool, peer, header);
	added = sb_address_client(pool, peer,
	    sb_printf(pool, "%s," STRANGER, header));
	PROMISE((alone == NULL) == (client == NULL));
	PROMISE((alone == NULL) == (added == NULL));
	if (alone == NULL)
		PROMISE(!sb_address_trusted(pool, peer));
	else if (!sb_address_trusted(pool, peer)) {
		PROMISE(strcmp(client, alone) == 0);
		PROMISE(strcmp(added, alone) == 0);
	} else if (!sb_address_trusted(pool, STRANGER))
		PROMISE(strcmp(added, STRANGER) == 0);
	if (client != NULL)
		look_at(pool, client);
	sb_settings.trusted_proxies = NULL;
	sb_pool_free(pool);
	return 0;
}
