/*
 * Whose address a request is said to come from, whatever its headers say; what
 * an address is counted as; and which lists of proxies are taken, held against
 * a second way of matching them.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

#define AMBIGUOUS	"{\"detail\":\"X-Forwarded-For is ambiguous\"}"
#define NETS		"10.0.0.0/8, 2001:db8:ff::/48"
#define X16		"xxxxxxxxxxxxxxxx"
#define X64		X16 X16 X16 X16

static struct sb_pool *pool;

static int
begin(void **state)
{
	pool = sb_pool_new();
	return memory_begin(state);
}

static int
end(void **state)
{
	sb_pool_free(pool);
	return memory_end(state);
}

static int
trust_nobody(void **state)
{
	(void)state;
	sb_settings.trusted_proxies = NULL;
	return 0;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *
shown(const char *text)
{
	return text == NULL ? "(null)" : text;
}

/* -------------------------------------------------------------- the client */

struct example {
	const char	*promise, *peer, *header, *client;
};

static void
hold(const struct example *e, size_t n)
{
	const char *got;

	for (; n-- > 0; e++) {
		got = sb_address_client(pool, e->peer, e->header);
		if (!same(got, e->client))
			fail_msg("%s: %s, not %s", e->promise, shown(got),
			    shown(e->client));
	}
	sb_pool_clear(pool);
}

static const struct example untrusted[] = {
	{ "no header", "192.0.2.1", NULL, "192.0.2.1" },
	{ "a header", "192.0.2.1", "198.51.100.1", "192.0.2.1" },
	{ "an empty header", "192.0.2.1", "", "192.0.2.1" },
	{ "garbage", "192.0.2.1", "\xff, unknown", "192.0.2.1" },
	{ "a proxy's name", "192.0.2.1", "10.0.0.1", "192.0.2.1" },
	{ "IPv6 in canonical form", "2001:DB8:0:0:0:0:0:01", NULL,
	    "2001:db8::1" },
	{ "IPv6 beside a trusted block", "2001:db8:fe::1", "192.0.2.1",
	    "2001:db8:fe::1" },
	{ "a mapped address", "::ffff:192.0.2.1", NULL, "192.0.2.1" },
	{ "a mapped address in hex", "::FFFF:C000:0201", NULL, "192.0.2.1" },
	{ "a compatible address is IPv6", "::10.0.0.1", "192.0.2.1",
	    "::10.0.0.1" },
	{ "6to4 of a proxy is none", "2002:a00:1::1", "192.0.2.1",
	    "2002:a00:1::1" },
	{ "NAT64 of a proxy is none", "64:ff9b::10.0.0.1", "192.0.2.1",
	    "64:ff9b::a00:1" },
	{ "a translated address is none", "::ffff:0:10.0.0.1", "192.0.2.1",
	    "::ffff:0:a00:1" },
	{ "no peer", NULL, "198.51.100.1", NULL },
	{ "an empty peer", "", "198.51.100.1", NULL },
	{ "a Unix socket", "/run/a b.sock", "198.51.100.1", "/run/a b.sock" },
	{ "a word", "unix:", "198.51.100.1", "unix:" },
	{ "a peer with a zone is no address", "fe80::1%eth0", "198.51.100.1",
	    "fe80::1%eth0" },
	{ "a peer with a port is no address", "10.0.0.1:80", "198.51.100.1",
	    "10.0.0.1:80" },
	{ "a peer in octal is no address", "10.0.0.01", "198.51.100.1",
	    "10.0.0.01" },
	{ "a peer with a blank is no address", " 10.0.0.1", "198.51.100.1",
	    " 10.0.0.1" },
	{ "64 bytes", X64, NULL, X64 },
	{ "65 bytes", X64 "x", NULL, NULL },
	{ "a control character", "a\nb", NULL, NULL },
	{ "delete", "a\x7f", NULL, NULL },
	{ "not ASCII", "caf\xc3\xa9", NULL, NULL },
};

static const struct example trusted[] = {
	{ "no header", "10.0.0.1", NULL, "10.0.0.1" },
	{ "an empty header", "10.0.0.1", "", "10.0.0.1" },
	{ "blanks", "10.0.0.1", " \t ", "10.0.0.1" },
	{ "commas", "10.0.0.1", ",,,", "10.0.0.1" },
	{ "commas and blanks", "10.0.0.1", " , ,\t,", "10.0.0.1" },
	{ "one", "10.0.0.1", "192.0.2.1", "192.0.2.1" },
	{ "the rightmost", "10.0.0.1", "198.51.100.1, 192.0.2.1",
	    "192.0.2.1" },
	{ "without blanks", "10.0.0.1", "198.51.100.1,192.0.2.1",
	    "192.0.2.1" },
	{ "through a second proxy", "10.0.0.1",
	    "198.51.100.1, 192.0.2.1, 10.0.0.2", "192.0.2.1" },
	{ "through one of IPv6", "10.0.0.1", "192.0.2.1, 2001:db8:ff::2",
	    "192.0.2.1" },
	{ "a proxy's name on the left", "10.0.0.1", "10.0.0.3, 192.0.2.1",
	    "192.0.2.1" },
	{ "only proxies", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.1" },
	{ "a client in a trusted block", "10.0.0.1", "10.7.7.7, 10.0.0.2",
	    "10.0.0.1" },
	{ "the same with junk", "10.0.0.1", "junk, 10.7.7.7, 10.0.0.2",
	    "10.0.0.1" },
	{ "the same with a stranger and junk", "10.0.0.1",
	    "192.0.2.9, junk, 10.7.7.7, 10.0.0.2", "10.0.0.1" },
	{ "itself", "10.0.0.1", "10.0.0.1", "10.0.0.1" },
	{ "empty elements", "10.0.0.1", ",, 192.0.2.1 ,, 10.0.0.2,\t,",
	    "192.0.2.1" },
	{ "tabs around", "10.0.0.1", "\t192.0.2.1\t", "192.0.2.1" },
	{ "a peer in IPv6", "2001:db8:ff::1", "192.0.2.1", "192.0.2.1" },
	{ "a peer in other spelling", "2001:0DB8:00FF:0::1", "192.0.2.1",
	    "192.0.2.1" },
	{ "a mapped peer", "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1" },
	{ "a mapped peer without a header", "::ffff:10.0.0.1", NULL,
	    "10.0.0.1" },
	{ "a mapped element", "10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1" },
	{ "a mapped proxy", "10.0.0.1", "192.0.2.1, ::ffff:a00:2",
	    "192.0.2.1" },
	{ "IPv6", "10.0.0.1", "2001:DB8::00:1", "2001:db8::1" },
	{ "IPv6 with an IPv4 end", "10.0.0.1", "64:ff9b::192.0.2.1",
	    "64:ff9b::c000:201" },
	{ "the longest spelling", "10.0.0.1",
	    "\"[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535\"",
	    "255.255.255.255" },
	{ "a port", "10.0.0.1", "192.0.2.1:1", "192.0.2.1" },
	{ "port 0", "10.0.0.1", "192.0.2.1:0", "192.0.2.1" },
	{ "port 65535", "10.0.0.1", "192.0.2.1:65535", "192.0.2.1" },
	{ "port 00080", "10.0.0.1", "192.0.2.1:00080", "192.0.2.1" },
	{ "a proxy's port", "10.0.0.1", "192.0.2.1, 10.0.0.2:80",
	    "192.0.2.1" },
	{ "brackets", "10.0.0.1", "[2001:db8::1]", "2001:db8::1" },
	{ "brackets and a port", "10.0.0.1", "[2001:db8::1]:443",
	    "2001:db8::1" },
	{ "brackets around a mapped one", "10.0.0.1",
	    "[::ffff:192.0.2.1]:443", "192.0.2.1" },
	{ "quotes", "10.0.0.1", "\"192.0.2.1\"", "192.0.2.1" },
	{ "quotes, brackets and a port", "10.0.0.1",
	    " \"[2001:db8::1]:443\" ", "2001:db8::1" },
	{ "what looks like a port is a part of IPv6", "10.0.0.1",
	    "2001:db8::1:443", "2001:db8::1:443" },
	{ "6to4 of a proxy is a client", "10.0.0.1", "2002:a00:2::1",
	    "2002:a00:2::1" },
	{ "just outside", "10.0.0.1", "11.0.0.0", "11.0.0.0" },
	{ "just outside, below", "10.0.0.1", "9.255.255.255",
	    "9.255.255.255" },
	{ "the block's first", "10.0.0.0", "192.0.2.1", "192.0.2.1" },
	{ "the block's last", "10.255.255.255", "192.0.2.1", "192.0.2.1" },
	{ "the unspecified address", "10.0.0.1", "0.0.0.0", "0.0.0.0" },
};

/* The peer answers for each of these. */
static const char *const garbage[] = {
	"unknown", "_hidden", "-", "localhost", "client.example.com",
	"192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.01", "0300.0.2.1",
	"0xc0.0.2.1", "3221225985", "192.0.513", "192.0.2.1.", ".192.0.2.1",
	"192.0.2.-1", "+192.0.2.1", "192.0.2.1/32", "192.0.2.1 192.0.2.2",
	"192 .0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:000080",
	"192.0.2.1:99999999999999999999", "192.0.2.1:-1", "192.0.2.1:+1",
	"192.0.2.1: 80", "192.0.2.1 :80", "192.0.2.1:80:80", "192.0.2.1:http",
	":80", ":", "::ffff:192.0.2.01", "::ffff:192.0.2", "fe80::1%eth0",
	"fe80::1%1", "[fe80::1%eth0]:80", "fe80::1%25eth0", "2001:db8::1/64",
	"2001:db8:::1", "2001:db8::1::2", "1:2:3:4:5:6:7", ":1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:8:443", "1:2:3:4:5:6:7:8:9", "2001:db8::00001",
	"2001:db8::g", "2001:db8::1.2.3.4.5", "[2001:db8::1", "2001:db8::1]",
	"[2001:db8::1]443", "[2001:db8::1]:", "[2001:db8::1]:65536",
	"[2001:db8::1]:443]", "[[2001:db8::1]]", "[ 2001:db8::1 ]",
	"[192.0.2.1]", "[192.0.2.1]:80", "[]", "[", "]", "[]:80", "[:]",
	"\"192.0.2.11", "192.0.2.1\"", "192.0.2.11\"", "\"\"", "\"",
	"\" 192.0.2.1\"", "\"\"192.0.2.1\"\"",
	"'192.0.2.1'", "\"192.0.2.1\":80",
	"for=192.0.2.1", "192.0.2.1;proto=https", "192.0.2.1\r",
	"192.0.2.1\n192.0.2.2", "192.0.2.1\v", "192.0.2.1\x01", "\xc2\xa0",
	"192.0.2.1%0a", "192.0.2.1\\n", "\xef\xbc\x91.1.1.1",
	"192.0.2.\xd9\xa1", "\xff\xfe",
	"0000000000000000000000000000000000000000000000192.0.2.1",
	"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
	X16 X16 "xxxxxxxxxxxxxx", X64 X64,
};

static void
a_stranger_is_himself(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(untrusted); i++)
		if (sb_address_trusted(pool, untrusted[i].peer))
			fail_msg("%s: trusted", untrusted[i].promise);
	hold(untrusted, COUNT(untrusted));
	sb_settings.trusted_proxies = NETS;
	for (size_t i = 0; i < COUNT(untrusted); i++)
		if (sb_address_trusted(pool, untrusted[i].peer))
			fail_msg("%s: trusted", untrusted[i].promise);
	hold(untrusted, COUNT(untrusted));
}

static void
a_proxy_says_who_it_is(void **state)
{
	(void)state;
	sb_settings.trusted_proxies = NETS;
	hold(trusted, COUNT(trusted));
	for (size_t i = 0; i < COUNT(trusted); i++)
		if (!sb_address_trusted(pool, trusted[i].peer))
			fail_msg("%s: not trusted", trusted[i].promise);
}

/* Alone, behind a proxy, with a client's word to its left. */
static void
garbage_frees_nobody(void **state)
{
	(void)state;
	sb_settings.trusted_proxies = NETS;
	for (size_t i = 0; i < COUNT(garbage); i++) {
		const char *g = garbage[i];
		const struct example examples[] = {
			{ g, "10.0.0.1", g, "10.0.0.1" },
			{ g, "10.0.0.1", sb_printf(pool, "%s,", g),
			    "10.0.0.1" },
			{ g, "10.0.0.1", sb_printf(pool, "192.0.2.9,%s", g),
			    "10.0.0.1" },
			{ g, "10.0.0.1", sb_printf(pool, "%s,10.0.0.2", g),
			    "10.0.0.1" },
			{ g, "10.0.0.1", sb_printf(pool, "192.0.2.9,%s,"
			    "10.0.0.3:80,10.0.0.2", g), "10.0.0.1" },
			{ g, "10.0.0.1", sb_printf(pool, "%s,192.0.2.9", g),
			    "192.0.2.9" },
		};

		hold(examples, COUNT(examples));
	}
}

static void
a_long_header_is_read_from_the_right(void **state)
{
	const size_t size = 1 << 20;
	char *text = sb_alloc(pool, size + 32);

	(void)state;
	sb_settings.trusted_proxies = NETS;
	for (size_t i = 0; i < size; i++)
		text[i] = "10.0.0.2,"[i % 9];
	assert_string_equal(sb_address_client(pool, "10.0.0.1", text),
	    "10.0.0.1");
	memcpy(text + size - size % 9, "192.0.2.1", 10);
	assert_string_equal(sb_address_client(pool, "10.0.0.1", text),
	    "192.0.2.1");
	memset(text, ',', size);
	assert_string_equal(sb_address_client(pool, "10.0.0.1", text),
	    "10.0.0.1");
	memset(text, '1', size);
	assert_string_equal(sb_address_client(pool, "10.0.0.1", text),
	    "10.0.0.1");
	sb_pool_clear(pool);
}

/* Whatever the client sends, the proxy adds its address at the right. */
static void
no_bytes_change_what_a_proxy_added(void **state)
{
	static const char some[] = "0123456789abcdefF:.,;[]\"% \t/10.0.0.2,::";
	unsigned char noise[48];
	char text[80];
	size_t n;

	(void)state;
	sb_settings.trusted_proxies = NETS;
	for (int i = 0; i < 200000; i++) {
		sb_random(noise, sizeof(noise));
		n = noise[0] % (sizeof(noise) - 1);
		for (size_t j = 0; j < n; j++)
			text[j] = noise[0] & 1 ? (char)(noise[j + 1] | 1) :
			    some[noise[j + 1] % (sizeof(some) - 1)];
		text[n] = '\0';
		assert_non_null(sb_address_client(pool, "10.0.0.1", text));
		assert_string_equal(sb_address_client(pool, "192.0.2.7", text),
		    "192.0.2.7");
		sb_is_networks(text);
		sb_address_client(pool, text, text);
		memcpy(text + n, ", 192.0.2.7", 12);
		assert_string_equal(sb_address_client(pool, "10.0.0.1", text),
		    "192.0.2.7");
		sb_pool_clear(pool);
	}
}

/* ------------------------------------------------------------- as counted */

static void
an_ipv6_address_counts_as_its_network(void **state)
{
	static const struct {
		const char *address, *counted;
	} examples[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64" },
		{ "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64" },
		{ "2001:db8:0:1::", "2001:db8:0:1::/64" },
		{ "2001:db8:0:2::", "2001:db8:0:2::/64" },
		{ "2001:DB8::1", "2001:db8::/64" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4::/64" },
		{ "::1", "::/64" },
		{ "2002:c000:201::1", "2002:c000:201::/64" },
		{ "64:ff9b::c000:201", "64:ff9b::/64" },
		{ "/run/a.sock", "/run/a.sock" },
		{ "fe80::1%eth0", "fe80::1%eth0" },
		{ "", "" },
		{ NULL, NULL },
	};
	const char *got;

	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		got = sb_address_counted(pool, examples[i].address);
		if (!same(got, examples[i].counted))
			fail_msg("%s: %s", shown(examples[i].address),
			    shown(got));
	}
}

/* ---------------------------------------------------------------- networks */

static void
lists_are_taken_or_not(void **state)
{
	static const char *const good[] = {
		"127.0.0.1", "::1", "127.0.0.1,::1", " 127.0.0.1\t,\t::1 ",
		"0.0.0.0/0", "::/0", "10.1.2.3/8", "2001:db8::1/32",
		"10.0.0.0/32", "::1/128", "::ffff:10.0.0.1",
		"::ffff:10.0.0.0/104", "::ffff:0:0/96", "::FFFF:A00:0/128",
		"10.0.0.0/08",
	};
	static const char *const bad[] = {
		"", " ", ",", "10.0.0.1,", ",10.0.0.1", "10.0.0.1,,::1",
		"10.0.0.1 ::1", "10.0.0.1;::1", "localhost", "unix:", "10",
		"10.0.0.01", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0 /8", "10.0.0.0/8/8",
		"10.0.0.0/8x", "10.0.0.0/0008", "10.0.0.0/255.0.0.0",
		"10.0.0.0/99999999999999999999", "10.0.0.1:80", "[::1]",
		"[::1]/128", "::1/129", "::1/1000", "::1%lo", "\"::1\"",
		"::ffff:10.0.0.0/8", "::ffff:10.0.0.0/95", "*", "10.*",
		"10.0.0.0-10.0.0.9", "10.0.0.1\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!sb_is_networks(good[i]))
			fail_msg("not taken: %s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (sb_is_networks(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void
a_block_has_its_own_addresses(void **state)
{
	static const struct {
		const char *list, *peer;
		bool trusted;
	} examples[] = {
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::ffff:255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "10.0.0.1", false },
		{ "::/0", "::ffff:10.0.0.1", false },
		{ "::/80", "10.0.0.1", false },
		{ "::/80", "::1", true },
		{ "::/95", "10.0.0.1", false },
		{ "::/96", "10.0.0.1", false },
		{ "::/96", "::10.0.0.1", true },
		{ "::ffff:0:0/96", "10.0.0.1", true },
		{ "::ffff:0:0/96", "::1", false },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
		{ "::ffff:10.0.0.1", "10.0.0.1", true },
		{ "::ffff:10.0.0.1", "10.0.0.2", false },
		{ "10.9.9.9/8", "10.1.2.3", true },
		{ "10.9.9.9/8", "11.1.2.3", false },
		{ "10.0.0.0/9", "10.127.255.255", true },
		{ "10.0.0.0/9", "10.128.0.0", false },
		{ "10.0.0.1/32", "10.0.0.1", true },
		{ "10.0.0.1/31", "10.0.0.0", true },
		{ "10.0.0.1/31", "10.0.0.2", false },
		{ "2001:db8::ff/33", "2001:db8:7fff::", true },
		{ "2001:db8::ff/33", "2001:db8:8000::", false },
		{ "::1", "127.0.0.1", false },
		{ "127.0.0.1", "::1", false },
		{ "192.0.2.1,10.0.0.1", "10.0.0.1", true },
		{ " 192.0.2.1 , 10.0.0.1\t", "192.0.2.1", true },
		{ "192.0.2.1,10.0.0.1", "10.0.0.2", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		sb_settings.trusted_proxies = examples[i].list;
		if (sb_address_trusted(pool, examples[i].peer) !=
		    examples[i].trusted)
			fail_msg("%s, %s", examples[i].list, examples[i].peer);
	}
}

/* An address as one would explain it: its family and its bits, one by one. */
struct plain {
	int		 family, bits;
	unsigned char	 bytes[16];
};

static bool
bit(const struct plain *a, int i)
{
	return (a->bytes[i / 8] >> (7 - i % 8)) & 1;
}

static bool
matches(const struct plain *a, const struct plain *net, int prefix)
{
	if (a->family != net->family)
		return false;
	for (int i = 0; i < prefix; i++)
		if (bit(a, i) != bit(net, i))
			return false;
	return true;
}

static struct plain
random_address(void)
{
	struct plain a;

	sb_random(a.bytes, sizeof(a.bytes));
	a.family = a.bytes[0] & 1 ? AF_INET : AF_INET6;
	a.bits = a.family == AF_INET ? 32 : 128;
	sb_random(a.bytes, 1);
	return a;
}

/* As a mapped address now and then. */
static const char *
write_plain(const struct plain *a, bool as_mapped)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(a->family, a->bytes, text, sizeof(text)));
	return sb_printf(pool, "%s%s",
	    as_mapped && a->family == AF_INET ? "::ffff:" : "", text);
}

/* Shares so many bits with the net, and not the next. */
static struct plain
neighbour(const struct plain *net, int shared)
{
	struct plain a = *net, other = random_address();

	for (int i = shared; i < a.bits; i++) {
		bool set = i == shared ? !bit(net, i) : bit(&other, i);
		unsigned char mask = (unsigned char)(0x80 >> i % 8);

		a.bytes[i / 8] = (unsigned char)(set ? a.bytes[i / 8] | mask :
		    a.bytes[i / 8] & ~mask);
	}
	return a;
}

static void
blocks_match_as_bit_by_bit(void **state)
{
	unsigned char noise[4];
	int hits = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct plain net = random_address(), a;
		int prefix, offset;
		bool wanted;

		sb_random(noise, sizeof(noise));
		prefix = noise[0] % (net.bits + 1);
		a = noise[1] < 16 ? random_address() :
		    neighbour(&net, noise[2] % (net.bits + 1));
		offset = noise[3] & 1 && net.family == AF_INET ? 96 : 0;
		sb_settings.trusted_proxies = sb_printf(pool, "%s/%d",
		    write_plain(&net, offset != 0), prefix + offset);
		assert_true(sb_is_networks(sb_settings.trusted_proxies));
		wanted = matches(&a, &net, prefix);
		hits += wanted;
		if (sb_address_trusted(pool, write_plain(&a, noise[3] & 2)) !=
		    wanted)
			fail_msg("%s, %s", sb_settings.trusted_proxies,
			    write_plain(&a, false));
		sb_pool_clear(pool);
	}
	assert_in_range(hits, 20000, 80000);
}

/* --------------------------------------------------------- a whole request */

enum { OUT_ADDRESS };
static const struct sb_field out[] = {
	[OUT_ADDRESS] = { "address", SB_TEXT, "The client's.",
	    .optional = true },
	SB_END
};

static enum sb_status
tell(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, OUT_ADDRESS, rq->address);
	return SB_OK;
}

static const struct sb_route routes[] = {
	{ SB_GET, "/", SB_PUBLIC, tell, NULL, out, "Tells the address." },
	{ SB_NONE }
};

#define FROM(...) \
	CALL(routes, .target = "/", .more = { __VA_ARGS__ })

static void
a_request_has_its_clients_address(void **state)
{
	(void)state;
	memory_expect(FROM("REMOTE_ADDR=::ffff:192.0.2.1",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9"), 200,
	    "{\"address\":\"192.0.2.1\"}");
	sb_settings.trusted_proxies = NETS;
	memory_expect(FROM("REMOTE_ADDR=10.0.0.1",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9"), 200,
	    "{\"address\":\"192.0.2.9\"}");
	memory_expect(FROM("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR="),
	    200, "{\"address\":\"10.0.0.1\"}");
	memory_expect(FROM("HTTP_X_FORWARDED_FOR=192.0.2.9"), 200,
	    "{\"address\":null}");
}

static void
two_headers_of_one_name_are_refused_behind_a_proxy(void **state)
{
	const struct memory_answer *a;

	(void)state;
	sb_settings.trusted_proxies = NETS;
	a = FROM("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=192.0.2.8",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9");
	memory_expect(a, 400, AMBIGUOUS);
	assert_non_null(strstr(a->log, " ms 10.0.0.1 GET "));
	memory_expect(FROM("REMOTE_ADDR=::ffff:10.0.0.1",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9"), 400, AMBIGUOUS);
	memory_expect(FROM("REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9"), 400, AMBIGUOUS);
	memory_expect(FROM("REMOTE_ADDR=192.0.2.1",
	    "HTTP_X_FORWARDED_FOR=192.0.2.8",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9"), 200,
	    "{\"address\":\"192.0.2.1\"}");
	memory_expect(FROM("REMOTE_ADDR=10.0.0.1",
	    "HTTP_X_FORWARDED_FOR=192.0.2.9",
	    "HTTP_X_FORWARDED_FOR_=192.0.2.8", "HTTP_X_FORWARDED=192.0.2.7",
	    "HTTP_X_FORWARDED_FOR"), 200, "{\"address\":\"192.0.2.9\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_stranger_is_himself, trust_nobody),
		cmocka_unit_test_setup(a_proxy_says_who_it_is, trust_nobody),
		cmocka_unit_test_setup(garbage_frees_nobody, trust_nobody),
		cmocka_unit_test_setup(a_long_header_is_read_from_the_right,
		    trust_nobody),
		cmocka_unit_test_setup(no_bytes_change_what_a_proxy_added,
		    trust_nobody),
		cmocka_unit_test(an_ipv6_address_counts_as_its_network),
		cmocka_unit_test(lists_are_taken_or_not),
		cmocka_unit_test_setup(a_block_has_its_own_addresses,
		    trust_nobody),
		cmocka_unit_test_setup(blocks_match_as_bit_by_bit,
		    trust_nobody),
		cmocka_unit_test_setup(a_request_has_its_clients_address,
		    trust_nobody),
		cmocka_unit_test_setup(
		    two_headers_of_one_name_are_refused_behind_a_proxy,
		    trust_nobody),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
