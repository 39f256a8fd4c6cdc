/*
 * Email addresses: which are one, which are none and in what words, and that
 * lengths are exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <unistr.h>

#include "internal.h"

#define REASON_MAX	1024	/* bytes; names of characters are long */

#define PERIODS		"An email address cannot have two periods in a row."
#define BRACKETED	"A bracketed IP address after the @-sign is not " \
			"allowed here."
#define DISPLAY		"A display name and angle brackets around the " \
			"email address are not permitted here."
#define QUOTED		"Quoting the part before the @-sign is not allowed " \
			"here."
#define NO_PERIOD	"The part after the @-sign is not valid. It should " \
			"have a period."
#define NO_TOP		"The part after the @-sign is not valid. It is not " \
			"within a valid top-level domain."
#define SPECIAL		"The part after the @-sign is a special-use or " \
			"reserved name that cannot be used with email."
#define BEFORE		"The email address contains invalid characters " \
			"before the @-sign: "
#define AFTER		"The part after the @-sign contains invalid " \
			"characters: "
#define MAPPED		"The part after the @-sign contains invalid " \
			"characters after Unicode normalization: "
#define UNSAFE		"The email address contains unsafe characters: "
#define HYPHENS		"An email address cannot have two letters followed " \
			"by two dashes immediately after the @-sign or " \
			"after a period, except Punycode."
#define NEIGHBOURS	"An email address cannot have a period and a " \
			"hyphen next to each other."
#define NO_AT		"An email address must have an @-sign."
#define NO_UTF8		"The email address is not valid UTF-8."

static struct sb_pool *pool;

static int
begin(void **state)
{
	(void)state;
	pool = sb_pool_new();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	sb_pool_free(pool);
	return 0;
}

/*
 * Reads a reason and holds it to what every reason must be: text to be shown,
 * and given exactly when there is no key.
 */
static const char *
reason(const char *address)
{
	const char *why = sb_email_wrong(pool, address);

	assert_true((why == NULL) == (sb_email_key(pool, address) != NULL));
	if (why == NULL)
		return NULL;
	assert_true(sb_utf8_valid(why, strlen(why)));
	assert_true(strlen(why) > 0 && strlen(why) <= REASON_MAX);
	for (const char *p = why; *p != '\0'; p++)
		assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
	return why;
}

static const struct {
	const char *promise, *address, *key;
} good[] = {
	{ "an ordinary one", "ada@example.org", "ada@example.org" },
	{ "documentation's own domain", "a@example.com", "a@example.com" },
	{ "case of the local part", "Ada.LOVELACE@example.org",
	    "ada.lovelace@example.org" },
	{ "case of the domain", "ada@Example.ORG", "ada@example.org" },
	{ "every sign of a dot-atom", "!#$%&'*+-/=?^_`.{|}~@example.org",
	    "!#$%&'*+-/=?^_`.{|}~@example.org" },
	{ "a tag", "ada+news@example.org", "ada+news@example.org" },
	{ "periods count", "a.d.a@example.org", "a.d.a@example.org" },
	{ "digits before the @-sign", "123@example.org", "123@example.org" },
	{ "hyphens around the local part", "-a-@example.org",
	    "-a-@example.org" },
	{ "many labels", "a@b.c.d.example.org", "a@b.c.d.example.org" },
	{ "a label of digits", "a@123.org", "a@123.org" },
	{ "hyphens within a label", "a@x-y-z.org", "a@x-y-z.org" },
	{ "three hyphens further on", "a@xyz---z.org", "a@xyz---z.org" },
	{ "umlaut in the domain", "a@münchen.de", "a@xn--mnchen-3ya.de" },
	{ "capital umlaut", "a@MÜNCHEN.DE", "a@xn--mnchen-3ya.de" },
	{ "decomposed umlaut", "a@mu\u0308nchen.de",
	    "a@xn--mnchen-3ya.de" },
	{ "the same as an A-label", "a@xn--mnchen-3ya.de",
	    "a@xn--mnchen-3ya.de" },
	{ "an A-label in capitals", "a@XN--MNCHEN-3YA.DE",
	    "a@xn--mnchen-3ya.de" },
	{ "sharp s by IDNA 2008", "a@straße.de", "a@xn--strae-oqa.de" },
	{ "capital sharp s", "a@STRAẞE.DE", "a@xn--strae-oqa.de" },
	{ "final sigma by IDNA 2008", "a@ας.gr", "a@xn--mxa8a.gr" },
	{ "fullwidth domain", "a@ｅｘａｍｐｌｅ．ｏｒｇ", "a@example.org" },
	{ "ideographic period", "a@example。org", "a@example.org" },
	{ "Chinese throughout", "伊昭傑@郵件.商務",
	    "伊昭傑@xn--5nqv22n.xn--lhr59c" },
	{ "Devanagari", "राम@मोहन.ईन्फो",
	    "राम@xn--l2bl7a9d.xn--o1b8dj2ki" },
	{ "Cyrillic", "Юзер@екзампл.ком",
	    "юзер@xn--80ajglhfv.xn--j1aef" },
	{ "Greek", "θσερ@εχαμπλε.ψομ",
	    "θσερ@xn--mxahbxey0c.xn--xxaf0a" },
	{ "Arabic domain", "a@شهر.com", "a@xn--wgbf1d.com" },
	{ "Catalan middle dot between two l", "a@col·lega.cat",
	    "a@xn--collega-xma.cat" },
	{ "katakana middle dot", "a@カ・タ.com", "a@xn--lckxb3k.com" },
	{ "a top-level domain as an A-label", "a@example.xn--p1ai",
	    "a@example.xn--p1ai" },
	{ "accent before the @-sign", "JOSÉ@example.org",
	    "josé@example.org" },
	{ "the same decomposed", "Jose\u0301@example.org",
	    "josé@example.org" },
	{ "order of marks", "s\u0307\u0323@example.org",
	    "\u1E69@example.org" },
	{ "sharp s before the @-sign folds", "GROß@example.org",
	    "gross@example.org" },
	{ "Kelvin sign", "\u212A@example.org", "k@example.org" },
	{ "fullwidth letters before the @-sign stay",
	    "ＡＢ@example.org", "ａｂ@example.org" },
	{ "fullwidth at-sign before an @-sign", "＠@example.org",
	    "＠@example.org" },
	{ "dotless i stays", "\u0131@example.org", "\u0131@example.org" },
	{ "iota subscript", "\u03B1\u0345\u0301@example.org",
	    "\u03AC\u03B9@example.org" },
	{ "emoji before the @-sign", "\U0001F408@example.org",
	    "\U0001F408@example.org" },
	{ "=, struck out, is a sign of its own", "a=\u0338@example.org",
	    "a\u2260@example.org" },
	{ "what IDNA ignores", "a@exam\uFE0Fple.org", "a@example.org" },
	{ "special-use names elsewhere", "a@test.local.org",
	    "a@test.local.org" },
	{ "special-use names as endings", "a@mytest.contest",
	    "a@mytest.contest" },
};

static const struct {
	const char *address, *why;
} bad[] = {
	{ "", NO_AT },
	{ "ada", NO_AT },
	{ "ada.example.org", NO_AT },
	{ "ada＠example.org", "The email address has the \"full-width\" "
	    "at-sign (@) character instead of a regular at-sign." },
	{ "ada﹫example.org", "The email address has the \"small "
	    "commercial at\" character instead of a regular at-sign." },
	{ "@", "There must be something before the @-sign." },
	{ "@example.org", "There must be something before the @-sign." },
	{ "ada@", "There must be something after the @-sign." },
	{ "ada@example", NO_PERIOD },
	{ "ada@localhost", NO_PERIOD },
	{ "ada@test", NO_PERIOD },
	{ "a@b@example.org", AFTER "'@'." },
	{ "a@@example.org", AFTER "'@'." },
	{ ".ada@example.org", "An email address cannot start with a "
	    "period." },
	{ "ada.@example.org", "An email address cannot have a period "
	    "immediately before the @-sign." },
	{ ".@example.org", "An email address cannot have a period "
	    "immediately before the @-sign." },
	{ "a..b@example.org", PERIODS },
	{ "ada@.example.org", "An email address cannot have a period "
	    "immediately after the @-sign." },
	{ "ada@．example.org", "An email address cannot have a period "
	    "immediately after the @-sign." },
	{ "ada@example.org.", "An email address cannot end with a "
	    "period." },
	{ "ada@example.org。", "An email address cannot end with a "
	    "period." },
	{ "ada@example..org", PERIODS },
	{ "ada@example．。org", PERIODS },
	{ "ada@example.\uFE0F.org", PERIODS },
	{ "ada@-example.org", "An email address cannot have a hyphen "
	    "immediately after the @-sign." },
	{ "ada@－example.org", "An email address cannot have a hyphen "
	    "immediately after the @-sign." },
	{ "ada@example.org-", "An email address cannot end with a "
	    "hyphen." },
	{ "ada@example-.org", NEIGHBOURS },
	{ "ada@example.-org", NEIGHBOURS },
	{ "ada@münchen-.de", NEIGHBOURS },
	{ "ada@xn--.org", NEIGHBOURS },
	{ "ada@xn--abc-.org", NEIGHBOURS },
	{ "ada@ab--c.org", HYPHENS },
	{ "ada@x.ÄB--c.org", HYPHENS },
	{ "ada@ab－－c.org", HYPHENS },
	{ "a b@example.org", BEFORE "SPACE." },
	{ " ada@example.org", BEFORE "SPACE." },
	{ "ada @example.org", BEFORE "SPACE." },
	{ "ada@ example.org", AFTER "SPACE." },
	{ "ada@example.org ", AFTER "SPACE." },
	{ "ada@example.org\n", AFTER "U+000A." },
	{ "\nada@example.org", BEFORE "U+000A." },
	{ "a\td\ta@example.org", BEFORE "U+0009." },
	{ "ada\x7f@example.org", BEFORE "U+007F." },
	{ "a(d)a,b@example.org", BEFORE "'(', ')', ','." },
	{ "a\\b@example.org", BEFORE "\"\\\"." },
	{ "a\"d\"a@example.org", BEFORE "'\"'." },
	{ "a;b:c d@example.org", BEFORE "':', ';', SPACE." },
	{ "ada@ex_ample.org", AFTER "'_'." },
	{ "ada@ex!ample'.org", AFTER "\"'\", '!'." },
	{ "ada@example.org:25", AFTER "':'." },
	{ "ada@⒈example.org", AFTER "'⒈'." },
	{ "ada@exa…mple.org", AFTER "'…'." },
	{ "ada@\u037e.org", MAPPED "';'." },
	{ "ada@（x）.org", MAPPED "'(', ')'." },
	{ "ada@x\u00A8y.org", MAPPED "SPACE." },
	{ "a\u037e@example.org", "After Unicode normalization: "
	    BEFORE "';'." },
	{ "a\u00A0b@example.org", UNSAFE "NO-BREAK SPACE." },
	{ "a\u2005b@example.org", UNSAFE "FOUR-PER-EM SPACE." },
	{ "a\u2028b@example.org", UNSAFE "LINE SEPARATOR." },
	{ "\u0300a@example.org", UNSAFE "COMBINING GRAVE ACCENT." },
	{ "a@\u0300example.org", UNSAFE "COMBINING GRAVE ACCENT." },
	{ "a\xc2\x9c@example.org", UNSAFE "U+009C." },
	{ "a\u200B@example.org", UNSAFE "ZERO WIDTH SPACE." },
	{ "a\u00AD@example.org", UNSAFE "SOFT HYPHEN." },
	{ "a\u202Db\u202E@example.org",
	    UNSAFE "LEFT-TO-RIGHT OVERRIDE, RIGHT-TO-LEFT OVERRIDE." },
	{ "a\uE000@example.org", UNSAFE "U+E000." },
	{ "a\U0010FDEF@example.org", UNSAFE "U+0010FDEF." },
	{ "a\uFDEF@example.org", UNSAFE "U+FDEF." },
	{ "a@exam\u00ADple.org", UNSAFE "SOFT HYPHEN." },
	{ "a@exam\u200Dple.org", UNSAFE "ZERO WIDTH JOINER." },
	{ "a@example\u3000.org", UNSAFE "IDEOGRAPHIC SPACE." },
	{ "a@xn--11b2ezcw70k.com", UNSAFE "ZERO WIDTH JOINER." },
	{ "\"ada\"@example.org", QUOTED },
	{ "\"a@b c\"@example.org", QUOTED },
	{ "\"a\\\"@b\"@example.org", QUOTED },
	{ "\"ada@example.org", NO_AT },
	{ "ada@[192.0.2.1]", BRACKETED },
	{ "ada@[IPv6:2001:db8::1]", BRACKETED },
	{ "ada@192.0.2.1", NO_TOP },
	{ "ada@example.1", NO_TOP },
	{ "ada@example.c0m1", NO_TOP },
	{ "Ada <ada@example.org>", DISPLAY },
	{ "<ada@example.org>", DISPLAY },
	{ "\"Ada L.\" <ada@example.org>", DISPLAY },
	{ "Ada <ada@example.org", "An open angle bracket at the start of "
	    "the email address has to be followed by a close angle bracket "
	    "at the end." },
	{ "<ada@example.org> x", "There can't be anything after the email "
	    "address." },
	{ "ada@example.org>", AFTER "'>'." },
	{ "mailto:ada@example.org", BEFORE "':'." },
	{ "a@b.org, c@d.org", AFTER "',', '@', SPACE." },
	{ "ada@a·b.org", "The part after the @-sign is invalid (string "
	    "contains a forbidden context-o character)." },
	{ "ada@host.local", SPECIAL },
	{ "ada@host.LOCAL", SPECIAL },
	{ "ada@host.localhost", SPECIAL },
	{ "ada@a.b.invalid", SPECIAL },
	{ "ada@example.test", SPECIAL },
	{ "ada@example.onion", SPECIAL },
	{ "ada@1.0.0.127.in-addr.arpa", SPECIAL },
	{ "ada@host.ｌｏｃａｌ", SPECIAL },
	{ "a\xff@example.org", NO_UTF8 },
	{ "a@ex\xc0\xaeorg", NO_UTF8 },
	{ "\xed\xa0\x80@example.org", NO_UTF8 },
	{ "a@example.org\xe2\x82", NO_UTF8 },
};

/* Domains that only libidn2 refuses; its words aren't ours to test. */
static const struct {
	const char *promise, *address;
} no_idna[] = {
	{ "no Punycode", "a@xn--0.org" },
	{ "no Punycode, in capitals", "a@XN--0.org" },
	{ "an A-label of a control", "a@xn--a.org" },
	{ "a snowman", "a@☃.net" },
	{ "a snowman's A-label", "a@xn--n3h.net" },
	{ "an emoji", "a@\U0001F408.com" },
	{ "a digit before Hebrew", "a@1אב.com" },
	{ "an Arabic digit before a letter", "a@١a.com" },
	{ "a middle dot that isn't between two l", "a@a·b.com" },
	{ "its A-label", "a@xn--ab-0ea.com" },
	{ "a katakana middle dot in Latin", "a@a\u30FBb.com" },
	{ "an A-label that isn't normal", "a@xn--u-ccb.com" },
	{ "a mark first in a label", "a@x.\u0301b.com" },
};

static const struct {
	const char *promise, *a, *b;
} different[] = {
	{ "local parts", "a@example.org", "b@example.org" },
	{ "a tag", "a+b@example.org", "a@example.org" },
	{ "a period", "a.b@example.org", "ab@example.org" },
	{ "domains", "a@example.org", "a@example.com" },
	{ "sharp s in the domain", "a@faß.de", "a@fass.de" },
	{ "final sigma in the domain", "a@ας.gr", "a@ασ.gr" },
	{ "an umlaut in the domain", "a@müller.de", "a@muller.de" },
	{ "fullwidth local part", "ａ@example.org", "a@example.org" },
	{ "dotless i", "\u0131@example.org", "i@example.org" },
	{ "Cyrillic a", "\u0430@example.org", "a@example.org" },
};

static void
good_addresses_are_taken_and_keyed(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if ((why = reason(good[i].address)) != NULL)
			fail_msg("%s: %s", good[i].promise, why);
		assert_string_equal(sb_email_key(pool, good[i].address),
		    good[i].key);
	}
}

static void
a_key_is_its_own_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_string_equal(sb_email_key(pool, good[i].key),
		    good[i].key);
}

static void
two_addresses_have_two_keys(void **state)
{
	const char *a, *b;

	(void)state;
	for (size_t i = 0; i < sizeof(different) / sizeof(*different); i++) {
		a = sb_email_key(pool, different[i].a);
		b = sb_email_key(pool, different[i].b);
		assert_true(a != NULL && b != NULL);
		if (strcmp(a, b) == 0)
			fail_msg("%s: one key", different[i].promise);
	}
}

static void
bad_addresses_are_refused_in_the_known_words(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if ((why = reason(bad[i].address)) == NULL)
			fail_msg("taken: %s", bad[i].address);
		assert_string_equal(why, bad[i].why);
	}
}

static void
domains_must_be_idna_2008(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(no_idna) / sizeof(*no_idna); i++) {
		if ((why = reason(no_idna[i].address)) == NULL)
			fail_msg("%s: taken", no_idna[i].promise);
		else if (strstr(why, "The part after the @-sign is ") != why)
			fail_msg("%s: %s", no_idna[i].promise, why);
	}
}

/* Appends a text n times. */
static void
fill(char *to, const char *text, size_t n)
{
	size_t length = strlen(text);

	to += strlen(to);
	for (; n > 0; n--, to += length)
		memcpy(to, text, length + 1);
}

static void
local_parts_end_at_64_code_points(void **state)
{
	static const struct {
		const char *letter;
		size_t n;
		const char *why;
	} cases[] = {
		{ "a", 63, NULL },
		{ "a", 64, NULL },
		{ "a", 65, "The email address is too long before the @-sign "
		    "(1 character too many)." },
		{ "a", 66, "The email address is too long before the @-sign "
		    "(2 characters too many)." },
		{ "é", 64, NULL },
		{ "é", 65, "The email address is too long before the @-sign "
		    "(1 character too many)." },
		{ "e\u0301", 32, NULL },
		{ "e\u0301", 33, "The email address is too long before the "
		    "@-sign (2 characters too many)." },
		/* In NFC it is two, being excluded from composition. */
		{ "\u0958", 32, NULL },
		{ "\u0958", 33, "After Unicode normalization: The email "
		    "address is too long before the @-sign (2 characters "
		    "too many)." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char address[400] = "";
		const char *why;

		fill(address, cases[i].letter, cases[i].n);
		fill(address, "@example.org", 1);
		why = reason(address);
		if (cases[i].why == NULL)
			assert_null(why);
		else
			assert_string_equal(why, cases[i].why);
	}
}

static void
labels_end_at_63_octets(void **state)
{
	static const struct {
		const char *first;
		size_t n;
		const char *why;
	} cases[] = {
		{ "", 62, NULL },
		{ "", 63, NULL },
		{ "", 64, "After the @-sign, periods cannot be separated by "
		    "so many characters (1 character too many)." },
		{ "", 65, "After the @-sign, periods cannot be separated by "
		    "so many characters (2 characters too many)." },
		{ "ü", 55, NULL },		/* xn--, -, three digits */
		{ "ü", 56, "The part after the @-sign is invalid (Label "
		    "too long)." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char address[200] = "a@x.";
		const char *why;

		fill(address, cases[i].first, 1);
		fill(address, "a", cases[i].n);
		fill(address, ".org", 1);
		why = reason(address);
		if (cases[i].why == NULL)
			assert_null(why);
		else
			assert_string_equal(why, cases[i].why);
		if (cases[i].why == NULL && i > 3)
			assert_int_equal(strcspn(sb_email_key(pool, address) +
			    4, "."), 63);
	}
}

/* Makes an address of a local part and three labels of x, and one of n. */
static void
lengthen(char *address, const char *local, const char *extra, size_t n)
{
	*address = '\0';
	fill(address, local, 1);
	fill(address, "@", 1);
	for (int i = 0; i < 2; i++) {
		fill(address, "x", 63);
		fill(address, ".", 1);
	}
	fill(address, extra, 1);
	fill(address, "x", 50);
	fill(address, ".", 1);
	fill(address, "y", n);
	fill(address, ".org", 1);
}

static void
addresses_end_at_254_octets(void **state)
{
	char address[600];

	(void)state;
	/* 12 + 1 + 64 + 64 + 51 + 58 + 4 = 254 */
	lengthen(address, "abcdefghijkl", "", 58);
	assert_int_equal(strlen(address), 254);
	assert_null(reason(address));
	lengthen(address, "abcdefghijklm", "", 58);
	assert_string_equal(reason(address), "The email address is too long "
	    "(1 character too many).");
	lengthen(address, "abcdefghijklmn", "", 58);
	assert_string_equal(reason(address), "The email address is too long "
	    "(2 characters too many).");
	lengthen(address, "abcdefghijé", "", 58);
	assert_null(reason(address));
	lengthen(address, "abcdefghijké", "", 58);
	assert_string_equal(reason(address), "The email address is too long "
	    "(1 byte too many).");
	/* Typed: 246 octets; with its A-label six more. */
	lengthen(address, "abcdefg", "ü", 53);
	assert_null(reason(address));
	assert_int_equal(strlen(address), 246);
	assert_int_equal(strlen(sb_email_key(pool, address)), 252);
	lengthen(address, "abcdefghi", "ü", 53);
	assert_null(reason(address));
	lengthen(address, "abcdefghij", "ü", 53);
	assert_string_equal(reason(address), "The email address is too long "
	    "when the part after the @-sign is converted to IDNA ASCII "
	    "(1 byte too many).");
	/* U+0958 is three octets as it is typed and six in NFC. */
	lengthen(address, "abcdefgh\u0958", "", 58);
	assert_int_equal(strlen(address), 253);
	assert_string_equal(reason(address), "The email address is too long "
	    "after normalization (2 bytes too many).");
}

static void
domains_end_at_253_octets(void **state)
{
	char address[600];

	(void)state;
	/* 64 + 64 + 51 + 62 + 4 = 245; a label of its own for the rest. */
	lengthen(address, "a", "yyyyyyyyyyyy", 58);
	assert_int_equal(strlen(address) - 2, 253);
	assert_string_equal(reason(address), "The email address is too long "
	    "(1 character too many).");
	lengthen(address, "a", "yyyyyyyyyyyy", 59);
	assert_string_equal(reason(address), "The email address is too long "
	    "after the @-sign (1 character too many).");
	lengthen(address, "a", "yyyyyyyyyyyy", 60);
	assert_string_equal(reason(address), "The email address is too long "
	    "after the @-sign (2 characters too many).");
	lengthen(address, "a", "üyyyy", 63);
	assert_string_equal(reason(address), "The email address is too long "
	    "after the @-sign.");
}

/* What mustn't be anywhere in an address nor in its key. */
static bool
is_blank_or_control(ucs4_t c)
{
	return c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == 0xad ||
	    c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) ||
	    c == 0x3000 || c == 0xfeff || (c >= 0xe000 && c <= 0xf8ff) ||
	    (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe ||
	    (c >= 0xe0001 && c <= 0xe007f) || c >= 0xf0000;
}

static void
hold_key(const char *key, ucs4_t of)
{
	const uint8_t *s = (const uint8_t *)key;
	const char *at = strchr(key, '@');
	ucs4_t c;

	if (at == NULL || strchr(at + 1, '@') != NULL || at[1 + strspn(at + 1,
	    "abcdefghijklmnopqrstuvwxyz0123456789-.")] != '\0' ||
	    strcmp(key, sb_email_key(pool, key)) != 0)
		fail_msg("U+%04X: %s", (unsigned)of, key);
	while ((s = u8_next(&c, s)) != NULL)
		if (is_blank_or_control(c))
			fail_msg("U+%04X: %s", (unsigned)of, key);
}

static void
every_code_point_is_safe_on_either_side(void **state)
{
	static const char *const frames[][2] = {
		{ "a", "b@example.org" }, { "", "@example.org" },
		{ "a@x", "y.org" }, { "a@", ".org" },
	};
	size_t taken[4] = { 0 }, n, i;
	char address[40];

	(void)state;
	for (ucs4_t c = 1; c < 0x110000; c++) {
		if ((c >= 0xd800 && c <= 0xdfff) || (c > 0x20000 &&
		    c % 251 != 0 && (c < 0xe0000 || c > 0xe0200)))
			continue;
		for (i = 0; i < 4; i++) {
			n = strlen(frames[i][0]);
			memcpy(address, frames[i][0], n);
			n += u8_uctomb((uint8_t *)address + n, c, 4);
			memcpy(address + n, frames[i][1],
			    strlen(frames[i][1]) + 1);
			if (reason(address) != NULL)
				continue;
			taken[i]++;
			assert_false(is_blank_or_control(c));
			hold_key(sb_email_key(pool, address), c);
		}
		sb_pool_clear(pool);
	}
	for (i = 0; i < 4; i++)
		assert_true(taken[i] > 50000);
}

static void
long_and_wild_input_is_survived(void **state)
{
	static const char *const pieces[] = {
		"a", "\u0301", "\uFDFA", "ß", "@", "\x01", "\"", "\\", ".",
		"<", "-", "\xff", "\U0001D160", "xn--",
	};
	char text[5000 + 30];

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		for (size_t n = 1; n <= 1000; n = n * 3 + 1) {
			*text = '\0';
			fill(text, pieces[i], n);
			reason(text);
			fill(text, "@example.org", 1);
			reason(text);
			memcpy(text, "a@x", 4);
			fill(text, pieces[i], n);
			reason(text);
			fill(text, ".org", 1);
			reason(text);
			sb_pool_clear(pool);
		}
	}
	*text = '\0';
	fill(text, "a", 2048);
	assert_string_equal(reason(text), NO_AT);
	fill(text, "a", 1);
	assert_string_equal(reason(text), "Length must not exceed 2048 "
	    "characters");
}

static void
random_input_is_survived(void **state)
{
	static const char *const alphabet[] = {
		"a", "B", "9", ".", "-", "@", "ü", "ß", "\u0301", "xn--",
		"。", "\uFE0F", "·", "l", "א", "١", "カ", "・", "-3ya",
		"\"", "<", ">", " ", "\u200D", "\xc3", "\x01", "org", "İ",
		"\u0345", "\uFF0E", "\u0958", "\u00AD",
	};
	unsigned char byte[24];
	char address[200];
	size_t taken = 0;

	(void)state;
	_Static_assert(sizeof(alphabet) / sizeof(*alphabet) == 32, "mask");
	for (int i = 0; i < 60000; i++) {
		sb_random(byte, sizeof(byte));
		memcpy(address, "a@", 3);
		for (int n = 0; n < 2 + byte[0] % 6; n++)
			fill(address, alphabet[byte[1 + n] & 31], 1);
		if (byte[23] & 1)
			fill(address, ".org", 1);
		if (byte[22] & 1)
			memmove(address, address + 2, strlen(address) - 1);
		if (reason(address) == NULL) {
			taken++;
			hold_key(sb_email_key(pool, address), 0);
		}
		sb_pool_clear(pool);
	}
	assert_true(taken > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_taken_and_keyed),
		cmocka_unit_test(a_key_is_its_own_key),
		cmocka_unit_test(two_addresses_have_two_keys),
		cmocka_unit_test(bad_addresses_are_refused_in_the_known_words),
		cmocka_unit_test(domains_must_be_idna_2008),
		cmocka_unit_test(local_parts_end_at_64_code_points),
		cmocka_unit_test(labels_end_at_63_octets),
		cmocka_unit_test(addresses_end_at_254_octets),
		cmocka_unit_test(domains_end_at_253_octets),
		cmocka_unit_test(every_code_point_is_safe_on_either_side),
		cmocka_unit_test(long_and_wild_input_is_survived),
		cmocka_unit_test(random_input_is_survived),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
