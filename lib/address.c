/*
 * Whose address a request comes from, where proxies stand in between, and what
 * that address is counted as.  Limits rely on it: no header that a client sends
 * may change the answer.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BLANKS		" \t"
#define DIGITS		"0123456789"
#define PEER_MAX	64	/* bytes of a peer that is no address */
#define MAPPED_BITS	96
#define COUNTED_BITS	64

/* An IPv4 address is kept as the IPv6 one that it is mapped to (RFC 4291). */
struct address {
	unsigned char	 bytes[16];
};

/* Only so many bits of its address count; the others may be any. */
struct network {
	struct address	 address;
	int		 bits;
};

struct networks {
	struct network	*list;
	size_t		 count;
};

static const unsigned char mapped[MAPPED_BITS / 8] = { [10] = 0xff, 0xff };

static bool
is_ipv4(const struct address *a)
{
	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

/* inet_pton takes no octal or hexadecimal IPv4, no short one, and no zone. */
static bool
read_address(const char *text, size_t n, struct address *a)
{
	char copy[INET6_ADDRSTRLEN];

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (inet_pton(AF_INET6, copy, a->bytes) == 1)
		return true;
	memcpy(a->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, a->bytes + sizeof(mapped)) == 1;
}

static const char *
write_address(struct sb_pool *pool, const struct address *a)
{
	char *text = sb_alloc(pool, INET6_ADDRSTRLEN);

	if (is_ipv4(a))
		inet_ntop(AF_INET, a->bytes + sizeof(mapped), text,
		    INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a->bytes, text, INET6_ADDRSTRLEN);
	return text;
}

/* Whether it is a decimal of so many digits at most, and no more than max. */
static bool
is_number(const char *text, size_t n, size_t digits, long max)
{
	return n > 0 && n <= digits && strspn(text, DIGITS) >= n &&
	    strtol(text, NULL, 10) <= max;
}

/* ------------------------------------------------------- TRUSTED_PROXIES */

/*
 * A mapped address with fewer bits than the mapping has is neither a block of
 * IPv4 nor one that anybody can mean: it would be ::/8 for ::ffff:10.0.0.0/8.
 */
static bool
read_network(const char *text, size_t n, struct network *w)
{
	const char *slash = memchr(text, '/', n), *end = text + n;
	int first;

	w->bits = 128;
	if (slash == NULL)
		return read_address(text, n, &w->address);
	if (!read_address(text, (size_t)(slash - text), &w->address))
		return false;
	first = memchr(text, ':', n) == NULL ? MAPPED_BITS : 0;
	if (!is_number(slash + 1, (size_t)(end - slash - 1), 3, 128 - first))
		return false;
	w->bits = first + (int)strtol(slash + 1, NULL, 10);
	return !is_ipv4(&w->address) || w->bits >= MAPPED_BITS;
}

/* What is behind the first of a list: a comma or the end; NULL: it is bad. */
static const char *
take_network(const char *list, struct network *w)
{
	size_t n;

	list += strspn(list, BLANKS);
	n = strcspn(list, BLANKS ",");
	if (!read_network(list, n, w))
		return NULL;
	list += n;
	list += strspn(list, BLANKS);
	return *list == ',' || *list == '\0' ? list : NULL;
}

bool
sb_is_networks(const char *list)
{
	struct network w;

	while ((list = take_network(list, &w)) != NULL && *list == ',')
		list++;
	return list != NULL;
}

static struct networks
read_trusted(struct sb_pool *pool)
{
	const char *list = sb_settings.trusted_proxies, *comma = list;
	struct networks all = { .count = 0 };
	size_t most = 1;

	if (list == NULL)
		return all;
	while ((comma = strchr(comma, ',')) != NULL) {
		comma++;
		most++;
	}
	all.list = sb_alloc(pool, most * sizeof(*all.list));
	while ((list = take_network(list, &all.list[all.count])) != NULL) {
		all.count++;
		if (*list++ == '\0')
			break;
	}
	return all;
}

/* A block as wide as ::/0 is one of IPv6, and has no IPv4 address in it. */
static bool
is_in(const struct address *a, const struct network *w)
{
	const unsigned char *net = w->address.bytes;
	int whole = w->bits / 8, rest = w->bits % 8;

	if (is_ipv4(a) && w->bits < MAPPED_BITS)
		return false;
	return memcmp(a->bytes, net, (size_t)whole) == 0 &&
	    (rest == 0 || (a->bytes[whole] ^ net[whole]) >> (8 - rest) == 0);
}

static bool
is_one_of(const struct address *a, const struct networks *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (is_in(a, &all->list[i]))
			return true;
	return false;
}

/* ------------------------------------------------------- X-Forwarded-For */

/* Cuts blanks, then a pair of quotes, off both ends. */
static const char *
trim(const char *text, size_t *n)
{
	while (*n > 0 && strchr(BLANKS, *text) != NULL) {
		text++;
		--*n;
	}
	while (*n > 0 && strchr(BLANKS, text[*n - 1]) != NULL)
		--*n;
	if (*n > 2 && *text == '"' && text[*n - 1] == '"') {
		text++;
		*n -= 2;
	}
	return text;
}

static bool
is_port(const char *text, size_t n)
{
	return *text == ':' && is_number(text + 1, n - 1, 5, 65535);
}

/*
 * An IPv4 address, or an IPv6 one in brackets, each with or without a port, or
 * a bare IPv6 one.
 */
static bool
read_element(const char *text, size_t n, struct address *a)
{
	const char *end = text + n, *colon, *bracket;

	if (*text == '[') {
		text++;
		bracket = memchr(text, ']', (size_t)(end - text));
		if (bracket == NULL ||
		    memchr(text, ':', (size_t)(bracket - text)) == NULL)
			return false;
		return read_address(text, (size_t)(bracket - text), a) &&
		    (bracket + 1 == end ||
		    is_port(bracket + 1, (size_t)(end - bracket - 1)));
	}
	colon = memchr(text, ':', n);
	if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
		return read_address(text, n, a);
	return read_address(text, (size_t)(colon - text), a) &&
	    is_port(colon, (size_t)(end - colon));
}

/*
 * Each proxy adds at the right whom it got the request from, so what stands to
 * the left of the first that isn't trusted is a stranger's word.  Where nobody
 * is found in this way, because all are trusted or one is no address, it is the
 * peer, so that whoever is inside of a trusted block stays whom he is held for.
 */
static struct address
walk(const char *header, struct address peer, const struct networks *trusted)
{
	const char *end = header + strlen(header), *begin, *text;
	struct address a;
	size_t n;

	for (; end > header; end = begin > header ? begin - 1 : header) {
		for (begin = end; begin > header && begin[-1] != ',';)
			begin--;
		n = (size_t)(end - begin);
		text = trim(begin, &n);
		if (n == 0)
			continue;
		if (!read_element(text, n, &a))
			break;
		if (!is_one_of(&a, trusted))
			return a;
	}
	return peer;
}

/* ------------------------------------------------------------ the address */

/* A peer may be a Unix socket's name, say. */
static bool
is_short_ascii(const char *peer)
{
	size_t n = 0;

	while (n <= PEER_MAX && peer[n] >= ' ' && peer[n] <= '~')
		n++;
	return n > 0 && n <= PEER_MAX && peer[n] == '\0';
}

bool
sb_address_trusted(struct sb_pool *pool, const char *peer)
{
	struct networks trusted;
	struct address a;

	if (peer == NULL || !read_address(peer, strlen(peer), &a))
		return false;
	trusted = read_trusted(pool);
	return is_one_of(&a, &trusted);
}

const char *
sb_address_client(struct sb_pool *pool, const char *peer,
    const char *forwarded_for)
{
	struct networks trusted;
	struct address a;

	if (peer == NULL)
		return NULL;
	if (!read_address(peer, strlen(peer), &a))
		return is_short_ascii(peer) ?
		    sb_copy(pool, peer, strlen(peer)) : NULL;
	trusted = read_trusted(pool);
	if (forwarded_for != NULL && is_one_of(&a, &trusted))
		a = walk(forwarded_for, a, &trusted);
	return write_address(pool, &a);
}

/* A network gives each of its hosts as many IPv6 addresses as it likes. */
const char *
sb_address_counted(struct sb_pool *pool, const char *address)
{
	struct address a;

	if (address == NULL || !read_address(address, strlen(address), &a))
		return address;
	if (is_ipv4(&a))
		return write_address(pool, &a);
	memset(a.bytes + COUNTED_BITS / 8, 0,
	    sizeof(a.bytes) - COUNTED_BITS / 8);
	return sb_printf(pool, "%s/%d", write_address(pool, &a), COUNTED_BITS);
}
