/*
 * Where a webhook may lead: to addresses of the Internet at large, and to
 * nothing that only this machine, or its network, can reach.  The worker asks
 * of each address that it is about to connect to, whatever a name stood for.
 */
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "work.h"

struct block {
	unsigned char	 address[16];
	int		 bits;
};

/* Not for everybody, by the registries of RFC 6890. */
static const struct block private_4[] = {
	{ { 0 }, 8 },				/* this network */
	{ { 10 }, 8 },				/* private */
	{ { 100, 64 }, 10 },			/* a provider's, shared */
	{ { 127 }, 8 },				/* loopback */
	{ { 169, 254 }, 16 },			/* link-local */
	{ { 172, 16 }, 12 },			/* private */
	{ { 192, 0, 0 }, 24 },			/* protocols' */
	{ { 192, 0, 2 }, 24 },			/* documentation */
	{ { 192, 88, 99 }, 24 },		/* relays of 6to4 */
	{ { 192, 168 }, 16 },			/* private */
	{ { 198, 18 }, 15 },			/* benchmarks */
	{ { 198, 51, 100 }, 24 },		/* documentation */
	{ { 0xcb, 0, 0x71 }, 24 },		/* documentation */
	{ { 224 }, 3 },				/* multicast, reserved */
};

/* Of what is given to networks, 2000::/3; nothing else leads out. */
static const struct block private_6[] = {
	{ { 0x20, 0x01 }, 23 },			/* protocols', Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },	/* documentation */
	{ { 0x3f, 0xff }, 20 },			/* documentation */
};
static const struct block global_6 = { { 0x20 }, 3 };

/* Those that stand for one of IPv4, and where that begins in them. */
static const struct {
	struct block	 block;
	int		 at;
} embedding[] = {
	{ { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },		/* mapped */
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },		/* NAT64 */
	{ { { 0x20, 0x02 }, 16 }, 2 },				/* 6to4 */
};

static bool
is_in(const struct block *block, const unsigned char *address)
{
	const int whole = block->bits / 8, rest = block->bits % 8;

	return memcmp(address, block->address, (size_t)whole) == 0 &&
	    (rest == 0 || (address[whole] ^ block->address[whole]) >>
	    (8 - rest) == 0);
}

static bool
is_public_4(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(private_4) / sizeof(private_4[0]); i++)
		if (is_in(&private_4[i], address))
			return false;
	return true;
}

static bool
is_public_6(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(private_6) / sizeof(private_6[0]); i++)
		if (is_in(&private_6[i], address))
			return false;
	return is_in(&global_6, address);
}

/* The bytes of an address and how many; NULL: of another family. */
static const unsigned char *
bytes_of(const struct sockaddr *address, size_t *n)
{
	if (address->sa_family == AF_INET) {
		*n = sizeof(struct in_addr);
		return (const unsigned char *)
		    &((const struct sockaddr_in *)address)->sin_addr;
	}
	*n = sizeof(struct in6_addr);
	return address->sa_family != AF_INET6 ? NULL : (const unsigned char *)
	    &((const struct sockaddr_in6 *)address)->sin6_addr;
}

/* Public as it may be; if nobody can tell, it may be ours. */
static bool
is_ours(const unsigned char *address, size_t n)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return true;
	for (const struct ifaddrs *i = all; i != NULL && !found;
	    i = i->ifa_next) {
		const unsigned char *own;
		size_t length = 0;

		own = i->ifa_addr == NULL ? NULL :
		    bytes_of(i->ifa_addr, &length);
		found = own != NULL && length == n &&
		    memcmp(own, address, n) == 0;
	}
	freeifaddrs(all);
	return found;
}

/* Of one that stands for another the other; else NULL. */
static const unsigned char *
embedded_in(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(embedding) / sizeof(embedding[0]); i++)
		if (is_in(&embedding[i].block, address))
			return address + embedding[i].at;
	return NULL;
}

/* Both an address and what it stands for may be ours. */
bool
cmd_is_outward(const struct sockaddr *address)
{
	size_t n;
	const unsigned char *bytes = bytes_of(address, &n), *inner;

	if (bytes == NULL || is_ours(bytes, n))
		return false;
	if (n == sizeof(struct in_addr))
		return is_public_4(bytes);
	if ((inner = embedded_in(bytes)) == NULL)
		return is_public_6(bytes);
	return is_public_4(inner) && !is_ours(inner, sizeof(struct in_addr));
}
