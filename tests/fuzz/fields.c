/*
 * Any bytes as what a route declares that it takes, in the query, in a header
 * field and in a body of JSON or of a form: what a handler is given is within
 * what was declared, and what is refused is told as the contract has it.
 */
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "fuzz.h"
#include "check.h"
#include "lines.h"

enum { Q_INT, Q_BOOL, Q_ID, Q_TEXT, H_KEY, B_TEXT, B_SECRET, B_INT, B_BOOL,
    B_ENUM, B_TEXTS, FIELDS };
static const char *const colours[] = { "red", "green", NULL };
static const struct sb_field in[] = {
	[Q_INT] = { "int", SB_INT, "A number.", -5, 100, SB_IN_QUERY, true },
	[Q_BOOL] = { "bool", SB_BOOL, "A flag.", .in = SB_IN_QUERY,
	    .optional = true },
	[Q_ID] = { "id", SB_UUID, "An id.", .in = SB_IN_QUERY,
	    .optional = true },
	[Q_TEXT] = { "text", SB_TEXT, "A text.", 2, 4, SB_IN_QUERY, true },
	[H_KEY] = SB_IDEMPOTENCY_KEY,
	[B_TEXT] = { "t", SB_TEXT, "A text.", 1, 5 },
	[B_SECRET] = { "s", SB_SECRET, "A secret.", .optional = true },
	[B_INT] = { "i", SB_INT, "A number.", 0, 9, .optional = true },
	[B_BOOL] = { "b", SB_BOOL, "A flag.", .optional = true },
	[B_ENUM] = { "e", SB_ENUM, "A colour.", .choices = colours,
	    .optional = true },
	[B_TEXTS] = { "l", SB_TEXTS, "Texts.", 1, 3, .optional = true,
	    .fewest = 1, .most = 3 },
	SB_END
};
static const struct sb_route routes[] = {
	{ SB_POST, "/", SB_PUBLIC, .in = in, .body = SB_JSON | SB_FORM },
	{ SB_NONE }
};

static void
check_text(const struct sb_value *v, int64_t min, int64_t max)
{
	int64_t n;

	if (!v->present)
		return;
	PROMISE(v->text != NULL && sb_utf8_valid(v->text, strlen(v->text)));
	n = (int64_t)sb_utf8_length(v->text);
	PROMISE(n >= min && (max == 0 || n <= max));
}

static void
check_number(const struct sb_value *v, int64_t min, int64_t max)
{
	PROMISE(!v->present || (v->number >= min && v->number <= max));
	PROMISE(v->present || v->number == 0);
}

static void
check_values(const struct sb_value *v)
{
	const char *key = v[H_KEY].text;
	int n = 0;

	check_number(&v[Q_INT], -5, 100);
	check_number(&v[Q_BOOL], 0, 1);
	PROMISE(!v[Q_ID].present || sb_is_uuid(v[Q_ID].text));
	check_text(&v[Q_TEXT], 2, 4);
	PROMISE(!v[H_KEY].present || (*key != '\0' && strlen(key) <= 64 &&
	    strpbrk(key, " \t\r\n:/") == NULL));
	PROMISE(v[B_TEXT].present);
	check_text(&v[B_TEXT], 1, 5);
	check_text(&v[B_SECRET], 0, 0);
	check_number(&v[B_INT], 0, 9);
	check_number(&v[B_BOOL], 0, 1);
	PROMISE(!v[B_ENUM].present || strcmp(v[B_ENUM].text, "red") == 0 ||
	    strcmp(v[B_ENUM].text, "green") == 0);
	if (!v[B_TEXTS].present)
		return;
	for (; v[B_TEXTS].texts[n] != NULL; n++)
		PROMISE(sb_utf8_length(v[B_TEXTS].texts[n]) <= 3);
	PROMISE(n >= 1 && n <= 3);
}

/* Each entry says where, what and why; and of a secret never what. */
static void
check_refusal(struct json_object *body)
{
	struct json_object *detail = json_object_object_get(body, "detail");

	PROMISE(json_object_is_type(detail, json_type_array));
	PROMISE(json_object_array_length(detail) > 0);
	for (size_t i = 0; i < json_object_array_length(detail); i++) {
		struct json_object *e = json_object_array_get_idx(detail, i),
		    *loc = json_object_object_get(e, "loc"), *last, *input;

		PROMISE(sb_json_text(e, "type") != NULL);
		PROMISE(sb_json_text(e, "msg") != NULL);
		PROMISE(json_object_array_length(loc) >= 1);
		last = json_object_array_get_idx(loc,
		    json_object_array_length(loc) - 1);
		PROMISE(strcmp(json_object_get_string(last), "s") != 0 ||
		    !json_object_object_get_ex(e, "input", &input));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const types[] = { NULL, "application/json",
	    "application/x-www-form-urlencoded",
	    "multipart/form-data; boundary=b", "text/plain" };
	struct sb_way way = { .routes = routes, .route = routes };
	struct sb_request rq = { .pool = sb_pool_new(), .way = &way };
	struct lines l = { (const char *)bytes, size };
	struct sb_response rs;
	char *params[2] = { NULL };
	struct sb_conn conn = { .params = params };
	const char *kind = next_line(rq.pool, &l);

	way.conn = &conn;
	way.content_type = types[(unsigned char)*kind % 5];
	way.secret = true;
	way.query = next_line(rq.pool, &l);
	params[0] = sb_printf(rq.pool, "HTTP_IDEMPOTENCY_KEY=%s",
	    next_line(rq.pool, &l));
	way.body_length = l.left;
	way.body = sb_copy(rq.pool, l.left > 0 ? l.at : "", l.left);
	sb_response_begin(&rs, &rq);
	if (sb_check_input(&rq, &rs) == SB_NEXT)
		check_values(way.values);
	else if (rs.status == SB_UNPROCESSABLE)
		check_refusal(rs.refusal);
	else
		PROMISE(rs.status == SB_TOO_LARGE);
	sb_pool_free(rq.pool);
	return 0;
}
