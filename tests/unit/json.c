/*
 * Which texts sb_json_parse takes and what it makes of them, and where and in
 * which words it refuses the others.  Words and places are those of Python
 * 3.11's json module wherever that refuses a text, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "internal.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define PLAIN \
	(JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

struct example {
	const char	*name;
	const char	*text;
	size_t		 length;
	const char	*printed;	/* NULL: refused, */
	const char	*why;		/* with these words, */
	size_t		 offset;	/* at this byte */
};
#define TAKEN(name, text, printed) \
	{ name, text, sizeof(text) - 1, printed, NULL, 0 }
#define REFUSED(name, text, why, offset) \
	{ name, text, sizeof(text) - 1, NULL, why, offset }

#define VALUE	"Expecting value"
#define NAME	"Expecting property name enclosed in double quotes"
#define COLON	"Expecting ':' delimiter"
#define COMMA	"Expecting ',' delimiter"
#define CONTROL	"Invalid control character at"
#define ESCAPE	"Invalid \\escape"
#define UNICODE	"Invalid \\uXXXX escape"
#define ENDLESS	"Unterminated string starting at"
#define EXTRA	"Extra data"
#define LONE	"Unpaired surrogate"
#define NUL	"U+0000 is not allowed"
#define TWICE	"Duplicate name"
#define DEEP	"Nesting too deep"
#define UTF8	"Invalid UTF-8"
#define BOM	"Unexpected UTF-8 BOM (decode using utf-8-sig)"

#define OPEN_16	"[[[[[[[[[[[[[[[["
#define SHUT_16	"]]]]]]]]]]]]]]]]"

static struct example examples[] = {
	TAKEN("null is a text", "null", "null"),
	TAKEN("true is a text", "true", "true"),
	TAKEN("false is a text", "false", "false"),
	TAKEN("an empty object", "{}", "{}"),
	TAKEN("an empty array", "[]", "[]"),
	TAKEN("an empty string", "\"\"", "\"\""),
	TAKEN("an empty name", "{\"\":1}", "{\"\":1}"),
	TAKEN("members keep their order", "{\"b\":1,\"a\":2}",
	    "{\"b\":1,\"a\":2}"),
	TAKEN("null in an object", "{\"a\":null}", "{\"a\":null}"),
	TAKEN("null in an array", "[null,null]", "[null,null]"),
	TAKEN("white space around everything",
	    " \t\r\n{ \"a\" :\t[ 1 ,\n2 ] , \"b\" : { } }\r\n",
	    "{\"a\":[1,2],\"b\":{}}"),
	TAKEN("white space in empty brackets", "[ [ ] , { } ]", "[[],{}]"),
	TAKEN("all short escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	    "\"\\\"\\\\/\\b\\f\\n\\r\\t\""),
	TAKEN("an escaped code point of one byte", "\"\\u0041\"", "\"A\""),
	TAKEN("an escaped code point of two bytes", "\"\\u00e9\"",
	    "\"\xc3\xa9\""),
	TAKEN("an escaped code point of three bytes", "\"\\u20AC\"",
	    "\"\xe2\x82\xac\""),
	TAKEN("the code points around the lengths in UTF-8",
	    "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\"",
	    "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\""),
	TAKEN("an escaped pair is one code point", "\"\\uD83d\\uDE00\"",
	    "\"\xf0\x9f\x98\x80\""),
	TAKEN("the highest escaped pair", "\"\\udbff\\udfff\"",
	    "\"\xf4\x8f\xbf\xbf\""),
	TAKEN("the code points around the surrogates", "\"\\ud7ff\\ue000\"",
	    "\"\xed\x9f\xbf\xee\x80\x80\""),
	TAKEN("an escaped control character", "\"\\u001f\"", "\"\\u001f\""),
	TAKEN("U+007F needs no escape", "\"\x7f\"", "\"\x7f\""),
	TAKEN("UTF-8 in a string and a name",
	    "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
	    "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}"),
	TAKEN("a byte order mark in a string is a character",
	    "\"\xef\xbb\xbf\"", "\"\xef\xbb\xbf\""),
	TAKEN("an escaped slash and a bare one", "\"\\//\"", "\"//\""),
	TAKEN("zero", "0", "0"),
	TAKEN("minus zero keeps its sign", "-0", "-0"),
	TAKEN("the greatest int64", "9223372036854775807",
	    "9223372036854775807"),
	TAKEN("the least int64", "-9223372036854775808",
	    "-9223372036854775808"),
	TAKEN("the greatest uint64", "18446744073709551615",
	    "18446744073709551615"),
	TAKEN("an integer beyond uint64 keeps its text",
	    "18446744073709551616", "18446744073709551616"),
	TAKEN("an integer below int64 keeps its text", "-9223372036854775809",
	    "-9223372036854775809"),
	TAKEN("a fraction keeps its text", "0.10", "0.10"),
	TAKEN("an exponent keeps its text", "[1E+2,1e-2,-1.50e3]",
	    "[1E+2,1e-2,-1.50e3]"),
	TAKEN("a number beyond a double keeps its text", "1e400", "1e400"),
	TAKEN("names that differ in case", "{\"a\":1,\"A\":2}",
	    "{\"a\":1,\"A\":2}"),
	TAKEN("the same name in two objects", "[{\"a\":1},{\"a\":{\"a\":2}}]",
	    "[{\"a\":1},{\"a\":{\"a\":2}}]"),
	TAKEN("16 levels", OPEN_16 SHUT_16, OPEN_16 SHUT_16),
	TAKEN("levels are not counted one after the other",
	    "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]",
	    "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]"),

	REFUSED("nothing", "", VALUE, 0),
	REFUSED("nothing but white space", " \n", VALUE, 2),
	REFUSED("a raw NUL", "\0", VALUE, 0),
	REFUSED("white space of another kind", "\v1", VALUE, 0),
	REFUSED("U+00A0 is no white space", "\xc2\xa0""1", VALUE, 0),
	REFUSED("a bare word", "abc", VALUE, 0),
	REFUSED("a word cut short", "[tru", VALUE, 1),
	REFUSED("a word in capitals", "True", VALUE, 0),
	REFUSED("a word that goes on", "nullx", EXTRA, 4),
	REFUSED("NaN", "NaN", VALUE, 0),
	REFUSED("Infinity", "[Infinity]", VALUE, 1),
	REFUSED("minus Infinity", "-Infinity", VALUE, 0),
	REFUSED("single quotes", "'a'", VALUE, 0),
	REFUSED("a comment", "/**/1", VALUE, 0),
	REFUSED("text after the end", "{} x", EXTRA, 3),
	REFUSED("a second text", "1 2", EXTRA, 2),
	REFUSED("a raw NUL after the end", "{}\0", EXTRA, 2),
	REFUSED("a bracket too many", "[]]", EXTRA, 2),

	REFUSED("a lone minus", "-", VALUE, 0),
	REFUSED("a plus", "+1", VALUE, 0),
	REFUSED("a leading zero", "01", EXTRA, 1),
	REFUSED("a leading zero in an array", "[01]", COMMA, 2),
	REFUSED("a leading zero after a minus", "-01", EXTRA, 2),
	REFUSED("no digit before the point", ".5", VALUE, 0),
	REFUSED("no digit after the point", "1.", EXTRA, 1),
	REFUSED("no digit between point and exponent", "1.e5", EXTRA, 1),
	REFUSED("an exponent without a digit", "1e", EXTRA, 1),
	REFUSED("an exponent with nothing but a sign", "1e+", EXTRA, 1),
	REFUSED("hexadecimal digits", "0x1", EXTRA, 1),

	REFUSED("an object cut after its brace", "{", NAME, 1),
	REFUSED("an object cut after a name", "{\"a\"", COLON, 4),
	REFUSED("an object cut after a colon", "{\"a\":", VALUE, 5),
	REFUSED("an object cut after a value", "{\"a\":1", COMMA, 6),
	REFUSED("an object cut after a comma", "{\"a\":1,", NAME, 7),
	REFUSED("an object with a trailing comma", "{\"a\":1, }", NAME, 8),
	REFUSED("an object with only a comma", "{,}", NAME, 1),
	REFUSED("a name without quotes", "{a:1}", NAME, 1),
	REFUSED("a name that is a number", "{1:1}", NAME, 1),
	REFUSED("a comma for a colon", "{\"a\",1}", COLON, 4),
	REFUSED("no comma between members", "{\"a\":1 \"b\":2}", COMMA, 7),
	REFUSED("an object closed by the other bracket", "{\"a\":1]", COMMA, 6),
	REFUSED("an array cut after its bracket", "[", VALUE, 1),
	REFUSED("an array cut after a value", "[1", COMMA, 2),
	REFUSED("an array cut after a comma", "[1,", VALUE, 3),
	REFUSED("an array with a trailing comma", "[1,]", VALUE, 3),
	REFUSED("an array closed by the other bracket", "[1}", COMMA, 2),
	REFUSED("a colon in an array", "[1:2]", COMMA, 2),

	REFUSED("a string without an end", " \"abc", ENDLESS, 1),
	REFUSED("a string that ends with a backslash", "\"a\\", ENDLESS, 0),
	REFUSED("a string whose last quote is escaped", "\"\\\"", ENDLESS, 0),
	REFUSED("a name without an end", "{\"a", ENDLESS, 1),
	REFUSED("a raw line feed in a string", "\"a\nb\"", CONTROL, 2),
	REFUSED("a raw tab in a string", "\"\t\"", CONTROL, 1),
	REFUSED("a raw NUL in a string", "\"a\0b\"", CONTROL, 2),
	REFUSED("a raw control character in a name", "{\"\x1f\":1}", CONTROL,
	    2),
	REFUSED("an unknown escape", "\"ab\\x41\"", ESCAPE, 3),
	REFUSED("an escaped raw NUL", "\"\\\0\"", ESCAPE, 1),
	REFUSED("an escape in capitals", "\"\\N\"", ESCAPE, 1),
	REFUSED("no hexadecimal digit", "\"\\u00g0\"", UNICODE, 2),
	REFUSED("three hexadecimal digits", "\"\\u123\"", UNICODE, 2),
	REFUSED("a sign among the digits", "\"\\u+123\"", UNICODE, 2),
	REFUSED("a text that ends in a \\u", "\"\\u1234", UNICODE, 2),
	REFUSED("a second half with bad digits", "\"\\ud800\\uzzzz\"", UNICODE,
	    8),

	REFUSED("an escaped U+0000 in a string", "\"ab\\u0000\"", NUL, 3),
	REFUSED("an escaped U+0000 in a name", "{\"role\\u0000x\":1}", NUL, 6),
	REFUSED("a first half at the end", "\"\\ud800\"", LONE, 1),
	REFUSED("a first half before a letter", "\"a\\udbffb\"", LONE, 2),
	REFUSED("a first half before another escape", "\"\\ud800\\n\"", LONE,
	    1),
	REFUSED("two first halves", "\"\\ud800\\ud800\"", LONE, 1),
	REFUSED("a first half before the last first half",
	    "\"\\ud800\\udbff\"", LONE, 1),
	REFUSED("a first half before U+E000", "\"\\ud800\\ue000\"", LONE, 1),
	REFUSED("a first half before U+0041", "\"\\ud800\\u0041\"", LONE, 1),
	REFUSED("a second half alone", "\"\\udc00\"", LONE, 1),
	REFUSED("the last second half alone", "{\"\\udfff\":1}", LONE, 2),
	REFUSED("a name twice", "{\"a\":1,\"b\":2,\"a\":1}", TWICE, 13),
	REFUSED("a name twice, once escaped", "{\"a\":1,\"\\u0061\":1}", TWICE,
	    7),
	REFUSED("a name twice, once with null", "{\"a\":null,\"a\":1}", TWICE,
	    10),
	REFUSED("the empty name twice", "{\"\":1,\"\":1}", TWICE, 6),
	REFUSED("a name twice, far down", "[{\"a\":{\"b\":1,\"b\":2}}]", TWICE,
	    13),
	REFUSED("17 levels of arrays", OPEN_16 "[]" SHUT_16, DEEP, 16),
	REFUSED("17 levels, the last an object", OPEN_16 "{}" SHUT_16, DEEP,
	    16),

	REFUSED("a byte order mark", "\xef\xbb\xbf{}", BOM, 0),
	REFUSED("UTF-16", "\xff\xfe{\0}\0", UTF8, 0),
	REFUSED("a byte that UTF-8 has not", "\"a\xff\"", UTF8, 2),
	REFUSED("bad UTF-8 after a character of four bytes",
	    "\"\xf0\x9f\x98\x80\xff\"", UTF8, 5),
	REFUSED("a stray continuation", "\"\xc3\xa9\xa9\"", UTF8, 3),
	REFUSED("a sequence cut by the end", "\"\xe2\x82", UTF8, 1),
	REFUSED("a sequence cut by a quote", "\"\xf0\x9f\x98\"", UTF8, 1),
	REFUSED("an overlong slash", "\"\xc0\xaf\"", UTF8, 1),
	REFUSED("an overlong NUL", "\"\xe0\x80\x80\"", UTF8, 1),
	REFUSED("a surrogate coded in UTF-8", "\"\xed\xa0\x80\"", UTF8, 1),
	REFUSED("a code point beyond U+10FFFF", "\"\xf4\x90\x80\x80\"", UTF8,
	    1),
	REFUSED("Latin-1 after the end", "{} \xe9", UTF8, 3),
	REFUSED("bad UTF-8 is said before anything else", "{x \xff", UTF8, 3),
};

/*
 * Parses a copy that has nothing behind it, so that a sanitizer sees every
 * byte that is read too much.
 */
static const char *
parse(const char *text, size_t length, struct json_object **json,
    size_t *offset)
{
	char *copy = malloc(length > 0 ? length : 1);
	const char *why;

	assert_non_null(copy);
	memcpy(copy, text, length);
	why = sb_json_parse(copy, length, json, offset);
	free(copy);
	return why;
}

static void
is_as_expected(void **state)
{
	const struct example *e = *state;
	struct json_object *json;
	size_t offset;
	const char *why = parse(e->text, e->length, &json, &offset);

	if (e->printed != NULL) {
		assert_null(why);
		assert_string_equal(json_object_to_json_string_ext(json,
		    PLAIN), e->printed);
		json_object_put(json);
	} else {
		assert_non_null(why);
		assert_string_equal(why, e->why);
		assert_int_equal(offset, e->offset);
		assert_null(json);
	}
}

static struct json_object *
taken(const char *text)
{
	struct json_object *json;
	size_t offset;

	assert_null(parse(text, strlen(text), &json, &offset));
	return json;
}

static void
assert_type(const char *text, enum json_type type)
{
	struct json_object *json = taken(text);

	assert_int_equal(json_object_get_type(json), type);
	json_object_put(json);
}

static void
integers_have_the_type_int(void **state)
{
	(void)state;
	assert_type("-9223372036854775808", json_type_int);
	assert_type("18446744073709551615", json_type_int);
	assert_type("-0", json_type_int);
}

static void
other_numbers_have_the_type_double(void **state)
{
	(void)state;
	assert_type("1.0", json_type_double);
	assert_type("1e2", json_type_double);
	assert_type("18446744073709551616", json_type_double);
	assert_type("-9223372036854775809", json_type_double);
}

static void
a_double_has_its_value(void **state)
{
	struct json_object *json = taken("-12.5e1");

	(void)state;
	assert_true(json_object_get_double(json) == -125.0);
	json_object_put(json);
}

static void
an_integer_has_its_value(void **state)
{
	struct json_object *json = taken("9223372036854775807");

	(void)state;
	assert_true(json_object_get_int64(json) == INT64_MAX);
	json_object_put(json);
}

static void
a_string_has_its_length(void **state)
{
	struct json_object *json = taken("\"\\u00e9\\n\"");

	(void)state;
	assert_int_equal(json_object_get_string_len(json), 3);
	json_object_put(json);
}

/* Parses so many times the same, between a head and a tail; takes no time. */
static const char *
parse_many(const char *head, const char *one, size_t times, const char *tail,
    struct json_object **json, size_t *offset)
{
	size_t n = strlen(one), at = strlen(head);
	char *text = malloc(at + n * times + strlen(tail) + 1);
	clock_t began = clock();
	const char *why;

	assert_non_null(text);
	memcpy(text, head, at);
	for (size_t i = 0; i < times; i++, at += n)
		memcpy(text + at, one, n);
	memcpy(text + at, tail, strlen(tail));
	why = sb_json_parse(text, at + strlen(tail), json, offset);
	free(text);
	assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
	return why;
}

static void
endless_nesting_stops_at_the_17th_level(void **state)
{
	struct json_object *json;
	size_t offset;

	(void)state;
	assert_string_equal(parse_many("", "[", 65536, "", &json, &offset),
	    DEEP);
	assert_int_equal(offset, 16);
	assert_string_equal(parse_many("", "{\"a\":", 65536, "", &json,
	    &offset), DEEP);
	assert_int_equal(offset, 16 * 5);
}

static void
a_long_array_takes_no_time(void **state)
{
	struct json_object *json;
	size_t offset;

	(void)state;
	assert_null(parse_many("[", "{},", 100000, "0]", &json, &offset));
	assert_int_equal(json_object_array_length(json), 100001);
	json_object_put(json);
}

static void
a_long_number_takes_no_time(void **state)
{
	struct json_object *json;
	size_t offset;

	(void)state;
	assert_null(parse_many("0.", "01", 500000, "e-5", &json, &offset));
	assert_int_equal(json_object_get_type(json), json_type_double);
	json_object_put(json);
}

static void
a_long_string_of_escapes_takes_no_time(void **state)
{
	struct json_object *json;
	size_t offset;

	(void)state;
	assert_null(parse_many("\"", "\\ud83d\\ude00", 100000, "\"", &json,
	    &offset));
	assert_int_equal(json_object_get_string_len(json), 400000);
	json_object_put(json);
}

static void
bad_utf8_at_the_end_takes_no_time(void **state)
{
	struct json_object *json;
	size_t offset;

	(void)state;
	assert_string_equal(parse_many("\"", "\xc3\xa9", 500000, "\xff",
	    &json, &offset), UTF8);
	assert_int_equal(offset, 1000001);
}

/* Looking through all earlier names would take minutes here. */
static void
many_names_take_no_time(void **state)
{
	struct sb_pool *pool = sb_pool_new();
	struct json_object *json;
	size_t offset, at = 0, room = 200000 * 12;
	char *text = sb_alloc(pool, room + 2);
	clock_t began = clock();

	(void)state;
	text[at++] = '{';
	for (int i = 0; i < 200000; i++) {
		const char *one = sb_printf(pool, "\"%d\":%d,", i, i % 10);

		memcpy(text + at, one, strlen(one));
		at += strlen(one);
	}
	text[at - 1] = '}';
	assert_null(sb_json_parse(text, at, &json, &offset));
	assert_int_equal(json_object_object_length(json), 200000);
	json_object_put(json);
	sb_pool_free(pool);
	assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(integers_have_the_type_int),
	cmocka_unit_test(other_numbers_have_the_type_double),
	cmocka_unit_test(a_double_has_its_value),
	cmocka_unit_test(an_integer_has_its_value),
	cmocka_unit_test(a_string_has_its_length),
	cmocka_unit_test(endless_nesting_stops_at_the_17th_level),
	cmocka_unit_test(a_long_array_takes_no_time),
	cmocka_unit_test(a_long_number_takes_no_time),
	cmocka_unit_test(a_long_string_of_escapes_takes_no_time),
	cmocka_unit_test(bad_utf8_at_the_end_takes_no_time),
	cmocka_unit_test(many_names_take_no_time),
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
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
