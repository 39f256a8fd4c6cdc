/*
 * User names: which are one name, which are none, and that a key is always one
 *.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <uninorm.h>
#include <unistr.h>
#include <unictype.h>

#include "internal.h"

#define REASON_MAX	120	/* bytes; what a caller is shown is short */

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

/* Reads a reason and holds it to what every reason must be. */
static const char *
reason(const char *name)
{
	const char *why = sb_username_wrong(pool, name);

	if (why == NULL)
		return NULL;
	assert_true(sb_utf8_valid(why, strlen(why)));
	assert_true(strlen(why) <= REASON_MAX);
	assert_ptr_equal(strstr(why, "user names must "), why);
	for (const char *p = why; *p != '\0'; p++)
		assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
	return why;
}

static const struct {
	const char *promise, *a, *b;
} same[] = {
	{ "case", "Admin", "ADMIN" },
	{ "fullwidth letters", "Admin", "ａｄｍｉｎ" },
	{ "fullwidth capitals", "ＡＤＭＩＮ", "admin" },
	{ "sharp s is two", "straße", "STRASSE" },
	{ "capital sharp s", "STRAẞE", "strasse" },
	{ "final sigma", "ΟΔΟΣ", "οδος" },
	{ "long s", "ſam", "Sam" },
	{ "Kelvin sign", "\u212Aelvin", "kelvin" },
	{ "Angstrom sign", "\u212B", "å" },
	{ "ligature", "ﬁn", "FIN" },
	{ "ligature of three", "oﬃce", "OFFICE" },
	{ "circled digit", "user①", "user1" },
	{ "superscript", "x²", "x2" },
	{ "Roman numeral", "Ⅷ", "viii" },
	{ "squared unit", "㎏", "KG" },
	{ "fraktur", "\u210Cans", "hans" },
	{ "mathematical bold", "\U0001D400\U0001D41Dmin", "admin" },
	{ "composed and not", "Jos\u00E9", "Jose\u0301" },
	{ "order of marks", "a\u0323\u0307", "a\u0307\u0323" },
	{ "marks and case", "E\u0301va", "\u00E9VA" },
	{ "dotted capital I, decomposed", "\u0130zmir", "i\u0307ZMIR" },
	{ "iota subscript", "\u1FB3", "\u0391\u0399" },
	{ "iota subscript after an accent", "\u03B1\u0345\u0301",
	    "\u1FB4" },
	{ "Cherokee", "\uAB70", "\u13A0" },
	{ "Georgian", "\u1C90", "\u10D0" },
	{ "Deseret, beyond the BMP", "\U00010400", "\U00010428" },
	{ "halfwidth katakana", "ﾊﾟ", "パ" },
	{ "Hangul from jamo", "\u1112\u1161\u11AB", "한" },
	{ "Cyrillic case", "ИВАН", "иван" },
	{ "Armenian ligature", "\u0587", "\u0535\u0552" },
	{ "apostrophe n", "\u0149a", "\u02BCNA" },
	{ "micro sign", "\u00B5", "\u03BC" },
	{ "DZ in title case", "\u01C5ore", "DŽORE" },
};

static const struct {
	const char *promise, *a, *b;
} different[] = {
	{ "dotless i is no i", "\u0131zmir", "izmir" },
	{ "dotless i is no capital I", "\u0131zmir", "Izmir" },
	{ "dotted capital I is no i", "\u0130zmir", "izmir" },
	{ "accents count", "José", "Jose" },
	{ "umlaut is no vowel", "Müller", "Muller" },
	{ "umlaut is no ae", "Jäger", "Jaeger" },
	{ "spaces count", "a b", "ab" },
	{ "signs count", "a_b", "a-b" },
	{ "Cyrillic is no Latin", "\u0430dmin", "admin" },
	{ "Greek is no Latin", "\u03BFk", "ok" },
	{ "eszett is no single s", "Maß", "mas" },
};

static const struct {
	const char *promise, *name;
} good[] = {
	{ "letters", "alice" },
	{ "one letter", "a" },
	{ "digits alone", "12345" },
	{ "punctuation", "a.b-c_d!#$%&'*+/=?^`{|}~" },
	{ "quotes and backslash", "\"a\\b\"" },
	{ "single spaces", "Ada King Lovelace" },
	{ "umlauts", "Jürgen Groß" },
	{ "typographic apostrophe", "O\u2019Brien" },
	{ "combining marks", "Jose\u0301" },
	{ "a mark first", "\u0301a" },
	{ "a mark after a space", "a \u0301" },
	{ "Chinese", "王小明" },
	{ "Japanese", "山田 太郎" },
	{ "Korean", "김철수" },
	{ "Arabic", "محمد" },
	{ "Hebrew with points", "שָׁלוֹם" },
	{ "Devanagari with spacing marks", "राम" },
	{ "Thai", "สมชาย" },
	{ "emoji", "cat \U0001F408" },
	{ "emoji with skin tone", "\U0001F44D\U0001F3FD" },
	{ "a flag", "\U0001F1E9\U0001F1EA" },
	{ "currency", "€uro" },
	{ "enclosing mark", "a\u20DD" },
	{ "letter number", "Ⅷ" },
	{ "the replacement character, a symbol", "a\uFFFDb" },
	{ "what grows in its key", "ﬃﬃﬃ" },
};

static const struct {
	const char *promise, *name, *why;	/* why: a part of it */
} bad[] = {
	{ "nothing", "", "be empty" },
	{ "a space alone", " ", "begin or end with a space" },
	{ "leading space", " a", "begin or end with a space" },
	{ "trailing space", "a ", "begin or end with a space" },
	{ "double space", "a  b", "two spaces in a row" },
	{ "three spaces", "a   b", "two spaces in a row" },
	{ "at-sign", "a@b", "contain '@'" },
	{ "at-sign alone", "@", "contain '@'" },
	{ "fullwidth at-sign", "a\uFF20b", "contain '@'" },
	{ "small at-sign", "a\uFE6Bb", "contain '@'" },
	{ "tab", "a\tb", "U+0009" },
	{ "newline", "a\nb", "U+000A" },
	{ "trailing newline", "a\n", "U+000A" },
	{ "escape", "a\x1b[31m", "U+001B" },
	{ "delete", "a\x7f", "U+007F" },
	{ "C1 control", "a\xc2\x85", "U+0085" },
	{ "no-break space", "a\u00A0b", "contain " },
	{ "en space", "a\u2002b", "contain " },
	{ "ideographic space", "a\u3000b", "contain " },
	{ "Ogham space, which NFKC keeps", "a\u1680b", "U+1680" },
	{ "line separator", "a\u2028b", "U+2028" },
	{ "paragraph separator", "a\u2029b", "U+2029" },
	{ "zero width space", "admin\u200B", "U+200B" },
	{ "zero width joiner", "a\u200Db", "U+200D" },
	{ "right-to-left override", "a\u202Eb", "U+202E" },
	{ "isolate", "a\u2066b", "U+2066" },
	{ "soft hyphen", "ad\u00ADmin", "U+00AD" },
	{ "byte order mark", "\uFEFFadmin", "U+FEFF" },
	{ "word joiner", "a\u2060b", "U+2060" },
	{ "Arabic letter mark", "a\u061Cb", "U+061C" },
	{ "Arabic number sign, a format character", "\u0600", "U+0600" },
	{ "grapheme joiner, an ignorable mark", "a\u034Fb", "U+034F" },
	{ "variation selector", "\u2764\uFE0F", "U+FE0F" },
	{ "variation selector 17", "a\U000E0100", "U+E0100" },
	{ "Hangul filler, an ignorable letter", "\u3164", "U+3164" },
	{ "halfwidth Hangul filler", "\uFFA0", "U+FFA0" },
	{ "Khmer inherent vowel", "a\u17B4", "U+17B4" },
	{ "Mongolian vowel separator", "a\u180Eb", "U+180E" },
	{ "tag", "a\U000E0041", "U+E0041" },
	{ "private use", "\uE000", "U+E000" },
	{ "private use, plane 16", "a\U00100000", "U+100000" },
	{ "unassigned", "a\u0378", "U+0378" },
	{ "unassigned plane", "a\U000A0000", "U+A0000" },
	{ "noncharacter", "a\xef\xbf\xbe", "U+FFFE" },
	{ "last noncharacter", "a\xf4\x8f\xbf\xbf", "U+10FFFF" },
	{ "acute accent, whose key has a space", "O\u00B4Brien",
	    "stands for a space" },
	{ "diaeresis first", "\u00A8a", "stands for a space" },
	{ "ligature of several words", "\uFDFA", "stands for a space" },
	{ "bytes that aren't UTF-8", "a\xff", "be UTF-8" },
	{ "overlong form", "a\xc0\xaf", "be UTF-8" },
	{ "surrogate", "\xed\xa0\x80", "be UTF-8" },
	{ "broken off", "a\xe2\x82", "be UTF-8" },
	{ "beyond Unicode", "\xf4\x90\x80\x80", "be UTF-8" },
};

static void
one_name_has_one_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (strcmp(sb_username_key(pool, same[i].a),
		    sb_username_key(pool, same[i].b)) != 0)
			fail_msg("%s: two keys", same[i].promise);
}

static void
two_names_have_two_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(different) / sizeof(*different); i++)
		if (strcmp(sb_username_key(pool, different[i].a),
		    sb_username_key(pool, different[i].b)) == 0)
			fail_msg("%s: one key", different[i].promise);
}

static void
a_key_is_the_folded_text(void **state)
{
	(void)state;
	assert_string_equal(sb_username_key(pool, "ＡdMin"), "admin");
	assert_string_equal(sb_username_key(pool, "Groß"), "gross");
	assert_string_equal(sb_username_key(pool, "E\u0301"), "\u00E9");
	assert_string_equal(sb_username_key(pool, "\u0130"), "i\u0307");
	assert_string_equal(sb_username_key(pool, ""), "");
}

static void
good_names_are_taken(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if ((why = reason(good[i].name)) != NULL)
			fail_msg("%s: %s", good[i].promise, why);
}

static void
bad_names_are_refused_and_told_why(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = reason(bad[i].name);
		if (why == NULL)
			fail_msg("%s: taken", bad[i].promise);
		else if (strstr(why, bad[i].why) == NULL)
			fail_msg("%s: %s", bad[i].promise, why);
	}
}

static void
what_is_no_utf8_has_no_key(void **state)
{
	(void)state;
	assert_null(sb_username_key(pool, "a\xff"));
	assert_null(sb_username_key(pool, "\xc0\x80"));
	assert_null(sb_username_key(pool, "\xed\xbf\xbf"));
	assert_null(sb_username_key(pool, "\x80"));
	assert_null(sb_username_key(pool, "\xf0\x9f\x98"));
}

/* Puts a code point between a prefix and a suffix. */
static void
surround(char *name, size_t size, const char *before, ucs4_t c,
    const char *after)
{
	size_t n = strlen(before);

	memcpy(name, before, n);
	n += u8_uctomb((uint8_t *)name + n, c, (ptrdiff_t)(size - n));
	memcpy(name + n, after, strlen(after) + 1);
}

static bool
is_character(ucs4_t c)
{
	return c < 0xd800 || c > 0xdfff;
}

static void
a_key_is_its_own_key(void **state)
{
	static const char *const around[][2] = {
		{ "", "" }, { "", "\u0345\u0301" }, { "\u03B1\u0345", "" },
		{ "\u1100\u1161", "\u0323" },
	};
	const char *key;
	char name[32];

	(void)state;
	for (ucs4_t c = 1; c < 0x110000; c++) {
		if (!is_character(c) || (c > 0x20000 && c % 61 != 0))
			continue;
		for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
			surround(name, sizeof(name), around[i][0], c,
			    around[i][1]);
			key = sb_username_key(pool, name);
			if (strcmp(key, sb_username_key(pool, key)) != 0)
				fail_msg("U+%04X, %zu", (unsigned)c, i);
		}
		sb_pool_clear(pool);
	}
}

/* What may stand in a name, said in another way than name.c does. */
static bool
may_stand(ucs4_t c)
{
	static const char classes[] = "LMNPS";
	const char *name = uc_general_category_name(uc_general_category(c));

	return c == ' ' || (c != '@' && strchr(classes, name[0]) != NULL &&
	    !uc_is_property(c, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT));
}

static void
every_code_point_is_judged_by_its_class_and_its_key(void **state)
{
	const char *key;
	size_t taken = 0;
	char name[32];
	ucs4_t c, in_key;

	(void)state;
	for (c = 1; c < 0x110000; c++) {
		if (!is_character(c))
			continue;
		surround(name, sizeof(name), "a", c, "b");
		if (reason(name) == NULL) {
			taken++;
			key = sb_username_key(pool, name);
			assert_true(may_stand(c));
			assert_null(reason(key));
			for (const uint8_t *s = (const uint8_t *)key;
			    (s = u8_next(&in_key, s)) != NULL;)
				assert_true(may_stand(in_key));
		} else if (may_stand(c)) {
			key = sb_username_key(pool, name);
			assert_true(strpbrk(key, "@ ") != NULL);
		}
		sb_pool_clear(pool);
	}
	assert_true(taken > 130000);
}

static void
long_and_wild_input_is_survived(void **state)
{
	static const char *const pieces[] = {
		"\u0301", "\uFDFA", "ß", "@", "\x01", "\u0345", "a ",
		"\u202E", "\u1100", "\xff", "\U0001D160",
	};
	char text[60000 + 8];
	size_t n, length;

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		length = strlen(pieces[i]);
		for (n = 0; n + length < 60000; n += length)
			memcpy(text + n, pieces[i], length);
		text[n] = '\0';
		reason(text);
		assert_true((sb_username_key(pool, text) == NULL) ==
		    (pieces[i][0] == '\xff'));
		sb_pool_clear(pool);
	}
	for (int i = 0; i < 20000; i++) {
		sb_random(text, 16);
		text[16] = '\0';
		assert_true((reason(text) != NULL) >=
		    (sb_username_key(pool, text) == NULL));
		sb_pool_clear(pool);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_name_has_one_key),
		cmocka_unit_test(two_names_have_two_keys),
		cmocka_unit_test(a_key_is_the_folded_text),
		cmocka_unit_test(good_names_are_taken),
		cmocka_unit_test(bad_names_are_refused_and_told_why),
		cmocka_unit_test(what_is_no_utf8_has_no_key),
		cmocka_unit_test(a_key_is_its_own_key),
		cmocka_unit_test(
		    every_code_point_is_judged_by_its_class_and_its_key),
		cmocka_unit_test(long_and_wild_input_is_survived),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
