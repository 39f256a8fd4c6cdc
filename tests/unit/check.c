/*
 * What a 422 says: each type with its exact words, all
 * fields at once and in their order, by JSON, form, query and path.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

#define JSON	"application/json"
#define FORM	"application/x-www-form-urlencoded"

static const char *const one[] = { "password", NULL };
static const char *const two[] = { "text", "json", NULL };
static const char *const three[] = { "websocket", "email", "slack", NULL };

static const char *
not_root(struct sb_pool *pool, const char *value)
{
	(void)pool;
	return strcmp(value, "root") == 0 ? "must not be root" : NULL;
}

/* ---------------------------------------------- a route a field, by JSON */

static enum sb_status
nothing(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	(void)rs;
	return SB_NO_CONTENT;
}

#define FIELD(name, ...) \
	static const struct sb_field name[] = { { __VA_ARGS__ }, SB_END }
FIELD(text, "text", SB_TEXT, "A text.", 3, 5);
FIELD(single, "text", SB_TEXT, "A text.", 1, 1);
FIELD(any_text, "text", SB_TEXT, "A text.");
FIELD(pattern, "text", SB_TEXT, "A text.", 2, 9, .pattern = "^[a-z]+$");
FIELD(judged, "text", SB_TEXT, "A text.", .wrong = not_root);
FIELD(secret, "secret", SB_SECRET, "A secret.", 8, 16);
FIELD(email, "email", SB_EMAIL, "An address.", .wrong = sb_email_wrong);
FIELD(number, "number", SB_INT, "A number.", 1, 100);
FIELD(signed_number, "number", SB_INT, "A number.", -5, 5);
FIELD(any_number, "number", SB_INT, "A number.");
FIELD(flag, "flag", SB_BOOL, "A flag.");
FIELD(enum1, "kind", SB_ENUM, "A kind.", .choices = one);
FIELD(enum2, "kind", SB_ENUM, "A kind.", .choices = two);
FIELD(enum3, "kind", SB_ENUM, "A kind.", .choices = three);
FIELD(id, "id", SB_UUID, "An id.");
FIELD(few_texts, "texts", SB_TEXTS, "Texts.", 2, 5, .fewest = 2, .most = 3);
FIELD(any_texts, "texts", SB_TEXTS, "Texts.");
FIELD(one_text, "texts", SB_TEXTS, "Texts.", .fewest = 1, .most = 1);
FIELD(judged_texts, "texts", SB_TEXTS, "Texts.", .wrong = not_root);
FIELD(kinds, "kinds", SB_TEXTS, "Kinds.", .choices = three);
FIELD(maybe_texts, "texts", SB_TEXTS, "Texts.", .optional = true,
    .fewest = 1);
FIELD(query_texts, "texts", SB_TEXTS, "Texts.", .in = SB_IN_QUERY);
FIELD(optional, "text", SB_TEXT, "A text.", 2, 4, .optional = true);
FIELD(query_number, "number", SB_INT, "A number.", 1, 100, SB_IN_QUERY);
FIELD(query_any, "number", SB_INT, "A number.", 0, 0, SB_IN_QUERY);
FIELD(query_flag, "flag", SB_BOOL, "A flag.", 0, 0, SB_IN_QUERY);
FIELD(query_kind, "kind", SB_ENUM, "A kind.", 0, 0, SB_IN_QUERY, true,
    .choices = three);
FIELD(query_text, "text", SB_TEXT, "A text.", 1, 5, SB_IN_QUERY, true);
FIELD(query_secret, "secret", SB_SECRET, "A secret.", 8, 9, SB_IN_QUERY);

/*
 * A value as JSON or a form and what is said of it: the entry after its loc,
 * or NULL where it is taken.
 */
struct example {
	const char	*name;
	const struct sb_field *field;
	const char	*value;		/* of the field, or a whole query */
	const char	*entry;
};

#define STRING	"\"type\":\"string_type\",\"msg\":" \
		"\"Input should be a valid string\",\"input\":"
#define SHORT3	"\"type\":\"string_too_short\",\"msg\":\"String should have " \
		"at least 3 characters\",\"ctx\":{\"min_length\":3},\"input\":"
#define LONG5	"\"type\":\"string_too_long\",\"msg\":\"String should have " \
		"at most 5 characters\",\"ctx\":{\"max_length\":5},\"input\":"
#define INT	"\"type\":\"int_type\",\"msg\":" \
		"\"Input should be a valid integer\",\"input\":"
#define PARSE	"\"type\":\"int_parsing\",\"msg\":\"Input should be a valid " \
		"integer, unable to parse string as an integer\",\"input\":"
#define BOOL	"\"type\":\"bool_type\",\"msg\":" \
		"\"Input should be a valid boolean\",\"input\":"
#define BOOLS	"\"type\":\"bool_parsing\",\"msg\":\"Input should be a valid " \
		"boolean, unable to interpret input\",\"input\":"
#define ATLEAST(n) "\"type\":\"greater_than_equal\",\"msg\":\"Input should " \
		"be greater than or equal to " n "\",\"ctx\":{\"ge\":" n "}," \
		"\"input\":"
#define ATMOST(n) "\"type\":\"less_than_equal\",\"msg\":\"Input should be " \
		"less than or equal to " n "\",\"ctx\":{\"le\":" n "}," \
		"\"input\":"
#define ENUM(x)	"\"type\":\"enum\",\"msg\":\"Input should be " x "\"," \
		"\"ctx\":{\"expected\":\"" x "\"},\"input\":"
#define MATCH	"\"type\":\"string_pattern_mismatch\",\"msg\":\"String " \
		"should match pattern '^[a-z]+$'\",\"ctx\":{\"pattern\":" \
		"\"^[a-z]+$\"},\"input\":"
#define VALUE(why) "\"type\":\"value_error\",\"msg\":\"Value error, " why \
		"\",\"ctx\":{\"reason\":\"" why "\"},\"input\":"
#define MISSING	"\"type\":\"missing\",\"msg\":\"Field required\",\"input\":"
#define LIST	"\"type\":\"list_type\",\"msg\":" \
		"\"Input should be a valid list\",\"input\":"
#define FEWER(n, items, of) "\"type\":\"too_short\",\"msg\":\"List should " \
		"have at least " n " " items " after validation, not " of \
		"\",\"ctx\":{\"field_type\":\"List\",\"min_length\":" n "," \
		"\"actual_length\":" of "},\"input\":"
#define MORE(n, items, of) "\"type\":\"too_long\",\"msg\":\"List should " \
		"have at most " n " " items " after validation, not " of \
		"\",\"ctx\":{\"field_type\":\"List\",\"max_length\":" n "," \
		"\"actual_length\":" of "},\"input\":"
#define TWICE	VALUE("must not have the same item twice")
#define EACUTE	"\xc3\xa9"

static struct example by_json[] = {
	{ "a list as short as may be", few_texts, "[\"ab\",\"cdefg\"]", NULL },
	{ "a list as long as may be", few_texts,
	  "[\"ab\",\"aB\",\"" EACUTE EACUTE EACUTE EACUTE EACUTE "\"]",
	  NULL },
	{ "a list without bounds", any_texts, "[]", NULL },
	{ "a list of anything", any_texts, "[\"\",\"\\n\",\"a\"]", NULL },
	{ "a text for a list", few_texts, "\"abc\"", LIST "\"abc\"" },
	{ "an object for a list", few_texts, "{}", LIST "{}" },
	{ "null for a list", few_texts, "null", LIST "null" },
	{ "null for no list", maybe_texts, "null", NULL },
	{ "no item where one is needed", maybe_texts, "[]",
	  FEWER("1", "item", "0") "[]" },
	{ "too few items", few_texts, "[\"ab\"]",
	  FEWER("2", "items", "1") "[\"ab\"]" },
	{ "too many items", few_texts, "[\"ab\",\"bc\",\"cd\",\"de\",\"ef\"]",
	  MORE("3", "items", "5")
	  "[\"ab\",\"bc\",\"cd\",\"de\",\"ef\"]" },
	{ "more than one item", one_text, "[\"a\",\"b\"]",
	  MORE("1", "item", "2") "[\"a\",\"b\"]" },
	{ "an item twice", any_texts, "[\"b\",\"a\",\"c\",\"b\"]",
	  TWICE "[\"b\",\"a\",\"c\",\"b\"]" },
	{ "an item twice, by other escapes", any_texts,
	  "[\"" EACUTE "\",\"\\u00e9\"]",
	  TWICE "[\"" EACUTE "\",\"" EACUTE "\"]" },
	{ "choices of a list", kinds, "[\"slack\",\"email\"]", NULL },
	{ "a choice twice", kinds, "[\"slack\",\"slack\"]",
	  TWICE "[\"slack\",\"slack\"]" },
	{ "items that are judged and good", judged_texts, "[\"toor\"]",
	  NULL },
	{ "a text as short as may be", text, "\"abc\"", NULL },
	{ "a text as long as may be", text, "\"abcde\"", NULL },
	{ "a text counted in code points", text, "\"" EACUTE EACUTE EACUTE
	    EACUTE EACUTE "\"", NULL },
	{ "a text counted by escapes' code points", text,
	  "\"\\ud83d\\ude00ab\"", NULL },
	{ "a text too short", text, "\"ab\"", SHORT3 "\"ab\"" },
	{ "a text too short though it has many bytes", text,
	  "\"" EACUTE EACUTE "\"", SHORT3 "\"" EACUTE EACUTE "\"" },
	{ "an empty text", text, "\"\"", SHORT3 "\"\"" },
	{ "a text too long", text, "\"abcdef\"", LONG5 "\"abcdef\"" },
	{ "one character", single, "\"\"", "\"type\":\"string_too_short\","
	    "\"msg\":\"String should have at least 1 character\","
	    "\"ctx\":{\"min_length\":1},\"input\":\"\"" },
	{ "more than one character", single, "\"ab\"",
	  "\"type\":\"string_too_long\",\"msg\":\"String should have at most "
	  "1 character\",\"ctx\":{\"max_length\":1},\"input\":\"ab\"" },
	{ "a text without bounds", any_text, "\"\"", NULL },
	{ "a number for a text", text, "1234", STRING "1234" },
	{ "null for a text", text, "null", STRING "null" },
	{ "an array for a text", text, "[\"abc\",{\"a\":1}]",
	  STRING "[\"abc\",{\"a\":1}]" },
	{ "an object for a text", text, "{}", STRING "{}" },
	{ "true for a text", text, "true", STRING "true" },
	{ "a text by its pattern", pattern, "\"abc\"", NULL },
	{ "a text against its pattern", pattern, "\"ab1\"", MATCH "\"ab1\"" },
	{ "length comes before the pattern", pattern, "\"1\"",
	  "\"type\":\"string_too_short\",\"msg\":\"String should have at "
	  "least 2 characters\",\"ctx\":{\"min_length\":2},\"input\":\"1\"" },
	{ "a line end is no part of a pattern's end", pattern, "\"ab\\n\"",
	  MATCH "\"ab\\n\"" },
	{ "a text that is judged and good", judged, "\"toor\"", NULL },
	{ "a text that is judged and bad", judged, "\"root\"",
	  VALUE("must not be root") "\"root\"" },
	{ "a secret", secret, "\"12345678\"", NULL },
	{ "a secret too short is not shown", secret, "\"1234567\"",
	  "\"type\":\"string_too_short\",\"msg\":\"String should have at "
	  "least 8 characters\",\"ctx\":{\"min_length\":8}" },
	{ "a secret too long is not shown", secret, "\"12345678901234567\"",
	  "\"type\":\"string_too_long\",\"msg\":\"String should have at most "
	  "16 characters\",\"ctx\":{\"max_length\":16}" },
	{ "a secret that is no string is not shown", secret, "12345678",
	  "\"type\":\"string_type\",\"msg\":\"Input should be a valid "
	  "string\"" },
	{ "a secret in an array is not shown", secret, "[\"12345678\"]",
	  "\"type\":\"string_type\",\"msg\":\"Input should be a valid "
	  "string\"" },
	{ "an address", email, "\"ann@example.com\"", NULL },
	{ "no address", email, "\"ann\"", "\"type\":\"value_error\","
	    "\"msg\":\"value is not a valid email address: An email address "
	    "must have an @-sign.\",\"ctx\":{\"reason\":\"An email address "
	    "must have an @-sign.\"},\"input\":\"ann\"" },
	{ "a number for an address", email, "1", STRING "1" },
	{ "the least number", number, "1", NULL },
	{ "the greatest number", number, "100", NULL },
	{ "a number too small", number, "0", ATLEAST("1") "0" },
	{ "a number far too small", number, "-9223372036854775808",
	  ATLEAST("1") "-9223372036854775808" },
	{ "a number too great", number, "101", ATMOST("100") "101" },
	{ "a negative number", signed_number, "-5", NULL },
	{ "a number below a negative one", signed_number, "-6",
	  ATLEAST("-5") "-6" },
	{ "a number without bounds", any_number, "-9223372036854775808",
	  NULL },
	{ "nought without bounds", any_number, "0", NULL },
	{ "a fraction", number, "1.5", INT "1.5" },
	{ "null for a number", number, "null", INT "null" },
	{ "an array for a number", number, "[1]", INT "[1]" },
	{ "true", flag, "true", NULL },
	{ "false", flag, "false", NULL },
	{ "null for a flag", flag, "null", BOOL "null" },
	{ "an object for a flag", flag, "{}", BOOL "{}" },
	{ "the one choice", enum1, "\"password\"", NULL },
	{ "not the one choice", enum1, "\"code\"",
	  ENUM("'password'") "\"code\"" },
	{ "a choice of two", enum2, "\"json\"", NULL },
	{ "none of two choices", enum2, "\"JSON\"",
	  ENUM("'text' or 'json'") "\"JSON\"" },
	{ "a choice of three", enum3, "\"slack\"", NULL },
	{ "none of three choices", enum3, "\"fax\"",
	  ENUM("'websocket', 'email' or 'slack'") "\"fax\"" },
	{ "a number for a choice", enum3, "1",
	  ENUM("'websocket', 'email' or 'slack'") "1" },
	{ "null for a choice", enum3, "null",
	  ENUM("'websocket', 'email' or 'slack'") "null" },
	{ "an id", id, "\"" UUID "\"", NULL },
	{ "a number for an id", id, "1", STRING "1" },
	{ "an optional text", optional, "\"ab\"", NULL },
	{ "null for an optional text", optional, "null", NULL },
	{ "an optional text is judged, too", optional, "\"a\"",
	  "\"type\":\"string_too_short\",\"msg\":\"String should have at "
	  "least 2 characters\",\"ctx\":{\"min_length\":2},\"input\":\"a\"" },
	{ "an optional text of another type", optional, "7", STRING "7" },
};

static const struct memory_answer *
give(const struct example *e, bool query)
{
	struct sb_pool *pool = sb_pool_new();
	const struct sb_route routes[] = {
		{ SB_POST, "/f", SB_PUBLIC, nothing, e->field,
		  .success = SB_NO_CONTENT, .doc = "Take a field." },
		{ SB_NONE }
	};
	const struct memory_answer *a = query ?
	    CALL(routes, .method = "POST", .target = sb_printf(pool, "/f%s%s",
	    e->value[0] == '\0' ? "" : "?", e->value)) :
	    CALL(routes, .method = "POST", .target = "/f", .type = JSON,
	    .body = sb_printf(pool, "{\"%s\":%s}", e->field->name, e->value));

	sb_pool_free(pool);
	return a;
}

static void
judge(const struct example *e, bool query)
{
	const struct memory_answer *a = give(e, query);
	struct sb_pool *pool = sb_pool_new();

	if (e->entry == NULL)
		memory_expect(a, 204, "null");
	else
		memory_expect(a, 422, sb_printf(pool, "{\"detail\":[{\"loc\":"
		    "[\"%s\",\"%s\"],%s}]}", query ? "query" : "body",
		    e->field->name, e->entry));
	sb_pool_free(pool);
}

static void
is_judged_by_json(void **state)
{
	judge(*state, false);
}

/* ---------------------------------------------------------- by a query */

static struct example by_query[] = {
	{ "a number in a query", query_number, "number=7", NULL },
	{ "a number with a sign in a query", query_number, "number=%2B7",
	  NULL },
	{ "a negative number in a query", query_any, "number=-7", NULL },
	{ "the smallest of all numbers", query_any,
	  "number=-9223372036854775808", NULL },
	{ "no number in a query", query_number, "", MISSING "null" },
	{ "an empty number", query_number, "number=", PARSE "\"\"" },
	{ "a sign alone", query_number, "number=-", PARSE "\"-\"" },
	{ "two signs", query_number, "number=--7", PARSE "\"--7\"" },
	{ "a number with something after it", query_number, "number=7x",
	  PARSE "\"7x\"" },
	{ "a hexadecimal number", query_number, "number=0x7",
	  PARSE "\"0x7\"" },
	{ "a word for a number", query_number, "number=seven",
	  PARSE "\"seven\"" },
	{ "a sum for a number", query_number, "number=3-1", PARSE "\"3-1\"" },
	{ "a number too small in a query", query_number, "number=0",
	  ATLEAST("1") "\"0\"" },
	{ "a number too great in a query", query_number, "number=101",
	  ATMOST("100") "\"101\"" },
	{ "a number given twice", query_number, "number=1&number=1",
	  VALUE("must not be given twice") "\"1\"" },
	{ "a list in a query", query_texts, "texts=a", LIST "\"a\"" },
	{ "true in a query", query_flag, "flag=true", NULL },
	{ "yes in a query", query_flag, "flag=YES", NULL },
	{ "0 in a query", query_flag, "flag=0", NULL },
	{ "off in a query", query_flag, "flag=off", NULL },
	{ "2 for a flag", query_flag, "flag=2", BOOLS "\"2\"" },
	{ "an empty flag", query_flag, "flag=", BOOLS "\"\"" },
	{ "no choice in a query", query_kind, "", NULL },
	{ "a choice in a query", query_kind, "kind=email", NULL },
	{ "none of the choices in a query", query_kind, "kind=fax",
	  ENUM("'websocket', 'email' or 'slack'") "\"fax\"" },
	{ "a text in a query", query_text, "text=a+b%20c", NULL },
	{ "a text too long in a query", query_text, "text=%C3%A9bcdef",
	  LONG5 "\"" EACUTE "bcdef\"" },
	{ "a text that is not UTF-8", query_text, "text=%ff",
	  VALUE("is not valid UTF-8") "\"\xef\xbf\xbd\"" },
	{ "a text with U+0000", query_text, "text=a%00b",
	  VALUE("must not contain U+0000") "\"a\\u0000b\"" },
	{ "others may be given twice", query_text, "a=1&text=x&a=2", NULL },
	{ "what is unknown may be anything", query_text, "a=%ff&text=x",
	  NULL },
	{ "a secret in a query is not shown", query_secret, "secret=1",
	  "\"type\":\"string_too_short\",\"msg\":\"String should have at "
	  "least 8 characters\",\"ctx\":{\"min_length\":8}" },
	{ "a secret given twice is not shown", query_secret,
	  "secret=12345678&secret=12345678",
	  "\"type\":\"value_error\",\"msg\":\"Value error, must not be given "
	  "twice\",\"ctx\":{\"reason\":\"must not be given twice\"}" },
};

static void
is_judged_by_query(void **state)
{
	judge(*state, true);
}

/* ------------------------------------------------------ many fields at once */

enum { ALL_ID, ALL_NAME, ALL_PASSWORD, ALL_LIMIT, ALL_COUNT, ALL_NOTE,
    ALL_LOUD };
static const struct sb_field all_in[] = {
	[ALL_ID] = { "id", SB_UUID, "An id.", .in = SB_IN_PATH },
	[ALL_NAME] = { "name", SB_TEXT, "A name.", 3, 5 },
	[ALL_PASSWORD] = { "password", SB_SECRET, "A password.", 8, 1024 },
	[ALL_LIMIT] = { "limit", SB_INT, "A limit.", 1, 100, SB_IN_QUERY },
	[ALL_COUNT] = { "count", SB_INT, "A count.", 1, 9 },
	[ALL_NOTE] = { "note", SB_TEXT, "A note.", .optional = true },
	[ALL_LOUD] = { "loud", SB_BOOL, "A flag.", .optional = true },
	SB_END
};

static const struct sb_field all_out[] = {
	[ALL_ID] = { "id", SB_UUID, "An id." },
	[ALL_NAME] = { "name", SB_TEXT, "A name." },
	[ALL_PASSWORD] = { "password", SB_TEXT, "A password." },
	[ALL_LIMIT] = { "limit", SB_INT, "A limit." },
	[ALL_COUNT] = { "count", SB_INT, "A count." },
	[ALL_NOTE] = { "note", SB_TEXT, "A note.", .optional = true },
	[ALL_LOUD] = { "loud", SB_BOOL, "A flag.", .optional = true },
	SB_END
};

/* Says it all back, and what is absent as sb.h promises it to be. */
static enum sb_status
echo(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_text(rs, ALL_ID, sb_text(rq, ALL_ID));
	sb_put_text(rs, ALL_NAME, sb_text(rq, ALL_NAME));
	sb_put_text(rs, ALL_PASSWORD, sb_text(rq, ALL_PASSWORD));
	sb_put_int(rs, ALL_LIMIT, sb_int(rq, ALL_LIMIT));
	sb_put_int(rs, ALL_COUNT, sb_int(rq, ALL_COUNT));
	sb_put_text(rs, ALL_NOTE, sb_text(rq, ALL_NOTE));
	if (sb_has(rq, ALL_LOUD))
		sb_put_bool(rs, ALL_LOUD, sb_bool(rq, ALL_LOUD));
	return SB_OK;
}

static const struct sb_route routes[] = {
	{ SB_POST, "/json/{id}", SB_PUBLIC, echo, all_in, all_out,
	  .doc = "Echo JSON." },
	{ SB_POST, "/form/{id}", SB_PUBLIC, echo, all_in, all_out,
	  .body = SB_FORM, .doc = "Echo a form." },
	{ SB_POST, "/both/{id}", SB_PUBLIC, echo, all_in, all_out,
	  .body = SB_JSON | SB_FORM, .doc = "Echo either." },
	{ SB_POST, "/open", SB_PUBLIC, nothing, any_text,
	  .success = SB_NO_CONTENT, .doc = "Take no secret." },
	{ SB_POST, "/maybe", SB_PUBLIC, nothing, optional,
	  .success = SB_NO_CONTENT, .doc = "Take what may be absent." },
	{ SB_POST, "/none", SB_PUBLIC, nothing, .success = SB_NO_CONTENT,
	  .doc = "Take nothing." },
	{ SB_NONE }
};

#define GOOD	"{\"name\":\"anna\",\"password\":\"12345678\",\"count\":3}"
#define ECHOED	"{\"id\":\"" UUID "\",\"name\":\"anna\"," \
		"\"password\":\"12345678\",\"limit\":5,\"count\":3," \
		"\"note\":null}"
#define AT(place, name) "{\"loc\":[\"" place "\",\"" name "\"],"

static void
all_is_good(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/json/" UUID "?limit=5", .body = GOOD), 200, ECHOED);
}

static void
all_is_wrong_in_the_order_of_the_table(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/json/" UUID "?limit=x",
	    .body = "{\"loud\":[],\"count\":0,\"note\":1,\"password\":\"p\","
	    "\"name\":\"ab\"}"), 422, "{\"detail\":["
	    AT("body", "name") SHORT3 "\"ab\"},"
	    AT("body", "password") "\"type\":\"string_too_short\",\"msg\":"
	    "\"String should have at least 8 characters\","
	    "\"ctx\":{\"min_length\":8}},"
	    AT("query", "limit") PARSE "\"x\"},"
	    AT("body", "count") ATLEAST("1") "0},"
	    AT("body", "note") STRING "1},"
	    AT("body", "loud") BOOL "[]}]}");
}

#define CAME	"{\"name\":\"anna\",\"note\":\"n\"}"

static void
missing_shows_what_came_but_secrets_and_strangers(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/json/" UUID, .body = "{\"name\":\"anna\","
	    "\"passwort\":\"12345678\",\"note\":\"n\"}"), 422, "{\"detail\":["
	    AT("body", "password") MISSING CAME "},"
	    AT("query", "limit") MISSING "null},"
	    AT("body", "count") MISSING CAME "}]}");
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/json/" UUID "?limit=1",
	    .body = "{\"password\":\"12345678\",\"name\":\"anna\"}"), 422,
	    "{\"detail\":[" AT("body", "count") MISSING
	    "{\"name\":\"anna\"}}]}");
}

static void
a_secret_of_null_is_not_missing(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/json/" UUID "?limit=1",
	    .body = "{\"password\":null,\"name\":\"anna\",\"count\":1}"), 422,
	    "{\"detail\":[" AT("body", "password") "\"type\":\"string_type\","
	    "\"msg\":\"Input should be a valid string\"}]}");
}

/* ---------------------------------------------------------------- the body */

#define NO_BODY	"{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"]," \
		"\"msg\":\"Field required\",\"input\":null}]}"
#define NO_OBJECT(input) "{\"detail\":[{\"type\":\"model_attributes_type\"," \
		"\"loc\":[\"body\"],\"msg\":\"Input should be a valid " \
		"dictionary or object to extract fields from\"" input "}]}"

static void
no_body_is_one_missing(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .target = "/open"), 422,
	    NO_BODY);
	memory_expect(CALL(routes, .method = "POST", .target = "/open",
	    .type = JSON), 422, NO_BODY);
}

static void
without_a_body_the_query_is_judged_all_the_same(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST",
	    .target = "/json/" UUID "?limit=0"), 422, "{\"detail\":["
	    "{\"type\":\"missing\",\"loc\":[\"body\"],"
	    "\"msg\":\"Field required\",\"input\":null},"
	    AT("query", "limit") ATLEAST("1") "\"0\"}]}");
}

static void
what_is_no_object(void **state)
{
	static const char *const texts[] = { "null", "1", "\"text\"",
	    "[{\"text\":\"abc\"}]", "true" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct sb_pool *pool = sb_pool_new();

		memory_expect(CALL(routes, .method = "POST",
		    .target = "/open", .type = JSON, .body = texts[i]), 422,
		    sb_printf(pool, NO_OBJECT(",\"input\":%s"), texts[i]));
		sb_pool_free(pool);
	}
}

static void
what_is_no_object_may_be_a_secret(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/json/" UUID "?limit=1", .body = "\"12345678\""), 422,
	    NO_OBJECT(""));
	memory_expect(CALL(routes, .method = "POST", .type = "text/plain",
	    .target = "/json/" UUID "?limit=1", .body = GOOD), 422,
	    NO_OBJECT(""));
}

/* So that no form of another site reaches a route that takes JSON. */
static void
other_types_are_no_objects(void **state)
{
	static const char *const types[] = { FORM, "text/plain",
	    "text/plain; charset=application/json", "application/jsonx",
	    "application/x+jsonx", "text/x+json", "application/+jsonp",
	    "multipart/form-data; boundary=x", "text/json", "json" };

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++)
		memory_expect(CALL(routes, .method = "POST",
		    .target = "/open", .type = types[i],
		    .body = "{\"text\":\"a\"}"), 422,
		    NO_OBJECT(",\"input\":\"{\\\"text\\\":\\\"a\\\"}\""));
}

static void
types_of_json(void **state)
{
	static const char *const types[] = { NULL, JSON, "APPLICATION/JSON",
	    "application/json; charset=utf-8", "application/json;charset=x",
	    "application/merge-patch+json", "application/ld+JSON ; a=b" };

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++)
		memory_expect(CALL(routes, .method = "POST",
		    .target = "/open", .type = types[i],
		    .body = " {\"text\":\"a\"}\n"), 204, "null");
}

static void
what_is_no_json(void **state)
{
	static const struct {
		const char	*text;
		size_t		 length;
		int		 offset;
	} texts[] = {
		{ "{\"text\":}", 9, 8 },
		{ "{", 1, 1 },
		{ "\xef\xbb\xbf{\"text\":\"a\"}", 15, 0 },
		{ "{\"text\":\"a\"} x", 14, 13 },
		{ "{\"text\":\"\xff\"}", 12, 9 },
		{ "{\"text\":\"a\\u0000\"}", 18, -1 },
		{ "{\"text\":\"\\ud800\"}", 17, -1 },
		{ "{\"text\":\"a\",\"text\":\"a\"}", 23, -1 },
		{ "{\"text\":\"a\0\"}", 13, -1 },
		{ "    ", 4, 4 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct memory_answer *a = CALL(routes, .method = "POST",
		    .target = "/open", .type = JSON, .body = texts[i].text,
		    .length = texts[i].length);
		struct sb_pool *pool = sb_pool_new();

		assert_int_equal(a->status, 422);
		assert_non_null(strstr(a->body,
		    "{\"detail\":[{\"type\":\"json_invalid\","
		    "\"loc\":[\"body\","));
		assert_non_null(strstr(a->body, "],\"msg\":"
		    "\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":"));
		if (texts[i].offset >= 0)
			assert_non_null(strstr(a->body, sb_printf(pool,
			    "[\"body\",%d]", texts[i].offset)));
		sb_pool_free(pool);
	}
}

static void
a_body_that_is_not_asked_for_is_not_looked_at(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .target = "/none",
	    .type = "x", .body = "{\"\xff"), 204, "null");
}

/* An input of which all is optional still has no body at all. */
static void
optional_fields_are_absent_in_an_empty_object(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .target = "/maybe",
	    .type = JSON, .body = "{}"), 204, "null");
}

/* ------------------------------------------------------------------- forms */

#define GOOD_FORM	"name=anna&password=12345678&count=3"
#define MULTIPART	"multipart/form-data; boundary=B"
#define PART(name, value) "--B\r\nContent-Disposition: form-data; name=\"" \
			name "\"\r\n\r\n" value "\r\n"

static void
forms_are_taken(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5", .body = GOOD_FORM), 200,
	    ECHOED);
	memory_expect(CALL(routes, .method = "POST", .type = MULTIPART,
	    .target = "/form/" UUID "?limit=5", .body = PART("name", "anna")
	    PART("password", "12345678") PART("count", "3") "--B--\r\n"), 200,
	    ECHOED);
	memory_expect(CALL(routes, .method = "POST",
	    .type = "Application/X-WWW-Form-Urlencoded;charset=UTF-8",
	    .target = "/both/" UUID "?limit=5", .body = GOOD_FORM), 200,
	    ECHOED);
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/both/" UUID "?limit=5", .body = GOOD), 200, ECHOED);
}

#define ALL_MISSING "{\"detail\":[" AT("body", "name") MISSING "{}}," \
		AT("body", "password") MISSING "{}}," \
		AT("body", "count") MISSING "{}}]}"

static void
json_has_no_fields_of_a_form(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = JSON,
	    .target = "/form/" UUID "?limit=5", .body = GOOD), 422,
	    ALL_MISSING);
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5", .body = "other=1"), 422,
	    ALL_MISSING);
}

static void
empty_counts_as_absent_in_a_form(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5",
	    .body = GOOD_FORM "&note=&loud="), 200, ECHOED);
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5",
	    .body = "name=&password=&count=3"), 422, "{\"detail\":["
	    AT("body", "name") MISSING "{\"count\":\"3\"}},"
	    AT("body", "password") MISSING "{\"count\":\"3\"}}]}");
}

static void
a_field_given_twice_in_a_form(void **state)
{
	static const char wanted[] = "{\"detail\":["
	    AT("body", "note") VALUE("must not be given twice") "\"a\"}]}";

	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5",
	    .body = GOOD_FORM "&note=a&note=a"), 422, wanted);
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5",
	    .body = GOOD_FORM "&note=a&note="), 422, wanted);
}

/* Of two values, whichever is empty, one would win by its place alone. */
static void
a_field_given_twice_and_first_empty(void **state)
{
	const struct memory_answer *a = CALL(routes, .method = "POST",
	    .type = FORM, .target = "/form/" UUID "?limit=5",
	    .body = GOOD_FORM "&note=&note=a");

	(void)state;
	assert_int_equal(a->status, 422);
	assert_non_null(strstr(a->body, "must not be given twice"));
}

static void
numbers_and_bytes_of_a_form(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .type = FORM,
	    .target = "/form/" UUID "?limit=5",
	    .body = "name=an%ffa&password=123456%ff78&count=x&loud=2"), 422,
	    "{\"detail\":["
	    AT("body", "name") VALUE("is not valid UTF-8")
	    "\"an\xef\xbf\xbd" "a\"},"
	    AT("body", "password") "\"type\":\"value_error\",\"msg\":"
	    "\"Value error, is not valid UTF-8\",\"ctx\":{\"reason\":"
	    "\"is not valid UTF-8\"}},"
	    AT("body", "count") PARSE "\"x\"},"
	    AT("body", "loud") BOOLS "\"2\"}]}");
}

static void
words_for_flags(void **state)
{
	static const char *const words[] = { "0", "f", "n", "no", "off",
	    "false", "False", "1", "t", "y", "yes", "on", "true", "TRUE" };

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct sb_pool *pool = sb_pool_new();
		const struct memory_answer *a = CALL(routes, .method = "POST",
		    .type = FORM, .target = "/form/" UUID "?limit=5",
		    .body = sb_printf(pool, GOOD_FORM "&loud=%s", words[i]));

		assert_int_equal(a->status, 200);
		assert_non_null(strstr(a->body, i < 7 ? "\"loud\":false" :
		    "\"loud\":true"));
		sb_pool_free(pool);
	}
}

/* ----------------------------------------------------------------- the rest */

/* An id of another kind than text in a body: which one it is, is not said. */
static void
no_id_in_a_body(void **state)
{
	static const char *const texts[] = { "", "x", UUID "0",
	    "{01890a5d-ac96-774b-bcce-b302099a8057}",
	    "01890a5dac96774bbcceb302099a8057" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct sb_pool *pool = sb_pool_new();
		struct example e = { NULL, id, sb_printf(pool, "\"%s\"",
		    texts[i]), NULL };
		const struct memory_answer *a = give(&e, false);

		assert_int_equal(a->status, 422);
		assert_non_null(strstr(a->body, "\"type\":\"value_error\","
		    "\"loc\":[\"body\",\"id\"],\"msg\":\"Value error, "));
		sb_pool_free(pool);
	}
}

/* The loc of an item goes on with its number; of the list nothing is said. */
static void
each_bad_item_is_told(void **state)
{
	struct example e = { NULL, few_texts,
	    "[\"a\",null,\"abcdef\"]", NULL };
	struct example bad = { NULL, judged_texts,
	    "[\"a\",\"root\",\"root\"]", NULL };
	struct example chosen = { NULL, kinds, "[\"fax\",\"slack\"]", NULL };

	(void)state;
	memory_expect(give(&e, false), 422, "{\"detail\":["
	    "{\"loc\":[\"body\",\"texts\",0],\"type\":\"string_too_short\","
	    "\"msg\":\"String should have at least 2 characters\","
	    "\"ctx\":{\"min_length\":2},\"input\":\"a\"},"
	    "{\"loc\":[\"body\",\"texts\",1]," STRING "null},"
	    "{\"loc\":[\"body\",\"texts\",2]," LONG5 "\"abcdef\"}]}");
	memory_expect(give(&bad, false), 422, "{\"detail\":["
	    "{\"loc\":[\"body\",\"texts\",1]," VALUE("must not be root")
	    "\"root\"},{\"loc\":[\"body\",\"texts\",2],"
	    VALUE("must not be root") "\"root\"}]}");
	memory_expect(give(&chosen, false), 422, "{\"detail\":["
	    "{\"loc\":[\"body\",\"kinds\",0],"
	    ENUM("'websocket', 'email' or 'slack'") "\"fax\"}]}");
}

/* Whoever sends the longest list that a body holds takes none of our time. */
static void
a_long_list_costs_little(void **state)
{
	enum { N = 10000, EACH = 6 };
	static char list[N * EACH + 2];
	struct example e = { NULL, any_texts, list, NULL };
	int64_t begun = memory_clock();

	(void)state;
	list[0] = '[';
	for (unsigned i = 0; i < N; i++)
		snprintf(list + 1 + i * EACH, EACH + 1, "\"%03x\",",
		    i % 4096);
	list[N * EACH] = ']';
	assert_int_equal(give(&e, false)->status, 422);
	assert_true(memory_clock() - begun < 2 * SB_SECOND);
}

/* ------------------------------------------------------- header fields */

static const struct sb_field by_header[] = {
	{ "x-a-mark", SB_TEXT, "A text.", .in = SB_IN_HEADER,
	  .optional = true, .pattern = "^[a-z]{1,4}$" },
	{ "x-number", SB_INT, "A number.", 1, 9, SB_IN_HEADER },
	SB_END
};

static const struct memory_answer *
give_headers(const char *mark, const char *count)
{
	static const struct sb_route taking[] = {
		{ SB_GET, "/h", SB_PUBLIC, nothing, by_header,
		  .success = SB_NO_CONTENT, .doc = "Take header fields." },
		{ SB_NONE }
	};

	return CALL(taking, .target = "/h", .more = { count, mark, NULL });
}

#define HEADER(name, rest) "{\"loc\":[\"header\",\"" name "\"]," rest "}"

static void
header_fields_are_held_to_theirs(void **state)
{
	(void)state;
	memory_expect(give_headers("HTTP_X_A_MARK=abc", "HTTP_X_NUMBER=7"),
	    204, "null");
	memory_expect(give_headers("HTTP_X_A_MARK=", "HTTP_X_NUMBER=7"), 204,
	    "null");
	memory_expect(give_headers(NULL, "HTTP_X_NUMBER="), 422,
	    "{\"detail\":[" HEADER("x-number", MISSING "null") "]}");
	memory_expect(give_headers("HTTP_X_A_MARK=a, a", "HTTP_X_NUMBER=0"),
	    422, "{\"detail\":[" HEADER("x-a-mark",
	    "\"type\":\"string_pattern_mismatch\",\"msg\":\"String should "
	    "match pattern '^[a-z]{1,4}$'\",\"ctx\":{\"pattern\":"
	    "\"^[a-z]{1,4}$\"},\"input\":\"a, a\"") ","
	    HEADER("x-number", ATLEAST("1") "\"0\"") "]}");
	memory_expect(give_headers("HTTP_X_A_MARK=\xff", "HTTP_X_NUMBER=7"),
	    422, "{\"detail\":[" HEADER("x-a-mark",
	    VALUE("is not valid UTF-8") "\"\xef\xbf\xbd\"") "]}");
}

/* ----------------------------------------------------------------- the rest */

/* The members of an entry stand as they always stood. */
static void
the_order_within_an_entry(void **state)
{
	struct example e = { NULL, text, "\"ab\"", NULL };

	(void)state;
	assert_string_equal(give(&e, false)->body,
	    "{\"detail\":[{\"type\":\"string_too_short\",\"loc\":[\"body\","
	    "\"text\"],\"msg\":\"String should have at least 3 characters\","
	    "\"input\":\"ab\",\"ctx\":{\"min_length\":3}}]}");
}

static void
a_number_beyond_64_bits_is_never_taken(void **state)
{
	struct example big[] = {
		{ NULL, any_number, "9223372036854775808", NULL },
		{ NULL, any_number, "-9223372036854775809", NULL },
		{ NULL, any_number, "1e400", NULL },
		{ NULL, query_any, "number=9223372036854775808", NULL },
		{ NULL, query_any, "number=99999999999999999999999", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(big); i++)
		if (give(&big[i], i > 2)->status != 422)
			fail_msg("%s is taken", big[i].value);
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(all_is_good),
	cmocka_unit_test(all_is_wrong_in_the_order_of_the_table),
	cmocka_unit_test(missing_shows_what_came_but_secrets_and_strangers),
	cmocka_unit_test(a_secret_of_null_is_not_missing),
	cmocka_unit_test(no_body_is_one_missing),
	cmocka_unit_test(without_a_body_the_query_is_judged_all_the_same),
	cmocka_unit_test(what_is_no_object),
	cmocka_unit_test(what_is_no_object_may_be_a_secret),
	cmocka_unit_test(other_types_are_no_objects),
	cmocka_unit_test(types_of_json),
	cmocka_unit_test(what_is_no_json),
	cmocka_unit_test(a_body_that_is_not_asked_for_is_not_looked_at),
	cmocka_unit_test(optional_fields_are_absent_in_an_empty_object),
	cmocka_unit_test(forms_are_taken),
	cmocka_unit_test(json_has_no_fields_of_a_form),
	cmocka_unit_test(empty_counts_as_absent_in_a_form),
	cmocka_unit_test(a_field_given_twice_in_a_form),
	cmocka_unit_test(a_field_given_twice_and_first_empty),
	cmocka_unit_test(numbers_and_bytes_of_a_form),
	cmocka_unit_test(words_for_flags),
	cmocka_unit_test(no_id_in_a_body),
	cmocka_unit_test(each_bad_item_is_told),
	cmocka_unit_test(a_long_list_costs_little),
	cmocka_unit_test(header_fields_are_held_to_theirs),
	cmocka_unit_test(the_order_within_an_entry),
	cmocka_unit_test(a_number_beyond_64_bits_is_never_taken),
};

int
main(void)
{
	struct CMUnitTest tests[COUNT(by_json) + COUNT(by_query) +
	    COUNT(others)], *t = tests;

	for (size_t i = 0; i < COUNT(by_json); i++)
		*t++ = (struct CMUnitTest){ .name = by_json[i].name,
		    .test_func = is_judged_by_json,
		    .initial_state = &by_json[i] };
	for (size_t i = 0; i < COUNT(by_query); i++)
		*t++ = (struct CMUnitTest){ .name = by_query[i].name,
		    .test_func = is_judged_by_query,
		    .initial_state = &by_query[i] };
	memcpy(t, others, sizeof(others));
	return cmocka_run_group_tests_name("check", tests, memory_begin,
	    memory_end);
}
