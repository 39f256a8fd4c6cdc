/*
 * What an operation of the OpenAPI document can answer: its own answer, the
 * errors of its row, and those that any request can lead to.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "openapi.h"

/* The answers of an operation under way. */
struct answers {
	struct sb_openapi *o;
	const struct sb_route *route;
	struct json_object *json;
};

/* ------------------------------------------------------------- one of them */

/* The answer of that status, to which these header fields are added. */
static struct json_object *
answer(struct answers *a, enum sb_status status, unsigned headers)
{
	struct json_object *answer;
	const char *name;

	answer = child(a->json, sb_printf(a->o->pool, "%d",
	    sb_status_number(status)));
	if (!json_object_object_get_ex(answer, "description", NULL))
		add(answer, "description", text(sb_status_reason(status)));
	for (int i = 0; i < SB_HEADERS; i++) {
		name = sb_headers[i].name;
		if (headers & 1U << i)
			add(child(child(answer, "headers"), name), "$ref",
			    text(sb_printf(a->o->pool,
			    "#/components/headers/%s", name)));
	}
	return answer;
}

static struct json_object *
json_of(struct json_object *answer)
{
	return child(child(answer, "content"), SB_MEDIA_JSON);
}

/*
 * Takes the example's body; its name is made of words that say what it is, but
 * for what differs each time: session_not_found.
 */
static void
add_example(struct sb_pool *pool, struct json_object *media, const char *words,
    struct json_object *body)
{
	char *name = sb_alloc(pool, strlen(words) + 1), *to = name;
	const size_t n = strlen(SB_ERROR_ABOUT);

	for (const char *p = words; *p != '\0'; p++)
		if (strncmp(p, SB_ERROR_ABOUT, n) == 0)
			p += n - 1;
		else if (isalnum((unsigned char)*p))
			*to++ = (char)tolower((unsigned char)*p);
		else if (to > name && to[-1] != '_')
			*to++ = '_';
	if (to > name && to[-1] == '_')
		to[-1] = '\0';
	add(child(child(media, "examples"), name), "value", body);
}

/* Takes the schema; an answer may be of either, where it isn't the first. */
static void
add_schema(struct json_object *media, struct json_object *schema)
{
	struct json_object *first, *either;

	if (!json_object_object_get_ex(media, "schema", &first)) {
		add(media, "schema", schema);
		return;
	}
	if (json_object_equal(first, schema)) {
		json_object_put(schema);
		return;
	}
	if (!json_object_object_get_ex(first, "anyOf", &either)) {
		either = array_of(json_object_get(first));
		first = json_object_new_object();
		add(first, "anyOf", either);
		add(media, "schema", first);
	}
	for (size_t i = 0; i < json_object_array_length(either); i++)
		if (json_object_equal(json_object_array_get_idx(either, i),
		    schema)) {
			json_object_put(schema);
			return;
		}
	json_object_array_add(either, schema);
}

/* -------------------------------------------------------------- a success */

static void
add_content(struct answers *a, struct json_object *answer)
{
	const struct sb_route *r = a->route;

	const char *media = r->stream != NULL ? SB_EVENT_STREAM : r->media;

	if (media != NULL)
		add(child(child(answer, "content"), media), "schema",
		    json_object_new_object());
	if (r->out != NULL)
		add(json_of(answer), "schema", sb_schema_fields(a->o, r->out,
		    SB_OF_ANSWER));
}

static void
add_success(struct answers *a)
{
	const struct sb_route *r = a->route;
	enum sb_status status = r->success == SB_NEXT ? SB_OK : r->success;
	struct json_object *success = answer(a, status,
	    sb_example_success(a->o, r, status).headers), *example = NULL;

	if (sb_idempotency_field(r) >= 0)
		answer(a, status, 1U << SB_IDEMPOTENCY_REPLAYED);
	add_content(a, success);
	if (r->out != NULL)
		example = sb_example_answer(r->out);
	if (example != NULL)
		add(json_of(success), "example", example);
}

static void
add_otherwise(struct answers *a)
{
	const enum sb_status status = a->route->otherwise;
	struct sb_example example = sb_example_otherwise(a->o, a->route);
	struct json_object *other = answer(a, status, example.headers);

	add_content(a, other);
	add_example(a->o->pool, json_of(other), sb_status_reason(status),
	    example.body);
}

/* --------------------------------------------------------------- refusals */

static void
add_error(struct answers *a, const struct sb_error *e)
{
	struct sb_example example = sb_example_error(a->o, a->route, e);
	struct json_object *media = json_of(answer(a, e->status,
	    example.headers));

	add_schema(media, sb_schema_fields(a->o, e->fields == NULL ?
	    sb_error_fields : e->fields, SB_OF_ANSWER));
	add_example(a->o->pool, media, e->detail, example.body);
}

static void
add_limited(struct answers *a)
{
	struct json_object *media;
	struct sb_example example;

	for (unsigned bit = 1; bit < 1U << SB_LIMITS; bit <<= 1) {
		enum sb_limit limit = (enum sb_limit)bit;

		if (!(a->route->limits & bit))
			continue;
		example = sb_example_limited(a->o, a->route, limit);
		media = json_of(answer(a, SB_TOO_MANY, example.headers));
		add_schema(media, sb_schema_fields(a->o, sb_limited_fields,
		    SB_OF_ANSWER));
		add_example(a->o->pool, media, sb_limit_name(limit),
		    example.body);
	}
}

/* What can be wrong with a field, but of an id in the path: it is a 404. */
static unsigned
flaws_of(const struct sb_field *f, unsigned taken)
{
	if (f->in == SB_IN_BODY)
		return sb_check_flaws(f, taken & SB_JSON, taken & SB_FORM);
	if (f->in == SB_IN_QUERY || f->in == SB_IN_HEADER)
		return sb_check_flaws(f, false, true);
	return f->kind == SB_UUID ? 0 : sb_check_flaws(f, false, false) &
	    ~(1U << SB_FLAW_MISSING);
}

static void
add_invalid(struct answers *a)
{
	const struct sb_route *r = a->route;
	unsigned taken = sb_openapi_bodies(r), flaws = 0;
	struct json_object *invalid, *media;
	struct sb_example example;

	for (const struct sb_field *f = r->in; f != NULL && f->name != NULL;
	    f++)
		flaws |= flaws_of(f, taken);
	if (flaws == 0)
		return;
	if (taken & SB_JSON)
		flaws |= 1U << SB_FLAW_JSON | 1U << SB_FLAW_NO_OBJECT;
	example = sb_example_invalid(a->o, r);
	invalid = answer(a, SB_UNPROCESSABLE, example.headers);
	add(invalid, "description", text(sb_printf(a->o->pool,
	    "%s. The types that can be among its entries: %s.",
	    sb_status_reason(SB_UNPROCESSABLE),
	    sb_schema_flaws(a->o->pool, flaws))));
	media = json_of(invalid);
	add_schema(media, sb_schema_invalid(a->o));
	if (example.body == NULL)
		return;
	/* OpenAPI has either one without a name, or such as have names. */
	if (json_object_object_get_ex(media, "examples", NULL))
		add_example(a->o->pool, media, "invalid", example.body);
	else
		add(media, "example", example.body);
}

/* ------------------------------------------------------------- all of them */

unsigned
sb_openapi_bodies(const struct sb_route *r)
{
	for (const struct sb_field *f = r->in; f != NULL && f->name != NULL;
	    f++)
		if (f->in == SB_IN_BODY)
			return r->body == 0 ? SB_JSON : r->body;
	return 0;
}

static bool
has_id(const struct sb_route *r)
{
	for (const struct sb_field *f = r->in; f != NULL && f->name != NULL;
	    f++)
		if (f->in == SB_IN_PATH && f->kind == SB_UUID)
			return true;
	return false;
}

/* A body that nobody asked for is read, too. */
void
sb_openapi_answers(struct sb_openapi *o, struct json_object *json,
    const struct sb_route *r)
{
	const struct sb_error *const *of_access = r->access->errors;
	struct answers a = { o, r, json };

	add_success(&a);
	if (r->otherwise != SB_NEXT)
		add_otherwise(&a);
	add_error(&a, &sb_error_incomplete);
	add_error(&a, &sb_error_ambiguous);
	for (int i = 0; i < SB_ROUTE_ERRORS && r->errors[i] != NULL; i++)
		add_error(&a, r->errors[i]);
	for (; of_access != NULL && *of_access != NULL; of_access++)
		add_error(&a, *of_access);
	if (has_id(r))
		add_error(&a, &sb_error_not_found);
	add_error(&a, &sb_error_too_large);
	if (sb_idempotency_field(r) >= 0)
		add_error(&a, &sb_error_repeat);
	add_invalid(&a);
	add_limited(&a);
	add_error(&a, &sb_error_internal);
	if (r->otherwise != SB_UNAVAILABLE)
		add_error(&a, &sb_error_unavailable);
}
