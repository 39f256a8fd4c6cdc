/*
 * Which pairs sb_form_urlencoded and sb_form_multipart make of a form.  Each
 * example's pairs are written as name=value, a line each, with `name:wrong'
 * where the value can't be a text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "internal.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct example {
	const char	*name;
	const char	*type;		/* NULL: urlencoded */
	const char	*text;
	size_t		 length;
	const char	*pairs;
};
#define URL(name, text, pairs) \
	{ name, NULL, text, sizeof(text) - 1, pairs }
#define MULTI(name, type, text, pairs) \
	{ name, type, text, sizeof(text) - 1, pairs }
/* A body of one part whose head is this. */
#define HEAD(name, head, pairs) \
	{ name, TYPE, "--B\r\n" head "\r\n\r\nx\r\n--B--", \
	  sizeof("--B\r\n" head "\r\n\r\nx\r\n--B--") - 1, pairs }
/* A body of one part, named a, whose content is this. */
#define PART(name, content, pairs) \
	{ name, TYPE, "--B\r\n" A content "\r\n--B--", \
	  sizeof("--B\r\n" A content "\r\n--B--") - 1, pairs }
/* A body of one part with this Content-Type. */
#define AS(name, type, pairs) \
	{ name, type, "--B\r\n" A "x\r\n--B--", \
	  sizeof("--B\r\n" A "x\r\n--B--") - 1, pairs }

#define TYPE	"multipart/form-data; boundary=B"
#define A	"Content-Disposition: form-data; name=\"a\"\r\n\r\n"
#define B	"Content-Disposition: form-data; name=\"b\"\r\n\r\n"
#define TEN	"1234567890"
#define SEVENTY	TEN TEN TEN TEN TEN TEN TEN

static struct example examples[] = {
	URL("nothing", "", ""),
	URL("a pair", "a=b", "a=b\n"),
	URL("pairs in order", "b=1&a=2&b=3", "b=1\na=2\nb=3\n"),
	URL("a plus is a space", "a+b=c+d", "a b=c d\n"),
	URL("an escaped plus is a plus", "a=1%2B1", "a=1+1\n"),
	URL("escapes in either case", "%c3%A9=%C3%a9", "\xc3\xa9=\xc3\xa9\n"),
	URL("an escaped separator separates nothing", "a%26b%3Dc=d%26e%3Df",
	    "a&b=c=d&e=f\n"),
	URL("what is decoded is not decoded again", "a=%2541", "a=%41\n"),
	URL("a percent sign at the end", "a=100%", "a=100%\n"),
	URL("a percent sign before one digit", "a=%4", "a=%4\n"),
	URL("a percent sign before a letter", "a=%4g%zz%%41", "a=%4g%zz%A\n"),
	URL("no more than the pair is read for an escape", "a=%4&1=b",
	    "a=%4\n1=b\n"),
	URL("a name alone has an empty value", "a", "a=\n"),
	URL("a name with an empty value", "a=", "a=\n"),
	URL("an empty name", "=a", "=a\n"),
	URL("only the first = separates", "a=b=c", "a=b=c\n"),
	URL("empty pairs are skipped", "&&a=1&&&b=2&", "a=1\nb=2\n"),
	URL("a semicolon separates nothing", "a=1;b=2", "a=1;b=2\n"),
	URL("line ends are ordinary bytes", "a=1\r\n", "a=1\r\n\n"),
	URL("UTF-8 as it is", "\xc3\xa9=\xe2\x82\xac",
	    "\xc3\xa9=\xe2\x82\xac\n"),
	URL("a value that is not UTF-8", "a=%ff&b=1",
	    "a:is not valid UTF-8\nb=1\n"),
	URL("a value with an overlong slash", "a=%c0%af",
	    "a:is not valid UTF-8\n"),
	URL("a value with a coded surrogate", "a=%ed%a0%80",
	    "a:is not valid UTF-8\n"),
	URL("a value cut within a character", "a=%e2%82",
	    "a:is not valid UTF-8\n"),
	URL("a raw byte that is not UTF-8", "a=\xff",
	    "a:is not valid UTF-8\n"),
	URL("a value with U+0000", "a=x%00y", "a:must not contain U+0000\n"),
	URL("a raw NUL", "a=x\0y&b=2", "a:must not contain U+0000\nb=2\n"),
	URL("a name that is not UTF-8", "a%ff=1",
	    "a\xef\xbf\xbd:is not valid UTF-8\n"),
	URL("a name with U+0000", "a%00b=1", "a:must not contain U+0000\n"),

	MULTI("a part", TYPE, "--B\r\n" A "x\r\n--B--\r\n", "a=x\n"),
	MULTI("parts in order", TYPE,
	    "--B\r\n" B "1\r\n--B\r\n" A "2\r\n--B\r\n" B "3\r\n--B--\r\n",
	    "b=1\na=2\nb=3\n"),
	MULTI("no line end at the end", TYPE, "--B\r\n" A "x\r\n--B--",
	    "a=x\n"),
	MULTI("a preamble", TYPE,
	    "This is MIME.\r\n--B\r\n" A "x\r\n--B--\r\n", "a=x\n"),
	MULTI("an empty first line", TYPE, "\r\n--B\r\n" A "x\r\n--B--\r\n",
	    "a=x\n"),
	MULTI("an epilogue is not read", TYPE,
	    "--B\r\n" A "x\r\n--B--\r\n\r\n--B\r\n" B "y\r\n--B--\r\n",
	    "a=x\n"),
	MULTI("spaces after a delimiter", TYPE,
	    "--B \t\r\n" A "x\r\n--B  \r\n" B "y\r\n--B--", "a=x\nb=y\n"),
	MULTI("no part at all", TYPE, "--B--\r\n", ""),
	MULTI("an empty body", TYPE, "", ""),
	MULTI("a body without a delimiter", TYPE, "a=1&b=2", ""),
	MULTI("a body shorter than a delimiter", TYPE, "-", ""),
	MULTI("a body of one delimiter", TYPE, "--B", ""),
	MULTI("a delimiter with half a line end", TYPE, "--B\r", ""),
	MULTI("another delimiter than announced", TYPE,
	    "--C\r\n" A "x\r\n--C--\r\n", ""),
	MULTI("a delimiter that is not a whole line", TYPE,
	    "--BB\r\n" A "x\r\n--B\r\n" B "y\r\n--B--", "b=y\n"),
	MULTI("a delimiter in the middle of a line", TYPE,
	    "x--B\r\n" A "x\r\n--B--", ""),
	MULTI("what has no end is no part", TYPE,
	    "--B\r\n" A "x\r\n--B\r\n" B "y", "a=x\n"),
	MULTI("a part cut in its head", TYPE,
	    "--B\r\n" A "x\r\n--B\r\nContent-Dispo", "a=x\n"),
	MULTI("a head without an empty line ends the list", TYPE,
	    "--B\r\n" A "x\r\n--B\r\nContent-Disposition: form-data; name=b"
	    "\r\n--B\r\n" A "y\r\n--B--", "a=x\n"),
	MULTI("a part without a head ends the list", TYPE,
	    "--B\r\n" A "x\r\n--B\r\n\r\ny\r\n--B\r\n" B "z\r\n--B--",
	    "a=x\n"),
	MULTI("bare line feeds are no line ends", TYPE,
	    "--B\nContent-Disposition: form-data; name=\"a\"\n\nx\n--B--\n",
	    ""),

	PART("an empty value", "", "a=\n"),
	PART("a value of one line end", "\r\n", "a=\r\n\n"),
	PART("a value of many lines", "x\r\ny\r\n\r\nz", "a=x\r\ny\r\n\r\nz\n"),
	PART("nothing in a value is decoded", "%41+&=", "a=%41+&=\n"),
	PART("nearly a delimiter is a value", "x\r\n--", "a=x\r\n--\n"),
	PART("a longer line than the delimiter is a value", "\r\n--Bx",
	    "a=\r\n--Bx\n"),
	PART("a delimiter with one more hyphen is a value", "\r\n--B-\r\n",
	    "a=\r\n--B-\r\n\n"),
	PART("a value that begins with a delimiter ends the list", "--B\r\nx",
	    ""),
	PART("half a line end before a delimiter", "x\r", "a=x\r\n"),
	PART("a delimiter after a bare line feed is a value", "x\n--B\r\n",
	    "a=x\n--B\r\n\n"),
	PART("UTF-8", "\xe2\x82\xac", "a=\xe2\x82\xac\n"),
	PART("what is not UTF-8", "\x89PNG", "a:is not valid UTF-8\n"),
	PART("a NUL", "x\0y", "a:must not contain U+0000\n"),

	HEAD("a name without quotes",
	    "Content-Disposition: form-data; name=a", "a=x\n"),
	HEAD("a field name in small letters",
	    "content-disposition:form-data;name=\"a\"", "a=x\n"),
	HEAD("a type and a parameter in capitals",
	    "Content-Disposition: FORM-DATA; NAME=\"a\"", "a=x\n"),
	HEAD("spaces around everything",
	    "Content-Disposition: \tform-data ; name = \"a\" ; x = y", "a=x\n"),
	HEAD("an empty name", "Content-Disposition: form-data; name=\"\"",
	    "=x\n"),
	HEAD("a name of spaces", "Content-Disposition: form-data; name=\" \"",
	    " =x\n"),
	HEAD("other fields", "Content-Type: text/plain\r\nX: y\r\n"
	    "Content-Disposition: form-data; name=\"a\"\r\nZ:", "a=x\n"),
	HEAD("the first of two dispositions",
	    "Content-Disposition: form-data; name=\"a\"\r\n"
	    "Content-Disposition: form-data; name=\"b\"", "a=x\n"),
	HEAD("the first of two names",
	    "Content-Disposition: form-data; name=a; name=b", "a=x\n"),
	HEAD("a file is a text",
	    "Content-Disposition: form-data; name=\"a\"; filename=\"b.txt\"\r\n"
	    "Content-Type: application/octet-stream", "a=x\n"),
	HEAD("a file's name first",
	    "Content-Disposition: form-data; filename=\"C:\\b;\"; name=\"a\"",
	    "a=x\n"),
	HEAD("a name within a file's name",
	    "Content-Disposition: form-data; filename=\"; name=b\"; name=a",
	    "a=x\n"),
	HEAD("an escaped quote within a file's name",
	    "Content-Disposition: form-data; filename=\"\\\"; name=b\"; name=a",
	    "a=x\n"),
	HEAD("an escaped quote and backslash",
	    "Content-Disposition: form-data; name=\"a\\\"\\\\b\"",
	    "a\"\\b=x\n"),
	HEAD("another backslash is itself",
	    "Content-Disposition: form-data; name=\"a\\b\"", "a\\b=x\n"),
	HEAD("a quote and a line end as browsers send them",
	    "Content-Disposition: form-data; name=\"a%22b%0D%0Ac%0d%0a\"",
	    "a\"b\r\nc\r\n=x\n"),
	HEAD("no other escape of browsers",
	    "Content-Disposition: form-data; name=\"a%41%2522%\"",
	    "a%41%2522%=x\n"),
	HEAD("a parameter without a value",
	    "Content-Disposition: form-data; x; name=a", "a=x\n"),
	HEAD("a quoted value with something behind it",
	    "Content-Disposition: form-data; x=\"1\"2; name=a", "a=x\n"),
	HEAD("a parameter behind a comma is none",
	    "Content-Disposition: form-data; x=\"1\",name=b; name=a", "a=x\n"),
	HEAD("UTF-8 in a name",
	    "Content-Disposition: form-data; name=\"\xc3\xa9\"",
	    "\xc3\xa9=x\n"),
	HEAD("a name that is not UTF-8",
	    "Content-Disposition: form-data; name=\"a\xff\"",
	    "a\xef\xbf\xbd:is not valid UTF-8\n"),
	HEAD("a NUL in a name",
	    "Content-Disposition: form-data; name=\"a\0b\"",
	    "a:must not contain U+0000\n"),
	HEAD("no disposition", "Content-Type: text/plain", ""),
	HEAD("a disposition without a name",
	    "Content-Disposition: form-data; filename=\"a\"", ""),
	HEAD("a disposition of another kind",
	    "Content-Disposition: attachment; name=\"a\"", ""),
	HEAD("a name whose quotes have no end",
	    "Content-Disposition: form-data; name=\"a", ""),
	HEAD("quotes without an end before the name",
	    "Content-Disposition: form-data; x=\"; name=a", ""),
	HEAD("a colon is missing", "Content-Disposition form-data; name=a",
	    ""),

	AS("a boundary in quotes", "multipart/form-data; boundary=\"B\"",
	    "a=x\n"),
	AS("a boundary after a parameter in quotes",
	    "multipart/form-data; x=\"; boundary=C\"; boundary=B", "a=x\n"),
	AS("a boundary before another parameter",
	    "multipart/form-data; boundary=B; charset=utf-8", "a=x\n"),
	AS("a media type in capitals", "Multipart/Form-Data;BOUNDARY=B",
	    "a=x\n"),
	AS("a boundary is not the same in small letters",
	    "multipart/form-data; boundary=b", ""),
	AS("no boundary", "multipart/form-data", ""),
	AS("another media type", "multipart/mixed; boundary=B", ""),
	AS("a media type that only begins so",
	    "multipart/form-data2; boundary=B", ""),
	AS("an empty media type", "", ""),

	MULTI("an empty boundary", "multipart/form-data; boundary=",
	    "--\r\n" A "x\r\n----", ""),
	MULTI("an empty boundary in quotes",
	    "multipart/form-data; boundary=\"\"",
	    "--\r\n" A "x\r\n----", ""),
	MULTI("a boundary with a control character",
	    "multipart/form-data; boundary=\"B\tB\"",
	    "--B\tB\r\n" A "x\r\n--B\tB--", ""),
	MULTI("a boundary with U+007F", "multipart/form-data; boundary=B\x7f",
	    "--B\x7f\r\n" A "x\r\n--B\x7f--", ""),
	MULTI("a boundary that is not ASCII",
	    "multipart/form-data; boundary=\xc3\xa9",
	    "--\xc3\xa9\r\n" A "x\r\n--\xc3\xa9--", ""),
	MULTI("a boundary of 70 characters",
	    "multipart/form-data; boundary=" SEVENTY,
	    "--" SEVENTY "\r\n" A "x\r\n--" SEVENTY "--", "a=x\n"),
	MULTI("a boundary of 71 characters",
	    "multipart/form-data; boundary=" SEVENTY "1",
	    "--" SEVENTY "1\r\n" A "x\r\n--" SEVENTY "1--", ""),
	MULTI("a boundary with a space",
	    "multipart/form-data; boundary=\"a b\"",
	    "--a b\r\n" A "x\r\n--a b--", "a=x\n"),
	MULTI("a boundary of hyphens",
	    "multipart/form-data; boundary=---",
	    "-----\r\n" A "x\r\n------\r\n-------", "a=x\r\n------\n"),
};

/* Parses a copy that has nothing behind it, for the sanitizers' sake. */
static const struct sb_pair *
parse(struct sb_pool *pool, const char *type, const char *text, size_t length)
{
	char *copy = malloc(length > 0 ? length : 1);
	const struct sb_pair *pairs;

	assert_non_null(copy);
	memcpy(copy, text, length);
	if (type == NULL)
		pairs = sb_form_urlencoded(pool, copy, length);
	else
		pairs = sb_form_multipart(pool, type, copy, length);
	free(copy);
	return pairs;
}

static void
is_as_expected(void **state)
{
	const struct example *e = *state;
	struct sb_pool *pool = sb_pool_new();
	const struct sb_pair *pair = parse(pool, e->type, e->text, e->length);
	const char *pairs = "";

	for (; pair != NULL; pair = pair->next)
		pairs = sb_printf(pool, "%s%s%c%s\n", pairs, pair->name,
		    pair->wrong != NULL ? ':' : '=',
		    pair->wrong != NULL ? pair->wrong : pair->value);
	assert_string_equal(pairs, e->pairs);
	sb_pool_free(pool);
}

static void
a_value_keeps_its_bytes(void **state)
{
	struct sb_pool *pool = sb_pool_new();
	const char url[] = "a=x%00%ffy";
	const char multi[] = "--B\r\n" A "x\0\xffy\r\n--B--";
	const struct sb_pair *pair;

	(void)state;
	pair = parse(pool, NULL, url, sizeof(url) - 1);
	assert_int_equal(pair->length, 4);
	assert_memory_equal(pair->value, "x\0\xffy", 5);
	pair = parse(pool, TYPE, multi, sizeof(multi) - 1);
	assert_int_equal(pair->length, 4);
	assert_memory_equal(pair->value, "x\0\xffy", 5);
	sb_pool_free(pool);
}

static void
no_content_type_is_no_multipart(void **state)
{
	struct sb_pool *pool = sb_pool_new();

	(void)state;
	assert_null(sb_form_multipart(pool, NULL, "--B--", 5));
	sb_pool_free(pool);
}

/* How many pairs come of so many times the same; it takes no time. */
static int
count(const char *type, const char *head, const char *one, size_t times,
    const char *tail)
{
	struct sb_pool *pool = sb_pool_new();
	size_t n = strlen(one), at = strlen(head);
	char *text = sb_alloc(pool, at + n * times + strlen(tail) + 1);
	clock_t began = clock();
	const struct sb_pair *pair;
	int pairs = 0;

	memcpy(text, head, at);
	for (size_t i = 0; i < times; i++, at += n)
		memcpy(text + at, one, n);
	memcpy(text + at, tail, strlen(tail));
	pair = parse(pool, type, text, at + strlen(tail));
	for (; pair != NULL; pair = pair->next)
		pairs++;
	sb_pool_free(pool);
	assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
	return pairs;
}

static void
a_thousand_pairs_are_read(void **state)
{
	(void)state;
	assert_int_equal(count(NULL, "", "a=1&", 1000, ""), 1000);
	assert_int_equal(count(NULL, "", "a=1&", 100000, ""), 1000);
}

static void
empty_pairs_do_not_count(void **state)
{
	(void)state;
	assert_int_equal(count(NULL, "", "&", 1000000, "a=1"), 1);
}

static void
a_hundred_parts_are_read(void **state)
{
	(void)state;
	assert_int_equal(count(TYPE, "", "--B\r\n" A "x\r\n", 100, "--B--"),
	    100);
	assert_int_equal(count(TYPE, "", "--B\r\n" A "x\r\n", 10000, "--B--"),
	    100);
}

static void
near_delimiters_take_no_time(void **state)
{
	(void)state;
	assert_int_equal(count("multipart/form-data; boundary=" SEVENTY,
	    "--" SEVENTY "\r\n" A,
	    "\r\n--" TEN TEN TEN TEN TEN TEN "123456789", 100000,
	    "\r\n--" SEVENTY "--"), 1);
	assert_int_equal(count(TYPE, "--B\r\n" A, "\r\n--B \t \t", 100000,
	    "\r\n--B--"), 1);
}

static void
a_long_head_takes_no_time(void **state)
{
	(void)state;
	assert_int_equal(count(TYPE, "--B\r\n", "x: y\r\n", 200000,
	    A "x\r\n--B--"), 1);
	assert_int_equal(count(TYPE, "--B\r\nContent-Disposition: form-data",
	    ";a=\"\"", 200000, "; name=a\r\n\r\nx\r\n--B--"), 1);
	assert_int_equal(count(TYPE, "--B\r\nContent-Disposition: form-data",
	    ";a=\"", 200000, "; name=a\r\n\r\nx\r\n--B--"), 1);
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(a_value_keeps_its_bytes),
	cmocka_unit_test(no_content_type_is_no_multipart),
	cmocka_unit_test(a_thousand_pairs_are_read),
	cmocka_unit_test(empty_pairs_do_not_count),
	cmocka_unit_test(a_hundred_parts_are_read),
	cmocka_unit_test(near_delimiters_take_no_time),
	cmocka_unit_test(a_long_head_takes_no_time),
};

int
main(void)
{
	struct CMUnitTest tests[COUNT(examples) + COUNT(others)];

	for (size_t i = 0; i < COUNT(examples); i++)
		tests[i] = (struct CMUnitTest){
			.name = examples[i].name,
			.test_func = is_as_expected,
			.initial_state = &examples[i],
		};
	memcpy(tests + COUNT(examples), others, sizeof(others));
	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
