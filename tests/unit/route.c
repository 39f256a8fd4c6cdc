/*
 * From a raw target to a route, a 404 or a 405: prefixes, trailing slashes,
 * escapes, parameters, methods and the size of bodies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

#define NOT_FOUND	"{\"detail\":\"Not Found\"}"
#define NOT_ALLOWED	"{\"detail\":\"Method Not Allowed\"}"
#define TOO_LARGE	"{\"detail\":\"Request body too large\"}"
#define OTHER		"01890a5d-ac96-774b-bcce-b302099a8058"

enum { IN_SESSION, IN_REQUEST };
static const struct sb_field item_in[] = {
	{ "id", SB_UUID, "An id.", .in = SB_IN_PATH }, SB_END
};
static const struct sb_field named_in[] = {
	{ "name", SB_TEXT, "A name.", 2, 5, SB_IN_PATH }, SB_END
};
static const struct sb_field pair_in[] = {
	[IN_SESSION] = { "id", SB_UUID, "An id.", .in = SB_IN_PATH },
	[IN_REQUEST] = { "request_id", SB_UUID, "One.", .in = SB_IN_PATH },
	SB_END
};
static const struct sb_field text_in[] = {
	{ "text", SB_TEXT, "A text." }, SB_END
};

enum { OUT_ROUTE, OUT_PREFIX, OUT_FIRST, OUT_SECOND };
static const struct sb_field out[] = {
	[OUT_ROUTE] = { "route", SB_TEXT, "The route's sentence." },
	[OUT_PREFIX] = { "prefix", SB_TEXT, "The mount prefix." },
	[OUT_FIRST] = { "first", SB_TEXT, "A value.", .optional = true },
	[OUT_SECOND] = { "second", SB_TEXT, "A value.", .optional = true },
	SB_END
};

/* Says which route it is and what came in. */
static enum sb_status
tell(struct sb_request *rq, struct sb_response *rs)
{
	const struct sb_field *in = rq->way->route->in;

	sb_put_text(rs, OUT_ROUTE, rq->way->route->doc);
	sb_put_text(rs, OUT_PREFIX, rq->prefix);
	if (in != NULL)
		sb_put_text(rs, OUT_FIRST, sb_text(rq, 0));
	if (in == pair_in)
		sb_put_text(rs, OUT_SECOND, sb_text(rq, IN_REQUEST));
	return SB_OK;
}

static const struct sb_route routes[] = {
	{ SB_GET, "/", SB_PUBLIC, tell, NULL, out, "root" },
	{ SB_GET, "/items", SB_PUBLIC, tell, NULL, out, "list" },
	{ SB_POST, "/items", SB_PUBLIC, tell, NULL, out, "add" },
	{ SB_GET, "/items/mine", SB_PUBLIC, tell, NULL, out, "mine" },
	{ SB_PUT, "/items/{id}", SB_PUBLIC, tell, item_in, out, "put" },
	{ SB_GET, "/items/{id}", SB_PUBLIC, tell, item_in, out, "show" },
	{ SB_DELETE, "/items/{id}", SB_PUBLIC, tell, item_in, out, "drop" },
	{ SB_PATCH, "/items/{id}", SB_PUBLIC, tell, item_in, out, "change" },
	{ SB_GET, "/items/{id}/of/{request_id}", SB_PUBLIC, tell, pair_in,
	  out, "pair" },
	{ SB_GET, "/names/{name}", SB_PUBLIC, tell, named_in, out, "name" },
	{ SB_GET, "/caf\xc3\xa9", SB_PUBLIC, tell, NULL, out, "cafe" },
	{ SB_POST, "/small", SB_PUBLIC, tell, text_in, out, "small",
	  .body_max = 100 },
	{ SB_POST, "/plain", SB_PUBLIC, tell, text_in, out, "plain" },
	{ SB_POST, "/great", SB_PUBLIC, tell, text_in, out, "great",
	  .body_max = 200000 },
	{ SB_NONE }
};

/* A target and where it leads: a route, or NULL for a 404. */
struct example {
	const char	*name, *target, *route;
	const char	*prefix;	/* NULL: none */
	const char	*path_info, *script_name, *root_path;
};

static struct example examples[] = {
	{ "the root", "/", "root" },
	{ "the root with a query", "/?a=/items", "root" },
	{ "a path", "/items", "list" },
	{ "a path with a trailing slash", "/items/", "list" },
	{ "a path with a trailing slash and a query", "/items/?a=b", "list" },
	{ "a path with an empty query", "/items?", "list" },
	{ "two trailing slashes are another path", "/items//", NULL },
	{ "two slashes in front are another path", "//items", NULL },
	{ "no such path", "/item", NULL },
	{ "the beginning of a segment", "/itemsandmore", NULL },
	{ "one segment more", "/items/mine/too", NULL },
	{ "another case", "/Items", NULL },
	{ "dots are not walked", "/x/../items", NULL },
	{ "a dot is not walked", "/./items", NULL },
	{ "escapes are decoded", "/%69tems", "list" },
	{ "escapes are decoded once", "/%2569tems", NULL },
	{ "an escaped query is none", "/items%3Fa=b", NULL },
	{ "a percent sign alone stands for itself", "/items%", NULL },
	{ "a percent sign before letters", "/%zz", NULL },
	{ "UTF-8", "/caf\xc3\xa9", "cafe" },
	{ "UTF-8 in escapes", "/caf%C3%a9", "cafe" },
	{ "bytes that are not UTF-8", "/caf%e9", NULL },
	{ "an overlong slash", "/items%c0%afmine", NULL },
	{ "U+0000", "/items%00", NULL },
	{ "U+0000 behind a slash", "/items/%00", NULL },
	{ "a fixed segment before a parameter", "/items/mine", "mine" },
	{ "an id", "/items/" UUID, "show" },
	{ "an id and a slash", "/items/" UUID "/", "show" },
	{ "an escaped id", "/items/%301890a5d-ac96-774b-bcce-b302099a8057",
	  "show" },
	{ "no id", "/items/1", NULL },
	{ "an id too long", "/items/" UUID "0", NULL },
	{ "an id without hyphens", "/items/01890a5dac96774bbcceb302099a8057",
	  NULL },
	{ "an id in capitals is none of ours",
	  "/items/01890A5D-AC96-774B-BCCE-B302099A8057", NULL },
	{ "two ids", "/items/" UUID "/of/" OTHER, "pair" },
	{ "an id and no id", "/items/" UUID "/of/mine", NULL },
	{ "the absolute form", "http://example.com/items?a=b", "list" },
	{ "the absolute form with a port", "https://example.com:8443/items",
	  "list" },
	{ "the absolute form of the root", "http://example.com", "root" },
	{ "the absolute form of the root with a query",
	  "http://example.com?/items", "root" },
	{ "a prefix that PATH_INFO shows", "/switchboard/items", "list",
	  "/switchboard", "/items", "/switchboard" },
	{ "a prefix of two segments", "/a/b/items/mine", "mine", "/a/b",
	  "/items/mine", "/a/b" },
	{ "a prefix and a trailing slash", "/sb/items/", "list", "/sb",
	  "/items/", "/sb" },
	{ "a prefix and the root", "/sb/", "root", "/sb", "/", "/sb" },
	{ "an escape in the target and not in PATH_INFO", "/s%62/item%73",
	  "list", "/sb", "/items", "/sb" },
	{ "no prefix", "/items", "list", "", "/items", "" },
	{ "an empty PATH_INFO shows nothing", "/items", "list", "", "",
	  "/items" },
	{ "a PATH_INFO of something else shows nothing", "/items", "list",
	  "", "/other", "/x" },
	{ "a PATH_INFO that is longer than the path", "/items", "list", "",
	  "/sb/items", "" },
	{ "a prefix by ROOT_PATH", "/sb/items", "list", "/sb", NULL, NULL,
	  "/sb" },
	{ "ROOT_PATH alone is the root", "/sb", "root", "/sb", NULL, NULL,
	  "/sb" },
	{ "ROOT_PATH and a slash are the root", "/sb/", "root", "/sb", NULL,
	  NULL, "/sb" },
	{ "a path that ROOT_PATH is no prefix of", "/sbitems", NULL, "",
	  NULL, NULL, "/sb" },
	{ "a server that takes the prefix away itself", "/items", "list", "",
	  NULL, NULL, "/sb" },
	{ "no target but PATH_INFO", NULL, "list", "", "/items", "" },
	{ "no target but PATH_INFO and SCRIPT_NAME", NULL, "list", "/sb",
	  "/items", "/sb" },
	{ "nothing at all is the root", NULL, "root" },
	{ "a prefix that could be another site", "//evil.example/items",
	  NULL, NULL, "/items", "//evil.example" },
	{ "a prefix that could end an attribute", "/%22%3E/items", NULL, NULL,
	  "/items", "/\">" },
	{ "a prefix that climbs", "/../items", NULL, NULL, "/items", "/.." },
};

static void
leads_there(void **state)
{
	const struct example *e = *state;
	struct memory_request rq = { .target = e->target };
	struct sb_pool *pool = sb_pool_new();
	const struct memory_answer *a;
	int n = 0;

	if (e->path_info != NULL)
		rq.more[n++] = sb_printf(pool, "PATH_INFO=%s", e->path_info);
	if (e->script_name != NULL)
		rq.more[n++] = sb_printf(pool, "SCRIPT_NAME=%s",
		    e->script_name);
	sb_settings.root_path = e->root_path == NULL ? "" : e->root_path;
	a = memory_serve(routes, rq);
	sb_settings.root_path = "";
	if (e->route == NULL)
		memory_expect(a, 404, NOT_FOUND);
	else {
		assert_int_equal(a->status, 200);
		assert_non_null(strstr(a->body, sb_printf(pool,
		    "{\"route\":\"%s\",\"prefix\":\"%s\"", e->route,
		    e->prefix == NULL ? "" : e->prefix)));
	}
	sb_pool_free(pool);
}

/* --------------------------------------------------------------- parameters */

static void
parameters_reach_the_handler(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .target = "/items/" UUID "/of/" OTHER), 200,
	    "{\"route\":\"pair\",\"prefix\":\"\",\"first\":\"" UUID "\","
	    "\"second\":\"" OTHER "\"}");
}

static void
a_parameter_of_a_query_is_not_one_of_the_path(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .target = "/items/" UUID "?id=" OTHER), 200,
	    "{\"route\":\"show\",\"prefix\":\"\",\"first\":\"" UUID "\"}");
}

/* Only an id is judged by its shape alone; other values have a 422. */
static void
a_parameter_that_is_no_id_is_judged_as_a_field(void **state)
{
	(void)state;
	assert_int_equal(CALL(routes, .target = "/names/anna")->status, 200);
	memory_expect(CALL(routes, .target = "/names/%61"), 422,
	    "{\"detail\":[{\"type\":\"string_too_short\",\"loc\":[\"path\","
	    "\"name\"],\"msg\":\"String should have at least 2 characters\","
	    "\"input\":\"a\",\"ctx\":{\"min_length\":2}}]}");
}

/* ------------------------------------------------------------------ methods */

static void
allows(const char *method, const char *target, const char *allow)
{
	const struct memory_answer *a = CALL(routes, .method = method,
	    .target = target);

	memory_expect(a, 405, strcmp(method, "HEAD") == 0 ? "null" :
	    NOT_ALLOWED);
	assert_string_equal(memory_header(a, "Allow"), allow);
}

static void
another_method_is_told_which(void **state)
{
	(void)state;
	allows("POST", "/", "GET, HEAD");
	allows("GET", "/plain", "POST");
	allows("HEAD", "/plain", "POST");
	allows("DELETE", "/items", "GET, HEAD, POST");
	allows("POST", "/items/" UUID, "DELETE, GET, HEAD, PATCH, PUT");
	allows("DELETE", "/items/mine", "GET, HEAD");
}

static void
methods_that_nobody_knows(void **state)
{
	(void)state;
	allows("OPTIONS", "/items", "GET, HEAD, POST");
	allows("TRACE", "/items", "GET, HEAD, POST");
	allows("get", "/items", "GET, HEAD, POST");
	allows("", "/items", "GET, HEAD, POST");
	memory_expect(CALL(routes, .method = "BREW", .target = "/pot"), 404,
	    NOT_FOUND);
}

static void
a_method_is_looked_for_where_the_path_is(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .target = "/items/1"),
	    404, NOT_FOUND);
	assert_null(memory_header(CALL(routes, .target = "/x"), "Allow"));
}

static void
each_method_has_its_route(void **state)
{
	static const char *const methods[][2] = { { "PUT", "put" },
	    { "GET", "show" }, { "DELETE", "drop" }, { "PATCH", "change" } };

	(void)state;
	for (size_t i = 0; i < COUNT(methods); i++) {
		const struct memory_answer *a = CALL(routes,
		    .method = methods[i][0], .target = "/items/" UUID);

		assert_int_equal(a->status, 200);
		assert_non_null(strstr(a->body, methods[i][1]));
	}
}

static void
head_is_get_without_a_body(void **state)
{
	const struct memory_answer *a = CALL(routes, .target = "/items");
	char length[16];

	(void)state;
	snprintf(length, sizeof(length), "%zu", a->length);
	a = CALL(routes, .method = "HEAD", .target = "/items");
	assert_int_equal(a->status, 200);
	assert_int_equal(a->length, 0);
	assert_string_equal(memory_header(a, "Content-Length"), length);
	assert_string_equal(memory_header(a, "Content-Type"),
	    "application/json");
	a = CALL(routes, .method = "HEAD", .target = "/x");
	assert_int_equal(a->status, 404);
	assert_int_equal(a->length, 0);
}

/* -------------------------------------------------------------------- sizes */

/* The answer to a JSON body of exactly so many bytes. */
static const struct memory_answer *
send(const char *target, size_t n, size_t at_once)
{
	struct sb_pool *pool = sb_pool_new();
	char *body = sb_alloc(pool, n + 1);
	const struct memory_answer *a;

	memset(body, 'a', n);
	memcpy(body, "{\"text\":\"", 9);
	memcpy(body + n - 2, "\"}", 2);
	a = CALL(routes, .method = "POST", .target = target,
	    .type = "application/json", .body = body, .length = n,
	    .at_once = at_once);
	sb_pool_free(pool);
	return a;
}

static void
a_body_as_large_as_may_be(void **state)
{
	(void)state;
	assert_int_equal(send("/small", 100, 0)->status, 200);
	assert_int_equal(send("/plain", 65536, 0)->status, 200);
	assert_int_equal(send("/plain", 65536, 1000)->status, 200);
	assert_int_equal(send("/great", 200000, 0)->status, 200);
	assert_int_equal(send("/small", 100, 1)->status, 200);
}

static void
a_body_that_is_too_large(void **state)
{
	(void)state;
	memory_expect(send("/small", 101, 0), 413, TOO_LARGE);
	memory_expect(send("/plain", 65537, 0), 413, TOO_LARGE);
	memory_expect(send("/plain", 65537, 1000), 413, TOO_LARGE);
	memory_expect(send("/great", 200001, 0), 413, TOO_LARGE);
	memory_expect(send("/small", 3000000, 0), 413, TOO_LARGE);
}

static void
where_nothing_is_it_does_not_matter_how_large(void **state)
{
	(void)state;
	memory_expect(send("/nowhere", 3000000, 0), 404, NOT_FOUND);
	memory_expect(send("/items/mine", 3000000, 0), 405, NOT_ALLOWED);
}

static void
a_body_that_breaks_off(void **state)
{
	(void)state;
	memory_expect(CALL(routes, .method = "POST", .target = "/plain",
	    .type = "application/json", .body = "{\"text\":\"abc\"}",
	    .breaks_off = 5), 400,
	    "{\"detail\":\"Request body is incomplete\"}");
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(parameters_reach_the_handler),
	cmocka_unit_test(a_parameter_of_a_query_is_not_one_of_the_path),
	cmocka_unit_test(a_parameter_that_is_no_id_is_judged_as_a_field),
	cmocka_unit_test(another_method_is_told_which),
	cmocka_unit_test(methods_that_nobody_knows),
	cmocka_unit_test(a_method_is_looked_for_where_the_path_is),
	cmocka_unit_test(each_method_has_its_route),
	cmocka_unit_test(head_is_get_without_a_body),
	cmocka_unit_test(a_body_as_large_as_may_be),
	cmocka_unit_test(a_body_that_is_too_large),
	cmocka_unit_test(where_nothing_is_it_does_not_matter_how_large),
	cmocka_unit_test(a_body_that_breaks_off),
};

int
main(void)
{
	struct CMUnitTest tests[COUNT(examples) + COUNT(others)];

	for (size_t i = 0; i < COUNT(examples); i++)
		tests[i] = (struct CMUnitTest){
			.name = examples[i].name,
			.test_func = leads_there,
			.initial_state = &examples[i],
		};
	memcpy(tests + COUNT(examples), others, sizeof(others));
	return cmocka_run_group_tests_name("route", tests, memory_begin,
	    memory_end);
}
