/*
 * An answer held to its route's table, what becomes of a handler that breaks
 * its word, and the header fields of every answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#define INTERNAL	"{\"detail\":\"Internal Server Error\"}"
#define EX_SOFTWARE	70

static const struct sb_error taken = { SB_CONFLICT, "Taken", NULL };
static const struct sb_error grant = { SB_UNAUTHORIZED, "No", "invalid_grant" };
static const struct sb_error undeclared = { SB_FORBIDDEN, "Never said", NULL };

enum { IN_X, IN_Y };
static const struct sb_field inner_out[] = {
	[IN_X] = { "x", SB_INT, "A number." },
	[IN_Y] = { "y", SB_TEXT, "A text.", .optional = true },
	SB_END
};
enum { MID_INNER, MID_Z };
static const struct sb_field middle_out[] = {
	[MID_INNER] = { "inner", SB_OBJECT, "An object.",
	    .fields = inner_out },
	[MID_Z] = { "z", SB_BOOL, "A flag." },
	SB_END
};
enum { ITEM_N, ITEM_AT, ITEM_LIST };
static const struct sb_field item_out[] = {
	[ITEM_N] = { "n", SB_INT, "A number." },
	[ITEM_AT] = { "at", SB_UNIX_TIME, "A time.", .optional = true },
	[ITEM_LIST] = { "inner", SB_LIST, "Objects.", .optional = true,
	    .fields = inner_out },
	SB_END
};
enum { OUT_A, OUT_B, OUT_C, OUT_D, OUT_LIST, OUT_MAP, OUT_TEXTS, OUT_ANY };
static const struct sb_field out[] = {
	[OUT_A] = { "a", SB_TEXT, "A text." },
	[OUT_B] = { "b", SB_TIME, "A time.", .optional = true },
	[OUT_C] = { "c", SB_OBJECT, "An object.", .optional = true,
	    .fields = middle_out },
	[OUT_D] = { "d", SB_INT, "A number." },
	[OUT_LIST] = { "list", SB_LIST, "Objects.", .optional = true,
	    .fields = item_out },
	[OUT_MAP] = { "map", SB_MAP, "Objects by a name.", .optional = true,
	    .fields = item_out },
	[OUT_TEXTS] = { "texts", SB_TEXTS, "Texts.", .optional = true },
	[OUT_ANY] = { "any", SB_ANY, "Anything.", .optional = true },
	SB_END
};
enum { GONE_DETAIL, GONE_C };
static const struct sb_field gone_out[] = {
	[GONE_DETAIL] = { "detail", SB_TEXT, "What went wrong." },
	[GONE_C] = { "c", SB_OBJECT, "An object.", .fields = middle_out },
	SB_END
};
static const struct sb_error gone = { SB_CONFLICT, "Gone: %s!",
    .about = "it", .fields = gone_out };
static const struct sb_error missing = { SB_NOT_FOUND, "No %s",
    .about = "it" };
static const struct sb_field secret_in[] = {
	{ "password", SB_SECRET, "A password." }, SB_END
};

static const struct memory_answer *
ask(sb_handler *handle)
{
	const struct sb_route routes[] = {
		{ SB_GET, "/", SB_PUBLIC, handle, NULL, out, "Answer.",
		  .errors = { &taken, &grant, &gone, &missing } },
		{ SB_NONE }
	};

	return CALL(routes, .target = "/",
	    .more = { "HTTP_X_REQUEST_ID=me-1", NULL });
}

/* How often the text stands in it. */
static int
times(const char *in, const char *text)
{
	int n = 0;

	for (; (in = strstr(in, text)) != NULL; in++)
		n++;
	return n;
}

/*
 * A broken word is one 500 without a trace of why, and one line that says it;
 * the other line is that of the request.  All carry the request's id.
 */
static void
breaks_its_word(sb_handler *handle)
{
	const struct memory_answer *a = ask(handle);

	memory_expect(a, 500, INTERNAL);
	assert_string_equal(a->reason, "Internal Server Error");
	assert_int_equal(times(a->log, "answer of GET /: "), 1);
	assert_int_equal(times(a->log, "\n"), times(a->log, " me-1: "));
	assert_true(times(a->log, "\n") <= 2);
	assert_int_equal(a->finished, 1);
	/* And the next one is served as ever. */
	assert_string_equal(memory_header(a, "X-Request-ID"), "me-1");
}

/* ---------------------------------------------------------- good answers */

static enum sb_status
put_all(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a/\"\xc3\xa9\n");
	sb_put_time(rs, OUT_B, INT64_C(1760439227237987));
	sb_open(rs, OUT_C);
	sb_open(rs, MID_INNER);
	sb_put_int(rs, IN_X, INT64_MIN);
	sb_put_text(rs, IN_Y, NULL);
	sb_close(rs);
	sb_put_bool(rs, MID_Z, true);
	sb_close(rs);
	sb_put_int(rs, OUT_D, 7);
	return SB_OK;
}

static void
all_fields(void **state)
{
	const struct memory_answer *a = ask(put_all);

	(void)state;
	assert_int_equal(a->status, 200);
	assert_string_equal(a->reason, "OK");
	assert_string_equal(a->body, "{\"a\":\"a/\\\"\xc3\xa9\\n\","
	    "\"b\":\"2025-10-14T10:53:47.237987Z\",\"c\":{\"inner\":{\"x\":"
	    "-9223372036854775808,\"y\":null},\"z\":true},\"d\":7}");
}

static enum sb_status
put_needed(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "");
	sb_put_int(rs, OUT_D, 0);
	return SB_OK;
}

static void
optional_fields_may_be_left_out(void **state)
{
	(void)state;
	memory_expect(ask(put_needed), 200, "{\"a\":\"\",\"d\":0}");
}

static enum sb_status
put_items(struct sb_request *rq, struct sb_response *rs)
{
	static const int64_t times[] = { INT64_C(1760440000250000), 0,
	    INT64_C(1760440000000000), INT64_C(1760440000000001), 999999 };

	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	for (size_t i = 0; i < COUNT(times); i++) {
		sb_open_item(rs, NULL);
		sb_put_int(rs, ITEM_N, (int64_t)i);
		sb_put_time(rs, ITEM_AT, times[i]);
		sb_close(rs);
	}
	sb_open_item(rs, NULL);
	sb_put_int(rs, ITEM_N, 9);
	sb_put_text(rs, ITEM_AT, NULL);
	sb_open(rs, ITEM_LIST);
	sb_open_item(rs, NULL);
	sb_put_int(rs, IN_X, 1);
	sb_close(rs);
	sb_close(rs);
	sb_close(rs);
	sb_close(rs);
	sb_open(rs, OUT_MAP);
	sb_open_item(rs, "a \"name\"");
	sb_put_int(rs, ITEM_N, 1);
	sb_close(rs);
	sb_open_item(rs, "n");
	sb_put_int(rs, ITEM_N, 2);
	sb_close(rs);
	sb_close(rs);
	return SB_OK;
}

static void
lists_and_maps_of_objects(void **state)
{
	const struct memory_answer *a = ask(put_items);

	(void)state;
	assert_int_equal(a->status, 200);
	assert_string_equal(a->body, "{\"a\":\"\",\"d\":0,\"list\":["
	    "{\"n\":0,\"at\":1760440000.25},{\"n\":1,\"at\":0.0},"
	    "{\"n\":2,\"at\":1760440000.0},"
	    "{\"n\":3,\"at\":1760440000.000001},{\"n\":4,\"at\":0.999999},"
	    "{\"n\":9,\"at\":null,\"inner\":[{\"x\":1}]}],"
	    "\"map\":{\"a \\\"name\\\"\":{\"n\":1},\"n\":{\"n\":2}}}");
}

static enum sb_status
put_no_items(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	sb_close(rs);
	sb_open(rs, OUT_MAP);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_null_items(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_text(rs, OUT_LIST, NULL);
	sb_put_text(rs, OUT_MAP, NULL);
	return SB_OK;
}

static void
a_list_may_be_empty_or_null(void **state)
{
	(void)state;
	memory_expect(ask(put_no_items), 200,
	    "{\"a\":\"\",\"d\":0,\"list\":[],\"map\":{}}");
	memory_expect(ask(put_null_items), 200,
	    "{\"a\":\"\",\"d\":0,\"list\":null,\"map\":null}");
}

static enum sb_status
put_many_items(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	for (int i = 0; i < 10000; i++) {
		sb_open_item(rs, NULL);
		sb_put_int(rs, ITEM_N, i);
		sb_close(rs);
	}
	sb_close(rs);
	return SB_OK;
}

static void
a_list_may_be_long(void **state)
{
	const struct memory_answer *a = ask(put_many_items);

	(void)state;
	assert_int_equal(a->status, 200);
	assert_int_equal(times(a->body, "{\"n\":"), 10000);
	assert_non_null(strstr(a->body, ",{\"n\":9999}]}"));
}

/* --------------------------------------------------------- broken words */

static enum sb_status
leave_out(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	return SB_OK;
}

static enum sb_status
leave_out_inside(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	sb_open(rs, OUT_C);
	sb_open(rs, MID_INNER);
	sb_close(rs);
	sb_put_bool(rs, MID_Z, true);
	sb_close(rs);
	sb_put_int(rs, OUT_D, 1);
	return SB_OK;
}

static enum sb_status
put_out_of_order(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_int(rs, OUT_D, 1);
	sb_put_text(rs, OUT_A, "a");
	return SB_OK;
}

static enum sb_status
put_twice(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_int(rs, OUT_D, 1);
	return SB_OK;
}

static enum sb_status
put_null(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, NULL);
	sb_put_int(rs, OUT_D, 1);
	return SB_OK;
}

static enum sb_status
put_another_type(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_int(rs, OUT_A, 1);
	sb_put_int(rs, OUT_D, 1);
	return SB_OK;
}

static enum sb_status
put_a_text_for_an_object(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	sb_put_text(rs, OUT_C, "c");
	sb_put_int(rs, OUT_D, 1);
	return SB_OK;
}

static enum sb_status
put_nothing(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	(void)rs;
	return SB_OK;
}

static enum sb_status
close_nothing(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
close_nothing_and_go_on(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	sb_close(rs);
	sb_put_int(rs, OUT_D, 1);
	return SB_OK;
}

static enum sb_status
leave_open(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	sb_open(rs, OUT_C);
	return SB_OK;
}

static enum sb_status
succeed_otherwise(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	return SB_CREATED;
}

static enum sb_status
refuse_by_a_bare_status(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	(void)rs;
	return SB_CONFLICT;
}

static enum sb_status
refuse_undeclared(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &undeclared);
}

static enum sb_status
refuse_and_succeed(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_fail(rs, &taken);
	return SB_OK;
}

static enum sb_status
answer_nothing(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	return SB_NEXT;
}

/* Items of the list, or of the map by their numbers: good ones about a bad. */
static enum sb_status
put_bad_item(struct sb_request *rq, struct sb_response *rs, int field,
    void (*put)(struct sb_response *))
{
	put_needed(rq, rs);
	sb_open(rs, field);
	for (int i = 0; i < 3; i++) {
		sb_open_item(rs, field == OUT_LIST ? NULL :
		    sb_printf(rq->pool, "%d", i));
		if (i == 1)
			put(rs);
		else
			sb_put_int(rs, ITEM_N, i);
		sb_close(rs);
	}
	sb_close(rs);
	return SB_OK;
}

static void
put_no_field(struct sb_response *rs)
{
	(void)rs;
}

static void
put_text_for_number(struct sb_response *rs)
{
	sb_put_text(rs, ITEM_N, "1");
}

static void
put_turned_around(struct sb_response *rs)
{
	sb_put_time(rs, ITEM_AT, 1);
	sb_put_int(rs, ITEM_N, 1);
}

static void
put_whole_seconds(struct sb_response *rs)
{
	sb_put_int(rs, ITEM_N, 1);
	sb_put_int(rs, ITEM_AT, 1760440000);
}

static void
put_text_for_list(struct sb_response *rs)
{
	sb_put_int(rs, ITEM_N, 1);
	sb_put_text(rs, ITEM_LIST, "[]");
}

static void
put_bad_inner(struct sb_response *rs)
{
	sb_put_int(rs, ITEM_N, 1);
	sb_open(rs, ITEM_LIST);
	sb_open_item(rs, NULL);
	sb_put_text(rs, IN_Y, "y");
	sb_close(rs);
	sb_close(rs);
}

#define BAD_ITEM(name, field, put)					\
	static enum sb_status						\
	name(struct sb_request *rq, struct sb_response *rs)		\
	{								\
		return put_bad_item(rq, rs, field, put);		\
	}
BAD_ITEM(item_without_field, OUT_LIST, put_no_field)
BAD_ITEM(entry_without_field, OUT_MAP, put_no_field)
BAD_ITEM(item_of_another_type, OUT_LIST, put_text_for_number)
BAD_ITEM(entry_of_another_type, OUT_MAP, put_text_for_number)
BAD_ITEM(item_out_of_order, OUT_LIST, put_turned_around)
BAD_ITEM(entry_out_of_order, OUT_MAP, put_turned_around)
BAD_ITEM(seconds_without_fraction, OUT_LIST, put_whole_seconds)
BAD_ITEM(text_for_a_list, OUT_LIST, put_text_for_list)
BAD_ITEM(inner_item_without_field, OUT_LIST, put_bad_inner)
BAD_ITEM(inner_item_of_an_entry, OUT_MAP, put_bad_inner)

static enum sb_status
put_a_text_for_a_map(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_text(rs, OUT_MAP, "{}");
	return SB_OK;
}

static enum sb_status
leave_a_list_open(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	return SB_OK;
}

static enum sb_status
leave_an_item_open(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	sb_open_item(rs, NULL);
	sb_put_int(rs, ITEM_N, 1);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_items_out_of_order(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_MAP);
	sb_close(rs);
	sb_open(rs, OUT_LIST);
	sb_close(rs);
	return SB_OK;
}

/* ------------------------------------------- JSON, drafts, errors' fields */

static enum sb_status
put_with(struct sb_response *rs, int field, const char *json)
{
	sb_put_text(rs, OUT_A, "a");
	sb_put_int(rs, OUT_D, 1);
	sb_put_json(rs, field, json);
	return SB_OK;
}

static enum sb_status
put_json(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	sb_put_int(rs, OUT_D, 1);
	sb_put_json(rs, OUT_TEXTS, "[\"b/\\u00e9\", \"c\"]");
	sb_put_json(rs, OUT_ANY, "{\"n\" : 1.50}");
	return SB_OK;
}

static void
ready_json_stays_as_it_is(void **state)
{
	const struct memory_answer *a = ask(put_json);

	(void)state;
	assert_string_equal(a->body, "{\"a\":\"a\",\"d\":1,"
	    "\"texts\":[\"b/\\u00e9\", \"c\"],\"any\":{\"n\" : 1.50}}");
}

static enum sb_status
put_null_json(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return put_with(rs, OUT_ANY, NULL);
}

static void
no_json_is_null(void **state)
{
	(void)state;
	memory_expect(ask(put_null_json), 200,
	    "{\"a\":\"a\",\"d\":1,\"any\":null}");
}

static enum sb_status
put_an_object_for_texts(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return put_with(rs, OUT_TEXTS, "{}");
}

static enum sb_status
put_a_list_for_any(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return put_with(rs, OUT_ANY, "[]");
}

static enum sb_status
put_a_json_text_for_any(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return put_with(rs, OUT_ANY, "\"{}\"");
}

static enum sb_status
put_a_text_for_any(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_text(rs, OUT_ANY, "{}");
	return SB_OK;
}

static enum sb_status
put_json_for_a_list(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_json(rs, OUT_LIST, "[]");
	return SB_OK;
}

static enum sb_status
open_any(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_ANY);
	sb_close(rs);
	return SB_OK;
}

static const char *
draft(struct sb_response *rs, int64_t x)
{
	sb_draft(rs, inner_out);
	sb_put_int(rs, IN_X, x);
	sb_put_text(rs, IN_Y, "a/\"\xc3\xa9");
	return sb_draft_end(rs);
}

#define DRAFT(x) "{\"x\":" x ",\"y\":\"a/\\\"\xc3\xa9\"}"

/* Each is good until the end, whatever comes after it. */
static enum sb_status
draft_before_and_within(struct sb_request *rq, struct sb_response *rs)
{
	const char *before = draft(rs, 1), *within;

	(void)rq;
	assert_string_equal(before, DRAFT("1"));
	sb_put_text(rs, OUT_A, "a");
	sb_open(rs, OUT_C);
	within = draft(rs, 2);
	sb_open(rs, MID_INNER);
	sb_put_int(rs, IN_X, 3);
	assert_string_equal(draft(rs, 4), DRAFT("4"));
	sb_close(rs);
	sb_put_bool(rs, MID_Z, true);
	sb_close(rs);
	sb_put_int(rs, OUT_D, 5);
	assert_string_equal(within, DRAFT("2"));
	sb_put_json(rs, OUT_ANY, before);
	return SB_OK;
}

static void
drafts_leave_the_answer_alone(void **state)
{
	(void)state;
	memory_expect(ask(draft_before_and_within), 200, "{\"a\":\"a\","
	    "\"c\":{\"inner\":{\"x\":3},\"z\":true},\"d\":5,"
	    "\"any\":" DRAFT("1") "}");
}

static enum sb_status
draft_and_answer_nothing(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	assert_string_equal(draft(rs, 1), DRAFT("1"));
	return SB_NO_CONTENT;
}

static void
a_draft_needs_no_answer(void **state)
{
	static const struct sb_route routes[] = {
		{ SB_GET, "/", SB_PUBLIC, draft_and_answer_nothing,
		  .doc = "Answer.", .success = SB_NO_CONTENT },
		{ SB_NONE }
	};

	(void)state;
	memory_expect(CALL(routes, .target = "/"), 204, "null");
}

static enum sb_status
draft_half(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_draft(rs, inner_out);
	assert_non_null(sb_draft_end(rs));
	return SB_OK;
}

static enum sb_status
draft_too_much(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_draft(rs, inner_out);
	sb_put_int(rs, IN_X, 1);
	sb_put_int(rs, IN_X, 1);
	sb_draft_end(rs);
	return SB_OK;
}

static enum sb_status
draft_open(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_draft(rs, middle_out);
	sb_open(rs, MID_INNER);
	sb_put_int(rs, IN_X, 1);
	sb_draft_end(rs);
	return SB_OK;
}

static enum sb_status
draft_without_end(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_draft(rs, inner_out);
	sb_put_int(rs, IN_X, 1);
	return SB_OK;
}

static enum sb_status
draft_in_a_draft(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_draft(rs, inner_out);
	sb_put_int(rs, IN_X, 1);
	draft(rs, 2);
	sb_draft_end(rs);
	return SB_OK;
}

static enum sb_status
end_no_draft(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_draft_end(rs);
	return SB_OK;
}

static enum sb_status
refuse_in_a_draft(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_draft(rs, inner_out);
	return sb_fail(rs, &taken);
}

static enum sb_status
refuse_with_more(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_header(rs, "X-Half", "done");
	sb_fail_about(rs, &gone, "a%s\"");
	sb_open(rs, GONE_C);
	sb_open(rs, MID_INNER);
	sb_put_int(rs, IN_X, 1);
	sb_close(rs);
	assert_string_equal(draft(rs, 1), DRAFT("1"));
	sb_put_bool(rs, MID_Z, false);
	sb_close(rs);
	return gone.status;
}

static void
an_error_may_have_fields(void **state)
{
	const struct memory_answer *a = ask(refuse_with_more);

	(void)state;
	memory_expect(a, 409, "{\"detail\":\"Gone: a%s\\\"!\",\"c\":"
	    "{\"inner\":{\"x\":1},\"z\":false}}");
	assert_null(memory_header(a, "X-Half"));
	memory_expect(ask(refuse_in_a_draft), 409, "{\"detail\":\"Taken\"}");
}

static enum sb_status
refuse_with_less(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail_about(rs, &gone, "a");
}

static enum sb_status
refuse_and_leave_open(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_fail_about(rs, &gone, "a");
	sb_open(rs, GONE_C);
	return gone.status;
}

static enum sb_status
refuse_about_nothing(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &missing);
}

static enum sb_status
refuse_about_something(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail_about(rs, &taken, "a");
}

/* What goes wrong after it is answered as ever. */
static enum sb_status
refuse_twice(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_fail_about(rs, &gone, "a");
	sb_open(rs, GONE_C);
	return sb_fail(rs, &taken);
}

static void
the_last_refusal_is_what_is_answered(void **state)
{
	(void)state;
	memory_expect(ask(refuse_twice), 409, "{\"detail\":\"Taken\"}");
}

/* ---------------------------------------------------- each of them a 500 */

static const struct {
	const char	*name;
	sb_handler	*handle;
} broken[] = {
	{ "an object for a list of texts", put_an_object_for_texts },
	{ "a list for an object of any kind", put_a_list_for_any },
	{ "a JSON text for an object of any kind", put_a_json_text_for_any },
	{ "a text for an object of any kind", put_a_text_for_any },
	{ "JSON for a list of objects", put_json_for_a_list },
	{ "opening an object of any kind", open_any },
	{ "a field left out of a draft", draft_half },
	{ "a field twice in a draft", draft_too_much },
	{ "an object left open in a draft", draft_open },
	{ "a draft without an end", draft_without_end },
	{ "a draft in a draft", draft_in_a_draft },
	{ "the end of no draft", end_no_draft },
	{ "a field left out of an error", refuse_with_less },
	{ "an object left open in an error", refuse_and_leave_open },
	{ "an error about nothing", refuse_about_nothing },
	{ "an error that takes nothing", refuse_about_something },
	{ "an item without a declared field", item_without_field },
	{ "an entry of a map without a declared field", entry_without_field },
	{ "an item's field of another type", item_of_another_type },
	{ "a map's field of another type", entry_of_another_type },
	{ "an item's fields out of order", item_out_of_order },
	{ "a map's fields out of order", entry_out_of_order },
	{ "Unix seconds as an integer", seconds_without_fraction },
	{ "a text for a list", text_for_a_list },
	{ "an item of an item without a declared field",
	  inner_item_without_field },
	{ "an item of a map's entry without a declared field",
	  inner_item_of_an_entry },
	{ "a text for a map", put_a_text_for_a_map },
	{ "a list left open", leave_a_list_open },
	{ "an item left open", leave_an_item_open },
	{ "a list out of order", put_items_out_of_order },
	{ "a declared field is left out", leave_out },
	{ "a declared field is left out of an inner object",
	  leave_out_inside },
	{ "a field out of order", put_out_of_order },
	{ "a field twice", put_twice },
	{ "null for what is not optional", put_null },
	{ "a value of another type", put_another_type },
	{ "a text for an object", put_a_text_for_an_object },
	{ "no field at all", put_nothing },
	{ "an object too many closed", close_nothing },
	{ "an object left open", leave_open },
	{ "another success than declared", succeed_otherwise },
	{ "a bare status", refuse_by_a_bare_status },
	{ "an undeclared error", refuse_undeclared },
	{ "a refusal called a success", refuse_and_succeed },
	{ "no answer", answer_nothing },
};

static void
is_a_500(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;

	breaks_its_word(broken[i].handle);
	memory_expect(ask(put_needed), 200, "{\"a\":\"\",\"d\":0}");
}

/* Those in a child may as well end the process, but not without an answer. */
struct risk {
	sb_handler	*handle;
	const struct sb_field *out;
	int		*answered;	/* shared: the status sent */
	const char	*media;		/* of an answer that is no JSON */
};
static struct risk risk;

static bool
note_answer(struct sb_conn *conn, const void *bytes, size_t n)
{
	(void)conn;
	if (n > 12 && memcmp(bytes, "Status: ", 8) == 0)
		*risk.answered = (int)strtol((const char *)bytes + 8, NULL,
		    10);
	return true;
}

static ssize_t
no_body(struct sb_conn *conn, void *bytes, size_t n)
{
	(void)conn;
	(void)bytes;
	(void)n;
	return 0;
}

static void
no_end(struct sb_conn *conn)
{
	(void)conn;
}

static int
run_risk(void *with)
{
	const struct sb_route routes[] = {
		{ SB_GET, "/", SB_PUBLIC, risk.handle, NULL, risk.out,
		  "Answer.", risk.out == NULL && risk.media == NULL ?
		  SB_NO_CONTENT : SB_OK, .media = risk.media },
		{ SB_NONE }
	};
	static char method[] = "REQUEST_METHOD=GET", target[] = "REQUEST_URI=/",
	    id[] = "HTTP_X_REQUEST_ID=me-1";
	char *params[] = { method, target, id, NULL };
	struct sb_conn conn = { .params = params, .read = no_body,
	    .write = note_answer, .finish = no_end };

	(void)with;
	sb_serve(&conn, "unit", routes, memory_db);
	return 0;
}

/* Its end, and through log what it said. */
static int
risks_media(sb_handler *handle, const struct sb_field *fields,
    const char *media, const char **log)
{
	int status;

	risk = (struct risk){ handle, fields, memory_shared(sizeof(int)),
	    media };
	memory_listen();
	status = memory_wait(memory_fork(run_risk, NULL));
	*log = memory_heard();
	return status;
}

static int
risks(sb_handler *handle, const struct sb_field *fields, const char **log)
{
	return risks_media(handle, fields, NULL, log);
}

static enum sb_status
give_up(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_header(rs, "X-Half", "done");
	sb_fatal("the wheel came off");
}

static void
a_fault_of_ours_is_a_500_and_the_end(void **state)
{
	const char *log;

	(void)state;
	assert_int_equal(risks(give_up, out, &log), EX_SOFTWARE);
	assert_int_equal(*risk.answered, 500);
	assert_non_null(strstr(log, " error unit me-1: the wheel came off\n"));
	assert_int_equal(times(log, "the wheel came off"), 1);
}

static enum sb_status
put_controls(struct sb_request *rq, struct sb_response *rs)
{
	sb_put_header(rs, "X-Evil", "a\r\nSet-Cookie: b");
	return put_needed(rq, rs);
}

static void
controls_in_a_header_are_a_fault_of_ours(void **state)
{
	const char *log;

	(void)state;
	assert_int_equal(risks(put_controls, out, &log), EX_SOFTWARE);
	assert_int_equal(*risk.answered, 500);
}

static enum sb_status
put_bytes(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_put_packed(rs, "bytes", 5);
}

/* What comes late is answered, too, as long as nothing was sent. */
static void
even_in_the_last_of_them(void **state)
{
	const char *log;

	(void)state;
	assert_int_equal(risks_media(put_bytes, NULL, "text/\r\n", &log),
	    EX_SOFTWARE);
	assert_int_equal(*risk.answered, 500);
}

static enum sb_status
open_many(struct sb_request *rq, struct sb_response *rs)
{
	static struct sb_field deep[2];

	(void)rq;
	deep[0] = (struct sb_field){ "c", SB_OBJECT, "More.", .fields = deep };
	sb_put_text(rs, OUT_A, "a");
	rs->answer.fields[0] = deep;
	for (int i = 0; i < 10; i++)
		sb_open(rs, 0);
	return SB_OK;
}

static void
too_many_levels_are_a_fault_of_ours(void **state)
{
	const char *log;

	(void)state;
	risks(open_many, out, &log);
	assert_int_equal(*risk.answered, 500);
}

static void
going_on_after_a_close_too_many_is_a_500(void **state)
{
	const char *log;

	(void)state;
	risks(close_nothing_and_go_on, out, &log);
	assert_int_equal(*risk.answered, 500);
}

static enum sb_status
put_into_a_list(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	sb_put_int(rs, ITEM_N, 1);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_into_a_map(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_MAP);
	sb_put_int(rs, ITEM_N, 1);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_an_item_nowhere(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_open_item(rs, NULL);
	sb_put_text(rs, OUT_A, "a");
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_an_item_into_an_object(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, OUT_A, "a");
	sb_open(rs, OUT_C);
	sb_open_item(rs, NULL);
	sb_close(rs);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_an_entry_into_an_object(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open_item(rs, "name");
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_an_entry_into_a_list(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_LIST);
	sb_open_item(rs, "name");
	sb_put_int(rs, ITEM_N, 1);
	sb_close(rs);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
put_an_item_into_a_map(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_open(rs, OUT_MAP);
	sb_open_item(rs, NULL);
	sb_put_int(rs, ITEM_N, 1);
	sb_close(rs);
	sb_close(rs);
	return SB_OK;
}

static enum sb_status
open_what_is_no_object(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_open(rs, OUT_A);
	sb_put_int(rs, 0, 1);
	sb_close(rs);
	return SB_OK;
}

static const struct {
	const char	*name;
	sb_handler	*handle;
} misplaced[] = {
	{ "a field straight in a list", put_into_a_list },
	{ "a field straight in a map", put_into_a_map },
	{ "an item where nothing is open", put_an_item_nowhere },
	{ "an item in an object", put_an_item_into_an_object },
	{ "a named item in an object", put_an_entry_into_an_object },
	{ "a named item in a list", put_an_entry_into_a_list },
	{ "a nameless item in a map", put_an_item_into_a_map },
	{ "a text opened", open_what_is_no_object },
};

static void
is_answered(void **state)
{
	const char *log;

	risks(misplaced[(size_t)(uintptr_t)*state].handle, out, &log);
	assert_int_equal(*risk.answered, 500);
}

static enum sb_status
put_undeclared(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	sb_put_text(rs, 0, "a");
	return SB_NO_CONTENT;
}

static void
a_body_where_none_is_declared_is_a_500(void **state)
{
	const char *log;

	(void)state;
	risks(put_undeclared, NULL, &log);
	assert_int_equal(*risk.answered, 500);
}

/* ----------------------------------------------------------------- refusals */

static enum sb_status
refuse(struct sb_request *rq, struct sb_response *rs)
{
	put_needed(rq, rs);
	sb_put_header(rs, "X-Half", "done");
	return sb_fail(rs, &taken);
}

static void
a_refusal_is_all_there_is(void **state)
{
	const struct memory_answer *a = ask(refuse);

	(void)state;
	memory_expect(a, 409, "{\"detail\":\"Taken\"}");
	assert_string_equal(a->reason, "Conflict");
	assert_null(memory_header(a, "X-Half"));
	assert_null(memory_header(a, "WWW-Authenticate"));
}

static enum sb_status
refuse_grant(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &grant);
}

static void
a_401_names_its_scheme(void **state)
{
	const struct memory_answer *a = ask(refuse_grant);

	(void)state;
	memory_expect(a, 401, "{\"detail\":\"No\",\"error\":"
	    "\"invalid_grant\"}");
	assert_string_equal(memory_header(a, "WWW-Authenticate"), "Bearer");
}

static enum sb_status
fail_the_store(struct sb_request *rq, struct sb_response *rs)
{
	sb_db_fail(rq->db, SB_UNAVAILABLE, "a test wants it so");
	return put_needed(rq, rs);
}

static void
a_failed_store_is_a_503(void **state)
{
	const struct memory_answer *a = ask(fail_the_store);

	(void)state;
	memory_expect(a, 503,
	    "{\"detail\":\"Service temporarily unavailable\"}");
	assert_string_equal(memory_header(a, "Retry-After"), "1");
	memory_expect(ask(put_needed), 200, "{\"a\":\"\",\"d\":0}");
}

/* ------------------------------------------------------------ header fields */

static const struct sb_route plain[] = {
	{ SB_GET, "/", SB_PUBLIC, put_needed, NULL, out, "Answer." },
	{ SB_POST, "/", SB_PUBLIC, put_needed, secret_in, out, "Answer." },
	{ SB_NONE }
};

static void
every_answer_has_these(void **state)
{
	static const char *const targets[] = { "/", "/x", "/%ff" };

	(void)state;
	for (size_t i = 0; i < COUNT(targets); i++) {
		const struct memory_answer *a = CALL(plain,
		    .target = targets[i]);

		assert_string_equal(memory_header(a,
		    "X-Content-Type-Options"), "nosniff");
		assert_string_equal(memory_header(a, "Vary"), "Origin");
		assert_true(sb_is_uuid(memory_header(a, "X-Request-ID")));
		assert_string_equal(memory_header(a, "Content-Type"),
		    "application/json");
		assert_int_equal(strtol(memory_header(a, "Content-Length"),
		    NULL, 10), a->length);
		assert_null(memory_header(a, "Cache-Control"));
	}
}

static void
the_clients_id_is_kept_if_it_is_harmless(void **state)
{
#define SIXTY4	"0123456789abcdefghijklmnopqrstuvwxyz" \
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ._"
	static const char *const kept[] = { "a", "A.b_c-9", SIXTY4 };
	static const char *const changed[] = { "", SIXTY4 "-", "a b", "a\tb",
	    "\xc3\xa9", "a;b", "a/b", "<a>" };
	struct sb_pool *pool = sb_pool_new();

	(void)state;
	for (size_t i = 0; i < COUNT(kept); i++)
		assert_string_equal(memory_header(CALL(plain, .target = "/",
		    .more = { sb_printf(pool, "HTTP_X_REQUEST_ID=%s",
		    kept[i]) }), "X-Request-ID"), kept[i]);
	for (size_t i = 0; i < COUNT(changed); i++)
		assert_true(sb_is_uuid(memory_header(CALL(plain,
		    .target = "/", .more = { sb_printf(pool,
		    "HTTP_X_REQUEST_ID=%s", changed[i]) }),
		    "X-Request-ID")));
	sb_pool_free(pool);
}

static void
what_has_to_do_with_secrets_is_not_stored(void **state)
{
	static const char *const bodies[] = { "{\"password\":\"x\"}", "{}",
	    "{", "7" };

	(void)state;
	assert_string_equal(memory_header(CALL(plain, .target = "/",
	    .more = { "HTTP_AUTHORIZATION=Basic YTpi" }), "Cache-Control"),
	    "no-store");
	assert_string_equal(memory_header(CALL(plain, .target = "/x",
	    .more = { "HTTP_AUTHORIZATION=Basic YTpi" }), "Cache-Control"),
	    "no-store");
	for (size_t i = 0; i < COUNT(bodies); i++)
		assert_string_equal(memory_header(CALL(plain, .target = "/",
		    .method = "POST", .body = bodies[i]), "Cache-Control"),
		    "no-store");
}

static enum sb_status
drop(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	(void)rs;
	return SB_NO_CONTENT;
}

static void
no_content_has_no_body_and_no_type(void **state)
{
	const struct sb_route routes[] = {
		{ SB_DELETE, "/", SB_PUBLIC, drop, .doc = "Drop.",
		  .success = SB_NO_CONTENT },
		{ SB_NONE }
	};
	const struct memory_answer *a = CALL(routes, .method = "DELETE",
	    .target = "/");

	(void)state;
	assert_int_equal(a->status, 204);
	assert_string_equal(a->reason, "No Content");
	assert_int_equal(a->length, 0);
	assert_null(memory_header(a, "Content-Type"));
	assert_null(memory_header(a, "Content-Length"));
}

static enum sb_status
missing_page(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_put_page(rs, "no-such-page.html");
}

static void
a_missing_page_is_a_fault_of_ours(void **state)
{
	const struct sb_route routes[] = {
		{ SB_GET, "/", SB_PUBLIC, missing_page, .doc = "Show.",
		  .media = "text/html" },
		{ SB_NONE }
	};
	const struct memory_answer *a = CALL(routes, .target = "/");

	(void)state;
	memory_expect(a, 500, "{\"detail\":\"Internal Server Error\"}");
	assert_string_equal(memory_header(a, "Content-Type"),
	    "application/json");
	assert_non_null(strstr(a->log, "no-such-page.html"));
}

/* ------------------------------------------------------------ streams */

static int events;		/* that were sent */

static enum sb_status
listen_or_refuse(struct sb_response *rs)
{
	const enum sb_status status = sb_listen(rs, NULL,
	    SB_STREAM_MAX);

	return status == SB_NEXT ? SB_OK : status;
}

static void
write_something(struct sb_request *rq)
{
	sb_run(rq->db, SB_Q_USER_ADD, sb_bind("id", UUID),
	    sb_bind("email", "e"), sb_bind("email_key", "e"),
	    sb_bind("username", "u"), sb_bind("username_key", "u"),
	    sb_bind("password", "p"));
}

static enum sb_status
begin_stream(struct sb_request *rq, struct sb_response *rs)
{
	write_something(rq);
	return listen_or_refuse(rs);
}

static enum sb_status
refuse_stream(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return sb_fail(rs, &taken);
}

/* It sees what was committed, and holds no lock. */
static bool
send_events(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	assert_false(sb_db_writing(rq->db));
	assert_non_null(sb_one(rq->db, SB_Q_USER_BY_USERNAME,
	    sb_bind("key", "u")));
	if (++*cursor == 1)
		events = 0;
	assert_int_equal(*cursor, events + 1);
	return sb_event(rs, NULL, "e", events == 0 ? "a\nb\r\nc" : "") &&
	    sb_pause(rs, 1) && ++events < 3;
}

#define STREAM(handle) (const struct sb_route[]){ \
	{ SB_GET, "/", SB_PUBLIC, handle, .doc = "Stream.", \
	  .media = SB_EVENT_STREAM, .stream = send_events, \
	  .errors = { &taken } }, { SB_NONE } }

static void
events_follow_what_was_committed(void **state)
{
	const struct memory_answer *a = CALL(STREAM(begin_stream), "GET", "/");

	(void)state;
	assert_int_equal(a->status, 200);
	assert_string_equal(a->body, "event: e\ndata: a\ndata: b\ndata: c\n\n"
	    "event: e\ndata: \n\nevent: e\ndata: \n\n");
	assert_string_equal(memory_header(a, "Content-Type"),
	    "text/event-stream");
	assert_string_equal(memory_header(a, "Cache-Control"), "no-store");
	assert_string_equal(memory_header(a, "X-Accel-Buffering"), "no");
	assert_null(memory_header(a, "Content-Length"));
	assert_int_equal(a->finished, 1);
}

static void
a_stream_ends_with_its_client(void **state)
{
	(void)state;
	/* The first flush is of the header fields, the second in the pause. */
	CALL(STREAM(begin_stream), "GET", "/", .leaves_at = 3);
	assert_int_equal(events, 1);
	CALL(STREAM(begin_stream), "GET", "/", .leaves_at = 2);
	assert_int_equal(events, 0);
	events = -1;
	CALL(STREAM(begin_stream), "GET", "/", .leaves_at = 1);
	assert_int_equal(events, -1);
}

static enum sb_status
begin_nothing(struct sb_request *rq, struct sb_response *rs)
{
	(void)rq;
	return listen_or_refuse(rs);
}

static void
there_are_only_so_many_at_once(void **state)
{
	const int n = (int)sb_settings.waiters;
	int places[8];

	(void)state;
	assert_in_range(n, 1, COUNT(places));
	for (int i = 0; i < n; i++) {
		places[i] = sb_slot_take("stream", n, 0);
		assert_true(places[i] >= 0);
	}
	events = -1;
	memory_expect(CALL(STREAM(begin_nothing), "GET", "/"), 503,
	    "{\"detail\":\"Service temporarily unavailable\"}");
	assert_int_equal(events, -1);
	assert_int_equal(CALL(STREAM(begin_nothing), "HEAD", "/")->status,
	    200);
	for (int i = 0; i < n; i++)
		sb_slot_leave(places[i]);
	assert_int_equal(CALL(STREAM(begin_nothing), "GET", "/")->status,
	    200);
}

/* As if that much time had gone by since the stream began. */
static bool
send_after(struct sb_request *rq, struct sb_response *rs, int64_t time)
{
	struct sb_wait *wait = rq->way->wait;

	wait->sent_at -= time;
	wait->end -= time;
	events += sb_pause(rs, SB_SECOND / 100);
	return false;
}

static bool
send_late(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)cursor;
	return send_after(rq, rs, SB_STREAM_QUIET);
}

static bool
send_too_late(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)cursor;
	return send_after(rq, rs, SB_STREAM_MAX);
}

static bool
send_forever(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	if (++*cursor == 3)
		rq->way->wait->end = 0;
	return sb_event(rs, NULL, "e", "");
}

#define SEND(send) (const struct sb_route[]){ \
	{ SB_GET, "/", SB_PUBLIC, begin_nothing, .doc = "Stream.", \
	  .media = SB_EVENT_STREAM, .stream = (send) }, { SB_NONE } }

static bool
write_and_send(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)cursor;
	write_something(rq);
	assert_true(sb_db_writing(rq->db));
	assert_true(sb_event(rs, NULL, "e", ""));
	assert_false(sb_db_writing(rq->db));
	assert_non_null(sb_one(rq->db, SB_Q_USER_BY_USERNAME,
	    sb_bind("key", "u")));
	return false;
}

static bool
fail_and_send(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)cursor;
	write_something(rq);
	sb_db_fail(rq->db, SB_UNAVAILABLE, "full");
	assert_false(sb_event(rs, NULL, "e", ""));
	return true;
}

/* Its table is not empty. */
static bool
draft_and_send(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)cursor;
	write_something(rq);
	sb_draft(rs, inner_out);
	sb_draft_end(rs);
	assert_false(sb_event(rs, NULL, "e", ""));
	return true;
}

static void
a_stream_keeps_nothing_of_a_faulty_draft(void **state)
{
	(void)state;
	memory_anew();
	assert_string_equal(CALL(SEND(draft_and_send), "GET", "/")->body, "");
	/* The same can be written once more. */
	assert_string_equal(CALL(SEND(write_and_send), "GET", "/")->body,
	    "event: e\ndata: \n\n");
}

/* What a client has seen must not be undone, and be done again otherwise. */
static void
events_wait_for_what_their_round_has_written(void **state)
{
	(void)state;
	memory_anew();
	assert_string_equal(CALL(SEND(fail_and_send), "GET", "/")->body, "");
	assert_string_equal(CALL(SEND(write_and_send), "GET", "/")->body,
	    "event: e\ndata: \n\n");
}

static void
a_quiet_stream_has_comments(void **state)
{
	(void)state;
	events = 0;
	assert_string_equal(CALL(SEND(send_late), "GET", "/")->body,
	    ": still here\n\n");
	assert_int_equal(events, 1);
}

static void
a_stream_ends_in_time(void **state)
{
	(void)state;
	events = 0;
	assert_string_equal(CALL(SEND(send_too_late), "GET", "/")->body, "");
	assert_int_equal(events, 0);
	assert_string_equal(CALL(SEND(send_forever), "GET", "/")->body,
	    "event: e\ndata: \n\nevent: e\ndata: \n\n"
	    "event: e\ndata: \n\n");
}

/* -------------------------------------------- a stream, or else an answer */

enum { EITHER_OK };
static const struct sb_field either_out[] = {
	[EITHER_OK] = { "ok", SB_BOOL, "Always." }, SB_END
};

static enum sb_status
begin_either(struct sb_request *rq, struct sb_response *rs)
{
	if (sb_streams(rq))
		return listen_or_refuse(rs);
	sb_put_bool(rs, EITHER_OK, true);
	return SB_OK;
}

static bool
send_one(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	(void)rq;
	(void)cursor;
	sb_event(rs, "7", "e", "{}");
	return false;
}

static const struct sb_route either[] = {
	{ SB_GET, "/", SB_PUBLIC, begin_either, NULL, either_out,
	  .doc = "Either.", .stream = send_one },
	{ SB_NONE }
};

#define ACCEPT	"HTTP_ACCEPT="

static void
who_asks_for_a_stream_has_it(void **state)
{
	static const char *const accepts[] = {
	    ACCEPT "text/event-stream", ACCEPT "Text/Event-Stream",
	    ACCEPT "text/event-stream;q=0.1",
	    ACCEPT "*/*;q=0.5, text/event-stream",
	    ACCEPT "text/html,text/event-stream; q=0.001 , a/b",
	    ACCEPT "application/json;q=0.5,text/event-stream",
	    ACCEPT "application/json, text/event-stream" };

	(void)state;
	for (size_t i = 0; i < COUNT(accepts); i++) {
		const struct memory_answer *a = CALL(either, "GET", "/",
		    .more = { accepts[i] });

		if (strcmp(a->body, "id: 7\nevent: e\ndata: {}\n\n") != 0)
			fail_msg("%s: %s", accepts[i], a->body);
		assert_string_equal(memory_header(a, "Content-Type"),
		    "text/event-stream");
		assert_null(memory_header(a, "Content-Length"));
	}
}

static void
everybody_else_has_an_answer(void **state)
{
	static const char *const accepts[] = { ACCEPT "*/*",
	    ACCEPT "application/json", ACCEPT, ACCEPT ",;q=1,",
	    ACCEPT "text/event-stream;q=0", ACCEPT "text/*",
	    ACCEPT "text/event-stream; Q=0.000", ACCEPT "text/event",
	    ACCEPT "text/event-streams", ACCEPT "text/event-stream;a=1;q=0",
	    ACCEPT "application/json, text/event-stream;q=0.9" };

	(void)state;
	for (size_t i = 0; i < COUNT(accepts); i++) {
		const struct memory_answer *a = CALL(either, "GET", "/",
		    .more = { accepts[i] });

		if (strcmp(a->body, "{\"ok\":true}") != 0)
			fail_msg("%s: %s", accepts[i], a->body);
		assert_string_equal(memory_header(a, "Content-Type"),
		    "application/json");
	}
	memory_expect(CALL(either, "GET", "/"), 200, "{\"ok\":true}");
}

#define FEEDS	((size_t)64 * 1024)

static bool
send_feeds(struct sb_request *rq, struct sb_response *rs, int64_t *cursor)
{
	char *data = sb_alloc(rq->pool, FEEDS + 1);

	(void)cursor;
	memset(data, '\n', FEEDS);
	sb_event(rs, NULL, "feeds", data);
	return false;
}

/* Were each line added to a copy of all before, these would be gigabytes. */
static void
an_event_may_be_of_many_lines(void **state)
{
	const struct sb_route routes[] = {
		{ SB_GET, "/", SB_PUBLIC, begin_nothing, .doc = "Stream.",
		  .media = SB_EVENT_STREAM, .stream = send_feeds },
		{ SB_NONE }
	};
	const struct memory_answer *a;
	const char *line;
	size_t n = 0;

	(void)state;
	a = CALL(routes, "GET", "/");
	line = a->body + strlen("event: feeds\n");
	for (; strncmp(line, "data: \n", 7) == 0; line += 7)
		n++;
	assert_int_equal(n, FEEDS + 1);
	assert_string_equal(line, "\n");
}

static void
a_refusal_and_a_head_have_no_stream(void **state)
{
	const struct memory_answer *a;

	(void)state;
	events = -1;
	memory_expect(CALL(STREAM(refuse_stream), "GET", "/"), 409,
	    "{\"detail\":\"Taken\"}");
	a = CALL(STREAM(begin_stream), "HEAD", "/");
	assert_int_equal(a->status, 200);
	assert_string_equal(a->body, "");
	assert_int_equal(events, -1);
	assert_string_equal(memory_header(a, "Content-Type"),
	    "text/event-stream");
	assert_string_equal(memory_header(a, "Cache-Control"), "no-store");
}

/* Each status has the number that HTTP gives it. */
static void
statuses_are_those_of_http(void **state)
{
	static const int numbers[SB_STATUSES] = { 500, 200, 201, 204, 400,
	    401, 403, 404, 405, 409, 413, 422, 429, 500, 503 };

	(void)state;
	for (int i = 0; i < SB_STATUSES; i++) {
		assert_int_equal(sb_status_number((enum sb_status)i),
		    numbers[i]);
		assert_true(strlen(sb_status_reason((enum sb_status)i)) > 0);
	}
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(all_fields),
	cmocka_unit_test(optional_fields_may_be_left_out),
	cmocka_unit_test(lists_and_maps_of_objects),
	cmocka_unit_test(a_list_may_be_empty_or_null),
	cmocka_unit_test(a_list_may_be_long),
	cmocka_unit_test(ready_json_stays_as_it_is),
	cmocka_unit_test(no_json_is_null),
	cmocka_unit_test(drafts_leave_the_answer_alone),
	cmocka_unit_test(a_draft_needs_no_answer),
	cmocka_unit_test(an_error_may_have_fields),
	cmocka_unit_test(the_last_refusal_is_what_is_answered),
	cmocka_unit_test(a_fault_of_ours_is_a_500_and_the_end),
	cmocka_unit_test(controls_in_a_header_are_a_fault_of_ours),
	cmocka_unit_test(even_in_the_last_of_them),
	cmocka_unit_test(too_many_levels_are_a_fault_of_ours),
	cmocka_unit_test(going_on_after_a_close_too_many_is_a_500),
	cmocka_unit_test(a_body_where_none_is_declared_is_a_500),
	cmocka_unit_test(a_refusal_is_all_there_is),
	cmocka_unit_test(a_401_names_its_scheme),
	cmocka_unit_test(a_failed_store_is_a_503),
	cmocka_unit_test(every_answer_has_these),
	cmocka_unit_test(the_clients_id_is_kept_if_it_is_harmless),
	cmocka_unit_test(what_has_to_do_with_secrets_is_not_stored),
	cmocka_unit_test(no_content_has_no_body_and_no_type),
	cmocka_unit_test(a_missing_page_is_a_fault_of_ours),
	cmocka_unit_test(events_follow_what_was_committed),
	cmocka_unit_test(a_stream_ends_with_its_client),
	cmocka_unit_test(there_are_only_so_many_at_once),
	cmocka_unit_test(a_stream_keeps_nothing_of_a_faulty_draft),
	cmocka_unit_test(events_wait_for_what_their_round_has_written),
	cmocka_unit_test(a_quiet_stream_has_comments),
	cmocka_unit_test(a_stream_ends_in_time),
	cmocka_unit_test(who_asks_for_a_stream_has_it),
	cmocka_unit_test(everybody_else_has_an_answer),
	cmocka_unit_test(an_event_may_be_of_many_lines),
	cmocka_unit_test(a_refusal_and_a_head_have_no_stream),
	cmocka_unit_test(statuses_are_those_of_http),
};

int
main(void)
{
	struct CMUnitTest tests[COUNT(broken) + COUNT(misplaced) +
	    COUNT(others)], *test = tests;

	for (size_t i = 0; i < COUNT(broken); i++)
		*test++ = (struct CMUnitTest){
			.name = broken[i].name,
			.test_func = is_a_500,
			.initial_state = (void *)(uintptr_t)i,
		};
	for (size_t i = 0; i < COUNT(misplaced); i++)
		*test++ = (struct CMUnitTest){
			.name = misplaced[i].name,
			.test_func = is_answered,
			.initial_state = (void *)(uintptr_t)i,
		};
	memcpy(test, others, sizeof(others));
	return cmocka_run_group_tests_name("response", tests, memory_begin,
	    memory_end);
}
